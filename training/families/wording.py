"""Page layouts invented for each training task, so that a model learns to read pages instead of knowing them.

With some forty fixed layouts, a model learned where each site keeps its figure, and failed on other pages. Here site,
title and text are drawn: one sentence states the figure, others carry other numbers. Never used for measuring.
"""

import random
import re

from course.tools.corpus import Layout, capital
from training.families.entities import word

NOUNS = re.findall(r"\w+", (
    "guide notes club diary letter journal forum museum almanac lexicon report review handbook story portal digest field "
    "road map lens post mail record archive list page corner world daily weekly school board study circle house "
    "lab watch trail hunter keeper friends garden magazine register summary poster lesson atlas archive index talk"
))  # fmt: skip
ADJECTIVES = re.findall(r"\w+", (
    "old quick quiet famous small great local late early simple honest bright cold warm narrow busy empty proud rare loud "
    "soft modern foreign common strange short long heavy light open hidden"
))  # fmt: skip
THINGS = re.findall(r"\w+", (
    "morning river crowd visitor keeper teacher engineer photographer child guest market summer winter village cousin road "
    "sign fence door bench book painter writer bus train boat storm wind rain hill forest stone wall driver"
))  # fmt: skip
VERBS = re.findall(r"\w+", (
    "waits sleeps turns shines begins ends moves stands grows falls works sings walks looks returns stops opens closes"
))  # fmt: skip

KMH = (
    "{v} km/h", "{v} km/h", "{v} km/h", "{v} kilometers per hour", "{v} km/h ({mph} mph)", "{mph} mph ({v} km/h)",
    "{v} km/h or {mph} mph", "{mph} mph, that is {v} km/h", "{mph} mph / {v} km/h",
)  # fmt: skip
METERS = (
    "{v} m", "{v} m", "{v} m", "{v} meters", "{v} meters", "{v} m ({ft} ft)", "{ft} feet or {v} meters",
    "{ft} ft ({v} m)",
    "{v} meters, {ft} in feet",
)  # fmt: skip
SPEED_SAYS = (
    "The {name} {runs} {at}.", "It {runs} {at}.", "In a hurry the {name} {runs} {at}.", "{Speed}: {at}.",
    "{Name}: {at}.",
    "{Speed} of the {name}: {at}", "{Name} | {at}", "Reply: {at}", "We measured {at}.", "{at}!",
    "Nobody expects {at} of the {name}.", "Its {speed} is {at}.", "A {speed} of {at} was noted.",
    "{at} over a short stretch.",
    "With {at} the {name} is hard to follow.", "{Noun}: {at}, says the {thing}.",
    "The {thing} gives {at} for the {name}.",
)  # fmt: skip
LENGTH_SAYS = (
    "{Name} is {at} long.", "It is {at} long.", "{Length}: {at}.", "{Name}: {at}.", "{Length} of {Name}: {at}",
    "{Name} | {at}",
    "From end to end {at}.", "Reply: {at}", "It {measures} {at}.", "{Name} {measures} {at}.", "{at} in all.",
    "Its {length} is {at}.", "A {length} of {at} was noted.", "The {kind} of {at} is well known.",
    "The {thing} walks its {at}.", "{Noun}: {at}, says the {thing}.", "Count {at} and you are across.",
)  # fmt: skip
RUNS = (
    "runs at",
    "reaches",
    "can do",
    "manages",
    "hits",
    "makes",
    "was clocked at",
    "goes at",
    "is good for",
    "has",
)
SPEEDS = ("top speed", "speed", "maximum speed", "running speed", "sprint", "best speed")
MEASURES = ("measures", "spans", "covers", "runs on for", "has a length of", "goes on for")
LENGTHS = ("length", "total length", "full length", "measured length", "overall length")
ASIDES = {
    "speed": (
        "Weight: {mass} kg.", "It weighs {mass} kg.", "Adults of {mass} kg are common.", "It lives {life} years.",
        "Age: {life} years.", "Found in {habitat}.", "It sheds {year_walks} hairs a minute.", "Mass {mass} kg",
        "{Name}: found in {habitat}.", "Litters of {rank} are on record.", "It sleeps {year_walks} hours a week.",
    ),
    "length": (
        "Opened in {year}.", "It dates from {year}.", "Since {year}.", "It is known for {detail}.",
        "The {kind} is {width} m wide.",
        "Width: {width} m.", "{City}, {country}.", "{year_walks} stones are new.", "Built by {rank} workers.",
        "Painted every {year_walks} years.", "It lies in {city}.",
    ),
}  # fmt: skip
NUMBERED = (
    "Seen in {year}.", "Page {rank}.", "No. {rank}", "{year_walks} comments.", "Read by {year_walks} people.",
    "Edition {year}.",
    "The {thing} of {year} {verb}.", "{rank} of {year_walks} agree.", "Lunch costs {rank}.", "Worth {rank} points.",
    "Part {rank} of {year_walks}.", "{year_walks} photographs.", "(n = {year_walks}, {year})",
)  # fmt: skip
PLAIN = (
    "The {adjective} {thing} {verb}.", "A {thing} {verb} near the {thing2}.", "Ask the {thing}.",
    "More in our {noun}.",
    "By the {adjective} {thing}.", "Here the {thing} {verb}, {adjective} as ever.", "Our {noun} is {adjective}.",
)  # fmt: skip
TITLES = (
    "{Name}", "{Name} - {Noun} {noun2}", "{Noun}: {name}", "The {name} in the {noun}", "{Noun} no. {rank}",
    "{Noun}, {year}",
    "{Adjective} {noun} of {name}", "{Noun} of {year}: {name}", "Q: what about {name}?", "{Noun} {rank}: {Name}",
    "All about {Name}", "{Name} and the {thing}", "{Noun} of the {thing}, {year}", "My {noun}, part {rank}",
    "{Name} | {noun}",
)  # fmt: skip


def layout(rng: random.Random, kind: str, *, states: bool) -> Layout:
    """A site's way of writing about a speed or a length, with the format fields of corpus.page."""
    says, amounts = (SPEED_SAYS, KMH) if kind == "speed" else (LENGTH_SAYS, METERS)
    sentences = [_fill(rng, rng.choice(says)).replace("{at}", rng.choice(amounts))] if states else []
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3]) + (not states)):
        sentences.append(_fill(rng, rng.choice(rng.choice((ASIDES[kind], NUMBERED, PLAIN)))))
    rng.shuffle(sentences)
    text = " ".join(sentences)
    return Layout(
        site(rng),
        _fill(rng, rng.choice(TITLES)),
        capital(text) if text[0] != "{" else text,
        states,
    )


def site(rng: random.Random) -> str:
    """The name of a site: one to three words, real or invented."""
    parts = [
        word(rng) if rng.random() < 0.3 else rng.choice((*NOUNS, *THINGS))
        for _ in range(rng.choice([1, 2, 2, 3]))
    ]
    return "-".join(parts)


def _fill(rng: random.Random, text: str) -> str:
    """Fill in the invented words, and keep the fields of corpus.page."""
    words = {
        "noun": rng.choice(NOUNS), "noun2": rng.choice(NOUNS), "thing": rng.choice(THINGS),
        "thing2": rng.choice(THINGS),
        "verb": rng.choice(VERBS), "adjective": rng.choice(ADJECTIVES), "runs": rng.choice(RUNS),
        "speed": rng.choice(SPEEDS),
        "measures": rng.choice(MEASURES), "length": rng.choice(LENGTHS),
    }  # fmt: skip
    words |= {key.capitalize(): value.capitalize() for key, value in words.items()}
    words["City"] = "{city}"
    return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), text)
