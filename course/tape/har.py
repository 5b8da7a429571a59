"""One exchange as an entry of HAR 1.2, the format of browsers' developer tools. Pure.

Credentials are redacted. A body in UTF-8 is stored as text, other bytes as base64. A compressed response is stored
decompressed, and a comment says so. Status 0 means that no response came. If a body is longer than the limit, only its
beginning is stored, and `_cut` says how many bytes are missing.
"""

import base64
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from course.tape.redact import redacted_headers, redacted_query, redacted_url

BODY_LIMIT = 64 * 2**20  # bytes of one body; the longest context of today's models is a tenth of it
_PIECE = 2**16


@dataclass(frozen=True)
class Times:
    """Wall-clock start of an exchange; monotonic start, first byte and end, in seconds."""

    when: datetime
    start: float
    first_byte: float | None
    end: float

    def ms(self, t: float) -> float:
        """Milliseconds from the start to `t`."""
        return round(1000 * (t - self.start), 2)


@dataclass
class Body:
    """The bytes of one direction as they pass: the first `limit` bytes are kept, all are counted.

    `chunks` are pairs of monotonic time in seconds and bytes, `last` the last four chunks.
    """

    limit: int = BODY_LIMIT
    size: int = 0
    kept: int = 0
    chunks: list[tuple[float, int]] = field(default_factory=list)
    last: deque[bytes] = field(default_factory=lambda: deque(maxlen=4))
    _parts: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes, when: float = 0.0) -> None:
        """Add one chunk, which came at the monotonic time `when`."""
        self.size += len(chunk)
        self.chunks.append((when, len(chunk)))
        self.last.append(chunk)
        if self.kept < self.limit:
            self._parts.append(chunk[: self.limit - self.kept])
            self.kept += len(self._parts[-1])

    @property
    def cut(self) -> int:
        """How many bytes were not kept."""
        return self.size - self.kept

    def data(self) -> bytes:
        """What was kept."""
        return b"".join(self._parts)


def entry(
    request: httpx.Request, sent: Body, response: httpx.Response | None, received: Body, times: Times
) -> dict[str, Any]:
    """The entry, without the fields that only the recorder knows: `_id` and `_error`. `response` is None if none came."""
    url = request.url.copy_with(username=None, password=None) if request.url.userinfo else request.url
    wait, total = times.ms(times.first_byte or times.end), times.ms(times.end)
    result: dict[str, Any] = {
        "startedDateTime": times.when.isoformat(timespec="milliseconds"),
        "time": total,
        "request": {
            "method": request.method,
            "url": redacted_url(str(url)),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": redacted_headers(request.headers.raw),
            "queryString": redacted_query(url.params.multi_items()),
            "headersSize": -1,
            "bodySize": sent.size,
        },
        "response": _response(response, received),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": round(total - wait, 2)},
        "_chunks": [[times.ms(t), n] for t, n in received.chunks],
    }
    if sent.size:
        post = {"mimeType": request.headers.get("content-type", ""), "params": []} | _text(sent.data())
        if "encoding" in post:  # HAR defines `encoding` for responses only
            post["_encoding"] = post.pop("encoding")
        result["request"]["postData"] = post | (_missing(sent) if sent.cut else {})
    return result


def _response(response: httpx.Response | None, received: Body) -> dict[str, Any]:
    """HAR's response, with status 0 if none came."""
    headers = response.headers if response is not None else httpx.Headers()
    http = response.extensions.get("http_version", b"HTTP/1.1") if response is not None else b""
    return {
        "status": response.status_code if response is not None else 0,
        "statusText": response.reason_phrase if response is not None else "",
        "httpVersion": http.decode("ascii", "replace"),
        "cookies": [],
        "headers": redacted_headers(headers.raw),
        "content": _content(headers, received),
        "redirectURL": redacted_url(headers.get("location", "")),
        "headersSize": -1,
        "bodySize": received.size if response is not None else -1,
    }


def _content(headers: httpx.Headers, received: Body) -> dict[str, Any]:
    raw, coding = received.data(), headers.get("content-encoding")
    body, cut = (raw, received.cut) if not coding else _decompressed(raw, coding, received)
    size = received.size if body is raw else len(body)
    content: dict[str, Any] = {"size": size, "mimeType": headers.get("content-type", "")} | _text(body)
    if cut:
        content |= _missing(received)
    elif coding and body is raw:
        content["comment"] = f"{len(raw)} bytes of {coding}, which could not be decompressed"
    elif coding:
        content["compression"] = len(body) - len(raw)
        content["comment"] = f"{len(raw)} bytes came as {coding}; the text is decompressed"
    return content


def _decompressed(raw: bytes, coding: str, received: Body) -> tuple[bytes, int]:
    """The decompressed body up to the limit, and how many of the bytes that came are not in it; raw if that fails."""
    if not raw:
        return raw, 0
    parts, size, taken = [], 0, 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for at in range(0, len(raw), _PIECE):
            taken = min(at + _PIECE, len(raw))
            yield raw[at:taken]

    with suppress(httpx.DecodingError):
        for part in httpx.Response(200, headers={"content-encoding": coding}, content=pieces()).iter_bytes():
            parts.append(part)
            size += len(part)
            if size > received.limit:
                break
        body = b"".join(parts)
        return (raw if body == raw else body), received.size - taken
    return raw, received.cut


def _missing(body: Body) -> dict[str, Any]:
    return {
        "_cut": body.cut,
        "comment": f"the first {body.limit} of {body.size} bytes. Tape(body_limit=…) keeps more",
    }


def _text(body: bytes) -> dict[str, str]:
    """The body as text, or as base64 if it is not UTF-8. A character that is cut off at the end goes to `_tail`."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError as e:
        if e.reason == "unexpected end of data":
            tail = base64.b64encode(body[e.start :]).decode("ascii")
            return {"text": body[: e.start].decode("utf-8"), "_tail": tail}
    return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
