"""Join what went over the wire with what smolagents made of it. Pure: records in, `Turn`s out.

Does: makes one `Turn` of each exchange and its step (course/turns/joining.py), with what was new in the request
(diff.py), what its tokens are spent on (spans.py) and what smolagents changed (changes.py). Nothing is dropped:
an exchange without a step has `step` None, a step without an exchange has `exchange` None.
Does not: read files, judge, draw.

    for turn in turns(Tape.read("tapes/….tape.jsonl").records()): print(turn.tokens, turn.code)
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from course.turns import dialects, joining
from course.turns.changes import Change, Cut
from course.turns.diff import Conversations, Diff
from course.turns.exchange import Exchange, Record, exchanges, text_of
from course.turns.spans import Span
from course.turns.turn import Tokens, ToolCall, Turn

__all__ = [
    "Change", "Cut", "Diff", "Exchange", "Span", "Tokens", "ToolCall", "Turn",
    "exchanges", "runs", "text_of", "turns",
]  # fmt: skip


def turns(records: Iterable[Record], count: Callable[[str], int] | None = None) -> list[Turn]:
    """The turns of a tape. `count` gives the tokens of a text, e.g. `lambda s: len(server.tokenize(s))`."""
    rows = joining.rows(list(records))
    count = _remembering(count) if count else None
    result: list[Turn] = []
    places: dict[int, int] = {}
    run, conversations = None, Conversations()
    for row in rows:
        if row.is_run:
            run, conversations = row.record, Conversations()
            continue
        places[id(row)] = len(result) + 1
        found = conversations.next(row.exchange.messages if row.exchange else [], row.step)
        result.append(_turn(len(result) + 1, row, run, found, count))
    again = {places[id(r)]: places[id(r.again)] for r in rows if r.again is not None}
    return _nested([replace(t, repeated_in=again.get(t.index)) for t in result])


def runs(made: Iterable[Turn]) -> list[list[Turn]]:
    """The turns of each run; those before the first run record, if any, are a run of their own."""
    result: list[list[Turn]] = []
    for turn in made:
        if not result or turn.run is not result[-1][-1].run:
            result.append([])
        result[-1].append(turn)
    return result


def _nested(made: list[Turn]) -> list[Turn]:
    """With `parent`: the turn with the shortest step during which this one happened, and which asked before it.

    Agents may work at the same time. A step whose code or call names this turn's agent goes before one that doesn't.
    """
    hosts = [t for t in made if t.exchange and t.step and t.step.get("ended") and t.step.get("started")]

    def parent(turn: Turn) -> int | None:
        around = [t for t in hosts if t.index < turn.index and _during(turn, t)]
        around = [t for t in around if turn.agent and _names(t, turn.agent)] or around
        return min(around, key=lambda t: t.step["ended"] - t.step["started"]).index if around else None

    return [replace(t, parent=p) if (p := parent(t)) else t for t in made]


def _names(host: Turn, agent: str) -> bool:
    return agent in (host.code or "") or agent in [c.name for c in host.tool_calls]


def _during(turn: Turn, host: Turn) -> bool:
    """By the steps' clock; an exchange without a step has the tape's, in whole milliseconds."""
    begun, over = host.step["started"], host.step["ended"]
    step = turn.step or {}
    if step.get("started") and step.get("ended"):
        return begun <= step["started"] and step["ended"] <= over
    started = turn.exchange.started if turn.exchange else step.get("started")
    return started is not None and begun <= started < over - 0.001


def _turn(index: int, row: joining.Row, run: Record | None, found: Diff, count: Callable | None) -> Turn:
    exchange, step = row.exchange, row.step or {}
    response = exchange.response if exchange and isinstance(exchange.response, dict) else {}
    message = exchange.message if exchange else {}
    return Turn(
        index=index,
        exchange=exchange,
        step=row.step,
        run=run,
        new_messages=exchange.messages[found.start :] if exchange else [],
        prompt=(response.get("__verbose") or {}).get("prompt"),
        thinking=message.get("reasoning_content"),
        content=text_of(message) if isinstance(message.get("content"), list) else message.get("content"),
        code=step.get("code"),
        observation=step.get("observation"),
        answer=step.get("action_output"),
        finish_reason=exchange.choice.get("finish_reason") if exchange else None,
        tokens=_tokens(response, step),
        seconds=exchange.seconds if exchange else step.get("seconds"),
        timings=response.get("timings") or {},
        status=exchange.status if exchange else None,
        error=_error(exchange, response) or step.get("error"),
        response_id=exchange.response_id if exchange else step.get("response_id"),
        diff=found,
        joined=row.joined,
        agent=step.get("agent"),
        count=count,
    )


def _tokens(response: Record, step: Record) -> Tokens:
    usage, timings = dialects.usage(response), response.get("timings") or {}
    details = usage.get("prompt_tokens_details") or {}
    counted = step.get("tokens") or {}
    cached = timings.get("cache_n", details.get("cached_tokens"))
    prompt = usage.get("prompt_tokens")
    if prompt is None and "prompt_n" in timings:
        prompt = timings["prompt_n"] + (cached or 0)
    if prompt is None:
        prompt = counted.get("input")
    new = timings.get("prompt_n") if cached is None or prompt is None else prompt - cached
    generated = usage.get("completion_tokens", timings.get("predicted_n", counted.get("output")))
    return Tokens(prompt, cached, new, generated)


def _error(exchange: Exchange | None, response: Record) -> str | None:
    """What went wrong on the wire, in the words of whoever said it."""
    if exchange is None:
        return None
    said = response.get("error")
    if isinstance(said, dict):
        said = said.get("message") or json.dumps(said)
    if exchange.status >= 400 or said:
        return f"HTTP {exchange.status}: {said or exchange.raw_response[:300]}"
    return exchange.error


def _remembering(count: Callable[[str], int]) -> Callable[[str], int]:
    """The same text is in every later request; it is counted once."""
    known: dict[str, int] = {}

    def counted(text: str) -> int:
        if text not in known:
            known[text] = count(text)
        return known[text]

    return counted
