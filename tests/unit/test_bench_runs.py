"""The measurements' own runs: real smolagents, real recorder, and a small program in place of llama-server.

It says what a grammar leaves it to say, else one final answer, and counts letters for tokens.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import attention, crowd, leopard, recorded, reprocessed, speed
from bench.setting import Setting
from course.model import profiles
from course.server.connection import Connection
from course.tape import Tape

ANSWER = "Thought: easy.\n<code>\nfinal_answer(9.62)\n</code>"


class Llama(BaseHTTPRequestHandler):
    """Reads what is new after the common start with the last prompt; 1 ms a token read, 2 ms a token written."""

    cached = ""

    def do_GET(self):
        self.answer({"build_info": "b1-fake", "default_generation_settings": {"n_ctx": 8192}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/tokenize":
            return self.answer({"tokens": list(body["content"].encode())})
        if self.path == "/completion":
            return self.answer({"timings": {"prompt_per_second": 400.0, "predicted_per_second": 80.0}})
        prompt = json.dumps(body["messages"]) + "<think>\n"
        if self.path == "/apply-template":
            return self.answer({"prompt": prompt})
        return self.answer(self.chat(body, prompt))

    def chat(self, body, prompt):
        said = json.loads(body["grammar"].removeprefix("root ::= ")) if "grammar" in body else ANSWER
        thought, cut, content = said.rpartition("</think>\n\n")
        same = reprocessed.common(Llama.cached.encode(), prompt.encode())
        Llama.cached = prompt + said
        read, wrote = len(prompt.encode()) - same, len(said)
        return {
            "id": f"chatcmpl-{id(body)}", "object": "chat.completion", "created": 0, "model": "fake",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": content.removesuffix("</code>"),
                **({"reasoning_content": thought} if cut else {}),
            }}],
            "usage": {"prompt_tokens": read + same, "completion_tokens": wrote, "total_tokens": read + same + wrote},
            "timings": {"cache_n": same, "prompt_n": read, "prompt_ms": read, "predicted_n": wrote,
                        "predicted_ms": 2 * wrote},
            "__verbose": {"prompt": prompt, "content": said},
        }  # fmt: skip

    def answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """What the measurements use of a course.server.Server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Llama) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        made = Connection(f"http://127.0.0.1:{http.server_port}")
        made.profile, made.model_id, made.command_line = profiles.load("embedded"), "fake", "llama-server"
        Llama.cached = ""
        yield made
        http.shutdown()


def test_the_three_programs_do_the_same_and_the_servers_time_is_taken_from_its_timings(
    server, tmp_path, capsys
):
    programs = [
        lambda: recorded.plain(server),
        lambda: recorded.printing(server),
        lambda: recorded.Recorded(server, tmp_path),
    ]
    for build in programs:
        Llama.cached = ""
        run = recorded.timed(build)
        assert (run.answer, run.steps) == ("9.62", 1)
        assert run.busy > 8, "8,000 letters of system prompt at 1 ms each"
    assert capsys.readouterr().out == "", "what the article's script prints goes to memory"
    (tape,) = tmp_path.glob("*.tape.jsonl")
    assert len(Tape.read(tape).entries) == 1


def test_a_warm_server_has_the_system_prompt_and_nothing_of_the_question(server):
    leopard.warm(server)
    run = recorded.timed(lambda: recorded.plain(server))
    assert 0.2 < run.busy < 2, "an answer of 50 letters and a question, at 2 and 1 ms each"


def test_a_server_that_processes_only_what_is_new_has_the_ratio_of_one(server, tmp_path):
    steps = reprocessed.run(server, Tape(tmp_path / "t.tape.jsonl"), {})
    assert len(steps) == 4
    processed, new = reprocessed.totals(steps)
    assert processed == new > 100


def test_a_server_that_forgets_reprocesses_everything(server, tmp_path, monkeypatch):
    chat = Llama.chat

    def forgetful(self, body, prompt):
        Llama.cached = ""
        return chat(self, body, prompt)

    monkeypatch.setattr(Llama, "chat", forgetful)
    steps = reprocessed.run(server, Tape(tmp_path / "t.tape.jsonl"), {})
    processed, new = reprocessed.totals(steps)
    assert processed == sum(len(step.prompt) for step in steps[1:])
    assert processed > 5 * new


def test_agents_at_once_are_timed_and_their_tokens_added_up(server, tmp_path):
    found = crowd.crowd(Setting(folder=tmp_path), server, 3)
    assert (found.at_once, found.done, found.failed) == (3, 3, 0)
    assert found.generated == 3 * len(ANSWER)
    assert found.processed > 3 * 10, "at least each question is new"
    assert found.per_minute > 0


def test_the_first_of_the_timed_prompts_only_warms_up(server):
    assert speed.served(server, 3) == ([400.0] * 3, [80.0] * 3)


def test_a_token_is_timed_by_the_server(server):
    assert attention.cost(server, 1) == attention.Cost(few=12.5, many=12.5, prompt=2.5)
