"""Refusals in the words of many servers, from public reports: the kind, the numbers, and advice that fits both ends."""

import json
import random
import re
import time

import pytest

from course.diagnose import kinds
from course.diagnose.ends import Ends
from course.diagnose.faults import explain
from course.diagnose.finding import Found
from course.diagnose.peers import Seen, recognize
from course.diagnose.refusals import understand
from course.diagnose.texts import compose, names, read, wordings
from course.turns import turns
from course.turns.failures import failure
from support.diagnosed import RUN, found
from support.refusals import cases, exchange, response

OURS = ("smolagents", "course serve", "course ask", "connect(")
"""What is only said to somebody who uses the course's own agent. `course view` is for any tape."""


@pytest.mark.parametrize("name", cases())
def test_a_refusal_of_a_public_report_is_understood(name):
    """Other detectors may find its cause, too. The evidence is checked against the tape by `found`."""
    case = cases()[name]
    record = exchange(case)
    rules = {rule["kind"] for rule in read("refusals.toml")["refusal"]} | {"not-an-api"}
    findings = [f for f in found([record]) if f.kind in rules]
    assert [f.kind for f in findings] == [case["kind"]]
    why, then = findings[0].why, findings[0].next
    for part in case.get("says", ()):
        assert part in why
    for part in case.get("advises", ()):
        assert part in then
    for part in (*case.get("silent", ()), *OURS):
        assert part not in f"{why} {then}"
    who = Ends(turns([record])).of(1, 1)
    known = {"server": who.server or who.gateway, "client": who.client}
    assert {end: peer.name if peer else "" for end, peer in known.items()} == {k: case[k] for k in known}


def test_half_of_the_cases_were_there_before_the_patterns():
    assert len(cases()) >= 50
    assert sum(case.get("before", False) for case in cases().values()) >= len(cases()) / 2
    assert all(case["source"] for case in cases().values())


def test_the_course_s_own_agent_gets_the_course_s_commands():
    record = exchange(cases()["llama-server: context overflow, Node client"])
    assert "course serve -c 16384" in found([RUN, record])[0].next


def test_what_a_server_is_shows_in_another_exchange_with_it():
    """An error that every server could have sent is explained for the one that answered before."""
    refused = response(401, {"error": {"message": "Invalid API Key"}})
    (alone,) = found([refused])
    assert "--api-key" not in alone.why
    models = response(200, {"data": [{"id": "x", "owned_by": "vllm"}]}, n=2)
    models["request"] |= {"method": "GET", "url": "http://127.0.0.1:8000/v1/models"}
    (finding,) = found([refused, models])
    assert "--api-key" in finding.why


@pytest.mark.parametrize(("status", "kind"), [(404, "wrong-path"), (200, "not-an-api")])
@pytest.mark.parametrize(
    ("url", "base_url", "path"),
    [
        ("https://openrouter.ai/chat/completions", "https://openrouter.ai/api/v1", "with the path /api/v1"),
        ("https://openrouter.ai/v1/chat/completions", "https://openrouter.ai/api/v1", "with the path /api/v1"),
        ("http://127.0.0.1:8000/chat/completions", "http://127.0.0.1:8000/v1", "with the path /v1"),
        ("https://generativelanguage.googleapis.com/chat/completions",
         "https://generativelanguage.googleapis.com/v1beta/openai", "with the path /v1beta/openai"),
    ],
)  # fmt: skip
def test_one_base_url_is_advised_and_it_is_right(url, base_url, path, status, kind):
    page = response(status, "<!DOCTYPE html><html>Page</html>", url=url, headers={"Content-Type": "text/html"},
                    sent={"user-agent": "ai/5.0.60 ai-sdk/openai-compatible/1.0.20"})  # fmt: skip
    (finding,) = (f for f in found([page]) if f.kind == kind)
    assert f'createOpenAICompatible({{ baseURL: "{base_url}", … }})' in finding.next
    assert f"Behind `course tap`, it is the tap's address {path}." in finding.next
    if kind == "wrong-path":
        assert f"curl {base_url}/models" in finding.next


