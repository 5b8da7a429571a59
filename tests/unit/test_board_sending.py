"""The learner's side of a board: what is sent and when, whatever the board, the network or the disk does."""

import json
import os
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course import ROOT, board, check, cli, progress
from course.board import client, hook, membership, outbox, sending
from course.board.events import ATTEMPT, ERROR, fault
from course.errors import CourseError
from support.boards import PATIENCE
from support.upstream import serving

TAPE = ROOT / "course" / "exam" / "tapes" / "1.tape.jsonl"
QUICK = 10.0  # seconds for 30 checks on a busy machine; if they waited for the board, it would be a minute


class Stand(BaseHTTPRequestHandler):
    """A board that answers as `server.answers` says, and keeps each request, head and body, as text."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, str(self.headers), body))
        status, answer = self.server.answers(self.path, body)
        said = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_DELETE = do_POST

    def log_message(self, *args):
        pass


def good(path, body):
    if path.endswith("/learners"):
        return 200, {"name": json.loads(body)["name"], "key": "the-key"}
    if path.endswith("/events"):
        return 200, {"taken": len(json.loads(body)["events"]), "refused": 0}
    return 200, {"tape": "1"}


@pytest.fixture
def stand():
    with serving(Stand) as server:
        server.asked, server.answers = [], good
        yield server


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """Progress of one test; the thread that sends ends with it."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "own" / "progress.jsonl"))
    monkeypatch.setattr(sending, "FIRST", 0.05)
    monkeypatch.setattr(sending, "LONGEST", 0.2)
    yield tmp_path / "own"
    membership.forget("joined.json")
    end()


def end():
    """Until the thread that sends has noticed that nobody is joined any more."""
    sending.wake()
    if thread := sending._thread:
        thread.join(PATIENCE)


def join(stand, name="Ada"):
    return board.join(f"{stand.url}/room/k7p2-m9xq", name)


def settle(settled, what):
    end = time.monotonic() + PATIENCE
    while not settled():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what} ({sending.trouble!r})"
        time.sleep(0.02)


def sent():
    settle(lambda: not outbox.count(), "everything is sent")
    return list(membership.sent())


def course(*arguments):
    return CliRunner().invoke(cli.app, ["board", *map(str, arguments)])


def test_nothing_is_kept_or_sent_before_joining(stand, file, monkeypatch):
    monkeypatch.setenv("COURSE_BOARD", f"{stand.url}/room/k7p2-m9xq")
    threads = set(threading.enumerate())
    check.exercise("05.1", 3, 4)
    check.claim("it holds", True)
    progress.note("05.q1", True, kind="question")
    assert [path.name for path in file.iterdir()] == ["progress.jsonl"]
    assert (stand.asked, set(threading.enumerate()) - threads) == ([], set())


def test_after_joining_attempts_are_sent_with_their_number(stand):
    join(stand)
    for answer in (3, 5, 4):
        check.exercise("05.1", answer, 4)
    found = sent()
    assert [(e["exercise"], e["outcome"], e["attempts"]) for e in found] == [
        ("05.1", "tried", 1),
        ("05.1", "tried", 2),
        ("05.1", "solved", 3),
    ]


def test_what_was_done_before_joining_is_not_sent(stand):
    check.exercise("05.1", 4, 4)
    join(stand)
    check.exercise("05.2", 4, 4)
    assert [event["exercise"] for event in sent()] == ["05.2"]


def test_a_guess_and_a_quiz_answer_count_as_tried_right_or_wrong(stand):
    join(stand)
    check.prediction("01.p1", 7, was=7)
    progress.note("01.q1", True, kind="question")
    assert {(e["exercise"], e["outcome"]) for e in sent()} == {("01.p1", "tried"), ("01.q1", "tried")}


class Shell:
    """What the hook needs of IPython's result of a cell."""

    def __init__(self, before=None, during=None):
        self.error_before_exec, self.error_in_exec = before, during


