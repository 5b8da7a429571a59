"""Watch the network connections of processes from outside, as the operating system lists them.

A second process looks at the system's tables, many times per second, and notes every connection that it sees. It does not
trust, change or slow the watched processes, and it stores nothing of what they send.

    with Watch([os.getpid(), server.pid]) as watch:
        agent.run(question)
    watch.left          # [] if every peer was on this computer
    watch.longest_gap   # seconds: what came and went within it may have been missed

On Linux it reads the kernel's tables, /proc/PID/net/tcp and its siblings, and finds the owner of each socket by its inode
in /proc/PID/fd. A connection that a process closed itself stays in these tables for a minute, without an owner, so even a
short one is seen (`unowned`). Elsewhere it asks psutil, which lists only what is open at that moment.

What it cannot see, anywhere: what another process does on behalf of these (a DNS resolver, a proxy, a program that syncs a
folder, the processes of a container), datagrams that are sent without connecting the socket (it has no peer), Unix sockets
(they end on this computer), whose a connection is if its process belongs to another user, and a short connection that the
other side closed between two looks.
"""

import ipaddress
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import psutil

from course.errors import CourseError

LINUX = sys.platform == "linux"
PAUSE = 0.01
"""Seconds between two looks, at least."""
SHARE = 0.2
"""The part of one processor's time that looking may take. The observer waits longer where a look takes longer."""
TABLES = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")
STATES = {
    "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
    "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "NEW_SYN_RECV",
}  # fmt: skip
"""The numbers of the kernel's TCP states, from include/net/tcp_states.h."""
SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Connection:
    """A socket with a peer. `pid` is None if no watched process owns it; `program` is then empty."""

    kind: str
    host: str
    port: int
    pid: int | None = None
    program: str = ""

    @property
    def peer(self) -> tuple[str, int]:
        return self.host, self.port

    def __str__(self) -> str:
        who = f"{self.program} (pid {self.pid})" if self.pid else "closed before it could be assigned"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind} to {host}:{self.port}, {who}"


@dataclass(frozen=True)
class Row:
    """A line of one of the kernel's tables. The inode is 0 if the socket has no owner any more."""

    kind: str
    host: str
    port: int
    state: str
    inode: int


@dataclass(frozen=True)
class Seen:
    """What an observer saw: connections, the number of looks, and the longest time between two of them in seconds."""

    connections: list[Connection] = field(default_factory=list)
    looks: int = 0
    longest_gap: float = 0.0


def on_this_computer(host: str, port: int) -> bool:
    """Whether this address is the computer itself (127.0.0.0/8, ::1, localhost). A local network is outside."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class Watch:
    """Observe processes and their children while a with block runs; read the results after it.

    `inside(host, port)` decides which peers are on this computer. CourseError if the observer does not start.
    """

    def __init__(self, pids: Iterable[int], inside: Callable[[str, int], bool] = on_this_computer) -> None:
        self.pids, self.inside = list(pids), inside
        self.seen = Seen()
        self._observer: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Watch":
        command = [sys.executable, "-m", "course.connections", *map(str, self.pids)]
        self._observer = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._observer.stdout is not None
        if not self._observer.stdout.readline():  # it has looked once
            _, error = self._observer.communicate()
            raise CourseError(
                f"the observer of connections ended at once: {(error.strip().splitlines() or ['no reason'])[-1]}\n"
                f"See what it says:  {' '.join(command)}"
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._observer is not None
        said, error = self._observer.communicate()  # closes its input, which ends it
        try:
            told = json.loads(said)
        except ValueError:
            raise CourseError(
                f"the observer of connections ended early, so nothing is known: {error.strip()[-300:]}\nRun the cell again."
            ) from None
        self.seen = Seen(
            [Connection(**one) for one in told["connections"]], told["looks"], told["longest_gap"]
        )

    @property
    def connections(self) -> list[Connection]:
        """Those of the watched processes, each peer once for each process."""
        return [one for one in self.seen.connections if one.pid is not None]

    @property
    def left(self) -> list[Connection]:
        """The connections of the watched processes whose peers are not on this computer."""
        return [one for one in self.connections if not self.inside(one.host, one.port)]

    @property
    def unowned(self) -> list[Connection]:
        """Connections to elsewhere that ended before their owner was seen: anybody's on this computer (Linux only)."""
        known = {(one.kind, one.peer) for one in self.connections}
        found = [
            one for one in self.seen.connections if one.pid is None and (one.kind, one.peer) not in known
        ]
        return [one for one in found if not self.inside(one.host, one.port)]

    @property
    def looks(self) -> int:
        return self.seen.looks

    @property
    def longest_gap(self) -> float:
        return self.seen.longest_gap


