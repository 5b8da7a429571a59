"""Faults in tool calls and in the form of an answer, by what its own request allows.

Pure. Compares what the model called with what the request offers and demands; nothing else is needed, so it works for any
client. toolloops.py looks at what came of the calls in later requests.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, match, quote, tail, value
from course.turns import Answer, Asked, Exchange, ToolCall, Turn
from course.turns.bodies import loads
from course.turns.outcome import ANSWERED, CALLED, CUT, EMPTY, THINKING

JUDGED = (ANSWERED, CALLED, CUT, EMPTY, THINKING)
"""Outcomes of a whole response. Where a stream broke off, half a call is not a fault of its own."""
CALL_TEXT = re.compile(
    r"<tool_call>|<function=|<\|tool_call|<\|python_tag\|>|\[TOOL_CALLS\]|<｜tool▁call|<function_calls?>|<invoke name="
    r"|to=functions\."
)
"""How models write calls, before the server's parser has made `tool_calls` of them."""
FENCE = re.compile(r"\A\s*+```(?:json)?[^\S\n]*+\n(.*?)```\s*+\Z", re.DOTALL)
OBSERVATION = re.compile(r"^[ \t]*Observation:[^\n]*", re.MULTILINE)
LISTED = 8


def in_turn(turn: Turn) -> Iterator[Found]:
    """Faults in the calls of this turn's answer, and in its form."""
    exchange = turn.exchange
    if exchange is None or exchange.answer is None or exchange.outcome.kind not in JUDGED:
        return
    asked, answer = exchange.asked, exchange.answer
    for call in answer.calls:
        yield from _name(turn, asked, call)
        yield from _arguments(turn, exchange, call)
    written = None if answer.calls or turn.tool_calls else _in_content(turn, asked, answer)
    if written:
        yield written
    elif exchange.outcome.kind != CUT:
        yield from _choice(turn, exchange, answer)
        yield from _format(turn, asked, answer)
    yield from _observation(turn, asked, answer)


def _name(turn: Turn, asked: Asked, call: ToolCall) -> Iterator[Found]:
    offered = [tool.name for tool in asked.tools if tool.name]
    if offered and len(offered) == len(asked.tools) and call.name not in offered:
        listed = ", ".join(offered[:LISTED]) + (" …" if len(offered) > LISTED else "")
        yield found("unknown-tool", turn, _quoted(turn, call), name=call.name or "(no name)", offered=listed)


def _arguments(turn: Turn, exchange: Exchange, call: ToolCall) -> Iterator[Found]:
    """Whether the arguments are an object with what the tool's schema requires."""
    if isinstance(call.given, str):  # a tool whose input is free text
        return
    given, seen = call.arguments, _end(turn, exchange, call)
    if isinstance(given, dict) or not call.text.strip():
        given = given if isinstance(given, dict) else {}
        missing = [name for name in _required(exchange.asked, call.name) if name not in given]
        if missing:
            yield found(
                "arguments-missing", turn, _quoted(turn, call), name=call.name, missing=", ".join(missing)
            )
    elif isinstance(given, str) and given is not call.text and given != call.text:
        inner = _json(given)
        kind = "arguments-encoded-twice" if isinstance(inner, dict) else "arguments-malformed"
        yield found(kind, turn, seen, name=call.name, problem="they are a text, not an object")
    elif not isinstance(given, str):
        problem = f"they are {_kind(given)}, not an object"
        yield found("arguments-malformed", turn, seen, name=call.name, problem=problem)
    elif exchange.outcome.kind == CUT or _is_cut(call.text):
        yield found("tool-call-cut", turn, seen, name=call.name)
    else:
        yield found("arguments-malformed", turn, seen, name=call.name, problem=_problem(call.text))


def _required(asked: Asked, name: str) -> list[str]:
    schema = next((tool.schema for tool in asked.tools if tool.name == name), {})
    required = schema.get("required")
    return [key for key in required if isinstance(key, str)] if isinstance(required, list) else []


def _end(turn: Turn, exchange: Exchange, call: ToolCall) -> Quote:
    """The end of the arguments; the call as a whole if the wire does not have them as a text."""
    for key in ("function.arguments", "arguments", "partial_json", "input"):
        if exchange.at(f"{call.where}.{key}") == call.text:
            return tail(f"{call.where}.{key}", call.text)
    return _quoted(turn, call)


