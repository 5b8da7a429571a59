"""The tape, the turns and `course ask` against a live llama-server.

A grammar gives the model its words: server, smolagents and recorder are tested, not the model.
"""

import json
import time

import httpx
import pytest
from smolagents import CodeAgent
from smolagents.utils import AgentGenerationError
from typer.testing import CliRunner

from course import labs, view
from course.agent import LEOPARD, LoggingModel, code_agent, connect, forced, recorded_run, spoken
from course.agent.forced import opens_thinking
from course.cli import app
from course.tape import RecordingTransport, Tape
from course.turns import turns

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

IMPORT = "Let me look around.\n</think>\n\n<code>\nimport os\n</code>"
SEARCH = "I need the speed.\n</think>\n\nI search.\n<code>\nprint(web_search('leopard top speed'))\n</code>"
ANSWER = "155 m at 58 km/h.\n</think>\n\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"


VERBOSE = {"verbose": True}


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def said(server, tape):
    """Run an agent whose model says this; the turns that come of it."""

    def run(*lines, **kw):
        words = forced(spoken(server, lines), body=VERBOSE)
        run.answer = recorded_run(server, LEOPARD, tape, model={"model_class": words}, **kw).result()
        return turns(Tape.read(tape.path).records())

    return run


def test_every_step_finds_its_bytes(said, server):
    made = said(SEARCH, IMPORT, ANSWER)
    assert said.answer == 9.62
    assert [t.step["step_number"] for t in made] == [1, 2, 3]
    assert all(t.response_id == t.step["response_id"] for t in made)
    if opens_thinking(server):
        assert [t.thinking.strip() for t in made] == [s.partition("\n")[0] for s in (SEARCH, IMPORT, ANSWER)]
    assert [len(t.new_messages) for t in made] == [2, 2, 2]
    assert "Leopard" in made[0].observation
    assert "Import of os is not allowed" in made[1].error
    assert made[2].is_final
    assert made[2].answer == 9.62
    assert made[0].prompt.count("web_search") > 3, "the request asked for the rendered prompt"
    assert made[0].run["server"]["n_ctx"] > 0


def test_the_server_says_what_it_found_in_its_cache(said):
    first, second = said(SEARCH, ANSWER)
    for turn in (first, second):
        t = turn.tokens
        assert t.prompt == t.cached + t.new
        assert t.generated == turn.timings["predicted_n"] > 0
    assert second.tokens.cached > 2000, f"{second.tokens} although the request starts as the one before"


def test_streamed_steps_find_their_bytes_too(said):
    """smolagents keeps no response id when streaming: time and order tell."""
    made = said(SEARCH, ANSWER, stream_outputs=True)
    assert said.answer == 9.62
    assert [t.step["step_number"] for t in made] == [1, 2]
    assert all(t.exchange.streamed and t.error is None for t in made)
    for t in made:
        assert t.step["response_id"] is None
        assert t.step["model_output"].removesuffix("</code>") == t.content
        assert len(t.exchange.chunks) > 5


def test_the_call_after_the_last_step_is_joined(said):
    made = said(SEARCH, "Enough.\n</think>\n\n9 seconds", max_steps=1)
    assert [t.step["kind"] for t in made] == ["action", "max_steps"]
    assert said.answer.strip() == made[1].answer.strip() == "9 seconds"
    assert len(made[1].new_messages) == len(made[1].exchange.messages), "another system prompt: all is new"


def test_a_refused_request_is_a_turn_with_the_servers_words(server, tape):
    limit = server.props()["default_generation_settings"]["n_ctx"]
    agent = code_agent(connect(server, tape), verbosity_level=-1)
    with pytest.raises(AgentGenerationError):
        agent.run("leopard " * 2 * limit)
    (turn,) = turns(tape.records())
    assert turn.status == 400
    assert turn.error.startswith("HTTP 400: ")
    assert "context" in turn.error
    assert "Error in generating" in turn.step["error"]
    assert view.page([turn])


