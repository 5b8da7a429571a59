"""Answers to the exercises of lesson 10: requests that never were, and runs without a model."""

import contextlib
import io
import re
from types import SimpleNamespace

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
            try:
                exec(code, {"web_search": tools[0], "final_answer": answer.append})
            except NameError as error:
                print(f"Error:\n{error}")
        made.append(
            SimpleNamespace(
                tokens=SimpleNamespace(prompt=said // 3),
                is_final=bool(answer),
                answer=answer[0] if answer else None,
                observation=printed.getvalue(),
            )
        )
        said += 2 * len(text) + len(printed.getvalue())
    return made


EACH = [step(f'print(web_search(query="top speed of {animal} in km/h"))') for animal in ANIMALS]
END = step('final_answer("the cheetah")')
LOOP = f'for animal in {ANIMALS}:\n    page = web_search(query=f"top speed of {{animal}} in km/h")\n'
SHORT = LOOP + '    print(animal, page.split(" km/h")[0][-3:])'
WORD = LOOP + '    print(page.split(" km/h")[0].split()[-1])'
ALL_AT_ONCE = f'print(web_search(query="top speed of {" ".join(ANIMALS)}"))'
TYPED = LOOP + "print('58 112 80 64 40 60')"
SLICED = LOOP + "    print(page[:112] + page[112:240])"
UNKNOWN = 'for animal in ANIMALS:\n    print(web_search(query=f"top speed of {animal}")[:200])'
TWO = [
    step("\n".join(f'print(web_search(query="{a} speed in km/h")[:160])' for a in ANIMALS[n : n + 3]))
    for n in (0, 3)
]


def runs():
    usual = run(None, [*EACH, END], [OfflineSearch(max_results=4)])
    return {
        "ANIMALS": ANIMALS, "OfflineSearch": OfflineSearch, "run": run, "small": None, "usual": usual, "re": re,
    }  # fmt: skip


ANSWERS = {
    "10.1": Answers(
        right=[with_zip, with_indexes, as_a_text],
        wrong=[without_lengths, by_content, length_when_equal, system_only],
    ),
    "10.2": Answers(
        right=[
            [step(SHORT), END],
            [step(LOOP + "    print(page[:240])"), END],
            (step(WORD), step('final_answer("cheetah, 112 km/h")')),
            [step(SLICED), END],
            [*TWO, END],
        ],
        wrong=[
            [*EACH, END],
            [END],
            [EACH[0], END],
            [step(SHORT)],
            [step(SHORT), step('final_answer("the lion")')],
            [step(SHORT + '\nfinal_answer("the cheetah")')],
            [step(LOOP), END],
            [step(TYPED), END],
            [step(ALL_AT_ONCE), END],
            [step(UNKNOWN), END],
            6,
        ],
        given=runs,
    ),
}
