"""Names of animals, places and people: real ones, split into trained-on and held-out, and invented ones.

The two sides never share a real name.
"""

import random
import re
from functools import cache
from hashlib import sha256

import gguf

from course.model.embedded import base_path
from course.tools import corpus

ALWAYS_HELD_OUT = {"leopard", "snow leopard", "Pont des Arts"}
ONSETS = re.findall(r"\w+", "b br c ch d dr f fl g gr h k kl l m n p pr r s st t tr v w z")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
ENDS = ("n", "r", "l", "m", "k", "t", "x", "sh", "nd", "rt", "lo", "ra", "mi", "ko", "da", "ssa")
KINDS = re.findall(r"\w+", "Bridge Footbridge Viaduct Pier Street Square Dam Tunnel Promenade Arcade Quay")
COATS = re.findall(r"\w+", "spotted gray river common dwarf red golden white great mountain")
PARTS = ("eyed", "tailed", "backed", "footed", "necked")
FOREIGN = ("Pont de", "Pont du", "Ponte", "Place de la", "Puente", "Rue", "Piazza", "Plaza", "Most")
STREETS = ("brücke", "straße", "platz", "brug", "bron")
INVENTED = 0.8
PLAIN = re.findall(r"\w+", (
    "harbor lantern orchard river candle copper garden market winter summer thunder marble mirror window silver anchor "
    "barrel basket button carpet castle cellar chapel cinder clover cotton dragon engine feather ferry fiddle fountain "
    "granite hammer hazel helmet iron island ivory jasmine kettle ladder lemon linen meadow mill monument needle north "
    "ocean olive paper pepper pilgrim pillar planet pocket prairie quarry queen ribbon rocket saddle sailor salt shadow "
    "signal south spindle station steel storm sugar temple timber tower trumpet union valley velvet violet wagon walnut "
    "washing water whistle willow wonder assembly liberty congress republic general captain doctor saint victory memorial"
))  # fmt: skip
"""Words that are one token. Trained on invented syllables alone, a model replaced unknown names by those it knew."""
FREQUENT = 3000
"""The first tokens of the vocabulary are parts of words, and words that say little."""


def held_out(name: str) -> bool:
    """Whether a name is kept out of training: half of them are, decided by a hash."""
    return name in ALWAYS_HELD_OUT or sha256(name.encode()).digest()[0] % 2 == 0


def article(name: str) -> str:
    sounds_open = name[0].lower() in "aeiou" and not name.lower().startswith(("eu", "uni"))
    return f"{'an' if sounds_open else 'a'} {name}"


def words(text: str) -> set[str]:
    """What a full-text search compares: lower-case words of more than one letter."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 1}


def entity(rng: random.Random, table: str, training: bool) -> dict[str, object]:
    """The facts of an animal or a place, as page layouts need them; those that no task asks for are random."""
    real = [row for row in corpus.rows(table) if held_out(row["name"]) is not training]
    row: dict[str, object] = dict(rng.choice(real))
    if training and rng.random() < INVENTED:
        row["name"] = invented(rng, table, [str(one["name"]) for one in real])
    row["source"] = f"Wikipedia, {row['name']}"
    if table == "animals":
        return row | {"mass_kg": rng.randint(2, 900), "lifespan_years": rng.randint(3, 70)}
    return row | {"width_m": rng.randint(2, 60), "opened": rng.randint(1100, 2022)}


def invented(rng: random.Random, table: str, known: list[str]) -> str:
    """A name of nothing real: made of syllables, of plain words, or of parts of two known names."""
    real = {row["name"].lower() for row in corpus.rows(table)}
    while True:
        kind = rng.random()
        if kind < 0.4:
            name = animal_name(rng) if table == "animals" else place_name(rng)
        elif kind < 0.75:
            name = plain_name(rng, table)
        else:
            first, last = (rng.choice(known).split() for _ in range(2))
            name = " ".join([first[0], *last[-1:]]) if rng.random() < 0.7 else " ".join([*first[:-1], *last])
        if not any(one in name.lower() for one in real):
            return name


@cache
def tokens() -> list[str]:
    """The vocabulary of the base's tokenizer, the most frequent first."""
    found: list[str] = gguf.GGUFReader(base_path()).fields["tokenizer.ggml.tokens"].contents()
    return found


@cache
def vocabulary(table: str) -> list[str]:
    """Words that are one token of the base's tokenizer, without those of real names; for places the capitalized ones.

    With only the hundred of PLAIN, a model wrote Lemon for Leonard.
    """
    real = {one for kind in ("animals", "places") for row in corpus.rows(kind) for one in words(row["name"])}
    form = re.compile("Ġ([a-z]{4,10})" if table == "animals" else "Ġ([A-Z][a-z]{3,10})")
    found = [match[1] for token in tokens()[FREQUENT:] if (match := form.fullmatch(token))]
    return [word for word in found if word.lower() not in real]


def plain_name(rng: random.Random, table: str) -> str:
    """One to four plain words, sometimes with an initial or a number; in lower case for an animal."""
    known = vocabulary(table) if rng.random() < 0.6 else PLAIN
    parts = rng.sample(known, rng.choice([1, 1, 2, 2, 2, 3, 4]))
    if table == "animals":
        parts = [rng.choice(COATS), *parts[:2]] if rng.random() < 0.6 else parts[:2]
        return " ".join(parts)
    parts = [part.capitalize() for part in parts]
    if rng.random() < 0.15:
        parts.insert(1, f"{rng.choice('ABCDEFGHJKLMNPRSTW')}.")
    return " ".join([*parts, rng.choice(KINDS)]) + (f" {rng.randint(2, 199)}" if rng.random() < 0.05 else "")


def word(rng: random.Random) -> str:
    start = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.choice([1, 1, 2, 2, 3])))
    return start + rng.choice(ENDS)


def animal_name(rng: random.Random) -> str:
    noun, other, coat = word(rng), word(rng).capitalize(), rng.choice(COATS)
    return rng.choice([
        noun, noun, f"{coat} {noun}", f"{coat} {noun}", f"{other}'s {noun}", f"{coat}-{rng.choice(PARTS)} {noun}",
        f"{other} {coat} {noun}",
    ])  # fmt: skip


def place_name(rng: random.Random) -> str:
    noun, other, kind, start = (
        word(rng).capitalize(),
        word(rng).capitalize(),
        rng.choice(KINDS),
        rng.choice(FOREIGN),
    )
    return rng.choice([
        noun, f"{noun} {kind}", f"{noun} {other} {kind}", f"{start} {noun}", f"{start} {noun}", f"{noun}'s {kind}",
        f"{noun}-{other} {kind}", f"{noun}{rng.choice(STREETS)}",
    ])  # fmt: skip


def person(rng: random.Random, training: bool) -> str:
    """An invented first and last name; the two sides have no name in common."""
    while held_out(name := f"{word(rng).capitalize()} {word(rng).capitalize()}") is training:
        pass
    return name
