"""The board as a program, asked over HTTP: who may do what, odd requests, load, and what a restart loses (nothing)."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import pytest

from course import ROOT
from course.board import MOST_TAPE
from course.board.events import attempt, met
from support.boards import PATIENCE, Running
from workshop.board import service

TAPE = ROOT / "course" / "exam" / "tapes" / "1.tape.jsonl"
LEARNERS, RATE, SECONDS = 30, 5, 4.0
"""Learners, events of each per second, and how long they send."""
LEAST = 3
"""Times that each sends, however slow the machine is."""
MEMORY = 200  # MB that the board may take in all


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("board")) as running:
        yield running


@pytest.fixture
def web(board):
    with httpx.Client(base_url=board.url, verify=False, trust_env=False, timeout=PATIENCE) as opened:
        yield opened


def now(seconds=0.0):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def named(state, name):
    return next(each for each in state["learners"] if each["name"] == name)


def test_what_a_learner_sends_is_on_the_page(board):
    ada = board.learner("Ada Lovelace")
    sent = [attempt("05.1", True, 2, now()), attempt("05.2", False, 1, now()), met("05", KeyError, now())]
    assert ada.send(sent).json() == {"taken": 3, "refused": 0}
    shown = named(board.state(), "Ada Lovelace")
    assert (shown["lesson"], shown["done"], shown["errors"]) == (
        "05",
        {"05": [1, 2]},
        [["05", "KeyError", 1]],
    )


def test_a_page_that_is_open_gets_what_changes(board):
    ada = board.learner("Live")
    with board.instructor() as opened, opened.stream("GET", "stream") as stream:
        began, lines = None, stream.iter_lines()
        for line in lines:
            if not line.startswith("data: "):
                continue
            shown = next((each for each in json.loads(line[6:])["learners"] if each["name"] == "Live"), None)
            if shown is None:
                continue
            if began is None:
                began = time.monotonic()
                ada.send([attempt("06.1", True, 1, now())])
            elif shown["done"]:
                break
    took = time.monotonic() - began
    assert took < 10, f"shown after {took:.1f} s"


def test_leaving_removes_everything(board, web):
    eve = board.learner("Eve")
    eve.send([attempt("05.1", True, 1, now())])
    tape = eve.http.post("tapes", content=TAPE.read_bytes()).json()["tape"]
    assert eve.http.delete("learner").status_code == 200
    state = board.state()
    assert "Eve" not in {each["name"] for each in state["learners"]}
    assert tape not in {each["id"] for each in state["tapes"]}
    assert not list((board.folder / "tapes").glob(f"{tape}*"))
    assert eve.send([]).status_code == 401


@pytest.mark.parametrize("path", ["stream", "tapes/00000000"])
def test_only_the_instructor_sees_learners(web, path):
    assert web.get(path).status_code == 403
    assert "Token" in web.get("").text
    assert web.post("learners/1/remove").status_code == 403


def test_a_wrong_token_is_refused_and_the_right_one_leaves_the_address(board, web):
    assert web.get("", params={"token": "wrong"}).status_code == 403
    assert web.post("", data={"token": "wröng"}).status_code == 403
    done = web.post("", data={"token": board.token})
    assert (done.status_code, done.headers["Location"]) == (302, "/")
    assert all(word in done.headers["Set-Cookie"] for word in ("HttpOnly", "SameSite=Lax"))
    assert "Who is where" in web.get("").text


def test_a_forged_cookie_is_refused(board, web):
    web.cookies.set(f"board-{board.port}", "2|1:0|10:1795940866|11:board|16:aW5zdHJ1Y3Rvcg==|" + "0" * 64)
    assert web.get("stream").status_code == 403


def test_the_instructor_can_remove_a_learner(board):
    board.learner("Rude name")
    id = named(board.state(), "Rude name")["id"]
    with board.instructor() as opened:
        assert opened.post(f"learners/{id}/remove").status_code == 200
        site = {"Origin": "http://evil.example"}
        assert opened.post("learners/1/remove", headers=site).status_code == 403
    assert "Rude name" not in {each["name"] for each in board.state()["learners"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost"}, 401),
        ({"Origin": "http://localhost:8888"}, 401),
        ({}, 401),
    ],
)
def test_pages_of_other_sites_are_refused(web, headers, status):
    """As the tap does: 403 before anything else is looked at; 401 is what a learner without a key gets."""
    assert web.post("events", content="{}", headers=headers).status_code == status


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"[" * 50_000, b"\xff", b'{"name": 5}', b'{"name": ""}', b'{"name": "\\u202e "}'],
)
def test_odd_joins_are_refused(board, web, body):
    done = web.post(f"room/{board.room}/learners", content=body)
    assert done.status_code == 400
    assert done.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b'{"events": 5}', b'{"events": []}', b'{"events": [], "now": "later"}', b'{"events": [], "now": 1e999}',
        b'{"events": [], "now": "9999-12-31T23:59:59-12:00"}', b'{"events": [], "now": ' + b"9" * 5000 + b"}",
        json.dumps({"events": [{}] * 201, "now": "2026-11-28"}).encode(),
    ],
)  # fmt: skip
def test_odd_events_are_refused_as_a_whole(board, body):
    odd = board.learner("Odd")
    assert odd.http.post("events", content=body).status_code == 400


def test_one_odd_event_does_not_hold_up_the_others(board):
    odd = board.learner("Half odd")
    sent = [
        {"lesson": "05"},
        attempt("05.1", True, 1, now()),
        None,
        {**met("05", KeyError, now()), "message": "x"},
    ]
    assert odd.send(sent).json() == {"taken": 1, "refused": 3}


def test_what_is_too_large_is_refused_without_being_read_into_memory(board):
    """A request of more than 256 kB, a tape of more than 8 MB; a tape of just that size is kept."""
    big = board.learner("Big")
    before = psutil.Process(board.process.pid).memory_info().rss
    for path, size in (("events", 2**18 + 1), ("tapes", MOST_TAPE + 1), ("tapes", 2**31)):
        try:
            status = big.http.post(
                path, content=b"x" * min(size, MOST_TAPE + 1), headers={"Content-Length": str(size)}
            ).status_code
        except (httpx.TransportError, RuntimeError):
            status = 400  # the connection was closed while this side was still sending
        assert status in (400, 413), f"{path} of {size} bytes: {status}"
    assert big.http.post("tapes", content=b"x" * MOST_TAPE).status_code == 200
    grown = (psutil.Process(board.process.pid).memory_info().rss - before) / 2**20
    assert grown < 60, f"the board grew by {grown:.0f} MB"


def test_names_collide_over_http_too(board):
    assert [board.learner("Twin").name for _ in range(3)] == ["Twin", "Twin (2)", "Twin (3)"]


def test_a_shared_tape_is_a_sandboxed_page_of_the_courses_own(board, web):
    ada = board.learner("Sharer")
    tape = ada.http.post("tapes", content=TAPE.read_bytes()).json()["tape"]
    assert tape in {each["id"] for each in board.state()["tapes"]}
    assert web.get(f"tapes/{tape}").status_code == 403
    with board.instructor() as opened:
        page = opened.get(f"tapes/{tape}")
        assert (page.status_code, "section" in page.text) == (200, True)
        assert page.headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
        assert opened.get(f"tapes/{tape}").content == page.content
        broken = ada.http.post("tapes", content=b"not a tape").json()["tape"]
        assert opened.get(f"tapes/{broken}").status_code == 500
        assert opened.get("tapes/ffffffff").status_code == 404


def test_what_is_not_there(web, board):
    assert web.get("nothing").status_code == 404
    assert web.get("static/../board.py").status_code == 404
    assert web.get("room/aaaa-bbbb").status_code == 404
    assert "course board join" in web.get(f"room/{board.room}").text


def slowed_down(ask, most):
    """The answer that says to wait. At most so many tries pass, and one for each second that this takes."""
    began = time.monotonic()
    for passed in itertools.count(1):
        answer = ask()
        if answer.status_code == 429:
            return answer
        took = time.monotonic() - began
        assert passed <= most + took, f"{passed} tries passed in {took:.1f} s"


def test_guessing_is_slowed_down(tmp_path):
    """Of codes, keys and tokens alike; afterwards the right code still works."""
    with Running(tmp_path) as board, httpx.Client(base_url=board.url, verify=False, trust_env=False) as web:
        ada, numbers = board.learner("Ada"), itertools.count()

        def guess():
            return web.post(f"room/aaaa-{next(numbers):04}/learners", json={"name": "x"})

        assert guess().status_code == 404
        slowed_down(guess, 45)
        slowed_down(lambda: web.get("", params={"token": "guess"}), 1)
        assert int(slowed_down(lambda: web.post("events", content="{}"), 1).headers["Retry-After"]) >= 1
        assert board.learner("Bob").name == "Bob"
        assert ada.send([]).status_code == 200


def test_a_flood_of_one_learner_is_slowed_down_and_nobody_else(board):
    mallory, ada = board.learner("Mallory"), board.learner("Calm")
    batch = [attempt("05.1", False, 1, now())] * 200
    assert mallory.send(batch).status_code == 200
    slowed_down(lambda: mallory.send(batch), 11)
    assert ada.send([attempt("05.1", True, 1, now())]).status_code == 200


def sending(learner, ends, sent):
    """Somebody who sends at a steady rate, `LEAST` times at least, and again what got no answer, as the course does."""
    number, waiting = 0, []
    while time.monotonic() < ends or number < LEAST or waiting:
        began = time.monotonic()
        if began < ends or number < LEAST:
            number += 1
            waiting += [
                attempt(f"05.{number % 3 + 1}", number % 3 == 0, number, now()),
                met("05", KeyError, now()),
            ]
            sent[learner.name] += 2
        try:
            if learner.send(waiting[:100]).status_code == 200:
                del waiting[:100]
        except httpx.TransportError:
            pass
        assert began < ends + PATIENCE, f"{len(waiting)} events could not be sent"
        time.sleep(max(0.0, began + 2 / RATE - time.monotonic()))


def test_thirty_learners_and_a_board_that_is_killed_in_the_middle(tmp_path):
    """30 learners, 5 events a second each; kill -9, a second of nothing, a restart: each event is there once."""
    with Running(tmp_path) as board:
        learners = [board.learner(f"Learner {n:02}") for n in range(LEARNERS)]
        sent = {learner.name: 0 for learner in learners}
        ends = time.monotonic() + SECONDS
        threads = [threading.Thread(target=sending, args=(learner, ends, sent)) for learner in learners]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 2)
        board.kill()
        time.sleep(0.5)
        board.start()
        for thread in threads:
            thread.join()
        state = board.state()
        got = {each["name"]: 2 * sum(times for _, _, times in each["errors"]) for each in state["learners"]}
        memory = psutil.Process(board.process.pid).memory_info().rss / 2**20
    assert got == sent
    assert sum(sent.values()) >= LEARNERS * RATE * SECONDS / 4, f"only {sum(sent.values())} were sent"
    assert memory < MEMORY, f"{memory:.0f} MB"


def test_it_ends_cleanly_and_says_so_when_the_port_is_taken(board, tmp_path):
    command = [sys.executable, "-m", "workshop.board", "--data", str(tmp_path), "--port", str(board.port)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, f"port {board.port}" in done.stderr) == (1, True), done.stderr
    with Running(tmp_path) as other:
        assert other.stop() == 0


def test_a_fresh_start_forgets_everybody(tmp_path):
    with Running(tmp_path) as board:
        ada, room = board.learner("Ada"), board.room
        ada.http.post("tapes", content=b"{}")
    with Running(tmp_path, "--fresh") as board:
        assert board.room != room
        assert board.state()["learners"] == []
        assert list((tmp_path / "tapes").iterdir()) == []


def test_as_a_service_of_a_hub(tmp_path):
    """Under its prefix, behind a proxy: the host name is the hub's, and learners get the address in their environment."""
    made = service(tmp_path, "https://hub.example/", port=0)
    room = made.environment["COURSE_BOARD"].removeprefix("https://hub.example/services/board/room/")
    environment = os.environ | made.definition["environment"]
    environment |= {
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/board/",
    }
    assert made.definition["command"][1:] == ["-m", "workshop.board", "--data", str(tmp_path)]
    assert made.instructor.startswith("https://hub.example/services/board/?token=")
    with Running(tmp_path, environment=environment) as board:
        (port,) = {
            c.laddr.port for c in psutil.Process(board.process.pid).net_connections() if c.status == "LISTEN"
        }
        assert board.room == room
        proxied = {"Host": "hub.example", "X-Forwarded-Proto": "https"}
        base = f"http://127.0.0.1:{port}/services/board/"
        with httpx.Client(base_url=base, headers=proxied, verify=False, trust_env=False) as web:
            assert web.post(f"room/{room}/learners", json={"name": "Ada"}).json()["name"] == "Ada"
            opened = web.get("", params={"token": board.token})
            assert opened.headers["Location"] == "/services/board/"
            assert "Path=/services/board/" in opened.headers["Set-Cookie"]
            assert "Secure" in opened.headers["Set-Cookie"]
            assert web.post("events", headers={"Origin": "https://evil.example"}).status_code == 403
            assert web.post("events", headers={"Origin": "https://hub.example"}).status_code == 401
