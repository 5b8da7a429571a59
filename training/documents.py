"""Own documents: answers from a private collection, through a search tool of another name and signature each time.

The agent answers with what a document says, or says that the documents do not hold it. Names of people, things and tools
that are measured on are never trained on.
"""

import json
import random
import re

from smolagents import Tool

from training.archives import FACTS, FILES, QUESTIONS, SHAPES, Shape, shape, values
from training.entities import PLAIN, person
from training.phrasings import around
from training.tasks import Move, Task, code

FAMILY = "own documents"
NOTHING = "Nothing found."


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
    what, sentence, kind = rng.choice(FACTS[training])
    names = {"who": person(rng, training), "other": person(rng, training)}
    names["thing"] = (
        rng.choice(PLAIN).capitalize()
        if training and rng.random() < 0.5
        else person(rng, training).split()[0]
    )
    stated = values(rng)
    answer = {**names, "number": stated["n"], "date": stated["date"]}[kind]
    asked = names["thing"] if "{thing}" in what else names["who"]
    holds = rng.random() >= 0.3
    told = [(what, sentence, {**names, **stated})] if holds else []
    others = [fact for fact in FACTS[training] if fact[0] != what]
    for other in rng.sample(others, k=rng.choice([1, 2, 2, 3])):
        if all(other[0] != before for before, _, _ in told):
            told.append((other[0], other[1], {**names, **values(rng)}))
    rng.shuffle(told)
    lines = [
        (f"{rng.choice(FILES)}-{rng.randint(1, 60)}.md", text.format(**given)) for _, text, given in told
    ]
    source = next((line for (fact, _, _), line in zip(told, lines, strict=True) if fact == what), None)
    found = "\n".join(look.line.format(file=file, text=text) for file, text in lines)
    if not holds and rng.random() < 0.35:
        found = NOTHING
    read = "; ".join(
        f"{file} gives the {_attribute(fact)}" for (fact, _, _), (file, _) in zip(told, lines, strict=True)
    )
    what = what.format(**names)
    given = ", ".join(
        f"{name}={json.dumps(what if value is None else value)}" for name, _, _, value in look.arguments
    )

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"The documents may hold the {what}. The tool for them is {look.name}. I print what it returns.",
                code(f"I look for the {what}.", f"found = {look.name}({given})", "print(found)"),
            )
        if source is None:
            seen_what = (
                "The tool found nothing."
                if found == NOTHING
                else f"{read}. None gives the {_attribute(what)}."
            )
            return Move(
                f"I want the {what}. {seen_what} I say so and guess nothing.",
                code(
                    "The documents do not answer this.",
                    f'final_answer("The documents do not state the {what}.")',
                ),
            )
        file, text = source
        return Move(
            f'I want the {what}. {read}. So {file} has it: "{text}" I answer with {answer} and name the document.',
            code("A document answers it.", f'final_answer("The {what} is {answer} ({file}).")'),
        )

    return Task(
        FAMILY,
        around(
            rng, rng.choice(QUESTIONS[training]).format(what=what, What=what[0].upper() + what[1:]), training
        ),
        script,
        lambda said: (answer in said) if holds else ("do not state" in said),
        [Documents(look, found, asked)],
        expected=answer if holds else "do not state",
    )


def _attribute(what: str) -> str:
    return re.split(r" (?:of|for) ", what, maxsplit=1)[0]
