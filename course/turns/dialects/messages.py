"""Anthropic's Messages API: /v1/messages. Content is a list of blocks, and streams send blocks piece by piece. Pure.

https://docs.anthropic.com/en/api/messages
"""

import re

from course.turns.dialects import chat, parts
from course.turns.dialects.growing import Growing
from course.turns.dialects.shape import Dialect
from course.turns.reading import Node, Record, record
from course.turns.values import Answer, Reply, Stop

EVENTS = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
)
TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
BLOCKS = {"text": "text", "thinking": "thinking", "partial_json": "tool_use"}
"""The type of a block by the field that a delta adds to, for a block whose beginning is missing."""


def reply(response: Node) -> Reply:
    found = parts.pieces(response)
    parts.check_ids(found.calls, response.notes)
    finish = response.text("stop_reason")
    is_there = "content" in response or finish is not None
    content = parts.joined(found.texts) if found.texts else None
    thinking = parts.joined(found.thoughts) or None
    message: Record = {"role": "assistant", "content": content}
    if found.thoughts:
        message["reasoning_content"] = parts.joined(found.thoughts)
    if found.calls:
        message["tool_calls"] = [parts.as_function(call) for call in found.calls]
    answer = Answer(
        content,
        thinking,
        tuple(found.calls),
        finish,
        parts.ended(finish),
        parts.place(found.texts, "content") if found.texts else response.at("content"),
        parts.place(found.thoughts, "thinking") if found.thoughts else "thinking",
        response.at("stop_reason"),
        response.at("content"),
        _stop(response, finish),
    )
    return parts.replied(response, answer if is_there else None, message)


def _stop(response: Node, finish: str | None) -> Stop | None:
    """The stop sequence that struck. `end_turn` alone proves nothing: translators write it for every end."""
    if finish in ("stop_sequence", "end_turn") and (word := response.text("stop_sequence")):
        return Stop(word, response.at("stop_sequence"))
    return None


def assemble(events: list[Node]) -> Record:
    """The response that a stream amounts to."""
    response: Record = {}
    blocks: dict[int, Growing] = {}
    for event in events:
        kind = event.text("type") or ""
        if kind == "message_start" or "message" in event:
            response = {
                **event.child("message").record,
                **{k: v for k, v in response.items() if k == "error"},
            }
        elif kind == "message_delta":
            response |= event.child("delta").record
            if event.get("usage") is not None:
                response["usage"] = {**record(response.get("usage")), **event.child("usage").record}
        elif "content_block" in event:
            block = event.child("content_block")
            index = _index(event, len(blocks))
            blocks[index if index not in blocks else max(blocks) + 1] = Growing(block.record)
        elif "delta" in event:
            _add(blocks, event)
        elif kind == "error" or event.get("error") is not None:
            response["error"] = event.get("error") or event.record
        elif kind not in ("content_block_stop", "message_stop", "ping"):
            event.notes.add(event.path, event.value, "an event of this API")
    if blocks or response:
        response.setdefault("type", "message")
        quoted = response.get("content")
        response["content"] = [
            *(quoted if isinstance(quoted, list) else []),
            *(b.done() for b in blocks.values()),
        ]
    return response


def _index(event: Node, otherwise: int) -> int:
    """The block that an event is about."""
    found = event.whole("index")
    if "index" in event and event.get("index") is None:
        event.deviates("index", "a whole number")
    return otherwise if found is None else found


def _add(blocks: dict[int, Growing], event: Node) -> None:
    """Add a piece to its block, or to the last one if it does not say to which."""
    delta = event.child("delta")
    index = _index(event, next(reversed(blocks), 0))
    if index not in blocks and blocks and event.get("index") is None:
        index = next(reversed(blocks))
    key = next((k for k in ("text", "thinking", "partial_json") if k in delta), None)
    key = key or TEXTS.get(delta.text("type") or "")
    if key is None:  # signatures and citations
        return
    said = delta.text(key)
    if said is None:
        return
    if index not in blocks:
        event.notes.add(event.at("index"), event.get("index"), "the index of a block that has begun")
        blocks[index] = Growing({"type": BLOCKS[key]})
    blocks[index].add(key, said)


DIALECT = Dialect(
    "messages",
    re.compile(r"/messages$"),
    lambda body: "messages" in body and "system" in body,
    lambda body: body.get("type") == "message" and "choices" not in body,
    lambda event: event.get("type") in EVENTS or "content_block" in event,
    chat.ask,
    reply,
    assemble,
)
