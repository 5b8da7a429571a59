"""The exam of lesson 12: recorded runs, each with one fault or none, and what to say to an answer.

An answer names the turn where the fault happened, the fault, and bytes of that turn that prove it. A wrong one is told
why: what the fault that it names looks like, and what its turn shows instead. A right one gets the debrief of its tape.
The answers are in key.toml; the tapes were recorded by authoring/exam.py. Pure but for reading these files.

    turns = exam.turns(2)
    check.exercise("12.2", {"turn": 1, "fault": "answer-cut", "proof": "…"}, exam.grader(2))
    print(exam.debrief(2, answer))
"""

import json
import re
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course.check import is_open
from course.diagnose import diagnose
from course.diagnose.faults import kinds
from course.errors import CourseError
from course.tape import Tape
from course.turns import Turn
from course.turns import turns as turns_of

__all__ = [
    "FEWEST",
    "NONE",
    "TAPES",
    "claims",
    "debrief",
    "grader",
    "key",
    "numbers",
    "own",
    "questions",
    "seen",
    "signs",
    "solution",
    "tape",
    "turns",
]

HERE = Path(__file__).parent
TAPES = HERE / "tapes"
NONE = "none"
ENDS = 7
"""The question of a fault that ends a run, mostly as an effect."""
FEWEST = 4
"""A proof has at least so many characters, spaces and quotes not counted."""
MOST = 300
"""A proof has at most so many: a whole response proves nothing."""
END = 40
"""Characters of a text's end that are shown."""
WIDTH = 100
"""Characters in a line of a debrief."""
NAMES = 17
"""Characters in its column of names."""


@dataclass(frozen=True)
class Key:
    """The right answer to one tape.

    `same` are other names of the fault that are as good, `effects` faults that it causes (or, without a fault, that
    the run recovered from), and `evidence` patterns,
    one of which a proof contains (as `plain` writes it). A tape without a fault has the turn 0 and no evidence.
    `told_in` is a later turn that is as good an answer, because its request tells of the fault. 0 if there is none.
    `again` are later turns with the same fault, so that its bytes are in them, too.
    The debrief is what caused the fault (`cause`), what hid it (`hidden`) and what repairs it (`repair`).
    """

    fault: str
    turn: int
    evidence: tuple[str, ...]
    cause: str
    hidden: str
    repair: str
    same: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    told_in: int = 0
    again: tuple[int, ...] = ()


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((HERE / "key.toml").read_text(encoding="utf-8"))


def questions() -> dict[str, dict[str, str]]:
    """The signs by the question that finds them (see faults.toml), "end" for what only ends a run."""
    found: dict[str, dict[str, str]] = {}
    for name, sign in signs().items():
        question = kinds()[name].question
        found.setdefault(str(question) if question < ENDS else "end", {})[name] = sign
    return found


def signs() -> dict[str, str]:
    """The faults that an answer may name, each with how it shows on a tape."""
    return dict(_file()["signs"])


def numbers() -> list[int]:
    """The numbers of the tapes."""
    return sorted(int(number) for number in _file()["tapes"])


def key(number: int) -> Key:
    found: dict[str, Any] = {}
    for name, value in _file()["tapes"][str(number)].items():
        found[name] = tuple(value) if isinstance(value, list) else value
    return Key(**found)


def tape(number: int) -> Path:
    """The path of a tape, for the commands that read one."""
    return TAPES / f"{number}.tape.jsonl"


def turns(number: int) -> list[Turn]:
    """The turns of a tape."""
    return turns_of(Tape.read(tape(number)).records())


def solution(number: int) -> dict[str, Any]:
    """An answer that passes."""
    right = key(number)
    if right.fault == NONE:
        return {"turn": None, "fault": NONE, "proof": None}
    found = re.search("|".join(right.evidence), _where(right, turns(number)))
    return {"turn": right.turn, "fault": right.fault, "proof": found[0] if found else None}


def grader(number: int) -> Callable[[Any], bool | str]:
    """A test of an answer to this tape, for `check.exercise`: True, or a sentence that says what is wrong with it."""
    return lambda answer: grade(answer, key(number), turns(number), signs())


