"""Which values stay off a tape, which stay on it, and what a person sees of an address with a password."""

import asyncio
import base64
import gzip
import json
import os
import stat
import time

import httpx
import pytest

from course.addresses import masked
from course.agent import record_run
from course.errors import CourseError
from course.server import Connection, Server, registry
from course.tape import RecordingTransport, Tape
from course.tape.redact import REDACTED, is_secret, is_secret_key, own_keys, redacted_headers, redacted_url
from course.turns import turns
from course.view import page
from support.scripted import Script

KEY = "sk-course-4711-abcdef"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.c2lnbmF0dXJl"


def header(name, value, keys=()):
    return redacted_headers([(name.encode(), value.encode())], keys)[0]["value"]


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


def exchange(tape, request, response):
    """What the recorder makes of them; the client gets the response unchanged."""
    with httpx.Client(transport=RecordingTransport(httpx.MockTransport(lambda _: response), tape)) as client:
        answer = client.send(request)
    return tape.entries[-1], answer


SECRET = [
    *(
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "Set-Cookie2",
        "X-Api-Key",
        "api-key",
        "apikey",
        "API_KEY",
        "xApiKey",
    ),
    *(
        "x-goog-api-key",
        "Ocp-Apim-Subscription-Key",
        "anthropic-api-key",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-CSRF-Token",
    ),
    *("X-Hub-Signature-256", "private-token"),
    *(
        "x-functions-key",
        "X-RapidAPI-Key",
        "Helicone-Auth",
        "x-portkey-virtual-key",
        "X-Key",
        "Cf-Access-Jwt-Assertion",
    ),
    *(
        "refreshToken",
        "REFRESH_TOKEN",
        "refresh-token",
        "refreshtoken",
        "idToken",
        "IDToken",
        "clientSecret",
        "client_secret",
        "sessionToken",
    ),
    *("accessToken", "jwt", "JWT", "X-JWT"),
    *(
        "accesskey",
        "secretkey",
        "authkey",
        "privatekey",
        "subscriptionkey",
        "licensekey",
        "x-secretkey",
        "X-ACCESSKEY",
    ),
    *(
        "X-API-KEYS",
        "access_keys",
        "tokens",
        "X-Pass",
        "Authentication",
        "X-Session",
        "client_secrets",
        "passwords",
    ),
]


@pytest.mark.attack(
    "tap",
    "names in one word or in the plural: accesskey, X-ACCESSKEY, X-API-KEYS, tokens, X-Pass, Authentication, X-Session",
    "REDACTED in the tape, the page and the HAR file",
    fell=2,
)
@pytest.mark.attack(
    "tap", "64 known headers and query keys with secrets", "REDACTED in the tape, the page and the HAR file"
)
@pytest.mark.attack(
    "tap",
    "x-functions-key, X-RapidAPI-Key, Helicone-Auth, x-portkey-virtual-key, X-Key, Cf-Access-Jwt-Assertion; "
    "?refreshToken ?idToken ?clientSecret ?sessionToken ?jwt",
    "REDACTED in the tape, the page and the HAR file",
    fell=2,
)
def test_names_of_credentials_are_known_in_every_style(tape, tmp_path):
    value = "Zk9qT2wB"
    headers = [(name, value) for name in SECRET]
    query = "&".join(f"{name}={value}" for name in [*SECRET, "key", "sig", "code", "pwd"])
    response = httpx.Response(200, headers=headers, json={})
    exchange(tape, httpx.Request("GET", f"http://x/v1?{query}", headers=headers), response)
    har = tape.export(tmp_path / "x.har").read_text()
    for text in (tape.path.read_text(), har, page(turns(tape.records()))):
        assert value not in text, text[max(0, text.find(value) - 80) :][:100]
    assert [name for name in SECRET if not is_secret(name) or not is_secret_key(name)] == []


