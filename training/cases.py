"""Questions of the leopard family with the little web that answers each.

Does: draws an animal, a place, their figures and the pages that state them, from the training side or the held-out side.
Does not: let the two sides share an entity, a page layout outside the course's own, or a phrasing. Figures are random, so
that a model must read them from the pages.
"""

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

from smolagents import WebSearchTool

from course import corpus
from training import layouts

ALWAYS_HELD_OUT = {"leopard", "snow leopard", "Pont des Arts"}
ONSETS = re.findall(r"\w+", "b br c ch d dr f fl g gr h k kl l m n p pr r s st t tr v w z")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
ENDS = ("n", "r", "l", "m", "k", "t", "x", "sh", "nd", "rt", "lo", "ra", "mi", "ko", "da", "ssa")
KINDS = re.findall(r"\w+", "Bridge Footbridge Viaduct Pier Street Square Dam Tunnel Promenade Arcade Quay")
CONFUSERS = {
    "speed": {True: ("pygmy", "black", "northern", "marsh", "cave"), False: ("snow", "forest", "lesser")},
    "length": {True: ("New", "Old", "Upper", "Little", "East"), False: ("Lower", "Second", "West")},
}
COATS = re.findall(r"\w+", "spotted gray river common dwarf red golden white great mountain")
PARTS = ("eyed", "tailed", "backed", "footed", "necked")
FOREIGN = ("Pont de", "Pont du", "Ponte", "Place de la", "Puente", "Rue", "Piazza", "Plaza", "Most")


def held_out(name: str) -> bool:
    """Whether a real entity is kept out of training: half of the corpus, by a hash of the name."""
    return name in ALWAYS_HELD_OUT or sha256(name.encode()).digest()[0] % 2 == 0


@dataclass
class Case:
    """One question. `pages[kind]` are the results for the animal ("speed") and the place ("length"), in order.

    `missing`: the fact that the first search does not give. `expected` is in seconds.
    """

    question: str
    animal: str
    place: str
    speed: str
    length: str
    pages: dict[str, list[corpus.Page]]
    missing: str | None = None
    expected: float = field(init=False)
    names: dict[str, str] = field(init=False)

    def __post_init__(self):
        self.names = {"length": self.place, "speed": self.animal}
        self.expected = float(self.length) / (float(self.speed) * 1000 / 3600)


class CaseSearch(WebSearchTool):
    """`web_search` over the pages of one case. The missing fact is on no page until the query says "exact"."""

    def __init__(self, case: Case):
        super().__init__()
        self.case = case

    def search(self, query: str) -> list[dict[str, str]]:
        kind = next((k for k, name in self.case.names.items() if words(name) <= words(query)), None)
        if kind is None:
            return []
        pages = self.case.pages[kind]
        if self.case.missing == kind and "exact" not in query:
            pages = [
                p for p in pages if p.figure is None or p.about not in (self.case.animal, self.case.place)
            ]
        return [p.result() for p in pages]


