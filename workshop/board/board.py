"""One running board: its store and codes, the state that pages follow, and how often somebody may try.

Handlers share it. `state()` is made at most twice a second, however many learners send and however many pages look.

    board = Board(folder, port=8787)
    await board.changed(15.0)
    board.state()
"""

import asyncio
import json
import sys
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from course import progress
from workshop.board.codes import Codes, codes
from workshop.board.snapshot import snapshot
from workshop.board.store import Store

PAUSE = 0.5  # seconds between two states of a page
BEAT = 15.0  # seconds after which a page gets the state even if nothing has changed
RENDER = 60.0  # seconds that a shared tape may take to become a page


class Bucket:
    """How often each sender may do something: `rate` times a second in the long run, `burst` times at once.

    Remembers the `most` latest senders.
    """

    def __init__(self, rate: float, burst: float, most: int = 2000) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, who: object, count: float = 1.0) -> float:
        """0 if `who` may; else the seconds until then, and nothing is taken."""
        now = time.monotonic()
        left, then = self._left.pop(who, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        enough = left >= min(count, self.burst)
        self._left[who] = (left - count if enough else left, now)
        while len(self._left) > self.most:
            self._left.popitem(last=False)
        return 0.0 if enough else (min(count, self.burst) - left) / self.rate


@dataclass
class Board:
    """`host` is where it listens; `hub` says that it is behind JupyterHub's proxy. `prefix` begins and ends with "/"."""

    folder: Path
    host: str = "127.0.0.1"
    prefix: str = "/"
    hub: bool = False
    port: int = 0
    address: str = ""
    """Where learners reach the board, for the page; empty: where the page itself came from."""
    wrong: Bucket = field(default_factory=lambda: Bucket(1.0, 30.0))
    """Wrong room codes, keys and tokens of an address."""
    flow: Bucket = field(default_factory=lambda: Bucket(20.0, 1000.0))
    """Events of a learner."""
    streams: int = 0

    def __post_init__(self) -> None:
        self.codes: Codes = codes(self.folder)
        self.store = Store(self.folder)
        self.lessons = progress.lessons()
        self._state, self._made, self._version = "", 0.0, -1
        self._news = asyncio.Event()
        self._rendering = asyncio.Semaphore(1)

    def tell(self) -> None:
        """Something has changed: the pages that wait in `changed` go on."""
        self._news.set()
        self._news = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        """Wait until something changes, for so many seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    def state(self) -> str:
        """What a page shows, as JSON."""
        age = time.monotonic() - self._made
        if age > BEAT / 2 or (self._version != self.store.version and age >= PAUSE) or not self._state:
            self._version, self._made = self.store.version, time.monotonic()
            self._state = json.dumps(snapshot(self.store, self.lessons, time.time()))
        return self._state

    @property
    def current(self) -> bool:
        """Whether `state` is what the store has."""
        return self._version == self.store.version

    async def page_of(self, id: str) -> Path | None:
        """The page of a shared tape, made by `course view` in a process of its own; None if that failed."""
        tape = self.store.tape(id)
        made = tape.with_name(f"{id}.html")
        async with self._rendering:
            if made.exists():
                return made
            part = tape.with_name(f"{id}.part.html")
            command = [sys.executable, "-m", "course.cli", "view", str(tape), "-o", str(part)]
            quiet = asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), RENDER)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if process.returncode or not part.exists() or not self.store.has_tape(id):
                part.unlink(missing_ok=True)
                return None
            return part.replace(made)

    def close(self) -> None:
        self.store.close()
