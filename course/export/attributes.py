"""One exchange as the attributes that OpenInference defines for a call to a model. Pure.

The names are those of https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md (August 2026). Lists
are flattened: `llm.input_messages.0.message.role`. Values are texts, whole numbers and truth values; those that are unknown
are left out. Reads any body, however odd, and never fails.
"""

import json
from typing import Any

from course.turns import Exchange, Record, Turn
from course.turns.reading import record, text, whole
from course.turns.values import Answer, Message, ToolCall, as_text

Attributes = dict[str, Any]

NOT_PARAMETERS = {"messages", "input", "prompt", "tools", "system", "instructions", "functions"}
"""Fields of a request that have attributes of their own."""
SYSTEMS = {"messages": "anthropic", "Ollama": "ollama", "completion": "llama.cpp"}
"""Dialect → `llm.system`. The others are OpenAI's."""
JSON, TEXT = "application/json", "text/plain"
TEXTS = ("text", "input_text", "output_text", "refusal")
THOUGHTS = ("thinking", "reasoning", "reasoning_text", "summary_text", "redacted_thinking")


def of_call(turn: Turn, exchange: Exchange) -> Attributes:
    """The attributes of a call to a model."""
    request, asked, reply = record(exchange.request), exchange.asked, exchange.reply
    found: Attributes = {
        "openinference.span.kind": "LLM",
        "llm.system": SYSTEMS.get(exchange.dialect or "", "openai"),
        "llm.model_name": reply.model or asked.model,
        "llm.invocation_parameters": as_json({k: v for k, v in request.items() if k not in NOT_PARAMETERS}),
        "llm.finish_reason": turn.finish_reason,
        **bodies(exchange),
        **_tokens(turn, exchange),
    }
    if asked.model and reply.model and asked.model != reply.model:
        found |= {"llm.request.model_name": asked.model, "llm.response.model_name": reply.model}
    if "prompt" in request and "messages" not in request:
        found |= listed("llm.prompts", [{"prompt.text": m.text} for m in asked.messages])
        found |= listed("llm.choices", [{"completion.text": a.content} for a in reply.answers])
    else:
        found |= listed("llm.input_messages", [one for m in asked.messages for one in sent(m)])
        found |= listed("llm.output_messages", [came(a) for a in reply.answers])
    tools = request.get("tools") or request.get("functions")
    found |= listed("llm.tools", [{"tool.json_schema": as_json(tool)} for tool in _list(tools)])
    return {k: v for k, v in found.items() if v is not None}


def of_request(exchange: Exchange) -> Attributes:
    """The attributes of a request that does not call a model, such as GET /v1/models."""
    return {"openinference.span.kind": "CHAIN", **bodies(exchange)}


def bodies(exchange: Exchange) -> Attributes:
    """Request and response as texts. A stream is the response that its events amount to."""
    found: Attributes = {}
    if exchange.raw_request:
        found |= value("input", exchange.raw_request, JSON if _is_json(exchange.request) else TEXT)
    if exchange.streamed and isinstance(exchange.response, dict) and exchange.response:
        found |= value("output", as_json(exchange.response), JSON)
    elif exchange.raw_response:
        found |= value("output", exchange.raw_response, JSON if _is_json(exchange.response) else TEXT)
    return found


def value(side: str, text: str, mime: str) -> Attributes:
    """`input.value` or `output.value` with its type."""
    return {f"{side}.value": text, f"{side}.mime_type": mime}


def sent(message: Message) -> list[Attributes]:
    """A message of a request. Results of tools that are parts of it (Anthropic's API) become messages of their own."""
    content, role = message.given.get("content"), message.role
    parts = [p for p in _list(content) if record(p).get("type") not in ("tool_use", "tool_result")]
    found: list[Attributes] = []
    if role not in ("tool", "function"):
        for result in message.results:
            about = {
                "message.role": "tool",
                "message.tool_call_id": result.id,
                "message.content": result.text,
            }
            found.append(about)
        if found and not parts and not message.calls:
            return found
    about = {"message.role": role, "message.name": text(message.given.get("name"))}
    if role in ("tool", "function") and message.results:
        about["message.tool_call_id"] = message.results[-1].id
    thinking = message.thinking if not any(record(p).get("type") in THOUGHTS for p in parts) else None
    made = _reasoning(thinking) + [_part(p) for p in parts]
    if not isinstance(content, list) and message.text:
        if made:
            made.append({"message_content.type": "text", "message_content.text": message.text})
        else:
            about["message.content"] = message.text
    return [*found, about | listed("message.contents", made) | _calls(message.calls)]


