"""Find the earlier request that a request continues, and what it adds to that one.

Pure. Agents that call each other, or that run at the same time, alternate on one tape, so the previous request is often
not the one continued. Messages are compared as a whole, without looking for changes inside them. Instructions alone do
not make a conversation: two agents of a kind have the same system prompt.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from course.turns.exchange import text_of
from course.turns.reading import Record

INSTRUCTIONS = ("system", "developer")
"""Roles of messages that many conversations may begin with."""


@dataclass(frozen=True)
class Diff:
    """How a request differs from the one that it continues. Empty for a request without messages.

    `added` messages are new, `repeated` ones are in both requests, `dropped` ones were only in the earlier one.
    `start` counts the messages at the beginning that are the same in both: nothing after them can be cached.
    `continues` is the number, within the run, of the turn whose request this one continues; None for the first
    request of a conversation. `sources` has one item per message of the request: the number of the turn that the
    message came from (its response, or what was made of it), None where the tape does not tell.
    """

    added: list[Record] = field(default_factory=list)
    repeated: list[Record] = field(default_factory=list)
    dropped: list[Record] = field(default_factory=list)
    start: int = 0
    continues: int | None = None
    sources: list[int | None] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What the model answered in turn `number`, and the step that was made of it."""

    number: int
    message: Record
    step: Record | None = None

    def is_in(self, message: Record) -> bool:
        """Whether an assistant message of a later request repeats this answer.

        For a plan, smolagents summarizes its memory. Only the code or the calls are left then, as a Python literal.
        """
        called = [c.get("id") for c in self.message.get("tool_calls") or []]  # sound, see dialects/parts.py
        if called and called == [c.get("id") for c in message.get("tool_calls") or []]:
            return True
        text, content = text_of(message), text_of(self.message).strip()
        planning = (self.step or {}).get("kind") == "planning"  # its text is set between two sentences
        if content and (text.lstrip().startswith(content) or (planning and content in text)):
            return True
        code = (self.step or {}).get("code")
        return text.startswith("Calling tools:") and (
            bool(code and repr(code) in text) or any(id and repr(id) in text for id in called)
        )


@dataclass(frozen=True, eq=False)
class Conversation:
    """The last request of one agent, made in turn `number`, and the answers so far.

    `agent` is its name, if a step has given it.
    """

    sent: list[Record]
    number: int
    sources: list[int | None]
    answers: list[Answer]
    agent: str | None = None
    planned: bool = False
    known: "Known" = field(default_factory=lambda: Known())

    @cached_property
    def keys(self) -> set[str]:
        """Its messages, for lookup: a tape may have hundreds of conversations of hundreds of messages."""
        return set(_talk(self.sent, self.known))


