"""Odd HTTP on either side of the tap: refused or passed on, never half understood, and the tap goes on."""

import gzip
import socket
import time
from contextlib import suppress

import httpx
import pytest

from course.errors import CourseError
from course.tap import Tap
from support.upstream import EVENT, PATIENCE, get, raw, recorded, until, wire

SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


def sent(url, data, end=None):
    """Everything that comes back on a connection with these bytes, until it is closed or ends so.

    Without an end: until it falls silent after the head.
    """
    got = b""
    with wire(url) as s, suppress(TimeoutError):
        s.sendall(data)
        while not (end and got.endswith(end)) and (piece := s.recv(65536)):
            got += piece
            if not end and b"\r\n\r\n" in got:
                s.settimeout(0.3)
    return got


# What clients send


@pytest.mark.attack(
    "tap",
    "two differing Content-Lengths, +5, a space before the colon, xchunked, bare CR, NUL, a leading space",
    "400",
)
@pytest.mark.attack("tap", "two Host headers", "400")
@pytest.mark.attack(
    "tap", "an HTTP/2 preface, a TLS hello, a chunk size of 17 digits", "400, or the connection is closed"
)
@pytest.mark.attack("tap", "CONNECT, an absolute target, OPTIONS *", "400")
@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody!",
        POST + b"Content-Length: +4\r\n\r\nbody",
        POST + b"Content-Length : 4\r\n\r\nbody",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        POST + b"X: a\rContent-Length: 4\r\n\r\nbody",
        POST + b"X: \0\r\n\r\n",
        b"POST / HTTP/1.1\r\n Host: localhost\r\n\r\n",
        POST + b"Host: evil.example\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\x7f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(upstream, tap, data):
    assert sent(tap.url, data).startswith(b"HTTP/1.1 400 ")
    assert get(tap.url)[0] == 200
    assert len(upstream.seen) == 1


def test_a_chunk_size_of_17_digits_ends_the_exchange(upstream, tap, tape):
    data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 17 + b"000000\r\nx"
    assert not sent(tap.url, data).startswith(b"HTTP/1.1 2")
    assert get(tap.url)[0] == 200


@pytest.mark.attack(
    "tap", "the same Content-Length twice, '5, 5', a folded header, bare LF", "normalized, or 400"
)
@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
        POST + b"Content-Length: 4, 4\r\n\r\nbody",
        POST + b"X: a\r\n b\r\nContent-Length: 4\r\n\r\nbody",
        (POST + b"Content-Length: 4\r\n\r\n").replace(b"\r\n", b"\n") + b"body",
    ],
)
def test_what_can_be_read_in_one_way_is_sent_so(upstream, tap, data):
    end = b"\r\n\r\nbody"
    assert sent(tap.url, data, end).endswith(end)
    ((_, _, headers, body),) = upstream.seen
    assert body == b"body"
    assert [value for name, value in headers if name == "Content-Length"] == ["4"]


