"""APIs other than chat completions are read as chat completions, streamed or not, and odd bodies break nothing."""

import base64
import gzip
import json
import random
import zlib

import pytest

from course import diagnose, view
from course.turns import text_of, turns
from course.turns.exchange import assemble
from support.records import SYSTEM, entry, reply

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
    return "".join(
        f"event: {isinstance(e, dict) and e.get('type')}\ndata: {json.dumps(e)}\n\n" for e in events
    )


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
def test_other_apis_read_the_same(request_, given):
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


def test_a_stream_that_was_cut_off_keeps_what_arrived():
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
def test_odd_bodies_are_shown_too(odd):
    for turn in (
        one(odd, odd),
        one(odd, sse=stream({"choices": [odd]}, {"type": "message_start", "message": {}})),
    ):
        assert view.page([turn])
        assert view.text(turn)


JUNK = [None, 0, -1, 3, 3_000_000_000, 1.5, True, "x", "", [], {}, [None], [1], [[]], {"x": 1}]
CHAT_REQUEST = {
    "messages": [SYSTEM, {"role": "assistant", "content": "x", "tool_calls": [{"id": "c", "function": CALL}]}],
    "stop": ["x"], "max_tokens": 5, "tools": [{"type": "function", "function": {"name": "look"}}],
}  # fmt: skip
CHAT = {
    "id": "a",
    "choices": [
        {
            "message": {
                "content": "<think>x",
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c", "function": CALL}],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 3000,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 1},
    },
    "timings": {"cache_n": 1, "prompt_n": 2, "prompt_ms": 1, "predicted_ms": 2},
    "__verbose": {"prompt": "a<think>", "stop_type": "word", "stopping_word": "x", "content": "y"},
    "error": {"message": "m", "type": "exceed_context_size_error", "n_ctx": 5, "n_prompt_tokens": 6},
}


def spoiled(value, chance):
    """The same value, with parts of it missing or replaced by junk."""
    if chance.random() < 0.12:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {k: spoiled(v, chance) for k, v in value.items() if chance.random() > 0.04}
    return [spoiled(v, chance) for v in value] if isinstance(value, list) else value


def events_of(sse):
    return [json.loads(line[6:]) for line in sse.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_bodies_break_nothing(seed):
    """100 tapes per seed, of all four APIs, streamed and not: turns, diagnosis, page and console text."""
    chance = random.Random(seed)
    streams = [events_of(messages_stream()), events_of(responses_stream())]
    streams += [[{"id": "s", "choices": [{"delta": d} for d in ({"content": "x"}, {"tool_calls": [CALL]})]}]]
    for _ in range(100):
        records = []
        for n in (1, 2, 3):
            body = spoiled(chance.choice([CHAT, MESSAGES, RESPONSES]), chance)
            sse = stream(*(spoiled(e, chance) for e in chance.choice(streams) if e)) if n == 2 else None
            records.append(entry(n, [], body, status=chance.choice([0, 200, 200, 400]), sse=sse))
            request = chance.choice([CHAT_REQUEST, MESSAGES_REQUEST, RESPONSES_REQUEST])
            records[-1]["request"]["postData"]["text"] = json.dumps(spoiled(request, chance))
        made = turns(records)
        diagnose.text(diagnose.diagnose(made), made)
        assert view.page(made)
        assert all(map(view.text, made))


@pytest.mark.parametrize("indexes", [(0, 1), (0, 0), (None, None), (0, 3_000_000_000), (-1, "x")])
def test_streamed_calls_are_told_apart_whatever_their_index_is(indexes):
    """By the index, or by the id if a server sends null or the same index for all."""
    pieces = [
        {"index": i, "id": f"call{n}", "function": {"name": "look", "arguments": '{"what":'}}
        for n, i in enumerate(indexes)
    ]
    rest = [{"index": i, "function": {"arguments": f" {n}}}"}} for n, i in enumerate(indexes)]
    in_turn = [piece for pair in zip(pieces, rest, strict=True) for piece in pair]
    sse = stream(*({"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in in_turn))
    calls = one({"messages": [SYSTEM]}, sse=sse).tool_calls
    assert [(c.id, c.arguments) for c in calls] == [("call0", {"what": 0}), ("call1", {"what": 1})]


def compressed(body, coding):
    """An exchange whose request was sent compressed, as the tap records it."""
    made = entry(1, [SYSTEM], reply("a", "Oslo."))
    made["request"]["headers"] = [{"name": "Content-Encoding", "value": coding}]
    made["request"]["postData"] = {"text": base64.b64encode(body).decode(), "_encoding": "base64"}
    return turns([made])[0]


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_request_is_read(coding, pack):
    turn = compressed(pack(json.dumps({"messages": [SYSTEM]}).encode()), coding)
    assert turn.exchange.messages == [SYSTEM]
    assert turn.outcome.kind == "answered"


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_a_request_that_cannot_be_decompressed_is_not_judged(coding):
    """Codex compresses its requests with zstd, for which there is no decompressor among the locked packages."""
    turn = compressed(b"\x28\xb5\x2f\xfd\x00\xff\xfe", coding)
    assert (turn.content, str(turn.outcome)) == ("Oslo.", f"not decodable (the request: {coding})")
    assert diagnose.text(diagnose.diagnose([turn]), [turn]).startswith("nothing was judged")
