"""Where the beginning of a prompt differs from that of an earlier one.

Pure. A prompt cache serves what two prompts have in common at their beginning, so the first difference decides how much
of it is processed again. Tools are compared first, because chat templates and APIs put them before the messages. Only
what a model reads is compared: texts, names and arguments, but not ids, signatures or marks for the cache.

    fork(before, now)      # Fork(how="changed", place="system", where="request.system[0].text", at=74, …)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from course.turns.diff import INSTRUCTIONS
from course.turns.exchange import Exchange
from course.turns.values import Message, as_text

UNREAD = (
    "cache_control",
    "id",
    "index",
    "tool_call_id",
    "tool_use_id",
    "call_id",
    "type",
    "signature",
    "status",
)
"""Fields of messages and tools that are not part of the prompt, or not of every model's."""
ALIKE = 0.5
"""The part of a message that must stay the same. Beyond that it is another message, not the same one, changed."""
SLICE = 4096


@dataclass(frozen=True)
class Fork:
    """The first difference between an earlier request and a later one of the same conversation.

    `how` is changed (a message says something else), inserted or dropped (messages are new, or gone, before others that
    stayed), tools (other tools) or order (the same tools in another order). `place` is the message or tool in the later
    request, such as messages[0], and `role` its role. The texts at `where` (later) and `before_where` (earlier) are the
    same up to character `at`; `offset` is where that is in the earlier text. `shared` is the part of the earlier
    prompt's characters that comes before, from 0 to 1.
    """

    how: str
    place: str
    role: str
    where: str
    at: int
    before_where: str
    offset: int
    shared: float


def fork(before: Exchange, now: Exchange) -> Fork | None:
    """Where `now` stops repeating `before`. None if it repeats all of it, or is a request of another kind."""
    tools = _tools(before, now)
    if tools:
        return tools
    old, new = before.asked.messages, now.asked.messages
    place = repeated(old, new)
    if place >= len(old) or place >= len(new):
        return None
    a, b = _said(old[place]), _said(new[place])
    rest = {_said(m) for m in old[place + 1 :]}
    if not any(_said(m) in rest for m in new[place:] if m.role not in INSTRUCTIONS):
        return None
    total = sum(_size(m) for m in old) or 1
    shared = sum(_size(m) for m in old[:place])
    if b in rest and place:
        how = "dropped"
    elif place and any(a == _said(m) for m in new[place + 1 :]):
        how = "inserted"
    elif old[place].role == new[place].role and _alike(a[1], b[1]):
        how = "changed"
    else:
        return None
    return _fork(how, (before, old[place].where), (now, new[place].where), new[place].role, (shared, total))


def repeated(old: Sequence[Message], new: Sequence[Message]) -> int:
    """How many messages at the beginning say the same in both."""
    pairs = zip(old, new, strict=False)
    return next(
        (n for n, (a, b) in enumerate(pairs) if a is not b and _said(a) != _said(b)), min(len(old), len(new))
    )


def _tools(before: Exchange, now: Exchange) -> Fork | None:
    """The first tool that differs, if both offer tools."""
    old, new = before.asked.tools, now.asked.tools
    if not old or not new:
        return None
    a, b = ([_text(tool.given) for tool in tools] for tools in (old, new))
    place = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if place >= len(a) or place >= len(b):
        return None if len(a) == len(b) else _count(place, before, now)
    how = "order" if sorted(a) == sorted(b) else "tools"
    total = sum(map(len, a)) + sum(_size(m) for m in before.asked.messages)
    shared = sum(map(len, a[:place]))
    return _fork(
        how, (before, old[place].where), (now, new[place].where), new[place].name, (shared, total or 1)
    )


def _count(place: int, before: Exchange, now: Exchange) -> Fork | None:
    """Tools were added to the list, or taken from its end."""
    old, new = before.asked.tools, now.asked.tools
    last = place - 1
    total = sum(len(_text(t.given)) for t in old) + sum(_size(m) for m in before.asked.messages)
    shared = sum(len(_text(t.given)) for t in old[:place]) / (total or 1)
    where, place_ = (new[place].where, place) if len(new) > place else (new[last].where, last)
    was = old[place].where if len(old) > place else old[last].where
    return Fork("tools", f"tools[{place_}]", new[place_].name, where, 0, was, 0, shared)


def _fork(
    how: str, before: tuple[Exchange, str], now: tuple[Exchange, str], role: str, size: tuple[int, int]
) -> Fork:
    a = list(_leaves(before[0].at(before[1]), before[1]))
    b = list(_leaves(now[0].at(now[1]), now[1]))
    at = common("".join(t for _, t in a), "".join(t for _, t in b))
    was, offset = _leaf(a, at) or (before[1], 0)
    where, place = _leaf(b, at) or (now[1], 0)
    named = now[1].removeprefix("request.")
    return Fork(how, named, role, where, place, was, offset, min(1.0, (size[0] + at) / size[1]))


def _leaf(leaves: list[tuple[str, str]], at: int) -> tuple[str, int] | None:
    """The text that has this character, counted over all of them."""
    for where, text in leaves:
        if at < len(text):
            return where, at
        at -= len(text)
    return (leaves[-1][0], len(leaves[-1][1])) if leaves else None


def _leaves(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """The texts in a JSON value that a model reads, with their paths."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in UNREAD and item is not None:
                yield from _leaves(item, f"{where}.{key}")
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _leaves(item, f"{where}[{n}]")
    elif value is not None:
        yield where, as_text(value)


def _text(value: Any) -> str:
    return "".join(text for _, text in _leaves(value, ""))


def _said(message: Message) -> tuple[str, str]:
    """What a message says: its role, its text and its calls."""
    return message.role, "\0".join([message.text, *(f"{c.name}({c.text})" for c in message.calls)])


def _size(message: Message) -> int:
    return len(message.text) + sum(len(c.name) + len(c.text) for c in message.calls)


def _alike(a: str, b: str) -> bool:
    """Whether most of the longer text is the same at its beginning and its end."""
    start = common(a, b)
    end = common(a[start:][::-1], b[start:][::-1])
    return start + end >= ALIKE * max(len(a), len(b), 1)


def common(a: str, b: str) -> int:
    """How many characters at the beginning are the same in both. Whole slices are compared first, because that is fast."""
    at = 0
    while at < min(len(a), len(b)) and a[at : at + SLICE] == b[at : at + SLICE]:
        at += SLICE
    at = min(at, len(a), len(b))
    pairs = zip(a[at : at + SLICE], b[at : at + SLICE], strict=False)
    return next((at + n for n, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b), at + SLICE))
