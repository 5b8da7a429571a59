"""A turn in words: the text for the console, and the one-line heading for a page.

Long texts are shortened on the console, with a note. Knows nothing about HTML, and computes nothing.
"""

import re
import textwrap

from course.turns import Record, Turn, text_of
from course.turns.bodies import LINE_END
from course.turns.outcome import ANSWERED, CALLED, OTHER
from course.turns.reading import record
from course.turns.values import as_text
from course.view.charts import NAMES, stack

MOST_WRAPPED = 20_000
"""Characters of a text that are wrapped for the console."""
LONG_CHARACTERS, LONG_LINES = 1100, 22
"""A page folds a text that is longer than this."""


def text(turn: Turn, width: int = 100) -> str:
    """One turn for the console."""
    lines = [f"── {turn.label.capitalize()} · {facts(turn)} ".ljust(width, "─")]
    if turn.tokens.prompt is not None:
        lines.append("   " + " · ".join(f"{n:,} tokens {_WORDS[name]}" for name, n in parts(turn)))
    if turn.segments:
        spent = [f"{NAMES[kind]} {n:,}" for kind, n in stack(turn).items() if n and kind != "generated"]
        lines += _block(f"prompt: {', '.join(spent)} (tokens, {turn.count_method})", width, most=3)
    if turn.exchange:
        new, dropped = turn.diff.added, len(turn.diff.dropped)
        lines.append(
            f"→ new in the request: {len(new)} of {len(turn.exchange.messages)} messages"
            + (f", {dropped} dropped" if dropped else "")
        )
        for message in new:
            said = text_of(message)
            lines.append(f"   {message.get('role')}, {size(said)}")
            lines += _block(said, width, most=4) if said or not calls_of(message) else []
            lines += [line for call in calls_of(message) for line in _block(call, width, most=4)]
    given = [
        ("← thinking", turn.thinking),
        ("← content", turn.content),
        *[("← tool call", f"{call.name}({call.text})") for call in turn.tool_calls if call.source == "wire"],
        *[(f"← choice {n}", said) for n, said in enumerate(others(turn), 2)],
        ("  code that ran", turn.code),
        ("  observation", turn.observation),
        ("  error", turn.error or (turn.step or {}).get("error")),
        *_quoted(turn),
    ]
    for title, body in given:
        if body:
            lines += [title, *_block(body, width, most=24)]
        elif body == "":
            lines.append(f"{title}: empty")
    lines += [f"  deviates from the protocol: {d.said}" for d in turn.deviations]
    lines += [f"  truncated to {c.limit:,} characters: {c.where}" for c in turn.cuts]
    if turn.is_final:
        lines.append(f"  answer: {turn.answer}")
    whole = "\n".join(lines) + "\n"
    return whole.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate cannot be printed


def _quoted(turn: Turn) -> list[tuple[str, str]]:
    """The step of a turn without a record of one, as a later request quotes it."""
    told = turn.quoted
    if told is None:
        return []
    by = f"as turn {told.turn} quotes it"
    named = [
        ("code that ran", told.code),
        ("observation", told.observation and told.observation.text),
        ("error", told.error and told.error.text),
    ]
    return [(f"  {name}, {by}", said) for name, said in named if said]


def calls_of(message: Record) -> list[str]:
    """The calls that a message of a request repeats, as name(arguments)."""
    listed = message.get("tool_calls")
    content = message.get("content")
    found = []
    for call in listed if isinstance(listed, list) else []:
        inner = record(record(call).get("function"))
        found.append(f"{inner.get('name')}({as_text(inner.get('arguments') or '')})")
    for part in content if isinstance(content, list) else []:
        if record(part).get("type") == "tool_use":
            found.append(f"{record(part).get('name')}({as_text(record(part).get('input') or '')})")
    return found


def others(turn: Turn) -> list[str]:
    """The other answers of a request for several."""
    answers = turn.exchange.reply.answers[1:] if turn.exchange else ()
    return [
        " ".join(filter(None, [a.thinking, a.content, *(f"{c.name}({c.text})" for c in a.calls)]))
        for a in answers
    ]


