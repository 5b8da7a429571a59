"""The report of a run as JUnit XML: one testcase for each notebook with its profile and server.

The elements and attributes are those of Jenkins' schema (junit-10.xsd), which other readers accept, too. Pure.

    Path("junit.xml").write_text(xml(rows), encoding="utf-8")
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from course.run.rows import Row
from course.terminal import visible

LONGEST = 20_000
"""Characters of one text; the executed notebook has all of it."""


def xml(rows: Sequence[Row], name: str = "course run") -> str:
    """The whole document. Characters that XML does not have are written as escapes."""
    whole = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(whole, "testsuite", _suite(rows, name))
    for row in rows:
        _case(suite, row)
    ElementTree.indent(whole)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(whole, encoding="unicode") + "\n"


def _suite(rows: Sequence[Row], name: str) -> dict[str, str]:
    started = [row.outcome.started for row in rows if row.outcome.started]
    return {
        "name": name,
        "tests": str(len(rows)),
        "failures": str(sum(row.status == "failed" for row in rows)),
        "errors": str(sum(row.status == "error" for row in rows)),
        "skipped": str(sum(row.status == "not run" for row in rows)),
        "time": _seconds(sum(row.outcome.seconds for row in rows)),
        **({"timestamp": min(started)[:19]} if started else {}),
    }


def _case(suite: ElementTree.Element, row: Row) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": _text(row.job.variant or "notebook"),
            "name": _text(row.job.book.name),
            "time": _seconds(row.outcome.seconds),
        },
    )
    if row.status == "not run":
        ElementTree.SubElement(case, "skipped", {"message": _text(row.reason)})
    elif row.status != "passed":
        kind = "failure" if row.status == "failed" else "error"
        what = {
            "message": _text(row.reason),
            "type": "difference" if row.outcome.status == "passed" else row.status,
        }
        ElementTree.SubElement(case, kind, what).text = _text(_details(row))
    ElementTree.SubElement(case, "system-out").text = _text("\n".join(_facts(row)))


def _details(row: Row) -> str:
    """The traceback, and the differences because of which it failed."""
    parts = [row.reason, row.outcome.traceback]
    parts += [f"cell {d.index + 1}: {d.line}\n" + "\n".join(d.lines) for d in row.differing]
    return "\n\n".join(part for part in parts if part)


def _facts(row: Row) -> list[str]:
    """Seconds of each cell, where it ran, what is worth knowing beside it."""
    said = [f"cell {c.index + 1}: {_time(c.seconds)}  {c.line}" for c in row.outcome.cells]
    if row.outcome.worker:
        said.append(f"worker: {row.outcome.worker}")
    if row.outcome.tries > 1:
        said.append(f"tries: {row.outcome.tries}")
    if row.outcome.lost:
        said.append(f"workers lost: {row.outcome.lost}")
    if row.resumed:
        said.append("kept from an earlier run")
    said += row.outcome.notes
    others = [d.index + 1 for d in row.differences if not d.counts]
    if others:
        said.append(
            f"unchecked outputs that differ from the stored ones: cells {', '.join(map(str, others))}"
        )
    if row.notebook:
        said.append(f"executed notebook: {row.notebook}")
    if row.tape:
        said.append(f"tape: {row.tape.path}, {row.tape.exchanges} exchanges")
        said += [f"found on the tape: {title}" for title in row.tape.findings]
    return said


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _time(seconds: float | None) -> str:
    return "not run" if seconds is None else f"{seconds:.2f} s"


def _text(text: str) -> str:
    made = visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    return made if len(made) <= LONGEST else made[:LONGEST] + "\n… and more"
