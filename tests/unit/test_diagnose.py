"""The diagnosis: each kind of fault is found with a proof that stands where it says, and healthy runs have none."""

import json
import re

import pytest
from test_turns import SYSTEM, TASK, entry, step
from typer.testing import CliRunner

from bench.diagnosis import report
from bench.recipes import Recipe, recipes
from course.cli import app
from course.diagnose import KINDS, diagnose, record, text
from course.diagnose.finding import MOST
from course.diagnose.stepfaults import STUCK
from course.turns import turns

RUN = {"_type": "run", "question": "How fast?", "model": "embedded-135m", "when": "2026-01-01T00:00:00+00:00"}
STOPS = ["Observation:", "Calling tools:", "</code>"]
NOTHING = "Execution logs:\nLast output from code snippet:\nNone"
SEARCHED = "Execution logs:\n## Search Results\n\n[Leopard](https://x)\nTop speed 58 km/h.\n" + NOTHING[16:]
CALL = '<code>\nprint(web_search("leopard top speed"))\n</code>'
ANSWER = "<code>\nfinal_answer(9.62)\n</code>"
ERROR = "Code execution failed at line '{}' due to: {}"


def call(n, content="", messages=(SYSTEM, TASK), finish="stop", thinking=None, calls=None, ask=None, **more):
    """One exchange, a chat completion. `ask`: further fields of the request, `more`: of the response."""
    message = {"role": "assistant", "content": content}
    message |= {"reasoning_content": thinking} if thinking is not None else {}
    message |= {"tool_calls": calls} if calls else {}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    made = entry(n, list(messages), {"id": f"r{n}", "model": "m", "choices": [choice], **more})
    body = json.loads(made["request"]["postData"]["text"]) | {"stop": STOPS, **(ask or {})}
    made["request"]["postData"]["text"] = json.dumps(body)
    return made


def refused(status, error):
    return entry(1, [SYSTEM, TASK], {"error": error}, status=status)


def act(n, code=None, observation=None, error=None, **more):
    """The step of exchange n, as course.agent writes it."""
    given = {"kind": "action", "code": code, "observation": observation, "error": error, "is_final": False}
    return step(f"r{n}", n, **given | more)


def fails(code, error):
    """A step whose code, or parsing, ends in this error."""
    return [RUN, call(1, f"<code>\n{code}\n</code>"), act(1, code, error=error)]


def verbose(prompt_end, **more):
    return {"__verbose": {"prompt": f"<|im_start|>assistant\n{prompt_end}", **more}}


def history(n):
    """The messages of the n-th request of a run: two more each time."""
    past = [{"role": "assistant", "content": CALL}, {"role": "user", "content": "Observation: …"}]
    return [SYSTEM, TASK, *past * (n - 1)]


def found(records):
    """The findings; each of their quotes is proved to stand where it says."""
    made = turns(records)
    findings = diagnose(made)
    for finding in findings:
        assert finding.evidence, f"{finding.kind} has no evidence"
        for quote in finding.evidence:
            assert at(made, finding.turn, quote.where) == quote.text, quote
            assert 0 < len(quote.text) <= MOST or quote.where.endswith(("content", "[0:0]")), quote
        assert "{" not in (finding.why + finding.next).replace("extra_body={", "")
    return findings


def at(made, index, where):
    """What a path of a quote leads to, as text."""
    if other := re.match(r"turn (\d+): ", where):
        index, where = int(other[1]), where[other.end() :]
    turn = made[index - 1]
    exchange = turn.exchange
    roots = {"step": turn.step, "run": turn.run}
    if exchange:
        roots |= {k: getattr(exchange, k) for k in ("request", "response", "status", "error", "raw_response")}
    roots["request.url"] = exchange and exchange.url
    where, start, end = re.fullmatch(r"(.*?)(?:\[(\d+):(\d+)\])?", where).groups()
    if where in roots:
        value = roots[where]
    else:
        root, *path = re.findall(r"\w+", where)
        value = roots[root]
        for key in path:
            value = value[int(key) if key.isdigit() else key]
    if start is not None:
        return value[int(start) : int(end)]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:MOST]


