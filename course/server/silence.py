"""Tell a server that hangs from one that merely works for long: ask for /health while a response is silent.

llama-server answers /health in another thread, however long a prompt is. A stopped or hanging process does not. That is
said once for each silence, and the request goes on: the answer of a process that continues still arrives.

    watched(httpx.HTTPTransport(), "http://127.0.0.1:8080", httpx.HTTPTransport)
"""

import math
import selectors
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from course.addresses import is_loopback, masked
from course.server import registry
from course.server.connection import web_address
from course.terminal import say

SILENCE = 10.0
"""Seconds without a byte until /health is asked, and between two such questions."""
PATIENCE = 5.0
"""Seconds that /health has to answer. With SILENCE, a server that hangs is named within 15 seconds."""
Plain = Callable[[], httpx.BaseTransport]


def watched(transport: httpx.HTTPTransport, url: str, plain: Plain) -> httpx.HTTPTransport:
    """The transport to this address, watching for silence. `plain` makes another one, to ask for /health meanwhile."""
    pool: Any = transport._pool  # httpx has no public way to choose httpcore's network backend
    pool._network_backend = _Backend(pool._network_backend, lambda: _hangs(url, plain))
    return transport


def _hangs(url: str, plain: Plain) -> str | None:
    """What to say if the server does not answer /health in time. Any answer will do."""
    try:
        with httpx.Client(transport=plain(), timeout=PATIENCE) as client:
            client.get(f"{web_address(url)}/health", headers={"Connection": "close"})
    except httpx.TimeoutException:
        return _said(url)
    except httpx.HTTPError:
        pass  # a server that is gone ends the request by itself
    return None


def _said(url: str) -> str:
    silent = f"the server at {masked(url)} has sent nothing for {SILENCE:.0f} s, and does not answer /health"
    if pid := _stopped(url):
        return f"course: {silent}: its process is suspended.\nLet it continue:  kill -CONT {pid}"
    return (
        f"course: {silent} either. It hangs, or has more clients than it can serve.\n"
        "Wait for it, or press Ctrl-C and look at what it says:  course doctor"
    )


def _stopped(url: str) -> int | None:
    """The pid of the server's process, if it runs on this computer and is suspended (Ctrl-Z, SIGSTOP)."""
    with suppress(psutil.Error, OSError, ValueError):
        found = [server.pid for server in registry.running() if server.url == url]
        at = urlsplit(url)
        if not found and at.port and is_loopback(at.hostname or "") and (holder := registry.holder(at.port)):
            found = [holder.pid]
        for pid in found:
            if psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
                return pid
    return None


class _Backend:
    """httpcore's network backend `inner`, with streams that watch for silence."""

    def __init__(self, inner: Any, hangs: Callable[[], str | None]) -> None:
        self.inner, self.hangs = inner, hangs

    def connect_tcp(self, *where: Any, **options: Any) -> "_Stream":
        return _Stream(self.inner.connect_tcp(*where, **options), self.hangs)

    def connect_unix_socket(self, *where: Any, **options: Any) -> "_Stream":
        return _Stream(self.inner.connect_unix_socket(*where, **options), self.hangs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Stream:
    """httpcore's network stream `inner`. Before it reads, it waits for bytes, and asks for /health in between."""

    def __init__(self, inner: Any, hangs: Callable[[], str | None]) -> None:
        self.inner, self.hangs = inner, hangs

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left, told = math.inf if timeout is None else timeout, False
        with suppress(ValueError), selectors.DefaultSelector() as selector:  # `read` reports a closed socket
            selector.register(self.inner.get_extra_info("socket"), selectors.EVENT_READ)
            while left > SILENCE and not selector.select(SILENCE):
                left -= SILENCE
                if not told and (said := self.hangs()):
                    told = True
                    say(said, err=True)
        data: bytes = self.inner.read(max_bytes, None if timeout is None else left)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
