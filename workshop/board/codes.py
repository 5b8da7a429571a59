"""The codes of a board, made once and kept beside its data: for the room, for the instructor, and for cookies.

codes(folder).room      # "k7p2-m9xq"
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from course import files
from course.errors import CourseError

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for each other: no i, l, o, 0 or 1."""


@dataclass(frozen=True)
class Codes:
    """`room` is read aloud and typed; `token` opens the instructor's page; `secret` signs its cookie."""

    room: str
    token: str
    secret: str


def codes(folder: Path) -> Codes:
    """The codes of the board with this folder. They are made if there are none. CourseError if the file is damaged."""
    path = folder / "codes.json"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            files.write_private(path, json.dumps(asdict(_fresh()), indent=1) + "\n")
        return Codes(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise CourseError(
            f"{path} is damaged. Without it, nobody can join.\nMake new codes, and let everybody join again:  rm {path}"
        ) from error
    except OSError as error:
        raise CourseError(
            f"the board cannot use its folder {folder}: {error.strerror or error}.\n"
            "Use another one:  make board ARGS='--data /another/folder'"
        ) from error


def _fresh() -> Codes:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return Codes(f"{letters[:4]}-{letters[4:]}", secrets.token_urlsafe(16), secrets.token_urlsafe(32))
