"""What stays off the tape, who may listen, and addresses that a tap can't have."""

from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from course.errors import CourseError
from course.tap import Tap
from support.upstream import CHEAP, PATIENCE, get, recorded


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
def test_a_malformed_address_is_an_error(tape, address):
    with pytest.raises(CourseError, match=r"is not a (plain|valid) server address.*\n.*--upstream http"):
        Tap(address, tape)


@pytest.mark.attack("tap", "a tap whose server is its own port", "refused at the start")
def test_it_does_not_forward_to_itself(tape):
    with pytest.raises(CourseError, match="the server's own"):
        Tap("localhost:8081", tape, port=8081)


def test_a_port_in_use_is_an_error(upstream, tape):
    port = urlsplit(upstream.url).port
    with pytest.raises(CourseError, match=rf"can't listen on 127\.0\.0\.1 port {port}: .*, pid \d+"):
        Tap("http://127.0.0.1:9", tape, port=port).start()
