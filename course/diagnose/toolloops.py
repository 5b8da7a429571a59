"""Tool calls and what came of them: a call again with the same result, an empty result or none, thinking that is lost.

Pure. Reads the results that a later request of the same conversation sends back, so it needs no steps. For turns that
have a step, stepfaults.py compares the steps. Agents that write their actions as text (ReAct, Cline) are judged by the
text and by the user message that answers it.
"""

import json
from collections import Counter
from collections.abc import Iterator

from course.diagnose.faults import found
from course.diagnose.finding import Found, quote, value
from course.turns import Answer, Exchange, Message, ToolResult, Turn
from course.turns.values import as_text

SIGNED = ("reasoning_details", "extra_content", "thought_signature", "encrypted_content")
"""Fields in which thinking goes back without being readable."""
NOTHING = ("", "[]", "{}", "null")
"""Results in which there is nothing."""
LONGEST = 3
"""Steps of a loop that repeats itself."""
TIMES, TIMES_ASKED = 2, 3
"""How often steps come in a row until they are a loop. The second: of texts, where a user may just ask the same again."""
TALK = "a text"
"""In the place of a tool's name, if there is no call."""
Action = tuple[tuple[str, str], ...]


def faults(turns: list[Turn]) -> Iterator[Found]:
    """Loops and missing results on a whole tape."""
    by_number = {(turn.run_number, turn.number): turn for turn in turns}
    following = {
        (turn.run_number, turn.diff.continues): turn
        for turn in turns
        if turn.exchange is not None and turn.diff.continues is not None and turn.exchange.is_call
    }
    history: dict[tuple[int, int], list[tuple[Turn, Action, Action]]] = {}
    noted: set[tuple[int, int]] = set()
    for turn in turns:
        if turn.exchange is None or not turn.exchange.is_call:
            continue
        before = by_number.get((turn.run_number, turn.diff.continues or 0))
        past = history.get((turn.run_number, before.number), []) if before else []
        later = following.get((turn.run_number, turn.number))
        done = _done(turn, turn.exchange, later)
        history[turn.run_number, turn.number] = (
            [*past, (turn, *done)][-TIMES_ASKED * LONGEST :] if done else []
        )
        yield from _nothing(turn, turn.exchange, later)
        if done and turn.step is None and (first := _looped([*past, (turn, *done)])):
            yield _repeated(turn, turn.exchange, later, first)
        yield from _without_result(turn, turn.exchange, before)
        if before is not None and before.exchange is not None:
            dropped = _without_thinking(turn, turn.exchange, before, before.exchange)
            known = (before.run_number, before.number) in noted
            if dropped or known:
                noted.add((turn.run_number, turn.number))
            yield from [dropped] if dropped and not known else ()


def _done(turn: Turn, exchange: Exchange, later: Turn | None) -> tuple[Action, Action] | None:
    """The calls of a turn, and their results in the request that continues it. None if it has none.

    Without calls, its content and the user messages after it, unless it is smolagents', whose steps say more.
    """
    answer = exchange.answer
    if answer is None or later is None or later.exchange is None:
        return None
    if not answer.calls:
        said = "" if turn.step or turn.quoted else (answer.content or "").strip()
        heard = tuple((TALK, _content(message)) for message in _replies(later))
        return (((TALK, said),), heard) if said and heard else None
    results = _results(later, turn)
    found_ = tuple((result.id or "", result.text) for result in results)
    calls = tuple(
        (call.name, json.dumps(call.arguments, sort_keys=True, default=str)) for call in answer.calls
    )
    return (calls, tuple(("", text) for _, text in found_)) if found_ else None


def _results(later: Turn, turn: Turn) -> list[ToolResult]:
    """The results that a request adds to the one that it continues."""
    assert later.exchange is not None
    messages = later.exchange.asked.messages[later.diff.start :]
    return [result for message in messages for result in message.results]


def _replies(later: Turn) -> list[Message]:
    """The user messages that a request adds to the one that it continues."""
    assert later.exchange is not None
    return [m for m in later.exchange.asked.messages[later.diff.start :] if m.role == "user"]


def _content(message: Message) -> str:
    """All that a message says, images as well."""
    return as_text(message.given.get("content"))


def _looped(past: list[tuple[Turn, Action, Action]]) -> Turn | None:
    """The turn whose calls and results the last ones repeat, if the steps since then are the same as those before."""
    steps = [(calls, results) for _, calls, results in past]
    for length in range(1, LONGEST + 1):
        talks = all(name == TALK for calls, _ in steps[-length:] for name, _ in calls)
        if _is_loop(steps, length, TIMES_ASKED if talks else TIMES):
            return past[-1 - length][0]
    return None


