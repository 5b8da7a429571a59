"""Compare and compute: two or three animals over one place, with a dictionary and a loop in the agent's code."""

import random
from collections.abc import Iterable

from training.families.entities import article, entity
from training.families.pages import Topic, Web, topic
from training.families.phrasings import THREE, TWO, asked
from training.families.speed import BREAKS, FIGURES, once_broken, searched, shown
from training.tasks import Move, Task, code, states

FAMILY = "compare and compute"
ORDER = ("first", "second", "third")


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
    names = [article(t.name) for t in speeds]
    animals = " or ".join(names) if count == 2 else ", ".join(names)
    both = " and ".join([", ".join(names[:-1]), names[-1]])
    table = TWO if count == 2 else THREE
    fails = rng.choice(BREAKS) if training and rng.random() < 0.1 else None

    def script(seen: list[str]) -> Move:
        move = next_move(seen, speeds, length)
        return once_broken(seen, move, fails) if fails else move

    return Task(
        FAMILY,
        asked(rng, table, training, animals=animals, both=both, place=length.name),
        script,
        lambda answer: named_first(answer, times) == fastest and states(answer, number),
        [Web([*speeds, length])],
        expected=f"{fastest}, {number:.2f}",
    )


def named_first(answer: str, names: Iterable[str]) -> str:
    """The first of these names in the answer, "" if it has none. The winner comes first, the loser may follow."""
    found = [(answer.index(name), name) for name in names if name in answer]
    return min(found)[1] if found else ""


def next_move(seen: list[str], speeds: list[Topic], length: Topic) -> Move:
    return _compute(speeds, length) if searched(seen) else _search(speeds, length)


def _search(speeds: list[Topic], length: Topic) -> Move:
    thinking = (
        f"{_counted(speeds)} The place is {length.name}. "
        "I search for all of them in one code block and print how the results begin: the code can read the rest."
    )
    queries = [f'{order}_pages = web_search("{t.query()}")' for order, t in zip(ORDER, speeds, strict=False)]
    prints = [shown(order, f"{order}_pages") for order in ORDER[: len(speeds)]]
    return Move(thinking, code(
        "I search for the speeds and the length first.",
        *queries, f'length_pages = web_search("{length.query()}")', *prints, shown("length", "length_pages"),
    ))  # fmt: skip


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
        "something else. The code keeps those whose address names the subject, takes the most frequent figure, and "
        "computes each time in a loop. The shortest wins, and the code answers with it and its lead."
    )
    lines = [f'    "{t.fact()}": {order}_pages,' for order, t in zip(ORDER, speeds, strict=False)]
    return Move(thinking, code(
        "The code collects the figures, computes the times and answers.",
        *FIGURES, f'length_m = mode(figures(length_pages, "{length.fact()}", LENGTH))',
        "speed_pages = {", *lines, "}", "seconds = {}",
        "for fact, pages in speed_pages.items():",
        "    speed_kmh = mode(figures(pages, fact, SPEED))", '    name = fact.split(" of ", 1)[1]',
        "    seconds[name] = length_m / (speed_kmh * 1000 / 3600)",
        "    print(name, round(seconds[name], 2))",
        "first, second = sorted(seconds, key=seconds.get)[:2]", "lead = seconds[second] - seconds[first]",
        f'final_answer(f"{said}.")',
    ))  # fmt: skip
