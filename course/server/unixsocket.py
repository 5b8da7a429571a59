"""Where a llama-server listens when it listens on a Unix socket.

Does: names a private place, says what is wrong with a place that was given, removes what a killed server left,
lets the container's user in. Does not: start or talk to anything.

    path = prepare()          # …/sockets/1f0c9a.sock, in a folder that only this user can enter
"""

import os
import secrets
import socket
import stat
import tempfile
from pathlib import Path

from course.errors import CourseError
from course.model.embedded import cache_dir

LONGEST = 100
"""Bytes in a path. Linux takes 107, macOS 103."""
NEXT = "Let the course choose:  Server(socket=True)"


def prepare(path: str | Path | None = None) -> Path:
    """A place where nobody listens; None: a private one of our own."""
    if not hasattr(socket, "AF_UNIX"):
        raise CourseError(
            "this system's Python knows no Unix sockets. A port works everywhere:  course serve --port 8080"
        )
    if path is None:
        return _private()
    path = Path(path).expanduser().absolute()
    if wrong := _wrong(path):
        raise CourseError(f"the socket {path} {wrong}.\n{NEXT}")
    path.unlink(missing_ok=True)
    return path


def _wrong(path: Path) -> str | None:
    if path.suffix != ".sock":
        return "must end in .sock: that is how a llama-server tells it from the name of a computer"
    if len(os.fsencode(path)) > LONGEST:
        return f"has a path of {len(os.fsencode(path))} bytes, {LONGEST} is what all systems take"
    if "," in str(path):
        return "has a comma in its path, which Docker and llama-server would read as the end of it"
    if not path.parent.is_dir():
        return f"would be in {path.parent}, which is no folder"
    if path.exists():
        if not stat.S_ISSOCK(path.stat().st_mode):
            return "is a file of another kind, which is not overwritten"
        if answers(path):
            return "is in use: a program listens there"
    return None


def answers(path: str | Path) -> bool:
    """Whether somebody listens. A killed server leaves its socket behind, and nobody answers there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(path)) == 0


def admit(path: str | Path) -> None:
    """Let every user connect, the container's user 1000 too.

    The folder keeps others out: a container is given the socket itself, without the folder.
    """
    os.chmod(path, 0o666)


def _private() -> Path:
    folder = cache_dir() / "sockets"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    path = folder.absolute() / f"{secrets.token_hex(4)}.sock"
    if len(os.fsencode(path)) > LONGEST or "," in str(path):
        path = Path(tempfile.mkdtemp(prefix="course-")) / path.name
    return path
