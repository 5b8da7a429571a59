"""Results as files: one for each machine and engine in bench/results/, one record in it for each measurement."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bench import machine
from bench.plan import NAMES
from bench.rows import Row

Record = dict[str, Any]
"""`date`, `commit`, `build`; then `rows`, with `seconds` that the measurement took, or `not_measured` with the reason."""


def stamp() -> Record:
    """When and with what something is measured."""
    return {"date": date.today().isoformat(), "commit": machine.commit(), "build": machine.build()}


def stored(rows: Sequence[Row]) -> list[Record]:
    return [asdict(row) for row in rows]


def load(path: Path) -> dict[str, Any]:
    """What the file of a machine holds; empty without one."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return data


def add(path: Path, name: str, record: Record) -> dict[str, Any]:
    """Put one record into the file of a machine, in the order of the plan; returns all that is in it."""
    data = load(path)
    records = {**data.get("measurements", {}), name: record}
    data["machine"] = data.get("machine") or machine.describe()
    data["measurements"] = {known: records[known] for known in NAMES if known in records}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return data
