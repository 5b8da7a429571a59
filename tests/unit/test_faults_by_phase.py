"""A server that goes wrong at each moment of a run: what `course ask` says, what is on the tape, and that nothing stays.

Then the same for Ctrl-C while a file is made, and for the kill of a program that started others.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from course.agent import model, recorded_run
from course.cli import app
from course.diagnose import diagnose
from course.replay import replay
from course.server import Server, bounded, connection, processes, registry, silence
from course.tape import Tape, writing
from course.tools.search import OfflineSearch
from course.turns import turns
from support import signals
from support.faulty import FAULTS, PHASES, Faulty
from support.records import SYSTEM, entry, reply

PATIENCE = 60  # seconds for what takes one or two on an idle machine
posix = pytest.mark.skipif(os.name == "nt", reason="not applicable: Windows has no such signals")
CUT = "RemoteProtocolError: peer closed connection without sending complete message body"
NOT_HTTP = "RemoteProtocolError: illegal"
BEFORE = {
    "killed": ("connection-lost", 0, "RemoteProtocolError: Server disconnected"),
    "frozen": ("timed-out", 0, "ReadTimeout"),
    "half a body": ("connection-lost", 200, CUT),
    "endless": ("connection-lost", 200, "RemoteProtocolError: the response has no end"),
    "not HTTP": ("connection-lost", 0, NOT_HTTP),
    "bad chunk": ("connection-lost", 200, NOT_HTTP),
    "HTML": ("not-an-api", 200, None),
    "JSON of another shape": ("no-choices", 200, None),
}
"""What the tape says about a fault before the first byte: the diagnosis, the status, the beginning of the error."""
IN_THE_BODY = BEFORE | {
    "killed": ("connection-lost", 200, CUT),
    "frozen": ("timed-out", 200, "ReadTimeout"),
    **dict.fromkeys(("not HTTP", "HTML", "JSON of another shape"), ("not-json", 200, None)),
}
EXPECTED = {
    "prompt": BEFORE,
    "thinking": IN_THE_BODY,
    "content": IN_THE_BODY,
    "tool": BEFORE | {"killed": ("unreachable", 0, "ConnectError")},
    "between": BEFORE,
}
AT_THE_START = {
    "killed": "did not send a whole HTTP response",
    "frozen": "did not answer in time",
    "half a body": "did not send a whole HTTP response",
    "endless": "did not send a whole HTTP response",
    "not HTTP": "did not send a whole HTTP response",
    "bad chunk": "did not send a whole HTTP response",
    "HTML": "is not a llama-server",
    "JSON of another shape": "is not a llama-server",
}


@pytest.fixture
def hurried(cache, monkeypatch, request):
    """Everything that waits for minutes, or reads for gigabytes, in small.

    A test waits for a server that freezes, so not for long. All others answer at once, or as soon as the machine lets them.
    """
    assert silence.SILENCE + silence.PATIENCE < 30, "seconds until a frozen server is named"
    called = getattr(request.node, "callspec", None)
    fault = called.params["fault"] if called else "frozen"
    seconds = {"frozen": (1, 1, 4), "slow": (0.05, PATIENCE, PATIENCE)}
    quiet, health, answer = seconds.get(fault, (PATIENCE, PATIENCE, PATIENCE))
    monkeypatch.setattr(silence, "SILENCE", quiet)
    monkeypatch.setattr(silence, "PATIENCE", health)
    monkeypatch.setattr(model, "PATIENCE", httpx.Timeout(PATIENCE, read=answer))
    monkeypatch.setattr(connection.Connection.client, "__defaults__", (answer,))
    monkeypatch.setattr(bounded, "LIMIT", 2**17)


@pytest.fixture
def ask(hurried, tmp_path, monkeypatch):
    """`course ask` at this server: its status, standard output, standard error, and tape. Nothing is left of it."""
    search = OfflineSearch.search

    def run(server, name):
        def struck(self, query):
            server.strike()
            return search(self, query)

        monkeypatch.setattr(OfflineSearch, "search", struck)
        path, before = tmp_path / name, psutil.Process().children(recursive=True)
        done = CliRunner().invoke(app, ["ask", "How?", "--server", server.url, "--tape", str(path)])
        assert isinstance(done.exception, SystemExit | None), repr(done.exception)
        assert "Traceback" not in done.output
        assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []
        return done.exit_code, done.stdout, done.stderr, path

    return run


@pytest.mark.attack(
    "server",
    "before and in the prompt, in the thinking, in the content, while a tool runs and between steps: the server is "
    "killed, freezes, trickles, sends half a body, a body without end, HTML, other JSON, or no HTTP",
    "reported with the next command; on the tape, and diagnosed; nothing is left running, and the next run works",
)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_fault_of_the_server_at_any_moment_is_said_and_recorded(ask, phase, fault):
    with Faulty(phase, fault) as server:
        status, out, said, path = ask(server, "t.tape.jsonl")
    assert server.sent < 2**24, f"{server.sent:,} bytes of an endless answer were read"
    if fault == "slow":
        assert (status, said) == (0, "")
        assert "it is 4" in out
        assert [e["response"]["status"] for e in Tape.read(path).entries] == [200, 200]
        return
    assert status == 1
    frozen = f"the server at {server.url} has sent nothing for"
    assert said.count(frozen) == (fault == "frozen"), said
    last = said[said.rindex("course: ") :]
    if phase == "start":
        assert AT_THE_START[fault] in last
        assert ":  c" in last.splitlines()[-1], f"no next command: {last}"
        assert not path.exists()
    else:
        check_tape(path, last, *EXPECTED[phase][fault], exchanges=1 + (phase in ("tool", "between")))
    with at_the_same_address(server) as again:
        status, out, said, _ = ask(again, "again.tape.jsonl")
    assert (status, said) == (0, "")
    assert "it is 4" in out


def at_the_same_address(server):
    """A healthy server; at another address only if the system has given this one to another program meanwhile."""
    try:
        return Faulty(port=server.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return Faulty()


def check_tape(path, said, kind, status, error, exchanges):
    """The last of so many exchanges is the one that failed; what was said names its diagnosis and the next command."""
    assert said.splitlines()[-2:] == [
        f"Find out why:  course diagnose {path}",
        f"Look at it:  course view {path}",
    ]
    tape = Tape.read(path)
    assert tape.problems == []
    *_, last = tape.entries
    assert (len(tape.entries), last["response"]["status"]) == (exchanges, status)
    assert (last["_error"] or "None").startswith(error or "None"), last["_error"]
    [finding] = diagnose(turns(tape.records()))
    assert (finding.turn, finding.kind) == (exchanges, kind)
    assert f"Turn {exchanges}: {finding.title}." in said


@pytest.mark.attack(
    "server",
    "the same faults in the middle of a stream",
    "the run ends or goes on; on the tape, and diagnosed; nothing is left running",
)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", ["thinking", "content"])
def test_a_fault_in_a_stream_is_recorded(hurried, tmp_path, phase, fault):
    tape, before = Tape(tmp_path / "t.tape.jsonl"), psutil.Process().children(recursive=True)
    with Faulty(phase, fault) as server, Server(url=server.url, quiet=True) as live:
        done = recorded_run(live, "How?", tape, stream_outputs=True, max_steps=3)
    assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []
    assert server.sent < 2**24
    found = diagnose(done.turns)
    if fault in ("slow", "not HTTP", "HTML", "JSON of another shape"):
        assert (done.answer, done.error) == ("it is 4", None)
        assert [(f.turn, f.kind) for f in found][:1] == ([] if fault == "slow" else [(1, "stream-not-ended")])
        return
    kind, status, error = IN_THE_BODY[fault]
    assert str(done.error).startswith("Error in generating model output:")
    [sent] = tape.entries
    assert (sent["response"]["status"], [f.kind for f in found]) == (status, [kind])
    assert sent["_error"].startswith(error)
    assert "look it up" in sent["response"]["content"]["text"], "what came before is not on the tape"


@pytest.mark.attack(
    "server", "course replay at a server that freezes", "reported within 15 s; the tape has the time-out"
)
def test_a_replay_at_a_frozen_server_says_so(hurried, tmp_path, capsys):
    (source := tmp_path / "t.tape.jsonl").write_text(json.dumps(entry(1, [SYSTEM], reply("a"))) + "\n")
    [turn] = turns(Tape.read(source).records())
    with Faulty("prompt", "frozen") as server:
        again = replay(turn, server.url, tape=tmp_path / "again.tape.jsonl", timeout=4)
    assert f"{server.url} has sent nothing for" in capsys.readouterr().err
    assert again.after.error.startswith("ReadTimeout")
    with Faulty("prompt", "endless") as server:
        again = replay(turn, server.url, tape=tmp_path / "again.tape.jsonl")
    assert server.sent < 2**24
    assert "the response has no end" in again.after.error


@pytest.mark.attack(
    "server",
    "the disk is full from the start of `course ask` or `course replay`, or from the middle of it",
    "reported; the tape that the last line names has what was recorded",
)
@pytest.mark.parametrize("fault", [None, "killed"])
@pytest.mark.parametrize("room", [0, 2])
def test_the_tape_that_is_named_exists_although_the_disk_is_full(ask, tmp_path, monkeypatch, fault, room):
    fits, writes = writing._append, []

    def append(*given):
        if len(writes) >= room:
            raise OSError(errno.ENOSPC, "No space left on device")
        writes.append(given)
        fits(*given)

    (source := tmp_path / "s.tape.jsonl").write_text(json.dumps(entry(1, [SYSTEM], reply("a"))) + "\n")
    monkeypatch.setattr(writing, "_append", append)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Faulty("between", fault) as server:
        status, out, said, path = ask(server, "t.tape.jsonl")
    assert status == (1 if fault else 0)
    assert f"cannot write to the tape {path} (No space left on device)" in said
    named = Path((said if fault else out).split()[-1])
    assert named.name.startswith("t-")
    assert len(Tape.read(named).entries) + len([e for e in loaded(path) if e["_type"] == "entry"]) == 2
    with Faulty() as server:
        given = [
            "replay",
            source,
            "--turn",
            "1",
            "--server",
            server.url,
            "--tape",
            tmp_path / "again.tape.jsonl",
        ]
        writes[:] = [None] * room
        done = CliRunner().invoke(app, list(map(str, given)))
    assert done.exit_code == 0, done.output
    [sent] = Tape.read(Path(done.stdout.split()[-1])).entries
    assert sent["response"]["status"] == 200


def loaded(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


AT_THE_WORST = """
import os, signal, sys
def replace(*_):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # or it might come in a finalizer, where Python loses it
    print("now", flush=True)
    signal.sigwait([signal.SIGINT])
    raise KeyboardInterrupt
