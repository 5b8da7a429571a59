"""Turns of real smolagents runs: every exchange finds its step, or is shown without one."""

import threading

import httpx
import pytest
from smolagents import CodeAgent
from smolagents.utils import AgentGenerationError

from course.agent import code_agent, record_agent, record_run, tool_agent
from course.tape import Tape
from course.turns import turns
from support.scripted import QUIET, Script, call, code, look, refused

ANSWER = code("final_answer(4)")


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def run(tape):
    """Run an agent over this script; the turns as they are read from the file."""

    def go(*lines, agent=code_agent, tools=(), model=None, **kw):
        script = Script(*lines)
        made = agent(script.model(tape, **(model or {})), list(tools), **{**QUIET, **kw})
        try:
            go.answer = made.run("How much?")
        finally:
            assert not script.lines, f"{len(script.lines)} lines of the script were not asked for"
        return turns(Tape.read(tape.path).records())

    return go


def steps(made):
    return [(t.step or {}).get("step_number") for t in made]


def kinds(made):
    return [(t.step or {}).get("kind") for t in made]


def test_a_code_agent_s_steps_are_joined_by_id(run):
    made = run(code("print(2)"), code("print(3)"), ANSWER)
    assert steps(made) == [1, 2, 3]
    assert [t.joined for t in made] == ["id"] * 3
    assert [(len(t.diff.added), len(t.diff.repeated), len(t.diff.dropped)) for t in made] == [
        (2, 0, 0),
        (2, 2, 0),
        (2, 4, 0),
    ]
    assert [t.new_messages for t in made] == [t.diff.added for t in made]
    assert made[2].is_final


@pytest.mark.attack(
    "text",
    "a tool call with arguments nested as deep as Python can just read",
    "the run goes on, and the step is on the tape",
    fell=3,
)
def test_a_step_with_arguments_of_any_depth_is_recorded(run):
    for depth in (50, *range(850, 1000, 3), 5000):
        function = {"name": "final_answer", "arguments": f'{{"answer": {"[" * depth + "]" * depth}}}'}
        calls = [{"id": "c", "type": "function", "function": function}]
        made = run({"content": None, "tool_calls": calls}, agent=tool_agent)
        kept = made[-1].step["tool_calls"][0]["arguments"]
        assert isinstance(kept, dict if depth == 50 else str), depth


def test_a_tool_calling_agent_s_calls_are_found(run):
    calls = [call("look", what="it"), call("final_answer", answer="4")]
    made = run(*calls, agent=tool_agent, tools=[look])
    assert steps(made) == [1, 2]
    assert [(c.name, c.arguments, c.source) for t in made for c in t.tool_calls] == [
        ("look", {"what": "it"}, "wire"),
        ("final_answer", {"answer": "4"}, "wire"),
    ]
    assert "it is 4" in made[0].observation
    assert made[1].is_final
    assert "tools" in {s.kind for s in made[0].segments}


def test_a_call_in_the_content_is_marked_as_such(run):
    said = 'Action:\n{"name": "final_answer", "arguments": {"answer": "4"}}'
    made = run(said, agent=tool_agent)
    assert [(c.name, c.source) for c in made[0].tool_calls] == [("final_answer", "content")]


def test_planning_steps_find_their_exchanges(run):
    made = run("A plan.", code("print(2)"), "Another plan.", ANSWER, planning_interval=1)
    assert kinds(made) == ["planning", "action", "planning", "action"]
    assert [t.joined for t in made] == ["content", "id", "content", "id"]
    assert [len(t.diff.dropped) for t in made][:2] == [0, 1], "the prompt for the plan is not sent again"
    assert "Another plan." in made[2].step["model_output"]
    assert {"plan", "task"} <= {s.kind for s in made[3].segments}