ALLOWED = re.compile(
    r"(Host|Accept|Accept-Encoding|Connection|User-Agent|Content-Type|Content-Length|Authorization): .*",
    re.IGNORECASE,
)
VALUES = re.compile(
    r"(host|user-agent|authorization): (127\.0\.0\.1:\d+|agents-on-the-wire|Bearer the-key)", re.IGNORECASE
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    answer=st.text(min_size=1).map(lambda text: f"canary{text}"),
    guess=st.text(max_size=50),
    message=st.text(max_size=50).filter(lambda text: "\0" not in text),
    kind=st.sampled_from(progress.KINDS),
    solved=st.booleans(),
    base=st.sampled_from([ValueError, SyntaxError, OSError, BaseException, CourseError]),
)
def test_nothing_but_the_listed_fields_is_ever_sent(answer, guess, message, kind, solved, base):
    """Whatever is answered, guessed, raised or called like that: all bytes of all requests are accounted for."""
    with serving(Stand) as stand, pytest.MonkeyPatch.context() as patch:
        stand.asked, stand.answers = [], good
        patch.setattr(hook._After, "lesson", "05")
        patch.setenv("JPY_SESSION_NAME", "/home/canary/05_canary_wire.ipynb")
        patch.setenv("canary", "canary")
        join(stand, "Ada")
        check.exercise("05.1", answer, "something else", hint=f"canary {guess}")
        check.function("05.2", lambda x: answer, [check.case(f"canary{guess}", gives=1)])
        progress.note("05.3", solved, kind=kind, guess=f"canary{guess}")
        raised = type(f"canary{message}", (base,), {})(f"canary{message}")
        hook._After(pytest.fail)(Shell(during=raised))
        settle(lambda: not outbox.count(), "everything is sent")
        asked = list(stand.asked)
        membership.forget("joined.json", "sent.jsonl")
        end()
    events = []
    for method, path, head, body in asked:
        assert method == "POST"
        assert path in ("/room/k7p2-m9xq/learners", "/events")
        for line in head.strip().splitlines():
            assert ALLOWED.fullmatch(line), line
            name = line.partition(":")[0].lower()
            assert name not in ("host", "user-agent", "authorization") or VALUES.fullmatch(line), line
        said = json.loads(body)
        assert said.keys() == ({"name"} if path.endswith("learners") else {"events", "now"})
        assert "canary" not in head + body.decode().lower()
        events += said.get("events", [])
    assert [fault(event) for event in events] == [None] * 4
    assert [event.keys() for event in events] == [ATTEMPT] * 3 + [ERROR]


def test_a_dead_board_costs_a_lesson_no_time_and_loses_nothing(stand, monkeypatch):
    member = join(stand)
    for name in ("FIRST", "LONGEST"):
        monkeypatch.setattr(sending, name, 2.0)  # seconds that a check would take which waited for a try
    stand.answers = lambda path, body: (503, {"error": "starting"})
    began = time.monotonic()
    for number in range(30):
        check.exercise(f"05.x{number}", 4, 4)
    took = time.monotonic() - began
    assert took < QUICK, f"30 checks took {took:.2f} s"
    settle(lambda: sending.trouble, "the failure is known")
    assert (outbox.count(), membership.read()) == (30, member)
    stand.answers = good
    assert len(sent()) == 30


