"""The servers that this course started, and which process uses a port.

Keeps one small file per running server in the cache, so that `course stop` finds servers that a killed notebook left
behind. Never ends a process unless both its pid and its start time match the record.

    for server in running():
        print(server)            # embedded at http://127.0.0.1:8080 (pid 4711)
"""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from course import files
from course.connections import STATES, endpoint
from course.server import processes
from course.server.connection import calls_itself_llama, socket_path

LAST_PORT = 65535
UNPRIVILEGED = 8080
"""A port from which on everybody may listen."""
ENOUGH = 2**16
"""Bytes of an answer that are read to tell a llama-server from another program."""
MOMENT = 2.0
"""Seconds in which they are read."""
LAB = "JupyterLab"
"""Takes the place of the profile's name for the JupyterLab of `course lab`."""


@dataclass(frozen=True)
class Running:
    """One server process. `owner` is the process that stops it: its notebook, or itself if it runs in the background."""

    pid: int
    created: float
    owner: int
    owner_created: float
    url: str
    profile: str
    command: list[str]
    log: str

    @property
    def orphan(self) -> bool:
        """Whether the owner is gone."""
        return self.owner != self.pid and processes.alive(self.owner, self.owner_created) is None

    def __str__(self) -> str:
        return f"{self.profile} at {self.url} (pid {self.pid}{', left behind by a killed program' if self.orphan else ''})"


def folder() -> Path:
    return files.cache_dir("servers")


def record(server: Running) -> Path:
    with files.usable(folder()) as place:
        path = place / f"{server.pid}.json"
        files.write_private(path, json.dumps(asdict(server)))
    return path


def forget(pid: int) -> None:
    with files.usable(folder()) as place:
        (place / f"{pid}.json").unlink(missing_ok=True)


def running() -> list[Running]:
    """Recorded servers that are still alive. Files of dead ones are removed on the way, unless they cannot be read."""
    found = []
    for path in sorted(folder().glob("*.json")):
        with suppress(OSError):  # another user's; or on a read-only disk a dead one's, which stays
            server = _parsed(path.read_bytes())
            process = processes.alive(server.pid, server.created) if server else None
            if server and process:
                if _is_ours(process):
                    found.append(server)
            else:
                path.unlink(missing_ok=True)
    return found


def _parsed(record: bytes) -> Running | None:
    """The server in a record; None if that is malformed."""
    try:
        server = Running(**json.loads(record))
    except (ValueError, TypeError, RecursionError):
        return None
    kinds = (int, float, int, float, str, str, list, str)
    fits = all(isinstance(value, kind) for value, kind in zip(vars(server).values(), kinds, strict=True))
    return server if fits and min(server.pid, server.owner) > 0 else None


def _is_ours(process: psutil.Process) -> bool:
    """Whether it runs as this user. The cache can be a folder that several users share."""
    with suppress(psutil.Error):
        return not processes.POSIX or process.uids().real == os.getuid()
    return False


def stoppable() -> list[Running]:
    """The running servers that `stop_all` ends.

    A JupyterLab and the model server of its `course lab` are spared while that program runs: it ends both itself, and
    the kernels of the lessons use the server.
    """
    found = running()
    labs = {server.owner for server in found if server.profile == LAB and not server.orphan}
    return [server for server in found if server.orphan or server.owner not in labs]


def stop_all() -> list[Running]:
    """End every server of `stoppable`. Returns the ones that were ended."""
    stopped = stoppable()
    for server in stopped:
        processes.end(server.pid, server.created)
        if path := socket_path(server.url):
            Path(path).unlink(missing_ok=True)
        forget(server.pid)
    return stopped


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing answers on the port and it can be bound."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe, suppress(OSError):
        probe.settimeout(1)
        if probe.connect_ex(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)) == 0:
            return False
    return _refusal(port, host) is None


def _refusal(port: int, host: str) -> OSError | None:
    """Why the port cannot be bound; None if it can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if processes.POSIX:  # a port in TIME_WAIT is free; on Windows the option would mean something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def free_port(host: str = "127.0.0.1") -> int:
    """Any free port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def next_free(port: int, host: str = "127.0.0.1") -> int:
    """This port, or the next one above it that is free."""
    return next((p for p in range(port, LAST_PORT + 1) if is_free(p, host)), 0) or free_port(host)


def holder(port: int) -> psutil.Process | None:
    """The process that listens on the port; None if the system does not tell, as for another user's process."""
    try:
        found = [(c.pid, c.status, c.laddr) for c in psutil.net_connections(kind="tcp")]
    except psutil.AccessDenied:  # macOS lists the connections of one's own processes only
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                found += [(process.pid, c.status, c.laddr) for c in process.net_connections(kind="tcp")]
    for pid, status, address in found:
        if pid and address and status == psutil.CONN_LISTEN and address.port == port:
            with suppress(psutil.Error):
                return psutil.Process(pid)
    return None


def foreign(port: int, tables: Path = Path("/proc/net")) -> bool:
    """Whether only other users' programs listen on the port, as far as the system tells: Linux does, others do not.

    `tables` has the kernel's lists of sockets, tcp and tcp6 (Documentation/networking/proc_net_tcp.rst).
    """
    users: set[int] = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError, ValueError, LookupError):
            for line in (tables / name).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if STATES.get(fields[3]) == "LISTEN" and endpoint(fields[1])[1] == port:
                    users.add(int(fields[7]))
    return bool(users) and os.getuid() not in users


def is_llama_server(url: str) -> bool:
    """Whether a llama-server answers there. Another program's answer may have no end, such as a camera's video."""
    until, body = time.monotonic() + MOMENT, b""
    asked: Any = {"headers": {"Accept-Encoding": "identity"}, "timeout": MOMENT, "trust_env": False}
    try:
        with httpx.stream("GET", f"{url}/v1/models", **asked) as answer:
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > ENOUGH or time.monotonic() > until:
                    break
    except httpx.HTTPError:
        return False
    named = {"server": answer.headers.get("server", "")}
    return calls_itself_llama(httpx.Response(200, headers=named, content=body))


def taken(port: int, host: str = "127.0.0.1") -> str:
    """The message for a port that cannot be used: why or by whom, and what to do."""
    if isinstance(_refusal(port, host), PermissionError):
        free = next_free(UNPRIVILEGED, host)
        return (
            f"you are not allowed to listen on port {port}.\nChoose another port:  course serve --port {free}"
        )
    process = holder(port)
    who = "another user's program"
    if process:
        with suppress(psutil.Error):
            who = f"{process.name()}, pid {process.pid}"
    elsewhere = f"choose another port:  course serve --port {next_free(min(port + 1, LAST_PORT), host)}"
    url = f"http://127.0.0.1:{port}"
    if is_llama_server(url):
        own = process and any(server.pid == process.pid for server in stoppable())
        stop = "stop it:  course stop" if own else "stop it where it was started"
        choices = f"Use it:  SERVER={url}  ·  {stop}  ·  {elsewhere}"
        return f"port {port} is in use by a llama-server ({who}).\n{choices}"
    return (
        f"port {port} is in use by another program ({who}), which is not a llama-server.\n"
        f"Stop it, or {elsewhere}"
    )
