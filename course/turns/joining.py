"""Find out which step belongs to which exchange: turns the records of a tape into rows.

Pure. A step is joined by its response id. Where smolagents keeps none (streaming, planning, the max-steps call, a failed
request), it is joined by content, by failure, or by time, and the row says by which. No record is dropped, and no step is
invented.
"""

from collections import defaultdict
from dataclasses import dataclass

from course.turns.exchange import Exchange, exchange_of
from course.turns.reading import Earlier, Record, number

TIMES = ("started", "ended", "seconds", "output_characters", "step_number")
SLACK = 0.1  # seconds by which the clocks of the tape and of smolagents may differ


@dataclass
class Row:
    """A record, which is number `at` on its tape (from 0), and what belongs to it.

    `joined` is id, content, failure or time; None if nothing was joined. `again` is the row of the next attempt, if
    this exchange failed and the same request was sent again in the same run.
    """

    at: int
    record: Record
    exchange: Exchange | None = None
    step: Record | None = None
    joined: str | None = None
    again: "Row | None" = None

    @property
    def is_run(self) -> bool:
        return self.record.get("_type") == "run"


def rows(records: list[Record]) -> list[Row]:
    """In the order of the tape. A step is in its exchange's row; one without an exchange has a row of its own."""
    earlier = Earlier()
    records = [_sound(r) if r.get("_type") == "step" else r for r in records]
    every = [
        Row(n, r, exchange_of(r, earlier) if r.get("_type") == "entry" else None)
        for n, r in enumerate(records)
    ]
    by_id: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(every):
        if row.exchange and row.exchange.response_id:
            by_id[row.exchange.response_id].append(at)
    without_id = []
    for at, row in enumerate(every):
        if row.record.get("_type") != "step":
            continue
        if row.record.get("response_id") is None:
            without_id.append(at)
        else:
            _give(row, _same_id(every, at, by_id[row.record["response_id"]]), "id")
    for at in without_id:
        _give(every[at], *_best(every, at))
    kept = [row for row in every if row.exchange or row.step or row.is_run]
    _find_attempts(kept)
    return kept


def _sound(step: Record) -> Record:
    """A step whose times can be calculated with. NaN and the infinite are read as missing."""
    odd = {key: None for key in TIMES if step.get(key) is not None and number(step[key]) is None}
    return {**step, **odd} if odd else step


def failed(exchange: Exchange) -> bool:
    """Whether there was no response, or an error."""
    return bool(exchange.error or exchange.failure) or not exchange.status or exchange.status >= 400


def _give(row: Row, to: Row | None, how: str) -> None:
    target = to or row
    target.step, target.joined = row.record, how if to else None


def _same_id(every: list[Row], at: int, places: list[int]) -> Row | None:
    """The last exchange with that id before the step, else the first after it: a server may reuse an id."""
    free = [p for p in places if every[p].step is None]
    before = [p for p in free if p < at]
    return every[before[-1]] if before else every[free[0]] if free else None


def _best(every: list[Row], at: int) -> tuple[Row | None, str]:
    step = every[at].record
    free = [(row, e) for row in reversed(every[:at]) if (e := row.exchange) and _is_free(row, e, step)]
    for how, fits in (("content", _says), ("failure", _both_failed)):
        if match := next((row for row, exchange in free if fits(exchange, step)), None):
            return match, how
    return (free[0][0] if free else None), "time"


def _is_free(row: Row, exchange: Exchange, step: Record) -> bool:
    """Whether the row has no step yet and its exchange was made while this step was going on."""
    if row.step is not None:
        return False
    if step.get("started") is None or exchange.started is None:
        return True
    ended: float = step.get("ended") or exchange.started
    started: float = step["started"]
    return started - SLACK <= exchange.started <= ended + SLACK


def _says(exchange: Exchange, step: Record) -> bool:
    """Whether the step contains the text, or the calls, that came in this response."""
    answer = exchange.answer
    called = [call.id for call in answer.calls] if answer else []
    if called and called == [c.get("id") for c in step.get("tool_calls") or []]:
        return True
    content = answer.content if answer else None
    if not content:
        return False
    if step.get("kind") == "max_steps":
        return step.get("action_output") == content
    output = step.get("model_output")
    if not isinstance(output, str):
        return False
    return content in output if step.get("kind") == "planning" else output.startswith(content)


def _both_failed(exchange: Exchange, step: Record) -> bool:
    return failed(exchange) and bool(step.get("error")) and step.get("model_output") is None


def _find_attempts(kept: list[Row]) -> None:
    """A failed exchange without a step, and the next one of the run that sends the same: two attempts at one request."""
    latest: dict[str, Row] = {}
    for row in reversed(kept):
        if row.is_run:
            latest.clear()
        if row.exchange and (sent := row.exchange.raw_request):
            if failed(row.exchange) and row.step is None:
                row.again = latest.get(sent)
            latest[sent] = row
