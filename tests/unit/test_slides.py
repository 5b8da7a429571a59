"""What goes on a slide: by headings and tags, never more than fits, and nothing lost that is not in the notes."""

import nbformat
import pytest

from authoring import lessons, slides
from authoring.slides import making, reading


def notebook(tmp_path, *cells):
    """A lesson with these cells: a text is Markdown, a tuple is code with what it printed and its tags."""
    made = [nbformat.v4.new_markdown_cell("# 99 · A test\n\nWhy?\n\n**Minutes:** 5")]
    for cell in cells:
        if isinstance(cell, str):
            made.append(nbformat.v4.new_markdown_cell(cell))
        else:
            code, printed, *tags = cell
            outputs = [nbformat.v4.new_output("stream", text=printed)] if printed else []
            made.append(nbformat.v4.new_code_cell(code, outputs=outputs, metadata={"tags": tags}))
    path = tmp_path / "99_a_test.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return reading.lesson(path)


def made(tmp_path, *cells):
    return making.slides(notebook(tmp_path, *cells))[2:]


def test_a_prediction_is_not_on_the_slide_that_answers_it(tmp_path):
    ask, told = made(
        tmp_path,
        "## How many?\n\nLook. **Predict:** how many marks?",
        ("guess = ...", ""),
        ("print(42)", "42\n"),
        "It is 42.",
    )
    assert (ask.kind, told.kind) == ("ask", "told")
    assert "42" not in ask.body
    assert all(part in told.body for part in ("print", "42", "It is"))


def test_words_that_lead_to_an_output_stand_above_it(tmp_path):
    [one] = made(tmp_path, "## Then\n\nHere it is:", ("print(1)", "1\n"))
    assert one.body.index("Here it is") < one.body.index('class="out"')


@pytest.mark.parametrize("tag", ["parameters", "stub", "solution"])
def test_what_is_tagged_for_the_learner_stays_in_the_notebook(tmp_path, tag):
    assert made(tmp_path, ("print('secret')", "secret\n", tag)) == []


def test_an_exercise_has_its_minutes_and_keeps_the_hint_for_the_notes(tmp_path):
    text = (
        "### Exercise 99.1 · ★☆☆ · 4 minutes\n\nDo it.\n\n<details><summary>Hint</summary>By hand.</details>"
    )
    [one] = made(tmp_path, text, ("do = ...", "", "stub"), ("do = 1", "", "solution"))
    assert one.kind == "exercise"
    assert "4 minutes" in one.body
    assert "By hand" in one.notes
    assert "By hand" not in one.body


def test_a_quiz_tells_the_right_option_in_its_notes_only(tmp_path):
    code = 'check.quiz("99", check.question("Which?", right="this", why="so", wrong={"another": "no"}))'
    [one] = made(tmp_path, (code, "", "folded"))
    assert one.body.index("another") < one.body.index("this"), "the right one is not always the first"
    assert "<b>B</b>: this" in one.notes
    assert "so" not in making.bare(one.body)


def test_long_output_is_cut_and_whole_in_the_notes(tmp_path):
    printed = "".join(f"line {n} {'x' * 120}\n" for n in range(40))
    [one] = made(tmp_path, ("print(lines)", printed))
    assert "more lines" in one.body
    assert printed.splitlines()[39] in one.notes
    assert max(map(len, making.bare(one.body).splitlines())) <= making.OUT_WIDE


def test_a_long_list_and_a_long_table_become_several_slides(tmp_path):
    items = "\n".join(f"- {n} {'word ' * 20}" for n in range(12))
    rows = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {'word ' * 15} |" for n in range(20))
    found = made(tmp_path, f"## Recap\n\n{items}", f"## All\n\n{rows}")
    assert [one.kind for one in found].count("recap") > 1
    assert [one.kind for one in found].count("table") > 1
    assert sum(one.body.count("<li>") for one in found) == 12
    assert sum(one.body.count("<tr>") - 1 for one in found if one.kind == "table") == 20


def test_a_text_is_cut_at_a_sentence_and_no_tag_stays_open():
    text = f"<p>One <code>a. B</code> is (it says. So) it. {'Two goes on and on. ' * 30}</p>"
    cut = making.cut(text, 0.5)
    assert cut == "<p>One <code>a. B</code> is (it says. So) it.</p>"


@pytest.mark.parametrize("source", lessons.sources(), ids=lambda path: path.stem)
def test_every_lesson_makes_a_deck_with_notes_on_each_slide(source):
    lesson = reading.lesson(lessons.notebooks(source)["solutions"])
    found = making.slides(lesson)
    assert len(found) >= 10
    assert [one.title for one in found if not making.bare(one.notes)] == []
    exercises = source.read_text(encoding="utf-8").count("# ### Exercise")
    assert sum(one.kind == "exercise" for one in found) == exercises


def test_the_guides_advice_is_in_the_notes_of_the_first_slide(tmp_path):
    guide = "## Lessons\n\n### 99 A test\n\nSay this.\n\n### 98 Another\n\nNot this.\n"
    first = making.slides(notebook(tmp_path), reading.advice(guide, "99"))[0]
    assert "Say this." in first.notes
    assert "Not this." not in first.notes


def test_without_reveal_js_the_command_that_installs_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(slides, "MODULES", tmp_path)
    with pytest.raises(slides.CourseError, match=r"bootstrap\.py slides"):
        slides.deck(lessons.sources()[0])


def test_a_text_in_the_cell_of_an_exercise_has_a_slide_of_its_own(tmp_path):
    text, task = made(tmp_path, "## Who?\n\nYou.\n\n### Exercise 99.1 · ★★☆ · 4 minutes\n\nWrite it.")
    assert (text.kind, task.kind) == ("text", "exercise")
    assert "Write it." in task.body
    assert "You." not in task.body
