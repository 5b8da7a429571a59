"""What learners' courses ask for: join, send events, share a tape, leave. JSON in, JSON out.

A learner is who has the key that joining gave (`Authorization: Bearer …`). What is odd is refused with a sentence in
`error`, and stays without effect. course/board/client.py is the other side.
"""

import json
import math
import sqlite3
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from tornado import httputil
from tornado.web import HTTPError, RequestHandler, stream_request_body

from course.addresses import is_loopback
from course.board import MOST_TAPE
from course.board.events import clean_name
from course.tap.upstream import foreign, name_in
from workshop.board.board import Board
from workshop.board.store import Full, Learner

MOST_EVENTS = 200  # of one request
AGAIN = 30  # seconds until a learner's course asks again, if the disk does not take what it sent


class Refused(HTTPError):
    """A status, and the sentence that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status)
        self.why = why


class Base(RequestHandler):
    """What all requests have in common: who may ask, and errors as a sentence."""

    board: Board
    wait = 0

    def initialize(self, board: Board) -> None:
        self.board = board

    def set_default_headers(self) -> None:
        self.set_header("Server", "agents-on-the-wire")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Frame-Options", "DENY")

    def prepare(self) -> None:
        """Refuse the page of another web site, and a name that was pointed at this machine (as the tap does)."""
        board = self.board
        name = name_in(self.request.headers.get("Host", ""))
        guarded = is_loopback(board.host) and not board.hub
        if guarded and not is_loopback(name) and name != board.host:
            raise Refused(403, "use localhost or 127.0.0.1 as the host name")
        pairs = [
            (k.lower().encode("latin-1"), v.encode("latin-1", "replace"))
            for k, v in self.request.headers.get_all()
        ]
        own = {board.host} if guarded else {board.host, name}
        if site := foreign(pairs, own):
            raise Refused(403, f"a page of {site[:100]} may not use this board")
        if (
            self.request.method not in ("GET", "HEAD")
            and self.request.headers.get("Sec-Fetch-Site") == "same-site"
        ):
            raise Refused(403, "a page of another address may not use this board")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code == 429:
            self.set_header("Retry-After", str(self.wait))
        if isinstance(error, sqlite3.Error | OSError):
            self.set_status(503)
            self.set_header("Retry-After", str(AGAIN))
            self.finish({"error": f"the board cannot write to its disk ({error})"})
            return
        self.finish({"error": error.why if isinstance(error, Refused) else self._reason})

    def slow_down(self, seconds: float) -> None:
        """Refuse with the time to wait, if there is one."""
        if seconds > 0:
            self.wait = math.ceil(seconds)
            raise Refused(429, "too many requests; wait a little")

    def guess_failed(self) -> None:
        """Count a wrong code, key or token against the address that sent it."""
        self.slow_down(self.board.wrong.take(self.request.remote_ip))

    def key(self) -> str:
        scheme, _, key = self.request.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def sender(self) -> Learner:
        """The learner whose key was sent. 401 for everybody else."""
        found = self.board.store.learner(self.key()) if self.key() else None
        if found is None:
            self.guess_failed()
            raise Refused(401, "the board does not know this learner")
        return found

    def json(self) -> dict[str, Any]:
        """The body, an object."""
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused(400, "the request is not a JSON object")
        return body


class Nothing(Base):
    """Every other path."""

    def prepare(self) -> None:
        super().prepare()
        raise Refused(404, "there is nothing here")


class Join(Base):
    """POST room/CODE/learners {"name"} → {"name", "key"}."""

    def post(self, room: str) -> None:
        if room.lower() != self.board.codes.room:
            self.guess_failed()
            raise Refused(404, "there is no such room; check its code")
        name = self.json().get("name")
        if not isinstance(name, str) or not clean_name(name):
            raise Refused(400, "the name is empty")
        try:
            learner, key = self.board.store.join(name, self.key() or None)
        except Full as error:
            raise Refused(503, str(error)) from error
        self.board.tell()
        self.finish({"name": learner.name, "key": key})


class Leave(Base):
    """DELETE learner: everything of the sender is removed."""

    def delete(self) -> None:
        self.board.store.remove(self.sender().id)
        self.board.tell()
        self.finish({})


class Events(Base):
    """POST events {"events": […], "now"} → {"taken", "refused"}, when they are on disk."""

    def post(self) -> None:
        learner, body = self.sender(), self.json()
        events, received = body.get("events"), datetime.now(UTC)
        if not isinstance(events, list) or len(events) > MOST_EVENTS:
            raise Refused(400, f"`events` is not a list of at most {MOST_EVENTS}")
        try:
            sent = datetime.fromisoformat(body["now"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Refused(400, "`now` is not a time") from error
        self.slow_down(self.board.flow.take(learner.id, len(events)))
        refused = self.board.store.take(learner.id, events, sent, received)
        self.board.tell()
        self.finish({"taken": len(events) - refused, "refused": refused})


@stream_request_body
class Share(Base):
    """POST tapes, with a tape as the body → {"tape"}."""

    def prepare(self) -> None:
        super().prepare()
        self.learner = self.sender()
        self.parts: list[bytes] = []
        connection = self.request.connection
        assert isinstance(connection, httputil.HTTPConnection)
        connection.set_max_body_size(MOST_TAPE)  # type: ignore[attr-defined]

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.parts.append(chunk)
        return None

    def post(self) -> None:
        try:
            id = self.board.store.share(self.learner.id, b"".join(self.parts))
        except Full as error:
            raise Refused(507, str(error)) from error
        self.board.tell()
        self.finish({"tape": id})
