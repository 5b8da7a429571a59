"""A tap on the wire: a reverse proxy that records every exchange between a client and its model server.

Does: listens on this machine, passes each request to the server as it came and each response back chunk by
chunk, and puts both on a tape. Path, status, headers and the bytes of bodies stay as they are; only Host and what
concerns one connection (Connection, Transfer-Encoding, Expect …) is the tap's own.
Does not: retry, cache, decompress, follow redirects, speak HTTP/2 or websockets, hold a key of its own.

    with Tap("http://127.0.0.1:8080", Tape()) as tap:
        openai.OpenAI(base_url=tap.base_url, api_key="none").chat.completions.create(…)

When the server can't be reached, the client gets a 502 with an error in OpenAI's shape, and the tape an entry with
status 0. A client that hangs up is noted, and the server's connection closed, as it would be without the tap.
"""

import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, aclosing, suppress

import anyio
import h11
import httpx
import psutil
from anyio.abc import ByteStream, SocketAttribute, TaskStatus
from anyio.from_thread import start_blocking_portal

from course.errors import CourseError
from course.server import registry
from course.tap import upstream
from course.tap.client import GONE, Client, ClientGone
from course.tap.upstream import end_to_end, is_loopback
from course.tape import AsyncRecordingTransport, Tape

CONNECT = 10.0  # seconds; a response may take as long as the client waits for it


class Tap:
    """`start()` and `stop()`, or a with block. `report` is called with (method, path, status, seconds).

    Port 0 is a free one. `host` other than loopback lets everybody on the network use the server behind.
    """

    def __init__(
        self,
        server: str,
        tape: Tape,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        report: Callable[[str, str, int, float], None] = lambda *_: None,
    ):
        self.server, self.tape, self.port, self.host = upstream.address(server), tape, port, host
        self.report = report
        self._stack = ExitStack()
        if port and port == self.server.port and is_loopback(self.server.hostname):
            raise CourseError(
                f"the tap can't listen on port {port} and ask itself there.\nChoose another:  --port {port + 1}"
            )

    @property
    def url(self) -> str:
        """Where the tap listens, as this machine sees it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What a client of OpenAI's API takes for its base URL: with the server's path, or /v1."""
        return self.url + (self.server.path.rstrip("/") or "/v1")

    def start(self) -> "Tap":
        try:
            portal = self._stack.enter_context(start_blocking_portal())
            running, self.port = portal.start_task(self._serve)
            self._stack.callback(running.cancel)
        except OSError as e:
            self._stack.close()
            raise CourseError(self._taken(e)) from e
        return self

    def stop(self) -> None:
        """Stop listening and break off what is under way; it is on the tape when this returns."""
        self._stack.close()

    def __enter__(self) -> "Tap":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _taken(self, e: OSError) -> str:
        who = ""
        with suppress(psutil.Error):
            if process := registry.holder(self.port) if self.port else None:
                who = f", taken by {process.name()}, pid {process.pid}"
        return (
            f"the tap can't listen on {self.host} port {self.port}: {e.strerror or e}{who}.\n"
            "Choose another port, or none for a free one:  course tap --port …"
        )

    async def _serve(self, *, task_status: TaskStatus[int]) -> None:
        inner = upstream.transport(self.server)
        listener = await anyio.create_tcp_listener(local_host=self.host, local_port=self.port, backlog=128)
        async with inner, listener:
            self._transport = AsyncRecordingTransport(inner, self.tape)
            task_status.started(listener.extra(SocketAttribute.local_port))
            await listener.serve(self._connected)

    async def _connected(self, stream: ByteStream) -> None:
        """One client, from its first request to its last."""
        client = Client(stream)
        async with stream:
            try:
                while head := await client.request():
                    if not await self._exchange(client, head) or not await client.again():
                        return
            except h11.RemoteProtocolError as e:  # what came is no HTTP
                if client.h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                    status = 431 if e.error_status_hint == 431 else 400
                    with suppress(*GONE):
                        await client.answer(status, "invalid_request_error", f"course tap: {e}")
            except (ClientGone, *GONE):
                pass
            except Exception:  # a mistake of the tap's: one connection is enough for it
                traceback.print_exc()

    async def _exchange(self, client: Client, head: h11.Request) -> bool:
        """Whether it came to its end; if not, the connection is to be closed."""
        began, done = time.perf_counter(), False
        if refused := self._refused(head):
            await client.answer(*refused)
            return True
        request = await self._request(client, head)
        status = 0
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await client.gone()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            with suppress(ClientGone, *GONE):
                try:
                    response = await self._transport.handle_async_request(request)
                except httpx.TransportError as e:
                    said = f"{type(e).__name__}: {e}".rstrip(": ")
                    message = f"course tap: no response from {self.server.geturl()} ({said}). Is it running?"
                    await client.answer(502, "upstream_error", message)
                    done = True
                else:
                    status = response.status_code
                    done = await _pass_on(response, client)
            group.cancel_scope.cancel()
        self.report(request.method, request.url.path, status, time.perf_counter() - began)
        return done

    def _refused(self, head: h11.Request) -> tuple[int, str, str] | None:
        """Status, type and message for what the tap does not pass on."""
        if not head.target.startswith(b"/"):
            return 400, "invalid_request_error", "course tap: no forward proxy; it takes paths as /v1/models"
        host = next((value.decode("latin-1") for name, value in head.headers if name == b"host"), "")
        name = upstream.name_in(host)
        if is_loopback(self.host) and host and not is_loopback(name) and name != self.host:
            # A page in a browser can give its own name this machine's address, and read what it likes.
            return 403, "forbidden", f"course tap: only for this computer, and not under the name {name!r}"
        return None

    async def _request(self, client: Client, head: h11.Request) -> httpx.Request:
        """The same request, for the server."""
        pairs = head.headers.raw_items()
        chunked = any(name.lower() == b"transfer-encoding" for name, _ in pairs)
        headers = [(b"Host", self.server.netloc.encode()), *end_to_end(pairs)]
        first, whole = await client.ahead()
        return httpx.Request(
            head.method.decode("ascii"),
            f"{self.server.scheme}://{self.server.netloc}{head.target.decode('latin-1')}",
            headers=[*headers, (b"Transfer-Encoding", b"chunked")] if chunked else headers,
            stream=httpx.ByteStream(first) if whole else _Rest(first, client),
            extensions={"target": head.target, "timeout": {"connect": CONNECT}},
        )


class _Rest(httpx.AsyncByteStream):
    """A body of which the beginning was read already."""

    def __init__(self, first: bytes, client: Client):
        self.first, self.client = first, client

    async def __aiter__(self):
        yield self.first
        async for chunk in self.client.body():
            yield chunk


async def _pass_on(response: httpx.Response, client: Client) -> bool:
    """Each chunk when it comes. False if the server broke off: then the client shall notice, too."""
    head = h11.Response(
        status_code=response.status_code,
        headers=end_to_end(response.headers.raw),
        reason=response.extensions.get("reason_phrase", b""),
    )
    try:
        await client.send(head)
        async with aclosing(aiter(response.stream)) as chunks:
            async for chunk in chunks:
                await client.send(h11.Data(data=chunk))
        await client.send(h11.EndOfMessage())
        return True
    except (httpx.TransportError, h11.LocalProtocolError):
        return False
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
