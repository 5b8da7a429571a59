"""From a fresh clone to the first answer, step by step: what someone who follows the README waits for.

Does: clones this repository (its last commit) into an empty folder and runs `make setup`, then `course ask`, with a new
cache, and notes when each step's first line appears. Does not: download twice; pip may take packages from its own cache
or from a mirror, so the figure for packages depends on the network.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.rows import NotMeasured, Row
from bench.setting import Setting, environment
from course import ROOT

MARKS = (
    ("setup: a virtual environment", "a virtual environment"),
    ("setup: installing", "the locked packages"),
    ("building the embedded model", "the embedded model"),
    ("── asking", "a server, and the first answer"),
)
Line = tuple[float, str]


def steps(lines: Sequence[Line], end: float) -> list[tuple[str, float]]:
    """(step, seconds): each lasts from its mark to the next one, what is before the first is the clone."""
    found = [("the clone", 0.0)]
    for at, text in lines:
        for mark, step in MARKS:
            if text.startswith(mark):
                found.append((step, at))
    ends = [at for _, at in found[1:]] + [end]
    return [(step, until - at) for (step, at), until in zip(found, ends, strict=True)]


def follow(command: list[str], folder: Path, env: dict[str, str], began: float) -> list[Line]:
    """Run it to its end; its lines with the seconds since `began`."""
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines = [(time.perf_counter() - began, line.rstrip()) for line in process.stdout]
    if process.returncode:
        end = "\n".join(text for _, text in lines[-8:])
        raise NotMeasured(f"{' '.join(command)} ended with status {process.returncode}:\n{end}")
    return lines


def measure(setting: Setting) -> list[Row]:
    for needed in ("git", "make"):
        if shutil.which(needed) is None:
            raise NotMeasured(f"there is no {needed}")
    folder = setting.folder / "clone"
    env = environment(COURSE_CACHE=str(setting.folder / "clone-cache"), PYTHONUNBUFFERED="1")
    env.pop("PYTHONPATH")
    began = time.perf_counter()
    lines = follow(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], ROOT, env, began)
    python = getattr(sys, "_base_executable", sys.executable)
    lines += follow(["make", "setup", f"PYTHON={python}"], folder, env, began)
    lines.append((time.perf_counter() - began, "── asking"))
    lines += follow([str(folder / ".venv" / "bin" / "course"), "ask"], folder, env, began)
    total = time.perf_counter() - began
    return rows(steps(lines, total), total)


def rows(found: Sequence[tuple[str, float]], total: float) -> list[Row]:
    """Each step as its share of the whole."""
    made = [Row(step, seconds / total, f"{seconds:.1f} s") for step, seconds in found]
    data = {"steps": dict(found)}
    return [*made, Row("from the clone to the answer", None, f"{total:.1f} s", data=data)]
