"""What a request has that the one before it had not. Pure.

Does: tells which earlier request a request goes on from (agents that call each other take turns on one tape), and
compares the two message by message. Does not: compare inside a message.
"""

import json
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from course.turns.exchange import Record


@dataclass(frozen=True)
class Diff:
    """Messages of a request that are new, that the previous request of the conversation had too, and that it
    had and this one has not. `start` is how many at the beginning are the same: only those can be in a cache.
    """

    added: list[Record] = field(default_factory=list)
    repeated: list[Record] = field(default_factory=list)
    dropped: list[Record] = field(default_factory=list)
    start: int = 0


@dataclass(frozen=True)
class Conversation:
    """The last request of one agent. `agent` is its name as far as a step has told."""

    sent: list[Record]
    agent: str | None = None
    planned: bool = False

    @cached_property
    def keys(self) -> set[str]:
        """Its messages, to look one up at once: a tape may have hundreds of conversations of hundreds of messages."""
        return {_key(m) for m in self.sent}


def diff(before: list[Record], now: list[Record]) -> Diff:
    start = common_start(before, now)
    old, new = before[start:], now[start:]
    if not old:
        return Diff(list(new), list(now[:start]), [], start)
    keys = [[_key(m) for m in side] for side in (old, new)]
    added, repeated, dropped = [], list(now[:start]), []
    for what, a, b, c, d in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if what == "equal":
            repeated += new[c:d]
        else:
            dropped += old[a:b]
            added += new[c:d]
    return Diff(added, repeated, dropped, start)


class Conversations:
    """Who goes on from where. A run record begins anew; so does a first step that doesn't go on."""

    def __init__(self) -> None:
        self.open: list[Conversation] = []

    def next(self, messages: list[Record], step: Record | None) -> Diff:
        """The diff of this request to the one that it goes on from."""
        if not messages:
            return Diff()
        found = self._find(messages, step)
        first = bool(step) and step.get("step_number") == 1 and step.get("kind", "action") == "action"
        if found and first and not found.planned and common_start(found.sent, messages) < len(found.sent):
            self.open.remove(found)
            found = None
        result = diff(found.sent if found else [], messages)
        if found:
            self.open.remove(found)
        planned = bool(step) and step.get("kind") == "planning"
        agent = step["agent"] or "" if step and "agent" in step else found.agent if found else None
        self.open.append(Conversation(messages, agent, planned))  # the latest comes last, and wins a draw
        return result

    def _find(self, messages: list[Record], step: Record | None) -> Conversation | None:
        named = step is not None and "agent" in step
        name = (step["agent"] or "") if named else None
        fitting = [c for c in self.open if not named or c.agent in (None, name)]
        best = max(reversed(fitting), key=lambda c: common_start(c.sent, messages), default=None)
        if best and common_start(best.sent, messages):
            return best
        # another beginning before the same task: a plan, the last call, a client that forgets its oldest messages
        keys = [_key(m) for m in messages]
        best = max(reversed(fitting), key=lambda c: _shared(c, keys), default=None)
        if best and _shared(best, keys):
            return best
        return next((c for c in reversed(fitting) if named and c.agent == name), None)


def common_start(a: list[Record], b: list[Record]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _shared(conversation: Conversation, keys: list[str]) -> int:
    return sum(key in conversation.keys for key in keys)


def _key(message: Record) -> str:
    return json.dumps(message, sort_keys=True, default=str)