os.replace = replace
from course.cli import app
app(sys.argv[1:], prog_name="course")
"""
"""A file is written under another name first. This stops there, when all of it is written and nothing is in its place."""


def interrupted(arguments, folder, when):
    """A command gets Ctrl-C at this moment, as in a terminal. It ends without a word more, and with a shell's status."""
    with subprocess.Popen(
        [sys.executable, "-c", AT_THE_WORST, *map(str, arguments)], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=signals.interruptible,
    ) as process:  # fmt: skip
        try:
            when(process)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, said) == (128 + signal.SIGINT, "")


@posix
@pytest.mark.attack(
    "server", "Ctrl-C while view, export or replay writes its file", "the old file is all there, no half one"
)
@pytest.mark.parametrize(
    "command",
    [["view", "TAPE", "-o", "x.html"], ["export", "TAPE", "--har", "x.har"], ["export", "TAPE", "--otlp", "x.json"],
     ["replay", "TAPE", "--turn", "1", "--server", "URL", "--tape", "again.tape.jsonl", "-o", "x.html"]],
    ids=lambda command: " ".join(command[:3]),
)  # fmt: skip
def test_ctrl_c_leaves_no_half_file(tmp_path, command):
    (tape := tmp_path / "t.tape.jsonl").write_text(json.dumps(entry(1, [SYSTEM], reply("a"))) + "\n")
    (old := tmp_path / command[-1]).write_text("old")
    with Faulty() as server:
        given = [{"TAPE": tape.name, "URL": server.url}.get(word, word) for word in command]
        interrupted(given, tmp_path, lambda process: wait_for_line(process, "now"))
    assert old.read_text() == "old"
    there = {path.name for path in tmp_path.iterdir()} - {"again.tape.jsonl"}
    assert there == {tape.name, old.name}
    if command[0] == "replay":
        [sent] = Tape.read(tmp_path / "again.tape.jsonl").entries
        assert (sent["response"]["status"], sent["_error"]) == (200, None)


