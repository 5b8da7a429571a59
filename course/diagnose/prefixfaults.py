"""Faults in the beginning of a prompt: it changed, the cache lost it, or the server cut it off without saying so.

Pure. A prompt cache serves what two prompts have in common at their beginning. Each request is compared with the earlier
one of its conversation that it repeats most of, so agents that alternate on one tape are told apart, and a plan or a last
call with a system prompt of its own is not taken for a change. Truncation is found from the server's count of tokens,
which stands still while the request grows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, value
from course.turns import Exchange, Message, Turn
from course.turns.beginning import Fork, fork, repeated
from course.turns.diff import INSTRUCTIONS
from course.turns.outcome import ANSWERED, CALLED, CUT, EMPTY, THINKING
from course.turns.reading import LOOK_BACK

WHOLE = (ANSWERED, CALLED, CUT, EMPTY, THINKING)
CACHED = (
    ("timings", "cache_n"),
    ("usage", "prompt_tokens_details", "cached_tokens"),
    ("usage", "input_tokens_details", "cached_tokens"),
    ("usage", "cache_read_input_tokens"),
)
"""Where servers report how much of a prompt came from the cache."""
WRITTEN = ("usage", "cache_creation_input_tokens")
WORTH_CACHING = 256
"""Prompt tokens. llama-server processes a shorter prompt in no time, and some builds do not look for it in the cache."""
HOSTED_MINIMUM = 1024
"""Prompt tokens. OpenAI's API does not cache shorter prompts, and other hosted APIs have a similar limit."""
SHOWN = 20
"""Characters of a quote before and after the place where two texts begin to differ."""
WORD = re.compile(r"[^\s,;\"'{}()\[\]]*\Z")
ROUND = 1024
"""Context windows are multiples of it."""
GREW = 800
"""Characters by which a request must grow before the count of its tokens is judged."""
DENSE = 9
"""Characters per token. Prose has 4 to 5, repetitive text up to 7: with more, tokens are missing."""
FEW = 4
"""Characters per token that are assumed at least: a short prompt has more tokens than its text, from the template."""
TRUNCATES = ("truncation", "transforms", "context_management", "truncate_prompt_tokens")
"""Fields with which a client asks for truncation."""


def faults(turns: list[Turn]) -> Iterator[Found]:
    """Lost caches and truncated prompts on a whole tape."""
    reporting = {_address(turn) for turn in turns if turn.exchange and _reports(turn)}
    past: dict[tuple[int, str], list[Turn]] = {}
    by_number = {(turn.run_number, turn.number): turn for turn in turns}
    cut: set[tuple[int, int]] = set()
    for turn in turns:
        exchange = turn.exchange
        if exchange is None or not exchange.is_call or exchange.outcome.kind not in WHOLE:
            continue
        before = past.setdefault((turn.run_number, _address(turn)), [])
        base = _base(turn, exchange, before, by_number)
        if base is not None:
            proved = "cache_n" in turn.timings or _address(turn) in reporting
            is_next = bool(before) and base is before[-1]
            yield from _lost(turn, exchange, base, is_next) if proved else ()
        seen = _truncated(turn, exchange, base)
        known = base is not None and (base.run_number, base.number) in cut
        if seen or known:
            cut.add((turn.run_number, turn.number))
        if seen and not known:
            yield seen
        before.append(turn)
        del before[:-LOOK_BACK]


def _address(turn: Turn) -> str:
    return turn.exchange.url if turn.exchange else ""


def _reports(turn: Turn) -> bool:
    """Whether the server shows that it has a cache: a count of 0 alone may mean that it does not."""
    written = dig(turn.exchange.response, *WRITTEN) if turn.exchange else None
    return bool(turn.tokens.cached) or (isinstance(written, int) and written > 0)


def _base(
    turn: Turn, exchange: Exchange, before: list[Turn], by_number: dict[tuple[int, int], Turn]
) -> Turn | None:
    """The earlier request that this one repeats most of: one of the last few, or the one that it continues."""
    continued = by_number.get((turn.run_number, turn.diff.continues or 0))
    if continued is None or continued.exchange is None or _address(continued) != _address(turn):
        return None
    best, most = continued, _common(continued.exchange, exchange)
    for one in before:
        if one.exchange is not None and one.exchange.asked.model == exchange.asked.model:
            same = _common(one.exchange, exchange)
            if same > most or (same == most and one.index > best.index and _talks(one.exchange, same)):
                best, most = one, same
    return best


def _common(earlier: Exchange, exchange: Exchange) -> int:
    return repeated(earlier.asked.messages, exchange.asked.messages)


def _talks(exchange: Exchange, same: int) -> bool:
    return any(m.role not in INSTRUCTIONS for m in exchange.asked.messages[:same])


# --- the cache


@dataclass(frozen=True)
class _Loss:
    """What a miss cost: tokens processed again, and seconds if the server's timings tell."""

    had: int
    cached: int
    again: int
    seconds: str | None


def _lost(turn: Turn, exchange: Exchange, base: Turn, is_next: bool) -> Iterator[Found]:
    """A request that continues another one, and found less than half of it in the cache.

    llama-server has one cache for each slot: a request in between takes it over, which is normal.
    """
    assert base.exchange is not None
    had, cached = base.tokens.prompt, turn.tokens.cached
    own = "cache_n" in turn.timings
    if not had or cached is None or had < (WORTH_CACHING if own else HOSTED_MINIMUM) or cached >= had / 2:
        return
    loss = _Loss(had, cached, had - cached, _seconds(turn, had - cached))
    parting = fork(base.exchange, exchange)
    explains = parting is not None and max(cached * 2, WORTH_CACHING) >= parting.shared * had
    if parting is not None and (explains or not is_next):
        yield from [_changed(turn, exchange, base, parting, loss)] if explains else ()
    elif (is_next or not own) and _repeats(exchange, base.exchange):
        yield _missed(turn, exchange, base, loss)


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
    count = value(".".join(("response", *_counted(exchange))), turn.tokens.cached)
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
    }
    return found("changing-prefix", turn, new, old, count, **words)


