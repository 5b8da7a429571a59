"""The events that the board has not taken yet: one small file each, so that kernels share the folder without locks.

A file gets its name, which sorts by time, when it is complete. Whoever has sent it removes it; two kernels that send the
same one do no harm, because the board knows it again. At most `MOST` wait: then the oldest give way, and are counted.

    put(attempt("05.2", True, 3, when))
    for path, event in waiting(100): …
"""

import json
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from course import files, progress
from course.board import membership
from course.board.events import Event, fault

MOST = 2000
"""Events that wait at most. A lesson makes about a hundred."""
LOG = 2**18
"""Bytes of sent.jsonl, after which its older half is dropped."""


def folder() -> Path:
    return membership.folder() / "outbox"


def put(event: Event) -> None:
    """Keep the event until it is sent. OSError if it cannot be written."""
    where = folder()
    name = f"{str(event['time']).replace(':', '-')}-{secrets.token_hex(4)}"
    part = where / f".{name}.part"
    try:
        try:
            part.write_text(json.dumps(event), encoding="utf-8")
        except FileNotFoundError:
            where.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_text(json.dumps(event), encoding="utf-8")
        os.replace(part, where / f"{name}.json")
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def waiting(most: int | None = None) -> list[tuple[Path, Event]]:
    """The oldest events that wait, with their files. A damaged file is removed."""
    found: list[tuple[Path, Event]] = []
    for path in _paths():
        if most is not None and len(found) == most:
            break
        try:
            event = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue  # another kernel has sent it
        except (OSError, ValueError, RecursionError):
            event = None
        if fault(event):
            _remove(path)
        else:
            found.append((path, event))
    return found


def count() -> int:
    """How many events wait."""
    return len(_paths())


def done(sent: Iterable[tuple[Path, Event]]) -> None:
    """Note these events as sent, and remove them from those that wait."""
    sent = list(sent)
    log = membership.folder() / "sent.jsonl"
    with suppress(OSError):
        progress.append(log, (event for _, event in sent))
        if log.stat().st_size > LOG:
            lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
            files.write_private(log, "".join(lines[len(lines) // 2 :]))
    for path, _ in sent:
        _remove(path)


def trim() -> int:
    """Remove the oldest events beyond `MOST`; returns how many, and notes it for `dropped`."""
    paths = _paths()
    surplus = paths[: max(len(paths) - MOST, 0)]
    removed = sum(_remove(path) for path in surplus)
    if removed:
        with suppress(OSError), (membership.folder() / "dropped.txt").open("a", encoding="ascii") as file:
            file.write(f"{removed}\n")
    return removed


def dropped() -> int:
    """How many events have given way since this board was joined."""
    try:
        return sum(map(int, (membership.folder() / "dropped.txt").read_text(encoding="ascii").split()))
    except (OSError, ValueError):
        return 0


def clear() -> None:
    """Remove all that waits."""
    with suppress(OSError):
        for path in folder().iterdir():
            _remove(path)


def _paths() -> list[Path]:
    try:
        names = os.listdir(folder())
    except OSError:
        return []
    return [folder() / name for name in sorted(names) if name.endswith(".json")]


def _remove(path: Path) -> bool:
    """Whether it was there and could be removed."""
    with suppress(OSError):
        path.unlink()
        return True
    return False
