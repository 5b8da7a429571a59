"""Show a replay: what changed in the request, and both answers side by side, for the console and as HTML.

Computes nothing but what is equal. Knows nothing about sending.
"""

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course import view
from course.addresses import origin
from course.replay.edits import shown
from course.turns import Turn
from course.turns.bodies import LINE_END
from course.view.console import MOST_WRAPPED, size

if TYPE_CHECKING:
    from course.replay import Replay

MOST_LINES = 24
"""Of one text on the console."""


@dataclass(frozen=True)
class Row:
    """One property of both answers. None: the answer does not have it."""

    name: str
    before: str | None
    after: str | None

    @property
    def same(self) -> bool:
        return self.before == self.after


def request_rows(replay: "Replay") -> list[Row]:
    """What is different about the second request."""
    exchange = replay.before.exchange
    was = origin(exchange.url) if exchange else None
    rows = [Row(c.path, shown(c.before), shown(c.after)) for c in replay.changes]
    return rows if was == replay.server else [Row("server", was, replay.server), *rows]


def facts(before: Turn, after: Turn) -> list[Row]:
    """Status, outcome, finish_reason, tokens and seconds of both answers."""
    rows = [(name, _fact(name, before), _fact(name, after)) for name in FACTS]
    return [Row(*row) for row in rows if row[1] or row[2]]


def texts(before: Turn, after: Turn) -> list[Row]:
    """Error, thinking, content and tool calls of both answers."""
    rows = [
        Row("error", before.error, after.error),
        Row("thinking", before.thinking, after.thinking),
        Row("content", before.content, after.content),
        Row("tool calls", _calls(before), _calls(after)),
    ]
    return [r for r in rows if r.before or r.after or not r.same]


FACTS = ("status", "outcome", "finish_reason", "prompt tokens", "cached", "generated", "seconds")


def _fact(name: str, turn: Turn) -> str | None:
    counted = {
        "prompt tokens": turn.tokens.prompt,
        "cached": turn.tokens.cached,
        "generated": turn.tokens.generated,
    }
    if name == "status":
        streamed = ", streamed" if turn.exchange and turn.exchange.streamed else ""
        return f"HTTP {turn.status}{streamed}" if turn.status else "no response"
    if name == "outcome":
        return str(turn.exchange.outcome) if turn.exchange else None
    if name == "finish_reason":
        return turn.finish_reason
    if name == "seconds":
        return None if turn.seconds is None else f"{turn.seconds:.2f}"
    number = counted[name]
    return None if number is None else f"{number:,}"


def _calls(turn: Turn) -> str | None:
    """The tool calls of the message, one a line."""
    calls = [c for c in turn.tool_calls if c.source == "wire"]
    return "\n".join(f"{c.name}({json.dumps(c.arguments, ensure_ascii=False)})" for c in calls) or None


def html(replay: "Replay", template: str = "replay.html") -> str:
    """Both answers as a table, for a notebook; or as a page, with the other template."""
    made = view.render(
        template,
        title=f"{replay.before.label.capitalize()}, sent again",
        request=request_rows(replay),
        facts=facts(replay.before, replay.after),
        texts=texts(replay.before, replay.after),
        tape=replay.tape,
    )
    return made.encode("utf-8", "backslashreplace").decode("utf-8")  # half of a surrogate pair


def text(replay: "Replay", width: int = 100) -> str:
    """Both answers in two columns."""
    name = 16
    half = (width - name - 4) // 2
    rule = "─" * width
    lines = [f"{replay.before.label.capitalize()}, sent again", rule]
    lines += [f"{'changed':{name}}  {r.name}: {r.before} → {r.after}" for r in request_rows(replay)] or [
        "nothing was changed in the request"
    ]
    lines += [rule, f"{'':{name}}  {'recorded':{half}}  now"]
    for row in facts(replay.before, replay.after):
        lines.append(f"{row.name:{name}}  {row.before or '–':{half}}  {row.after or '–'}".rstrip())
    half = (width - 3) // 2
    for row in texts(replay.before, replay.after):
        lines.append(f"{row.name}{': the same' if row.same else ''} ".ljust(width, "─"))
        if row.same:
            lines += _wrapped(row.before, width - 2)
            continue
        left, right = _wrapped(row.before, half), _wrapped(row.after, half)
        height = max(len(left), len(right))
        left += [""] * (height - len(left))
        right += [""] * (height - len(right))
        lines += [f"{a:{half}} │ {b}".rstrip() for a, b in zip(left, right, strict=True)]
    return "\n".join([*lines, rule])


def _wrapped(text: str | None, width: int) -> list[str]:
    if not text:
        return ["(none)" if text is None else "(empty)"]
    lines: list[str] = []
    text = text.strip("\n")
    for line in LINE_END.split(text[:MOST_WRAPPED].expandtabs(4)):
        lines += textwrap.wrap(line, width, replace_whitespace=False) or [""]
    if len(text) > MOST_WRAPPED:  # wrapping takes longer than its text is long
        note = f"… and more, {size(text)} in all (to see them:  course view TAPE)"
        return [*lines[:MOST_LINES], *textwrap.wrap(note, width)]
    cut = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"… {cut} more lines"] if cut > 1 else lines
