"""The tap between real clients and a live llama-server: nothing changes, and everything is on the tape.

A grammar decides what the model says, so that two answers can be compared.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import httpx
import openai
import pytest
from smolagents import CodeAgent

from course import ROOT
from course.agent import forced
from course.agent.forced import grammar
from course.tap import Tap
from course.tape import Tape
from course.turns import turns
from support import skips

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

SAID = "I know that.\n</think>\n\nTwo and two is four."
BODY = {"grammar": grammar(SAID), "temperature": 0, "max_tokens": 40}
ASKED = [{"role": "user", "content": "What is two and two?"}]
STEP = "I think.\n</think>\n\n<code>\nprint(2 + 2)\n</code>"
ANSWER = "It is four.\n</think>\n\n<code>\nfinal_answer(4)\n</code>"


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def tap(server, tape):
    with Tap(server.url, tape) as tap:
        yield tap


@pytest.fixture
def client(server, tap):
    with openai.OpenAI(base_url=tap.base_url, api_key=server.api_key or "none", max_retries=0) as client:
        yield client


@pytest.fixture
def asks(server, tap):
    """The same request directly and through the tap."""
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}

    def ask(path, body=None):
        method = "GET" if body is None else "POST"
        return [
            httpx.request(method, url + path, json=body, headers=headers, timeout=300, trust_env=False)
            for url in (server.url, tap.url)
        ]

    return ask


def entries(tape, n):
    until = time.monotonic() + 60
    while len(tape.entries) < n and time.monotonic() < until:
        time.sleep(0.01)
    assert len(tape.entries) == n
    return tape.entries


def shape(value):
    """The structure of JSON: keys and types, not values."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    return [shape(v) for v in value[:1]] if isinstance(value, list) else type(value).__name__


OWN = (
    "content-length",
    "date",
    "connection",
    "keep-alive",
    "transfer-encoding",
)  # of one answer, one connection


def lasting(headers):
    return {k: v for k, v in headers.items() if k not in OWN}


MESSAGES = {"model": "m", "messages": ASKED, "max_tokens": 8, "temperature": 0}
RESPONSES = {"model": "m", "input": "What is two and two?", "max_output_tokens": 8, "temperature": 0}
FEW = {"max_tokens": 8, "temperature": 0}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models", None),
        ("/health", None),
        ("/props", None),
        ("/v1/chat/completions", {"messages": ASKED, **FEW}),
        ("/v1/completions", {"prompt": "Two and two", **FEW}),
        ("/v1/responses", RESPONSES),
        ("/v1/messages", MESSAGES),
        ("/v1/chat/completions", {"messages": "none"}),
        ("/v1/embeddings", {"input": "x"}),
        ("/no/such/path", None),
    ],
)
def test_every_endpoint_answers_as_without_the_tap(asks, tape, path, body):
    """Status, headers and the structure of the answer, right or refused."""
    direct, tapped = asks(path, body)
    assert tapped.status_code == direct.status_code
    assert lasting(tapped.headers) == lasting(direct.headers)
    assert shape(tapped.json()) == shape(direct.json())
    (entry,) = entries(tape, 1)
    assert entry["response"]["content"]["text"] == tapped.text


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [
        ("/v1/chat/completions", {"messages": ASKED, **FEW}, "data: [DONE]"),
        ("/v1/completions", {"prompt": "Two and two", **FEW}, "data: [DONE]"),
        ("/v1/responses", RESPONSES, "response.completed"),
        ("/v1/messages", MESSAGES, "message_stop"),
    ],
)
def test_every_kind_of_stream_passes_as_it_comes(server, tap, tape, path, body, last):
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    with (
        httpx.Client(timeout=300, headers=headers) as client,
        client.stream("POST", tap.url + path, json={**body, "stream": True}) as response,
    ):
        assert response.status_code == 200
        assert "event-stream" in response.headers["content-type"]
        got = [(time.perf_counter(), chunk) for chunk in response.iter_raw()]
    text = b"".join(chunk for _, chunk in got).decode()
    assert last in text[-4000:]
    assert len(got) >= 5, f"{len(got)} chunks: the stream was held back"
    (entry,) = entries(tape, 1)
    assert entry["response"]["content"]["text"] == text
    assert entry["_error"] is None


