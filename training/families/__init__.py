"""The families of tasks, and how often each is drawn for training.

Each module with a `FAMILY` draws the tasks of one family; the others are their material.
"""

import random
from collections.abc import Callable

from training.families import archives, calls, chat, compare, documents, imports, planted, speed
from training.tasks import Task

Draw = Callable[..., Task]
"""`draw(rng, training)`: a task of a family, of either side of the split."""
FAMILIES: dict[str, Draw] = {
    module.FAMILY: module.draw for module in (speed, compare, imports, documents, calls)
}
ALL = FAMILIES | {planted.FAMILY: planted.draw}
SHORT = {imports.FAMILY: 5, documents.FAMILY: 4}
"""The families with short runs, and how many of these form one conversation."""
FIRST_MOVES = "first moves"
DECK = {
    chat.FAMILY: 3, FIRST_MOVES: 4, imports.FAMILY: 6, documents.FAMILY: 6,
    speed.FAMILY: 3, compare.FAMILY: 3, calls.FAMILY: 4, planted.FAMILY: 1,
}  # fmt: skip
"""How often each comes in a row of 30 cards. Drawn independently, a family could be absent from as many, and be forgotten.

The counts change with what an adapter lacks (research/LOG.md). First moves are short, and they decide which family a
question belongs to. Tool calls have the longest runs and are lost first, with three cards in 28. With two cards each,
forbidden imports and own documents were half forgotten after 48 steps.
"""


def card(seed: int, number: int) -> str:
    """The family of some neighboring conversations. The deck is shuffled again each time it has been dealt."""
    cards = [name for name, count in DECK.items() for _ in range(count)]
    turn, place = divmod(number, len(cards))
    random.Random(f"{seed} {turn}").shuffle(cards)
    return cards[place]


def short(family: str, rng: random.Random) -> list[Task]:
    """Training tasks of a family with short runs, all with the same tools and hence the same system prompt."""
    look = {"look": archives.shape(rng)} if family == documents.FAMILY else {}
    return [ALL[family](rng, True, **look) for _ in range(SHORT[family])]


def of_one_prompt(rng: random.Random) -> Draw:
    """The `draw` of one of the families with the course's own tools, hence with the same system prompt."""
    return rng.choices((speed.draw, compare.draw, imports.draw), (0.4, 0.35, 0.25))[0]


def measured(family: str, count: int, seed: int) -> list[Task]:
    """`count` held-out tasks of one family. The same seed gives the same tasks, whatever the count."""
    rng = random.Random(f"{seed} {family}")
    return [FAMILIES[family](rng, False) for _ in range(count)]
