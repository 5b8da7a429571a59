"""The room: a hub with learners, and one model server outside of it that can be started with other settings.

The server keeps its address and its keys, so hub and kernels need not be started again for other settings.

    with opened(settings, folder) as room:
        room.serve(cell); room.seats(10)
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from bench.workshop.figures import Memory
from bench.workshop.kernel import Deadline
from bench.workshop.matrix import Cell
from bench.workshop.seat import Seat
from course import files
from course.errors import CourseError
from course.server import Server, registry
from workshop.hub import warden
from workshop.hub.model import FLAGS, Shared
from workshop.hub.run import Hub, running
from workshop.hub.settings import Settings

PREPARING = 120.0
"""Seconds for the cells before the agent, while others start as well."""
AT_ONCE = 4
"""Learners that are seated at the same time: each start takes a core for seconds."""
PORT = 18080
"""From here on, a free port is looked for: below those that the system gives to outgoing connections, of which there are
many while the model's server is being started again."""
Say = Callable[[str], object]


class Room:
    """A running hub, its model server, and the learners seated so far."""

    def __init__(self, keys: list[str], profile: str, port: int, folder: Path) -> None:
        """`folder` is where the model's server may save the content of a slot."""
        self.folder = folder
        self.keys, self.profile, self.port = keys, profile, port
        self.server: Server | None = None
        self.hub: Hub | None = None
        self._seats: list[Seat] = []

    def serve(self, cell: Cell) -> Server:
        """A fresh model server with the settings of this cell; its caches are empty."""
        self._care(False)
        self.stop()
        changes: dict[str, Any] = {**FLAGS, "slot_save_path": f"{self.folder}/", **cell.changes()}
        key = ",".join(self.keys)
        self.server = Server(self.profile, url=False, port=self.port, api_key=key, quiet=True, **changes)
        self.server.start()
        self._care(cell.dies)
        return self.server

    def _care(self, own: bool) -> None:
        """Whether the hub starts the server again when it dies, as it does with its own."""
        if self.hub is not None and self.server is not None:
            self.hub.model = Shared(self.server, own=own)

    def stop(self) -> None:
        """End the model's server."""
        if self.server is not None:
            self.server.stop()

    def seats(self, count: int) -> list[Seat]:
        """So many learners with a prepared kernel each, except those who are not `ready`: their `why` tells."""
        assert self.hub is not None
        names = [f"learner{number:02d}" for number in range(len(self._seats) + 1, count + 1)]
        self._seats += [Seat(name, self.hub.learner) for name in names]
        deadline = Deadline(PREPARING * (1 + count / AT_ONCE))
        with together(AT_ONCE, deadline) as pool:
            wanted = [seat for seat in self._seats[:count] if not seat.ready]
            list(pool.map(lambda seat: seat.prepare(deadline), wanted))
        return self._seats[:count]

    def memory(self) -> Memory:
        """Of everything that runs now."""
        assert self.hub is not None
        known = warden.grouped(self.hub.state.known())
        theirs = [process for some in known.values() for process in some]
        pids = {process.pid for process in theirs}
        own: list[psutil.Process] = []
        model: list[psutil.Process] = []
        with suppress(psutil.Error):
            if self.hub.pid:
                hub = psutil.Process(self.hub.pid)
                own = [p for p in (hub, *hub.children(recursive=True)) if p.pid not in pids]
        with suppress(psutil.Error):
            if self.server is not None and self.server.pid:
                server = psutil.Process(self.server.pid)
                model = [server, *server.children(recursive=True)]
        return Memory(_size(own), _size(theirs), _size(model))

    def answers(self) -> bool:
        """Whether the model's server is up and has loaded its model."""
        with suppress(CourseError):
            return self.server is not None and self.server.request("GET", "/health").status_code == 200
        return False


def _size(processes: list[psutil.Process]) -> int:
    """Bytes of proportional set size: a page that several processes share counts once in sum."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


@contextmanager
def together(
    count: int, deadline: Deadline, stop: Callable[[], object] = lambda: None
) -> Iterator[ThreadPoolExecutor]:
    """Threads that all have ended after the block. After an exception in it, such as Ctrl-C, they end soon."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    except BaseException:
        deadline.cancel()
        stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def opened(learners: int, first: Cell, say: Say, profile: str = "embedded") -> Iterator[Room]:
    """A hub with keys for so many learners, until the block ends; nothing stays on disk or keeps running."""
    folder = Path(tempfile.mkdtemp(prefix="course-load-"))
    folder.chmod(0o711)  # other users' homes are in it
    keys = [f"load-{number:03d}" for number in range(learners)]
    room = Room(keys, profile, registry.next_free(PORT), folder)
    try:
        server = room.serve(first)
        kept = folder / "keys"
        files.write_private(kept, "\n".join(keys))
        port = registry.next_free(room.port + 1)
        chosen = Settings(
            home=folder / "state", port=port, learners=learners, server=server.url, keys=kept, profile=profile
        )
        with running(chosen, say) as hub:
            room.hub = hub
            yield room
            room.hub = None
    finally:
        room.stop()
        _removed(folder)


def _removed(folder: Path) -> None:
    """A program that was just ended may still be leaving its files."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.5)
