"""The check of each exercise, as its lesson has it, takes the right answers of a table and turns the wrong ones away.

The answers are in tests/unit/exercises/lesson_NN.py; support/exercises.py says how to write them.
"""

import pytest

from authoring import lessons
from support import exercises
from support.exercises import AT_LEAST, Answers

CHECKS = {
    source.stem[:3].rstrip("_"): exercises.checks(exercises.cells(source)) for source in lessons.sources()
}
PENDING: set[str] = set()
"""Lessons without a table of answers yet. Who writes the table takes the number out."""
TABLES = {lesson: exercises.table(lesson) for lesson in CHECKS}
CASES = [
    pytest.param(lesson, id, sort, n, id=f"{id}-{sort}-{n}")
    for lesson, table in TABLES.items()
    for id, answers in table.items()
    for sort in ("right", "wrong")
    for n in range(len(getattr(answers, sort)))
]


@pytest.mark.parametrize("lesson", CHECKS)
def test_each_exercise_has_answers_to_try(lesson):
    """At least three right ones that differ and three wrong ones."""
    table = TABLES[lesson]
    if lesson in PENDING:
        assert not table, f"lesson {lesson} has a table: take it out of PENDING"
        return
    assert set(table) == set(CHECKS[lesson])
    for id, answers in table.items():
        assert exercises.different(answers.right) >= AT_LEAST, f"{id}: too few right answers that differ"
        assert exercises.different(answers.wrong) >= AT_LEAST, f"{id}: too few wrong answers that differ"


def test_each_table_belongs_to_a_lesson():
    assert set(exercises.tabled()) <= set(CHECKS)


@pytest.mark.parametrize(("lesson", "id", "sort", "n"), CASES)
def test_the_answer_is_taken_for_what_it_is(lesson, id, sort, n, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    answers = TABLES[lesson][id]
    told = exercises.verdict(CHECKS[lesson][id], getattr(answers, sort)[n], answers.given)
    assert told[0] == {"right": "✓", "wrong": "✗"}[sort], f"{getattr(answers, sort)[n]!r}: {told}"


@pytest.mark.parametrize("lesson", CHECKS)
def test_no_check_has_its_answer_written_out(lesson):
    """The cell is in sight. Compute what is expected, or put it into a folded cell under a name."""
    assert [id for id, asked in CHECKS[lesson].items() if asked.gives_itself_away] == []


# --- the harness itself

CELL = """
fresh = measure() + 1
check.exercise("98.1", total, fresh, hint="add")
"""


def test_the_check_of_a_source_is_run_on_an_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    asked = exercises.checks(["total = ...", CELL])["98.1"]
    assert asked.name == "total"
    assert not asked.gives_itself_away
    assert exercises.checks(['check.exercise("98.1", total, {"a": [6]})'])["98.1"].gives_itself_away
    answers = Answers(right=["5"], wrong=[4], given=lambda: {"measure": lambda: 4})
    assert exercises.verdict(asked, "5", answers.given).startswith("✓ 98.1")
    assert exercises.verdict(asked, 4, answers.given).startswith("✗ 98.1")
    assert exercises.verdict(asked, ..., answers.given).startswith("○ 98.1")


def test_answers_that_only_look_different_are_one():
    assert exercises.different([lambda n: n * 2, lambda n: n * 2, lambda n: n + n, 5, 5, "5"]) == 4
