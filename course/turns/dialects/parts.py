"""What the APIs have in common: contents of several parts, tool calls, thinking under its many names. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from course.turns.reading import Node, Notes, Record, number, record, text
from course.turns.values import (
    Answer,
    Limit,
    Message,
    Reply,
    Stop,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    as_text,
)

THINKING = ("reasoning_content", "reasoning", "thinking")
"""Where servers put thinking: llama-server and DeepSeek; vLLM, Ollama and OpenRouter; Ollama's own API."""
THOUGHTS = ("thinking", "reasoning", "reasoning_text", "summary_text", "redacted_thinking")
"""Types of parts that hold thinking."""
TEXTS = ("text", "refusal", "input_text", "output_text")
"""Fields of parts that hold text."""
MARK = "cache_control"
"""Anthropic's mark for the end of what should be cached."""
LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "n_predict", "num_predict")
ENDED = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "completed": "stop",
    "word": "stop", "complete": "stop",
    "length": "length", "max_tokens": "length", "max_output_tokens": "length", "limit": "length",
    "model_context_window_exceeded": "length", "model_length": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "filter", "refusal": "filter", "safety": "filter", "recitation": "filter", "sensitive": "filter",
    "prohibited_content": "filter", "blocklist": "filter", "spii": "filter", "guardrail_intervened": "filter",
    "error": "error", "failed": "error", "malformed_function_call": "error", "abort": "error", "network_error": "error",
    "insufficient_system_resource": "error",
}  # fmt: skip
"""Servers' words for why an answer ended, in one vocabulary: vLLM's abort, Z.ai's network_error and sensitive, DeepSeek's
insufficient_system_resource, Gemini's prohibited_content, blocklist and spii, Bedrock's guardrail_intervened, and so on."""
NOT_SCHEMAS = ("text", "grammar")
"""Types of a `format` in the Responses API that ask for no JSON. Ollama has a JSON schema in a field of that name."""


@dataclass
class Pieces:
    """The parts of a content, with the paths of its texts."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    thoughts: list[tuple[str, str]] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.thoughts or self.calls or self.results)


def pieces(node: Node, key: str = "content") -> Pieces:
    """The parts of a content: a text, a list of texts and objects, or nothing. Anything else is kept as its JSON."""
    found, value, where = Pieces(), node.get(key), node.at(key)
    if isinstance(value, str):
        found.texts.append((value, where))
    elif isinstance(value, list):
        for n, part in enumerate(value):
            if isinstance(part, dict):
                _part(Node(part, f"{where}[{n}]", node.notes), found)
            elif isinstance(part, str):
                found.texts.append((part, f"{where}[{n}]"))
            else:
                node.notes.add(f"{where}[{n}]", part, "an object")
    elif value is not None:
        node.deviates(key, "text or a list of parts")
        found.texts.append((as_text(value), where))
    return found


def _part(part: Node, found: Pieces) -> None:
    """One part, by its type or, where that is odd, by its fields."""
    kind = part.text("type") or ""
    before = len(found.texts) + len(found.thoughts) + len(found.calls)
    if kind == "tool_result" or "tool_use_id" in part:
        inner = joined(pieces(part).texts)
        found.results.append(
            ToolResult(part.text("tool_use_id"), inner, part.at("content"), part.flag("is_error") or False)
        )
        found.texts.append((inner, part.at("content")))
    if (
        kind in ("tool_use", "server_tool_use")
        or "partial_json" in part
        or ("name" in part and "input" in part)
    ):
        found.calls.append(tool_use(part))
    if "thinking" in part:
        inside = pieces(part, "thinking")  # Mistral has a list of parts here
        found.thoughts += [*inside.texts, *inside.thoughts]
    for key in TEXTS:
        if part.get(key) is not None and (said := part.text(key)) is not None:
            (found.thoughts if kind in THOUGHTS else found.texts).append((said, part.at(key)))
    if before == len(found.texts) + len(found.thoughts) + len(found.calls):
        found.texts.append((f"[{kind or 'part'}]", part.path))


def tool_use(part: Node) -> ToolCall:
    """A call as Anthropic's API has it: `input` is an object, or `partial_json` what came of it in a stream."""
    streamed = part.text("partial_json")
    given = part.get("input")
    if streamed:
        return ToolCall(part.text("name") or "", streamed, part.text("id"), where=part.path)
    if given is not None and not isinstance(given, dict | str):
        part.deviates("input", "an object")
    return ToolCall(
        part.text("name") or "",
        "" if given is None else as_text(given),
        part.text("id"),
        where=part.path,
        given=given if isinstance(given, dict) else None,
    )


def function_call(node: Node, object_is_fine: bool = False) -> ToolCall:
    """A call as chat completions have it: {"id", "function": {"name", "arguments"}}; flat ones are read as well."""
    inner = node.child("function") if "function" in node else node
    given = inner.get("arguments")
    if given is not None and not isinstance(given, str) and not (object_is_fine and isinstance(given, dict)):
        inner.deviates("arguments", "an object" if object_is_fine else "text")
    return ToolCall(
        inner.text("name") or "",
        "" if given is None else as_text(given),
        node.text("id"),
        where=node.path,
        given=given if isinstance(given, dict) else None,
    )


