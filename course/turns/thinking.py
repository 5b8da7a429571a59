"""Where a response's thinking is: in a field of its own, where it belongs, or leaked into `content`.

Pure. Reads tags, not prose: a message that talks about <think> has no leak.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from course.turns.dialects.parts import THINKING
from course.turns.exchange import text_of
from course.turns.reading import Record

THINK, CLOSE = "<think>", "</think>"
MARKS: Mapping[str, str] = {
    THINK: CLOSE,
    "[THINK]": "[/THINK]",
    "<seed:think>": "</seed:think>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",
    "analysis": "assistantfinal",
    "<|channel>thought": "<channel|>",
    "<|channel>": "<channel|>",
}
"""How models mark the beginning and the end of their thinking: Qwen, DeepSeek and most others; Magistral; Seed-OSS;
Command A; gpt-oss, and what is left of its marks if the server leaves special tokens out; Gemma, with a name and without.
Of two that fit, the longer one comes first."""
OPENED = re.compile(rf"\s*+(?:<\|start\|>assistant)?+({'|'.join(map(re.escape, MARKS))})")
ALONE = (CLOSE, "[/THINK]", "</seed:think>", "<|END_THINKING|>")
"""Marks that prove a leak also without their opening, which may be part of the prompt."""
CLOSED = re.compile(rf"^[ \t]*({'|'.join(map(re.escape, ALONE))})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Leak:
    """Thinking at the beginning of content, up to `end`. `tags` are those present: both, opening, closing or none.

    `opening` and `closing` are the marks of this model.
    """

    end: int
    tags: str
    opening: str = THINK
    closing: str = CLOSE

    @property
    def closed(self) -> bool:
        """Whether the thinking is complete."""
        return self.tags in ("both", "closing")


def leak(content: str | None, thinking: str | None = None, prompt: str | None = None) -> Leak | None:
    """The thinking at the beginning of `content`, if there is any.

    It starts with <think>, or it ends with </think> on a line of its own that is neither inside code nor introduced by a
    colon; likewise with other MARKS. Without either tag, `content` counts as thinking if the rendered `prompt` opened it,
    nothing closed it, and the server did not separate any (`thinking`).
    """
    if content is None:
        return None
    if (found := OPENED.match(content)) and (opened := _opened(content, found.end(), found[1])):
        return opened
    if thinking:
        return None
    closing = CLOSED.search(content)
    if closing and not _mentioned(content[: closing.start()], prompt):
        opening = next(mark for mark, end in MARKS.items() if end == closing[1])
        return Leak(closing.end(), "closing", opening, closing[1])
    if opens_thinking(prompt) and content.strip() and CLOSE not in content:
        return Leak(len(content), "none")
    return None


def _opened(content: str, begin: int, opening: str) -> Leak | None:
    """The thinking that a mark opens, up to its end. A mark that is a plain word needs the other one as well."""
    closing = MARKS[opening]
    end = content.find(closing, begin)
    if end >= 0:
        return Leak(end + len(closing), "both", opening, closing)
    return None if opening.isalpha() else Leak(len(content), "opening", opening, closing)


def opens_thinking(prompt: str | None) -> bool:
    """Whether a rendered prompt ends with an open <think>."""
    return prompt is not None and prompt.rstrip().endswith(THINK)


def where_think_is(message: Record) -> str:
    """Which field of a message holds the thinking, in words; "nowhere" if there is none."""
    found_in = [key for key in THINKING if message.get(key)]
    places = [f"in {key}" for key in found_in]
    if found := leak(text_of(message), found_in[0] if found_in else None):
        places.append("in content, opening tag missing" if found.tags == "closing" else "in content")
    return " and ".join(places) or "nowhere"


def _mentioned(before: str, prompt: str | None) -> bool:
    """Whether a tag after this text is part of what the text talks about."""
    in_code = before.count("<code>") > before.count("</code>") or before.count("```") % 2 == 1
    return in_code or (before.rstrip().endswith(":") and not opens_thinking(prompt))
