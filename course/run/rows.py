"""What a report shows of a job: its outcome, how its outputs differ from the stored ones, and what is on its tape.

row = with_tape(placed(row_of(job, outcome, ran, Comparison("tags", patterns)), kept))
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import nbformat

from course.errors import CourseError
from course.run import compare
from course.run.execute import read
from course.run.outcome import Cell, Outcome, Status
from course.run.plan import Job
from course.run.results import Kept

Mode = Literal["tags", "every", "none"]


@dataclass(frozen=True)
class Comparison:
    """How outputs are compared. With `tags`, a difference counts in cells that ask for it, with `every` in all cells."""

    mode: Mode = "tags"
    patterns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """A tape in a few words: how many exchanges it has, and the titles of what `course diagnose` finds in them."""

    path: Path
    exchanges: int
    findings: tuple[str, ...] = ()
    page: Path | None = None


@dataclass(frozen=True)
class Row:
    """A job as reports show it. `resumed`: its result was there before this run."""

    job: Job
    outcome: Outcome
    differences: tuple[compare.Difference, ...] = ()
    notebook: Path | None = None
    tape: Recorded | None = None
    resumed: bool = False

    @property
    def differing(self) -> tuple[compare.Difference, ...]:
        """The differences because of which it failed."""
        return tuple(d for d in self.differences if d.counts)

    @property
    def status(self) -> Status:
        return "failed" if self.outcome.status == "passed" and self.differing else self.outcome.status

    @property
    def reason(self) -> str:
        """Why it did not pass, in a line; empty if it did."""
        if self.outcome.status != "passed" or not self.differing:
            return self.outcome.said
        first, more = self.differing[0], len(self.differing) - 1
        said = f"cell {first.index + 1} (`{first.line}`): its output is not the stored one"
        return f"{said}; nor is that of {more} more" if more else said

    @property
    def flaky(self) -> bool:
        """It passed, but not at the first try."""
        return self.status == "passed" and self.outcome.tries > 1

    @property
    def slowest(self) -> Cell | None:
        return max(self.outcome.cells, key=lambda cell: cell.seconds or 0.0, default=None)


def row_of(job: Job, made: Outcome, ran: bytes | None, how: Comparison) -> Row:
    """The row of a job, with the outputs of the executed notebook `ran` compared; without its files (`placed`)."""
    differences: tuple[compare.Difference, ...] = ()
    if ran and how.mode != "none":
        try:
            stored, executed = read(Path(job.book.path)), nbformat.reads(ran.decode("utf-8"), as_version=4)
            differences = tuple(compare.differences(stored, executed, how.patterns, how.mode == "every"))
        except Exception as error:  # a damaged notebook makes nbval raise whatever it raises
            why = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
            made = _noted(made, f"its outputs could not be compared: {why}")
    return Row(job, made, differences)


def placed(row: Row, kept: Kept) -> Row:
    """The row with the files of its result. The tape is not read yet."""
    return replace(row, notebook=kept.notebook, tape=Recorded(kept.tape, 0) if kept.tape else None)


def missing(job: Job, why: str) -> Row:
    """The row of a job that has no result."""
    return Row(job, Outcome("not run", why))


def with_tape(row: Row) -> Row:
    """The row with its tape summarized, and the tape's page written beside it."""
    from course import files
    from course.diagnose import diagnose
    from course.tape import Tape
    from course.turns import turns
    from course.view import page

    if row.tape is None:
        return row
    path, problems = row.tape.path, list[str]()
    try:
        made = turns(Tape.read(path, report=problems.append).records())
        findings = diagnose(made)
        html = path.with_name("run.html")
        files.write_private(html, page(made, row.job.title, findings))
        titles = tuple(dict.fromkeys(finding.title for finding in findings if not finding.remark))
        recorded = Recorded(path, sum(turn.exchange is not None for turn in made), titles, html)
    except (OSError, CourseError) as error:
        recorded = Recorded(path, 0, (f"it could not be read: {error}",))
    return replace(
        row,
        outcome=_noted(row.outcome, *problems),
        tape=recorded if recorded.exchanges or recorded.findings else None,
    )


def _noted(made: Outcome, *notes: str) -> Outcome:
    return replace(made, notes=(*made.notes, *notes))


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Status → how many rows have it, in the order in which people ask; those that none has are left out."""
    found = Counter(row.status for row in rows)
    order: tuple[Status, ...] = ("passed", "failed", "error", "not run")
    return {status: found[status] for status in order if found[status]}


def summary(rows: Sequence[Row]) -> str:
    """One line: how many notebooks passed, failed and so on."""
    words = {"error": "could not be run", "not run": "not run"}
    said = [f"{number:,} {words.get(status, status)}" for status, number in counts(rows).items()]
    flaky = sum(row.flaky for row in rows)
    return ", ".join(said) + (f" ({flaky:,} passed only when tried again)" if flaky else "")


def as_json(rows: Sequence[Row]) -> str:
    """The rows for other programs: job, status, reason, seconds and differing cells of each."""
    made = [
        {
            **row.job.record(),
            "status": row.status,
            "reason": row.reason,
            "seconds": row.outcome.seconds,
            "tries": row.outcome.tries,
            "differences": [d.index for d in row.differences],
            "counted": [d.index for d in row.differing],
        }
        for row in rows
    ]
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"
