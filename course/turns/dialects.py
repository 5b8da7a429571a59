"""The four APIs through which clients call a model, all read as chat completions.

Pure. Finds messages, answer and token counts in requests and responses of /v1/chat/completions, /v1/completions and
/v1/responses (OpenAI) and of /v1/messages (Anthropic), and assembles their streams; llama-server serves all four.
It only reads: nothing is translated for sending. What it does not recognize stays in the raw body.
"""

import json
from typing import Any

Record = dict[str, Any]


def messages(request: Any) -> list[Record]:
    """The request's messages as those of a chat completion."""
    if not isinstance(request, dict):
        return []
    if isinstance(request.get("messages"), list):
        system, said = request.get("system"), [_sound(m) for m in dicts(request["messages"])]
        return [{"role": "system", "content": system}, *said] if system else said
    if "input" in request:
        given, told = request["input"], request.get("instructions")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else dicts(given)
        return ([{"role": "system", "content": told}] if told else []) + [_item(i) for i in items]
    prompt = request.get("prompt")
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else []


def choice(response: Any) -> Record:
    """The first choice: `message`, an object, and `finish_reason`, a text or None. Empty if there is none."""
    if not isinstance(response, dict):
        return {}
    choices = dicts(response.get("choices"))
    if choices:
        first = choices[0]
        said, message = text(first.get("text")), first.get("message")
        if not isinstance(message, dict | None):
            return {}
        message = _sound(message or {}) if said is None else {"role": "assistant", "content": said}
        return {**first, "message": message, "finish_reason": text(first.get("finish_reason"))}
    if isinstance(response.get("output"), list):
        why = record(response.get("incomplete_details")).get("reason") or response.get("status")
        return {"message": _answer(dicts(response["output"])), "finish_reason": text(why)}
    if response.get("type") == "message" and isinstance(response.get("content"), list):
        why = response.get("stop_reason")
        return {"message": _blocks(dicts(response["content"])), "finish_reason": text(why)}
    return {}


def usage(response: Record) -> dict[str, int]:
    """Token counts: `prompt`, `cached` and `generated`, as far as the response reports them."""
    said = record(response.get("usage"))
    if "input_tokens" not in said:
        cached = record(said.get("prompt_tokens_details")).get("cached_tokens")
        return _counts(
            prompt=said.get("prompt_tokens"), cached=cached, generated=said.get("completion_tokens")
        )
    read, written = count(said.get("cache_read_input_tokens")), count(said.get("cache_creation_input_tokens"))
    within = record(said.get("input_tokens_details")).get("cached_tokens")
    prompt = count(said["input_tokens"])
    if prompt is not None:  # Anthropic's input_tokens exclude the cached ones, OpenAI's include them
        prompt += (read or 0) + (written or 0)
    cached = within if read is None else read
    return _counts(prompt=prompt, cached=cached, generated=said.get("output_tokens"))


def from_events(events: list[Record]) -> Record | None:
    """The response that typed events (of /v1/responses, /v1/messages) amount to. None for other events."""
    whole: Record | None = None
    blocks: list[Record] = []
    for event in events:
        kind = event.get("type") or ""
        if isinstance(event.get("response"), dict):
            before = whole or {}
            whole = {**before, **{k: v for k, v in event["response"].items() if v or k not in before}}
        elif kind == "message_start":
            blocks = []
            whole = {**record(event.get("message")), "content": blocks}
        elif whole is None:
            continue
        elif kind == "content_block_start":
            blocks.append(dict(record(event.get("content_block"))))
        elif kind == "content_block_delta":
            index = count(event.get("index")) or 0
            if 0 <= index < len(blocks):
                _grow(blocks[index], record(event.get("delta")))
        elif kind == "message_delta":
            whole |= record(event.get("delta"))
            whole["usage"] = {**record(whole.get("usage")), **record(event.get("usage"))}
        elif kind == "error":
            whole["error"] = event.get("error") or event
        elif kind == "response.output_item.done":  # for a stream that is cut off before its end
            whole["output"] = [*dicts(whole.get("output")), record(event.get("item"))]
    return whole


def record(value: Any) -> Record:
    """An object from the wire; empty if it is something else."""
    return value if isinstance(value, dict) else {}


def dicts(value: Any) -> list[Record]:
    """The objects in a list from the wire; empty if it is something else."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A text from the wire; None if it is something else."""
    return value if isinstance(value, str) else None


def count(value: Any) -> int | None:
    """A whole number from the wire; None if it is something else."""
    return int(value) if type(value) in (int, float) and value == value // 1 else None


def _counts(**given: Any) -> dict[str, int]:
    return {name: n for name, value in given.items() if (n := count(value)) is not None}


def _sound(message: Record) -> Record:
    """A message whose role is a text and whose `tool_calls`, if any, are objects with a function, as readers expect."""
    sound = (
        message if isinstance(message.get("role"), str | None) else {**message, "role": str(message["role"])}
    )
    if "tool_calls" not in message:
        return sound
    calls = [{**call, "function": record(call.get("function"))} for call in dicts(message["tool_calls"])]
    return sound if calls == message["tool_calls"] else {**sound, "tool_calls": calls}


def _grow(block: Record, delta: Record) -> None:
    for key in ("text", "thinking", "partial_json"):
        if isinstance(delta.get(key), str):
            block[key] = (text(block.get(key)) or "") + delta[key]


def _item(item: Record) -> Record:
    """An item of the `input` of /v1/responses as a message."""
    kind = item.get("type", "message")
    if kind == "function_call_output":
        return {"role": "tool", "content": item.get("output")}
    if kind == "message":
        return _sound({"role": item.get("role"), "content": item.get("content")})
    return {"role": "assistant", **_answer([item])}


def _answer(output: list[Record]) -> Record:
    message: Record = {"role": "assistant", "content": None}
    for item in output:
        kind, parts = item.get("type"), dicts(item.get("content"))
        if kind == "message":
            message["content"] = (message["content"] or "") + _joined(parts)
        elif kind == "reasoning":
            thought = _joined(parts or dicts(item.get("summary")))
            message["reasoning_content"] = message.get("reasoning_content", "") + thought
        elif kind == "function_call":
            _add_call(message, item.get("call_id") or item.get("id"), item.get("name"), item.get("arguments"))
    return message


def _joined(parts: list[Record]) -> str:
    return "".join(text(p.get("text")) or "" for p in parts)


def _blocks(content: list[Record]) -> Record:
    message: Record = {"role": "assistant", "content": None}
    for block in content:
        kind = block.get("type")
        if kind == "text":
            message["content"] = (message["content"] or "") + (text(block.get("text")) or "")
        elif kind == "thinking":
            thought = text(block.get("thinking")) or ""
            message["reasoning_content"] = message.get("reasoning_content", "") + thought
        elif kind == "tool_use":
            arguments = block.get("partial_json") or json.dumps(block.get("input"), ensure_ascii=False)
            _add_call(message, block.get("id"), block.get("name"), arguments)
    return message


def _add_call(message: Record, id: Any, name: Any, arguments: Any) -> None:
    function = {"name": text(name) or "", "arguments": arguments or ""}
    message.setdefault("tool_calls", []).append({"id": id, "type": "function", "function": function})
