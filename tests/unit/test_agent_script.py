"""docker/agent.py against a server on a Unix socket with scripted answers: exit status, streams, the tape."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from course import ROOT
from course.tape import Tape
from support.llama import PATIENCE, serving

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="not applicable: this system's Python knows no Unix sockets"
)
SCRIPT = Path(__file__).parents[2] / "docker" / "agent.py"
ANSWER = "I know.\n<code>\nfinal_answer(web_search('leopard top speed')[:17])\n</code>"
THOUGHT = "I wait.\n<code>\nprint('waiting')\n</code>"


@pytest.fixture
def agent(monkeypatch):
    """Run the script with a model that says these words; returns the exit status."""
    main = runpy.run_path(str(SCRIPT))["main"]
    with serving() as server:
        for name in ("TAPE", "SEARCH", "KEY", "PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("SERVER", server.url)

        def run(*said, arguments=("How fast?",), **environment):
            server.said = list(said)
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            return main(list(arguments))

        yield run


def test_it_answers_over_the_socket_with_the_offline_search(agent, capsys):
    assert agent(ANSWER) == 0
    out, err = capsys.readouterr()
    assert out == "## Search Results\n"
    assert "final_answer(web_search" in err


def test_running_out_of_steps_is_a_status_of_its_own(agent, capsys):
    assert agent(THOUGHT, "nine, I guess", arguments=("--max-steps", "1", "x")) == 3
    out, err = capsys.readouterr()
    assert "no answer in 1 step" in err
    assert "nine, I guess" in out


def test_a_run_that_ends_with_an_error_is_a_status_of_its_own(agent, capsys):
    assert agent() == 4
    out, err = capsys.readouterr()
    assert "no words left\\u001b[2J" in err
    assert out == ""


def test_nobody_there_is_a_message(agent, capsys):
    assert agent(SERVER="unix:///tmp/no-such-server.sock") == 1
    assert "at unix:///tmp/no-such-server.sock" in capsys.readouterr().err


def test_no_server_named_is_a_message(agent, capsys):
    assert agent(SERVER="") == 1
    assert "SERVER is not set" in capsys.readouterr().err


def test_an_unknown_search_is_a_message(agent, capsys):
    assert agent(SEARCH="bing") == 1
    assert "SEARCH is 'bing'" in capsys.readouterr().err


def test_wrong_usage_is_status_2(agent):
    with pytest.raises(SystemExit) as end:
        agent(arguments=("--no-such-option",))
    assert end.value.code == 2


def test_the_tape_on_stdout_is_whole_and_nothing_else(agent, capsys, tmp_path):
    assert agent(ANSWER, TAPE="-") == 0
    out, err = capsys.readouterr()
    (tmp_path / "t.jsonl").write_text(out)
    tape = Tape.read(tmp_path / "t.jsonl")
    assert len(tape.entries) == len(tape.steps) == 1
    assert err.rstrip().endswith("## Search Results")


def test_the_tape_goes_to_the_file_that_is_named(agent, tmp_path):
    assert agent(ANSWER, TAPE=str(tmp_path / "t.jsonl")) == 0
    assert (
        Tape.read(tmp_path / "t.jsonl").entries[0]["request"]["url"] == "http://localhost/v1/chat/completions"
    )


@pytest.mark.attack(
    "sandbox",
    "an escape sequence and half a surrogate pair from the model, printed by docker/agent.py itself (compose)",
    "shown as escapes, and the answer is not lost",
    fell=2,
)
@pytest.mark.parametrize("tape", ["", "-"])
def test_the_model_s_text_reaches_the_terminal_as_escapes(agent, capsysbinary, tape):
    said = "\x1b]52;c;aGk=\x07 \x9b2J I know.\n<code>\nfinal_answer('\x1b[2J\\ud83d')\n</code>"
    assert agent(said, TAPE=tape) == 0
    out, err = (text.decode() for text in capsysbinary.readouterr())
    assert (err if tape else out).endswith("\\u001b[2J\\ud83d\n")
    assert "\\u001b]52;c;aGk=" in err
    raw = {c for c in out + err if not (c.isprintable() or c == "\n")}
    assert not raw, f"{sorted(raw)} reached the terminal"


@pytest.mark.attack(
    "sandbox",
    "docker/agent.py is ended by SIGTERM or SIGKILL in its second step, with the tape on stdout",
    "every record until then has come out",
    fell=1,
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_is_ended_has_passed_on_its_tape(tmp_path, number):
    command = [sys.executable, "-u", str(SCRIPT), "x"]
    with serving(THOUGHT, None) as server, (tmp_path / "t.jsonl").open("wb") as out:
        env = {**os.environ, "SERVER": server.url, "TAPE": "-", "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.PIPE) as process:
            came = server.asked.wait(PATIENCE)
            process.send_signal(number)
            said = process.communicate()[1].decode()
    assert came, f"no second request within {PATIENCE} s: {said}"
    assert process.returncode == -number, said
    kinds = [record["_type"] for record in Tape.read(tmp_path / "t.jsonl").records()]
    assert kinds == ["run", "entry", "step"]