def _around(exchange: Exchange, where: str, at: int, label: str = "") -> Quote | None:
    """The text around a place, from the beginning of its word."""
    text = exchange.at(where)
    if not isinstance(text, str) or not text:
        return None
    word = WORD.search(text, max(0, at - 2 * SHOWN), at)
    start = word.start() if word and word.group() else max(0, at - SHOWN)
    return quote(f"{label}{where}", text, start, at + SHOWN)


def _counted(exchange: Exchange) -> tuple[str, ...]:
    """Where the response says how much of the prompt came from the cache."""
    return next((p for p in CACHED if dig(exchange.response, *p) is not None), CACHED[0])


def _missed(turn: Turn, exchange: Exchange, base: Turn, loss: _Loss) -> Found:
    """The beginning is the same, so it is the server that lost it."""
    proof = [value(".".join(("response", *_counted(exchange))), loss.cached)]
    if dig(base.exchange and base.exchange.response, "usage", "prompt_tokens") == loss.had:
        proof.append(value(f"{base.label}: response.usage.prompt_tokens", loss.had))
    off = match("run.server.command", r"--ctx-checkpoints 0\b", dig(turn.run, "server", "command"))
    words: dict[str, int | str | None] = {
        "before": loss.had,
        "cached": loss.cached,
        "again": loss.again,
        "seconds": loss.seconds,
    }
    if dig(exchange.request, "cache_prompt") is False:
        words["off"] = "false"
        proof.append(value("request.cache_prompt", False))
    elif off:
        words["flag"] = off.text
        proof.append(off)
    elif "cache_n" in turn.timings:
        words["slots"] = "slot"
    return found("prompt-cache-miss", turn, *proof, **words)


# --- truncation


def _truncated(turn: Turn, exchange: Exchange, base: Turn | None) -> Found | None:
    """A prompt of which the server has counted fewer tokens than it must have."""
    counted = exchange.reply.usage.prompt
    if not counted or any(_is_media(message) for message in exchange.asked.messages):
        return None
    size = _size(exchange)
    words = {
        "characters": f"{size:,}",
        "counted": counted,
        "room": _limit(counted, turn.tokens.generated),
        "asked": next((f for f in TRUNCATES if dig(exchange.request, f) not in (None, "disabled", [])), None),
    }
    proof = [value(exchange.reply.usage.prompt_at, exchange.at(exchange.reply.usage.prompt_at))]
    if base is not None and base.exchange is not None and _repeats(exchange, base.exchange):
        had, before = base.exchange.reply.usage.prompt, _size(base.exchange)
        if had and before and _stands_still(had, counted, before, size, words["room"] is not None):
            place = base.exchange.reply.usage.prompt_at
            proof.append(value(f"{base.label}: {place}", base.exchange.at(place)))
            words |= {"had": had, "before": f"{before:,}", "first": base.label}
            return found("prompt-truncated", turn, *_sound(proof, counted, had), **_more(words))
    if counted % ROUND == 0 and size > DENSE * counted:
        return found("prompt-truncated", turn, *_sound(proof, counted, None), **_more(words))
    return None


def _stands_still(had: int, counted: int, before: int, size: int, is_round: bool) -> bool:
    """Whether far fewer tokens were added than the characters that were added must have.

    A server that counts only what it had to process again reports the new tokens alone: that is not a truncation.
    """
    if size - before < GREW or counted < had / 2 or had * DENSE < before:
        return False
    grown = (size - before) * min(had / before, 1 / FEW)
    if abs(counted - grown) < 0.35 * grown and not is_round:
        return False
    return counted - had < grown * (0.5 if is_round else 0.25)


def _limit(counted: int, generated: int | None) -> int | None:
    """The context window, if the prompt, or the prompt with the answer, ends at a round number."""
    sums = [counted, counted + (generated or 0)]
    return next((n for n in sums if n % ROUND == 0 and n >= ROUND), None)


def _more(words: dict[str, object]) -> dict[str, object]:
    counted = words["counted"]
    more = 1 << (2 * int(counted) - 1).bit_length() if isinstance(counted, int) else None
    return {**words, "more": more}


def _sound(proof: list[Quote], *numbers: int | None) -> list[Quote]:
    """The proofs that quote the numbers as they came. A total of several fields is not in the body."""
    return [p for p, n in zip(proof, numbers, strict=False) if p.text == str(n)] or proof


def _size(exchange: Exchange) -> int:
    """Characters of the prompt, without thinking, which templates leave out of past messages."""
    asked = exchange.asked
    texts = sum(len(_spoken(message)) for message in asked.messages)
    return texts + sum(len(str(tool.given)) for tool in asked.tools)


def _spoken(message: Message) -> str:
    said = message.text
    if message.role == "assistant" and "</think>" in said:
        said = said[said.rindex("</think>") :]
    return said + "".join(c.name + c.text for c in message.calls)


def _is_media(message: Message) -> bool:
    content = message.given.get("content")
    parts = content if isinstance(content, list) else []
    return any(
        isinstance(p, dict)
        and p.get("type")
        not in (None, "text", "input_text", "output_text", "tool_use", "tool_result", "thinking")
        for p in parts
    )
