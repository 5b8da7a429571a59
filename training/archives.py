"""Private collections: the look of the tool that searches one, what its files state, how one asks for it.

The tools that are measured with are fixed; those to train with are made up anew. Facts and questions are split into what is
trained on (True) and what is held out (False).
"""

import random
import re
from dataclasses import dataclass


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


def values(rng: random.Random) -> dict[str, str]:
    """A number and a date that a file may state."""
    date = f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2019, 2031)}"
    return {"n": str(rng.randint(11, 9999)), "date": date}
