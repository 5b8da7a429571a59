"""OpenAI's Responses API: /v1/responses. Items instead of messages, typed events instead of deltas. Pure.

https://platform.openai.com/docs/api-reference/responses
"""

import re
from typing import Any

from course.turns.dialects import parts
from course.turns.dialects.growing import Growing
from course.turns.dialects.shape import Dialect
from course.turns.reading import Node, Record, record, text
from course.turns.values import Answer, Asked, Message, Reply, ToolCall, ToolResult, as_text

CALLS = (
    "function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"
)  # fmt: skip
RESULTS = ("function_call_output", "custom_tool_call_output")
ENDS = ("response.completed", "response.incomplete", "response.failed")


def ask(request: Node) -> Asked:
    messages: list[Message] = []
    told = request.get("instructions")
    if told:
        said = parts.joined(parts.pieces(request, "instructions").texts)
        given = {"role": "system", "content": told}
        messages.append(Message("system", said, request.at("instructions"), given=given))
    asked = request.get("input")
    if isinstance(asked, str):
        messages.append(Message("user", asked, request.at("input"), given={"role": "user", "content": asked}))
    elif asked is not None:
        messages += request.each("input", _item)
    return Asked(
        messages=tuple(messages),
        tools=parts.tools(request),
        model=request.text("model"),
        limit=parts.limit(request, "max_output_tokens", "max_tokens"),
        streams=request.flag("stream"),
        **parts.tool_choice(request),
        **parts.output_format(request.child("text")),
    )


def _item(item: Node) -> Message:
    """An item of the input. Those that are not messages are read as the messages of a chat that they stand for."""
    kind = item.text("type") or "message"
    if kind in RESULTS or "output" in item:
        output = item.get("output")
        said = (
            as_text(output) if isinstance(output, dict) else parts.joined(parts.pieces(item, "output").texts)
        )
        result = ToolResult(item.text("call_id"), said, item.at("output"))
        given = {"role": "tool", "tool_call_id": result.id, "content": output}
        return Message("tool", said, item.path, results=(result,), given=given)
    if "role" in item or (kind == "message" and "content" in item):
        read = parts.message(item)
        given = {"role": read.role, "content": item.get("content")}
        return Message(read.role, read.text, item.path, read.thinking, read.calls, read.results, given)
    found = _Output([item])
    given = found.message()
    return Message(
        "assistant", found.content or "", item.path, found.thinking, tuple(found.calls), given=given
    )


class _Output:
    """What a list of output items amounts to."""

    def __init__(self, items: list[Node]) -> None:
        self.texts: list[tuple[str, str]] = []
        self.thoughts: list[tuple[str, str]] = []
        self.calls: list[ToolCall] = []
        for item in items:
            kind = item.text("type")
            if kind in CALLS or "arguments" in item:
                self.calls.append(_call(item))
            inner = parts.pieces(item)
            self.calls += inner.calls
            said = [*inner.texts, *inner.thoughts]
            if not said and item.get("summary") is not None:
                summary = parts.pieces(item, "summary")
                self.thoughts += [*summary.texts, *summary.thoughts]
            elif kind == "reasoning":
                self.thoughts += said
            else:
                self.texts += inner.texts
                self.thoughts += inner.thoughts

    @property
    def content(self) -> str | None:
        return parts.joined(self.texts) if self.texts else None

    @property
    def thinking(self) -> str | None:
        return parts.joined(self.thoughts) or None

    def message(self) -> Record:
        """In the shape of a chat completion."""
        result: Record = {"role": "assistant", "content": self.content}
        if self.thoughts:
            result["reasoning_content"] = parts.joined(self.thoughts)
        if self.calls:
            result["tool_calls"] = [parts.as_function(call) for call in self.calls]
        return result


def _call(item: Node) -> ToolCall:
    key = "arguments" if "arguments" in item else "input"
    given = item.get(key)
    if given is not None and not isinstance(given, str):
        item.deviates(key, "text")
    return ToolCall(
        item.text("name") or "",
        "" if given is None else as_text(given),
        item.text("call_id") or item.text("id"),
        where=item.path,
        given=given if isinstance(given, dict) or key == "input" else None,
    )


