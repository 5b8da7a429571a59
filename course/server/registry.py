"""The servers that this course started, and who else is on a port.

Does: keeps one small file per running server in the cache, so that `course stop` finds those whose notebook
was killed; ends a process with its group; names the program behind a port. Does not: start anything, or end a
process unless both its pid and its start time are those recorded: a system uses its pids again.
"""

import json
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from course.model.embedded import cache_dir

POSIX = os.name == "posix"


@dataclass(frozen=True)
class Running:
    """One server process. `owner` is the process that started it; `orphan` says that the owner is gone."""

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
        return alive(self.owner, self.owner_created) is None

    def __str__(self) -> str:
        return f"{self.profile} at {self.url} (pid {self.pid}{', its owner is gone' if self.orphan else ''})"


def folder() -> Path:
    path = cache_dir() / "servers"
    path.mkdir(parents=True, exist_ok=True)
    return path


def record(server: Running) -> Path:
    path = folder() / f"{server.pid}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(server)), encoding="utf-8")
    part.replace(path)
    return path


def running() -> list[Running]:
    """Recorded servers that are still alive. Files of dead ones are removed on the way."""
    found = []
    for path in sorted(folder().glob("*.json")):
        try:
            server = Running(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            server = None
        if server and alive(server.pid, server.created):
            found.append(server)
        else:
            path.unlink(missing_ok=True)
    return found


def stop_all() -> list[Running]:
    """End every server that the course started and that still runs; returns those."""
    stopped = running()
    for server in stopped:
        end(server.pid, server.created)
        (folder() / f"{server.pid}.json").unlink(missing_ok=True)
    return stopped


def created(pid: int) -> float:
    return psutil.Process(pid).create_time()


def alive(pid: int, created: float) -> psutil.Process | None:
    """The process, if it is the one that was started then and has not ended (a zombie has)."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def end(pid: int, created: float, patience: float = 5) -> None:
    """Terminate the process and its group, wait, then kill what is left."""
    process = alive(pid, created)
    if process is None:
        return
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    born = {member.pid: member.create_time() for member in family if member.is_running()}
    for forcibly in (False, True):
        _signal(family, born, forcibly)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not any(alive(member, when) for member, when in born.items()):
                return
            time.sleep(0.02)


def _signal(family: list[psutil.Process], born: dict[int, float], forcibly: bool) -> None:
    leader = family[0].pid
    with suppress(OSError):
        if POSIX and os.getpgid(leader) == leader:
            os.killpg(leader, signal.SIGKILL if forcibly else signal.SIGTERM)
    for process in family:
        with suppress(psutil.Error):
            if alive(process.pid, born.get(process.pid, 0)):
                process.kill() if forcibly else process.terminate()


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Nobody answers on the port, and it can be bound."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0:
            return False
    with socket.socket() as probe:
        if POSIX:  # a port in TIME_WAIT is free; on Windows the option would mean something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def holder(port: int) -> psutil.Process | None:
    """The process that listens on the port; None if the system does not tell (another user's)."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS tells about one's own processes only
        connections = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                connections += [c._replace(pid=process.pid) for c in process.net_connections(kind="tcp")]
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            with suppress(psutil.Error):
                return psutil.Process(connection.pid)
    return None


def is_llama_server(url: str) -> bool:
    """Whether what answers there calls itself llama.cpp."""
    try:
        answer = httpx.get(f"{url}/health", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.headers.get("server", "") == "llama.cpp"


def taken(port: int, host: str = "127.0.0.1") -> str:
    """The message for a port that is in use: by whom, and what to do."""
    process = holder(port)
    who = "another user's program"
    if process:
        with suppress(psutil.Error):
            who = f"{process.name()}, pid {process.pid}"
    other = port + 1
    while not is_free(other, host):
        other += 1
    elsewhere = f"choose another port:  course serve --port {other}"
    url = f"http://127.0.0.1:{port}"
    if is_llama_server(url):
        own = process and any(server.pid == process.pid for server in running())
        stop = "stop it:  course stop" if own else "stop it where it was started"
        choices = f"Use it:  SERVER={url}  ·  {stop}  ·  {elsewhere}"
        return f"port {port} is taken by a llama-server ({who}).\n{choices}"
    return (
        f"port {port} is taken by another program ({who}), which is no llama-server.\nStop it, or {elsewhere}"
    )
