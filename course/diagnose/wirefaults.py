"""Faults that show in an exchange as a whole: no answer, a refusal, a prompt cache that was lost. Pure.

Does: reads status, the recorder's error and the server's own words, of calls to the model only; a client that
polls /health until a server is up has no fault. Does not: look at what the model wrote (textfaults.py does).
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from course.diagnose.faults import found
from course.diagnose.finding import Finding, Quote, dig, match, quote, tail, value
from course.turns import Turn
from course.turns.exchange import Exchange

CALL = re.compile(r"/(?:completions?|responses|messages)$")
INTERRUPTS = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "the client closed")
TIMEOUTS = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutError")
BROKEN = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError")
TOO_LONG = re.compile(r"exceeds the available context size|maximum context length", re.IGNORECASE)
NO_TOOLS = re.compile(r"\w+ param requires --jinja(?: flag)?")
TEMPLATE = re.compile(
    r"No user query found[^\n]*|[Ss]ystem message must[^\n]*|[Jj]inja [Ee]xception[^\n]*|roles must alternate[^\n]*"
    r"|raise_exception[^\n]*|While executing \w+ at line[^\n]*"
)
CACHED = (("timings", "cache_n"), ("usage", "prompt_tokens_details", "cached_tokens"))
WORTH_KEEPING = 256
"""A shorter prompt is read again in no time, and some builds do not look for it in the cache."""


def in_turn(turn: Turn) -> list[Finding]:
    """Why there is no answer in this turn; nothing if there is one."""
    if turn.exchange is None or not is_call(turn.exchange):
        return []
    return [*_refused(turn, turn.exchange)] or [*_lost(turn, turn.exchange)]


def is_call(exchange: Exchange) -> bool:
    """A request that makes the model write."""
    return exchange.method == "POST" and bool(CALL.search(urlsplit(exchange.url).path.rstrip("/")))


def _lost(turn: Turn, exchange: Exchange) -> Iterator[Finding]:
    why, words = exchange.error or "", {"base": _base(exchange)}
    if exchange.status and not why:
        return
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


def _refused(turn: Turn, exchange: Exchange) -> Iterator[Finding]:
    """An HTTP error, or an error that the server sent within a stream, by its own words."""
    error = dig(exchange.response, "error")
    if exchange.status < 400 and not error:
        return
    where, words = _words(exchange, error)
    status = exchange.status if exchange.status >= 400 else dig(error, "code")
    code, said = value("status", exchange.status), quote(where, words) if words else None
    if dig(error, "type") == "exceed_context_size_error" or TOO_LONG.search(words):
        asked, room = dig(error, "n_prompt_tokens") or "too many", dig(error, "n_ctx")
        more = _larger(asked, room)
        yield found("context-overflow", turn, code, said, asked=asked, room=room or "fewer", more=more)
    elif NO_TOOLS.search(words):
        yield found("tools-without-jinja", turn, code, match(where, NO_TOOLS, words))
    elif status in (401, 403):
        yield found("wrong-key", turn, code, said, base=_base(exchange))
    elif status in (429, 503):
        yield found("busy", turn, code, said, base=_base(exchange))
    elif TEMPLATE.search(words):
        roles = ", ".join(str(dig(m, "role")) for m in exchange.messages[:8])
        yield found("template-refused", turn, code, match(where, TEMPLATE, words), roles=roles)
    else:
        yield found("request-refused", turn, code, said, status=status)


def _words(exchange: Exchange, error: Any) -> tuple[str, str]:
    """What the server said, and where: in llama-server's and OpenAI's form, or as it came."""
    if isinstance(dig(error, "message"), str):
        return "response.error.message", error["message"]
    if isinstance(error, str):
        return "response.error", error
    return "raw_response", exchange.raw_response


def _larger(asked: Any, room: Any) -> int:
    """The next power of two that leaves some room for an answer."""
    wanted = (asked if isinstance(asked, int) else 2 * room if isinstance(room, int) else 8192) + 1024
    return 1 << (wanted - 1).bit_length()


def _base(exchange: Exchange) -> str:
    parts = urlsplit(exchange.url)
    return f"{parts.scheme}://{parts.netloc}"


def cache_misses(turns: list[Turn]) -> Iterator[Finding]:
    """A request that goes on from the one right before it, and found less than half of that in the cache.

    Only two neighbors are compared: what came between two others (a planning call, a managed agent) takes the
    slot, which is how a healthy server works.
    """
    before: Turn | None = None
    for turn in turns:
        exchange = turn.exchange
        if exchange is None or not is_call(exchange) or exchange.status != 200:
            continue
        if before is not None and goes_on(before.exchange, exchange):
            had, cached = before.tokens.prompt, turn.tokens.cached
            if had and cached is not None and had >= WORTH_KEEPING and cached < had / 2:
                yield _cache_finding(before, turn, had, cached)
        before = turn


def goes_on(earlier: Exchange | None, later: Exchange | None) -> bool:
    """Whether a request begins with all the messages of another one to the same address."""
    if earlier is None or later is None or not earlier.messages or earlier.url != later.url:
        return False
    return later.messages[: len(earlier.messages)] == earlier.messages


def _cache_finding(before: Turn, turn: Turn, had: int, cached: int) -> Finding:
    exchange = turn.exchange
    path = next((p for p in CACHED if dig(exchange.response, *p) is not None), CACHED[0])
    proof = [value(".".join(("response", *path)), cached)]
    if dig(before.exchange.response, "usage", "prompt_tokens") == had:
        proof.append(value(f"{before.label}: response.usage.prompt_tokens", had))
    off = match("run.server.command", r"--ctx-checkpoints 0\b", dig(turn.run, "server", "command"))
    if dig(exchange.request, "cache_prompt") is False:
        reason, change = "The request says cache_prompt: false.", "Leave cache_prompt out of the request."
        proof.append(value("request.cache_prompt", False))
    elif off:
        reason = "A hybrid model can go back only to a checkpoint, and this server keeps none."
        change = "Keep the default, 32:  course serve -- --ctx-checkpoints 32"
        proof.append(off)
    else:
        reason = (
            "Another client took the slot, the server was started anew, or it is a hybrid model's without context "
            "checkpoints (--ctx-checkpoints 0)."
        )
        change = "See where prompts diverge:  LLAMA_SERVER_SLOTS_DEBUG=1 course serve   and keep one client to a slot."
    return found("prompt-cache-miss", turn, *proof, before=had, cached=cached, reason=reason, change=change)
