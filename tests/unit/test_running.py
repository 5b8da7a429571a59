"""`recorded_run` asks once and keeps everything; `forced` gives a model its words."""

import json
from types import SimpleNamespace

import pytest
from smolagents.utils import AgentGenerationError

from course.agent import code_agent, connect, forced, recorded_run, spoken, tool_agent
from course.agent.model import tape_of
from course.errors import CourseError
from course.tape import Tape
from support.scripted import Script, call, code, refused

ANSWER = code("final_answer(4)")


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def run(tape):
    """A recorded run of an agent whose model says these lines."""

    def go(*lines, model=None, **options):
        go.script = Script(*lines)
        given = {"transport": go.script.transport, **(model or {})}
        return recorded_run(go.script, "How much?", tape, tools=[], model=given, **options)

    return go


def kinds(tape):
    return [record["_type"] for record in tape.records()]


def test_a_run_is_answered_and_recorded(run, tape):
    done = run(code("print(2)"), ANSWER)
    assert (done.answer, done.result(), done.error) == (4, 4, None)
    assert kinds(tape) == ["run", "entry", "step", "entry", "step"]
    assert tape.records()[0]["server"]["build"] == "scripted"
    assert [turn.step["step_number"] for turn in done.turns] == [1, 2]
    assert not done.out_of_steps


def test_each_turn_is_shown_once_as_soon_as_its_step_has_ended(run, tape):
    seen = []
    run(code("print(2)"), ANSWER, on_turn=lambda turn: seen.append((turn.number, len(tape.steps))))
    assert seen == [(1, 1), (2, 2)]


def test_a_run_on_a_tape_that_has_one_is_told_apart(run):
    first, second = run(ANSWER), run(code("print(2)"), ANSWER)
    assert (first.position, second.position) == (0, 3)
    assert [turn.number for turn in second.turns] == [1, 2]
    assert [turn.run_number for turn in second.turns] == [2, 2]


def test_an_exception_is_a_result_and_its_turn_is_shown(run):
    seen = []
    done = run(refused(400), on_turn=seen.append)
    assert isinstance(done.error, AgentGenerationError)
    assert (done.answer, [turn.status for turn in seen]) == (None, [400])
    with pytest.raises(AgentGenerationError):
        done.result()


def test_running_out_of_steps_is_told(run):
    assert run(code("print(2)"), "four, I guess", max_steps=1).out_of_steps


def test_callbacks_that_are_given_are_called_and_find_their_step_on_the_tape(run, tape):
    seen = []
    run(ANSWER, step_callbacks=[lambda step: seen.append(len(tape.steps))])
    assert seen == [1]


def test_other_agents_are_built_and_asked_again(run):
    done = run(call("final_answer", answer="4"), call("final_answer", answer="5"), build=tool_agent)
    assert done.answer == "4"
    assert done.agent.run("And now?") == "5"
    assert len(done.turns) == 2


def test_a_tape_belongs_to_a_model_without_a_trace_on_it(tape):
    model = Script().model(tape)
    assert tape_of(model) is tape
    assert not hasattr(model, "tape")
    assert not hasattr(code_agent(model, []), "tape")
    assert tape_of(Script().model(None)) is None


def test_a_forced_model_says_its_lines_and_then_its_own_words(run):
    lines = ["one", ("two", {"n_predict": 2}), None]
    done = run(*[code("print(1)")] * 2, ANSWER, model={"model_class": forced(lines, body={"verbose": True})})
    first, second, third = run.script.bodies
    assert [json.loads(body["grammar"].removeprefix("root ::= ")) for body in (first, second)] == [
        "one",
        "two",
    ]
    assert (first.get("n_predict"), second["n_predict"]) == (None, 2)
    assert "grammar" not in third
    assert first["verbose"] is third["verbose"] is True
    assert done.answer == 4


def test_sampling_that_openai_does_not_know_takes_no_grammar_away():
    """smolagents gives a model's own extra_body precedence over that of a call."""
    script = Script(ANSWER)
    script.profile = SimpleNamespace(sampling={"top_k": 1, "temperature": 0})
    model = connect(script, transport=script.transport, model_class=forced(['say "ü"\n']))
    model.generate([{"role": "user", "content": "Hi"}])
    (body,) = script.bodies
    assert (body["top_k"], body["grammar"]) == (1, 'root ::= "say \\"ü\\"\\n"')


def test_a_forced_model_without_a_line_left_says_so(run):
    done = run(code("print(1)"), model={"model_class": forced(["one"])})
    assert "1 response" in str(done.error)
    assert isinstance(done.error.__cause__, CourseError)


@pytest.mark.parametrize(("prompt_ends", "said"), [("<think>\n", "a\n</think>\n\nb"), ("\n", "b")])
def test_words_follow_the_template(prompt_ends, said):
    server = SimpleNamespace(apply_template=lambda messages: f"user: {messages[0]['content']}{prompt_ends}")
    assert spoken(server, ["a\n</think>\n\nb"]) == [said]
