"""Faults on the wire: no response, a refusal, a broken stream, a prompt cache that missed."""

import json
import time

import pytest

from support.diagnosed import RUN, found, kinds, refused
from support.records import SYSTEM, TASK, entry, step


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ConnectError: [Errno 111] Connection refused", "unreachable"),
        ("ConnectTimeout: timed out", "unreachable"),
        ("RemoteProtocolError: Server disconnected without sending a response.", "connection-lost"),
        ("ReadTimeout: timed out", "timed-out"),
        ("KeyboardInterrupt: ", "client-disconnected"),
    ],
)
def test_why_no_response_came(error, kind):
    gone = entry(1, [SYSTEM, TASK], "", status=0, error=error)
    said = step(
        None, 1, kind="action", code=None, error="Error in generating model output:\nConnection error."
    )
    assert kinds([RUN, gone, said]) == [kind]


@pytest.mark.parametrize(
    ("error", "said", "advised"),
    [
        ("ConnectError: [Errno 111] Connection refused", "refused", "curl http://127.0.0.1:8080/health"),
        ("ConnectError: [WinError 10061] … the target machine actively refused it", "refused", "curl"),
        ("ConnectError: All connection attempts failed", "Nothing is listening", "curl"),
        ("ConnectTimeout: timed out", "in time", "curl"),
        ("ConnectError: [Errno -2] Name or service not known", "name 127.0.0.1", "nslookup 127.0.0.1"),
        ("ConnectError: [Errno 8] nodename nor servname provided, or not known", "DNS", "nslookup"),
        ("ConnectError: [Errno 11001] getaddrinfo failed", "DNS", "nslookup"),
        ("ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)",
         "not trusted", "SSL_CERT_FILE="),
        ("ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
         "expired", "clock"),
        ("ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not "
         "valid for 'h'. (_ssl.c:1006)", "another name", "clock"),
        ("ConnectError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "TLS", "http://"),
    ],
)  # fmt: skip
def test_why_a_server_is_unreachable_shows_in_the_recorders_error(error, said, advised):
    """Only where nothing listens is the advice to start the server, also for the course's own agent."""
    gone = entry(1, [SYSTEM, TASK], "", status=0, error=error)
    for records in ([gone], [RUN, gone]):
        finding = found(records)[0]
        assert finding.kind == "unreachable"
        assert said in finding.why
        if records[0] is RUN or advised[:4] != "curl":
            assert advised in finding.next
        assert ("Nothing is listening" in finding.why) == ("refused" in error or "attempts" in error)


OPENROUTER = "https://openrouter.ai/api/v1/chat/completions"


@pytest.mark.parametrize("error", [
    "ConnectError: All connection attempts failed",
    "RemoteProtocolError: Server disconnected without sending a response.",
    "the client closed the connection before a response came",
])  # fmt: skip
def test_advice_keeps_the_path_of_the_api(error):
    gone = entry(1, [SYSTEM, TASK], "", status=0, error=error)
    gone["request"]["url"], gone["time"] = OPENROUTER, 30_000
    (finding,) = found([gone])
    assert "curl https://openrouter.ai/api/v1/models" in finding.next


def test_a_client_that_hung_up_behind_the_tap_may_have_timed_out():
    closed = "the client closed the response before its end"
    gone = entry(1, [SYSTEM], None, sse=STREAM, error=closed)
    gone["time"] = 59_900
    gone["request"]["headers"] = [{"name": "User-Agent", "value": "ai/5.0.1 ai-sdk/openai-compatible/1.0"}]
    (finding,) = found([gone])
    assert "60 s" in finding.why
    assert "AbortSignal.timeout(" in finding.next
    (ours,) = found([RUN, gone])
    assert "course tap" not in f"{ours.why} {ours.next}"
    gone["_error"] = "KeyboardInterrupt: "
    assert "course tap" not in found([gone])[0].why


@pytest.mark.parametrize(
    ("agent", "seconds", "advised"),
    [
        ("ai/5.0.1 ai-sdk/openai-compatible/1.0", 300.6, "generateText("),
        ("OpenAI/JS 6.49.0", 303.0, "new OpenAI({ timeout: 600000 })"),
        ("ollama-js/0.6", 301.0, ""),
        ("node", 300.2, "AbortSignal.timeout(600000)"),
    ],
)
def test_nodes_fetch_gives_up_by_itself(agent, seconds, advised):
    """After 300 s without headers or data, whatever the client's own timeout is."""
    closed = "the client closed the connection before a response came"
    gone = entry(1, [SYSTEM, TASK], "", status=0, error=closed)
    gone["request"]["headers"] = [{"name": "User-Agent", "value": agent}]
    gone["time"] = 1000 * seconds
    (finding,) = found([gone])
    assert finding.kind == "client-disconnected"
    assert "gives up after 300 s without headers or data" in finding.next
    assert "setGlobalDispatcher(new Agent({ headersTimeout: 600000, bodyTimeout: 600000 }))" in finding.next
    assert advised in finding.next
    silent = entry(1, [SYSTEM], None, sse=STREAM, error="the client closed the response before its end")
    silent |= {"time": 1000 * seconds + 40_000, "_chunks": [[39_000, 20], [40_000, 20]]}
    silent["request"]["headers"] = gone["request"]["headers"]
    assert "headersTimeout" in found([silent])[0].next
    silent["_chunks"] += [[200_000, 20]]
    assert "headersTimeout" not in found([silent])[0].next


@pytest.mark.parametrize(
    ("agent", "seconds"),
    [
        ("ai/5.0.1 ai-sdk/openai-compatible/1.0", 120),
        ("python-httpx/0.28", 300.5),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", 300.5),
        ("my-agent/1", 300.5),
    ],
)
def test_other_clients_and_other_times_are_not_told_of_nodes_limit(agent, seconds):
    gone = entry(
        1, [SYSTEM, TASK], "", status=0, error="the client closed the connection before a response came"
    )
    gone["request"]["headers"] = [{"name": "User-Agent", "value": agent}]
    gone["time"] = 1000 * seconds
    (finding,) = found([gone])
    assert "headersTimeout" not in finding.next
    assert "allow more time" in finding.next


STREAM = 'data: {"id":"s","choices":[{"index":0,"delta":{"content":"<code>"},"finish_reason":null}]}\n\n'


def test_a_stream_that_broke_off_shows_its_last_bytes():
    cut = entry(1, [SYSTEM], None, sse=STREAM, error="RemoteProtocolError: incomplete chunked read")
    (finding,) = found([cut])
    assert finding.kind == "connection-lost"
    assert finding.evidence[1].text == STREAM[-80:]


def test_a_client_that_left_after_the_end_is_not_a_fault():
    closed = "the client closed the response before its end"
    assert kinds([entry(1, [SYSTEM], None, sse=STREAM, error=closed)]) == ["client-disconnected"]
    assert kinds([entry(1, [SYSTEM], None, sse=STREAM.replace("null", '"stop"'), error=closed)]) == []


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
               "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192}, "context-overflow"),
        (500, {"message": "tools param requires --jinja flag", "type": "server_error"}, "tools-without-jinja"),
        (401, {"message": "Invalid API Key", "type": "authentication_error"}, "wrong-key"),
        (503, {"message": "Loading model", "type": "unavailable_error"}, "busy"),
        (429, {"message": "Rate limit reached"}, "rate-limited"),
        (400, {"message": "Failed to initialize samplers: failed to parse grammar"}, "grammar-rejected"),
        (500, {"message": "JSON schema error at #: unrecognized type nonsense"}, "grammar-rejected"),
        (500, {"message": "… Error: Jinja Exception: No user query found in messages."}, "template-refused"),
        (400, {"message": "Cannot use custom grammar constraints with tools."}, "request-refused"),
        (404, "File Not Found", "wrong-path"),
    ],
)  # fmt: skip
def test_a_refusal_is_named_by_the_servers_own_words(status, error, kind):
    finding = found([refused(status, error)])[0]
    assert finding.kind == kind
    assert finding.evidence[0].text == str(status)
    assert finding.evidence[1].where.startswith("response.error")