def test_the_openai_client_gets_what_it_gets_directly(server, client, tape):
    kw = {"model": server.model_id, "messages": ASKED, "extra_body": BODY}
    with openai.OpenAI(base_url=server.api_base, api_key=server.api_key or "none") as plain:
        direct = plain.chat.completions.create(**kw).choices[0]
    whole = client.chat.completions.create(**kw)
    assert whole.choices[0].model_dump() == direct.model_dump()
    parts = [c.choices[0].delta for c in client.chat.completions.create(**kw, stream=True) if c.choices]
    assert client.models.list().data[0].id == server.model_id
    message = direct.message.model_dump()
    for key in ("content", "reasoning_content"):
        assert "".join(getattr(p, key, None) or "" for p in parts) == (message.get(key) or "")
    made = turns(tape.records())
    assert made[0].response_id == whole.id
    assert (made[1].content or "") + (made[1].thinking or "") == (made[0].content or "") + (
        made[0].thinking or ""
    )


def test_the_openai_client_reads_the_servers_own_error(server, client, tape):
    limit = server.props()["default_generation_settings"]["n_ctx"]
    with pytest.raises(openai.BadRequestError, match="context"):
        client.chat.completions.create(
            model=server.model_id, messages=[{"role": "user", "content": "leopard " * 2 * limit}]
        )
    entries(tape, 1)  # the client has all bytes a moment before the tape has
    (turn,) = turns(tape.records())
    assert turn.status == 400


def test_a_smolagents_agent_that_knows_nothing_of_it_is_recorded(server, tap, tape):
    words = forced([STEP, ANSWER], body={"verbose": True})
    model = words(server.model_id, api_base=tap.base_url, api_key=server.api_key or "none")
    agent = CodeAgent(tools=[], model=model, verbosity_level=-1)
    answer = agent.run("What is two and two?")
    model.client.close()  # or the garbage collector finds its connection to the tap open
    assert answer == 4
    entries(tape, 2)
    first, second = turns(tape.records())
    assert [t.thinking.strip() for t in (first, second)] == ["I think.", "It is four."]
    assert "final_answer(4)" in second.content
    assert len(second.new_messages) == 2, "what the first step made: the model's words and the observation"
    assert [m.model_output_message.raw.id for m in agent.memory.steps[1:3]] == [
        first.response_id,
        second.response_id,
    ]


def test_a_client_that_hangs_up_frees_the_server(server, client, tape):
    """The server stops writing for nobody: its slot is free long before the answer would have ended."""
    endless = {"grammar": 'root ::= ("word " | "other ")+', "ignore_eos": True}
    stream = client.chat.completions.create(
        model=server.model_id, messages=ASKED, stream=True, max_tokens=100_000, extra_body=endless
    )
    next(iter(stream))
    stream.close()
    (entry,) = entries(tape, 1)
    assert entry["_error"] == "the client closed the response before its end"
    answer = server.request("GET", "/slots")
    if answer.status_code != 200:
        pytest.skip("not applicable: this server does not tell about its slots")
    until = time.monotonic() + 30
    while any(slot["is_processing"] for slot in server.get("/slots")):
        assert time.monotonic() < until, "30 s later a slot is still busy"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "flags", [[], ["-N"], ["--compressed"], ["-H", "Transfer-Encoding: chunked"], ["--http1.0"]]
)
def test_curl_gets_an_answer(server, tap, tape, tmp_path, flags):
    """Plain, unbuffered, compressed if the server can, with a chunked upload, and of the last century."""
    if not shutil.which("curl"):
        skips.missing("curl", "sudo apt-get install curl")
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"messages": ASKED, "stream": "-N" in flags, **BODY}))
    key = ["-H", f"Authorization: Bearer {server.api_key}"] if server.api_key else []
    command = ["curl", "-sS", "--max-time", "120", *flags, *key, "-H", "Content-Type: application/json"]
    command += ["--data-binary", f"@{body}", "-w", "\n%{http_code}", tap.base_url + "/chat/completions"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    out, _, status = done.stdout.rpartition("\n")
    assert (done.returncode, status) == (0, "200"), done
    (entry,) = entries(tape, 1)
    assert entry["response"]["content"]["text"] == out
    assert entry["request"]["postData"]["text"] == body.read_text()


SCRIPT = """
import openai
client = openai.OpenAI()
model = client.models.list().data[0].id
kw = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
print(len(client.chat.completions.create(**kw).choices))
"""


def test_a_command_that_was_never_told_of_the_tap_asks_through_it(server, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env |= {"OPENAI_API_KEY": server.api_key} if server.api_key else {}
    tape = tmp_path / "t.tape.jsonl"
    tapped = ["-m", "course.cli", "tap", "--upstream", server.url, "--tape", str(tape), "--", sys.executable]
    done = subprocess.run(
        [sys.executable, *tapped, "-c", SCRIPT], capture_output=True, text=True, timeout=200, env=env
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert "2 × HTTP 200" in done.stderr
    assert [e["request"]["url"].rpartition("/v1/")[2] for e in Tape.read(tape).entries] == [
        "models",
        "chat/completions",
    ]
