"""Which runs there are, in which order, and how long each may take. Pure.

[str(cell) for cell in plan([1, 10])]     # ["1 learner, 1 slot, warm", …]
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SLOTS = 4
"""What one slot is compared with: what llama-server starts with if it is not told how many."""
SLOT = 8192
"""Tokens of context for each slot: what the lessons assume."""
MIDDLE = 10
"""The number of learners at which settings are compared."""
CLIENTS = 5
"""Plain clients that show the engine's limit: more than there are slots, so that all slots are busy."""
FEW = 8
"""Steps that a run should have at least: a small group repeats its agent run."""

START = 2
"""A fresh server and its first prompt take about as long as so many agent runs."""


@dataclass(frozen=True)
class Cell:
    """One run. `warm`: the shared beginning of all prompts is in every slot. `dies`: the model's server is killed in it."""

    learners: int
    slots: int = 1
    unified: bool = True
    warm: bool = True
    dies: bool = False

    @property
    def clients(self) -> int:
        """How many plain clients show the engine's limit. A cold start costs the same for each run, so as many then."""
        if self.dies:
            return 0
        return min(self.learners, CLIENTS) if self.warm else self.learners

    @property
    def cache(self) -> str:
        """How the KV cache is divided; nothing to divide with one slot."""
        return "–" if self.slots == 1 else "unified" if self.unified else "split"

    def changes(self) -> dict[str, int | bool]:
        """Settings of the server. The context in sum is the same, whether it is unified or split."""
        made: dict[str, int | bool] = {"parallel": self.slots, "context": self.slots * SLOT}
        return made if self.slots == 1 else {**made, "kv_unified": self.unified}

    def __str__(self) -> str:
        many = (
            f"{self.learners} learner{'s' * (self.learners != 1)}, {self.slots} slot{'s' * (self.slots != 1)}"
        )
        parts = [many, *([self.cache] if self.slots > 1 else []), "warm" if self.warm else "cold"]
        return ", ".join([*parts, *(["the model server is killed"] if self.dies else [])])


def plan(learners: Sequence[int], dies: bool = True, compare: int = MIDDLE) -> list[Cell]:
    """Every number of learners with the usual settings; at the largest up to `compare`, one setting changed at a time."""
    counts = sorted(set(learners))
    middle = max((n for n in counts if n <= compare), default=counts[0])
    cells = [Cell(n) for n in counts]
    cells += [Cell(middle, SLOTS), Cell(middle, SLOTS, unified=False), Cell(middle, warm=False)]
    if dies:
        cells.append(Cell(counts[-1], dies=True))
    return sorted(cells, key=lambda cell: (cell.learners, cell.dies))


def rounds(learners: int, steps: int) -> int:
    """How often each learner repeats the agent run, so that there are at least FEW steps."""
    return math.ceil(FEW / (learners * steps))


def work(cell: Cell, steps: int) -> tuple[int, int]:
    """What the learners and the plain clients have to do, in agent runs, with START for each fresh server."""
    many = rounds(cell.learners, steps)
    return cell.learners * many + START, cell.clients * many + START if cell.clients else 0


def limits(left: Sequence[Cell], steps: int, seconds: float) -> tuple[float, float]:
    """Seconds that the first cell's learners and its plain clients may take: shares of what is left for all of them."""
    every = sum(sum(work(cell, steps)) for cell in left)
    agents, plain = work(left[0], steps)
    return seconds * agents / every, seconds * plain / every
