"""Faults in tool calls are found from requests and responses alone, in several APIs; healthy calls are left alone."""

import json

import pytest

from support.diagnosed import call, found, kinds
from support.records import SYSTEM, TASK, entry

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "look", "parameters": SCHEMA}},
    {
        "type": "function",
        "function": {"name": "list_all", "parameters": {"type": "object", "properties": {}}},
    },
]
GOOD = '{"city": "Bergen"}'


def asked(arguments=GOOD, name="look", content=None, finish="tool_calls", **ask):
    """A turn that calls one tool."""
    calls = [{"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}]
    return [call(1, content, finish=finish, calls=calls, ask={"tools": TOOLS, **ask})]


def said(content, **ask):
    """A turn that calls none."""
    return [call(1, content, ask={"tools": TOOLS, **ask})]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (asked(), []),
        (asked(name="list_all", arguments=""), []),
        (asked('{"city": "Ber'), ["tool-call-cut"]),
        (asked('{"city": "Ber', finish="length"), ["answer-cut", "tool-call-cut"]),
        (asked('{"city": Bergen}'), ["arguments-malformed"]),
        (asked('["Bergen"]'), ["arguments-malformed"]),
        (asked(json.dumps(GOOD)), ["arguments-encoded-twice"]),
        (asked("{}"), ["arguments-missing"]),
        (asked(""), ["arguments-missing"]),
        (asked(name="find"), ["unknown-tool"]),
        (asked(tool_choice="none"), ["tool-choice-ignored"]),
        (asked(tool_choice={"type": "function", "function": {"name": "list_all"}}), ["tool-choice-ignored"]),
        (asked(tool_choice="required"), []),
        (said("It rains.", tool_choice="required"), ["tool-choice-ignored"]),
        (said("It rains.", tool_choice="auto"), []),
        (said("<tool_call>\n<function=look>\n<parameter=city>\nBergen"), ["tool-call-in-content"]),
        (said('{"name": "look", "arguments": {"city": "Bergen"}}'), ["tool-call-in-content"]),
        (said('```json\n{"name": "look", "parameters": {"city": "Bergen"}}\n```'), ["tool-call-in-content"]),
        (said('<tool_call>{"name": "look"}', tool_choice="required"), ["tool-call-in-content"]),
        (said("A model writes:\n```\n<tool_call>look</tool_call>\n```\nand then it waits."), []),
        (said('{"name": "Bergen", "arguments": {}}'), []),
        (said("Sure: {1}", response_format={"type": "json_object"}), ["format-ignored"]),
        (said("```json\n{}\n```", response_format={"type": "json_object"}), ["format-ignored"]),
        (said('{"a": 1}', response_format={"type": "json_object"}), []),
        (said("{}", response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}}), ["format-ignored"]),
        (said("Thought.\nObservation: 31 degrees\nSo it is."), ["invented-observation"]),
        (said("Thought.\nObservation: 31 degrees", stop=["END"]), []),
    ],
)  # fmt: skip
def test_calls_are_judged_by_what_the_request_offers(records, expected):
    assert kinds(records) == expected


def block(**given):
    """An exchange of Anthropic's API that calls a tool."""
    content = [{"type": "tool_use", "id": "t", "name": "look", "input": {}, **given}]
    response = {"id": "m", "type": "message", "stop_reason": "tool_use", "content": content}
    made = entry(1, [SYSTEM, TASK], response)
    made["request"]["url"] = "http://127.0.0.1:8080/v1/messages"
    tools = [{"name": "look", "input_schema": SCHEMA}]
    made["request"]["postData"]["text"] = json.dumps({"messages": [TASK], "tools": tools, "max_tokens": 99})
    return [made]


def test_calls_of_other_apis_are_judged_the_same():
    assert kinds(block(input={"city": "Bergen"})) == []
    assert kinds(block()) == ["arguments-missing"]
    assert kinds(block(name="find", input={"city": "x"})) == ["unknown-tool"]


def talk(commands, results):
    """A client without steps that calls bash once per turn, and sends each result back."""
    records, messages = [], [SYSTEM, TASK]
    for n, (command, result) in enumerate(zip(commands, results, strict=True), 1):
        function = {"name": "bash", "arguments": json.dumps({"command": command})}
        calls = [{"id": f"c{n}", "type": "function", "function": function}]
        records.append(call(n, None, messages, "tool_calls", calls=calls))
        messages = [*messages, {"role": "assistant", "content": None, "tool_calls": calls}]
        if result is not None:
            messages = [*messages, {"role": "tool", "tool_call_id": f"c{n}", "content": result}]
        else:
            messages = [*messages, {"role": "user", "content": "go on"}]
    return [*records, call(len(commands) + 1, "Done.", messages)]


@pytest.mark.parametrize(
    ("commands", "results", "expected"),
    [
        (["ls"] * 3, ["a"] * 3, ["repeated-action"] * 2),
        (["ls"] * 3, ["a", "b", "c"], []),
        (["ls", "cat x"] * 2, ["a", "b"] * 2, ["repeated-action"]),
        (["ls", "make", "ls"], ["a", "b", "a"], []),
        (["ls", "pwd"], [None, "b"], ["call-without-result"]),
    ],
)
def test_what_came_of_a_call_is_read_from_later_requests(commands, results, expected):
    assert kinds(talk(commands, results)) == expected


def test_results_without_an_id_may_be_those_of_any_call():
    records = talk(["ls", "pwd"], ["a", "b"])
    for record in records:
        text = record["request"]["postData"]["text"]
        record["request"]["postData"]["text"] = text.replace('"tool_call_id"', '"tool_name"')
    assert kinds(records) == []


THOUGHT = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": GOOD}}]


def thoughtful(**sent):
    """A call that came with thinking, and the next request, which sends the message back with these fields."""
    message = {"role": "assistant", "content": None, "tool_calls": THOUGHT, **sent}
    result = {"role": "tool", "tool_call_id": "c1", "content": "rain"}
    first = call(1, None, finish="tool_calls", calls=THOUGHT, thinking="I must look.")
    return [first, call(2, "It rains.", [SYSTEM, TASK, message, result])]


@pytest.mark.parametrize("sent", [{"reasoning_content": "I must look."}, {"reasoning": "I must look."},
                                  {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}])  # fmt: skip
def test_thinking_that_goes_back_with_its_call_is_not_a_remark(sent):
    assert kinds(thoughtful(**sent)) == []


def test_thinking_that_is_dropped_between_calls_is_a_remark_and_not_a_fault():
    (finding,) = found(thoughtful())
    assert (finding.kind, finding.turn, finding.remark) == ("thinking-dropped", 2, True)
    assert "12 characters" in finding.why
    later = json.loads(thoughtful()[1]["request"]["postData"]["text"])["messages"]
    assert kinds([*thoughtful(), call(3, "So.", [*later, {"role": "user", "content": "And?"}])]) == [
        "thinking-dropped"
    ]
