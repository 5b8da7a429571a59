"""The embedded model's adapter from the base, all its stages:  make adapter

Does: what stages.toml lists, in order: a stage trains from what the one before made, with the generator as it was at the
stage's commit, which is taken out of git. A stage may also be the mean of what some before it made. The same command goes
on where it was left. Does not: measure the adapter, or put it in the place of the one in course/data.

A stage ends with the same bytes only on a machine like the one it was made on: a GPU and a CPU add in another order.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course import ROOT
from training.adapters import mean

LIST, OUT = ROOT / "training" / "stages.toml", ROOT / "build" / "stages"
SOURCES = "course", "training"


@dataclass(frozen=True)
class Stage:
    """A training. `took`: where it was made, and how long that was; `kept`: its adapter in git, as COMMIT:PATH, if it is
    there."""

    commit: str
    workers: int
    arguments: str
    took: str
    kept: str = ""

    def begins_with(self, number: int) -> list[int]:
        """The stages whose adapters it needs, when it is the one of this number."""
        return [number - 1] if number > 1 else []


@dataclass(frozen=True)
class Mean:
    """What other stages made, put together. `shares`: of each, by its number."""

    shares: dict[str, float]
    kept: str = ""

    def begins_with(self, number: int) -> list[int]:
        return [int(of) for of in self.shares]


def stages(path: Path = LIST) -> list[Stage | Mean]:
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["stage"]
    return [Mean(**one) if "shares" in one else Stage(**one) for one in listed]


def torchrun(workers: int) -> list[str]:
    """What starts a training whose steps so many processes share."""
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        str(workers),
        "-m",
        "training.train",
    ]


def git(root: Path, *arguments: str) -> bytes:
    """What git writes. A clone without that commit, or no clone, or no git, ends with what to do."""
    if not shutil.which("git"):
        raise SystemExit("stages: git is missing. Install it:  sudo apt-get install git")
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True)
    if done.returncode:
        raise SystemExit(
            f"stages: git {' '.join(arguments)} gave: {done.stderr.decode().strip()}\n"
            "Expected: a clone with the whole history. Get it:  git fetch --unshallow"
        )
    return done.stdout


def sources(stage: Stage, out: Path, root: Path) -> Path:
    """A folder with what the stage trained with."""
    folder = out / stage.commit[:7]
    packed = git(root, "archive", "--format=zip", stage.commit, *SOURCES)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    return folder


def adapter(out: Path, number: int) -> Path:
    """Where what the stage of this number made is."""
    return out / f"{number}.gguf"


def kept(stage: Stage | Mean, number: int, out: Path, root: Path) -> None:
    """What the stage made, out of git."""
    if not stage.kept:
        raise SystemExit(
            f"stages: the adapter of stage {number} is not kept in git. Begin with it:  --from {number}"
        )
    adapter(out, number).write_bytes(git(root, "show", stage.kept))


def train(stage: Stage, number: int, out: Path, root: Path, launch) -> None:
    print(f"── stage {number}: {stage.arguments}   (took {stage.took})", flush=True)
    start = [f"--resume={adapter(out, of)}" for of in stage.begins_with(number)]
    command = [*launch(stage.workers), *stage.arguments.split(), *start, f"--out={adapter(out, number)}"]
    if subprocess.run(command, cwd=sources(stage, out, root)).returncode:
        raise SystemExit("stages: that stage stopped, see above. The same command goes on:  make adapter")


def run(
    made: Sequence[Stage | Mean], first: int = 1, out: Path = OUT, root: Path = ROOT, launch=torchrun
) -> Path:
    """Makes the stages from the one of this number on, and returns the last one's adapter. What they start from and do
    not make is taken out of git. `launch`: workers → what starts `training.train`; that goes on where it was left, so
    that a complete stage takes seconds.
    """
    out.mkdir(parents=True, exist_ok=True)
    todo = {number: stage for number, stage in enumerate(made, 1) if number >= first}
    for number in sorted({of for n, stage in todo.items() for of in stage.begins_with(n)} - set(todo)):
        kept(made[number - 1], number, out, root)
    for number, stage in todo.items():
        if isinstance(stage, Mean):
            mean([(adapter(out, int(of)), share) for of, share in stage.shares.items()], adapter(out, number))
        else:
            train(stage, number, out, root, launch)
    return adapter(out, len(made))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    listed = stages()
    numbers = range(1, len(listed) + 1)
    parser.add_argument(
        "--from", dest="first", type=int, default=1, choices=numbers, help="stage; default: from the base"
    )
    made = run(listed, parser.parse_args().first)
    print(f'Made {made}. Measure it:  make eval ARGS="--adapter {made.relative_to(ROOT)} --write"')


if __name__ == "__main__":
    main()
