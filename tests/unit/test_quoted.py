"""Through the tap, where a tape has no records of steps, smolagents' next request tells what they would."""

import pytest

from course.agent import code_agent, tool_agent
from course.diagnose import diagnose
from course.tape import Tape
from course.turns import turns
from support.diagnosed import at
from support.scripted import QUIET, Script, call, code, look

ANSWER = code("final_answer(4)")
CACHE = ("prompt-cache-miss", "prompt-truncated")
"""The script's counts of tokens are not those of a server."""


@pytest.fixture
def recorded(tmp_path):
    """Run an agent over this script; the records with its steps, and those of the wire alone."""

    def go(*lines, agent=code_agent, tools=(), **kw):
        tape = Tape(tmp_path / "t.tape.jsonl")
        agent(Script(*lines).model(tape), list(tools), **{**QUIET, **kw}).run("How much?")
        records = Tape.read(tape.path).records()
        return records, [r for r in records if r["_type"] == "entry"]

    return go


def named(records):
    """The faults by turn, apart from those of the cache. Each quote is checked against its place."""
    made = turns(records)
    findings = [f for f in diagnose(made) if f.kind not in CACHE]
    for finding in findings:
        for quote in finding.evidence:
            assert at(made, (finding.run, finding.turn), quote.where) == quote.text, quote
    return [(f.turn, f.kind) for f in findings]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((code("print(2)"), ANSWER), []),
        (("It takes ten seconds.", "Ten, I think.", ANSWER), ["no-code-block"] * 2),
        ((code("for in bridge: run"), ANSWER), ["syntax-error"]),
        ((code("import os"), ANSWER), ["forbidden-import"]),
        ((code("print(open('x'))"), ANSWER), ["forbidden-call"]),
        ((code("print(155 / 0)"), ANSWER), ["action-failed"]),
        ((code("print('Error:\\nNow')\nprint(1 / 0)"), ANSWER), ["action-failed"]),
        ((code("# I think about it."), ANSWER), ["empty-step"]),
        ((code("print(2)"), code("print(2)"), ANSWER), ["repeated-action"]),
        ((code("print('leopard ' * 500)"), ANSWER), ["observation-truncated"]),
        (("<think>\n<code>\nprint(1)\n</code>\n</think>\n" + code("print(2)"), ANSWER),
         ["thinking-in-content", "decoy-ran"]),
    ],
)  # fmt: skip
def test_the_wire_alone_names_what_the_steps_do(recorded, lines, expected):
    whole, wire = recorded(*lines, max_print_outputs_length=1000)
    assert [kind for _, kind in named(whole)] == expected
    assert named(wire) == named(whole)


def test_calls_of_a_tool_calling_agent_are_compared(recorded):
    look_up = [call("look", id, what="it") for id in ("c1", "c2")]
    whole, wire = recorded(*look_up, call("final_answer", answer="4"), agent=tool_agent, tools=[look])
    assert named(wire) == named(whole) == [(2, "repeated-action")]


def test_the_last_step_is_quoted_by_the_call_after_it(recorded):
    whole, wire = recorded(code("print(2)"), code("import os"), "Four.", max_steps=2)
    assert named(wire) == named(whole) == [(2, "forbidden-import"), (3, "max-steps")]
    observation = turns(wire)[0].quoted.observation.text
    assert observation == turns(whole)[0].observation


def test_a_plan_in_between_is_not_in_the_way(recorded):
    whole, wire = recorded("1. Print.", code("import os"), ANSWER, planning_interval=3)
    assert named(wire) == named(whole) == [(2, "forbidden-import")]


def test_other_clients_are_not_read_as_smolagents(recorded):
    """A client whose results begin with Observation has no steps that a later request quotes."""
    _, wire = recorded(code("print(2)"), ANSWER)
    for record in wire:
        post = record["request"]["postData"]
        post["text"] = post["text"].replace("Calling tools:", "I called:")
    assert [turn.quoted for turn in turns(wire)] == [None, None]
