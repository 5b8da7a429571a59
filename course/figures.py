"""`MostFrequentFigure`: a tool that reads search results for agents that write tool calls instead of code.

An agent that writes code hands the pages to its code in a variable. One that writes tool calls has to carry them: the model
copies them, token by token, into the arguments.
Does: counts what pages state about one subject. Does not: search, convert, or look at pages about anything else.
"""

import re
from collections import Counter

from smolagents import Tool

from course.corpus import slug

UNITS = {"speed": ("km/h", "mph"), "length": ("m", "ft")}
"""Of each quantity, in the order in which they are looked for."""
SPELLED = {"km/h": "km/h|kilometers", "mph": "mph|miles", "m": "m|meters", "ft": "ft|feet"}
"""How pages spell a unit, as an alternative in a regular expression."""


def printed(text: str, unit: str) -> list[str]:
    """All figures with this unit in a text, whatever they are of."""
    return re.findall(rf"([\d.]+) (?:{SPELLED[unit]})\b", text)


class MostFrequentFigure(Tool):
    """`most_frequent_figure(quantity, subject, pages)`: "58 km/h". None stated raises ValueError, which the agent reads."""

    name = "most_frequent_figure"
    description = (
        "Reads search results and returns the figure that most pages about the subject state, with its unit. "
        "Pages about other subjects are left out."
    )
    inputs = {  # noqa: RUF012
        "quantity": {"type": "string", "description": "speed or length"},
        "subject": {"type": "string", "description": "The name that was searched for."},
        "pages": {"type": "string", "description": "The search results, copied."},
    }
    output_type = "string"

    def forward(self, quantity: str, subject: str, pages: str) -> str:
        if quantity not in UNITS:
            raise ValueError(f"{quantity!r} is none of {', '.join(UNITS)}.")
        address = f"/{slug(subject)})"
        about = "\n".join(page for page in pages.split("\n\n") if address in page)
        for unit in UNITS[quantity]:
            if figures := printed(about, unit):
                return f"{Counter(figures).most_common(1)[0][0]} {unit}"
        raise ValueError(f"No page whose address ends in {address[:-1]} states a {quantity}.")
