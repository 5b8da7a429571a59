"""Append records to a tape's file, and know at each moment which of them are there.

What the disk refuses waits in memory, in order. It is tried again with each later record, at `flush` and at `close`; if it
still fails then, it is written to a file of its own in the temporary folder. No OSError leaves this module: each method
returns what a person should be told. Not safe for threads (`Tape` has the lock), and knows nothing about records.

    writer = Writer(Path("tapes/….tape.jsonl"), head='{"_type": "tape", "version": 1}')
    for problem in writer.write('{"_type": "step"}'):
        print(problem)
"""

import json
import math
import os
import re
import shlex
import tempfile
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

SURROGATE = re.compile("[\ud800-\udfff]")


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON as a file can hold it. Half of a surrogate pair stays an escape, because UTF-8 has no bytes for it.

    NaN and the infinite, which JSON does not have, become null.
    """
    write = partial(json.dumps, ensure_ascii=False, default=str, indent=indent, allow_nan=False)
    try:
        text = write(value)
    except ValueError as e:
        if "float" not in str(e):
            raise
        text = write(_finite(value))
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _finite(value: Any) -> Any:
    """The value with null for each number that is not finite."""
    if isinstance(value, dict):
        return {str(key) if isinstance(key, float) else key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Writer:
    """The file of one tape. `head` is the line that a new file begins with.

    `waiting` are the lines that are not on disk, as bytes, and `trouble` says why. `written` counts the lines that this
    writer added to the file as it is now, and `lost` those that it had added before another program removed or emptied
    it. `shared`: another program writes to it, too. `rescued` is the file that `close` made for the lines that wait.
    """

    def __init__(self, path: Path, head: str) -> None:
        self.path, self.head = path, f"{head}\n".encode()
        self.waiting: list[bytes] = []
        self.trouble: OSError | None = None
        self.rescued: Path | None = None
        self.written = self.lost = 0
        self.replaced = self.shared = False
        self._file: tuple[int, int] | None = None
        self._end = 0  # the file's size as this writer left it
        with suppress(OSError):
            self._remember(path.stat())

    def write(self, line: str) -> list[str]:
        """Append a line, after those that wait."""
        self.waiting.append(line.encode() + b"\n")
        return self.flush()

    def flush(self) -> list[str]:
        """Try to write what waits, and look whether the file is still the one that was written to."""
        said: list[str] = []
        waited = len(self.waiting)
        try:
            if waited:
                self._write_all(said)
            else:
                self._compare(self.path.stat() if self.path.exists() else None, said)
        except OSError as e:
            if self.trouble is None:
                said.append(
                    f"cannot write to the tape {self.path} ({_why(e)}). Recording continues in memory, and writing "
                    "is tried again with each record"
                )
            self.trouble = e
            return said
        if self.trouble:
            said.append(
                f"the tape {self.path} can be written again: all {waited} records that waited are on it"
            )
            self.trouble = None
            if self.rescued:
                self.rescued.unlink(missing_ok=True)
                self.rescued = None
        return said

    def close(self) -> list[str]:
        """Try once more, then write what still waits to the temporary folder."""
        said = self.flush()
        if not self.waiting:
            return said
        why = _why(self.trouble) if self.trouble else "unknown"
        count = f"{len(self.waiting)} record{'' if len(self.waiting) == 1 else 's'}"
        try:
            self.rescued = self._rescue()
        except OSError as e:
            return [
                *said,
                f"{count} could not be written to the tape {self.path} ({why}), nor to the temporary folder "
                f"({_why(e)}), and will be lost when this program ends",
            ]
        return [
            *said,
            f"{count} could not be written to the tape {self.path} ({why}). Written to {self.rescued} instead.\n"
            + self._recovery(),
        ]

    def _recovery(self) -> str:
        """The command that puts the records there later. A tape that is empty or missing needs the first line, too."""
        size = 0
        with suppress(OSError):
            size = self.path.stat().st_size
        rescued, path, folder = (shlex.quote(str(p)) for p in (self.rescued, self.path, self.path.parent))
        make = "" if os.path.isdir(self.path.parent) else f"mkdir -p {folder} && "
        read = "tail -n +2" if size else "cat"
        return f"To append them when there is room:  {make}{read} {rescued} >> {path}"

    def _rescue(self) -> Path:
        stem = self.path.name.removesuffix(".jsonl").removesuffix(".tape")
        number, name = tempfile.mkstemp(prefix=f"{stem}-", suffix=".tape.jsonl")
        try:
            with os.fdopen(number, "wb") as file:
                file.writelines([self.head, *self.waiting])
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        if self.rescued:
            self.rescued.unlink(missing_ok=True)
        return Path(name)

    def _write_all(self, said: list[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab+", buffering=0, opener=_private) as file:
            self._compare(os.fstat(file.fileno()), said)
            while self.waiting:
                before = self.head
                if end := file.seek(0, 2):  # if the last line was cut off, start a new one
                    file.seek(-1, 2)
                    before = b"" if file.read(1) == b"\n" else b"\n"
                _append(file, before + self.waiting[0] if before else self.waiting[0], end)
                self._remember(os.fstat(file.fileno()))
                del self.waiting[0]
                self.written += 1

    def _remember(self, now: os.stat_result) -> None:
        self._file, self._end = (now.st_dev, now.st_ino), now.st_size

    def _compare(self, now: os.stat_result | None, said: list[str]) -> None:
        """Note whether the file was removed, emptied or continued by another program since the last write."""
        size = now.st_size if now else 0
        is_same = now is not None and self._file == (now.st_dev, now.st_ino)
        if self._end and size != self._end and (size < self._end or not is_same):
            done = "emptied or cut" if is_same else "removed or replaced"
            said.append(
                f"the tape {self.path} was {done} by another program: the {self.written} records that this program "
                "wrote to it before may be gone"
            )
            self.lost += self.written
            self.written, self.replaced = 0, True
        elif size > self._end:
            self.shared = True
        self._file, self._end = ((now.st_dev, now.st_ino) if now else None), size


def _append(file: FileIO, data: bytes, start: int) -> None:
    """Write all of it at the file's end, or none if nobody else wrote there in between."""
    done = 0
    try:
        while done < len(data):
            done += file.write(memoryview(data)[done:])
    except OSError:
        if done and file.seek(0, 2) == start + done:
            with suppress(OSError):
                file.truncate(start)
        raise


def _private(path: str, flags: int) -> int:
    """Open a file; one that is new can be read by its user only, because it will hold what was said to a model."""
    return os.open(path, flags, 0o600)


def _why(e: OSError) -> str:
    return e.strerror or str(e) or type(e).__name__
