"""Answers to the exercises of lesson 05: runs and tapes that were never recorded."""

import tempfile
from pathlib import Path

from course import diagnose
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply, step

# --- 05.1


def by_id(calls, steps):
    exchange_of = {call["id"]: call["exchange"] for call in calls if call["id"]}
    return {s["step"]: exchange_of.get(s["id"]) for s in steps}


def by_search(calls, steps):
    joined = {}
    for s in steps:
        joined[s["step"]] = None
        for call in calls:
            if call["id"] is not None and call["id"] == s["id"]:
                joined[s["step"]] = call["exchange"]
    return joined


def as_pairs(calls, steps):
    ids = [call["id"] for call in calls]
    return [
        (s["step"], calls[ids.index(s["id"])]["exchange"] if s["id"] and s["id"] in ids else None)
        for s in steps
    ]


def by_order(calls, steps):
    return {s["step"]: call["exchange"] for s, call in zip(steps, calls, strict=False)}


def none_is_an_id(calls, steps):
    exchange_of = {call["id"]: call["exchange"] for call in calls}
    return {s["step"]: exchange_of.get(s["id"]) for s in steps}


def only_what_matches(calls, steps):
    exchange_of = {call["id"]: call["exchange"] for call in calls if call["id"]}
    return {s["step"]: exchange_of[s["id"]] for s in steps if s["id"] in exchange_of}


def the_other_way(calls, steps):
    return {number: s for s, number in by_id(calls, steps).items()}


# --- 05.2


def by_exception(s):
    try:
        return s.model_output_message.raw.choices[0].finish_reason
    except (AttributeError, IndexError):
        return None


def by_type(s):
    message = s.model_output_message
    if message is None or message.raw is None or isinstance(message.raw, dict):
        return None
    return message.raw.choices[0].finish_reason


def by_getattr(s):
    raw = getattr(s.model_output_message, "raw", None)
    return next((choice.finish_reason for choice in getattr(raw, "choices", None) or []), None)


def straight(s):
    return s.model_output_message.raw.choices[0].finish_reason


def without_message_only(s):
    return s.model_output_message and s.model_output_message.raw.choices[0].finish_reason


def raw_is_a_response(s):
    message = s.model_output_message
    if message is None or message.raw is None or not message.raw.choices:
        return None
    return message.raw.choices[0].finish_reason


def from_the_error(s):
    return s.error


def last_choice(s):
    choices = getattr(getattr(s.model_output_message, "raw", None), "choices", None)
    return choices[-1].finish_reason if choices else None


def is_cut(s):
    return by_exception(s) == "length"


# --- 05.3

HI = [{"role": "user", "content": "Who are you?"}]
FOLDER = Path(tempfile.mkdtemp(prefix="lesson-05-"))


def tape(name, *records):
    """The path of a tape with these records."""
    made = Tape(FOLDER / name)
    for record in records:
        made.add(record)
    return made.path


def cut_off(n):
    """A response that ended at max_tokens, before its content began."""
    message = {"role": "assistant", "content": "", "reasoning_content": "I am"}
    response = {"id": f"chatcmpl-{n}", "choices": [{"message": message, "finish_reason": "length"}]}
    return entry(n, HI, response)


def half_an_answer(n):
    """A response that ended at max_tokens, in its content."""
    message = {"role": "assistant", "content": "I am a"}
    response = {"id": f"chatcmpl-{n}", "choices": [{"message": message, "finish_reason": "length"}]}
    return entry(n, HI, response)


def whole(n):
    return entry(n, HI, reply(f"chatcmpl-{n}", "I am a model."))


CUT_FIRST = tape("first.tape.jsonl", cut_off(1), whole(2))
CUT_LAST = tape("last.tape.jsonl", whole(1), whole(2), cut_off(3))
CUT_ANSWER = tape("answer.tape.jsonl", whole(1), half_an_answer(2), whole(3))
ALL_WHOLE = tape("whole.tape.jsonl", whole(1), whole(2))
ONE = tape("one.tape.jsonl", cut_off(1))
AGENTS = tape("agent.tape.jsonl", cut_off(1), step("chatcmpl-1"), whole(2), step("chatcmpl-2", 2))
READ = {"Path": Path, "Tape": Tape, "turns": turns, "diagnose": diagnose}


def cut(path, turn, fault="thinking-cut"):
    return {"tape": path, "turn": turn, "fault": fault}


ANSWERS = {
    "05.1": Answers(
        right=[by_id, by_search, as_pairs],
        wrong=[by_order, none_is_an_id, only_what_matches, the_other_way, {1: 1, 2: 2}],
    ),
    "05.2": Answers(
        right=[by_type, by_exception, by_getattr],
        wrong=[
            straight,
            without_message_only,
            raw_is_a_response,
            from_the_error,
            last_choice,
            is_cut,
            "length",
        ],
    ),
    "05.3": Answers(
        right=[
            cut(CUT_FIRST, 1),
            cut(str(CUT_LAST), "3", "(thinking-cut)"),
            cut(CUT_LAST, "turn 3", "Thinking-cut"),
            cut(CUT_ANSWER, 2, "answer-cut"),
        ],
        wrong=[
            cut(CUT_FIRST, 2),
            cut(CUT_FIRST, 1, "length"),
            cut(CUT_FIRST, 1, "answer-cut"),
            cut(CUT_ANSWER, 2, "thinking-cut"),
            cut(CUT_ANSWER, 1, "answer-cut"),
            cut(ALL_WHOLE, 1),
            cut(ONE, 1),
            cut(AGENTS, 1),
            cut(FOLDER / "nowhere.tape.jsonl", 1),
            "thinking-cut",
        ],
        given=READ,
    ),
}
