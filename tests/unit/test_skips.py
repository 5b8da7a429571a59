"""What does not apply is counted and named; in CI nothing else is skipped."""

from dataclasses import dataclass, field

import pytest

from support import skips


@dataclass
class Report:
    """What pytest says of a skipped test, as far as skips.py looks."""

    nodeid: str
    reason: str
    skipped: bool = True
    outcome: str = "skipped"
    longrepr: object = field(init=False)

    def __post_init__(self):
        self.longrepr = ("file.py", 1, f"Skipped: {self.reason}")


CELL = Report("notebooks/00_welcome.ipynb::cell 9", "not applicable: holds for the embedded model only")
TEST = Report("tests/live/test_x.py::test_y", "not applicable: another model's words are its own")
TOOL = Report("tests/live/test_x.py::test_z", "needs docker")


def test_cells_and_tests_are_counted_apart_and_named_below_their_reason():
    assert skips.told(skips.by_reason([CELL, TEST, TOOL], skips.NOT_APPLICABLE)) == [
        "1 notebook cell and 1 test were not run:",
        "1 × holds for the embedded model only",
        "    notebooks/00_welcome.ipynb::cell 9",
        "1 × another model's words are its own",
        "    tests/live/test_x.py::test_y",
    ]


def test_where_all_applies_that_is_said():
    assert skips.told({}) == ["nothing: every cell and every test applies to it"]


@pytest.mark.parametrize(("report", "outcome"), [(CELL, "skipped"), (TOOL, "failed")])
def test_in_ci_only_what_does_not_apply_may_be_skipped(report, outcome, monkeypatch):
    monkeypatch.setenv("CI", "true")
    skips.strict(report)
    assert report.outcome == outcome


def test_the_header_names_the_server_and_hides_the_key(monkeypatch):
    for name, value in (("SERVER", "http://gpu:8080"), ("KEY", "s3cret"), ("PROFILE", "qwen3-4b")):
        monkeypatch.setenv(name, value)
    said = skips.pytest_report_header()
    assert said == "server: http://gpu:8080, with a key; profile: qwen3-4b"
