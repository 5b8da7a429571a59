"""The quiz with buttons, of stock ipywidgets.

Tab reaches each button and the space bar presses it. What is said then is an alert, which screen readers announce.
"""

from collections.abc import Callable

import ipywidgets as widgets

from course.check.quizzes import Question, answered, marked, unmarked

STYLE = """<style>.course-option{white-space:normal!important;text-align:left!important;line-height:1.4!important;
padding:4px 10px!important;height:auto!important}</style>"""


def panel(lesson: str, questions: tuple[Question, ...]) -> widgets.VBox:
    """All questions below each other."""
    asked = [_question(lesson, number, each) for number, each in enumerate(questions, 1)]
    return widgets.VBox([widgets.HTML(STYLE), *asked])


def _question(lesson: str, number: int, asked: Question) -> widgets.VBox:
    said = widgets.HTML("")
    layout = widgets.Layout(width="auto", max_width="44em", height="auto")
    buttons: list[widgets.Button] = []
    for option, _ in asked.options:
        button = widgets.Button(description=unmarked(option), layout=layout)
        button.add_class("course-option")
        button.on_click(_clicked(lesson, number, asked, option, said, buttons))
        buttons.append(button)
    return widgets.VBox([widgets.HTML(f"<b>{number}. {marked(asked.text)}</b>"), *buttons, said])


def _clicked(
    lesson: str, number: int, asked: Question, option: str, said: widgets.HTML, buttons: list[widgets.Button]
) -> Callable[[widgets.Button], None]:
    def clicked(pressed: widgets.Button) -> None:
        for button in buttons:
            button.icon = ""
        pressed.icon = "check" if option == asked.right else "times"
        said.value = f'<div role="alert">{marked(answered(lesson, number, asked, option))}</div>'

    return clicked
