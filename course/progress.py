"""What a learner has solved: one line for each attempt, in a file in the user's data folder.

Lines are only ever appended, each in one write, so two kernels can record at the same time, and a line that is
damaged costs nothing but itself. If the file cannot be written, attempts are kept in memory until the kernel ends.
Nothing is sent anywhere, unless the learner has joined an instructor's board (course/board).

    note("05.1", solved=True)
    print(text(standings(), lessons(ROOT / "notebooks"), "05"))

The file is progress.jsonl in the user's data folder, or in COURSE_CACHE if that is set, or the one that
COURSE_PROGRESS names.
"""

import errno
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from course import ROOT
from course.errors import CourseError

ID = re.compile(r"(\d\d[a-z]?)\.(\w+)")
CALL = re.compile(r"\bcheck\.(?:exercise|function|prediction)\(\s*[\"'](\d\d[a-z]?\.\w+)[\"']")
QUIZ = re.compile(r"\bcheck\.quiz\(\s*[\"'](\d\d[a-z]?)[\"']")
KINDS = ("exercise", "prediction", "question")

_unsaved: list[dict[str, Any]] = []
"""Attempts of this process that could not be saved."""


@dataclass(frozen=True)
class Standing:
    """Where one exercise, prediction or question stands.

    `first` says whether the first try was right, `guess` is the first guess of a prediction.
    """

    id: str
    kind: str
    solved: bool
    tries: int
    first: bool
    guess: str = ""


@dataclass(frozen=True)
class Lesson:
    """A lesson as its source has it: its number, its title, and the ids of its exercises and predictions in order."""

    number: str
    title: str
    ids: tuple[str, ...] = ()
    questions: tuple[str, ...] = field(default=())


def note(id: str, solved: bool, kind: str = "exercise", guess: str = "") -> None:
    """Record an attempt; if saving fails, report it once and continue."""
    from course import board  # it imports this module

    when = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"id": id, "kind": kind, "solved": solved, "when": when, **({"guess": guess} if guess else {})}
    _unsaved.append(line)
    try:
        append(path(), _unsaved)
        _unsaved.clear()
    except OSError as error:
        if len(_unsaved) == 1:
            print(
                f"(progress is kept until this kernel ends: {path()} cannot be written: {error.strerror or error})"
            )
    board.attempted(id, solved, kind)


def path() -> Path:
    """Where progress is saved."""
    if named := os.environ.get("COURSE_PROGRESS"):
        return Path(os.path.expanduser(named))
    if cache := os.environ.get("COURSE_CACHE"):
        return Path(os.path.expanduser(cache)) / "progress.jsonl"
    return platformdirs.user_data_path("agents-on-the-wire") / "progress.jsonl"


def append(path: Path, attempts: Iterable[Mapping[str, Any]]) -> None:
    """Add lines in one write. They start on a line of their own even if the last one was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = b"".join(json.dumps(attempt).encode() + b"\n" for attempt in attempts)
    with path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                text = b"\n" + text
        if file.write(text) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The attempts in the file in order, and the number of lines that are damaged."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], 0
    attempts, damaged = [], 0
    for line in lines:
        if not line.strip():
            continue
        try:
            attempts.append(_checked(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError):
            damaged += 1
    return attempts, damaged


def _checked(line: Any) -> dict[str, Any]:
    if not isinstance(line, dict) or not ID.fullmatch(line["id"]) or not isinstance(line["solved"], bool):
        raise ValueError("not an attempt")
    kind = line.get("kind")
    guess = line.get("guess", "")
    return {
        "id": line["id"],
        "kind": kind if kind in KINDS else "exercise",
        "solved": line["solved"],
        "guess": guess if isinstance(guess, str) else "",
    }


def standings() -> dict[str, Standing]:
    """Where each id stands that was tried. Damage is reported and costs nothing else."""
    try:
        attempts, damaged = read(path())
    except OSError as error:
        print(f"(progress cannot be read: {error.strerror or error}: {path()})")
        attempts, damaged = [], 0
    if damaged:
        print(f"({damaged} damaged {'line' if damaged == 1 else 'lines'} skipped in {path()})")
    return counted([*attempts, *_unsaved])


def counted(attempts: Iterable[Mapping[str, Any]]) -> dict[str, Standing]:
    """The attempts, summed up for each id. What was solved once stays solved."""
    found: dict[str, Standing] = {}
    for line in attempts:
        before = found.get(line["id"])
        found[line["id"]] = Standing(
            line["id"],
            line["kind"],
            line["solved"] or (before.solved if before else False),
            (before.tries if before else 0) + 1,
            before.first if before else line["solved"],
            (before.guess if before else "") or line.get("guess", ""),
        )
    return found


def first_guess(id: str) -> str | None:
    """The learner's first guess for a prediction, as text; None if there is none yet."""
    try:
        attempts, _ = read(path())
    except OSError:
        attempts = []
    found = counted([*attempts, *_unsaved]).get(id)
    return found.guess if found and found.guess else None