def kinds(records):
    return [f.kind for f in found(records)]


def command(flags):
    return {**RUN, "server": {"command": f"llama-server -m x.gguf {flags} --port 8080", "n_ctx": 8192}}


# The wire


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ConnectError: [Errno 111] Connection refused", "unreachable"),
        ("ConnectTimeout: timed out", "unreachable"),
        ("RemoteProtocolError: Server disconnected without sending a response.", "broke-off"),
        ("ReadTimeout: timed out", "timed-out"),
        ("KeyboardInterrupt: ", "hung-up"),
    ],
)
def test_why_no_response_came(error, kind):
    gone = entry(1, [SYSTEM, TASK], "", status=0, error=error)
    said = step(
        None, 1, kind="action", code=None, error="Error in generating model output:\nConnection error."
    )
    assert kinds([RUN, gone, said]) == [kind]


STREAM = 'data: {"id":"s","choices":[{"index":0,"delta":{"content":"<code>"},"finish_reason":null}]}\n\n'


def test_a_stream_that_broke_off_shows_its_last_bytes():
    cut = entry(1, [SYSTEM], None, sse=STREAM, error="RemoteProtocolError: incomplete chunked read")
    (finding,) = found([cut])
    assert finding.kind == "broke-off"
    assert finding.evidence[1].text == STREAM[-80:]


def test_a_client_that_left_after_the_end_has_no_fault():
    closed = "the client closed the response before its end"
    assert kinds([entry(1, [SYSTEM], None, sse=STREAM, error=closed)]) == ["hung-up"]
    assert kinds([entry(1, [SYSTEM], None, sse=STREAM.replace("null", '"stop"'), error=closed)]) == []


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
               "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192}, "context-overflow"),
        (500, {"message": "tools param requires --jinja flag", "type": "server_error"}, "tools-without-jinja"),
        (401, {"message": "Invalid API Key", "type": "authentication_error"}, "wrong-key"),
        (503, {"message": "Loading model", "type": "unavailable_error"}, "busy"),
        (429, {"message": "Rate limit reached"}, "busy"),
        (500, {"message": "… Error: Jinja Exception: No user query found in messages."}, "template-refused"),
        (400, {"message": "Cannot use custom grammar constraints with tools."}, "request-refused"),
        (404, "File Not Found", "request-refused"),
    ],
)  # fmt: skip
def test_a_refusal_is_named_by_the_servers_own_words(status, error, kind):
    finding = found([refused(status, error)])[0]
    assert finding.kind == kind
    assert finding.evidence[0].text == str(status)
    assert finding.evidence[1].where.startswith("response.error")


def test_an_overflow_says_how_much_context_would_do():
    error = {"type": "exceed_context_size_error", "message": "x", "n_prompt_tokens": 9000, "n_ctx": 8192}
    assert "course serve -c 16384" in found([refused(400, error)])[0].next


def test_a_refusal_without_json_is_quoted_as_it_came():
    page = refused(502, None)
    page["response"]["content"]["text"] = "<html>Bad gateway"
    (finding,) = found([page])
    assert finding.evidence[1].text == "<html>Bad gateway"


def test_an_error_within_a_stream_is_a_refusal_too():
    sse = 'error: {"code": 503, "message": "slot unavailable"}\n\n'
    assert kinds([entry(1, [SYSTEM], None, sse=sse)]) == ["busy"]


def test_a_request_that_was_never_sent():
    error = "Error in generating model output:\ncreate() got an unexpected keyword argument 'grammar'"
    lost = step(None, 1, kind="action", code=None, error=error)
    assert kinds([RUN, lost]) == ["never-sent"]
    lost["error"] = "Error in generating model output:\nError code: 400 - the exchange was not recorded"
    assert kinds([RUN, lost]) == []