ORDINARY = {
    "content-type": "application/json; charset=utf-8",
    "content-length": "1234",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; +https://example.org/bot) AsyncOpenAI/Python 2.3.0",
    "date": "Sun, 29 Nov 2026 04:00:00 GMT",
    "x-request-id": "req_4f8d0b1c9e7a4d3b8c6f5e2a1d0c9b8a",
    "host": "127.0.0.1:8080",
    "accept": "text/event-stream, application/json;q=0.9, */*;q=0.1",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-US,en;q=0.5",
    "connection": "keep-alive",
    "keep-alive": "timeout=5, max=100",
    "transfer-encoding": "chunked",
    "server": "llama.cpp",
    "cache-control": "no-store, max-age=0",
    "etag": 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "vary": "Origin, Accept-Encoding, Authorization",
    "via": "1.1 varnish, 1.1 proxy.example:3128",
    "origin": "http://localhost:8888",
    "referer": "http://localhost:8888/lab/tree/01_the_wire.ipynb?reset=1&page=2#top",
    "location": "https://example.org/v1/models?limit=20&after=model-7b#list",
    "link": '<https://example.org/v1/models?page=2>; rel="next"',
    "refresh": "5; url=https://example.org/wait?turn=3",
    "www-authenticate": 'Bearer realm="api", error="invalid_token", scope="models"',
    "proxy-authenticate": 'Basic realm="corporate proxy"',
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "Authorization, X-Api-Key",
    "access-control-allow-origin": "*",
    "x-ratelimit-limit-tokens": "40000",
    "x-ratelimit-remaining-tokens": "39997",
    "x-ratelimit-reset-tokens": "4ms",
    "openai-organization": "org-user-4711",
    "openai-version": "2020-10-01",
    "openai-processing-ms": "412",
    "anthropic-version": "2023-06-01",
    "x-stainless-runtime-version": "3.12.3",
    "idempotency-key": "stainless-python-retry-0f6f9c1e-3b0a-4f6e-9a51-4a6b0f3a2d1c",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "surrogate-key": "models list",
    "x-cache-key": "/v1/models",
    "x-forwarded-uri": "/v1/chat/completions?stream=true&max_tokens=9&user=4711@example.org",
    "x-plan": "Basic monthly",
    "x-session-id": "0f6f9c1e-3b0a-4f6e-9a51-4a6b0f3a2d1c",
    "x-author": "token bucket of 12 tasks, task-0123456789abcdef0123",
    "content-security-policy": "default-src 'self'; report-uri https://example.org/csp?id=1",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}


def test_ordinary_headers_stay_as_they_are():
    changed = {name: header(name, value) for name, value in ORDINARY.items() if header(name, value) != value}
    assert len(ORDINARY) >= 40
    assert changed == {}
    names = [
        "page",
        "limit",
        "max_tokens",
        "prompt_cache_key",
        "partitionKey",
        "author",
        "keyword",
        "monkey",
        "encode",
        *(
            "keyboard",
            "turkey",
            "hotkey",
            "publickey",
            "key_count",
            "max_keys",
            "sort_keys",
            "cache_key",
            "bypass",
        ),
        *("prompt_tokens", "completion_tokens", "total_tokens", "tokens_per_second", "session_count"),
    ]
    assert [name for name in names if is_secret_key(name)] == []


URL = "https://user:hunter2@example.org/v1"


@pytest.mark.attack(
    "tap",
    "Location: http://user:pw@…; Link, Refresh, X-Forwarded-Uri with ?key=; tokens in other headers",
    "REDACTED",
    fell=2,
)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Location", f"{URL}?page=2", "https://REDACTED@example.org/v1?page=2"),
        ("Location", "//user:hunter2@example.org/", "//REDACTED@example.org/"),
        (
            "Location",
            "https://a/cb#access_token=hunter2&state=1",
            "https://a/cb#access_token=REDACTED&state=1",
        ),
        ("Link", "<https://a/?key=hunter2&page=2>; rel=next", "<https://a/?key=REDACTED&page=2>; rel=next"),
        ("Refresh", "5; url=https://a/?token=hunter2", "5; url=https://a/?token=REDACTED"),
        ("X-Forwarded-Uri", "/v1/models?apiKey=hunter2&page=2", "/v1/models?apiKey=REDACTED&page=2"),
        (
            "X-Original-Url",
            "/login?next=https%3A%2F%2Fa%2F%3Fkey%3Dhunter2",
            f"/login?next=https%3A%2F%2Fa%2F%3Fkey%3D{REDACTED}",
        ),
        ("X-Upstream", "Bearer hunter2", REDACTED),
        ("X-Upstream", "Bearer abc, Bearer hunter2", REDACTED),
        ("X-Original-Url", "/messages?session_id=hunter2&page=2", "/messages?session_id=REDACTED&page=2"),
        ("X-Upstream", f"Basic {base64.b64encode(b'user:hunter2').decode()}", REDACTED),
        ("X-Amzn-Oidc-Data", JWT, REDACTED),
        ("X-Debug", f"user=4711 id={JWT} ok", f"user=4711 id={REDACTED} ok"),
        ("X-Debug", f"sent {KEY} to it", f"sent {REDACTED} to it"),
    ],
)
def test_values_are_judged_whatever_the_name(name, value, expected):
    assert header(name, value) == expected
    assert header(name, expected) == expected


