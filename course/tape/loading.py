"""Read a tape, or a HAR file from another program, whatever state it is in.

Every readable record is kept, and every unreadable one is reported as a problem that says which and why. Files are read
line by line, so a line of a gigabyte takes no more memory than `limit`. Nothing is changed on disk.

    load(Path("tapes/….tape.jsonl")).records
"""

import codecs
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from course.errors import CourseError
from course.tape import schema

LIMIT = 512 * 2**20  # bytes of one line, or of a whole HAR file; `load` needs about five times as much memory
SAID = 10  # problems that are listed one by one
BOM = b"\xef\xbb\xbf"
HAR = re.compile(rb'\s*\{\s*"log"\s*:\s*\{')
ENTRIES = re.compile(r'(?<!\\)"entries"\s*:\s*\[')
RECORD = "Record one:  course ask 'your question'"


@dataclass
class Loaded:
    """What was in a file. `is_har`: it is a HAR file, so nothing can be added. `version` is that of the format.

    `more` counts the problems that are not listed, `lines` the lines that were read.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_har: bool = False
    version: int = schema.VERSION
    lines: int = 0
    more: int = 0

    def problem(self, text: str) -> None:
        if len(self.problems) < SAID:
            self.problems.append(text)
        else:
            self.more += 1


def load(path: Path, limit: int = LIMIT) -> Loaded:
    """All records of the file, none if it is empty. CourseError if it is neither a tape nor a HAR file."""
    if path.is_dir():
        tapes = sorted(path.glob("*.jsonl"))
        hint = f"Name a tape in it:  course view {tapes[-1]}" if tapes else RECORD
        raise CourseError(f"{path} is a directory, not a tape.\n{hint}")
    try:
        with path.open("rb") as file:
            if file.seekable():
                loaded = _records(file, path, limit)
            else:  # a pipe, which can be read only once
                with tempfile.TemporaryFile() as copy:
                    shutil.copyfileobj(file, copy)
                    loaded = _records(copy, path, limit)
    except OSError as e:
        raise CourseError(f"the tape {path} can't be read: {e}.\nName another file:  course view FILE") from e
    if loaded.more:
        loaded.problems.append(f"{loaded.more} more lines of {path} were skipped")
    if loaded.version > schema.VERSION:
        loaded.problems.append(
            f"{path} has version {loaded.version} of the format. This course knows version {schema.VERSION} and may "
            "misread it"
        )
    return loaded


def _records(file: IO[bytes], path: Path, limit: int) -> Loaded:
    """What is in the file, a tape or HAR. `path` is its name in problems."""
    file.seek(0)
    if coding := _utf_16(file.read(4)):
        file.seek(0)
        text = file.read(limit + 1).decode(coding, "replace").removeprefix("\ufeff")
        file = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    file.seek(0)
    head = file.read(4096).removeprefix(BOM)
    loaded = _har(file, path, limit) if HAR.match(head) else _lines(file, path, limit)
    if loaded.is_har or any(record["_type"] != "?" for record in loaded.records):
        return loaded
    if head.lstrip()[:1] == b"{":  # a HAR file may begin with another key
        with suppress(CourseError):
            if (other := _har(file, path, limit)).records:
                return other
    if loaded.records:
        loaded.problems.append(f"nothing in {path} is a record of a tape: none has a `_type`")
    elif loaded.problems:
        raise CourseError(
            f"{path} is not a tape: none of its {loaded.lines} lines is a JSON object. It begins with "
            f"{head[:24]!r}.\n{RECORD}"
        )
    return loaded


def _utf_16(head: bytes) -> str | None:
    """The coding of a text in UTF-16, as PowerShell and some browsers write it, with or without a mark."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return {b"{\0": "utf-16-le", b"\0{": "utf-16-be"}.get(head[:2])


def _lines(file: IO[bytes], path: Path, limit: int) -> Loaded:
    loaded = Loaded()
    for number, line, size, whole in _cut_lines(file, limit):
        loaded.lines = number
        where = f"line {number} of {path}"
        if line is None:
            loaded.problem(
                f"{where} has {size:,} bytes, more than the limit of {limit:,}, and was skipped. "
                f"To read it:  Tape.read('{path}', limit={size})"
            )
            continue
        if not line.strip():
            continue
        try:
            record = {"_type": "?", **json.loads(line)}
        except (ValueError, TypeError, RecursionError):
            what = "is not a JSON object" if whole else "is cut off"
            loaded.problem(f"{where} {what} ({size} bytes) and was skipped")
            continue
        _take(loaded, record, where)
    _number(loaded, only_twice=True)
    return loaded


def _number(loaded: Loaded, only_twice: bool = False) -> None:
    """Give the entries new numbers if two have the same: tapes that were joined, or two programs with one tape."""
    valid = [r for r in loaded.records if r["_type"] == "entry"]
    numbers = [r["_id"] for r in valid if r.get("_id") is not None]
    if len(set(numbers)) < len(numbers) or not (only_twice or len(numbers) == len(valid)):
        for number, record in enumerate(valid, 1):
            record["_id"] = number


def _cut_lines(file: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | None, int, bool]]:
    """For each line: its number, its bytes (None if more than `limit`), its size, and whether it ends with a newline."""
    file.seek(0)
    number = 0
    while line := file.readline(limit + 1):
        number += 1
        size = len(line)
        long = size > limit and not line.endswith(b"\n")
        piece = line
        while long and piece and not piece.endswith(b"\n"):
            line, piece = b"", file.readline(2**20)
            size += len(piece)
        whole = piece.endswith(b"\n")
        if number == 1:
            line = line.removeprefix(BOM)
        yield number, None if long else line.rstrip(b"\r\n"), size - whole, whole


def _take(loaded: Loaded, record: dict[str, Any], where: str) -> None:
    record, found = schema.checked(record)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        loaded.problem(f"{where} was set aside: {found[0]}{more}")
        record = {"_type": "invalid", "_problem": found[0], "record": record}
    elif record["_type"] == "tape":
        loaded.version = max(loaded.version, int(record["version"]))
        return
    loaded.records.append(record)


def _har(file: IO[bytes], path: Path, limit: int) -> Loaded:
    """The entries of a HAR file as records of a tape; the complete ones if it is cut off."""
    size = file.seek(0, os.SEEK_END)
    if size > limit:
        raise CourseError(
            f"{path} is a HAR file of {size:,} bytes, more than the limit of {limit:,}.\n"
            f"Export fewer requests, or raise the limit:  Tape.read('{path}', limit={size})"
        )
    file.seek(0)
    text = file.read().decode("utf-8-sig", "replace")
    loaded = Loaded(is_har=True)
    try:
        entries = json.loads(text)["log"]["entries"]
    except (ValueError, TypeError, LookupError, RecursionError):
        entries = _whole_entries(text)
        loaded.problem(
            f"{path} is a HAR file that is cut off or damaged. {len(entries)} of its entries could be read"
        )
    if not isinstance(entries, list):
        raise CourseError(f"{path} is a HAR file whose log.entries is not a list.\nExport it again")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            loaded.problem(f"entry {number} of {path} is not a JSON object and was skipped")
            continue
        _take(loaded, {**entry, "_type": "entry"}, f"entry {number} of {path}")
    _number(loaded)
    return loaded


def _whole_entries(text: str) -> list[Any]:
    """The entries before the place where the file is cut off."""
    found: list[Any] = []
    decoder = json.JSONDecoder()
    if not (start := ENTRIES.search(text)):
        return found
    at = start.end()
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found
        found.append(entry)