def test_an_overflow_names_a_context_that_is_large_enough():
    error = {"type": "exceed_context_size_error", "message": "x", "n_prompt_tokens": 9000, "n_ctx": 8192}
    assert "llama-server -c 16384" in found([refused(400, error)])[0].next
    assert "course serve -c 16384" in found([RUN, refused(400, error)])[0].next


def test_a_refusal_without_json_is_quoted_as_it_came():
    page = refused(502, None)
    page["response"]["content"]["text"] = "<html>Bad gateway"
    (finding,) = found([page])
    assert finding.evidence[1].text == "<html>Bad gateway"


def test_an_error_within_a_stream_is_a_refusal_too():
    sse = 'error: {"code": 503, "message": "slot unavailable"}\n\n'
    assert kinds([entry(1, [SYSTEM], None, sse=sse)]) == ["busy"]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_beside_half_an_answer_is_found(streamed):
    """OpenRouter puts the provider's error into the choice that has what came before it."""
    error = {
        "code": 429,
        "message": "Provider returned error",
        "metadata": {"raw": "slow down", "provider_name": "P"},
    }
    choice = {"index": 0, "finish_reason": "error", "error": error}
    whole = {"id": "g", "choices": [{**choice, "message": {"role": "assistant", "content": "Half"}}]}
    piece = {"id": "g", "choices": [{**choice, "delta": {"content": "Half"}}]}
    record = entry(
        1, [SYSTEM], None if streamed else whole, sse=f"data: {json.dumps(piece)}\n\n" if streamed else None
    )
    (finding,) = found([record])
    assert finding.kind == "rate-limited"
    assert finding.evidence[1].where.startswith("response.choices[0].error")


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_ends_with_an_error_and_no_message_is_found(streamed):
    """OpenRouter's finish_reason for a model that failed."""
    choice = {"index": 0, "finish_reason": "error", "native_finish_reason": "x"}
    whole = {"id": "g", "choices": [{**choice, "message": {"role": "assistant", "content": "Half"}}]}
    sse = f"data: {json.dumps({'id': 'g', 'choices': [{**choice, 'delta': {'content': 'Half'}}]})}\n\n"
    (finding,) = found([entry(1, [SYSTEM], None if streamed else whole, sse=sse if streamed else None)])
    assert (finding.kind, finding.evidence[1].text) == ("server-failed", "x")
    assert finding.evidence[1].where == "response.choices[0].native_finish_reason"
    assert "(x)" in finding.why


