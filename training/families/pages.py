"""The web of a task: for each fact a handful of pages, most of which state the same figure.

Draws pages from the layouts of one side of the split, and answers `web_search` from them. Figures are random, so that
a model has to read them from the pages.
"""

import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from smolagents import WebSearchTool

from course.tools import corpus
from course.tools.figures import UNITS, about, printed
from training.families import layouts, results, wording
from training.families.entities import words

CONFUSERS = {
    "speed": {
        True: re.findall(
            r"\w+",
            "pygmy black northern marsh cave copper velvet marble winter island silver thunder orchard",
        ),
        False: ("snow", "forest", "lesser"),
    },
    "length": {
        True: re.findall(
            r"\w+", "New Old Upper Little East Inner Outer Great Far Near Middle Royal Big Small Twin Hidden"
        ),
        False: ("Lower", "Second", "West"),
    },
}
PER_UNIT = {"km/h": 1, "mph": corpus.KMH_PER_MPH, "m": 1, "ft": 0.3048}
TO_AMERICAN = {
    "{v} km/h": "{v} mph",
    "{v} kilometers per hour": "{v} miles per hour",
    "{v} m": "{v} ft",
    "{v} meters": "{v} feet",
}


Facts = dict[str, Any]
"""What a page may say about an animal or a place; see `entities.entity`."""


@dataclass(frozen=True)
class Topic:
    """One fact: the speed of an animal or the length of a place.

    Most of its pages state `figure`, in `unit`. If it is `hidden`, the first search finds no page that does, and none at
    all if it is also `unseen`. If it is `lost`, no search finds it.
    """

    kind: str
    name: str
    unit: str
    figure: str
    pages: tuple[corpus.Page, ...]
    hidden: bool = False
    unseen: bool = False
    lost: bool = False

    @property
    def value(self) -> float:
        """In km/h or m."""
        return float(self.figure) * PER_UNIT[self.unit]

    @property
    def subject(self) -> str:
        return f"the {self.name}" if self.kind == "speed" else self.name

    @property
    def what(self) -> str:
        return f"the {self.kind} of {self.subject}"

    def fact(self) -> str:
        """The fact in words. The name follows a space, as in the question: after a quote its tokens would differ."""
        return f"{self.kind} of {self.name}"

    def query(self) -> str:
        return f"top {self.fact()} in km/h" if self.kind == "speed" else f"{self.fact()} in meters"

    def second_query(self) -> str:
        return f"exact {self.fact()}"


class Web(WebSearchTool):
    """`web_search` over the pages of some topics. A hidden figure appears once other words are searched for.

    `form` is how a result is printed; see `results.FORMS`.
    """

    def __init__(self, topics: list[Topic], form: str = results.FORMS[0]):
        super().__init__()
        self.topics = topics
        self.form = form
        self.first: dict[str, str] = {}

    def parse_results(self, found: list[dict[str, str]]) -> str:
        if self.form == results.FORMS[0]:
            return str(super().parse_results(found))
        return "\n\n".join(self.form.format(**one) for one in found)

    def search(self, query: str) -> list[dict[str, str]]:
        asked = [t for t in self.topics if words(t.name) <= words(query)]
        if not asked:
            return []
        topic = max(asked, key=lambda t: len(t.name))
        pages = topic.pages
        if topic.lost or (topic.hidden and self.first.setdefault(topic.name, query) == query):
            pages = (
                () if topic.unseen else tuple(p for p in pages if p.figure is None or p.about != topic.name)
            )
        return [p.result() for p in pages]


def topic(rng: random.Random, kind: str, facts: Facts, training: bool, *, american: bool = False) -> Topic:
    """A fact with three to ten pages; more of them state the main figure than any other."""
    metric, customary = UNITS[kind]
    unit = customary if american else metric
    low, high = (4, 120) if kind == "speed" else (18, 6000 if rng.random() < 0.4 else 400)
    main, others = _figures(rng, low, high)
    pool = [_in_feet(lay) for lay in _pool(rng, kind, training)] if american else _pool(rng, kind, training)
    pool = [lay for lay in pool if lay]
    stating = rng.sample(known := [lay for lay in pool if lay.states], k=min(6, len(known)))
    silent = [lay for lay in pool if not lay.states]
    often = rng.choice([2, 2, 3, 3, 3, 4])
    figures = ([main] * often + others)[: len(stating)]
    found = [corpus.page(lay, facts, fig) for lay, fig in zip(stating, figures, strict=False)]
    found += [
        corpus.page(lay, facts, main) for lay in rng.sample(silent, k=min(len(silent), rng.choice([0, 1, 1])))
    ]
    if rng.random() < 0.3:
        found += _confusing(rng, kind, facts, main, known, training)
    rng.shuffle(found)
    found = results.dressed(rng, found[:10], training)
    name = str(facts["name"])
    own = [p for p in found if p.about == name and named(p)]
    stated = [p.figure for p in own if p.figure]
    shown = [figure for p in own for figure in printed(p.description, unit)]
    mixed = american and any(printed(p.description, metric) for p in found)
    fair = _leads(main, stated) and _leads(main, shown) and not mixed
    if not fair or (
        training and not all(_leads(main, _read(found, name, unit, form)) for form in results.FORMS)
    ):
        return topic(rng, kind, facts, training, american=american)
    return Topic(kind, name, unit, main, tuple(found))


