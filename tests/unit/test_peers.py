"""Servers, gateways and clients are recognized from bytes: with proof, with several hints, or not at all."""

import re

import pytest

from course.diagnose.faults import kinds
from course.diagnose.peers import Seen, recognize
from course.diagnose.texts import compose, names, read, wordings
from course.turns.failures import failure

LOCAL = "http://127.0.0.1:9000/v1/chat/completions"
COMPLETION = {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop"}]}


def answer(url=LOCAL, status=200, body="", headers=(), sent=(), request=None, **response):
    said = COMPLETION | response if response else None
    return Seen(url, status, dict(sent), dict(headers), request, said, body, failure(status, said, body))


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (answer(headers={"server": "llama.cpp"}), "llama-server"),
        (answer(system_fingerprint="b11549-0f1a2b3"), "llama-server"),
        (answer(timings={"predicted_ms": 12.5}), "llama-server"),
        (answer(system_fingerprint="fp_ollama"), "ollama"),
        (answer(prompt_eval_count=12), "ollama"),
        (answer(kv_transfer_params=None, prompt_logprobs={}), "vllm"),
        (answer(metadata={"weight_version": "default"}), "sglang"),
        (answer(system_fingerprint="3.3.4-native"), "tgi"),
        (answer(headers={"x-compute-type": "1-nvidia-l4"}), "tgi"),
        (answer(id="gen-1790000000-abc", provider="Chutes"), "openrouter"),
        (answer(headers={"x-litellm-version": "1.80.0", "openai-version": "2020-10-01"}), "litellm"),
        (answer(headers={"openai-processing-ms": "500"}), "openai"),
        (answer(headers={"apim-request-id": "a"}), "azure"),
        (answer(headers={"anthropic-organization-id": "o"}), "anthropic"),
        (answer("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"), "gemini"),
    ],
)  # fmt: skip
def test_a_server_is_proved_by_what_only_it_writes(seen, name):
    peer = recognize([seen]).server
    assert (peer.name, peer.sure) == (name, "certain")
    assert peer.signs


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (answer(id="msg_01AbC", type="message", headers={"request-id": "req_1"}), "anthropic"),
        (answer(headers={"x-request-id": "req_1"}, system_fingerprint="fp_0123456789"), "openai"),
        (answer("http://h:1234/v1/chat/completions", headers={"x-powered-by": "Express"}), "lmstudio"),
        (answer("http://h:11434/v1/x", 404, "404 page not found"), "ollama"),
        (answer("http://h:8000/v1/chat/completions", id="chatcmpl-" + "0" * 32), "vllm"),
    ],
)
def test_hints_in_several_places_make_a_server_likely(seen, name):
    peer = recognize([seen]).server
    assert (peer.name, peer.sure) == (name, "likely")
    assert len(peer.signs) >= 2


@pytest.mark.parametrize(
    "seen",
    [
        answer(),
        answer(id="chatcmpl-1", model="m"),
        answer("http://h:8080/v1/chat/completions", id="x"),
        answer("http://h:8000/v1/x", 404, headers={"server": "uvicorn"}, detail="Not Found"),
        answer(status=404, body="404 page not found"),
        answer(status=400, object="error", message="no", type="BadRequestError"),
        answer("http://h:x/", status=500),
        answer("http://[h/", status=500),
    ],
)
def test_what_others_write_too_proves_nothing(seen):
    assert recognize([seen]).server is None


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"server": "cloudflare", "cf-ray": "1-FRA"}, "", "cloudflare"),
        ({"server": "nginx/1.27"}, "", "nginx"),
        ({}, "<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center>", "nginx"),
        ({"content-type": "text/plain; charset=utf-8"}, "Bad Gateway", "traefik"),
        ({}, "no available server\n", "traefik"),
        ({"server": "Caddy"}, "", "caddy"),
        ({"server": "envoy"}, "upstream connect error or disconnect/reset before headers", "envoy"),
        ({"ngrok-error-code": "ERR_NGROK_8012"}, "", "ngrok"),
        ({"server": "awselb/2.0"}, "", "aws"),
    ],
)
def test_a_gateway_is_told_from_the_server_behind_it(headers, body, name):
    who = recognize([answer(status=502, headers=headers, body=body), answer(system_fingerprint="b1-0")])
    assert (who.gateway.name, who.server.name) == (name, "llama-server")


@pytest.mark.parametrize(
    ("agent", "name", "language"),
    [
        ("OpenAI/Python 2.3.0", "openai-python", "python"),
        ("AsyncOpenAI/Python 1.99.0", "openai-python", "python"),
        ("OpenAI/JS 5.12.0", "openai-node", "node"),
        ("Anthropic/Python 0.72.0", "anthropic-python", "python"),
        ("Anthropic/JS 0.65.0", "anthropic-node", "node"),
        ("ai/5.0.60 ai-sdk/openai-compatible/1.0.20 runtime/node.js/22", "ai-sdk", "node"),
        ("langchainjs-openai/1.0.0 ((node/v20; linux; x64))", "langchain-node", "node"),
        ("langchain-openai/1.1.0", "langchain", "python"),
        ("litellm/1.80.0", "litellm-sdk", "python"),
        ("pydantic-ai/1.20.0", "pydantic-ai", "python"),
        ("Agents/Python 0.5.0", "openai-agents", "python"),
        ("claude-cli/2.0.61 (external, cli)", "claude-code", "settings"),
        ("codex_cli_rs/0.60.0 (Ubuntu 24.4.0; x86_64)", "codex", "settings"),
        ("curl/8.5.0", "curl", "shell"),
        ("Python-urllib/3.11", "urllib", "python"),
        ("node", "fetch", "node"),
        ("axios/1.13.2", "javascript", "node"),
        ("Go-http-client/2.0", "go", "go"),
    ],
)
def test_a_client_is_known_by_its_user_agent(agent, name, language):
    who = recognize([answer(sent={"user-agent": agent})])
    assert (who.client.name, who.language) == (name, language)


