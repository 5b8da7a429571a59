"""All families of tasks, and how often each is drawn for training."""

import random

from training import calls, compare, documents, imports, planted, speed
from training.tasks import Task

FAMILIES = {module.FAMILY: module.draw for module in (speed, compare, imports, documents, calls)}
ALL = FAMILIES | {planted.FAMILY: planted.draw}
SHARES = {
    speed.FAMILY: 0.46,
    compare.FAMILY: 0.14,
    imports.FAMILY: 0.08,
    documents.FAMILY: 0.12,
    calls.FAMILY: 0.18,
    planted.FAMILY: 0.02,
}


def drawn(rng: random.Random):
    """The `draw` of a family to train on."""
    return ALL[rng.choices(list(SHARES), list(SHARES.values()))[0]]


def of_one_prompt(rng: random.Random):
    """The `draw` of a family of those with the course's own tools, hence with one system prompt."""
    return rng.choices((speed.draw, compare.draw, imports.draw), (0.5, 0.3, 0.2))[0]


def measured(family: str, count: int, seed: int) -> list[Task]:
    """Held-out tasks of one family, the same for the same seed; more of them begin with the same ones."""
    rng = random.Random(f"{seed} {family}")
    return [FAMILIES[family](rng, False) for _ in range(count)]