def _read(found: list[corpus.Page], name: str, unit: str, form: str) -> list[str]:
    """The figures that the agent's own function finds. Training leaves out what it would get wrong, measuring does not."""
    texts = [form.format(**page.result()) for page in found]
    return [figure for text in texts if about(text, name) for figure in printed(text, unit)]


def named(page: corpus.Page) -> bool:
    """Whether a page's title or text has the name of what it is about. Nothing else tells a reader."""
    return page.about.lower() in f"{page.title}\n{page.description}".lower()


def _leads(main: str, figures: list[str]) -> bool:
    """Whether the main figure is there more often than any other."""
    counts = Counter(figures).most_common(2)
    return bool(counts) and counts[0][0] == main and (len(counts) == 1 or counts[1][1] < counts[0][1])


def hidden(rng: random.Random, topics: list[Topic], share: float, lost: float = 0.0) -> list[Topic]:
    """The same topics; in this share of cases, one of them now has a figure that takes a second search.

    In the share `lost`, no search finds the figure of one. In a third of both, the search finds no pages.
    """
    chance = rng.random()
    if chance >= share + lost:
        return topics
    unseen = rng.random() < 1 / 3
    able = [t for t in topics if unseen or _silent(t)]
    if not able:
        return topics
    chosen = rng.choice(able)
    changed = replace(chosen, unseen=unseen, lost=chance < lost, hidden=chance >= lost)
    return [changed if t is chosen else t for t in topics]


def _silent(topic: Topic) -> bool:
    """Whether some pages state no figure, and nothing that could be taken for one."""
    silent = [p for p in topic.pages if p.figure is None or p.about != topic.name]
    return bool(silent) and not any(
        printed(p.description, unit)
        for p in silent
        for unit in UNITS[topic.kind]
        if about(f"[{p.title}]({p.link})\n{p.description}", topic.name)
    )


def _pool(rng: random.Random, kind: str, training: bool) -> list[corpus.Layout]:
    course = corpus.SPEED_LAYOUTS if kind == "speed" else corpus.LENGTH_LAYOUTS
    if not training:
        return list(layouts.HELD_OUT_SPEED if kind == "speed" else layouts.HELD_OUT_LENGTH)
    if (style := rng.random()) < 0.2:
        return list(course)
    if style < 0.35:
        return list(course + (layouts.TRAIN_SPEED if kind == "speed" else layouts.TRAIN_LENGTH))
    made = [wording.layout(rng, kind, states=n < 8) for n in range(10)]
    return list({lay.site: lay for lay in made}.values())


def _in_feet(layout: corpus.Layout) -> corpus.Layout | None:
    """The layout with miles and feet only, as on an American site. None if it has no place for them."""
    if not layout.states:
        return None if "{mph}" in layout.text or "{ft}" in layout.text else layout
    if "{mph}" in layout.text or "{ft}" in layout.text:
        return None
    for metric, american in sorted(TO_AMERICAN.items(), key=lambda pair: -len(pair[0])):
        if metric in layout.text:
            return replace(layout, text=layout.text.replace(metric, american))
    return None


def _figures(rng: random.Random, low: float, high: float) -> tuple[str, list[str]]:
    """A main figure and up to two others within a quarter of it, all different."""
    digits = 1 if rng.random() < 0.15 else 0
    text = corpus.number(round(rng.uniform(low, high), digits))
    others: list[str] = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2])):
        other = corpus.number(round(float(text) * rng.uniform(0.78, 1.25), digits))
        if other not in [text, *others] and float(other) > 0:
            others.append(other)
    return text, others


def _confusing(
    rng: random.Random, kind: str, facts: Facts, main: str, known: list[corpus.Layout], training: bool
) -> list[corpus.Page]:
    """Pages about something else, whose name contains the entity's."""
    name = f"{rng.choice(CONFUSERS[kind][training])} {facts['name']}"
    other = {**facts, "name": name, "mass_kg": rng.randint(2, 900), "opened": rng.randint(1100, 2022)}
    figure = corpus.number(round(float(main) * rng.uniform(1.3, 2.0)))
    return [
        corpus.page(lay, other, figure)
        for lay in rng.sample(known, k=min(len(known), rng.choice([1, 1, 2, 3, 4])))
    ]
