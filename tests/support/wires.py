"""One healthy exchange of every API, whole and streamed. Each text in it is a word of its own: "mark7"."""

import json
from itertools import count
from typing import Any

_numbers = count(1)


def mark() -> str:
    """A word that is nowhere else, and not part of another one."""
    return f"mark{next(_numbers)}."


def _arguments() -> str:
    return json.dumps({"city": mark()})


def _tool() -> dict[str, Any]:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": "look", "description": "looks", "parameters": schema}}


def _call(arguments: Any = None) -> dict[str, Any]:
    return {
        "id": "call_1",
        "type": "function",
        "function": {"name": mark(), "arguments": arguments or _arguments()},
    }


def _chat_request() -> dict[str, Any]:
    return {
        "model": "m", "stream": False, "max_tokens": 900, "stop": ["END"], "tool_choice": "auto", "tools": [_tool()],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        "messages": [
            {"role": "system", "content": mark()},
            {"role": "user", "content": [{"type": "text", "text": mark()}, {"type": "image_url", "image_url": {}}]},
            {"role": "assistant", "content": None, "reasoning_content": mark(), "tool_calls": [_call()]},
            {"role": "tool", "tool_call_id": "call_1", "content": mark()},
        ],
    }  # fmt: skip


def _chat_usage() -> dict[str, Any]:
    return {
        "prompt_tokens": 300,
        "completion_tokens": 40,
        "total_tokens": 340,
        "prompt_tokens_details": {"cached_tokens": 200},
        "completion_tokens_details": {"reasoning_tokens": 9},
    }


def _chat_response() -> dict[str, Any]:
    message = {
        "role": "assistant", "content": mark(), "reasoning_content": mark(), "tool_calls": [_call()],
        "reasoning_details": [{"type": "reasoning.text", "text": mark()}],
    }  # fmt: skip
    return {
        "id": "r", "object": "chat.completion", "model": "m", "system_fingerprint": "f",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _chat_usage(),
        "timings": {"cache_n": 200, "prompt_n": 100, "prompt_ms": 5.5, "predicted_n": 40, "predicted_ms": 80.0},
        "__verbose": {"prompt": "a<think>", "stop_type": "eos", "stopping_word": "", "content": "y"},
    }  # fmt: skip


def _chat_events() -> list[dict[str, Any]]:
    call = _call()
    arguments = call["function"]["arguments"]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"reasoning": mark()},
        {"content": mark()},
        {"content": mark()},
        {"tool_calls": [{**call, "index": 0, "function": {**call["function"], "arguments": arguments[:2]}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": arguments[2:]}}]},
        {},
    ]
    head = {"id": "r", "object": "chat.completion.chunk", "model": "m"}
    finish = [None] * (len(deltas) - 1) + ["tool_calls"]
    events = [
        {**head, "choices": [{"index": 0, "delta": d, "finish_reason": f}]}
        for d, f in zip(deltas, finish, strict=True)
    ]
    return [*events, {**head, "choices": [], "usage": _chat_usage()}]


def _text_events() -> list[dict[str, Any]]:
    return [
        {
            "id": "r",
            "object": "text_completion",
            "choices": [{"index": 0, "text": mark(), "finish_reason": f}],
        }
        for f in (None, None, "stop")
    ]


def _anthropic_request() -> dict[str, Any]:
    return {
        "model": "m", "max_tokens": 900, "system": [{"type": "text", "text": mark()}], "stop_sequences": ["END"],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"},
        "messages": [
            {"role": "user", "content": mark()},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": mark(), "signature": "s"}, {"type": "text", "text": mark()},
                {"type": "tool_use", "id": "t", "name": mark(), "input": {"city": mark()}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": mark()}]}]},
        ],
    }  # fmt: skip


ANTHROPIC_USAGE = {"input_tokens": 100, "cache_read_input_tokens": 200, "output_tokens": 40}


def _anthropic_response() -> dict[str, Any]:
    return {
        "id": "r", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "usage": ANTHROPIC_USAGE, "content": [
            {"type": "thinking", "thinking": mark(), "signature": "s"}, {"type": "text", "text": mark()},
            {"type": "tool_use", "id": "t", "name": mark(), "input": {"city": mark()}},
        ],
    }  # fmt: skip


def _anthropic_events() -> list[dict[str, Any]]:
    start = {**_anthropic_response(), "content": [], "stop_reason": None}
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        ({"type": "thinking", "thinking": ""}, [{"type": "thinking_delta", "thinking": mark()}]),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": mark()} for _ in range(2)]),
        (
            {"type": "tool_use", "id": "t", "name": mark(), "input": {}},
            [{"type": "input_json_delta", "partial_json": _arguments()}],
        ),
    ]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for n, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": n, "content_block": block})
        events += [{"type": "content_block_delta", "index": n, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": n})
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 40}}
    return [*events, end, {"type": "message_stop"}]


def _responses_request() -> dict[str, Any]:
    return {
        "model": "m", "instructions": mark(), "max_output_tokens": 900, "tool_choice": "auto",
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}},
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": mark()}]},
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": mark()}]},
            {"type": "function_call", "call_id": "c", "name": mark(), "arguments": _arguments()},
            {"type": "function_call_output", "call_id": "c", "output": mark()},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": mark()}]},
        ],
    }  # fmt: skip