def test_a_framework_shows_in_what_it_asks():
    """smolagents uses the openai package, whose name it sends; its stop sequences are its own."""
    asked = {"stop": ["Observation:", "Calling tools:", "</code>"]}
    who = recognize([answer(sent={"user-agent": "OpenAI/Python 3.54.0"}, request=asked)])
    assert who.client.name == "smolagents"


def test_the_language_of_an_unknown_client_shows_in_its_library():
    who = recognize([answer(sent={"user-agent": "my-agent/1", "x-stainless-lang": "js"})])
    assert (who.client, who.language) == (None, "node")
    assert "baseURL" in who.how["base_url"]
    assert recognize([answer(sent={"user-agent": "my-agent/1"})]).language is None


CODE = re.compile(r"OpenAI\(|\bcreate\(")
"""The openai package's."""


@pytest.mark.parametrize("client", [t for t in read("peers.toml")["client"] if t["language"] != "settings"],
                         ids=lambda t: t["name"])  # fmt: skip
def test_nobody_is_told_the_settings_of_a_package_that_they_do_not_use(client):
    """A client either has settings of its own, or writes plain HTTP, or is the openai package."""
    who = recognize([answer(sent={"user-agent": AGENTS[client["name"]]})])
    assert who.client.name == client["name"]
    if client["name"] in ("openai-python", "openai-node"):
        return
    inherited = {name: how for name, how in who.how.items() if name not in client.get("how", {})}
    assert [how for how in inherited.values() if CODE.search(how)] == []


AGENTS = {
    "smolagents": "smolagents/1.26", "openai-agents": "Agents/Python 0.5", "openai-agents-node": "Agents/JavaScript 0.3",
    "pydantic-ai": "pydantic-ai/1.20.0", "langchain": "langchain-openai/1.1.0",
    "langchain-node": "langchainjs-openai/1.0.0",
    "litellm-sdk": "litellm/1.80.0", "ai-sdk": "ai/5.0.60 ai-sdk/openai-compatible/1.0.20 runtime/node.js/22",
    "openai-python": "OpenAI/Python 2.3.0", "openai-node": "OpenAI/JS 5.12.0",
    "anthropic-python": "Anthropic/Python 0.72.0", "anthropic-node": "Anthropic/JS 0.65.0",
    "ollama-python": "ollama-python/0.6", "ollama-node": "ollama-js/0.6", "curl": "curl/8.5.0", "wget": "Wget/1.21",
    "requests": "python-requests/2.32", "httpx": "python-httpx/0.28", "aiohttp": "Python/3.12 aiohttp/3.11",
    "urllib": "Python-urllib/3.11", "fetch": "node", "javascript": "axios/1.13.2", "go": "Go-http-client/2.0",
    "browser": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
}  # fmt: skip


def test_the_ai_sdk_is_told_code_of_the_ai_sdk():
    who = recognize([answer(sent={"user-agent": AGENTS["ai-sdk"]})])
    said = {name: compose([[how]], dict.fromkeys(SETTINGS, 1)) for name, how in who.how.items()}
    assert said["model"] == 'provider("NAME")'
    assert said["timeout"] == "generateText({ abortSignal: AbortSignal.timeout(1), … })"


def test_the_data_is_sound():
    """Patterns compile, names are unique, and texts are written for peers that exist."""
    peers = read("peers.toml")
    every = [t for kind in ("server", "gateway", "client", "language") for t in peers[kind]]
    for table in every:
        for where, pattern in (*table.get("proof", ()), *table.get("hint", ())):
            assert where.split(" ")[0] in PLACES, where
            re.compile(pattern)
    known = [t["name"] for t in every]
    assert len(known) == len(set(known))
    for fault in kinds().values():
        assert set(fault.at) <= {*known, "course"}, fault.kind
        for own in (*fault.at.values(), *fault.case.values()):
            assert set(own) <= {"why", "next", "also"}, fault.kind
        assert fault.client in (None, *known), fault.kind
    settings = {t["name"] for t in peers["language"]}
    assert {t["settings"] for t in every if "settings" in t} <= settings
    for how in (peers["how"], *(t.get("how", {}) for t in every)):
        assert {n for text in how.values() for n in names(text)} <= SETTINGS


PLACES = {"header", "sent", "response", "request", "error", "body", "host", "port", "path"}
SETTINGS = {"base_url", "root", "endpoint", "limit", "limit_field", "seconds", "milliseconds"}


def test_advice_for_others_never_names_our_agent():
    """smolagents and the course's commands are for the course's agent, for smolagents, and for steps, which it writes."""
    ours = re.compile(r"smolagents|course (?:serve|ask)|connect\(|CodeAgent|server\.apply_template")
    faults = list(kinds().values())
    steps = [f.kind for f in faults].index("empty-step")
    for fault in faults[:steps]:
        if fault.kind in ("never-sent", "decoy-ran"):  # need a step, too
            continue
        texts = [fault.why, fault.next, *(t for own in fault.case.values() for t in own.values())]
        texts += [
            t for name, own in fault.at.items() if name not in ("course", "smolagents") for t in own.values()
        ]
        for wording in (w for text in texts for w in wordings(text)):
            assert not ours.search(wording), f"{fault.kind}: {wording}"
