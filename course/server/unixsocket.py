"""The Unix socket that a llama-server listens on instead of a port.

Picks a private path or checks the given one, removes a socket that a killed server left behind, and lets the container's
user connect. Never starts or talks to a server.

    path = prepare()          # …/sockets/1f0c9a.sock, in a folder that only this user can enter
"""

import errno
import os
import secrets
import socket
import stat
import tempfile
from pathlib import Path

from course import files
from course.errors import CourseError

LONGEST = 100
"""Bytes in a path. Linux allows 107, macOS 103."""
NEXT = "Let the course choose:  Server(socket=True)"


def prepare(path: str | Path | None = None) -> Path:
    """A path on which nothing is listening. Without `path`, a new one in a folder that only this user can enter."""
    if not hasattr(socket, "AF_UNIX"):
        raise CourseError(
            "Python has no Unix sockets on this system.\nUse a port instead:  course serve --port 8080"
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
        return "must end in .sock: that is how llama-server tells a socket from a host name"
    if len(os.fsencode(path)) > LONGEST:
        return f"has a path of {len(os.fsencode(path))} bytes; {LONGEST} is the most that works everywhere"
    if "," in str(path):
        return "has a comma in its path, and Docker and llama-server would cut the path there"
    if not path.parent.is_dir():
        return f"belongs in {path.parent}, but there is no such folder"
    if path.exists():
        if not stat.S_ISSOCK(path.stat().st_mode):
            return "exists but is not a socket, and will not be overwritten"
        if answers(path):
            return "is in use: a program is listening there"
    return None


def answers(path: str | Path) -> bool:
    """Whether something is listening. A killed server leaves its socket behind, but nothing answers there.

    A server whose queue is full is listening, too. On macOS, its clients are refused as if it were gone.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT)


def admit(path: str | Path) -> None:
    """Let every user connect, including the container's user 1000.

    Other users are kept out by the folder; a container gets the socket itself, without the folder.
    """
    os.chmod(path, 0o666)


def _private() -> Path:
    with files.usable(files.cache_dir("sockets", 0o700)) as folder:
        folder.chmod(0o700)
    path = folder.absolute() / f"{secrets.token_hex(4)}.sock"
    if len(os.fsencode(path)) > LONGEST or "," in str(path):
        path = Path(tempfile.mkdtemp(prefix="course-")) / path.name
    return path
