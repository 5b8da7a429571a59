"""What the tokens are spent on, what smolagents changed and truncated, on real runs over a scripted model."""

import json
from types import SimpleNamespace

import pytest

from course.agent import code_agent, tool_agent
from course.tape import Tape
from course.turns import changes, segments, turns
from course.turns.dialects import ask
from support.scripted import QUIET, Script, call, code, look

FIRST, LAST = code("print('x' * 3000)\n2"), code("final_answer(4)")


@pytest.fixture
def record(tmp_path):
    """Run an agent over these lines; the records of its tape."""

    def go(*lines, agent=code_agent, tools=(), cached=0, flat=False, **kw):
        tape = Tape(tmp_path / f"{len(list(tmp_path.iterdir()))}.tape.jsonl")
        model = Script(*lines, cached=cached).model(tape, flatten_messages_as_text=flat)
        agent(model, list(tools), **{**QUIET, **kw}).run("How much?")
        return tape.records()

    return go


def by_kind(turn):
    return {s.kind: s for s in turn.segments}


def test_the_parts_of_a_request_are_named_in_order(record):
    last = turns(record(FIRST, LAST, tools=[look]))[-1]
    assert [s.label for s in last.segments] == [
        "system prompt, before the tools",
        "tools, in the system prompt",
        "system prompt, after the tools",
        "task",
        "turn 1",
        "turn 1, call repeated",
        "observation of turn 1",
    ]
    assert by_kind(last)["observation"].characters > 3000
    assert 200 < by_kind(last)["tools"].characters < 900


def test_a_past_turn_keeps_its_number(record):
    """Every other turn is a plan; the second run starts again at 1."""
    lines = ("A plan.", FIRST, "Another plan.", code("print(3)"), "The last plan.", LAST)
    once = record(*lines, planning_interval=1)
    opened = {"_type": "run", "question": "?"}
    for number, made in enumerate((turns(once), turns([opened, *once, opened, *once])[len(lines) :]), 1):
        labels = [s.label for s in made[-1].segments if s.kind in ("turn", "observation")]
        assert [t.number for t in made] == [1, 2, 3, 4, 5, 6]
        assert made[-1].run_number == number
        acted = [t.number for t in made[:-1] if t.code]
        assert labels == [label for n in acted for label in (f"turn {n}", f"observation of turn {n}")]


def test_a_past_turn_that_is_not_on_the_tape_has_no_number(record):
    last = [r for r in record(FIRST, LAST) if r["_type"] == "entry"][-1]
    (turn,) = turns([last])
    assert [s.label for s in turn.segments][-1] == "observation of an earlier turn"


def test_no_character_is_left_out(record):
    for turn in turns(record(FIRST, LAST)):
        texts = sum(len(p["text"]) for m in turn.exchange.messages for p in m["content"])
        assert sum(s.characters for s in turn.segments) == texts


def test_estimated_tokens_add_up_to_what_the_server_counted(record):
    for turn in turns(record(FIRST, LAST, cached=700)):
        assert turn.count_method == segments.SCALED
        assert sum(s.tokens for s in turn.segments) == turn.tokens.prompt
        assert sum(s.cached for s in turn.segments) == 700


def test_the_cache_covers_the_beginning(record):
    last = turns(record(FIRST, LAST, cached=700))[-1]
    full = [s.cached == s.tokens for s in last.segments]
    none = [s.cached == 0 for s in last.segments]
    edge = full.index(False)
    assert all(full[:edge])
    assert all(none[edge + 1 :])
    assert 0 < last.segments[edge].cached < last.segments[edge].tokens


def test_counted_tokens_leave_the_rest_to_the_chat_template(record):
    records = record(FIRST, LAST)
    asked = []

    def count(text):
        asked.append(text)
        return len(text) // 5

    last = turns(records, count)[-1]
    assert last.count_method == segments.COUNTED
    task = by_kind(last)["task"]
    assert task.tokens == task.characters // 5
    assert sum(s.tokens for s in last.segments) == last.tokens.prompt
    assert by_kind(last)["template"].tokens > 0
    assert last.segments
    assert len(asked) == len(set(asked)), "no text is counted twice"


def test_without_a_count_four_characters_make_a_token():
    parts, how = segments.segments(ask({"messages": [{"role": "user", "content": "x" * 10}]}))
    assert how == segments.ESTIMATED
    assert [(s.kind, s.tokens, s.cached) for s in parts] == [("task", 3, None)]


