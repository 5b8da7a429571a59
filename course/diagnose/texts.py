"""Choose what to say from texts that are kept as data: the first of several wordings whose names are all known. Pure.

A text is a list of parts, joined to one paragraph. A part is a sentence, or a list of wordings, from the most to the least
specific. Names in braces are filled in. A part none of whose wordings can be filled in is left out.

    compose([["It has {asked} tokens.", "It is too long."], "Shorten it."], {"asked": 9000})
"""

import re
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Part = str | list[str]
Text = str | list[Part]


@cache
def read(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads((files("course.diagnose") / name).read_text(encoding="utf-8"))


def compose(text: Text, words: Mapping[str, Any]) -> str:
    """The text with its names filled in. Words that are None count as unknown."""
    said = ""
    for part in [text] if isinstance(text, str) else text:
        wordings = [part] if isinstance(part, str) else part
        chosen = next((w for w in wordings if all(words.get(n) is not None for n in names(w))), None)
        if chosen is not None:
            said += _gap(said) + chosen.format_map(words)
    return said


def wordings(text: Text) -> list[str]:
    """Every wording that a text may use."""
    return [
        w
        for part in ([text] if isinstance(text, str) else text)
        for w in ([part] if isinstance(part, str) else part)
    ]


@cache
def names(wording: str) -> frozenset[str]:
    """The names in braces of a wording."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(wording) if name)


def _gap(said: str) -> str:
    """What separates a part from the one before: three spaces after a command, which two spaces precede."""
    if not said:
        return ""
    return "   " if commands(said)[-1][0] else " "


def commands(said: str) -> list[tuple[bool, str]]:
    """What to do next, in parts: (whether it is a command to copy, the text). Two or more spaces precede a command."""
    return [(n % 2 == 1, part) for n, part in enumerate(re.split(r" {2,}", said))]
