"""Record what an httpx client sends and receives, as one JSON line per exchange.

Does: copies request and response bytes while they pass, redacts credentials, flushes each exchange.
Does not: change a byte, look inside the JSON, know about agents or viewers, fail the client.

    tape = Tape()                                             # ./tapes/<when>.tape.jsonl
    client = httpx.Client(transport=RecordingTransport(httpx.HTTPTransport(), tape))

A line is an object with a `_type`. An "entry" is a HAR 1.2 entry and three fields of ours: `_id` (running
number), `_chunks` (milliseconds since the start and bytes, per chunk), `_error` (why it broke off, or null).
Other lines ("run", "step") are whatever `Tape.add` was given.
"""

import json
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import httpx

from course import har
from course.errors import CourseError


class Tape:
    """An append-only file of JSON lines, kept in memory too: a full disk loses nothing."""

    def __init__(self, path: str | Path | None = None):
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._warned = False
        self.path = Path(path) if path is not None else _fresh_path()
        self._records = self._load() if self.path.exists() else []
        self._next_id = 1 + max((r.get("_id") or 0 for r in self.entries), default=0)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The tape that is already at `path`."""
        if not Path(path).is_file():
            raise CourseError(f"there is no tape at {path}. Record one:  course ask 'your question'")
        return cls(path)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        """Append one record and flush it; an entry gets the next running number."""
        with self._lock:
            if record.get("_type") == "entry":
                record = {**record, "_id": self._next_id}
                self._next_id += 1
            self._records.append(record)
            try:
                self._write(json.dumps(record, ensure_ascii=False, default=str))
            except OSError as e:
                self._warn(f"the tape {self.path} can't be written ({e}); recording goes on in memory")
        return record

    def records(self) -> list[dict[str, Any]]:
        return list(self._records)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [r for r in self._records if r.get("_type") == "entry"]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [r for r in self._records if r.get("_type") == "step"]

    def har(self) -> dict[str, Any]:
        """All exchanges as HAR 1.2, the format of browsers' developer tools."""
        creator = {"name": "agents-on-the-wire", "version": version("agents-on-the-wire")}
        entries = [{k: v for k, v in e.items() if k != "_type"} for e in self.entries]
        return {"log": {"version": "1.2", "creator": creator, "entries": entries}}

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
            f.write(line.encode("utf-8", "surrogatepass") + b"\n")

    def _load(self) -> list[dict[str, Any]]:
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError as e:
            raise CourseError(f"the tape {self.path} can't be read: {e}. Name a file that can") from e
        records = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                records.append({"_type": "?", **record})
            except (ValueError, TypeError):
                what = "is cut off" if number == len(lines) else "is no JSON object"
                self.problems.append(
                    f"line {number} of {self.path} {what} ({len(line)} bytes); it was skipped"
                )
        if self.problems and not records:
            raise CourseError(
                f"{self.path} is no tape: none of its {len(lines)} lines is a JSON object. "
                "Record one:  course ask 'your question'"
            )
        for problem in self.problems:
            warnings.warn(problem, RuntimeWarning, stacklevel=4)
        return records

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(message, RuntimeWarning, stacklevel=4)


class RecordingTransport(httpx.BaseTransport):
    """Pass everything through `transport`, and a copy of it to `tape`."""

    def __init__(self, transport: httpx.BaseTransport, tape: Tape):
        self.transport, self.tape = transport, tape

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Recording(self.tape, request)
        try:
            response = self.transport.handle_request(exchange.request)
        except BaseException as e:
            exchange.finish(error=_why(e))
            raise
        exchange.response = response
        exchange.first_byte = time.perf_counter()
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Tee(response.stream, exchange.received, exchange.finish),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self.transport.close()


class _Tee(httpx.SyncByteStream):
    """A byte stream that shows each chunk to `saw` as it passes, and says to `finish` how it ended."""

    def __init__(self, stream, saw, finish=lambda error: None):
        self.stream, self.saw, self.finish = stream, saw, finish

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self.stream:
                self.saw(chunk)
                yield chunk
        except BaseException as e:
            self.finish(error="closed" if isinstance(e, GeneratorExit) else _why(e))
            raise
        self.finish(error=None)

    def close(self) -> None:
        try:
            self.stream.close()
        finally:
            self.finish(error="closed")


class _Recording:
    """One exchange while it goes on. `finish` may be called more than once; the first call counts."""

    def __init__(self, tape: Tape, request: httpx.Request):
        self.tape, self.sent, self.chunks, self.done = tape, [], [], False
        self.response, self.first_byte = None, None
        self.when, self.start = datetime.now(UTC), time.perf_counter()
        self.request = request
        if isinstance(request.stream, httpx.ByteStream):
            self.sent.append(request.read())
        else:  # an upload that is read while it is sent
            self.request = httpx.Request(
                request.method,
                request.url,
                headers=request.headers,
                stream=_Tee(request.stream, self.sent.append),
                extensions=request.extensions,
            )

    def received(self, chunk: bytes) -> None:
        self.chunks.append((time.perf_counter(), chunk))

    def finish(self, error: str | None) -> None:
        if self.done:
            return
        self.done = True
        with suppress(Exception):  # whatever is wrong with the tape, the client's exchange is not
            if error == "closed":
                error = None if self._complete() else "the client closed the response before its end"
            times = har.Times(self.when, self.start, self.first_byte, time.perf_counter())
            entry = har.entry(self.request, b"".join(self.sent), self.response, self.chunks, times)
            self.tape.add({"_type": "entry", **entry, "_error": error})

    def _complete(self) -> bool:
        """All was received, though its end was not read: the length is reached, or SSE said it is done."""
        tail = b"".join(chunk for _, chunk in self.chunks[-4:])
        length = self.response.headers.get("content-length")
        got = sum(len(chunk) for _, chunk in self.chunks)
        return tail.rstrip().endswith(b"data: [DONE]") or (length is not None and int(length) <= got)


def _why(e: BaseException) -> str:
    return f"{type(e).__name__}: {e}"


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
