"""Sources become the two notebooks they describe, the same ones every time, and nothing is half written."""

import json

import nbformat
import pytest

from authoring import lessons, skeleton
from course import progress
from course.errors import CourseError
from course.run import normal

SOURCE = """\
# %% [markdown]
# # A lesson

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from course import check

# %% [markdown]
# ### Exercise 98.1 · ★☆☆ · 1 minute
# How much is 2 + 3?
#
# <details><summary>Hint</summary>Count on your fingers.</details>

# %% tags=["stub"]
total = ...

# %% tags=["solution"]
total = 2 + 3

# %% tags=["nbval-check-output"]
check.exercise("98.1", total, lambda n: n == 5, hint="fingers")

# %% [markdown]
# ## Recap
"""

QUIZ = """
# %% tags=["folded"]
check.quiz("98", check.question("2 + 3?", right="5", why="Count.", wrong={"23": "That is `'2' + '3'`."}))
"""


@pytest.fixture
def lesson(tmp_path):
    """A course of one lesson in a folder of its own; call it with another text to change the lesson."""
    path = tmp_path / "notebooks" / "source" / "98_tiny.py"
    path.parent.mkdir(parents=True)

    def write(text=SOURCE):
        path.write_text(text, encoding="utf-8")
        return path

    return write


def texts(notebook):
    return [cell.source for cell in notebook.cells]


def test_the_learner_gets_the_stub_and_a_folded_solution_below_the_check(lesson):
    cells = texts(lessons.outline(lesson())["learner"])
    stub, checked = cells.index("total = ..."), 5
    assert cells[stub + 1].startswith("check.exercise(")
    assert cells[checked + 1].startswith("<details><summary>Solution</summary>")
    assert "total = 2 + 3" in cells[checked + 1]
    assert "total = 2 + 3" not in cells


def test_the_solutions_have_the_answer_and_no_stub(lesson):
    cells = texts(lessons.outline(lesson())["solutions"])
    assert "total = 2 + 3" in cells
    assert "total = ..." not in cells


def test_the_code_of_a_folded_cell_is_hidden_and_may_be_longer(lesson):
    cell = '\n# %% tags=["folded"]\n' + "1 + 1\n" * 20
    for notebook in lessons.outline(lesson(SOURCE + cell)).values():
        hidden = [c for c in notebook.cells if c.metadata.get("jupyter", {}).get("source_hidden")]
        assert [c.metadata["tags"] for c in hidden] == [["folded"]]


@pytest.mark.parametrize("call", ["function", "prediction"])
def test_any_kind_of_check_may_follow_a_solution(lesson, call):
    lessons.outline(lesson(SOURCE.replace("check.exercise(", f"check.{call}(")))


def test_cell_ids_are_unique_and_survive_an_inserted_cell(lesson):
    before = lessons.outline(lesson())["learner"]
    after = lessons.outline(lesson(SOURCE + "\n# %%\n1 + 1\n\n# %%\n1 + 1\n"))["learner"]
    ids = [cell.id for cell in after.cells]
    assert len(set(ids)) == len(ids)
    assert ids[: len(before.cells)] == [cell.id for cell in before.cells]


def test_no_language_version_is_kept(lesson):
    notebook = lessons.outline(lesson())["learner"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('# %% tags=["parameters"]', "# %%", "needs the tag `parameters`"),
        ('# %% tags=["solution"]', "# %%", "is a stub without a solution"),
        ('# %% tags=["stub"]', "# %%", "is a solution without a stub"),
        ("<details>", "<b>", "has no hint"),
        ("check.exercise(", "print(", "without a check.exercise(...) or check.function(...) cell"),
        ("total = 2 + 3", "total = 2 + 3\n" + "total += 0\n" * 15, "has 16 lines; at most 15"),
    ],
)
def test_a_source_that_is_no_lesson_says_why(lesson, old, new, said):
    with pytest.raises(CourseError, match=r"98_tiny\.py is not a complete lesson") as failed:
        lessons.outline(lesson(SOURCE.replace(old, new)))
    assert said in str(failed.value)


def test_build_stores_outputs_twice_the_same_and_nothing_is_stale(lesson, tmp_path):
    """A second build changes no byte; a changed source makes its notebooks stale."""
    root = tmp_path / "notebooks"
    assert lessons.stale(root) == []
    source = lesson(SOURCE + QUIZ)
    assert lessons.stale(root) == [
        "98_tiny.ipynb: it was never built",
        "solutions/98_tiny.ipynb: it was never built",
    ]
    written = lessons.build(source)
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in lessons.build(source)] == first
    assert lessons.stale(root) == []
    assert b"98.1 is open" in first[0]
    assert b"98.1 is solved" in first[1]
    assert b"papermill" not in first[0]
    assert b"<details><summary>23</summary>" in first[0], (
        "a quiz that nobody answers is stored as text that unfolds"
    )
    assert b"widget" not in first[0]
    lesson(SOURCE.replace("## Recap", "## What was that?"))
    assert lessons.stale(root) == [
        "98_tiny.ipynb: its cells differ from its source",
        "solutions/98_tiny.ipynb: its cells differ from its source",
    ]
    source.unlink()
    assert [line.split(": ")[1] for line in lessons.stale(root)] == ["it has no source"] * 2


