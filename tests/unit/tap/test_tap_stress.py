"""The tap under stress: no descriptors left, servers that send too much, bodies that explode, and who is to blame."""

import base64
import gzip
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import ExitStack

import h11
import httpx
import psutil
import pytest

from course.diagnose import diagnose
from course.tap import Tap
from course.tape import Tape, har
from course.turns import turns
from support.upstream import PATIENCE, get, raw, recorded, until, wait, wire

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not applicable: POSIX limits and signals")


SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

# Descriptors

TAP = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import course.tap
course.tap.OTHERS = int(sys.argv[3])
with course.tap.Tap(sys.argv[1], course.tap.Tape(sys.argv[2])) as tap:
    print(tap.url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.attack(
    "tap",
    "more idle connections than the tap has descriptors",
    "it is busy, says so if even its reserve is gone, and works again afterwards",
    fell=2,
)
@pytest.mark.parametrize("reserve", [64, -10_000], ids=["with its reserve", "without one"])
def test_it_works_again_after_more_connections_than_descriptors(upstream, tmp_path, reserve):
    command = [sys.executable, "-c", TAP, upstream.url, str(tmp_path / "t.tape.jsonl"), str(reserve)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tap:
        url = tap.stdout.readline().strip()
        with ExitStack() as idle:
            for _ in range(260):
                one = idle.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", httpx.URL(url).port))
            if reserve < 0:
                assert "could not be accepted (Too many open files)" in tap.stderr.readline()
            else:
                time.sleep(0.1)
                assert psutil.Process(tap.pid).num_fds() < 200
        assert get(url, "POST", content=b"still there")[3] == [b"still there"]
        _, said = tap.communicate("")
    assert said == ""
    assert tap.returncode == 0


# Servers that send too much, or frame it in two ways


@pytest.mark.attack(
    "tap",
    "upstream: more bytes than Content-Length, 204 and 304 with a body",
    "the connection is dropped, and the next client gets its own response",
    fell=2,
)
@pytest.mark.parametrize(
    "head", [SMALL, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"]
)
def test_what_a_server_sends_beyond_its_response_reaches_nobody(tape, head):
    with raw({"/first": head + STOLEN, "/second": SMALL}) as (url, seen), Tap(url, tape) as tap:
        for _ in range(2):
            first = get(tap.url + "/first")
            assert first[3] == [b"mine"] * (head == SMALL)
            assert get(tap.url + "/second")[3] == [b"mine"]
    assert len(seen) == 4
    assert "stolen" not in tape.path.read_text()


@pytest.mark.attack(
    "tap",
    "upstream: Content-Length and Transfer-Encoding",
    "the chunks count, for the client and the tape",
    fell=3,
)
def test_a_length_beside_chunks_does_not_count(tape):
    both = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"
    )
    with raw({"/": both}) as (url, _), Tap(url, tape) as tap:
        status, _, headers, chunks = get(tap.url)
    assert (status, b"".join(chunks)) == (200, b"whole")
    assert b"content-length" not in {name.lower() for name, _ in headers}
    assert recorded(tape)[0]["response"]["content"]["text"] == "whole"


@pytest.mark.attack(
    "tap", "a request with Content-Length and Transfer-Encoding", "the chunks are forwarded", fell=3
)
def test_a_request_with_two_lengths_is_sent_with_one(upstream, tap):
    with wire(tap.url) as s:
        s.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nbody\r\n0\r\n\r\n"
        )
        until(s, b"\r\n\r\nbody")
    ((_, _, headers, body),) = upstream.seen
    assert body == b"body"
    assert [name for name, _ in headers] == ["Host", "Transfer-Encoding"]


@pytest.mark.attack("tap", "Connection: content-length", "the length is kept", fell=3)
def test_a_length_cannot_be_declared_one_connections_own(upstream, tap, capfd):
    with wire(tap.url) as s:
        s.sendall(
            b"POST / HTTP/1.1\r\nHost: x.localhost\r\nConnection: content-length\r\nContent-Length: 4\r\n\r\nbody"
        )
        until(s, b"\r\n\r\nbody")
    assert upstream.seen[0][2][1:] == [("Content-Length", "4")]
    assert capfd.readouterr().err == ""


@pytest.mark.attack(
    "tap",
    "/../, quotes and angle brackets in a target",
    "unchanged on the wire, on the tape and in the log",
    fell=3,
)
@pytest.mark.attack("tap", "/../, %2e, backslash, brackets and # in a target", "unchanged on the wire")
@pytest.mark.parametrize("target", ['/../../etc/passwd?a="<>', "/%2e/a\\b[c]#d", "//[", "/" + "a" * 65_000])
def test_a_target_is_sent_and_recorded_as_it_came(tape, target):
    said = []
    with (
        raw({target: SMALL}) as (url, seen),
        Tap(url, tape, report=lambda *line: said.append(line[1])) as tap,
        wire(tap.url) as s,
    ):
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert b"".join(iter(lambda: s.recv(65536), b"")).endswith(b"mine")
    assert seen[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())
    assert recorded(tape)[0]["request"]["url"] == url + target
    assert said == [target.partition("?")[0]]


@pytest.mark.attack(
    "tap", "a target of 65,517 bytes and more", "refused, like every head that is too long", fell=3
)
@pytest.mark.parametrize("length", [65_517, 200_000])
def test_a_target_that_is_too_long_is_refused(upstream, tap, tape, capfd, length):
    with wire(tap.url) as s:
        s.sendall(f"GET /{'a' * (length - 1)} HTTP/1.0\r\n\r\n".encode())
        got = b"".join(iter(lambda: s.recv(65536), b""))
    assert got.startswith(b"HTTP/1.1 431 ")
    assert b"course tap: " in got
    assert (upstream.seen, tape.entries, capfd.readouterr().err) == ([], [], "")


@pytest.mark.attack(
    "tap",
    "upstream: trailers and interim responses (1xx)",
    "dropped, as documented; the response is whole",
    fell=3,
)
def test_interim_responses_and_trailers_are_dropped(tape):
    said = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\nX-Checksum: 1\r\n\r\n"
    )
    with raw({"/": said}) as (url, _), Tap(url, tape) as tap:
        assert [get(tap.url)[3] for _ in range(2)] == [[b"whole"]] * 2
    assert all(entry["_error"] is None for entry in recorded(tape, 2))


