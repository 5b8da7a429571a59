"""Faults that show in an exchange as a whole: no response, a refusal, a prompt cache that missed.

Pure. Looks at calls to the model only (a client may poll /health until a server is up): at the status, the recorder's
error and the server's own words. textfaults.py looks at what the model wrote.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from course.diagnose.faults import found
from course.diagnose.finding import Finding, Quote, dig, match, quote, tail, value
from course.turns import Exchange, Turn

INTERRUPTS = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "the client closed")
TIMEOUTS = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutError")
BROKEN = ("RemoteProtocolError", "ReadError", "WriteError", "CloseError")
TOO_LONG = re.compile(r"exceeds the available context size|maximum context length", re.IGNORECASE)
NO_TOOLS = re.compile(r"\w+ param requires --jinja(?: flag)?")
TEMPLATE = re.compile(
    r"No user query found[^\n]*|[Ss]ystem message must[^\n]*|[Jj]inja [Ee]xception[^\n]*|roles must alternate[^\n]*"
    r"|raise_exception[^\n]*|While executing \w+ at line[^\n]*"
)
GRAMMAR = re.compile(
    r"failed to parse grammar|error parsing grammar|JSON schema error at [^\n]*", re.IGNORECASE
)
CONSTRAINTS = ("grammar", "json_schema", "response_format", "tools")
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


def in_turn(turn: Turn) -> list[Finding]:
    """Why this turn has no answer; empty if it has one."""
    if turn.exchange is None or not turn.exchange.is_call:
        return []
    return [*_refused(turn, turn.exchange)] or [*_lost(turn, turn.exchange)]


def _lost(turn: Turn, exchange: Exchange) -> Iterator[Finding]:
    """No response, or only part of one, classified by the error that the recorder noted."""
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
    """An HTTP error, or one that the server sent within a stream, recognized by the server's own words."""
    error = dig(exchange.response, "error")
    if exchange.status < 400 and not error:
        return
    where, words = _words(exchange, error)
    status = exchange.status if exchange.status >= 400 else dig(error, "code")
    code, said = value("status", exchange.status), quote(where, words) if words else None
    if dig(error, "type") == "exceed_context_size_error" or TOO_LONG.search(words):
        asked, room = dig(error, "n_prompt_tokens"), dig(error, "n_ctx")
        sizes = "The request has more tokens than one slot of the server holds (-c, divided among its slots)."
        if asked and room:
            sizes = f"The request has {asked} tokens; one slot of the server holds {room} (-c, divided among its slots)."
        yield found("context-overflow", turn, code, said, sizes=sizes, more=_larger(asked, room))
    elif NO_TOOLS.search(words):
        yield found("tools-without-jinja", turn, code, match(where, NO_TOOLS, words))
    elif status in (401, 403):
        yield found("wrong-key", turn, code, said, base=_base(exchange))
    elif status in (429, 503):
        yield found("busy", turn, code, said, base=_base(exchange))
    elif GRAMMAR.search(words):
        fields = "` and `".join(name for name in CONSTRAINTS if dig(exchange.request, name)) or "grammar"
        yield found("grammar-rejected", turn, code, match(where, GRAMMAR, words), fields=fields)
    elif TEMPLATE.search(words):
        roles = ", ".join(str(dig(m, "role")) for m in exchange.messages[:8])
        yield found("template-refused", turn, code, match(where, TEMPLATE, words), roles=roles)
    else:
        answered = (
            f"It answered HTTP {status}."
            if status
            else "It sent an error in place of the rest of the answer."
        )
        yield found("request-refused", turn, code, said, answered=answered)


def _words(exchange: Exchange, error: Any) -> tuple[str, str]:
    """Where the server's message is, and its text: llama-server's and OpenAI's error fields, or else the raw response."""
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
    """Requests that continue the one right before them, but found less than half of it in the cache.

    Only neighbors are compared. A request in between (a planning call, a managed agent) takes over the slot, which is
    normal.
    """
    before: Turn | None = None
    for turn in turns:
        if turn.exchange is None or not turn.exchange.is_call or turn.exchange.status != 200:
            continue
        if before is not None and before.exchange is not None and _continues(turn, before):
            had, cached = before.tokens.prompt, turn.tokens.cached
            least = WORTH_CACHING if "cache_n" in turn.timings else HOSTED_MINIMUM
            if had and cached is not None and had >= least and cached < had / 2:
                yield _cache_miss(turn, turn.exchange, before, before.exchange)
        before = turn


def _continues(turn: Turn, before: Turn) -> bool:
    """Whether the turn's request begins with all the messages of the earlier one, at the same address."""
    if turn.exchange is None or before.exchange is None or turn.exchange.url != before.exchange.url:
        return False
    same = turn.run_number == before.run_number and turn.diff.continues == before.number
    return same and turn.diff.start == len(before.exchange.messages)


def _cache_miss(turn: Turn, exchange: Exchange, before: Turn, earlier: Exchange) -> Finding:
    had, cached = before.tokens.prompt, turn.tokens.cached
    path = next((p for p in CACHED if dig(exchange.response, *p) is not None), CACHED[0])
    proof = [value(".".join(("response", *path)), cached)]
    if dig(earlier.response, "usage", "prompt_tokens") == had:
        proof.append(value(f"{before.label}: response.usage.prompt_tokens", had))
    off = match("run.server.command", r"--ctx-checkpoints 0\b", dig(turn.run, "server", "command"))
    if dig(exchange.request, "cache_prompt") is False:
        reason, change = "The request has cache_prompt: false.", "Leave cache_prompt out of the request."
        proof.append(value("request.cache_prompt", False))
    elif off:
        reason = "A hybrid model can only return to a checkpoint, and this server keeps none."
        change = "Keep the default, 32:  course serve -- --ctx-checkpoints 32"
        proof.append(off)
    elif "cache_n" not in turn.timings:
        reason = (
            "Possible causes: the entry expired or was evicted, or something in front of the messages changed, such as the "
            "tools."
        )
        change = "Compare the two requests:  course view TAPE"
    else:
        reason = (
            "Possible causes: another client took the slot, the server was restarted, or the model is a hybrid and the "
            "server keeps no context checkpoints (--ctx-checkpoints 0)."
        )
        change = (
            "Use one client per slot. To see where prompts diverge:  LLAMA_SERVER_SLOTS_DEBUG=1 course serve"
        )
    return found("prompt-cache-miss", turn, *proof, before=had, cached=cached, reason=reason, change=change)