def cached(n, prompt, cache, messages=None, **ask):
    usage = {"usage": {"prompt_tokens": prompt}, "timings": {"cache_n": cache, "prompt_n": prompt - cache}}
    return call(n, CALL, messages or history(n), ask=ask, **usage)


def test_a_lost_prompt_cache():
    """The second request goes on from the first, and was read from the start."""
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 30)])
    assert (finding.kind, finding.turn) == ("cache-lost", 2)
    assert [q.text for q in finding.evidence] == ["30", "2400"]
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 0, cache_prompt=False)])
    assert "cache_prompt" in finding.why


def test_a_cache_that_another_prompt_took_is_no_fault():
    """A planning call in between, another question, most of it kept: healthy."""
    plan = cached(2, 900, 0, [TASK])
    assert kinds([cached(1, 2400, 0), plan, cached(3, 2600, 10, history(2))]) == []
    other = [SYSTEM, {"role": "user", "content": "another"}]
    assert kinds([cached(1, 2400, 0), cached(2, 2400, 900, other)]) == []
    assert kinds([cached(1, 2400, 0), cached(2, 2600, 2390)]) == []


def test_polling_until_a_server_is_up_is_no_fault():
    polls = [
        entry(n, [], {}, status=s, error=e) for n, s, e in ((1, 0, "ConnectError: refused"), (2, 503, None))
    ]
    for poll in polls:
        poll["request"] |= {"method": "GET", "url": "http://127.0.0.1:8080/health"}
    assert kinds(polls) == []


# What the model wrote


@pytest.mark.parametrize(
    ("content", "flag"),
    [
        ("<think>\nhm\n</think>\n\n" + ANSWER, "--reasoning-format none"),
        ("hm\n</think>\n\n" + ANSWER, "--skip-chat-parsing"),
        ("hm, I would say 9.62", "--skip-chat-parsing"),
    ],
)
def test_leaked_thinking_names_the_setting_that_left_it(content, flag):
    """By the prompt, which opened the thinking, and what is left of the tags; or by the server's command."""
    for records in ([call(1, content, **verbose("<think>\n"))],
                    [command(flag), call(1, content, **verbose("<think>\n"))]):  # fmt: skip
        (finding,) = found(records)
        assert finding.kind == "thinking-in-content"
        assert flag in finding.why


def test_leaked_thinking_is_found_without_the_prompt():
    for content in ("<think>h</think>4", "<think>\nhm", "hm\n</think>\n\n4"):
        assert kinds([call(1, content)]) == ["thinking-in-content"], content
    (asked,) = found([call(1, "<think>h</think>4", ask={"reasoning_format": "none"})])
    assert "request says reasoning_format: none" in asked.why


@pytest.mark.parametrize(
    "content",
    [
        "A <think> tag opens the thinking, and </think> ends it.",
        "I write the file.\n<code>\ntext = '''\n</think>\n'''\n</code>",
        "For example:\n```\n</think>\n```\nis how it ends.",
    ],
)
def test_talking_about_the_tags_is_no_leak(content):
    assert kinds([call(1, content)]) == []


def test_code_in_leaked_thinking_that_ran():
    """The draft and what ran are quoted; code after the thinking is no draft."""
    leaked = "<think>\nMaybe <code>\nfinal_answer(99)\n</code>? No.\n</think>\n\n" + ANSWER
    both = "final_answer(99)\n\nfinal_answer(9.62)"
    leak, decoy = found([call(1, leaked), act(1, both, is_final=True, action_output=99)])
    assert (leak.kind, decoy.kind) == ("thinking-in-content", "decoy-ran")
    assert decoy.evidence[1].text == "final_answer(99)"
    harmless = "<think>\nhm\n</think>\n\n" + ANSWER
    assert kinds([call(1, harmless), act(1, "final_answer(9.62)", is_final=True)]) == ["thinking-in-content"]


