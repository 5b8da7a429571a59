"""The report of a run as one HTML page: each job with its cells' times, its failure, its differences and its tape.

The page needs no script and no network. It links to the executed notebooks and the tapes' pages, by paths relative to it.

    Path("runs/nightly/report.html").write_text(html(rows, Path("runs/nightly")), encoding="utf-8")
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader

from course import view
from course.run.rows import Row, counts, summary

MARKS = {"passed": "✓", "failed": "✗", "error": "!", "not run": "–"}


def html(rows: Sequence[Row], folder: Path, title: str = "Executed notebooks") -> str:
    """The page; `folder` is where it will be."""
    longest = max((c.seconds or 0 for row in rows for c in row.outcome.cells), default=0) or 1

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path, folder)).as_posix())

    text = (
        _environment()
        .get_template("report.html")
        .render(
            rows=rows,
            title=title,
            summary=summary(rows),
            counts=counts(rows),
            seconds=sum(row.outcome.seconds for row in rows),
            longest=longest,
            link=link,
            marks=MARKS,
            style=view.style(),
            variants=any(row.job.variant for row in rows),
        )
    )
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@cache
def _environment() -> Environment:
    loaders = [PackageLoader("course.run"), PackageLoader("course.view")]
    return Environment(loader=ChoiceLoader(loaders), autoescape=True, trim_blocks=True, lstrip_blocks=True)
