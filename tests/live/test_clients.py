"""The tap under clients that are not ours: what is on the tape, who is recognized, and what the diagnosis says.

They live in environments of their own (`python3 bootstrap.py clients`) and know nothing about the tap. Their words are
forced by a grammar where the server takes one, their tool calls by `tool_choice` and a tool that allows one pair of
arguments: no model is judged here.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from course import ROOT
from course.agent.forced import grammar, spoken
from course.diagnose import diagnose
from course.diagnose.ends import Ends
from course.tape import Tape
from course.turns import turns
from support import skips
from support.upstream import Handler, serving

MODULES = bootstrap.NODE_CLIENTS.folder / "node_modules"
SCRIPTS = Path(__file__).parents[1] / "clients"
ANSWER = "Two and two is four."
SAID = f"I know that.\n</think>\n\n{ANSWER}"
SECONDS = 900  # a client's first start makes the byte code of all its packages
pytestmark = pytest.mark.timeout(SECONDS + 60)


def runner(script):
    """The command that runs a script. If it or the packages are not here, or not all of them, the test is skipped."""
    if script.endswith(".sh"):
        return ["sh"] if shutil.which("curl") else skips.missing("curl", "sudo apt-get install curl")
    if script.endswith(".js"):
        if not (shutil.which("node") and bootstrap.NODE_CLIENTS.stamp.exists()):
            skips.missing(
                "Node with its clients", "sudo apt-get install nodejs npm, then python3 bootstrap.py clients"
            )
        return ["node"]
    if python := os.environ.get("CLIENTS_PYTHON"):
        return [python]
    if not bootstrap.CLIENTS.stamp.exists():
        skips.missing("clients", "python3 bootstrap.py clients")
    return [str(bootstrap.CLIENTS.python)]


@pytest.fixture
def run(tmp_path):
    """Run a script of tests/clients under the tap. Its output, and the turns on the tape."""
    alone = {  # nothing but the server is asked, and nothing is kept in the home directory
        "NODE_PATH": str(MODULES),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LANGSMITH_TRACING": "false",
        "LLM_USER_PATH": str(tmp_path),
    }

    def run(url, key, script, *arguments):
        tape = tmp_path / "t.tape.jsonl"
        tap = ["-m", "course.cli", "tap", "--upstream", url, "--tape", str(tape), "--"]
        done = subprocess.run(
            [sys.executable, *tap, *runner(script), str(SCRIPTS / script), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=ROOT,
            env={**os.environ, **alone, "OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), turns(Tape.read(tape).records())

    return run


@pytest.fixture
def tapped(server, run):
    """Run a script with the session's server and the words that the model has to say."""
    words = grammar(spoken(server, [SAID])[0])
    return lambda script: run(server.url, server.api_key or "none", script, server.model_id, words)


def faults(made):
    return [finding.kind for finding in diagnose(made) if not finding.remark]


def clients(made):
    """Who made the requests, as far as their bytes tell."""
    ends = Ends(made)
    return {ends.of(turn.run_number, turn.number).client.name for turn in made}


@pytest.mark.parametrize(
    ("script", "dialect", "client"),
    [
        ("ask_openai.py", "chat completions", "openai-python"),
        ("ask_openai.js", "chat completions", "openai-node"),
        ("ask_anthropic.py", "messages", "anthropic-python"),
        ("ask_anthropic.js", "messages", "anthropic-node"),
        ("ask_ai_sdk.js", "chat completions", "ai-sdk"),
        (
            "ask_litellm.py",
            "chat completions",
            "openai-python",
        ),  # what it and llm send names only that package
        ("ask_llm.py", "chat completions", "openai-python"),
        ("ask_curl.sh", "chat completions", "curl"),
    ],
)
def test_a_question_is_recorded_whole_and_streamed(tapped, script, dialect, client):
    printed, made = tapped(script)
    assert [(t.exchange.dialect, t.exchange.streamed) for t in made] == [(dialect, False), (dialect, True)]
    contents = [t.content for t in made]
    if client == "curl":
        assert contents == in_bodies(printed)
    else:  # a model's own words may be several lines
        assert "\n".join(contents).strip() == printed
    if dialect == "chat completions":  # llama-server takes no grammar for messages
        assert contents == [ANSWER] * 2
    assert (clients(made), faults(made)) == ({client}, [])


