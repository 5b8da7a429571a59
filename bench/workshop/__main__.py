"""Measure a room full of agents:  python -m bench.workshop [--learners 1,5,10,30] [--minutes 35] [--steps 2]

Starts a hub, seats the learners, runs each cell of the matrix within its share of the time, and stores the results after
each one in bench/results/, in the file of this machine and engine. Ctrl-C ends everything that was started; results so far
stay. Needs what `make hub` needs. A short one:  python -m bench.workshop --learners 1,5 --minutes 8

Then `python -m bench.tables` and `python -m authoring docs` write the tables of docs/measurements.md and of the guide.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine
from bench.__main__ import RESULTS
from bench.store import add, stamp, stored
from bench.workshop import load, matrix, sizing
from bench.workshop.figures import Result
from bench.workshop.matrix import Cell
from bench.workshop.room import opened
from course.errors import CourseError
from course.model import engine

NAME = "workshop"


def run(
    cells: Sequence[Cell], steps: int, seconds: float, path: Path, say: Callable[[str], object] = print
) -> list[Result]:
    """Measure the cells, in all within `seconds` and the seconds that it takes to seat somebody at the end of them."""
    until, began = time.monotonic() + seconds, time.perf_counter()
    found: list[Result] = []
    most = max(cell.learners for cell in cells)
    with opened(most, cells[0], say) as room:
        say(f"seating {most} learner{'s' * (most != 1)} …")
        room.seats(most)
        for number, cell in enumerate(cells):
            if room.hub is not None and room.hub.failed is not None:
                raise room.hub.failed
            left = until - time.monotonic()
            agents, plain = matrix.limits(cells[number:], steps, max(left, 0))
            say(f"── {cell} (at most {agents + plain:.0f} s)")
            found.append(load.measured(room, cell, steps, agents, plain))
            rows = sizing.rows(found)
            say(f"   {rows[-1].value}")
            for one in found[-1].learners:
                if one.why:
                    say(f"   {one.name} {one.ended}: {one.why}")
            add(
                path,
                NAME,
                {**stamp(), "seconds": round(time.perf_counter() - began, 1), "rows": stored(rows)},
            )
    return found


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.workshop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--learners", type=numbers, default=[1, 5, 10, 30], help="how many at once (default: 1,5,10,30)"
    )
    parser.add_argument("--minutes", type=float, default=35, help="for everything (default: 35)")
    parser.add_argument(
        "--steps", type=int, default=2, help="of each learner's agent (default: 2, one whole run)"
    )
    parser.add_argument(
        "--compare",
        type=int,
        default=matrix.MIDDLE,
        metavar="N",
        help="learners at which settings are compared (10)",
    )
    parser.add_argument(
        "--no-death", action="store_true", help="leave out the run in which the model's server is killed"
    )
    parser.add_argument("--out", type=Path, help="the file to write (default: bench/results/MACHINE.json)")
    given = parser.parse_args(argv)
    if given.steps < 1 or given.minutes <= 0:
        parser.error("--steps and --minutes must be positive.")
    return given


def numbers(text: str) -> list[int]:
    """The numbers of learners in 1,5,10; argparse says so if they are not."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(1 <= number <= 100 for number in found):
        raise argparse.ArgumentTypeError(f"{text!r} should be numbers from 1 to 100, such as 1,5,10")
    return found


def once(*_: object) -> None:
    """End like after Ctrl-C. A second signal would leave something running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(argv: list[str] | None = None) -> int:
    given = arguments(sys.argv[1:] if argv is None else argv)
    path = given.out or RESULTS / f"{machine.name(machine.describe(), engine.find().kind)}.json"
    cells = matrix.plan(given.learners, dies=not given.no_death, compare=given.compare)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, once)
    try:
        found = run(cells, given.steps, 60 * given.minutes, path)
    except KeyboardInterrupt:
        print(
            f"\nbench: stopped; nothing is left running. What was measured so far is in {path}",
            file=sys.stderr,
        )
        return 130
    except CourseError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(
        f"The results are in {path}\nUpdate the tables:  python -m bench.tables && python -m authoring docs"
    )
    return int(any(sizing.bad(one.cell.dies, one.figures) for one in found))


if __name__ == "__main__":
    sys.exit(main())
