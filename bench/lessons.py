"""The lessons on a server that runs elsewhere, out of pytest's report:  python -m bench.lessons junit.xml --out report.json

Does: counts, for each notebook, the cells that passed, failed or did not apply, and puts them into the report of a machine.
Does not: run them; tests/gpu/run does, with SERVER=.
"""

import argparse
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path

from bench import machine
from bench.__main__ import add
from bench.plan import PLAN
from bench.rows import NotMeasured, Row

APART = "not applicable"


def counted(report: Path) -> dict[str, Counter]:
    """Notebook → what became of its cells, and their seconds."""
    found: dict[str, Counter] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {part.tag: part.get("message", "") for part in case}
        kind = "failed" if {"failure", "error"} & set(kinds) else "passed"
        if "skipped" in kinds:
            kind = "not applicable" if APART in kinds["skipped"] else "not run"
        book = found.setdefault(case.get("classname", ""), Counter())
        book[kind] += 1
        book["seconds"] += float(case.get("time", 0))
    return found


def rows(found: dict[str, Counter]) -> list[Row]:
    """One row for each notebook, the whole first."""
    total = sum(found.values(), Counter())
    return [row("all notebooks", total), *(row(name, book) for name, book in sorted(found.items()))]


def row(name: str, book: Counter) -> Row:
    parts = [f"{book[kind]} {kind}" for kind in ("passed", "failed", APART, "not run") if book[kind]]
    cells = sum(book[kind] for kind in ("passed", "failed", "not run"))
    value = f"{', '.join(parts)}; {book['seconds']:.0f} s"
    bad = bool(book["failed"] or book["not run"]) or not book["passed"]
    return Row(name, book["passed"] / cells if cells else None, value, failed=bad, data=dict(book))


def measure(setting):
    raise NotMeasured("tests/gpu/run adds this from a test report")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lessons")
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(argv)
    made = rows(counted(given.report))
    plan = next(one for one in PLAN if one.name == "lessons")
    record = {
        "title": plan.title,
        "date": date.today().isoformat(),
        "commit": machine.commit(),
        "build": machine.build(),
        "rows": [asdict(one) for one in made],
    }
    add(given.out, "lessons", record)
    print("\n".join(f"{one.what}: {one.value}" for one in made))
    return int(any(one.failed for one in made))


if __name__ == "__main__":
    raise SystemExit(main())