# Bodies that explode


@pytest.mark.attack(
    "tap",
    "upstream: a gzip bomb (1 MB that decompresses to 1 GiB)",
    "the beginning is on the tape, up to its limit; other clients are served meanwhile",
    fell=2,
)
@pytest.mark.parametrize(
    ("coding", "before"), [("gzip", b""), ("gzip, gzip", b""), ("gzip", gzip.compress(b"{}", mtime=0))],
    ids=["once", "twice", "as the second member"],
)  # fmt: skip
def test_a_bomb_is_not_unpacked_beyond_the_limit(tmp_path, monkeypatch, coding, before):
    bomb = before + gzip.compress(bytes(2**27), 9)
    bomb = gzip.compress(bomb, 9) if "," in coding else bomb
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    tape = Tape(tmp_path / "t.tape.jsonl", body_limit=4 * 2**20)
    loop, unpacking, served, unpack = set(), [], threading.Event(), har._decompressed

    def held(*given):
        unpacking.append(threading.get_ident())
        assert served.wait(PATIENCE)
        return unpack(*given)

    monkeypatch.setattr(har, "_decompressed", held)
    with (
        raw({"/bomb": head + bomb, "/small": SMALL}) as (url, _),
        Tap(url, tape, report=lambda *_: loop.add(threading.get_ident())) as tap,
    ):
        try:
            assert get(tap.url + "/small")[3] == [b"mine"]
            assert b"".join(get(tap.url + "/bomb")[3]) == bomb
            wait(lambda: loop and unpacking)
            assert loop.isdisjoint(unpacking), "it is unpacked in the thread that serves all clients"
            assert get(tap.url + "/small")[3] == [b"mine"]
        finally:
            served.set()
    (entry,) = [e for e in tape.entries if e["request"]["url"].endswith("/bomb")]
    content = entry["response"]["content"]
    assert content["size"] == tape.body_limit
    assert 0 < content["_cut"] <= len(bomb)
    assert tape.path.stat().st_size < 2 * tape.body_limit


ONE, TWO = (gzip.compress(part, mtime=0) for part in (b'{"id": ', b'"r1"}'))


@pytest.mark.attack(
    "tap",
    "upstream: the answer in the second member of a gzip body",
    "all members are on the tape; a body that goes on with something else is stored as it came",
    fell=2,
)
@pytest.mark.parametrize(
    ("coding", "body", "read"),
    [
        ("gzip", ONE + TWO, True),
        ("gzip", ONE + gzip.compress(b"", mtime=0) * 3 + TWO, True),
        ("gzip, gzip", gzip.compress(ONE + TWO, mtime=0), True),
        ("gzip", ONE + TWO + b"more", False),
        ("gzip", ONE + TWO + ONE[:2], True),
        ("deflate", zlib.compress(b"{}") + b"more", False),
    ],
    ids=[
        "two",
        "empty ones between",
        "in another gzip",
        "and more",
        "a third one, cut off",
        "deflate and more",
    ],
)
def test_all_members_of_a_body_are_on_the_tape(tape, coding, body, read):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw({"/": head + body}) as (url, _), Tap(url, tape) as tap:
        assert b"".join(get(tap.url)[3]) == body
    content = recorded(tape)[0]["response"]["content"]
    if read:
        assert content["text"] == '{"id": "r1"}'
    else:
        assert (base64.b64decode(content["text"]), content["encoding"]) == (body, "base64")
        assert "could not be decompressed" in content["comment"]


