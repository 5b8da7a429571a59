"""The way to a server: past no proxy on this computer, and what the environment names but cannot be used is reported."""

import os

import httpx
import pytest

from course.errors import CourseError
from course.export import sending
from course.replay import replay
from course.server import bounded, connection, transports
from course.tap import Tap
from course.tape import Tape
from support.faulty import Faulty
from support.replayed import recorded, turn_of
from support.upstream import Handler, serving

UNUSABLE = ["socks://127.0.0.1:9", "socks5h://127.0.0.1:9", "http://me:hunter2/x@h:1"]


def tap(url, folder):
    with Tap(url, Tape(folder / "tap.tape.jsonl")):
        pass


def again(url, folder):
    replay(turn_of(recorded()), url, tape=folder / "again.tape.jsonl")


def ask(url, folder):
    connection.Connection(url).get("/health")


def export(url, folder):
    sending.send({"resourceSpans": []}, url)


WAYS = [tap, again, ask, export]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    """No proxy and no certificates of the computer that runs the test."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def proxy():
    """A server that takes requests for any other."""

    class Proxy(Handler):
        def do_GET(self):
            self.body()
            self.server.seen.append(f"{self.command} {self.path}")
            self.whole(b'{"from": "the proxy"}')

        do_POST = do_GET

        def do_CONNECT(self):
            self.server.seen.append(f"CONNECT {self.path}")
            self.whole(b"", status=403)

    with serving(Proxy) as server:
        yield server


@pytest.mark.attack(
    "server",
    "a proxy in the environment with an unknown scheme, SOCKS without its package, or a slash in its password",
    "reported with the variable's name; nothing of the password is shown",
    fell=2,
)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("value", UNUSABLE)
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch, tmp_path, way, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        CourseError, match=f"(?i)the proxy in {variable} cannot be used: .*\n.*no_proxy=gpu.invalid"
    ) as error:
        way("http://gpu.invalid", tmp_path)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_certificates_that_cannot_be_read_are_named(monkeypatch, tmp_path, way, scheme):
    """By every scheme that means TLS: whoever loads no certificates checks none."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "typo.pem"))
    with pytest.raises(CourseError, match="SSL_CERT_FILE names certificates that cannot be read"):
        way(f"{scheme}://gpu.invalid", tmp_path)


def test_certificates_of_a_wrong_format_are_named(monkeypatch, tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(CourseError, match="SSL_CERT_FILE names certificates that cannot be read"):
        connection.transport("https://gpu.invalid")


def test_what_went_wrong_without_a_word_of_the_environment_stays_as_it_is():
    def broken(**_):
        raise OSError("too many open files")

    with pytest.raises(OSError, match="too many open files"):
        transports.built(broken, "https://gpu.invalid")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_server_on_another_computer_is_reached_through_the_proxy(monkeypatch, tmp_path, proxy, variable):
    """Its address may lack http://, as for other programs."""
    for name in (variable, "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url.removeprefix("http://"))
    ask("http://gpu.invalid", tmp_path)
    again("http://gpu.invalid:81", tmp_path)
    with Tap("http://gpu.invalid:82", Tape(tmp_path / "tap.tape.jsonl")) as made:
        httpx.get(f"{made.url}/props", trust_env=False)
    with Tap("https://gpu.invalid", Tape(tmp_path / "tls.tape.jsonl")) as made:
        httpx.get(f"{made.url}/props", trust_env=False)
    assert proxy.seen == [
        "GET http://gpu.invalid/health",
        "POST http://gpu.invalid:81/v1/chat/completions",
        "GET http://gpu.invalid:82/props",
        "CONNECT gpu.invalid:443",
    ]


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1", "http://127.0.0.2", "http://[::1]:1", "http://gpu.test:81", "unix:///a.sock"],
)
def test_this_computer_and_what_no_proxy_lists_are_reached_directly(monkeypatch, url):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "gpu.test:81")
    assert transports.proxy(url) is None
    assert transports.proxy("http://gpu.test:82") == ("http://proxy.invalid:3128", "ALL_PROXY")


@pytest.mark.skipif(os.name == "nt", reason="not applicable: on Windows, 0.0.0.0 leads nowhere")
@pytest.mark.attack(
    "server",
    "a server on another computer whose answer has no end",
    "read up to a limit, then reported",
    fell=2,
)
def test_an_endless_answer_of_another_computer_ends(monkeypatch):
    """0.0.0.0 leads to this computer, but counts as another: it is not a loopback address."""
    monkeypatch.setattr(bounded, "LIMIT", 2**17)
    with Faulty("start", "endless") as server:
        with pytest.raises(CourseError, match="the response has no end"):
            ask(f"http://0.0.0.0:{server.port}", None)
        assert server.sent < 2**24, f"{server.sent:,} bytes were read"


@pytest.mark.parametrize("listed", ["*", "localhost, *", "gpu.invalid", "GPU.invalid:80", ".invalid"])
def test_what_no_proxy_names_is_asked_directly(monkeypatch, listed):
    """`*` also in a list, as httpx reads it."""
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    assert transports.proxy("http://gpu.invalid:80") == ("http://proxy.invalid:3128", "http_proxy")
    monkeypatch.setenv("no_proxy", listed)
    assert transports.proxy("http://gpu.invalid:80") is None


def test_a_proxy_that_does_not_answer_is_named(monkeypatch):
    """It is not the server that refuses."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(CourseError, match="through the proxy in http_proxy"):
        ask("http://gpu.invalid", None)


def test_an_agent_goes_through_the_proxy_as_everything_else_does(monkeypatch, proxy, tmp_path):
    monkeypatch.setenv("http_proxy", proxy.url)
    with httpx.Client(transport=connection.transport("http://gpu.invalid")) as client:
        assert client.post("http://gpu.invalid/v1/chat/completions", json={}).json() == {"from": "the proxy"}
    assert proxy.seen == ["POST http://gpu.invalid/v1/chat/completions"]
