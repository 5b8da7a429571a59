"""Where the course keeps its files, and how it writes them atomically.

    with usable(cache_dir("logs")) as folder:
        write(folder / "note.json", "{}")

`cache_dir`, `usable` and `output` turn errors of the operating system (a read-only folder, a full disk) into a CourseError
that names the folder or file and how to use another one. `write` and `replacing` let errors pass through.
"""

import contextlib
import errno
import os
import re
import secrets
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from course.errors import CourseError
from course.terminal import one_line

FULL = {errno.ENOSPC, errno.EDQUOT}
ABANDONED = 3600.0  # seconds after which a temporary file belongs to a program that was killed


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


def write_private(path: Path, text: str) -> None:
    """Write the text atomically to a file that only its user can read (mode 0600): it may hold what was said to a model.

    A link is followed, and what is not a file (/dev/stdout, a pipe) is written to directly.
    """
    data = text.encode("utf-8", "backslashreplace")  # half of a surrogate pair has no bytes
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    with replacing(path.resolve(), mode=0o600) as part:
        part.write_bytes(data)


@contextlib.contextmanager
def output(path: Path, again: str) -> Iterator[None]:
    """For a block that writes the file that somebody named: an OSError in it becomes a CourseError.

    `again` is the command that names another file.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not (folder := path.resolve().parent).is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no folder {one_line(str(folder))}")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        yield
    except OSError as error:
        why = error.strerror or error
        raise CourseError(
            f"cannot write {one_line(str(path))}: {why}.\nWrite to another file:  {again}"
        ) from error


def refusal(error: OSError) -> str | None:
    """What to say about an error of the operating system that nobody expected. None if it does not name a file, or names
    one of the course's own: then it is a bug.
    """
    name = error.filename
    if not isinstance(name, str | os.PathLike) or Path(__file__).parent in Path(name).absolute().parents:
        return None
    shown = one_line(str(name))
    look = "df -h" if error.errno in FULL else f"ls -ld {shlex.quote(shown)}"
    why = "Make room on its disk" if error.errno in FULL else "Look at the file and its permissions"
    return f"cannot use {shown}: {error.strerror or error}.\n{why}:  {look}"


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Yield a temporary file next to `path`. It replaces `path` when the block ends, and is removed if the block raises.

    It has `mode`, without the bits of the umask, from the start: whoever opened it before could read what is written later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        part.touch(mode, exist_ok=False)  # a read-only folder fails here, before minutes of work
        yield part
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _remove_abandoned(path: Path) -> None:
    """Remove the temporary files that `replacing(path)` left behind when a program was killed.

    They are known by their age: a program that runs on another computer or in a container may share the folder.
    """
    ours = re.compile(rf"\.{re.escape(path.name)}\.\d+-[0-9a-f]{{6}}\.part")
    for part in path.parent.glob(".*.part"):
        with contextlib.suppress(OSError):
            if ours.fullmatch(part.name) and time.time() - part.stat().st_mtime > ABANDONED:
                part.unlink()
