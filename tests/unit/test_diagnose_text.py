"""Faults in what the model wrote: leaked thinking, stop sequences, text that was cut off."""

import json
import re

import pytest

from support.diagnosed import ANSWER, RUN, act, call, command, found, kinds, verbose
from support.records import SYSTEM, TASK, entry


@pytest.mark.parametrize(
    ("content", "flag"),
    [
        ("<think>\nhm\n</think>\n\n" + ANSWER, "--reasoning-format none"),
        ("hm\n</think>\n\n" + ANSWER, "--skip-chat-parsing"),
        ("hm, I would say 9.62", "--skip-chat-parsing"),
    ],
)
def test_leaked_thinking_names_the_setting_that_caused_it(content, flag):
    """By the prompt that opened the thinking and the tags that are left, or by the server's command."""
    for records in ([call(1, content, **verbose("<think>\n"))],
                    [command(flag), call(1, content, **verbose("<think>\n"))]):  # fmt: skip
        (finding,) = found(records)
        assert finding.kind == "thinking-in-content"
        assert flag in finding.why
        assert flag in finding.next, "the advice leaves that setting as it is"


def test_leaked_thinking_is_found_without_the_prompt():
    for content in ("<think>h</think>4", "<think>\nhm", "hm\n</think>\n\n4"):
        assert kinds([call(1, content)]) == ["thinking-in-content"], content
    (asked,) = found([call(1, "<think>h</think>4", ask={"reasoning_format": "none"})])
    assert "reasoning_format: none" in asked.why


@pytest.mark.parametrize(
    "content",
    [
        "A <think> tag opens the thinking, and </think> ends it.",
        "I write the file.\n<code>\ntext = '''\n</think>\n'''\n</code>",
        "For example:\n```\n</think>\n```\nis how it ends.",
        "A tag on a line of its own ends it:\n\n</think>\n\nThe answer follows.",
    ],
)
def test_talking_about_the_tags_is_not_a_leak(content):
    assert kinds([call(1, content)]) == []


def test_code_in_leaked_thinking_that_ran():
    """The draft and what ran are quoted. Code after the thinking is not a draft."""
    leaked = "<think>\nMaybe <code>\nfinal_answer(99)\n</code>? No.\n</think>\n\n" + ANSWER
    both = "final_answer(99)\n\nfinal_answer(9.62)"
    leak, decoy = found([call(1, leaked), act(1, both, is_final=True, action_output=99)])
    assert (leak.kind, decoy.kind) == ("thinking-in-content", "decoy-ran")
    assert decoy.evidence[1].text == "final_answer(99)"
    harmless = "<think>\nhm\n</think>\n\n" + ANSWER
    assert kinds([call(1, harmless), act(1, "final_answer(9.62)", is_final=True)]) == ["thinking-in-content"]


def test_a_stop_sequence_in_the_thinking():
    """Named by the server, or recognized by a code block that lacks exactly that sequence."""
    draft = "I could call\n<code>\nfinal_answer(99)\n"
    for more in ({}, verbose("<think>\n", stop_type="word", stopping_word="</code>", content=draft)):
        (finding,) = found([call(1, "", thinking=draft, **more)])
        assert finding.kind == "stop-in-thinking"
        assert "</code>" in finding.why
        assert finding.evidence[0].text.endswith("final_answer(99)\n")
    other = verbose("<think>\n", stop_type="word", stopping_word="Observation:", content="hm\n")
    assert kinds([call(1, "", thinking="hm\n", **other)]) == ["stop-in-thinking"]
    after = verbose("<think>\n", stop_type="word", stopping_word="\n\n", content="hm\n</think>")
    assert kinds([call(1, "", thinking="hm", ask={"stop": ["\n\n"]}, **after)]) == ["stop-in-thinking"]


CHUNK = {"id": "s", "object": "chat.completion.chunk"}


