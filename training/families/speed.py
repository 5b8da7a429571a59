"""The leopard family: how long does an animal take to cross a place?

With sources that disagree (the code takes the most frequent figure), noisy pages, American units, facts that take a
second search or are nowhere, searches that find nothing, and code blocks that were forgotten.

The moves are designed for a CPU, where processing a prompt token takes a third of the time of generating one. Only
the beginning of the pages is printed, since the code reads the rest, and the block that computes also answers. One
more step would put that block into the prompt twice: smolagents sends it as text and as a call.
"""

import random
import re
from dataclasses import replace

from course.tools.corpus import capital
from course.tools.figures import BEFORE, NUMBER, SMALL, SPELLED, UNITS
from training.families import results
from training.families.entities import article, entity, plain_name
from training.families.pages import PER_UNIT, Topic, Web, hidden, topic
from training.families.phrasings import ONE, asked
from training.tasks import Move, Task, code, states

FAMILY = "speed over distance"


def _units(kind: str) -> str:
    """The dictionary of a quantity's units, as the agent writes it: how pages spell each, and its factor."""
    return "{" + ", ".join(f'r"{SPELLED[unit]}": {PER_UNIT[unit]}' for unit in UNITS[kind]) + "}"


FIGURES = (
    "import re",
    "from statistics import mode",
    *(f"{kind.upper()} = {_units(kind)}" for kind in UNITS),
    f'SMALL = "{SMALL}"',
    "def figures(pages, fact, units):",
    '    name = fact.split(" of ", 1)[1]',
    "    # the name itself, not the end of a longer one",
    f'    named = rf"{BEFORE}{{name}}s?\\b"',
    '    text = " ".join([p for p in pages.split("\\n\\n") if re.search(named, p, re.I)])',
    "    for unit, factor in units.items():",
    f'        found = re.findall(r"{NUMBER}(?:" + unit + r")\\b", text)',
    "        if found:",
    '            return [float(number.replace(",", "")) * factor for number in found]',
    "    return []",
)
"""The agent's own function: the figures, in km/h or m, of the pages that name the subject. See course/tools/figures.py."""
HIDDEN = {True: 0.3, False: 0.12}
"""The share of tasks with a fact that takes a second search. What is rare in training is forgotten first."""
LOST = {True: 0.12, False: 0.08}
"""The share of tasks with a fact that is nowhere."""
GAVE_UP = "I could not find"
NOTHING = "No results found!"
"""How WebSearchTool's error begins."""
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
    speed, length = hidden(rng, topics(rng, training), HIDDEN[training], LOST[training])
    expected = length.value / (speed.value * 1000 / 3600)
    slip = rng.choice(SLIPS) if training and rng.random() < 0.2 else None
    if slip and slip != "broken code":
        speed, length = (replace(t, hidden=False, unseen=False, lost=False) for t in (speed, length))
    wrong = replace(length, name=plain_name(rng, "places")) if slip == "wrong name" else None
    fails = rng.choice(BREAKS) if slip == "broken code" else None
    lost = speed.lost or length.lost

    def script(seen: list[str]) -> Move:
        if fails:
            return once_broken(seen, next_move(seen, speed, length), fails)
        if slip and not seen:
            return _slip(slip, speed, wrong)
        if slip == "no code" and len(seen) == 1:
            return _first(
                speed, length, "My last answer had no code block, so nothing ran. This time I write one."
            )
        return next_move(seen, speed, length)

    return Task(
        FAMILY,
        asked(rng, ONE, training, animal=article(speed.name), place=length.name),
        script,
        (lambda answer: GAVE_UP in answer) if lost else (lambda answer: states(answer, expected)),
        [Web([speed, length], results.form(rng))],
        fault=lambda answer: fault(answer, speed, length),
        expected=GAVE_UP if lost else f"{expected:.2f}",
    )


def next_move(seen: list[str], speed: Topic, length: Topic) -> Move:
    """The careful agent's next move, given what it has seen."""
    if not searched(seen):
        failed = any(NOTHING in text for text in seen)
        return _again_from_the_start(speed, length) if failed else _first(speed, length)
    missing = [t for t in (speed, length) if any(f"{listed(t).upper()} []" in text for text in seen)]
    return _again(missing, speed, length) if missing else _compute(speed, length)


def searched(seen: list[str]) -> bool:
    """Whether both searches found pages: the block printed how they begin."""
    return any(re.search(r"^(?:SPEED|FIRST) ", text, re.MULTILINE) for text in seen)


def shown(name: str, pages: str) -> str:
    """The line that prints the beginning of a search's results: their heading and the first page."""
    return f'print("{name.upper()}", {pages}[:200])'


