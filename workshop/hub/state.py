"""Everything that a hub keeps: codes, keys, who is who, and where each learner's files are. One folder, read at each start.

The secrets are readable by the hub's user only. A learner gets a number at first login and keeps it: the number decides
the learner's user id and API key. Nothing is ever removed here.

    state = State(Path("build/hub-state")); state.prepare(learners=40)
    state.learner("ada")        # Learner(name='ada', number=0, uid=66100, key='hub-…', folder=…/homes/ada)
"""

import contextlib
import fcntl
import json
import os
import pwd
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course import files
from course.errors import CourseError
from workshop.hub.settings import MOST

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike on a projector
UIDS = range(65_600, 99_500)
"""User ids that Linux distributions leave unused; systemd's documentation lists the ranges (UIDS-GIDS.md)."""


@dataclass(frozen=True)
class Learner:
    """One account. `uid` is None if the hub does not run as root: then all learners are the hub's own user."""

    name: str
    number: int
    uid: int | None
    key: str
    folder: Path


def code(parts: int = 2) -> str:
    """A code to read off a projector: 20 bits in each part."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(parts))


def room_full(most: int) -> CourseError:
    return CourseError(
        f"this hub has {most} learners already, and an API key for no more.\n"
        f"Ask the instructor to restart it (if it has a file of KEYS, with more of them):  "
        f"make hub HUB_LEARNERS={min(MOST, most + 10)}"
    )


class State:
    """The folder of one hub."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.homes = home / "homes"
        self.logs = home / "logs"
        self.servers = home / "servers"
        self.lessons = home / "lessons"
        self.model = home / "model"
        self.jupyter = home / "jupyter"
        self.launch = home / "launch.json"

    def prepare(self, learners: int) -> None:
        """Make what is missing. More learners than before get keys of their own; the others keep theirs."""
        self.home.mkdir(parents=True, exist_ok=True)
        for folder, mode in (
            (self.home, 0o711),
            (self.homes, 0o711),
            (self.logs, 0o700),
            (self.servers, 0o700),
            (self.model, 0o755),
        ):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
        known = self._read("secrets.json")
        fresh = {
            "room_code": code(),
            "instructor_code": code(4),
            "service_token": secrets.token_hex(32),
            "proxy_token": secrets.token_hex(32),
            "cookie_secret": secrets.token_hex(32),
            "uids": UIDS.start + secrets.randbelow(len(UIDS) // MOST) * MOST,
            "keys": [],
        }
        made = {**fresh, **known}
        made["keys"] = [*made["keys"], *(f"hub-{secrets.token_hex(16)}" for _ in range(learners))][
            : max(learners, len(made["keys"]))
        ]
        if made != known:
            files.write_private(self.home / "secrets.json", json.dumps(made, indent=1))

    def secret(self, name: str) -> str:
        """A code or token by its name."""
        return str(self._read("secrets.json")[name])

    def keys(self) -> list[str]:
        """Every API key of this hub, in the order of the learners' numbers."""
        return list(self._read("secrets.json")["keys"])

    def learner(self, name: str) -> Learner:
        """The account with this (normalized) name. Its first use gives it a number; CourseError if there is none left."""
        names = self._names()
        if name not in names:
            if len(names) >= len(self.keys()):
                raise room_full(len(self.keys()))
            names.append(name)
            files.write_private(self.home / "learners.json", json.dumps(names))
        return self._learner(name, names.index(name), self._read("secrets.json"))

    def known(self) -> list[Learner]:
        """Everybody who ever logged in."""
        secret = self._read("secrets.json")
        return [self._learner(name, number, secret) for number, name in enumerate(self._names())]

    def _learner(self, name: str, number: int, secret: Mapping[str, Any]) -> Learner:
        uid = int(secret["uids"]) + number if os.geteuid() == 0 else None
        return Learner(name, number, uid, secret["keys"][number], self.homes / name)

    def _names(self) -> list[str]:
        path = self.home / "learners.json"
        return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []

    def _read(self, name: str) -> dict[str, Any]:
        path = self.home / name
        if not path.exists():
            return {}
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return read

    def make_home(self, learner: Learner) -> None:
        """The learner's own folder. Its content is the learner's business: the hub's user never writes into it."""
        learner.folder.mkdir(mode=0o700, exist_ok=True)
        if learner.uid is not None and learner.folder.lstat().st_uid != learner.uid:
            os.chown(learner.folder, learner.uid, learner.uid, follow_symlinks=False)

    def check_uids(self) -> None:
        """CourseError if another account of this machine has a user id that a learner would get."""
        if os.geteuid() != 0:
            return
        first = int(self.secret("uids"))
        for uid in range(first, first + MOST):
            with contextlib.suppress(KeyError):
                raise CourseError(
                    f"the user id {uid}, which this hub wants for a learner, belongs to {pwd.getpwuid(uid).pw_name}.\n"
                    "Use another folder for the hub's state:  make hub HUB_HOME=/srv/hub"
                )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Only one program at a time runs this hub. CourseError if another one does."""
        with (self.home / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                who = lock.read().strip()
                raise CourseError(
                    f"this hub is running already{f' (pid {who})' if who else ''}; its state is in {self.home}.\n"
                    "Press Ctrl-C where it runs, or start another:  make hub HUB_HOME=/another/folder PORT=8001"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield
            lock.truncate(0)
