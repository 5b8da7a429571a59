"""Replay: one recorded request is sent again, changed in one place, recorded, and compared with the first answer."""

import json

import httpx
import pytest

from course.errors import CourseError
from course.replay import replay
from course.tape import Tape
from course.tape.schema import flaws
from course.turns import turns
from support.records import reply
from support.replayed import BODY, SENT, Server, recorded, turn_of


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def again(server, tmp_path):
    """Replay this entry, onto a tape in a folder of its own."""

    def send(made=None, *given, **kw):
        turn = turn_of(made or recorded())
        return replay(turn, *given, tape=tmp_path / "again.tape.jsonl", transport=server.transport, **kw)

    return send


def test_without_a_change_the_same_bytes_go_to_the_same_address(again, server):
    done = again()
    (sent,) = server.seen
    assert sent.content.decode() == SENT
    assert str(sent.url) == "http://127.0.0.1:8080/v1/chat/completions"
    assert (done.changes, done.answered) == ([], True)


def test_only_the_named_field_changes(again, server):
    done = again(None, None, {"chat_template_kwargs.enable_thinking": False})
    wanted = {**BODY, "chat_template_kwargs": {"enable_thinking": False}}
    assert json.loads(server.seen[0].content) == wanted
    assert "groß" in server.seen[0].content.decode(), "text is sent as text, not as escapes"
    assert [(c.path, c.before, c.after) for c in done.changes] == [
        ("chat_template_kwargs.enable_thinking", True, False)
    ]


def test_fields_are_added_and_removed_and_messages_replaced(again, server):
    again(None, reasoning_format="none", remove=["temperature"], message={-1: "And now?"})
    sent = json.loads(server.seen[0].content)
    assert sent["reasoning_format"] == "none"
    assert "temperature" not in sent
    assert sent["messages"] == [BODY["messages"][0], {"role": "user", "content": "And now?"}]


def test_headers_of_the_client_are_sent_but_none_of_the_old_connection_or_session(again, server):
    again()
    sent = server.seen[0].headers
    assert (sent["user-agent"], sent["x-trace"], sent["content-type"]) == ("their/1", "7", "application/json")
    assert {"authorization", "cookie", "connection", "accept-encoding"} & set(sent) == set()
    assert (sent["host"], sent["content-length"]) == ("127.0.0.1:8080", str(len(SENT.encode())))


def test_a_header_goes_out_with_the_bytes_that_it_came_with(again, server):
    again(recorded(headers={"X-Name": "Grö\xdfe"}))
    assert dict(server.seen[0].headers.raw)[b"X-Name"] == "Größe".encode("latin-1")


def test_an_address_that_is_not_valid_is_named(again):
    with pytest.raises(CourseError, match="not valid"):
        again(recorded(url="http://[half/v1/chat/completions"))


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"authorization": "REDACTED"}, ("authorization", "Bearer s3cret")),
        ({"X-Api-Key": "REDACTED"}, ("x-api-key", "s3cret")),
        ({}, ("authorization", "Bearer s3cret")),
    ],
)
def test_a_key_goes_where_the_client_had_it_and_not_onto_the_tape(again, server, headers, wanted):
    done = again(recorded(headers=headers), key="s3cret")
    name, value = wanted
    assert server.seen[0].headers[name] == value
    assert "s3cret" not in done.tape.read_text()


def test_a_key_in_the_query_is_replaced_there(again, server):
    url = "https://host/v1beta/chat/completions?alt=sse&key=REDACTED"
    again(recorded(url=url, headers={}), key="s3cret")
    again(recorded(url=url, headers={}))
    assert [str(r.url.query, "ascii") for r in server.seen] == ["alt=sse&key=s3cret", "alt=sse"]
    assert "authorization" not in server.seen[0].headers


class Known:
    url, api_key = "http://127.0.0.1:9", "own"


def test_a_servers_own_key_is_used_but_none_for_an_address(again, server):
    again(None, Known())
    again(None, Known.url)
    assert [r.headers.get("authorization") for r in server.seen] == ["Bearer own", None]
    assert {r.url.port for r in server.seen} == {9}


