"""What a run amounts to: seconds a step, failures, fairness, tokens, and the share of the engine's limit. Pure.

percentile([1, 2, 3, 4], 95)      # 3.85
jain([1, 1, 4])                   # 0.667: 1 is the same for everybody, 1/n is everything for one
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.workshop.matrix import Cell


@dataclass(frozen=True)
class Step:
    """One step of an agent, as its tape has it.

    `started` is epoch time; `seconds` lasts from sending the request until its code has run. `new` are prompt tokens that
    the server processed, `cached` those it had. `status` is HTTP's, 0 if no response came.
    """

    started: float
    seconds: float
    status: int
    new: int = 0
    cached: int = 0
    generated: int = 0

    @property
    def good(self) -> bool:
        return self.status == 200


@dataclass(frozen=True)
class Learner:
    """What became of one learner. `ended` is "done", "failed" or "out of time"; `why` says more. `again`: runs repeated
    after an error, as a learner would."""

    name: str
    steps: list[Step] = field(default_factory=list)
    ended: str = "done"
    why: str = ""
    again: int = 0

    @property
    def good(self) -> list[Step]:
        return [step for step in self.steps if step.good]


@dataclass(frozen=True)
class Memory:
    """Bytes at their most. `learners`: servers and kernels of all of them. Shared pages count once (PSS)."""

    hub: int = 0
    learners: int = 0
    model: int = 0

    def most(self, other: "Memory") -> "Memory":
        return Memory(
            *(max(a, b) for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True))
        )


@dataclass(frozen=True)
class Plain:
    """What plain clients did with the same requests: no agents, no kernels, no hub."""

    clients: int
    done: int
    seconds: float

    @property
    def per_minute(self) -> float:
        return 60 * self.done / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Figures:
    """`per_minute` are steps of all learners together; `limit` those of plain clients. `revived`: seconds until a killed
    server answered again."""

    done: int
    failed: int
    unfinished: int
    failed_steps: int
    median: float | None
    p95: float | None
    slowest: float | None
    jain: float | None
    per_minute: float
    limit: float | None
    new: float
    cached: float
    generated: float
    revived: float | None = None

    @property
    def share(self) -> float | None:
        """Of the engine's limit."""
        return self.per_minute / self.limit if self.limit else None


def percentile(values: Sequence[float], percent: float) -> float:
    """With linear interpolation between the two nearest values. ValueError without values."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def jain(values: Sequence[float]) -> float:
    """Jain's fairness index, (Σx)² / (n·Σx²): R. Jain, D. Chiu, W. Hawe, DEC-TR-301, 1984. ValueError without values."""
    if not values:
        raise ValueError("there is no fairness among nobody")
    squares = len(values) * sum(value * value for value in values)
    return sum(values) ** 2 / squares if squares else 1.0


def figures(learners: Sequence[Learner], plain: Plain | None = None, revived: float | None = None) -> Figures:
    """Fairness compares learners who finished, by their mean seconds a step."""
    good = [step for learner in learners for step in learner.good]
    seconds = [step.seconds for step in good]
    means = [
        statistics.mean(s.seconds for s in one.good) for one in learners if one.good and one.ended == "done"
    ]
    span = max(s.started + s.seconds for s in good) - min(s.started for s in good) if good else 0.0

    def mean(name: str) -> float:
        return statistics.mean(getattr(step, name) for step in good) if good else 0.0

    return Figures(
        done=sum(one.ended == "done" for one in learners),
        failed=sum(one.ended == "failed" for one in learners),
        unfinished=sum(one.ended == "out of time" for one in learners),
        failed_steps=sum(len(one.steps) - len(one.good) for one in learners),
        median=statistics.median(seconds) if seconds else None,
        p95=percentile(seconds, 95) if seconds else None,
        slowest=max(means) / min(means) if means else None,
        jain=jain(means) if means else None,
        per_minute=60 * len(good) / span if span else 0.0,
        limit=plain.per_minute if plain and plain.done else None,
        new=mean("new"),
        cached=mean("cached"),
        generated=mean("generated"),
        revived=revived,
    )


def data(found: Figures, memory: Memory) -> dict[str, Any]:
    """Both as JSON, without false precision."""
    flat = {**asdict(found), **{f"memory_{name}": size for name, size in asdict(memory).items()}}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in flat.items()}


@dataclass(frozen=True)
class Result:
    """One cell, measured. `plain` is None if there was no time for it, `revived` unless the server was killed."""

    cell: Cell
    learners: list[Learner]
    memory: Memory
    plain: Plain | None = None
    revived: float | None = None

    @property
    def figures(self) -> Figures:
        return figures(self.learners, self.plain, self.revived)
