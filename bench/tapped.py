"""What the tap costs, as rows of a table: runs bench/tap.py in its own process and reads its JSON."""

import json
import subprocess
from typing import Any

from bench.rows import Row
from bench.setting import Setting, environment, python
from course import ROOT


def measure(setting: Setting) -> list[Row]:
    done = subprocess.run(
        python("-m", "bench.tap", "--json"), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"bench.tap ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return rows(json.loads(done.stdout))


def rows(cases: list[dict[str, Any]]) -> list[Row]:
    """Pure: no model answers these requests, so the milliseconds tell more than the ratio."""
    return [
        Row(
            f"{case['case']}, until {case['until']}",
            case["ratio"],
            f"{case['tapped_ms']} ms ÷ {case['direct_ms']} ms: {case['more_ms']} ms more",
            data=case,
        )
        for case in cases
    ]
