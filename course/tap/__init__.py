"""A tap on the wire: a reverse proxy that records every exchange between a client and its model server.

Listens on this machine, passes each request on to the server and each response back chunk by chunk, and writes both to
a tape. Path, status, headers and the bytes of the bodies stay as they are. Only Host and the headers of one connection
(Connection, Transfer-Encoding, Expect …) are the tap's own. It never retries, caches, decompresses or follows redirects,
speaks neither HTTP/2 nor websockets, passes on no interim responses (1xx) and no trailers, and has no API key of its own.

A request that a browser sends for a web site, instead of for a page on this computer, is refused with a 403.

    with Tap("http://127.0.0.1:8080", Tape()) as tap:
        openai.OpenAI(base_url=tap.base_url, api_key="none").chat.completions.create(…)

If the server can't be reached, the client gets a 502 with an error in OpenAI's shape, and the tape gets an entry with
status 0. If a client hangs up, the tape notes it, and the connection to the server is closed as it would be without the
tap. If the tap is stopped meanwhile, the tape says that instead.
"""

import sys
import time
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing, suppress
from typing import cast
from urllib.parse import quote_from_bytes

import anyio
import h11
import httpx
import psutil
from anyio.abc import ByteStream, SocketAttribute, SocketListener, TaskGroup, TaskStatus
from anyio.from_thread import start_blocking_portal

from course.addresses import is_loopback
from course.errors import CourseError
from course.server import registry
from course.tap import upstream
from course.tap.downstream import GONE, Client, ClientGone
from course.tap.upstream import end_to_end
from course.tape import AsyncRecordingTransport, Tape
from course.terminal import say

CONNECT = 10.0  # seconds to connect; a response may take as long as the client waits for it
OTHERS = 64  # descriptors that are left to the program, its tape and its libraries
PAUSE = 0.1  # seconds until the next try if the system has no descriptor left for a connection
LONGEST = 2**16  # characters of an address that httpx takes
PRINTABLE = bytes(range(0x21, 0x7F)).decode("ascii")


