"""The table of attacks in docs/robustness.md, read from the marks of the tests that make them.

    @pytest.mark.attack("tap", "a page on evil.example: GET, simple POST, preflight", "refused with 403", fell=2)

The mark says which part was attacked, how, and what is promised. `fell` is the severity that the review of 2026-11-28
gave a try that succeeded then: 1 (a stranger acts, or data is lost without a word), 2 (a crash, a leak or a false
statement) or 3 (small). Without `fell`, the promise was kept. `make test ARGS="-m attack"` runs them all.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course import ROOT

PARTS = {
    "tap": "The tap",
    "text": "Text from the model",
    "tape": "Tapes as input",
    "server": "Servers and set-up",
    "lab": "JupyterLab",
    "sandbox": "The sandbox",
}
"""The parts that are attacked, in the order of the page, with their headings."""


@dataclass(frozen=True)
class Attack:
    """One mark: what was tried at a part, what is promised, and the test that tries it again."""

    part: str
    tried: str
    promised: str
    fell: int | None
    test: str


def attacks(folder: Path = ROOT / "tests") -> list[Attack]:
    """The marks of all tests under `folder`, by file and line. Nothing is imported."""
    return [found for path in sorted(folder.rglob("test_*.py")) for found in _marked(path)]


def _marked(path: Path) -> Iterator[Attack]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.attack":
                    yield _attack(mark, f"{path.relative_to(ROOT).as_posix()}:{node.name}")


def _attack(mark: ast.Call, test: str) -> Attack:
    """ValueError if the mark is not three texts and perhaps `fell`, or names an unknown part."""
    words = [ast.literal_eval(word) for word in mark.args]
    more = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}
    if len(words) != 3 or words[0] not in PARTS or not more.keys() <= {"fell"}:
        raise ValueError(
            f'{test}: the mark is not attack("{"|".join(PARTS)}", what was tried, what is promised, fell=1|2|3)'
        )
    return Attack(*words, more.get("fell"), test)


def table() -> str:
    """One table for each part: what was tried, what is promised, what happened at the first try, and the test."""
    found = attacks()
    held = sum(one.fell is None for one in found)
    lines = [
        f"{len(found)} attacks; at the first try, {len(found) - held} of these succeeded and {held} did not."
    ]
    for part, heading in PARTS.items():
        rows = [one for one in found if one.part == part]
        if rows:
            lines += [
                "",
                f"## {heading}",
                "",
                "| tried | promised | first try | test |",
                "|---|---|---|---|",
            ]
            lines += map(_row, rows)
    return "\n".join(lines)


def _row(one: Attack) -> str:
    was = f"succeeded, severity {one.fell}" if one.fell else "held"
    path, _, name = one.test.rpartition(":")
    words = (text.replace("|", "\\|") for text in (one.tried, one.promised))
    return f"| {' | '.join(words)} | {was} | [{name.removeprefix('test_')}](../{path}) |"
