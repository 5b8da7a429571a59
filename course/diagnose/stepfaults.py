"""Faults in what smolagents did with a response: in its parser, its executor, the tools, or the end of the run.

Pure. Reads a step's code, observation and error, and compares steps: from the record of the step or, on a tape of the
wire alone, from what the next request quotes of it. On a tape of a client other than smolagents, it finds almost nothing.
Never judges an answer: a tape cannot tell whether it is true.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from course.diagnose.faults import found
from course.diagnose.finding import MOST, Found, Quote, dig, match, quote, value
from course.turns import Exchange, Piece, Record, Turn, text_of
from course.turns.changes import LAST, PRINTED, cuts

GENERATION = ("Error in generating model output", "Error while generating output")
ANSWERED = re.compile(r"Error code: \d|Connection error|timed? ?out", re.IGNORECASE)
NO_CODE = re.compile(r"Error in code parsing:\s*[^\n]*")
NO_CALL = re.compile(r"Error while parsing tool call from model output:[^\n]*")
SYNTAX = re.compile(r"Code parsing failed on line \d+ due to: [^\n]*")
IMPORT = re.compile(r"Import (?:of|from) (\S+) is not allowed")
NO_FUNCTION = re.compile(r"Forbidden function evaluation: '([^']*)' is not among[^\n]*")
NOTHING_FOUND = re.compile(r"No results found! Try a less restrictive/shorter query\.")
QUERY = re.compile(r"""(?<!\w)(\w++)\(\s*+(?:query\s*+=\s*+)?("[^"\n]*+"|'[^'\n]*+')""")
FAILED = re.compile(r"due to: [^\n]*")
STUCK = "An agent tried to answer a user query but it got stuck"
NEW_TASK = "New task:\n"
BLOCKS = (
    re.compile(r"<code>(.*?)(?:</code>|\Z)", re.DOTALL),
    re.compile(r"```(?:python|py)(.*?)(?:\n```|\Z)", re.DOTALL),
)


@dataclass(frozen=True)
class _Ran:
    """What smolagents did with a response: the code, the observation and the error, with their places."""

    code: Piece | None
    observation: Piece | None
    error: Piece | None
    is_final: bool = False


def _ran(turn: Turn) -> _Ran | None:
    """By the record of the step, or by what a later request quotes. None if the tape has neither."""
    step, told = turn.step, turn.quoted
    if step is not None:
        found_ = {"code": turn.code, "observation": turn.observation, "error": step.get("error")}
        code, observation, error = (
            Piece(text, f"step.{name}") if isinstance(text, str) else None for name, text in found_.items()
        )
        return _Ran(code, observation, error, turn.is_final)
    if told is None:
        return None
    at = (turn.content or "").find(told.code) if told.code else -1
    code = None if told.code is None else Piece(told.code, _content_at(turn) if at >= 0 else "", max(at, 0))
    return _Ran(code, told.observation, told.error)


def _whole(piece: Piece | None) -> Quote | None:
    return _cut_out(piece, 0, len(piece.text)) if piece else None


def _cut_out(piece: Piece, start: int, end: int) -> Quote | None:
    """Characters of a piece, at their place. None if the tape has the text in another form only."""
    if not piece.where:
        return None
    end = min(end, start + MOST)
    where = f"{piece.where}[{piece.start + start}:{piece.start + end}]"
    return Quote(where, piece.text[start:end])


def _match(pattern: str | re.Pattern[str], piece: Piece | None) -> Quote | None:
    seen = re.search(pattern, piece.text) if piece else None
    return _cut_out(piece, *seen.span()) if piece and seen else None


def in_turn(turn: Turn) -> Iterator[Found]:
    """Faults in this turn's step."""
    ran, step = _ran(turn), turn.step
    if ran is not None:
        yield from _decoy(turn, ran)
    if step is None or step.get("kind") == "max_steps":
        yield from _fallback(turn)
    if ran is None:
        return
    error = ran.error
    if error and error.text.startswith(GENERATION):
        if turn.exchange is None and not ANSWERED.search(error.text):
            yield found("never-sent", turn, _whole(error))
    elif error and error.text and not _is_last_call(turn):
        yield _failed(turn, ran, error)
    elif step is None or step.get("kind", "action") == "action":
        yield from _unfinished(turn, step) if step is not None else ()
        yield from _empty(turn, ran)
    if ran.observation:
        yield from _observed(turn, ran, ran.observation)


def _is_last_call(turn: Turn) -> bool:
    return (turn.step or {}).get("kind") == "max_steps"


def _decoy(turn: Turn, ran: _Ran) -> Iterator[Found]:
    """A code block inside leaked thinking that is part of what ran."""
    leaked, content = turn.leak, turn.content
    if leaked is None or content is None or ran.code is None:
        return
    code = ran.code.text
    blocks = next((b for b in (list(p.finditer(content)) for p in BLOCKS) if b), [])
    for block in blocks:
        draft = block[1].strip()
        if block.start() < leaked.end and draft and draft in code:
            at = code.index(draft)
            seen = quote(_content_at(turn), content, *block.span())
            yield found("decoy-ran", turn, seen, _cut_out(ran.code, at, at + len(draft)))
            return