class Tap:
    """`start()` and `stop()`, or a with block. `report` is called with (method, path, status, seconds).

    Port 0 means any free port. A `host` other than loopback lets everyone on the network use the server.
    """

    def __init__(
        self,
        server: str,
        tape: Tape,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        report: Callable[[str, str, int, float], None] = lambda *_: None,
    ) -> None:
        self.server, self.tape, self.port, self.host = upstream.address(server), tape, port, host
        self.report = report
        self._stack, self._stopping = ExitStack(), False
        if port and port == self.server.port and is_loopback(self.server.hostname):
            raise CourseError(
                f"the tap can't listen on port {port}, because that is the server's own.\n"
                f"Choose another:  course tap --port {port + 1}"
            )

    @property
    def url(self) -> str:
        """The tap's address on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def path(self) -> str:
        """The path of the base URL for a client of OpenAI's API: the server's, or else /v1."""
        return self.server.path.rstrip("/") or "/v1"

    @property
    def base_url(self) -> str:
        """The base URL for a client of OpenAI's API."""
        return self.url + self.path

    def start(self) -> "Tap":
        self._stopping = False
        inner = upstream.transport(self.server)
        try:
            portal = self._stack.enter_context(start_blocking_portal())
            running, self.port = portal.start_task(self._serve, inner)
            self._stack.callback(running.cancel)
        except OSError as e:
            self._stack.close()
            raise CourseError(self._taken(e)) from e
        return self

    def stop(self) -> None:
        """Stop listening and abort the exchanges in progress, which are on the tape when this returns."""
        self._stopping = True
        self._stack.close()

    def __enter__(self) -> "Tap":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _taken(self, e: OSError) -> str:
        who = ""
        with suppress(psutil.Error):
            if process := registry.holder(self.port) if self.port else None:
                who = f", in use by {process.name()}, pid {process.pid}"
        return (
            f"the tap can't listen on {self.host} port {self.port}: {e.strerror or e}{who}.\n"
            "Choose another port, or leave out --port for a free one:  course tap --port …"
        )

    async def _serve(self, inner: httpx.AsyncHTTPTransport, *, task_status: TaskStatus[int]) -> None:
        listener = await anyio.create_tcp_listener(local_host=self.host, local_port=self.port, backlog=128)
        async with inner, listener, anyio.create_task_group() as clients:
            self._transport = AsyncRecordingTransport(inner, self.tape)
            room = anyio.Semaphore(_most_clients())
            for one in listener.listeners:
                clients.start_soon(self._listen, cast(SocketListener, one), clients, room)
            task_status.started(listener.extra(SocketAttribute.local_port))

    async def _listen(self, listener: SocketListener, clients: TaskGroup, room: anyio.Semaphore) -> None:
        """Accept clients. More than there is room for wait in the system's queue until others leave."""
        told = False

        async def connected(stream: ByteStream) -> None:
            try:
                await self._connected(stream)
            finally:
                room.release()

        while True:
            await room.acquire()
            try:
                clients.start_soon(connected, await listener.accept())
            except OSError as e:  # no descriptor left, or a client that was gone before it was accepted
                room.release()
                if not told:
                    told = True
                    said = f"course tap: a connection could not be accepted ({e.strerror or e}). Trying again"
                    say(said, err=True)
                await anyio.sleep(PAUSE)

    async def _connected(self, stream: ByteStream) -> None:
        """One client, from its first request to its last."""
        client = Client(stream)
        async with stream:
            try:
                while head := await client.request():
                    if not await self._exchange(client, head) or not await client.again():
                        return
            except h11.RemoteProtocolError as e:  # what came is not HTTP
                if client.h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                    status = 431 if e.error_status_hint == 431 else 400
                    with suppress(anyio.EndOfStream, *GONE):
                        await client.refuse(status, f"course tap: {e}")
            except (ClientGone, *GONE):
                pass
            except Exception:  # a bug of the tap costs one connection, not the whole tap
                say(traceback.format_exc(), err=True)

    async def _exchange(self, client: Client, head: h11.Request) -> bool:
        """Pass on one request and its response. False if it was cut off: then the connection must be closed."""
        began, done = time.perf_counter(), False
        method, path = head.method.decode("ascii"), head.target.partition(b"?")[0].decode("latin-1")
        if refused := self._refused(head):
            self.report(method, path, refused[0], 0.0)
            await client.answer(*refused)
            return True
        request = await self._request(client, head)
        status = 0

        async def watch(scope: anyio.CancelScope) -> None:
            await client.gone()
            scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(watch, group.cancel_scope)
                with suppress(ClientGone, *GONE):
                    try:
                        response = await self._transport.handle_async_request(request)
                    except httpx.TransportError as e:
                        said = f"{type(e).__name__}: {e}".rstrip(": ")
                        message = (
                            f"course tap: no response from {self.server.geturl()} ({said}). Is it running?"
                        )
                        await client.answer(502, "upstream_error", message)
                        done = True
                    else:
                        status = response.status_code
                        done = await _pass_on(response, client)
                group.cancel_scope.cancel()
        finally:  # also if the tap is stopped
            self.report(method, path, status, time.perf_counter() - began)
        return done

    def _refused(self, head: h11.Request) -> tuple[int, str, str] | None:
        """Status, type and message for a request that the tap does not pass on; None if it does."""
        if not head.target.startswith(b"/"):
            return (
                400,
                "invalid_request_error",
                "course tap: this is not a forward proxy; send a path such as /v1/models",
            )
        host = next((value.decode("latin-1") for name, value in head.headers if name == b"host"), "")
        name = upstream.name_in(host)
        if is_loopback(self.host) and host and not is_loopback(name) and name != self.host:
            # DNS rebinding: a web page could point its own name at this machine, and read every answer.
            return 403, "forbidden", f"course tap: use localhost or 127.0.0.1 as the host name, not {name!r}"
        own = {self.host} if is_loopback(self.host) else {self.host, name}
        if site := upstream.foreign(list(head.headers), own):
            return 403, "forbidden", f"course tap: a page of {site} may not use this server"
        return None

    async def _request(self, client: Client, head: h11.Request) -> httpx.Request:
        """The client's request, addressed to the server. h11.RemoteProtocolError if httpx would not take its address."""
        url = f"{self.server.scheme}://{self.server.netloc}{quote_from_bytes(head.target, safe=PRINTABLE)}"
        if len(url) > LONGEST:
            said = "the address is longer than this proxy takes"
            raise h11.RemoteProtocolError(said, error_status_hint=431)
        pairs = head.headers.raw_items()
        chunked = any(name.lower() == b"transfer-encoding" for name, _ in pairs)
        headers = [(b"Host", self.server.netloc.encode()), *end_to_end(pairs)]
        first, whole = await client.ahead()
        return httpx.Request(
            head.method.decode("ascii"),
            url,
            headers=[*headers, (b"Transfer-Encoding", b"chunked")] if chunked else headers,
            stream=httpx.ByteStream(first) if whole else _Rest(first, client),
            extensions={"target": head.target, "timeout": {"connect": CONNECT}, "stopped": self._stopped},
        )

    def _stopped(self) -> str:
        """Why an exchange that was cancelled ended, for the tape; empty if it was the client."""
        return "the tap was stopped" if self._stopping else ""


class _Rest(httpx.AsyncByteStream):
    """A body whose beginning has been read already."""

    def __init__(self, first: bytes, client: Client) -> None:
        self.first, self.client = first, client

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield self.first
        async for chunk in self.client.body():
            yield chunk


def _most_clients() -> int:
    """How many clients can be connected, each with a connection to the server, without running out of descriptors."""
    if sys.platform == "win32":
        return 500  # no limit is known; a select loop waits for 512 sockets at most
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if soft == resource.RLIM_INFINITY else max(8, (soft - OTHERS) // 2)


async def _pass_on(response: httpx.Response, client: Client) -> bool:
    """Pass on each chunk as it arrives. False if the server broke off, so that the client notices as well."""
    head = h11.Response(
        status_code=response.status_code,
        headers=end_to_end(response.headers.raw),
        reason=response.extensions.get("reason_phrase", b""),
    )
    try:
        await client.send(head)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async with aclosing(cast("AsyncGenerator[bytes]", aiter(response.stream))) as chunks:
            async for chunk in chunks:
                await client.send(h11.Data(data=chunk))
        await client.send(h11.EndOfMessage())
        return True
    except (httpx.TransportError, h11.LocalProtocolError):
        return False
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