def vllm(stop_reason, thinking="I look.\n", content=None, ask=None, streamed=False):
    """An answer of vLLM, which says in each choice which stop sequence struck."""
    made = call(1, content, thinking=thinking, ask=ask)
    body = json.loads(made["response"]["content"]["text"])
    body["choices"][0]["stop_reason"] = stop_reason
    if streamed:
        delta = {"role": "assistant", "content": content, "reasoning_content": thinking}
        pieces = [{"index": 0, "delta": delta, "finish_reason": None},
                  {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": stop_reason}]  # fmt: skip
        lines = [f"data: {json.dumps({**CHUNK, 'choices': [piece]})}\n\n" for piece in pieces]
        made["response"]["content"] = {
            "mimeType": "text/event-stream",
            "text": "".join([*lines, "data: [DONE]\n\n"]),
        }
    else:
        made["response"]["content"]["text"] = json.dumps(body)
    return made


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("stop", ["Observation", ["x", "Observation"]])
def test_vllm_names_the_stop_sequence(stop, streamed):
    """Whether the request has one or a list of them."""
    (finding,) = found([vllm("Observation", ask={"stop": stop}, streamed=streamed)])
    assert finding.kind == "stop-in-thinking"
    where = {quote.where for quote in finding.evidence}
    assert where >= {"response.choices[0].stop_reason", "request.stop" + ("[1]" if stop[0] == "x" else "")}


@pytest.mark.parametrize(
    ("stop_reason", "thinking", "said"),
    [
        (None, "hm", "The model ended its turn right after its thinking"),
        (151645, "hm", "The model ended its turn right after its thinking"),
        ("Observation:", None, "stop sequence 'Observation:' ended the response immediately"),
        ("elsewhere", "hm", "stop sequence 'elsewhere' ended the response right after its thinking"),
        ("end_turn", "hm", "The model ended its turn right after its thinking"),
    ],
)
def test_an_empty_response_says_who_ended_it_if_the_server_does(stop_reason, thinking, said):
    (finding,) = found([vllm(stop_reason, thinking=thinking)])
    assert finding.kind == "empty-response"
    assert said in finding.why
    assert ("does not say" in finding.why) == (stop_reason == "end_turn"), (
        "a proxy's word for the end tells nothing"
    )


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"stop_reason": None, "matched_stop": "Observation:"}, "Observation:"),
        ({"stop_reason": True}, None),
        (
            {"stop_reason": None, "verbose": {"stop_type": "word", "stopping_word": "Observation:"}},
            "Observation:",
        ),
    ],
)
def test_a_stop_sequence_in_one_place_counts_more_than_none_in_another(choice, word):
    made = call(1, None, thinking=None)
    body = json.loads(made["response"]["content"]["text"])
    if verbose_ := choice.pop("verbose", None):
        body["__verbose"] = verbose_
    body["choices"][0] |= choice
    made["response"]["content"]["text"] = json.dumps(body)
    (finding,) = found([made])
    assert (f"stop sequence {word!r}" in finding.why) == bool(word)
    assert ("The model ended its turn" in finding.why) != bool(word)


def test_llama_servers_messages_api_names_the_word_beside_end_turn():
    """It writes end_turn for every end, and the stop sequence beside it."""
    thought = {"type": "thinking", "thinking": "hm\n<code>\nprint(1)\n"}
    answer = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [thought],
        "stop_reason": "end_turn",
    }
    record = entry(1, [], {**answer, "stop_sequence": "</code>"})
    record["request"]["url"] = "http://127.0.0.1:8080/v1/messages"
    asked = {
        "model": "m",
        "max_tokens": 900,
        "stop_sequences": ["</code>"],
        "messages": [{"role": "user", "content": "?"}],
    }
    record["request"]["postData"]["text"] = json.dumps(asked)
    (finding,) = found([record])
    assert finding.kind == "stop-in-thinking"


def test_a_call_after_the_thinking_is_an_answer():
    made = vllm("Observation:", thinking="let me call f")
    body = json.loads(made["response"]["content"]["text"])
    body["choices"][0]["message"]["tool_calls"] = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    made["response"]["content"]["text"] = json.dumps(body)
    assert "stop-in-thinking" not in kinds([made])


def test_verbose_is_advised_only_for_llama_server():
    silent = call(1, "", thinking="hm")
    (finding,) = found([silent])
    assert "Or one of the request's stop sequences ended it there ('Observation:', " in finding.why
    assert "verbose" not in f"{finding.why} {finding.next}"
    silent["response"]["headers"] = [{"name": "Server", "value": "llama.cpp"}]
    (finding,) = found([silent])
    assert '"verbose": true' in finding.why