def function_calls(node: Node, object_is_fine: bool = False) -> list[ToolCall]:
    """The calls of a message, and the one in the older field `function_call`."""
    calls = [function_call(call, object_is_fine) for call in node.children("tool_calls")]
    if node.get("function_call") is not None:
        old = node.child("function_call")
        calls += [function_call(old)] if old.record else []
    return calls


def check_ids(calls: list[ToolCall], notes: Notes) -> None:
    """Note each call whose id an earlier call of the same answer has: a client cannot tell their results apart."""
    seen: set[str] = set()
    for call in calls:
        if call.id and call.id in seen:
            notes.add(f"{call.where}.id", call.id, "an id of its own")
        seen.add(call.id or "")


def thoughts(node: Node) -> list[tuple[str, str]]:
    """The thinking of a message, with its paths. What servers send under two names counts once."""
    found: list[tuple[str, str]] = []
    for key in THINKING:
        if node.get(key) is not None and (said := node.text(key)):
            found.append((said, node.at(key)))
    if node.get("reasoning_details") is not None:
        details = [
            (said, one.at(key))
            for one in node.children("reasoning_details")
            for key in ("text", "summary")
            if (said := one.text(key))
        ]
        if joined(details):
            found.append((joined(details), details[0][1] if len(details) == 1 else "thinking"))
    kept: list[tuple[str, str]] = []
    for said, where in found:
        if not any(said in other for other, _ in kept):
            kept.append((said, where))
    return kept


def joined(texts: list[tuple[str, str]]) -> str:
    return "".join(said for said, _ in texts)


def place(texts: list[tuple[str, str]], otherwise: str) -> str:
    """The path of a text, if it came from one place."""
    said = [where for text, where in texts if text] or [where for _, where in texts]
    return said[0] if len(said) == 1 else otherwise


def ended(finish: str | None) -> str | None:
    return ENDED.get(finish.lower()) if finish else None


def stop(*nodes: Node) -> Stop | None:
    """How the model stopped, in a choice of vLLM (stop_reason) or SGLang (matched_stop), or as llama-server says it.

    vLLM: the stop sequence, the number of a token that ends a turn, or null for the end-of-sequence token. What proxies
    put there, a word for the end such as end_turn, says nothing more than `finish`. A sequence in one place counts more
    than "none" in another.
    """
    said = [one for node in nodes for one in _stops(node)]
    return next((one for one in said if one.word), said[0] if said else None)


def _stops(node: Node) -> Iterator[Stop]:
    for key in ("stop_reason", "matched_stop"):
        value = node.get(key)
        if key in node and (value is None or type(value) in (int, str)) and ended(text(value)) is None:
            yield Stop(text(value) or None, node.at(key))
    kind = node.get("stop_type")
    if kind == "word" and (word := text(node.get("stopping_word"))):
        yield Stop(word, node.at("stopping_word"))
    elif isinstance(kind, str) and kind not in ("none", "word"):
        yield Stop(None, node.at("stop_type"))


def message(node: Node) -> Message:
    """A message of a chat, also with the parts of Anthropic's API."""
    value = node.get("role")
    role = node.text("role") or ("user" if value is None else str(as_text(value)))
    parts = pieces(node)
    calls = [*parts.calls, *(function_calls(node, object_is_fine=True) if _has_calls(node) else ())]
    results = parts.results
    if role in ("tool", "function"):
        text_ = joined(parts.texts)
        results = [*results, ToolResult(node.text("tool_call_id"), text_, node.at("content"))]
    thought = [*thoughts(node), *parts.thoughts]
    return Message(
        role,
        joined(parts.texts),
        node.path,
        joined(thought) or None,
        tuple(calls),
        tuple(results),
        unmarked(sound(node.record, calls) if "tool_calls" in node or role != value else node.record),
    )


def unmarked(given: Record) -> Record:
    """A message without its marks for the cache, which clients move to the newest message with each request."""
    content = given.get("content")
    if not isinstance(content, list) or not any(isinstance(p, dict) and MARK in p for p in content):
        return given if MARK not in given else {k: v for k, v in given.items() if k != MARK}
    plain = [{k: v for k, v in p.items() if k != MARK} if isinstance(p, dict) else p for p in content]
    return {**{k: v for k, v in given.items() if k != MARK}, "content": plain}


def _has_calls(node: Node) -> bool:
    return node.get("tool_calls") is not None or node.get("function_call") is not None


def sound(given: Record, calls: list[ToolCall]) -> Record:
    """A message as it came; if its role or its calls have the wrong type, with those that could be read."""
    result = given
    role = given.get("role")
    if role is not None and not isinstance(role, str):
        result = {**result, "role": as_text(role)}
    if "tool_calls" in given and not _are_calls(given["tool_calls"]):
        result = {**result, "tool_calls": [as_function(call) for call in calls]}
    return result


