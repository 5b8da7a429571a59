"""Compare and compute: two or three animals over one place, with a dictionary and a loop in the agent's code.

The code searches with other words for what the first pages do not state, and says which fact that does not find either.
"""

import random
from collections.abc import Iterable

from training.families import results
from training.families.entities import article, entity
from training.families.pages import Topic, Web, hidden, topic
from training.families.phrasings import THREE, TWO, asked
from training.families.speed import (
    BREAKS,
    FIGURES,
    GAVE_UP,
    NOTHING,
    attempted,
    ended,
    once_broken,
    searched,
    shown,
)
from training.tasks import Move, Task, code, states

FAMILY = "compare and compute"
ORDER = ("first", "second", "third")
FIND = (
    "def find(pages, fact, units):",
    "    found = figures(pages, fact, units)",
    "    if not found:",
    "        try:",
    '            found = figures(web_search("exact " + fact), fact, units)',
    "        except Exception:",
    '            print("No more pages.")',
    f'    return mode(found) if found else final_answer(f"{GAVE_UP} the {{fact}}.")',
)
"""The agent's own function: a figure, searched for once more if the first pages do not state it."""
FAILS = [
    (part.replace("figures(length", "find(length"), by.replace("figures(length", "find(length"))
    for part, by in BREAKS
]
HIDDEN = 0.12
LOST = {True: 0.1, False: 0.06}


def draw(rng: random.Random, training: bool) -> Task:
    count = 3 if rng.random() < (0.5 if training else 0.35) else 2
    speeds: list[Topic] = []
    while len(speeds) < count:
        one = topic(rng, "speed", entity(rng, "animals", training), training)
        if all(one.name not in t.name and t.name not in one.name and one.value != t.value for t in speeds):
            speeds.append(one)
    length = topic(rng, "length", entity(rng, "places", training), training)
    times = {t.name: length.value / (t.value * 1000 / 3600) for t in speeds}
    fastest = min(times, key=times.__getitem__)
    number = times[fastest] if count == 3 else max(times.values()) - min(times.values())
    *speeds, length = hidden(rng, [*speeds, length], HIDDEN, LOST[training])
    lost = any(t.lost for t in (*speeds, length))
    names = [article(t.name) for t in speeds]
    animals = " or ".join(names) if count == 2 else ", ".join(names)
    both = " and ".join([", ".join(names[:-1]), names[-1]])
    table = TWO if count == 2 else THREE
    fails = rng.choice(FAILS) if training and rng.random() < 0.1 else None

    def script(seen: list[str]) -> Move:
        move = next_move(seen, speeds, length)
        return once_broken(seen, move, fails) if fails else move

    return Task(
        FAMILY,
        asked(rng, table, training, animals=animals, both=both, place=length.name),
        script,
        (lambda answer: GAVE_UP in answer)
        if lost
        else (lambda answer: named_first(answer, times) == fastest and states(answer, number)),
        [Web([*speeds, length], results.form(rng))],
        fault=ended,
        expected=GAVE_UP if lost else f"{fastest}, {number:.2f}",
    )


def named_first(answer: str, names: Iterable[str]) -> str:
    """The first of these names in the answer, "" if it has none. The winner comes first, the loser may follow."""
    found = [(answer.index(name), name) for name in names if name in answer]
    return min(found)[1] if found else ""


def next_move(seen: list[str], speeds: list[Topic], length: Topic) -> Move:
    if searched(seen):
        return _compute(speeds, length)
    return _search(speeds, length, again=any(NOTHING in text for text in seen))


def _search(speeds: list[Topic], length: Topic, *, again: bool) -> Move:
    thinking = (
        "A search found no results and raised an error. I search once more with other words."
        if again
        else "I search for all of them in one code block and print how the results begin: the code can read the rest."
    )
    thinking = f"{_counted(speeds)} The place is {length.name}. {thinking}"
    asked = [t.second_query() if again else t.query() for t in (*speeds, length)]
    names = [*ORDER[: len(speeds)], "length"]
    queries = [f'{name}_pages = web_search("{query}")' for name, query in zip(names, asked, strict=True)]
    if again:
        queries = [*attempted(*queries, instead=f'final_answer("{GAVE_UP} all the facts.")')]
    said = (
        "I search once more, with other words." if again else "I search for the speeds and the length first."
    )
    return Move(thinking, code(said, *queries, *(shown(name, f"{name}_pages") for name in names)))


def _counted(speeds: list[Topic]) -> str:
    """The animals, with the words that name the code's variables, so that none gets lost on the way to the code.

    No question begins like this: when it began with "Of", the model continued with the question that also did.
    """
    said = [f"the {order} is the {t.name}" for order, t in zip(ORDER, speeds, strict=False)]
    return f"I compare {len(speeds)} animals: {', '.join(said)}."


def _compute(speeds: list[Topic], length: Topic) -> Move:
    """The same ending for two and for three animals: the model could not remember over the whole block which was due."""
    best = "{round(seconds[first], 2)} seconds for " + length.name
    said = "The {first} is the fastest: it needs " + best + ", {round(lead, 2)} less than the {second}"
    thinking = (
        f"I have pages for all. {_counted(speeds)} The place is {length.name}. Some pages may disagree, or be about "
        "something else. The code keeps those that name the subject, takes the most frequent figure, and "
        "computes each time in a loop. The shortest wins, and the code answers with it and its lead."
    )
    lines = [f'    "{t.fact()}": {order}_pages,' for order, t in zip(ORDER, speeds, strict=False)]
    return Move(thinking, code(
        "The code collects the figures, computes the times and answers.",
        *FIGURES, *FIND, f'length_m = find(length_pages, "{length.fact()}", LENGTH)',
        "speed_pages = {", *lines, "}", "seconds = {}",
        "for fact, pages in speed_pages.items():",
        "    speed_kmh = find(pages, fact, SPEED)", '    name = fact.split(" of ", 1)[1]',
        "    seconds[name] = length_m / (speed_kmh * 1000 / 3600)",
        "    print(name, round(seconds[name], 2))",
        "first, second = sorted(seconds, key=seconds.get)[:2]", "lead = seconds[second] - seconds[first]",
        f'final_answer(f"{said}.")',
    ))  # fmt: skip
