"""The server behind the tap: its address, the transport to it, and which headers belong to one connection only.

Checks an address, tells requests of foreign web pages from others, and shares connections between clients. httpcore, which
speaks to the server, drops interim responses (1xx) and trailers, so they reach neither the client nor the tape.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import SplitResult

import httpx

from course.addresses import is_loopback, masked, split
from course.errors import CourseError
from course.server.transports import built

# RFC 9110, 7.6.1, and Expect, which the tap answers itself. Host is replaced.
HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
    *(b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"host"),
}
FRAMING = (
    b"content-length",
    b"transfer-encoding",
)  # a Connection header cannot make these one connection's own
_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:/?#@\\\[\]]+)(?::[0-9]*)?", re.IGNORECASE)
"""A host name or an address, and perhaps a port: nothing that one reader takes for its end and another does not."""
PROGRAMS = {"app", "tauri", "vscode-webview", "vscode-file"}
"""Schemes of the origins of desktop programs, which no web page can have. Ollama lets the same ones in."""
IDLE = 2.0  # seconds that an unused connection to the server is kept; llama-server closes after 5
Pairs = list[tuple[bytes, bytes]]


def address(given: str, option: str = "--upstream") -> SplitResult:
    """The server's address, split; http:// may be left out. `option` is where it was given, for the error."""
    example = f"{option} http://localhost:8080"
    parts = split(given, example)
    if parts.query or "@" in parts.netloc:
        raise CourseError(
            f"{masked(given)} is not a plain server address: it has a query, or a user name and a password.\n"
            f"It should look like:  {example}"
        )
    return parts


def name_in(host: str) -> str:
    """The name in a Host header, without the port. A malformed header is returned as it is, and matches no name."""
    found = _AUTHORITY.fullmatch(host)
    return found["name"].strip("[]").lower() if found else host


def foreign(headers: Pairs, own: set[str]) -> str | None:
    """The web site whose page sends this request, in words, if a browser says so and the site is not on this computer.

    `headers` have lower-case names; `own` are further host names that count as this computer's. A program that is not a
    browser sends neither header.
    """
    given = {name: value.decode("latin-1") for name, value in headers}
    if (origin := given.get(b"origin")) is not None:
        scheme, there, host = origin.partition("://")
        name = name_in(host) if there and _AUTHORITY.fullmatch(host) else ""
        known = name and (scheme in PROGRAMS or is_loopback(name) or name in own)
        return None if known else origin or "an unnamed site"
    return "another web site" if given.get(b"sec-fetch-site", "").lower() == "cross-site" else None


class _Shared(httpx.AsyncHTTPTransport):
    """Keeps connections open and shares them. One on which a server sent more than its response is closed instead.

    Otherwise the next client would get the surplus as its response.
    """

    def __init__(self, proxy: httpx.Proxy | None = None, **options: Any) -> None:
        super().__init__(proxy=proxy, **options)
        self.proxied = proxy is not None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.proxied:  # httpcore would tell the proxy this path, and not which server is meant
            request.extensions.pop("target", None)
        response = await super().handle_async_request(request)
        response.stream = _Whole(response)
        return response


class _Whole(httpx.AsyncByteStream):
    """The body of a response from httpcore. Closes the connection at the end if there are bytes left on it."""

    def __init__(self, response: httpx.Response) -> None:
        self.stream = cast(httpx.AsyncByteStream, response.stream)
        self.network = response.extensions.get("network_stream")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.stream:
            yield chunk

    async def aclose(self) -> None:
        if self.network is not None and _surplus(self.stream):
            with suppress(Exception):
                await self.network.aclose()  # the pool drops a connection whose socket is closed
        await self.stream.aclose()


def _surplus(stream: Any) -> bool:
    """Whether httpcore has read more than this response. It has no public name for that; True if it can't be told."""
    try:
        waiting: bytes = stream._httpcore_stream._stream._connection._h11_state.trailing_data[0]
    except AttributeError:
        return True
    return bool(waiting)


def transport(server: SplitResult) -> httpx.AsyncHTTPTransport:
    """The transport to the server. One on another computer is reached through the environment's proxy.

    CourseError if the proxy or the certificates that the environment names cannot be used.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE)
    return built(_Shared, server.geturl(), limits=limits)


def end_to_end(pairs: Pairs) -> Pairs:
    """The headers without those that belong to one connection, and without a Content-Length that does not count.

    RFC 9112, 6.3: Transfer-Encoding overrides Content-Length, and who passes such a message on removes the length.
    """
    names = {name.lower() for name, _ in pairs}
    named = b",".join(value for name, value in pairs if name.lower() == b"connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")} - {*FRAMING}
    if b"transfer-encoding" in names:
        dropped.add(b"content-length")
    return [(name, value) for name, value in pairs if name.lower() not in dropped]
