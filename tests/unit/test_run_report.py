"""The reports of `course run`: JUnit XML that other programs read, and one HTML page without surprises."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import junitparser
import pytest

from course.run import junit, page
from course.run.outcome import Cell, Outcome, outcome
from course.run.rows import counts, summary
from support.runs import CELLS, every_kind


@pytest.fixture
def rows(tmp_path):
    return every_kind(tmp_path)


SCHEMA = {  # element: (required attributes, others, children): what Jenkins' junit-10.xsd allows of what we use
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        },
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "failure", "error", "system-out", "system-err"},
    ),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
}
"""The document that this test makes was also validated with the schema itself (lxml, 2026-11-29)."""


def test_junit_has_only_what_the_schema_has(rows):
    """Element by element: attributes, children, and at most one outcome for each testcase."""
    root = ElementTree.fromstring(junit.xml(rows).encode())
    for element in root.iter():
        required, others, children = SCHEMA[element.tag]
        assert required <= element.attrib.keys() <= required | others, (
            f"<{element.tag}> has {element.attrib.keys()}"
        )
        assert {child.tag for child in element} <= children
    for case in root.iter("testcase"):
        assert sum(child.tag in ("failure", "error", "skipped") for child in case) <= 1


def test_another_program_reads_the_same_from_junit(rows, tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text(junit.xml(rows), encoding="utf-8")
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 2, 1, 1)
    kinds = [type(case.result[0]).__name__ if case.result else "passed" for case in suite]
    assert kinds == ["passed", "Failure", "Failure", "Error", "passed", "Skipped"]
    first = next(iter(suite))
    assert (first.name, first.classname, first.time) == ("a.ipynb", "embedded on http://…@h:1", 1.5)
    assert "3 exchanges" in first.system_out


def test_the_summary_counts_each_status(rows):
    assert counts(rows) == {"passed": 2, "failed": 2, "error": 1, "not run": 1}
    assert (
        summary(rows) == "2 passed, 2 failed, 1 could not be run, 1 not run (1 passed only when tried again)"
    )


def test_the_page_shows_hostile_text_as_text(rows, tmp_path):
    made = page.html(rows, tmp_path)
    assert "<script" not in made
    assert "&lt;script&gt;" in made
    assert "u:p@" not in made
    made.encode("utf-8")


def test_the_page_links_to_files_from_where_it_is(rows, tmp_path):
    for folder, start in ((tmp_path, "jobs/a%20b/"), (tmp_path / "reports" / "x", "../../jobs/a%20b/")):
        made = page.html(rows, folder)
        for name in ("executed.ipynb", "run.tape.jsonl", "run.html"):
            assert f'href="{start}{name}"' in made, f"{name} from {folder.relative_to(tmp_path)}"


def test_an_outcome_survives_json():
    made = Outcome("failed", "x", 3, CELLS, 1.0, "2026", "h:1", 2, 1, ("note",), "trace")
    assert outcome(made.record()) == made


@pytest.mark.parametrize("damage", [{"status": "odd"}, {"extra": 1}, {"cells": [{}]}, {"cells": None}])
def test_a_damaged_record_is_not_an_outcome(damage):
    with pytest.raises((ValueError, TypeError, KeyError)):
        outcome(Outcome("passed").record() | damage)


def test_the_failed_cell_is_named_by_its_place_and_its_code():
    made = Outcome(
        "failed", "it ran longer than 3 seconds", 3, (CELLS[0], Cell(3, "while True:", "failed", 3.0))
    )
    assert made.said == "cell 4 (`while True:`): it ran longer than 3 seconds"


def test_nothing_to_report_is_a_report(tmp_path):
    assert 'tests="0"' in junit.xml([])
    assert "<html" in page.html([], Path(tmp_path))
