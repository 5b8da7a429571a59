"""Change one place of a JSON body, and say what it was before. Pure: the body that is passed in stays as it is.

A place is a dotted path: `temperature`, `messages.0.content`, `chat_template_kwargs.enable_thinking`. A number picks an
item of a list, from 0; -1 is the last.

    body, changes = edited({"stop": ["\\n"]}, {"stop": ABSENT, "reasoning_format": "none"})
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from course.errors import CourseError

LISTS = ("messages", "input")
"""Where the APIs keep their messages."""
TEXTS = ("prompt", "input")
"""Where they take a single text instead."""


class Absent(Enum):
    """The type of `ABSENT`, which stands for a field that is not there."""

    ABSENT = "not set"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True)
class Change:
    """One place of a request, with its value before and after. `ABSENT`: there was, or is, no such field."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {shown(self.before)} → {shown(self.after)}"


def edited(body: dict[str, Any], values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Change]]:
    """A copy of the body with these values at these paths, and the changes. A value of `ABSENT` removes the field.

    Objects that a path needs are created. CourseError if a path leads through a text or to an item that a list does not
    have, or if there is nothing to remove.
    """
    result = copy.deepcopy(body)
    changes = []
    for path, value in values.items():
        *way, last = path.split(".")
        place: Any = result
        for depth, name in enumerate(way):
            place = _step(place, name, path, ".".join(way[:depth]))
        changes.append(Change(path, _put(place, last, value, path), value))
    return result, changes


def message_path(body: dict[str, Any], number: int) -> str:
    """The path of the text of message `number`, counted from 1 as on the wire; -1 is the last.

    A prompt that is a single text counts as message 1. CourseError if there is no such message.
    """
    name = next((n for n in LISTS if isinstance(body.get(n), list)), None)
    if name is None:
        text = next((n for n in TEXTS if isinstance(body.get(n), str)), None)
        if text and number in (1, -1):
            return text
    count = len(body[name]) if name else 0
    if name is None or not (1 <= number <= count or -count <= number <= -1):
        has = f"{count} message{'' if count == 1 else 's'}" if name else "no list of messages"
        raise CourseError(
            f"the request has no message {number}: it has {has}.\nLook at it:  course view TAPE"
        )
    at = number - 1 if number > 0 else count + number
    item = body[name][at]
    if isinstance(item, dict) and item.get("type") == "function_call_output":
        return f"{name}.{at}.output"
    return f"{name}.{at}.content"


def value_of(text: str) -> Any:
    """A value from the command line: JSON if it is JSON, otherwise the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def shown(value: Any) -> str:
    """A value in a list of changes."""
    return value.value if isinstance(value, Absent) else json.dumps(value, ensure_ascii=False)


def _step(place: Any, name: str, path: str, so_far: str) -> Any:
    """What is at `name` in the object or list `place`; in an object, an empty object is created there if need be."""
    if isinstance(place, dict):
        return place.setdefault(name, {})
    if isinstance(place, list):
        return place[_index(place, name, path)]
    raise CourseError(
        f"{path} does not exist in the request: {so_far} is {shown(place)[:60]}, which has no fields.\n"
        f"Set it as a whole:  --set '{so_far}={{…}}'"
    )


def _put(place: Any, name: str, value: Any, path: str) -> Any:
    """Set or remove `name` in `place`; returns what was there before."""
    key: Any = name
    if isinstance(place, list):
        key = _index(place, name, path)
    elif not isinstance(place, dict):
        _step(place, name, path, path.rpartition(".")[0])
    before = place[key] if isinstance(place, list) else place.get(key, ABSENT)
    if not isinstance(value, Absent):
        place[key] = value
    elif isinstance(before, Absent):
        fields = ", ".join(place) or "none"
        raise CourseError(f"the request has no field {path} that could be removed.\nIts fields are: {fields}")
    else:
        del place[key]
    return before


def _index(items: list[Any], name: str, path: str) -> int:
    try:
        at = int(name)
        items[at]
    except (ValueError, IndexError):
        raise CourseError(
            f"{path} does not exist in the request: {name} should be the number of one of {len(items)} items, "
            f"from 0.\nOr set the whole list:  --set '{path.rpartition('.')[0]}=[…]'"
        ) from None
    return at
