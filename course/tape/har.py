"""One exchange as an entry of HAR 1.2, the format of browsers' developer tools. Pure.

Credentials are redacted. A body in UTF-8 is stored as text, other bytes as base64. A response in gzip or deflate is stored
decompressed, up to the limit, and a comment says so. Status 0 means that no response came. If a body is longer than the
limit, only its beginning is stored, and `_cut` says how many bytes are missing.
"""

import base64
import zlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from course.tape import redact
from course.tape.redact import REDACTED

BODY_LIMIT = 64 * 2**20  # bytes of one body; the longest context of today's models is a tenth of it
MOST_CHUNKS = 2**17  # of one body, with a time each: more than a server sends that sends each token by itself
_GZIP, _PIECE = b"\x1f\x8b", 2**12
_ESCAPED = bytes({*range(32)} - {*b"\b\t\n\f\r"})  # six characters each in JSON


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

    `chunks` are pairs of monotonic time in seconds and bytes; the last of MOST_CHUNKS pairs counts all that follow, too.
    `last` are the last four chunks.
    """

    limit: int = BODY_LIMIT
    size: int = 0
    chunks: list[tuple[float, int]] = field(default_factory=list)
    last: deque[bytes] = field(default_factory=lambda: deque(maxlen=4))
    _kept: bytearray = field(default_factory=bytearray)  # a list of short chunks would take much more room

    def add(self, chunk: bytes, when: float = 0.0) -> None:
        """Add one chunk, which came at the monotonic time `when`."""
        self.size += len(chunk)
        if len(self.chunks) < MOST_CHUNKS:
            self.chunks.append((when, len(chunk)))
        else:
            began, size = self.chunks[-1]
            self.chunks[-1] = began, size + len(chunk)
        self.last.append(chunk)
        self._kept += chunk[: self.limit - self.kept]

    @property
    def kept(self) -> int:
        """How many bytes were kept."""
        return len(self._kept)

    @property
    def cut(self) -> int:
        """How many bytes were not kept."""
        return self.size - self.kept

    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)


def entry(
    request: httpx.Request, sent: Body, response: httpx.Response | None, received: Body, times: Times
) -> dict[str, Any]:
    """The entry, without the fields that only the recorder knows: `_id` and `_error`. `response` is None if none came."""
    url = request.url.copy_with(username=None, password=None) if request.url.userinfo else request.url
    if target := request.extensions.get("target"):  # as it went; a URL of httpx is normalized
        address = f"{url.scheme}://{url.netloc.decode('ascii')}{target.decode('latin-1')}"
    else:
        address = str(url)
    keys = redact.own_keys(request.headers.raw, str(request.url))
    wait, total = times.ms(times.first_byte or times.end), times.ms(times.end)
    result: dict[str, Any] = {
        "startedDateTime": times.when.isoformat(timespec="milliseconds"),
        "time": total,
        "request": {
            "method": request.method,
            "url": redact.without(redact.redacted_url(address), keys),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": redact.redacted_headers(request.headers.raw),
            "queryString": redact.redacted_query(url.params.multi_items(), keys),
            "headersSize": -1,
            "bodySize": sent.size,
        },
        "response": _response(response, received, keys),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": round(total - wait, 2)},
        "_chunks": [[times.ms(t), n] for t, n in received.chunks],
    }
    if sent.size:
        kind = redact.redacted(request.headers.get("content-type", ""), keys)
        post = {"mimeType": kind, "params": []} | _text(sent.data())
        if "encoding" in post:  # HAR defines `encoding` for responses only
            post["_encoding"] = post.pop("encoding")
        result["request"]["postData"] = post | (_missing(sent) if sent.cut else {})
    return result


def _response(response: httpx.Response | None, received: Body, keys: list[str]) -> dict[str, Any]:
    """HAR's response, with status 0 if none came. The request's `keys` are replaced where they are echoed."""
    headers = response.headers if response is not None else httpx.Headers()
    http = response.extensions.get("http_version", b"HTTP/1.1") if response is not None else b""
    return {
        "status": response.status_code if response is not None else 0,
        "statusText": redact.redacted(response.reason_phrase, keys) if response is not None else "",
        "httpVersion": http.decode("ascii", "replace"),
        "cookies": [],
        "headers": redact.redacted_headers(headers.raw, keys),
        "content": _content(headers, received, keys),
        "redirectURL": redact.redacted(headers.get("location", ""), keys),
        "headersSize": -1,
        "bodySize": received.size if response is not None else -1,
    }


def _content(headers: httpx.Headers, received: Body, keys: list[str]) -> dict[str, Any]:
    raw, coding = received.data(), headers.get("content-encoding")
    body, unread = _decompressed(raw, coding, received.limit) if coding else (raw, 0)
    size = received.size if body is raw else len(body)
    kept, echoes = _without(body, keys)
    kind = redact.redacted(headers.get("content-type", ""), keys)
    content: dict[str, Any] = {"size": size, "mimeType": kind} | _text(kept)
    if cut := received.cut + unread:
        content |= _missing(received) | {"_cut": cut}
        if body is not raw:
            content["comment"] = (
                f"the first {len(body)} bytes of what {received.size} bytes of {coding} hold. "
                "Tape(body_limit=…) keeps more"
            )
    elif coding and body is raw:
        content["comment"] = f"{len(raw)} bytes of {coding}, which could not be decompressed"
    elif coding:
        content["compression"] = len(body) - len(raw)
        content["comment"] = f"{len(raw)} bytes came as {coding}; the text is decompressed"
    if echoes:
        said = f"the request's own key was in it {echoes} time{'' if echoes == 1 else 's'}, replaced with {REDACTED}"
        content["comment"] = f"{content['comment']}; {said}" if "comment" in content else said
    return content


def _without(body: bytes, keys: list[str]) -> tuple[bytes, int]:
    """The body without these keys, and how often they were in it."""
    echoes = 0
    for key in keys:
        echoes += body.count(raw := key.encode("utf-8", "replace"))
        body = body.replace(raw, REDACTED.encode())
    return body, echoes


def _decompressed(raw: bytes, coding: str, limit: int) -> tuple[bytes, int]:
    """The beginning of the decompressed body, and how many bytes of `raw` were left unread at the limit.

    `raw` itself if it is damaged, or in a coding other than gzip and deflate, whose output can be bounded.
    """
    body, unread = raw, 0
    for name in reversed([word.strip().lower() for word in coding.split(",")]):
        if name not in ("gzip", "x-gzip", "deflate"):
            return raw, 0
        try:
            body, left = _unpacked(body, limit)
        except zlib.error:
            return raw, 0
        unread = max(unread, left)
    return body, min(unread, len(raw))


def _unpacked(packed: bytes, limit: int) -> tuple[bytes, int]:
    """The beginning of what is in all members of gzip data, or in deflate data, and how many bytes were left unread.

    zlib.error if it is damaged, or if anything but another member follows. Reads in small pieces, because zlib copies what
    comes after a member: a body can have millions of empty ones.
    """
    body, at = bytearray(), 0
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    while at < len(packed) and len(body) < limit:
        if unpacker.eof:
            if not packed.startswith(_GZIP, at):
                if not packed[at:].strip(b"\0\r\n"):  # padding, which clients ignore, too
                    return bytes(body), 0
                raise zlib.error("it goes on after its end")
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        piece = packed[at : at + _PIECE]
        body += unpacker.decompress(piece, limit - len(body))
        at += len(piece) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
    unread = len(packed) - at
    return bytes(body), unread if unpacker.eof or len(body) < limit else max(unread, 1)


def _missing(body: Body) -> dict[str, Any]:
    return {
        "_cut": body.cut,
        "comment": f"the first {body.limit} of {body.size} bytes. Tape(body_limit=…) keeps more",
    }


def _text(body: bytes) -> dict[str, str]:
    """The body as text, or as base64 if it is not UTF-8 or would take more room in JSON as text.

    A character that is cut off at the end goes to `_tail`.
    """
    try:
        if 15 * (len(body) - len(body.translate(None, _ESCAPED))) <= len(body):
            return {"text": body.decode("utf-8")}
    except UnicodeDecodeError as e:
        if e.reason == "unexpected end of data":
            tail = base64.b64encode(body[e.start :]).decode("ascii")
            return {"text": body[: e.start].decode("utf-8"), "_tail": tail}
    return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
