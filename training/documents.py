"""Own documents: answers from a private collection, through a search tool of another name and signature each time.

The agent answers with what a document says, or says that the documents do not hold it. Names of people, things and tools
that are measured on are never trained on.
"""

import json
import random
import re
from dataclasses import dataclass

from smolagents import Tool

from training.entities import PLAIN, person
from training.phrasings import around
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


SHAPES = (
    Shape("search_documents", "Searches the private documents and returns the passages that fit best.",
          (("query", "string", "The words to look for.", None),
           ("max_results", "integer", "The number of passages to return.", 4)), "({file}) {text}"),
    Shape("consult_handbook", "Looks something up in the handbook.",
          (("subject", "string", "What to look up.", None),), "{file} | {text}"),
    Shape("grep_files", "Finds lines in the files of this project.",
          (("pattern", "string", "The words to find.", None), ("where", "string", "The folder to search.", "all")),
          "{file}: {text}"),
)  # fmt: skip
"""The tools that are measured with; those to train with are made up anew, see `shape`."""
VERBS = re.findall(
    r"\w+", "search find lookup query read ask scan browse get fetch retrieve check explore open"
)
NOUNS = re.findall(r"\w+", (
    "notes archive wiki records mails reports memos pages folder library minutes letters papers knowledge intranet drive "
    "register journal tickets manuals wall shelf cabinet"
))  # fmt: skip
WORDS = re.findall(r"\w+", "query words topic question text terms phrase keywords about title sought what")
SAID = ("Searches the {noun} and returns the lines that match.", "Looks into the {noun}.", "Finds lines of the {noun}.",
        "Returns what the {noun} of the company say about something.", "Full-text search in our {noun}.",
        "Reads the {noun} of the team.", "Use this to find something in the {noun}.")  # fmt: skip