def _content_at(turn: Turn) -> str:
    """The path of the turn's content."""
    return turn.exchange.answer.content_at if turn.exchange and turn.exchange.answer else "content"


def _failed(turn: Turn, ran: _Ran, error: Piece) -> Found:
    """The step's error under the most specific name that is certain."""
    if seen := _match(NO_CODE, error):
        content = quote(_content_at(turn), turn.content) if turn.content else None
        return found("no-code-block", turn, seen, content)
    if seen := _match(NO_CALL, error):
        return found("no-tool-call", turn, seen)
    if seen := _match(SYNTAX, error):
        return found("syntax-error", turn, seen, _whole(ran.code) if ran.code and ran.code.text else None)
    if named := IMPORT.search(error.text):
        return found("forbidden-import", turn, _match(IMPORT, error), name=named[1])
    if named := NO_FUNCTION.search(error.text):
        return found("forbidden-call", turn, _match(NO_FUNCTION, error), name=named[1])
    if seen := _match(NOTHING_FOUND, error):
        return _empty_search(turn, ran, seen, error.text)
    return found("action-failed", turn, _match(FAILED, error) or _whole(error))


def _empty_search(turn: Turn, ran: _Ran, seen: Quote, error: str) -> Found:
    """With the query, if the error or the code shows one as a literal."""
    calls = [*QUERY.findall(error), *QUERY.findall(ran.code.text if ran.code else "")]
    query = next((said for name, said in calls if "search" in name), "'…'")
    after = "The rest of the step's code did not run." if error else "The code caught it and went on."
    return found("empty-search", turn, seen, query=query, after=after)


def _observed(turn: Turn, ran: _Ran, observation: Piece) -> Iterator[Found]:
    known = turn.cuts if turn.step is not None else cuts({"observation": observation.text})
    if known:
        cut = known[0]
        who = {PRINTED: "printed", LAST: "last"}.get(cut.where, "tool")
        yield found("observation-truncated", turn, _cut_out(observation, *cut.mark), **{who: cut.limit})
    caught = _match(NOTHING_FOUND, observation)
    if caught and not (ran.error and NOTHING_FOUND.search(ran.error.text)):
        yield _empty_search(turn, ran, caught, "")


def _unfinished(turn: Turn, step: Record) -> Iterator[Found]:
    """A step without observation, error and answer, though its request was not refused."""
    known = all(key in step for key in ("observation", "error", "is_final"))
    if known and (turn.status or 0) < 400 and turn.observation is None and not turn.is_final:
        code = quote("step.code", turn.code) if isinstance(turn.code, str) else None
        yield found("never-ended", turn, code, value("step.observation", None), value("step.error", None))


def _empty(turn: Turn, ran: _Ran) -> Iterator[Found]:
    """Code without a single statement: nothing, or comments only."""
    if ran.code is None or ran.observation is None or ran.is_final:
        return
    try:
        statements = ast.parse(ran.code.text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    if not statements:
        seen = _match(r"Last output from code snippet:\nNone\Z", ran.observation)
        yield found("empty-step", turn, _whole(ran.code), seen)


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
    before: dict[str, list[tuple[Turn, _Ran]]] = {}
    for turn in turns:
        ran = _ran(turn)
        if turn.exchange is None or ran is None or (action := _action(turn, turn.exchange, ran)) is None:
            continue
        seen, text = action
        for earlier, had in reversed(before.get(text, [])):
            if _result(had) == _result(ran) and _remembers(turn, turn.exchange, earlier):
                proof = _whole(ran.error) if ran.error and ran.error.text else _whole(ran.observation)
                yield found("repeated-action", turn, seen, proof, first=earlier.label)
                break
        before.setdefault(text, []).append((turn, ran))


def _remembers(turn: Turn, exchange: Exchange, earlier: Turn) -> bool:
    """Whether the request has the earlier turn in its history, for the same task.

    `agent.run` with reset=False adds another task to the same messages.
    """
    if turn.run_number != earlier.run_number or earlier.number not in turn.diff.sources:
        return False
    since = exchange.messages[turn.diff.sources.index(earlier.number) :]
    return not any(NEW_TASK in text_of(m) for m in since)


def _action(turn: Turn, exchange: Exchange, ran: _Ran) -> tuple[Quote | None, str] | None:
    """What a step did: its code, or its tool calls by name and arguments. A quote, and the text to compare."""
    if dig(turn.step, "kind") not in ("action", None):
        return None
    if ran.code and ran.code.text.strip():
        return _whole(ran.code), ran.code.text
    answer = exchange.answer
    if answer is None or not answer.calls:
        return None
    named = [[call.name, call.text] for call in answer.calls]
    return value(answer.calls_at, exchange.at(answer.calls_at)), json.dumps(named)


def _result(ran: _Ran) -> tuple[str | None, str | None]:
    return ran.observation.text if ran.observation else None, ran.error.text if ran.error else None
