"""One exchange from the tape: the request and the response, parsed.

Pure. A streamed response is assembled into the shape of one that was not streamed, and every API that course/turns/dialects
knows is read into the same values (values.py). What does not fit is noted (`deviations`) and stays in the raw text, which
is kept next to what was parsed. Nothing that a body holds makes the reading fail. Knows nothing about agents.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from course.turns import dialects, failures
from course.turns.bodies import Body, body, loads
from course.turns.dialects import chat
from course.turns.outcome import Outcome, outcome
from course.turns.reading import Deviation, Earlier, Node, Notes, Record, number, record, text, whole
from course.turns.values import Answer, Asked, Failure, Reply, as_text

ROOTS = ("request", "response", "events", "raw_request", "raw_response", "status", "error", "url", "method")
KEY = re.compile(r"[^.\[\]]+")
LARGEST_BODY = 1 << 26
"""Bytes to which a request body is decompressed at most."""
CALL = re.compile(r"/(?:completions?|responses|messages|api/chat|api/generate|infill)$")


@dataclass(frozen=True)
class Exchange:
    """One request and its response. `request` and `response` are parsed JSON, or text if they are not JSON.

    A response with `streamed` set was assembled from its `events`; `raw_response` keeps the text as it came. `started`
    is epoch time, `seconds` the whole exchange, `chunks` the response's [milliseconds, bytes]. `status` is 0 if no
    response came, and `error` says why the exchange broke off.

    `dialect` is the API's name, None if it is not known. `asked` is what the request asks for, `reply` what the response
    says, `answer` the first answer in it and `failure` the error in it. `deviations` are the values in both that do not
    fit the API. `body_kind` is json, events, lines, text or nothing; `done` whether a stream ended with [DONE].
    `undecodable` is the coding of a body, of the response or the request, that could not be decoded, and `missing` says
    why the tape does not have the body, or not all of it.
    """

    id: int | None
    method: str
    url: str
    status: int
    request: Any
    response: Any
    started: float | None
    seconds: float | None
    streamed: bool = False
    error: str | None = None
    chunks: list[list[float]] = field(default_factory=list)
    raw_request: str = ""
    raw_response: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    dialect: str | None = None
    asked: Asked = field(default=Asked(), repr=False)
    reply: Reply = field(default=Reply(), repr=False)
    failure: Failure | None = None
    deviations: tuple[Deviation, ...] = ()
    events: list[Record] = field(default_factory=list, repr=False)
    body_kind: str = "json"
    done: bool = False
    undecodable: str | None = None
    missing: str | None = None

    @cached_property
    def messages(self) -> list[Record]:
        """The request's messages as those of a chat completion, whatever API it is for."""
        return [message.given for message in self.asked.messages]

    @property
    def answer(self) -> Answer | None:
        """The first answer of the response. None if there is none."""
        return self.reply.answers[0] if self.reply.answers else None

    @cached_property
    def outcome(self) -> Outcome:
        """What came of it: answered, cut, refused and so on."""
        return outcome(self)

    @property
    def path(self) -> str:
        """The path of its address, without a slash at the end."""
        return path_of(self.url)

    @property
    def is_call(self) -> bool:
        """Whether it asks the model for an answer, judging by its address and the response."""
        return self.method == "POST" and (self.answer is not None or bool(CALL.search(self.path)))

    @property
    def message(self) -> Record:
        """The message that the model sent back, in the shape of a chat completion's. Empty if there is none."""
        return self.reply.message

    def at(self, where: str) -> Any:
        """The value at a path, such as `response.choices[0].finish_reason`; None if there is nothing."""
        root, *keys = KEY.findall(where)
        value: Any = getattr(self, root) if root in ROOTS else None
        if root in ("content", "thinking") and self.answer:
            value = getattr(self.answer, root)
        for key in keys:
            try:
                value = value[int(key) if isinstance(value, list) else key]
            except (LookupError, TypeError, ValueError):
                return None
        return value

    @property
    def response_id(self) -> str | None:
        return text(record(self.response).get("id"))


def exchanges(entries: Iterable[Record]) -> list[Exchange]:
    """The exchanges among the records of a tape, or of a HAR file's entries."""
    earlier = Earlier()
    return [exchange_of(e, earlier) for e in entries if e.get("_type", "entry") == "entry"]


def assemble(stream: str, notes: Notes | None = None) -> Record:
    """The response that a stream amounts to. An event that was cut off at the end is ignored."""
    found = body(stream, "text/event-stream", notes or Notes())
    return _assembled(found, dialects.of("", None, None, found.events)[1])


def _assembled(found: Body, dialect: dialects.Dialect | None) -> Record:
    response = (dialect or chat.DIALECT).assemble(found.events)
    for event in found.events:
        if (error := event.get("error")) and not response.get("error"):
            response["error"] = error
    return response


