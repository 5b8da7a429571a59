"""Answers to the exercises of lesson 05b: prompts, bills and tapes that never were."""

import os
import tempfile
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace

from course.check import answers
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply

# --- 05b.1


def with_a_loop(one, two):
    count = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            return count
        count += 1
    return count


def with_takewhile(one, two):
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False))))


def with_commonprefix(one, two):
    return len(os.path.commonprefix([one, two]))  # noqa: RUF071 it takes lists of anything


def all_that_are_equal(one, two):
    return sum(a == b for a, b in zip(one, two, strict=False))


def in_both(one, two):
    return len(set(one) & set(two))


def never_ends_inside(one, two):
    return next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)


def whole_lists_only(one, two):
    return next(i for i in range(len(one)) if one[i] != two[i])


# --- 05b.2


def line_by_line(turns, price):
    total = 0
    for turn in turns:
        cached = turn["cached"] or 0
        total += (turn["prompt"] - cached) * price["processed"] + cached * price["cached"]
        total += turn["generated"] * price["generated"]
    return total / 1_000_000


def in_sums(turns, price):
    cached = sum(turn["cached"] or 0 for turn in turns)
    processed = sum(turn["prompt"] for turn in turns) - cached
    written = sum(turn["generated"] for turn in turns)
    return (processed * price["processed"] + cached * price["cached"] + written * price["generated"]) / 1e6


def in_words(turns, price):
    return f"{line_by_line(turns, price):.6f} dollars"


def as_smolagents_counts(turns, price):
    return (
        sum(turn["prompt"] * price["processed"] + turn["generated"] * price["generated"] for turn in turns)
        / 1e6
    )


def cached_on_top(turns, price):
    return as_smolagents_counts(turns, price) + sum((t["cached"] or 0) * price["cached"] for t in turns) / 1e6


def per_token(turns, price):
    return line_by_line(turns, price) * 1_000_000


def every_server_tells(turns, price):
    return (
        sum(
            (t["prompt"] - t["cached"]) * price["processed"]
            + t["cached"] * price["cached"]
            + t["generated"] * price["generated"]
            for t in turns
        )
        / 1e6
    )


# --- 05b.3

FOLDER = Path(tempfile.mkdtemp(prefix="lesson-05b-"))
HI = [{"role": "user", "content": "Who are you?"}]
PRICE = {"processed": 2.0, "cached": 0.5, "generated": 10.0}


def tape(name, *usages):
    """The path of a tape whose responses have this usage; None stands for a response without any."""
    made = Tape(FOLDER / name)
    for n, usage in enumerate(usages, 1):
        made.add(entry(n, HI, reply(f"chatcmpl-{n}", "I am a model.") | ({"usage": usage} if usage else {})))
    return made.path


def usage(prompt, cached, generated):
    details = {} if cached is None else {"prompt_tokens_details": {"cached_tokens": cached}}
    return {"prompt_tokens": prompt, "completion_tokens": generated, **details}


OWN = tape("own.tape.jsonl", usage(1000, None, 100), None, usage(3000, 900, 200))
SILENT = tape("silent.tape.jsonl", None)
OF_THE_LESSON = tape("lesson.tape.jsonl", usage(1000, 0, 100))
COST = (3100 * 2.0 + 900 * 0.5 + 300 * 10.0) / 1e6


def bill(path=OWN, price=PRICE, dollars=COST):
    return {"tape": path, "price": price, "dollars": dollars}


ANSWERS = {
    "05b.1": Answers(
        right=[with_a_loop, with_takewhile, with_commonprefix],
        wrong=[all_that_are_equal, in_both, never_ends_inside, whole_lists_only, 4],
    ),
    "05b.2": Answers(
        right=[line_by_line, in_sums, in_words],
        wrong=[as_smolagents_counts, cached_on_top, per_token, every_server_tells, 3.0],
    ),
    "05b.3": Answers(
        right=[
            bill(),
            bill(str(OWN), dollars=f"${COST:.6f}"),
            bill(price=PRICE | {"processed": 4}, dollars=0.01585),
        ],
        wrong=[
            bill(dollars=0.0),
            bill(dollars=COST * 1e6),
            bill(dollars=(4000 * 2.0 + 300 * 10.0) / 1e6),
            bill(price=dict.fromkeys(PRICE, 0), dollars=0),
            bill(price={"prompt": 2.0}),
            bill(OF_THE_LESSON),
            bill(SILENT),
            bill(FOLDER / "nowhere.tape.jsonl"),
            COST,
        ],
        given={
            "Path": Path,
            "Tape": Tape,
            "turns": turns,
            "answers": answers,
            "price": PRICE,
            "tape": SimpleNamespace(path=OF_THE_LESSON),
        },
    ),
}
