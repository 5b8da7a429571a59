"""Addresses of servers: split one or say that it is not valid, and show one without what is secret in it.

Pure. Also says whether a host is this computer.

No message repeats what a library says about an address, because that may quote a part of the password.

    split("127.0.0.1:8080/v1").port                         # 8080
    masked("http://me:hunter2@gpu.example?api_key=4711")    # "http://…@gpu.example?api_key=REDACTED"
"""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

import httpx

from course.errors import CourseError

EXAMPLE = "SERVER=http://127.0.0.1:8080"
_USER = re.compile(
    r"(?:(?<=//)(?!/)|^(?=[^\s/]*[:@])(?![^\s/]*://))"  # after the scheme, or at the start if there is none
    r"(?:[^?#]*@"
    r"|[^/?#@]*:(?!\d*(?:[/?#]|$)).*@)",  # a password with ? or # in it: what follows the colon is not a port
    re.DOTALL,
)


def split(url: str, example: str = EXAMPLE) -> SplitResult:
    """The parts of an http:// or https:// address; http:// may be left out.

    CourseError if it is not valid. `example` is what a valid one looks like where it was given.
    """
    whole = with_scheme(url)
    try:
        parts = urlsplit(whole)
        httpx.URL(whole)  # is stricter about the host
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        valid = valid and not re.match(r"\s*https?:(?!//)", url, re.IGNORECASE)  # a slash is missing
    except (ValueError, httpx.InvalidURL):
        valid = False
    if not valid:
        raise CourseError(
            f"{masked(url) or '(nothing)'} is not a valid server address.\nIt should look like:  {example}"
        )
    return parts


def origin(url: str) -> str:
    """The address of a valid URL without its path, user name and password."""
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@lru_cache
def is_loopback(host: str) -> bool:
    """Whether this host name or address is loopback: reachable from this computer only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_scheme(url: str) -> str:
    """The address without white space around it, and with http:// if it has no scheme."""
    return url.strip() if "://" in url else f"http://{url.strip()}"


def masked(url: str) -> str:
    """One address as a person may see it: without user name and password, and without secret values in its query.

    A character that should have been escaped in the password may end the host for a parser. What is before the last @ is
    masked anyway.
    """
    from course.tape.redact import redacted_url  # not at import: course.tape takes a while to load

    if url.startswith("unix://"):
        return url
    if found := _USER.search(url):
        return f"{url[: found.start()]}…@{redacted_url(url[found.end() :])}"
    return redacted_url(url)