@posix
@pytest.mark.attack(
    "server", "Ctrl-C while replay waits for a frozen server", "the exchange is on its tape, with the reason"
)
def test_ctrl_c_while_replay_waits_leaves_a_whole_tape(tmp_path):
    (tape := tmp_path / "t.tape.jsonl").write_text(json.dumps(entry(1, [SYSTEM], reply("a"))) + "\n")
    with Faulty("prompt", "frozen") as server:

        def asked(_):
            deadline = time.monotonic() + PATIENCE
            while not server.asked and time.monotonic() < deadline:
                time.sleep(0.01)
            assert server.asked, f"the command has asked nothing within {PATIENCE} s"

        again = tmp_path / "again.tape.jsonl"
        given = ["replay", tape, "--turn", "1", "--server", server.url, "--tape", again]
        interrupted(given, tmp_path, asked)
    record = Tape.read(again)
    assert record.problems == []
    assert [e["_error"].partition(":")[0] for e in record.entries] == ["KeyboardInterrupt"]


def wait_for_line(process, wanted):
    for line in process.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError("it ended before that moment")


KILLED = """
import os, signal, sys
from course.server import lab, registry
STAND_IN = '''
import http.server, sys
class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Status).serve_forever()
'''
lab.command = lambda port, root: [sys.executable, "-c", STAND_IN, str(port)]
lab.trust = lambda *_: 0
lab.PORT = registry.free_port()
lab.jupyterlab(None, sys.argv[1])
"""
"""`course lab`, with another program in JupyterLab's place, and not at the port that another test may be about to use."""


@posix
@pytest.mark.attack(
    "server", "kill -9 of course lab", "course stop ends the JupyterLab that is left, and only then"
)
def test_a_killed_lab_leaves_nothing_that_course_stop_does_not_find(cache):
    """While `course lab` lives, `course stop` leaves JupyterLab alone: it may come from a terminal in there."""
    environment = os.environ | {"CI": "1"}  # opens no browser
    with Faulty() as server, subprocess.Popen(
        [sys.executable, "-c", KILLED, server.url], stdout=subprocess.PIPE, text=True, env=environment
    ) as lab:  # fmt: skip
        said = next((line for line in lab.stdout if "?token=" in line), "")
        [left] = registry.running()
        assert said.startswith(left.url)
        assert registry.stop_all() == []
        lab.kill()
    assert left.orphan
    done = CliRunner().invoke(app, ["stop"])
    assert (
        done.stdout == f"stopped JupyterLab at {left.url} (pid {left.pid}, left behind by a killed program)\n"
    )
    assert processes.alive(left.pid, left.created) is None
    assert registry.running() == []
