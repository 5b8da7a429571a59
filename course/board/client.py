"""The requests to a board: join, leave, send events, share a tape. Each says in one sentence what went wrong.

Sends the name on joining, events as course/board/events.py makes them, and a tape that was named. The headers are fixed.
Redirects are not followed: a captive portal must not get what is meant for the board.

    base, room = address("http://192.168.1.5:8787/room/k7p2-m9xq")
    answer = join(base, room, "Ada")
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlunsplit

import httpx

from course.addresses import masked, split
from course.board.events import Event, stamp
from course.board.membership import Member
from course.errors import CourseError

EXAMPLE = "course board join http://192.168.1.5:8787/room/k7p2-m9xq --name Ada"
PERSON = httpx.Timeout(10.0, connect=5.0)
"""Seconds that a person waits, who typed a command."""
BACKGROUND = httpx.Timeout(5.0, connect=2.0)
UPLOAD = httpx.Timeout(60.0, connect=5.0)
AGENT = "agents-on-the-wire"


@dataclass
class Unanswered(Exception):
    """The board refused, with this status, or what came is not its answer (a proxy's, for example): then it is 0.

    `wait` is the time until the next try that was asked for, in seconds.
    """

    why: str
    status: int = 0
    wait: float = 0.0

    def __str__(self) -> str:
        return self.why


def address(url: str) -> tuple[str, str]:
    """The board's address and the room's code, of an address to join. CourseError if it is not one."""
    parts = split(url, EXAMPLE)
    before, slash, room = parts.path.rstrip("/").rpartition("/room/")
    if parts.query or "@" in parts.netloc or not slash or not room or "/" in room:
        raise CourseError(
            f"{masked(url)} is not the address of a board's room.\nAsk for it; it looks like this:  {EXAMPLE}"
        )
    return urlunsplit(parts._replace(path=before, fragment="")), room.lower()


def join(base: str, room: str, name: str, key: str | None = None) -> dict[str, str]:
    """Join the room; the answer has `name`, as the board shows it, and `key`. With the key of before, it is a new name."""
    url = f"{base}/room/{room}/learners"
    answer = _asked("POST", url, key, PERSON, content=json.dumps({"name": name}).encode())
    if not all(isinstance(answer.get(field), str) and answer[field] for field in ("name", "key")):
        raise Unanswered("what answers there is not a board of this course")
    return {"name": answer["name"], "key": answer["key"]}


def leave(member: Member) -> None:
    """Leave the room: the board removes what it knows of this learner."""
    _asked("DELETE", f"{member.base}/learner", member.key, PERSON)


def send(member: Member, events: Sequence[Event], timeout: httpx.Timeout = BACKGROUND) -> int:
    """Send events; returns how many of them the board refused for good. Afterwards it has them on its disk."""
    content = json.dumps({"events": list(events), "now": stamp(datetime.now(UTC))}).encode()
    answer = _asked("POST", f"{member.base}/events", member.key, timeout, content=content)
    taken, refused = answer.get("taken"), answer.get("refused")
    if type(taken) is not int or type(refused) is not int or taken + refused != len(events):
        raise Unanswered("what answers there is not a board of this course")
    return refused


def share(member: Member, tape: bytes) -> str:
    """Send a tape; returns the number that the board gave it."""
    answer = _asked(
        "POST", f"{member.base}/tapes", member.key, UPLOAD, content=tape, type="application/x-ndjson"
    )
    if not isinstance(answer.get("tape"), str):
        raise Unanswered("what answers there is not a board of this course")
    return str(answer["tape"])


def _asked(
    method: str,
    url: str,
    key: str | None,
    timeout: httpx.Timeout,
    content: bytes | None = None,
    type: str = "application/json",
) -> dict[str, Any]:
    from course.server.transports import built  # not at import: course.server takes a while to load

    headers = {"User-Agent": AGENT, "Content-Type": type} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    try:
        with httpx.Client(timeout=timeout, transport=built(httpx.HTTPTransport, url)) as client:
            response = client.request(method, url, content=content, headers=headers)
    except CourseError as error:  # the environment's proxy or certificates
        raise Unanswered(str(error).partition(".\n")[0]) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Unanswered(f"no answer ({str(error) or error.__class__.__name__})") from error
    try:
        answer = response.json() if response.content else {}
    except (ValueError, RecursionError):
        answer = None
    if response.is_success and isinstance(answer, dict):
        return answer
    said = answer.get("error") if isinstance(answer, dict) else None
    wait = _seconds(response.headers.get("Retry-After", ""))
    if isinstance(said, str) and said:
        raise Unanswered(said[:300], response.status_code, wait)
    raise Unanswered(f"status {response.status_code}, not a board's answer", 0, wait)


def _seconds(text: str) -> float:
    return min(float(text), 300.0) if text.isdecimal() else 0.0
