"""Cells of the lessons that passed, from pytest's report:  python -m bench.lessons junit.xml --out report.json

For each notebook, counts the cells that passed, failed or did not apply to the server's model, and adds the counts to the
report of a machine. Does not run the cells: tests/gpu/run does, with SERVER=.
"""

import argparse
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from bench.rows import NotMeasured, Row
from bench.setting import Setting
from bench.store import add, stamp, stored

APART = "not applicable"


class Book(Counter[str]):
    """Cells by outcome, of one notebook or of all. `seconds` is how long they took together."""

    seconds = 0.0


def counted(report: Path) -> dict[str, Book]:
    """Notebook → what became of its cells."""
    found: dict[str, Book] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {part.tag: part.get("message", "") for part in case}
        kind = "failed" if {"failure", "error"} & set(kinds) else "passed"
        if "skipped" in kinds:
            kind = APART if APART in kinds["skipped"] else "not run"
        book = found.setdefault(case.get("classname", ""), Book())
        book[kind] += 1
        book.seconds += float(case.get("time", 0))
    return found


def rows(found: dict[str, Book]) -> list[Row]:
    """A row for all notebooks together, then one for each."""
    total = Book()
    for book in found.values():
        total.update(book)
        total.seconds += book.seconds
    return [row("all notebooks", total), *(row(name, book) for name, book in sorted(found.items()))]


def row(name: str, book: Book) -> Row:
    parts = [f"{book[kind]} {kind}" for kind in ("passed", "failed", APART, "not run") if book[kind]]
    cells = sum(book[kind] for kind in ("passed", "failed", "not run"))
    value = f"{', '.join(parts)}; {book.seconds:.0f} s"
    bad = bool(book["failed"] or book["not run"]) or not book["passed"]
    data = {**book, "seconds": book.seconds}
    return Row(name, book["passed"] / cells if cells else None, value, failed=bad, data=data)


def measure(setting: Setting) -> list[Row]:
    raise NotMeasured("tests/gpu/run adds this from a test report")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.lessons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("report", type=Path, help="written by pytest --junitxml")
    parser.add_argument("--out", type=Path, required=True, help="the report of the machine to add them to")
    given = parser.parse_args(argv)
    made = rows(counted(given.report))
    add(given.out, "lessons", {**stamp(), "rows": stored(made)})
    print("\n".join(f"{one.what}: {one.value}" for one in made))
    return int(any(one.failed for one in made))


if __name__ == "__main__":
    raise SystemExit(main())
