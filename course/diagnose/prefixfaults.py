"""Faults in the beginning of a prompt: it changed, the cache lost it, or the server cut it off without saying so.

Pure. A prompt cache serves what two prompts have in common at their beginning. Each request is compared with the earlier
one of its conversation that it repeats most of, so agents that alternate on one tape are told apart, and a plan or a last
call with a system prompt of its own is not taken for a change. truncation.py judges the server's count of tokens.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from course.diagnose.ends import Ends
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, value
from course.diagnose.truncation import truncated
from course.turns import Exchange, Turn
from course.turns.beginning import Fork, fork, repeated
from course.turns.diff import INSTRUCTIONS
from course.turns.outcome import ANSWERED, CALLED, CUT, EMPTY, THINKING
from course.turns.reading import LOOK_BACK, record, text

WHOLE = (ANSWERED, CALLED, CUT, EMPTY, THINKING)
CACHED = (
    ("timings", "cache_n"),
    ("usage", "prompt_tokens_details", "cached_tokens"),
    ("usage", "input_tokens_details", "cached_tokens"),
    ("usage", "cache_read_input_tokens"),
    ("prompt_eval_cached_count",),
)
"""Where servers report how much of a prompt came from the cache."""
DETAILS = "prompt_tokens_details"
LEAVE_OUT_ZERO = ("vllm", "sglang")
"""Servers that say nothing in DETAILS if no token came from the cache: null, or no such field in a stream."""
WRITTEN = ("usage", "cache_creation_input_tokens")
WORTH_CACHING = 256
"""Prompt tokens. llama-server processes a shorter prompt in no time, and some builds do not look for it in the cache."""
HOSTED_MINIMUM = 1024
"""Prompt tokens. OpenAI's API does not cache shorter prompts, and other hosted APIs have a similar limit."""
NEAR = 0.25
"""How far the cached part of a prompt may be from the part before a change that explains it."""
SHOWN = 20
"""Characters of a quote before and after the place where two texts begin to differ."""
WORD = re.compile(r"[^\s,;\"'{}()\[\]]*\Z")


def faults(turns: list[Turn]) -> Iterator[Found]:
    """Lost caches and truncated prompts on a whole tape."""
    reporting = {_cache(turn) for turn in turns if turn.exchange and _reports(turn)}
    ends = Ends(turns)
    past: dict[tuple[int, str], list[Turn]] = {}
    by_number = {(turn.run_number, turn.number): turn for turn in turns}
    cut: set[tuple[int, int]] = set()
    for turn in turns:
        exchange = turn.exchange
        if exchange is None or not exchange.is_call or exchange.outcome.kind not in WHOLE:
            continue
        before = past.setdefault((turn.run_number, _address(turn)), [])
        base = _base(turn, exchange, before, by_number)
        seen = truncated(turn, exchange, base)
        known = base is not None and (base.run_number, base.number) in cut
        if base is not None and ("cache_n" in turn.timings or reporting & {_cache(turn), _cache(base)}):
            is_next = bool(before) and base is before[-1]
            cached = _cached(turn, exchange, ends)
            lost = _lost(turn, exchange, base, is_next, cached) if cached is not None else ()
            # a prompt that lost its beginning no longer continues what is in the cache, so the cache is not to blame
            yield from (one for one in lost if one.kind != "prompt-cache-miss" or not (seen or known))
        if seen or known:
            cut.add((turn.run_number, turn.number))
        if seen and not known:
            yield seen
        before.append(turn)
        del before[:-LOOK_BACK]


def _address(turn: Turn) -> str:
    return turn.exchange.url if turn.exchange else ""


def _cache(turn: Turn) -> tuple[str, str | None, str | None]:
    """What a cache belongs to: an address, a model there and, on OpenRouter, the provider that answered."""
    model = turn.exchange.asked.model if turn.exchange else None
    return _address(turn), model, _provider(turn.exchange)


def _provider(exchange: Exchange | None) -> str | None:
    return text(dig(exchange and exchange.response, "provider"))


