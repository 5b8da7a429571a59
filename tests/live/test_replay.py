"""Requests to a live llama-server, recorded and sent again: unchanged in each of its APIs, and with one field changed.

A grammar decides what the model says, so that both answers can be compared.
"""

import httpx
import pytest

from course.agent.forced import grammar
from course.replay import replay
from course.server import connection
from course.tape import RecordingTransport, Tape
from course.turns import turns

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

SAID = "I know that.\n</think>\n\nTwo and two is four."
ASKED = [{"role": "user", "content": "What is two and two?"}]
FORCED = {"grammar": grammar(SAID), "temperature": 0}
CHAT = {"messages": ASKED, "max_tokens": 40, **FORCED}
APIS = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"prompt": "Two and two is", "max_tokens": 40, **FORCED},
    "/v1/messages": {"model": "any", "messages": ASKED, "max_tokens": 40, **FORCED},
    "/v1/responses": {"input": "What is two and two?", "max_output_tokens": 40, **FORCED},
    "/completion": {"prompt": "Two and two is", "n_predict": 40, **FORCED},
}


@pytest.fixture
def ask(server, tmp_path):
    """Send this to the server, recorded; the turn."""

    def send(path, body):
        tape = Tape(tmp_path / "first.tape.jsonl")
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        recording = RecordingTransport(connection.transport(server.url), tape)
        with httpx.Client(transport=recording, timeout=280) as client:
            client.post(server.url + path, json=body, headers=headers)
        return turns(tape.records())[-1]

    return send


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", APIS)
def test_an_unchanged_request_gets_the_same_answer(ask, server, tmp_path, path, stream):
    again = replay(ask(path, {**APIS[path], "stream": stream}), server, tape=tmp_path / "again.tape.jsonl")
    before, after = again.before, again.after
    assert again.answered, again.text()
    assert after.exchange.streamed == stream
    assert (after.content, after.thinking, after.finish_reason) == (
        before.content,
        before.thinking,
        before.finish_reason,
    )
    assert after.content
    assert after.tokens.generated == before.tokens.generated


def test_one_field_decides_where_the_thinking_goes(ask, server, tmp_path):
    again = replay(
        ask("/v1/chat/completions", CHAT), server, tape=tmp_path / "again.tape.jsonl", reasoning_format="none"
    )
    assert (again.before.thinking or "").strip() == "I know that."
    assert again.after.thinking is None
    assert "I know that.\n</think>" in again.after.content
    assert again.after.tokens.generated == again.before.tokens.generated


def test_a_refusal_is_an_answer(ask, server, tmp_path):
    turn = ask("/v1/chat/completions", CHAT)
    again = replay(turn, server, tape=tmp_path / "again.tape.jsonl", grammar="root ::= (")
    assert not again.answered
    assert again.after.status == 400
    assert again.after.error in again.text() or "400" in again.text()
