"""Answers to the exercises of appendix 10b: logs that never were, and a run with round numbers."""

from itertools import pairwise
from types import SimpleNamespace

from course.check import answers
from support.exercises import Answers


def subtract(totals):
    pairs = pairwise([(0, 0), *totals])
    return [(now[0] - before[0], now[1] - before[1]) for before, now in pairs]


def with_a_loop(totals):
    seen, before = [], [0, 0]
    for now in totals:
        seen.append([a - b for a, b in zip(now, before, strict=True)])
        before = now
    return seen


def in_tuples(totals):
    return tuple(subtract(totals))


def without_the_first(totals):
    return subtract(totals)[1:]


def inputs_only(totals):
    return [(new[0], old[1]) for new, old in zip(subtract(totals), totals, strict=True)]


def from_the_first(totals):
    return [(a - totals[0][0], b - totals[0][1]) for a, b in totals]


# --- 10b.2


def turn(seconds, new, cached, generated):
    return SimpleNamespace(
        seconds=seconds, tokens=SimpleNamespace(new=new, cached=cached, generated=generated)
    )


OWN = SimpleNamespace(turns=[turn(20.0, 2000, None, 100), turn(10.0, 500, 2000, 300)])
PRICE = {"prompt": 3.0, "cached": 0.3, "generated": 15.0}
COSTS = {"watts": 60, "per_kwh": 0.4, "price": PRICE, "home": 0.2, "provider": 14.1}

ANSWERS = {
    "10b.1": Answers(
        right=[subtract, with_a_loop, in_tuples],
        wrong=[without_the_first, inputs_only, from_the_first, list],
    ),
    "10b.2": Answers(
        right=[
            COSTS,
            {**COSTS, "home": "0.20", "provider": "14.1"},
            {**COSTS, "watts": 120, "home": 0.4},
            {**COSTS, "price": {**PRICE, "cached": 3.0}, "provider": 19.5},
        ],
        wrong=[
            {**COSTS, "home": 0.0002},
            {**COSTS, "home": 200},
            {**COSTS, "provider": 0.0141},
            {**COSTS, "provider": 19.5},
            {**COSTS, "watts": 0, "home": 0},
            {**COSTS, "watts": "many"},
            {**COSTS, "price": {"prompt": 3.0}},
            (0.2, 14.1),
        ],
        given={"own": OWN, "answers": answers},
    ),
}
