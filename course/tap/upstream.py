"""The server behind the tap: its address, the transport to it, and which headers belong to one connection only.

Checks an address and tells loopback from the rest. Never connects or sends anything.
"""

import ipaddress
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from course.errors import CourseError

# RFC 9110, 7.6.1, and Expect, which the tap answers itself. Host is replaced.
HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
    *(b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"host"),
}
IDLE = 2.0  # seconds that an unused connection to the server is kept; llama-server closes after 5
Pairs = list[tuple[bytes, bytes]]


def address(given: str, option: str = "--upstream") -> SplitResult:
    """The server's address, split; http:// may be left out. `option` is where it was given, for the error."""
    whole = given.strip() if "://" in given else f"http://{given.strip()}"
    try:
        parts = urlsplit(whole)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known or parts.query or parts.username:
        raise CourseError(
            f"{given!r} is not a plain server address.\nIt should look like:  {option} http://localhost:8080"
        )
    return parts


@lru_cache
def is_loopback(host: str) -> bool:
    """Whether this host name or address is loopback: reachable from this computer only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def name_in(host: str) -> str:
    """The name in a Host header, without the port. A malformed header is returned as it is, and matches no name."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def transport(server: SplitResult) -> httpx.AsyncHTTPTransport:
    """Keeps connections open and shares them. A server on another computer is reached through the environment's proxy."""
    proxy, host = None, server.hostname or ""
    if not is_loopback(host) and not proxy_bypass(host):
        proxy = getproxies().get(server.scheme)
    return httpx.AsyncHTTPTransport(
        verify=server.scheme == "https",
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE),
        proxy=httpx.Proxy(proxy) if proxy else None,
    )


def end_to_end(pairs: Pairs) -> Pairs:
    """The headers without those that belong to one connection."""
    named = b",".join(value for name, value in pairs if name.lower() == b"connection")
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")}
    return [(name, value) for name, value in pairs if name.lower() not in dropped]
