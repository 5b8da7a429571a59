"""The generated tables of workshop/guide.md: schedules with the lessons' own minutes, and what each lesson needs.

A schedule is a list of items: the number of a lesson, which brings its minutes along, or a text with minutes of its own.
When an item begins follows from those before it. `authoring/docs.py` writes the tables.

    table(HALF_DAY)      # | 08:45 | 15 | Doors: … |
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from authoring import lessons

MINUTES = re.compile(r"^# \*\*Minutes:\*\* (\d+)(?: \(or (\d+))?", re.MULTILINE)
TITLE = re.compile(r"^# # (\w+) · (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"^# ### Exercise \S+ · \S+ · (?:(\d+) minutes)?", re.MULTILINE)
OWN = re.compile(r"\bServer\([^)]*(?:url=False|\"untrained\")|^\w+ = Started\(", re.MULTILINE)
"""A server that a lesson starts whatever SERVER says."""
SHARED = re.compile(r"\bServer\(PROFILE, url=SERVER")
START = 8 * 60 + 45

Item = str | tuple[str, int]
"""The number of a lesson ("12*" for the shorter of its two times), or a text and its minutes."""

DOORS = (
    "Doors. Everybody signs in, runs `course doctor` in a terminal, and joins the board if they like",
    15,
)
SHORT, LONG = ("Break", 10), ("Break", 15)
CLOSING = ("Close: the hand-out's commands once more, feedback", 5)
HALF_DAY: tuple[Item, ...] = (
    DOORS, "00", SHORT,
    ("Slides only: what the model sees (02), what precedes the question (03), the loop (04)", 15), "05", LONG,
    ("Slides only: a leak, and why (06)", 10), "07", "12*", CLOSING,
)  # fmt: skip
FULL_DAY: tuple[Item, ...] = (
    DOORS, "00", SHORT, ("Slides only: what a server says about itself (01)", 10), "02", SHORT,
    ("Slides only: who enforces the rules (03)", 10), "04", ("Lunch", 60), "05", SHORT, "06", LONG, "07", SHORT,
    "12", CLOSING,
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the first cell and the tasks of a lesson say. Times are minutes; `short` is the shorter of two, or the same."""

    number: str
    title: str
    path: Path
    minutes: int
    short: int
    exercises: int
    exercising: int
    predictions: int
    shared: bool
    own: bool


def facts(source: Path) -> Facts:
    """ValueError if the lesson does not say its minutes."""
    text = source.read_text(encoding="utf-8")
    named, timed = TITLE.search(text), MINUTES.search(text)
    if not named or not timed:
        raise ValueError(f"{source.name} needs a first cell with '# # NN · Title' and '**Minutes:** N'")
    tasks = EXERCISE.findall(text)
    asked = sum(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "check.prediction"
        for node in ast.walk(ast.parse(text))
    )
    minutes = int(timed[1])
    return Facts(
        named[1], named[2].removesuffix(" (appendix)"), source, minutes, int(timed[2] or minutes), len(tasks),
        sum(int(task or 0) for task in tasks), asked, bool(SHARED.search(text)), bool(OWN.search(text)),
    )  # fmt: skip


def every() -> dict[str, Facts]:
    """The facts of all lessons by number, appendices too."""
    return {made.number: made for made in map(facts, lessons.sources())}


def planned(item: Item, known: dict[str, Facts]) -> tuple[int, str]:
    """The minutes of an item, and its text."""
    if isinstance(item, tuple):
        return item[1], item[0]
    lesson = known[item.removesuffix("*")]
    link = f"[{lesson.number} {lesson.title}](../notebooks/{lesson.path.stem}.ipynb)"
    return (lesson.short, f"{link}, tapes 1 to 5") if item.endswith("*") else (lesson.minutes, link)


def table(schedule: tuple[Item, ...]) -> str:
    """A schedule: when, how long, what; and the sum."""
    known, at, rows = every(), START, ["| at | minutes | what |", "|---|--:|---|"]
    for item in schedule:
        minutes, text = planned(item, known)
        rows.append(f"| {clock(at)} | {minutes} | {text} |")
        at += minutes
    taught = sum(planned(item, known)[0] for item in schedule if isinstance(item, str))
    return "\n".join(
        [*rows, f"| {clock(at)} | | End: {taught} minutes of lessons in {(at - START) / 60:.1f} hours |"]
    )


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def half_day() -> str:
    return table(HALF_DAY)


def full_day() -> str:
    return table(FULL_DAY)


def demands() -> str:
    """What each lesson asks of a room: time, tasks, and servers."""
    rows = [
        "| lesson | minutes | predictions | exercises (minutes) | model servers |",
        "|---|--:|--:|--:|---|",
    ]
    for one in every().values():
        servers = {
            (True, False): "the shared one",
            (True, True): "the shared one, and its own",
            (False, True): "its own",
        }.get((one.shared, one.own), "")
        tasks = f"{one.exercises} ({one.exercising})"
        rows.append(f"| {one.number} {one.title} | {one.minutes} | {one.predictions} | {tasks} | {servers} |")
    return "\n".join(rows)
