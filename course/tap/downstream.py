"""The client's side of the tap: one HTTP/1.1 connection, as h11 events over an anyio stream.

Reads requests, answers Expect, and notices when a client hangs up. h11 parses HTTP. Knows nothing about the server behind
the tap. A client that shuts down its sending half and waits counts as one that hung up.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import anyio
import h11
from anyio.abc import ByteStream

READ = 2**16
HEAD = 2**16  # the most bytes in a request line and its headers
AHEAD = 2**20  # bytes of a body that are read before the request is passed on: nearly always all of it
LINGER = 0.5  # seconds
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError)


class ClientGone(Exception):
    """The client closed the connection in the middle of its request."""


class Client:
    """One connection. After each exchange, `again()` says whether another one can follow."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self.whole = anyio.Event()
        self.broken: ClientGone | None = None

    async def request(self) -> h11.Request | None:
        """The next request's line and headers; None if the client is done."""
        event = await self._next()
        return event if isinstance(event, h11.Request) else None

    async def ahead(self) -> tuple[bytes, bool]:
        """The beginning of the request's body, and whether that is all of it."""
        parts: list[bytes] = []
        size = 0
        with suppress(ClientGone):  # `body` raises it again while the first part is passed on
            async with aclosing(self.body()) as body:
                async for part in body:
                    parts.append(part)
                    size += len(part)
                    if size >= AHEAD:
                        break
        return b"".join(parts), self.whole.is_set()

    async def body(self) -> AsyncGenerator[bytes]:
        """The rest of the request's body, as it arrives. ClientGone if the client hangs up in the middle."""
        while not self.whole.is_set():
            try:
                event = await self._next()
            except (h11.RemoteProtocolError, *GONE) as e:
                self.broken = self.broken or ClientGone("the client broke off its request")
                raise self.broken from e
            if isinstance(event, h11.EndOfMessage):
                self.whole.set()
            elif isinstance(event, h11.Data):
                yield bytes(event.data)

    async def gone(self) -> None:
        """Return when the client hangs up. What it sends before that belongs to its next request and is kept."""
        await self.whole.wait()
        kept = 0
        while kept < AHEAD:
            try:
                data = await self.stream.receive(READ)
            except (anyio.EndOfStream, *GONE):
                return
            self.h11.receive_data(data)
            kept += len(data)
        await anyio.sleep_forever()

    async def send(self, event: h11.Event) -> None:
        if data := self.h11.send(event):
            await self.stream.send(data)

    async def answer(self, status: int, kind: str, message: str) -> None:
        """Send an error of the tap itself, in the shape of OpenAI's API."""
        error = {"error": {"message": message, "type": kind, "param": None, "code": status}}
        body = json.dumps(error).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        await self.send(h11.Response(status_code=status, headers=headers, reason=_REASONS[status]))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    async def refuse(self, status: int, message: str) -> None:
        """Answer what is not HTTP, and read on for a moment: closing with bytes unread would destroy the answer."""
        await self.answer(status, "invalid_request_error", message)
        await self.stream.send_eof()
        with anyio.move_on_after(LINGER):
            while True:
                await self.stream.receive(READ)

    async def again(self) -> bool:
        """Whether the connection can serve another request. An upload that nobody read is drained first."""
        with anyio.move_on_after(1):
            async for _ in self.body():
                pass
        if self.h11.our_state is not h11.DONE or self.h11.their_state is not h11.DONE:
            return False
        self.h11.start_next_cycle()
        self.whole, self.broken = anyio.Event(), None
        return True

    async def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self.h11.next_event()) is h11.NEED_DATA:
            if self.h11.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            try:
                data = await self.stream.receive(READ)
            except anyio.EndOfStream:
                data = b""
            self.h11.receive_data(data)
        return event


_REASONS = {
    400: b"Bad Request",
    403: b"Forbidden",
    431: b"Request Header Fields Too Large",
    502: b"Bad Gateway",
}
