"""Answers to the exercises of appendix 07b."""

import json
from contextlib import suppress

from support.exercises import Answers

# --- 07b.1


def step_by_step(choice, tools):
    names = {tool["function"]["name"]: tool["function"] for tool in tools}
    if choice["finish_reason"] == "length":
        return "cut off"
    if not choice["message"].get("tool_calls"):
        return "answer"
    for call in choice["message"]["tool_calls"]:
        name, text = call["function"]["name"], call["function"]["arguments"]
        if name not in names:
            return "unknown tool"
        try:
            given = json.loads(text)
        except json.JSONDecodeError:
            return "bad arguments"
        if type(given) is not dict:
            return "bad arguments"
        for key in names[name].get("parameters", {}).get("required") or ():
            if key not in given:
                return "missing argument"
    return "execute"


def of_one(call, tools):
    tool = next((t["function"] for t in tools if t["function"]["name"] == call["name"]), None)
    if tool is None:
        return "unknown tool"
    with suppress(ValueError):
        given = json.loads(call["arguments"])
        if isinstance(given, dict):
            lacks = [key for key in tool.get("parameters", {}).get("required", []) if key not in given]
            return "missing argument" if lacks else "execute"
    return "bad arguments"


def with_a_helper(choice, tools):
    if choice["finish_reason"] == "length":
        return "cut off"
    told = [of_one(call["function"], tools) for call in choice["message"].get("tool_calls") or ()]
    return next((each for each in told if each != "execute"), "execute" if told else "answer")


def loudly(choice, tools):
    return with_a_helper(choice, tools).capitalize()


def calls_of(choice):
    return choice["message"].get("tool_calls") or []


def for_calls_alone(choice, tools):
    return with_a_helper(choice, tools) if choice["message"]["tool_calls"] else "answer"


def never_an_answer(choice, tools):
    told = with_a_helper(choice, tools)
    return "execute" if told == "answer" else told


def only_if_the_reason_says_so(choice, tools):
    if choice["finish_reason"] != "tool_calls" and calls_of(choice):
        return "cut off"
    return with_a_helper(choice, tools)


def lists_are_objects(choice, tools):
    calls = [{"function": dict(call["function"])} for call in calls_of(choice)]
    for call in calls:
        with suppress(ValueError):
            given = json.loads(call["function"]["arguments"])
            if isinstance(given, list):
                call["function"]["arguments"] = json.dumps(dict.fromkeys(given))
    return with_a_helper({**choice, "message": {"tool_calls": calls}}, tools)


def first_call_only(choice, tools):
    first = calls_of(choice)[:1]
    return with_a_helper({**choice, "message": {"tool_calls": first}}, tools)


def last_call_only(choice, tools):
    last = calls_of(choice)[-1:]
    return with_a_helper({**choice, "message": {"tool_calls": last}}, tools)


def whatever_the_reason(choice, tools):
    return with_a_helper({**choice, "finish_reason": "tool_calls"}, tools)


def by_reason(choice, tools):
    told = [of_one(call["function"], tools) for call in calls_of(choice)]
    if choice["finish_reason"] == "length":
        return "cut off"
    first = next((r for r in ("unknown tool", "bad arguments", "missing argument") if r in told), "execute")
    return first if told else "answer"


def any_json(choice, tools):
    try:
        for call in calls_of(choice):
            json.loads(call["function"]["arguments"])
    except ValueError:
        return "bad arguments"
    if choice["finish_reason"] == "length":
        return "cut off"
    return "execute" if calls_of(choice) else "answer"


# --- 07b.2


def by_removal(messages):
    open_calls = []
    for message in messages:
        if message["role"] == "tool" and message["tool_call_id"] in open_calls:
            open_calls.remove(message["tool_call_id"])
        for call in message.get("tool_calls") or []:
            open_calls.append(call["id"])
    return open_calls


def by_looking_ahead(messages):
    return [
        call["id"]
        for at, message in enumerate(messages)
        for call in message.get("tool_calls") or ()
        if not any(later.get("tool_call_id") == call["id"] for later in messages[at:])
    ]


def as_a_generator(messages):
    yield from by_looking_ahead(messages)


def by_sets(messages):
    results = {m.get("tool_call_id") for m in messages if m["role"] == "tool"}
    return [c["id"] for m in messages for c in m.get("tool_calls") or () if c["id"] not in results]


def without_null(messages):
    return [c["id"] for m in messages for c in m.get("tool_calls", []) if c["id"] in by_removal(messages)]


def sorted_ids(messages):
    return sorted(by_removal(messages), reverse=True)[:1]


def right_behind_the_call(messages):
    lacks = []
    for at, message in enumerate(messages):
        given = set()
        for later in messages[at + 1 :]:
            if later["role"] != "tool":
                break
            given.add(later["tool_call_id"])
        lacks += [call["id"] for call in message.get("tool_calls") or () if call["id"] not in given]
    return lacks


def all_calls(messages):
    return [c["id"] for m in messages for c in m.get("tool_calls") or ()]


def how_many(messages):
    return len(by_removal(messages))


ANSWERS = {
    "07b.1": Answers(
        right=[step_by_step, with_a_helper, loudly],
        wrong=[
            first_call_only,
            last_call_only,
            whatever_the_reason,
            by_reason,
            any_json,
            for_calls_alone,
            never_an_answer,
            only_if_the_reason_says_so,
            lists_are_objects,
            "execute",
        ],
        given={"json": json},
    ),
    "07b.2": Answers(
        right=[by_removal, by_looking_ahead, as_a_generator],
        wrong=[by_sets, without_null, right_behind_the_call, sorted_ids, all_calls, how_many],
    ),
}
