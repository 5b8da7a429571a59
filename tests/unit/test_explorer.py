"""The explorer: pickers with names, the renderer of `show`, live while an agent runs, stock widgets only."""

import ipywidgets
import pytest

from course import view
from course.agent import code_agent
from course.tape import Tape
from course.turns import turns
from course.view.explorer import NONE, Explorer
from support.scripted import QUIET, Script, code

LINES = code("print(2)"), code("print(3)"), code("final_answer(4)")


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


def note(tape, question):
    tape.add({"_type": "run", "question": question})


def run(tape, *lines, question="How much?", **kw):
    note(tape, question)
    agent = code_agent(Script(*lines).model(tape), [], **QUIET, **kw)
    return agent.run(question)


def every(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def test_it_renders_the_picked_turn_like_show(tape):
    run(tape, *LINES)
    explorer = Explorer(tape)
    made = turns(tape.records())
    assert explorer.shown() == [made[-1]], "at first the newest"
    explorer.first.turn.value = 1
    assert explorer.first.body.value == view.show(made[0]).data


def test_the_buttons_go_from_turn_to_turn_and_stop_at_the_ends(tape):
    run(tape, *LINES)
    pane = Explorer(tape).first
    seen = [pane.turn.value]
    for _ in range(3):
        pane.before.click()
        seen.append(pane.turn.value)
    assert seen == [3, 2, 1, 1]
    assert (pane.before.disabled, pane.next.disabled) == (True, False)
    pane.next.click()
    assert pane.turn.value == 2


def test_two_runs_stand_side_by_side(tape, tmp_path):
    other = Tape(tmp_path / "other.tape.jsonl")
    run(tape, *LINES, question="One?")
    run(other, code("final_answer(5)"), question="Two?")
    explorer = Explorer(tape, other)
    assert [name for name, _ in explorer.first.run.options] == ["One? (t)", "Two? (other)"]
    explorer.first.run.value = (0, 0)
    explorer.second.run.value = (1, 0)
    assert [t.run["question"] for t in explorer.shown()] == ["One?", "Two?"]
    assert "Turn 1" in explorer.second.body.value
    explorer.second.run.value = NONE
    assert explorer.second.body.value == ""
    assert explorer.second.body.layout.display == "none"


def test_it_is_live_as_a_step_callback(tape):
    """Each step is shown as soon as it is done, and the picker follows."""
    explorer = Explorer(tape)
    seen = []

    def watch(step):
        seen.append((explorer.first.turn.value, explorer.shown()[0].step["step_number"]))

    assert explorer.shown() == []
    run(tape, *LINES, step_callbacks=[explorer.update, watch])
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_without_following_the_picked_turn_stays(tape):
    run(tape, *LINES)
    explorer = Explorer(tape)
    explorer.follow.value = False
    explorer.first.turn.value = 2
    run(tape, *LINES, question="And now?")
    explorer.update()
    assert explorer.first.turn.value == 2
    assert len(explorer.first.run.options) == 2
    explorer.follow.value = True
    run(tape, *LINES, question="And then?")
    explorer.update()
    assert explorer.shown()[0].run["question"] == "And then?"


def test_of_two_sources_it_follows_the_one_that_grows(tape, tmp_path):
    old = Tape(tmp_path / "old.tape.jsonl")
    run(old, *LINES, question="Long ago?")
    explorer = Explorer(tape, old)
    run(tape, *LINES, question="Now?", step_callbacks=[explorer.update])
    assert explorer.shown()[0].run["question"] == "Now?"


def test_a_tape_that_another_process_writes_is_read_again(tape):
    run(tape, *LINES)
    explorer = Explorer(str(tape.path))
    assert len(explorer.first.turn.options) == 3
    run(tape, *LINES, question="More?")
    explorer.refresh.click()
    assert [name for name, _ in explorer.first.run.options] == ["Run 1: How much? (t)", "Run 2: More? (t)"]


def test_runs_of_one_question_are_told_apart(tape):
    for _ in range(2):
        run(tape, *LINES)
    run(tape, *LINES, question="More?")
    assert [name for name, _ in Explorer(tape).first.run.options] == [
        "Run 1: How much? (t)",
        "Run 2: How much? (t)",
        "Run 3: More? (t)",
    ]


def test_every_control_has_a_label_and_is_a_stock_widget(tape):
    run(tape, *LINES)
    for widget in every(Explorer(tape).box):
        assert widget._view_module in ("@jupyter-widgets/controls", "@jupyter-widgets/base")
        if not isinstance(widget, ipywidgets.Box | ipywidgets.HTML):
            assert widget.description


def test_a_stored_notebook_shows_the_run_without_a_kernel(tape):
    run(tape, *LINES)
    bundle = Explorer(tape)._repr_mimebundle_()
    assert bundle["text/html"] == view.show(turns(tape.records())).data
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_list_of_turns_can_be_explored(tape):
    run(tape, *LINES)
    made = turns(tape.records())
    explorer = Explorer(made, tape.records())
    explorer.second.run.value = (1, 0)
    assert len(explorer.found) == 2
    assert [t.index for t in explorer.shown()] == [3, 1]


def test_the_charts_are_shown_on_request(tape):
    run(tape, *LINES)
    explorer = Explorer(tape)
    assert 'class="bars"' not in explorer.first.body.value
    explorer.charts.value = True
    assert explorer.first.body.value.count('class="bars"') == 1
