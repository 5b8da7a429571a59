"""What a diagnosis consists of: a finding, and the quotes that prove it. Values and helpers, nothing more.

Does: cut quotes out of a tape with the place where they stand. Does not: know any fault, read or print.

    quote("response.choices[0].message.content", content, 0, 7)   # …content[0:7], '<think>'
"""

import json
import re
from dataclasses import dataclass
from typing import Any

MOST = 160
"""Characters of a quote; a longer one is cut, and its place says so."""


@dataclass(frozen=True)
class Quote:
    """Characters from a turn and where they are: a path from `request`, `response` (both parsed JSON), `step`,
    `run`, `status` (HTTP) or `error` (why the exchange broke off). A slice at its end counts characters of
    the string there. A turn's label before it ("turn 2: ") names another turn than the finding's.
    """

    where: str
    text: str


@dataclass(frozen=True)
class Finding:
    """One fault in one turn: its kind (a slug), what proves it, why it happens, and what to do next.

    `turn` is the turn's number within run number `run`, both counted from 1.
    """

    kind: str
    title: str
    run: int
    turn: int
    evidence: tuple[Quote, ...]
    why: str
    next: str


def quote(where: str, text: str, start: int = 0, end: int | None = None) -> Quote:
    """text[start:end], at most MOST characters of it from its beginning."""
    end = min(len(text) if end is None else end, len(text), start + MOST)
    return Quote(f"{where}[{start}:{end}]", text[start:end])


def tail(where: str, text: str, most: int = 80) -> Quote:
    return quote(where, text, max(0, len(text) - most))


def match(where: str, pattern: str | re.Pattern, text: Any) -> Quote | None:
    """The first place where the pattern matches, or None."""
    found = re.search(pattern, text) if isinstance(text, str) else None
    return quote(where, text, *found.span()) if found else None


def value(where: str, given: Any) -> Quote:
    """A whole value that is short, as JSON unless it is a string."""
    return Quote(where, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)[:MOST])


def dig(record: Any, *path: str | int) -> Any:
    """record[a][b]…, or None where the tape has something else: what is on the wire is anybody's."""
    for key in path:
        try:
            record = record[key]
        except (LookupError, TypeError):
            return None
    return record
