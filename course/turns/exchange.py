"""One exchange from the tape: the request and the response, parsed.

Pure. A streamed response is assembled into the shape of one that was not streamed, and other APIs are read as chat
completions (dialects.py). Nothing is left out: the raw text is kept next to what was parsed. Knows nothing about agents.
"""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from course.turns import dialects

Record = dict[str, Any]

CALL = re.compile(r"/(?:completions?|responses|messages|api/chat|api/generate)$")
LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line on the wire (server-sent events, WHATWG HTML 9.2.6). `str.splitlines` also splits at U+2028, U+2029,
U+0085, form feed and others, which JSON may hold unescaped.
"""


@dataclass(frozen=True)
class Exchange:
    """One request and its response. `request` and `response` are parsed JSON, or text if they are not JSON.

    A response with `streamed` set was assembled from its events; `raw_response` keeps the text as it came. `started`
    is epoch time, `seconds` the whole exchange, `chunks` the response's [milliseconds, bytes]. `status` is 0 if no
    response came, and `error` says why the exchange broke off.
    """

    id: int | None
    method: str
    url: str
    status: int
    request: Any
    response: Any
    started: float | None
    seconds: float | None
    streamed: bool = False
    error: str | None = None
    chunks: list[list[float]] = field(default_factory=list)
    raw_request: str = ""
    raw_response: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def messages(self) -> list[Record]:
        """The request's messages as those of a chat completion, whatever API it is for."""
        return dialects.messages(self.request)

    @cached_property
    def choice(self) -> Record:
        """The first choice of the response: `message` and `finish_reason`. Empty if there is none."""
        return dialects.choice(self.response)

    @property
    def is_call(self) -> bool:
        """Whether it asks the model for an answer, judging by its address and the response."""
        return self.method == "POST" and bool(self.choice or CALL.search(urlsplit(self.url).path.rstrip("/")))

    @property
    def message(self) -> Record:
        """The message that the model sent back. Empty if there is none."""
        return dialects.record(self.choice.get("message"))

    @property
    def response_id(self) -> str | None:
        return dialects.text(dialects.record(self.response).get("id"))


def exchanges(entries: Iterable[Record]) -> list[Exchange]:
    """The exchanges among the records of a tape, or of a HAR file's entries."""
    return [exchange_of(e) for e in entries if e.get("_type", "entry") == "entry"]


def assemble(sse: str) -> Record:
    """The response that a stream of server-sent events amounts to. An event that was cut off is ignored."""
    events = _events(sse)
    if typed := dialects.from_events(events):
        return typed
    result: Record = {}
    choices: dict[int, Record] = {}
    for event in events:
        for choice in dialects.dicts(event.pop("choices", None)):
            _add_delta(choices, choice)
        result |= {k: v for k, v in event.items() if v is not None}
    if choices:
        result["choices"] = [choices[i] for i in sorted(choices)]
        result["object"] = "chat.completion"
    for choice in choices.values():
        for call in choice["message"].get("tool_calls") or []:
            del call["index"]  # only streams have it
    return result


def _events(sse: str) -> list[Record]:
    """The JSON objects of the stream, one per line, and those of llama-server's `error:` lines."""
    events = []
    for line in LINE_END.split(sse):
        _, is_field, data = line.partition(":")
        if not is_field or not line.startswith(("data", "error")) or data.strip() == "[DONE]":
            continue
        try:
            event = json.loads(data)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append({"error": event} if line.startswith("error") else event)
    return events


def text_of(message: Record) -> str:
    """A message's content as text. Parts are joined without a separator, as llama-server's templates join them."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(_part(p) if isinstance(p, dict) else str(p) for p in content)
    return content if isinstance(content, str) else "" if content is None else json.dumps(content)


def _part(part: Record) -> str:
    if part.get("type") == "tool_result":
        return text_of(part)
    text = dialects.text(part.get("text", part.get("thinking")))
    return f"[{part.get('type')}]" if text is None else text


def _add_delta(choices: dict[int, Record], choice: Record) -> None:
    given, delta = choice.get("index"), choice.get("delta")
    index = given if isinstance(given, int) else 0
    whole = choices.setdefault(index, {"index": index, "message": {}, "finish_reason": None})
    whole["finish_reason"] = choice.get("finish_reason") or whole["finish_reason"]
    if isinstance(choice.get("text"), str):
        whole["text"] = whole.get("text", "") + choice["text"]
    for key, value in (delta if isinstance(delta, dict) else {}).items():
        message = whole["message"]
        if key == "tool_calls":
            for call in dialects.dicts(value):
                _add_call(message.setdefault("tool_calls", []), call)
        elif isinstance(value, str) and key != "role":
            before = message.get(key)
            message[key] = (before if isinstance(before, str) else "") + value
        elif value is not None or key not in message:
            message[key] = value


def _add_call(calls: list[Record], delta: Record) -> None:
    """Add a piece to the call with its index. Servers also send null, or one index with several ids: each is a call."""
    index, id, given = delta.get("index"), delta.get("id"), delta.get("function")
    same = [c for c in calls if index is None or c["index"] == index]
    if not same or (id and same[-1].get("id") not in (None, id)):
        same = [{"index": index, "type": "function", "function": {"name": "", "arguments": ""}}]
        calls += same
    call = same[-1]
    call |= {k: v for k, v in delta.items() if k in ("id", "type") and v}
    for key in ("name", "arguments"):
        piece = given.get(key) if isinstance(given, dict) else None
        if piece is not None:
            call["function"][key] += (
                piece if isinstance(piece, str) else json.dumps(piece, ensure_ascii=False)
            )


def exchange_of(entry: Record) -> Exchange:
    """A HAR entry as an `Exchange`."""
    request, response = entry.get("request") or {}, entry.get("response") or {}
    post, content = request.get("postData") or {}, response.get("content") or {}
    raw_request = _decoded(post.get("text"), post.get("_encoding"))
    raw_response = _decoded(content.get("text"), content.get("encoding"))
    streamed = "event-stream" in (content.get("mimeType") or "")
    return Exchange(
        id=entry.get("_id"),
        method=request.get("method", ""),
        url=request.get("url", ""),
        status=response.get("status") or 0,
        request=_parsed(raw_request),
        response=assemble(raw_response) if streamed else _parsed(raw_response),
        started=_epoch(entry.get("startedDateTime")),
        seconds=None if entry.get("time") is None else entry["time"] / 1000,
        streamed=streamed,
        error=entry.get("_error"),
        chunks=entry.get("_chunks") or [],
        raw_request=raw_request,
        raw_response=raw_response,
        request_headers={h["name"]: h["value"] for h in request.get("headers") or []},
        response_headers={h["name"]: h["value"] for h in response.get("headers") or []},
    )


def _decoded(text: str | None, encoding: str | None) -> str:
    if encoding == "base64":
        return base64.b64decode(text or "").decode("utf-8", "replace")
    return text or ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _epoch(when: str | None) -> float | None:
    try:
        return datetime.fromisoformat(when).timestamp() if when else None
    except ValueError:
        return None
