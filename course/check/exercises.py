"""Exercises and predictions.

Each call says in a sentence where an answer stands, records the attempt, and lets the notebook continue.

    exercise("03.1", extra, len(server.tokenize(fresh)) - total, hint="the new prompt minus the old one")
    function("05.2", wire_roles, [case(["system", "user"], gives=["system", "user"])], hint="rename first")
    prediction("01.p1", guess, was=timings["prompt_n"], unit="tokens")
"""

import inspect
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from course import board, progress
from course.check import answers
from course.check.answers import Verdict, shortened
from course.check.calls import Ended, limited, told

SECONDS = 10.0
"""How long a learner's function may take for all its cases, unless the exercise says otherwise."""
NOT_GIVEN = object()
WIDTH = 160  # characters of a value in a message


@dataclass(frozen=True)
class Case:
    """A call of the learner's function, what it should return, and what is special about it."""

    args: tuple[Any, ...]
    gives: Any
    name: str = ""


def case(*args: Any, gives: Any, name: str = "") -> Case:
    """Call the function with `args` and expect `gives`, a value or a matcher (`near`, `one_of`, `exact`).

    `name` says what is special about the case. Where an argument prints badly, it is shown instead of the arguments.
    """
    return Case(args, gives, name)


def exercise(id: str, answer: Any, expected: Any, hint: str = "", seconds: float = 60.0) -> None:
    """Tell whether the answer to exercise `id` is open, right or not right yet, and record the attempt.

    `expected` decides how the answer is read (see course/check/answers.py): a number, text, a set, a list, a
    dictionary, a truth value, or a matcher. A function is called with the answer as it is, for at most `seconds`: it
    returns True, or False, or what is wrong, as a sentence. If it raises, the answer counts as wrong.
    """
    if opened(id, answer):
        return
    if callable(expected) and not isinstance(expected, type):
        verdict = _tested(answer, expected, seconds)
    else:
        ended = limited(lambda: answers.compare(answer, expected), seconds)
        verdict = ended.value if isinstance(ended.value, Verdict) else Verdict(False, "it cannot be read")
    tell(id, verdict, hint)


def function(
    id: str,
    answer: Any,
    cases: Iterable[Case] | Callable[[random.Random], Iterable[Case]],
    hint: str = "",
    seconds: float = SECONDS,
) -> None:
    """Tell whether the learner's function returns what it should for each case, and record the attempt.

    The first case that fails is shown: the call, what came back, what was expected. Arguments are copied for each
    call. `cases` may be a function that makes new ones with the random numbers it is given. `seconds` is the time for
    all cases together.
    """
    if opened(id, answer):
        return
    made = list(cases(random.Random()) if callable(cases) else cases)
    if not callable(answer):
        tell(id, Verdict(False, answers.mismatch(answer, len)), hint)  # len stands for any function
        return
    if why := _uncallable(answer, made):
        tell(id, Verdict(False, why), hint)
        return
    name, until = answers.named(answer), time.monotonic() + seconds
    for number, each in enumerate(made):
        ended, verdict = _called(answer, each, max(until - time.monotonic(), 0.01))
        if ended.value is ... or isinstance(ended.error, NotImplementedError):
            print(f"○ {id} is open: {name} does not return anything of its own yet")
            return
        if not verdict.ok:
            which = f" ({each.name})" if each.name else ""
            shown = _case_lines(answer, each, ended, seconds)
            tell(id, Verdict(False, f"case {number + 1} of {len(made)} fails{which}\n{shown}"), hint)
            return
    tell(id, Verdict(True))


def prediction(
    id: str, guess: Any, was: Any, unit: str = "", measured: Any = NOT_GIVEN, hint: str = ""
) -> None:
    """Put the learner's guess beside what was measured, and keep the first guess. There is no right or wrong.

    If the learner measures too, `measured` is their value: it is graded against `was` like the answer to an exercise.
    """
    guessed = not answers.openings(guess)
    if not guessed:
        print(f"○ {id} has no prediction yet: write your guess in place of the … and run both cells again")
    else:
        lines, first = compared(guess, was, unit), progress.first_guess(id)
        if first is not None and first != shortened(guess, WIDTH):
            lines.append(f"Your first guess was {first}.")
        print(f"→ {id} " + "\n  ".join(lines))
    if measured is NOT_GIVEN:
        if guessed:
            progress.note(id, True, kind="prediction", guess=shortened(guess, WIDTH))
        return
    if opened(id, measured):
        return
    tell(id, answers.compare(measured, was), hint, guess=shortened(guess, WIDTH) if guessed else "")


def compared(guess: Any, was: Any, unit: str = "") -> list[str]:
    """A guess beside the measurement, in words: a line for the whole, or one for each key of a dictionary."""
    guess, was = _plainly(guess), _plainly(was)
    if isinstance(was, Mapping) and isinstance(guess, Mapping):
        lines = [
            f"{key}: you said {_said(guess.get(key, 'nothing'))}, it was {_said(_measured(value))}"
            + _apart(guess.get(key), value)
            for key, value in was.items()
        ]
        right = sum(answers.compare(guess.get(key), value).ok for key, value in was.items())
        return [f"{right} of {len(was)} as you said:", *lines]
    measured = _said(_measured(was)) + f" {unit}" * bool(unit)
    return [f"You said {_said(guess)}, it was {measured}{_apart(guess, was)}"]


