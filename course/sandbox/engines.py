"""Which engine docker talks to, and which Unix sockets may be given to the agent.

A container runs where the engine is, and the engine gets its question and $KEY. Whoever can talk to an engine's socket can
start containers as root.

    elsewhere("ssh://ada@gpu.example")      # "gpu.example"
    mountable("/run/user/1000/llama.sock")
"""

import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from course.errors import CourseError

LOOPBACK = ("127.0.0.1", "localhost", "::1", "0.0.0.0")
ENGINE = re.compile(r"docker|podman|containerd|crio|buildkit|lxd|incus", re.IGNORECASE)
"""Names of programs that start containers, in the names of their sockets."""
SYNTAX = re.compile(r'[,"\x00-\x1f\x7f]')
"""What docker may read as part of a mount's syntax, which is comma-separated with quotes."""
OWN = 'Let the course start a server on one:  env -u SERVER course sandbox run "…"'


def address() -> str:
    """The address of the engine that docker would talk to: DOCKER_HOST's, the context's, or else the default one's.

    Contacts no engine. "" if docker does not say, because it is too old for contexts or the context does not exist.
    """
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def sockets() -> list[Path]:
    """The Unix sockets of the engines that the environment and docker's context name. Contacts no engine."""
    named = [os.environ.get(name, "") for name in ("DOCKER_HOST", "CONTAINER_HOST")]
    if shutil.which("docker"):
        named.append(address())
    return [Path(at.removeprefix("unix://")) for at in named if at.startswith("unix:///")]


def elsewhere(address: str) -> str:
    """The name of the computer that the engine at this address is on; "" if it is this one."""
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "ssh", "http", "https") or parts.hostname in LOOPBACK:
        return ""
    return parts.hostname or address


def mountable(path: str) -> None:
    """CourseError if the path cannot be that of a llama-server's socket, or would be more than a path to docker."""
    pure = PurePosixPath(path)
    if not pure.is_absolute() or pure.suffix != ".sock" or SYNTAX.search(path):
        why = "It should be an absolute path that ends in .sock and has no commas, quotes or control characters."
    elif ENGINE.search(pure.name):
        why = "By its name it is a container engine's: with it, the agent's code could start containers as root."
    else:
        return
    raise CourseError(f"{path} is not the socket of a llama-server. {why}\n{OWN}")


def check_socket(path: str) -> None:
    """The same for the file that the path leads to, which must be a socket if it exists, and not that of an engine."""
    mountable(path)
    real = Path(path).resolve()
    mountable(str(real))
    if real.exists() and not real.is_socket():
        what = "a folder" if real.is_dir() else "an ordinary file"
        raise CourseError(f"{path} is not the socket of a llama-server, but {what}.\n{OWN}")
    if any(real == engine.resolve() or _same(real, engine) for engine in sockets()):
        raise CourseError(
            f"{path} is not the socket of a llama-server, but the one of a container engine (see DOCKER_HOST and docker "
            f"context ls): with it, the agent's code could start containers as root.\n{OWN}"
        )


def _same(one: Path, other: Path) -> bool:
    """Whether both are names of one file: a hard link has another path."""
    return one.exists() and other.exists() and one.samefile(other)
