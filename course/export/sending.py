"""Send OTLP traces to a collector over HTTP, in protobuf, in requests of a few megabytes.

Phoenix (arize-phoenix 20) reads protobuf only; OpenTelemetry's collector, Jaeger and others read it, too.

    send(traces(made, "run"), "http://127.0.0.1:6006")
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from course.errors import CourseError
from course.export import protobuf
from course.server.transports import built
from course.tap.upstream import address

PATH = "/v1/traces"
MOST = 4 * 2**20
"""Bytes of one request, unless a single span has more. Collectors often refuse more than 20 MB."""
TYPE = "application/x-protobuf"


def send(traces: dict[str, Any], endpoint: str, key: str | None = None, timeout: float = 60) -> int:
    """Send them all; returns the number of spans. CourseError if the collector does not take them.

    `endpoint` may leave out the path /v1/traces. `key` goes into the header Authorization.
    """
    url = where(endpoint)
    headers = {"Content-Type": TYPE} | ({"Authorization": f"Bearer {key}"} if key else {})
    sent = 0
    with httpx.Client(transport=built(httpx.HTTPTransport, url), timeout=timeout, headers=headers) as client:
        for spans, body in batches(traces):
            try:
                response = client.post(url, content=body)
            except httpx.TransportError as error:
                raise CourseError(
                    f"no collector answers at {url} ({str(error) or type(error).__name__}).\n"
                    "Start one, for example Phoenix:  phoenix serve"
                ) from error
            _check(response, url, sent)
            sent += spans
    return sent


def where(endpoint: str) -> str:
    """The address that traces go to."""
    parts = address(endpoint, "--endpoint")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") or PATH))


def batches(traces: dict[str, Any], most: int = MOST) -> Iterator[tuple[int, bytes]]:
    """Requests with all the spans: for each, the number of its spans and the encoded body."""
    for resource in traces["resourceSpans"]:
        for scoped in resource["scopeSpans"]:

            def request(spans: list[Any], of: Any = resource, scope: Any = scoped) -> bytes:
                inner = [{"scope": scope["scope"], "spans": spans}]
                return protobuf.encode({"resourceSpans": [{"resource": of["resource"], "scopeSpans": inner}]})

            waiting: list[Any] = []
            size = 0
            for span in scoped["spans"]:
                length = len(protobuf.encode(span, "Span"))
                if waiting and size + length > most:
                    yield len(waiting), request(waiting)
                    waiting, size = [], 0
                waiting.append(span)
                size += length
            if waiting:
                yield len(waiting), request(waiting)


def _check(response: httpx.Response, url: str, sent: int) -> None:
    before = f" {sent:,} spans were sent before." if sent else ""
    if not response.is_success:
        said = f": {response.text[:300].strip()}" if response.text.strip() else ""
        host = urlsplit(url).netloc
        raise CourseError(
            f"{url} answered {response.status_code}{said}.{before}\n"
            f"Check that a collector for OTLP over HTTP listens at {host}, and whether it needs a key:  --key-env NAME"
        )
    try:
        count, why = (
            protobuf.rejected(response.content)
            if TYPE in response.headers.get("content-type", "")
            else (0, "")
        )
    except ValueError:
        count, why = 0, ""
    if count:
        raise CourseError(
            f"{url} refused {count:,} spans: {why or 'without a reason'}.{before}\nLook into the collector's log"
        )
