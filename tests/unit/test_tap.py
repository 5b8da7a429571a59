"""What the tap promises: it is not there, except for the tape. A real server, real sockets, both directions."""

import gzip
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from course.errors import CourseError
from course.tap import Tap
from course.tape import Tape

PATIENCE = 15  # seconds for something that takes milliseconds
CHEAP = {"verify": False, "trust_env": False, "timeout": 2 * PATIENCE}  # certificates take 70 ms to load
EVENT = b'data: {"choices":[{"delta":{"content":"\xc3\xa4"}}]}\n\n'
LAST = {
    "chat": b"data: [DONE]\n\n",
    "messages": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    "responses": b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n',
}


class Upstream(ThreadingHTTPServer):
    """A server that answers each path in its own way, and tells what it saw."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen, self.connections = [], 0
        self.go, self.left = threading.Event(), threading.Event()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer leave together

    def do_GET(self):
        body = self.body()
        self.server.seen.append((self.command, self.path, self.headers.items(), body))
        name, _, rest = urlsplit(self.path).path[1:].partition("/")
        getattr(self, f"on_{name}", self.on_echo)(body, rest)
        self.wfile.flush()

    do_POST = do_HEAD = do_OPTIONS = do_PUT = do_DELETE = do_GET

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def whole(self, body, *headers, status=200):
        self.send_response(status)
        for name, value in [("content-TYPE", "application/json"), ("Content-Length", len(body)), *headers]:
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    def on_echo(self, body, rest):
        self.whole(body, ("X-Twice", "1"), ("X-Twice", "2"))

    def on_gzip(self, body, rest):
        self.whole(gzip.compress(b'{"zipped": true}', mtime=0), ("Content-Encoding", "gzip"))

    def on_status(self, body, rest):
        self.whole(b'{"error": {"message": "so it is"}}' if rest != "204" else b"", status=int(rest))

    def on_redirect(self, body, rest):
        self.whole(b"", ("Location", "/elsewhere?key=secret"), ("Set-Cookie", "a=secret"), status=302)

    def on_unannounced(self, body, rest):
        """Closes an idle connection without having said so."""
        self.whole(b"{}")
        self.close_connection = True

    def on_slow(self, body, rest):
        """Says nothing until it may, or until the other side is gone."""
        self.connection.settimeout(PATIENCE)
        if self.connection.recv(1) == b"":
            self.server.left.set()
        self.close_connection = True

    def on_unframed(self, body, rest):
        """As HTTP/1.0 does it: the end of the connection is the end of the body."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"until the end")
        self.close_connection = True

    def on_stream(self, body, rest):
        """A first event; the last one when it may; "cut" breaks off before it, "endless" has none."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(EVENT[:40])
        self.chunk(EVENT[40:])
        if rest == "cut":
            self.close_connection = True
        elif rest == "endless":
            try:
                while not self.server.go.wait(0.01):
                    self.chunk(EVENT)
            except OSError:
                self.server.left.set()
                raise
        else:
            if rest not in LAST:
                self.server.go.wait(PATIENCE)
            self.chunk(LAST.get(rest, LAST["chat"]))
            if rest in LAST:
                self.server.go.wait(PATIENCE)
            self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *args):
        pass

    def handle(self):
        with suppress(OSError):
            super().handle()

    def finish(self):
        with suppress(OSError):
            super().finish()


@pytest.fixture
def upstream():
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def tap(upstream, tape):
    with Tap(upstream.url, tape) as tap:
        yield tap


def recorded(tape, n=1):
    """The tape's entries, as soon as there are n: a client may know its end before the tape does."""
    deadline = time.monotonic() + PATIENCE
    while len(tape.entries) < n and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(tape.entries) == n
    return tape.entries


def get(url, method="GET", **kw):
    with httpx.Client(**CHEAP) as client, client.stream(method, url, **kw) as response:
        raw = [(k, v) for k, v in response.headers.raw if k != b"Date"]
        chunks = [c for c in response.iter_raw() if c]
        return response.status_code, response.reason_phrase, raw, chunks