def _reports(turn: Turn) -> bool:
    """Whether the server shows that it has a cache: a count of 0 alone may mean that it does not."""
    written = dig(turn.exchange.response, *WRITTEN) if turn.exchange else None
    return bool(turn.tokens.cached) or (isinstance(written, int) and written > 0)


def _cached(turn: Turn, exchange: Exchange, ends: Ends) -> int | None:
    """How many tokens came from the cache, on a server that reports it for other prompts. None if it does not say."""
    usage = exchange.reply.usage
    if turn.tokens.cached is not None or usage.prompt is None or usage.generated is None:
        return turn.tokens.cached
    said = record(dig(exchange.response, "usage"))
    if "prompt_tokens" not in said or said.get(DETAILS) is not None:
        return None
    server = ends.of(turn.run_number, turn.number).server
    if server is None:  # nobody knows what a missing field means there
        return 0 if DETAILS in said else None
    return 0 if server.name in LEAVE_OUT_ZERO else None


def _base(
    turn: Turn, exchange: Exchange, before: list[Turn], by_number: dict[tuple[int, int], Turn]
) -> Turn | None:
    """The earlier request that this one repeats most of: one of the last few, or the one that it continues.

    Only one of the same model: another one has a cache and a tokenizer of its own.
    """
    continued = by_number.get((turn.run_number, turn.diff.continues or 0))
    if continued is None or continued.exchange is None or _address(continued) != _address(turn):
        return None
    best: Turn | None = None
    most = 0
    if _same_model(continued.exchange, exchange):
        best, most = continued, _common(continued.exchange, exchange)
    for one in before:
        if one.exchange is not None and _same_model(one.exchange, exchange):
            same = _common(one.exchange, exchange)
            is_later = best is None or one.index > best.index
            if (best and same > most) or (same >= most and is_later and _talks(one.exchange, same)):
                best, most = one, same
    return best


def _same_model(earlier: Exchange, exchange: Exchange) -> bool:
    """Whether the same model was asked and, as far as the responses say, answered: a router chooses by itself."""
    answered = {earlier.reply.model, exchange.reply.model} - {None}
    return earlier.asked.model == exchange.asked.model and len(answered) < 2


def _common(earlier: Exchange, exchange: Exchange) -> int:
    return repeated(earlier.asked.messages, exchange.asked.messages)


def _talks(exchange: Exchange, same: int) -> bool:
    return any(m.role not in INSTRUCTIONS for m in exchange.asked.messages[:same])


@dataclass(frozen=True)
class _Loss:
    """What a miss cost: tokens processed again, and seconds if the server's timings tell."""

    had: int
    cached: int
    again: int
    seconds: str | None


def _lost(turn: Turn, exchange: Exchange, base: Turn, is_next: bool, cached: int) -> Iterator[Found]:
    """A request that continues another one, and found less in the cache than it should have.

    Less than half counts whatever the reason. A change in the instructions or the tools counts from WORTH_CACHING tokens
    on, if the cache ends where the change is. llama-server has one cache for each slot: a request in between takes it
    over, which is normal.
    """
    assert base.exchange is not None
    had = base.tokens.prompt
    own = "cache_n" in turn.timings
    if not had or had < (WORTH_CACHING if own else HOSTED_MINIMUM) or cached >= had:
        return
    again = max(0, min(had, turn.tokens.prompt or had) - cached)  # the new prompt may be the shorter one
    if cached >= had / 2 and again < WORTH_CACHING:  # nearly all turns, which need no comparison
        return
    parting = fork(base.exchange, exchange)
    loss = _Loss(had, cached, again, _seconds(turn, again))
    if cached >= had / 2:
        if parting is not None and _ends_there(exchange, parting, loss):
            yield _changed(turn, exchange, base, parting, loss)
        return
    explains = parting is not None and max(cached * 2, WORTH_CACHING) >= parting.shared * had
    if parting is not None and (explains or not is_next):
        yield from [_changed(turn, exchange, base, parting, loss)] if explains else ()
    elif (is_next or not own) and _repeats(exchange, base.exchange):
        yield _missed(turn, exchange, base, loss)