def test_a_stop_string_in_the_thinking():
    """The server's own word for it where there is one, else the code block that lacks just that string."""
    draft = "I could call\n<code>\nfinal_answer(99)\n"
    for more in ({}, verbose("<think>\n", stop_type="word", stopping_word="</code>", content=draft)):
        (finding,) = found([call(1, "", thinking=draft, **more)])
        assert finding.kind == "stop-in-thinking"
        assert "</code> as a stop string" in finding.why
        assert finding.evidence[0].text.endswith("final_answer(99)\n")
    other = verbose("<think>\n", stop_type="word", stopping_word="Observation:", content="hm\n")
    assert kinds([call(1, "", thinking="hm\n", **other)]) == ["stop-in-thinking"]


def test_a_stop_string_in_leaked_thinking():
    draft = "<think>\nMaybe\n<code>\nfinal_answer(99)\n"
    records = [call(1, draft), act(1, "final_answer(99)", is_final=True, action_output=99)]
    assert kinds(records) == ["thinking-in-content", "decoy-ran", "stop-in-thinking"]


def test_empty_content_without_a_stop_string_is_the_models_own():
    """It ended its turn, after a closed thought or at once; with a tool call that is what is expected."""
    closed = verbose("<think>\n", stop_type="eos", stopping_word="", content="hm\n</think>\n\n")
    for made in (call(1, "", thinking="hm", **closed), call(1, ""), call(1, None)):
        (finding,) = found([made])
        assert finding.kind == "nothing-said"
    tool = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert kinds([call(1, None, finish="tool_calls", calls=tool), call(2, "", calls=tool)]) == []


def test_a_cut_by_max_tokens_says_what_was_cut():
    ask, usage = {"max_tokens": 24}, {"usage": {"prompt_tokens": 100, "completion_tokens": 24}}
    (thinking,) = found([call(1, "", finish="length", thinking="Well, the", ask=ask, **usage)])
    (answer,) = found([call(1, "I sea", finish="length", thinking="Well.", ask=ask, **usage)])
    assert (thinking.kind, answer.kind) == ("thinking-cut", "answer-cut")
    for finding in (thinking, answer):
        assert "max_tokens is 24" in finding.why
        assert "max_tokens=256" in finding.next


def test_a_cut_by_a_full_context_says_so():
    usage = {"usage": {"prompt_tokens": 8000, "completion_tokens": 192}}
    (finding,) = found([command(""), call(1, "I sea", finish="length", ask={"max_tokens": 768}, **usage)])
    assert finding.kind == "answer-cut"
    assert "context of 8192 tokens is full" in finding.why


def test_a_prompt_that_does_not_open_the_thinking():
    """For a model whose template does, or where it did before; thinking that was switched off is no fault."""
    closed, opened, off = verbose(""), verbose("<think>\n"), verbose("<think>\n\n</think>\n\n")
    assert kinds([RUN, call(1, "4", **closed)]) == ["thinking-not-opened"]
    assert kinds([command("--no-jinja"), call(1, "4")]) == ["thinking-not-opened"]
    (finding,) = found([call(1, "4", thinking="hm", **opened), call(2, "4", **closed)])
    assert (finding.kind, finding.turn) == ("thinking-not-opened", 2)
    assert kinds([call(1, "4", **closed)]) == []
    assert kinds([RUN, call(1, "4", **off)]) == []
    no = {"chat_template_kwargs": {"enable_thinking": False}}
    assert kinds([command("--no-jinja"), call(1, "4", ask=no)]) == []


# What smolagents made of it


def test_a_step_that_did_nothing():
    assert kinds([call(1, ""), act(1, "", NOTHING)]) == ["nothing-said", "empty-step"]
    assert kinds([call(1, "<code>\n# hm\n</code>"), act(1, "# hm", NOTHING)]) == ["empty-step"]
    assert kinds([call(1, "<code>\nx = 1\n</code>"), act(1, "x = 1", NOTHING)]) == []


