"""What the tap promises: it is not there, except for the tape. A real server, real sockets, both directions."""

import httpx
import pytest

from support.upstream import CHEAP, EVENT, LAST, PATIENCE, get, recorded, until, wire

# What the client gets


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/gzip",
        "/redirect",
        "/status/204",
        "/status/400",
        "/status/404",
        "/status/429",
        "/status/500",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_the_client_gets_what_the_server_sent(upstream, tap, tape, path, method):
    """Status, reason, headers with their order and case, and every byte, compressed ones too."""
    assert get(tap.url + path, method) == get(upstream.url + path, method)
    (entry,) = recorded(tape)
    assert entry["_error"] is None
    assert entry["request"]["url"] == upstream.url + path


def test_a_stream_passes_chunk_by_chunk(upstream, tap, tape):
    """The server says its last chunk only after the client has read the first two."""
    with (
        httpx.Client(**CHEAP | {"timeout": PATIENCE / 3}) as client,
        client.stream("POST", tap.url + "/stream") as response,
    ):
        chunks = response.iter_raw()
        assert [next(chunks), next(chunks)] == [EVENT[:40], EVENT[40:]]
        upstream.go.set()
        assert b"".join(chunks) == LAST["chat"]
    (entry,) = recorded(tape)
    assert entry["_error"] is None
    assert entry["response"]["content"]["text"] == (EVENT + LAST["chat"]).decode()
    assert [n for _, n in entry["_chunks"]] == [40, len(EVENT) - 40, len(LAST["chat"])]


def test_a_server_that_breaks_off_does_so_for_the_client(tap, tape):
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        get(tap.url + "/stream/cut")
    (entry,) = recorded(tape)
    assert "RemoteProtocolError" in entry["_error"]
    assert entry["response"]["content"]["text"] == EVENT.decode()


def test_a_body_without_a_length_arrives(tap, tape):
    assert get(tap.url + "/unframed")[3] == [b"until the end"]
    assert recorded(tape)[0]["_error"] is None


# What the server gets

STRANGE = (
    b"PUT /v1//a%2Fb/../c?q=%20a+b&&key=1;2 HTTP/1.1\r\nHOST: localhost\r\nx-lower: a\r\nX-UPPER: b\r\nX-Same: 1\r\n"
    b"X-Same: 2\r\nContent-Length: 3\r\nuser-agent:\r\nConnection: x-mine\r\nX-Mine: for the tap\r\n\r\n\xff\x00z"
)


def test_the_server_gets_what_the_client_sent(upstream, tap):
    """The path as it is spelled, headers with their order and case; but Host and what concerns one connection."""
    with wire(tap.url) as s:
        s.sendall(STRANGE)
        until(s, b"\r\n\r\n\xff\x00z")
    ((method, path, headers, body),) = upstream.seen
    assert (method, path, body) == ("PUT", "/v1//a%2Fb/../c?q=%20a+b&&key=1;2", b"\xff\x00z")
    assert headers == [
        ("Host", upstream.url.removeprefix("http://")),
        *[("x-lower", "a"), ("X-UPPER", "b"), ("X-Same", "1"), ("X-Same", "2")],
        *[("Content-Length", "3"), ("user-agent", "")],
    ]


@pytest.mark.parametrize("size", [0, 1, 5 * 2**20])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_any_size_pass_both_ways(upstream, tap, tape, size, chunked):
    body = bytes(range(256)) * (size // 256) if size > 1 else b"x" * size
    pieces = (body[at : at + 70_000] for at in range(0, len(body), 70_000))
    assert b"".join(get(tap.url, "POST", content=pieces if chunked else body)[3]) == body
    ((_, _, headers, seen),) = upstream.seen
    assert seen == body
    assert ("Transfer-Encoding" in dict(headers)) is chunked
    assert recorded(tape)[0]["request"]["bodySize"] == len(body)


@pytest.mark.attack("tap", "Expect: 100-continue", "answered by the tap")
def test_a_client_that_asks_before_it_sends_its_body_is_answered(tap):
    """curl does so with large ones (Expect: 100-continue)."""
    with wire(tap.url) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert until(s, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(b"body")
        assert until(s, b"\r\n\r\nbody").startswith(b"HTTP/1.1 200 OK")
