"""Check what a lesson claims, and what a learner answers.

Does: `says` holds a sentence of the prose against a value and stops the notebook when it is false; `exercise`
looks at an answer and never stops anything; `progress` shows what was solved, kept in a local file.
Does not: collect grades, send anything anywhere, or know which exercises exist.

    check.says("the thinking is in reasoning_content", "<think>" not in content, saw=content[:40])
    check.exercise("03.1", tokens, lambda n: n > 1000, hint="server.tokenize counts them")

The file is progress.json in the course's cache; COURSE_PROGRESS names another one.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course import files
from course.errors import CourseError


class CheckFailed(CourseError):
    """A claim of the lesson does not hold on this server."""


def says(claim: str, ok: Any, saw: Any = None) -> None:
    """Print the claim with a tick, or stop with what was seen instead."""
    if ok:
        print(f"✓ {claim}")
        return
    seen = "" if saw is None else f"\nSeen: {shortened(saw)}."
    raise CheckFailed(
        f"this should be true and is not: {claim}.{seen}\n"
        "Run the notebook from the top (Kernel → Restart and Run All); if it stays, look at:  course doctor"
    )


def exercise(id: str, value: Any, test: Callable[[Any], Any], hint: str = "") -> None:
    """Say whether the answer to exercise `id` is open, solved or not yet right; keep a note of it."""
    if is_open(value):
        print(f"○ {id} is open")
        return
    try:
        solved, trouble = bool(test(value)), ""
    except Exception as error:
        solved, trouble = False, f" ({type(error).__name__}: {error})"
    if solved:
        print(f"✓ {id} solved")
    else:
        print(f"✗ {id} not yet{trouble}" + (f": {hint}" if hint else ""))
    note(id, solved)


def progress() -> None:
    """Show every exercise tried so far, and how it stands."""
    done = read(progress_path())
    if not done:
        print("No exercise tried yet.")
        return
    for id, entry in sorted(done.items()):
        tries = entry["tries"]
        print(f"{'✓' if entry['solved'] else '✗'} {id}  {tries} {'try' if tries == 1 else 'tries'}")
    print(f"{sum(entry['solved'] for entry in done.values())} of {len(done)} tried exercises solved")


def is_open(value: Any) -> bool:
    """True for `...`, for a container that still holds one, and for a function whose body is only `...`."""
    if value is ...:
        return True
    if isinstance(value, dict):
        return any(is_open(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return any(is_open(part) for part in value)
    code = getattr(value, "__code__", None)
    return code is not None and code.co_code == _stub.__code__.co_code and code.co_consts[-1:] == (None,)


def shortened(value: Any, limit: int = 300) -> str:
    """The value as it prints, cut to `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def after(done: dict, id: str, solved: bool, when: str) -> dict:
    """The progress once this try is counted; what was solved stays solved."""
    before = done.get(id, {"solved": False, "tries": 0})
    entry = {"solved": before["solved"] or solved, "tries": before["tries"] + 1, "when": when}
    return {**done, id: entry}


def note(id: str, solved: bool) -> None:
    """Write the try down; a disk that takes no notes is said, and no reason to stop."""
    try:
        path = progress_path()
        when = datetime.now(UTC).isoformat(timespec="seconds")
        write(path, after(read(path), id, solved, when))
    except (OSError, CourseError) as error:
        print(f"(progress not kept: {error})")


def progress_path() -> Path:
    if named := os.environ.get("COURSE_PROGRESS"):
        return Path(named)
    return files.cache_dir() / "progress.json"


def read(path: Path) -> dict:
    """The progress so far; a damaged file is put aside under another name and counts as none."""
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        return {id: {"solved": bool(e["solved"]), "tries": int(e["tries"]), **e} for id, e in done.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        aside = path.with_suffix(".damaged.json")
        os.replace(path, aside)
        print(f"(progress starts anew: {path.name} was damaged, it is kept as {aside.name})")
        return {}


def write(path: Path, done: dict) -> None:
    files.write(path, json.dumps(done, indent=1, sort_keys=True))


def _stub(): ...
