"""A tool result in which there is nothing is a remark, for any client; other results are not."""

import json

import pytest

from support.diagnosed import call, found
from support.records import SYSTEM, TASK, entry

LOOK = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [LOOK]}


def results(content):
    """A call, and the request that brings its result back."""
    back = [SYSTEM, TASK, ASKED, {"role": "tool", "tool_call_id": "c", "content": content}]
    return [call(1, None, finish="tool_calls", calls=[LOOK]), call(2, "Done.", back)]


@pytest.mark.parametrize("content", ["", " \n", "[]", "{}", "null", None, [{"type": "text", "text": ""}]])
def test_an_empty_result_is_a_remark_on_the_turn_that_called(content):
    (finding,) = found(results(content))
    assert (finding.kind, finding.remark, finding.turn) == ("empty-result", True, 1)
    assert "look" in finding.why


@pytest.mark.parametrize(
    "content", ["0", "false", "none", "ok", '""', '{"a": null}', [{"type": "image_url"}]]
)
def test_a_result_with_something_in_it_is_not(content):
    assert found(results(content)) == []


def test_an_empty_result_shows_in_other_apis():
    ask = {"role": "user", "content": "Look."}
    use = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
    said = {"id": "m", "type": "message", "role": "assistant", "stop_reason": "tool_use", "content": [use]}
    done = {**said, "stop_reason": "end_turn", "content": [{"type": "text", "text": "Done."}]}
    back = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": ""}]}
    requests = [{"model": "m", "messages": [ask]},
                {"model": "m", "messages": [ask, {"role": "assistant", "content": [use]}, back]}]  # fmt: skip
    assert [f.kind for f in found(at("/v1/messages", requests, [said, done]))] == ["empty-result"]
    called = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "[]"}
    text = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
    requests = [{"model": "m", "input": [ask]}, {"model": "m", "input": [ask, called, output]}]
    answers = [{"object": "response", "status": "completed", "output": [one]} for one in (called, text)]
    assert [f.kind for f in found(at("/v1/responses", requests, answers))] == ["empty-result"]


def at(path, requests, responses):
    """Exchanges with this address."""
    made = [entry(n, [], response) for n, response in enumerate(responses, 1)]
    for one, request in zip(made, requests, strict=True):
        one["request"] |= {"url": f"http://127.0.0.1:8080{path}", "postData": {"text": json.dumps(request)}}
    return made
