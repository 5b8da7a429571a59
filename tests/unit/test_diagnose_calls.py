"""Calls that came in the wrong form: as text, in the thinking, more than once, or not at all; loops without calls."""

import json

import pytest

from course.diagnose import calltexts
from support.diagnosed import call, found, kinds
from support.records import SYSTEM, TASK, entry

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
AS_JSON = '{"name": "get_weather", "arguments": {"city": "Zurich"}}'
CALL_TEXT = f"<tool_call>{AS_JSON}</tool_call>"


def said(content, thinking=None, finish="stop", tools=TOOLS, **ask):
    return [call(1, content, finish=finish, thinking=thinking, ask={"tools": tools, **ask})]


def called(arguments='{"city": "Zurich"}', name="get_weather", ids=("c1",)):
    function = {"name": name, "arguments": arguments}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return [call(1, None, finish="tool_calls", calls=calls, ask={"tools": TOOLS})]


@pytest.mark.parametrize("text", [CALL_TEXT, f"```json\n{AS_JSON}\n```", "<function=get_weather>"])
def test_a_call_inside_the_thinking_is_named_for_what_it_is(text):
    """Instead of an empty response."""
    (finding,) = found(said("", f"The user wants the weather.\n{text}"))
    assert finding.kind == "tool-call-in-thinking"
    assert "offers get_weather, and the thinking contains a call to it" in finding.why
    assert "switch the thinking off" in finding.next
    assert "reasoning_content" in finding.evidence[0].where


def test_a_call_that_the_thinking_only_weighs_is_none():
    weighed = f"I could write {CALL_TEXT}, but I know it."
    assert kinds(said("It rains.", weighed)) == []
    assert kinds(said("", weighed, tools=[])) == ["empty-response"]
    made = called()
    body = json.loads(made[0]["response"]["content"]["text"])
    body["choices"][0]["message"]["reasoning_content"] = weighed
    made[0]["response"]["content"]["text"] = json.dumps(body)
    assert kinds(made) == []
    assert kinds(said("", weighed, finish="length")) == ["thinking-cut"]


@pytest.mark.parametrize("less", ["<", "‹"])
@pytest.mark.parametrize("bar", ["｜", "|", "‖", "｜｜"])
def test_deepseeks_calls_are_recognized_however_they_are_spelled(less, bar):
    mark = f"{less}{bar}DSML{bar}"
    text = f'I look.\n{mark}tool_calls>\n{mark}invoke name="get_weather">\n{mark}parameter name="city">Zurich'
    (finding,) = found(said(text))
    assert finding.kind == "tool-call-in-content"
    assert mark in finding.why
    assert finding.evidence[0].text.startswith(mark)


@pytest.mark.parametrize(
    "text",
    [
        f"I will look.\n```json\n{AS_JSON}\n```",
        f"I will look.\n```json\n{AS_JSON}\n```\nOne moment.",
        f"{AS_JSON}\n{AS_JSON}",
        f"[{AS_JSON}]",
        f"{{not JSON}}\n{{\n\n{AS_JSON}",
        f'{{"tool_calls": [{{"type": "function", "function": {AS_JSON}}}]}}',
    ],
)
def test_a_call_as_json_is_found_where_a_line_or_a_code_block_begins(text):
    (finding,) = found(said(text))
    assert (finding.kind, "(JSON)" in finding.why) == ("tool-call-in-content", True)


@pytest.mark.parametrize(
    "text",
    [
        f"In the middle of a line, {AS_JSON} is prose.",
        '```json\n{"name": "get_rain", "arguments": {}}\n```',
        '```json\n{"name": "get_weather"}\n```',
        '```json\n{"name": "get_weather", "description": "looks", "parameters": {}}\n```',
        'A model writes:\n```\n<｜DSML｜invoke name="get_weather">\n```',
        '<｜DSML｜invoke name="get_rain">',
        "I use get_weather for that.",
    ],
)
def test_what_only_looks_like_a_call_is_none(text):
    assert kinds(said(text)) == []


def anthropic(content, stop_reason):
    made = entry(1, [], {"id": "m", "type": "message", "stop_reason": stop_reason, "content": content})
    made["request"]["url"] = "http://127.0.0.1:8080/v1/messages"
    asked = {"messages": [TASK], "max_tokens": 99, "tools": [{"name": "get_weather", "input_schema": SCHEMA}]}
    made["request"]["postData"]["text"] = json.dumps(asked)
    return [made]


TEXT_BLOCK = {"type": "text", "text": "I'll read the file first."}
TOOL_BLOCK = {"type": "tool_use", "id": "t", "name": "get_weather", "input": {"city": "Zurich"}}