def test_a_step_that_never_ended():
    """No result and no error: with its exchange, and where that was lost too. A refused request is another fault."""
    assert kinds([call(1, CALL), act(1, "wait()")]) == ["never-ended"]
    assert kinds([RUN, act(1, None)]) == ["never-ended"]
    joined = [refused(401, {"message": "Invalid API Key"}), {**act(1), "response_id": None}]
    assert turns(joined)[0].step
    assert kinds(joined) == ["wrong-key"]


def test_a_cause_comes_before_its_consequence():
    draft = "I could call\n<code>\nfinal_answer(99)\n"
    assert kinds([call(1, "", thinking=draft), act(1, "", NOTHING)]) == ["stop-in-thinking", "empty-step"]


NO_CODE = "Error in code parsing:\nYour code snippet is invalid, because the regex pattern <code>(.*?)</code> was not …"


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        (None, NO_CODE, "no-code-block"),
        (None, "Error while parsing tool call from model output: The model output does not …", "no-tool-call"),
        ("I say 4", "Code parsing failed on line 1 due to: SyntaxError: invalid syntax\nI say 4", "syntax-error"),
        ("import os", ERROR.format("import os", "InterpreterError: Import of os is not allowed. Authorized …"),
         "forbidden-import"),
        ("from os import path", ERROR.format("…", "InterpreterError: Import from os is not allowed. …"),
         "forbidden-import"),
        ("fly()", ERROR.format("fly()", "InterpreterError: Forbidden function evaluation: 'fly' is not among the …"),
         "forbidden-call"),
        ("web_search('x')", ERROR.format("web_search('x')", "Exception: No results found! Try a less "
         "restrictive/shorter query."), "empty-search"),
        ("1 / 0", ERROR.format("1 / 0", "ZeroDivisionError: division by zero"), "action-failed"),
        (None, "Error executing tool 'visit' with arguments {}: ValueError: no\nPlease try again", "action-failed"),
    ],
)  # fmt: skip
def test_an_error_of_a_step_is_one_finding_of_its_kind(code, error, kind):
    (finding,) = found(fails(code, error))
    assert finding.kind == kind
    assert finding.evidence[0].where.startswith("step.error[")


def test_the_finding_names_what_was_missing():
    imported, called, searched = (
        found(fails(code, ERROR.format(code, said)))[0]
        for code, said in (
            ("import os", "InterpreterError: Import of os is not allowed. Authorized imports are: []"),
            ("fly()", "InterpreterError: Forbidden function evaluation: 'fly' is not among the explicitly …"),
            ("web_search('x')", "Exception: No results found! Try a less restrictive/shorter query."),
        )
    )
    assert "additional_authorized_imports=['os']" in imported.next
    assert "fly is none of them" in called.why
    assert "OfflineSearch()('x')" in searched.next


def test_a_search_whose_error_the_code_caught_found_nothing_too():
    said = "Execution logs:\nNo results found! Try a less restrictive/shorter query.\n"
    assert kinds([call(1, CALL), act(1, "…code…", said)]) == ["empty-search"]


def test_an_observation_that_was_cut():
    long = (
        "a" * 900 + "\n..._This content has been truncated to stay below 50000 characters_...\n" + "b" * 900
    )
    (finding,) = found([call(1, CALL), act(1, "print(x)", long)])
    assert finding.kind == "observation-truncated"
    assert "50000" in finding.why


def again(result, error=None, messages=None):
    """Two turns that run the same code; the second has the first in its history."""
    second = call(2, CALL, messages or history(2))
    return [call(1, CALL, history(1)), act(1, "look()", "1", error), second, act(2, "look()", result, error)]


def test_the_same_action_with_the_same_result():
    (finding,) = found(again("1"))
    assert (finding.kind, finding.turn) == ("repeated-action", 2)
    assert "turn 1" in finding.why
    assert kinds(again("1", ERROR.format("x", "ValueError: no"))).count("repeated-action") == 1