def _ends_there(exchange: Exchange, parting: Fork, loss: _Loss) -> bool:
    """Whether the instructions that the conversation begins with, or the tools, changed where the cache ends."""
    first = takewhile(lambda message: message.role in INSTRUCTIONS, exchange.asked.messages)
    stable = parting.how in ("tools", "order") or f"request.{parting.place}" in {m.where for m in first}
    return stable and abs(loss.cached / loss.had - parting.shared) <= NEAR


def _repeats(exchange: Exchange, earlier: Exchange) -> bool:
    return _common(earlier, exchange) == len(earlier.asked.messages)


def _seconds(turn: Turn, tokens: int) -> str | None:
    """How long processing these tokens took, by the server's own timings."""
    took, processed = turn.timings.get("prompt_ms"), turn.timings.get("prompt_n")
    if not took or not processed:
        return None
    return f"{took / 1000 * min(1.0, tokens / processed):.1f}"


def _changed(turn: Turn, exchange: Exchange, base: Turn, parting: Fork, loss: _Loss) -> Found:
    """The first characters that differ, in both requests."""
    assert base.exchange is not None
    new = _around(exchange, parting.where, parting.at)
    old = _around(base.exchange, parting.before_where, parting.offset, f"{base.label}: ")
    place = f"{parting.place} ({parting.role})"
    if parting.role in INSTRUCTIONS and "[" not in parting.place:  # a field of its own: system, instructions
        place = "the system prompt"
    words = {
        "place": place,
        "at": parting.at,
        "first": base.label,
        "before": loss.had,
        "cached": loss.cached,
        "again": loss.again,
        "seconds": loss.seconds,
        parting.how: place,
        **_left_out(exchange),
    }
    return found("changing-prefix", turn, new, old, _counted(exchange, loss), **words)


def _around(exchange: Exchange, where: str, at: int, label: str = "") -> Quote | None:
    """The text around a place, from the beginning of its word."""
    text = exchange.at(where)
    if not isinstance(text, str) or not text:
        return None
    word = WORD.search(text, max(0, at - 2 * SHOWN), at)
    start = word.start() if word and word.group() else max(0, at - SHOWN)
    return quote(f"{label}{where}", text, start, at + SHOWN)


def _counted(exchange: Exchange, loss: _Loss) -> Quote:
    """Where the response says how much of the prompt came from the cache, or where it should have said so."""
    path = next((p for p in CACHED if dig(exchange.response, *p) is not None), None)
    if path is None:
        return value("response.usage", dig(exchange.response, "usage"))
    return value(".".join(("response", *path)), loss.cached)


def _left_out(exchange: Exchange) -> dict[str, str]:
    """The field without a count, if the server left out a count of 0."""
    return {} if any(dig(exchange.response, *p) is not None for p in CACHED) else {"left_out": DETAILS}


def _missed(turn: Turn, exchange: Exchange, base: Turn, loss: _Loss) -> Found:
    """The beginning is the same, so it is the server that lost it."""
    assert base.exchange is not None
    proof = [_counted(exchange, loss)]
    total = base.exchange.reply.usage.prompt_at
    if base.exchange.at(total) == loss.had:
        proof.append(value(f"{base.label}: {total}", loss.had))
    off = match("run.server.command", r"--ctx-checkpoints 0\b", dig(turn.run, "server", "command"))
    words: dict[str, int | str | None] = {
        "first": base.label,
        "before": loss.had,
        "cached": loss.cached,
        "again": loss.again,
        "seconds": loss.seconds,
        **_left_out(exchange),
    }
    now, then = _provider(exchange), _provider(base.exchange)
    if now and then and now != then:
        words |= {"provider": now, "first_provider": then}
        proof += [value("response.provider", now), value(f"{base.label}: response.provider", then)]
    elif dig(exchange.request, "cache_prompt") is False:
        words["off"] = "false"
        proof.append(value("request.cache_prompt", False))
    elif off:
        words["flag"] = off.text
        proof.append(off)
    elif "cache_n" in turn.timings:
        words["slots"] = "slot"
    return found("prompt-cache-miss", turn, *proof, **words)
