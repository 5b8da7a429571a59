"""Rows of a `course run` report: one of each kind, with everything that a row can have, hostile text included."""

from course.run.compare import Difference
from course.run.outcome import Cell, Outcome
from course.run.plan import Address, Book, Job, Settings
from course.run.rows import Recorded, Row, missing

EVIL = "<script>alert(1)</script> & \x1b[31mred\x00 \ud800 ]]> \"'"


def job(name, profile=None, server=None):
    return Job(Book(name, f"/c/{name}", "0" * 64), profile, Address(server), Settings())


CELLS = (Cell(1, "import math", "ran", 0.02), Cell(3, EVIL, "failed", 4.2), Cell(4, "never()", "not run"))


def every_kind(folder):
    """Six rows; their files are said to be in this folder."""
    done = folder / "jobs" / "a b" / "executed.ipynb"
    tape = Recorded(done.with_name("run.tape.jsonl"), 3, ("A title",), done.with_name("run.html"))
    differs = (Difference(1, "print(1)", ("--- stored", "+++ executed", "-1", "+2 " + EVIL), True),)
    aside = (Difference(3, "time()", ("-1", "+2"), False),)
    ok = Outcome(
        "passed", cells=CELLS[:1], seconds=1.5, started="2026-11-29T08:00:00+00:00", worker="host:12"
    )
    return [
        Row(job("a.ipynb", "embedded", "http://u:p@h:1"), ok, aside, done, tape),
        Row(job("b.ipynb"), ok, differs, done),
        Row(job(f"c {EVIL}.ipynb"), Outcome("failed", f"{EVIL}: boom", 3, CELLS, 5.0, traceback=EVIL * 5000)),
        Row(job("d.ipynb"), Outcome("error", "no server answers", lost=4, tries=2, notes=(EVIL,))),
        Row(job("e.ipynb"), Outcome("passed", tries=2), resumed=True),
        missing(job("f.ipynb"), "the Dask scheduler went away."),
    ]
