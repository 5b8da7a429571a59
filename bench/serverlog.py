"""How long servers were busy, out of their logs. Pure, but for `Collected`, which keeps logs that the course would delete.

Does: adds up what llama-server says of reading, writing and loading. Does not: see requests in parallel (each request's
seconds count), so it is for one slot.
"""

import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

READ = re.compile(r"prompt eval time =\s*([\d.]+) ms")
WROTE = re.compile(r"(?<!prompt )eval time =\s*([\d.]+) ms")
STAMP = re.compile(r"^(\d+)\.(\d\d)\.(\d\d\d)\.(\d\d\d) ")
READY = ("model loaded", "listening on")


@dataclass(frozen=True)
class Busy:
    """Seconds of one or several servers."""

    loading: float = 0.0
    reading: float = 0.0
    writing: float = 0.0
    requests: int = 0

    def __add__(self, other: "Busy") -> "Busy":
        return Busy(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[float, float, float, int]:
        return self.loading, self.reading, self.writing, self.requests

    @property
    def total(self) -> float:
        return self.loading + self.reading + self.writing


def busy(log: str) -> Busy:
    """Of one server: from its start until it listens, then request by request."""
    read = [float(ms) for ms in READ.findall(log)]
    wrote = [float(ms) for ms in WROTE.findall(log)]
    return Busy(loaded(log), sum(read) / 1000, sum(wrote) / 1000, len(read))


def loaded(log: str) -> float:
    """Seconds from the first line to the one that says that the model is there; 0 where lines have no time."""
    for line in log.splitlines():
        if any(word in line for word in READY) and (stamp := STAMP.match(line)):
            minutes, seconds, thousandths, _ = map(int, stamp.groups())
            return 60 * minutes + seconds + thousandths / 1000
    return 0.0


class Collected:
    """Keeps every log that appears in a folder, by a second name: the course deletes all but the last 30."""

    def __init__(self, logs: Path, kept: Path, every: float = 0.2) -> None:
        self.logs, self.kept, self.every = logs, kept, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Collected":
        self.kept.mkdir(parents=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._keep()

    def _watch(self) -> None:
        while not self._over.wait(self.every):
            self._keep()

    def _keep(self) -> None:
        for path in self.logs.glob("*.log"):
            target = self.kept / path.name
            if not target.exists() and path.exists():
                os.link(path, target)

    def busy(self) -> Busy:
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in self.kept.glob("*.log"))
        return sum(map(busy, texts), Busy())
