"""Run measurements and store their results:  python -m bench [NAME …]

Runs each named measurement (default: all), prints its rows and writes the file of this machine and engine after each
one, so an interrupted run loses nothing. Other records in that file stay. A measurement that is impossible on this machine
is stored as not measured, with the reason. Exits with status 1 if a row says that something failed.
"""

import argparse
import importlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import machine, tables
from bench.plan import BY_HAND, NAMES, PLAN, Measurement
from bench.rows import NotMeasured, Row
from bench.setting import Setting
from bench.store import Record, add, stamp, stored
from course import ROOT
from course.errors import CourseError
from course.model import engine

RESULTS = ROOT / "bench" / "results"
Load = Callable[[str], Any]
"""A measurement's module, by its name."""


def measured(one: Measurement, setting: Setting, load: Load = importlib.import_module) -> Record:
    """The record of one measurement. Unexpected errors are raised unchanged."""
    began, record = time.perf_counter(), stamp()
    try:
        rows = load(one.module).measure(setting)
    except NotMeasured as why:
        return {**record, "not_measured": str(why)}
    return {**record, "seconds": round(time.perf_counter() - began, 1), "rows": stored(rows)}


def run(
    names: list[str],
    path: Path,
    setting: Setting,
    say: Callable[[str], object] = print,
    load: Load = importlib.import_module,
) -> bool:
    """Whether nothing failed."""
    good = True
    for one in (one for one in PLAN if one.name in names):
        say(f"── {one.name}: {one.title}")
        record = measured(one, setting, load)
        add(path, one.name, record)
        for line in tables.lines(record):
            say(f"   {line}")
        good &= not any(Row(**row).failed for row in record.get("rows", []))
    say(f"The results are in {path}\nUpdate docs/measurements.md:  python -m bench.tables")
    return good


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted = [name for name in NAMES if name not in BY_HAND]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(wanted)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="repetitions (default: 5)")
    parser.add_argument("--most", type=int, default=32, help="maximum number of agents at once (default: 32)")
    parser.add_argument("--gpu-layers", type=int, help="layers on the GPU (default: the profile's)")
    parser.add_argument("--model", help="another GGUF file than the profile's")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument(
        "--out",
        type=Path,
        help="the file to write (default: bench/results/MACHINE.json, or MACHINE-binary.json for a llama-server binary)",
    )
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in wanted]:
        parser.error(f"there is no measurement {', '.join(unknown)}. Choose from {', '.join(wanted)}.")
    given.names = given.names or wanted
    return given


def main(argv: list[str] | None = None) -> int:
    given = arguments(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # like Ctrl-C: every with block stops its server
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
