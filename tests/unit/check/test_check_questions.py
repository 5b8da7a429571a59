"""Predictions are put beside the measurement, and quizzes explain every option."""

import pytest

from course import check
from support.hostile_answers import Hostile, endless

# --- predictions


@pytest.mark.parametrize(
    ("guess", "was", "told"),
    [
        (3, 5, "You said 3, it was 5 tokens: 2 too low."),
        ("5", 5, "as you predicted"),
        (50, 5, "10.0 times too high"),
        (5, 50, "10.0 times too low"),
        ("many", 5, "You said many, it was 5 tokens."),
        (None, 5, "it was 5 tokens"),
        (len, 5, "it was 5 tokens"),
        ({"a": 1}, 5, "it was 5 tokens"),
        (Hostile(), 5, "it was 5 tokens"),
        (endless(), 5, "it was 5 tokens"),
        (0, 5, "5 too low"),
        ("yes", True, "as you predicted"),
    ],
)
def test_a_prediction_is_put_beside_the_measurement(said, guess, was, told):
    out = said(check.prediction, "01.p1", guess, was, unit="tokens")
    assert out.startswith("→ 01.p1 ")
    assert told in out


def test_a_prediction_of_several_things(said):
    out = said(check.prediction, "06.p1", {"a": "x", "b": "y"}, {"a": "X", "b": "z"})
    assert "1 of 2" in out
    assert "b: you said y, it was z" in out


def test_several_things_may_each_be_near_enough(said):
    was = {"a": check.near(39, by=10), "b": check.near(0.5, by=0.1)}
    out = said(check.prediction, "02b.p4", {"a": 40, "b": 0.8}, was)
    assert "1 of 2" in out
    assert "a: you said 40, it was 39, as you predicted." in out
    assert "b: you said 0.8, it was 0.5: 0.3 too high." in out
    assert "it was 39 percent" in said(check.prediction, "02b.p4", 3, check.near(39), unit="percent")


def test_an_open_prediction_gives_nothing_away(said, progress_file):
    out = said(check.prediction, "01.p1", ..., 7319)
    assert out.startswith("○ 01.p1 ")
    assert "7319" not in out
    assert not progress_file.exists()


def test_the_first_guess_is_kept(said):
    said(check.prediction, "01.p1", 3, 5)
    assert "Your first guess was 3." in said(check.prediction, "01.p1", 5, 5)
    assert "→ 01.p1  predicted 3" in said(check.progress, "01")


def test_a_learners_own_measurement_is_graded_and_the_guess_kept(said):
    assert "✗ 03.p1" in said(check.prediction, "03.p1", 10, 117, measured=116)
    out = said(check.prediction, "03.p1", 10, 117, measured="117")
    assert "You said 10, it was 117" in out
    assert "✓ 03.p1 is solved" in out
    assert "○ 03.p1 is open" in said(check.prediction, "03.p1", 10, 117, measured=...)


# --- quizzes

ASKED = check.question(
    "What ends `generation`?",
    right="a stop sequence",
    why="smolagents sends `</code>`.",
    wrong={"the executor": "It comes <later>.", "the user": "Not here."},
)


def test_a_quiz_reads_well_without_widgets(said):
    out = said(check.quiz, "05", ASKED, ASKED)
    assert out.startswith("1. What ends `generation`?")
    assert "a stop sequence" in out
    assert "It comes" not in out


def test_each_option_of_a_quiz_unfolds_its_explanation():
    from course.check import quizzes

    html = quizzes.as_html((ASKED,))
    assert html.count("<details>") == 3
    assert html.count("✓ Right.") == 1
    assert "<code>generation</code>" in html
    assert "It comes &lt;later&gt;." in html
    assert "<style" not in html
    assert "<script" not in html


def test_the_buttons_of_a_quiz_explain_and_record(said):
    from course.check import buttons

    box = buttons.panel("05", (ASKED,))
    _, first = box.children
    options, feedback = first.children[1:-1], first.children[-1]
    by_name = {b.description: b for b in options}
    by_name["the user"].click()
    assert "Not here." in feedback.value
    by_name["a stop sequence"].click()
    assert "✓ Right" in feedback.value
    assert "quiz 0 of 1" in said(check.progress, "05") or "quiz 0 of 3" in said(check.progress, "05")


@pytest.mark.parametrize(
    ("right", "why", "wrong"),
    [("a", "w", {}), ("a", "w", {"a": "x"}), ("a", " ", {"b": "x"}), ("a", "w", {"b": ""})],
)
def test_a_question_explains_each_option(right, why, wrong):
    with pytest.raises(ValueError, match="What"):
        check.question("What?", right=right, why=why, wrong=wrong)