@contextmanager
def wire(url):
    """A socket, for what no client library does."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=PATIENCE) as s:
        yield s


def until(s, end):
    got = b""
    while not got.endswith(end):
        piece = s.recv(65536)
        assert piece, f"the connection was closed after {got!r}"
        got += piece
    return got


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


def test_a_client_that_asks_before_it_sends_its_body_is_answered(tap):
    """curl does so with large ones (Expect: 100-continue)."""
    with wire(tap.url) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert until(s, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(b"body")
        assert until(s, b"\r\n\r\nbody").startswith(b"HTTP/1.1 200 OK")


# Connections


def test_connections_are_kept_alive_on_both_sides(upstream, tap, tape):
    connection = HTTPConnection(*urlsplit(tap.url).netloc.split(":"), timeout=PATIENCE)
    used = set()
    for n in range(5):
        connection.request("POST", "/", body=f"{n}")
        used.add(connection.sock)
        assert connection.getresponse().read() == f"{n}".encode()
    connection.close()
    assert len(used) == 1
    assert upstream.connections == 1
    assert [e["_id"] for e in recorded(tape, 5)] == [1, 2, 3, 4, 5]


def test_requests_that_are_sent_at_once_are_answered_in_order(tap):
    with wire(tap.url) as s:
        s.sendall(
            b"".join(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n%d" % n for n in range(3)
            )
        )
        got = until(s, b"\r\n\r\n2")
    assert got.index(b"\r\n\r\n0") < got.index(b"\r\n\r\n1") < got.index(b"\r\n\r\n2")


def test_a_connection_that_the_server_dropped_is_not_used_again(upstream, tap):
    with httpx.Client(**CHEAP) as client:
        for _ in range(3):
            assert client.get(tap.url + "/unannounced").status_code == 200
            time.sleep(0.05)
    assert upstream.connections == 3


def test_a_client_that_speaks_http_1_0_is_answered(tap):
    with wire(tap.url) as s:
        s.sendall(b"GET /unframed HTTP/1.0\r\n\r\n")
        got = b"".join(iter(lambda: s.recv(65536), b""))
    assert got.endswith(b"\r\n\r\nuntil the end")


def test_many_clients_at_once_get_their_own_answers(tap, tape):
    def ask(n):
        return b"".join(get(tap.url, "POST", content=f"{n}" * 1000)[3]) == f"{n}".encode() * 1000

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(48)))
    entries = recorded(tape, 48)
    assert sorted(e["_id"] for e in entries) == list(range(1, 49))
    assert all(e["request"]["postData"]["text"] == e["response"]["content"]["text"] for e in entries)


# Clients that go away


def test_a_client_that_hangs_up_is_recorded_and_the_server_told(upstream, tap, tape):
    with httpx.Client(**CHEAP) as client, client.stream("POST", tap.url + "/stream/endless") as response:
        next(response.iter_raw())
    assert upstream.left.wait(PATIENCE), "the server goes on for nobody"
    (entry,) = recorded(tape)
    assert entry["_error"] == "the client closed the response before its end"
    assert entry["response"]["content"]["text"].startswith(EVENT[:39].decode())


def test_a_client_that_does_not_wait_for_the_answer_is_recorded_and_the_server_told(upstream, tap, tape):
    with pytest.raises(httpx.ReadTimeout), httpx.Client(**CHEAP | {"timeout": 0.2}) as client:
        client.post(tap.url + "/slow", content=b"think!")
    assert upstream.left.wait(PATIENCE), "the server thinks for nobody"
    (entry,) = recorded(tape)
    assert entry["_error"] == "the client closed the connection before a response came"
    assert entry["response"]["status"] == 0
    assert entry["request"]["postData"]["text"] == "think!"


def test_a_client_that_breaks_off_its_request_is_recorded(tap, tape):
    with wire(tap.url) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
    (entry,) = recorded(tape)
    assert entry["_error"] == "ClientGone: the client broke off its request"
    assert entry["request"]["postData"]["text"] == "only this"


@pytest.mark.parametrize("kind", LAST)
def test_reading_to_the_last_event_is_no_hanging_up(tap, tape, kind):
    """Clients stop at the event that their API ends with, and read no further."""
    with (
        httpx.Client(**CHEAP) as client,
        client.stream("POST", f"{tap.url}/stream/{kind}") as response,
    ):
        got = b""
        for chunk in response.iter_raw():
            got += chunk
            if got == EVENT + LAST[kind]:
                break
    assert recorded(tape)[0]["_error"] is None


# Servers that are not there, and clients that speak something else


def test_a_server_that_is_not_there_is_a_502_in_openais_shape(tape):
    with Tap("http://127.0.0.1:9", tape) as tap, httpx.Client(**CHEAP) as client:
        for _ in range(2):  # on one connection: the first answer has not broken it
            answer = client.post(tap.url + "/v1/chat/completions", json={"model": "m"})
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "no response from http://127.0.0.1:9 (ConnectError" in error["message"]
    entry = recorded(tape, 2)[0]
    assert entry["response"]["status"] == 0
    assert "ConnectError" in entry["_error"]
    assert entry["request"]["postData"]["text"] == '{"model":"m"}'


def test_a_page_that_calls_this_machine_by_another_name_is_refused(upstream, tap, tape):
    """DNS rebinding: the browser takes the tap for the page's own server. The address itself is fine."""
    for host, status in [
        ("evil.example", 403),
        ("[::1", 403),
        ("127.0.0.1:1", 200),
        ("[::1]:80", 200),
        ("a.localhost", 200),
    ]:
        assert get(tap.url, headers={"Host": host})[0] == status
    assert len(upstream.seen) == len(recorded(tape, 3)) == 3


