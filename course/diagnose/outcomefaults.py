"""Faults in the form of a response: no end or a bad one, no choices, no JSON, values that do not fit the API.

Pure. Reads each exchange's outcome and deviations (course/turns). Works for every API that `turns` knows.
"""

from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, quote, tail, value
from course.turns import Answer, Deviation, Exchange, Turn
from course.turns.outcome import EMPTY, NO_CHOICES, NO_END, NOT_JSON, REFUSED, STREAM_ERROR
from course.turns.reading import RAW

MALFORMED_CALL = "malformed_function_call"
"""What Gemini ends an answer with if the model's call could not be read."""
MOST = 3
"""Deviations that are quoted. They often have one cause."""


def in_turn(turn: Turn) -> Iterator[Found]:
    """Faults in the form of this turn's response."""
    exchange = turn.exchange
    if exchange is None or not exchange.is_call:
        return
    kind, raw = exchange.outcome.kind, exchange.raw_response
    status = value("status", exchange.status)
    if kind == NO_END:
        yield found("stream-not-ended", turn, status, tail(RAW, raw) if raw else None)
    elif kind == NO_CHOICES:
        yield found("no-choices", turn, _choices(exchange))
    elif kind == EMPTY and exchange.answer is None:
        yield found("no-choices", turn, status)
    elif kind == NOT_JSON and exchange.outcome.said != "HTML":  # refusals.py names web pages
        yield found("not-json", turn, quote(RAW, raw))
    elif kind in (REFUSED, STREAM_ERROR) and exchange.failure is None and exchange.answer:
        yield _failed(turn, exchange, exchange.answer, status)
    if exchange.deviations:
        said = "; ".join(d.said for d in exchange.deviations[:MOST])
        more = len(exchange.deviations) - MOST
        quotes = [_quoted(exchange, d) for d in exchange.deviations[:MOST]]
        yield found("deviates", turn, *quotes, said=said, more=more if more > 0 else None)


def _failed(turn: Turn, exchange: Exchange, answer: Answer, status: Quote) -> Found:
    """An answer that ended with an error and no message. What the model's own API called it says more, if it is there."""
    native_at = f"{answer.finish_at.rpartition('.')[0]}.native_finish_reason"
    native = exchange.at(native_at)
    where, word = (
        (native_at, native) if native and isinstance(native, str) else (answer.finish_at, answer.finish)
    )
    ended = value(where, word)
    if str(word).lower() == MALFORMED_CALL:
        return found("output-not-parsed", turn, status, ended, malformed=ended.text)
    return found("server-failed", turn, status, ended, failed=ended.text)


def _choices(exchange: Exchange) -> Quote:
    given = exchange.at("response.choices")
    has_them = isinstance(exchange.response, dict) and "choices" in exchange.response
    return value("response.choices", given) if has_them else quote(RAW, exchange.raw_response)


def _quoted(exchange: Exchange, deviation: Deviation) -> Quote:
    """The value where it is; a piece of the raw text if it cannot be addressed."""
    if deviation.where != RAW:
        return value(deviation.where, deviation.value)
    at = exchange.raw_response.find(str(deviation.value))
    return quote(RAW, exchange.raw_response, max(at, 0))
