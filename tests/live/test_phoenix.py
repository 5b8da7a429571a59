"""An exported tape in a real Phoenix: the spans that it gives back have the tape's tokens and messages.

Phoenix lives in an environment of its own (`python3 bootstrap.py phoenix`), keeps its data in SQLite, and is asked over its
REST API. Two of smolagents' agents are on the tape; what their model says is a script.
"""

import json
import os
import random
import subprocess
import time

import httpx
import pytest
from typer.testing import CliRunner

import bootstrap
from course.agent import recorded_run, tool_agent
from course.cli import app
from course.server import registry
from course.tape import Tape
from course.turns import turns
from support import skips
from support.records import entry
from support.scripted import Script, call, code, look
from support.spans import listed, message

PATIENCE = 900  # seconds: its first start makes a database, in a hundred migrations
PROJECT = "a tape"
ANSWER = 60  # seconds
pytestmark = pytest.mark.timeout(PATIENCE + 600)


def free_ports():
    """Two that the system gives to nobody who asks for any: it takes minutes until Phoenix listens there."""
    first = registry.next_free(random.randrange(5_000, 7_900, 10))
    return first, registry.next_free(first + 1)


def until(what, seconds=PATIENCE):
    """What `what()` returns, as soon as it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    return None


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory):
    """The address of a Phoenix with an empty database."""
    python = os.environ.get("PHOENIX_PYTHON")
    if not python:
        if not bootstrap.PHOENIX.stamp.exists():
            skips.missing("Phoenix", "python3 bootstrap.py phoenix")
        python = str(bootstrap.PHOENIX.python)
    folder = tmp_path_factory.mktemp("phoenix")
    http, grpc = free_ports()
    settings = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(http),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_SQL_DATABASE_URL": f"sqlite:///{folder}/phoenix.db",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [python, "-m", "phoenix.server.main", "serve"],
            cwd=folder,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{http}"

        def up():
            try:
                ended = process.poll() is not None
                return ended or httpx.get(f"{url}/healthz", trust_env=False, timeout=ANSWER).is_success
            except httpx.TransportError:
                return False

        try:
            up = until(up) and process.poll() is None
            assert up, f"Phoenix is not up after {PATIENCE} s:\n{(folder / 'log').read_text()[-3000:]}"
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    """A request that was refused, a CodeAgent's run, and a ToolCallingAgent's."""
    tape = Tape(tmp_path_factory.mktemp("tape") / "run.tape.jsonl")
    tape.add(entry(9, [{"role": "user", "content": "x"}], {"error": {"message": "too long"}}, status=400))
    thinks = {"content": code("print(look('it'))"), "reasoning_content": "Let me think."}
    first = Script(thinks, code("final_answer(4)"), cached=3)
    recorded_run(first, "Wie groß ist es?", tape, model={"transport": first.transport}, tools=[look])
    second = Script(call("look", what="x"), call("final_answer", id="c2", answer="4"))
    recorded_run(
        second, "And x?", tape, build=tool_agent, model={"transport": second.transport}, tools=[look]
    )
    return tape


@pytest.fixture(scope="module")
def kept(phoenix, tape):
    """The spans that Phoenix has after the export, by their ids."""
    for _ in range(2):  # the second time adds nothing
        done = CliRunner().invoke(
            app, ["export", str(tape.path), "--endpoint", phoenix, "--project", PROJECT]
        )
        assert done.exit_code == 0, done.output
    count = int(done.output.split(" span")[0].rpartition("\n")[2])

    def spans():
        response = httpx.get(
            f"{phoenix}/v1/projects/{PROJECT}/spans?limit=1000", trust_env=False, timeout=ANSWER
        )
        found = response.json()["data"] if response.is_success else []
        return found if len(found) >= count else None

    found = until(spans, 300)
    assert found is not None, f"Phoenix does not have {count} spans after 5 minutes"
    assert len(found) == count, f"{len(found)} instead of {count} spans"
    return found


def test_phoenix_has_the_calls_with_the_tapes_tokens_and_messages(kept, tape):
    calls = sorted((s for s in kept if s["span_kind"] == "LLM"), key=lambda s: s["start_time"])
    made = sorted(turns(tape.records()), key=lambda t: t.exchange.started)
    assert len(calls) == len(made) == 5
    for span, turn in zip(calls, made, strict=True):
        about, asked = span["attributes"], turn.exchange.asked
        assert about.get("llm.token_count.prompt") == turn.tokens.prompt
        assert about.get("llm.token_count.completion") == turn.tokens.generated
        assert about.get("llm.token_count.prompt_details.cache_read") == turn.tokens.cached
        sent = [message(m) for m in listed(about, "llm.input_messages")]
        assert sent == [
            (m.role, m.text, m.thinking or "", [(c.name, c.text) for c in m.calls]) for m in asked.messages
        ]
        came = [message(m) for m in listed(about, "llm.output_messages")]
        wanted = [
            ("assistant", a.content or "", a.thinking or "", [(c.name, c.text) for c in a.calls])
            for a in turn.exchange.reply.answers
        ]
        assert came == wanted
        assert len(listed(about, "llm.tools")) == len(asked.tools)
        assert json.loads(about["llm.invocation_parameters"]).get("model") == asked.model


def test_phoenix_has_the_tree_of_each_run(kept):
    by_id = {s["context"]["span_id"]: s for s in kept}
    assert sorted(s["span_kind"] for s in kept) == sorted(
        [*["AGENT"] * 2, *["CHAIN", "LLM", "TOOL"] * 4, "LLM"]
    )
    above = {(s["span_kind"], by_id[s["parent_id"]]["span_kind"]) for s in kept if s["parent_id"]}
    assert above == {("CHAIN", "AGENT"), ("LLM", "CHAIN"), ("TOOL", "CHAIN")}
    roots = {s["attributes"].get("input.value") for s in kept if s["span_kind"] == "AGENT"}
    assert roots == {"Wie groß ist es?", "And x?"}


def test_phoenix_has_what_failed_as_an_error(kept):
    (failed,) = [s for s in kept if s["status_code"] == "ERROR"]
    assert (failed["span_kind"], failed["status_message"]) == ("LLM", "HTTP 400: too long")
