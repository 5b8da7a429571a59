"""Connections through the tap: kept, dropped, broken off by the client, and spoken to in something else."""

import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from course.tap import Tap
from support.upstream import CHEAP, EVENT, LAST, PATIENCE, get, recorded, until, wait, wire


def test_connections_are_kept_alive_on_both_sides(upstream, tape, monkeypatch):
    monkeypatch.setattr("course.tap.upstream.IDLE", PATIENCE)  # a busy machine may pause for its two seconds
    with Tap(upstream.url, tape) as tap:
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


@pytest.mark.attack("tap", "pipelined requests", "answered, in order")
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
        for n in range(3):
            assert client.get(tap.url + "/unannounced").status_code == 200
            wait(lambda n=n: upstream.closed > n)
            time.sleep(0.05)  # until the tap's end of the connection knows
    assert upstream.connections == 3


def test_a_client_that_speaks_http_1_0_is_answered(tap):
    with wire(tap.url) as s:
        s.sendall(b"GET /unframed HTTP/1.0\r\n\r\n")
        got = b"".join(iter(lambda: s.recv(65536), b""))
    assert got.endswith(b"\r\n\r\nuntil the end")


@pytest.mark.attack("tap", "many clients at once", "each gets its own answer")
def test_many_clients_at_once_get_their_own_answers(tap, tape):
    def ask(n):
        return b"".join(get(tap.url, "POST", content=f"{n}" * 1000)[3]) == f"{n}".encode() * 1000

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(48)))
    entries = recorded(tape, 48)
    assert sorted(e["_id"] for e in entries) == list(range(1, 49))
    assert all(e["request"]["postData"]["text"] == e["response"]["content"]["text"] for e in entries)


# Clients that go away


@pytest.mark.attack("tap", "a client that hangs up in a stream", "recorded; the server is told")
def test_a_client_that_hangs_up_is_recorded_and_the_server_told(upstream, tap, tape):
    with httpx.Client(**CHEAP) as client, client.stream("POST", tap.url + "/stream/endless") as response:
        next(response.iter_raw())
    assert upstream.left.wait(PATIENCE), "the server goes on for nobody"
    (entry,) = recorded(tape)
    assert entry["_error"] == "the client closed the response before its end"
    assert entry["response"]["content"]["text"].startswith(EVENT[:39].decode())


def test_a_client_that_does_not_wait_for_the_answer_is_recorded_and_the_server_told(upstream, tap, tape):
    with wire(tap.url) as s:
        s.sendall(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nthink!")
        upstream.arrived()
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
def test_reading_up_to_the_last_event_is_not_hanging_up(tap, tape, kind):
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


@pytest.mark.attack(
    "tap", "Host: evil.example and other spellings (DNS rebinding)", "403; nothing reaches the server"
)
@pytest.mark.attack("tap", "Host: loopback names and addresses, with ports", "pass")
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


def test_a_client_that_resets_an_idle_connection_is_not_reported(tap, tape, capfd):
    with wire(tap.url) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(65536)
        recorded(tape)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert get(tap.url)[0] == 200
    assert capfd.readouterr().err == ""


def test_what_is_not_http_is_refused_and_the_tap_continues(tap, tape):
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


def test_a_bug_in_the_tap_costs_one_connection(tap, tape, monkeypatch, capfd):
    monkeypatch.setattr(tape, "body_limit", "not a number")
    with pytest.raises(httpx.RemoteProtocolError):
        get(tap.url, "POST", content=b"x")
    monkeypatch.undo()
    assert get(tap.url)[0] == 200
    assert "Traceback" in capfd.readouterr().err