def test_a_failing_cell_is_named_and_the_old_notebook_stays(lesson, tmp_path):
    source = lesson(SOURCE.replace("from course import check", "1 / 0"))
    old = tmp_path / "notebooks" / "98_tiny.ipynb"
    old.write_text("old")
    with pytest.raises(
        lessons.CellFailed, match=r"98_tiny.ipynb, cell 2: ZeroDivisionError: division by zero"
    ) as failed:
        lessons.build(source)
    assert "    1 / 0" in str(failed.value)
    assert "make build ARGS=98_tiny" in str(failed.value)
    assert old.read_text() == "old"
    assert sorted(path.name for path in old.parent.rglob("*") if path.is_file()) == [
        "98_tiny.ipynb",
        "98_tiny.py",
    ]


def test_an_unknown_lesson_is_answered_with_the_names():
    with pytest.raises(CourseError, match="no lesson is called 77_nothing"):
        lessons.build_all("77_nothing")


def test_the_notebooks_of_this_course_are_built_from_their_sources():
    """Fails when a source and its notebook differ: `make build ARGS=NN_slug` makes them the same."""
    assert lessons.stale() == []


def test_normalise_hides_the_machine_and_renumbers_counts():
    text = "run /home/ada/course/.venv/bin/python in /home/ada/course at /tmp/ipykernel_12/345.py"
    output = nbformat.v4.new_output("stream", text=text)
    cell = nbformat.v4.new_code_cell(
        "x", execution_count=7, outputs=[output], metadata={"papermill": {"a": 1}}
    )
    book = nbformat.v4.new_notebook(
        cells=[cell], metadata={"papermill": {}, "language_info": {"name": "python", "version": "3"}}
    )
    names = {"/home/ada": "~", "/home/ada/course": ".", "/home/ada/course/.venv/bin/python": "python"}
    (made,) = normal.normalise(book, names).cells
    assert made.outputs[0].text == "run python in . at cell.py"
    assert (made.execution_count, dict(made.metadata)) == (1, {})


def test_widget_ids_follow_the_page():
    """Two runs give random ids; after normalising they are the same notebook."""

    def book(box, child):
        view = {normal.VIEW: {"model_id": box}}
        cell = nbformat.v4.new_code_cell(
            "box", id="a", outputs=[nbformat.v4.new_output("display_data", data=view)]
        )
        models = {child: {"state": {}}, box: {"state": {"children": [f"IPY_MODEL_{child}"]}}}
        widgets = {normal.WIDGETS: {"state": models, "version_major": 2, "version_minor": 0}}
        return nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": widgets})

    one, other = (normal.normalise(book(*ids), {}) for ids in (("f" * 32, "a" * 32), ("b" * 32, "c" * 32)))
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert "IPY_MODEL_" + "1".zfill(32) in json.dumps(one)


def test_a_new_lesson_has_every_part_and_overwrites_nothing(tmp_path):
    (tmp_path / "source").mkdir()
    source = skeleton.create("98", "read_the_log", tmp_path)
    made = lessons.outline(source)
    assert [sum(c.cell_type == "code" for c in made[kind].cells) for kind in ("learner", "solutions")] == [
        9,
        9,
    ]
    for number, slug, why in (
        ("98", "again", "lesson 98 already exists"),
        ("9", "x", "two digits"),
        ("97", "Über", "two digits"),
    ):
        with pytest.raises(CourseError, match=why):
            skeleton.create(number, slug, tmp_path)


def test_links_that_leave_the_folder_are_adapted_to_the_solutions(lesson):
    """Pages and pictures are two folders up from there; lessons are beside each other in both folders."""
    links = """\
# [a](../docs/a.md#x), [b](01_b.ipynb), `[c](../c)` <img src="../docs/p.svg"> [r]
#
# [r]: ../docs/r.md
"""
    made = lessons.outline(lesson(SOURCE.replace("# ## Recap\n", links)))
    learner, solutions = (texts(made[kind])[-1] for kind in ("learner", "solutions"))
    assert "[a](../docs/a.md#x), [b](01_b.ipynb)" in learner
    assert "[a](../../docs/a.md#x), [b](01_b.ipynb)" in solutions
    assert "[r]: ../../docs/r.md" in solutions
    assert '<img src="../../docs/p.svg">' in solutions


def test_an_appendix_is_a_lesson_that_comes_after_its_own(lesson, tmp_path):
    """05b after 05 and before 06: found by the builder, counted by the learner's progress, made by `new`."""
    folder = lesson().parent
    for name in ("05_wire.py", "06_next.py", "notes.py"):
        (folder / name).write_text(SOURCE.replace("98.1", f"{name[:2]}.1"), encoding="utf-8")
    made = skeleton.create("05b", "the_bill", folder.parent)
    names = ["05_wire.py", "05b_the_bill.py", "06_next.py", "98_tiny.py"]
    assert [path.name for path in lessons.sources(folder.parent)] == names
    known = progress.lessons(folder.parent)
    assert list(known) == ["05", "05b", "06", "98"]
    assert known["05b"].ids == ("05b.p1", "05b.1")
    assert known["05"].ids == ("05.1",)
    assert progress.text({}, known, "5b") == progress.text({}, known, "05b")
    assert lessons.notebooks(made)["learner"].name == "05b_the_bill.ipynb"
