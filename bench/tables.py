"""Write the tables of docs/measurements.md from the data in bench/results:  python -m bench.tables [--check]

One section for each machine, between two marks. With --check it writes nothing, and its exit status says whether the page
is up to date. Measures nothing, and never rounds a missed target into one that is met.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from authoring.generated import spliced
from bench import machine
from bench.plan import BY_NAME
from bench.rows import Row, digits
from course import ROOT

PAGE = ROOT / "docs" / "measurements.md"
BEGIN, END = "<!-- bench: written by python -m bench.tables -->", "<!-- bench: end -->"
NOTHING = "Nothing has been measured yet. Run:  `make bench`"

Record = Mapping[str, Any]
"""One measurement as it is stored: see `bench.__main__.measured`."""


def rows(record: Record) -> list[Row]:
    return [Row(**row) for row in record.get("rows", [])]


def ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.{digits(row.limit)}f}"


def target(row: Row) -> str:
    """The target and whether it was met."""
    if row.limit is None:
        return ""
    sign = "≥" if row.at_least else "≤"
    verdict = {True: "met", False: "**missed**", None: "not measured"}[row.met]
    return f"{sign} {row.limit:g}: {verdict}"


def lines(record: Record) -> list[str]:
    """The rows of one measurement for a terminal."""
    if why := record.get("not_measured"):
        return [f"not measured here: {why}"]
    return [
        "  ".join(part for part in (row.what, ratio(row), target(row).replace("*", ""), row.value) if part)
        for row in rows(record)
    ]


def table(name: str, record: Record) -> list[str]:
    """One measurement in Markdown: heading, what it says, rows."""
    plan = BY_NAME[name]
    head = [f"**{plan.title}** (`{name}`). {plan.about}", ""]
    if why := record.get("not_measured"):
        return [*head, f"Not measured here: {cell(why)}.", ""]
    body = [
        f"| {cell(row.what)} | {ratio(row)} | {target(row)} | {cell(row.value)} |" for row in rows(record)
    ]
    return [*head, "| what | ratio | target | figures |", "|---|--:|---|---|", *body, ""]


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def section(title: str, files: Iterable[Record]) -> list[str]:
    """One machine: what it is, then its measurements, a file for each engine, with build and date."""
    made = [f"### {title}", ""]
    for data in files:
        measurements: Mapping[str, Record] = data["measurements"]
        made += [f"llama.cpp {'; '.join(builds(measurements.values()))}.", ""]
        made += [line for name, record in measurements.items() for line in table(name, record)]
    return made


def builds(records: Iterable[Record]) -> list[str]:
    """Each build with the commits and days at which it was measured."""
    commits: dict[tuple[str, str], set[str]] = {}
    for record in records:
        commits.setdefault((record["build"], record["date"]), set()).add(record["commit"])
    return [
        f"{build}, commit{'s'[: len(names) > 1]} {', '.join(sorted(names))}, {date}"
        for (build, date), names in sorted(commits.items())
    ]


def rendered(results: Iterable[Record]) -> str:
    machines = groupby(results, key=lambda data: machine.title(data["machine"]))
    found = [line for title, files in machines for line in section(title, files)]
    return "\n".join(found).rstrip() or NOTHING


def results(folder: Path = ROOT / "bench" / "results") -> list[Record]:
    """Sorted by name, so that a machine comes right before the same one with another engine (MACHINE-binary)."""
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stem)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.tables", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if a table is out of date"
    )
    given = parser.parse_args(argv)
    old = PAGE.read_text(encoding="utf-8")
    new = spliced(old, BEGIN, END, rendered(results()))
    if given.check:
        if new != old:
            print(
                f"bench: the tables in {PAGE.relative_to(ROOT)} do not match bench/results.\n"
                "Update them:  python -m bench.tables"
            )
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
