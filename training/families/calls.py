"""Tool calls: the leopard family with a ToolCallingAgent, one call per turn, and tools instead of code.

The model has to copy what code would keep in a variable: the pages that a search returned.
"""

import random
from dataclasses import replace

from smolagents import ToolCallingAgent

from course.tools.calculator import Calculator
from course.tools.figures import MostFrequentFigure
from training.families.entities import article, plain_name
from training.families.pages import Topic, Web
from training.families.phrasings import ONE, asked
from training.families.speed import topics
from training.tasks import Call, Move, Task, states

FAMILY = "tool calls"
HEAD = "## Search Results\n\n"


def draw(rng: random.Random, training: bool) -> Task:
    speed, length = topics(rng, training)
    expected = length.value / (speed.value * 1000 / 3600)
    slip = rng.choice([0, 2, 2]) if training and rng.random() < 0.2 else None
    wrong = "" if slip is None else plain_name(rng, "places")

    def script(seen: list[str]) -> Move:
        if slip is None or len(seen) < slip:
            return next_move(seen, speed, length)
        topic = length if slip else speed
        if len(seen) == slip:
            return replace(_search("I search for it.", replace(topic, name=wrong)), trained=False)
        if len(seen) == slip + 1:
            return _search(f"No results: the name was misspelled. I search for {topic.subject}.", topic)
        return next_move([*seen[:slip], *seen[slip + 1 :]], speed, length)

    return Task(
        FAMILY,
        asked(rng, ONE, training, animal=article(speed.name), place=length.name),
        script,
        lambda answer: states(answer, expected),
        [Web([speed, length]), MostFrequentFigure(), Calculator()],
        agent=ToolCallingAgent,
        expected=f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """Search and most frequent figure for each fact, then the time. Each move depends on the last message only."""
    if not seen:
        return _search(
            f"I need two facts: the top speed of the {speed.name} and the length of {length.name}. "
            "I search for the speed first.",
            speed,
        )
    if len(seen) == 1:
        return _most_frequent(speed, seen[-1])
    if len(seen) == 2:
        return _search(
            f"The speed is {speed.figure} {speed.unit}. Now I search for the length of {length.name}.", length
        )
    if len(seen) == 3:
        return _most_frequent(length, seen[-1])
    if len(seen) == 4:
        thinking = (
            f"The length is {length.figure} {length.unit}. The speed was {speed.figure} {speed.unit}. "
            "The calculator divides length by speed."
        )
        return Move(thinking, call=Call("calculator", {"expression": expression(speed, length)}))
    seconds = seen[-1].split()[-1]
    return Move(
        f"The calculator says {seconds}. That is the time in seconds.",
        call=Call("final_answer", {
            "answer": f"The {speed.name} needs {seconds} seconds for {length.name}."
        }),
    )  # fmt: skip


def _search(thinking: str, topic: Topic) -> Move:
    return Move(thinking, call=Call("web_search", {"query": topic.query()}))


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