def lessons(notebooks: Path = ROOT / "notebooks") -> dict[str, Lesson]:
    """The lessons of the course by number, from their sources. An appendix counts for itself: 05b comes after 05."""
    found: dict[str, Lesson] = {}
    for source in sorted((notebooks / "source").glob("[0-9][0-9]*_*.py")):
        code = source.read_text(encoding="utf-8", errors="replace")
        number, _, words = source.stem.partition("_")
        before = found.get(number) or Lesson(number, words.replace("_", " "))
        ids = dict.fromkeys([*before.ids, *CALL.findall(code)])
        questions = dict.fromkeys([*before.questions, *_questions(code)])
        found[number] = Lesson(number, before.title, tuple(ids), tuple(questions))
    return found


def _questions(code: str) -> list[str]:
    return [
        f"{lesson}.q{number}"
        for lesson in QUIZ.findall(code)
        for number in range(1, code.count("check.question(") + 1)
    ]


def show(lesson: str | None = None) -> None:
    """Print what is solved, in one lesson or in all."""
    print(text(standings(), lessons(), lesson))


def text(done: Mapping[str, Standing], known: Mapping[str, Lesson], lesson: str | None = None) -> str:
    """What is solved: a line for each exercise of a lesson, or a line for each lesson."""
    everything = dict(known)
    for id in done:
        number = id.partition(".")[0]
        everything.setdefault(number, Lesson(number, ""))
    if lesson is None:
        if not done:
            return "No exercises tried yet. Start with lesson 00:  course lab"
        width = max(len(each.title) for each in everything.values())
        rows = [
            f"{number.ljust(3)}  {each.title.ljust(width)}  {summary(done, each)}".rstrip()
            for number, each in sorted(everything.items())
        ]
        return "\n".join(rows)
    number = lesson.zfill(3 if lesson[-1:].isalpha() else 2)
    if number not in everything:
        raise CourseError(
            f"there is no lesson {lesson}. The lessons are {', '.join(sorted(everything))}.\n"
            "See all of them:  course progress"
        )
    each = everything[number]
    ids = dict.fromkeys([*each.ids, *(id for id in sorted(done) if id.startswith(f"{number}."))])
    questions = dict.fromkeys([*each.questions, *(id for id in ids if _kind(done, id) == "question")])
    width = max(map(len, ids), default=0)
    rows = [row(id, done.get(id), width) for id in ids if id not in questions]
    return "\n".join([f"Lesson {number}: {summary(done, each)}", *rows])


def row(id: str, standing: Standing | None, width: int = 0) -> str:
    """One exercise or prediction in a line, with its id padded to `width`."""
    name = id.ljust(width)
    if standing is None:
        return f"○ {name}  open"
    tries = f"{standing.tries} {'try' if standing.tries == 1 else 'tries'}"
    if standing.kind == "prediction":
        return f"→ {name}  predicted {standing.guess}".rstrip()
    return f"✓ {name}  solved ({tries})" if standing.solved else f"✗ {name}  not solved yet ({tries})"


def summary(done: Mapping[str, Standing], each: Lesson) -> str:
    """How much of a lesson is solved, in words."""
    tried = [s for id, s in done.items() if id.startswith(f"{each.number}.")]
    kinds = {id: _kind(done, id) for id in [*each.ids, *(s.id for s in tried)]}
    exercises = [id for id, kind in kinds.items() if kind == "exercise"]
    solved = sum(s.solved for s in tried if s.kind == "exercise")
    parts = [f"{solved} of {len(exercises)} solved"] if exercises else []
    if made := sum(s.kind == "prediction" for s in tried):
        parts.append(f"{made} predicted")
    if questions := {*each.questions, *(id for id, kind in kinds.items() if kind == "question")}:
        right = sum(s.first for s in tried if s.kind == "question")
        parts.append(f"quiz {right} of {len(questions)}")
    return ", ".join(parts) or "no exercises"


def _kind(done: Mapping[str, Standing], id: str) -> str:
    return done[id].kind if id in done else kind_of(id)


def kind_of(id: str) -> str:
    """What an id stands for, by its name: 05.1 is an exercise, 05.p1 a prediction, 05.q1 a question."""
    prefix = id.partition(".")[2][:1]
    return {"p": "prediction", "q": "question"}.get(prefix, "exercise")
