"""What a diagnosis consists of: findings, and the quotes that prove them.

Values and helpers only. A quote is a piece of a tape with its location. What is said about a fault is in faults.toml.

    quote("response.choices[0].message.content", content, 0, 7)   # …content[0:7], '<think>'
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 160
"""The longest quote, in characters. A longer one is cut, as its location shows."""


@dataclass(frozen=True)
class Quote:
    """Characters from a turn, and where they are.

    `where` is a path from `request`, `response` (both parsed JSON), `step`, `run`, `status` (HTTP) or `error` (why the
    exchange broke off). A slice at its end, [start:end], counts characters of the string at that path. A label before it
    ("turn 2: …") means that the text is from that turn instead of the finding's.
    """

    where: str
    text: str


@dataclass(frozen=True)
class Found:
    """A fault as a detector finds it, before it is put into words. `words` are the names that its texts can use."""

    kind: str
    run: int
    turn: int
    evidence: tuple[Quote, ...]
    words: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One fault in one turn: its kind (a slug), what proves it, why it happens, and what to do next.

    `turn` is the turn's number within run number `run`; both count from 1. A `remark` is worth knowing, but not a fault.
    """

    kind: str
    title: str
    run: int
    turn: int
    evidence: tuple[Quote, ...]
    why: str
    next: str
    remark: bool = False


def quote(where: str, text: str, start: int = 0, end: int | None = None) -> Quote:
    """text[start:end], cut to MOST characters."""
    end = min(len(text) if end is None else end, len(text), start + MOST)
    return Quote(f"{where}[{start}:{end}]", text[start:end])


def tail(where: str, text: str, most: int = 80) -> Quote:
    """The last `most` characters of a text."""
    return quote(where, text, max(0, len(text) - most))


def match(where: str, pattern: str | re.Pattern[str], text: Any) -> Quote | None:
    """The first place where the pattern matches. None if there is none, or if `text` is not a string."""
    found = re.search(pattern, text) if isinstance(text, str) else None
    return quote(where, found.string, *found.span()) if found else None


def value(where: str, given: Any) -> Quote:
    """A whole value, as JSON unless it is a string. For short values only."""
    return Quote(where, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)[:MOST])


def dig(record: Any, *path: str | int) -> Any:
    """record[a][b]…, or None if the path does not exist: records from the wire may have any shape."""
    for key in path:
        try:
            record = record[key]
        except (LookupError, TypeError):
            return None
    return record
