"""What the tokens of a prompt are spent on: system prompt, tools, task, past turns, observations.

Pure. Cuts a request into segments in the order of the prompt, and finds the number of tokens of each and how many of them
were in the server's cache: a cache holds the beginning of a prompt, so the cached tokens cover the segments in order.

It has no tokenizer. Tokens are counted if the caller passes `count` (a server's /tokenize). Otherwise they are
estimated: the server's total is divided in proportion to characters or, without a total, 4 characters count as one
token. The phrases that mark a segment are smolagents' (agents.py and memory.py, 1.26.0).
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, repeat

from course.turns.reading import Record, record
from course.turns.reading import text as read_text
from course.turns.values import Asked

CHARACTERS_PER_TOKEN = 4
COUNTED = "counted with the server's tokenizer"
SCALED = "estimated: the server's total, split by number of characters"
ESTIMATED = "estimated: 4 characters per token"

TOOLS = re.compile(r"behaving like regular python functions:\n|You only have access to these tools:\n")
RULES = "\nHere are the rules you should always follow"
PLAN = ("Here are the facts I know and the plan of action", "I still need to solve the task I was given")
CALLS = "Calling tools:\n"


@dataclass(frozen=True)
class PromptSegment:
    """A part of the prompt. `kind` is system, tools, task, plan, turn, calls, observation, message or template.

    `calls` is smolagents' second copy of a past turn's code or call ("Calling tools: …"); `template` is the text that
    the chat template adds around the messages. `cached` is how many of the `tokens` came from the server's cache, None if
    unknown.
    """

    kind: str
    label: str
    characters: int
    tokens: int = 0
    cached: int | None = None


def segments(
    asked: Asked,
    prompt: str | None = None,
    total: int | None = None,
    cached: int | None = None,
    count: Callable[[str], int] | None = None,
    sources: Sequence[int | None] = (),
) -> tuple[list[PromptSegment], str]:
    """The segments of what was asked, in order, and how their tokens were found: COUNTED, SCALED or ESTIMATED.

    `prompt` is the rendered prompt, `total` and `cached` are tokens as the server counted them; None if unknown.
    `sources` has, for each message, the number of the turn that it came from (`Diff.sources`).
    """
    pieces = _pieces(asked, sources)
    pieces = _placed(pieces, prompt) if prompt else pieces
    texts = [text for _, text in pieces]
    if count:
        tokens, how = [count(t) if t else 0 for t in texts], COUNTED
        if total and total > sum(tokens):
            pieces, tokens = _with_rest(pieces, tokens, total - sum(tokens))
    elif total:
        tokens, how = shares([len(t) for t in texts], total), SCALED
    else:
        tokens, how = [-(-len(t) // CHARACTERS_PER_TOKEN) for t in texts], ESTIMATED
    found, at = [], 0
    for (segment, text), n in zip(pieces, tokens, strict=True):
        had = None if cached is None else min(n, max(0, cached - at))
        found.append(replace(segment, characters=len(text), tokens=n, cached=had))
        at += n
    return _template_last(found), how


def shares(weights: list[int], total: int) -> list[int]:
    """`total` divided in proportion to the weights, into whole numbers that add up to it."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    ends, at = [0], 0
    for weight in weights:
        at += weight
        ends.append(round(total * at / whole))
    return [b - a for a, b in pairwise(ends)]


def _pieces(asked: Asked, sources: Sequence[int | None]) -> list[tuple[PromptSegment, str]]:
    """(segment without numbers, text) in the order of the request; the `tools` field after the system prompt."""
    result: list[tuple[PromptSegment, str]] = []
    has_task = False
    tools = [tool.given for tool in asked.tools]
    for message, source in zip(asked.messages, chain(sources, repeat(None)), strict=False):
        role, text = message.role, message.text
        turn = "an earlier turn" if source is None else f"turn {source}"
        if role in ("system", "developer"):
            result += _system(text)
        elif role == "assistant":
            if text.startswith(PLAN):
                result.append((PromptSegment("plan", "plan", 0), text))
            else:
                result += _past(turn, text + _calls_of(message.given))
        elif text.startswith(("Observation:", "Error:", "Call id:")) or role == "tool":
            what = "observation" if text.startswith("Observation:") or role == "tool" else "error"
            result.append((PromptSegment("observation", f"{what} of {turn}", 0), text))
        elif text.startswith("Now proceed and carry out this plan."):
            result.append((PromptSegment("plan", "go-ahead after the plan", 0), text))
        elif not has_task:
            has_task = True
            result.append((PromptSegment("task", "task", 0), text))
        else:
            result.append((PromptSegment("message", f"{role} message", 0), text))
        if tools and role in ("system", "developer"):
            result.append(_tools(tools))
            tools = []
    return [_tools(tools), *result] if tools else result