def test_a_url_on_the_tape_has_no_password_and_no_key(tape):
    url = f"http://user:hunter2@x/v1/{JWT}?key=hunter2&page=2&next=http%3A%2F%2Fu%3Ahunter2%40y"
    entry, _ = exchange(
        tape, httpx.Request("GET", url), httpx.Response(302, headers={"location": f"{URL}?sig=hunter2"})
    )
    assert "hunter2" not in tape.path.read_text()
    assert JWT not in tape.path.read_text()
    assert entry["request"]["url"].startswith("http://x/v1/REDACTED?key=REDACTED&page=2&next=")
    assert entry["response"]["redirectURL"] == "https://REDACTED@example.org/v1?sig=REDACTED"


@pytest.mark.attack(
    "lab", "a KEY that the server echoes in its 401", "REDACTED wherever it is echoed", fell=3
)
@pytest.mark.parametrize("sent", ["bearer", "header", "query", "password"])
@pytest.mark.parametrize("coding", [None, "gzip"])
def test_the_requests_own_key_is_replaced_where_a_response_echoes_it(tape, sent, coding):
    key = f"{KEY}/x"
    headers = {"bearer": {"Authorization": f"Bearer {key}"}, "header": {"X-Api-Key": key}}.get(sent, {})
    url = {"query": f"http://x/v1?key={key}", "password": f"http://me:{KEY}%2Fx@x/v1"}.get(
        sent, "http://x/v1"
    )
    body = json.dumps({"error": f"bad key {key}, not {key}"}).encode()
    raw = gzip.compress(body, mtime=0) if coding else body
    given = {
        "X-Seen": f"key {key}",
        "Location": f"/login?was={key}",
        "Content-Type": f"application/json; was={key}",
    }
    response = httpx.Response(
        401,
        headers=given | ({"Content-Encoding": coding} if coding else {}),
        stream=httpx.ByteStream(raw),
        extensions={"reason_phrase": f"bad key {key}".encode()},
    )
    entry, answer = exchange(tape, httpx.Request("GET", url, headers=headers), response)
    assert answer.content == body, "the client gets it as it was"
    assert KEY not in tape.path.read_text()
    content = entry["response"]["content"]
    assert entry["response"]["statusText"].startswith("bad key REDACTED")
    assert content["mimeType"].startswith("application/json; was=REDACTED")
    assert content["text"] == '{"error": "bad key REDACTED, not REDACTED"}'
    assert (content["size"], entry["response"]["bodySize"]) == (len(body), len(raw)), (
        "sizes are those of the wire"
    )
    assert "the request's own key was in it 2 times" in content["comment"]


@pytest.mark.attack("tap", "secrets in bodies and tool results", "kept, as documented")
def test_other_secrets_in_bodies_are_kept(tape):
    """Everything that is said to a model is on its tape."""
    body = {"messages": [{"role": "tool", "content": f"password: hunter2, key {KEY}, token {JWT}"}]}
    request = httpx.Request("POST", "http://x/v1", json=body, headers={"Authorization": "Bearer another-key"})
    entry, _ = exchange(tape, request, httpx.Response(200, json=body))
    assert json.loads(entry["request"]["postData"]["text"]) == body
    assert json.loads(entry["response"]["content"]["text"]) == body
    assert "comment" not in entry["response"]["content"]


@pytest.mark.parametrize("key", ["none", "EMPTY", "none needed", "lm-studio", "sk-no-key-required", "a=1"])
def test_a_key_that_is_none_is_not_looked_for(key):
    assert (
        own_keys([(b"Authorization", f"Bearer {key}".encode()), (b"Cookie", b"theme=dark mode")], "http://x/")
        == []
    )


def test_a_key_that_the_clients_library_refuses_is_not_in_the_reason(tape):
    """httpx quotes the whole header in its error."""
    transport = RecordingTransport(httpx.HTTPTransport(verify=False), tape)
    request = httpx.Request(
        "GET", "http://127.0.0.1:9/", headers=[(b"Authorization", f"Bearer {KEY}\n".encode())]
    )
    with httpx.Client(transport=transport, trust_env=False) as client, pytest.raises(httpx.TransportError):
        client.send(request)
    assert KEY not in tape.path.read_text()
    assert tape.entries[0]["_error"]


