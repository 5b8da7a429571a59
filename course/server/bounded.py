"""A transport that reads a response up to a limit. Without it, an answer that never ends would fill the memory.

Bounded(httpx.HTTPTransport())
"""

from collections.abc import Iterator
from typing import cast

import httpx

LIMIT = 2**28
"""Bytes of one response: more than forty times what the longest context of today's models takes as text."""


class Bounded(httpx.BaseTransport):
    """Pass everything through `transport`; a response of more than LIMIT bytes is an httpx.RemoteProtocolError."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.transport.handle_request(request)
        response.stream = _Bounded(cast(httpx.SyncByteStream, response.stream))
        return response

    def close(self) -> None:
        self.transport.close()


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self.stream:
            size += len(chunk)
            if size > LIMIT:
                raise httpx.RemoteProtocolError(
                    f"the response has no end: it is longer than {LIMIT:,} bytes, and was not read any further"
                )
            yield chunk

    def close(self) -> None:
        self.stream.close()
