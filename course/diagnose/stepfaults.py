"""Faults in what smolagents made of a response: its parser, its executor, the tools, the end of the run. Pure.

Does: reads the step's code, observation and error, and compares steps. Without steps (a tape of another client)
it finds next to nothing. Does not: call an unusual answer wrong; whether it is true, no tape can tell.
"""

import ast
import json
import re
from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Finding, Quote, dig, match, quote, value
from course.diagnose.textfaults import CONTENT, leak
from course.diagnose.wirefaults import goes_on
from course.turns import Turn, text_of
from course.turns.exchange import Record

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
TRUNCATED = re.compile(r"\.\.\._This content has been truncated to stay below (\d+) characters_\.\.\.")
STUCK = "An agent tried to answer a user query but it got stuck"
NEW_TASK = "New task:\n"
BLOCKS = (
    re.compile(r"<code>(.*?)(?:</code>|\Z)", re.DOTALL),
    re.compile(r"```(?:python|py)(.*?)(?:\n```|\Z)", re.DOTALL),
)


def in_turn(turn: Turn) -> Iterator[Finding]:
    yield from _decoy(turn)
    if turn.step is None:
        yield from _fallback(turn)
        return
    kind, error = turn.step.get("kind", "action"), turn.step.get("error")
    if kind == "max_steps":
        yield from _fallback(turn)
    elif isinstance(error, str) and error.startswith(GENERATION):
        if turn.exchange is None and not ANSWERED.search(error):
            yield found("never-sent", turn, quote("step.error", error))
    elif isinstance(error, str) and error:
        yield _failed(turn, error)
    elif kind == "action":
        yield from _unfinished(turn)
        yield from _empty(turn)
    if isinstance(turn.observation, str):
        yield from _observed(turn, turn.observation)


def _decoy(turn: Turn) -> Iterator[Finding]:
    """A code block inside leaked thinking that is part of what ran."""
    leaked = leak(turn)
    if leaked is None or not isinstance(turn.code, str):
        return
    blocks = next((b for b in (list(p.finditer(turn.content)) for p in BLOCKS) if b), [])
    for block in blocks:
        draft = block[1].strip()
        if block.start() < leaked.end and draft and draft in turn.code:
            at = turn.code.index(draft)
            proof = [quote(CONTENT, turn.content, *block.span())]
            proof.append(quote("step.code", turn.code, at, at + len(draft)))
            yield found("decoy-ran", turn, *proof)
            return


def _failed(turn: Turn, error: str) -> Finding:
    """The step's error, by the name that is certain; else just as an error."""
    if seen := match("step.error", NO_CODE, error):
        content = isinstance(turn.content, str) and quote(CONTENT, turn.content)
        return found("no-code-block", turn, seen, content or None)
    if seen := match("step.error", NO_CALL, error):
        return found("no-tool-call", turn, seen)
    if seen := match("step.error", SYNTAX, error):
        return found("syntax-error", turn, seen, turn.code and quote("step.code", turn.code))
    if seen := match("step.error", IMPORT, error):
        return found("forbidden-import", turn, seen, name=IMPORT.search(error)[1])
    if seen := match("step.error", NO_FUNCTION, error):
        return found("forbidden-call", turn, seen, name=NO_FUNCTION.search(error)[1])
    if seen := match("step.error", NOTHING_FOUND, error):
        return _empty_search(turn, seen, error)
    return found("action-failed", turn, match("step.error", FAILED, error) or quote("step.error", error))


def _empty_search(turn: Turn, seen: Quote, error: str) -> Finding:
    """With the query, where the error or the code shows one as a literal."""
    query = QUERY.search(error) or QUERY.search(turn.code or "")
    return found("empty-search", turn, seen, query=query[1] if query else "'…'")


