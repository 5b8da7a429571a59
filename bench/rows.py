"""What a measurement returns: rows, each a ratio with the figures behind it. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


class NotMeasured(Exception):
    """This machine lacks what the measurement needs. The message says what, and goes into the table."""


@dataclass(frozen=True)
class Row:
    """One line of a table.

    `ratio` is None where there is nothing to divide by. `value` has the figures that were divided, with their units.
    `limit` is the target: the maximum of the ratio, or with `at_least` its minimum. `failed` means that something went
    wrong that the figures do not show (a lesson's test). `data` is what was measured, as JSON.
    """

    what: str
    ratio: float | None
    value: str
    limit: float | None = None
    at_least: bool = False
    failed: bool = False
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None without one. Judged as shown: rounded to two decimals, at 1.01 to three."""
        if self.limit is None or self.ratio is None:
            return None
        shown = round(self.ratio, digits(self.limit))
        return shown >= self.limit if self.at_least else shown <= self.limit


def digits(limit: float | None) -> int:
    """How many decimals a ratio is shown with: enough to tell it from its target."""
    return 3 if limit is not None and abs(limit - 1) < 0.02 else 2


def paired(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of pairs, each measured one right after the other."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def spread(values: Sequence[float]) -> str:
    """The median and, in brackets, the range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{short(middle)} ({short(low)}–{short(high)})"


def pairs(above: Sequence[float], below: Sequence[float]) -> str:
    """The figures behind `paired`, which are seconds."""
    return f"{spread(above)} s ÷ {spread(below)} s, {len(below)} pairs"


def short(number: float) -> str:
    """Three significant digits, and no exponent."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def rotated(names: Sequence[str], round: int) -> list[str]:
    """The order of a round: each comes first in turn, so that a drift of the machine affects all alike."""
    at = round % len(names)
    return [*names[at:], *names[:at]]
