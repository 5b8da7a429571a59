"""What a learner's course tells the instructor's board, and nothing else: the one place that knows the fields. Pure.

Two kinds of events, both made and checked here, so the learner's side cannot send what the board does not take:

    attempt("05.2", True, 3, when)      # {"lesson": "05", "exercise": "05.2", "outcome": "solved", "attempts": 3, …}
    met("05", NameError, when)          # {"lesson": "05", "error": "NameError", "time": "2026-11-28T14:49:18.123456+00:00"}

An answer, a guess, code, a message and a file's name are in none of them. The time has microseconds and tells the events of
one learner apart, so the board recognizes one that is sent twice.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from course.progress import ID
from course.terminal import HIDDEN

Event = dict[str, str | int]

ATTEMPT = frozenset({"lesson", "exercise", "outcome", "attempts", "time"})
"""The fields of an attempt."""
ERROR = frozenset({"lesson", "error", "time"})
"""The fields of an error met."""
OUTCOMES = ("solved", "tried")
MOST_ATTEMPTS = 100_000
LONGEST_ID = 32  # characters of an exercise's id
LONGEST_NAME = 40  # characters of a learner's name
LESSON = re.compile(r"\d\d[a-z]?")
TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def attempt(id: str, solved: bool, attempts: int, when: datetime) -> Event:
    """An attempt at an exercise. ValueError if `id` is not that of an exercise."""
    event: Event = {
        "lesson": id.partition(".")[0],
        "exercise": id,
        "outcome": "solved" if solved else "tried",
        "attempts": max(1, min(attempts, MOST_ATTEMPTS)),
        "time": stamp(when),
    }
    return _sound(event)


def met(lesson: str, error: type[BaseException], when: datetime) -> Event:
    """An error that a cell of a lesson ended with. ValueError if there is no such lesson number."""
    return _sound({"lesson": lesson, "error": public_name(error), "time": stamp(when)})


def stamp(when: datetime) -> str:
    """The time in UTC as text that sorts by time."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def public_name(error: type[BaseException]) -> str:
    """The name of the exception's type, if it comes from Python, the course or an installed package.

    A type that the learner wrote has a name that is their text, so its nearest base class counts instead.
    """
    for each in error.__mro__:
        module = sys.modules.get(each.__module__)
        if module is None or not _installed(module):
            continue
        name = each.__name__
        if getattr(module, name, None) is each and TYPE.fullmatch(name):
            return name
    return "BaseException"


def _installed(module: ModuleType) -> bool:
    top = module.__name__.partition(".")[0]
    if top in sys.stdlib_module_names:
        return module.__name__ != "__main__"
    file = getattr(module, "__file__", None) or ""
    return top == "course" or bool({"site-packages", "dist-packages"} & set(Path(file).parts))


def fault(event: Any, lessons: Iterable[str] | None = None) -> str | None:
    """Why this is not an event, or None if it is one. With `lessons`, it must be of one of them."""
    if not isinstance(event, dict):
        return "it is not an object"
    if event.keys() not in (ATTEMPT, ERROR):
        return "its fields are not those of an event"
    if not _matches(LESSON, event["lesson"]) or (lessons is not None and event["lesson"] not in lessons):
        return "there is no such lesson"
    if not _is_time(event["time"]):
        return "its time is not one"
    if "error" in event:
        return None if _matches(TYPE, event["error"]) else "its error is not the name of a type"
    id, attempts = event["exercise"], event["attempts"]
    if not _matches(ID, id) or len(id) > LONGEST_ID or not id.isascii():
        return "its exercise is not one"
    if id.partition(".")[0] != event["lesson"]:
        return "its exercise is not of that lesson"
    if event["outcome"] not in OUTCOMES:
        return "its outcome is neither solved nor tried"
    if type(attempts) is not int or not 1 <= attempts <= MOST_ATTEMPTS:
        return "its number of attempts is not one"
    return None


def clean_name(name: str) -> str:
    """A learner's name as it is shown: one line without hidden characters, at most 40 characters. It may be empty."""
    plain = HIDDEN.sub(" ", name)
    kept = "".join(c for c in plain if unicodedata.category(c) not in ("Cc", "Cf", "Cn", "Co", "Cs"))
    composed = unicodedata.normalize("NFC", kept)  # what was left out may have kept two characters apart
    return " ".join(composed.split())[:LONGEST_NAME].strip()


def _sound(event: Event) -> Event:
    if why := fault(event):
        raise ValueError(f"{event} is not an event: {why}")
    return event


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    """Whether this is a time as `stamp` writes it."""
    if not isinstance(value, str) or len(value) != len("2026-11-28T14:49:18.123456+00:00"):
        return False
    try:
        return stamp(datetime.fromisoformat(value)) == value
    except (ValueError, OverflowError):
        return False
