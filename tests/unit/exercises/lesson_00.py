"""Right and wrong answers to the exercises of lesson 00."""

import json
from itertools import count, takewhile
from types import SimpleNamespace

from course.agent import LEOPARD
from course.tape import Tape
from support.exercises import Answers


class Recorded(Tape):
    """A tape with a request for each of these questions on it; nothing is written."""

    def __init__(self, *questions):
        self.asked = questions

    @property
    def entries(self):
        return [{"request": {"postData": {"text": body(question)}}} for question in self.asked]


def body(*contents):
    roles = ["system", "user", "assistant"]
    return json.dumps({"messages": [{"role": roles[i % 3], "content": c} for i, c in enumerate(contents)]})


def by_division(sizes, room):
    return (room - sizes[-1]) // (sizes[-1] - sizes[-2])


def by_a_loop(sizes, room):
    fit, longer, size = 0, sizes[-1] - sizes[-2], sizes[-1]
    while size + longer <= room:
        fit, size = fit + 1, size + longer
    return fit


def by_listing(sizes, room):
    *_, before, last = sizes
    return len(list(takewhile(lambda size: size <= room, count(2 * last - before, last - before))))


def by_the_first_jump(sizes, room):
    return (room - sizes[-1]) // (sizes[1] - sizes[0])


def not_rounded_down(sizes, room):
    return (room - sizes[-1]) / (sizes[-1] - sizes[-2])


def of_the_whole_room(sizes, room):
    return room // (sizes[-1] - sizes[-2])


def must_be_smaller(sizes, room):
    return (room - 1 - sizes[-1]) // (sizes[-1] - sizes[-2])


SENT = SimpleNamespace(entries=[{"request": {"postData": {"text": body("s", "q", "a", "s", "o")}}}])
CHEETAH = "How fast would a cheetah cross Tower Bridge?"

ANSWERS = {
    "00.1": Answers(
        right=[
            {"messages": 5, "role": "user"},
            {"messages": "5", "role": "User"},
            {"role": "'user'", "messages": [5]},
        ],
        wrong=[
            {"messages": 4, "role": "user"},
            {"messages": 5, "role": "assistant"},
            {"messages": ["s", "q"], "role": "user"},
            5,
        ],
        given={"json": json, "tape": SENT},
    ),
    "00.2": Answers(
        right=[by_division, by_a_loop, by_listing],
        wrong=[by_the_first_jump, not_rounded_down, of_the_whole_room, must_be_smaller, 16],
    ),
    "00.3": Answers(
        right=[Recorded(CHEETAH), Recorded(CHEETAH, CHEETAH), Recorded("Wild boar, Golden Gate Bridge?")],
        wrong=[Recorded(), Recorded(LEOPARD), Recorded(CHEETAH, LEOPARD), "a cheetah", None],
        given={"Tape": Tape, "LEOPARD": LEOPARD},
    ),
}
