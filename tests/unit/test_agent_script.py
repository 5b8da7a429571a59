"""docker/agent.py against a server on a Unix socket with scripted answers: exit status, streams, the tape."""

import http.server
import json
import runpy
import socket
import socketserver
import tempfile
import threading
from pathlib import Path

import pytest

from course.tape import Tape

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="not applicable: this system's Python knows no Unix sockets"
)
SCRIPT = Path(__file__).parents[2] / "docker" / "agent.py"
ANSWER = "I know.\n<code>\nfinal_answer(web_search('leopard top speed')[:17])\n</code>"
THOUGHT = "I wait.\n<code>\nprint('waiting')\n</code>"


class Llama(http.server.BaseHTTPRequestHandler):
    """Answers with the texts in `said`, one for each request, and then with status 500."""

    server_version = "llama.cpp"
    sys_version = ""

    def version_string(self):
        return "llama.cpp"

    def do_GET(self):
        body = {"data": [{"id": "tiny", "owned_by": "llamacpp"}]} if self.path == "/v1/models" else {}
        self.answer(200, body)

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if not self.server.said:
            return self.answer(500, {"error": {"message": "no words left"}})
        message = {"role": "assistant", "content": self.server.said.pop(0)}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        name = f"chatcmpl-{len(self.server.said)}"
        return self.answer(
            200,
            {
                "id": name,
                "object": "chat.completion",
                "created": 0,
                "model": "tiny",
                "choices": [choice],
                "usage": usage,
            },
        )

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def address_string(self):
        return "socket"

    def log_message(self, *_):
        pass


@pytest.fixture
def agent(monkeypatch):
    """Run the script with a model that says these words; returns the exit status."""
    main = runpy.run_path(str(SCRIPT))["main"]
    with tempfile.TemporaryDirectory(prefix="a-") as folder:
        path = f"{folder}/llama.sock"
        with socketserver.ThreadingUnixStreamServer(path, Llama) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            for name in ("TAPE", "SEARCH", "KEY", "PROFILE"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("SERVER", f"unix://{path}")

            def run(*said, arguments=("How fast?",), **environment):
                server.said = list(said)
                for name, value in environment.items():
                    monkeypatch.setenv(name, value)
                return main(list(arguments))

            yield run
            server.shutdown()
            thread.join()


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
    assert "no words left" in err
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