def test_redacting_takes_time_in_proportion_to_the_text():
    began = time.thread_time()
    for piece in (
        "//",
        "Bearer ",
        "?a=",
        "eyJ",
        "-eyJ",
        "eyJaaaaaaaa.",
        "https://a:",
        "//a@",
        "%",
        "sk-",
        "a-",
        "A",
    ):
        redacted_url("?" + piece * 20_000)
        is_secret(piece * 20_000)
        header("x", piece * 20_000)
    assert time.thread_time() - began < 5


# ---- what a person sees


@pytest.mark.attack(
    "lab", "a password in the address of --server or SERVER", "masked in everything that is printed", fell=2
)
def test_the_password_in_a_servers_address_is_never_printed(capsys, monkeypatch):
    props = {"data": [{"id": "m", "owned_by": "llamacpp"}]}
    monkeypatch.setattr(
        Server, "client", lambda self, **_: httpx.Client(
            base_url=self.url, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=props))
        )
    )  # fmt: skip
    server = Server(url="http://me:hunter2@127.0.0.1:9").start()
    said = [capsys.readouterr().out, repr(server)]
    assert "attached to http://…@127.0.0.1:9, which serves m" in said[0]
    monkeypatch.undo()
    for address in ("http://me:hunter2@127.0.0.1:9", "ftp://me:hunter2@x", "http://me:hunter2@[::1"):
        with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever the error is
            Connection(address).props()
        said.append(str(raised.value))
    with pytest.raises(Exception, match="already running") as raised:
        Server(url="http://me:hunter2@127.0.0.1:9", context=1024)
    assert "hunter2" not in "\n".join([*said, str(raised.value)])
    assert masked("unix:///run/me@home/llama.sock") == "unix:///run/me@home/llama.sock"


@pytest.mark.attack("lab", "serve -- --api-key K", "refused: others could see it on the command line", fell=3)
@pytest.mark.attack(
    "lab",
    "serve -- --api_key K, --api-key=K, --hf-token T, -hft T",
    "refused: others could see it on the command line",
    fell=3,
)
@pytest.mark.parametrize(
    ("given", "variable"),
    [
        (["--api-key", KEY], "LLAMA_API_KEY"),
        (["--api_key", KEY], "LLAMA_API_KEY"),
        ([f"--api-key={KEY}"], "LLAMA_API_KEY"),
        ([f"--api_key={KEY}"], "LLAMA_API_KEY"),
        (["--hf-token", KEY], "HF_TOKEN"),
        (["--hf_token", KEY], "HF_TOKEN"),
        (["-hft", KEY], "HF_TOKEN"),
    ],
)
def test_a_key_among_the_flags_is_refused(given, variable):
    with pytest.raises(CourseError, match=rf"command line.*\n.*  {variable}=… course serve") as raised:
        Server("embedded", url=False, extra=["--no-slots", *given])
    assert KEY not in str(raised.value)


@pytest.mark.attack(
    "lab",
    "a key in an address or a value among the server's flags",
    "not in the command on its tapes",
    fell=3,
)
def test_a_key_in_a_servers_command_is_not_on_its_tapes(tape):
    script = Script()
    script.command_line = f"llama-server -mu 'https://me:hunter2@h/m.gguf?sig=hunter2&page=2' --alias {KEY}"
    record_run(tape, "How much?", script, script.model(tape))
    (run,) = tape.records()
    masked_ = "llama-server -mu 'https://REDACTED@h/m.gguf?sig=REDACTED&page=2' --alias REDACTED"
    assert run["server"]["command"] == masked_


@pytest.mark.skipif(os.name != "posix", reason="not applicable: POSIX")
@pytest.mark.attack("lab", "another user reads the registry of servers", "mode 0600", fell=3)
def test_only_its_user_can_read_the_registry(cache):
    me = registry.processes.created(os.getpid())
    path = registry.record(
        registry.Running(os.getpid(), me, os.getpid(), me, "http://x", "p", ["llama"], "log")
    )
    assert oct(stat.S_IMODE(path.stat().st_mode)) == "0o600"
    registry.forget(os.getpid())


def test_an_asynchronous_client_is_redacted_in_the_same_way(tape):
    from course.tape import AsyncRecordingTransport

    async def ask():
        answer = httpx.MockTransport(lambda r: httpx.Response(401, text=r.headers["x-api-key"]))
        async with httpx.AsyncClient(transport=AsyncRecordingTransport(answer, tape)) as client:
            return (await client.get("http://x/", headers={"X-Api-Key": KEY})).text

    assert asyncio.run(ask()) == KEY
    assert KEY not in tape.path.read_text()
