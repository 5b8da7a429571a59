"""Send a recorded request again, through a recorder: its address on another server, its headers, its key, its body.

Never reads a credential from the tape: what was redacted there is not sent, and a key comes from the caller.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlunsplit

import httpx

from course.addresses import masked, origin, split
from course.errors import CourseError
from course.tap.upstream import HOP_BY_HOP, address
from course.tape import RecordingTransport, Tape
from course.tape.redact import REDACTED, is_secret
from course.turns import Exchange

NOT_AGAIN = {"content-length", "accept-encoding", "cookie", "cookie2", *(n.decode() for n in HOP_BY_HOP)}
"""Headers that belong to the recorded connection or session."""
ENDPOINT = re.compile(
    r"(?:/api/chat|/api/generate|(?:/chat)?/completions?|/responses|/messages)(?:/count_tokens)?$"
)
"""The part of a path that a client adds to its base URL."""
TAP = "course tap -- COMMAND"


def recorded_address(url: str) -> SplitResult:
    """The address on a tape, split. CourseError if it is not valid."""
    try:
        return split(url)
    except CourseError:
        raise CourseError(
            f"the recorded address {masked(url)} is not valid, so nothing can be sent there.\n"
            "Choose another turn:  course view TAPE"
        ) from None


def target(recorded: str, server: str | None, key: str | None = None) -> str:
    """The recorded address on another server.

    If the server's address has a path, it replaces everything before /chat/completions (/messages, /api/chat, …), as a
    client's base URL does; otherwise the recorded path stays. A redacted value in the query is replaced with the key, or
    left out if there is none. A user name and a password are never sent.
    """
    parts = recorded_address(recorded)
    pairs = [(k, key if v == REDACTED else v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
    query = urlencode([(k, v) for k, v in pairs if v is not None])
    scheme, host, path = parts.scheme, parts.netloc.rpartition("@")[2], parts.path
    if server is not None:
        given = address(server, "--server")
        scheme, host, base = given.scheme, given.netloc, given.path.rstrip("/")
        if base:
            endpoint = ENDPOINT.search(path.rstrip("/"))
            rest = endpoint[0] if endpoint else path
            first = (
                "/" + rest.lstrip("/").partition("/")[0]
            )  # of /api/chat, which may be part of the base already
            path = base.removesuffix(first) + rest
    return urlunsplit((scheme, host, path, query, ""))


def had_key(exchange: Exchange) -> bool:
    """Whether the recorded request carried a credential, which the tape does not have."""
    return bool(_key_headers(exchange)) or _key_in_query(exchange)


def headers(exchange: Exchange, key: str | None) -> list[tuple[bytes, bytes]]:
    """The recorded headers, without those that belong to the old connection and without redacted ones.

    The key goes into the header that the client used, by default `Authorization`.
    """
    kept = [
        (_bytes(name), _bytes(value))
        for name, value in exchange.request_headers.items()
        if name.lower() not in NOT_AGAIN
        and not name.startswith(":")
        and not is_secret(name)
        and value != REDACTED
    ]
    if key is None:
        return kept
    names = _key_headers(exchange)
    if not names and _key_in_query(exchange):
        return kept
    sent = [(n, f"Bearer {key}" if n.lower() == "authorization" else key) for n in names or ["Authorization"]]
    return [*kept, *((_bytes(name), _bytes(value)) for name, value in sent)]


def _bytes(text: str) -> bytes:
    """A header as it goes over the wire. The tape has its bytes as Latin-1."""
    return text.encode("latin-1", "replace")


def _key_in_query(exchange: Exchange) -> bool:
    query = exchange.url.partition("?")[2].partition("#")[0]
    return any(value == REDACTED for _, value in parse_qsl(query))


def _key_headers(exchange: Exchange) -> list[str]:
    names = [n for n in exchange.request_headers if is_secret(n)]
    return [n for n in names if "cookie" not in n.lower() and "proxy" not in n.lower()]


def body_of(exchange: Exchange, edited: Mapping[str, Any] | None) -> bytes:
    """The body to send: byte for byte as recorded, or the edited JSON."""
    if edited is None:
        return exchange.raw_request.encode("utf-8", "surrogatepass")
    text = json.dumps(edited, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can carry
        return json.dumps(edited, separators=(",", ":")).encode("ascii")


def check_whole(exchange: Exchange, will_edit: bool) -> None:
    """CourseError unless the request is on the tape in full, and, if a field is to be changed, a JSON object."""
    told = {name.lower(): value for name, value in exchange.request_headers.items()}
    coding, length = told.get("content-encoding", "identity"), told.get("content-length", "")
    have = len(exchange.raw_request.encode("utf-8", "surrogatepass"))
    if coding.lower() != "identity":
        raise CourseError(
            f"the request's body was sent compressed ({coding}) and is on the tape that way, so it cannot be sent "
            f"again.\nSwitch the client's compression of requests off, and record it again:  {TAP}"
        )
    if not have and exchange.method in ("POST", "PUT", "PATCH"):
        raise CourseError(
            "the request's body is not on the tape. Browsers often leave it out of their HAR files.\n"
            f"Record the client with the tap:  {TAP}"
        )
    if have and not isinstance(exchange.request, dict | list) and length != str(have):
        size = f"{have:,} of {length} bytes" if length else f"{have:,} bytes, which are not complete JSON"
        raise CourseError(
            f"the request's body was not recorded in full ({size}).\nRecord the client again:  {TAP}"
        )
    if will_edit and not isinstance(exchange.request, dict):
        raise CourseError(
            "the request's body is not a JSON object, so no field of it can be changed.\n"
            "Send it again unchanged:  course replay TAPE --turn N"
        )


def send(
    exchange: Exchange,
    url: str,
    body: bytes,
    key: str | None,
    tape: Tape,
    timeout: float,
    transport: httpx.BaseTransport,
) -> None:
    """Send it, read the response to its end, and record both. What breaks off is on the tape, too.

    CourseError if the server cannot be reached.
    """
    recording = RecordingTransport(transport, tape)
    limits = httpx.Timeout(timeout, connect=10)
    with httpx.Client(transport=recording, timeout=limits) as client:
        try:
            request = httpx.Request(
                exchange.method,
                url,
                headers=headers(exchange, key),
                content=body or None,
                extensions={"timeout": limits.as_dict()},
            )
            with contextlib.closing(client.send(request, stream=True)) as response:
                for _ in response.iter_raw():
                    pass
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        ) as error:
            raise CourseError(
                f"no server answers at {origin(url)} ({str(error) or type(error).__name__}).\n"
                "Start one, or name another:  course replay TAPE --turn N --server http://127.0.0.1:8080"
            ) from error
        except httpx.TransportError:
            pass  # the recorder has noted why it broke off


def network(url: str) -> httpx.BaseTransport:
    """The transport to that address. A server on another computer is reached through the environment's proxy."""
    from course.server import connection  # not at import: it needs an operating system

    return connection.transport(origin(url))