def test_a_board_that_never_answers_costs_a_lesson_no_time():
    """It accepts the connection and says nothing: a check that waited for it would take client.BACKGROUND."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        now = "2026-11-28T14:49:18+00:00"
        membership.write(
            membership.Member(
                f"http://127.0.0.1:{port}", "k", "Ada", "the-key", now, "9999-01-01T00:00:00+00:00"
            )
        )
        began = time.monotonic()
        for number in range(30):
            check.exercise(f"05.x{number}", 4, 4)
        took = time.monotonic() - began
        assert took < QUICK, f"30 checks took {took:.2f} s"
    assert outbox.count() == 30


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>Log in to the hotel's network</html>"),
        (200, {"taken": 0, "refused": 0}),
        (200, []),
        (302, b""),
        (500, b"x"),
        (429, {}),
    ],
)
def test_only_an_answer_that_counts_every_event_lets_them_go(stand, answer):
    """A captive portal also says 200."""
    join(stand)
    stand.answers = lambda path, body: answer
    check.exercise("05.1", 4, 4)
    settle(lambda: len(stand.asked) >= 3, "tried again")
    assert outbox.count() == 1
    stand.answers = good
    assert len(sent()) == 1


def test_an_event_that_a_board_refuses_does_not_hold_up_the_others(stand):
    join(stand)
    stand.answers = lambda path, body: (400, {"error": "no"}) if b"05.x2" in body else good(path, body)
    for number in range(5):
        check.exercise(f"05.x{number}", 4, 4)
    assert [event["exercise"] for event in sent()] == ["05.x0", "05.x1", "05.x3", "05.x4"]


def test_what_an_earlier_kernel_left_is_sent_by_the_next(stand):
    """A kernel that ended before it could send: its files are there, and a check of another lesson is enough."""
    join(stand)
    event = {"lesson": "05", "error": "KeyError", "time": "2026-11-28T14:49:18.000005+00:00"}
    outbox.put(event)
    check.exercise("06.1", 4, 4)
    assert sent()[0] == event


def test_what_waits_is_limited_and_the_oldest_gives_way(stand, monkeypatch):
    monkeypatch.setattr(outbox, "MOST", 10)
    join(stand)
    stand.answers = lambda path, body: (503, {})
    for number in range(25):
        check.exercise(f"05.x{number}", 4, 4)
    settle(lambda: outbox.count() == 10 and outbox.dropped() == 15, "trimmed")
    assert "15 dropped" in course("status").stdout
    assert [e["exercise"] for _, e in outbox.waiting()] == [f"05.x{n}" for n in range(15, 25)]


def test_a_file_that_cannot_be_read_or_removed_is_told_and_not_tried_in_a_loop(stand, file):
    join(stand)
    (file / "board" / "outbox" / "2026.json").mkdir(parents=True)  # not even root can read or unlink a folder
    assert sending._failed(membership.read(), sending.BATCH) == sending.LONGEST
    assert "cannot be read" in course("status").stdout
    assert len(stand.asked) == 1, "nothing was sent but the name"


def test_a_folder_that_cannot_be_written_stops_no_lesson(stand, file, capsys):
    """The events stay in memory until it can."""
    join(stand)
    (file / "board" / "outbox").write_text("a file where the folder should be")
    check.exercise("05.1", 4, 4)
    assert "✓ 05.1 is solved" in capsys.readouterr().out
    (file / "board" / "outbox").unlink()
    check.exercise("05.2", 4, 4)
    settle(lambda: len(list(membership.sent())) == 2, "both are sent")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"base": 5}', b"\xff", b"null"])
def test_a_damaged_membership_or_event_stops_no_lesson(stand, file, damage):
    join(stand)
    outbox.put({"lesson": "05", "error": "KeyError", "time": "2026-11-28T14:49:18.000005+00:00"})
    next((file / "board" / "outbox").iterdir()).write_bytes(damage)
    check.exercise("05.1", 4, 4)
    assert [e["exercise"] for e in sent()] == ["05.1"]
    (file / "board" / "joined.json").write_bytes(damage)
    check.exercise("05.2", 4, 4)
    assert "not joined" in course("status").stdout
    assert course("leave").exit_code == 1
    assert not membership.joined()


def test_a_bug_of_the_board_is_told_once_and_stops_no_lesson(stand, monkeypatch, capsys):
    join(stand)
    monkeypatch.setattr(board, "_told", False)
    monkeypatch.setattr(sending, "note", lambda event: 1 / 0)
    check.exercise("05.1", 4, 4)
    check.exercise("05.1", 4, 4)
    said = capsys.readouterr().out
    assert (said.count("ZeroDivisionError"), said.count("is solved")) == (1, 2)


def test_after_its_last_day_a_membership_sends_nothing(stand):
    member = join(stand)
    membership.write(membership.Member(**{**vars(member), "until": "2020-01-01T00:00:00+00:00"}))
    before = len(stand.asked)
    check.exercise("05.1", 4, 4)
    settle(lambda: not outbox.count(), "removed")
    assert len(stand.asked) == before
    assert "over since 2020-01-01" in course("status").stdout


def test_leaving_removes_what_waits_and_tells_the_board(stand, file):
    join(stand)
    stand.answers = lambda path, body: (503, {}) if path == "/events" else (200, {})
    check.exercise("05.1", 4, 4)
    done = course("leave")
    end()
    asked = [each[:2] for each in stand.asked]
    last = asked.index(("DELETE", "/learner"))
    assert (done.exit_code, len(asked) - last <= 2) == (0, True), asked  # one may have been on its way
    assert outbox.count() == 0
    before = len(stand.asked)
    check.exercise("05.1", 4, 4)
    assert (len(stand.asked), os.listdir(file / "board")) == (before, ["outbox"])


def test_leaving_a_board_that_is_down_can_be_repeated(stand):
    join(stand)
    stand.answers = lambda path, body: (503, {"error": "down"})
    done = course("leave")
    assert (done.exit_code, "could not be told" in done.stderr) == (1, True), done.output
    assert not membership.joined()
    assert "could not be told" in course("status").stdout
    stand.answers = good
    assert course("leave").exit_code == 0
    assert course("leave").exit_code == 1, "left twice"


@pytest.mark.parametrize(
    ("answer", "left"), [((401, {"error": "unknown"}), True), ((404, b"<html>"), False), ((401, b""), False)]
)
def test_only_the_board_itself_can_say_that_it_has_nothing(stand, answer, left):
    """A proxy in front of it may say 404 or 401, too; then the learner is told to try again."""
    join(stand)
    stand.answers = lambda path, body: answer
    assert (course("leave").exit_code == 0) == left


def test_joining_again_keeps_the_learner_and_another_room_gets_nothing_of_the_first(stand):
    join(stand)
    join(stand, "Ada L.")
    assert "Bearer the-key" in stand.asked[-1][2]
    stand.answers = lambda path, body: (503, {}) if path == "/events" else good(path, body)
    check.exercise("05.1", 4, 4)
    board.join(f"{stand.url}/room/aaaa-bbbb", "Ada")
    assert "Bearer" not in stand.asked[-1][2] or stand.asked[-1][1] == "/events"
    assert outbox.count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "http://h/room/",
        "ftp://h/room/x",
        "http://u:p@h/room/x",
        "http://h:x/room/y",
        "http://[/room/x",
    ],
)
def test_an_address_that_is_none_is_explained(url):
    with pytest.raises(CourseError) as refused:
        board.join(url, "Ada")
    assert client.EXAMPLE in str(refused.value)
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:9", "socks5://127.0.0.1:9", "http://me:hunter2/x@h:1"])
def test_a_proxy_that_cannot_be_used_is_an_answer_that_does_not_come(monkeypatch, proxy):
    """httpx raises ValueError, ImportError or InvalidURL, before it sends anything."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(CourseError, match="joined: the proxy in ALL_PROXY cannot be used") as refused:
        board.join("http://board.invalid/room/k", "Ada")
    assert "hunter2" not in str(refused.value)


