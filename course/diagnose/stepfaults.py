"""Faults in what smolagents did with a response: in its parser, its executor, the tools, or the end of the run.

Pure. Reads a step's code, observation and error, and compares steps. On a tape without steps, from another client, it
finds almost nothing. Never judges an answer: a tape cannot tell whether it is true.
"""

import ast
import json
import re
from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Found, Quote, dig, match, quote, value
from course.turns import Cut, Exchange, Record, Turn, text_of
from course.turns.changes import LAST, PRINTED

GENERATION = ("Error in generating model output", "Error while generating output")
ANSWERED = re.compile(r"Error code: \d|Connection error|timed? ?out", re.IGNORECASE)
NO_CODE = re.compile(r"Error in code parsing:\s*[^\n]*")
NO_CALL = re.compile(r"Error while parsing tool call from model output:[^\n]*")
SYNTAX = re.compile(r"Code parsing failed on line \d+ due to: [^\n]*")
IMPORT = re.compile(r"Import (?:of|from) (\S+) is not allowed")
NO_FUNCTION = re.compile(r"Forbidden function evaluation: '([^']*)' is not among[^\n]*")
NOTHING_FOUND = re.compile(r"No results found! Try a less restrictive/shorter query\.")
QUERY = re.compile(r"""\w*search\w*\(\s*(?:query\s*=\s*)?("[^"\n]*"|'[^'\n]*')""")
FAILED = re.compile(r"due to: [^\n]*")
STUCK = "An agent tried to answer a user query but it got stuck"
NEW_TASK = "New task:\n"
BLOCKS = (
    re.compile(r"<code>(.*?)(?:</code>|\Z)", re.DOTALL),
    re.compile(r"```(?:python|py)(.*?)(?:\n```|\Z)", re.DOTALL),
)


def in_turn(turn: Turn) -> Iterator[Found]:
    """Faults in this turn's step."""
    yield from _decoy(turn)
    step = turn.step
    if step is None:
        yield from _fallback(turn)
        return
    kind, error = step.get("kind", "action"), step.get("error")
    if kind == "max_steps":
        yield from _fallback(turn)
    elif isinstance(error, str) and error.startswith(GENERATION):
        if turn.exchange is None and not ANSWERED.search(error):
            yield found("never-sent", turn, quote("step.error", error))
    elif isinstance(error, str) and error:
        yield _failed(turn, error)
    elif kind == "action":
        yield from _unfinished(turn, step)
        yield from _empty(turn)
    if isinstance(turn.observation, str):
        yield from _observed(turn, turn.observation, error if isinstance(error, str) else "")


def _decoy(turn: Turn) -> Iterator[Found]:
    """A code block inside leaked thinking that is part of what ran."""
    leaked, content, code = turn.leak, turn.content, turn.code
    if leaked is None or content is None or not isinstance(code, str):
        return
    blocks = next((b for b in (list(p.finditer(content)) for p in BLOCKS) if b), [])
    for block in blocks:
        draft = block[1].strip()
        if block.start() < leaked.end and draft and draft in code:
            at = code.index(draft)
            ran = quote("step.code", code, at, at + len(draft))
            yield found("decoy-ran", turn, quote(_content_at(turn), content, *block.span()), ran)
            return


def _content_at(turn: Turn) -> str:
    """The path of the turn's content."""
    return turn.exchange.answer.content_at if turn.exchange and turn.exchange.answer else "content"


def _failed(turn: Turn, error: str) -> Found:
    """The step's error under the most specific name that is certain."""
    if seen := match("step.error", NO_CODE, error):
        return found(
            "no-code-block", turn, seen, quote(_content_at(turn), turn.content) if turn.content else None
        )
    if seen := match("step.error", NO_CALL, error):
        return found("no-tool-call", turn, seen)
    if seen := match("step.error", SYNTAX, error):
        return found("syntax-error", turn, seen, quote("step.code", turn.code) if turn.code else None)
    if named := IMPORT.search(error):
        return found("forbidden-import", turn, match("step.error", IMPORT, error), name=named[1])
    if named := NO_FUNCTION.search(error):
        return found("forbidden-call", turn, match("step.error", NO_FUNCTION, error), name=named[1])
    if seen := match("step.error", NOTHING_FOUND, error):
        return _empty_search(turn, seen, error)
    return found("action-failed", turn, match("step.error", FAILED, error) or quote("step.error", error))


def _empty_search(turn: Turn, seen: Quote, error: str) -> Found:
    """With the query, if the error or the code shows one as a literal."""
    query = QUERY.search(error) or QUERY.search(turn.code or "")
    after = "The rest of the step's code did not run." if error else "The code caught it and went on."
    return found("empty-search", turn, seen, query=query[1] if query else "'…'", after=after)


