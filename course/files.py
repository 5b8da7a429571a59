"""Where the course keeps its files, and how it writes one so that nobody ever reads half of it.

    with usable(cache_dir("logs")) as folder:
        write(folder / "note.json", "{}")

`cache_dir` and `usable` turn what the operating system refuses (a read-only folder, a full disk) into a CourseError that
names the folder and the way out. `write` and `replacing` leave errors as they are.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from course.errors import CourseError


def cache_dir(name: str = "", mode: int = 0o777) -> Path:
    """The folder for built models, logs, sockets and progress, or the folder `name` in it; made if missing.

    $COURSE_CACHE, else the user's cache folder. `mode` is for a folder that has to be made.
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
    """The folder; an OSError in the block becomes a CourseError that says how to use another one."""
    try:
        yield folder
    except OSError as error:
        raise CourseError(
            f"cannot write to {folder} ({error.strerror or error}). The course keeps its model and logs there.\n"
            "Use another folder:  COURSE_CACHE=/another/folder course …"
        ) from error


def write(path: Path, text: str) -> None:
    """Write the text as UTF-8 with `\\n` line ends, in one step."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write beside `path`. It takes the place of `path` when the block ends, and is removed if it raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        part.touch()  # a folder that cannot be written fails here, before minutes of work
        yield part
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
