"""The four APIs by which clients ask a model, all read as chat completions.

Pure. Finds messages, answer and token counts in requests and responses of /v1/chat/completions, /v1/completions and
/v1/responses (OpenAI) and of /v1/messages (Anthropic), and assembles their streams; llama-server serves all four.
Translates nothing for sending. What it does not know stays in the raw body.
"""

import json
from typing import Any

Record = dict[str, Any]


def messages(request: Any) -> list[Record]:
    """The request's messages as those of a chat completion."""
    if not isinstance(request, dict):
        return []
    if isinstance(request.get("messages"), list):
        system, said = request.get("system"), _dicts(request["messages"])
        return [{"role": "system", "content": system}, *said] if system else said
    if "input" in request:
        given, told = request["input"], request.get("instructions")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else _dicts(given)
        return ([{"role": "system", "content": told}] if told else []) + [_item(i) for i in items]
    prompt = request.get("prompt")
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else []


def choice(response: Any) -> Record:
    """The first choice: `message` and `finish_reason`. Empty if there is none."""
    if not isinstance(response, dict):
        return {}
    choices = _dicts(response.get("choices"))
    if choices:
        first = choices[0]
        text = first.get("text")
        if not isinstance(first.get("message"), dict | None):
            return {}
        return first if text is None else {**first, "message": {"role": "assistant", "content": text}}
    if isinstance(response.get("output"), list):
        why = (response.get("incomplete_details") or {}).get("reason") or response.get("status")
        return {"message": _answer(_dicts(response["output"])), "finish_reason": why}
    if response.get("type") == "message" and isinstance(response.get("content"), list):
        return {"message": _blocks(_dicts(response["content"])), "finish_reason": response.get("stop_reason")}
    return {}


def usage(response: Record) -> Record:
    """Token counts, named as in a chat completion. Empty if there are none."""
    said = response.get("usage")
    if not isinstance(said, dict):
        return {}
    if "input_tokens" not in said:
        return said
    cached = said.get(
        "cache_read_input_tokens", (said.get("input_tokens_details") or {}).get("cached_tokens")
    )
    outside = (said.get("cache_read_input_tokens") or 0) + (said.get("cache_creation_input_tokens") or 0)
    details = {} if cached is None else {"prompt_tokens_details": {"cached_tokens": cached}}
    return {  # Anthropic's input_tokens exclude the cached ones, OpenAI's include them
        "prompt_tokens": said["input_tokens"] + outside,
        "completion_tokens": said.get("output_tokens"),
        **details,
    }


def from_events(events: list[Record]) -> Record | None:
    """The response that typed events (of /v1/responses, /v1/messages) amount to. None for other events."""
    whole: Record | None = None
    for event in events:
        kind = event.get("type") or ""
        index: int = event.get("index") or 0
        if isinstance(event.get("response"), dict):
            whole = {
                **(whole or {}),
                **{k: v for k, v in event["response"].items() if v or k not in (whole or {})},
            }
        elif kind == "message_start":
            whole = dict(event.get("message") or {}, content=[])
        elif whole is None:
            continue
        elif kind == "content_block_start":
            whole["content"].append(dict(event.get("content_block") or {}))
        elif kind == "content_block_delta" and index < len(whole["content"]):
            _grow(whole["content"][index], event.get("delta") or {})
        elif kind == "message_delta":
            whole |= event.get("delta") or {}
            whole["usage"] = {**(whole.get("usage") or {}), **(event.get("usage") or {})}
        elif (
            kind == "response.output_item.done"
        ):  # in case the stream is cut off before the whole response comes
            whole["output"] = [*(whole.get("output") or []), event.get("item") or {}]
    return whole


def _dicts(value: Any) -> list[Record]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _grow(block: Record, delta: Record) -> None:
    for key in ("text", "thinking", "partial_json"):
        if isinstance(delta.get(key), str):
            block[key] = (block.get(key) or "") + delta[key]


def _item(item: Record) -> Record:
    """An item of the `input` of /v1/responses as a message."""
    kind = item.get("type", "message")
    if kind == "function_call_output":
        return {"role": "tool", "content": item.get("output")}
    if kind == "message":
        return {"role": item.get("role"), "content": item.get("content")}
    return {"role": "assistant", **_answer([item])}


def _answer(output: list[Record]) -> Record:
    message: Record = {"role": "assistant", "content": None}
    for item in output:
        kind, parts = item.get("type"), _dicts(item.get("content"))
        if kind == "message":
            said = "".join(p.get("text") or "" for p in parts)
            message["content"] = (message["content"] or "") + said
        elif kind == "reasoning":
            thought = "".join(p.get("text") or "" for p in parts or _dicts(item.get("summary")))
            message["reasoning_content"] = message.get("reasoning_content", "") + thought
        elif kind == "function_call":
            _add_call(message, item.get("call_id") or item.get("id"), item.get("name"), item.get("arguments"))
    return message


def _blocks(content: list[Record]) -> Record:
    message: Record = {"role": "assistant", "content": None}
    for block in content:
        kind = block.get("type")
        if kind == "text":
            message["content"] = (message["content"] or "") + (block.get("text") or "")
        elif kind == "thinking":
            message["reasoning_content"] = message.get("reasoning_content", "") + (
                block.get("thinking") or ""
            )
        elif kind == "tool_use":
            arguments = block.get("partial_json") or json.dumps(block.get("input"), ensure_ascii=False)
            _add_call(message, block.get("id"), block.get("name"), arguments)
    return message


def _add_call(message: Record, id: str | None, name: str | None, arguments: str | None) -> None:
    function = {"name": name or "", "arguments": arguments or ""}
    message.setdefault("tool_calls", []).append({"id": id, "type": "function", "function": function})