def _observed(turn: Turn, observation: str, error: str) -> Iterator[Found]:
    if turn.cuts:
        cut = turn.cuts[0]
        what, change = _truncated(cut)
        seen = quote("step.observation", observation, *cut.mark)
        yield found("observation-truncated", turn, seen, what=what, change=change)
    caught = match("step.observation", NOTHING_FOUND, observation)
    if caught and not NOTHING_FOUND.search(error):
        yield _empty_search(turn, caught, "")


def _truncated(cut: Cut) -> tuple[str, str]:
    """Who truncated what, and how to avoid it."""
    if cut.where == PRINTED:
        what = f"smolagents keeps the first and the last part of printed output longer than {cut.limit} characters."
        return what, "Print less, or allow more:  code_agent(model, max_print_outputs_length=…)"
    if cut.where == LAST:
        what = f"smolagents keeps the first and the last part of a last value longer than {cut.limit} characters."
        return what, "Print the part that matters, instead of ending the code with a long value."
    what = f"A tool cut its result to {cut.limit} characters before the code printed it."
    return what, "Ask the tool for less, or raise its limit:  VisitWebpageTool(max_output_length=…)"


def _unfinished(turn: Turn, step: Record) -> Iterator[Found]:
    """A step without observation, error and answer, though its request was not refused."""
    known = all(key in step for key in ("observation", "error", "is_final"))
    if known and (turn.status or 0) < 400 and turn.observation is None and not turn.is_final:
        code = quote("step.code", turn.code) if isinstance(turn.code, str) else None
        yield found("never-ended", turn, code, value("step.observation", None), value("step.error", None))


def _empty(turn: Turn) -> Iterator[Found]:
    """Code without a single statement: nothing, or comments only."""
    if not isinstance(turn.code, str) or turn.observation is None or turn.is_final:
        return
    try:
        statements = ast.parse(turn.code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    if not statements:
        seen = match("step.observation", r"Last output from code snippet:\nNone\Z", turn.observation)
        yield found("empty-step", turn, quote("step.code", turn.code), seen)


def _fallback(turn: Turn) -> Iterator[Found]:
    """smolagents' call after the last step: by its step, or by the system prompt that only this call has."""
    messages = turn.exchange.messages if turn.exchange else []
    proof: list[Quote | None] = []
    if messages and (said := text_of(messages[0])).lstrip().startswith(STUCK):
        content = messages[0].get("content")
        where = "request.messages[0].content" + ("" if isinstance(content, str) else "[0].text")
        text = said if isinstance(content, str) else dig(content, 0, "text")
        proof.append(match(where, re.escape(STUCK), text))
    if isinstance(error := dig(turn.step, "error"), str):
        proof.append(quote("step.error", error))
    if turn.step or proof:
        number = dig(turn.step, "step_number")
        steps = number - 1 if isinstance(number, int) and number > 1 else 10
        yield found("max-steps", turn, *(proof or [value("step.kind", "max_steps")]), more=2 * steps)


def repeated(turns: list[Turn]) -> Iterator[Found]:
    """The same action with the same result as in a turn that the request has in its history.

    The same code with another result is not a fault (it waits for something), nor is the same code in another run.
    """
    before: dict[str, list[Turn]] = {}
    for turn in turns:
        if turn.exchange is None or turn.step is None or (action := _action(turn, turn.exchange)) is None:
            continue
        seen, text = action
        for earlier in reversed(before.get(text, [])):
            if _result(earlier) == _result(turn) and _remembers(turn, turn.exchange, earlier):
                yield found("repeated-action", turn, seen, _seen_result(turn), first=earlier.label)
                break
        before.setdefault(text, []).append(turn)


def _remembers(turn: Turn, exchange: Exchange, earlier: Turn) -> bool:
    """Whether the request has the earlier turn in its history, for the same task.

    `agent.run` with reset=False adds another task to the same messages.
    """
    if turn.run_number != earlier.run_number or earlier.number not in turn.diff.sources:
        return False
    since = exchange.messages[turn.diff.sources.index(earlier.number) :]
    return not any(NEW_TASK in text_of(m) for m in since)


def _action(turn: Turn, exchange: Exchange) -> tuple[Quote, str] | None:
    """What a step did: its code, or its tool calls by name and arguments. A quote, and the text to compare."""
    if dig(turn.step, "kind") not in ("action", None):
        return None
    if isinstance(turn.code, str) and turn.code.strip():
        return quote("step.code", turn.code), turn.code
    answer = exchange.answer
    if answer is None or not answer.calls:
        return None
    named = [[call.name, call.text] for call in answer.calls]
    return value(answer.calls_at, exchange.at(answer.calls_at)), json.dumps(named)


def _result(turn: Turn) -> tuple[str | None, str | None]:
    return turn.observation, dig(turn.step, "error")


def _seen_result(turn: Turn) -> Quote | None:
    error = dig(turn.step, "error")
    key, text = ("error", error) if error else ("observation", turn.observation)
    return quote(f"step.{key}", text) if isinstance(text, str) else None
