"""A prompt that the server cut off without saying so: its count of tokens stands still, or falls, while the request grows.

Pure. Compares the characters of a request, and of the one that it continues, with the tokens that the server counted.
Quotes both counts. What a client asked for, with a field for that, is named as the reason.
"""

import re

from course.diagnose.ends import seen
from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, value
from course.diagnose.peers import recognize
from course.turns import Exchange, Message, Turn
from course.turns.beginning import repeated
from course.turns.values import as_text

ROUND = 1024
"""Context windows are multiples of it."""
GREW = 800
"""Characters by which a request must grow before the count of its tokens is judged."""
DENSE = 9
"""Characters per token. Prose has 4 to 5, repetitive text up to 7: with more, tokens are missing."""
FEW = 4
"""Characters per token that are assumed at least: a short prompt has more tokens than its text, from the template."""
KEPT = (4, 5)
"""Tokens at the beginning of a prompt that Ollama keeps (num_keep): 4, and one more on models that mark the beginning."""
HALF = 7
"""Characters per token, as in DENSE, where the count itself is what is left of a prompt that Ollama cut off."""
THOUGHT = 0.5
"""Tokens that one character of thinking has at most, unless the rest of the conversation has more."""
RUN = re.compile(r"\s+|([^\w\s])\1+")
"""Characters that a tokenizer may put into one token: spaces, the rules of a table."""
SAID = ("role", "content", "tool_calls", "name")
"""Fields of an assistant message that a chat template never leaves out."""
TRUNCATES = ("truncation", "transforms", "context_management", "truncate_prompt_tokens")
"""Fields with which a client asks for truncation."""


def truncated(turn: Turn, exchange: Exchange, base: Turn | None) -> Found | None:
    """A prompt of which the server has counted fewer tokens than it must have."""
    counted = exchange.reply.usage.prompt
    if not counted or any(_is_media(message) for message in exchange.asked.messages):
        return None
    size = _size(exchange)
    room, halved = _limit(counted, turn.tokens.generated), _halved(exchange, counted)
    full = room is not None or halved is not None
    words = {
        "characters": f"{size:,}",
        "counted": counted,
        "room": room,
        "halved": halved,
        "over": counted - halved // 2 if halved else None,
        "asked": next((f for f in TRUNCATES if dig(exchange.request, f) not in (None, "disabled", [])), None),
    }
    proof = [value(exchange.reply.usage.prompt_at, exchange.at(exchange.reply.usage.prompt_at))]
    if base is not None and base.exchange is not None and _repeats(exchange, base.exchange):
        had, before = base.exchange.reply.usage.prompt, _size(base.exchange)
        if (
            had
            and before
            and _stands_still(had, counted, before, size, full)
            and (full or not _thinks(exchange) or _more_than_thinking(exchange, base.exchange, had, counted))
        ):
            place = base.exchange.reply.usage.prompt_at
            proof.append(value(f"{base.label}: {place}", base.exchange.at(place)))
            words |= {"had": had, "before": f"{before:,}", "first": base.label}
            return found("prompt-truncated", turn, *_sound(proof, counted, had), **_more(words))
    first = base is None and halved is not None and _read(exchange) > HALF * counted
    if first or (counted % ROUND == 0 and size > DENSE * counted):
        return found("prompt-truncated", turn, *_sound(proof, counted, None), **_more(words))
    return None


def _stands_still(had: int, counted: int, before: int, size: int, is_round: bool) -> bool:
    """Whether far fewer tokens were added than the characters that were added must have.

    A server that counts only what it had to process again reports the new tokens alone: that is not a truncation.
    """
    if size - before < GREW or counted < had / 2 or had * DENSE < before:
        return False
    grown = _grown(had, before, size)
    if abs(counted - grown) < 0.35 * grown and not is_round:
        return False
    return counted - had < grown * (0.5 if is_round else 0.25)


def _grown(had: int, before: int, size: int) -> float:
    """Tokens that were added, judged by the characters."""
    return (size - before) * min(had / before, 1 / FEW)


def _more_than_thinking(exchange: Exchange, earlier: Exchange, had: int, counted: int) -> bool:
    """Whether more tokens are missing than past thinking has, which a chat template may leave out of a later prompt.

    How much thinking the Responses API keeps cannot be read from a request.
    """
    if exchange.dialect == "responses":
        return False
    before = _size(earlier)
    rate, grown = max(had / before, THOUGHT), _grown(had, before, _size(exchange))
    old, now = (rate * sum(map(_unspoken, one.asked.messages)) for one in (earlier, exchange))
    only_new = counted < 1.35 * (grown + now - old)
    return not only_new and counted + old - had < grown * 0.25


def _halved(exchange: Exchange, counted: int) -> int | None:
    """Ollama's context window, if this is what it leaves of a prompt that does not fit. None if it is not, or not Ollama.

    Recent versions keep the first few tokens and fill half of the other places with the last ones: in a window of 4,096
    tokens, that makes 2,050 or 2,051 (contextShiftPromptLimit in llm/llama_server.go; ollama/ollama#17427).
    """
    # window - (window - keep) // 2 = window / 2 + (keep + 1) // 2, for an even window
    windows = (2 * (counted - (keep + 1) // 2) for keep in KEPT)
    window = next((w for w in windows if w >= 2 * ROUND and w % ROUND == 0), None)
    return window if window and _is_ollama(exchange) else None


def _is_ollama(exchange: Exchange) -> bool:
    server = recognize([seen(exchange)]).server
    return ":11434/" in exchange.url if server is None else server.name == "ollama"


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


def _read(exchange: Exchange) -> int:
    """Characters of the messages, without repeated ones that a tokenizer joins. Tools may be rendered much shorter."""
    return sum(len(RUN.sub(" ", _spoken(message))) for message in exchange.asked.messages)


def _unspoken(message: Message) -> int:
    """Characters of past thinking in a message, readable or not."""
    if message.role != "assistant":
        return 0
    rest = {key: given for key, given in message.given.items() if key not in SAID}
    content = message.given.get("content")
    parts = len(as_text(content)) - len(message.text) if isinstance(content, list) else 0
    inline = message.text.rindex("</think>") if "</think>" in message.text else 0
    return (len(as_text(rest)) if rest else 0) + max(0, parts) + inline


def _thinks(exchange: Exchange) -> bool:
    """Whether past thinking is sent back: a chat template may leave it out once a new question comes."""
    return any(m.thinking or "</think>" in m.text for m in exchange.asked.messages if m.role == "assistant")


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


def _repeats(exchange: Exchange, earlier: Exchange) -> bool:
    """Whether the request begins with all messages of the earlier one."""
    return repeated(earlier.asked.messages, exchange.asked.messages) == len(earlier.asked.messages)
