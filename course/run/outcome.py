"""What became of a job: values that travel from a worker to the report, and their JSON.

Outcome("failed", "it ran longer than 300 seconds", cell=4, cells=(Cell(0, "import math", "ran", 0.02), …))
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Status = Literal["passed", "failed", "error", "not run"]
"""`failed`: the notebook is to blame. `error`: it could not be run (no server, a lost worker); it is tried again when
the command is repeated. `not run`: the run ended before."""
FINAL: tuple[Status, ...] = ("passed", "failed")
VERSION = 1


@dataclass(frozen=True)
class Cell:
    """A code cell as it ran. `index` counts all cells from 0, `line` is its first line of code, `seconds` its time."""

    index: int
    line: str
    state: Literal["ran", "failed", "not run"]
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended. `cell` is the index of the cell that failed, None if no cell did.

    `seconds` includes starting the kernel. `worker` is where it ran, `tries` how often its notebook was executed, `lost`
    how many workers it lost. `notes` are remarks for the report, such as a kernel that was replaced.
    """

    status: Status
    reason: str = ""
    cell: int | None = None
    cells: tuple[Cell, ...] = ()
    seconds: float = 0.0
    started: str = ""
    worker: str = ""
    tries: int = 1
    lost: int = 0
    notes: tuple[str, ...] = ()
    traceback: str = ""

    @property
    def where(self) -> str:
        """The failed cell in words: its place among all cells, counted from 1, and its first line."""
        cell = next((c for c in self.cells if c.index == self.cell), None)
        return f"cell {cell.index + 1} (`{cell.line}`)" if cell else ""

    @property
    def said(self) -> str:
        """One line for people: where it failed, and why."""
        return ": ".join(part for part in (self.where, self.reason) if part)

    def record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """What a worker sends back: the outcome, the executed notebook (JSON) and the tape, each None if there is none."""

    outcome: Outcome
    notebook: bytes | None = None
    tape: bytes | None = None

    def with_outcome(self, **changes: Any) -> "Result":
        return replace(self, outcome=replace(self.outcome, **changes))


def outcome(record: Mapping[str, Any]) -> Outcome:
    """The outcome that `record` made. ValueError, TypeError or KeyError for anything else."""
    fields = dict(record)
    cells = tuple(Cell(**cell) for cell in fields.pop("cells"))
    made = Outcome(**{**fields, "cells": cells, "notes": tuple(fields.pop("notes"))})
    if made.status not in ("passed", "failed", "error", "not run"):
        raise ValueError(f"no status: {made.status!r}")
    return made
