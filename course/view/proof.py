"""Where on a page the proof of a finding is, and the finding's texts in parts.

Pure. A finding is a value of `course.diagnose`; this module reads its paths and judges nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course.diagnose import texts
from course.turns import Turn

if TYPE_CHECKING:
    from course.diagnose.finding import Finding, Quote

PARTS = {
    "request": "request",
    "response": "response", "events": "response", "raw_response": "response", "content": "response",
    "thinking": "response",
    "step": "step",
}  # fmt: skip
"""Which part of a turn on the page has the values of a path, by the first name of the path."""
LABEL = re.compile(r"(?:run (?P<run>\d+), )?turn (?P<turn>\d+): (?P<path>.*)", re.DOTALL)
SLICE = re.compile(r"\[\d+:\d+\]\Z")
NAME = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True)
class Place:
    """A turn by its index, the part of it that has the proof ("" for its heading), and the last name of the path."""

    index: int
    part: str
    key: str


def indexes(turns: Iterable[Turn]) -> dict[tuple[int, int], int]:
    """The index of each turn by the number of its run and its own number there."""
    return {(turn.run_number, turn.number): turn.index for turn in turns}


def by_turn(findings: Iterable["Finding"], turns: Iterable[Turn]) -> dict[int, list["Finding"]]:
    """The findings of each turn, by its index."""
    known = indexes(turns)
    result: dict[int, list[Finding]] = {}
    for finding in findings:
        if (index := known.get((finding.run, finding.turn))) is not None:
            result.setdefault(index, []).append(finding)
    return result


def place_of(quote: "Quote", finding: "Finding", known: Mapping[tuple[int, int], int]) -> Place | None:
    """Where the quote is. None if its turn is not on the page."""
    path, at = quote.where, (finding.run, finding.turn)
    if other := LABEL.fullmatch(path):
        path, at = other["path"], (int(other["run"] or finding.run), int(other["turn"]))
    if at not in known:
        return None
    names = NAME.findall(SLICE.sub("", path))
    keys = [name for name in names[1:] if not name.isdigit()]
    return Place(known[at], PARTS.get(names[0], "") if names else "", keys[-1] if keys else "")


def commands(said: str) -> list[tuple[bool, str]]:
    """What to do next, in parts: (whether it is a command to copy, the text), without empty ones."""
    return [(is_command, part) for is_command, part in texts.commands(said) if part]


def sentence(title: str) -> str:
    """A title with a capital letter, the rest as it is."""
    return title[:1].upper() + title[1:]