def in_bodies(printed):
    """The contents in what curl prints: the body of a response, then one that is a stream."""
    whole, *streamed = filter(None, printed.splitlines())
    parts = [json.loads(line.removeprefix("data: ")) for line in streamed if line != "data: [DONE]"]
    deltas = [choice["delta"].get("content") for part in parts for choice in part["choices"]]
    return [json.loads(whole)["choices"][0]["message"]["content"], "".join(filter(None, deltas))]


def test_an_agent_of_pydantic_ai_is_recorded_turn_by_turn(tapped):
    """Both turns are on the tape, the second with what came before it."""
    printed, (first, second) = tapped("ask_pydantic_ai.py")
    assert printed.splitlines() == [first.content, second.content] == [ANSWER] * 2
    assert [m["role"] for m in first.new_messages] == ["system", "user"]
    assert [m["role"] for m in second.new_messages] == ["assistant", "user"]
    assert (clients([first, second]), faults([first, second])) == ({"pydantic-ai"}, [])


@pytest.mark.parametrize(
    ("script", "dialect", "client", "streamed"),
    [
        (
            "agent_langgraph.py",
            "chat completions",
            "openai-python",
            False,
        ),  # LangChain adds nothing of its own
        ("agent_openai_agents.py", "responses", "openai-agents", False),
        ("agent_ai_sdk.js", "chat completions", "ai-sdk", True),
    ],
)
def test_an_agent_s_tool_call_is_paired_with_its_result(tapped, script, dialect, client, streamed):
    printed, made = tapped(script)
    assert printed.splitlines() == ["add(2, 2)", ANSWER]
    came = [(t.exchange.status, t.exchange.error, t.exchange.raw_response[-300:]) for t in made]
    assert [(t.exchange.dialect, t.exchange.streamed) for t in made] == [(dialect, streamed)] * 2, came
    first, second = made
    (call,) = first.exchange.answer.calls
    assert (call.name, call.arguments) == ("add", {"a": 2, "b": 2})
    (result,) = [result for message in second.exchange.asked.messages for result in message.results]
    assert (result.id, result.text) == (call.id, "4")
    assert second.diff.continues == first.number
    assert (second.content, second.exchange.answer.calls) == (ANSWER, ())
    assert (clients(made), faults(made)) == ({client}, [])


class Again(Handler):
    """Every answer is the same call; its id is new."""

    def do_POST(self):
        self.server.seen.append(self.body())
        id = f"call_{len(self.server.seen)}"
        call = {"name": "add", "arguments": '{"a": 2, "b": 2}'}
        if self.path.endswith("/responses"):
            output = [{"type": "function_call", "id": id, "call_id": id, "status": "completed", **call}]
            answer = {"id": id, "object": "response", "status": "completed", "output": output}
            answer |= {"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        else:
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [{"id": id, "type": "function", "function": call}]
            choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
            answer = {"id": id, "object": "chat.completion", "choices": [choice]}
        self.whole(json.dumps({**answer, "created": 0, "created_at": 0, "model": "scripted"}).encode())
        self.wfile.flush()


@pytest.mark.parametrize(
    ("script", "error"),
    [("loop_langgraph.py", "GraphRecursionError"), ("loop_openai_agents.py", "MaxTurnsExceeded")],
)
def test_an_agent_that_repeats_a_call_until_it_gives_up_is_named_as_a_loop(run, script, error):
    """The agents are real, the model is not: the embedded one does not repeat itself reliably."""
    with serving(Again) as again:
        printed, made = run(again.url, "none", script, "scripted")
    assert printed.splitlines() == ["add(2, 2)"] * 3 + [error]
    assert len(made) == 3
    assert faults(made) == ["repeated-action"]


def test_somebody_else_s_validator_takes_our_har_files(tmp_path):
    """har-validator, by the JSON schema of HAR 1.2. It finds the one thing that is taken away."""

    def verdict(har):
        path = tmp_path / "t.har"
        path.write_text(json.dumps(har), encoding="utf-8")
        command = [*runner("check_har.js"), str(SCRIPTS / "check_har.js"), str(path)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "NODE_PATH": str(MODULES)}
        )
        return done.stdout

    tapes = sorted((ROOT / "course" / "exam" / "tapes").glob("*.jsonl"))
    made = [Tape.read(tape).har() for tape in tapes]
    assert made
    assert [verdict(har) for har in made] == [""] * len(made)
    del made[0]["log"]["entries"][0]["startedDateTime"]
    assert "startedDateTime" in verdict(made[0])
