"""Answers that end without what was asked for: hidden thinking, loops up to the limit, odd ends; and marks of thinking."""

import json

import pytest

from course.turns.thinking import leak, where_think_is
from support.diagnosed import RUN, call, found, kinds
from support.records import TASK, entry


def asked(path, request, response):
    """One exchange with another API, or another port."""
    made = entry(1, [], response)
    made["request"] |= {"url": f"http://127.0.0.1:8080{path}", "postData": {"text": json.dumps(request)}}
    return [made]


def chat(content, finish, usage, **ask):
    usage = {"prompt_tokens": 10, **usage}
    return [call(1, content, finish=finish, ask={"stop": None, **ask}, usage=usage)]


REASONED = {"completion_tokens": 400, "completion_tokens_details": {"reasoning_tokens": 400}}


def o_series(reason, limit=400):
    """What the Responses API says of an answer that is only thinking."""
    output = [{"type": "reasoning", "id": "rs", "summary": []}]
    status = (
        {"status": "incomplete", "incomplete_details": {"reason": reason}}
        if reason
        else {"status": "completed"}
    )
    usage = {"input_tokens": 10, "output_tokens": 400, "output_tokens_details": {"reasoning_tokens": 384}}
    response = {"id": "r", "object": "response", "model": "m", "output": output, "usage": usage, **status}
    return asked("/v1/responses", {"model": "m", "input": "How?", "max_output_tokens": limit}, response)


def test_thinking_that_is_not_shown_can_use_up_the_limit():
    for records, count, field in (
        (chat("", "length", REASONED, max_completion_tokens=400), "400", "max_completion_tokens"),
        (o_series("max_output_tokens"), "384", "max_output_tokens"),
    ):
        (finding,) = found(records)
        assert finding.kind == "thinking-cut"
        assert f"{field} (400)" in finding.why
        assert f"{count} tokens of thinking that it does not show" in finding.why
        assert f'"{field}": 1024' in finding.next
        assert "lower reasoning_effort" in finding.next
        assert "shorter answer" not in finding.next
        assert [q.text for q in finding.evidence if q.where.endswith("reasoning_tokens")] == [count]


@pytest.mark.parametrize("counted", [{"completion_tokens": 0}, {}])
def test_geminis_thinking_is_only_in_the_total(counted):
    (finding,) = found(chat(None, "length", {"total_tokens": 407, **counted}, max_tokens=400))
    assert finding.kind == "thinking-cut"
    assert "max_tokens (400)" in finding.why
    assert "397 tokens of thinking" in finding.why
    assert "server's own limit" not in f"{finding.why} {finding.next}"


def test_an_empty_answer_after_hidden_thinking_did_not_end_immediately():
    for records, count in ((chat("", "stop", REASONED), "400"), (o_series(None, 900), "384")):
        (finding,) = found(records)
        assert finding.kind == "empty-response"
        assert f"after {count} tokens of thinking that it does not show" in finding.why
        assert "immediately" not in finding.why


def test_hidden_thinking_before_an_answer_is_normal():
    assert kinds(chat("It rains.", "stop", REASONED)) == []
    (finding,) = found(chat("It rai", "length", REASONED, max_tokens=400))
    assert (finding.kind, "shorter answer" in finding.next) == ("answer-cut", True)
    plain = {
        "completion_tokens": 400,
        "total_tokens": 410,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    (finding,) = found(chat("", "stop", plain))
    assert "immediately" in finding.why


LOOP = "Wait, let me check that again. "
ROW = "| 1 | 2 |\n"


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("I begin. " + LOOP * 20, LOOP.strip()),
        ("I begin. " + LOOP * 20 + "Wait, let", LOOP.strip()),
        ("Ja" + "!" * 300, "!" * 8),
        ("No" + " no" * 30, "no"),
        ("x" * 50 + "好的。" * 30, "好的。"),
    ],
)
def test_a_text_that_repeats_itself_to_the_limit_needs_no_larger_one(text, piece):
    usage = {"usage": {"prompt_tokens": 10, "completion_tokens": 400}}
    ask = {"max_tokens": 400}
    thought = call(1, "", finish="length", thinking=text, ask=ask, **usage)
    answered = call(1, text, finish="length", ask=ask, **usage)
    for records, kind in (
        ([thought], "thinking-cut"),
        ([answered], "answer-cut"),
        ([RUN, thought], "thinking-cut"),
    ):
        (finding,) = found(records)
        assert finding.kind == kind
        assert "max_tokens (400)" in finding.why
        assert f"repeats '{piece}" in finding.why or f"repeats '{piece[:1]}'" in finding.why
        assert "larger limit does not help" in finding.why
        assert "temperature" in finding.next
        assert "quantization" in finding.next
        assert "double" not in finding.next


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|" + "-" * 120,
        "def f():\n" + " " * 100,
        "Title\n" + "=" * 200,
        ROW * 7,
        "No" + " no" * 20,
        LOOP * 7,
        "It takes as long as it takes, and no tool tells how long that is. I ask the next one",
        "",
    ],
)
def test_lines_tables_and_short_repetitions_are_cut_like_any_other_text(text):
    (finding,) = found([call(1, text, finish="length", ask={"max_tokens": 400})])
    assert finding.kind == "answer-cut"
    assert "repeats" not in finding.why
    assert "double" in finding.next


