"""The export as OpenTelemetry traces: every turn is a span with the same messages and tokens, and nothing odd breaks it."""

import itertools
import json

import pytest

from course.export import protobuf, sending
from course.export.otlp import left_out, traces
from course.turns import turns
from support.exported import BEGAN, ERROR, OK, RUN, agent_run, spans
from support.records import SYSTEM, TASK, entry, reply, step
from support.spans import message


@pytest.fixture
def run():
    return agent_run()


def test_a_run_is_one_trace_of_agent_steps_calls_and_tools(run):
    found = spans(run)
    assert [s.kind for s in found] == ["AGENT", *["CHAIN", "LLM", "TOOL"] * 3]
    assert {s.trace for s in found} == {found[0].trace}
    by_id = {s.id: s for s in found}
    assert len(by_id) == len(found)
    assert [s.parent and by_id[s.parent].kind for s in found] == [None, *["AGENT", "CHAIN", "CHAIN"] * 3]
    for span in found[1:]:
        parent = by_id[span.parent]
        assert parent.start <= span.start <= span.end <= parent.end, span.name
    agent, chain, call, tool = found[:4]
    assert (agent.attributes["input.value"], agent.attributes["output.value"]) == ("How fast?", "9.62")
    assert (agent.start, agent.end) == (BEGAN + 10, BEGAN + 38)
    assert (call.start, call.end) == (BEGAN + 10, BEGAN + 11.5)
    assert (tool.start, tool.end) == (BEGAN + 11.5, BEGAN + 18), (
        "code runs after the answer, until the step ends"
    )
    assert (tool.attributes["input.value"], tool.attributes["output.value"]) == ("code of a", "it is 4")
    assert chain.attributes["output.value"] == "it is 4"


def test_what_failed_is_an_error_with_its_words(run):
    found = spans([*run, entry(4, [SYSTEM], {"error": {"message": "too long"}}, status=400, second=40)])
    failed = [(s.kind, s.status.get("message")) for s in found if s.status.get("code") == ERROR]
    assert failed == [("CHAIN", "NameError: x"), ("TOOL", "NameError: x"), ("LLM", "HTTP 400: too long")]
    (event,) = found[-1].events
    assert event["name"] == "exception"
    assert found[2].status == {"code": OK}


def test_tokens_and_parameters_are_those_of_the_turn(run):
    (turn, *_), call = turns(run), spans(run)[2]
    count = "llm.token_count."
    assert call.attributes[count + "prompt"] == turn.tokens.prompt == 100
    assert call.attributes[count + "completion"] == turn.tokens.generated == 7
    assert call.attributes[count + "total"] == 107
    assert call.attributes[count + "prompt_details.cache_read"] == turn.tokens.cached == 80
    assert call.attributes["llm.finish_reason"] == "stop"
    assert count + "total" not in spans(run)[5].attributes, "a count that is not on the tape is left out"


LOOK = {"name": "look", "arguments": '{"what": "x"}'}
CALL = {"id": "c1", "type": "function", "function": LOOK}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASKED = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What "}, {"type": "text", "text": "is x?"}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "4"},
]
WANTED = [
    ("system", "Be brief.", "", []),
    ("user", "What is x?", "", []),
    ("assistant", "", "", [("look", LOOK["arguments"])]),
    ("tool", "4", "", []),
]
ANSWER = ("assistant", "Four.", "hm", [("look", LOOK["arguments"])])
DIALECTS = {
    "chat completions": (
        "/v1/chat/completions",
        {"model": "m", "messages": ASKED, "temperature": 0},
        {
            "model": "m-1",
            "choices": [
                {
                    "message": {"content": "Four.", "reasoning_content": "hm", "tool_calls": [CALL]},
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3},
        },
    ),
    "messages": (
        "/v1/messages",
        {
            "model": "m",
            "system": "Be brief.",
            "temperature": 0,
            "messages": [
                ASKED[1],
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {"what": "x"}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "4"}]},
            ],
        },
        {
            "type": "message",
            "model": "m-1",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "Four."},
                {"type": "tool_use", "id": "c2", "name": "look", "input": {"what": "x"}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 4, "cache_read_input_tokens": 6, "output_tokens": 3},
        },
    ),
    "responses": (
        "/v1/responses",
        {
            "model": "m",
            "instructions": "Be brief.",
            "temperature": 0,
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "What is x?"}]},
                {"type": "function_call", "call_id": "c1", **LOOK},
                {"type": "function_call_output", "call_id": "c1", "output": "4"},
            ],
        },
        {
            "model": "m-1",
            "status": "completed",
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "Four."}]},
                {"type": "function_call", "call_id": "c2", **LOOK},
            ],
            "usage": {"input_tokens": 10, "output_tokens": 3},
        },
    ),
    "Ollama": (
        "/api/chat",
        {"model": "m", "messages": ASKED, "temperature": 0},
        {
            "model": "m-1",
            "done": True,
            "done_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "Four.",
                "thinking": "hm",
                "tool_calls": [{"function": {"name": "look", "arguments": {"what": "x"}}}],
            },
            "prompt_eval_count": 10,
            "eval_count": 3,
        },
    ),
}


