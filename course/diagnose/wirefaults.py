"""Faults that show in an exchange as a whole: no response, or a refusal.

Pure. Looks at calls to the model only (a client may poll /health until a server is up): at the status and the recorder's
error. refusals.py understands the server's own words; textfaults.py looks at what the model wrote.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from course.diagnose import ends, refusals, requested
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, quote, tail, value
from course.diagnose.peers import MOST_BODY
from course.diagnose.texts import read
from course.turns import Exchange, Turn

HUNG_UP = "the client closed"
"""How the recorder notes a reader that left, whatever its reason was."""
INTERRUPTS = (
    "KeyboardInterrupt",
    "SystemExit",
    "GeneratorExit",
    "CancelledError",
    HUNG_UP,
    "ClientGone",
)
UNSENT = "ClientGone"
"""The tap's name for a client that ended in the middle of its request."""
STOPPED = "the tap was stopped"
TIMEOUTS = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutError")
BROKEN = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError")
ASKING = {"messages", "prompt", "input"}
PATIENCE = 10
"""Seconds: a client that has waited this long for a first byte gave up, and was not merely interrupted."""
UNDICI = 300
"""Seconds without headers or data after which Node's fetch gives up by itself (headersTimeout, bodyTimeout)."""
LATE = 10
"""Seconds by which its timers, and the tap's, may be late."""
LONGER = 600
"""Seconds: a timeout to advise, long enough for a large model on a CPU."""


def unanswered(turns: list[Turn]) -> Iterator[Found]:
    """Why turns have no answer: the request was refused, or no whole response came."""
    for place, turn in enumerate(turns):
        if turn.exchange is not None and _asks_a_model(turn.exchange):
            refused = _refused(turn, turn.exchange, turns[:place])
            yield from [refused] if refused else _lost(turn, turn.exchange)


def _asks_a_model(exchange: Exchange) -> bool:
    """Whether it is a call of a model, or would be one at the right address."""
    asked = exchange.request if isinstance(exchange.request, dict) else {}
    return exchange.is_call or (
        exchange.method == "POST" and "model" in asked and bool(asked.keys() & ASKING)
    )


def _lost(turn: Turn, exchange: Exchange) -> Iterator[Found]:
    """No response, or only part of one, classified by the error that the recorder noted."""
    why = exchange.error or ""
    if exchange.status and not why:
        return
    words = {"seconds": LONGER, "milliseconds": 1000 * LONGER}
    said = quote("error", why) if why else value("status", exchange.status)
    if why.startswith(INTERRUPTS):
        if turn.finish_reason is None:
            yield found(
                "client-disconnected", turn, said, _end(exchange), **words, **_left(turn, exchange, why)
            )
    elif why.startswith(STOPPED):
        yield found("connection-lost", turn, said, _end(exchange), tap="the tap", **words)
    elif why.startswith(TIMEOUTS):
        yield found("timed-out", turn, said, **words)
    elif exchange.status or why.startswith(BROKEN):
        yield found("connection-lost", turn, said, _end(exchange), **words)
    else:
        yield found("unreachable", turn, said, value("request.url", exchange.url), case=_case(why), **words)


def _left(turn: Turn, exchange: Exchange, why: str) -> dict[str, Any]:
    """What the client was doing when it left: sending its request, waiting for a first byte, or reading.

    `after` is when it left, in seconds, on a tape that may be the tap's: the tap does not see a client's own timeout.
    `undici` is UNDICI if that is how long nothing had come.
    """
    if why.startswith(UNSENT):
        return {"request": "request"}
    seconds = exchange.seconds or 0
    waited = seconds if not exchange.status and seconds >= PATIENCE else 0
    tapped = why.startswith(HUNG_UP) and turn.run is None and turn.step is None and round(seconds)
    words: dict[str, Any] = {"waited": round(waited)} if waited else {}
    if tapped:
        quiet = seconds - (exchange.chunks[-1][0] / 1000 if exchange.chunks else 0)
        words |= {"after": round(seconds)}
        words |= {"undici": UNDICI} if UNDICI - 1 <= quiet <= UNDICI + LATE else {}
    return words


def _case(why: str) -> str | None:
    """Why the server could not be reached, by the recorder's error. None if that does not tell."""
    return next((case for case, says in _cases() if says.search(why[:MOST_BODY])), None)


@cache
def _cases() -> tuple[tuple[str, re.Pattern[str]], ...]:
    given = read("refusals.toml")["unreachable"]
    return tuple((one["case"], re.compile(one["says"])) for one in given)


def _end(exchange: Exchange) -> Quote | None:
    return tail("raw_response", exchange.raw_response) if exchange.raw_response else None


def _refused(turn: Turn, exchange: Exchange, earlier: list[Turn]) -> Found | None:
    """The refusal, in the server's own words. One that a bad tool call caused points back to the turn that it came from."""
    refusal = refusals.understand(ends.seen(exchange))
    if refusal is None:
        return None
    words = dict(refusal.words)
    if refusal.kind == "arguments-refused" and isinstance(words.get("index"), int):
        words["origin"] = _origin(exchange, words["index"], earlier)
    return found(refusal.kind, turn, *refusal.quotes, **words)


def _origin(exchange: Exchange, index: int, earlier: list[Turn]) -> str | None:
    """The turn whose response first had the tool call that a message of this request repeats."""
    if index >= len(exchange.messages):
        return None
    sent = [arguments for _, arguments in requested.calls(exchange.messages[index])]
    for turn in earlier:
        made = requested.calls(turn.exchange.message) if turn.exchange else ()
        if any(arguments in sent for _, arguments in made):
            return turn.label
    return None
