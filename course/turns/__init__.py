"""Turn the records of a tape into `Turn`s: each exchange with the model, joined with the step that smolagents made of it.

Pure: reads no file, judges nothing, draws nothing. No record is dropped. An exchange without a step becomes a turn
whose `step` is None; a step without an exchange becomes one whose `exchange` is None.

    for turn in turns(Tape.read("tapes/….tape.jsonl").records()):
        print(turn.label, turn.tokens, turn.code)
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from course.turns import joining, quoted
from course.turns.changes import Change, Cut
from course.turns.diff import Conversations, Diff
from course.turns.exchange import Exchange, exchanges, text_of
from course.turns.outcome import Outcome
from course.turns.quoted import Piece, QuotedStep
from course.turns.reading import Deviation, Record, whole
from course.turns.segments import PromptSegment
from course.turns.turn import Tokens, Turn
from course.turns.values import (
    Answer,
    Asked,
    Failure,
    Limit,
    Message,
    Reply,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)

__all__ = [
    "Answer",
    "Asked",
    "Change",
    "Cut",
    "Deviation",
    "Diff",
    "Exchange",
    "Failure",
    "Limit",
    "Message",
    "Outcome",
    "Piece",
    "PromptSegment",
    "QuotedStep",
    "Record",
    "Reply",
    "Tokens",
    "Tool",
    "ToolCall",
    "ToolResult",
    "Turn",
    "Usage",
    "exchanges",
    "runs",
    "text_of",
    "turns",
]  # fmt: skip


MOST_SAID = 2000
"""Characters of a server's error that are shown. A gateway may send a page."""


def turns(records: Iterable[Record], count: Callable[[str], int] | None = None, since: int = 0) -> list[Turn]:
    """The turns of a tape, in order.

    `count` returns the number of tokens in a text, for example `lambda s: len(server.tokenize(s))`; without it,
    the tokens of the parts of a prompt are estimated. `since` leaves out the turns of the first `since` records;
    the others keep the numbers that they have on the whole tape.
    """
    count = _remembering(count) if count else None
    result: list[Turn] = []
    made: list[tuple[joining.Row, Turn]] = []
    numbers: dict[int, int] = {}
    run, run_number, number, conversations = None, 0, 0, Conversations()
    for row in joining.rows(list(records)):
        if row.is_run:
            run, number, conversations = row.record, 0, Conversations()
            continue
        number += 1
        run_number += number == 1
        numbers[id(row)] = number
        exchange = row.exchange
        found = Diff()
        if exchange:
            answer = exchange.message if exchange.is_call else None
            found = conversations.next(exchange.messages, row.step, number, answer)
        turn = _turn(row, found, count)
        made.append((row, replace(turn, index=len(made) + 1, number=number, run=run, run_number=run_number)))
    for row, turn in made:
        again = None if row.again is None else numbers[id(row.again)]
        result.append(replace(turn, runs=run_number, repeated_in=again))
    told = quoted.steps(result)
    result = [replace(t, quoted=told[t.index]) if t.step is None and t.index in told else t for t in result]
    return [turn for (row, _), turn in zip(made, _nested(result), strict=True) if row.at >= since]


def runs(made: Iterable[Turn]) -> list[list[Turn]]:
    """The turns of each run. Turns before the first run record, if any, form a run of their own."""
    result: list[list[Turn]] = []
    for turn in made:
        if not result or turn.run is not result[-1][-1].run:
            result.append([])
        result[-1].append(turn)
    return result


def _nested(made: list[Turn]) -> list[Turn]:
    """The same turns with `parent` set: the earlier turn whose step was in progress at that time.

    If there are several, it is the one with the shortest step. Agents may work at the same time, so a step whose code or
    call names this turn's agent is preferred.
    """
    times = [(t, span) for t in made if t.exchange and (span := _step_time(t))]

    def parent(turn: Turn) -> int | None:
        around = [
            (t, span)
            for t, span in times
            if t.index < turn.index and t.run_number == turn.run_number and _during(turn, *span)
        ]
        around = [(t, span) for t, span in around if turn.agent and _names(t, turn.agent)] or around
        return min(around, key=lambda found: found[1][1] - found[1][0])[0].number if around else None

    return [replace(t, parent=p) if (p := parent(t)) else t for t in made]


def _names(host: Turn, agent: str) -> bool:
    return agent in (host.code or "") or agent in [c.name for c in host.tool_calls]


def _step_time(turn: Turn) -> tuple[float, float] | None:
    """When the turn's step started and ended, in epoch seconds."""
    step = turn.step or {}
    return (step["started"], step["ended"]) if step.get("started") and step.get("ended") else None


def _during(turn: Turn, begun: float, over: float) -> bool:
    """Compared by the times of the steps. An exchange without a step has the tape's time, in whole milliseconds."""
    if own := _step_time(turn):
        return begun <= own[0] and own[1] <= over
    started = turn.exchange.started if turn.exchange else (turn.step or {}).get("started")
    return started is not None and begun <= started < over - 0.001


def _turn(row: joining.Row, found: Diff, count: Callable[[str], int] | None) -> Turn:
    exchange, step = row.exchange, row.step or {}
    reply = exchange.reply if exchange else Reply()
    answer = reply.answers[0] if reply.answers else Answer()
    return Turn(
        exchange=exchange,
        step=row.step,
        new_messages=exchange.messages[found.start :] if exchange else [],
        prompt=reply.prompt,
        thinking=answer.thinking,
        content=answer.content,
        code=step.get("code"),
        observation=step.get("observation"),
        answer=step.get("action_output"),
        finish_reason=answer.finish,
        ended=answer.ended,
        tokens=_tokens(reply, step),
        seconds=exchange.seconds if exchange else step.get("seconds"),
        timings=reply.timings,
        status=exchange.status if exchange else None,
        error=_error(exchange) or step.get("error"),
        response_id=exchange.response_id if exchange else step.get("response_id"),
        diff=found,
        joined=row.joined,
        agent=step.get("agent"),
        count=count,
    )


def _tokens(reply: Reply, step: Record) -> Tokens:
    """As counted by the server (usage, llama.cpp's timings), or else by the client."""
    usage, timings, counted = reply.usage, reply.timings, step.get("tokens") or {}
    cached = whole(timings.get("cache_n", usage.cached))
    processed = whole(timings.get("prompt_n"))
    prompt = usage.prompt
    if prompt is None and processed is not None:
        prompt = processed + (cached or 0)
    if prompt is None:
        prompt = whole(counted.get("input"))
    new = processed if cached is None or prompt is None else max(0, prompt - cached)
    generated = (
        whole(timings.get("predicted_n", counted.get("output")))
        if usage.generated is None
        else usage.generated
    )
    return Tokens(prompt, cached, new, generated)


def _error(exchange: Exchange | None) -> str | None:
    """What went wrong on the wire, in the words of the server or of the recorder."""
    if exchange is None:
        return None
    if exchange.failure:
        return (
            f"HTTP {exchange.status}: {exchange.failure.message[:MOST_SAID] or exchange.raw_response[:300]}"
        )
    return exchange.error


def _remembering(count: Callable[[str], int]) -> Callable[[str], int]:
    """Count each text once: every later request contains it again."""
    known: dict[str, int] = {}

    def counted(text: str) -> int:
        if text not in known:
            known[text] = count(text)
        return known[text]

    return counted