@pytest.mark.parametrize(
    "ended",
    [
        {"finish_reason": "malformed_function_call"},
        {"finish_reason": "error", "native_finish_reason": "MALFORMED_FUNCTION_CALL"},
    ],
)
def test_a_call_that_the_server_could_not_read_is_not_the_servers_failure(ended):
    """Gemini's word for it, by itself and through OpenRouter."""
    choice = {"index": 0, **ended, "message": {"role": "assistant", "content": ""}}
    (finding,) = found([entry(1, [SYSTEM], {"id": "g", "choices": [choice]})])
    assert finding.kind == "output-not-parsed"
    assert finding.evidence[1].text.lower() == "malformed_function_call"


def test_a_host_without_a_name_is_told_without_it():
    record = entry(1, [SYSTEM], None, status=0, error="ConnectError: [Errno -2] Name or service not known")
    record["request"]["url"] = "http://[::1/v1/chat/completions"
    (finding,) = found([record])
    assert (finding.kind, bool(finding.why), bool(finding.next)) == ("unreachable", True, True)


def test_a_long_error_costs_no_time():
    record = entry(1, [SYSTEM], None, status=0, error="CERTIFICATE_VERIFY_FAILED " * 40_000)
    began = time.thread_time()
    (finding,) = found([record])
    assert (finding.kind, time.thread_time() - began < 5) == ("unreachable", True)


def test_an_error_event_in_an_anthropic_stream_is_found():
    events = [
        {"type": "message_start", "message": {"id": "m", "type": "message", "content": []}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ]
    (finding,) = found([entry(1, [SYSTEM], None, sse="".join(f"data: {json.dumps(e)}\n\n" for e in events))])
    assert finding.evidence[1].text == "Overloaded"
    assert "None" not in finding.why


def test_a_request_that_was_never_sent():
    error = "Error in generating model output:\ncreate() got an unexpected keyword argument 'grammar'"
    lost = step(None, 1, kind="action", code=None, error=error)
    assert kinds([RUN, lost]) == ["never-sent"]
    lost["error"] = "Error in generating model output:\nError code: 400 - the exchange was not recorded"
    assert kinds([RUN, lost]) == []


def test_polling_until_a_server_is_up_is_not_a_fault():
    polls = [
        entry(n, [], {}, status=s, error=e) for n, s, e in ((1, 0, "ConnectError: refused"), (2, 503, None))
    ]
    for poll in polls:
        poll["request"] |= {"method": "GET", "url": "http://127.0.0.1:8080/health"}
    assert kinds(polls) == []