def not_found(missing: list[Topic]) -> str:
    """The line that ends a run without a number."""
    return f'final_answer("{GAVE_UP} {"both " if missing[1:] else ""}{_both(missing)}.")'


def _both(topics: list[Topic]) -> str:
    return " and ".join(t.what for t in topics)


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


def _again_from_the_start(speed: Topic, length: Topic) -> Move:
    """The same with other words. If that raises, too, the code says so: no step is left to repeat."""
    thinking = (
        "A search found no results and raised an error. I search once more with other words: "
        f"the exact speed of the {speed.name} and the exact length of {length.name}."
    )
    return Move(thinking, code(
        "I search once more, with other words.",
        *attempted(
            f'speed_pages = web_search("{speed.second_query()}")',
            f'length_pages = web_search("{length.second_query()}")',
            instead=not_found([speed, length]),
        ),
        shown("speed", "speed_pages"), shown("length", "length_pages"),
    ))  # fmt: skip


def attempted(*lines: str, instead: str) -> tuple[str, ...]:
    """The lines, and what is done if one of them raises."""
    return ("try:", *(f"    {line}" for line in lines), "except Exception:", f"    {instead}")


def _compute(speed: Topic, length: Topic) -> Move:
    thinking = (
        f"I have pages about the speed of the {speed.name} and the length of {length.name}. Some may disagree, or be about "
        "something else. The code keeps those that name the subject, takes the most frequent figure, divides "
        "and answers if both facts are there."
    )
    return Move(thinking, code(
        "The code collects the figures, computes the time and answers.",
        *FIGURES,
        f'speeds = figures(speed_pages, "{speed.fact()}", SPEED)',
        f'lengths = figures(length_pages, "{length.fact()}", LENGTH)',
        'print("SPEEDS", speeds)', 'print("LENGTHS", lengths)',
        *_answer(speed, length),
    ))  # fmt: skip


def _answer(speed: Topic, length: Topic) -> tuple[str, ...]:
    """The lines that turn the lists into an answer. Figures come from variables, so the model copies none."""
    return (
        "if speeds and lengths:",
        "    speed_kmh, length_m = mode(speeds), mode(lengths)",
        "    seconds = length_m / (speed_kmh * 1000 / 3600)",
        f'    final_answer(f"At {{round(speed_kmh, 1)}} km/h, {article(speed.name)} needs {{round(seconds, 2)}} '
        f'seconds for the {{round(length_m, 1)}} m of {length.name}.")',
    )


def _again(missing: list[Topic], speed: Topic, length: Topic) -> Move:
    """Search once for what is missing, then answer or say that it is nowhere: no step is left to repeat."""
    lists = " and ".join(listed(t) for t in missing)
    are = "lists of" if missing[1:] else "list of"
    thinking = (
        f"The {are} {lists} {'are' if missing[1:] else 'is'} empty: no page states {_both(missing)}. "
        "I search with other words once, and answer or say that I could not find it."
    )
    lines = [
        line
        for t in missing
        for line in (
            f'more_pages = web_search("{t.second_query()}")',
            f'{listed(t)} = figures(more_pages, "{t.fact()}", {t.kind.upper()})',
        )
    ]
    return Move(thinking, code(
        f"{capital(_both(missing))} {'are' if missing[1:] else 'is'} still missing, so I search again.",
        *attempted(*lines, instead='print("No more pages.")'), *_answer(speed, length),
        "else:", f"    {not_found(missing)}",
    ))  # fmt: skip


def once_broken(seen: list[str], move: Move, fails: tuple[str, str]) -> Move:
    """The same moves, except that the code that reads the pages fails the first time; that one is not trained."""
    if len(seen) == 1 and fails[0] in move.content:
        return replace(move, content=move.content.replace(*fails), trained=False)
    if len(seen) == 2 and "Error:" in seen[1] and NOTHING not in seen[1]:
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


def listed(one: Topic) -> str:
    """The name of the variable with all figures of a topic."""
    return f"{one.kind}s"


def fault(answer: str, speed: Topic, length: Topic) -> str:
    """The kind of failure, judged by the figures in the answer."""
    if GAVE_UP in answer:
        return ended(answer)
    for one, place in ((speed, r"At ([\d.]+) km/h"), (length, r"the ([\d.]+) m of")):
        told = re.search(place, answer)
        if told and abs(float(told[1]) - one.value) > 0.051:
            stated = any(p.figure and abs(float(told[1]) - float(p.figure)) < 0.01 for p in one.pages)
            return f"{one.kind}: another page's figure" if stated else f"{one.kind}: no page's figure"
    return ended(answer)


def ended(answer: str) -> str:
    """How a run that was not right ended."""
    return "gave up" if GAVE_UP in answer else "wrong answer" if answer else "no answer"