_WORDS = {"cached": "from the cache", "new": "processed", "generated": "generated"}


def size(text: str) -> str:
    """The length of a text, in words: "1,234 characters"."""
    return f"{len(text):,} character{'' if len(text) == 1 else 's'}"


def is_long(text: str) -> bool:
    """Whether a page folds this text."""
    return len(text) > LONG_CHARACTERS or text.count("\n") >= LONG_LINES


def beginning(text: str) -> str:
    """The first characters of a text, on one line."""
    return " ".join(text[:400].split())[:160]


def parts(turn: Turn) -> list[tuple[str, int]]:
    """The pieces of the token bar: cached, new and generated tokens.

    If the server reports nothing about its cache, the whole prompt counts as new.
    """
    t = turn.tokens
    new = t.prompt if t.new is None else t.new
    return [
        (k, v) for k, v in (("cached", t.cached), ("new", new), ("generated", t.generated)) if v is not None
    ]


def step_name(turn: Turn) -> str:
    """A heading for what smolagents did in the turn: "In smolagents: step 2 of worker"."""
    if not turn.step:
        return "In smolagents"
    named = {"planning": "planning", "max_steps": "last call, out of steps"}
    name = named.get(str(turn.step.get("kind"))) or f"step {turn.step.get('step_number')}"
    return f"In smolagents: {name}{f' of {turn.agent}' if turn.agent else ''}"


def run_name(turn: Turn) -> str:
    """The turn's run and what was asked in it: "Run 2: How fast?"."""
    question = (turn.run or {}).get("question")
    return f"Run {turn.run_number}: {question}" if question else f"Run {turn.run_number}"


def field_of(where: str, otherwise: str) -> str:
    """The field that a text came in, by its path: reasoning_content, reasoning, thinking …"""
    names = [name for name in re.split(r"[.\[\]]+", where) if name and not name.isdigit()]
    return names[-1] if len(names) > 1 else otherwise


def facts(turn: Turn) -> str:
    """Step, HTTP status, outcome, seconds and finish_reason, on one line."""
    known = [step_name(turn).removeprefix("In smolagents: ")] if turn.step else []
    known += ["no step"] if turn.run and not turn.step else []
    if turn.exchange:
        known.append(f"HTTP {turn.status}" if turn.status else "no response")
        if turn.status and turn.exchange.is_call:
            known.append(turn.exchange.outcome.kind)
    if turn.seconds is not None:
        known.append(f"{turn.seconds:.1f} s")
    if turn.exchange and turn.exchange.streamed:
        chunks = len(turn.exchange.chunks)
        known.append(f"streamed in {chunks} chunks" if chunks else "streamed")
    if turn.repeated_in:
        known.append(f"sent again as turn {turn.repeated_in}")
    if turn.finish_reason:
        known.append(f"finished by {turn.finish_reason}")
    return " · ".join(known)


def short(turn: Turn) -> str:
    """What is special about a turn, in a word or two, for a link to it. Empty for an ordinary step."""
    if (turn.step or {}).get("kind") == "max_steps":
        return "out of steps"
    if turn.outcome and turn.outcome.kind not in (ANSWERED, CALLED, OTHER):
        return turn.outcome.kind
    if turn.error:
        return "error"
    if turn.is_final:
        return turn.agent or "answer"
    return turn.agent or ("no step" if turn.run and not turn.step else "")


def _block(text: str, width: int, most: int) -> list[str]:
    """The text, indented, wrapped, and shortened to `most` lines with a note."""
    lines: list[str] = []
    text = text.strip("\n")
    for line in LINE_END.split(text[:MOST_WRAPPED]):
        lines += textwrap.wrap(line, width - 4, replace_whitespace=False) or [""]
    cut = len(lines) - most
    if len(text) > MOST_WRAPPED:  # wrapping takes longer than its text is long
        lines = [*lines[:most], f"… and more, {size(text)} in all (to see them:  course view TAPE)"]
    elif cut > 1:
        lines = [*lines[:most], f"… {cut} more lines (to see all:  course view TAPE)"]
    return ["    " + line.rstrip() for line in lines]
