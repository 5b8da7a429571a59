"""Answers to the exercises of lesson 10: requests and logs that never were, and runs without a model."""

import contextlib
import io
from itertools import pairwise
from types import SimpleNamespace

from smolagents import ActionStep, TaskStep
from smolagents.monitoring import Timing

from course.tools.search import OfflineSearch
from support.exercises import Answers

# --- 10.1


def with_zip(before, now):
    for index, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return index
    return len(now) if len(now) < len(before) else None


def with_indexes(before, now):
    index = 0
    while index < len(before):
        if index >= len(now) or before[index] != now[index]:
            return index
        index += 1


def as_a_text(before, now):
    found = with_zip(before, now)
    return None if found is None else str(found)


def without_lengths(before, now):
    return next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), None)


def by_content(before, now):
    pairs = enumerate(zip(before, now, strict=False))
    return next(
        (i for i, (a, b) in pairs if a["content"] != b["content"]),
        len(now) if len(now) < len(before) else None,
    )


def length_when_equal(before, now):
    found = with_zip(before, now)
    return len(before) if found is None else found


def system_only(before, now):
    return 0 if before[0] != now[0] else None


# --- 10.2


def forget(step, agent):
    for old in agent.memory.steps:
        if isinstance(old, ActionStep) and old.observations:
            old.observations = old.observations[:40]


def forget_with_getattr(memory_step, agent):
    for old in agent.memory.steps:
        text = getattr(old, "observations", None)
        if text is not None:
            old.observations = text[:40]


def forget_but_the_newest(step, agent=None):
    for old in agent.memory.steps:
        if old is not step and isinstance(old, ActionStep) and len(old.observations or "") > 40:
            old.observations = f"{old.observations:.40}"


def the_newest_too(step, agent):
    forget(step, agent)
    step.observations = step.observations[:40]


def drops_the_steps(step, agent):
    agent.memory.steps = agent.memory.steps[:1]
    agent.steps = agent.steps[:1]


def the_task_too(step, agent):
    forget(step, agent)
    agent.memory.steps[0].task = ""


def the_words_too(step, agent):
    forget(step, agent)
    for old in agent.memory.steps[1:]:
        old.model_output = old.model_output[:3]


def all_gone(step, agent):
    for old in agent.memory.steps[1:]:
        old.observations = None


def trips_over_none(step, agent):
    for old in agent.memory.steps[1:]:
        old.observations = old.observations[:40]


# --- 10.3

ANIMALS = ["leopard", "cheetah", "lion", "gray wolf", "wild boar", "giraffe"]


def step(code):
    return f"I do it.\n</think>\n\nThought: I do it.\n<code>\n{code}\n</code>"


def run(where, words, tools):
    """What the lesson's `run` returns, with tokens that are counted by characters. One step for each text."""
    made, said = [], 8000
    for text in words:
        printed, answer = io.StringIO(), []
        code = text.partition("<code>\n")[2].partition("\n</code>")[0]
        with contextlib.redirect_stdout(printed):
            exec(code, {"web_search": tools[0], "final_answer": answer.append})
        tokens = SimpleNamespace(prompt=said // 3)
        made.append(
            SimpleNamespace(tokens=tokens, is_final=bool(answer), answer=answer[0] if answer else None)
        )
        said += 2 * len(text) + len(printed.getvalue())
    return made


EACH = [step(f'print(web_search(query="top speed of {animal} in km/h"))') for animal in ANIMALS]
END = step('final_answer("the cheetah")')
LOOP = f'for animal in {ANIMALS}:\n    page = web_search(query=f"top speed of {{animal}} in km/h")\n'
SHORT = LOOP + '    print(animal, page.split(" km/h")[0][-3:])'


def runs():
    long = run(None, [*EACH, END], [OfflineSearch(max_results=4)])
    return {"ANIMALS": ANIMALS, "OfflineSearch": OfflineSearch, "run": run, "server": None, "long": long}


# --- 10.4


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


ANSWERS = {
    "10.1": Answers(
        right=[with_zip, with_indexes, as_a_text],
        wrong=[without_lengths, by_content, length_when_equal, system_only],
    ),
    "10.2": Answers(
        right=[forget, forget_with_getattr, forget_but_the_newest],
        wrong=[
            the_newest_too,
            drops_the_steps,
            the_task_too,
            the_words_too,
            all_gone,
            trips_over_none,
            "forget",
        ],
        given={"ActionStep": ActionStep, "TaskStep": TaskStep, "Timing": Timing},
    ),
    "10.3": Answers(
        right=[
            [step(SHORT), END],
            [step(LOOP + "    print(page[:80])"), END],
            (step(SHORT + '\nfinal_answer("cheetah, 112 km/h")'),),
            step(SHORT + '\nfinal_answer("The Cheetah")'),
        ],
        wrong=[
            [*EACH, END],
            [END],
            [EACH[0], END],
            [step(SHORT)],
            [step(SHORT), step('final_answer("the lion")')],
            6,
        ],
        given=runs,
    ),
    "10.4": Answers(
        right=[subtract, with_a_loop, in_tuples],
        wrong=[without_the_first, inputs_only, from_the_first, list],
    ),
}
