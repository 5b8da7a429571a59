"""Web pages and the tap: what a browser sends for another site is refused, what runs on this computer passes."""

import pytest

from course.tap import Tap
from course.tap.upstream import foreign, name_in
from support.upstream import get, recorded

EVIL = {"Origin": "http://evil.example"}


@pytest.mark.attack(
    "tap",
    "a page on evil.example: GET, simple POST, preflight to the tap",
    "refused with 403; nothing reaches the server or the tape, the log says so",
    fell=2,
)
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", EVIL | {"Sec-Fetch-Site": "cross-site"}),
        ("GET", {"Sec-Fetch-Site": "cross-site"}),  # an image or a link: no Origin
        ("POST", EVIL | {"Content-Type": "text/plain"}),
        ("POST", {"Origin": "null"}),  # a sandboxed frame, or a file
        ("OPTIONS", EVIL | {"Access-Control-Request-Method": "POST"}),
    ],
)
def test_a_page_of_another_site_is_refused(upstream, tape, method, headers):
    said = []
    with Tap(upstream.url, tape, report=lambda *line: said.append(line[:3])) as tap:
        status, _, answered, _ = get(f"{tap.url}/v1/models?key=k", method, headers=headers)
        assert status == 403
        assert b"access-control-allow-origin" not in {name.lower() for name, _ in answered}
        assert get(tap.url)[0] == 200
    assert said == [(method, "/v1/models", 403), ("GET", "/", 200)]
    assert len(upstream.seen) == len(recorded(tape)) == 1


@pytest.mark.attack("tap", "pages and programs of this computer, a browser's Origin on another port", "pass")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "cross-site"},  # to localhost
        {"Origin": "http://[::1]:3000"},
        {"Origin": "tauri://localhost"},  # desktop programs
        {"Origin": "app://obsidian.md", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},  # typed into the address bar
    ],
)
def test_what_runs_on_this_computer_passes(upstream, tap, headers):
    assert get(tap.url, "POST", headers=headers, content=b"x")[0] == 200
    assert headers.items() <= dict(upstream.seen[0][2]).items()


@pytest.mark.attack(
    "tap",
    "an Origin that two readers split differently: http://[::1].evil.example, http://localhost#.evil.example, "
    "http://evil.example\\@127.0.0.1, an empty one",
    "refused with 403",
    fell=3,
)
@pytest.mark.parametrize(
    "origin",
    [
        "http://[::1].evil.example",
        "http://localhost#.evil.example",
        "http://localhost?.evil.example",
        "http://localhost/.evil.example",
        "http://evil.example\\@127.0.0.1",
        "http://127.0.0.1:80:80",
        "http://127.0.0.1 http://evil.example",
        "app://x\\@evil.example",
        "http://localhost@evil.example",
        "http://localhost.evil.example",
        "http://[::1",
        "http://evil.example#localhost",
        "localhost",
        "app",
        "chrome-extension://app",
        "",
    ],
)
def test_what_only_looks_like_this_computer_is_foreign(origin):
    assert foreign([(b"origin", origin.encode())], {"127.0.0.1", ""}) == (origin or "an unnamed site")


@pytest.mark.parametrize(
    "host", ["[::1].evil.example", "localhost#.evil.example", "localhost@evil", "localhost/", ""]
)
def test_a_malformed_host_matches_no_name(host):
    assert name_in(host) == host
    assert (name_in("LocalHost:80"), name_in("[::1]:80"), name_in("127.0.0.1")) == (
        "localhost",
        "::1",
        "127.0.0.1",
    )


def test_a_tap_for_the_network_passes_pages_of_its_own_host(upstream, tape):
    """A web client on the same machine of a local network, and no other."""
    with Tap(upstream.url, tape, host="0.0.0.0") as tap:
        at = {"Host": f"lab.example:{tap.port}"}
        assert get(tap.url, headers=at | {"Origin": "http://lab.example:3000"})[0] == 200
        assert get(tap.url, headers=at | EVIL)[0] == 403
