"""Faults in tool calls and in the form of an answer, by what its own request allows.

Pure. Compares what the model called with what the request offers and demands; nothing else is needed, so it works for any
client. calltexts.py finds calls in a text; toolloops.py looks at what came of calls in later requests.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from course.diagnose.calltexts import Written, written
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, match, quote, tail, value
from course.turns import Answer, Asked, Exchange, ToolCall, Turn
from course.turns.bodies import loads
from course.turns.outcome import ANSWERED, CALLED, CUT, EMPTY, THINKING

JUDGED = (ANSWERED, CALLED, CUT, EMPTY, THINKING)
"""Outcomes of a whole response. Where a stream broke off, half a call is not a fault of its own."""
FENCE = re.compile(r"\A\s*+```(?:json)?[^\S\n]*+\n(.*?)```\s*+\Z", re.DOTALL)
SPECIAL = re.compile(r"<[|｜]")
"""How the special tokens of a model's format begin."""
OBSERVATION = re.compile(r"^[ \t]*Observation:[^\n]*", re.MULTILINE)
OBJECT = re.compile(r"\s*+\{")
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
    if exchange.outcome.kind != CUT:
        yield from _form(turn, exchange, answer)
    yield from _observation(turn, asked, answer)


def _form(turn: Turn, exchange: Exchange, answer: Answer) -> Iterator[Found]:
    """Whether a whole answer has its calls as calls, and is what the request demands."""
    if not turn.tool_calls and (as_text := written(exchange)):
        yield _as_text(turn, as_text)
    elif answer.ended == "tool_calls" and not any(one.calls for one in exchange.reply.answers):
        yield _lost(turn, exchange, answer)
    elif not answer.content_at.endswith(".refusal"):  # that is the model's answer, whatever was demanded
        yield from _choice(turn, exchange, answer)
        yield from _format(turn, exchange.asked, answer)


def _name(turn: Turn, asked: Asked, call: ToolCall) -> Iterator[Found]:
    offered = [tool.name for tool in asked.tools if tool.name]
    if offered and len(offered) == len(asked.tools) and call.name not in offered:
        listed = ", ".join(offered[:LISTED]) + (" …" if len(offered) > LISTED else "")
        words = {"name": call.name or "(no name)", "offered": listed}
        real = SPECIAL.split(call.name, maxsplit=1)[0].rstrip()
        if SPECIAL.search(call.name) and real in offered:
            words |= {"case": "token", "real": real, "token": call.name[len(real) :].strip()}
        yield found("unknown-tool", turn, _quoted(turn, call), **words)


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
    elif len(several := _objects(call.text)) > 1:
        yield found("arguments-malformed", turn, seen, case="several", name=call.name, **_how(several))
    elif exchange.outcome.kind == CUT or _is_cut(call.text):
        yield found("tool-call-cut", turn, seen, name=call.name)
    else:
        yield found("arguments-malformed", turn, seen, name=call.name, problem=_problem(call.text))


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects that a text consists of, one after another. Empty if there is anything else in it."""
    objects: list[dict[str, Any]] = []
    at, decoder = 0, json.JSONDecoder()
    while begin := OBJECT.match(text, at):
        try:
            given, at = decoder.raw_decode(text, begin.end() - 1)
        except (ValueError, RecursionError):
            return []
        objects.append(given)
    return [] if text[at:].strip() else objects


def _how(several: list[dict[str, Any]]) -> dict[str, object]:
    """How several objects came to stand where one belongs: the same again, an empty one beside it, or different ones."""
    full = [given for given in several if given] or several
    same = full if len(full) > 1 and all(given == full[0] for given in full) else []
    return {
        "count": len(several),
        "again": len(same) or None,
        "empty": "{}" if len(full) == 1 else None,
    }


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


def _as_text(turn: Turn, call: Written) -> Found:
    """A call of an offered tool that is in the content, or in the thinking, as text."""
    kind = "tool-call-in-thinking" if call.in_thinking else "tool-call-in-content"
    return found(kind, turn, call.seen, name=call.name, format=call.mark)


def _lost(turn: Turn, exchange: Exchange, answer: Answer) -> Found:
    """A response that ends as if the model had called a tool, without a call in it."""
    off = '"stream": false' if exchange.streamed else None
    ended, said = value(answer.finish_at, answer.finish), answer.content or ""
    text = tail(answer.content_at, said) if said.strip() else None
    return found("tool-call-lost", turn, ended, text, ended=answer.finish, off=off)


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
