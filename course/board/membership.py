"""Whether this learner has joined a board, and where what is to be sent waits: files beside the recorded progress.

    board/joined.json    the board, the name, the key that the board gave; only its user can read it
    board/outbox/        one file for each event that the board has not taken yet
    board/sent.jsonl     what the board has taken, newest last
    board/dropped.txt    how many events gave way to newer ones, a number for each time
    board/left.json      a board that could not be told that its learner left

They belong to the file of progress: a test or an author's build, which record elsewhere, never send anything.

    if (member := read()) is not None: …
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from course import files, progress


@dataclass(frozen=True)
class Member:
    """What was agreed on joining: `base` is the board's address, `room` its code, `name` what the board shows.

    `key` tells the board who sends; `since` and `until` are ISO 8601 in UTC. After `until`, nothing is sent.
    """

    base: str
    room: str
    name: str
    key: str
    since: str
    until: str

    @property
    def url(self) -> str:
        """The address that was joined."""
        return f"{self.base}/room/{self.room}"

    @property
    def over(self) -> bool:
        return datetime.fromisoformat(self.until) <= datetime.now(UTC)


def folder() -> Path:
    """Where the files are."""
    return progress.path().parent / "board"


def joined() -> bool:
    """Whether there is a membership at all; one look at the disk."""
    return os.path.exists(folder() / "joined.json")


def read(name: str = "joined.json") -> Member | None:
    """The membership; None if there is none, or its file is damaged."""
    try:
        member = Member(**json.loads((folder() / name).read_bytes()))
        datetime.fromisoformat(member.until).astimezone(UTC)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return member if all(isinstance(value, str) for value in asdict(member).values()) else None


def write(member: Member, name: str = "joined.json") -> None:
    """Save the membership. OSError if that fails."""
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write_private(folder() / name, json.dumps(asdict(member), indent=1) + "\n")


def forget(*names: str) -> None:
    """Remove these files, if they are there."""
    for name in names or ("joined.json",):
        with suppress(FileNotFoundError):
            (folder() / name).unlink()


def sent() -> Iterator[dict[str, object]]:
    """What the board has taken, oldest first; the file holds the newest. What two kernels sent counts once."""
    try:
        lines = (folder() / "sent.jsonl").read_bytes().splitlines()
    except OSError:
        return
    for line in dict.fromkeys(lines):
        with suppress(ValueError):
            if isinstance(event := json.loads(line), dict):
                yield event
