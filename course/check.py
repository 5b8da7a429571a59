"""Check what a lesson claims, and what a learner answers.

`claim` prints a statement of the lesson if it is true and stops the notebook if it is not. `exercise` checks an answer and
never stops anything. `progress` lists the exercises tried so far. They are in a local file: nothing is graded or sent
anywhere.

    check.claim("the thinking is in reasoning_content", "<think>" not in content, saw=content[:40])
    check.exercise("03.1", tokens, lambda n: n > 1000, hint="server.tokenize counts them")

The file is progress.json in the course's cache, or the one that COURSE_PROGRESS names.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from course import files
from course.errors import CourseError


class Attempts(TypedDict):
    """The record of one exercise. `tries` counts the answers that were checked; `when` is the time of the last one."""

    solved: bool
    tries: int
    when: str


class CheckFailed(CourseError):
    """A claim of the lesson does not hold on this server."""


def claim(text: str, ok: Any, saw: Any = None) -> None:
    """Print the claim with a check mark if it is true; otherwise raise CheckFailed, which shows `saw`."""
    if ok:
        print(f"✓ {text}")
        return
    seen = "" if saw is None else f"\nSeen: {shortened(saw)}."
    raise CheckFailed(
        f"this should be true and is not: {text}.{seen}\n"
        "Run the notebook from the top (Kernel → Restart and Run All). If that does not help:  course doctor"
    )


def exercise(id: str, value: Any, test: Callable[[Any], Any], hint: str = "") -> None:
    """Print whether exercise `id` is open, solved or not solved yet, and record the attempt.

    `test` is called with the answer. If it raises, the answer counts as wrong, and the exception is shown with the hint.
    """
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
        print(f"✗ {id} not solved yet{trouble}" + (f": {hint}" if hint else ""))
    note(id, solved)


def progress() -> None:
    """Print every exercise that was tried, and whether it is solved."""
    done = read(progress_path())
    if not done:
        print("No exercises attempted yet.")
        return
    for id, entry in sorted(done.items()):
        tries = entry["tries"]
        print(f"{'✓' if entry['solved'] else '✗'} {id}  {tries} {'try' if tries == 1 else 'tries'}")
    print(f"solved {sum(entry['solved'] for entry in done.values())} of {len(done)} attempted exercises")


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
    """The value as text, cut to `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def after(done: dict[str, Attempts], id: str, solved: bool, when: str) -> dict[str, Attempts]:
    """The progress with this attempt counted. What was solved stays solved."""
    before = done.get(id)
    solved = solved or (before is not None and before["solved"])
    return {**done, id: {"solved": solved, "tries": before["tries"] + 1 if before else 1, "when": when}}


def note(id: str, solved: bool) -> None:
    """Record the attempt; if saving fails, report it and continue."""
    try:
        path = progress_path()
        when = datetime.now(UTC).isoformat(timespec="seconds")
        write(path, after(read(path), id, solved, when))
    except (OSError, CourseError) as error:
        print(f"(progress not saved: {error})")


def progress_path() -> Path:
    """Where progress is saved."""
    if named := os.environ.get("COURSE_PROGRESS"):
        return Path(named)
    return files.cache_dir() / "progress.json"


def read(path: Path) -> dict[str, Attempts]:
    """The progress so far. A damaged file is reported and renamed, and progress starts over."""
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        return {
            id: {"solved": bool(e["solved"]), "tries": int(e["tries"]), "when": str(e.get("when", ""))}
            for id, e in done.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        aside = path.with_suffix(".damaged.json")
        os.replace(path, aside)
        print(f"(progress starts over: {path.name} was damaged and is now {aside.name})")
        return {}


def write(path: Path, done: dict[str, Attempts]) -> None:
    """Save the progress atomically."""
    files.write(path, json.dumps(done, indent=1, sort_keys=True))


def _stub() -> None: ...
