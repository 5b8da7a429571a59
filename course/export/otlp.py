"""The turns of a tape as OpenTelemetry traces, with OpenInference attributes. Pure.

A run is one trace: the agent (AGENT), its steps (CHAIN), and in each step the call to the model (LLM) and the tools that
ran (TOOL). Where no run was recorded, each conversation is a trace. Ids follow from the content, so that a collector that
already has a span recognizes it when it comes again.

    json.dumps(traces(turns(tape.records()), "run"))     # an OTLP/JSON file

The structure is that of opentelemetry-proto's ExportTraceServiceRequest in its JSON form (OTLP 1.9). `left_out` says what
spans cannot hold.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from course.export import attributes
from course.export.attributes import JSON, TEXT, Attributes, as_json, value
from course.tape import NAME, release
from course.turns import Exchange, Turn, runs
from course.view.console import step_name

INTERNAL, CLIENT = 1, 3
OK, ERROR = 1, 2
PYTHON = "python_interpreter"
"""smolagents' name for the tool that runs a CodeAgent's code."""
LARGEST = 2**63


@dataclass
class Span:
    """One span. Times are in seconds since 1970. `events` are pairs of time and name, with attributes."""

    name: str
    start: float
    end: float
    attributes: Attributes
    kind: int = INTERNAL
    parent: "Span | None" = None
    error: str | None = None
    ok: bool = False
    events: list[tuple[float, str, Attributes]] = field(default_factory=list)
    id: str = ""
    trace: str = ""


def traces(made: Iterable[Turn], project: str) -> dict[str, Any]:
    """The turns as OTLP/JSON. `project` is the name under which Phoenix shows them."""
    spans = [s for group in groups(made) for s in _trace(group)]
    resource = {"service.name": NAME, "openinference.project.name": project}
    scope = {"name": "course.export", "version": release()}
    scoped = [{"scope": scope, "spans": [_span(s) for s in spans]}]
    return {"resourceSpans": [{"resource": {"attributes": _pairs(resource)}, "scopeSpans": scoped}]}


def groups(made: Iterable[Turn]) -> list[list[Turn]]:
    """The turns of each trace: of a run, or of a conversation where no run was recorded."""
    found: list[list[Turn]] = []
    for run in runs(made):
        if run[0].run is not None:
            found.append(run)
            continue
        talks: dict[int, list[Turn]] = {}
        for turn in run:
            talk = talks.get(turn.diff.continues or 0, [])
            if not talk:
                found.append(talk)
            talk.append(turn)
            talks[turn.number] = talk
    return found


def left_out(made: Iterable[Turn]) -> list[str]:
    """What is on the tape and not in the spans, as sentences."""
    made = list(made)
    exchanges = [t.exchange for t in made if t.exchange]
    streams = [e for e in exchanges if e.streamed]
    chunks = sum(max(0, len(e.chunks) - 1) for e in exchanges)
    headers = sum(len(e.request_headers) + len(e.response_headers) for e in exchanges)
    memory = [t for t in made if t.step and t.step.get("memory") is not None]
    said = [
        (len(streams), f"the events of {_n(len(streams), 'streamed response')} (what they amount to is in)"),
        (chunks, f"the arrival time and size of {_n(chunks, 'chunk')} (the first of each response is in)"),
        (headers, f"{_n(headers, 'HTTP header')}"),
        (len(memory), f"the record of smolagents' memory in {_n(len(memory), 'step')}"),
    ]  # fmt: skip
    return [text for number, text in said if number]


def _n(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _trace(group: Sequence[Turn]) -> list[Span]:
    """The spans of one trace, parents first."""
    spans: list[Span] = []
    times = _times(group)
    root = None
    if group[0].run is not None or len(group) > 1:
        root = _root(group, times)
        spans.append(root)
    steps: dict[int, Span] = {}
    agents: dict[tuple[int, str], Span] = {}
    results = [attributes.results(t.exchange) if t.exchange else {} for t in group]
    for n, turn in enumerate(group):
        start, end = times[n]
        parent = steps.get(turn.parent or 0, root)
        if turn.parent and turn.agent:  # a managed agent
            name = (turn.parent, turn.agent)
            if name not in agents:
                about = {"openinference.span.kind": "AGENT", "agent.name": turn.agent}
                agents[name] = Span(turn.agent, start, end, about, parent=parent)
                spans.append(agents[name])
            parent = agents[name]
            parent.end = max(parent.end, end)
        if turn.step:
            parent = _step(turn, start, end, parent)
            steps[turn.number] = parent
            spans.append(parent)
        answered = start
        if turn.exchange:
            call = _call(turn, turn.exchange, start, parent)
            answered = call.end
            spans.append(call)
        spans += _tools(turn, answered, end, parent, group[n + 1 :], results[n:])
    trace = _digest(32, group[0], group[0].index)
    for n, span in enumerate(spans):
        span.trace, span.id = trace, _digest(16, group[0], trace, n, span.name)
    return spans


def _times(group: Sequence[Turn]) -> list[tuple[float, float]]:
    """Start and end of each turn. One without a time begins when the one before it ended."""
    found: list[tuple[float, float]] = []
    last = 0.0
    for turn in group:
        step, exchange = turn.step or {}, turn.exchange
        begun = [t for t in (exchange.started if exchange else None, _time(step.get("started"))) if t]
        start = min(begun, default=last)
        ends = [start, _time(step.get("ended")) or start, *([_end(exchange, start)] if exchange else [])]
        last = max(ends)
        found.append((start, last))
    return found


def _time(given: Any) -> float | None:
    return float(given) if type(given) in (int, float) and 0 < given < 2**33 else None


def _end(exchange: Exchange, start: float) -> float:
    seconds = _time(exchange.seconds) or 0
    return (exchange.started or start) + seconds


def _root(group: Sequence[Turn], times: list[tuple[float, float]]) -> Span:
    run = group[0].run
    about: Attributes = {"openinference.span.kind": "CHAIN" if run is None else "AGENT"}
    final = next((t for t in reversed(group) if t.is_final and not t.parent), None)
    if run is not None and run.get("question"):
        about |= value("input", str(run["question"]), TEXT)
    if run is not None and run.get("server"):
        about["metadata"] = as_json({"server": run["server"]})
    if final is not None:
        about |= _value("output", final.answer)
    elif run is None and group[-1].content:
        about |= value("output", group[-1].content, TEXT)
    name = "conversation" if run is None else "agent run"
    return Span(name, min(s for s, _ in times), max(e for _, e in times), about, ok=final is not None)


def _step(turn: Turn, start: float, end: float, parent: Span | None) -> Span:
    step = turn.step or {}
    about: Attributes = {"openinference.span.kind": "CHAIN"}
    if turn.agent:
        about["agent.name"] = turn.agent
    if turn.observation:
        about |= value("output", turn.observation, TEXT)
    elif turn.is_final:
        about |= _value("output", turn.answer)
    kept = {"turn": turn.label, "joined": turn.joined, "tokens": step.get("tokens")}
    about["metadata"] = as_json({k: v for k, v in kept.items() if v is not None})
    name = step_name(turn).removeprefix("In smolagents: ")
    return Span(
        name, start, end, about, parent=parent, error=_said(step.get("error")), ok=not step.get("error")
    )


def _call(turn: Turn, exchange: Exchange, start: float, parent: Span | None) -> Span:
    """The span of an exchange: of a call to a model, or of another request."""
    about = attributes.of_call(turn, exchange) if exchange.is_call else attributes.of_request(exchange)
    kept = {
        "turn": turn.label,
        "entry": exchange.id,
        "agent": turn.agent,
        "response_id": exchange.response_id,
        "streamed": exchange.streamed,
        "outcome": str(exchange.outcome),
        "timings": turn.timings or None,
    }
    about |= {
        "http.request.method": exchange.method,
        "url.full": exchange.url,
        "http.response.status_code": exchange.status or None,
        "metadata": as_json({k: v for k, v in kept.items() if v is not None}),
    }
    begun = exchange.started or start
    events: list[tuple[float, str, Attributes]] = []
    if exchange.streamed and exchange.chunks:
        first = _time(exchange.chunks[0][0]) or 0
        events.append((begun + first / 1000, "first chunk", {"bytes": exchange.chunks[0][1]}))
    name = f"{exchange.method} {exchange.path}"
    ok = 200 <= exchange.status < 300 and not exchange.error and not exchange.failure
    failed = None if ok else turn.error or str(exchange.outcome)
    end = _end(exchange, start)
    return Span(name, begun, end, about, CLIENT, parent, failed, ok, events)


def _tools(
    turn: Turn,
    start: float,
    end: float,
    parent: Span | None,
    later: Sequence[Turn],
    results: list[dict[str, str]],
) -> list[Span]:
    """The tools that ran after the answer: a CodeAgent's code, or each call whose result is on the tape.

    In a step they take the rest of its time. On a tape without steps, a tool's time is between the answer and the request
    that brings the result.
    """
    if turn.code:
        about = {"openinference.span.kind": "TOOL", "tool.name": PYTHON, **value("input", turn.code, TEXT)}
        if turn.observation:
            about |= value("output", turn.observation, TEXT)
        error = _said((turn.step or {}).get("error"))
        return [Span(PYTHON, start, end, about, parent=parent, error=error, ok=error is None)]
    spans = []
    for call in turn.tool_calls:
        came = next(
            (
                (t, found[call.id])
                for t, found in zip(later, results[1:], strict=False)
                if call.id and call.id in found and call.id not in results[0]
            ),
            None,
        )
        output = came[1] if came else turn.observation if len(turn.tool_calls) == 1 else None
        if output is None and not turn.step:
            continue
        given = call.text or as_json(call.arguments)
        about = {
            "openinference.span.kind": "TOOL",
            "tool.name": call.name,
            "tool.id": call.id,
            **value("input", given, JSON),
            **(value("output", output, TEXT) if output is not None else {}),
        }
        until = end
        if came and not turn.step and came[0].exchange:
            until = max(start, came[0].exchange.started or start)
        spans.append(Span(call.name or "tool", start, until, about, parent=parent, ok=output is not None))
    return spans


def _value(side: str, given: Any) -> Attributes:
    if given is None:
        return {}
    return value(side, given, TEXT) if isinstance(given, str) else value(side, as_json(given), JSON)


def _said(error: Any) -> str | None:
    return None if not error else error if isinstance(error, str) else as_json(error)


def _digest(length: int, first: Turn, *more: object) -> str:
    """A hexadecimal id that follows from the first turn's beginning and `more`."""
    exchange, step = first.exchange, first.step or {}
    seed = (
        (exchange.started, exchange.url, exchange.raw_request)
        if exchange
        else (step.get("started"), repr(step))
    )
    digest = hashlib.sha256(repr((seed, more)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:length]


def _span(span: Span) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.id,
        "name": _sound(span.name),
        "kind": span.kind,
        "startTimeUnixNano": _nanos(span.start),
        "endTimeUnixNano": _nanos(max(span.end, span.start)),
        "attributes": _pairs(span.attributes),
        "status": {"code": ERROR, "message": _sound(span.error)}
        if span.error
        else {"code": OK}
        if span.ok
        else {},
    }
    if span.parent:
        made["parentSpanId"] = span.parent.id
    events = [*span.events]
    if span.error:
        events.append((span.end, "exception", {"exception.message": span.error}))
    if events:
        made["events"] = [
            {"timeUnixNano": _nanos(when), "name": name, "attributes": _pairs(about)}
            for when, name, about in events
        ]
    return made


def _nanos(seconds: float) -> str:
    """Nanoseconds since 1970, as text: JSON's numbers are too small for them."""
    whole = math.floor(seconds)
    return str(whole * 10**9 + round((seconds - whole) * 10**6) * 1000)


def _pairs(given: Attributes) -> list[dict[str, Any]]:
    return [{"key": _sound(k), "value": _any(v)} for k, v in given.items() if v is not None]


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -LARGEST <= value < LARGEST:
        return {"intValue": str(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"doubleValue": value}
    return {"stringValue": _sound(value if isinstance(value, str) else str(value))}


def _sound(text: str) -> str:
    """The text without halves of surrogate pairs, which UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