def exchange(path, asked, answered, n=1, second=None):
    made = entry(n, [], answered, second=second)
    made["request"] = {"method": "POST", "url": f"http://h{path}", "postData": {"text": json.dumps(asked)}}
    return made


@pytest.mark.parametrize("dialect", DIALECTS)
def test_messages_and_tokens_of_every_api_are_those_on_the_wire(dialect):
    path, asked, answered = DIALECTS[dialect]
    (span,) = spans([exchange(path, asked, answered)])
    assert [message(m) for m in span.listed("llm.input_messages")] == WANTED
    assert [message(m) for m in span.listed("llm.output_messages")] == [ANSWER]
    results = [
        m["message.tool_call_id"] for m in span.listed("llm.input_messages") if "message.tool_call_id" in m
    ]
    assert results == ["c1"]
    about = span.attributes
    assert (about["llm.token_count.prompt"], about["llm.token_count.completion"]) == (10, 3)
    assert about["llm.model_name"] == about["llm.response.model_name"] == "m-1"
    assert about["llm.request.model_name"] == "m"
    assert json.loads(about["llm.invocation_parameters"]) == {"model": "m", "temperature": 0}
    assert json.loads(about["input.value"]) == asked
    assert json.loads(about["output.value"]) == answered


def test_a_completion_is_a_prompt_and_a_choice():
    asked = {"prompt": "Once upon", "max_tokens": 2}
    (span,) = spans(
        [exchange("/v1/completions", asked, {"choices": [{"text": " a time", "finish_reason": "length"}]})]
    )
    assert span.attributes["llm.prompts.0.prompt.text"] == "Once upon"
    assert span.attributes["llm.choices.0.completion.text"] == " a time"
    assert json.loads(span.attributes["llm.invocation_parameters"]) == {"max_tokens": 2}


def test_pictures_tools_and_all_choices_are_in():
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    asked = {
        "messages": [{"role": "user", "content": [PICTURE, {"type": "odd", "x": 1}]}],
        "tools": [tool],
        "n": 2,
    }
    choices = [{"index": n, "message": {"content": text}} for n, text in enumerate("ab")]
    (span,) = spans([exchange("/v1/chat/completions", asked, {"choices": choices})])
    (sent,) = span.listed("llm.input_messages")
    assert sent["message.contents.0.message_content.image.image.url"] == PICTURE["image_url"]["url"]
    assert sent["message.contents.1.message_content.type"] == "odd"
    assert json.loads(sent["message.contents.1.message_content.text"]) == {"type": "odd", "x": 1}
    assert [json.loads(t["tool.json_schema"]) for t in span.listed("llm.tools")] == [tool]
    assert [m["message.content"] for m in span.listed("llm.output_messages")] == ["a", "b"]


def test_without_runs_each_conversation_is_a_trace_and_tools_lie_between_requests():
    chat = "/v1/chat/completions"
    called = {"choices": [{"message": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}]}
    records = [
        exchange(chat, {"messages": ASKED[:2]}, called, 1, second=0),
        exchange(chat, {"messages": [{"role": "user", "content": "Other?"}]}, reply("o"), 2, second=2),
        exchange(chat, {"messages": ASKED}, reply("b", "Four."), 3, second=5),
    ]
    found = spans(records)
    by_trace = [[s.kind for s in group] for _, group in itertools.groupby(found, lambda s: s.trace)]
    assert by_trace == [["CHAIN", "LLM", "TOOL", "LLM"], ["LLM"]]
    tool = found[2]
    assert (tool.name, tool.attributes["tool.id"], tool.attributes["output.value"]) == ("look", "c1", "4")
    assert (tool.start, tool.end) == (BEGAN + 1.5, BEGAN + 5)


def test_a_managed_agent_is_an_agent_within_the_step_that_called_it(run):
    inner = {"started": BEGAN + 13, "ended": BEGAN + 16}
    called = [entry(9, [TASK], reply("w"), second=13), step("w", 1, agent="worker", kind="action", **inner)]
    found = spans([*run[:2], *called, run[2]])
    names = {s.id: s.name for s in found}
    worker = next(s for s in found if s.attributes.get("agent.name") == "worker")
    assert (worker.kind, worker.name) == ("AGENT", "worker")
    assert names[worker.parent] == "step 1"
    assert [s.kind for s in found if s.parent == worker.id] == ["CHAIN"]


