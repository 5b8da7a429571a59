"""The leopard family: how long does an animal take for a place?

Sources that disagree (the code takes the most frequent figure), noisy pages, American units, a fact that takes a second
search, a search that finds nothing at first, a code block that was forgotten.
"""

import random
import re
import statistics

from training.entities import article, entity
from training.pages import Topic, Web, hidden, topic
from training.tasks import Move, Task, code, states

FAMILY = "speed over distance"
LISTS = {"km/h": "speeds_kmh", "mph": "speeds_mph", "m": "lengths_m", "ft": "lengths_ft"}
COMPUTED = re.compile(r"Execution logs:\n[\d.]+ [\d.]+ [\d.]+\nLast output")

QUESTIONS = {
    True: (
        "How many seconds would it take for {animal} at full speed to run through {place}?",
        "How many seconds does {animal} need to cross {place} at top speed?",
        "How long, in seconds, would {animal} take to run the length of {place}?",
        "If {animal} runs at full speed along {place}, how many seconds pass?",
        "Running flat out, in how many seconds does {animal} get across {place}?",
        "In seconds, how quickly could {animal} run over {place}?",
        "Picture {animal} sprinting from one end of {place} to the other at top speed. How many seconds is that?",
        "Compute the seconds that {animal} needs for {place} at its top speed.",
        "Tell me how many seconds {place} takes {animal} at full speed.",
        "What time in seconds would {animal} need for the full length of {place}?",
        "{place}: how many seconds for {animal} that runs as fast as possible?",
        "I want to know how many seconds {animal} at maximum speed spends on {place}.",
    ),
    False: (
        "Suppose {animal} races across {place} as fast as it can. After how many seconds does it arrive?",
        "At its maximum speed, for how many seconds is {animal} on {place}?",
        "How many seconds before {animal} that starts at one end of {place} reaches the other at a dead run?",
        "Give me the number of seconds: {animal}, full speed, all the way along {place}.",
    ),
}


def question(rng: random.Random, training: bool, **names: str) -> str:
    """The course's own phrasing a quarter of the time in training, so that it is at home there."""
    phrasings = QUESTIONS[training]
    chosen = phrasings[0] if training and rng.random() < 0.25 else rng.choice(phrasings)
    return chosen.format(**names)


def topics(rng: random.Random, training: bool) -> list[Topic]:
    american = rng.random() < 0.15
    return [
        topic(rng, "speed", entity(rng, "animals", training), training, american=american),
        topic(rng, "length", entity(rng, "places", training), training, american=american),
    ]


def draw(rng: random.Random, training: bool) -> Task:
    speed, length = hidden(rng, topics(rng, training), 0.1)
    expected = length.value / (speed.value * 1000 / 3600)
    slip = rng.choice(["no code", "no results"]) if training and rng.random() < 0.1 else None

    def script(seen: list[str]) -> Move:
        if slip and not seen:
            return _slip(slip, speed)
        if slip and len(seen) == 1:
            return _mended(slip, speed, length)
        return next_move(seen, speed, length)

    return Task(
        FAMILY,
        question(rng, training, animal=article(speed.name), place=length.name),
        script,
        lambda answer: states(answer, expected),
        [Web([speed, length])],
        fault=lambda answer, codes: fault(answer, codes, speed, length),
        expected=f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """The careful agent's next move, from what it has seen."""
    if not any("## Search Results" in text for text in seen):
        return _first(speed, length)
    if COMPUTED.search(seen[-1]):
        return _last(speed, length)
    pages = "\n".join(seen)
    for one in (speed, length):
        if not one.figures(pages):
            return _again(one, speed, length, pages)
    return _compute(speed, length, pages)


def _first(speed: Topic, length: Topic, thinking: str = "") -> Move:
    thinking = thinking or (
        f"I need two facts: the top speed of the {speed.name} and the length of {length.name}. "
        "I search for both in one code block and print the results. The time comes after that."
    )
    return Move(thinking, code(
        "I search for the speed and the length first.",
        f'speed_pages = web_search("{speed.query()}")', f'length_pages = web_search("{length.query()}")',
        'print("SPEED", speed_pages)', 'print("LENGTH", length_pages)',
    ))  # fmt: skip


def _again(missing: Topic, speed: Topic, length: Topic, pages: str) -> Move:
    what = f"the {missing.kind} of {missing.subject}"
    thinking = (
        f"{speed.reading(pages)}\n{length.reading(pages)}\n"
        f"No page states {what}. I search for it with other words before I compute."
    )
    return Move(thinking, code(
        f"{what[0].upper() + what[1:]} is still missing, so I search again.",
        f'more_pages = web_search("{missing.second_query()}")', f'print("{missing.kind.upper()}", more_pages)',
    ))  # fmt: skip


def _compute(speed: Topic, length: Topic, pages: str) -> Move:
    thinking = (
        f"{speed.reading(pages)}\n{length.reading(pages)}\n"
        "The code takes the most frequent figure of each list and divides length by speed."
    )
    return Move(thinking, code(
        "I have figures for both. I compute the time in code.",
        "from statistics import mode",
        listed(speed, pages), listed(length, pages),
        f"speed_kmh = {taken(speed)}", f"length_m = {taken(length)}",
        "seconds = length_m / (speed_kmh * 1000 / 3600)",
        "print(speed_kmh, length_m, round(seconds, 2))",
    ))  # fmt: skip


def _last(speed: Topic, length: Topic) -> Move:
    rounded = "{round(speed_kmh, 1)}", "{round(length_m, 1)}"
    kmh, meters = ("{speed_kmh}", "{length_m}") if speed.unit == "km/h" else rounded
    return Move(
        "The code printed the speed, the length and the time in seconds. I answer with its variables.",
        code(
            "I have the time.",
            f'final_answer(f"At {kmh} km/h, {article(speed.name)} needs {{round(seconds, 2)}} seconds '
            f'for the {meters} m of {length.name}.")',
        ),
    )


def _slip(kind: str, speed: Topic) -> Move:
    """What goes wrong first; nothing is learned from it but its consequences."""
    if kind == "no code":
        return Move("I look for both facts.", f"I search for the speed of the {speed.name}.", trained=False)
    wrong = 'speed_pages = web_search("fastest of all")\nprint("SPEED", speed_pages)'
    return Move("I look for the speed.", code("I search for the speed.", wrong), trained=False)


def _mended(kind: str, speed: Topic, length: Topic) -> Move:
    error = (
        "My last answer had no code block, so nothing ran. This time I write one."
        if kind == "no code"
        else "The search found no results and raised an error. I name the animal and the place in new searches."
    )
    return _first(speed, length, error)


def listed(one: Topic, pages: str) -> str:
    return f"{LISTS[one.unit]} = [{', '.join(one.figures(pages))}]"


def taken(one: Topic) -> str:
    """The most frequent figure, in km/h or m."""
    return one.in_metric(f"mode({LISTS[one.unit]})")


def fault(answer: str, codes: list[str], speed: Topic, length: Topic) -> str:
    """The kind of failure, read from the figures that the agent's code used."""
    for one in (speed, length):
        used = re.findall(rf"{LISTS[one.unit]} = \[([\d., ]+)\]", "\n".join(codes))
        figure = statistics.mode(used[-1].split(", ")) if used else None
        if figure and figure != one.figure:
            stated = any(p.figure == figure for p in one.pages)
            return f"{one.kind}: another page's figure" if stated else f"{one.kind}: no page's figure"
    return "wrong answer" if answer else "no answer"
