"""A tape: an append-only file of JSON lines, one per exchange, and what else was worth noting.

Does: numbers and flushes each record at once, reads tapes and HAR files back, exports HAR.
Does not: look inside the records beyond their `_type` (course/tape/schema.py does, when a tape is read), know about
agents or viewers, or fail whoever records.

    tape = Tape()                                             # ./tapes/<when>.tape.jsonl
    client = httpx.Client(transport=RecordingTransport(httpx.HTTPTransport(), tape))

The format: docs/tape.md. The first line says its version; then each line is an object with a `_type`. An "entry"
is a HAR 1.2 entry and three fields of ours: `_id` (running number), `_chunks` (milliseconds since the start and
bytes, per chunk), `_error` (why it broke off, or null). Other lines ("run", "step") are what `Tape.add` was given.
"""

import json
import threading
import warnings
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from course.errors import CourseError
from course.tape import schema
from course.tape.har import BODY_LIMIT
from course.tape.loading import LIMIT, RECORD, Loaded, load
from course.tape.recording import AsyncRecordingTransport, RecordingTransport

__all__ = ["AsyncRecordingTransport", "RecordingTransport", "Tape"]
NAME = "agents-on-the-wire"


class Tape:
    """An append-only file of JSON lines, kept in memory too: a full disk loses nothing.

    Of a body, the first `body_limit` bytes are kept. With keep=False only what the disk would not take stays in
    memory, for a recorder that runs for days. `problems` says what could not be read of a tape that was there.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        body_limit: int = BODY_LIMIT,
        keep: bool = True,
        _loaded: Loaded | None = None,
    ):
        self.path = Path(path) if path is not None else _fresh_path()
        self.body_limit, self.keep = body_limit, keep
        self._lock = threading.Lock()
        self._warned = False
        loaded = _loaded or (load(self.path) if self.path.exists() else Loaded())
        if loaded.is_har and _loaded is None:
            raise CourseError(
                f"{self.path} is a HAR file, which can be read but not added to. Record to a file of its own"
            )
        self.problems, self._read_only = loaded.problems, loaded.is_har
        for problem in self.problems:
            warnings.warn(problem, RuntimeWarning, stacklevel=3)
        self._next_id = 1 + max(
            (r.get("_id") or 0 for r in loaded.records if r["_type"] == "entry"), default=0
        )
        self._records = loaded.records if keep else []

    @classmethod
    def read(cls, path: str | Path, limit: int = LIMIT) -> Self:
        """The tape, or the HAR file, that is at `path`. Lines of more than `limit` bytes are skipped."""
        if not Path(path).exists():
            raise CourseError(f"there is no tape at {path}. {RECORD}")
        loaded = load(Path(path), limit)
        if not loaded.records and not loaded.problems:
            raise CourseError(f"{path} is empty: nothing was recorded on it. {RECORD}")
        return cls(path, _loaded=loaded)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        """Append one record and flush it; an entry gets the next running number."""
        if self._read_only:
            raise CourseError(f"{self.path} is a HAR file, which can be read but not added to. Make a Tape()")
        with self._lock:
            if record.get("_type") == "entry":
                record = {**record, "_id": self._next_id}
                self._next_id += 1
            failed = None
            try:
                self._write(json.dumps(record, ensure_ascii=False, default=str))
            except OSError as e:
                failed = e
            if self.keep or failed:  # after the file: who sees a record here finds it there
                self._records.append(record)
            if failed:
                self._warn(f"the tape {self.path} can't be written ({failed}); recording goes on in memory")
        return record

    def records(self) -> list[dict[str, Any]]:
        """All of them, in order. A record that is not as it should be has the `_type` "invalid"."""
        if self.keep or not self.path.exists():
            return list(self._records)
        return [*load(self.path).records, *self._records]

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [r for r in self.records() if r.get("_type") == "entry"]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [r for r in self.records() if r.get("_type") == "step"]

    def har(self) -> dict[str, Any]:
        """All exchanges as HAR 1.2, the format of browsers' developer tools."""
        entries = [{k: v for k, v in e.items() if k != "_type"} for e in self.entries]
        return {
            "log": {"version": "1.2", "creator": {"name": NAME, "version": release()}, "entries": entries}
        }

    def export(self, path: str | Path) -> Path:
        path = Path(path)
        path.write_text(json.dumps(self.har(), ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    def _write(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as f:
            if f.tell():  # a line that was cut off stays a line of its own
                f.seek(-1, 2)
                line = line if f.read(1) == b"\n" else "\n" + line
            else:
                head = {"_type": "tape", "version": schema.VERSION, "creator": f"{NAME} {release()}"}
                line = json.dumps(head) + "\n" + line
            f.write(line.encode("utf-8", "surrogatepass") + b"\n")

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(message, RuntimeWarning, stacklevel=4)


def _fresh_path() -> Path:
    """A new file in ./tapes, reserved at once so that two tapes of one second don't share it."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ["", *(f"-{n}" for n in range(2, 1000))]:
        path = Path("tapes") / f"{stamp}{suffix}.tape.jsonl"
        try:
            path.parent.mkdir(exist_ok=True)
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError:
            pass  # `add` will say so
        return path
    raise CourseError(f"tapes/ has a thousand tapes of {stamp}. Name one yourself:  Tape('run.tape.jsonl')")


def release() -> str:
    """The course's version. In the agent's container its code lies in a folder, and no package is installed."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "uninstalled"
