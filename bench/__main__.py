"""Run measurements and keep their results:  python -m bench [NAME …]

Does: runs each named measurement (default: all), prints its rows, and writes the file of this machine and engine after
each one, so that an interrupted run loses nothing; the others in that file stay. Status 1 when a row says that
something failed.
Does not: judge. What this machine lacks is written down as not measured, with the reason.
"""

import argparse
import importlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

from bench import machine, tables
from bench.plan import BY_HAND, NAMES, PLAN, Measurement
from bench.rows import NotMeasured, Row
from bench.setting import Setting
from course import ROOT
from course.errors import CourseError
from course.model import engine

RESULTS = ROOT / "bench" / "results"


def measured(one: Measurement, setting: Setting) -> dict:
    """The record of one measurement; an error that is a bug keeps its traceback."""
    began = time.perf_counter()
    record = {"title": one.title, "date": date.today().isoformat(), "commit": machine.commit()}
    record["build"] = machine.build()
    try:
        module = imported(one.module)
        rows = module.measure(setting)
    except NotMeasured as why:
        return {**record, "not_measured": str(why)}
    return {
        **record,
        "seconds": round(time.perf_counter() - began, 1),
        "rows": [asdict(row) for row in rows],
    }


def imported(name: str):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise NotMeasured(f"there is no {name.replace('.', '/')}.py yet") from None


def add(path: Path, name: str, record: dict) -> dict:
    """Put one record into the file of a machine, in the order of the plan; returns all that is in it."""
    data = machine.load(path)
    records = {**data.get("measurements", {}), name: record}
    data["machine"] = data.get("machine") or machine.describe()
    data["measurements"] = {known: records[known] for known in NAMES if known in records}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return data


def run(names: list[str], path: Path, setting: Setting, say: Callable[[str], object] = print) -> bool:
    """Whether nothing failed."""
    good = True
    for one in (one for one in PLAN if one.name in names):
        say(f"── {one.name}: {one.title}")
        record = measured(one, setting)
        add(path, one.name, record)
        for line in tables.lines(record):
            say(f"   {line}")
        good &= not any(Row(**row).failed for row in record.get("rows", []))
    say(f"written: {path}\nInto the README:  python -m bench.tables")
    return good


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted = [name for name in NAMES if name not in BY_HAND]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(wanted)}; default: all")
    parser.add_argument("--runs", type=int, default=5, help="repetitions (5)")
    parser.add_argument("--most", type=int, default=32, help="agents at once, at most (32)")
    parser.add_argument("--gpu-layers", type=int, help="layers on the GPU (the profile's)")
    parser.add_argument("--model", help="another GGUF file than the profile's")
    parser.add_argument("--profile", default="embedded")
    instead = "instead of bench/results/MACHINE.json, or MACHINE-binary.json where a binary is measured"
    parser.add_argument("--out", type=Path, help=f"write here {instead}")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in wanted]:
        parser.error(f"there is no measurement {', '.join(unknown)}. There are {', '.join(wanted)}.")
    given.names = given.names or wanted
    return given


def main(argv: list[str] | None = None) -> int:
    given = arguments(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: every with block ends its server
    changes = {"gpu_layers": given.gpu_layers, "model": given.model}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        setting = Setting(
            folder=Path(folder),
            profile=given.profile,
            runs=given.runs,
            most=given.most,
            changes={k: v for k, v in changes.items() if v is not None},
        )
        try:
            path = given.out or RESULTS / f"{machine.name(machine.describe(), engine.find().kind)}.json"
            return 0 if run(given.names, path, setting) else 1
        except CourseError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
