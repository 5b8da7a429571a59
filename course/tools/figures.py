"""`MostFrequentFigure`: a tool that reads search results for agents that write tool calls instead of code.

An agent that writes code keeps the pages in a variable. An agent that writes tool calls has to pass them on: the model
copies them, token by token, into the arguments. The tool counts how many pages about one subject state each figure. It
does not search or convert.

    MostFrequentFigure()("speed of leopard", pages)    # "58 km/h"
"""

import re
from collections import Counter

from smolagents import Tool

from course.tools.corpus import slug

UNITS = {"speed": ("km/h", "mph"), "length": ("m", "ft")}
"""The units of each quantity, in the order in which they are looked for."""
SPELLED = {"km/h": "km/h|kilometers", "mph": "mph|miles", "m": "m|meters", "ft": "ft|feet"}
"""How pages spell each unit, as alternatives of a regular expression."""


def printed(text: str, unit: str) -> list[str]:
    """All figures with this unit in a text."""
    return re.findall(rf"([\d.]+) (?:{SPELLED[unit]})\b", text)


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
        address = f"/{slug(subject)})"
        about = "\n".join(page for page in pages.split("\n\n") if address in page)
        for unit in UNITS[quantity]:
            if figures := printed(about, unit):
                return f"{Counter(figures).most_common(1)[0][0]} {unit}"
        raise ValueError(f"No page whose address ends in {address[:-1]} states a {quantity}.")