def _output() -> list[dict[str, Any]]:
    return [
        {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": mark()}]},
        {"type": "message", "id": "ms", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": mark(), "annotations": []}]},
        {"type": "function_call", "id": "fc", "call_id": "c", "name": mark(), "arguments": _arguments()},
    ]  # fmt: skip


def _responses_response(output: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "id": "r", "object": "response", "status": "completed", "model": "m", "error": None, "incomplete_details": None,
        "output": _output() if output is None else output,
        "usage": {"input_tokens": 300, "input_tokens_details": {"cached_tokens": 200}, "output_tokens": 40},
    }  # fmt: skip


def _responses_events() -> list[dict[str, Any]]:
    output = _output()
    begun = {**_responses_response([]), "status": "in_progress"}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    names = ["reasoning_text", "output_text", "function_call_arguments"]
    for n, (item, name) in enumerate(zip(output, names, strict=True)):
        at = {"output_index": n, "item_id": item["id"]}
        said = item["arguments"] if name.endswith("arguments") else item["content"][0]["text"]
        bare = {k: ("" if k == "arguments" else [] if k == "content" else v) for k, v in item.items()}
        events.append({"type": "response.output_item.added", "output_index": n, "item": bare})
        events += [
            {"type": f"response.{name}.delta", **at, "content_index": 0, "delta": p}
            for p in (said[:3], said[3:])
        ]
        events.append({"type": "response.output_item.done", "output_index": n, "item": item})
    return [*events, {"type": "response.completed", "response": _responses_response(output)}]


OLLAMA_END = {
    "done": True, "done_reason": "stop", "total_duration": 5, "prompt_eval_count": 300, "eval_count": 40,
    "prompt_eval_duration": 10**9, "eval_duration": 10**9,
}  # fmt: skip


def _ollama_request() -> dict[str, Any]:
    said = {"role": "assistant", "content": "", "thinking": mark(), "tool_calls": [_call({"city": mark()})]}
    messages = [
        {"role": "user", "content": mark(), "images": ["x"]},
        said,
        {"role": "tool", "content": mark()},
    ]
    options = {"num_predict": 900, "stop": ["END"]}
    return {"model": "m", "messages": messages, "tools": [_tool()], "options": options, "format": "json"}


def _ollama_response() -> dict[str, Any]:
    message = {
        "role": "assistant",
        "content": mark(),
        "thinking": mark(),
        "tool_calls": [_call({"city": mark()})],
    }
    return {"model": "m", "message": message, **OLLAMA_END}


def _ollama_events() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": "", "thinking": mark()},
        {"role": "assistant", "content": mark()},
        {"role": "assistant", "content": mark(), "tool_calls": [_call({"city": mark()})]},
    ]
    events = [{"model": "m", "message": m, "done": False} for m in messages]
    return [*events, {"model": "m", "message": {"role": "assistant", "content": ""}, **OLLAMA_END}]


def _generate_events() -> list[dict[str, Any]]:
    events = [{"model": "m", "thinking": mark(), "response": "", "done": False}]
    events += [{"model": "m", "response": mark(), "done": False} for _ in range(2)]
    return [*events, {"model": "m", "response": "", **OLLAMA_END}]


def _llama_response(content: str = "") -> dict[str, Any]:
    return {
        "content": content or mark(), "stop": True, "stop_type": "eos", "model": "m", "tokens_predicted": 40,
        "tokens_evaluated": 300, "prompt": "a", "timings": {"cache_n": 200, "prompt_n": 100},
    }  # fmt: skip


def _llama_events() -> list[dict[str, Any]]:
    events = [{"content": mark(), "stop": False, "tokens": [1]} for _ in range(2)]
    return [*events, {**_llama_response(), "content": ""}]


WIRES: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = {
    "chat completions": ("/v1/chat/completions", _chat_request(), _chat_response(), _chat_events()),
    "completions": (
        "/v1/completions",
        {"model": "m", "prompt": mark(), "max_tokens": 900},
        {"id": "r", "object": "text_completion",
         "choices": [{"index": 0, "text": mark(), "finish_reason": "stop"}], "usage": _chat_usage()},
        _text_events(),
    ),
    "messages": ("/v1/messages", _anthropic_request(), _anthropic_response(), _anthropic_events()),
    "responses": ("/v1/responses", _responses_request(), _responses_response(), _responses_events()),
    "Ollama chat": ("/api/chat", _ollama_request(), _ollama_response(), _ollama_events()),
    "Ollama generate": (
        "/api/generate",
        {"model": "m", "system": mark(), "prompt": mark(), "options": {"num_predict": 900}},
        {"model": "m", "response": mark(), "thinking": mark(), **OLLAMA_END},
        _generate_events(),
    ),
    "completion": ("/completion", {"prompt": mark(), "n_predict": 900}, _llama_response(), _llama_events()),
}  # fmt: skip
"""By API: the path, a request, a response, and the events of a stream."""


def sent(events: list[Any], lines: bool = False) -> str:
    """The text of a stream: server-sent events, or one object per line."""
    if lines:
        return "".join(json.dumps(event) + "\n" for event in events)
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