STREAM = "".join(
    f"data: {json.dumps(e)}\n\n"
    for e in (
        {"id": "b", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Af"}}]},
        {"id": "b", "choices": [{"index": 0, "delta": {"content": "ter."}, "finish_reason": "stop"}]},
    )
)


def test_a_streamed_response_is_read_to_its_end(again, server):
    server.response = httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=(STREAM + "data: [DONE]\n\n").encode()
    )
    done = again(None, stream=True)
    assert (done.after.content, done.after.finish_reason) == ("After.", "stop")
    assert done.after.exchange.streamed
    assert done.answered


def test_the_new_tape_says_where_the_request_comes_from(again):
    done = again(None, "http://new:1", temperature=0, source="old.tape.jsonl")
    records = Tape.read(done.tape).records()
    assert [r["_type"] for r in records] == ["replay", "entry"]
    assert records[0] == {
        "_type": "replay",
        "source": "old.tape.jsonl",
        "turn": "turn 1",
        "entry": 1,
        "changes": [{"path": "temperature", "before": 0.7, "after": 0}],
        "server": "http://new:1",
    }
    assert flaws(records[0]) == []


def test_a_tape_is_continued_and_its_turns_are_left_alone(again):
    first = again()
    second = again(None, temperature=1)
    assert first.tape == second.tape
    assert len(Tape.read(second.tape).entries) == 2
    assert second.changes[0].after == 1


def cut(size):
    return recorded(SENT[:40], {"Content-Type": "application/json", "Content-Length": str(size)})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (cut(len(SENT)), "not recorded in full"),
        (recorded(SENT[:40], {"Content-Type": "application/json"}), "not recorded in full"),
        (recorded(None), "not on the tape"),
        (recorded("\x1f\x8b", {"Content-Encoding": "gzip"}), "compressed"),
    ],
)
def test_a_request_that_is_not_on_the_tape_in_full_is_not_sent(again, server, made, said, tmp_path):
    with pytest.raises(CourseError, match=said):
        again(made)
    assert server.seen == []
    assert list(tmp_path.iterdir()) == [], "no tape is left behind"


def test_a_body_that_is_not_json_is_sent_unchanged_or_not_at_all(again, server):
    text = "q=1&r=ä"
    made = recorded(text, {"Content-Type": "text/plain", "Content-Length": str(len(text.encode()))})
    again(made)
    assert server.seen[0].content.decode() == text
    with pytest.raises(CourseError, match="not a JSON object"):
        again(made, temperature=0)


def test_a_request_without_a_body_can_be_sent_too(again, server):
    again(recorded(None, {}, "http://127.0.0.1:8080/v1/models", "GET"))
    assert (server.seen[0].method, server.seen[0].content) == ("GET", b"")


def test_a_turn_without_an_exchange_is_refused(tmp_path):
    (turn,) = turns([{"_type": "step", "response_id": "x", "step_number": 1}])
    with pytest.raises(CourseError, match="no exchange"):
        replay(turn)


def test_a_response_that_breaks_off_is_an_answer(again, server):
    def broken():
        yield STREAM[:60].encode()
        raise httpx.ReadError("gone")

    server.response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=broken())
    done = again()
    assert not done.answered
    assert "gone" in done.after.error


def test_both_answers_are_shown_side_by_side(again, server):
    evil = "<script>alert(1)</script>"
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"what": "x"}'}}
    answer = reply("b", evil, usage={"prompt_tokens": 1234, "completion_tokens": 7})
    answer["choices"][0]["message"]["tool_calls"] = [call]
    server.response = httpx.Response(200, json=answer)
    done = again(None, "http://new:1", temperature=0)
    for said in ("Before.", evil, "1,234", 'look({"what": "x"})', "temperature", "0.7", "http://new:1", "hm"):
        assert said in done.text(), said
    assert max(len(line) for line in done.text(90).splitlines()) <= 90
    for html in (done._repr_html_(), done.page()):
        assert "<script" not in html
        for said in ("Before.", "alert(1)", "1,234", "look(", "temperature", "http://new:1"):
            assert said in html, said
    assert done.page().startswith("<!doctype html>")
    assert repr(done) == done.text()