def reply(response: Node) -> Reply:
    output = list(response.children("output"))
    found = _Output(output)
    why = response.child("incomplete_details").text("reason")
    status = response.text("status")
    finish = why or status
    place = response.child("incomplete_details").at("reason") if why else response.at("status")
    answer = Answer(
        found.content,
        found.thinking,
        tuple(found.calls),
        finish,
        "tool_calls" if found.calls and status == "completed" else parts.ended(finish),
        parts.place(found.texts, "content") if found.texts else response.at("output"),
        parts.place(found.thoughts, "thinking") if found.thoughts else "thinking",
        place,
        response.at("output"),
    )
    is_there = isinstance(response.get("output"), list) and (bool(output) or bool(status))
    return parts.replied(response, answer if is_there else None, found.message())


def assemble(events: list[Node]) -> Record:
    """The response: the last one that an event quotes, with the items of the events before it if those have more text."""
    response: Record = {}
    items: dict[str, _Item] = {}
    last = ""
    for event in events:
        kind = event.text("type") or ""
        if isinstance(event.get("response"), dict):
            quoted = event.child("response").record
            response |= {k: v for k, v in quoted.items() if v or k not in response}
        elif kind == "error":
            response["error"] = event.get("error") or event.record
        elif kind.startswith("response.") or "delta" in event or "item" in event:
            current = items.get(last)
            begins = "item" in event and (
                current is None or bool(current.quoted) or not kind.endswith(".done")
            )
            last = _key(event) or (f"#{len(items)}" if begins else last)
            items.setdefault(last, _Item()).add(kind, event)
        elif kind not in ("ping", "keepalive"):
            event.notes.add(event.path, event.value, "an event of this API")
    built = [item for item in (one.done() for one in items.values()) if item]
    output = response.get("output")
    if _length(built) > _length(output if isinstance(output, list) else []):
        response["output"] = built
    return response


def _key(event: Node) -> str:
    """Which item an event belongs to."""
    index = event.whole("output_index")
    if index is not None:
        return str(index)
    item = event.child("item") if "item" in event else event
    return text(item.get("id" if "item" in event else "item_id")) or ""


class _Item:
    """An output item: as an event quotes it when it is done, or else what the deltas amount to."""

    def __init__(self) -> None:
        self.first: Record = {}
        self.quoted: Record = {}
        self.parts: dict[tuple[str, int], Growing] = {}
        self.arguments = Growing()

    def add(self, kind: str, event: Node) -> None:
        if isinstance(event.get("item"), dict):
            if kind.endswith(".done"):
                self.quoted = event.record["item"]
            else:
                self.first = event.record["item"]
        elif "delta" in event and (said := event.text("delta")) is not None:
            if "arguments" in kind or "input" in kind:
                self.arguments.add("text", said)
            else:
                what = "summary" if "summary" in kind else "reasoning" if "reasoning" in kind else "content"
                at = event.whole("summary_index" if what == "summary" else "content_index") or 0
                self.parts.setdefault((what, at), Growing()).add("text", said)

    def done(self) -> Record:
        built = {k: v for k, v in self.first.items() if k not in ("content", "summary") or v}
        for (what, _), part in self.parts.items():
            kind = {"reasoning": "reasoning_text", "summary": "summary_text"}.get(what, "output_text")
            key = "summary" if what == "summary" else "content"
            built.setdefault("type", "message" if what == "content" else "reasoning")
            before = built.get(key)
            built[key] = [*(before if isinstance(before, list) else []), {"type": kind, **part.done()}]
        if said := self.arguments.text("text"):
            built.setdefault("type", "function_call")
            built["arguments"] = said
        return built if not self.quoted or _length([built]) > _length([self.quoted]) else self.quoted


def _length(items: list[Any]) -> tuple[int, int]:
    """How much items say: the characters of their texts and arguments, and how many there are."""
    total = 0
    for item in items:
        contents = [record(item).get(key) for key in ("content", "summary", "arguments", "input", "name")]
        pieces = [p for c in contents for p in (c if isinstance(c, list) else [c])]
        total += sum(len(text(p.get("text") if isinstance(p, dict) else p) or "") for p in pieces)
    return total, len(items)


DIALECT = Dialect(
    "responses",
    re.compile(r"/responses$"),
    lambda body: "input" in body and "messages" not in body,
    lambda body: isinstance(body.get("output"), list) or body.get("object") == "response",
    lambda event: str(event.get("type")).startswith("response.") or "output" in record(event.get("response")),
    ask,
    reply,
    assemble,
)