SECOND = (
    ("limit", "integer", "How many lines to return at most.", 5), ("count", "integer", "The number of lines.", 3),
    ("pages", "integer", "The number of pages to show.", 3), ("top", "integer", "How many of the best to return.", 4),
    ("folder", "string", "The folder to look into.", "all"), ("section", "string", "The part to look into.", "any"),
    ("year", "string", "Of which year.", "any"), ("language", "string", "The language.", "en"),
)  # fmt: skip
LINES = (
    "{file}: {text}", "{file}: {text}", "[{file}] {text}", "- {text} ({file})", "## {file}\n{text}", "{file}\n  {text}",
    "<{file}> {text}", "{text} -- {file}", "* {file}: {text}", "{file} > {text}", "{file} / {text}", "{text} [{file}]",
    '{{"file": "{file}", "line": "{text}"}}', "File: {file}\nLine: {text}",
)  # fmt: skip
FILES = re.findall(r"\w+", (
    "staff rooms minutes contracts inventory plans letters rules contacts budget notes people orders travel events courses "
    "projects keys safety press"
))  # fmt: skip
FACTS = {
    True: (
        ("badge number of {who}", "{who} has the badge number {n}.", "number"),
        ("badge number of {who}", "{who} carries badge {n}.", "number"),
        ("desk of {who}", "{who} works at desk {n}.", "number"),
        ("desk of {who}", "{who} sits at desk {n}.", "number"),
        ("office of {who}", "{who} moved into office {n}.", "number"),
        ("parking space of {who}", "{who} parks in space {n}.", "number"),
        ("phone extension of {who}", "{who} can be reached at extension {n}.", "number"),
        ("employee number of {who}", "{who} is employee {n}.", "number"),
        ("key number of {who}", "{who} got key {n}.", "number"),
        ("laptop number of {who}", "Laptop {n} was given to {who}.", "number"),
        ("hotel room of {who}", "{who} stays in hotel room {n}.", "number"),
        ("shift number of {who}", "{who} is on shift {n} this month.", "number"),
        ("membership number of {who}", "Membership {n} belongs to {who}.", "number"),
        ("start date of {who}", "{who} started on {date}.", "date"),
        ("start date of {who}", "{who} has been with us since {date}.", "date"),
        ("birthday of {who}", "{who} was born on {date}.", "date"),
        ("last day of {who}", "{who} leaves on {date}.", "date"),
        ("next checkup of {who}", "{who} goes to the checkup on {date}.", "date"),
        ("holiday of {who}", "{who} is on holiday from {date}.", "date"),
        ("mentor of {who}", "{who} learns from {other}.", "other"),
        ("manager of {who}", "{who} reports to {other}.", "other"),
        ("deputy of {who}", "When {who} is away, {other} decides.", "other"),
        ("budget of project {thing}", "Project {thing} has a budget of {n} euros.", "number"),
        ("budget of project {thing}", "Project {thing} may spend {n} euros.", "number"),
        ("owner of project {thing}", "Project {thing} belongs to {who}.", "who"),
        ("leader of project {thing}", "{who} leads project {thing}.", "who"),
        ("reviewer of project {thing}", "Project {thing} is reviewed by {who}.", "who"),
        ("account number of project {thing}", "Bills of project {thing} go to account {n}.", "number"),
        ("deadline of project {thing}", "Project {thing} must be ready by {date}.", "date"),
        ("room of the {thing} meeting", "The {thing} meeting takes place in room {n}.", "number"),
        ("date of the {thing} meeting", "The {thing} meeting is on {date}.", "date"),
        ("chair of the {thing} meeting", "{who} chairs the {thing} meeting.", "who"),
        ("fee of the {thing} course", "The {thing} course costs {n} euros.", "number"),
        ("teacher of the {thing} course", "The {thing} course is taught by {who}.", "who"),
        ("cost of the {thing} machine", "For the {thing} machine we paid {n} euros.", "number"),
        ("serial number of the {thing} machine", "On the {thing} machine it says {n}.", "number"),
        ("launch date of the {thing} app", "The {thing} app goes public on {date}.", "date"),
        ("author of the {thing} report", "The {thing} report was written by {who}.", "who"),
        ("length of the {thing} report", "The {thing} report has {n} pages.", "number"),
        ("number of the {thing} invoice", "The {thing} invoice is number {n}.", "number"),
        ("due date of the {thing} invoice", "The {thing} invoice must be paid by {date}.", "date"),
        ("arrival of the {thing} parts", "The {thing} parts arrive on {date}.", "date"),
        ("supplier of the {thing} parts", "We buy the {thing} parts from {who}.", "who"),
        ("rent of the {thing} hall", "The {thing} hall is ours for {n} euros a month.", "number"),
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
        "What is the {what}?", "According to our documents, what is the {what}?", "I need the {what}.",
        "Look into the documents: what is the {what}?", "Find the {what} for me.", "Do you know the {what}?",
        "Which is the {what}?", "Tell me the {what}.", "{What}?", "What was the {what} again?", "I forgot the {what}.",
        "Our papers state the {what}. What is it?", "Is the {what} written down anywhere?", "Give me the {what}.",
        "Someone asks for the {what}.", "Check the {what}.", "Search for the {what}.", "The {what}, if you can find it.",
        "Can you find out the {what}?", "Where is the {what} noted, and what is it?", "{What}: what do we have on file?",
        "Please find the {what} in the documents.", "What do we know about the {what}?", "Read me the {what}.",
    ),
    False: (
        "Could you tell me the {what}?",
        "What do our files say is the {what}?",
        "Please look up the {what}.",
    ),
}  # fmt: skip
MONTHS = ("January", "March", "May", "June", "August", "October", "December")


def shape(rng: random.Random) -> Shape:
    """A search tool made up for training, so that a model learns to read a signature and not to know it."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS)
    name = rng.choice(
        [f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}_in_{noun}", f"{noun}_search", f"{verb}_the_{noun}"]
    )
    first = (
        rng.choice(WORDS),
        "string",
        rng.choice(("The words to look for.", "What to find.", "A few words.")),
        None,
    )
    more = rng.sample(SECOND, k=rng.choice([0, 0, 1, 1, 2]))
    return Shape(name, rng.choice(SAID).format(noun=noun), (first, *more), rng.choice(LINES))


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
    names["thing"] = plain_thing(rng) if training and rng.random() < 0.5 else person(rng, training).split()[0]
    values = _values(rng)
    answer = {**names, "number": values["n"], "date": values["date"]}[kind]
    asked = names["thing"] if "{thing}" in what else names["who"]
    holds = rng.random() >= 0.3
    told = [(what, sentence, {**names, **values})] if holds else []
    others = [fact for fact in FACTS[training] if fact[0] != what]
    for other in rng.sample(others, k=rng.choice([1, 2, 2, 3])):
        if all(other[0] != before for before, _, _ in told):
            told.append((other[0], other[1], {**names, **_values(rng)}))
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


def _values(rng: random.Random) -> dict[str, str]:
    date = f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2019, 2031)}"
    return {"n": str(rng.randint(11, 9999)), "date": date}


def _attribute(what: str) -> str:
    return re.split(r" (?:of|for) ", what, maxsplit=1)[0]


def plain_thing(rng: random.Random) -> str:
    return rng.choice(PLAIN).capitalize()
