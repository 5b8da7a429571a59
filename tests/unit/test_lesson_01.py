"""The first and the last exercise of lesson 01: one wants a server that runs, the other that it is gone."""

import pytest

from support import exercises

CHECK = {}
for source in exercises.ROOT.glob("notebooks/source/01_*.py"):
    CHECK = exercises.checks(exercises.cells(source))
TABLE = exercises.table("01")
STATUS = {"running": 0, "suspended": 28, "ended": 7}


def verdict(id, answer, given):
    return exercises.verdict(CHECK[id], answer, given)[0]


@pytest.fixture(autouse=True)
def _no_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


@pytest.mark.parametrize("before", [True, False])
def test_once_solved_the_start_stays_solved_when_the_server_is_stopped(before):
    """Both are green in one run of all cells. But a server that never ran solves neither."""
    stopped = TABLE["01.3"].given
    given = stopped if before else {**stopped, "progress": TABLE["01.1"].given["progress"]}
    assert verdict("01.1", 1024, given) == ("✓" if before else "✗")
    assert verdict("01.3", STATUS, given) == ("✓" if before else "✗")


def test_a_server_that_still_runs_is_not_stopped():
    """Nor is one that Ctrl-Z has suspended."""
    for health in ("200 ok", "silent"):
        running = {**TABLE["01.3"].given, "asked": lambda url, said=health: said}
        assert verdict("01.3", STATUS, running) == "✗", health


def test_without_curl_its_manual_will_do():
    class Nowhere:
        @staticmethod
        def which(name):
            return None

    given = {**TABLE["01.3"].given, "shutil": Nowhere}
    answers = [STATUS, {**STATUS, "ended": "7"}, {**STATUS, "ended": 0}]
    assert [verdict("01.3", answer, given) for answer in answers] == ["✓", "✓", "✗"]
