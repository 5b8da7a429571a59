"""Faults in what smolagents made of a response: steps that failed, did nothing, or were repeated."""

import pytest

from course.diagnose.stepfaults import STUCK
from course.turns import turns
from support.diagnosed import CALL, ERROR, NOTHING, RUN, act, call, fails, found, history, kinds, refused
from support.records import TASK


def test_a_step_that_did_nothing():
    assert kinds([call(1, ""), act(1, "", NOTHING)]) == ["empty-response", "empty-step"]
    assert kinds([call(1, "<code>\n# hm\n</code>"), act(1, "# hm", NOTHING)]) == ["empty-step"]
    assert kinds([call(1, "<code>\nx = 1\n</code>"), act(1, "x = 1", NOTHING)]) == []


def test_a_step_that_did_not_finish():
    """No result and no error, with or without its exchange. A refused request is a different fault."""
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
def test_a_step_s_error_is_one_finding_of_the_right_kind(code, error, kind):
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
    assert "fly" in called.why
    assert "OfflineSearch()('x')" in searched.next


def test_an_empty_search_is_found_even_if_the_code_caught_the_error():
    said = "Execution logs:\nNo results found! Try a less restrictive/shorter query.\n"
    (finding,) = found([call(1, CALL), act(1, "…code…", said)])
    assert finding.kind == "empty-search"
    assert "did not run" not in finding.why, "the rest of the code ran"


def test_an_observation_that_was_truncated():
    long = (
        "a" * 900 + "\n..._This content has been truncated to stay below 50000 characters_...\n" + "b" * 900
    )
    (finding,) = found([call(1, CALL), act(1, "print(x)", long)])
    assert finding.kind == "observation-truncated"
    assert "50000" in finding.why
    assert finding.evidence[0].text == MARK.strip()


MARK = "\n..._This content has been truncated to stay below 50000 characters_...\n"


@pytest.mark.parametrize(
    ("observation", "remedy"),
    [
        (f"Execution logs:\n{'a' * 25000}{MARK}{'b' * 25000}", "max_print_outputs_length"),
        (
            f"Execution logs:\nLast output from code snippet:\n{'a' * 25000}{MARK}{'b' * 25000}",
            "Print the part",
        ),
        (f"Execution logs:\n{'a' * 50000}{MARK}\nLast output from code snippet:\nNone", "max_output_length"),
    ],
)
def test_the_remedy_fits_what_was_truncated(observation, remedy):
    """The limit for printed output can be raised, the one for the last value cannot; a tool has its own."""
    (finding,) = found([call(1, CALL), act(1, "print(x)", observation)])
    assert remedy in finding.next


def again(result, error=None, messages=None):
    """Two turns that run the same code; the second has the first in its history."""
    second = call(2, CALL, messages or history(2))
    return [call(1, CALL, history(1)), act(1, "look()", "1", error), second, act(2, "look()", result, error)]


def test_the_same_action_with_the_same_result():
    (finding,) = found(again("1"))
    assert (finding.kind, finding.turn) == ("repeated-action", 2)
    assert "turn 1" in finding.why
    assert kinds(again("1", ERROR.format("x", "ValueError: no"))).count("repeated-action") == 1


def test_waiting_and_asking_again_are_not_repetitions():
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
    """By smolagents' step or, on another client's tape, by the system prompt of that call."""
    stuck = [{"role": "system", "content": [{"type": "text", "text": f"{STUCK} and failed to do so."}]}, TASK]
    last = act(1, kind="max_steps", error="Reached max steps.", action_output="9 s", step_number=5)
    last["response_id"] = None
    (finding,) = found([RUN, call(1, "9 s", stuck), last])
    assert finding.kind == "max-steps"
    assert "--max-steps 8" in finding.next
    assert kinds([call(1, "9 s", stuck)]) == ["max-steps"]
