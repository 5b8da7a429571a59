"""The one llama-server that all learners share: started here with a key for each of them, or somebody else's.

Starts it outside the hub's process, with `Server`; starts it again, at the same address and with the same keys, when it has
died. A server that was attached to is only checked.

    with shared(settings, state.keys(), say) as model:
        model.url, model.revive()
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from course.errors import CourseError
from course.model import profiles
from course.server import Server, processes
from workshop.hub.settings import Settings, file_keys
from workshop.hub.state import Learner

FLAGS = {"slots": False}
"""/slots would show each learner what the others' slots are doing."""


def key_of(learner: Learner, settings: Settings) -> str | None:
    """The learner's key to the model: their own, or everybody's if SERVER was given with only one KEY."""
    if settings.server is None:
        return learner.key
    if settings.keys is None:
        return settings.key
    keys = file_keys(settings.keys)
    if learner.number >= len(keys):
        raise CourseError(
            f"{settings.keys} holds {len(keys)} keys, but there are more learners.\n"
            "Add a key to it, and restart both llama-server and the hub:  make hub"
        )
    return keys[learner.number]


class Shared:
    """The learners' model server."""

    def __init__(self, server: Server, own: bool) -> None:
        self._server, self._own = server, own
        self._born = processes.created(server.pid) if server.pid else 0.0

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def profile(self) -> str | None:
        """The name of its profile; None if the model of an attached server belongs to none."""
        named = not self._server.attached or self._server.named
        return self._server.profile.name if named else None

    @property
    def pid(self) -> int | None:
        return self._server.pid

    def dead(self) -> bool:
        """Whether the server that was started here has ended."""
        return self._own and not (self.pid and processes.alive(self.pid, self._born))

    def revive(self) -> None:
        """Start it again, at the same address."""
        self._server.stop()
        self._server.start()
        assert self.pid is not None
        self._born = processes.created(self.pid)


@contextmanager
def shared(
    settings: Settings, keys: Sequence[str], say: Callable[[str], object], **changes: Any
) -> Iterator[Shared]:
    """The server, until the block ends. CourseError if it cannot start, or cannot be reached with the keys given."""
    if settings.server:
        first = file_keys(settings.keys)[0] if settings.keys else settings.key
        yield Shared(
            Server(settings.profile, url=settings.server, api_key=first, quiet=True).start(), own=False
        )
        return
    say("starting llama-server …")
    window = profiles.load(settings.profile).context
    if window and changes.get("parallel"):  # llama-server divides its context among its slots
        changes = {"context": window * changes["parallel"], **changes}
    server = Server(
        settings.profile,
        url=False,
        api_key=",".join(keys),
        quiet=True,
        **{**FLAGS, **changes},
    )
    with server.start():
        server.port = urlsplit(server.url).port  # where it has to be found again
        yield Shared(server, own=True)
