"""Where a response's thinking is: in a field of its own, where it belongs, or leaked into `content`.

Pure. Reads tags, not prose: a message that talks about <think> has no leak.
"""

import re
from dataclasses import dataclass

from course.turns.dialects.parts import THINKING
from course.turns.exchange import text_of
from course.turns.reading import Record

CLOSED = re.compile(r"^[ \t]*</think>[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Leak:
    """Thinking at the beginning of content, up to `end`. `tags` are those present: both, opening, closing or none."""

    end: int
    tags: str

    @property
    def closed(self) -> bool:
        """Whether the thinking is complete."""
        return self.tags in ("both", "closing")


def leak(content: str | None, thinking: str | None = None, prompt: str | None = None) -> Leak | None:
    """The thinking at the beginning of `content`, if there is any.

    It starts with <think>, or it ends with </think> on a line of its own that is neither inside code nor introduced by a
    colon. Without either tag, `content` counts as thinking if the rendered `prompt` opened it, nothing closed it, and the
    server did not separate any (`thinking`).
    """
    if content is None:
        return None
    if opening := re.match(r"\s*<think>", content):
        end = content.find("</think>", opening.end())
        return Leak(len(content), "opening") if end < 0 else Leak(end + len("</think>"), "both")
    if thinking:
        return None
    closing = CLOSED.search(content)
    if closing and not _mentioned(content[: closing.start()], prompt):
        return Leak(closing.end(), "closing")
    if opens_thinking(prompt) and content.strip() and "</think>" not in content:
        return Leak(len(content), "none")
    return None


def opens_thinking(prompt: str | None) -> bool:
    """Whether a rendered prompt ends with an open <think>."""
    return prompt is not None and prompt.rstrip().endswith("<think>")


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