def _measured(was: Any) -> Any:
    """What was measured, without how near a guess has to be: the number of a `near`, a whole one as it is written."""
    if not isinstance(was, answers.Near):
        return was
    return int(was.value) if was.value.is_integer() else was.value


def _plainly(value: Any) -> Any:
    try:
        return answers.plain(value)
    except Exception:  # a guess may be anything
        return value


def _said(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() else shortened(value, WIDTH)


def _apart(guess: Any, was: Any) -> str:
    """The end of the sentence: as predicted, or how far away."""
    if answers.compare(guess, was).ok:
        return ", as you predicted."
    value, given = _measured(was), answers.number(guess)
    if given is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return "."
    if given > 0 and value > 0 and max(given / value, value / given) >= 2:
        return f": {max(given / value, value / given):.1f} times too {'high' if given > value else 'low'}."
    return f": {abs(given - value):.6g} too {'high' if given > value else 'low'}."


def opened(id: str, answer: Any) -> bool:
    """Whether the answer is still open; says so."""
    board.attend(id.partition(".")[0])
    parts = answers.openings(answer)
    if not parts:
        return False
    what = "write your answer" if parts == [""] else f"write your answer for {', '.join(parts)}"
    print(f"○ {id} is open: {what} in place of the …, run that cell, then this one")
    return True


def tell(id: str, verdict: Verdict, hint: str = "", kind: str = "exercise", guess: str = "") -> None:
    """Print where the exercise stands, and record the attempt."""
    if verdict.ok:
        print(f"✓ {id} is solved")
    else:
        print(f"✗ {id} is not solved yet" + (f": {verdict.why}" if verdict.why else ""))
        if hint:
            print(f"  Hint: {hint}")
    progress.note(id, verdict.ok, kind=kind, guess=guess)


def _tested(answer: Any, test: Callable[[Any], Any], seconds: float) -> Verdict:
    """The verdict of an author's own test."""
    ended = limited(lambda: _settled(test(answer)), seconds)
    if ended.late:
        return Verdict(False, f"it does not end within {seconds:g} s. Is there a loop that never ends?")
    if ended.error is not None:
        return Verdict(False, told(ended.error, answer))
    found = ended.value
    return Verdict(False, found) if isinstance(found, str) else Verdict(bool(found))


def _settled(found: Any) -> Any:
    return found if isinstance(found, str) else bool(found)


def _uncallable(answer: Any, cases: list[Case]) -> str:
    """Why the function cannot be called with the arguments of the cases. Empty if it can."""
    if inspect.iscoroutinefunction(answer):
        return f"{answers.named(answer)} is an async function; write it with def alone"
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return ""
    for each in cases:
        try:
            signature.bind(*each.args)
        except TypeError:
            count = f"{len(each.args)} argument{'s' * (len(each.args) != 1)}"
            return f"it is called with {count}, and {answers.named(answer)}{signature} does not take that"
    return ""


def _called(answer: Callable[..., Any], each: Case, seconds: float) -> tuple[Ended, Verdict]:
    def call() -> tuple[Any, Verdict]:
        returned = answers.plain(answer(*copied(each.args)))  # a generator runs here, within the time limit
        return returned, answers.compare(returned, each.gives)

    ended = limited(call, seconds)
    if ended.error is not None or ended.late:
        return ended, Verdict(False)
    returned, verdict = ended.value
    return Ended(returned), verdict


def _case_lines(answer: Callable[..., Any], each: Case, ended: Ended, seconds: float) -> str:
    """The failing case: the call, what happened, what was expected."""
    lines = [f"    {answers.named(answer)}({_arguments(each)})"]
    expected = expectation(each.gives)
    if ended.late:
        lines += [f"    does not end within {seconds:g} s. Is there a loop that never ends?"]
    elif ended.error is not None and str(ended.error) == "endless":
        lines += ["    gives items without end"]
    elif ended.error is not None:
        lines += [f"    raised    {told(ended.error, answer)}", f"    expected  {expected}"]
    else:
        lines += [f"    returned  {shortened(ended.value, WIDTH)}", f"    expected  {expected}"]
        if ended.value is None:
            lines += ["  A function gives its answer with `return`, not with `print`."]
    return "\n".join(lines)


def _arguments(each: Case) -> str:
    shown = [shortened(arg, WIDTH) for arg in each.args]
    awkward = any(text.startswith("<") or text.endswith("…") for text in shown)
    return "…" if awkward and each.name else ", ".join(shown)


def expectation(gives: Any) -> str:
    """What a case expects, as shown to the learner."""
    if isinstance(gives, answers.Exact):
        return shortened(gives.value, WIDTH)
    if isinstance(gives, answers.OneOf):
        return " or ".join(expectation(option) for option in gives.options)
    if isinstance(gives, answers.Near):
        allowed = gives.by or abs(gives.value) * gives.within
        return f"{gives.value:.6g} ± {allowed:.3g}"
    return shortened(gives, WIDTH)


def copied(value: Any) -> Any:
    """A copy of lists, dictionaries, sets and tuples, however deep; everything else is passed as it is."""
    if type(value) is dict:
        return {key: copied(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(copied(part) for part in value)
    return set(value) if type(value) is set else value
