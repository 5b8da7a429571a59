"""One turn: an exchange with the model and the step that smolagents made of it.

Values only; `course.turns.turns` makes them from a tape's records. What a turn's tokens are spent on (segments.py)
and what smolagents changed (changes.py) are computed on demand.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from course.turns import changes
from course.turns.changes import Change, Cut
from course.turns.diff import Diff
from course.turns.exchange import Exchange
from course.turns.outcome import Outcome
from course.turns.quoted import QuotedStep
from course.turns.reading import Deviation, Record, text
from course.turns.segments import PromptSegment, segments
from course.turns.thinking import Leak, leak
from course.turns.values import ToolCall, as_text


@dataclass(frozen=True)
class Tokens:
    """Token counts: `prompt` = `cached` (found in the KV cache) + `new` (processed in this request). None if unknown."""

    prompt: int | None = None
    cached: int | None = None
    new: int | None = None
    generated: int | None = None


@dataclass(frozen=True)
class Turn:
    """One exchange with the model and the step that smolagents made of it.

    `index` counts the turns of the tape from 1 and is unique there. What people see is `label`: `number`, which counts
    from 1 within each run, and `run_number` if the tape has several runs (`runs`). Every reference to another turn
    (`repeated_in`, `parent`, those in `diff`) is a `number` of the same run.

    `new_messages` are those after the longest common start with the request that this one continues: the part that
    no cache can hold. `diff` compares the two message by message. `thinking` is what came in `reasoning_content`,
    `reasoning` or thinking blocks; a `<think>` block that the server left in `content` stays there. `finish_reason` is
    the server's word, `ended` the same in one vocabulary (see `Answer`). `prompt` is known if the request had
    `"verbose": true`. `seconds` are the exchange's wall time, `timings` llama.cpp's.

    `joined` says how exchange and step were matched: id, content, failure, time, or None. `repeated_in` is the turn
    that sent the same request again after this one failed. A managed agent's turn has a `parent`: the turn whose step was
    in progress. `agent` is the name of the agent, if the tape has it. `quoted` is what a later request of smolagents
    quotes of the step, for a turn without a record of it.
    """

    exchange: Exchange | None
    index: int = 1
    number: int = 1
    run_number: int = 1
    runs: int = 1
    step: Record | None = None
    run: Record | None = None
    new_messages: list[Record] = field(default_factory=list)
    prompt: str | None = None
    thinking: str | None = None
    content: str | None = None
    code: str | None = None
    observation: str | None = None
    answer: Any = None
    finish_reason: str | None = None
    ended: str | None = None
    tokens: Tokens = Tokens()
    seconds: float | None = None
    timings: Record = field(default_factory=dict)
    status: int | None = None
    error: str | None = None
    response_id: str | None = None
    diff: Diff = field(default_factory=Diff)
    joined: str | None = None
    repeated_in: int | None = None
    agent: str | None = None
    parent: int | None = None
    quoted: QuotedStep | None = None
    count: Callable[[str], int] | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The turn's name: "turn 1", or "run 2, turn 1" on a tape with several runs."""
        name = f"turn {self.number}"
        return f"run {self.run_number}, {name}" if self.runs > 1 else name

    @property
    def is_final(self) -> bool:
        """Whether the run ended with this turn's answer."""
        return bool(self.step and (self.step.get("is_final") or self.step.get("kind") == "max_steps"))

    @property
    def segments(self) -> list[PromptSegment]:
        """The parts of the prompt, in order, with their tokens and how many of those were cached."""
        return self._segments[0]

    @property
    def count_method(self) -> str:
        """Whether the tokens of the parts were counted or estimated, and how, in words."""
        return self._segments[1]

    @cached_property
    def _segments(self) -> tuple[list[PromptSegment], str]:
        if self.exchange is None or not isinstance(self.exchange.request, dict):
            return [], ""
        return segments(
            self.exchange.asked,
            self.prompt,
            self.tokens.prompt,
            self.tokens.cached,
            self.count,
            self.diff.sources,
        )

    @cached_property
    def changes(self) -> list[Change] | None:
        """What smolagents changed between memory and wire. None if the tape has no record of memory."""
        return changes.changes(self.step, self.exchange)

    @cached_property
    def cuts(self) -> list[Cut]:
        """Where the observation was truncated, and by how much if that is known."""
        return changes.cuts(self.step)

    @cached_property
    def leak(self) -> Leak | None:
        """Thinking at the beginning of `content`, where the server should not have left it."""
        return leak(self.content, self.thinking, self.prompt)

    @property
    def outcome(self) -> Outcome | None:
        """What came of the exchange. None if the turn has none."""
        return self.exchange.outcome if self.exchange else None

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Values in the request and the response that do not fit the API."""
        return self.exchange.deviations if self.exchange else ()

    @cached_property
    def tool_calls(self) -> list[ToolCall]:
        """The calls in the message, else those that smolagents parsed out of the content."""
        answer = self.exchange.answer if self.exchange else None
        if answer and answer.calls:
            return list(answer.calls)
        return [_in_step(call) for call in (self.step or {}).get("tool_calls") or []]


def _in_step(call: Record) -> ToolCall:
    """A call that smolagents parsed out of the content."""
    given = call.get("arguments")
    return ToolCall(
        text(call.get("name")) or "", as_text(given), text(call.get("id")), "content", given=given
    )
