"""The instructor's page and what it needs: the token, the stream of states, shared tapes, removing a learner.

Who opened the address with the token has a signed cookie (HttpOnly, SameSite=Lax) for a week, restarts included. The page
gets all text as JSON and sets it as text. A shared tape is a learner's page: it runs sandboxed, without this page's origin.
"""

import asyncio
import hmac
from importlib.resources import files
from urllib.parse import urlencode

from tornado.iostream import StreamClosedError

from workshop.board.board import BEAT, PAUSE
from workshop.board.learners import Base, Refused

STATIC = {"board.js": "text/javascript", "board.css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SANDBOX = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
MOST_STREAMS = 20
WEEK = 7  # days


class Page(Base):
    """A page for a browser. `instructor` says who looks."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Content-Security-Policy", POLICY)

    @property
    def cookie(self) -> str:
        return f"board-{self.board.port}"  # the cookies of a host are sent to all its ports

    @property
    def instructor(self) -> bool:
        return self.get_signed_cookie(self.cookie, max_age_days=WEEK) == b"instructor"

    def only_instructor(self) -> None:
        if not self.instructor:
            raise Refused(403, "open the instructor's address first, the one with the token")

    def welcome(self, token: str) -> None:
        """Let whoever has the token in, with an address that does not show it."""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.board.codes.token.encode()):
            self.guess_failed()
            self.set_status(403)
            self.show("login.html", WRONG="This is not the token.")
            return
        self.set_signed_cookie(
            self.cookie,
            "instructor",
            expires_days=WEEK,
            path=self.board.prefix,
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.redirect(self.board.prefix)

    def show(self, name: str, **values: str) -> None:
        """A file of static/, with these values (of ours) in place of their names."""
        text = read(name)
        for key, value in values.items():
            text = text.replace(f"{{{{{key}}}}}", value)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)


class Main(Page):
    """GET / is the instructor's page, or asks for the token."""

    def get(self) -> None:
        if token := self.get_query_argument("token", ""):
            self.welcome(token)
        elif self.instructor:
            self.show("board.html", ROOM=self.board.codes.room, ADDRESS=self.board.address)
        else:
            self.show("login.html", WRONG="")

    def post(self) -> None:
        self.welcome(self.get_body_argument("token", ""))


class Room(Page):
    """GET room/CODE tells a learner who opens it in a browser what to type."""

    def get(self, room: str) -> None:
        if room.lower() != self.board.codes.room:
            self.guess_failed()
            raise Refused(404, "there is no such room; check its code")
        self.show("room.html")


class Static(Page):
    """The script and the style sheet: the course's own, and a few rules for the table."""

    def get(self, name: str) -> None:
        self.set_header("Content-Type", f"{STATIC[name]}; charset=utf-8")
        templates = files("course.view") / "templates"
        if name == "board.css":
            self.write(
                "".join((templates / each).read_text(encoding="utf-8") for each in ("style.css", "page.css"))
            )
        self.finish(read(name))


class Stream(Page):
    """GET stream: the state, again whenever it changes, as server-sent events."""

    gone = False

    def on_connection_close(self) -> None:
        self.gone = True
        self.board.tell()  # wakes this one, too

    async def get(self) -> None:
        self.only_instructor()
        if self.board.streams >= MOST_STREAMS:
            raise Refused(503, f"{MOST_STREAMS} pages are open already")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")  # a proxy passes each event on
        self.board.streams += 1
        try:
            while not self.gone:
                self.write(f"data: {self.board.state()}\n\n")
                await self.flush()
                await self.board.changed(BEAT if self.board.current else PAUSE)
                await asyncio.sleep(PAUSE)  # what comes in quick succession is shown at once
        except StreamClosedError:
            pass
        finally:
            self.board.streams -= 1


class Tape(Page):
    """GET tapes/ID: a shared tape, as `course view` shows it."""

    async def get(self, id: str) -> None:
        self.only_instructor()
        if not self.board.store.has_tape(id):
            raise Refused(404, "there is no such tape; perhaps its learner has left")
        page = await self.board.page_of(id)
        if page is None:
            raise Refused(500, "course view could not show this tape")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", SANDBOX)
        self.finish(page.read_bytes())


class Remove(Page):
    """POST learners/ID/remove: forget a learner."""

    def post(self, learner: str) -> None:
        self.only_instructor()
        self.board.store.remove(int(learner))
        self.board.tell()
        self.finish({})


def read(name: str) -> str:
    return (files("workshop.board") / "static" / name).read_text(encoding="utf-8")


def instructor_url(base: str, token: str) -> str:
    """The address that lets an instructor in."""
    return f"{base}?{urlencode({'token': token})}"
