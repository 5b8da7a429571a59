"""Questions at the end of a lesson: each option is explained, whether it is right or wrong.

Where a person runs the cell there are buttons, which Tab and the space bar reach, and each answer is recorded.
Everywhere else (a stored notebook, GitHub, nbconvert) each option unfolds its explanation, without a kernel and
without scripts.

    quiz("05", question("What ends generation?", right="a stop sequence", why="...", wrong={"the executor": "..."}))
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from course import progress
from course.check.display import attended, show


@dataclass(frozen=True)
class Question:
    """A question. `options` has each option with its explanation, in the order in which they are shown."""

    text: str
    right: str
    options: tuple[tuple[str, str], ...]


def question(text: str, *, right: str, why: str, wrong: Mapping[str, str]) -> Question:
    """A question with its right option and why it is right, and wrong options with why they are wrong.

    The order of the options depends on their text alone. Backticks mark code. ValueError if an explanation is
    missing.
    """
    options = {right: why, **wrong}
    if right in wrong or len(options) < 2:
        raise ValueError(f"{text!r} needs one right option and at least one other that is wrong")
    if empty := [option for option, explanation in options.items() if not explanation.strip()]:
        raise ValueError(f"{text!r} does not explain {empty[0]!r}")
    order = sorted(options, key=lambda option: hashlib.sha256(f"{text}\n{option}".encode()).digest())
    return Question(text, right, tuple((option, options[option]) for option in order))


def quiz(lesson: str, *questions: Question) -> None:
    """Show the questions of a lesson, `"05"`. The answers are recorded as 05.q1, 05.q2 …, as right if the first one
    was."""
    text, html = as_text(questions), as_html(questions)
    if not attended():
        show(text, html)
        return
    try:
        from course.check.buttons import panel

        box = panel(lesson, questions)
        view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    except ImportError:
        show(text, html)
        return
    show(text, html, **{"application/vnd.jupyter.widget-view+json": view})


def answered(lesson: str, number: int, asked: Question, option: str) -> str:
    """Record the choice of an option, and say whether it is right and why."""
    right = option == asked.right
    progress.note(f"{lesson}.q{number}", right, kind="question")
    return f"{'✓ Right' if right else '✗ Not this one'}. {dict(asked.options)[option]}"


def as_text(questions: tuple[Question, ...]) -> str:
    """The questions with their options, without the answers."""
    lines = []
    for number, asked in enumerate(questions, 1):
        lines.append(f"{number}. {asked.text}")
        lines += [
            f"   {letter}) {option}" for letter, (option, _) in zip("abcdefgh", asked.options, strict=False)
        ]
    return "\n".join(lines)


def as_html(questions: tuple[Question, ...]) -> str:
    """The questions as HTML without styles or scripts; each option unfolds its explanation."""
    parts = []
    for number, asked in enumerate(questions, 1):
        parts.append(f"<p><b>{number}. {marked(asked.text)}</b></p>")
        for option, explanation in asked.options:
            verdict = "✓ Right." if option == asked.right else "✗ Not this one."
            parts.append(
                f"<details><summary>{marked(option)}</summary><p>{verdict} {marked(explanation)}</p></details>"
            )
    return "\n".join(parts)


def marked(text: str) -> str:
    """The text as HTML, with what is in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def unmarked(text: str) -> Any:
    return text.replace("`", "")
