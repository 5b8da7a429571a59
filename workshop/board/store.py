"""What the board knows, in SQLite: learners, their exercises, the errors they met, the tapes they shared.

What is acknowledged is on disk (write-ahead log; it survives the end of the process, kill -9 included). An event that comes
twice counts once. Everything is bounded: learners, exercises and types of errors of each, events that are remembered to
recognize duplicates, tapes. Knows nothing about HTTP.

    store = Store(folder)
    ada = store.join("Ada")
    store.take(ada.id, [attempt("05.2", True, 3, when)], sent=when, received=when)
"""

import hashlib
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from course import progress
from course.board.events import LONGEST_NAME, clean_name, fault
from course.errors import CourseError

MOST_LEARNERS = 500
MOST_KINDS = 400  # exercises of one learner, and types of errors
REMEMBERED = 2000  # events of each learner, to recognize those that are sent twice
MOST_TAPES = 20  # of each learner
MOST_BYTES = 2**30  # of all tapes
OLDEST = timedelta(days=7)  # an event that is older counts as that old

TABLES = """
CREATE TABLE IF NOT EXISTS learners (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, folded TEXT UNIQUE,
  key TEXT UNIQUE, joined REAL, seen REAL, lesson TEXT);
CREATE TABLE IF NOT EXISTS events (learner INTEGER, time TEXT, what TEXT, PRIMARY KEY (learner, time, what)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exercises (learner INTEGER, exercise TEXT, attempts INTEGER, solved INTEGER, last REAL,
  PRIMARY KEY (learner, exercise)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS errors (learner INTEGER, lesson TEXT, error TEXT, count INTEGER, last REAL,
  PRIMARY KEY (learner, lesson, error)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tapes (id TEXT PRIMARY KEY, learner INTEGER, size INTEGER, time REAL);
"""


class Full(Exception):
    """There is no room for another learner or tape. The text says which limit it is."""


@dataclass(frozen=True)
class Learner:
    id: int
    name: str