def test_the_call_after_the_last_step_is_matched(run):
    made = run(code("print(2)"), "I give up: 5.", max_steps=1)
    assert kinds(made) == ["action", "max_steps"]
    assert made[1].joined == "content"
    assert (made[1].is_final, made[1].answer) == (True, "I give up: 5.")
    assert len(made[1].diff.dropped) == 1, "the system prompt is another one"
    assert len(made[1].diff.repeated) == 1, "the task is the same"
    assert len(made[1].new_messages) == len(made[1].exchange.messages), "but no cache can have it"


@pytest.mark.parametrize(("agent", "tools"), [(code_agent, ()), (tool_agent, [look])])
def test_streamed_steps_are_matched_by_content(run, agent, tools):
    said = (code("print(2)"), ANSWER)
    if agent is tool_agent:
        said = (call("look", id="a", what="it"), call("final_answer", id="b", answer="4"))
    made = run(*said, agent=agent, tools=tools, stream_outputs=True)
    assert steps(made) == [1, 2]
    assert [t.joined for t in made] == ["content", "content"]
    assert all(t.exchange.streamed and t.finish_reason == "stop" for t in made)


def test_a_streamed_plan_and_last_call_are_matched(run):
    made = run("A plan.", code("print(2)"), "Five.", planning_interval=5, max_steps=1, stream_outputs=True)
    assert kinds(made) == ["planning", "action", "max_steps"]
    assert [t.joined for t in made] == ["content"] * 3


def test_a_parse_error_keeps_its_exchange(run):
    made = run("No code at all, sorry.", ANSWER)
    assert steps(made) == [1, 2]
    assert "regex pattern" in made[0].error
    assert made[0].code is None
    assert made[1].segments[-1].label == "error of turn 1"


@pytest.mark.parametrize("failure", [refused(400), httpx.ConnectError("refused")])
def test_a_failed_request_is_matched_to_the_step_that_failed(run, tape, failure):
    with pytest.raises(AgentGenerationError):
        run(code("print(2)"), failure, **QUIET)
    made = turns(tape.records())
    assert steps(made) == [1, 2]
    assert [t.joined for t in made] == ["id", "failure"]
    assert made[1].error


def test_a_failed_plan_is_shown_without_a_step(run, tape):
    with pytest.raises(Exception, match="too long"):
        run(refused(400), planning_interval=1)
    made = turns(tape.records())
    assert kinds(made) == [None]
    assert made[0].joined is None
    assert made[0].error == "HTTP 400: too long"


def patient(model, tools, **kw):
    """A code agent whose client tries three times."""
    model.client.max_retries = 2
    return code_agent(model, tools, **kw)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.001)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_attempt_names_the_turn_that_repeats_it(run, at_once, stream):
    said = (code("print(2)"), refused(500), httpx.ConnectError("refused"), ANSWER)
    made = run(*said, agent=patient, stream_outputs=stream)
    assert steps(made) == [1, None, None, 2]
    assert [t.repeated_in for t in made] == [None, 3, 4, None]
    assert made[2].diff.added == made[3].diff.added == [], "the same request adds nothing"
    assert [t.parent for t in made] == [None] * 4, "an attempt is not a managed agent's turn"


def test_when_every_attempt_fails_the_step_has_the_last(run, tape, at_once):
    with pytest.raises(AgentGenerationError):
        run(*[refused(500)] * 3, agent=patient)
    made = turns(tape.records())
    assert steps(made) == [None, None, 1]
    assert [t.repeated_in for t in made] == [2, 3, None]


def test_a_stream_that_breaks_off_is_matched_to_the_step_that_failed(run, tape):
    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield b'data: {"id": "s", "choices": [{"index": 0, "delta": {"content": "Tho"}}]}\n\n'
            raise httpx.ReadError("the line is dead")

    broken = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Broken())
    with pytest.raises(AgentGenerationError):
        run(code("print(2)"), broken, stream_outputs=True)
    made = turns(tape.records())
    assert [t.joined for t in made] == ["content", "failure"]
    assert (made[1].content, made[1].error) == ("Tho", "ReadError: the line is dead")


