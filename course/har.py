"""One exchange as an entry of HAR 1.2, the format of browsers' developer tools.

Does: arranges what was sent and received; redacts credentials; text stays text, other bytes become base64.
Does not: read, write or measure anything.

A compressed response is stored decoded, and a comment says so. What a server never sent has status 0.
"""

import base64
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

SECRET_HEADERS = {"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "set-cookie"}


@dataclass(frozen=True)
class Times:
    """When an exchange began by the calendar, and by the clock: its start, first byte and end, in seconds."""

    when: datetime
    start: float
    first_byte: float | None
    end: float

    def ms(self, t: float) -> float:
        return round(1000 * (t - self.start), 2)


def entry(
    request: httpx.Request,
    sent: bytes,
    response: httpx.Response | None,
    chunks: list[tuple[float, bytes]],
    times: Times,
) -> dict[str, Any]:
    wait, total = times.ms(times.first_byte or times.end), times.ms(times.end)
    result = {
        "startedDateTime": times.when.isoformat(timespec="milliseconds"),
        "time": total,
        "request": {
            "method": request.method,
            "url": str(request.url.copy_with(username=None, password=None)),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(request.headers),
            "queryString": [{"name": k, "value": v} for k, v in request.url.params.multi_items()],
            "headersSize": -1,
            "bodySize": len(sent),
        },
        "response": _response(response, b"".join(chunk for _, chunk in chunks)),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": round(total - wait, 2)},
        "_chunks": [[times.ms(t), len(chunk)] for t, chunk in chunks],
    }
    if sent:
        text, encoding = _text(sent)
        post = {"mimeType": request.headers.get("content-type", ""), "params": [], "text": text}
        result["request"]["postData"] = post | ({"_encoding": encoding} if encoding else {})
    return result


def _response(response: httpx.Response | None, raw: bytes) -> dict[str, Any]:
    """HAR's response; with status 0 when none came."""
    headers = response.headers if response is not None else httpx.Headers()
    body, coding = raw, headers.get("content-encoding")
    if coding:
        with suppress(httpx.DecodingError):
            body = httpx.Response(200, headers={"content-encoding": coding}, content=raw).content
    text, encoding = _text(body)
    content: dict[str, Any] = {"size": len(body), "mimeType": headers.get("content-type", ""), "text": text}
    if encoding:
        content["encoding"] = encoding
    if coding:
        content["compression"] = len(body) - len(raw)
        content["comment"] = f"{len(raw)} bytes came as {coding}; the text is what they decode to"
    http = response.extensions.get("http_version", b"HTTP/1.1") if response is not None else b""
    return {
        "status": response.status_code if response is not None else 0,
        "statusText": response.reason_phrase if response is not None else "",
        "httpVersion": http.decode("ascii", "replace"),
        "cookies": [],
        "headers": _headers(headers),
        "content": content,
        "redirectURL": headers.get("location", ""),
        "headersSize": -1,
        "bodySize": len(raw) if response is not None else -1,
    }


def _text(body: bytes) -> tuple[str, str | None]:
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"


def _headers(headers: httpx.Headers) -> list[dict[str, str]]:
    pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.raw]
    return [{"name": k, "value": "REDACTED" if k.lower() in SECRET_HEADERS else v} for k, v in pairs]
