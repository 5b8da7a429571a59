"""The first and the last exercise of lesson 01: one wants a server that runs, the other that it is gone."""

import pytest

from support import exercises

CHECK = {}
for source in exercises.ROOT.glob("notebooks/source/01_*.py"):
    CHECK = exercises.checks(exercises.cells(source))
TABLE = exercises.table("01")


def verdict(id, answer, given):
    return exercises.verdict(CHECK[id], answer, given)[0]


@pytest.fixture(autouse=True)
def _no_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


@pytest.mark.parametrize("before", [True, False])
def test_once_solved_the_start_stays_solved_when_the_server_is_stopped(before):
    """Both are green in one run of all cells. But a server that never ran solves neither."""
    stopped = TABLE["01.4"].given
    given = stopped if before else {**stopped, "progress": TABLE["01.1"].given["progress"]}
    assert verdict("01.1", 1024, given) == ("✓" if before else "✗")
    assert verdict("01.4", 7, given) == ("✓" if before else "✗")


def test_a_server_that_still_runs_is_not_stopped():
    running = {**TABLE["01.4"].given, "yours": TABLE["01.1"].given["yours"]}
    assert verdict("01.4", 7, running) == "✗"


def test_without_curl_any_failure_will_do():
    class Nowhere:
        @staticmethod
        def which(name):
            return None

    given = {**TABLE["01.4"].given, "shutil": Nowhere}
    assert [verdict("01.4", answer, given) for answer in (7, "7", 0)] == ["✓", "✓", "✗"]
