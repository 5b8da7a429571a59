"""Record what an httpx client sends and receives, one entry of a tape per exchange.

The transports copy both directions chunk by chunk, with times, and note why an exchange broke off. They never change,
delay or buffer a byte, and do not look inside. A problem with the tape never becomes the client's problem.

    client = httpx.Client(transport=RecordingTransport(httpx.HTTPTransport(), tape))
"""

import re
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import anyio
import anyio.to_thread
import httpx

from course.tape import har, redact

if TYPE_CHECKING:
    from course.tape import Tape

CLOSED = (GeneratorExit, CancelledError)  # what a generator sees when its reader stops
BESIDE = 2**20  # bytes of an exchange that is written in a thread
Ended = Callable[[BaseException | None], None]
# The last event of a stream of chat completions or completions, messages, responses. After it, a client may hang up.
LAST_EVENT = re.compile(
    rb'data: ?\[DONE\]\s*\Z|"type": ?"(?:message_stop|response\.(?:completed|incomplete|failed))"'
)


class RecordingTransport(httpx.BaseTransport):
    """Pass everything through `transport` and copy it to `tape`."""

    def __init__(self, transport: httpx.BaseTransport, tape: "Tape") -> None:
        self.transport, self.tape = transport, tape

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Recording(self.tape, request)
        try:
            response = self.transport.handle_request(exchange.request)
        except BaseException as e:
            exchange.ended(e)
            raise
        stream = cast(httpx.SyncByteStream, response.stream)
        return exchange.begun(response, _Tee(stream, exchange.received, exchange.ended))

    def close(self) -> None:
        self.transport.close()


class AsyncRecordingTransport(httpx.AsyncBaseTransport):
    """The same for `httpx.AsyncClient`, and for the tap."""

    def __init__(self, transport: httpx.AsyncBaseTransport, tape: "Tape") -> None:
        self.transport, self.tape = transport, tape

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Recording(self.tape, request)
        try:
            response = await self.transport.handle_async_request(exchange.request)
        except BaseException as e:
            exchange.ended(e)
            raise
        stream = cast(httpx.AsyncByteStream, response.stream)
        return exchange.begun(response, _AsyncTee(stream, exchange.received, exchange.ended_beside))

    async def aclose(self) -> None:
        await self.transport.aclose()


class _Tee(httpx.SyncByteStream):
    """A byte stream that calls `saw` with each chunk that passes, and `ended` with how it ended."""

    def __init__(
        self, stream: httpx.SyncByteStream, saw: Callable[[bytes], None], ended: Ended = lambda e: None
    ) -> None:
        self.stream, self.saw, self.ended = stream, saw, ended

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self.stream:
                self.saw(chunk)
                yield chunk
        except BaseException as e:
            self.ended(e)
            raise
        self.ended(None)

    def close(self) -> None:
        try:
            self.stream.close()
        finally:
            self.ended(GeneratorExit())


class _AsyncTee(httpx.AsyncByteStream):
    """The same, asynchronous."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        saw: Callable[[bytes], None],
        ended: Callable[[BaseException | None], Awaitable[None]] | None = None,
    ) -> None:
        self.stream, self.saw, self.ended = stream, saw, ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self.stream:
                self.saw(chunk)
                yield chunk
        except BaseException as e:
            await self._ended(e)
            raise
        await self._ended(None)

    async def aclose(self) -> None:
        try:
            await self.stream.aclose()
        finally:
            await self._ended(GeneratorExit())

    async def _ended(self, e: BaseException | None) -> None:
        if self.ended is not None:
            await self.ended(e)


class _Recording:
    """One exchange while it is in progress. `ended` may be called more than once; the first call counts."""

    def __init__(self, tape: "Tape", request: httpx.Request) -> None:
        self.tape, self.done = tape, False
        self.response: httpx.Response | None = None
        self.first_byte: float | None = None
        self.sent, self.came = har.Body(tape.body_limit), har.Body(tape.body_limit)
        self.when, self.start = datetime.now(UTC), time.perf_counter()
        self.request = request
        if isinstance(request.stream, httpx.ByteStream):
            self.sent.add(request.read())
        else:  # an upload that is read while it is sent
            body, saw = request.stream, self.sent.add
            self.request = httpx.Request(
                request.method,
                request.url,
                headers=request.headers,
                stream=_AsyncTee(body, saw) if isinstance(body, httpx.AsyncByteStream) else _Tee(body, saw),
                extensions=request.extensions,
            )

    def begun(self, response: httpx.Response, stream: _Tee | _AsyncTee) -> httpx.Response:
        """The response to pass on. Its bytes come through `stream`."""
        self.response, self.first_byte = response, time.perf_counter()
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    def received(self, chunk: bytes) -> None:
        self.came.add(chunk, time.perf_counter())

    def ended(self, e: BaseException | None) -> None:
        if self.done:
            return
        self.done = True
        try:  # whatever is wrong with the tape is not the client's problem
            times = har.Times(self.when, self.start, self.first_byte, time.perf_counter())
            entry = har.entry(self.request, self.sent, self.response, self.came, times)
            self.tape.add({"_type": "entry", **entry, "_error": self._redacted(self._why(e))})
        except Exception as fault:
            with suppress(Exception):
                self.tape.report(f"an exchange could not be recorded ({type(fault).__name__}: {fault})")

    def _redacted(self, why: str | None) -> str | None:
        """Without credentials: a header that the client's library refuses is quoted by it."""
        if not why:
            return why
        keys = redact.own_keys(self.request.headers.raw, str(self.request.url))
        return redact.without(redact.redacted_url(why), keys)

    async def ended_beside(self, e: BaseException | None) -> None:
        """The same. A body that takes long to decompress or to write does so in a thread, and delays no other exchange."""
        packed = self.response is not None and "content-encoding" in self.response.headers
        if self.done or not (packed or self.came.kept + self.sent.kept > BESIDE):
            self.ended(e)
            return
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.ended, e)

    def _why(self, e: BaseException | None) -> str | None:
        if e is None:
            return None
        if not isinstance(e, CLOSED):
            return f"{type(e).__name__}: {e}"
        stopped = self.request.extensions.get("stopped", str)()  # the tap's own reason, if it has one
        if self.response is None:
            return f"{stopped or 'the client closed the connection'} before a response came"
        if self._complete(self.response):
            return None
        return f"{stopped or 'the client closed the response'} before its end"

    def _complete(self, response: httpx.Response) -> bool:
        """Whether everything was received, even though the client did not read to the end of the stream."""
        length = response.headers.get("content-length")
        return bool(LAST_EVENT.search(b"".join(self.came.last)) or (length and int(length) <= self.came.size))