def debrief(number: int, answer: Any) -> str:
    """What there is to say about a tape once it is solved; until then, that the answer comes first."""
    if grader(number)(answer) is not True:
        return f"The debrief of tape {number} is printed here once you have solved it."
    right = key(number)
    found = ", ".join(dict.fromkeys(f"{f.kind} in turn {f.turn}" for f in diagnose(turns(number))))
    said = {
        "cause": right.cause,
        "what hid it": right.hidden,
        "repair": right.repair,
        "course diagnose": found or "no faults",
    }
    return "\n".join(
        textwrap.fill(text, WIDTH, initial_indent=f"{name:<{NAMES}}", subsequent_indent=" " * NAMES)
        for name, text in said.items()
    )


def grade(answer: Any, right: Key, made: list[Turn], named: Mapping[str, str]) -> bool | str:
    """Whether the answer is right about the turns `made`: True, or what is wrong with it.

    The fault is judged first, then the turn, then the proof, so that each sentence is about one thing.
    """
    if not isinstance(answer, Mapping) or not {"turn", "fault", "proof"} <= set(answer):
        return 'an answer has three parts: {"turn": 1, "fault": "…", "proof": "…"}'
    if is_open(answer["fault"]):
        return "the fault is still open"
    fault = str(answer["fault"] or NONE).strip().strip("`'\"").lower().replace(" ", "-").replace("_", "-")
    if fault != NONE and fault not in {*named, *right.same}:
        return f"there is no fault {fault!r} on the list: {', '.join(sorted(named))}, {NONE}"
    number = _turn(answer["turn"])
    turn = made[number - 1] if number and 1 <= number <= len(made) else None
    if fault not in (right.fault, *right.same):
        return _wrong_fault(fault, right, turn or made[-1], named)
    if right.fault == NONE:
        return True
    if turn is None:
        return f"name the turn by its number, 1 to {len(made)}; not {answer['turn']!r}"
    if number not in (right.turn, right.told_in):
        when = "earlier" if right.turn < turn.number else "later"
        return f"the fault is right, but it happened {when}. Turn {number}: {seen(turn)}"
    return _proof(answer["proof"], right, made)


def _wrong_fault(fault: str, right: Key, turn: Turn, named: Mapping[str, str]) -> str:
    shows = f"turn {turn.number} shows: {seen(turn)}"
    if fault == NONE:
        return (
            "there is a fault on this tape. Follow the bytes: from each request to its response, and on "
            f"into the next request; {shows}"
        )
    if fault in right.effects and right.fault == NONE:
        return f"{fault} did happen. Read on: what did the model do about it, and how did the run end?"
    if fault in right.effects:
        return f"{fault} is there, but it is an effect: something else caused it, in the same turn or before. {shows}"
    if right.fault == NONE:
        return f"{fault} would look like this: {named[fault]} Here, {shows}. And how did the run end?"
    return f"{fault} would look like this: {named[fault]} Here, {shows}"


def _proof(proof: Any, right: Key, made: list[Turn]) -> bool | str:
    if is_open(proof) or not isinstance(proof, str):
        return (
            "fault and turn are right. The proof is text copied from the turn: "
            "a few bytes of the request, the response or the step"
        )
    wanted = plain(proof)
    if len(wanted) < FEWEST:
        return f"fault and turn are right. A proof needs more characters than {proof!r}"
    if len(proof) > MOST:
        return (
            f"fault and turn are right. A proof is a few bytes, not {len(proof):,}: quote only what shows the fault, "
            f"{MOST} characters at most"
        )
    if wanted not in _where(right, made):
        return (
            f"fault and turn are right, but turn {right.turn} does not contain {proof[:80]!r}. Copy the bytes"
        )
    if re.search("|".join(right.evidence), wanted):
        return True
    places = (right.turn, right.told_in, *right.again)
    other = next((t.number for t in made if t.number not in places and wanted in haystack(t)), None)
    where = f"turn {other} has them, too" if other else "they alone do not show this fault"
    return (
        f"fault and turn are right, and turn {right.turn} contains these bytes, but {where}. "
        "Quote what only this fault could have put there"
    )


def _where(right: Key, made: list[Turn]) -> str:
    """The text in which a proof can be found."""
    return "\n".join(haystack(turn) for turn in made if turn.number in (right.turn, right.told_in))