def _tools(tools: list[Record]) -> tuple[PromptSegment, str]:
    return PromptSegment("tools", "tools, as a field of the request", 0), json.dumps(
        tools, ensure_ascii=False
    )


def _calls_of(message: Record) -> str:
    calls = message.get("tool_calls")
    return "\n" + json.dumps(calls, ensure_ascii=False) if calls else ""


def _system(text: str) -> list[tuple[PromptSegment, str]]:
    opening = TOOLS.search(text)
    start = opening.end() if opening else 0
    end = text.find(RULES, start)
    if not opening or end < 0:
        return [(PromptSegment("system", "system prompt", 0), text)]
    before, tools, after = text[:start], text[start:end], text[end:]
    return [
        (PromptSegment("system", "system prompt, before the tools", 0), before),
        (PromptSegment("tools", "tools, in the system prompt", 0), tools),
        (PromptSegment("system", "system prompt, after the tools", 0), after),
    ]


def _past(turn: str, text: str) -> list[tuple[PromptSegment, str]]:
    at = 0 if text.startswith(CALLS) else text.find("\n" + CALLS)
    if at < 0:
        return [(PromptSegment("turn", turn, 0), text)]
    said = [(PromptSegment("turn", turn, 0), text[:at])] if at else []
    return [*said, (PromptSegment("calls", f"{turn}, call repeated", 0), text[at:])]


def _placed(pieces: list[tuple[PromptSegment, str]], prompt: str) -> list[tuple[PromptSegment, str]]:
    """The pieces in the order of the rendered prompt, with the template's own text between them.

    Templates trim texts, and render a `tools` field in their own way. The longest piece of template text that names the
    first tool is assumed to be that field. If any other text isn't found, the pieces stay in the order of the request.
    """
    result, at, rendered = [], 0, None
    for segment, text in pieces:
        where = prompt.find(text, at)
        if where < 0:
            text = text.strip()
            where = prompt.find(text, at)
        if where < 0 and segment.kind == "tools":
            rendered = json.loads(text)[0]
            continue
        if where < 0:
            return pieces
        result += [(PromptSegment("template", "chat template", 0), prompt[at:where])] if where > at else []
        at = where + len(text)
        result.append((segment, text))
    result += [(PromptSegment("template", "chat template", 0), prompt[at:])] if at < len(prompt) else []
    return _tools_named(result, rendered) if rendered else result


def _tools_named(pieces: list[tuple[PromptSegment, str]], tool: Record) -> list[tuple[PromptSegment, str]]:
    name = read_text((record(tool.get("function")) or tool).get("name"))
    gaps = [
        i for i, (segment, text) in enumerate(pieces) if segment.kind == "template" and name and name in text
    ]
    if gaps:
        longest = max(gaps, key=lambda i: len(pieces[i][1]))
        pieces[longest] = (
            PromptSegment("tools", "tools, as the chat template renders them", 0),
            pieces[longest][1],
        )
    return pieces


def _with_rest(
    pieces: list[tuple[PromptSegment, str]], tokens: list[int], rest: int
) -> tuple[list[tuple[PromptSegment, str]], list[int]]:
    """Tokens that the server counted beyond the texts are the template's, spread evenly between them."""
    spread = shares([1] * len(pieces), rest)
    template = (PromptSegment("template", "chat template", 0), "")
    both = [(template, piece) for piece in pieces]
    counts = zip(spread, tokens, strict=True)
    return [p for pair in both for p in pair], [n for pair in counts for n in pair]


def _template_last(found: list[PromptSegment]) -> list[PromptSegment]:
    own = [s for s in found if s.kind == "template"]
    if not own:
        return found
    known = own[0].cached is not None
    total = PromptSegment(
        "template",
        "chat template",
        sum(s.characters for s in own),
        sum(s.tokens for s in own),
        sum(s.cached or 0 for s in own) if known else None,
    )
    return [*(s for s in found if s.kind != "template"), total]
