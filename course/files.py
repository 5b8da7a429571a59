"""Where the course keeps its files, and how it writes them atomically.

    with usable(cache_dir("logs")) as folder:
        write(folder / "note.json", "{}")

`cache_dir` and `usable` turn errors of the operating system (a read-only folder, a full disk) into a CourseError that
names the folder and how to use another one. `write` and `replacing` let errors pass through.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from course.errors import CourseError


def cache_dir(name: str = "", mode: int = 0o777) -> Path:
    """The folder for built models, logs and sockets, or its subfolder `name`; created if missing.

    It is $COURSE_CACHE, or else the user's cache folder. `mode` applies if the folder has to be created.
    """
    chosen = os.environ.get("COURSE_CACHE")
    root = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("agents-on-the-wire")
    path = root / name
    with usable(root):
        root.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
    return path


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[Path]:
    """Yield the folder. An OSError in the block becomes a CourseError that says how to use another folder."""
    try:
        yield folder
    except OSError as error:
        raise CourseError(
            f"cannot write to {folder} ({error.strerror or error}). The course keeps its model and logs there.\n"
            "Use another folder:  COURSE_CACHE=/another/folder course …"
        ) from error


def write(path: Path, text: str) -> None:
    """Write the text atomically, as UTF-8 with `\\n` line endings."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file next to `path`. It replaces `path` when the block ends, and is removed if the block raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        part.touch()  # a read-only folder fails here, before minutes of work
        yield part
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
