"""Compare an answer with what is expected, the way a person would: 6 and "6" are the same answer.

What is expected decides how an answer is read. `compare` never raises, whatever the answer does when it is looked at,
and says why an answer does not count without saying what would. It knows nothing of exercises and prints nothing.

    compare("ad", {"a", "d"}).ok            # True
    compare([6], 7).why                     # "6 is not the right number"
"""

import dis
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from types import CodeType
from typing import Any

MOST_ITEMS = 10_000
"""More items than any answer has. A generator that gives more counts as endless."""
GROUPED = r"[1-9]\d{0,2}(?:[ _,\u00a0\u202f]\d{3})+(?!\d)"
NUMBER = re.compile(rf"(?:(?<!\w)[-+−])?(?:(?:{GROUPED}|\d+)(?:[.,]\d+)?|(?<!\w)\.\d+)(?:[eE][-+]?\d+)?")
QUOTES = "\"'`“”‘’"


@dataclass(frozen=True)
class Verdict:
    """Whether an answer counts; if not, `why` is the rest of a sentence without a period."""

    ok: bool
    why: str = ""


@dataclass(frozen=True)
class Near:
    """A number not further from `value` than `by`, or than the part `within` of it."""

    value: float
    within: float = 0.0
    by: float = 0.0


@dataclass(frozen=True)
class OneOf:
    """Any of these."""

    options: tuple[Any, ...]


@dataclass(frozen=True)
class Exact:
    """This value as it is: capitals and spaces count."""

    value: Any


def near(value: float, within: float = 0.05, by: float = 0.0) -> Near:
    """Expect a number near `value`: not further away than `by`, or else than the part `within` of it (0.05 is 5
    %)."""
    return Near(float(value), 0.0 if by else within, by)


def one_of(*options: Any) -> OneOf:
    """Expect any of these, each read in its own way."""
    return OneOf(options)


def exact(value: Any) -> Exact:
    """Expect this value and no other: capitals, spaces and types count. For text that a program reads."""
    return Exact(value)


def compare(answer: Any, expected: Any) -> Verdict:
    """Whether the answer is what is expected: a number, text, a set, a list, a dictionary, a truth value, a matcher."""
    try:
        return _compare(plain(answer), expected)
    except Exception as error:  # the answer's own methods raised
        return Verdict(False, f"{kind(answer)} that cannot be compared ({type(error).__name__})")


def _compare(answer: Any, expected: Any) -> Verdict:
    if isinstance(expected, OneOf):
        verdicts = [compare(answer, option) for option in expected.options]
        return next((v for v in verdicts if v.ok), verdicts[0] if verdicts else Verdict(False))
    if isinstance(expected, Exact):
        value = plain(expected.value)
        if type(answer) is type(value) and bool(answer == value):
            return Verdict(True)
        return Verdict(
            False,
            f"{shortened(answer)} is not right" if type(answer) is type(value) else mismatch(answer, value),
        )
    expected = expected if isinstance(expected, Near) else plain(expected)
    if expected is None:
        return Verdict(answer is None, f"{shortened(answer)} is not right")
    if isinstance(expected, bool):
        return _truth(answer, expected)
    if isinstance(expected, (int, float, Near)):
        return _number(answer, expected)
    if isinstance(expected, str):
        return _text(answer, expected)
    if isinstance(expected, Mapping):
        return _mapping(answer, expected)
    if isinstance(expected, Set):
        return _set(answer, expected)
    if isinstance(expected, (list, tuple)):
        return _sequence(answer, list(expected))
    return Verdict(bool(answer == expected), f"{shortened(answer)} is not right")


