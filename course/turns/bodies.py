"""The text of a body as JSON, as the events of a stream, or as neither.

Pure. The bytes tell what a body is, and the media type where they leave it open: servers label streams as JSON and
errors as streams. Lines end at CR and LF only (server-sent events, WHATWG HTML 9.2.6); `str.splitlines` also splits at
U+2028, U+2029, U+0085, form feed and others, which JSON may hold unescaped. Nesting is bounded, and numbers may have
any length, so that no body costs more than its size.

    body('data: {"choices": []}\\n\\ndata: [DONE]\\n\\n', "text/event-stream", Notes()).events
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from course.turns.reading import RAW, Node, Notes

LINE_END = re.compile(r"\r\n|\n|\r")
FIELD = re.compile(r"(data|event|error):[ ]?")
STREAM = re.compile(r"\s*+(?::[^\r\n]*+[\r\n]\s*+)*+(?:data|event|id|retry):")
"""How a stream of server-sent events begins: with a field, after comments. It never backtracks."""
LINES = re.compile(r"ndjson|jsonl|json-?seq|json-?lines|stream\+json")
DEEPEST = 100
"""Levels of nesting. What is deeper becomes text, so that nothing that reads a value recurses too far."""


@dataclass(frozen=True)
class Body:
    """What a body holds. `kind` is json, events (server-sent), lines (one JSON object per line), text or nothing.

    `value` is the JSON or the text; None for a stream. `events` are the objects of a stream, with their paths.
    `done` says whether the stream ended with [DONE].
    """

    kind: str
    value: Any = None
    events: list[Node] = field(default_factory=list)
    done: bool = False


def body(text: str, mime: str, notes: Notes) -> Body:
    """The body, whatever its media type says. What is odd about its events is noted."""
    text = text.removeprefix("\ufeff")
    mime, bare = mime.lower(), text.strip()
    if not bare:
        return Body("events" if "event-stream" in mime else "nothing", text)
    has_lines = bool(LINES.search(mime)) and bare[0] != "<"
    if bare[0] in '{["-0123456789tfn' and not (has_lines and "\n" not in bare):
        try:
            return Body("json", loads(text))
        except ValueError:
            pass
    if "event-stream" in mime or STREAM.match(text):
        events, done = _sent_events(text, notes)
        if events or done:
            return Body("events", None, events, done)
    if has_lines or bare[0] == "{":
        events = _lines(text, notes, has_lines)
        if events or has_lines:
            return Body("lines", None, events)
    return Body("text", text)


def loads(text: str) -> Any:
    """JSON of any nesting and with numbers of any length. ValueError if it is not JSON."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as e:
        if "limit" not in str(e):  # Python's own, for the digits of an integer
            raise
        value = json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 400 else float(digits))
    brackets = text.count("[") + text.count("{")
    return value if brackets <= DEEPEST else _shallow(value)


def _shallow(value: Any) -> Any:
    """The same value. What is nested deeper than DEEPEST levels is replaced with its JSON."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in (dict, list)
        ]
        if not level:
            return value
    for parent in level:
        for key, child in list(parent.items() if isinstance(parent, dict) else enumerate(parent)):
            if type(child) in (dict, list):
                parent[key] = _flat(child)
    return value


def _flat(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"


def _sent_events(text: str, notes: Notes) -> tuple[list[Node], bool]:
    """The JSON objects of a stream of server-sent events, and whether [DONE] came.

    By the standard, lines of data up to an empty line are one event, but some servers leave the empty lines out.
    llama-server also sends errors as a field of that name. An event that was cut off at the end is left out.
    """
    events: list[Node] = []
    done, name, data = False, "", []
    lines = LINE_END.split(text)
    for n, line in enumerate([*lines, ""]):
        if line:
            found = FIELD.match(line)
            value = line[found.end() :] if found else ""
            if found and found[1] == "event":
                name = value.strip()
            elif found:
                data.append(f'{{"error":{value}}}' if found[1] == "error" else value)
            continue
        whole = "\n".join(data)
        for piece in data if len(data) > 1 and not _is_json(whole) else [whole]:
            if piece.strip() == "[DONE]":
                done = True
            elif piece.strip():
                _take(events, piece, name, notes, cut=n == len(lines))
        name, data = "", []
    return events, done


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def _take(events: list[Node], data: str, name: str, notes: Notes, cut: bool) -> None:
    """Add one event, with its name as the type where the data do not say that it is an error."""
    try:
        value = loads(data)
    except ValueError:
        if not cut:
            notes.add(RAW, data, "JSON")
        return
    for one in value if isinstance(value, list) and value else [value]:
        if not isinstance(one, dict):
            notes.add(RAW, data, "an object")
            continue
        if name == "error" and "error" not in one:
            one = {"type": "error", "error": one}
        events.append(Node(one, f"events[{len(events)}]", notes))


def _lines(text: str, notes: Notes, has_lines: bool) -> list[Node]:
    """The objects of a stream with one per line. None if the first line is not one, unless the media type says so."""
    events: list[Node] = []
    lines = [line for line in LINE_END.split(text) if line.strip()]
    for n, line in enumerate(lines):
        _take(events, line, "", notes if events or has_lines else Notes(), cut=n == len(lines) - 1)
        if not events and not has_lines:
            return []
    return events