def came(answer: Answer) -> Attributes:
    """An answer of the model as a message. Thinking comes first, as a part of its own."""
    about: Attributes = {"message.role": "assistant"}
    parts = _reasoning(answer.thinking)
    if not parts:
        about["message.content"] = answer.content
    elif answer.content:
        parts.append({"message_content.type": "text", "message_content.text": answer.content})
    return about | listed("message.contents", parts) | _calls(answer.calls)


def results(exchange: Exchange) -> dict[str, str]:
    """The results of tools that a request brings back: id of the call → text."""
    return {r.id: r.text for m in exchange.asked.messages for r in m.results if r.id}


def listed(prefix: str, items: list[Attributes]) -> Attributes:
    """A list of attributes, flattened."""
    return {f"{prefix}.{n}.{k}": v for n, item in enumerate(items) for k, v in item.items() if v is not None}


def as_json(value: Any) -> str:
    """A value of any nesting as JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(type(value))


def _reasoning(thinking: str | None) -> list[Attributes]:
    return [{"message_content.type": "reasoning", "message_content.text": thinking}] if thinking else []


def _part(part: Any) -> Attributes:
    """One part of a content. A type that OpenInference does not know keeps its name, with its JSON as the text."""
    given = record(part)
    kind = text(given.get("type")) or "text"
    said = next((value for key in ("text", "refusal") if (value := text(given.get(key))) is not None), None)
    if kind in THOUGHTS:
        return {
            "message_content.type": "reasoning",
            "message_content.text": text(given.get("thinking")) or said,
            "message_content.signature": text(given.get("signature")),
            "message_content.data": text(given.get("data")),
        }
    if kind in TEXTS and said is not None:
        return {"message_content.type": "text", "message_content.text": said}
    if (url := _image(given)) is not None:
        return {"message_content.type": "image", "message_content.image.image.url": url}
    return {"message_content.type": kind, "message_content.text": as_text(part)}


def _image(part: Record) -> str | None:
    """The address of an image, or its bytes as a data: address, in OpenAI's and Anthropic's shapes."""
    given = part.get("image_url")
    if url := text(given) or text(record(given).get("url")):
        return url
    source = record(part.get("source")) if part.get("type") == "image" else {}
    if data := text(source.get("data")):
        return f"data:{text(source.get('media_type')) or 'image/png'};base64,{data}"
    return text(source.get("url"))


def _calls(calls: tuple[ToolCall, ...]) -> Attributes:
    made = [
        {
            "tool_call.id": call.id,
            "tool_call.function.name": call.name,
            "tool_call.function.arguments": call.text,
        }
        for call in calls
    ]
    return listed("message.tool_calls", made)


def _tokens(turn: Turn, exchange: Exchange) -> Attributes:
    """Token counts. The prompt's include the cached ones."""
    prompt, generated = turn.tokens.prompt, turn.tokens.generated
    usage = record(record(exchange.response).get("usage"))
    return {
        "llm.token_count.prompt": prompt,
        "llm.token_count.completion": generated,
        "llm.token_count.total": None if prompt is None or generated is None else prompt + generated,
        "llm.token_count.prompt_details.cache_read": turn.tokens.cached,
        "llm.token_count.prompt_details.cache_write": whole(usage.get("cache_creation_input_tokens")),
        "llm.token_count.completion_details.reasoning": exchange.reply.usage.thinking,
    }


def _is_json(value: Any) -> bool:
    return isinstance(value, dict | list)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