def test_a_stop_sequence_given_as_a_text_is_found_in_the_verbose_answer():
    struck = verbose("<think>\n", stop_type="word", stopping_word="Observation", content="hm\n")
    (finding,) = found([call(1, "", thinking="hm\n", ask={"stop": "Observation"}, **struck)])
    assert finding.kind == "stop-in-thinking"
    assert "request.stop" in {quote.where for quote in finding.evidence}


@pytest.mark.parametrize("agent", [None, "llama.cpp"])
def test_an_answer_that_a_filter_ended_reached_no_limit(agent):
    filtered = call(1, "I can", finish="content_filter", ask={"max_tokens": 400})
    filtered["response"]["headers"] = [{"name": "Server", "value": agent}] if agent else []
    for records in ([filtered], [RUN, filtered]):
        (finding,) = found(records)
        assert finding.kind == "answer-cut"
        assert "content filter ended the answer (content_filter)" in finding.why
        assert "A limit" not in finding.why
        assert "double" not in finding.next
        assert "larger limit does not help" in finding.next


def test_a_stop_sequence_in_leaked_thinking():
    draft = "<think>\nMaybe\n<code>\nfinal_answer(99)\n"
    records = [call(1, draft), act(1, "final_answer(99)", is_final=True, action_output=99)]
    assert kinds(records) == ["thinking-in-content", "decoy-ran", "stop-in-thinking"]


def test_empty_content_without_a_stop_sequence_is_an_empty_response():
    """The model ended its turn, after its thinking or at once. With a tool call, empty content is normal."""
    closed = verbose("<think>\n", stop_type="eos", stopping_word="", content="hm\n</think>\n\n")
    for made in (call(1, "", thinking="hm", **closed), call(1, ""), call(1, None)):
        (finding,) = found([made])
        assert finding.kind == "empty-response"
    tool = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert kinds([call(1, None, finish="tool_calls", calls=tool), call(2, "", calls=tool)]) == []


def test_a_cut_by_max_tokens_says_what_was_cut():
    ask, usage = {"max_tokens": 24}, {"usage": {"prompt_tokens": 100, "completion_tokens": 24}}
    (thinking,) = found([call(1, "", finish="length", thinking="Well, the", ask=ask, **usage)])
    (answer,) = found([call(1, "I sea", finish="length", thinking="Well.", ask=ask, **usage)])
    assert (thinking.kind, answer.kind) == ("thinking-cut", "answer-cut")
    # llama-server closes the JSON of a call that was cut off, so that the arguments look whole
    tool = [
        {"type": "function", "id": "c", "function": {"name": "f", "arguments": '{"q": "the speed of the l"}'}}
    ]
    (called,) = found([call(1, "", finish="length", thinking="Well.", calls=tool, ask=ask, **usage)])
    assert called.kind == "answer-cut"
    for finding in (thinking, answer):
        assert "max_tokens (24)" in finding.why


OLLAMA = {"model": "m", "done": True, "done_reason": "length", "prompt_eval_count": 100, "eval_count": 24}


@pytest.mark.parametrize(
    ("path", "request_body", "response", "advised"),
    [
        (
            "/v1/responses",
            {"model": "m", "input": "How fast?", "max_output_tokens": 24},
            {"id": "r", "object": "response", "status": "incomplete", "model": "m",
             "incomplete_details": {"reason": "max_output_tokens"}, "usage": {"input_tokens": 100, "output_tokens": 24},
             "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I sea"}]}]},
            '"max_output_tokens": ',
        ),
        (
            "/api/chat",
            {"model": "m", "messages": [SYSTEM, TASK], "stream": False, "options": {"num_predict": 24}},
            {**OLLAMA, "message": {"role": "assistant", "content": "I sea"}},
            '"num_predict": ',
        ),
        (
            "/v1/chat/completions",
            {"model": "m", "messages": [SYSTEM, TASK], "max_completion_tokens": 24},
            {"choices": [{"message": {"role": "assistant", "content": "I sea"}, "finish_reason": "length"}],
             "usage": {"prompt_tokens": 100, "completion_tokens": 24}},
            '"max_completion_tokens": ',
        ),
    ],
)  # fmt: skip
def test_the_advice_after_a_cut_names_the_field_of_this_api(path, request_body, response, advised):
    made = entry(1, [], response)
    made["request"] |= {"url": f"http://127.0.0.1:8080{path}", "postData": {"text": json.dumps(request_body)}}
    (finding,) = found([made])
    assert finding.kind == "answer-cut"
    assert advised in finding.next, finding.next
    assert '"max_tokens"' not in finding.next