class Store:
    """The database in `folder`. One process at a time: CourseError if another board has it open.

    `version` grows with each change.
    """

    def __init__(self, folder: Path, lessons: Sequence[str] | None = None) -> None:
        self.folder, self.tapes = folder, folder / "tapes"
        self.lessons = frozenset(progress.lessons() if lessons is None else lessons)
        self.version = 0
        self._fresh: Counter[int] = Counter()  # events since a learner's old ones were forgotten
        path = folder / "board.sqlite3"
        try:
            self.tapes.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.db = sqlite3.connect(path, timeout=2.0)
            self.db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.executescript(TABLES)
            path.chmod(0o600)
        except (OSError, sqlite3.Error) as error:
            raise CourseError(
                f"the board cannot use {path}: {error}.\n"
                "If another board is running, stop it. To begin with an empty one:  make board ARGS='--data /new/folder'"
            ) from error

    def close(self) -> None:
        self.db.close()

    def join(self, name: str, key: str | None = None) -> tuple[Learner, str]:
        """A learner and their key: a new one, or the one of `key` under a new name. A name that is taken gets a number."""
        known = self.learner(key) if key else None
        wanted = clean_name(name) or "learner"
        with self.db:
            if known is None:
                (count,) = self.db.execute("SELECT count(*) FROM learners").fetchone()
                if count >= MOST_LEARNERS:
                    raise Full(f"the board is full: it has {MOST_LEARNERS} learners")
                key, now = secrets.token_urlsafe(24), time.time()
                row = self.db.execute(
                    "INSERT INTO learners (name, key, joined, seen) VALUES ('', ?, ?, ?)",
                    (_hashed(key), now, now),
                )
                known = Learner(row.lastrowid or 0, "")
            shown = self._free(wanted, known.id)
            self.db.execute(
                "UPDATE learners SET name = ?, folded = ? WHERE id = ?", (shown, shown.casefold(), known.id)
            )
        self.version += 1
        return Learner(known.id, shown), key or ""

    def learner(self, key: str) -> Learner | None:
        """Who has this key."""
        row = self.db.execute("SELECT id, name FROM learners WHERE key = ?", (_hashed(key),)).fetchone()
        return Learner(*row) if row else None

    def take(self, learner: int, events: Sequence[Any], sent: datetime, received: datetime) -> int:
        """Keep a learner's events; returns how many were refused. `sent` is the time by the learner's clock."""
        refused = 0
        with self.db:
            for event in events:
                refused += not self._one(learner, event, received - sent, received)
            self._fresh[learner] += len(events)
            if self._fresh[learner] > REMEMBERED // 4:
                self._fresh[learner] = 0
                self.db.execute(
                    "DELETE FROM events WHERE learner = ? AND time < (SELECT time FROM events WHERE learner = ? "
                    "ORDER BY time DESC LIMIT 1 OFFSET ?)",
                    (learner, learner, REMEMBERED),
                )
        self.version += 1
        return refused

    def _one(self, learner: int, event: Any, slow: timedelta, received: datetime) -> bool:
        """Keep one event; whether it is one, and there is room for it."""
        if fault(event, self.lessons):
            return False
        is_error = "error" in event
        table, where, kind = (
            ("errors", "lesson = ? AND error = ?", (event["lesson"], event["error"]))
            if is_error
            else ("exercises", "exercise = ?", (event["exercise"],))
        )
        if not self.db.execute(
            f"SELECT 1 FROM {table} WHERE learner = ? AND {where}", (learner, *kind)
        ).fetchone():
            (count,) = self.db.execute(
                f"SELECT count(*) FROM {table} WHERE learner = ?", (learner,)
            ).fetchone()
            if count >= MOST_KINDS:
                return False
        key = (learner, event["time"], ("!" if is_error else "") + " ".join(kind))
        if not self.db.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?)", key).rowcount:
            return True  # it was sent before
        happened = datetime.fromisoformat(event["time"]) + slow
        when = min(max(happened, received - OLDEST), received).timestamp()
        if is_error:
            self.db.execute(
                "INSERT INTO errors VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1, "
                "last = max(last, excluded.last)",
                (learner, *kind, when),
            )
        else:
            self.db.execute(
                "INSERT INTO exercises VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "attempts = max(attempts, excluded.attempts), solved = max(solved, excluded.solved), "
                "last = max(last, excluded.last)",
                (learner, *kind, event["attempts"], event["outcome"] == "solved", when),
            )
        self.db.execute(
            "UPDATE learners SET seen = ?, lesson = ? WHERE id = ? AND (seen <= ? OR lesson IS NULL)",
            (when, event["lesson"], learner, when),
        )
        return True

    def share(self, learner: int, data: bytes) -> str:
        """Keep a tape; returns its number. Full if there is no room."""
        count = self.db.execute("SELECT count(*) FROM tapes WHERE learner = ?", (learner,)).fetchone()[0]
        size = self.db.execute("SELECT coalesce(sum(size), 0) FROM tapes").fetchone()[0]
        if count >= MOST_TAPES:
            raise Full(f"you have shared {MOST_TAPES} tapes, which is the most")
        if size + len(data) > MOST_BYTES:
            raise Full("the board has no room for more tapes")
        id = secrets.token_hex(4)
        path = self.tape(id)
        try:
            path.touch(0o600)
            path.write_bytes(data)
            with self.db:
                self.db.execute(
                    "INSERT INTO tapes VALUES (?, ?, ?, ?)", (id, learner, len(data), time.time())
                )
        except (OSError, sqlite3.Error):  # a full disk
            path.unlink(missing_ok=True)
            raise
        self.version += 1
        return id

    def tape(self, id: str) -> Path:
        """Where the tape of this number is, if there is one."""
        return self.tapes / f"{id}.tape.jsonl"

    def has_tape(self, id: str) -> bool:
        return self.db.execute("SELECT 1 FROM tapes WHERE id = ?", (id,)).fetchone() is not None

    def remove(self, learner: int) -> None:
        """Forget a learner, with everything."""
        shared = [id for (id,) in self.db.execute("SELECT id FROM tapes WHERE learner = ?", (learner,))]
        with self.db:
            for table in ("events", "exercises", "errors", "tapes"):
                self.db.execute(f"DELETE FROM {table} WHERE learner = ?", (learner,))
            self.db.execute("DELETE FROM learners WHERE id = ?", (learner,))
        for id in shared:
            for path in self.tapes.glob(f"{id}.*"):
                with suppress(OSError):
                    path.unlink()
        self.version += 1

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, for course's snapshot."""
        return self.db.execute(query).fetchall()

    def _free(self, name: str, learner: int) -> str:
        """The name, or with a number behind it if another learner has it."""
        for number in range(1, MOST_LEARNERS + 2):
            end = f" ({number})" if number > 1 else ""
            tried = name[: LONGEST_NAME - len(end)] + end
            row = self.db.execute("SELECT id FROM learners WHERE folded = ?", (tried.casefold(),)).fetchone()
            if row is None or row[0] == learner:
                return tried
        raise Full("this name is taken too often")


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