def text_of(message: Record) -> str:
    """A message's content as text. Parts are joined without a separator, as llama-server's templates join them."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(_part(p) if isinstance(p, dict) else as_text(p) for p in content)
    return content if isinstance(content, str) else "" if content is None else as_text(content)


def _part(part: Record) -> str:
    if part.get("type") == "tool_result":
        return text_of(part)
    said = text(part.get("text", part.get("thinking")))
    return f"[{as_text(part.get('type'))}]" if said is None else said


def exchange_of(entry: Record, earlier: Earlier | None = None) -> Exchange:
    """A HAR entry as an `Exchange`. `earlier` is what was read of the requests before it on the same tape."""
    request, response = record(entry.get("request")), record(entry.get("response"))
    post, content = record(request.get("postData")), record(response.get("content"))
    sent_as = headers_of(_headers(request), "content-encoding") or ""
    raw_request, is_readable = _decoded(post.get("text"), post.get("_encoding"), sent_as)
    raw_response, is_text = _decoded(content.get("text"), content.get("encoding"))
    headers = _headers(response)
    notes = Notes(earlier)
    came = body(raw_response, text(content.get("mimeType")) or headers.get("content-type", ""), notes)
    sent = _parsed(raw_request)
    url = text(request.get("url")) or ""
    asking, answering = dialects.of(path_of(url), sent, came.value, came.events)
    streamed = came.kind in ("events", "lines")
    said = _assembled(came, answering) if streamed else came.value
    status = whole(response.get("status")) or 0
    return Exchange(
        id=whole(entry.get("_id")),
        method=text(request.get("method")) or "",
        url=url,
        status=status,
        request=sent,
        response=said,
        started=_epoch(entry.get("startedDateTime")),
        seconds=None if (ms := number(entry.get("time"))) is None else max(ms, 0) / 1000,
        streamed=streamed,
        error=text(entry.get("_error")),
        chunks=_chunks(entry.get("_chunks")),
        raw_request=raw_request,
        raw_response=raw_response,
        request_headers=_headers(request),
        response_headers=headers,
        dialect=answering.name if answering else None,
        asked=asking.ask(Node(sent, "request", notes)) if asking else Asked(),
        reply=_reply(answering, said, notes),
        failure=failures.failure(status, said, raw_response) if status else None,
        deviations=notes.deviations,
        events=[event.record for event in came.events],
        body_kind=came.kind,
        done=came.done,
        undecodable=_undecodable(is_text and not _is_coded(content), headers, is_readable, sent_as),
        missing=_missing(content, status),
    )


def _reply(dialect: dialects.Dialect | None, response: Any, notes: Notes) -> Reply:
    return (
        dialect.reply(Node(response, "response", notes))
        if dialect and isinstance(response, dict)
        else Reply()
    )


def path_of(url: str) -> str:
    """The path of an address, without a slash at the end."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:  # for example a bracket that is not closed
        return url.partition("?")[0].rstrip("/")


def headers_of(headers: dict[str, str], name: str) -> str | None:
    """A header's value, whatever the case of its name is."""
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _headers(given: Record) -> dict[str, str]:
    pairs = (
        [h for h in given.get("headers") or [] if isinstance(h, dict)]
        if isinstance(given.get("headers"), list)
        else []
    )
    return {as_text(h.get("name")): as_text(h.get("value")) for h in pairs}


def _undecodable(is_text: bool, headers: dict[str, str], is_readable: bool, sent_as: str) -> str | None:
    if not is_text:
        return headers_of(headers, "content-encoding") or "bytes"
    return None if is_readable else f"the request: {sent_as or 'bytes'}"


def _is_coded(content: Record) -> bool:
    """Whether the recorder could not decompress the body (course/tape/har.py says so in a comment)."""
    return "could not be decompressed" in (text(content.get("comment")) or "")


def _missing(content: Record, status: int) -> str | None:
    if (cut := whole(content.get("_cut"))) and cut > 0:
        return f"the last {cut:,} bytes of the response are not on the tape"
    if status and content.get("text") is None:
        return "the tape does not have the body of the response"
    return None


def _decoded(given: Any, encoding: Any, coding: str = "") -> tuple[str, bool]:
    """A body as text, and whether it is one. `coding` is the header of a body that was recorded as it was sent.

    gzip and deflate are read. For zstd and br, the course has no decompressor.
    """
    said = text(given) or ""
    if encoding != "base64":
        return said, True
    try:
        raw = base64.b64decode(said)
    except (binascii.Error, ValueError):
        return said, False
    try:
        return _inflated(raw, coding).decode("utf-8"), True
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), False


def _inflated(raw: bytes, coding: str) -> bytes:
    """Decompressed, up to a limit; as it is if that fails."""
    if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return raw
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, LARGEST_BODY)
    except zlib.error:
        return raw


def _parsed(given: str) -> Any:
    try:
        return loads(given.removeprefix("\ufeff"))
    except ValueError:
        return given


def _chunks(given: Any) -> list[list[float]]:
    found = given if isinstance(given, list) else []
    pairs = [p for p in found if isinstance(p, list | tuple) and len(p) == 2]
    return [[a, b] for p in pairs if (a := number(p[0])) is not None and (b := number(p[1])) is not None]


def _epoch(when: Any) -> float | None:
    try:
        return datetime.fromisoformat(when).timestamp() if isinstance(when, str) and when else None
    except (ValueError, OverflowError, OSError):
        return None
