"""The hostile programs, what their headers predict, and how an outcome is judged.

Reads the programs, and decides from what was observed whether an attempt got through and which layer stopped it. Pure,
except for reading files. run.py runs the programs, report.py draws the table.

A program is a short Python file in programs/. Its docstring is its header:

    Read the private SSH key of the user who runs the agent.     the title, one line

    Attempts:  what it does, and what stands in for the real target
    Success:   what would have to happen
    Proof:     canary NAME    it printed the text of that canary, which is new in each run of the suite
               heard NAME     that stand-in heard the attempt's token
               escape         a control sequence came out
               printed        it prints GOT itself, where nobody else can see whether it succeeded
    Wait:      seconds between its end and the judgment
    Alone:     why no other program may run at the same time
    Runs:      python · executor                      how it runs in a container (python: as if it had escaped the executor)
    Bound:     what limits it, if it takes resources
    Executor:  import rule                            the layer that should stop it there,
    Host:      own file system (ENOENT)               with the signs that identify the layer; or
    Socket:    lets it through: why that is accepted
    Container: the same for Host and Socket
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
OUTCOMES = Path(__file__).parent / "outcomes.json"
WAYS = ("executor", "host", "socket")
NAMES = {"executor": "executor alone", "host": "container, host network", "socket": "container, socket"}
FIELDS = (
    *("Attempts", "Success", "Proof", "Wait", "Alone", "Runs", "Bound"),
    *("Executor", "Container", "Host", "Socket"),
)
PROOFS = {"canary": 1, "heard": 1, "escape": 0, "printed": 0}
THROUGH = "lets it through"

RULES = {  # what LocalPythonExecutor says → the rule of it that said so
    r"Import (of|from) .* is not allowed": "import rule",
    r"Forbidden access to dunder|Forbidden call to dunder": "dunder rule",
    r"Forbidden access to module": "module check",
    r"Forbidden access to function": "function check",
    r"is not among the explicitly allowed tools|Invoking a builtin function": "function list",
    r"max number of operations|Maximum number of .*iterations": "operation count",
    r"exceeded the maximum execution time": "timeout",
    r"\w+ is not supported\.": "syntax rule",
}


@dataclass(frozen=True)
class Prediction:
    """Either the attempt gets `through`, and `layer` says why; or `layer` stops it, and any of `signs` identifies it."""

    layer: str
    signs: frozenset[str]
    through: bool


@dataclass(frozen=True)
class Attempt:
    """One program. `runs` says how it runs in a container; `alone` that nothing else may run at the same time."""

    slug: str
    title: str
    attempts: str
    success: str
    proof: tuple[str, ...]
    wait: float
    alone: bool
    runs: str
    bound: str
    predictions: Mapping[str, Prediction]
    code: str


@dataclass(frozen=True)
class Seen:
    """What was observed in one run. `error` has the type, errno and text of the error that ended it, if one did.

    `heard` names the stand-ins that its requests reached, `canaries` those whose text it printed.
    """

    output: str
    error: Mapping[str, Any] | None = None
    status: int | None = 0
    ended: bool = True
    late: bool = False
    heard: frozenset[str] = frozenset()
    canaries: frozenset[str] = frozenset()


def load(folder: Path = PROGRAMS) -> list[Attempt]:
    """All programs, by name."""
    return [read(path) for path in sorted(folder.glob("*.py"))]


def read(path: Path) -> Attempt:
    """One program. ValueError if its header is incomplete."""
    code = path.read_text(encoding="utf-8")
    title, _, rest = (ast.get_docstring(ast.parse(code)) or "").partition("\n")
    found = dict(re.findall(r"^(\w+):\s+(.+(?:\n[ \t]+.+)*)", rest, re.MULTILINE))
    fields = {name: " ".join(text.split()) for name, text in found.items()}
    unknown = fields.keys() - set(FIELDS)
    for way in ("Host", "Socket"):
        if "Container" in fields:
            fields.setdefault(way, fields["Container"])
    missing = {"Attempts", "Success", "Proof", "Runs", "Executor", "Host", "Socket"} - fields.keys()
    if unknown or missing or not title:
        raise ValueError(f"{path.name}: header with unknown {sorted(unknown)}, without {sorted(missing)}")
    proof = tuple(fields["Proof"].split())
    if proof[0] not in PROOFS or len(proof) != 1 + PROOFS[proof[0]]:
        raise ValueError(f"{path.name}: Proof: {fields['Proof']}")
    if fields["Runs"] not in ("python", "executor"):
        raise ValueError(f"{path.name}: Runs: {fields['Runs']}")
    return Attempt(
        path.stem,
        title.rstrip("."),
        fields["Attempts"],
        fields["Success"],
        proof,
        float(fields.get("Wait", 0)),
        "Alone" in fields,
        fields["Runs"],
        fields.get("Bound", ""),
        {way: predict(fields[way.capitalize()]) for way in WAYS},
        code,
    )


def predict(text: str) -> Prediction:
    """`import rule`, `capabilities (EPERM, EACCES)`, or `lets it through: why`."""
    if text.startswith(THROUGH):
        why = text.removeprefix(THROUGH).lstrip(": ")
        if not why:
            raise ValueError(f"{THROUGH!r} needs a reason")
        return Prediction(why, frozenset(), True)
    layer, _, signs = text.partition("(")
    named = frozenset(sign.strip() for sign in signs.rstrip(") ").split(",") if sign.strip())
    return Prediction(layer.strip(), named or frozenset({layer.strip()}), False)


def sign(seen: Seen) -> str:
    """What stopped an attempt, in a word that is the same in every run."""
    if seen.late:
        return "TIME"
    if not seen.ended:
        return "KILLED" if seen.status in (137, -9) else "ENDED"
    if seen.error is None:
        return "nothing"
    text, kind = str(seen.error.get("text", "")), str(seen.error.get("type", ""))
    if kind in ("InterpreterError", "ExecutionTimeoutError"):
        for pattern, rule in RULES.items():
            if re.search(pattern, text):
                return rule
        inner = re.search(r"due to: (\w+):", text)
        return inner[1] if inner else kind
    return str(seen.error.get("errno") or kind)


def judge(attempt: Attempt, way: str, seen: Seen) -> dict[str, Any]:
    """Whether it got `through`, `by` which layer it was stopped (or why it is accepted), the `sign`, and whether that was
    `predicted`.
    """
    prediction, kind = attempt.predictions[way], attempt.proof[0]
    if kind == "canary":
        through = attempt.proof[1] in seen.canaries
    elif kind == "heard":
        through = attempt.proof[1] in seen.heard
    elif kind == "escape":
        through = "\x1b" in seen.output
    else:
        through = any(line.startswith("GOT") for line in seen.output.splitlines())
    mark = "through" if through else sign(seen)
    predicted = prediction.through if through else mark in prediction.signs
    by = prediction.layer if predicted else f"not as predicted: {mark}"
    return {"through": through, "by": by, "sign": mark, "predicted": predicted}


def unexpected(outcomes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The outcomes that the headers did not predict, in words."""
    return [
        f"{slug}, {NAMES[way]}: {'got through' if o['through'] else 'stopped'} ({o['sign']})"
        for slug, ways in outcomes.items()
        for way, o in ways.items()
        if not o["predicted"]
    ]