def _are_calls(value: Any) -> bool:
    return value is None or (
        isinstance(value, list)
        and all(isinstance(call, dict) and isinstance(call.get("function"), dict) for call in value)
    )


def as_function(call: ToolCall) -> Record:
    """A call in the shape of a chat completion."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}


def limit(node: Node, *keys: str) -> Limit | None:
    """The first limit that the request sets. Zero and less mean that there is none."""
    for key in keys or LIMITS:
        if (tokens := node.whole(key)) is not None and tokens > 0:
            return Limit(tokens, node.at(key))
    return None


def texts(node: Node, *keys: str) -> tuple[str, ...]:
    """The texts of the first field that has any: one text or a list of them."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list):
            return tuple(item for item in value if isinstance(item, str))
    return ()


def tools(node: Node, key: str = "tools") -> tuple[Tool, ...]:
    """The tools that a request offers, in any of the APIs' shapes."""
    return tuple(node.each(key, _tool)) if node.get(key) is not None else ()


def _tool(tool: Node) -> Tool:
    inner = tool.child("function") if isinstance(tool.get("function"), dict) else tool
    schema = next((s for k in ("parameters", "input_schema") if (s := record(inner.get(k)))), {})
    return Tool(inner.text("name") or "", schema, tool.path, tool.record)


def tool_choice(node: Node) -> dict[str, Any]:
    """The fields of `Asked` about which tool must be called."""
    value = node.get("tool_choice")
    if value is None:
        return {}
    at = {"tool_choice_at": node.at("tool_choice")}
    if isinstance(value, str):
        said = {"any": "required"}.get(value, value)
        return {**at, "tool_choice": said} if said in ("auto", "none", "required") else {}
    choice = node.child("tool_choice")
    kind, inner = choice.text("type"), choice.child("function") if "function" in choice else choice
    if name := inner.text("name"):
        return {**at, "tool_choice": "named", "tool_named": name}
    known = {"any": "required", "auto": "auto", "none": "none", "required": "required"}.get(kind or "")
    return {**at, "tool_choice": known} if known else {}


def output_format(node: Node) -> dict[str, Any]:
    """The fields of `Asked` about the form of the output: response_format, or llama-server's json_schema and grammar."""
    for key in ("response_format", "format"):
        value = node.get(key)
        if isinstance(value, dict) and (kind := text(value.get("type"))) in ("json_object", "json_schema"):
            inner = record(value.get("json_schema")) or value
            return {"format": kind, "format_at": node.at(key), "schema": record(inner.get("schema"))}
        if key == "format" and value == "json":  # Ollama's
            return {"format": "json_object", "format_at": node.at(key)}
        if key == "format" and record(value) and text(value.get("type")) not in NOT_SCHEMAS:
            return {"format": "json_schema", "format_at": node.at(key), "schema": value}
    if schema := record(node.get("json_schema")):
        return {"format": "json_schema", "format_at": node.at("json_schema"), "schema": schema}
    if text(node.get("grammar")):
        return {"format": "grammar", "format_at": node.at("grammar")}
    return {}


def replied(response: Node, answer: Answer | None, message: Record) -> Reply:
    """The reply of an API whose response is one answer. None if it has none."""
    return Reply(
        (answer,) if answer else (),
        usage(response),
        timings(response),
        None,
        response.text("model"),
        response.text("id"),
        message=message if answer else {},
    )


def usage(node: Node) -> Usage:
    """OpenAI's and Anthropic's `usage`. Anthropic's input_tokens exclude the cached ones, OpenAI's include them."""
    said = node.child("usage")
    if "input_tokens" not in said and "output_tokens" not in said:
        details = said.child("prompt_tokens_details")
        return Usage(
            said.count("prompt_tokens"),
            details.count("cached_tokens"),
            said.count("completion_tokens"),
            said.child("completion_tokens_details").count("reasoning_tokens"),
            said.at("prompt_tokens"),
            details.at("cached_tokens"),
            said.at("completion_tokens"),
        )
    read, written = said.count("cache_read_input_tokens"), said.count("cache_creation_input_tokens")
    details = said.child("input_tokens_details")
    within, prompt = details.count("cached_tokens"), said.count("input_tokens")
    if prompt is not None:
        prompt += (read or 0) + (written or 0)
    cached_at = details.at("cached_tokens") if read is None else said.at("cache_read_input_tokens")
    return Usage(
        prompt,
        within if read is None else read,
        said.count("output_tokens"),
        said.child("output_tokens_details").count("reasoning_tokens"),
        said.at("input_tokens"),
        cached_at,
        said.at("output_tokens"),
    )


def timings(node: Node) -> dict[str, float]:
    """llama.cpp's timings: those of its fields that are numbers."""
    said = node.child("timings")
    found: dict[str, float] = {}
    for key, value in said.record.items():
        if (given := number(value)) is not None and given >= 0:
            found[key] = given
        elif value is not None and (key.endswith(("_n", "_ms")) or type(value) in (int, float)):
            said.deviates(key, "a number from 0")
    return found
