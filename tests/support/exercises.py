"""Try answers on the checks of a lesson, as its source has them, without a server and without a notebook.

A table for each lesson, tests/unit/exercises/lesson_NN.py, holds right and wrong answers for each exercise:

    ANSWERS = {
        "05.2": Answers(right=[merge, merge_with_a_loop, merge_with_groupby], wrong=[rename_only, no_merge, list]),
        "03.1": Answers(right=[117, "117", [117]], wrong=[116, None, "many"], given={"fresh": PROMPT, "server": Fake()}),
    }

`given` are the globals that the check's cell needs beside `check`, or a function that makes them. The answer gets the
name that the check's call has for it.
"""

import ast
import contextlib
import io
import re
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import ROOT, check

TABLES = ROOT / "tests" / "unit" / "exercises"
AT_LEAST = 3


@dataclass(frozen=True)
class Answers:
    """Answers to one exercise: right ones that differ, wrong ones, and the globals that its check needs."""

    right: list[Any]
    wrong: list[Any]
    given: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """The cell of a lesson that checks an exercise, the name that the answer has in it, and what the call expects."""

    id: str
    name: str
    code: str
    expects: ast.expr | None = None

    @property
    def gives_itself_away(self) -> bool:
        """Whether the call has the right answer written out in it."""
        try:
            return self.expects is not None and ast.literal_eval(self.expects) is not None
        except ValueError:
            return False


def checks(cells: list[str]) -> dict[str, Check]:
    """The checks of exercises in these cells of code, by id."""
    found = {}
    for code in cells:
        for call in ast.walk(ast.parse(code)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("check.exercise", "check.function"):
                id, answer = call.args[0], call.args[1]
                assert isinstance(id, ast.Constant), (
                    f"the id of an exercise is a text: {ast.unparse(call)[:80]}"
                )
                assert isinstance(answer, ast.Name), (
                    f"{id.value}: the answer is not a plain name: {ast.unparse(answer)}"
                )
                named = {word.arg: word.value for word in call.keywords}
                expects = call.args[2] if len(call.args) > 2 else named.get("expected")
                found[str(id.value)] = Check(str(id.value), answer.id, code, expects)
    return found


def table(lesson: str) -> dict[str, Answers]:
    """The answers to the exercises of a lesson; empty if it has no table yet."""
    path = TABLES / f"lesson_{lesson}.py"
    return runpy.run_path(str(path))["ANSWERS"] if path.is_file() else {}


def tabled() -> list[str]:
    """The lessons that have a table."""
    return sorted(path.stem.removeprefix("lesson_") for path in TABLES.glob("lesson_*.py"))


def verdict(asked: Check, answer: Any, given: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> str:
    """What the check prints about this answer, from its ✓, ✗ or ○ on."""
    printed = io.StringIO()
    names = {"check": check, **(given() if callable(given) else given), asked.name: answer}
    with contextlib.redirect_stdout(printed):
        exec(compile(asked.code, f"<{asked.id}>", "exec"), names)
    told = re.search(rf"^[✓✗○] {re.escape(asked.id)} [\s\S]*", printed.getvalue(), re.MULTILINE)
    assert told, f"the check of {asked.id} printed no verdict: {printed.getvalue()!r}"
    return told[0]


def different(answers: list[Any]) -> int:
    """How many of these answers differ, functions by what they do."""
    return len({_identity(answer) for answer in answers})


def _identity(answer: Any) -> Any:
    code = getattr(answer, "__code__", None)
    return (code.co_code, code.co_consts, code.co_names) if code else (type(answer), repr(answer))


def defined(source: Path, *names: str, **given: Any) -> list[Any]:
    """What a lesson defines under these names (the last of each: a solution, not its stub), made with the globals `given`.

    So that a table works with the lesson's own helpers instead of copies that grow apart from them.
    """
    found: dict[str, ast.stmt] = {}
    for code in cells(source):
        for node in ast.parse(code).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                found[node.name] = node
    exec(compile(ast.Module([found[name] for name in names], []), source.name, "exec"), given)
    return [given[name] for name in names]


def cells(source: Path) -> list[str]:
    """The cells of code of a lesson's source."""
    import jupytext

    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    return [cell.source for cell in read if cell.cell_type == "code"]