@pytest.mark.parametrize("padding", [b"\0" * 512, b"\r\n"])
def test_padding_after_a_body_is_ignored_as_clients_do(padding):
    assert har._decompressed(ONE + padding, "gzip", 2**20) == (gzip.decompress(ONE), 0)


@pytest.mark.attack("tap", "upstream: a gzip body of 300,000 members", "read in seconds", fell=3)
def test_a_body_of_many_members_is_read_in_proportion_to_its_length():
    """zlib copies what follows a member: read in one piece, this takes minutes."""
    began = time.thread_time()
    assert har._decompressed(gzip.compress(b"", mtime=0) * 300_000 + ONE, "gzip", 2**20) == (b'{"id": ', 0)
    assert time.thread_time() - began < 10


@pytest.mark.attack("tap", "an endless stream of chunks of one byte", "what is kept of it is bounded", fell=3)
def test_of_endless_chunks_the_first_are_kept_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(har, "MOST_CHUNKS", 3)
    body = har.Body(limit=4)
    for n in range(10):
        body.add(b"%d" % n, float(n))
    assert body.chunks == [(0, 1), (1, 1), (2, 8)]
    assert (body.data(), body.size, body.kept, body.cut) == (b"0123", 10, 4, 6)


# Who is to blame


def findings(tape):
    made = turns(tape.records())
    return [(f.kind, f.why) for f in diagnose(made)]


CALL = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]'
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.attack(
    "tap",
    "a client that dies in its request or upload",
    "the diagnosis says that the client broke off",
    fell=2,
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("size", [200, 3 * 2**20], ids=["request", "upload"])
def test_a_client_that_breaks_off_its_request_is_to_blame(tap, tape, size, reset, monkeypatch):
    request = POST + b"Content-Length: %d\r\n\r\n" % size + CALL.ljust(size // 2) + b"}"
    read, receive = [], h11.Connection.receive_data

    def counted(connection, data):
        receive(connection, data)
        if connection.our_role is h11.SERVER:
            read.append(len(data))

    monkeypatch.setattr(h11.Connection, "receive_data", counted)
    with wire(tap.url) as s:
        s.sendall(request)
        if reset:  # which takes away what the tap has not read yet
            wait(lambda: sum(read) == len(request))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    recorded(tape)
    ((kind, why),) = findings(tape)
    assert kind == "client-disconnected"
    assert "before it had sent its whole request" in why


@pytest.mark.attack(
    "tap", "INT, TERM or HUP in a stream", "the tape and the diagnosis blame the tap's end", fell=3
)
@pytest.mark.parametrize("path", ["/stream/endless", "/slow"])
def test_a_tap_that_is_stopped_says_so(upstream, tape, path):
    with Tap(upstream.url, tape) as tap, wire(tap.url) as s:
        s.sendall(
            POST.replace(b"/v1/chat/completions", path.encode())
            + b"Content-Length: %d\r\n\r\n" % len(CALL + b"}")
        )
        s.sendall(CALL + b"}")
        if path != "/slow":
            until(s, b"\n\r\n")
        else:
            upstream.arrived()
    (entry,) = tape.entries
    assert entry["_error"].startswith("the tap was stopped before")
    ((kind, why),) = findings(tape)
    assert kind == "connection-lost"
    assert why.startswith("Somebody stopped the tap")


@pytest.mark.attack(
    "tap", "an upstream that never answers", "the diagnosis says how long the server was silent", fell=2
)
def test_a_server_that_never_answers_is_named(upstream, tap, tape, monkeypatch):
    monkeypatch.setattr("course.diagnose.wirefaults.PATIENCE", 0.1)
    with wire(tap.url) as s:
        head = POST.replace(b"/v1", b"/slow/v1") + b"Content-Length: %d\r\n\r\n" % len(CALL + b"}")
        s.sendall(head + CALL + b"}")
        upstream.arrived()
        time.sleep(0.2)
    assert upstream.left.wait(PATIENCE)
    recorded(tape)
    ((kind, why),) = findings(tape)
    assert kind == "client-disconnected"
    assert why.startswith("The server had sent nothing for")