@pytest.mark.parametrize("thinking", ["Well, the", None])
@pytest.mark.parametrize("asked", [8, 24, 400, 4000])
def test_the_advice_after_a_cut_is_enough_for_a_step(asked, thinking):
    """More than the leopard's steps take, at least twice the limit that was too low, and what to do if it still is."""
    usage = {"usage": {"prompt_tokens": 100, "completion_tokens": asked}}
    content = None if thinking else "I sea"
    (finding,) = found(
        [RUN, call(1, content, finish="length", thinking=thinking, ask={"max_tokens": asked}, **usage)]
    )
    advised = int(re.search(r"max_tokens\W+(\d+)", finding.next)[1])
    assert advised >= max(2 * asked, 500)
    assert "double" in finding.next
    budget = re.search(r"reasoning_budget_tokens\W+(\d+)", finding.next)
    assert budget is None or int(budget[1]) < asked
    assert bool(budget) == (thinking is not None and asked >= 64)


@pytest.mark.parametrize(("answers", "named"), [(1, ["answer-cut"]), (2, [])])
def test_the_count_of_several_answers_does_not_show_that_one_was_cut(answers, named):
    """With "n": 2, completion_tokens are those of both."""
    message = {"role": "assistant", "content": "I sea"}
    choices = [{"index": i, "message": message, "finish_reason": "stop"} for i in range(answers)]
    usage = {"prompt_tokens": 100, "completion_tokens": 60}
    ask = {"max_tokens": 40, "n": answers}
    assert kinds([call(1, choices=choices, ask=ask, usage=usage)]) == named


def test_a_cut_by_a_full_context_says_so():
    usage = {"usage": {"prompt_tokens": 8000, "completion_tokens": 192}}
    (finding,) = found([command(""), call(1, "I sea", finish="length", ask={"max_tokens": 768}, **usage)])
    assert finding.kind == "answer-cut"
    assert "8192" in finding.why


def test_a_prompt_that_does_not_open_the_thinking():
    """For a model whose template opens it, or did so before. Thinking that was switched off is not a fault."""
    closed, opened, off = verbose(""), verbose("<think>\n"), verbose("<think>\n\n</think>\n\n")
    assert kinds([RUN, call(1, "4", **closed)]) == ["thinking-not-opened"]
    assert kinds([command("--no-jinja"), call(1, "4")]) == ["thinking-not-opened"]
    (finding,) = found([call(1, "4", thinking="hm", **opened), call(2, "4", **closed)])
    assert (finding.kind, finding.turn) == ("thinking-not-opened", 2)
    assert kinds([call(1, "4", **closed)]) == []
    assert kinds([RUN, call(1, "4", **off)]) == []
    no = {"chat_template_kwargs": {"enable_thinking": False}}
    assert kinds([command("--no-jinja"), call(1, "4", ask=no)]) == []


def test_a_prompt_that_the_client_wrote_itself_opens_what_it_likes():
    """llama-server's /completion applies no template, so it is not the server's to open the thinking."""
    answer = {
        "content": " Paris.",
        "stop": True,
        "stop_type": "eos",
        "model": "embedded-135m",
        "prompt": "The capital of",
    }
    made = entry(1, [], answer)
    made["request"]["url"] = "http://127.0.0.1:8080/completion"
    made["request"]["postData"]["text"] = json.dumps({"prompt": "The capital of", "n_predict": 900})
    assert kinds([RUN, made]) == []


@pytest.mark.parametrize(
    ("prompt", "wrote", "named"), [(4000, 96, True), (8000, 192, True), (4000, 95, False)]
)
def test_an_answer_that_ends_at_a_round_number_of_tokens_has_filled_a_context(prompt, wrote, named):
    """On a tape of the wire alone, nothing else tells how large the context window is."""
    usage = {"usage": {"prompt_tokens": prompt, "completion_tokens": wrote}}
    (finding,) = found([call(1, "It takes ab", finish="length", **usage)])
    assert finding.kind == "answer-cut"
    assert (f"window of {prompt + wrote} tokens" in finding.why) == named
