"""Own documents: answers from a private collection, through a search tool of another name and signature each time.

The agent answers with what a document says, or says that the documents do not hold it. Names of people, things and tools
that are measured on are never trained on.
"""

import random
from dataclasses import dataclass

from smolagents import Tool

from training.entities import person
from training.tasks import Move, Task, code

FAMILY = "own documents"
NOTHING = "Nothing found."


@dataclass(frozen=True)
class Shape:
    """A search tool's look: its name, its arguments (the first takes the words) and how a result is printed."""

    name: str
    description: str
    arguments: tuple[
        tuple[str, str, str, object], ...
    ]  # name, type, description, what the agent passes (None: words)
    line: str


SHAPES = {
    True: (
        Shape("search_notes", "Searches the notes of the team and returns the lines that match.",
              (("query", "string", "The words to look for.", None),), "{file}: {text}"),
        Shape("find_documents", "Finds documents about a topic.",
              (("topic", "string", "What the documents are about.", None),
               ("limit", "integer", "How many documents to return at most.", 5)), "[{file}] {text}"),
        Shape("lookup", "Looks words up in the files of a folder.",
              (("words", "string", "The words to find.", None), ("folder", "string", "The folder to look into.", "all")),
              "{file}\n  {text}"),
        Shape("ask_archive", "Returns passages of the archive that answer a question.",
              (("question", "string", "The question in a few words.", None),), "- {text} ({file})"),
        Shape("read_wiki", "Searches the internal wiki.",
              (("title_or_words", "string", "A title or some words.", None),
               ("pages", "integer", "The number of pages to show.", 3)), "## {file}\n{text}"),
    ),
    False: (
        Shape("search_documents", "Searches the private documents and returns the passages that fit best.",
              (("query", "string", "The words to look for.", None),
               ("max_results", "integer", "The number of passages to return.", 4)), "({file}) {text}"),
        Shape("consult_handbook", "Looks something up in the handbook.",
              (("subject", "string", "What to look up.", None),), "{file} | {text}"),
        Shape("grep_files", "Finds lines in the files of this project.",
              (("pattern", "string", "The words to find.", None), ("where", "string", "The folder to search.", "all")),
              "{file}: {text}"),
    ),
}  # fmt: skip
FILES = (
    "staff",
    "rooms",
    "minutes",
    "contracts",
    "inventory",
    "plans",
    "letters",
    "rules",
    "contacts",
    "budget",
)
FACTS = {
    True: (
        ("badge number of {who}", "{who} has the badge number {n}.", "number"),
        ("desk of {who}", "{who} works at desk {n}.", "number"),
        ("start date of {who}", "{who} started on {date}.", "date"),
        ("budget of project {thing}", "Project {thing} has a budget of {n} euros.", "number"),
        ("owner of project {thing}", "Project {thing} belongs to {who}.", "who"),
        ("room of the {thing} meeting", "The {thing} meeting takes place in room {n}.", "number"),
        ("phone extension of {who}", "{who} can be reached at extension {n}.", "number"),
        ("deadline of project {thing}", "Project {thing} must be ready by {date}.", "date"),
    ),
    False: (
        ("locker number of {who}", "{who} uses locker number {n}.", "number"),
        ("contact for project {thing}", "For project {thing} the contact is {who}.", "who"),
        ("delivery date of the {thing} order", "The {thing} order is delivered on {date}.", "date"),
        ("price of the {thing} license", "A {thing} license costs {n} euros.", "number"),
    ),
}
QUESTIONS = {
    True: (
        "What is the {what}?",
        "According to our documents, what is the {what}?",
        "Look into the documents: what is the {what}?",
        "I need the {what}.",
        "Find the {what} for me.",
    ),
    False: (
        "Could you tell me the {what}?",
        "What do our files say is the {what}?",
        "Please look up the {what}.",
    ),
}
MONTHS = ("January", "March", "May", "June", "August", "October", "December")


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


def draw(rng: random.Random, training: bool) -> Task:
    shape = rng.choice(SHAPES[training])
    what, sentence, kind = rng.choice(FACTS[training])
    names = {"who": person(rng, training), "thing": person(rng, training).split()[0]}
    values = {
        "n": str(rng.randint(11, 9999)),
        "date": f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2019, 2031)}",
    }
    answer = {"number": values["n"], "date": values["date"], "who": names["who"]}[kind]
    asked = names["thing"] if "{thing}" in what else names["who"]
    holds = rng.random() >= 0.3
    told = [(sentence, {**names, **values})] if holds else []
    for other in rng.sample([f for f in FACTS[training] if f[0] != what], k=rng.choice([1, 2, 2, 3])):
        values = {
            "n": str(rng.randint(11, 9999)),
            "date": f"{rng.randint(1, 28)} May {rng.randint(2019, 2031)}",
        }
        told.append((other[1], {**names, **values}))
    rng.shuffle(told)
    lines = [(f"{rng.choice(FILES)}-{rng.randint(1, 60)}.md", text.format(**given)) for text, given in told]
    source = next((file for (text, _), (file, _) in zip(told, lines, strict=True) if text == sentence), None)
    found = "\n".join(shape.line.format(file=file, text=text) for file, text in lines)
    if not holds and rng.random() < 0.35:
        found = NOTHING
    what = what.format(**names)
    given = ", ".join(
        f"{name}={(what if value is None else value)!r}" for name, _, _, value in shape.arguments
    )
    given = given.replace("'", '"')

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"The documents may hold the {what}. The tool for them is {shape.name}. I print what it returns.",
                code(f"I look for the {what}.", f"found = {shape.name}({given})", "print(found)"),
            )
        if source is None:
            seen_what = (
                "The tool found nothing"
                if found == NOTHING
                else f"The lines are about {asked}, but none of them states the {what}"
            )
            return Move(
                f"{seen_what}. I say so and guess nothing.",
                code(
                    "The documents do not answer this.",
                    f'final_answer("The documents do not state the {what}.")',
                ),
            )
        return Move(
            f"{source} states it: {answer}. I answer with that and name the document.",
            code("A document answers it.", f'final_answer("The {what} is {answer} ({source}).")'),
        )

    return Task(
        FAMILY,
        rng.choice(QUESTIONS[training]).format(what=what),
        script,
        lambda said: (answer in said) if holds else ("do not state" in said),
        [Documents(shape, found, asked)],
        expected=answer if holds else "do not state",
    )
