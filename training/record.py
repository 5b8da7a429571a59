"""What was measured of an adapter, in a file that grows with each case, so that a measurement can be resumed.

Holds the cases and a summary of each family. Cases of another adapter, engine or seed are dropped.
"""

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

Data = dict[str, Any]
"""As JSON."""


@dataclass(frozen=True)
class Result:
    """One case: what was asked and expected, the answer and its outcome, and what it cost. `generated` is in tokens."""

    family: str
    question: str
    expected: str
    answer: str
    outcome: str
    steps: int
    generated: int
    seconds: float


def summary(results: list[Result]) -> Data:
    """Means of steps, medians of tokens and seconds, and the failures counted by outcome."""
    return {
        "cases": len(results),
        "right": sum(r.outcome == "right" for r in results),
        "steps": round(statistics.mean(r.steps for r in results), 2),
        "tokens": round(statistics.median(r.generated for r in results)),
        "seconds": round(statistics.median(r.seconds for r in results), 1),
        "failures": dict(Counter(r.outcome for r in results if r.outcome != "right")),
    }


class Record:
    """The cases of one measurement, by family.

    `about` names the adapter, the engine and the seed, as they stand in the file. With `path` None, nothing is stored.
    """

    def __init__(self, path: Path | None, about: Data, order: Iterable[str]):
        self.path, self.about, self.order = path, about, list(order)
        self.results: dict[str, list[Result]] = {}
        self.beside: dict[str, Data] = {}
        """What the cases of a family do not tell: the number of servers at once."""
        before = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}
        if before and all(before.get(name) == value for name, value in about.items()):
            for one in before["results"]:
                self.results.setdefault(one["family"], []).append(Result(**one))
            for family, row in before["families"].items():
                counted = summary(self.results[family])
                self.beside[family] = {name: value for name, value in row.items() if name not in counted}

    def of(self, family: str) -> list[Result]:
        return self.results.get(family, [])

    def forget(self, family: str) -> None:
        self.results.pop(family, None)
        self.beside.pop(family, None)

    def add(self, result: Result) -> None:
        self.results.setdefault(result.family, []).append(result)
        self.save()

    def tell(self, family: str, **beside: int) -> None:
        self.beside[family] = self.beside.get(family, {}) | beside
        self.save()

    def families(self) -> dict[str, Data]:
        """The table: for each family its summary, and what was told about it besides."""
        known = [family for family in self.order if family in self.results]
        return {family: summary(self.results[family]) | self.beside.get(family, {}) for family in known}

    def save(self) -> None:
        if self.path is None:
            return
        rows = self.families()
        data = {"date": date.today().isoformat(), **self.about, "families": rows}
        data["results"] = [asdict(result) for family in rows for result in self.results[family]]
        store(self.path, data)


def store(path: Path, data: Data) -> None:
    """Write the file as a whole: if the run is interrupted here, the previous file stays."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
