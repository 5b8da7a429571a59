"""Own documents: answers from a private collection, through a search tool of another name and signature each time.

The agent answers with what a document states, or says that the documents do not state it. Names of people, things and
tools used for measuring are never trained on.
"""

import json
import random
from dataclasses import dataclass

from smolagents import Tool

from course.tools.corpus import capital
from training.families.archives import FACTS, FILES, QUESTIONS, SHAPES, Fact, Shape, shape, values
from training.families.entities import PLAIN, person
from training.families.inventions import invented
from training.families.phrasings import around
from training.tasks import Move, Task, code

FAMILY = "own documents"
NOTHING = "Nothing found."
STEM, SMALL = 5, ("of", "for", "the")
"""How many letters of a word count, and words of which none do."""
INVENTED = 0.6
"""The share of facts that are invented, in training."""


class Documents(Tool):
    """A search tool of the given shape: returns its lines if the query names what they are about."""

    skip_forward_signature_validation = True
    output_type = "string"

    def __init__(self, shape: Shape, found: str, about: str):
        self.name, self.description = shape.name, shape.description
        self.inputs = {name: {"type": kind, "description": said} for name, kind, said, _ in shape.arguments}
        self.found, self.about = found, about
        super().__init__()

    def forward(self, *args: object, **kwargs: object) -> str:
        said = " ".join(str(a) for a in (*args, *kwargs.values())).lower()
        return self.found if self.about.lower() in said else NOTHING


@dataclass(frozen=True)
class Case:
    """What is asked for, and what the files state. `line` is the one that answers it; None if none does."""

    what: str
    about: str
    answer: str
    lines: tuple[str, ...]
    line: str | None
    file: str

    def plain(self) -> bool:
        """Whether the agent's code, which counts words, finds the line, or finds that there is none."""
        best = max(self.lines, key=lambda line: hits(line, self.what))
        found = best if hits(best, self.what) > len(keys(self.what)) / 2 else None
        return found == self.line


def draw(rng: random.Random, training: bool, look: Shape | None = None) -> Task:
    """A task. `look` is the shape of the search tool, to give several tasks the same; by default it is drawn."""
    look = look or (shape(rng) if training else rng.choice(SHAPES))
    case = _case(rng, training, look)
    while training and not case.plain():
        case = _case(rng, training, look)
    what = case.what

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"My tool {look.name} may know the {what}. "
                "The code takes the line with most of these words, and tells whether it has more than half of them.",
                code(f"I look for the {what}.", *looking(look, what)),
            )
        if "NOTHING FITS" in seen[-1]:
            return Move(
                f"No line fits the {what}. I say so and guess nothing.",
                code(
                    "The documents do not answer this.",
                    f'final_answer("The documents do not state the {what}.")',
                ),
            )
        return Move(
            f"A line fits the {what}. It says {case.answer}, in {case.file}.",
            code("A document answers it.", f'final_answer("The {what} is {case.answer} ({case.file}).")'),
        )

    return Task(
        FAMILY,
        around(rng, rng.choice(QUESTIONS[training]).format(what=what, What=capital(what)), training),
        script,
        lambda said: (case.answer if case.line else "do not state") in said,
        [Documents(look, "\n".join(case.lines), case.about)],
        expected=case.answer if case.line else "do not state",
    )


def looking(look: Shape, what: str) -> tuple[str, ...]:
    """The agent's code: it ranks the tool's lines by how many words of the question they have (see `hits`)."""
    given = ", ".join(
        f"{name}={'query' if value is None else json.dumps(value)}" for name, _, _, value in look.arguments
    )
    return (
        f"query = {json.dumps(what)}",
        f"lines = {look.name}({given}).splitlines()",
        f"words = [word[:{STEM}].lower() for word in query.split() if word not in {SMALL}]",
        "def hits(line):",
        "    return sum(word in line.lower() for word in words)",
        "best = max(lines, key=hits)",
        'print("FITS" if hits(best) > len(words) / 2 else "NOTHING FITS", "|", best)',
    )


def keys(what: str) -> list[str]:
    """The beginnings of its words, so that delivery and delivered count as the same."""
    return [word[:STEM].lower() for word in what.split() if word not in SMALL]


def hits(line: str, what: str) -> int:
    return sum(key in line.lower() for key in keys(what))


def _case(rng: random.Random, training: bool, look: Shape) -> Case:
    fact, *others = _facts(rng, training)
    names = {"who": person(rng, training), "other": person(rng, training), "thing": _thing(rng, training)}
    stated = values(rng)
    wanted = rng.choice(fact.names)
    holds = rng.random() >= 0.3

    def line(fact: Fact, of: dict[str, str]) -> tuple[str, str]:
        file = f"{rng.choice(FILES)}-{rng.randint(1, 60)}.md"
        return look.line.format(file=file, text=rng.choice(fact.sentences).format(**names, **of)), file

    one, file = line(fact, stated)
    lines = [*([one] if holds else []), *(line(other, values(rng))[0] for other in others)]
    rng.shuffle(lines)
    if not holds and rng.random() < 0.35:
        lines = [NOTHING]
    return Case(
        what=wanted.format(**names),
        about=names["thing"] if "{thing}" in wanted else names["who"],
        answer={**names, "number": stated["n"], "date": stated["date"]}[fact.kind],
        lines=tuple(lines),
        line=one if holds else None,
        file=file,
    )


def _facts(rng: random.Random, training: bool) -> list[Fact]:
    """Two to four: the one to ask for, and others about the same people and things."""
    fixed, count = rng.sample(FACTS[training], 4), rng.choice([2, 3, 3, 4])
    return [invented(rng) if training and rng.random() < INVENTED else fact for fact in fixed[:count]]


def _thing(rng: random.Random, training: bool) -> str:
    """The name of a project, a course and so on: invented, and in training often a plain word."""
    name = rng.choice(PLAIN).capitalize()
    return name if training and rng.random() < 0.5 else person(rng, training).split()[0]
