"""Join what went over the wire with what smolagents made of it. Pure: records in, `Turn`s out.

Does: pairs each exchange with its step by the response's id (where smolagents keeps none, as when streaming
or after an error: by time and order), and finds what was new in each request. Nothing is dropped: an exchange
without a step has `step` None, a step without an exchange has `exchange` None.
Does not: read files, judge, draw.

    for turn in turns(Tape.read("tapes/….tape.jsonl").records()): print(turn.tokens, turn.code)
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from course.exchange import Exchange, Record, exchange_of, exchanges

__all__ = ["Exchange", "Tokens", "Turn", "exchanges", "text_of", "turns"]


@dataclass(frozen=True)
class Tokens:
    """`prompt` = `cached` (in the server's cache) + `new` (read in this request). `generated` follow."""

    prompt: int | None = None
    cached: int | None = None
    new: int | None = None
    generated: int | None = None


@dataclass(frozen=True)
class Turn:
    """One exchange with the model and the step that smolagents made of it.

    `new_messages` are those after the longest common start with the previous request of the run. `thinking`
    is `reasoning_content`; a `<think>` block that the server left in `content` stays there. `prompt` is known
    when the request said `"verbose": true`. `seconds` are wall time of the exchange, `timings` llama.cpp's.
    """

    index: int
    exchange: Exchange | None
    step: Record | None = None
    run: Record | None = None
    new_messages: list[Record] = field(default_factory=list)
    prompt: str | None = None
    thinking: str | None = None
    content: str | None = None
    code: str | None = None
    observation: str | None = None
    answer: Any = None
    finish_reason: str | None = None
    tokens: Tokens = Tokens()
    seconds: float | None = None
    timings: Record = field(default_factory=dict)
    status: int | None = None
    error: str | None = None
    response_id: str | None = None

    @property
    def is_final(self) -> bool:
        return bool(self.step and (self.step.get("is_final") or self.step.get("kind") == "max_steps"))


def turns(records: Iterable[Record]) -> list[Turn]:
    records = list(records)
    pairs = _pairs(records)
    result: list[Turn] = []
    sent: list[Record] = []
    run = None
    for record, exchange, step in pairs:
        if record.get("_type") == "run":
            run, sent = record, []
            continue
        messages = exchange.messages if exchange else []
        same = _common_start(sent, messages)
        if step and step.get("step_number") == 1 and same < len(sent):
            same = 0  # a first step that doesn't go on from the request before: another run
        if messages:
            sent = messages
        result.append(_turn(len(result) + 1, exchange, step, run, messages[same:]))
    return result


def text_of(message: Record) -> str:
    """A message's content as text: parts are joined with nothing between, as llama-server's templates do."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(
            p.get("text", f"[{p.get('type')}]") if isinstance(p, dict) else str(p) for p in content
        )
    return content if isinstance(content, str) else "" if content is None else json.dumps(content)


def _pairs(records: list[Record]) -> list[tuple[Record, Exchange | None, Record | None]]:
    """(record, exchange, step) in the order of the tape; a step stands where its exchange does."""
    rows = [[r, exchange_of(r) if r.get("_type") == "entry" else None, None] for r in records]
    by_id = {row[1].response_id: row for row in rows if row[1] and row[1].response_id}
    orphans = []
    for at, row in enumerate(rows):
        step = row[0]
        if step.get("_type") != "step":
            continue
        if step.get("response_id") is None:
            orphans.append((at, step))
        elif (match := by_id.get(step["response_id"])) and match[2] is None:
            match[2] = step
        else:
            row[2] = step
    for at, step in orphans:
        match = next((row for row in reversed(rows[:at]) if _may_belong(row, step)), rows[at])
        match[2] = step
    return [tuple(row) for row in rows if row[1] or row[2] or row[0].get("_type") == "run"]


def _may_belong(row: list, step: Record) -> bool:
    """An exchange that has no step yet, and was made while this step was."""
    _, exchange, taken = row
    if exchange is None or taken is not None:
        return False
    if step.get("started") is None or exchange.started is None:
        return True
    return step["started"] - 0.1 <= exchange.started <= (step.get("ended") or exchange.started) + 0.1


def _common_start(a: list[Record], b: list[Record]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _turn(
    index: int, exchange: Exchange | None, step: Record | None, run: Record | None, new: list[Record]
) -> Turn:
    response = exchange.response if exchange and isinstance(exchange.response, dict) else {}
    message = exchange.message if exchange else {}
    step_ = step or {}
    return Turn(
        index=index,
        exchange=exchange,
        step=step,
        run=run,
        new_messages=new,
        prompt=(response.get("__verbose") or {}).get("prompt"),
        thinking=message.get("reasoning_content"),
        content=message.get("content"),
        code=step_.get("code"),
        observation=step_.get("observation"),
        answer=step_.get("action_output"),
        finish_reason=exchange.choice.get("finish_reason") if exchange else None,
        tokens=_tokens(response, step_),
        seconds=exchange.seconds if exchange else step_.get("seconds"),
        timings=response.get("timings") or {},
        status=exchange.status if exchange else None,
        error=_error(exchange, response) or step_.get("error"),
        response_id=exchange.response_id if exchange else step_.get("response_id"),
    )


def _tokens(response: Record, step: Record) -> Tokens:
    usage, timings = response.get("usage") or {}, response.get("timings") or {}
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
