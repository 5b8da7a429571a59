"""Calls of tools that a model wrote as text: with the marks of its family, or as JSON.

Pure. A text counts as a call only if it names a tool that the request offers; as JSON, it also needs arguments.

    call = written(exchange)   # Written("get_weather", "<tool_call>", …), or None for prose
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course.diagnose.finding import Quote, dig, quote
from course.turns import Exchange
from course.turns.outcome import CUT

BAR = "[|｜‖]"
MARK = re.compile(
    r"<(?:\w{1,20}:)?tool_calls?>|<TOOLCALL>|<function=|<\|tool_call|<\|python_tag\|>|\[TOOL_CALLS\]|<｜tool▁call"
    r"|<function_calls?>|<start_function_call>|<invoke name=|to=functions\."
    rf"|[<‹]{BAR}{{1,4}}\s?DSML\s?{BAR}{{1,4}}"
)
"""How models write calls, before the server's parser has made `tool_calls` of them."""
JSON = re.compile(r'^[ \t]*+(?:```\w*+[ \t]*+)?(?=(?:\[\s*+)?\{\s*+")', re.MULTILINE)
"""Where JSON that may be a call begins: at the start of a line or of a code block."""
NAMES = ("name", "function", "tool", "tool_name")
ARGUMENTS = ("arguments", "parameters", "input")
NEAR = 2000
"""Characters after a mark within which the name of the tool must be."""
MOST_TRIES = 64
"""How many pieces that look like JSON but are not are tried; each may be read to the end. A long piece counts as many."""
LONG = 2**20
"""Characters that are read for one of these tries."""
AFTER = 400
"""Characters that may follow a call. With more, it is an example in an explanation."""
DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Written:
    """A call in the text of an answer: the tool's name, the mark (or "JSON"), and the text from there on.

    `in_thinking` says that it is in the thinking instead of the content, which is empty then.
    """

    name: str
    mark: str
    seen: Quote
    in_thinking: bool = False


def written(exchange: Exchange) -> Written | None:
    """A call of an offered tool that the answer has as text, and only as text. None if the text was cut off.

    The thinking counts if nothing follows it: a model may weigh a call there and then answer without it.
    """
    answer = exchange.answer
    names = [tool.name for tool in exchange.asked.tools if tool.name]
    if answer is None or answer.calls or not names or exchange.outcome.kind == CUT:
        return None
    text, where = answer.content or "", answer.content_at
    in_thinking = not text.strip()
    if in_thinking:
        text, where = answer.thinking or "", answer.thinking_at
    found = _marked(text, names) or _as_json(text, names)
    return Written(found[0], found[1], quote(where, text, found[2]), in_thinking) if found else None


def _marked(text: str, names: list[str]) -> tuple[str, str, int] | None:
    """A name after the first mark, or after the last one: before it, the text may talk about calls."""
    marks = [(mark.start(), mark[0]) for mark in MARK.finditer(text)]
    for start, mark in (*marks[:1], *marks[1:][-1:]):
        line = text.rfind("\n", 0, start) + 1
        if text.count("```", 0, start) % 2 == 0 and text.count("`", line, start) % 2 == 0:
            near = text[start : start + NEAR]
            if name := next((name for name in names if _is_in(name, near)), None):
                return name, mark, start
    return None


def _is_in(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _as_json(text: str, names: list[str]) -> tuple[str, str, int] | None:
    """The first JSON object that names a tool and has arguments for it, and is not a definition of the tool."""
    at, tries = 0, 0
    while tries < MOST_TRIES and (begin := JSON.search(text, at)):
        try:
            given, at = DECODER.raw_decode(text, begin.end())
        except (ValueError, RecursionError) as error:
            tries += 1 + (getattr(error, "pos", len(text)) - begin.end()) // LONG
            at = begin.end() + 1
            continue
        for call in _calls(given):
            name = next((n for key in NAMES if isinstance(n := call.get(key), str) and n in names), None)
            defines = "description" in call or dig(call, "parameters", "properties") is not None
            if name and not defines and any(key in call for key in ARGUMENTS) and len(text) - at < AFTER:
                return name, "JSON", begin.end()
    return None


def _calls(given: Any) -> Iterator[dict[str, Any]]:
    """The objects that may be calls: the value, the items of a list, and what they have in `tool_calls` or `function`."""
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, dict):
            inner = one.get("tool_calls")
            for call in [one, *(inner if isinstance(inner, list) else ())]:
                yield from (c for c in (call, dig(call, "function")) if isinstance(c, dict))