def words(text: str) -> set[str]:
    """What a full-text search matches: lower-case words of more than one letter."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 1}


def article(animal: str) -> str:
    return f"{'an' if animal[0].lower() in 'aeiou' else 'a'} {animal}"


def case(rng: random.Random, *, training: bool) -> Case:
    animal, place = _entity(rng, "animals", training), _entity(rng, "places", training)
    speed, slow = _figures(rng, 4, 120, decimals=0.15)
    length, others = _figures(rng, 18, 6000 if rng.random() < 0.4 else 400, decimals=0.15)
    pages = {
        "speed": _pages(rng, "speed", animal, speed, slow, training),
        "length": _pages(rng, "length", place, length, others, training),
    }
    missing = rng.choice(["speed", "length"]) if rng.random() < 0.1 else None
    if missing and not any(p.figure is None for p in pages[missing]):
        missing = None
    question = rng.choice(layouts.TRAIN_QUESTIONS if training else layouts.HELD_OUT_QUESTIONS)
    if training and rng.random() < 0.25:
        question = layouts.TRAIN_QUESTIONS[0]
    name = str(animal["name"])
    return Case(
        question.format(animal=article(name), place=place["name"]),
        name, str(place["name"]), speed, length, pages, missing,
    )  # fmt: skip


def _figures(rng: random.Random, low: float, high: float, decimals: float) -> tuple[str, list[str]]:
    """A main figure and one to three others within a quarter of it, all different."""
    main = rng.uniform(low, high)
    digits = 1 if rng.random() < decimals else 0
    text = corpus.number(round(main, digits))
    others: list[str] = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2])):
        other = corpus.number(round(float(text) * rng.uniform(0.78, 1.25), digits))
        if other not in [text, *others] and float(other) > 0:
            others.append(other)
    return text, others


def _entity(rng: random.Random, table: str, training: bool) -> dict[str, object]:
    real = [row for row in corpus.rows(table) if held_out(row["name"]) is not training]
    row: dict[str, object] = dict(rng.choice(real))
    if training and rng.random() < 0.5:
        row["name"] = _animal_name(rng) if table == "animals" else _place_name(rng)
    row["source"] = f"Wikipedia, {row['name']}"
    if table == "animals":
        row |= {"mass_kg": rng.randint(2, 900), "lifespan_years": rng.randint(3, 70)}
    else:
        row |= {"width_m": rng.randint(2, 60), "opened": rng.randint(1100, 2022)}
    return row


def _word(rng: random.Random) -> str:
    start = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.choice([1, 1, 2, 2, 3])))
    return start + rng.choice(ENDS)


def _animal_name(rng: random.Random) -> str:
    word, other = _word(rng), _word(rng).capitalize()
    return rng.choice([
        word, word, f"{rng.choice(COATS)} {word}", f"{rng.choice(COATS)} {word}", f"{other}'s {word}",
        f"{rng.choice(COATS)}-{rng.choice(PARTS)} {word}", f"{other} {rng.choice(COATS)} {word}",
    ])  # fmt: skip


def _place_name(rng: random.Random) -> str:
    word, other = _word(rng).capitalize(), _word(rng).capitalize()
    return rng.choice([
        word, f"{word} {rng.choice(KINDS)}", f"{word} {other} {rng.choice(KINDS)}", f"{rng.choice(FOREIGN)} {word}",
        f"{rng.choice(FOREIGN)} {word}", f"{word}'s {rng.choice(KINDS)}", f"{word}-{other} {rng.choice(KINDS)}",
        f"{word}{rng.choice(['brücke', 'straße', 'platz', 'brug', 'bron'])}",
    ])  # fmt: skip


def _pages(rng, kind: str, facts: dict, main: str, others: list[str], training: bool) -> list[corpus.Page]:
    """Between three and ten pages: the main figure on strictly more pages than any other."""
    course = corpus.SPEED_LAYOUTS if kind == "speed" else corpus.LENGTH_LAYOUTS
    if training:
        pool = course + (layouts.TRAIN_SPEED if kind == "speed" else layouts.TRAIN_LENGTH)
        if rng.random() < 0.35:
            pool = course
    else:
        pool = layouts.HELD_OUT_SPEED if kind == "speed" else layouts.HELD_OUT_LENGTH
    stating = rng.sample(
        [lay for lay in pool if lay.states], k=min(6, len([lay for lay in pool if lay.states]))
    )
    silent = [lay for lay in pool if not lay.states]
    often = rng.choice([2, 2, 3, 3, 3, 4])
    figures = ([main] * often + others)[: len(stating)]
    found = [corpus.page(lay, facts, fig) for lay, fig in zip(stating, figures, strict=False)]
    found += [
        corpus.page(lay, facts, main) for lay in rng.sample(silent, k=min(len(silent), rng.choice([0, 1, 1])))
    ]
    if rng.random() < 0.3:
        found += _confusing(rng, kind, facts, main, pool, training)
    rng.shuffle(found)
    counts = Counter(p.figure for p in found if p.figure and p.about == facts["name"])
    assert counts.most_common(1)[0] == (main, often), counts
    return found[:10]


def _confusing(rng, kind: str, facts: dict, main: str, pool, training: bool) -> list[corpus.Page]:
    """Pages about something whose name contains the entity's."""
    name = str(facts["name"])
    adjectives = CONFUSERS[kind][training]
    other = {
        **facts,
        "name": f"{rng.choice(adjectives)} {name}",
        "mass_kg": rng.randint(2, 900),
        "opened": rng.randint(1100, 2022),
    }
    figure = corpus.number(round(float(main) * rng.uniform(1.3, 2.0)))
    return [
        corpus.page(lay, other, figure)
        for lay in rng.sample([lay for lay in pool if lay.states], k=rng.choice([1, 1, 2, 3, 4]))
    ]