def test_waiting_and_asking_anew_are_no_repetition():
    assert kinds(again("2")) == [], "another result: it looked again, and something had changed"
    assert kinds(again("1", messages=history(1))) == [], "the same question asked twice"
    task = [
        *history(2),
        {"role": "user", "content": [{"type": "text", "text": "…\nNew task:\nAnd a cheetah?"}]},
    ]
    assert kinds(again("1", messages=task)) == [], "another question in the same conversation"


def test_the_same_tool_call_again():
    tool = [{"id": "x", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}]
    records = []
    for n in (1, 2):
        records += [call(n, None, history(n), finish="tool_calls", calls=tool), act(n, None, "1")]
    assert kinds(records) == ["repeated-action"]


def test_the_answer_of_the_fallback():
    """By smolagents' step; on another client's tape by the system prompt of that call."""
    stuck = [{"role": "system", "content": [{"type": "text", "text": f"{STUCK} and failed to do so."}]}, TASK]
    last = act(1, kind="max_steps", error="Reached max steps.", action_output="9 s", step_number=5)
    last["response_id"] = None
    (finding,) = found([RUN, call(1, "9 s", stuck), last])
    assert finding.kind == "max-steps"
    assert "--max-steps 8" in finding.next
    assert kinds([call(1, "9 s", stuck)]) == ["max-steps"]


# Healthy runs


def healthy():
    """Search, compute, answer; with thinking, the rendered prompt, and a cache that works."""
    opened, answer = verbose("<think>\n"), "final_answer(9.62)"
    return [
        command("--jinja"),
        call(1, CALL, history(1), thinking="First the speed.", usage={"prompt_tokens": 2400},
             timings={"cache_n": 0}, **opened),
        act(1, 'print(web_search("leopard top speed"))', SEARCHED),
        call(2, "<code>\nt = 155 / (58 / 3.6)\n</code>", history(2), thinking="Now compute.", usage={"prompt_tokens": 2600},
             timings={"cache_n": 2390}, **opened),
        act(2, "t = 155 / (58 / 3.6)", NOTHING.replace("None", "9.620689655172415")),
        call(3, ANSWER, history(3), thinking="I say it with </code> in mind? No: done.", usage={"prompt_tokens": 2700},
             timings={"cache_n": 2590}, **opened),
        act(3, answer, NOTHING.replace("None", "9.62"), is_final=True, action_output=9.62),
    ]  # fmt: skip


def test_a_healthy_run_has_no_finding():
    assert found(healthy()) == []


def test_a_tape_with_two_healthy_runs_has_no_finding():
    """The same question twice: the second run starts anew, with the same code and the same results."""
    second = json.loads(re.sub(r'"r(\d)', r'"s\1', json.dumps(healthy())))
    second[1]["response"]["content"]["text"] = second[1]["response"]["content"]["text"].replace(
        ": 0}", ": 2300}"
    )
    assert [t.step["step_number"] for t in turns([*healthy(), *second])] == [1, 2, 3, 1, 2, 3]
    assert found([*healthy(), *second]) == []


def test_an_answer_that_no_observation_has_is_no_finding():
    assert (
        found([call(1, ANSWER), act(1, "final_answer(42)", NOTHING, is_final=True, action_output=42)]) == []
    )


@pytest.mark.parametrize("body", [None, 7, "text", [], {}, {"choices": []}, {"choices": [{"message": {"content": 7}}]},
                                  {"choices": [{"message": None, "finish_reason": "length"}], "timings": {}},
                                  {"error": 7}, {"error": []}, {"__verbose": {"prompt": ""}, "choices": [{}]}])  # fmt: skip
def test_what_is_no_chat_completion_breaks_nothing(body):
    for status in (200, 500):
        diagnose(turns([RUN, entry(1, [SYSTEM], body, status=status), act(1)]))