def seen(turn: Turn) -> str:
    """What a turn shows, in words: status, end, texts, calls, tokens."""
    exchange = turn.exchange
    if exchange is None:
        return "a step without an exchange"
    if exchange.failure or not turn.status:
        return f"HTTP {turn.status or 'none'}, {turn.error}"
    said = [f"HTTP {turn.status}", f"finish_reason {turn.finish_reason}"]
    said.append(_text("reasoning_content", turn.thinking))
    said.append(_text("content", turn.content))
    said += [f"a call of {call.name}" for call in turn.tool_calls]
    tokens = turn.tokens
    if tokens.generated is not None:
        limit = exchange.asked.limit
        allowed = f" of {limit.tokens} allowed" if limit else ""
        said.append(f"{tokens.generated} tokens generated{allowed}")
    if tokens.cached is not None:
        said.append(f"{tokens.cached} of {tokens.prompt} prompt tokens from the cache")
    return ", ".join(said)


def _text(name: str, text: str | None) -> str:
    if not text or not text.strip():
        return f"no {name}"
    return f"{name} that ends in {text.strip()[-END:]!r}"


def plain(text: str) -> str:
    """Without spaces, quotes, backslashes and escaped line breaks, so that a proof may come from JSON, Python or a page."""
    return re.sub(r"\\n|[\s\"'`\\]", "", text.replace("=", ":"))


def haystack(turn: Turn) -> str:
    """All text of a turn, as `plain` writes it: request, response and step, raw and parsed."""
    exchange = turn.exchange
    whole = [json.dumps(turn.step, ensure_ascii=False), turn.error or ""]
    if exchange:
        whole += [
            exchange.raw_request,
            exchange.raw_response,
            json.dumps(exchange.response, ensure_ascii=False),
        ]
        whole += [str(turn.status), exchange.error or ""]
    return "\n".join(plain(part) for part in whole)


def _turn(given: Any) -> int | None:
    """The number in "turn 2", "2" or 2."""
    found = re.search(r"\d+", str(given)) if isinstance(given, int | str) else None
    return int(found[0]) if found else None


def claims(found: Mapping[int, list[str]]) -> list[tuple[str, bool]]:
    """For each tape, whether `course diagnose`, which found these kinds, says what the key says."""
    made = []
    for n in numbers():
        right, kinds = key(n), set(found[n])
        if right.fault == NONE:
            said, agrees = (
                f"finds no more on tape {n} than what the run recovered from",
                kinds <= set(right.effects),
            )
        else:
            said, agrees = f"names the fault of tape {n}", right.fault in kinds
        made.append((f"course diagnose {said}", agrees))
    return made


def own(answer: Any) -> bool | str:
    """Whether an answer about a tape of the learner's own holds together: True, or what is missing.

    Nobody but the learner knows whether the fault is right, so any name is taken.
    """
    if not isinstance(answer, Mapping) or not {"tape", "turn", "fault", "proof"} <= set(answer):
        return 'the answer has four parts: {"tape": "….tape.jsonl", "turn": 1, "fault": "…", "proof": "…"}'
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"there is no tape at {path}"
    if path.resolve().is_relative_to(TAPES):
        return "that is a tape of the exam. Record one of your own"
    try:
        made = turns_of(Tape.read(path).records())
    except CourseError as e:
        return str(e).partition("\n")[0]
    made = [turn for turn in made if turn.exchange]
    if not made:
        return f"{path.name} has no exchange: the program has another address, goes through a proxy, or does not use HTTP"
    number = _turn(answer["turn"])
    if not number or number > len(made):
        return f"name a turn by its number, 1 to {len(made)}; not {answer['turn']!r}"
    if not isinstance(answer["proof"], str) or len(plain(answer["proof"])) < FEWEST:
        return "the proof is text copied from the turn, in quotes"
    if plain(answer["proof"]) not in haystack(made[number - 1]):
        return f"turn {number} does not contain the proof. Copy the bytes from `exchange.raw_response` or the request"
    if is_open(answer["fault"]) or not str(answer["fault"]).strip():
        return 'name the fault, or "none"'
    return True