@pytest.mark.attack("tap", "headers of 200 KiB; 5000 headers", "431; passed on if they are small enough")
@pytest.mark.parametrize(
    ("headers", "answer"), [(b"X: " + b"a" * 200_000 + b"\r\n", b"431"), (b"a: b\r\n" * 5000, b"200")]
)
def test_large_heads_are_limited(tape, headers, answer, monkeypatch):
    monkeypatch.setattr("course.tap.downstream.LINGER", PATIENCE)  # on a busy machine, sending takes longer
    with raw({"/": SMALL}) as (url, seen), Tap(url, tape) as tap:
        got = sent(tap.url, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n")
    assert got.split(b" ")[1] == answer
    assert len(seen) == (answer == b"200")


@pytest.mark.attack("tap", "100 slow uploads at once", "other clients are served meanwhile")
def test_slow_uploads_harm_nobody(upstream, tap, tape):
    slow = [socket.create_connection(("127.0.0.1", tap.port), timeout=PATIENCE) for _ in range(100)]
    try:
        for s in slow:
            s.sendall(POST + b"Content-Length: 4\r\n\r\nb")
        began = time.perf_counter()
        assert get(tap.url)[0] == 200
        assert time.perf_counter() - began < 30
        for s in slow:
            s.sendall(b"ody")
        assert all(until(s, b"\r\n\r\nbody").startswith(b"HTTP/1.1 200") for s in slow)
    finally:
        for s in slow:
            s.close()
    recorded(tape, 101)


@pytest.mark.attack(
    "tap", "a client that shuts down its sending half after the request", "documented: it has hung up"
)
def test_a_half_open_client_has_hung_up(upstream, tap, tape):
    with wire(tap.url) as s:
        s.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
    assert recorded(tape)[0]["_error"] == "the client closed the connection before a response came"


# What servers send


@pytest.mark.attack(
    "tap",
    "upstream: garbage, close, HTTP/0.9, 101, a negative or double Content-Length, a bad or huge header",
    "502 with the reason, status 0 on the tape",
)
@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"",
        b"<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_a_502(tape, answer):
    with raw({"/": answer}, close=True) as (url, _), Tap(url, tape) as tap:
        got = sent(tap.url, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    (entry,) = recorded(tape)
    if answer.startswith(b"HTTP/1.1 101"):
        assert not got.startswith(b"HTTP/1.1 2")
        return
    assert got.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_error" in got
    assert entry["response"]["status"] == 0
    assert "ProtocolError" in entry["_error"]


@pytest.mark.attack(
    "tap",
    "upstream: a cut or bad chunk, a body shorter than its length",
    "the client sees the break, the tape says why",
)
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwh",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwh\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwh",
    ],
)
def test_a_broken_body_is_broken_for_the_client_too(tape, answer):
    with (
        raw({"/": answer}, close=True) as (url, _),
        Tap(url, tape) as tap,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        get(tap.url)
    (entry,) = recorded(tape)
    assert "RemoteProtocolError" in entry["_error"]
    assert entry["response"]["content"]["text"] == "wh"


@pytest.mark.attack(
    "tap",
    "upstream: HTTP/1.0, a redirect to another host, status 999, headers in Latin-1",
    "passed on, not followed",
)
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nold",
        b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 3\r\n\r\nodd",
        b"HTTP/1.1 200 \xe4\r\nX: \xe4\r\nContent-Length: 3\r\n\r\nodd",
    ],
)
def test_odd_answers_are_passed_on(tape, answer):
    old = answer.startswith(b"HTTP/1.0")  # only there is the end of the connection the end of the body
    with raw({"/": answer}, close=old) as (url, _), Tap(url, tape) as tap:
        assert get(tap.url)[:1] + get(tap.url)[3:] == get(url)[:1] + get(url)[3:]
    assert {e["_error"] for e in recorded(tape, 2)} == {None}


@pytest.mark.attack(
    "tap", "upstream: gzip, damaged gzip, brotli", "passed on as it came; the tape says what it is"
)
@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        ("gzip", gzip.compress(b"plain", mtime=0), "decompressed"),
        ("gzip", b"\x1f\x8b\x08damage", "could not be decompressed"),
        ("br", b"\x0b\x02\x80plain\x03", "could not be decompressed"),
    ],
)
def test_compressed_bodies_pass_as_they_came(tape, coding, body, said):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw({"/": head + body}) as (url, _), Tap(url, tape) as tap:
        assert b"".join(get(tap.url)[3]) == body
    assert said in recorded(tape)[0]["response"]["content"]["comment"]


@pytest.mark.attack(
    "tap",
    "upstream: an endless stream, 10^5 tiny chunks; a client that never reads",
    "bounded; ends with the client",
)
def test_a_client_that_never_reads_stops_the_stream(upstream, tap, tape):
    with wire(tap.url) as s:
        s.sendall(b"GET /stream/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(s, EVENT[40:] + b"\r\n")
        time.sleep(0.1)
    assert upstream.left.wait(PATIENCE)
    assert recorded(tape)[0]["_error"] == "the client closed the response before its end"


def test_many_tiny_chunks_pass(tape):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n"
    with raw({"/": answer}) as (url, _), Tap(url, tape) as tap:
        assert b"".join(get(tap.url)[3]) == b"x" * 10_000
    assert recorded(tape)[0]["response"]["bodySize"] == 10_000


@pytest.mark.attack("tap", "a tap that asks itself, at 127.0.0.1, localhost and 0.0.0.0", "refused")
def test_a_tap_that_asks_itself_is_refused(upstream, tape):
    """Its own port is refused from the start. A free one can be asked by a name that no Host header may have."""
    with Tap(upstream.url, tape) as first:
        with Tap(f"http://0.0.0.0:{first.port}", tape) as second:
            assert get(second.url)[0] == 403
        with pytest.raises(CourseError, match="the server's own"):
            Tap(f"http://localhost:{first.port}", tape, port=first.port)
    assert upstream.seen == []
