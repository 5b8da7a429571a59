"""Faults on the wire: no response, a refusal, a broken stream, a prompt cache that missed."""

import json

import pytest

from support.diagnosed import CALL, RUN, call, found, history, kinds, refused
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


def cached(n, prompt, cache, messages=None, **ask):
    usage = {"usage": {"prompt_tokens": prompt}, "timings": {"cache_n": cache, "prompt_n": prompt - cache}}
    return call(n, CALL, messages or history(n), ask=ask, **usage)


def test_a_prompt_cache_miss():
    """The second request continues the first, and was processed from the start."""
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 30)])
    assert (finding.kind, finding.turn) == ("prompt-cache-miss", 2)
    assert [q.text for q in finding.evidence] == ["30", "2400"]
    (finding,) = found([cached(1, 2400, 0), cached(2, 2600, 0, cache_prompt=False)])
    assert "cache_prompt" in finding.why


def dated(n, when, prompt, cache):
    """The n-th request of a run whose system prompt has a date in it."""
    system = {"role": "system", "content": f"You are a guide. It is {when}. " + "Be careful. " * 40}
    return cached(n, prompt, cache, [system, *history(n)[1:]])


def test_a_prefix_that_changes():
    (finding,) = found([dated(1, "12:00:01", 2400, 0), dated(2, "12:00:09", 2600, 12)])
    assert (finding.kind, finding.turn) == ("changing-prefix", 2)
    new, old, count = finding.evidence
    assert new.where.startswith("request.messages[0].content[")
    assert ("12:00:09" in new.text, "12:00:01" in old.text, count.text) == (True, True, "12")
    assert kinds([dated(1, "12:00", 2400, 0), dated(2, "12:00", 2600, 12)]) == ["prompt-cache-miss"]


def test_a_prompt_that_is_another_one_does_not_count_as_a_changed_prefix():
    """Healthy: another system prompt for the last call, a small change that most of the cache survives."""
    other = [{"role": "system", "content": "An agent got stuck. Answer instead."}, *history(2)[1:]]
    assert kinds([cached(1, 2400, 0), cached(2, 900, 10, other)]) == []
    assert kinds([dated(1, "12:00:01", 2400, 0), dated(2, "12:00:09", 2600, 2100)]) == []


def test_a_cache_that_another_prompt_took_over_is_not_a_fault():
    """Healthy: a planning call in between, another question, most of the prompt cached."""
    plan = cached(2, 900, 0, [TASK])
    assert kinds([cached(1, 2400, 0), plan, cached(3, 2600, 10, history(2))]) == []
    other = [SYSTEM, {"role": "user", "content": "another"}]
    assert kinds([cached(1, 2400, 0), cached(2, 2400, 900, other)]) == []
    assert kinds([cached(1, 2400, 0), cached(2, 2600, 2390)]) == []


def test_a_hosted_api_that_does_not_cache_short_prompts_is_not_a_fault():
    """OpenAI's API caches prompts of 1,024 tokens and more. The advice must not be that for a llama-server."""

    def asked(n, prompt):
        usage = {"prompt_tokens": prompt, "prompt_tokens_details": {"cached_tokens": 0}}
        return call(n, CALL, history(n), usage=usage)

    assert kinds([asked(1, 420), asked(2, 440)]) == []
    (finding,) = found([asked(1, 4200), asked(2, 4400)])
    assert finding.kind == "prompt-cache-miss"
    assert "slot" not in finding.why + finding.next


def test_polling_until_a_server_is_up_is_not_a_fault():
    polls = [
        entry(n, [], {}, status=s, error=e) for n, s, e in ((1, 0, "ConnectError: refused"), (2, 503, None))
    ]
    for poll in polls:
        poll["request"] |= {"method": "GET", "url": "http://127.0.0.1:8080/health"}
    assert kinds(polls) == []
