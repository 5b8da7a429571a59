"""What came of an exchange, in one of a few words, for every API.

Pure. Says what happened, not why: that is for `diagnose`. An exchange whose outcome is not `understood` was not judged.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.turns.exchange import Exchange
    from course.turns.values import Answer

ANSWERED, CALLED, THINKING, EMPTY, CUT = "answered", "tool call", "thinking only", "empty", "cut"
STREAM_ERROR, NO_END, NO_CHOICES = "error in the stream", "stream without an end", "no choices"
NOT_JSON, NOT_DECODABLE, MISSING, NOT_READ = "not JSON", "not decodable", "body missing", "API not read"
REFUSED, NO_RESPONSE, BROKEN_OFF, OTHER = "refused", "no response", "broken off", "not a call to a model"
NOT_UNDERSTOOD = (NOT_JSON, NOT_DECODABLE, MISSING, NOT_READ)

OTHER_PATHS = re.compile(
    r"/(?:models|health|ready|props|slots|metrics|version|tokenize|detokenize|apply-template|count_tokens|input_tokens"
    r"|api/(?:show|tags|ps|pull|version|me)|event_logging/batch)$|/lora-adapters$"
)
"""Addresses where a client asks about the server or a text, but not for an answer."""
SENTENCE_END = re.compile(r"""[.!?:)\]}>"'`*…。！？]\s*\Z""")


@dataclass(frozen=True)
class Outcome:
    """`kind` is one of the names above, `said` adds what is known about it; empty for an ordinary answer."""

    kind: str
    said: str = ""

    @property
    def understood(self) -> bool:
        """Whether the exchange could be judged."""
        return self.kind not in NOT_UNDERSTOOD

    def __str__(self) -> str:
        return f"{self.kind} ({self.said})" if self.said else self.kind


def outcome(exchange: "Exchange") -> Outcome:
    """What came of the exchange."""
    status = exchange.status
    if not exchange.is_call:
        return _other(exchange)
    if not status:
        return Outcome(NO_RESPONSE, exchange.error or "")
    if status >= 400:
        return Outcome(REFUSED, f"HTTP {status}")
    if status >= 300:
        return Outcome(NOT_READ, f"HTTP {status}, a redirect")
    if exchange.undecodable:
        return Outcome(NOT_DECODABLE, exchange.undecodable)
    if exchange.failure:
        return (
            Outcome(STREAM_ERROR) if exchange.streamed else Outcome(REFUSED, f"HTTP {status} with an error")
        )
    if exchange.missing:
        return Outcome(MISSING, exchange.missing)
    answer = exchange.answer
    if exchange.error and not (answer and _is_over(exchange, answer)):
        return Outcome(BROKEN_OFF, exchange.error)
    if exchange.body_kind == "text":
        return Outcome(NOT_JSON, "HTML" if exchange.raw_response.lstrip()[:1] == "<" else "")
    if answer is None:
        return _no_answer(exchange)
    if exchange.streamed and not _is_over(exchange, answer):
        return Outcome(NO_END)
    return _answered(exchange, answer)


def _other(exchange: "Exchange") -> Outcome:
    what = f"{exchange.method} {exchange.path or '/'}"
    if exchange.method != "POST" or OTHER_PATHS.search(exchange.path):
        return Outcome(OTHER, what)
    if not exchange.status:
        return Outcome(NO_RESPONSE, exchange.error or what)
    if exchange.failure:
        return Outcome(REFUSED, f"HTTP {exchange.status}, {what}")
    return Outcome(NOT_READ, what)


def _no_answer(exchange: "Exchange") -> Outcome:
    if exchange.body_kind == "nothing":
        return Outcome(EMPTY, "the response has no body")
    if exchange.streamed and not exchange.done:
        return Outcome(NO_END, "" if exchange.events else "it has no event")
    return Outcome(NO_CHOICES)


def _answered(exchange: "Exchange", answer: "Answer") -> Outcome:
    if answer.ended == "error":
        return Outcome(STREAM_ERROR if exchange.streamed else REFUSED, f"{answer.finish}")
    if reason := cut_by(exchange, answer):
        return Outcome(CUT, reason)
    if answer.calls:
        names = ", ".join(call.name or "?" for call in answer.calls[:4])
        return Outcome(
            CALLED, names + (f" and {len(answer.calls) - 4} more" if len(answer.calls) > 4 else "")
        )
    if (answer.content or "").strip():
        return Outcome(ANSWERED)
    return Outcome(THINKING) if answer.thinking else Outcome(EMPTY)


def cut_by(exchange: "Exchange", answer: "Answer") -> str:
    """What cut the answer off, in words; empty if it was not cut.

    Some servers say that an answer is complete although it has just as many tokens as the request allows: it is cut if
    they always say so (the Responses API of llama-server), or if it does not end like a sentence. With several answers,
    the count is that of all of them, and says nothing about one.
    """
    if answer.ended == "length":
        return f"{answer.finish}"
    if answer.ended == "filter":
        return "by a content filter"
    limit, wrote = exchange.asked.limit, exchange.reply.usage.generated
    if (
        limit is None
        or wrote is None
        or wrote < limit.tokens
        or len(exchange.reply.answers) > 1
        or answer.ended not in ("stop", "tool_calls", None)
    ):
        return ""
    always, said = answer.finish == "completed", answer.content or ""
    short = limit.tokens < 16 or any(call.is_whole for call in answer.calls)
    if always or (not short and not SENTENCE_END.search(said)):
        return f"{wrote} of at most {limit.tokens} tokens, although the server says {answer.finish}"
    return ""


def _is_over(exchange: "Exchange", answer: "Answer") -> bool:
    """Whether a stream says that it is complete."""
    return exchange.done or (answer.finish is not None and answer.finish not in ("in_progress", "queued"))
