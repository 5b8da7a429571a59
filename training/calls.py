"""Tool calls: the leopard family as a ToolCallingAgent, one call a turn, with a calculator in place of code."""

import random

from smolagents import ToolCallingAgent

from course.calculator import Calculator
from training.entities import article
from training.pages import Topic, Web
from training.phrasings import ONE, asked
from training.speed import topics
from training.tasks import Call, Move, Task, states

FAMILY = "tool calls"


def draw(rng: random.Random, training: bool) -> Task:
    speed, length = topics(rng, training)
    expected = length.value / (speed.value * 1000 / 3600)
    return Task(
        FAMILY,
        asked(rng, ONE, training, animal=article(speed.name), place=length.name),
        lambda seen: next_move(seen, speed, length),
        lambda answer: states(answer, expected),
        [Web([speed, length]), Calculator()],
        agent=ToolCallingAgent,
        expected=f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """Search, the most frequent figure, once for each fact; then the time. Each reads the last message only."""
    if not seen:
        thinking = (
            f"I need two facts: the top speed of the {speed.name} and the length of {length.name}. "
            "I search for the speed first."
        )
        return Move(thinking, call=Call("web_search", {"query": speed.query()}))
    if len(seen) == 1:
        return _most_frequent(speed, seen[-1])
    if len(seen) == 2:
        thinking = f"The speed is {speed.figure} {speed.unit}. Now I search for the length of {length.name}."
        return Move(thinking, call=Call("web_search", {"query": length.query()}))
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


def _most_frequent(topic: Topic, pages: str) -> Move:
    return Move(
        f"{topic.reading(pages)} The calculator takes the most frequent one.",
        call=Call("calculator", {"expression": f"mode([{', '.join(topic.figures(pages))}])"}),
    )


def expression(speed: Topic, length: Topic) -> str:
    return f"round({length.figure} * {length.unit} / ({speed.figure} * {speed.unit}), 2)"
