"""Other APIs than chat completions read as if they were that, streamed or not; what is odd breaks nothing."""

import json

import pytest

from course import view
from course.turns import text_of, turns
from course.turns.exchange import assemble
from support.records import SYSTEM, entry

CALL = {"name": "look", "arguments": '{"what": "it"}'}
MESSAGES_REQUEST = {
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "How much?"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "it is 4"}]},
    ],
}
RESPONSES_REQUEST = {
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "How much?"}]},
        {"type": "function_call", "call_id": "c", **CALL},
        {"type": "function_call_output", "call_id": "c", "output": "it is 4"},
    ],
}
MESSAGES = {
    "id": "m",
    "type": "message",
    "stop_reason": "tool_use",
    "content": [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "Look."},
        {"type": "tool_use", "id": "c", "name": "look", "input": {"what": "it"}},
    ],
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 7},
}
RESPONSES = {
    "id": "r",
    "status": "completed",
    "output": [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Look."}]},
        {"type": "function_call", "call_id": "c", **CALL},
    ],
    "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 90}, "output_tokens": 7},
}


def one(request, response=None, sse=None):
    made = entry(1, [], response, sse=sse)
    made["request"]["postData"]["text"] = json.dumps(request)
    return turns([made])[0]


def stream(*events):
    return "".join(f"event: {e.get('type')}\ndata: {json.dumps(e)}\n\n" for e in events)


def messages_stream():
    start = {"type": "message_start", "message": {**MESSAGES, "content": [], "usage": MESSAGES["usage"]}}
    blocks = [
        {"type": "thinking", "thinking": ""},
        {"type": "text", "text": ""},
        {**MESSAGES["content"][2], "input": {}},
    ]
    deltas = [{"thinking": "hm"}, {"text": "Loo"}, {"text": "k."}, {"partial_json": '{"what": "it"}'}]
    events = [{"type": "content_block_start", "index": i, "content_block": b} for i, b in enumerate(blocks)]
    events += [
        {"type": "content_block_delta", "index": i, "delta": d}
        for i, d in zip([0, 1, 1, 2], deltas, strict=True)
    ]
    return stream(
        start, *events, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}}
    )


def responses_stream():
    created = {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}
    done = [{"type": "response.output_item.done", "item": item} for item in RESPONSES["output"]]
    return stream(created, *done, {"type": "response.completed", "response": RESPONSES})


@pytest.mark.parametrize(
    ("request_", "given"),
    [
        (MESSAGES_REQUEST, {"response": MESSAGES}),
        (MESSAGES_REQUEST, {"sse": messages_stream()}),
        (RESPONSES_REQUEST, {"response": RESPONSES}),
        (RESPONSES_REQUEST, {"sse": responses_stream()}),
    ],
    ids=["messages", "messages streamed", "responses", "responses streamed"],
)
def test_both_other_apis_say_the_same(request_, given):
    turn = one(request_, **given)
    assert text_of(turn.new_messages[0]) == "Be brief."
    assert [text_of(m) for m in turn.new_messages if m["role"] != "assistant"][-1] == "it is 4"
    assert (turn.thinking, turn.content) == ("hm", "Look.")
    assert [(c.name, c.arguments) for c in turn.tool_calls] == [("look", {"what": "it"})]
    assert (turn.tokens.prompt, turn.tokens.cached, turn.tokens.generated) == (100, 90, 7)
    assert turn.finish_reason in ("tool_use", "completed")


def test_a_text_completion_is_read_streamed_or_not():
    request = {"prompt": "Once upon"}
    events = [
        {"choices": [{"index": 0, "text": t, "finish_reason": f}]}
        for t, f in ((" a", None), (" time", "stop"))
    ]
    for given in (
        {"response": {"choices": [{"text": " a time", "finish_reason": "stop"}]}},
        {"sse": stream(*events)},
    ):
        turn = one(request, **given)
        assert (text_of(turn.new_messages[0]), turn.content, turn.finish_reason) == (
            "Once upon",
            " a time",
            "stop",
        )


def test_a_stream_that_was_cut_off_is_what_came_of_it():
    assert (
        assemble(responses_stream().partition("event: response.completed")[0])["output"]
        == RESPONSES["output"]
    )
    half = messages_stream()
    assert assemble(half[: half.index("k.")])["content"][1]["text"] == "Loo"


ODD = [
    None, 1, "x", [], {}, {"messages": "x"}, {"messages": [1, None, {"role": None}, {"content": 3}, SYSTEM]},
    {"messages": [{"role": "user", "content": [None, 1, {"type": "text"}]}], "tools": [{}]},
    {"prompt": [1, 2]}, {"input": [1, {"type": "x"}]}, {"messages": [], "tools": "x"},
    {"choices": [1]}, {"choices": [{"message": "x"}]}, {"choices": {}}, {"output": [1, {}], "usage": 3},
    {"type": "message", "content": [None, {}]}, {"error": "x"}, {"choices": [{"message": {"tool_calls": [{}]}}]},
    {"choices": [{"message": {"content": [{"type": "text", "text": "parts"}]}}]},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=[json.dumps(o)[:40] for o in ODD])
def test_what_is_odd_is_shown_all_the_same(odd):
    for turn in (
        one(odd, odd),
        one(odd, sse=stream({"choices": [odd]}, {"type": "message_start", "message": {}})),
    ):
        assert view.page([turn])
        assert view.text(turn)
