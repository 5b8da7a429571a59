"""Build the transport to a server: straight to one on this computer, to others through the environment's proxy.

A variable of the environment that cannot be used is named. What is in it is never shown: it may have a password.

    built(httpx.HTTPTransport, "https://gpu.example:8443")
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass, proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from course.addresses import is_loopback, with_scheme
from course.errors import CourseError

Transport = TypeVar("Transport")
CERTIFICATES = "SSL_CERT_FILE"
"""The variable that names the trusted authorities. httpx reads it."""


def proxy(url: str) -> tuple[str, str] | None:
    """The environment's proxy for that address, and the variable that names it. None for a server on this computer."""
    parts = urlsplit(url)
    host, place = parts.hostname or "", parts.netloc.rpartition("@")[2]
    known = getproxies()
    every = "*" in (word.strip() for word in known.get("no", "").split(","))  # as in httpx
    if not host or every or is_loopback(host) or proxy_bypass(host) or proxy_bypass_environment(place):
        return None
    for kind in (parts.scheme, "all"):
        if known.get(kind):
            names = [name for name in os.environ if name.lower() == f"{kind}_proxy"]
            return known[kind], max(names, default="the system's settings")  # lower case has precedence
    return None


def built(make: Callable[..., Transport], url: str, **options: Any) -> Transport:
    """The transport to that address that `make` builds with these options: httpx.HTTPTransport, or one of its kind.

    CourseError if the proxy or the certificates that the environment names cannot be used.
    """
    parts = urlsplit(url)
    through, name = proxy(url) or ("", "")
    try:
        return make(
            verify=parts.scheme == "https",  # certificates take 70 ms to load
            proxy=httpx.Proxy(with_scheme(through)) if through else None,
            **options,
        )
    except OSError as error:
        if not os.environ.get(CERTIFICATES):
            raise
        raise CourseError(
            f"{CERTIFICATES} names certificates that cannot be read ({error.strerror or type(error).__name__}).\n"
            f"Correct it, or trust the usual authorities:  unset {CERTIFICATES}"
        ) from error
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        if not through:
            raise
        socks = isinstance(error, ImportError)
        why = "SOCKS needs the package socksio" if socks else "its address is not valid"
        raise CourseError(
            f"the proxy in {name} cannot be used: {why}.\n"
            f"Correct it, or bypass it for this server:  no_proxy={parts.hostname}"
        ) from None  # the error's text may quote a part of the password
