"""Many agent runs in a row on one server, in one process:  python -m bench.soak [--runs 300] [--minutes 90]

Asks the same few questions in turn and notes after each run what grows: memory and open files of this process and of the
server, the tape, and the seconds. Then compares the last tenth of the runs with the first tenth after a warm-up, and each
answer with the first answer to the same question (decoding is greedy, so any difference is a drift). Prints a table;
exits with status 1 if something grew beyond its limit or an answer changed. Ends by itself after `--minutes`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from course.agent import LEOPARD, recorded_run
from course.server import Server
from course.tape import Tape

QUESTIONS = (
    LEOPARD,
    "How many seconds would a cheetah at full speed need to cross the Golden Gate Bridge?",
    "Which files are in this folder?",
)
WARM_UP = 100
"""Runs that are not compared: modules are imported, and the process's memory grows until about the 70th, then stays."""
LEAST = 60
"""Runs after the warm-up that can be compared."""
LIMITS = {
    "memory of this process": 1.10,
    "memory of the server": 1.10,
    "open files": 1.25,  # some 14 to 17, since a run's connections wait for the garbage collector
    "seconds a run": 1.25,
}
"""How many times the median of the beginning that of the end may be."""


@dataclass(frozen=True)
class Sample:
    """After one run: MiB of this process and of the server, open files of both, MiB of all tapes, and the run itself."""

    question: str
    answer: str
    seconds: float
    own: float
    server: float
    files: int
    tapes: float

    def figures(self) -> dict[str, float]:
        """The figures that must not grow, by the names in LIMITS."""
        return {
            "memory of this process": self.own,
            "memory of the server": self.server,
            "open files": self.files,
            "seconds a run": self.seconds,
        }


def runs(count: int, minutes: float, folder: Path) -> Iterator[Sample]:
    """A sample after each run, until there are `count` of them or the time is up."""
    ends, me, size = time.monotonic() + 60 * minutes, psutil.Process(), 0
    with Server("embedded", url=False, quiet=True) as server:
        other = psutil.Process(server.pid)
        for number in range(count):
            if time.monotonic() > ends:
                return
            began = time.monotonic()
            tape = Tape(folder / f"{number}.tape.jsonl")
            done = recorded_run(server, QUESTIONS[number % len(QUESTIONS)], tape, max_steps=4)
            answer = repr(done.error) if done.error else str(done.answer)
            size += tape.path.stat().st_size
            yield Sample(
                done.question,
                answer,
                time.monotonic() - began,
                me.memory_info().rss / 2**20,
                other.memory_info().rss / 2**20,
                me.num_fds() + other.num_fds() if os.name == "posix" else me.num_handles(),
                size / 2**20,
            )


def grown(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """The medians at the beginning (after the warm-up) and at the end, by name. The same questions are in both parts."""
    rest = samples[WARM_UP:]
    part = max(len(QUESTIONS), len(rest) // 10 // len(QUESTIONS) * len(QUESTIONS))
    first, last = rest[:part], rest[-part:]
    return {
        name: (
            statistics.median(sample.figures()[name] for sample in first),
            statistics.median(sample.figures()[name] for sample in last),
        )
        for name in LIMITS
    }


def drifted(samples: Sequence[Sample]) -> list[tuple[int, str, str]]:
    """Number, first answer and own answer of each run that answered otherwise than the first run of its question."""
    first: dict[str, str] = {}
    return [
        (number, expected, sample.answer)
        for number, sample in enumerate(samples, start=1)
        if (expected := first.setdefault(sample.question, sample.answer)) != sample.answer
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=90)
    args = parser.parse_args()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        for sample in runs(args.runs, args.minutes, Path(folder)):
            samples.append(sample)
            if len(samples) % 10 == 0:
                print(
                    f"{len(samples):4d} runs, {sample.own:6.0f} MiB here, {sample.server:6.0f} MiB there, "
                    f"{sample.files:.0f} open files",
                    flush=True,
                )
    if len(samples) < WARM_UP + LEAST:
        print(
            f"{len(samples)} runs are too few to compare.\nGive it more time:  python -m bench.soak --minutes 90"
        )
        return 1
    failed = False
    print(f"{len(samples)} runs; the tapes have {samples[-1].tapes:.1f} MiB")
    for name, (before, after) in grown(samples).items():
        bad = after > before * LIMITS[name]
        failed = failed or bad
        print(f"{name:24} {before:8.1f} → {after:8.1f}  {'GREW' if bad else 'ok'}")
    changed = drifted(samples)
    print(f"answers that changed: {len(changed)}", *changed[:3], sep="\n")
    return 1 if failed or changed else 0


if __name__ == "__main__":
    sys.exit(main())
