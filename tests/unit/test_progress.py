"""Progress survives damage, two kernels at once and a folder that cannot be written, and is shown lesson by lesson."""

import json
import multiprocessing
import os

import pytest

from course import progress
from course.errors import CourseError
from course.progress import Lesson, Standing

KNOWN = {
    "03": Lesson("03", "read the system prompt", ("03.1", "03.2")),
    "05": Lesson("05", "wire and steps", ("05.p1", "05.1", "05.2"), ("05.q1", "05.q2", "05.q3")),
}


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.setattr(progress, "_unsaved", [])
    return path


def shown(lesson=None):
    return progress.text(progress.standings(), KNOWN, lesson)


def test_nothing_yet_says_how_to_start():
    assert "course lab" in shown()


def test_tries_are_counted_and_what_was_solved_stays_solved(file):
    for solved in (False, True, False):
        progress.note("03.1", solved)
    assert progress.standings() == {"03.1": Standing("03.1", "exercise", True, 3, False)}
    assert [p.name for p in file.parent.iterdir()] == ["progress.jsonl"], "a temporary file was left"


def test_a_lesson_in_lines():
    progress.note("05.p1", True, kind="prediction", guess="3")
    progress.note("05.1", False)
    progress.note("05.1", True)
    progress.note("05.9", False)  # of an older edition of the lesson
    for number, right in ((1, True), (2, False), (2, True)):
        progress.note(f"05.q{number}", right, kind="question")
    assert shown("5").splitlines() == [
        "Lesson 05: 1 of 3 solved, 1 predicted, quiz 1 of 3",
        "→ 05.p1  predicted 3",
        "✓ 05.1   solved (2 tries)",
        "○ 05.2   open",
        "✗ 05.9   not solved yet (1 try)",
    ]


def test_all_lessons_have_a_line_each():
    progress.note("05.1", True)
    progress.note("12.1", True)
    lines = shown().splitlines()
    assert [line[:2] for line in lines] == ["03", "05", "12"]
    assert "0 of 2 solved" in lines[0]
    assert "1 of 2 solved, quiz 0 of 3" in lines[1]


def test_an_unknown_lesson_is_answered_with_the_list():
    with pytest.raises(CourseError, match=r"no lesson 77\. The lessons are 03, 05"):
        shown("77")


def test_the_lessons_of_this_course_are_found_in_their_sources():
    found = progress.lessons()
    assert {"00", "01", "03", "05", "06", "09"} <= set(found)
    assert all(id.startswith(f"{number}.") for number, each in found.items() for id in each.ids)


def test_an_appendix_with_the_same_number_is_part_of_its_lesson(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "06_core.py").write_text(
        'check.exercise(\n    "06.1", a, 1)\ncheck.quiz("06", check.question('
    )
    (tmp_path / "source" / "06_eras.py").write_text(
        "check.function('06.7', f, [])\ncheck.prediction('06.p1', g, 1)"
    )
    assert progress.lessons(tmp_path) == {"06": Lesson("06", "core", ("06.1", "06.7", "06.p1"), ("06.q1",))}


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\x00", b"{", b"[1]", b"5", b"null", b'{"id": "03.1"}', b'{"id": 3, "solved": true}', b"[" * 9999]
)  # fmt: skip
def test_a_damaged_line_costs_only_itself(file, capsys, damage):
    progress.note("03.1", True)
    with file.open("ab") as end:
        end.write(damage)  # cut off: no line end
    progress.note("03.2", True)
    assert set(progress.standings()) == {"03.1", "03.2"}
    assert "1 damaged line skipped" in capsys.readouterr().out


def test_odd_values_in_a_line_are_read_as_far_as_they_go(file):
    file.parent.mkdir()
    file.write_text(json.dumps({"id": "03.1", "solved": True, "kind": 5, "guess": [1], "more": 1}) + "\n")
    assert progress.standings()["03.1"] == Standing("03.1", "exercise", True, 1, True, "")


def test_attempts_that_cannot_be_saved_are_kept_in_memory_and_told_once(file, capsys):
    file.parent.write_text("a file where the folder should be")
    progress.note("03.1", True)
    progress.note("03.2", False)
    assert capsys.readouterr().out.count("(progress is kept until this kernel ends: ") == 1
    assert set(progress.standings()) == {"03.1", "03.2"}
    assert progress.first_guess("03.1") is None


def test_they_are_saved_as_soon_as_that_works_again(file):
    file.parent.write_text("a file where the folder should be")
    progress.note("03.1", True)
    file.parent.unlink()
    progress.note("03.2", True)
    assert [line["id"] for line in progress.read(file)[0]] == ["03.1", "03.2"]
    assert len(progress.standings()) == 2


def test_a_folder_in_place_of_the_file_stops_nothing(file, capsys):
    file.mkdir(parents=True)
    progress.note("03.1", True)
    assert progress.standings()["03.1"].solved
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not applicable: there is no /dev/full")
def test_a_full_disk_stops_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", "/dev/full")
    progress.note("03.1", True)
    assert "No space left" in capsys.readouterr().out


def record(number, path, count):
    os.environ["COURSE_PROGRESS"] = str(path)
    for i in range(count):
        progress.note(f"03.{number}x{i}", True, guess="x" * 500)


def test_two_kernels_at_once_lose_nothing(file):
    """Each attempt of two processes that record at the same time is there, whole."""
    context = multiprocessing.get_context("spawn")
    kernels = [context.Process(target=record, args=(n, file, 200)) for n in range(2)]
    for kernel in kernels:
        kernel.start()
    for kernel in kernels:
        kernel.join()
    attempts, damaged = progress.read(file)
    assert (len({a["id"] for a in attempts}), damaged) == (400, 0)


def test_where_it_is_saved(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assert progress.path() == tmp_path / "progress.jsonl"
    monkeypatch.delenv("COURSE_CACHE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert progress.path().name == "progress.jsonl"
    assert "agents-on-the-wire" in str(progress.path())
