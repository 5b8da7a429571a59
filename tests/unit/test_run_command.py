"""`course run` when it ends early: what has finished is reported, and the status says that something is missing."""

import json

import pytest

from course.errors import CourseError
from course.run import command, plan
from course.run.outcome import Outcome
from course.run.plan import Address, Settings
from course.run.results import Results
from course.run.rows import Row


class Second(command.Session):
    """A session that has one result when something goes wrong, such as the start of the second profile's server."""

    def _run(self, pending):
        self.rows[pending[0]] = Row(pending[0], Outcome("passed"))
        yield self.rows[pending[0]]
        raise CourseError("llama-server ended.\nLook at its log:  cat a.log")


@pytest.fixture
def session(tmp_path):
    (tmp_path / "a.ipynb").write_text("")
    books = plan.found(["a.ipynb"], tmp_path)
    wanted = plan.jobs(books, ["embedded", "base"], [Address(None)], Settings())
    return Second(command.Options(["a.ipynb"]), Results(tmp_path / "out"), wanted)


def test_a_run_that_an_error_ends_reports_what_has_finished(session, capsys):
    status = session.go()
    session.report()
    out, said = session.results.folder, capsys.readouterr().err
    made = json.loads((out / "rows.json").read_text())
    assert status == 1
    assert [(row["status"], row["reason"]) for row in made] == [
        ("passed", ""),
        ("not run", "not run: llama-server ended."),
    ]
    assert (out / "junit.xml").read_text().count("<testcase") == 2
    assert (out / "report.html").exists()
    assert "cat a.log" in said, said


def test_a_disk_that_takes_no_report_does_not_hide_why_the_run_ended(session, capsys):
    (session.results.folder / "junit.xml").mkdir()
    session.go()
    with pytest.raises(CourseError, match="it is a folder"):
        session.report()
    assert "llama-server ended." in capsys.readouterr().err
