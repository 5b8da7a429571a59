"""From a fresh clone to the first answer, step by step: how long someone who follows the README waits.

Clones the last commit of this repository with `git clone --depth 1` from a file:// address, runs the set-up that
`make lab` starts with, in an empty cache, then starts a server and asks the first question; notes when each step
prints its first line. The clone is made from a local disk, so its size is given next to its seconds. pip may take packages
from its own cache or from a mirror, so that figure depends on the network. Does not start JupyterLab, which is ready
within seconds.
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
from course.server.registry import free_port

SERVER, ANSWER = "── server", "── answer"
MARKS = (
    ("setup: creating a virtual environment", "the virtual environment"),
    ("setup: installing up to", "the locked packages"),
    ("building the embedded model", "the embedded model"),
    (SERVER, "the server"),
    (ANSWER, "the first answer"),
)
"""How the first line of each step begins. The first two are bootstrap.py's, the third course/model/embedded.py's."""
CLONE = "the clone"
Line = tuple[float, str]
"""Seconds since the start, and what was printed then."""


def steps(lines: Sequence[Line], end: float) -> list[tuple[str, float]]:
    """(step, seconds) of each: from its mark to the next one. What comes before the first mark is the clone.

    ValueError if a mark is missing: its seconds would silently count for the step before it.
    """
    found = [(CLONE, 0.0)]
    for mark, step in MARKS:
        at = next((at for at, text in lines if text.startswith(mark)), None)
        if at is None:
            raise ValueError(
                f"no line begins with {mark!r}; bench/clone.py lists in MARKS what the set-up prints"
            )
        found.append((step, at))
    ends = [at for _, at in found[1:]] + [end]
    return [(step, until - at) for (step, at), until in zip(found, ends, strict=True)]


def follow(command: Sequence[str], folder: Path, env: dict[str, str], began: float) -> list[Line]:
    """Run it to its end; its lines with the seconds since `began`. NotMeasured, with the last of them, if it fails."""
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = [(time.perf_counter() - began, line.rstrip()) for line in process.stdout]
    if process.returncode:
        end = "\n".join(text for _, text in lines[-8:])
        raise NotMeasured(f"{' '.join(command)} ended with status {process.returncode}:\n{end}")
    return lines


def measure(setting: Setting) -> list[Row]:
    for needed in ("git", "make"):
        if shutil.which(needed) is None:
            raise NotMeasured(f"{needed} is not installed")
    folder = setting.folder / "clone"
    env = environment(COURSE_CACHE=str(setting.folder / "clone-cache"), PYTHONUNBUFFERED="1")
    env.pop("PYTHONPATH")
    course = str(folder / ".venv" / "bin" / "course")
    python, port = getattr(sys, "_base_executable", sys.executable), str(free_port())
    began = time.perf_counter()

    def mark(name: str) -> Line:
        return time.perf_counter() - began, name

    lines = follow(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(folder)], ROOT, env, began)
    cloned = size(folder / ".git")
    lines += follow(["make", "lab-ready", f"PYTHON={python}"], folder, env, began)
    try:
        lines.append(mark(SERVER))
        lines += follow([course, "serve", "--background", "--port", port], folder, env, began)
        lines.append(mark(ANSWER))
        lines += follow([course, "ask", "--server", f"http://127.0.0.1:{port}"], folder, env, began)
        total = time.perf_counter() - began
    finally:
        subprocess.run([course, "stop"], cwd=folder, env=env, capture_output=True, check=False)
    return rows(steps(lines, total), total, cloned)


def size(folder: Path) -> float:
    """MB of all files below it: of a .git folder, about what a clone transfers."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def rows(found: Sequence[tuple[str, float]], total: float, cloned: float) -> list[Row]:
    """Pure: each step as its share of the whole. `cloned`: MB that the clone transfers."""
    made = [
        Row(
            step,
            seconds / total,
            f"{seconds:.1f} s" + (f" from a disk, {cloned:.0f} MB" if step == CLONE else ""),
        )
        for step, seconds in found
    ]
    data = {"steps": dict(found), "clone_mb": round(cloned, 1)}
    return [*made, Row("from the clone to the answer", None, f"{total:.1f} s", data=data)]
