"""Texts that a limit or a content filter ended: which limit it was, what the tokens went into, and what helps.

Pure. Thinking that an API does not show is known by its count of tokens alone. A text that repeats itself up to the limit
has no use for a larger one.
"""

import re
from dataclasses import dataclass

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, tail, value
from course.turns import Answer, Exchange, Turn
from course.turns.reading import whole

ROOMY = 1024
"""Tokens: the least limit to advise. A model that is done earlier stops earlier, so it costs nothing."""
ROUND = 1024
"""Context windows are multiples of it: an answer that ends there has filled one."""
SLACK = 16
"""Tokens by which a count may stay below the limit: Gemini stops at 496 of 500."""
LEAST_THINKING = 32
"""Tokens: a smaller budget would end the thinking before it is of any use."""
HIDDEN = (
    "response.usage.completion_tokens_details.reasoning_tokens",
    "response.usage.output_tokens_details.reasoning_tokens",
)
"""Where APIs count the thinking that they do not show: chat completions, Responses."""
TOTAL = "response.usage.total_tokens"
"""Gemini's endpoint for OpenAI's clients counts the thinking only here."""
LONGEST_PERIOD = 200
TIMES, LEAST = 8, 64
"""How often, and for how many characters, a text repeats itself before it counts as a loop."""
LEAST_DRAWN = 256
"""The same for a piece without letters: lines, tables and rows of numbers are repetitive by nature."""
SHOWN = 60
BEGINS = (re.compile(r"(?<=\n)\S"), re.compile(r"(?<=[.!?] )\S"), re.compile(r"(?<=\s)\S"))
"""Where the repeated piece is best shown from: a line, a sentence, a word."""


@dataclass(frozen=True)
class Hidden:
    """Tokens of thinking that the response counts and does not show, and the count."""

    tokens: int
    seen: Quote


def hidden(turn: Turn, exchange: Exchange) -> Hidden | None:
    """Thinking that only the counts show. None if there is none, or if the response has the text of it."""
    if turn.thinking or turn.leak:
        return None
    for where in HIDDEN:
        if (tokens := whole(exchange.at(where))) and tokens > 0:
            return Hidden(tokens, value(where, exchange.at(where)))
    usage, total = exchange.reply.usage, whole(exchange.at(TOTAL))
    if total is None or usage.prompt is None:
        return None
    left = total - usage.prompt - (usage.generated or 0)
    return Hidden(left, value(TOTAL, exchange.at(TOTAL))) if left > 0 else None


def filtered(turn: Turn, answer: Answer) -> Found:
    """A text that a content filter ended: no limit was reached."""
    ended = value(answer.finish_at, answer.finish)
    return found("answer-cut", turn, ended, _last(turn, answer), case="filtered", filtered=answer.finish)


def cut(turn: Turn, exchange: Exchange, answer: Answer, unfinished: bool) -> Found:
    """Which limit ended the text: the request's, a full context, or one of the server's own."""
    limit, wrote = exchange.asked.limit, turn.tokens.generated or None
    asked = limit.tokens if limit else None
    room, prompt = whole(dig(turn.run, "server", "n_ctx")), turn.tokens.prompt
    if (total := whole(exchange.at(TOTAL))) and wrote and prompt:
        wrote = max(wrote, total - prompt)  # Gemini's thinking is in the total only
    proof: list[Quote | None] = [value(answer.finish_at, answer.finish)]
    words: dict[str, object] = {"wrote": wrote}
    if limit is not None and asked is not None and (wrote is None or wrote + SLACK >= asked):
        words |= {"key": limit.name, "asked": asked, "limit": max(2 * asked, ROOMY)}
        # if not, no client has a parameter for it: Ollama's num_predict, llama-server's n_predict
        if not limit.name.startswith("max_"):
            words["field"] = f'"{limit.name}": {words["limit"]}'
        proof.append(value(limit.where, exchange.at(limit.where)))
    elif room and prompt and wrote and prompt + wrote >= room - 1:
        words |= {"room": room, "prompt": prompt, "double": 2 * room}
        proof.append(value("run.server.n_ctx", room))
    elif not room and prompt and wrote and (full := prompt + wrote) % ROUND == 0:
        words |= {"room": full, "prompt": prompt, "double": 2 * full}
    half = (asked or wrote or ROOMY) // 2
    words["half"] = half if half >= LEAST_THINKING else None
    thinking = unfinished and not answer.calls and bool(turn.thinking or turn.leak)
    unseen = hidden(turn, exchange) if unfinished and not answer.calls else None
    if again := repeated(_text(turn)[1]) if answer.ended == "length" else None:
        words |= {"case": "repeats", "again": repr(again[:SHOWN])}
    elif unseen:
        words |= {"case": "hidden", "hidden": f"{unseen.tokens:,}"}
        proof.append(unseen.seen)
    kind = "thinking-cut" if thinking or unseen else "answer-cut"
    return found(kind, turn, *proof, _last(turn, answer), **words)


def repeated(text: str) -> str | None:
    """The piece of up to LONGEST_PERIOD characters that a text repeats to its end; None if it does not."""
    for period in range(1, min(LONGEST_PERIOD, len(text) // TIMES) + 1):
        piece = text[-period:]
        least = LEAST if any(map(str.isalpha, piece)) else LEAST_DRAWN
        end = text[-max(TIMES * period, least) :]
        if len(end) >= least and end[period:] == end[:-period]:
            return _from_its_beginning(piece)
    return None


def _from_its_beginning(piece: str) -> str:
    """A text that breaks off anywhere ends in a piece that begins anywhere: turned to begin with a line or a word."""
    twice = piece + piece
    starts = (at.start() for says in BEGINS if (at := says.search(twice)))
    start = next((at for at in starts if at <= len(piece)), 0)
    return twice[start : start + len(piece)].strip() or piece


def _text(turn: Turn) -> tuple[bool, str]:
    """What was written last, the content or else the thinking: whether it is the content, and the text."""
    content = turn.content or ""
    return (True, content) if content.strip() or not turn.thinking else (False, turn.thinking)


def _last(turn: Turn, answer: Answer) -> Quote | None:
    """The end of it."""
    is_content, text = _text(turn)
    return tail(answer.content_at if is_content else answer.thinking_at, text) if text else None
