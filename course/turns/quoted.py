"""What the next request quotes of a step of smolagents: for a tape of the wire alone, without records of steps.

Pure. smolagents sends each step's code, observation and error back to the model with the next request. This module reads
them there, with the place of each, so that what steps tell can also be told from the wire. The texts that it looks for
are those of smolagents 1.26 (memory.py); a conversation of another client has none of them.

    for number, step in steps(turns).items():
        print(number, step.error and step.error.text)
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course.turns.values import Message

if TYPE_CHECKING:
    from course.turns.turn import Turn

OBSERVED = "Observation:\n"
CALLED = "Calling tools:\n"
ERROR = re.compile(r"(?:\A|\n)(?:Call id: [^\n]*+\n)?Error:\n")
RETRY = "\nNow let's retry: take care"
END = re.compile(
    r"\n(?:Based on the above, please provide an answer to the following user task:|New task:)\n"
)
"""What is merged with the last observation: the end of the call after the last step, or the next task."""
TRIES = 3
"""Requests that are read for a step: the next one may be for a plan, which quotes less."""
INTERPRETER = "python_interpreter"


@dataclass(frozen=True)
class Piece:
    """A text, the path of the text that it is part of, and the character at which it begins there."""

    text: str
    where: str
    start: int = 0


@dataclass(frozen=True)
class QuotedStep:
    """A step, as the request of turn `turn` quotes it. `code` is the text of what ran, for a CodeAgent."""

    turn: int
    code: str | None = None
    observation: Piece | None = None
    error: Piece | None = None


def steps(turns: Iterable["Turn"]) -> dict[int, QuotedStep]:
    """The steps that later requests quote, by the index of the turn that they were made of."""
    indexes: dict[tuple[int, int], int] = {}
    found: dict[int, QuotedStep] = {}
    tried: Counter[int] = Counter()
    for turn in turns:
        if turn.exchange is None:
            continue
        groups: dict[int, list[Message]] = {}
        messages = turn.exchange.asked.messages
        for place in range(turn.diff.start, min(len(messages), len(turn.diff.sources))):
            source = turn.diff.sources[place]
            index = None if source is None else indexes.get((turn.run_number, source))
            if index is not None and index not in found and tried[index] < TRIES:
                groups.setdefault(index, []).append(messages[place])
        tried.update(groups.keys())
        for index, quoted in groups.items():
            if step := _step(turn, quoted):
                found[index] = step
        if turn.exchange.is_call:
            indexes[turn.run_number, turn.number] = turn.index
    return found


def _step(turn: "Turn", messages: list[Message]) -> QuotedStep | None:
    """The step in the messages that follow its answer. None if they are not smolagents'."""
    code, observation, error, is_call = None, None, None, False
    for message in messages:
        if message.role == "assistant":
            called = message.text.rfind(CALLED)
            if called >= 0 and (called == 0 or message.text[called - 1] == "\n"):
                is_call, code = True, _code(message.text[called + len(CALLED) :])
            continue
        piece = _whole(turn, message)
        if piece is None:
            continue
        failed = ERROR.search(piece.text)
        retry = piece.text.find(RETRY, failed.end()) if failed else -1
        failed = failed if retry >= 0 else None
        if failed and error is None:
            error = Piece(piece.text[failed.end() : retry], piece.where, failed.end())
        if piece.text.startswith(OBSERVED) and observation is None:
            end = failed.start() if failed else len(piece.text)
            if ended := END.search(piece.text, 0, end):
                end = ended.start()
            observation = Piece(piece.text[len(OBSERVED) : end], piece.where, len(OBSERVED))
    if error is None and not (is_call and observation):
        return None
    return QuotedStep(turn.number, code, observation, error)


def _whole(turn: "Turn", message: Message) -> Piece | None:
    """The message's text, if it is in one place."""
    content, where = message.given.get("content"), f"{turn.label}: {message.where}.content"
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content, where = content[0].get("text"), f"{where}[0].text"
    return Piece(content, where) if isinstance(content, str) else None


def _code(calls: str) -> str | None:
    """The code that a CodeAgent ran, from smolagents' second copy of it: a Python literal."""
    try:
        listed = ast.literal_eval(calls.strip())
        function = listed[0]["function"]
        code = function["arguments"] if function["name"] == INTERPRETER else None
    except (ValueError, SyntaxError, LookupError, TypeError, RecursionError, MemoryError):
        return None
    return code if isinstance(code, str) else None
