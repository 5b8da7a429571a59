"""All families of tasks, and how often each is drawn for training."""

import random

from training.families import archives, calls, chat, compare, documents, imports, planted, speed
from training.tasks import Task

FAMILIES = {module.FAMILY: module.draw for module in (speed, compare, imports, documents, calls)}
ALL = FAMILIES | {planted.FAMILY: planted.draw}
SHORT = {imports.FAMILY: 5, documents.FAMILY: 4}
"""The families whose runs are short, and how many of those make one conversation."""
FIRST_MOVES = "first moves"
DECK = {
    chat.FAMILY: 3, FIRST_MOVES: 6, imports.FAMILY: 3, documents.FAMILY: 3,
    speed.FAMILY: 4, compare.FAMILY: 5, calls.FAMILY: 3, planted.FAMILY: 1,
}  # fmt: skip
"""What each 28 cards in a row hold. Drawn one by one, a family was absent from as many, and what is absent is forgotten.

First moves are short, and where families part: with three of them in 25, one wording of a comparison began as the leopard.
"""


def card(seed: int, number: int) -> str:
    """What some neighboring conversations are about: the deck, shuffled anew each time that it is through."""
    cards = [name for name, count in DECK.items() for _ in range(count)]
    turn, place = divmod(number, len(cards))
    random.Random(f"{seed} {turn}").shuffle(cards)
    return cards[place]


def short(family: str, rng: random.Random) -> list[Task]:
    """Some tasks to train on of a family with short runs, with the same tools, hence with one system prompt."""
    look = {"look": archives.shape(rng)} if family == documents.FAMILY else {}
    return [ALL[family](rng, True, **look) for _ in range(SHORT[family])]


def of_one_prompt(rng: random.Random):
    """The `draw` of a family of those with the course's own tools, hence with one system prompt."""
    return rng.choices((speed.draw, compare.draw, imports.draw), (0.4, 0.35, 0.25))[0]


def measured(family: str, count: int, seed: int) -> list[Task]:
    """Held-out tasks of one family, the same for the same seed; more of them begin with the same ones."""
    rng = random.Random(f"{seed} {family}")
    return [FAMILIES[family](rng, False) for _ in range(count)]
