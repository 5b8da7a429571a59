"""All families of tasks, and how often each is drawn for training."""

import random

from training import archives, calls, compare, documents, imports, planted, speed
from training.tasks import Task

FAMILIES = {module.FAMILY: module.draw for module in (speed, compare, imports, documents, calls)}
ALL = FAMILIES | {planted.FAMILY: planted.draw}
SHARES = {speed.FAMILY: 0.38, compare.FAMILY: 0.28, calls.FAMILY: 0.32, planted.FAMILY: 0.02}
"""Of the families whose runs are long."""
SHORT = {imports.FAMILY: 5, documents.FAMILY: 4}
"""The families whose runs are short, how many of those make one conversation, and how often one is drawn."""


def drawn(rng: random.Random):
    """The `draw` of a family with long runs."""
    return ALL[rng.choices(list(SHARES), list(SHARES.values()))[0]]


def short(kinds: random.Random, rng: random.Random) -> list[Task]:
    """Some tasks to train on of a family that `kinds` draws, with the same tools, hence with one system prompt."""
    family = kinds.choices(list(SHORT), list(SHORT.values()))[0]
    look = {"look": archives.shape(rng)} if family == documents.FAMILY else {}
    return [ALL[family](rng, True, **look) for _ in range(SHORT[family])]


def of_one_prompt(rng: random.Random):
    """The `draw` of a family of those with the course's own tools, hence with one system prompt."""
    return rng.choices((speed.draw, compare.draw, imports.draw), (0.4, 0.35, 0.25))[0]


def measured(family: str, count: int, seed: int) -> list[Task]:
    """Held-out tasks of one family, the same for the same seed; more of them begin with the same ones."""
    rng = random.Random(f"{seed} {family}")
    return [FAMILIES[family](rng, False) for _ in range(count)]
