"""The README's tables, out of the data in bench/results:  python -m bench.tables [--check]

Does: writes one section for each machine between two marks in the README; with --check only tells (status 1) whether
what stands there is what the data give. Does not: measure, or round a missed target into a met one.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from authoring.generated import spliced
from bench import machine
from bench.rows import Row, digits
from course import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- bench: written by python -m bench.tables -->", "<!-- bench: end -->"
NOTHING = "Nothing was measured yet:  `make bench`"


def rows(record: dict) -> list[Row]:
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


def lines(record: dict) -> list[str]:
    """The rows of one measurement for a terminal."""
    if why := record.get("not_measured"):
        return [f"not measured here: {why}"]
    return [
        "  ".join(part for part in (row.what, ratio(row), target(row).replace("*", ""), row.value) if part)
        for row in rows(record)
    ]


def table(record: dict) -> list[str]:
    """One measurement in Markdown."""
    head = [f"**{record['title']}**", ""]
    if why := record.get("not_measured"):
        return [*head, f"Not measured here: {why}.", ""]
    body = [
        f"| {cell(row.what)} | {ratio(row)} | {target(row)} | {cell(row.value)} |" for row in rows(record)
    ]
    return [*head, "| what | ratio | target | the figures |", "|---|--:|---|---|", *body, ""]


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def section(title: str, files: Iterable[dict]) -> list[str]:
    """One machine: what it is, then its measurements, a file for each engine, with build and date."""
    made = [f"### {title}", ""]
    for data in files:
        records = data["measurements"].values()
        made += [f"llama.cpp {'; '.join(builds(records))}.", ""]
        made += [line for record in records for line in table(record)]
    return made


def builds(records: Iterable[dict]) -> list[str]:
    """Each build with the commits and days at which it was measured."""
    commits: dict[tuple[str, str], set[str]] = {}
    for record in records:
        commits.setdefault((record["build"], record["date"]), set()).add(record["commit"])
    return [
        f"{build}, commit{'s'[: len(names) > 1]} {', '.join(sorted(names))}, {date}"
        for (build, date), names in sorted(commits.items())
    ]


def rendered(results: list[dict]) -> str:
    machines = groupby(results, key=lambda data: machine.title(data["machine"]))
    found = [line for title, files in machines for line in section(title, files)]
    return "\n".join(found).rstrip() or NOTHING


def results(folder: Path = ROOT / "bench" / "results") -> list[dict]:
    """By name: a machine comes before the same with another engine (MACHINE-binary)."""
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stem)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.tables", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, tell whether it is up to date")
    given = parser.parse_args(argv)
    old = README.read_text(encoding="utf-8")
    new = spliced(old, BEGIN, END, rendered(results()))
    if given.check:
        if new != old:
            print("the tables in the README are not those of bench/results. Run:  python -m bench.tables")
        return int(new != old)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
