"""The notebooks as tests: wall time ÷ the time that servers were busy, and ÷ the times of nbmake and nbconvert.

Runs all notebooks three times, each time on one shared server (our suite compares outputs, the others only execute) and
with a separate cache, so that the logs show how busy all servers were, including those that lessons start. Installs
nothing: nbmake is not part of the course, and `make bench` puts it into build/bench.

A server is busy while it loads weights, processes prompts and generates. The rest is Python: kernels, smolagents,
papermill.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.rows import Row
from bench.serverlog import Busy, Collected
from bench.setting import Setting, environment, private_cache, python
from course import ROOT

TOOLS = ROOT / "build" / "bench"
CELL_SECONDS = 300


@dataclass(frozen=True)
class Suite:
    """One way to run all notebooks. `missing` says why it could not be run."""

    seconds: float = 0.0
    passed: bool = False
    busy: Busy = field(default_factory=Busy)
    end: str = ""
    missing: str = ""


def notebooks(folder: Path) -> list[Path]:
    return sorted([*folder.glob("[0-9]*.ipynb"), *folder.glob("solutions/[0-9]*.ipynb")])


def ours(copies: Path) -> list[str]:
    return python("-m", "pytest", ROOT / "notebooks", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT)


def nbmake(copies: Path) -> list[str]:
    """Without the project's settings and conftest, which would load our own plugin."""
    alone: list[str | Path] = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", copies]
    return python("-m", "pytest", "--nbmake", f"--nbmake-timeout={CELL_SECONDS}", *alone, *notebooks(copies))


def nbconvert(copies: Path) -> list[str]:
    options = ["--to", "notebook", "--execute", f"--ExecutePreprocessor.timeout={CELL_SECONDS}"]
    return python("-m", "nbconvert", *options, "--inplace", *notebooks(copies))


WAYS: dict[str, Callable[[Path], list[str]]] = {"ours": ours, "nbmake": nbmake, "nbconvert": nbconvert}


def run(setting: Setting, name: str) -> Suite:
    """Run the notebooks one way, on a fresh server."""
    if name == "nbmake" and not (TOOLS / "nbmake").is_dir():
        return Suite(missing="nbmake is not installed; make bench installs it if there is a network")
    folder = setting.folder / name
    copies = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", copies, ignore=shutil.ignore_patterns("source", ".ipynb_checkpoints"))
    with (
        private_cache(folder / "cache") as cache,
        Collected(cache / "logs", folder / "logs") as logs,
        setting.server(metrics=True, props=True) as server,
    ):
        given = environment(
            SERVER=server.url, PROFILE=setting.profile, COURSE_CACHE=str(cache),
            COURSE_PROGRESS=str(folder / "progress.json"),
        )  # fmt: skip
        given["PYTHONPATH"] += os.pathsep + str(TOOLS)
        began = time.perf_counter()
        done = subprocess.run(
            WAYS[name](copies), cwd=ROOT if name == "ours" else folder, env=given,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
    return Suite(seconds, done.returncode == 0, logs.busy(), end)


def measure(setting: Setting) -> list[Row]:
    found = {}
    for name in WAYS:
        setting.say(f"   … {name}")
        found[name] = run(setting, name)
        if found[name].end and not found[name].passed:
            setting.say(found[name].end)
    return rows(found, len(notebooks(ROOT / "notebooks")))


def rows(found: dict[str, Suite], count: int) -> list[Row]:
    """Pure. Only our own suite may fail the run: the others are there to compare with."""
    mine = found["ours"]
    busy = mine.busy
    parts = (
        f"{busy.prompt:.0f} prompt processing + {busy.generation:.0f} generation + {busy.loading:.0f} loading"
    )
    made = [
        Row(
            f"our suite, {count} notebooks ÷ servers busy" + ("" if mine.passed else " (it failed)"),
            mine.seconds / busy.total if busy.total else None,
            f"{mine.seconds:.0f} s ÷ {busy.total:.0f} s ({parts}; {busy.requests} requests)",
            limit=1.3,
            failed=not mine.passed,
            data={"seconds": mine.seconds, "busy": vars(busy), "passed": mine.passed},
        )
    ]
    for name, other in found.items():
        if name == "ours":
            continue
        if other.missing:
            made.append(Row(f"our suite ÷ {name}", None, other.missing))
            continue
        what = "" if other.passed else " (stopped at a failing notebook)"
        made.append(
            Row(
                f"our suite ÷ {name}{what}",
                mine.seconds / other.seconds,
                f"{mine.seconds:.0f} s ÷ {other.seconds:.0f} s; {name} executes and compares nothing",
                data={"seconds": other.seconds, "passed": other.passed},
            )
        )
    return made