class Known:
    """Messages as text, to compare and to look them up. Each is made once: requests share what they repeat."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Record, str]] = {}

    def key(self, message: Record) -> str:
        made = self._made.get(id(message))
        if made is None:  # the message is kept, so that its id stays its own
            made = self._made[id(message)] = message, json.dumps(message, sort_keys=True, default=str)
        return made[1]


def diff(before: Conversation | None, now: list[Record], known: Known) -> Diff:
    """What the request `now` adds to, repeats from and drops from the request that it continues."""
    if before is None:
        return Diff(list(now), sources=[None] * len(now))
    start = common_start(before.sent, now)
    old, new = before.sent[start:], now[start:]
    added: list[Record] = []
    dropped: list[Record] = []
    repeated = list(now[:start])
    keys = [known.key(m) for m in old], [known.key(m) if old else "" for m in new]
    for what, a, b, c, d in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if what == "equal":
            repeated += new[c:d]
        else:
            dropped += old[a:b]
            added += new[c:d]
    return Diff(added, repeated, dropped, start, before.number, _sources(before, now, start))


def _sources(before: Conversation, now: list[Record], start: int) -> list[int | None]:
    """The turn that each message came from: its answer, and what follows it up to the next one.

    An answer is recognized by its text. If it was empty, or the client rewrote it, the first answer that the request adds
    is assumed to be the last turn's.
    """
    sources = list(before.sources[:start])
    last = max((n for n in sources if n), default=0)
    left = [a for a in before.answers if a.number > last]
    current = sources[-1] if sources else None
    fresh = start == len(before.sent)
    for message in now[start:]:
        if message.get("role") == "assistant":
            at = next((i for i, answer in enumerate(left) if answer.is_in(message)), None)
            current = before.number if fresh and at is None else None if at is None else left[at].number
            left = left[at + 1 :] if at is not None else left
            fresh = False
        sources.append(current)
    return sources


@dataclass(eq=False)
class Start:
    """A beginning that requests have in common: who has it, oldest first, and how it goes on, by the next message."""

    having: dict[Conversation, None] = field(default_factory=dict)
    then: dict[str, "Start"] = field(default_factory=dict)


class Open:
    """The conversations that a request may continue, indexed by their beginnings and by their messages.

    A tape may have thousands of unrelated requests, and comparing each of them with each other would take minutes.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._start = Start()
        self._by_message: dict[str, dict[Conversation, None]] = {}

    def __len__(self) -> int:
        return len(self._start.having)

    def add(self, one: Conversation) -> None:
        """It is the latest now."""
        at = self._start
        at.having[one] = None
        for message in one.sent:
            at = at.then.setdefault(self._known.key(message), Start())
            at.having[one] = None
        for key in one.keys:
            self._by_message.setdefault(key, {})[one] = None

    def remove(self, one: Conversation) -> None:
        at = self._start
        del at.having[one]
        for message in one.sent:
            at = at.then[self._known.key(message)]
            del at.having[one]
        for key in one.keys:
            del self._by_message[key][one]

    def longest_start(
        self, messages: Sequence[Record], fits: Callable[[Conversation], bool]
    ) -> tuple[Conversation | None, int]:
        """The conversation with the longest common beginning, and how many messages that is; the latest of several."""
        found, start = self._latest(self._start, fits), 0
        at = self._start
        for depth, message in enumerate(messages, 1):
            following = at.then.get(self._known.key(message))
            best = self._latest(following, fits) if following else None
            if following is None or best is None:
                break
            found, start, at = best, depth, following
        return found, start

    def most_messages(self, keys: Sequence[str], fits: Callable[[Conversation], bool]) -> Conversation | None:
        """The conversation that has most of these messages, wherever; the latest of several. None if none has any."""
        shared = Counter(one for key in keys for one in self._by_message.get(key, ()) if fits(one))
        return max(shared, key=lambda one: (shared[one], one.number), default=None)

    def latest(self, fits: Callable[[Conversation], bool]) -> Conversation | None:
        return self._latest(self._start, fits)

    def _latest(self, start: Start, fits: Callable[[Conversation], bool]) -> Conversation | None:
        return next((one for one in reversed(start.having) if fits(one)), None)


class Conversations:
    """The conversations of one run that a request may continue.

    A first step whose request does not fully contain the earlier one starts a new conversation: the agent was run again.
    """

    def __init__(self) -> None:
        self._known = Known()
        self.open = Open(self._known)

    def next(
        self, messages: list[Record], step: Record | None, number: int, answer: Record | None = None
    ) -> Diff:
        """The diff between turn `number`'s request and the one it continues. `answer` is the message that came back.

        Without an `answer` (None, not an empty one) the request is only compared, and no later one continues it: it was not
        a call to the model but, for example, a request to count tokens.
        """
        if not messages:
            return Diff()
        found = self._find(messages, step)
        if answer is None:
            return diff(found, messages, self._known)
        first = step is not None and step.get("step_number") == 1 and step.get("kind", "action") == "action"
        if found and first and not found.planned and common_start(found.sent, messages) < len(found.sent):
            self.open.remove(found)
            found = None
        result = diff(found, messages, self._known)
        if found:
            self.open.remove(found)
        planned = step is not None and step.get("kind") == "planning"
        agent = found.agent if found else None
        if step is not None and "agent" in step:
            agent = step["agent"] or ""
        answers = [*(found.answers if found else []), Answer(number, answer, step)]
        one = Conversation(messages, number, result.sources, answers, agent, planned, self._known)
        self.open.add(one)
        return result

    def _find(self, messages: list[Record], step: Record | None) -> Conversation | None:
        named = step is not None and "agent" in step
        name = (step["agent"] or "") if step is not None and named else None

        def fits(one: Conversation) -> bool:
            return not named or one.agent in (None, name)

        best, start = self.open.longest_start(messages, fits)
        if best and start and (named or start == len(best.sent) or _has_talk(messages[:start])):
            return best
        # another beginning before the same task: a plan, the last call, a client that forgets its oldest messages
        return self.open.most_messages(_talk(messages, self._known), fits) or (
            self.open.latest(lambda one: one.agent == name) if named else None
        )


def _has_talk(messages: Sequence[Record]) -> bool:
    """Whether there is more than instructions."""
    return any(m.get("role") not in INSTRUCTIONS for m in messages)


def _talk(messages: Sequence[Record], known: Known) -> list[str]:
    """The messages that are not instructions, for lookup; all of them if there is nothing else."""
    found = [m for m in messages if m.get("role") not in INSTRUCTIONS]
    return [known.key(m) for m in found or messages]


def common_start(a: Sequence[Record], b: Sequence[Record]) -> int:
    """How many messages at the beginning are the same in both."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