def test_a_call_that_the_server_announces_and_does_not_send_is_lost():
    for records in (
        said("I'll read the file first.", finish="tool_calls"),
        said(None, finish="tool_calls", tool_choice="required"),
        anthropic([TEXT_BLOCK], "tool_use"),
    ):
        (finding,) = found(records)
        assert finding.kind == "tool-call-lost"
        assert "the model called a tool" in finding.why
        assert "another version of the server" in finding.next
        assert finding.evidence[0].text in ("tool_calls", "tool_use")


def test_a_lost_call_of_a_stream_is_asked_for_without_one():
    pieces = [
        {"delta": {"role": "assistant", "content": "I'll look."}},
        {"delta": {}, "finish_reason": "tool_calls"},
    ]
    events = [{"id": "s", "choices": [{"index": 0, **piece}]} for piece in pieces]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    (finding,) = found([entry(1, [SYSTEM, TASK], None, sse=stream)])
    assert (finding.kind, '"stream": false' in finding.next) == ("tool-call-lost", True)


def test_a_call_that_is_there_is_not_lost():
    assert kinds(called()) == []
    assert kinds(anthropic([TEXT_BLOCK, TOOL_BLOCK], "tool_use")) == []
    assert kinds(anthropic([TEXT_BLOCK], "end_turn")) == []
    assert kinds(said(CALL_TEXT, finish="tool_calls")) == ["tool-call-in-content"]


ONE = '{"city":"Zurich"}'


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (ONE + ONE, "The same one comes 2 times"),
        ("{}" + ONE, "One of them is empty"),
        (f"{{}}{ONE}\n{ONE}", "The same one comes 2 times"),
        (ONE + '{"city":"Oslo"}', "put several calls into one"),
        ("{}{}", "The same one comes 2 times"),
    ],
)
def test_arguments_that_came_more_than_once_are_not_the_models_fault(arguments, why):
    (finding,) = found(called(arguments))
    assert finding.kind == "arguments-malformed"
    assert why in finding.why
    assert "proxy" in finding.why
    assert "without a proxy" in finding.next
    assert "cannot correct it" in finding.next


@pytest.mark.parametrize("arguments", [ONE + "{", ONE + "x", ONE + "[]", "{" + ONE])
def test_arguments_of_another_kind_are_named_as_before(arguments):
    (finding,) = found(called(arguments))
    assert finding.kind in ("arguments-malformed", "tool-call-cut")
    assert "more than once" not in finding.why


def test_a_special_token_behind_a_name_is_the_parsers():
    (finding,) = found(called(name="get_weather<|channel|>commentary"))
    assert finding.kind == "unknown-tool"
    assert "That is get_weather" in finding.why
    assert "parser left" in finding.why
    assert "cut <|channel|>commentary off" in finding.next
    for name in ("get_rain<|channel|>commentary", "get_weather_now"):
        (finding,) = found(called(name=name))
        assert (finding.kind, "parser" in finding.why) == ("unknown-tool", False)


def test_two_calls_with_one_id_deviate():
    (finding,) = found(called(ids=("c1", "c1")))
    assert (finding.kind, "an id of its own" in finding.why) == ("deviates", True)
    (finding,) = found(anthropic([TOOL_BLOCK, TOOL_BLOCK], "tool_use"))
    assert finding.kind == "deviates"
    for ids in (("c1", "c2"), ("", ""), (None, None)):
        assert kinds(called(ids=ids)) == []


def test_a_refusal_is_an_answer_whatever_was_demanded():
    form = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}}
    made = said(None, **form)
    body = json.loads(made[0]["response"]["content"]["text"])
    body["choices"][0]["message"]["refusal"] = "I can't help with that."
    made[0]["response"]["content"]["text"] = json.dumps(body)
    assert kinds(made) == []
    assert kinds(said("I can't help with that.", **form)) == ["format-ignored"]


def responses(form, text):
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    made = entry(1, [], {"id": "r", "object": "response", "status": "completed", "output": [message]})
    made["request"]["url"] = "http://127.0.0.1:8080/v1/responses"
    made["request"]["postData"]["text"] = json.dumps({"model": "m", "input": "Hi", "text": {"format": form}})
    return kinds([made])


def ollama(form, text):
    message = {"role": "assistant", "content": text}
    made = entry(1, [], {"model": "m", "message": message, "done": True, "done_reason": "stop"})
    made["request"]["url"] = "http://127.0.0.1:11434/api/chat"
    asked = {"model": "m", "messages": [TASK], "stream": False, "format": form}
    made["request"]["postData"]["text"] = json.dumps(asked)
    return kinds([made])


