"""How long servers were busy, according to their logs. Pure, except `Collected`, which keeps logs that the course deletes.

Adds up llama-server's own figures for loading, prompt processing and generation. Counts the seconds of each request,
so it is only right for a server with one slot.
"""

import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

PROMPT = re.compile(r"prompt eval time =\s*([\d.]+) ms")
GENERATION = re.compile(r"(?<!prompt )eval time =\s*([\d.]+) ms")
STAMP = re.compile(r"^(\d+)\.(\d\d)\.(\d\d\d)\.(\d\d\d) ")
READY = ("model loaded", "listening on")


@dataclass(frozen=True)
class Busy:
    """Seconds of one or several servers."""

    loading: float = 0.0
    prompt: float = 0.0
    generation: float = 0.0
    requests: int = 0

    def __add__(self, other: "Busy") -> "Busy":
        return Busy(
            self.loading + other.loading,
            self.prompt + other.prompt,
            self.generation + other.generation,
            self.requests + other.requests,
        )

    @property
    def total(self) -> float:
        return self.loading + self.prompt + self.generation


def busy(log: str) -> Busy:
    """Of one server: from its start until it listens, then request by request."""
    prompts = [float(ms) for ms in PROMPT.findall(log)]
    generations = [float(ms) for ms in GENERATION.findall(log)]
    return Busy(loaded(log), sum(prompts) / 1000, sum(generations) / 1000, len(prompts))


def loaded(log: str) -> float:
    """Seconds from the first line to the one that says the model is loaded; 0 if lines have no time."""
    for line in log.splitlines():
        if any(word in line for word in READY) and (stamp := STAMP.match(line)):
            minutes, seconds, thousandths, _ = map(int, stamp.groups())
            return 60 * minutes + seconds + thousandths / 1000
    return 0.0


class Collected:
    """Keeps every log that appears in a folder, as a hard link: the course deletes all but the last 30."""

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
