"""Right and wrong answers to the exercises of lesson 00."""

import json
from itertools import count, takewhile
from types import SimpleNamespace

from course.agent import LEOPARD
from course.tape import Tape
from course.tools import corpus
from course.turns import turns
from support import records
from support.exercises import Answers


class Recorded(Tape):
    """A tape with a run of two turns for each of these questions; nothing is written. `answered`: with an answer."""

    def __init__(self, *questions, answered=True):
        self.asked, self.answered = questions, answered

    def records(self):
        made = []
        for n, question in enumerate(self.asked):
            task = {"role": "user", "content": [{"type": "text", "text": question}]}
            seen = {
                "role": "user",
                "content": "Observation:\nA leopard is slower than that. Pont des Arts is near.",
            }
            for turn, messages in enumerate([[records.SYSTEM, task], [records.SYSTEM, task, seen]]):
                id = f"{n}.{turn}"
                last = turn == 1 and self.answered
                made.append(records.entry(2 * n + turn, messages, records.reply(id)))
                made.append(records.step(id, turn + 1, is_final=last))
        return made


def body(*contents):
    roles = ["system", "user", "assistant"]
    return json.dumps({"messages": [{"role": roles[i % 3], "content": c} for i, c in enumerate(contents)]})


def by_division(sizes, room):
    return (room - 1 - sizes[-1]) // (sizes[-1] - sizes[-2])


def by_a_loop(sizes, room):
    accepted, longer, size = 0, sizes[-1] - sizes[-2], sizes[-1]
    while size + longer < room:
        accepted, size = accepted + 1, size + longer
    return accepted


def by_listing(sizes, room):
    *_, before, last = sizes
    return len(list(takewhile(lambda size: size < room, count(2 * last - before, last - before))))


def by_a_range(sizes, room):
    return len(range(sizes[-1], room, sizes[-1] - sizes[-2])) - 1


def by_the_first_jump(sizes, room):
    return (room - 1 - sizes[-1]) // (sizes[1] - sizes[0])


def not_rounded_down(sizes, room):
    return (room - 1 - sizes[-1]) / (sizes[-1] - sizes[-2])


def of_the_whole_room(sizes, room):
    return (room - 1) // (sizes[-1] - sizes[-2])


def room_itself_is_accepted(sizes, room):
    return (room - sizes[-1]) // (sizes[-1] - sizes[-2])


SENT = SimpleNamespace(
    entries=[
        {"request": {"postData": {"text": body(*texts)}}} for texts in (("s", "q"), ("s", "q", "a", "t", "o"))
    ]
)
CHEETAH = "How fast would a cheetah cross Tower Bridge?"

ANSWERS = {
    "00.1": Answers(
        right=[
            {"sent before": 2, "role": "user"},
            {"sent before": "2", "role": "User"},
            {"role": "'user'", "sent before": [2]},
        ],
        wrong=[
            {"sent before": 5, "role": "user"},
            {"sent before": 2, "role": "assistant"},
            {"sent before": ["s", "q", "a"], "role": "user"},
            2,
        ],
        given={"json": json, "tape": SENT},
    ),
    "00.2": Answers(
        right=[by_division, by_a_loop, by_listing, by_a_range],
        wrong=[by_the_first_jump, not_rounded_down, of_the_whole_room, room_itself_is_accepted, 16],
    ),
    "00.3": Answers(
        right=[
            Recorded(CHEETAH),
            Recorded(CHEETAH, CHEETAH),
            Recorded("Wild boar, Golden Gate Bridge?"),
            Recorded(LEOPARD, CHEETAH),
            Recorded("How long does a snow leopard need for Tower Bridge?"),
            Recorded("How long does a cheetah need for Lions Gate Bridge?"),
        ],
        wrong=[
            Recorded(),
            Recorded(LEOPARD),
            Recorded("For how many seconds does a leopard run over Pont des Arts?"),
            Recorded("How long does a leopard need for Tower Bridge?"),
            Recorded("How long does a cheetah need for Pont des Arts?"),
            Recorded("How long does a snail need for Tower Bridge?"),
            Recorded("How long does a dragon need for Lions Gate Bridge?"),
            Recorded("What is 2 + 2?"),
            Recorded(CHEETAH, LEOPARD),
            Recorded(CHEETAH, answered=False),
            "a cheetah",
            None,
        ],
        given={"Tape": Tape, "turns": turns, "corpus": corpus},
    ),
}