def test_a_format_of_text_asks_for_no_json():
    assert responses({"type": "text"}, "Hello.") == []
    assert responses({"type": "grammar", "syntax": "lark", "definition": "x"}, "Hello.") == []
    schema = {"type": "json_schema", "name": "a", "schema": SCHEMA}
    assert responses(schema, "Hello.") == ["format-ignored"]
    assert responses(schema, ONE) == []
    assert ollama(SCHEMA, "Hello.") == ["format-ignored"]
    assert ollama(SCHEMA, ONE) == []


ACTION, OBSERVED = "Action: search\nAction Input: {}", "Observation: Error: no such tool"


def talk(contents, heard, task=TASK):
    """A chat without tools: what the model says in each turn, and the user message that follows it."""
    records, messages = [], [SYSTEM, task]
    for n, (content, answer) in enumerate(zip(contents, heard, strict=True), 1):
        records.append(call(n, content, messages, ask={"stop": ["END"]}))
        messages = [*messages, {"role": "assistant", "content": content}, {"role": "user", "content": answer}]
    return [*records, call(len(contents) + 1, "Done.", messages, ask={"stop": ["END"]})]


@pytest.mark.parametrize(
    ("contents", "heard", "turns"),
    [
        ([ACTION] * 3, [OBSERVED] * 3, [3]),
        ([ACTION] * 2, [OBSERVED] * 2, []),
        (["Action: look", ACTION, ACTION, ACTION], [OBSERVED] * 4, [4]),
        (["Action: a", "Action: b"] * 3, ["Observation: 1", "Observation: 2"] * 3, [6]),
        ([ACTION] * 3, ["Observation: 1", "Observation: 2", "Observation: 3"], []),
        (["Action: a", "Action: b", "Action: c"], [OBSERVED] * 3, []),
        ([ACTION], [OBSERVED], []),
    ],
)
def test_a_loop_of_an_agent_without_calls_is_found_by_its_texts(contents, heard, turns):
    findings = found(talk(contents, heard))
    assert [finding.turn for finding in findings] == turns
    for finding in findings:
        assert finding.kind == "repeated-action"
        assert "answered with the same message" in finding.why
        assert len(finding.evidence) == 2


def test_a_user_who_asks_again_is_no_loop():
    """Neither at the beginning of a chat nor after another question. Whoever asks four times may be a program."""
    assert kinds(talk(["Hi!"] * 2 + ["Bye."], ["again"] * 2 + ["Thanks."])) == []
    question = {"role": "user", "content": "And in Bergen?"}
    for asked in (2, 3):
        assert (
            kinds(talk(["It rains."] * asked, ["And in Bergen?"] * (asked - 1) + ["Thanks."], question)) == []
        )
        later = ["And in Bergen?"] * asked + ["Thanks."]
        assert kinds(talk(["Hello."] + ["It rains."] * asked, later)) == []


def test_pictures_that_differ_are_no_loop():
    def picture(n):
        return [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{n}"}}]

    assert kinds(talk(["click(4, 5)"] * 3, [picture(n) for n in range(3)])) == []
    assert kinds(talk(["click(4, 5)"] * 3, [picture(1)] * 3)) == ["repeated-action"]


def test_calls_in_another_choice_are_not_lost():
    """GitHub Copilot's endpoint puts the text into one choice and the calls into the next."""
    (made,) = said("I look.", finish="tool_calls")
    body = json.loads(made["response"]["content"]["text"])
    function = {"name": "get_weather", "arguments": '{"city": "Zurich"}'}
    message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
    body["choices"].append({"index": 1, "finish_reason": "tool_calls", "message": message})
    made["response"]["content"]["text"] = json.dumps(body)
    assert kinds([made]) == []


DEFINED = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(DEFINED),
        f"```json\n{AS_JSON}\n```\n" + "That is how a model would ask for the weather. " * 10,
        "It splits at `<tool_call>`, then calls get_weather.",
    ],
)
def test_a_definition_an_example_and_a_mark_in_prose_are_no_calls(text):
    assert kinds(said(text)) == []


def test_a_call_that_a_limit_cut_is_not_the_parsers_fault():
    assert kinds(said('<tool_call>{"name": "get_weather", "argum', finish="length")) == ["answer-cut"]


def test_a_name_with_white_space_is_unknown_and_has_no_special_token():
    (finding,) = found(called(name="get_weather\n"))
    assert finding.kind == "unknown-tool"
    assert "special token" not in finding.why


def test_long_texts_that_only_begin_like_json_are_read_a_few_times(monkeypatch):
    """64 of them before a body of 64 MB would be read to its end 64 times."""
    read = []

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s, idx=0):
            read.append(idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr(calltexts, "DECODER", Decoder())
    assert kinds(said('{"a":[\n' * 50 + "1," * 2**22)) == []
    assert len(read) < 10
