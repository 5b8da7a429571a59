"""A server on a Unix socket: the address is understood everywhere, and each bad place is named."""

import contextlib
import errno
import http.server
import os
import socket
import socketserver
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import pytest

from course.errors import CourseError
from course.server import Server, connection, unixsocket

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="not applicable: this system's Python knows no Unix sockets"
)


@pytest.fixture
def folder():
    """A short path: pytest's own are longer than a socket's may be."""
    with tempfile.TemporaryDirectory(prefix="s-") as path:
        yield Path(path)


@pytest.fixture
def web(folder):
    """Some web server on a Unix socket."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{self.path} of {self.headers['host']}".encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "socket"

        def log_message(self, *_):
            pass

    path = folder / "web.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Page) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield path
        other.shutdown()
        thread.join()


def test_a_connection_goes_through_the_socket(web):
    assert connection.Connection(f"unix://{web}").get("/props") == "/props of localhost"


def test_what_smolagents_sends_goes_through_the_socket(web):
    url = f"unix://{web}"
    with httpx.Client(transport=connection.transport(url)) as client:
        assert client.get(f"{connection.Connection(url).api_base}/models").text == "/v1/models of localhost"


def test_another_web_server_on_a_socket_is_recognized(web):
    with pytest.raises(CourseError, match=r"unix://.*is not a llama-server"):
        Server(url=f"unix://{web}").start()


def test_nobody_answers_there(folder):
    with pytest.raises(CourseError, match=r"answers at unix://"):
        Server(url=f"unix://{folder}/none.sock").start()


def test_the_path_that_the_course_chooses_is_private(cache, monkeypatch, folder):
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    path = unixsocket.prepare()
    assert path.suffix == ".sock"
    assert path.parent.stat().st_mode & 0o077 == 0
    assert unixsocket.prepare() != path


def test_a_deep_cache_gets_a_shorter_path(monkeypatch, folder):
    monkeypatch.setenv("COURSE_CACHE", str(folder / ("x" * 90)))
    path = unixsocket.prepare()
    try:
        assert len(os.fsencode(path)) <= unixsocket.LONGEST
        assert path.parent.stat().st_mode & 0o077 == 0
    finally:
        path.parent.rmdir()


def test_what_a_killed_server_left_is_removed(folder):
    path = folder / "old.sock"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    assert path.exists()
    assert unixsocket.prepare(path) == path
    assert not path.exists()


@pytest.fixture
def full(folder):
    """The socket of a server that takes no clients out of its queue, which is full, as that of a suspended one."""
    path, code = folder / "full.sock", 0
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(path))
        server.listen(0)
        while not code:
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            code = client.connect_ex(str(path))
        assert code == errno.EAGAIN
        yield path


@pytest.mark.skipif(
    sys.platform != "linux", reason="not applicable: other systems refuse clients when the queue is full"
)
@pytest.mark.attack(
    "server",
    "a server on a Unix socket, suspended until its queue is full: another server for this path, a request",
    "the socket is left alone; the request ends with a message",
    fell=2,
)
def test_a_full_queue_is_not_an_abandoned_socket(full, monkeypatch):
    with pytest.raises(CourseError, match="is in use"):
        unixsocket.prepare(full)
    assert full.exists(), "the live server's socket was removed"
    monkeypatch.setattr(connection, "QUEUED", 1)
    with pytest.raises(
        CourseError, match=r"no server answers at unix://.*its queue of clients was full for 1 s"
    ):
        connection.Connection(f"unix://{full}").get("/health")


def test_everybody_may_connect_once_it_listens(folder):
    path = folder / "open.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        unixsocket.admit(path)
        assert path.stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("llama", r"must end in \.sock"),
        ("x" * 100 + ".sock", r"has a path of \d+ bytes"),
        ("a,b.sock", "has a comma"),
        ("nowhere/a.sock", "no such folder"),
        ("file.sock", "not a socket"),
        ("web.sock", "is in use"),
    ],
)
def test_a_path_that_cannot_be_used_is_an_error(web, folder, name, seen):
    (folder / "file.sock").touch()
    with pytest.raises(CourseError, match=rf"(?s)the socket .*{seen}.*Server\(socket=True\)"):
        unixsocket.prepare(folder / name)
    assert (folder / "file.sock").exists()


def test_a_socket_and_a_port_exclude_each_other():
    with pytest.raises(CourseError, match=r"and port 8080"):
        Server("embedded", socket=True, port=8080)
    with pytest.raises(CourseError, match=r"and http://127"):
        Server(socket=True, url="http://127.0.0.1:8080")


def test_a_socket_asks_for_a_server_of_its_own(monkeypatch):
    monkeypatch.setenv("SERVER", "http://127.0.0.1:1")
    assert not Server(socket=True).attached
