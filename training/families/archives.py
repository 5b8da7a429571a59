"""Private collections: the tool that searches one, what its files state, and how people ask for it.

The tools used for measuring are fixed; those used for training are invented for each task. Facts and questions are
split into trained-on (True) and held-out (False).
"""

import random
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """How a search tool looks: its name, its arguments (the first takes the words), and how a result is printed."""

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
"""The tools used for measuring; for those used in training see `shape`."""
VERBS = re.findall(
    r"\w+", "search find lookup query read ask scan browse get fetch retrieve check explore open"
)
NOUNS = re.findall(r"\w+", (
    "notes archive wiki records mails reports memos pages folder library minutes letters papers knowledge intranet drive "
    "register journal tickets manuals wall shelf cabinet"
))  # fmt: skip
WORDS = re.findall(r"\w+", (
    "query topic question text terms phrase keywords about title sought what q s needle key input request string content "
    "filter match expression find hint clue item value entry prompt wish search_for looking_for search_text search_terms "
    "keyword term matter theme contents mention quote line name label heading tag a b x word_list free_text want target"
))  # fmt: skip
WANTED = ("The words to look for.", "What to find.", "A few words.", "The words to find.", "What you want to know.",
          "Some words.", "What to search for.", "The text to match.", "Words of the line.", "What it is about.",
          "The search text.", "Words, separated by spaces.", "What is sought.", "The thing to look for.")  # fmt: skip
SAID = ("Searches the {noun} and returns the lines that match.", "Looks into the {noun}.", "Finds lines of the {noun}.",
        "Returns what the {noun} of the company say about something.", "Full-text search in our {noun}.",
        "Reads the {noun} of the team.", "Use this to find something in the {noun}.")  # fmt: skip
SECOND = (
    ("limit", "integer", "How many lines to return at most.", 5), ("count", "integer", "The number of lines.", 3),
    ("pages", "integer", "The number of pages to show.", 3), ("top", "integer", "How many of the best to return.", 4),
    ("folder", "string", "The folder to look into.", "all"), ("section", "string", "The part to look into.", "any"),
    ("year", "string", "Of which year.", "any"), ("language", "string", "The language.", "en"),
    ("k", "integer", "How many.", 4), ("size", "integer", "The size of the answer, in lines.", 5),
    ("lines", "integer", "How many lines.", 3), ("how_many", "integer", "How many to give.", 5),
    ("at_most", "integer", "Not more lines than this.", 4), ("depth", "integer", "How deep to look.", 3),
    ("area", "string", "The area to search.", "all"), ("team", "string", "Whose files to search.", "all"),
    ("source", "string", "The source to search.", "all"), ("kind", "string", "The kind of file.", "any"),
    ("shelf", "string", "The shelf to search.", "all"), ("since", "string", "From which day on.", "any"),
    ("scope", "string", "The folders to search.", "all"), ("format", "string", "The format of the files.", "any"),
)  # fmt: skip
LINES = (
    "{file}: {text}", "{file}: {text}", "[{file}] {text}", "- {text} ({file})",
    "<{file}> {text}", "{text} -- {file}", "* {file}: {text}", "{file} > {text}", "{file} / {text}", "{text} [{file}]",
    '{{"file": "{file}", "line": "{text}"}}', "{file} says: {text}", "{file} = {text}", "# {text} # {file}",
)  # fmt: skip
FILES = re.findall(r"\w+", (
    "minutes contracts inventory plans letters rules addresses finances notes people bills travel events lectures teams "
    "buildings safety press doors archive"
))  # fmt: skip
"""None is a word of a fact used for measuring, since a search for words would find the file's name."""


@dataclass(frozen=True)
class Fact:
    """What can be asked for, in one or more words for it, and the sentences that state it.

    kind: which value is the answer: a number, a date, `who` (a person of the sentence) or `other`, a second person in it.
    """

    kind: str
    names: tuple[str, ...]
    sentences: tuple[str, ...]


def _fact(kind: str, names: str, *sentences: str) -> Fact:
    """`names` are separated by bars. What follows " of " or " for " in the last one applies to all of them."""
    *more, last = names.split("|")
    owner = re.findall(r" (?:of|for) .*", last)[0]
    return Fact(kind, (*(name + owner for name in more), last), sentences)


