"""Faults that show in an exchange as a whole: no response, a refusal, a prompt cache that missed.

Pure. Looks at calls to the model only (a client may poll /health until a server is up): at the status and the recorder's
error. refusals.py understands the server's own words; textfaults.py looks at what the model wrote.
"""

from collections.abc import Iterator

from course.diagnose import ends, prefixfaults, refusals, requested
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, tail, value
from course.turns import Exchange, Turn

INTERRUPTS = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "the client closed")
TIMEOUTS = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutError")
BROKEN = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError")
ASKING = {"messages", "prompt", "input"}
LONGER = 600
"""Seconds: a timeout to advise, long enough for a large model on a CPU."""
CACHED = (
    ("timings", "cache_n"),
    ("usage", "prompt_tokens_details", "cached_tokens"),
    ("usage", "input_tokens_details", "cached_tokens"),
    ("usage", "cache_read_input_tokens"),
)
WORTH_CACHING = 256
"""Prompt tokens. llama-server processes a shorter prompt in no time, and some builds do not look for it in the cache."""
HOSTED_MINIMUM = 1024
"""Prompt tokens. OpenAI's API does not cache shorter prompts, and other hosted APIs have a similar limit."""


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
            yield found("client-disconnected", turn, said, _end(exchange), **words)
    elif why.startswith(TIMEOUTS):
        yield found("timed-out", turn, said, **words)
    elif exchange.status or why.startswith(BROKEN):
        yield found("connection-lost", turn, said, _end(exchange), **words)
    else:
        yield found("unreachable", turn, said, value("request.url", exchange.url), **words)


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


def cache_misses(turns: list[Turn]) -> Iterator[Found]:
    """Requests that continue the one right before them, but found less than half of it in the cache.

    Either their beginning changed (prefixfaults.py), or the cache was lost.

    Only neighbors are compared. A request in between (a planning call, a managed agent) takes over the slot, which is
    normal.
    """
    before: Turn | None = None
    for turn in turns:
        if turn.exchange is None or not turn.exchange.is_call or turn.exchange.status != 200:
            continue
        if before is not None and before.exchange is not None and _follows(turn, before):
            had, cached = before.tokens.prompt, turn.tokens.cached
            least = WORTH_CACHING if "cache_n" in turn.timings else HOSTED_MINIMUM
            if had and cached is not None and had >= least and cached < had / 2:
                if turn.diff.start == len(before.exchange.messages):
                    yield _cache_miss(turn, turn.exchange, before, before.exchange)
                elif seen := prefixfaults.changed(
                    turn, before, ".".join(("response", *_counted(turn.exchange)))
                ):
                    yield seen
        before = turn


def _follows(turn: Turn, before: Turn) -> bool:
    """Whether the turn's request continues the conversation of the earlier one, at the same address."""
    if turn.exchange is None or before.exchange is None or turn.exchange.url != before.exchange.url:
        return False
    return turn.run_number == before.run_number and turn.diff.continues == before.number


def _counted(exchange: Exchange) -> tuple[str, ...]:
    """Where the response says how much of the prompt came from the cache."""
    return next((p for p in CACHED if dig(exchange.response, *p) is not None), CACHED[0])


def _cache_miss(turn: Turn, exchange: Exchange, before: Turn, earlier: Exchange) -> Found:
    had, cached = before.tokens.prompt, turn.tokens.cached
    proof = [value(".".join(("response", *_counted(exchange))), cached)]
    if dig(earlier.response, "usage", "prompt_tokens") == had:
        proof.append(value(f"{before.label}: response.usage.prompt_tokens", had))
    off = match("run.server.command", r"--ctx-checkpoints 0\b", dig(turn.run, "server", "command"))
    words: dict[str, int | str | None] = {"before": had, "cached": cached}
    if dig(exchange.request, "cache_prompt") is False:
        words["off"] = "false"
        proof.append(value("request.cache_prompt", False))
    elif off:
        words["flag"] = off.text
        proof.append(off)
    elif "cache_n" in turn.timings:
        words["slots"] = "slot"
    return found("prompt-cache-miss", turn, *proof, **words)