def test_an_upgrade_is_passed_on_as_a_plain_request(upstream, tap):
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert get(tap.url, headers=headers)[0] == 200
    seen = dict(upstream.seen[0][2])
    assert "Sec-WebSocket-Version" in seen
    assert "Upgrade" not in seen


def test_a_client_that_resets_an_idle_connection_is_no_news(tap, tape, capfd):
    with wire(tap.url) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(65536)
        recorded(tape)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert get(tap.url)[0] == 200
    assert capfd.readouterr().err == ""


def test_what_is_no_http_is_refused_and_the_tap_goes_on(tap, tape):
    for line in (
        b"\x16\x03\x01 hello",
        b"GET http://example.com/ HTTP/1.1\r\nHost: x",
        b"CONNECT x:443 HTTP/1.1",
    ):
        with wire(tap.url) as s:
            s.sendall(line + b"\r\n\r\n")
            assert s.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert get(tap.url)[0] == 200
    assert len(recorded(tape)) == 1


def test_a_mistake_of_the_taps_costs_one_connection(tap, tape, monkeypatch, capfd):
    monkeypatch.setattr(tape, "body_limit", "not a number")
    with pytest.raises(httpx.RemoteProtocolError):
        get(tap.url, "POST", content=b"x")
    monkeypatch.undo()
    assert get(tap.url)[0] == 200
    assert "Traceback" in capfd.readouterr().err


# The tape, and who may listen


def test_credentials_pass_and_stay_off_the_tape(upstream, tap, tape):
    secret = {
        name: "secret"
        for name in ("Authorization", "x-api-key", "api-key", "Cookie", "X-Goog-Api-Key", "X-Auth-Token")
    }
    get(f"{tap.url}/redirect?key=secret&api-version=1&access_token=secret", headers=secret)
    ((_, path, headers, _),) = upstream.seen
    assert path == "/redirect?key=secret&api-version=1&access_token=secret"
    assert {k: v for k, v in headers if v == "secret"} == secret
    (entry,) = recorded(tape)
    assert "secret" not in tape.path.read_text()
    assert entry["request"]["url"].endswith("/redirect?key=REDACTED&api-version=1&access_token=REDACTED")
    assert entry["response"]["redirectURL"] == "/elsewhere?key=REDACTED"


def test_what_only_sounds_like_a_credential_is_kept(tap, tape):
    plain = {"X-Ratelimit-Remaining-Tokens": "9", "Idempotency-Key": "k", "X-Request-Id": "r"}
    get(tap.url + "/?max_tokens=7&keyword=x", headers=plain)
    (entry,) = recorded(tape)
    sent = {h["name"]: h["value"] for h in entry["request"]["headers"]}
    assert plain.items() <= sent.items()
    assert entry["request"]["url"].endswith("/?max_tokens=7&keyword=x")


def test_it_listens_on_this_machine_only(tap):
    listening = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert [a.ip for a in listening if a.port == tap.port] == ["127.0.0.1"]


def test_when_it_stops_nobody_listens_and_what_was_under_way_is_on_tape(upstream, tape):
    with Tap(upstream.url, tape) as tap, httpx.Client(**CHEAP) as client:
        with client.stream("POST", tap.url + "/stream/endless") as response:
            chunks = response.iter_raw()
            next(chunks)
            tap.stop()
            assert len(tape.entries) == 1
            with pytest.raises(httpx.RemoteProtocolError):
                list(chunks)
        with pytest.raises(httpx.ConnectError):
            get(tap.url)
    assert upstream.left.wait(PATIENCE)


@pytest.mark.parametrize(
    ("upstream_at", "path"),
    [
        ("http://localhost:8080", "/v1"),
        ("localhost:8080/", "/v1"),
        ("http://localhost:8080/v1/", "/v1"),
        ("https://openrouter.ai/api/v1", "/api/v1"),
    ],
)
def test_the_base_url_has_the_path_of_the_server(tape, upstream_at, path):
    assert urlsplit(Tap(upstream_at, tape, port=9999).base_url).path == path


@pytest.mark.parametrize(
    "address", ["", "ftp://x", "http://", "http://x:port", "http://me:secret@x", "http://x/?a"]
)
def test_what_is_no_address_is_said(tape, address):
    with pytest.raises(CourseError, match="is no plain address"):
        Tap(address, tape)


def test_it_does_not_ask_itself(tape):
    with pytest.raises(CourseError, match="ask itself"):
        Tap("localhost:8081", tape, port=8081)


def test_a_port_that_is_taken_is_said(upstream, tape):
    port = urlsplit(upstream.url).port
    with pytest.raises(CourseError, match=rf"can't listen on 127\.0\.0\.1 port {port}: .*, pid \d+"):
        Tap("http://127.0.0.1:9", tape, port=port).start()
