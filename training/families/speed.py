"""The leopard family: how long does an animal take to cross a place?

With sources that disagree (the code takes the most frequent figure), noisy pages, American units, facts that take a
second search, searches that find nothing at first, and code blocks that were forgotten.

The moves are designed for a CPU, where processing a prompt token takes a third of the time of generating one. Only
the beginning of the pages is printed, since the code reads the rest, and the block that computes also answers. One
more step would put that block into the prompt twice: smolagents sends it as text and as a call.
"""

import json
import random
import re
from dataclasses import replace

from course.tools.corpus import capital
from course.tools.figures import SPELLED, UNITS
from training.families.entities import article, entity, plain_name
from training.families.pages import PER_UNIT, Topic, Web, hidden, topic
from training.families.phrasings import ONE, asked
from training.tasks import Move, Task, code, states

FAMILY = "speed over distance"
FIGURES = (
    "import re",
    "from statistics import mode",
    *(
        f"{kind.upper()} = {json.dumps({SPELLED[unit]: PER_UNIT[unit] for unit in units})}"
        for kind, units in UNITS.items()
    ),
    "def figures(pages, fact, units):",
    '    address = "/" + fact.split(" of ", 1)[1].lower().replace(" ", "-") + ")"',
    '    text = " ".join([p for p in pages.split("\\n\\n") if address in p])',
    "    for unit, factor in units.items():",
    '        found = re.findall(r"([\\d.]+) (?:" + unit + r")\\b", text)',
    "        if found:",
    "            return [float(figure) * factor for figure in found]",
    "    return []",
)
"""The agent's own function: the figures, in km/h or m, of the pages whose address ends in the name."""
HIDDEN = {True: 0.35, False: 0.1}
"""The share of tasks with a fact that takes a second search. What is rare in training is forgotten first."""
BREAKS = (
    ("figures(length_pages", "figures(length pages"), ("figures(length_pages", "figures(length_table.example/x"),
    ("figures(length_pages", "figures(length_pages.text"), ("fact, units):", "fact, units)"),
)  # fmt: skip
"""Parts of a code block and what replaces them so that it fails. A misspelled name would not: smolagents accepts it."""
SLIPS = ("no code", "no results", "wrong name", "broken code", "broken code")


def topics(rng: random.Random, training: bool) -> list[Topic]:
    american = rng.random() < 0.15
    return [
        topic(rng, "speed", entity(rng, "animals", training), training, american=american),
        topic(rng, "length", entity(rng, "places", training), training, american=american),
    ]


