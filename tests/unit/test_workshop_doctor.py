"""The doctor in a workshop's room: what is there is told, and each way to be missing has its own words and command."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from typer.testing import CliRunner

from course import workshop
from course.cli import app
from course.errors import CourseError
from support.faulty import Faulty
from support.upstream import Handler, nobody, serving


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("KEY", raising=False)


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch):
    """Latencies are judged as on a machine that has nothing else to do; here, others work beside."""
    monkeypatch.setattr(workshop, "SLOWEST", 10 * workshop.SLOWEST)


class Room(Handler):
    """A JupyterHub's API, a Wi-Fi's sign-in page below /portal, and a llama-server that loads below /loading."""

    def on_hub(self, body, rest):
        self.whole(b'{"version": "6.1.0"}')

    def on_portal(self, body, rest):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"<ok>")

    def on_loading(self, body, rest):
        self.whole(
            b'{"error": {"message": "Loading model", "code": 503}}', ("Server", "llama.cpp"), status=503
        )

    def version_string(self):
        return "room"


@pytest.fixture(scope="module")
def room():
    with serving(Room) as server:
        yield server.url


@contextmanager
def dripping():
    """A server that sends one byte of its answer every 50 ms: no read of a client ever takes long."""
    over = threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100:
                if over.wait(0.05):
                    return
                with suppress(OSError):  # the client has given up
                    connection.sendall(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def last(found):
    """The check that ended the list, which failed, with what a person reads of it."""
    assert not found[-1].ok, found[-1]
    return found[-1]


def test_a_server_that_is_well_passes_every_check():
    with Faulty() as server:
        found = workshop.checks(server.url)
    assert [check.name for check in found if not check.ok] == [], found
    assert [check.name for check in found] == [
        "model server", "API key", "versions", "latency", "context", "question",
    ]  # fmt: skip


def test_a_hub_says_its_version_whichever_of_its_pages_is_given(room):
    for address in (room, f"{room}/", f"{room}/hub/login?next=x", room.removeprefix("http://")):
        [check] = workshop.checks(hub=address)
        assert check.ok, check
        assert "6.1.0" in check.saw


@pytest.mark.parametrize("fault", ["HTML", "JSON of another shape", "not HTTP", "frozen"])
def test_what_is_not_a_model_server_ends_the_checks_at_the_first(fault, monkeypatch):
    if fault == "frozen":  # only then is it waited for
        monkeypatch.setattr(workshop, "REACH", 3.0)
    with Faulty(phase="start", fault=fault) as server:
        found = workshop.checks(server.url)
        check = last(found)
        assert server.url in check.saw or server.url in check.run, check


def test_nothing_listens():
    with nobody() as url:
        for found in (workshop.checks(url), workshop.checks(hub=url)):
            assert "nothing listens" in last(found).saw
            assert url in last(found).run


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (socket.EAI_NONAME, "Name or service not known"),
        (socket.EAI_AGAIN, "Temporary failure in name resolution"),
        (socket.EAI_NONAME, "nodename nor servname provided, or not known"),
    ],
)
def test_a_name_that_nobody_knows_is_not_taken_for_a_closed_port(monkeypatch, number, said):
    """In the words of Linux, of Linux without a network, and of macOS: the resolver of this machine may be slow, or lie."""

    def unknown(*_, **__):
        raise socket.gaierror(number, said)

    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "is not known here" in last(workshop.checks("http://no-such-host.invalid:8080")).saw


@pytest.mark.parametrize(("path", "sign"), [("portal", "sign in"), ("loading", "loading its model")])
def test_a_page_and_a_server_that_loads_are_told_apart(room, path, sign):
    assert sign in last(workshop.checks(f"{room}/{path}")).saw


def test_a_page_in_place_of_a_hub_is_told(room):
    assert "sign in" in last(workshop.checks(hub=f"{room}/portal")).saw


@pytest.mark.parametrize(
    ("fault", "kind"), [("killed", "connection-lost"), ("frozen", "timed-out"), ("HTML", "not-an-api")]
)
def test_a_question_that_fails_has_the_name_that_a_diagnosis_gives_it(fault, kind, monkeypatch):
    if fault == "frozen":
        monkeypatch.setattr(workshop, "ASK", 1.0)
        monkeypatch.setattr(workshop, "REACH", 60.0)
    with Faulty(phase="prompt", fault=fault) as server:
        check = last(workshop.checks(server.url))
    assert check.name == "question"
    assert f"({kind})" in check.saw, check
    assert check.run


def test_a_server_that_drips_is_given_up_in_time(monkeypatch):
    monkeypatch.setattr(workshop, "REACH", 0.3)
    began = time.monotonic()
    with dripping() as url:
        found = workshop.checks(url)
        took = time.monotonic() - began
    assert not found[-1].ok
    assert took < 15, f"{took:.1f} s"  # it would drip for a minute


def test_all_checks_together_have_a_budget(monkeypatch):
    monkeypatch.setattr(workshop, "BUDGET", 0.2)
    with dripping() as url:
        began = time.monotonic()
        workshop.checks(url)
        took = time.monotonic() - began
    assert took < 15, f"{took:.1f} s"  # without one, a single check may take 20 s


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_a_malformed_address_is_refused(url):
    with pytest.raises(CourseError, match=r"is not a valid server address"):
        workshop.checks(url)
    with pytest.raises(CourseError, match=r"is not a valid server address"):
        workshop.checks(hub=url)


def test_both_addresses_are_looked_at_before_anybody_is_asked(monkeypatch, room):
    asked = []
    monkeypatch.setattr(workshop, "hub_answers", asked.append)
    with pytest.raises(CourseError, match="ftp"):
        workshop.checks("ftp://127.0.0.1", hub=room)
    assert asked == []


def test_a_look_that_raises_is_a_failed_check(room, monkeypatch):
    monkeypatch.setattr(workshop, "hub_answers", lambda url: 1 / 0)
    assert "ZeroDivisionError" in last(workshop.checks(hub=room)).saw


def test_the_command_exits_with_1_and_says_what_to_run_next(room):
    with nobody() as url:
        done = CliRunner().invoke(app, ["doctor", "--workshop", url, "--hub", room])
    assert done.exit_code == 1, done.output
    assert "✓ hub" in done.output
    assert "✗ model server" in done.output
    assert ":  curl" in done.output


def test_the_command_exits_with_0_if_all_is_well(room):
    with Faulty() as server:
        done = CliRunner().invoke(app, ["doctor", "--workshop", server.url, "--hub", room])
    assert done.exit_code == 0, done.output
