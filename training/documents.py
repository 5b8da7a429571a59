"""Own documents: answers from a private collection, through a search tool of another name and signature each time.

The agent answers with what a document says, or says that the documents do not hold it. Names of people, things and tools
that are measured on are never trained on.
"""

import json
import random

from smolagents import Tool

from training.archives import FACTS, FILES, QUESTIONS, SHAPES, Fact, Shape, shape, values
from training.entities import PLAIN, person
from training.inventions import invented
from training.phrasings import around
from training.tasks import Move, Task, code

FAMILY = "own documents"
NOTHING = "Nothing found."
INVENTED = 0.6
"""The share of facts that are made up anew, in training."""


class Documents(Tool):
    """A search tool of the given look over lines of text. The lines are those about the words asked for."""

    skip_forward_signature_validation = True
    output_type = "string"

    def __init__(self, shape: Shape, found: str, about: str):
        self.name, self.description = shape.name, shape.description
        self.inputs = {name: {"type": kind, "description": said} for name, kind, said, _ in shape.arguments}
        self.found, self.about = found, about
        super().__init__()

    def forward(self, *args, **kwargs) -> str:
        said = " ".join(str(a) for a in (*args, *kwargs.values())).lower()
        return self.found if self.about.lower() in said else NOTHING


def draw(rng: random.Random, training: bool, look: Shape | None = None) -> Task:
    """`look`: the search tool's, for several tasks with one; drawn where it is not given."""
    look = look or (shape(rng) if training else rng.choice(SHAPES))
    fact, *others = _facts(rng, training)
    names = {"who": person(rng, training), "other": person(rng, training), "thing": _thing(rng, training)}
    stated = values(rng)
    answer = {**names, "number": stated["n"], "date": stated["date"]}[fact.kind]
    wanted = rng.choice(fact.names)
    holds = rng.random() >= 0.3
    told = [Line(rng, wanted, rng.choice(fact.sentences), {**names, **stated})] if holds else []
    for other in others:
        told.append(Line(rng, other.names[0], rng.choice(other.sentences), {**names, **values(rng)}))
    rng.shuffle(told)
    found = "\n".join(look.line.format(file=line.file, text=line.text) for line in told)
    if not holds and rng.random() < 0.35:
        found, told = NOTHING, []
    what = wanted.format(**names)
    given = ", ".join(
        f"{name}={json.dumps(what if value is None else value)}" for name, _, _, value in look.arguments
    )

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"My tool {look.name} may know the {what}. I print what it returns.",
                code(f"I look for the {what}.", f"found = {look.name}({given})", "print(found)"),
            )
        thinking = f"I want the {what}. {reading(told, wanted, what)}"
        if not holds:
            return Move(
                f"{thinking} I say so and guess nothing.",
                code(
                    "The documents do not answer this.",
                    f'final_answer("The documents do not state the {what}.")',
                ),
            )
        file = next(line.file for line in told if line.gives == wanted)
        return Move(
            f"{thinking} I answer with {answer} and name the document.",
            code("A document answers it.", f'final_answer("The {what} is {answer} ({file}).")'),
        )

    question = rng.choice(QUESTIONS[training]).format(what=what, What=what[0].upper() + what[1:])
    asked = names["thing"] if "{thing}" in wanted else names["who"]
    return Task(
        FAMILY,
        around(rng, question, training),
        script,
        lambda said: (answer in said) if holds else ("do not state" in said),
        [Documents(look, found, asked)],
        expected=answer if holds else "do not state",
    )


def _facts(rng: random.Random, training: bool) -> list[Fact]:
    """Two to four: the one to ask for, and what else the files state of the same people and things."""
    fixed, count = rng.sample(FACTS[training], 4), rng.choice([2, 3, 3, 4])
    return [invented(rng) if training and rng.random() < INVENTED else fact for fact in fixed[:count]]


class Line:
    """One line of a file, and what it gives."""

    def __init__(self, rng: random.Random, gives: str, sentence: str, values: dict[str, str]):
        self.file = f"{rng.choice(FILES)}-{rng.randint(1, 60)}.md"
        self.gives, self.text = gives, sentence.format(**values)


def reading(told: list[Line], wanted: str, what: str) -> str:
    """Line after line as thought, up to the one that answers: each is judged where it was copied, beside the question."""
    read = []
    for line in told:
        read.append(f'{line.file}: "{line.text}" Is that the {what}?')
        if line.gives == wanted:
            return " ".join([*read, "Yes."])
        read.append("No.")
    return " ".join([*read, "None of them is it."]) if told else "The tool found nothing."


def _thing(rng: random.Random, training: bool) -> str:
    """The name of a project, a course, …: made up, and in training often a plain word."""
    name = rng.choice(PLAIN).capitalize()
    return name if training and rng.random() < 0.5 else person(rng, training).split()[0]