def test_other_requests_are_spans_too():
    made = exchange("/v1/models", None, {"data": []})
    made["request"] = {"method": "GET", "url": "http://h/v1/models"}
    (span,) = spans([made])
    assert (span.kind, span.name, span.attributes["http.response.status_code"]) == (
        "CHAIN",
        "GET /v1/models",
        200,
    )


def test_ids_are_of_the_right_size_and_the_same_each_time(run):
    twice = [*run, dict(RUN), *run[1:]]
    first, second = spans(twice), spans(twice)
    assert [(s.trace, s.id) for s in first] == [(s.trace, s.id) for s in second]
    assert len({s.id for s in first}) == len(first)
    assert {(len(bytes.fromhex(s.trace)), len(bytes.fromhex(s.id))) for s in first} == {(16, 8)}
    assert len({s.trace for s in first}) == 2


SSE = 'data: {"choices":[{"index":0,"delta":{"content":"Fo"}}]}\n\ndata: {"choices":[{"delta":{"content":"ur"}}]}\n\n'


def test_what_spans_cannot_hold_is_counted(run):
    streamed = entry(4, [SYSTEM], None, sse=SSE, second=40)
    streamed["_chunks"] = [[100, 50], [200, 50], [300, 50]]
    streamed["request"]["headers"] = [{"name": "A", "value": "b"}]
    run[2]["memory"] = [["system", 3, "00000000"]]
    said = "; ".join(left_out(turns([*run, streamed])))
    for text in ("1 streamed response", "2 chunks", "1 HTTP header", "in 1 step"):
        assert text in said
    assert left_out(turns([entry(1, [SYSTEM], reply("a"))])) == []
    (event,) = spans([streamed])[0].events
    assert (event["name"], event["timeUnixNano"]) == ("first chunk", str(BEGAN * 10**9 + 40 * 10**9 + 10**8))
    assert (
        json.loads(spans([streamed])[0].attributes["output.value"])["choices"][0]["message"]["content"]
        == "Four"
    )


ODD = [None, 7, -1e300, True, "x", [], {}, [None, 3], {"type": 5}, "\ud800"]


def test_nothing_odd_ends_the_export():
    records = []
    for n, odd in enumerate(ODD):
        body = {
            "messages": [{"role": odd, "content": odd, "tool_calls": odd}, odd],
            "tools": odd,
            "model": odd,
        }
        answer = {
            "choices": [{"message": {"content": odd, "tool_calls": [odd]}}],
            "usage": {"prompt_tokens": odd},
        }
        records.append(exchange("/v1/chat/completions", body, answer, n + 1))
        records.append(
            exchange("/v1/chat/completions", {"messages": odd, "input": odd, "prompt": odd}, odd, n + 1)
        )
        records.append({**exchange("/v1/messages", odd, odd), "startedDateTime": str(odd), "_chunks": None})
    made = turns(records)
    list(sending.batches(traces(made, "\ud800")))
    assert len([s for s in spans(records) if s.kind == "LLM"]) == len(records)


def test_protobuf_is_encoded_as_its_specification_says():
    encoded = protobuf.encode({"name": "ä", "kind": 3, "traceId": "0aff"}, "Span")
    assert encoded == bytes([0x2A, 2, 0xC3, 0xA4, 0x30, 3, 0x0A, 2, 0x0A, 0xFF])
    assert protobuf.encode({"intValue": "300"}, "AnyValue") == bytes([0x18, 0xAC, 0x02])
    assert protobuf.encode({"intValue": "-1"}, "AnyValue") == bytes([0x18, *[0xFF] * 9, 1])
    assert protobuf.encode({"timeUnixNano": "1"}, "Event") == bytes([0x09, 1, *[0] * 7])
    assert (
        protobuf.encode({"attributes": [{"key": "a"}, {"key": "b"}]}, "Resource")
        == b"\x0a\x03\x0a\x01a\x0a\x03\x0a\x01b"
    )


def test_what_a_collector_rejects_is_read():
    assert protobuf.rejected(b"") == (0, "")
    assert protobuf.rejected(b"\x0a\x06\x08\x02\x12\x02no") == (2, "no")
    for broken in (b"\x0a\x06\x08", b"\xff" * 12, b"\x0b"):
        with pytest.raises(ValueError, match="not a message"):
            protobuf.rejected(broken)


def test_large_traces_go_in_several_requests(run):
    exported = traces(turns(run * 3), "p")
    whole = [b for _, b in sending.batches(exported, 10**9)]
    sizes = [(n, len(b)) for n, b in sending.batches(exported, 4000)]
    assert len(whole) == 1
    assert sum(n for n, _ in sizes) == len(spans(run * 3))
    assert len(sizes) > 2
    assert max(size for n, size in sizes if n > 1) < 4500