def test_the_tape_has_what_the_client_got(server, tape):
    """Byte for byte, streamed, from a live server; and the chunks are on tape when they arrive."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 24}
    headers = {"Authorization": f"Bearer {server.api_key}"}
    transport = RecordingTransport(httpx.HTTPTransport(), tape)
    url = f"{server.api_base}/chat/completions"
    with (
        httpx.Client(transport=transport, timeout=120) as c,
        c.stream("POST", url, json=body, headers=headers) as r,
    ):
        got = [(time.perf_counter(), chunk) for chunk in r.iter_raw()]
    (entry,) = tape.entries
    assert entry["response"]["content"]["text"] == b"".join(chunk for _, chunk in got).decode()
    assert [n for _, n in entry["_chunks"]] == [len(chunk) for _, chunk in got]
    assert json.loads(entry["request"]["postData"]["text"]) == body
    assert "Bearer" not in tape.path.read_text()


def test_the_recorder_changes_nothing_smolagents_sends(server, tmp_path):
    """With and without a tape, the same request body reaches the server (its own words for it: __verbose)."""
    prompts = []
    for tape in (None, Tape(tmp_path / "t.tape.jsonl")):
        said = forced(spoken(server, [ANSWER]), body=VERBOSE)
        agent = code_agent(connect(server, tape, model_class=said), verbosity_level=-1)
        agent.run(LEOPARD)
        message = agent.memory.steps[-1].model_output_message
        prompts.append(message.raw.model_extra["__verbose"]["prompt"])
    assert prompts[0] == prompts[1]


def test_the_logging_model_prints_both_directions(server, capsys):
    if not opens_thinking(server):
        pytest.skip("not applicable: its template opens no thinking")
    model = connect(server, model_class=forced([ANSWER], base=LoggingModel))
    CodeAgent(tools=[], model=model, verbosity_level=-1).run(LEOPARD)
    printed = capsys.readouterr().out
    for part in ("→ system: ", LEOPARD, "← thinking:\n155 m at 58 km/h.", "← content:\n<code>"):
        assert part in printed


def test_an_agent_that_fails_is_an_outcome(base, tmp_path, monkeypatch):
    """A context too small for the system prompt: the run ends, the experiment does not."""
    monkeypatch.chdir(tmp_path)
    outcome = labs.run(LEOPARD, "embedded", model=base, context=512)
    assert "AgentGenerationError" in outcome.error
    assert "context" in outcome.turns[0].error
    assert "-c 512" in outcome.command_line
    assert outcome.label.startswith("model=")
    assert len(Tape.read(outcome.tape_path).entries) == 1
    assert "context" in labs.table([outcome]).data


def test_ask_answers_and_leaves_a_tape_that_can_be_viewed(server, tmp_path):
    """The leopard, from the command line; the figure is asserted where the model is the embedded one."""
    tape, runner = tmp_path / "leopard.tape.jsonl", CliRunner()
    asked = runner.invoke(app, ["ask", LEOPARD, "--server", server.url, "--tape", str(tape)])
    assert asked.exit_code == 0, asked.output
    for part in (
        "new in the request: 2 of 2 messages",
        "← thinking",
        "← content",
        "code that ran",
        "observation",
    ):
        assert part in asked.output or (part == "← thinking" and not opens_thinking(server))
    if server.profile.deterministic:
        assert "9.62 seconds" in asked.output
    viewed = runner.invoke(app, ["view", str(tape)])
    assert viewed.output.strip() == str(tmp_path / "leopard.html")
    assert LEOPARD in (tmp_path / "leopard.html").read_text(encoding="utf-8")


def test_what_a_learner_can_cause_is_one_message(tmp_path):
    runner = CliRunner()
    for arguments in (
        ["view", str(tmp_path / "none")],
        ["ask", "--server", "http://127.0.0.1:9"],
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 1
        assert result.stderr.startswith("course: ")
        assert "Traceback" not in result.output
