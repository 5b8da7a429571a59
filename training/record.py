"""What was measured of an adapter, as a file that grows by each case, so that a measurement goes on where it was left.

Does: keeps the cases with a summary of each family; forgets those of another adapter, engine or seed. Does not: measure.
"""

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One case: what was asked and expected, what came out, and what it cost. `generated` in tokens."""

    family: str
    question: str
    expected: str
    answer: str
    outcome: str
    steps: int
    generated: int
    seconds: float


def summary(results: list[Result]) -> dict:
    return {
        "cases": len(results),
        "right": sum(r.outcome == "right" for r in results),
        "steps": round(statistics.mean(r.steps for r in results), 2),
        "tokens": round(statistics.median(r.generated for r in results)),
        "seconds": round(statistics.median(r.seconds for r in results), 1),
        "failures": dict(Counter(r.outcome for r in results if r.outcome != "right")),
    }


class Record:
    """`about`: the adapter, the engine and the seed, as the file states them. `path` None: nothing is kept."""

    def __init__(self, path: Path | None, about: dict, order: Iterable[str]):
        self.path, self.about, self.order = path, about, list(order)
        self.results: dict[str, list[Result]] = {}
        self.beside: dict[str, dict] = {}
        """Of a family, what its cases do not tell: servers at once."""
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

    def families(self) -> dict[str, dict]:
        """The table: each family's summary and what stands beside it."""
        known = [family for family in self.order if family in self.results]
        return {family: summary(self.results[family]) | self.beside.get(family, {}) for family in known}

    def save(self) -> None:
        if self.path is None:
            return
        rows = self.families()
        data = {"date": date.today().isoformat(), **self.about, "families": rows}
        data["results"] = [asdict(result) for family in rows for result in self.results[family]]
        store(self.path, data)


def store(path: Path, data: dict) -> None:
    """All of it or nothing: a run that ends here leaves the file of before."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