def test_the_address_behind_the_tap_is_the_one_that_this_client_is_given():
    page = response(
        404, "Not Found", url="http://127.0.0.1:8000/v1/v1/chat/completions", sent={"user-agent": "node"}
    )
    (finding,) = found([page])
    assert "POST http://127.0.0.1:8000/v1/chat/completions" in finding.next
    assert "the tap's address with the path /v1/chat/completions." in finding.next
    page = response(
        404, "Not Found", url="http://127.0.0.1:8000/v1/v1/messages", sent={"user-agent": "claude-cli/2.0"}
    )
    (finding,) = found([page])
    assert "Behind `course tap`, it is the tap's address without a path." in finding.next


def test_the_names_of_models_are_looked_up_where_the_api_is():
    words = {"error": {"message": "No endpoints found for x/y.", "code": 404}}
    page = response(
        404, words, url="https://openrouter.ai/api/v1/messages", sent={"user-agent": "claude-cli/2.0"}
    )
    (finding,) = found([page])
    assert finding.kind == "unknown-model"
    assert "curl https://openrouter.ai/api/v1/models" in finding.next


def test_a_bad_tool_call_in_the_history_is_traced_to_its_turn():
    call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    first = response(
        200, {"id": "a", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    )
    history = [
        {"role": "user", "content": "List."},
        message,
        {"role": "tool", "tool_call_id": "c1", "content": "no"},
    ]
    words = (
        "Failed to parse tool call arguments as JSON: [json.exception.parse_error.101] parse error at line 1"
    )
    second = response(500, {"error": {"code": 500, "message": words}}, n=2, request={"messages": history})
    (finding,) = (f for f in found([first, second]) if f.kind == "arguments-refused")
    for part in ("messages[1]", "bash", "turn 1"):
        assert part in finding.why


def test_a_redirect_that_keeps_the_request_is_not_a_fault():
    """FastAPI's, for a slash at the end: a client that follows it asks there with the same body."""
    there = {"Location": "http://127.0.0.1:8000/v1/chat/completions"}
    url = "http://127.0.0.1:8000/v1/chat/completions/"
    assert found([response(307, "", url=url, headers=there)]) == []
    assert [f.kind for f in found([response(301, "", url=url, headers=there)])] == ["not-an-api"]


def test_a_secret_in_the_address_of_a_redirect_is_not_repeated():
    there = {"Location": "https://ann:pass@llm.example.org/v1/chat/completions?token=secret"}
    (finding,) = found([response(302, "", url="http://llm.example.org/v1/chat/completions", headers=there)])
    assert "https://llm.example.org/v1" in finding.next
    assert not {"pass", "secret"} & set(re.findall(r"\w+", f"{finding.why} {finding.next}"))


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ("system user assistant user assistant user assistant user assistant user assistant user system user",
         "messages[12]"),
        ("system user user", "messages[2]"),
        ("system assistant user", "messages[1]"),
        ("assistant user", "messages[0]"),
    ],
)  # fmt: skip
def test_the_message_out_of_place_is_named(roles, place):
    messages = [{"role": role, "content": "x"} for role in roles.split()]
    words = {"error": {"message": "Jinja Exception: System message must be at the beginning."}}
    (finding,) = found([response(400, words, request={"messages": messages})])
    assert place in finding.why


def test_an_error_within_an_answer_is_a_refusal():
    """OpenRouter puts it beside what the model wrote before."""
    error = {"code": 502, "message": "Provider returned error", "metadata": {"provider_name": "Chutes"}}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "The"},
        "finish_reason": "error",
        "error": error,
    }
    findings = found([response(200, {"id": "gen-1790000000-x", "choices": [choice]})])
    assert "server-failed" in [f.kind for f in findings]