def _quoted(turn: Turn, call: ToolCall) -> Quote:
    given = turn.exchange.at(call.where) if turn.exchange else None
    return value(call.where, given)


def _is_cut(text: str) -> bool:
    """Whether JSON ends before it is complete."""
    try:
        json.loads(text)
    except json.JSONDecodeError as e:
        return e.msg.startswith("Unterminated string") or e.pos >= len(text.rstrip())
    except (ValueError, RecursionError):
        return False
    return False


def _problem(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as e:
        return f"{e.msg} at character {e.pos}"
    except (ValueError, RecursionError):
        pass
    return "they are not JSON"


def _kind(given: Any) -> str:
    kinds = {list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(given), "a number")


def _json(text: str) -> Any:
    """The JSON in a text, also in a code fence. None if there is none."""
    fenced = FENCE.match(text)
    try:
        return loads(fenced[1] if fenced else text)
    except ValueError:
        return None


def _in_content(turn: Turn, asked: Asked, answer: Answer) -> Found | None:
    """A call of an offered tool that stands in the content as text."""
    content = answer.content or ""
    names = [tool.name for tool in asked.tools if tool.name]
    if not names or not content.strip():
        return None
    marked = CALL_TEXT.search(content)
    if marked and content[: marked.start()].count("```") % 2 == 0:
        name = next((n for n in names if _names(n, content[marked.start() :])), None)
        if name:
            seen = quote(answer.content_at, content, marked.start())
            return found("tool-call-in-content", turn, seen, name=name, format=marked[0])
    given = _json(content)
    for call in given if isinstance(given, list) else [given]:
        name = next((n for k in ("name", "function", "tool") if (n := _get(call, k)) in names), None)
        if name and any(k in call for k in ("arguments", "parameters", "input")):
            return found(
                "tool-call-in-content", turn, quote(answer.content_at, content), name=name, format="JSON"
            )
    return None


def _get(given: Any, key: str) -> str | None:
    found_ = given.get(key) if isinstance(given, dict) else None
    return found_ if isinstance(found_, str) else None


def _names(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text[:2000]) is not None


def _choice(turn: Turn, exchange: Exchange, answer: Answer) -> Iterator[Found]:
    """Whether the answer calls what the request says that it must."""
    asked, called = exchange.asked, {call.name for call in answer.calls}
    obeyed = {
        "required": bool(called),
        "named": asked.tool_named in called,
        "none": not called,
    }.get(asked.tool_choice or "", True)
    if obeyed or turn.leak:
        return
    demanded = value(asked.tool_choice_at, exchange.at(asked.tool_choice_at))
    text = tail(answer.content_at, answer.content) if answer.content else None
    what = f"must call {asked.tool_named}" if asked.tool_named else "must call a tool"
    did = f"It calls {', '.join(sorted(called))}" if called else "It calls none"
    if asked.tool_choice == "none":
        what = "must not call a tool"
    yield found("tool-choice-ignored", turn, demanded, text, what=what, did=did)


def _format(turn: Turn, asked: Asked, answer: Answer) -> Iterator[Found]:
    """Whether the content is the JSON that the request demands."""
    content = answer.content or ""
    if asked.format not in ("json_object", "json_schema") or answer.calls or not content.strip() or turn.leak:
        return
    try:
        given = loads(content)
    except ValueError:
        problem = "it has a code fence around it" if _json(content) is not None else "it is not JSON"
        yield found(
            "format-ignored", turn, quote(answer.content_at, content), field=asked.format_at, problem=problem
        )
        return
    required = asked.schema.get("required")
    missing = (
        [k for k in required if k not in given]
        if isinstance(required, list) and isinstance(given, dict)
        else []
    )
    if missing:
        problem = f"it lacks {', '.join(map(str, missing))}"
        yield found(
            "format-ignored", turn, quote(answer.content_at, content), field=asked.format_at, problem=problem
        )


def _observation(turn: Turn, asked: Asked, answer: Answer) -> Iterator[Found]:
    """An observation that the model wrote itself: the request has it as a stop sequence, and the text goes past it."""
    stop = next((s for s in asked.stops if s.strip().startswith("Observation")), None)
    seen = match(answer.content_at, OBSERVATION, answer.content) if stop else None
    if seen and stop:
        yield found("invented-observation", turn, seen, stop=stop)