def test_a_last_call_that_fails_is_still_matched(run):
    made = run(code("print(2)"), refused(400), max_steps=1)
    assert kinds(made) == ["action", "max_steps"]
    assert made[1].joined == "failure"
    assert "too long" in str(made[1].answer)


def managed(tape, agents=code_agent, stream=False):
    """A manager that asks a worker, which needs two turns, and then answers."""
    ask, answer = code("print(worker(task='count'))"), ANSWER
    if agents is tool_agent:
        ask, answer = call("worker", id="m1", task="count"), call("final_answer", id="m2", answer="4")
    model = Script(ask, code("print(2)"), code("final_answer('two')"), answer).model(tape)
    worker = CodeAgent([], model, name="worker", description="counts", stream_outputs=stream, **QUIET)
    return agents(model, [], managed_agents=[worker], stream_outputs=stream, **QUIET)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("agents", [code_agent, tool_agent])
def test_a_managed_agent_s_turns_are_joined_and_nested(tape, agents, stream):
    managed(tape, agents, stream).run("How much?")
    made = turns(tape.records())
    assert [(t.agent, t.step["step_number"]) for t in made] == [
        (None, 1),
        ("worker", 1),
        ("worker", 2),
        (None, 2),
    ]
    assert [t.parent for t in made] == [None, 1, 1, None]
    assert [len(t.diff.added) for t in made] == [2, 2, 2, 2], "each goes on from its own agent's request"
    assert [len(t.diff.dropped) for t in made] == [0, 0, 0, 0]


class OneByOne(Script):
    """Gives each answer an id of its own, also to requests that come at the same moment."""

    lock = threading.Lock()

    def answer(self, request):
        with self.lock:
            return super().answer(request)


def test_agents_that_work_at_the_same_time_are_told_apart(tape):
    """Two tool calls in one message run in threads: their requests and steps come in any order."""

    def answer(body):
        text = str(body["messages"])
        if "agent named" not in text:
            return call("final_answer", id="m3", answer="4") if "Calling tools" in text else both
        return code("final_answer('two')") if "Calling tools" in text else code("print(2)")

    calls = [call(name, id=name, task="count")["tool_calls"][0] for name in ("alpha", "beta")]
    both = {"content": None, "tool_calls": calls}
    model = OneByOne(*[answer] * 6).model(tape)
    workers = [CodeAgent([], model, name=n, description="counts", **QUIET) for n in ("alpha", "beta")]
    tool_agent(model, [], managed_agents=workers, **QUIET).run("How much?")
    made = turns(tape.records())
    assert sorted((t.agent or "", t.step["step_number"]) for t in made) == [
        *[("", 1), ("", 2), ("alpha", 1), ("alpha", 2), ("beta", 1), ("beta", 2)]
    ]
    assert [t.parent for t in made] == [None, 1, 1, 1, 1, None]
    assert [len(t.diff.added) for t in made] == [2] * 6
    assert [len(t.diff.dropped) for t in made] == [0] * 6


def test_the_steps_of_a_managed_agent_are_on_the_tape_once(tape):
    agent = managed(tape)
    record_agent(agent, tape)
    agent.run("How much?")
    assert len(tape.steps) == 4


def test_an_unrecorded_managed_agent_takes_no_step_from_its_manager(tape):
    agent = managed(tape, stream=True)
    worker = agent.managed_agents["worker"]
    worker.step_callbacks = type(worker.step_callbacks)()
    agent.run("How much?")
    made = turns(tape.records())
    assert steps(made) == [1, None, None, 2]
    assert [t.parent for t in made] == [None, 1, 1, None]


def test_a_conversation_that_is_continued_and_one_that_is_not(run, tape):
    script = Script(ANSWER, ANSWER, ANSWER)
    agent = code_agent(script.model(tape), [], **QUIET)
    record_run(tape, "How much?", script, agent.model)
    agent.run("How much?")
    agent.run("And twice that?", reset=False)
    agent.run("Something else?")
    made = turns(tape.records())
    assert [(len(t.diff.added), len(t.diff.repeated)) for t in made] == [(2, 0), (2, 2), (2, 0)]