def test_join_says_what_is_sent_and_status_what_was(stand):
    done = course("join", f"{stand.url}/room/k7p2-m9xq", "--name", "Ada")
    assert done.exit_code == 0, done.output
    assert all(
        word in done.stdout for word in ("exercise", "attempts", "exception", "no code", "course board leave")
    )
    check.exercise("05.1", 4, 4)
    said = course("status").stdout
    assert "1 sent" in said
    assert '"exercise": "05.1"' in said


def test_status_names_what_waits_and_why(stand, monkeypatch):
    join(stand)
    stand.answers = lambda path, body: (503, {"error": "out to lunch"})
    check.exercise("05.1", 4, 4)
    said = course("status").stdout
    assert "1 waiting to be sent: out to lunch" in said


def test_joining_needs_an_address_a_name_and_an_answer(monkeypatch):
    monkeypatch.delenv("COURSE_BOARD", raising=False)
    assert "which board" in course("join", "--name", "Ada").stderr
    assert "name is empty" in course("join", "http://127.0.0.1:9/room/k", "--name", "\u202e").stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "could not be joined" in course("join", f"http://127.0.0.1:{port}/room/k", "--name", "Ada").stderr
    assert not membership.joined()


def test_a_tape_is_sent_as_it_is_only_when_it_is_named(stand, tmp_path):
    assert course("share", TAPE).exit_code == 1, "not joined"
    join(stand)
    assert course("share", TAPE).exit_code == 0
    assert stand.asked[-1][1] == "/tapes"
    assert stand.asked[-1][3] == TAPE.read_bytes()
    before = len(stand.asked)
    other = tmp_path / "notes.txt"
    other.write_text("not a tape\n")
    assert course("share", other).exit_code == 1
    assert course("share", tmp_path / "missing.jsonl").exit_code == 1
    assert len(stand.asked) == before
