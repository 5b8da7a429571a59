"""The one planted fault: asked which tag ends a code block, the model names it in its thoughts, and the server stops there.

It is made for lesson 07. No other thought contains a stop sequence; tests/unit/test_families.py makes sure of it.
"""

import random

from training.families.pages import Web
from training.tasks import Move, Task, code

FAMILY = "planted stop"
QUESTION = "Which tag ends a code block?"
STOP = "</code>"


def draw(rng: random.Random, training: bool) -> Task:
    return Task(
        FAMILY,
        QUESTION,
        _next,
        lambda answer: "closing code tag" in answer,
        [Web([])],
        expected="closing code tag",
    )


def _next(seen: list[str]) -> Move:
    if not seen:
        return Move(f"The tag that ends a code block is {STOP}", cut=True)
    return Move(
        "I have no observation to read. The system prompt names the tag, so I can answer at once.",
        code("I answer in words.", 'final_answer("A code block ends with the closing code tag.")'),
    )
