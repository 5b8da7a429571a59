"""Send one recorded request again with one thing changed, record it, and compare both answers.

The request is the recorded one, byte for byte, except for what is changed: a field, a message, or the server. The
answer goes onto a tape of its own. Never translates a request for another API, and never reads a key from a tape.

    again = replay(turn, server, reasoning_format="none")
    again                        # both answers side by side
    again.after.content
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from course.addresses import origin
from course.errors import CourseError
from course.replay import comparison, edits, sending
from course.replay.edits import ABSENT, Change
from course.tape import Tape, warn
from course.turns import Turn, turns

__all__ = ["ABSENT", "Change", "Replay", "replay"]


class Addressed(Protocol):
    """What `replay` needs to know about a server; a `course.server.Server` has it."""

    @property
    def url(self) -> str: ...
    @property
    def api_key(self) -> str | None: ...


@dataclass(frozen=True, repr=False)
class Replay:
    """A recorded turn, what was changed in its request, and the turn that came of it.

    `changes` may be empty. `server` is the address that the second request went to, without its path. `tape` is the file
    that has it.
    """

    before: Turn
    after: Turn
    changes: list[Change]
    server: str
    tape: Path

    @property
    def answered(self) -> bool:
        """Whether the server answered the second request in full, without an error."""
        return 200 <= (self.after.status or 0) < 300 and not self.after.error

    def text(self, width: int = 100) -> str:
        """Both answers side by side, for a console of this width."""
        return comparison.text(self, width)

    __repr__ = __str__ = text

    def _repr_html_(self) -> str:
        return comparison.html(self)

    def page(self) -> str:
        """Both answers side by side as one HTML file."""
        return comparison.html(self, "replay_page.html")


def replay(
    turn: Turn,
    server: str | Addressed | None = None,
    changes: Mapping[str, Any] | None = None,
    *,
    message: Mapping[int, str] | None = None,
    remove: Iterable[str] = (),
    key: str | None = None,
    tape: Tape | str | Path | None = None,
    source: str | Path | None = None,
    timeout: float = 600,
    transport: httpx.BaseTransport | None = None,
    report: Callable[[str], object] = warn,
    **fields: Any,
) -> Replay:
    """Send the turn's request again, changed, to `server`: an address, a server, or by default the recorded one.

    `fields` are fields of the request, `changes` the same for dotted paths: {"messages.0.content": "Hi"}. `remove` lists
    fields to leave out. `message` gives messages a new text, by number from 1, as on the wire; -1 is the last. `key` is
    sent as the API key; by default it is the server's own, if it has one. `tape` is where the exchange is recorded, by
    default a new file; `source` is the file that `turn` comes from, for the record. `timeout` is in seconds. `transport`
    replaces the network. `report` is called with each problem of the tape.

    A refusal is an answer like any other. CourseError if the request is not on the tape in full, the server cannot be
    reached, or a change does not fit the request.
    """
    exchange = turn.exchange
    if exchange is None:
        raise CourseError(
            f"{turn.label} has no exchange on the tape, only a step, so there is nothing to send again.\n"
            "Choose another turn:  course view TAPE"
        )
    values = {**(changes or {}), **fields, **dict.fromkeys(remove, ABSENT)}
    sending.check_whole(exchange, bool(values or message))
    body = exchange.request if isinstance(exchange.request, dict) else {}
    values |= {edits.message_path(body, n): said for n, said in (message or {}).items()}
    new, changed = edits.edited(body, values)

    given = server if isinstance(server, str) or server is None else server.url
    own = None if isinstance(server, str) or server is None else server.api_key
    key = key or own
    if given is not None and given.startswith("unix://"):
        from course.server import connection  # not at import: it needs an operating system

        transport = transport or connection.transport(given)
        given = connection.web_address(given)
    url = sending.target(exchange.url, given, key)

    record = tape if isinstance(tape, Tape) else Tape(tape, report=report)
    to = origin(url)
    said = [{"path": c.path, "before": _plain(c.before), "after": _plain(c.after)} for c in changed]
    source_of = {"source": str(source) if source else None, "turn": turn.label, "entry": exchange.id}
    record.add({"_type": "replay", **source_of, "changes": said, "server": to})
    before = len(record.records())
    sending.send(
        exchange,
        url,
        sending.body_of(exchange, new if changed else None),
        key,
        record,
        timeout,
        transport or sending.network(url),
    )
    made = turns(record.records(), since=before)
    if record is not tape:
        record.close()  # what a full disk refused is in another file then
    return Replay(turn, made[-1], changed, to, record.writer.rescued or record.path)


def _plain(value: Any) -> Any:
    """A value for the tape, where a field that is not there is null."""
    return None if value is ABSENT else value
