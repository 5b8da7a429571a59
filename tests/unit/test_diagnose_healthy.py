"""Healthy runs have no findings, and bodies that are not chat completions break nothing."""

import json
import re

import pytest

from course.diagnose import diagnose
from course.turns import turns
from support.diagnosed import (
    ANSWER,
    NOTHING,
    RUN,
    act,
    call,
    found,
    healthy,
)
from support.records import SYSTEM, entry


def test_a_healthy_run_has_no_finding():
    assert found(healthy()) == []


def test_a_tape_with_two_healthy_runs_has_no_finding():
    """The same question twice: the second run starts from scratch, with the same code and the same results."""
    second = json.loads(re.sub(r'"r(\d)', r'"s\1', json.dumps(healthy())))
    second[1]["response"]["content"]["text"] = second[1]["response"]["content"]["text"].replace(
        ": 0}", ": 2300}"
    )
    assert [t.step["step_number"] for t in turns([*healthy(), *second])] == [1, 2, 3, 1, 2, 3]
    assert found([*healthy(), *second]) == []


def test_an_answer_without_an_observation_is_not_a_finding():
    assert (
        found([call(1, ANSWER), act(1, "final_answer(42)", NOTHING, is_final=True, action_output=42)]) == []
    )


@pytest.mark.parametrize("body", [None, 7, "text", [], {}, {"choices": []}, {"choices": [{"message": {"content": 7}}]},
                                  {"choices": [{"message": None, "finish_reason": "length"}], "timings": {}},
                                  {"error": 7}, {"error": []}, {"__verbose": {"prompt": ""}, "choices": [{}]}])  # fmt: skip
def test_bodies_that_are_not_chat_completions_break_nothing(body):
    for status in (200, 500):
        diagnose(turns([RUN, entry(1, [SYSTEM], body, status=status), act(1)]))
