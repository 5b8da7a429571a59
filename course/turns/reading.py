"""Typed reading of JSON from the wire: what has the wrong type is noted with its place, and reading goes on.

Pure. A `Node` is one JSON value and its path. Asking it for a text, a number or a list gives a value of that type, or none
and a `Deviation`. Missing fields and null never deviate. Everything else in `turns`, `diagnose` and `view` works on the
values that were read this way, never on raw bodies.

    notes = Notes()
    Node({"index": "x"}, "choices[0]", notes).whole("index")   # None
    notes.deviations                                           # choices[0].index is "x", not a whole number
"""

import json
import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Record = dict[str, Any]
T = TypeVar("T")

LARGEST = 2**53
"""No count or time on the wire is larger. Beyond it, floats lose whole numbers, and integers can overflow floats."""
LOOK_BACK = 4
"""Requests to compare with: agents that call each other alternate on one tape."""
MOST_NOTED = 20
MOST_SEEN = 160
RAW = "raw_response"
"""The path of an event that is not an object: it can only be found in the text of the body."""
UNREAD = object()
"""In the place of an item that no earlier request has there."""
INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Deviation:
    """A value that does not fit its API: its path, the value, and what was expected there.

    The path begins with `request`, `response` (both parsed JSON) or `events[N]` (the N-th event of a stream, from 0).
    """

    where: str
    value: Any
    expected: str

    @property
    def seen(self) -> str:
        """The value as JSON, cut to 160 characters."""
        return excerpt(self.value)

    @property
    def said(self) -> str:
        """In words: "events[2].choices[0].index is null, not a whole number"."""
        where = "an event of the stream" if self.where == RAW else self.where
        return f"{where} is {self.seen}, not {self.expected}"


class Notes:
    """The deviations found in one exchange. One value of a stream that deviates in each event counts once.

    `earlier` is shared by the exchanges of a tape: what was read of the requests before.
    """

    def __init__(self, earlier: "Earlier | None" = None) -> None:
        self._found: dict[tuple[str, str], Deviation] = {}
        self.more = 0
        self.earlier = earlier or Earlier()

    def add(self, where: str, value: Any, expected: str) -> None:
        key = (INDEX.sub("[]", where), expected)
        if key in self._found or len(self._found) >= MOST_NOTED:
            self.more += 1
        else:
            self._found[key] = Deviation(where, value, expected)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """In the order in which they were found, at most 20."""
        return tuple(self._found.values())


class Earlier:
    """The lists in the last few requests, and what was read of their items.

    Each request of an agent repeats the one before it. What is the same in both is read once, and its deviations are
    noted once, where it was sent first.
    """

    def __init__(self) -> None:
        self._known: deque[tuple[str, list[Any], list[Any]]] = deque(maxlen=LOOK_BACK)

    def common(self, key: str, items: list[Any]) -> list[Any]:
        """What was read of the items that an earlier list has at the same places; UNREAD for the others."""
        best: list[Any] = []
        most = 0
        for name, before, read in self._known:
            if name == key and most < min(len(before), len(items)):
                pairs = zip(before, items, read, strict=False)
                found = [made if a == b else UNREAD for a, b, made in pairs]
                if (same := len(found) - found.count(UNREAD)) > most:
                    best, most = found, same
        return best + [UNREAD] * (len(items) - len(best))

    def add(self, key: str, items: list[Any], read: list[Any]) -> None:
        self._known.append((key, items, read))


class Node:
    """A JSON value with its path. Its fields are read by type; those that do not fit are noted and read as missing."""

    __slots__ = ("notes", "path", "record", "value")

    def __init__(self, value: Any, path: str, notes: Notes) -> None:
        self.value, self.path, self.notes = value, path, notes
        self.record: Record = value if isinstance(value, dict) else {}

    def __contains__(self, key: str) -> bool:
        return key in self.record

    def get(self, key: str) -> Any:
        """The field as it is; None if it is missing."""
        return self.record.get(key)

    def at(self, key: str) -> str:
        """The path of a field."""
        return f"{self.path}.{key}"

    def deviates(self, key: str, expected: str) -> None:
        self.notes.add(self.at(key), self.get(key), expected)

    def text(self, key: str) -> str | None:
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        self.deviates(key, "text")
        return None

    def whole(self, key: str) -> int | None:
        value = self.get(key)
        if value is None or (number := whole(value)) is not None:
            return None if value is None else number
        self.deviates(key, "a whole number")
        return None

    def count(self, key: str) -> int | None:
        """A whole number that is not negative."""
        found = self.whole(key)
        if found is None or found >= 0:
            return found
        self.deviates(key, "a whole number from 0")
        return None

    def flag(self, key: str) -> bool | None:
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.deviates(key, "true or false")
        return None

    def child(self, key: str) -> "Node":
        """The object in a field; one without fields if there is none."""
        value = self.get(key)
        if value is not None and not isinstance(value, dict):
            self.deviates(key, "an object")
        return Node(value if isinstance(value, dict) else {}, self.at(key), self.notes)

    def children(self, key: str) -> "Iterator[Node]":
        """The objects of a list in a field."""
        value = self.get(key)
        if value is not None and not isinstance(value, list):
            self.deviates(key, "a list")
        for n, item in enumerate(value if isinstance(value, list) else ()):
            where = f"{self.path}.{key}[{n}]"
            if isinstance(item, dict):
                yield Node(item, where, self.notes)
            else:
                self.notes.add(where, item, "an object")

    def each(self, key: str, read: "Callable[[Node], T]") -> "Sequence[T]":
        """What `read` makes of each object in a list. What an earlier request has as well is not read again."""
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            return [read(child) for child in self.children(key)]
        earlier, where = self.notes.earlier, self.at(key)
        made: list[T] = [
            read(Node(value[n], f"{where}[{n}]", self.notes)) if known is UNREAD else known
            for n, known in enumerate(earlier.common(where, value))
        ]
        earlier.add(where, value, made)
        return made


def excerpt(value: Any) -> str:
    """A JSON value as text, cut to 160 characters."""
    try:
        return json.dumps(value, ensure_ascii=False)[:MOST_SEEN]
    except (TypeError, ValueError, RecursionError):
        return repr(type(value))


def number(value: Any) -> float | int | None:
    """A number that can be calculated with; None for anything else, and for NaN and the infinite."""
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST or math.isnan(value):
        return None
    return value  # type: ignore[no-any-return]  # its type was just checked


def whole(value: Any) -> int | None:
    """A whole number; None for anything else. 1.0 is one, as in JSON Schema."""
    found = number(value)
    return int(found) if found is not None and found == found // 1 else None


def record(value: Any) -> Record:
    """An object; empty if the value is something else."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """A text; None if the value is something else."""
    return value if isinstance(value, str) else None
