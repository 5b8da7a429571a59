"""A response that grows by the events of a stream. Pure.

Texts are collected and joined once, so that a stream costs no more than its size. Nothing is looked up by a number from the
wire: an index of 10**9 is a key like any other.
"""

from typing import Any

from course.turns.reading import Node, Record, whole
from course.turns.values import as_text

FIXED = ("type", "id", "index", "role", "format", "stop_reason", "matched_stop")
"""Fields that each event may repeat. The first text stays."""


class Growing:
    """An object to which each event adds: texts and lists are continued, other values replaced."""

    def __init__(self, first: Record | None = None) -> None:
        self._values: Record = {}
        self._texts: dict[str, list[str]] = {}
        for key, value in (first or {}).items():
            self.add(key, value)

    def add(self, key: str, value: Any) -> None:
        before = self._values.get(key)
        if key in FIXED:
            if before is None or before == "":
                self._values[key] = value
        elif value is None:
            self._values.setdefault(key, None)
        elif isinstance(value, str) and key in self._texts:
            self._texts[key].append(value)
        elif isinstance(value, str) and before in (None, ""):
            self._values[key], self._texts[key] = "", [value]
        else:
            self._add_other(key, value)

    def _add_other(self, key: str, value: Any) -> None:
        """Lists and objects; a text before or after them becomes one of several parts."""
        before = "".join(self._texts.pop(key)) if key in self._texts else self._values.get(key)
        if before in (None, "", [], {}):
            self._values[key] = list(value) if isinstance(value, list) else value
        elif not isinstance(value, str | list | dict):  # no number takes the place of a text
            self._values[key] = before if isinstance(before, str | list | dict) else value
        elif isinstance(before, dict) and isinstance(value, dict):
            grown = Growing(before)
            for name, item in value.items():
                grown.add(name, item)
            self._values[key] = grown.done()
        else:
            parts = before if isinstance(before, list) else [before]
            parts.extend(value if isinstance(value, list) else [value])
            self._values[key] = parts

    def text(self, key: str) -> str:
        """The text of a field so far."""
        return "".join(self._texts[key]) if key in self._texts else as_text(self._values.get(key) or "")

    def done(self) -> Record:
        """The object."""
        for key, pieces in self._texts.items():
            self._values[key] = "".join(pieces)
        return self._values


class Calls:
    """The tool calls of a streamed chat completion.

    A piece belongs to the last call with its index. Servers also send null, none, or one index with several ids: each id
    is a call, and a piece with a name after a complete call begins another.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def add(self, delta: Node) -> None:
        given = delta.get("index")
        index = delta.whole("index")
        if "index" in delta and given is None:
            delta.deviates("index", "a whole number")
        inner = delta.child("function") if "function" in delta else delta
        id_, name, arguments = delta.text("id"), inner.text("name"), inner.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            inner.deviates("arguments", "text")
        call = self._by_index.get(index) if index is not None else next(reversed(self._calls), None)
        if call is None or call.is_other(id_, name):
            if call is not None and index is not None and id_ and call.id:
                delta.deviates("index", f"an index of its own: {id_} has the index of {call.id}")
            call = _Call()
            self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        call.id = call.id or id_
        if name and not (call.name and (name == call.name or call.arguments)):
            call.name += name
        if arguments is not None:
            call.arguments.append(as_text(arguments))

    def done(self) -> list[Record]:
        return [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for call in self._calls
        ]


class _Call:
    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.arguments: list[str] = []

    def is_other(self, id_: str | None, name: str | None) -> bool:
        """Whether a piece with this id and name begins another call."""
        if id_ and self.id:
            return id_ != self.id
        return bool(name) and bool(self.name) and "".join(self.arguments).rstrip().endswith("}")


def index_of(node: Node, key: str = "index") -> int:
    """An index as a key: 0 if it is missing or has the wrong type."""
    found = node.whole(key)
    if key in node and node.get(key) is None:
        node.deviates(key, "a whole number")
    return whole(found) or 0
