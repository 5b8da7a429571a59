"""`MostFrequentFigure`: a tool that reads search results for agents that write tool calls instead of code.

An agent that writes code hands the pages to its code in a variable. One that writes tool calls has to carry them: the model
copies them, token by token, into the arguments.
Does: counts what pages state about one subject. Does not: search, convert, or look at pages about anything else.
"""

import re
from collections import Counter

from smolagents import Tool

from course.tools.corpus import slug

UNITS = {"speed": ("km/h", "mph"), "length": ("m", "ft")}
"""Of each quantity, in the order in which they are looked for."""
SPELLED = {"km/h": "km/h|kilometers", "mph": "mph|miles", "m": "m|meters", "ft": "ft|feet"}
"""How pages spell a unit, as an alternative in a regular expression."""


def printed(text: str, unit: str) -> list[str]:
    """All figures with this unit in a text, whatever they are of."""
    return re.findall(rf"([\d.]+) (?:{SPELLED[unit]})\b", text)


class MostFrequentFigure(Tool):
    """`most_frequent_figure("speed of leopard", pages)`: "58 km/h". None stated raises ValueError, told to the agent."""

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
        quantity, _, subject = fact.partition(" of ")
        if quantity not in UNITS:
            raise ValueError(f"{fact!r} is none of {', '.join(f'{known} of …' for known in UNITS)}.")
        address = f"/{slug(subject)})"
        about = "\n".join(page for page in pages.split("\n\n") if address in page)
        for unit in UNITS[quantity]:
            if figures := printed(about, unit):
                return f"{Counter(figures).most_common(1)[0][0]} {unit}"
        raise ValueError(f"No page whose address ends in {address[:-1]} states a {quantity}.")
