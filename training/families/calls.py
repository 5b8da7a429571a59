"""Tool calls: the leopard family with a ToolCallingAgent, one call per turn, and tools instead of code.

The model has to copy what code would keep in a variable: the pages that a search returned.
"""

import random
from dataclasses import replace

from smolagents import ToolCallingAgent

from course.tools.calculator import Calculator
from course.tools.figures import MostFrequentFigure
from training.families.entities import article, plain_name
from training.families.pages import Topic, Web, hidden
from training.families.phrasings import ONE, asked
from training.families.speed import GAVE_UP, NOTHING, ended, topics
from training.tasks import Call, Move, Task, states

FAMILY = "tool calls"
HEAD = "## Search Results\n\n"
NONE = "No page that names"
"""How the error of MostFrequentFigure begins."""
HIDDEN = {True: 0.2, False: 0.1}
LOST = {True: 0.08, False: 0.06}


def draw(rng: random.Random, training: bool) -> Task:
    speed, length = topics(rng, training)
    slip = rng.choice([0, 2, 2]) if training and rng.random() < 0.2 else None
    wrong = "" if slip is None else plain_name(rng, "places")
    if slip is None:
        speed, length = hidden(rng, [speed, length], HIDDEN[training], LOST[training])
    expected = length.value / (speed.value * 1000 / 3600)
    lost = speed.lost or length.lost

    def script(seen: list[str]) -> Move:
        if slip is None or len(seen) < slip:
            return next_move(seen, speed, length)
        topic = length if slip else speed
        if len(seen) == slip:
            return replace(_search("I search for it.", replace(topic, name=wrong).query()), trained=False)
        return next_move(seen, speed, length)

    return Task(
        FAMILY,
        asked(rng, ONE, training, animal=article(speed.name), place=length.name),
        script,
        (lambda answer: GAVE_UP in answer) if lost else (lambda answer: states(answer, expected)),
        [Web([speed, length]), MostFrequentFigure(), Calculator()],
        agent=ToolCallingAgent,
        fault=ended,
        expected=GAVE_UP if lost else f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """Search and most frequent figure for each fact, then the time. Each move depends on the last message only.

    What a search or the tool does not find is searched for once more, with other words.
    """
    left = list(seen)
    known = ""
    for topic in (speed, length):
        again = False
        while True:
            if not left:
                return (
                    _again(topic, seen[-1])
                    if again
                    else _search(_first(topic, speed, length, known), topic.query())
                )
            found = left.pop(0)
            if NOTHING not in found:
                if not left:
                    return _most_frequent(topic, found)
                found = left.pop(0)
                if NONE not in found:
                    break
            if again:
                return _gave_up(topic)
            again = True
        known = f"The {topic.kind} is {topic.figure} {topic.unit}. "
    if not left:
        thinking = (
            f"The length is {length.figure} {length.unit}. The speed was {speed.figure} {speed.unit}. "
            "The calculator divides length by speed."
        )
        return Move(thinking, call=Call("calculator", {"expression": expression(speed, length)}))
    seconds = left[-1].split()[-1]
    return Move(
        f"The calculator says {seconds}. That is the time in seconds.",
        call=Call("final_answer", {
            "answer": f"The {speed.name} needs {seconds} seconds for {length.name}."
        }),
    )  # fmt: skip


def _first(topic: Topic, speed: Topic, length: Topic, known: str) -> str:
    if topic is speed:
        return (
            f"I need two facts: the top speed of the {speed.name} and the length of {length.name}. "
            "I search for the speed first."
        )
    return f"{known}Now I search for the length of {length.name}."


def _search(thinking: str, query: str) -> Move:
    return Move(thinking, call=Call("web_search", {"query": query}))


def _again(topic: Topic, observation: str) -> Move:
    why = "The search found no results" if NOTHING in observation else f"No page states {topic.what}"
    return _search(f"{why}. I search for it once more, with other words.", topic.second_query())


def _gave_up(topic: Topic) -> Move:
    return Move(
        f"I searched with other words, and {topic.what} is still missing. I say so instead of guessing.",
        call=Call("final_answer", {"answer": f"{GAVE_UP} {topic.what}."}),
    )


def _most_frequent(topic: Topic, observation: str) -> Move:
    """The pages from the first to the last, as the search printed them."""
    return Move(
        f"The search found pages for the {topic.kind} of {topic.subject}. Some may disagree, or be about something else. "
        "I copy them for most_frequent_figure.",
        call=Call(MostFrequentFigure.name, {
            "fact": topic.fact(), "pages": observation.partition(HEAD)[2].strip()
        }),
    )  # fmt: skip


def expression(speed: Topic, length: Topic) -> str:
    return f"round({length.figure} * {length.unit} / ({speed.figure} * {speed.unit}), 2)"