def _is_loop(steps: list[tuple[Action, Action]], length: int, times: int) -> bool:
    return len(steps) >= times * length and steps[-times * length :] == times * steps[-length:]


def _repeated(turn: Turn, exchange: Exchange, later: Turn | None, first: Turn) -> Found:
    assert exchange.answer is not None
    if not exchange.answer.calls:
        return _said_again(turn, exchange.answer, later, first)
    call = exchange.answer.calls[0]
    seen = value(call.where, exchange.at(call.where))
    proof = None
    if later is not None and later.exchange is not None:
        result = _results(later, turn)[0]
        text = later.exchange.at(result.where)
        proof = quote(f"{later.label}: {result.where}", text) if isinstance(text, str) else None
    return found("repeated-action", turn, seen, proof, first=first.label)


def _said_again(turn: Turn, answer: Answer, later: Turn | None, first: Turn) -> Found:
    assert later is not None
    assert later.exchange is not None
    where = f"{_replies(later)[0].where}.content"
    if not isinstance(later.exchange.at(where), str):
        where += "[0].text"
    text = later.exchange.at(where)
    proof = quote(f"{later.label}: {where}", text) if isinstance(text, str) else None
    seen = quote(answer.content_at, answer.content or "")
    return found("repeated-action", turn, seen, proof, case="talk", first=first.label)


def _nothing(turn: Turn, exchange: Exchange, later: Turn | None) -> Iterator[Found]:
    """Calls whose result, in the request that continues this turn, is empty."""
    if exchange.answer is None or later is None or later.exchange is None:
        return
    times = Counter(call.id for call in exchange.answer.calls)
    calls = {call.id: call for call in exchange.answer.calls if call.id and times[call.id] == 1}
    for result in _results(later, turn):
        call = calls.get(result.id or "")
        if call is not None and result.text.strip() in NOTHING:
            where = f"{later.label}: {result.where}"
            proof = value(where, later.exchange.at(result.where))
            yield found(
                "empty-result", turn, value(call.where, exchange.at(call.where)), proof, name=call.name
            )


def _without_result(turn: Turn, exchange: Exchange, before: Turn | None) -> Iterator[Found]:
    """Calls that this request repeats without their results, although the conversation goes on after them.

    Only those that the request before did not have yet, so that each is named once. Results without an id, as Ollama's
    clients send them, could belong to any call, so nothing is said then.
    """
    messages = exchange.asked.messages
    start = turn.diff.start if before else 0
    results = {result.id for message in messages for result in message.results}
    for place in range(start, len(messages)):
        message = messages[place]
        lost = [c for c in message.calls if c.id and c.id not in results]
        after = messages[place + 1 :]
        refused = (
            not after and exchange.failure is not None
        )  # llama-server: "Cannot continue an assistant message …"
        if lost and message.role == "assistant" and (refused or _goes_on(after)) and None not in results:
            names = ", ".join(call.name for call in lost)
            seen = value(lost[0].where, exchange.at(lost[0].where))
            yield found(
                "call-without-result", turn, seen, names=names, place=message.where.removeprefix("request.")
            )


def _without_thinking(turn: Turn, exchange: Exchange, before: Turn, earlier: Exchange) -> Found | None:
    """A call that came with thinking, and that this request sends back with its result, but without the thinking.

    The Responses API keeps its own thinking, or wants it back encrypted.
    """
    answer = earlier.answer
    if answer is None or not answer.thinking or not answer.calls or exchange.dialect == "responses":
        return None
    ids = {call.id for call in answer.calls if call.id}
    added = exchange.asked.messages[turn.diff.start :]
    again = next((m for m in added if any(call.id in ids for call in m.calls)), None)
    if again is None or again.thinking or any(again.given.get(key) for key in SIGNED):
        return None
    call = next(c for c in again.calls if c.id in ids)
    proof = value(call.where, exchange.at(call.where))
    return found(
        "thinking-dropped",
        turn,
        proof,
        name=call.name,
        first=before.label,
        characters=len(answer.thinking),
    )


def _goes_on(messages: tuple[Message, ...]) -> bool:
    """Whether the model is asked again after a call: by a message that is neither a call nor part of the same answer."""
    return any(message.role in ("user", "tool") for message in messages)