def parsed(kind: str, table: str, inodes: Container[int] | None = None) -> Iterator[Row]:
    """The rows of a table such as /proc/net/tcp that have a peer, by default those of all sockets.

    Lines that do not look like one are left out.
    """
    for line in table.splitlines()[1:]:
        parts = line.split()
        with suppress(ValueError, IndexError):
            inode = int(parts[9])
            if inodes is not None and inode not in inodes:
                continue
            host, port = endpoint(parts[2])
            if port or not ipaddress.ip_address(host).is_unspecified:
                yield Row(kind, host, port, STATES.get(parts[3], parts[3]), inode)


@lru_cache(maxsize=4096)
def endpoint(text: str) -> tuple[str, int]:
    """Address and port of an entry such as 0100007F:1F90, which is 127.0.0.1:8080.

    The kernel prints each four bytes of an address as one number of the machine, on most machines last byte first.
    """
    address, _, port = text.partition(":")
    data = bytes.fromhex(address)
    words = [data[at : at + 4] for at in range(0, len(data), 4)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)


def family(pids: Sequence[int]) -> list[psutil.Process]:
    """The processes with these pids, and all their children. Those that have ended are left out."""
    found: dict[int, psutil.Process] = {}
    left = list(pids)
    while left:
        pid = left.pop()
        if pid in found or pid == os.getpid():
            continue
        with suppress(psutil.Error):
            found[pid] = psutil.Process(pid)
            left += _children(found[pid])
    return list(found.values())


def _children(process: psutil.Process) -> list[int]:
    """On Linux the kernel has a list for each thread. psutil goes through all processes, which takes long."""
    threads = Path("/proc") / str(process.pid) / "task"
    if not LINUX or not (threads / str(process.pid) / "children").exists():
        return [child.pid for child in process.children()]
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(threads):
            with suppress(OSError):
                found += map(int, (threads / thread / "children").read_text(encoding="ascii").split())
    return found


def look(processes: Sequence[psutil.Process]) -> set[Connection]:
    """What the system lists for these processes at this moment."""
    if LINUX:
        return _look_linux(processes)
    found: set[Connection] = set()
    for process in processes:
        with suppress(psutil.Error):
            found |= _look_psutil(process)
    return found


def _look_linux(processes: Sequence[psutil.Process]) -> set[Connection]:
    """The rows that these processes own, and those that nobody owns any more. A process may have a network of its own."""
    owners: dict[int, psutil.Process] = {}
    networks: dict[str, Path] = {}
    for process in processes:
        place = Path("/proc") / str(process.pid)
        with suppress(OSError):
            networks.setdefault(os.readlink(place / "ns" / "net"), place / "net")
            owners |= dict.fromkeys(_inodes(place / "fd"), process)
    found = set()
    for folder in networks.values():
        for table in TABLES:
            with suppress(OSError):  # without IPv6, or the process has ended
                for row in parsed(table[:3], (folder / table).read_text(encoding="ascii"), {0, *owners}):
                    found.add(_connection(row, owners.get(row.inode)))
    return found


def _connection(row: Row, owner: psutil.Process | None) -> Connection:
    name = ""
    if owner is not None:
        with suppress(psutil.Error):
            name = owner.name()
    return Connection(row.kind, row.host, row.port, owner.pid if owner else None, name)


def _inodes(folder: Path) -> set[int]:
    """The sockets that a process has open."""
    found = set()
    for name in os.listdir(folder):
        with suppress(OSError):
            if match := SOCKET.match(os.readlink(folder / name)):
                found.add(int(match[1]))
    return found


def _look_psutil(process: psutil.Process) -> set[Connection]:
    listed = process.net_connections(kind="inet")
    kind = {1: "tcp", 2: "udp"}
    return {
        Connection(kind.get(one.type, "raw"), one.raddr.ip, one.raddr.port, process.pid, process.name())
        for one in listed
        if one.raddr
    }


def observe(pids: Sequence[int], ended: Callable[[], bool], begun: Callable[[], object]) -> Seen:
    """Look until `ended()`. Calls `begun()` after the first look. What had no owner at the start is not reported."""
    before = {one for one in look(family(pids)) if one.pid is None}
    begun()
    seen: dict[tuple[str, str, int, int | None], Connection] = {}
    looks, gap, last, over = 0, 0.0, time.monotonic(), False
    while not over:
        over = ended()  # then one last look
        began = time.process_time()
        for one in look(family(pids)):
            key = one.kind, one.host, one.port, one.pid
            if one.program or key not in seen:  # a process that is just starting or ending may have no name
                seen[key] = one
        took = time.process_time() - began
        now = time.monotonic()
        looks, gap, last = looks + 1, max(gap, now - last), now
        if not over:
            time.sleep(max(PAUSE, took / SHARE - took))
    return Seen(sorted(set(seen.values()) - before, key=str), looks, round(gap, 4))


def main(arguments: Sequence[str]) -> None:
    """The observer: say that it has begun, look until the input is closed, print what was seen as JSON."""
    closed = threading.Event()

    def until_closed() -> None:
        sys.stdin.read()
        closed.set()

    threading.Thread(target=until_closed, daemon=True).start()
    seen = observe([int(pid) for pid in arguments], closed.is_set, lambda: print("looking", flush=True))
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main(sys.argv[1:])