def draw(rng: random.Random, training: bool) -> Task:
    speed, length = hidden(rng, topics(rng, training), HIDDEN[training])
    expected = length.value / (speed.value * 1000 / 3600)
    slip = rng.choice(SLIPS) if training and rng.random() < 0.2 else None
    wrong = replace(length, name=plain_name(rng, "places")) if slip == "wrong name" else None
    fails = rng.choice(BREAKS) if slip == "broken code" else None

    def script(seen: list[str]) -> Move:
        if fails:
            return once_broken(seen, next_move(seen, speed, length), fails)
        if slip and not seen:
            return _slip(slip, speed, wrong)
        if slip and len(seen) == 1:
            return _mended(slip, speed, length)
        return next_move(seen, speed, length)

    return Task(
        FAMILY,
        asked(rng, ONE, training, animal=article(speed.name), place=length.name),
        script,
        lambda answer: states(answer, expected),
        [Web([speed, length])],
        fault=lambda answer: fault(answer, speed, length),
        expected=f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """The careful agent's next move, given what it has seen."""
    if not searched(seen):
        return _first(speed, length)
    missing = next((t for t in (speed, length) if f"{listed(t).upper()} []" in seen[-1]), None)
    return _again(missing, speed, length) if missing else _compute(speed, length)


def searched(seen: list[str]) -> bool:
    """Whether a search has found pages."""
    return any("## Search Results" in text for text in seen)


def shown(name: str, pages: str) -> str:
    """The line that prints the beginning of a search's results: their heading and the first page."""
    return f'print("{name.upper()}", {pages}[:200])'


def _first(speed: Topic, length: Topic, thinking: str = "") -> Move:
    thinking = thinking or (
        f"I need two facts: the top speed of the {speed.name} and the length of {length.name}. "
        "I search for both in one code block and print how the results begin: the code can read the rest."
    )
    return Move(thinking, code(
        "I search for the speed and the length first.",
        f'speed_pages = web_search("{speed.query()}")', f'length_pages = web_search("{length.query()}")',
        shown("speed", "speed_pages"), shown("length", "length_pages"),
    ))  # fmt: skip


def _compute(speed: Topic, length: Topic) -> Move:
    thinking = (
        f"I have pages about the speed of the {speed.name} and the length of {length.name}. Some may disagree, or be about "
        "something else. The code keeps those whose address names the subject, takes the most frequent figure, divides "
        "and answers if both facts are there."
    )
    return Move(thinking, code(
        "The code collects the figures, computes the time and answers.",
        *FIGURES,
        f'speeds = figures(speed_pages, "{speed.fact()}", SPEED)',
        f'lengths = figures(length_pages, "{length.fact()}", LENGTH)',
        'print("SPEEDS", speeds)', 'print("LENGTHS", lengths)',
        "if speeds and lengths:", *("    " + line for line in _answer(speed, length)),
    ))  # fmt: skip


def _answer(speed: Topic, length: Topic) -> tuple[str, ...]:
    """The lines that turn the lists into an answer. Figures come from variables, so the model copies none."""
    return (
        "speed_kmh, length_m = mode(speeds), mode(lengths)",
        "seconds = length_m / (speed_kmh * 1000 / 3600)",
        f'final_answer(f"At {{round(speed_kmh, 1)}} km/h, {article(speed.name)} needs {{round(seconds, 2)}} '
        f'seconds for the {{round(length_m, 1)}} m of {length.name}.")',
    )


def _again(missing: Topic, speed: Topic, length: Topic) -> Move:
    what = f"the {missing.kind} of {missing.subject}"
    thinking = f"The list of {listed(missing)} is empty: no page states {what}. I search with other words, and answer."
    return Move(thinking, code(
        f"{capital(what)} is still missing, so I search again.",
        f'more_pages = web_search("{missing.second_query()}")', shown(missing.kind, "more_pages"),
        f'{listed(missing)} = figures(more_pages, "{missing.fact()}", {missing.kind.upper()})',
        *_answer(speed, length),
    ))  # fmt: skip


def once_broken(seen: list[str], move: Move, fails: tuple[str, str]) -> Move:
    """The same moves, except that the code that reads the pages fails the first time; that one is not trained."""
    if len(seen) == 1:
        return replace(move, content=move.content.replace(*fails), trained=False)
    if len(seen) == 2:
        return replace(move, thinking=f"The code failed, so there is no time yet. {move.thinking}")
    return move


def _slip(kind: str, speed: Topic, wrong: Topic | None) -> Move:
    """A first move that goes wrong. Only what follows from it is learned."""
    if wrong:
        return replace(_first(speed, wrong), trained=False)
    if kind == "no code":
        return Move("I look for both facts.", f"I search for the speed of the {speed.name}.", trained=False)
    search = 'speed_pages = web_search("fastest of all")\nprint("SPEED", speed_pages)'
    return Move("I look for the speed.", code("I search for the speed.", search), trained=False)


def _mended(kind: str, speed: Topic, length: Topic) -> Move:
    error = (
        "My last answer had no code block, so nothing ran. This time I write one."
        if kind == "no code"
        else "The search found no results and raised an error. I name the animal and the place in new searches."
    )
    return _first(speed, length, error)


def listed(one: Topic) -> str:
    """The name of the variable with all figures of a topic."""
    return f"{one.kind}s"


def fault(answer: str, speed: Topic, length: Topic) -> str:
    """The kind of failure, judged by the figures in the answer."""
    for one, place in ((speed, r"At ([\d.]+) km/h"), (length, r"the ([\d.]+) m of")):
        told = re.search(place, answer)
        if told and abs(float(told[1]) - one.value) > 0.051:
            stated = any(p.figure and abs(float(told[1]) - float(p.figure)) < 0.01 for p in one.pages)
            return f"{one.kind}: another page's figure" if stated else f"{one.kind}: no page's figure"
    return "wrong answer" if answer else "no answer"