FACTS = {
    True: (
        _fact("number", "badge number|pass number of {who}", "{who} has the badge number {n}.", "{who} carries badge {n}."),
        _fact("number", "desk|seat of {who}", "{who} works at desk {n}.", "{who} sits at desk {n}."),
        _fact("number", "office of {who}", "{who} moved into office {n}.", "The office of {who} is {n}."),
        _fact("number", "parking space|parking spot of {who}", "{who} parks in space {n}.", "Space {n} is taken by {who}."),
        _fact("number", "phone extension|phone number of {who}", "{who} can be reached at extension {n}."),
        _fact("number", "employee number|staff number of {who}", "{who} is employee {n}."),
        _fact("number", "key number|key of {who}", "{who} got key {n}.", "{who} has key {n}."),
        _fact("number", "laptop number|computer of {who}", "Laptop {n} was given to {who}.", "{who} uses laptop {n}."),
        _fact("number", "hotel room of {who}", "{who} stays in hotel room {n}."),
        _fact("number", "shift number|shift of {who}", "{who} is on shift {n} this month."),
        _fact("number", "membership number of {who}", "Membership {n} belongs to {who}.", "{who} joined as number {n}."),
        _fact("number", "salary|monthly pay of {who}", "{who} earns {n} euros a month."),
        _fact("number", "bus line of {who}", "{who} comes to work by bus {n}."),
        _fact("date", "start date|first day of {who}", "{who} started on {date}.", "{who} has been with us since {date}."),
        _fact("date", "birthday|date of birth of {who}", "{who} was born on {date}."),
        _fact("date", "last day|leaving date of {who}", "{who} leaves on {date}."),
        _fact("date", "next checkup of {who}", "{who} goes to the checkup on {date}."),
        _fact("date", "holiday of {who}", "{who} is on holiday from {date}."),
        _fact("date", "exam date of {who}", "{who} is examined on {date}."),
        _fact("other", "mentor of {who}", "{who} learns from {other}.", "The mentor of {who} is {other}."),
        _fact("other", "manager|boss of {who}", "{who} reports to {other}."),
        _fact("other", "deputy|stand-in of {who}", "When {who} is away, {other} decides."),
        _fact("number", "budget of project {thing}", "Project {thing} has a budget of {n} euros."),
        _fact("number", "allowance of project {thing}", "Project {thing} may spend {n} euros."),
        _fact("who", "owner of project {thing}", "Project {thing} belongs to {who}."),
        _fact("who", "leader|head of project {thing}", "{who} leads project {thing}.", "In project {thing} {who} leads."),
        _fact("who", "reviewer|checker of project {thing}", "Project {thing} is reviewed by {who}."),
        _fact("who", "tester for project {thing}", "{who} tests project {thing}.", "Tester in {thing}: {who}."),
        _fact("number", "account number|account of project {thing}", "Bills of project {thing} go to account {n}."),
        _fact("date", "deadline|finishing date of project {thing}", "Project {thing} must be ready by {date}."),
        _fact("number", "room of the {thing} meeting", "The {thing} meeting takes place in room {n}."),
        _fact("date", "date|day of the {thing} meeting", "The {thing} meeting is on {date}."),
        _fact("who", "chair of the {thing} meeting", "{who} chairs the {thing} meeting."),
        _fact("who", "host of the {thing} meeting", "In the {thing} meeting the host is {who}."),
        _fact("number", "fee|cost|charge for the {thing} course", "The {thing} course costs {n} euros."),
        _fact("who", "teacher of the {thing} course", "The {thing} course is taught by {who}."),
        _fact("number", "cost|purchase sum of the {thing} machine", "For the {thing} machine we paid {n} euros."),
        _fact("number", "serial number of the {thing} machine", "On the {thing} machine it says {n}."),
        _fact("date", "repair date of the {thing} machine", "The {thing} machine is repaired on {date}."),
        _fact("date", "inspection date of the {thing} machine", "The {thing} machine is inspected on {date}."),
        _fact("date", "launch date|release date of the {thing} app", "The {thing} app goes public on {date}."),
        _fact("who", "author|writer of the {thing} report", "The {thing} report was written by {who}."),
        _fact("number", "length|page count of the {thing} report", "The {thing} report has {n} pages."),
        _fact("date", "publication date of the {thing} report", "The {thing} report is published on {date}."),
        _fact("number", "number of the {thing} invoice", "The {thing} invoice is number {n}."),
        _fact("date", "due date|payment date of the {thing} invoice", "The {thing} invoice must be paid by {date}."),
        _fact("date", "arrival|arrival date of the {thing} parts", "The {thing} parts arrive on {date}."),
        _fact("who", "supplier|seller of the {thing} parts", "We buy the {thing} parts from {who}."),
        _fact("date", "collection date of the {thing} box", "The {thing} box is collected on {date}."),
        _fact("date", "departure date of the {thing} bus", "The {thing} bus departs on {date}."),
        _fact("date", "opening date of the {thing} shop", "The {thing} shop opens on {date}."),
        _fact("number", "rent of the {thing} hall", "The {thing} hall is ours for {n} euros a month."),
        _fact("number", "value of the {thing} voucher", "The {thing} voucher is worth {n} euros."),
    ),
    False: (
        _fact("number", "locker number of {who}", "{who} uses locker number {n}."),
        _fact("who", "contact for project {thing}", "For project {thing} the contact is {who}."),
        _fact("date", "delivery date of the {thing} order", "The {thing} order is delivered on {date}."),
        _fact("number", "price of the {thing} license", "A {thing} license costs {n} euros."),
    ),
}  # fmt: skip
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
    """A search tool invented for training, so that a model learns to read signatures instead of knowing a few."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS)
    name = rng.choice(
        [f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}_in_{noun}", f"{noun}_search", f"{verb}_the_{noun}"]
    )
    first = (rng.choice(WORDS), "string", rng.choice(WANTED), None)
    more = rng.sample(SECOND, k=rng.choice([0, 0, 1, 1, 2]))
    return Shape(name, rng.choice(SAID).format(noun=noun), (first, *more), rng.choice(LINES))


def values(rng: random.Random) -> dict[str, str]:
    """A number and a date for a file to state."""
    date = f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2019, 2031)}"
    return {"n": str(rng.randint(11, 9999)), "date": date}
