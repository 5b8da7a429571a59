"""A real server for the tap to stand before, and a client's tools; both count and keep what they see."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

PATIENCE = 60  # seconds for something that takes milliseconds on an idle machine
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
    request_queue_size = 128  # with the default of 5, clients that come at once wait for seconds

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen, self.connections, self.closed = [], 0, 0
        self.go, self.left = threading.Event(), threading.Event()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.closed += 1

    def arrived(self, n=1):
        """Wait until it has seen so many requests."""
        wait(lambda: len(self.seen) >= n)


def wait(condition):
    """Until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        time.sleep(0.005)


@contextmanager
def nobody():
    """An address at which nobody listens, and nobody else can as long as the block runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def serving(handler):
    """An Upstream that answers with this handler's class while the block runs."""
    server = Upstream()
    server.RequestHandlerClass = handler
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


@contextmanager
def raw(answers, close=False):
    """A server that answers each path with these bytes, and keeps its connections or closes each after its answer.

    Yields its URL and the heads of the requests.
    """
    seen = []

    def serve(connection):
        with suppress(OSError), connection:  # the other side may drop it before it has read everything
            got = b""
            while piece := connection.recv(65536):
                got += piece
                while b"\r\n\r\n" in got:
                    head, _, got = got.partition(b"\r\n\r\n")
                    seen.append(head)
                    connection.sendall(answers[head.split(b" ")[1].decode()])
                    if close:
                        return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        listener.shutdown(socket.SHUT_RDWR)