def test_an_answer_that_ends_by_itself_may_repeat_what_it_likes():
    assert kinds([call(1, "I begin. " + LOOP * 20)]) == []


HARMONY = "<|channel|>analysis<|message|>The capital.<|end|><|start|>assistant<|channel|>final<|message|>"
MARKED = [
    ("[THINK]The capital.[/THINK]", "mistral"),
    (HARMONY, "openai_gptoss"),
    ("<|start|>assistant" + HARMONY, "openai_gptoss"),
    ("analysisThe capital.assistantfinal", "openai_gptoss"),
    ("<|channel>thought\nThe capital.<channel|>", "gemma4"),
    ("<|channel>\nThe capital.\n<channel|>\n", "gemma4"),
    ("<seed:think>The capital.</seed:think>", "seed_oss"),
    ("<|START_THINKING|>The capital.<|END_THINKING|>", "NAME"),
    ("<think>The capital.</think>", "qwen3"),
]


@pytest.mark.parametrize(("thought", "parser"), MARKED)
def test_thinking_leaks_with_the_marks_of_every_family(thought, parser):
    made = call(1, thought + "Oslo")
    (finding,) = found([made])
    assert finding.kind == "thinking-in-content"
    assert len(finding.evidence) == 2
    assert finding.evidence[1].text in thought
    closing = leak(thought).closing
    assert finding.evidence[1].text.endswith(closing)
    assert f"up to {closing} off" in finding.next
    made["response"]["headers"] = [{"name": "Server", "value": "vllm"}]
    (finding,) = found([made])
    assert f"--reasoning-parser {parser}" in finding.next
    assert where_think_is({"content": thought + "Oslo"}) == "in content"


@pytest.mark.parametrize(("thought", "parser"), MARKED)
def test_leaked_thinking_may_have_no_end(thought, parser):
    """But a plain word proves nothing without the other one."""
    cut = thought.partition(leak(thought).closing)[0]
    word = leak(thought).opening.isalpha()
    assert kinds([call(1, cut)]) == ([] if word else ["thinking-in-content"])
    assert kinds([call(1, cut, finish="length")]) == (
        ["answer-cut"] if word else ["thinking-in-content", "thinking-cut"]
    )


@pytest.mark.parametrize(
    "content",
    [
        "Magistral writes [THINK] and [/THINK].",
        "gpt-oss writes <|channel|>analysis<|message|> first, then <|channel|>final<|message|>.",
        "analysis of the log: nothing is wrong.",
        "<|channel|>final<|message|>Oslo",
        "Gemma marks it:\n<|channel>thought\nhm<channel|>",
        "It ends with a line:\n[/THINK]\nand goes on.",
    ],
)
def test_talking_about_marks_is_not_a_leak(content):
    assert kinds([call(1, content)]) == []


def test_a_closing_mark_alone_is_a_leak_as_well():
    found_ = leak("The capital.\n[/THINK]\nOslo")
    assert (found_.tags, found_.opening, found_.closing) == ("closing", "[THINK]", "[/THINK]")
    assert kinds([call(1, "The capital.\n[/THINK]\nOslo")]) == ["thinking-in-content"]


SWITCHES = [
    {"chat_template_kwargs": {"enable_thinking": False}},
    {"chat_template_kwargs": {"thinking": False}},
    {"reasoning_effort": "none"},
    {"thinking": {"type": "disabled"}},
    {"enable_thinking": False},
]


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_answer_that_was_filed_as_thinking_is_the_answer(switch):
    """The request switched the thinking off, so the server's parser had nothing to separate."""
    for content in (None, ""):
        (finding,) = found([call(1, content, thinking="Oslo.", ask=switch)])
        assert finding.kind == "empty-response"
        assert "switches the thinking off" in finding.why
        assert "in reasoning_content is the answer" in finding.why
        assert "wrong field" in finding.why
        assert "reasoning parser" in finding.next
        assert "ended its turn" not in finding.why
    code = call(1, None, thinking="<code>\nfinal_answer(1)\n", ask=switch)
    (finding,) = found([code])
    assert (finding.kind, "wrong field" in finding.why) == ("empty-response", True)
    assert kinds([call(1, "Oslo.", thinking="hm", ask=switch)]) == []