def plain(value: Any) -> Any:
    """The value as Python's own: arrays and generators as lists, decimal numbers as floats, enum members as values."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float, Mapping, Set, list, tuple, type(None), type)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if callable(made := getattr(value, "tolist", None)):
        return made()
    if isinstance(value, Iterable) and (isinstance(value, Iterator) or hasattr(value, "__len__")):
        items = list(islice(value, MOST_ITEMS + 1))
        if len(items) > MOST_ITEMS:
            raise ValueError("endless")
        return items
    if hasattr(value, "__float__") and not callable(value):
        return float(value)
    return value


def number(answer: Any) -> float | int | None:
    """The number that the answer is or has in it: 6, "6", "6 tokens", [6]. None if there is not exactly one."""
    try:
        answer = plain(answer)
    except Exception:  # items without end, or an object that cannot be read
        return None
    if isinstance(answer, bool):
        return None
    if isinstance(answer, (int, float)):
        return answer
    if isinstance(answer, str):
        found = NUMBER.findall(answer)
        return _parsed(found[0]) if len(found) == 1 else None
    if isinstance(answer, (list, tuple, Set)) and len(answer) == 1:
        return number(next(iter(answer)))
    return None


def _parsed(text: str) -> float | int | None:
    """A number as people write it: 1,234.5 and 1 234 and 16,1."""
    text = text.replace("−", "-")
    text = re.sub(GROUPED, lambda found: re.sub(r"\D", "", found[0]), text, count=1).replace(",", ".")
    try:
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    except ValueError:
        return None


def folded(text: str) -> str:
    """The text without what does not count: capitals, spaces around it and between words, quotes, a period at the
    end."""
    text = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return text.strip(QUOTES + " ").removesuffix(".").strip(QUOTES + " ") or text


def _truth(answer: Any, expected: bool) -> Verdict:
    if isinstance(answer, str):
        said = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
        answer = said.get(folded(answer))
        if answer is None:
            return Verdict(False, "expected True or False, and this is other text")
    return Verdict(bool(answer) is expected, f"{shortened(answer)} is not right")


def _number(answer: Any, expected: float | Near) -> Verdict:
    given = number(answer)
    if given is None:
        return Verdict(False, mismatch(answer, expected))
    shown = shortened(given)
    if isinstance(expected, Near):
        allowed = expected.by or abs(expected.value) * expected.within
        if abs(given - expected.value) <= allowed * (1 + 1e-9):
            return Verdict(True)
        margin = f"{expected.by:g}" if expected.by else f"{expected.within:.3g}".rstrip(".")
        if not expected.by:
            margin = f"{expected.within * 100:g} %"
        return Verdict(False, f"{shown} is not within {margin} of the right number")
    close = math.isclose(given, expected, rel_tol=1e-9, abs_tol=1e-12) or _rounded(given, expected)
    return Verdict(close, f"{shown} is not the right number")


def _rounded(given: float, expected: float) -> bool:
    """Whether it is the expected number, rounded to three significant digits or more."""
    if isinstance(expected, int) or not math.isfinite(expected) or not expected:
        return False
    digits = 2 - math.floor(math.log10(abs(expected)))
    return any(math.isclose(given, round(expected, n), rel_tol=1e-9) for n in range(digits, digits + 6))


def _text(answer: Any, expected: str) -> Verdict:
    if isinstance(answer, (list, tuple, Set)) and len(answer) == 1:
        answer = plain(next(iter(answer)))
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        answer = str(answer)
    if not isinstance(answer, str):
        return Verdict(False, mismatch(answer, expected))
    return Verdict(folded(answer) == folded(expected), f"{shortened(answer)} is not right")


def _items(answer: Any, expected: Iterable[Any]) -> list[Any] | None:
    """The items of an answer that should be a collection; None if it cannot be one."""
    if isinstance(answer, str):
        answer = answer.strip().strip("{}[]()")
        parts = [part for part in re.split(r"[,;\s]+|\band\b", answer) if part.strip(QUOTES)]
        letters = all(isinstance(item, str) and len(item) == 1 for item in expected)
        if letters and all(part.strip(QUOTES).isalnum() for part in parts):
            return [letter for part in parts for letter in part.strip(QUOTES)]
        whole = [item for item in expected if isinstance(item, str) and " " in item]
        return re.split(r"[,;\n]+", answer) if whole else parts
    if isinstance(answer, Mapping):
        return None
    if isinstance(answer, (list, tuple, Set)):
        return list(answer)
    return None if answer is None or isinstance(answer, bool) or callable(answer) else [answer]


def _set(answer: Any, expected: Set[Any]) -> Verdict:
    items = _items(answer, expected)
    if items is None:
        return Verdict(False, mismatch(answer, expected))
    missing = [want for want in expected if not any(compare(item, want).ok for item in items)]
    extra = [item for item in items if not any(compare(item, want).ok for want in expected)]
    if extra:
        return Verdict(False, f"{min(map(shortened, extra))} does not belong to it")
    return Verdict(
        not missing, "what you have is right, but something is missing" if items else "it is empty"
    )


def _sequence(answer: Any, expected: list[Any]) -> Verdict:
    if isinstance(answer, Set) and len(answer) > 1:
        return Verdict(False, "the order counts, and a set has none: use a list")
    items = _items(answer, expected)
    if items is None:
        return Verdict(False, mismatch(answer, expected))
    for place, (item, want) in enumerate(zip(items, expected, strict=False)):
        if not compare(item, want).ok:
            return Verdict(False, f"item {place} (counted from 0), {shortened(item)}, is not right")
    if len(items) != len(expected):
        return Verdict(False, f"the number of items, {len(items)}, is not right")
    return Verdict(True)


def _mapping(answer: Any, expected: Mapping[Any, Any]) -> Verdict:
    if isinstance(answer, (list, tuple, Set)) and all(isinstance(p, tuple) and len(p) == 2 for p in answer):
        answer = dict(answer)
    if not isinstance(answer, Mapping):
        return Verdict(False, mismatch(answer, expected))
    given = list(answer.items())
    missing, wrong = [], []
    for key, want in expected.items():
        found = [value for k, value in given if compare(k, key).ok]
        if not found:
            missing.append(key)
        elif not compare(found[0], want).ok:
            wrong.append(key)
    extra = [k for k, _ in given if not any(compare(k, key).ok for key in expected)]
    if extra:
        return Verdict(False, f"the key {shortened(extra[0])} does not belong to it")
    if missing:
        return Verdict(False, f"{_counted(len(missing), 'key')} missing" if given else "it is empty")
    if wrong:
        right = len(expected) - len(wrong)
        return Verdict(False, f"{right} of {len(expected)} are right; not the one for {shortened(wrong[0])}")
    return Verdict(True)


def _counted(count: int, noun: str) -> str:
    return f"one {noun} is" if count == 1 else f"{count} {noun}s are"


def mismatch(answer: Any, expected: Any) -> str:
    """What type was expected, and what was given instead."""
    given = f"{kind(answer)} ({shortened(answer, 60)})" if answer is not None else "None"
    called = "; was it meant to be called?" if callable(answer) and not callable(expected) else ""
    return f"expected {wanted(expected)}, got {given}{called}"


def wanted(expected: Any) -> str:
    """The type of an expected value in words, without the value."""
    if isinstance(expected, Near):
        return "a number"
    if isinstance(expected, Mapping):
        keys = list(expected)
        named = ", ".join(map(shortened, keys)) if len(keys) <= 6 else ""
        simple = named and all(isinstance(key, (str, int)) for key in keys)
        return f"a dictionary with the keys {named}" if simple else "a dictionary"
    if isinstance(expected, (Set, list, tuple)):
        name = "set" if isinstance(expected, Set) else "list"
        kinds = {kind(item, many=True) for item in expected}
        return f"a {name} of {kinds.pop()}" if len(kinds) == 1 else f"a {name}"
    return kind(expected)


KINDS: list[tuple[Any, str, str]] = [
    (bool, "True or False", "truth values"),
    (int, "a whole number", "whole numbers"),
    ((float, Near), "a number", "numbers"),
    (str, "text", "strings"),
    (Mapping, "a dictionary", "dictionaries"),
    (Set, "a set", "sets"),
    (list, "a list", "lists"),
    (tuple, "a tuple", "tuples"),
    (type, "a class", "classes"),
]


def kind(value: Any, many: bool = False) -> str:
    """The type of a value in words."""
    for types, one, several in KINDS:
        if isinstance(value, types):
            return several if many else one
    if callable(value):
        return "functions" if many else "a function"
    return f"{type(value).__name__}s" if many else f"an object of type {type(value).__name__}"


def is_open(value: Any) -> bool:
    """True for `...`, for a container that still holds one, and for a function whose body is only `...`."""
    return bool(openings(value))


def openings(value: Any) -> list[str]:
    """What is still open in an answer: the keys of a dictionary that are, or [""] for the answer as a whole."""
    try:
        return _openings(value)
    except RecursionError:  # a list that contains itself
        return []


def _openings(value: Any) -> list[str]:
    if value is ... or (isinstance(value, str) and value.strip() in ("...", "…")):
        return [""]
    if isinstance(value, dict):
        return [shortened(key, 60) for key, part in value.items() if _openings(part)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [""] if any(_openings(part) for part in value) else []
    code = getattr(value, "__code__", None)
    return [""] if isinstance(code, CodeType) and _does_nothing(code) else []


def _does_nothing(code: CodeType) -> bool:
    """Whether a function's body is only `...` or `pass`, and a docstring."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    names = [step.opname for step in steps]
    return names in (["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"]) and steps[0].argval is None


def shortened(value: Any, limit: int = 300) -> str:
    """The value as Python writes it, cut to `limit` characters. Never raises."""
    text = written(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def written(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def named(function: Callable[..., Any]) -> str:
    """The name by which a learner knows a function."""
    name = getattr(function, "__name__", type(function).__name__)
    return "your function" if name == "<lambda>" else str(name)
