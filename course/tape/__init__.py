"""A tape: an append-only file of JSON lines, one for each exchange, run and step.

Numbers and flushes each record immediately, reads tapes and HAR files back, and exports HAR. A problem with the file never
breaks the program that records. It knows nothing about agents or viewers. Only course/tape/schema.py looks inside records,
when a tape is read.

    tape = Tape()                                             # ./tapes/<when>.tape.jsonl
    client = httpx.Client(transport=RecordingTransport(httpx.HTTPTransport(), tape))

docs/tape.md describes the format. The first line has its version; every other line is an object with a `_type`. An "entry"
is a HAR 1.2 entry with three additional fields: `_id` (running number), `_chunks` (milliseconds since the start and bytes
of each chunk) and `_error` (why the exchange broke off, or null). The other lines ("run", "step") are what `Tape.add` was
given.
"""

import atexit
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from course import files
from course.errors import CourseError
from course.tape import schema
from course.tape.har import BODY_LIMIT
from course.tape.loading import LIMIT, RECORD, Loaded, load
from course.tape.recording import AsyncRecordingTransport, RecordingTransport
from course.tape.writing import Writer, as_json

__all__ = ["AsyncRecordingTransport", "RecordingTransport", "Tape"]
NAME = "agents-on-the-wire"


def warn(problem: str) -> None:
    """Show a problem as a RuntimeWarning at the line that uses the tape."""
    level, frame = 1, sys._getframe()
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("course.tape"):
        level, frame = level + 1, frame.f_back
    warnings.warn(problem, RuntimeWarning, stacklevel=level)


class Tape:
    """An append-only file of JSON lines, kept in memory too, so that a full disk loses nothing.

    What the disk refuses is tried again with each record and at the end: when the program ends, or at `close()`. If
    the disk still refuses, it is written to a file in the temporary folder, and `report` says where.

    `path`: an existing tape is continued. CourseError if it is a HAR file or not a tape at all.
    `body_limit`: how many bytes of each body are kept.
    `keep=False`: memory holds only what could not be written, for a recorder that runs for days.
    `report`: called with a description of each problem: a part of the file that could not be read, the first record
    that could not be written, a file that another program removed. By default it shows a RuntimeWarning. `problems`
    lists the problems found while reading.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        body_limit: int = BODY_LIMIT,
        keep: bool = True,
        report: Callable[[str], object] = warn,
        _loaded: Loaded | None = None,
    ) -> None:
        self.path = Path(path) if path is not None else _fresh_path()
        self.body_limit, self.keep, self.report = body_limit, keep, report
        self._lock, self._pid = threading.Lock(), os.getpid()
        if _loaded is None and self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise CourseError(
                f"{self.path} is not a file but a pipe, a socket or a device, so nothing recorded there could be read "
                "again.\nRecord to a file, such as run.tape.jsonl."
            )
        head = {"_type": "tape", "version": schema.VERSION, "creator": f"{NAME} {release()}"}
        self._writer = Writer(self.path, json.dumps(head))
        loaded = _loaded or (load(self.path) if self.path.exists() else Loaded())
        if loaded.is_har and _loaded is None:
            raise CourseError(
                f"{self.path} is a HAR file, which can be read but not recorded to.\n"
                "Record to a new file, such as run.tape.jsonl."
            )
        self.problems, self._read_only = loaded.problems, loaded.is_har
        for problem in self.problems:
            report(problem)
        self._next_id = 1 + max(
            (r.get("_id") or 0 for r in loaded.records if r["_type"] == "entry"), default=0
        )
        self._records = loaded.records if keep else []

    @classmethod
    def read(cls, path: str | Path, limit: int = LIMIT, report: Callable[[str], object] = warn) -> Self:
        """The tape or the HAR file at `path`. Lines of more than `limit` bytes are skipped.

        CourseError if there is no such file, or nothing in it can be read.
        """
        if not Path(path).exists():
            raise CourseError(f"there is no tape at {path}.\n{RECORD}")
        loaded = load(Path(path), limit)
        if not loaded.records and not loaded.problems:
            raise CourseError(f"{path} is empty: nothing was recorded on it.\n{RECORD}")
        return cls(path, report=report, _loaded=loaded)

    def add(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Append one record, flush it and return it. An entry gets the next running number."""
        if self._read_only:
            raise CourseError(
                f"{self.path} is a HAR file, which can be read but not recorded to.\n"
                "Record to a new file, such as run.tape.jsonl."
            )
        with self._lock:
            added = dict(record)
            if added.get("_type") == "entry":
                added["_id"] = self._next_id
                self._next_id += 1
            said = self._writer.write(as_json(added))
            if self.keep:  # after the file, so that every record in memory is in the file too
                self._records.append(added)
        if said and self._writer.trouble and os.getpid() == self._pid:
            atexit.register(self.close)
        for problem in said:
            self.report(problem)
        return added

    def close(self) -> None:
        """Write what the disk refused so far, or else put it into a file in the temporary folder and report where.

        Recording may go on afterwards. A program that ends normally does this by itself.
        """
        with self._lock:
            said = self._writer.close()
        atexit.unregister(self.close)
        for problem in said:
            self.report(problem)

    @property
    def unsaved(self) -> list[dict[str, Any]]:
        """The records that are not on disk, because it refused them."""
        return [json.loads(line) for line in list(self._writer.waiting)]

    @property
    def writer(self) -> Writer:
        """What is known about the file: how much was written, what waits and why, and where it went in the end."""
        return self._writer

    def records(self) -> list[dict[str, Any]]:
        """All records in order. A malformed one has the `_type` "invalid"."""
        if self.keep:
            return list(self._records)
        with self._lock:
            unsaved = self.unsaved
            return [*load(self.path).records, *unsaved] if self.path.exists() else unsaved

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The exchanges."""
        return [r for r in self.records() if r.get("_type") == "entry"]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of agents."""
        return [r for r in self.records() if r.get("_type") == "step"]

    def har(self) -> dict[str, Any]:
        """The exchanges as HAR 1.2, the format of browsers' developer tools."""
        entries = [{k: v for k, v in e.items() if k != "_type"} for e in self.entries]
        return {
            "log": {"version": "1.2", "creator": {"name": NAME, "version": release()}, "entries": entries}
        }

    def export(self, path: str | Path) -> Path:
        """Write the exchanges as a HAR file. An earlier file is replaced only when the new one is complete."""
        path = Path(path)
        files.write_private(path, as_json(self.har(), indent=1))
        return path


def _fresh_path() -> Path:
    """A new file in ./tapes, created immediately, so that two tapes from the same second do not share it."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ["", *(f"-{n}" for n in range(2, 1000))]:
        path = Path("tapes") / f"{stamp}{suffix}.tape.jsonl"
        try:
            path.parent.mkdir(exist_ok=True)
            path.touch(0o600, exist_ok=False)
        except FileExistsError:
            continue
        except OSError:
            pass  # `add` reports it
        return path
    raise CourseError(
        f"tapes/ already has a thousand tapes of {stamp}.\nName one yourself:  Tape('run.tape.jsonl')"
    )


def release() -> str:
    """The course's version; "uninstalled" in the agent's container, which has the code but not the package."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "uninstalled"