def test_ollamas_switch_counts_as_well():
    message = {"role": "assistant", "content": "", "thinking": "Oslo."}
    answer = {"model": "m", "message": message, "done": True, "done_reason": "stop"}
    request = {"model": "m", "messages": [TASK], "stream": False, "think": False}
    (finding,) = found(asked("/api/chat", request, answer))
    assert (finding.kind, "in thinking is the answer" in finding.why) == ("empty-response", True)
    (finding,) = found(asked("/api/chat", {**request, "think": True}, answer))
    assert "right after its thinking" in finding.why


def test_thinking_without_an_answer_is_named_as_before_if_nothing_switches_it_off():
    for ask in ({}, {"chat_template_kwargs": {"enable_thinking": True}}, {"reasoning_effort": "low"}):
        (finding,) = found([call(1, None, thinking="Oslo.", ask=ask)])
        assert (finding.kind, "right after its thinking" in finding.why) == ("empty-response", True)


@pytest.mark.parametrize("word", ["abort", "network_error", "insufficient_system_resource"])
def test_the_words_of_servers_that_failed_are_known(word):
    for content in ("It rai", None):
        (finding,) = found([call(1, content, finish=word)])
        assert finding.kind == "server-failed"
        assert f"ended the answer with an error ({word})" in finding.why


@pytest.mark.parametrize("word", ["sensitive", "prohibited_content", "PROHIBITED_CONTENT", "blocklist"])
def test_the_words_of_filters_are_known(word):
    (finding,) = found([call(1, "It rai", finish=word)])
    assert finding.kind == "answer-cut"
    assert f"content filter ended the answer ({word})" in finding.why


@pytest.mark.parametrize(
    ("word", "said"), [("whatever", "gives whatever as the reason"), (None, "does not say why")]
)
def test_an_empty_answer_with_an_unknown_end_is_still_empty(word, said):
    for thinking in (None, "hm"):
        (finding,) = found([call(1, "", finish=word, thinking=thinking)])
        assert finding.kind == "empty-response"
        assert said in finding.why
        assert "server's log" in finding.next
    assert kinds([call(1, "It rains.", finish=word)]) == []


def test_no_answer_is_missing_where_none_was_asked_for_yet():
    load = {"model": "m", "response": "", "done": True, "done_reason": "load"}
    assert kinds(asked("/api/generate", {"model": "m", "stream": False}, load)) == []
    queued = {"id": "r", "object": "response", "status": "queued", "output": []}
    assert kinds(asked("/v1/responses", {"model": "m", "input": "Hi", "background": True}, queued)) == []


def test_geminis_answer_after_hidden_thinking_ends_at_the_requests_limit():
    """Thinking and answer end a few tokens below the limit; only the total counts both."""
    usage = {"completion_tokens": 18, "total_tokens": 506}
    (finding,) = found(chat("The tram", "length", usage, max_tokens=500))
    assert finding.kind == "answer-cut"
    assert "max_tokens (500)" in finding.why


@pytest.mark.parametrize("text", ["[" + "0, " * 40, "1 0 1 0 " * 15])
def test_rows_of_numbers_are_no_loop(text):
    (finding,) = found(chat(text, "length", {"completion_tokens": 400}, max_tokens=400))
    assert "repeats" not in f"{finding.why} {finding.next}"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("computer_call", {"action": {"type": "click", "x": 1, "y": 2}}),
        ("local_shell_call", {"action": {"type": "exec", "command": ["ls"]}}),
        ("shell_call", {"action": {"commands": ["ls"]}}),
        ("apply_patch_call", {"operation": {"type": "create_file", "path": "a", "diff": ""}}),
    ],
)
def test_an_agent_that_uses_a_computer_or_a_shell_is_healthy(kind, more):
    output = [{"type": kind, "id": "i", "call_id": "c", "status": "completed", **more}]
    response = {"id": "r", "object": "response", "model": "m", "output": output, "status": "completed"}
    result = {
        "type": f"{kind}_output",
        "call_id": "c",
        "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,AA"},
    }
    request = {"model": "m", "input": [{"role": "user", "content": "Look."}], "tools": [{"type": kind}]}
    later = request | {"input": [*request["input"], *output, result]}
    records = asked("/v1/responses", request, response)
    second = asked("/v1/responses", later, response | {"id": "s"})[0]
    second["_id"] = 2
    assert kinds([*records, second]) == []