def test_an_answer_is_not_a_refusal():
    """Errors that are null, and words of refusals in what the model says."""
    said = "This model's maximum context length is 10 tokens. However, you requested 20 tokens."
    choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    assert found([response(200, {"id": "x", "error": None, "choices": [choice]})]) == []


def test_every_rule_is_sound():
    """Its kind has texts, and each name in its pattern is used by one of them, or by what is computed for them."""
    rules = read("refusals.toml")["refusal"]
    assert set(rules[-1]) == {"kind"}, "the last rule must fit everything"
    for rule in rules:
        fault = kinds()[rule["kind"]]
        assert rule.get("words", {}).get("case") in (None, *fault.case), rule
        given = set(re.compile(rule.get("says", "")).groupindex) | set(rule.get("fields", ()))
        used = {n for text in texts(fault) for wording in wordings(text) for n in names(wording)}
        assert {name.rstrip("0123456789") for name in given} <= used | COMPUTED, rule


COMPUTED = {"index", "item", "ending", "over", "room", "asked", "prompt", "reserve", "most"}
"""Names from which others are computed."""


def texts(fault):
    own = (*fault.at.values(), *fault.case.values())
    return [fault.why, fault.next, *(text for texts in own for text in texts.values())]


def test_every_wording_can_be_reached():
    """A wording is used if its names are known: none may come after one that needs only some of its names."""
    for fault in kinds().values():
        for part in (
            part for text in texts(fault) if isinstance(text, list) for part in text if isinstance(part, list)
        ):
            for place, wording in enumerate(part):
                for before in part[:place]:
                    assert not names(before) <= names(wording), f"{fault.kind}: {wording!r} is never used"


def test_patterns_take_no_time_on_long_texts():
    """Error pages and messages can be long; none makes a pattern search for seconds."""
    long = [
        "tool_use ",
        "model ",
        "a",
        "requested (",
        "rate limit Limit 1, ",
        "\n",
        "messages.1: ",
        "'a",
        ": ",
        "prompt ( ",
    ]
    began = time.thread_time()
    for text in long:
        understand(refused({"error": {"message": text * 20_000}}))
    assert time.thread_time() - began < 2


def refused(body, status=400, url="http://127.0.0.1:8000/v1/chat/completions", request=None):
    return Seen(url, status, request=request, response=body, failure=failure(status, body, json.dumps(body)))


def test_odd_errors_break_nothing():
    """Each field of an error replaced by values of other types, in every shape that servers use."""
    dice = random.Random(1)
    odd = [
        None,
        True,
        0,
        -1,
        1.5,
        10**20,
        "",
        "x" * 3000,
        [],
        [None],
        {},
        {"message": 1},
        [{"msg": []}],
        float("inf"),
    ]
    fields = ("message", "type", "code", "param", "status", "metadata", "n_ctx")
    urls = ("http://[x/v1", "http://h:port/", "", "http://127.0.0.1:8000/v1/v1/chat/completions")
    for _ in range(100):
        error = {key: dice.choice(odd) for key in fields}
        whole = [{"error": error}, [{"error": error}], error, {"detail": error}, {"object": "error", **error}]
        ask = {
            k: dice.choice(odd)
            for k in ("messages", "tools", "model", "response_format", "max_tokens", "stop")
        }
        seen = refused(dice.choice(whole), dice.choice([400, 404, 429, 500, 503]), dice.choice(urls), ask)
        refusal, who = understand(seen), recognize([seen])
        said = explain(Found(refusal.kind, 1, 1, refusal.quotes, refusal.words), who)
        assert said.why
        assert said.next


def test_a_text_uses_the_first_wording_that_it_can_fill_in():
    text = [["It has {asked} of {room}.", "It has {asked}.", "It is long."], ["Only {fits} left."], "Run  x"]
    assert compose(text, {"asked": 9, "room": 8, "fits": 1}) == "It has 9 of 8. Only 1 left. Run  x"
    assert compose(text, {"asked": 9, "room": None}) == "It has 9. Run  x"
    assert compose(["Run  x", "Then stop."], {}) == "Run  x   Then stop."