# The words, and the command


def test_every_kind_says_why_and_what_next():
    assert len(KINDS) >= 14
    for fault in KINDS.values():
        assert fault.title
        assert fault.why
        assert fault.next


def test_the_console_explains_a_kind_once():
    error = ERROR.format("1 / 0", "ZeroDivisionError: division by zero")
    records = [call(1, CALL), act(1, "1 / 0", error=error), call(2, CALL), act(2, "1/0", error=error)]
    made = turns(records)
    said = text(diagnose(made), made)
    assert said.count("next: ") == 2
    assert "why, next: as in turn 1" in said
    assert said.endswith("2 findings of 1 kind in 2 turns (2 exchanges, 2 steps)")
    where = f"step.error[{error.index('due to')}:{len(error)}]"
    assert f"   {where}: 'due to: ZeroDivisionError: division by zero'\n" in said


@pytest.fixture
def run(tmp_path):
    """`course diagnose` on a tape with these records."""

    def invoke(records, *options, name="t.tape.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        return CliRunner().invoke(app, ["diagnose", str(path), *options])

    return invoke


def test_a_healthy_tape_is_status_0_and_one_line(run):
    result = run(healthy())
    assert result.exit_code == 0
    assert result.output.count("\n") == 1
    assert f"nothing wrong found in 3 turns (3 exchanges, 3 steps), for {len(KINDS)} kinds" in result.output


def test_findings_are_status_1(run):
    result = run([refused(401, {"message": "Invalid API Key"})])
    assert result.exit_code == 1
    for part in ("wrong-key", "response.error.message[0:15]", "'Invalid API Key'", "why:", "next:", "KEY=…"):
        assert part in result.output


def test_json_is_a_list_of_objects(run):
    records = [refused(401, {"message": "Invalid API Key"})]
    result = run(records, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [json.loads(json.dumps(record(f))) for f in found(records)]
    assert run(healthy(), "--json").output == "[]\n"


def test_the_measurement_counts_what_was_missed_and_what_was_not_there():
    """Two right of three found, two right of four faults."""
    labels = [
        ("a", {"busy", "wrong-key"}, {"busy"}),
        ("b", {"busy"}, {"busy", "max-steps"}),
        ("c", {"hung-up"}, set()),
    ]
    labels += [("d", set(), set())]
    said = report([(Recipe(n, frozenset(e), print), frozenset(f)) for n, e, f in labels])
    for part in (
        "precision 66.7 %",
        "recall    50.0 %",
        "missed: wrong-key",
        "not there: max-steps",
        "finding: 1 of 1",
    ):
        assert part in said


def test_every_kind_has_a_recipe_and_no_recipe_another_kind():
    known = recipes()
    assert set().union(*(r.expected for r in known)) == set(KINDS)
    assert len({r.name for r in known}) == len(known)
    assert sum(not r.expected for r in known) >= 15


def test_what_cannot_be_read_is_status_2(run, tmp_path):
    (tmp_path / "garbage").write_bytes(b"\x00\x01\n")
    missing, garbage = (CliRunner().invoke(app, ["diagnose", str(tmp_path / n)]) for n in ("none", "garbage"))
    for result in (missing, garbage, run([]), run([{"_type": "note"}])):
        assert result.exit_code == 2
        assert result.stderr.startswith("course: ")
        assert "course ask" in result.stderr


def test_a_cut_off_tape_is_diagnosed_as_far_as_it_goes(run, tmp_path):
    """What was lost is said on stderr, and the JSON stays JSON."""
    run([refused(401, {"message": "Invalid API Key"}), *healthy()])
    path = tmp_path / "t.tape.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    result = CliRunner().invoke(app, ["diagnose", str(path), "--json"])
    assert [f["kind"] for f in json.loads(result.stdout)] == ["wrong-key"]
    assert "is cut off" in result.stderr
