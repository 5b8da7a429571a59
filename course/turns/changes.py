"""What smolagents changed between memory and wire or between response and memory, and what it truncated.

Pure. Compares the step's record of memory (course/agent/steps.py) with the request, compares the model's output with the
response's content, and reads the marks that truncation leaves in an observation. Never guesses: what a tape does not
show is left out, and `changes` is None if the step has no record of memory.

The marks and the rules are smolagents 1.26.0's (utils.truncate_content, models.get_clean_message_list).
"""

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from course.turns.exchange import Exchange, text_of
from course.turns.reading import Record, record

ON_THE_WIRE = {"tool-call": "assistant", "tool-response": "user"}
MARK = re.compile(
    r"\n?(?P<mark>\.\.\._This content has been truncated to stay below (?P<limit>\d+) characters_\.\.\.)\n"
)
LAST_OUTPUT = "Last output from code snippet:\n"
LOGS = "Execution logs:\n"
PRINTED, LAST, TOOL = "printed output", "last output", "a tool's result"


@dataclass(frozen=True)
class Change:
    """One change, in words. `kind` is role, merged, parts, twice, text or added (going out), ending or thinking (in)."""

    kind: str
    said: str


@dataclass(frozen=True)
class Cut:
    """A place where an observation was truncated to `limit` characters.

    `where` is PRINTED, LAST or TOOL: printed output, the last value, or a tool's result that the tool truncated itself.
    `lost` is the number of characters that are gone, None if unknown. `mark` is where smolagents' note about it starts
    and ends in the observation.
    """

    where: str
    limit: int
    lost: int | None = None
    mark: tuple[int, int] = (0, 0)


def changes(step: Record | None, exchange: Exchange | None) -> list[Change] | None:
    """What changed from memory to the request, and from the response to memory."""
    if not step or not exchange or step.get("memory") is None:
        return None
    return _going_out(step["memory"], exchange) + _coming_in(step, exchange)


def cuts(step: Record | None) -> list[Cut]:
    """Each place where the step's observation was truncated."""
    text = (step or {}).get("observation") or ""
    split = text.rfind(LAST_OUTPUT)
    logs, last = (text, "") if split < 0 else (text[:split], text[split + len(LAST_OUTPUT) :])
    found = [Cut(_who(logs, m), int(m["limit"]), mark=m.span("mark")) for m in MARK.finditer(logs)]
    for m in MARK.finditer(last):
        limit, whole = int(m["limit"]), (step or {}).get("output_characters")
        start, end = (len(text) - len(last) + place for place in m.span("mark"))
        if m.start() == limit // 2:
            found.append(Cut(LAST, limit, None if whole is None else whole - limit, (start, end)))
        else:
            found.append(Cut(TOOL, limit, mark=(start, end)))
    return found


def check(text: str) -> str:
    """The CRC-32 of a text, by which the step's record of memory names each message."""
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def _who(logs: str, mark: re.Match[str]) -> str:
    """smolagents keeps half of the limit before its mark; a mark elsewhere was part of what was printed."""
    before = mark.start() - (len(LOGS) if logs.startswith(LOGS) else 0)
    return PRINTED if before == int(mark["limit"]) // 2 else TOOL


def _going_out(memory: list[list[Any]], exchange: Exchange) -> list[Change]:
    roles = Counter(role for role, *_ in memory if role in ON_THE_WIRE)
    found = [
        Change("role", f"{n} {role} message{'' if n == 1 else 's'} went out as {ON_THE_WIRE[role]}")
        for role, n in roles.items()
    ]
    sent = exchange.messages
    if len(sent) < len(memory):
        found.append(
            Change(
                "merged",
                f"{len(memory)} messages became {len(sent)}: neighbors with the same role were joined",
            )
        )
    listed = sum(isinstance(m.get("content"), list) for m in sent)
    if listed:
        found.append(Change("parts", f"{listed} of {len(sent)} contents are lists of parts, not strings"))
    again = sum(characters or 0 for role, characters, _ in memory if role == "tool-call")
    if again:
        found.append(Change("twice", f"{again:,} characters repeat past calls after “Calling tools:”"))
    found += _texts(memory, sent)
    extra = [k for k in record(exchange.request) if k not in ("model", "messages")]
    if extra:
        found.append(Change("added", f"the request also has: {', '.join(extra)}"))
    return found


def _texts(memory: list[list[Any]], sent: list[Record]) -> list[Change]:
    """Where the wire differs from memory, after roles are renamed and neighbors joined."""
    wire_role = [(ON_THE_WIRE.get(role, role), n, name) for role, n, name in memory]
    groups = [list(group) for _, group in groupby(wire_role, key=lambda m: m[0])]
    if [g[0][0] for g in groups] != [m.get("role") for m in sent]:
        said = f"memory's roles would make {len(groups)} messages, but the wire has {len(sent)} with different roles"
        return [Change("text", said)]
    differ = [n for n, (g, m) in enumerate(zip(groups, sent, strict=True), 1) if not _same(g, text_of(m))]
    return [Change("text", f"message {n} has different text in memory and on the wire") for n in differ]


def _same(group: list[tuple[str, int | None, str | None]], text: str) -> bool:
    at = 0
    for number, (_, characters, name) in enumerate(group):
        if characters is None:  # an image: not compared
            return True
        at += bool(number)  # the line break that joins neighbors
        if check(text[at : at + characters]) != name:
            return False
        at += characters
    return at == len(text)


def _coming_in(step: Record, exchange: Exchange) -> list[Change]:
    content, kept = exchange.answer and exchange.answer.content, step.get("model_output")
    found = []
    if isinstance(content, str) and isinstance(kept, str) and content != kept:
        if step.get("kind") == "planning":
            found.append(Change("ending", "the plan was put between an opening and a closing sentence"))
        elif kept.startswith(content):
            found.append(Change("ending", f"{kept[len(content) :]} was appended to the content"))
        elif content.startswith(kept):
            lost = len(content) - len(kept)
            found.append(Change("ending", f"{lost:,} characters at the end of the content were cut"))
        else:
            found.append(Change("ending", "the text in memory differs from the content that came back"))
    thinking = exchange.answer and exchange.answer.thinking
    if thinking:
        found.append(Change("thinking", f"{len(thinking):,} characters of thinking are not sent back"))
    return found
