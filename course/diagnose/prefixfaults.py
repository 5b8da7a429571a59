"""A prompt that does not begin like the one before it, although the conversation goes on: a date at the top, for example.

Pure. A prompt cache serves what two prompts have in common at their beginning, so a small change there costs the whole
prompt. wirefaults.py looks at requests whose beginning is the same and that the cache missed nevertheless.
"""

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, quote, value
from course.turns import Turn, text_of
from course.turns.reading import Record

SMALL = 0.2
"""The largest part of a message that may differ. Another system prompt (a plan, the last call) is not the same, changed."""
SHOWN = 20


def changed(turn: Turn, before: Turn, cached_at: str) -> Found | None:
    """The change, if this turn's request is the one before it with more messages at its end and a part of one replaced."""
    if turn.exchange is None or before.exchange is None:
        return None
    old, new = before.exchange.messages, turn.exchange.messages
    place = turn.diff.start
    if place >= len(old) or len(new) <= len(old) or new[place + 1 : len(old)] != old[place + 1 :]:
        return None
    had, has = text_of(old[place]), text_of(new[place])
    at = _changed_at(had, has) if old[place].get("role") == new[place].get("role") else None
    if at is None:
        return None
    proof = [_seen(new[place], place, at), _seen(old[place], place, at, f"{before.label}: ")]
    words = {"place": f"messages[{place}]", "role": new[place].get("role"), "at": at}
    words |= {"before": before.tokens.prompt, "cached": turn.tokens.cached}
    return found("changing-prefix", turn, *proof, value(cached_at, turn.tokens.cached), **words)


def _changed_at(had: str, has: str) -> int | None:
    """Where the texts begin to differ, if most of them is the same."""
    at = _same(had, has)
    end = _same(had[at:][::-1], has[at:][::-1])
    return at if at + end >= (1 - SMALL) * max(len(had), len(has), 1) else None


def _same(a: str, b: str) -> int:
    """How many characters at the beginning are the same in both."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _seen(message: Record, place: int, at: int, label: str = "") -> Quote | None:
    """The text around the change, where it is one text."""
    content, where = message.get("content"), f"{label}request.messages[{place}].content"
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content, where = content[0].get("text"), f"{where}[0].text"
    if not isinstance(content, str):
        return None
    return quote(where, content, max(0, at - SHOWN), min(len(content), at + SHOWN))
