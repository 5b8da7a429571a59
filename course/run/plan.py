"""What to run: notebooks × profiles × servers make jobs, and a shard is every n-th of them.

`found` looks for the notebooks; everything else is pure. The same files and options always give the same jobs in the same
order, so that several machines can each take a shard without talking to each other.

    books = found(["lessons", "extra/**/*.ipynb"], Path.cwd())
    mine = shard(jobs(books, ["embedded"], [Address("http://gpu:8080")], settings), 2, 5)
"""

import glob
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from course.addresses import masked
from course.errors import CourseError
from course.run.notebook import CELL_SECONDS

NOT_LESSONS = {"node_modules", "site-packages", "__pycache__"}
"""Folders in which nobody keeps lessons. Hidden ones (.ipynb_checkpoints, .venv) are left out too."""
EXECUTED, RESULT = "executed.ipynb", "result.json"
"""What results.py writes side by side. Such a notebook is the result of a run, not a lesson."""
LONGEST_NAME = 80


class WrongUse(CourseError):
    """What was asked for makes no sense; the command exits with status 2."""


@dataclass(frozen=True)
class Book:
    """A notebook: the name that reports use, where it is, and the SHA-256 of its bytes."""

    name: str
    path: str
    digest: str


@dataclass(frozen=True)
class Address:
    """A server: what the user named (None if it was started for the run), and where it is now."""

    given: str | None
    now: str | None = None

    @property
    def url(self) -> str | None:
        return self.now or self.given


@dataclass(frozen=True)
class Settings:
    """What is the same for all jobs. `kernel` is a kernel's name, `python` the path of an interpreter with ipykernel."""

    cell_seconds: float = CELL_SECONDS
    kernel: str | None = None
    python: str | None = None


@dataclass(frozen=True)
class Job:
    """One notebook with one profile on one server. Without a server it runs as it is, and nothing is recorded."""

    book: Book
    profile: str | None
    server: Address
    settings: Settings

    @property
    def id(self) -> str:
        """Sixteen hex digits that change when the result could: with the notebook, its profile, server or settings."""
        parts = [self.book.name, self.book.digest, self.profile, self.shown_server, asdict(self.settings)]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def shown_server(self) -> str | None:
        """The server's address without a password."""
        return masked(self.server.given) if self.server.given else None

    @property
    def variant(self) -> str:
        """Profile and server as one text, empty if there are none."""
        return " on ".join(part for part in (self.profile, self.shown_server) if part)

    @property
    def title(self) -> str:
        return f"{self.book.name} ({self.variant})" if self.variant else self.book.name

    @property
    def folder(self) -> str:
        """A name for its results: readable, and different for each job."""
        server = re.sub(r"^\w+://", "", self.shown_server or "")
        text = "-".join(filter(None, [self.book.name.removesuffix(".ipynb"), self.profile, server]))
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', text)[:LONGEST_NAME].strip('-.')}-{self.id[:8]}"

    def record(self) -> dict[str, Any]:
        """For result.json: what identifies it, without a password."""
        return {
            "id": self.id,
            "notebook": self.book.name,
            "sha256": self.book.digest,
            "profile": self.profile,
            "server": self.shown_server,
            **asdict(self.settings),
        }


def jobs(
    books: Sequence[Book], profiles: Sequence[str | None], servers: Sequence[Address], settings: Settings
) -> list[Job]:
    """Every notebook with every profile on every server, sorted. An empty list of either means one without."""
    return [
        Job(book, profile, server, settings)
        for book in sorted(books, key=lambda book: book.name)
        for profile in dict.fromkeys(profiles or [None])
        for server in dict.fromkeys(servers or [Address(None)])
    ]


def shard(all_jobs: Sequence[Job], number: int, of: int) -> list[Job]:
    """Shard `number` (from 1) `of` so many: every job is in exactly one, and they differ by one job at most."""
    return list(all_jobs[number - 1 :: of])


def parse_shard(text: str) -> tuple[int, int]:
    """`2/5` as (2, 5). WrongUse for anything else."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise WrongUse(f"--shard {text} is not understood.\nThe second of five shards is:  --shard 2/5")
    return int(found[1]), int(found[2])


def found(patterns: Sequence[str], base: Path, without: Path | None = None) -> list[Book]:
    """The notebooks that these files, folders and globs (with `**`) name. WrongUse if one of them names none.

    Below a folder, all .ipynb files count, except those in hidden folders and in NOT_LESSONS, and results of runs; the same
    goes for what a glob's wildcards match. Nothing below `without` (where results go) counts. Names are relative to `base`,
    or to the deepest folder that holds all of them if one is elsewhere.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        matches = [path for path in _named(pattern, base) if not (without and _below(path, without))]
        if not matches:
            raise WrongUse(
                f"no notebook matches {pattern}.\nName notebooks, folders or quoted globs:  "
                "course run lessons 'extra/**/*.ipynb'"
            )
        paths |= dict.fromkeys(matches)
    root = base.resolve()
    if not all(_below(path, root) for path in paths):
        root = Path(os.path.commonpath([path.parent for path in paths]))
    return [Book(path.relative_to(root).as_posix(), str(path), _digest(path)) for path in paths]


def _named(pattern: str, base: Path) -> list[Path]:
    """Resolved paths: a file as it is, a folder's notebooks, or what a glob matches."""
    named = Path(pattern).expanduser()
    start = base / named
    if start.is_file():
        return [start.resolve()]
    if start.is_dir():
        return sorted(p.resolve() for p in start.rglob("*.ipynb") if p.is_file() and _lesson(p, start))
    fixed = Path(*takewhile(lambda part: not glob.has_magic(part), named.parts))
    start = base / fixed
    matched = glob.glob(str(named.relative_to(fixed)), root_dir=start, recursive=True)
    hits = [start / name for name in matched if _lesson(start / name, start)]
    inside = [path for hit in hits if hit.is_dir() for path in _named(str(hit), base)]
    return sorted({p.resolve() for p in hits if p.suffix == ".ipynb" and p.is_file()} | set(inside))


def _lesson(path: Path, start: Path) -> bool:
    """Whether this may be a lesson, judged by its path below `start`, or a folder of lessons."""
    parts = path.relative_to(start).parts
    if any(part.startswith(".") or part in NOT_LESSONS for part in parts):
        return False
    return path.name != EXECUTED or not path.with_name(RESULT).exists()


def _below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder.resolve())


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WrongUse(
            f"cannot read {path}: {error.strerror or error}.\nLook at its permissions:  ls -l {path}"
        ) from error
