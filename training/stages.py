"""Make the embedded model's adapter from the base, stage by stage:  make adapter

Follows stages.toml. Each stage trains from the adapter of the stage before it, with the sources of `training` and
`course` as they were at the stage's commit, which come out of git; a stage may also be the mean of earlier ones.
Needs a clone with its whole history and checks that first. Run the same command again to resume. It never measures
the adapter and never replaces the one in course/data.

A stage gives the same bytes only on a machine like the one it was made on, since a GPU and a CPU add in different
orders.

    python -m training.stages --check     # only the history; needs no packages
    python -m training.stages             # from the base: more than a day on 2 cores
    python -m training.stages --from 2    # from git's copy of stage 1: under two hours
"""

import argparse
import io
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course import ROOT

LIST, OUT = ROOT / "training" / "stages.toml", ROOT / "build" / "stages"
SOURCES = "course", "training"


@dataclass(frozen=True)
class Stage:
    """One training run.

    `arguments` are those of `training.train` at `commit`, and `init_option` is the one by which it takes the adapter to
    start from. `took` says where the stage was made and how long that was. `kept` is its adapter in git as COMMIT:PATH,
    "" where git does not have it.
    """

    commit: str
    workers: int
    arguments: str
    took: str
    kept: str = ""
    init_option: str = "--init-from"

    def begins_with(self, number: int) -> list[int]:
        """The numbers of the stages whose adapters it needs, if its own number is this."""
        return [number - 1] if number > 1 else []


@dataclass(frozen=True)
class Mean:
    """The weighted mean of earlier stages: `shares` has a weight for each stage's number."""

    shares: dict[str, float]
    kept: str = ""

    def begins_with(self, number: int) -> list[int]:
        return [int(of) for of in self.shares]


Stages = Sequence[Stage | Mean]
Launch = Callable[[int], list[str]]
"""Number of processes → the command that starts `training.train` in them."""


def stages(path: Path = LIST) -> list[Stage | Mean]:
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["stage"]
    return [Mean(**one) if "shares" in one else Stage(**one) for one in listed]


def torchrun(workers: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        f"--nproc-per-node={workers}",
        "-m",
        "training.train",
    ]


def require(root: Path, objects: Sequence[str]) -> None:
    """Exit unless git has all of these, each a COMMIT or COMMIT:PATH; the message says how to get the history."""
    if not shutil.which("git"):
        raise SystemExit("stages: git is missing. Install it:  sudo apt-get install git")
    missing = [one for one in objects if _git(root, "cat-file", "-e", one).returncode]
    if not missing:
        return
    shallow = _git(root, "rev-parse", "--is-shallow-repository")
    if shallow.returncode:
        found, command = f"{root} is not a git repository", "git clone ADDRESS, without --depth"
    elif shallow.stdout.strip() == b"true":
        found, command = "this clone is shallow: it has no history", "git fetch --unshallow"
    else:
        found, command = "this clone does not have all of the history", "git fetch origin main"
    raise SystemExit(
        f"stages: {found}. Missing: {', '.join(missing)}.\n"
        f"Each stage trains with the sources of an older commit. Get them:  {command}"
    )


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)


def from_git(root: Path, *arguments: str) -> bytes:
    """What a git command writes. `require` was asked before, so that an error here is a fault of the repository."""
    done = _git(root, *arguments)
    if done.returncode:
        raise SystemExit(
            f"stages: git {' '.join(arguments)} failed: {done.stderr.decode().strip()}\n"
            "Check the repository:  git fsck"
        )
    return done.stdout


def sources(stage: Stage, out: Path, root: Path) -> Path:
    """A folder with the sources of the stage's commit."""
    folder = out / stage.commit[:7]
    packed = from_git(root, "archive", "--format=zip", stage.commit, *SOURCES)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    return folder


def adapter(out: Path, number: int) -> Path:
    """Where the adapter of the stage with this number is written."""
    return out / f"{number}.gguf"


def kept(made: Stages, number: int) -> str:
    """The adapter of this stage in git, as COMMIT:PATH."""
    stage = made[number - 1]
    if not stage.kept:
        raise SystemExit(
            f"stages: git does not have the adapter of stage {number}. Make it, too:  --from {number}"
        )
    return stage.kept


def train(stage: Stage, number: int, out: Path, root: Path, launch: Launch) -> None:
    print(f"── stage {number}: {stage.arguments}   (took {stage.took})", flush=True)
    start = [f"{stage.init_option}={adapter(out, of)}" for of in stage.begins_with(number)]
    command = [*launch(stage.workers), *stage.arguments.split(), *start, f"--out={adapter(out, number)}"]
    if subprocess.run(command, cwd=sources(stage, out, root)).returncode:
        raise SystemExit(f"stages: stage {number} stopped; see above. Run it again to resume:  make adapter")


def plan(made: Stages, first: int, root: Path) -> tuple[dict[int, Stage | Mean], dict[int, str]]:
    """The stages to make, and where git has the adapters that they start from, both by number.

    SystemExit with the next command if git lacks any of it.
    """
    todo = {number: stage for number, stage in enumerate(made, 1) if number >= first}
    given = sorted({of for number, stage in todo.items() for of in stage.begins_with(number)} - set(todo))
    adapters = {number: kept(made, number) for number in given}
    require(root, [*(one.commit for one in todo.values() if isinstance(one, Stage)), *adapters.values()])
    return todo, adapters


def run(made: Stages, first: int = 1, out: Path = OUT, root: Path = ROOT, launch: Launch = torchrun) -> Path:
    """Make the stages from number `first` on, and return the adapter of the last one.

    Adapters of earlier stages that these start from come out of git. A stage that is complete takes seconds, since
    `training.train` resumes. Writes nothing if git lacks something: see `plan`.
    """
    todo, adapters = plan(made, first, root)
    out.mkdir(parents=True, exist_ok=True)
    for number, where in adapters.items():
        adapter(out, number).write_bytes(from_git(root, "show", where))
    for number, stage in todo.items():
        if isinstance(stage, Mean):
            from training.adapters import mean  # needs packages, and `--check` runs before they are installed

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
        "--from",
        dest="first",
        type=int,
        default=1,
        choices=numbers,
        help="first stage to make (default: 1, which starts from the base)",
    )
    parser.add_argument("--check", action="store_true", help="only check that git has the history")
    args = parser.parse_args()
    if args.check:
        plan(listed, args.first, ROOT)
        return
    made = run(listed, args.first)
    print(f'Made {made}. Measure it:  make eval ARGS="--adapter {made.relative_to(ROOT)} --write"')


if __name__ == "__main__":
    main()