def _observed(turn: Turn, observation: str) -> Iterator[Finding]:
    cut = TRUNCATED.search(observation)
    if cut:
        seen = quote("step.observation", observation, *cut.span())
        yield found("observation-truncated", turn, seen, most=cut[1])
    caught = match("step.observation", NOTHING_FOUND, observation)
    if caught and not NOTHING_FOUND.search(turn.step.get("error") or ""):
        yield _empty_search(turn, caught, "")


def _unfinished(turn: Turn) -> Iterator[Finding]:
    """A step that has no observation, no error and no answer, though its request was not refused."""
    known = all(key in turn.step for key in ("observation", "error", "is_final"))
    if known and (turn.status or 0) < 400 and turn.observation is None and not turn.is_final:
        proof = [quote("step.code", turn.code)] if isinstance(turn.code, str) else []
        proof += [value("step.observation", None), value("step.error", None)]
        yield found("never-ended", turn, *proof)


def _empty(turn: Turn) -> Iterator[Finding]:
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


def _fallback(turn: Turn) -> Iterator[Finding]:
    """smolagents' call after the last step: by its step, or by the system prompt that only this call has."""
    messages = turn.exchange.messages if turn.exchange else []
    proof = []
    if messages and (said := text_of(messages[0])).lstrip().startswith(STUCK):
        content = messages[0].get("content")
        where = "request.messages[0].content" + ("" if isinstance(content, str) else "[0].text")
        text = said if isinstance(content, str) else dig(content, 0, "text")
        proof.append(match(where, re.escape(STUCK), text))
    if turn.step and isinstance(turn.step.get("error"), str):
        proof.append(quote("step.error", turn.step["error"]))
    if turn.step or proof:
        number = dig(turn.step, "step_number")
        steps = number - 1 if isinstance(number, int) and number > 1 else 10
        if not proof:
            proof.append(value("step.kind", "max_steps"))
        yield found("max-steps", turn, *proof, more=2 * steps)


def repeated(turns: list[Turn]) -> Iterator[Finding]:
    """The same action with the same result as in a turn that the request has in its history.

    The same code with another result (it waits for something) is no fault; nor is the same code in another run.
    """
    before: dict[str, list[Turn]] = {}
    for turn in turns:
        action = _action(turn)
        if action is None:
            continue
        where, text = action
        for earlier in reversed(before.get(text, [])):
            if _result(earlier) == _result(turn) and _remembers(turn, earlier):
                seen = (
                    quote(where, text)
                    if where == "step.code"
                    else value(where, turn.exchange.message["tool_calls"])
                )
                yield found("repeated-action", turn, seen, _seen_result(turn), first=earlier.label)
                break
        before.setdefault(text, []).append(turn)


def _remembers(turn: Turn, earlier: Turn) -> bool:
    """Whether the request has the earlier turn in its history, for the same task (agent.run with reset=False
    adds another one to the same messages).
    """
    messages, known = turn.exchange.messages, len(earlier.exchange.messages)
    since = messages[known:]
    return (
        bool(since)
        and goes_on(earlier.exchange, turn.exchange)
        and not any(NEW_TASK in text_of(m) for m in since)
    )


def _action(turn: Turn) -> tuple[str, str] | None:
    """What a step did: its code, or its tool calls by name and arguments."""
    if turn.step is None or turn.exchange is None or turn.step.get("kind", "action") != "action":
        return None
    if isinstance(turn.code, str) and turn.code.strip():
        return "step.code", turn.code
    calls = [dig(c, "function") for c in turn.exchange.message.get("tool_calls") or []]
    named = [[dig(f, "name"), dig(f, "arguments")] for f in calls]
    return ("response.choices[0].message.tool_calls", json.dumps(named)) if named else None


def _result(turn: Turn) -> tuple[Record | str | None, ...]:
    return turn.observation, turn.step.get("error")


def _seen_result(turn: Turn) -> Quote | None:
    key, text = ("error", turn.step["error"]) if turn.step.get("error") else ("observation", turn.observation)
    return quote(f"step.{key}", text) if isinstance(text, str) else None
