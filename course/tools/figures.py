"""`MostFrequentFigure`: a tool that reads search results for agents that write tool calls instead of code.

An agent that writes code keeps the pages in a variable. An agent that writes tool calls has to pass them on: the model
copies them, token by token, into the arguments. The tool counts how often the pages about one subject state each figure.
It does not search or convert.

    MostFrequentFigure()("speed of leopard", pages)    # "58 km/h"

What a page is about is decided by its words, as a reader would: it names the subject, and not only as the end of a longer
name (a page on the snow leopard is not about the leopard). Addresses may say anything.
"""

import re
from collections import Counter

from smolagents import Tool

UNITS = {"speed": ("km/h", "mph"), "length": ("m", "ft")}
"""The units of each quantity, in the order in which they are looked for."""
SPELLED = {"km/h": r"km/h|kph|kilomet\w+", "mph": "mph|miles", "m": "m|met[er]+s?", "ft": "ft|feet"}
"""How pages spell each unit, as alternatives of a regular expression."""
NUMBER = r"(\d[\d.,]*)[ -]?"
"""A figure in front of its unit, with or without commas between thousands."""
SMALL = "a|an|the|our|how|can|is|of|in|on|at|to|by|for|from|with|and|that|about|over|across"
"""Words that may stand in front of a name. Another word would make it a longer name: "snow leopard"."""
BEFORE = r"(^|\W |[^\w -]|\b({SMALL}|\w+ing)[ -])"
"""What may stand in front of a name, to be filled with SMALL: nothing, punctuation, a small word, or a verb."""


def about(page: str, name: str) -> bool:
    """Whether a page names this subject, in its title, its text or its address."""
    before = BEFORE.format(SMALL=SMALL)
    return re.search(rf"{before}{re.escape(name)}s?\b", page, re.IGNORECASE) is not None


def printed(text: str, unit: str) -> list[str]:
    """All figures with this unit in a text, without commas."""
    return [figure.replace(",", "") for figure in re.findall(rf"{NUMBER}(?:{SPELLED[unit]})\b", text)]


class MostFrequentFigure(Tool):
    """`most_frequent_figure("speed of leopard", pages)`: "58 km/h". ValueError for the agent to read if none is stated."""

    name = "most_frequent_figure"
    description = (
        "Reads search results and returns the figure that most pages about the subject state, with its unit. "
        "Pages about other subjects are left out."
    )
    inputs = {  # noqa: RUF012
        "fact": {
            "type": "string",
            "description": "speed of … or length of …, with the name that was searched for.",
        },
        "pages": {"type": "string", "description": "The search results, copied."},
    }
    output_type = "string"

    def forward(self, fact: str, pages: str) -> str:
        """The figure that most pages about the subject of `fact` state."""
        quantity, _, subject = fact.partition(" of ")
        if quantity not in UNITS:
            raise ValueError(f"{fact!r} is not one of {', '.join(f'{known} of …' for known in UNITS)}.")
        text = "\n".join(page for page in pages.split("\n\n") if about(page, subject))
        for unit in UNITS[quantity]:
            if figures := printed(text, unit):
                return f"{Counter(figures).most_common(1)[0][0]} {unit}"
        raise ValueError(f"No page that names {subject} states a {quantity}.")