def test_segments_follow_the_rendered_prompt(record):
    """With a template that puts a `tools` field before everything and renders it in its own way."""
    last = turns(record(FIRST, LAST))[-1]
    request = {**last.exchange.request, "tools": [{"type": "function", "function": {"name": "look"}}]}
    texts = [p["text"].strip() for m in request["messages"] for p in m["content"]]
    tools = "<|s|># Tools\nlook(what), and how to call it.\n"
    prompt = tools + "<|e|><|s|>".join(texts) + "<|e|>"
    parts, _ = segments.segments(ask(request), prompt, total=len(prompt), cached=len(tools))
    assert sum(s.characters for s in parts) == len(prompt)
    assert (parts[0].kind, parts[0].cached) == ("tools", len(tools))
    assert parts[1].cached == 0
    assert (parts[-1].kind, parts[-1].tokens) == ("template", len("<|e|><|s|>" * 3 + "<|e|>"))


@pytest.mark.parametrize("weights", [[1, 1, 1], [5, 0, 2], [0, 0], []])
def test_shares_add_up(weights):
    found = segments.shares(weights, 100)
    assert sum(found) == (100 if sum(weights) else 0)
    assert all(n >= 0 for n in found)


def test_what_smolagents_changed_on_the_way_out_and_in(record):
    first, last = turns(record(FIRST, LAST))
    assert [c.kind for c in first.changes] == ["parts", "added", "ending"]
    assert first.changes[-1].said.startswith("</code>")
    said = {c.kind: c.said for c in last.changes}
    assert set(said) == {"role", "merged", "parts", "twice", "added", "ending"}
    assert said["merged"].startswith("5 messages became 4")
    assert "stop" in said["added"]


def test_contents_that_go_out_as_strings_are_compared_too(record):
    kinds = {c.kind for c in turns(record(FIRST, LAST, flat=True))[-1].changes}
    assert "merged" in kinds
    assert not {"parts", "text"} & kinds


def test_a_text_that_changed_on_the_way_is_found(record):
    """Only a message whose text differs from memory is named."""
    records = record(FIRST, LAST)
    entry = [r for r in records if r["_type"] == "entry"][-1]
    body = json.loads(entry["request"]["postData"]["text"])
    body["messages"][3]["content"][0]["text"] += "!"
    entry["request"]["postData"]["text"] = json.dumps(body)
    found = [c.said for c in turns(records)[-1].changes if c.kind == "text"]
    assert [said.split()[:2] for said in found] == [["message", "4"]]


def test_a_tape_without_memory_reports_no_changes(record):
    records = [{k: v for k, v in r.items() if k != "memory"} for r in record(FIRST, LAST)]
    assert [t.changes for t in turns(records)] == [None, None]


def test_thinking_that_is_not_sent_back_is_reported(record):
    made = turns(record({"content": FIRST, "reasoning_content": "hm" * 50}, LAST))
    assert "100 characters of thinking" in made[0].changes[-1].said


def test_the_record_of_memory_is_short(record):
    records = record(FIRST, LAST)
    memory = [r for r in records if r["_type"] == "step"][-1]["memory"]
    assert [role for role, *_ in memory] == ["system", "user", "assistant", "tool-call", "tool-response"]
    assert len(json.dumps(memory)) < 300


def test_a_truncated_last_value_tells_how_much_is_lost(record):
    first = turns(record(code("'y' * 25000"), LAST))[0]
    assert [(c.where, c.limit, c.lost) for c in first.cuts] == [("last output", 20000, 5000)]


def test_truncated_printed_output_does_not_tell_how_much_is_lost(record):
    printed = turns(record(code("print('y' * 60000)"), LAST))[0]
    assert [(c.where, c.limit, c.lost) for c in printed.cuts] == [("printed output", 50000, None)]
    assert turns(record(FIRST, LAST))[0].cuts == []


def test_truncation_by_a_tool_is_not_smolagents_own():
    mark = "\n..._This content has been truncated to stay below 40 characters_...\n"
    step = {"observation": f"Execution logs:\nfetched: {'a' * 20}{mark}{'a' * 20}\n{changes.LAST_OUTPUT}None"}
    assert [c.where for c in changes.cuts(step)] == ["a tool's result"]


def test_an_image_is_not_compared():
    exchange = SimpleNamespace(
        messages=[{"role": "user", "content": [{"type": "image_url"}]}], answer=None, request={"messages": []}
    )
    found = changes.changes({"memory": [["user", None, None]]}, exchange)
    assert [c.kind for c in found] == ["parts"]


def test_tool_calls_are_counted_as_part_of_a_past_turn(record):
    said = call("look", what="it"), call("final_answer", answer="4")
    made = turns(record(*said, agent=tool_agent, tools=[look]))
    assert [s.label for s in made[1].segments if s.kind in ("turn", "calls")] == ["turn 1, call repeated"]
