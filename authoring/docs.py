"""The generated parts of docs/: tables between marks, and whole files.

A part is a function that returns Markdown or the text of a file; `PARTS` and `FILES` say where each belongs.
`python -m authoring docs` writes them all, `python -m authoring docs --check` only names those that are stale.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from authoring import attacks, cli, drawings, environment, faultlist, glossary, workshop
from authoring.generated import spliced
from bench.workshop import sizing
from course import ROOT
from course.tape import schema
from hostile import report


def entry_fields() -> str:
    """The fields of an exchange that readers of a tape rely on."""
    return _fields("entry")


def run_fields() -> str:
    return _fields("run")


def step_fields() -> str:
    return _fields("step")


def replay_fields() -> str:
    return _fields("replay")


def tape_schema() -> str:
    """The JSON Schema of one line of a tape, as a file."""
    return json.dumps(schema.json_schema(), indent=1, ensure_ascii=False) + "\n"


def sandbox_counts() -> str:
    """How many of the hostile programs get through, as one paragraph."""
    return report.paragraph(*report.committed())


def threat_model() -> str:
    """What gets through the sandbox, and which layer stops the rest."""
    return report.section(*report.committed())


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"sandbox": sandbox_counts},
    "docker/README.md": {"hostile": threat_model},
    "docs/faults.md": {"faults": faultlist.table},
    "docs/glossary.md": {"terms": glossary.words},
    "docs/robustness.md": {"attacks": attacks.table},
    "docs/tape.md": {"entry": entry_fields, "run": run_fields, "step": step_fields, "replay": replay_fields},
    "workshop/guide.md": {
        "demands": workshop.demands,
        "learners": sizing.guide,
        "half-day": workshop.half_day,
        "full-day": workshop.full_day,
    },
}
"""The generated parts of each page, by the name that their marks have."""

MARKS = {
    "learners": ("<!-- learners -->", "<!-- /learners -->"),
    "sandbox": ("<!-- sandbox: begin -->", "<!-- sandbox: end -->"),
}
"""The marks of parts that do not have the usual ones."""

FILES: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli.page,
    "docs/environment.md": environment.page,
    "docs/tape.schema.json": tape_schema,
    **drawings.PICTURES,
}
"""The files that are generated as a whole."""


def stale(root: Path = ROOT) -> dict[str, str]:
    """The files that differ from what would be written now, with that text. Names are relative to `root`."""
    made = {name: make() for name, make in FILES.items()}
    for name, parts in PARTS.items():
        made[name] = _page((root / name).read_text(encoding="utf-8"), parts)
    return {name: text for name, text in made.items() if _text(root / name) != text}


def write(root: Path = ROOT) -> list[str]:
    """Bring every generated part up to date; returns the names of the files that were changed."""
    found = stale(root)
    for name, text in found.items():
        (root / name).write_text(text, encoding="utf-8", newline="\n")
    return list(found)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _page(text: str, parts: dict[str, Callable[[], str]]) -> str:
    for name, make in parts.items():
        usual = f"<!-- {name}: written by python -m authoring docs -->", f"<!-- {name}: end -->"
        begin, end = MARKS.get(name, usual)
        text = spliced(text, begin, end, make())
    return text


def _fields(kind: str) -> str:
    """A table of a record's fields, made of its JSON Schema."""
    whole = schema.json_schema()
    record = whole["$defs"][schema.RECORDS[kind].__name__]
    rows = [f"| `{path}` | {words} | {about} |" for path, words, about in _rows(record, whole["$defs"])]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])


def _rows(record: dict[str, Any], defs: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, type and meaning of each field except `_type`. An object without a description is listed field by field."""
    for name, field in record["properties"].items():
        if name == "_type":
            continue
        inner = _object(field, defs)
        if inner and "description" not in field:
            yield from _rows(inner, defs, f"{prefix}{name}.")
        else:
            words = _words(field, defs) + (", required" if name in record.get("required", []) else "")
            yield prefix + name, words, field.get("description", "")


def _object(field: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any] | None:
    """The definition that a field refers to, if it has one, null aside."""
    for option in field.get("anyOf", [field]):
        if "$ref" in option:
            found: dict[str, Any] = defs[option["$ref"].rpartition("/")[2]]
            return found
    return None


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def _words(field: dict[str, Any], defs: dict[str, Any]) -> str:
    """A field's type in words."""
    options = [o for o in field.get("anyOf", [field]) if o.get("type") != "null"]
    kinds = ["object" if "$ref" in o else o.get("type", "any value") for o in options]
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds).replace("array", "list")
