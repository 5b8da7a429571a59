"""Replay: one recorded request is sent again, changed in one place, recorded, and compared with the first answer."""

import json

import httpx
import pytest
from typer.testing import CliRunner

from course.cli import app
from course.errors import CourseError
from course.replay import ABSENT, replay
from course.replay.edits import edited, message_path, value_of
from course.replay.sending import target
from course.tape import Tape
from course.tape.schema import flaws
from course.turns import turns
from support.records import entry, reply
from support.upstream import Handler, serving

BODY = {
    "model": "m",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Wie groß?"}],
    "temperature": 0.7,
    "chat_template_kwargs": {"enable_thinking": True},
}
SENT = json.dumps(BODY, ensure_ascii=False)  # with blanks, unlike what Python's clients send
HEADERS = {
    "Host": "127.0.0.1:8080",
    "Content-Type": "application/json",
    "Content-Length": str(len(SENT.encode())),
    "Accept-Encoding": "br, zstd",
    "User-Agent": "their/1",
    "X-Trace": "7",
    "Authorization": "REDACTED",
    "Cookie": "REDACTED",
    "Connection": "keep-alive",
}


def recorded(text=SENT, headers=HEADERS, url="http://127.0.0.1:8080/v1/chat/completions", method="POST"):
    """An entry as the tape has it."""
    made = entry(1, [], reply("a", "Before."))
    post = {} if text is None else {"postData": {"mimeType": "application/json", "text": text}}
    named = [{"name": k, "value": v} for k, v in headers.items()]
    made["request"] = {"method": method, "url": url, "headers": named, **post}
    return made


def turn_of(made):
    return turns([made])[0]


class Server:
    """Answers every request with this response, and keeps the requests."""

    def __init__(self, response=None):
        self.response = response or httpx.Response(200, json=reply("b", "After."))
        self.seen = []

    @property
    def transport(self):
        return httpx.MockTransport(self.answer)

    def answer(self, request):
        self.seen.append(request)
        return self.response


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


CHAT = "http://old:1/v1/chat/completions"


@pytest.mark.parametrize(
    ("old", "server", "new"),
    [
        (CHAT, None, CHAT),
        (CHAT, "127.0.0.1:8081", "http://127.0.0.1:8081/v1/chat/completions"),
        (CHAT, "http://new/", "http://new/v1/chat/completions"),
        (CHAT, "https://new/api/v1", "https://new/api/v1/chat/completions"),
        (CHAT, "https://new/v1beta/openai/", "https://new/v1beta/openai/chat/completions"),
        ("http://old/openai/v1/completions", "http://new/v1", "http://new/v1/completions"),
        ("http://old/v1/responses", "http://new/v1", "http://new/v1/responses"),
        ("http://old/v1/messages?beta=true", "http://new", "http://new/v1/messages?beta=true"),
        ("http://old/v1/messages/count_tokens", "http://new/x/v1", "http://new/x/v1/messages/count_tokens"),
        ("http://old/api/chat", "http://new:11434", "http://new:11434/api/chat"),
        ("http://old/api/chat", "http://new/api", "http://new/api/chat"),
        ("http://old/api/generate", "http://new/ollama", "http://new/ollama/api/generate"),
        ("http://old/completion", "http://new", "http://new/completion"),
        ("http://old/v1/models", "http://new/v1", "http://new/v1/models"),
    ],
)
def test_the_path_of_every_api_goes_to_another_server(old, server, new):
    assert target(old, server) == new


@pytest.mark.parametrize("server", ["http://", "ftp://host", "http://host:port", "http://me:pw@host"])
def test_what_is_not_an_address_is_refused(server):
    with pytest.raises(CourseError, match="--server"):
        target(CHAT, server)


@pytest.mark.parametrize(
    ("body", "number", "path"),
    [
        (BODY, 1, "messages.0.content"),
        (BODY, -1, "messages.1.content"),
        ({"prompt": "Once"}, 1, "prompt"),
        ({"input": "Once"}, -1, "input"),
        ({"input": [{"role": "user", "content": "x"}]}, 1, "input.0.content"),
        ({"input": [{"type": "function_call_output", "output": "4"}]}, 1, "input.0.output"),
    ],
)
def test_a_message_is_found_in_every_api(body, number, path):
    assert message_path(body, number) == path


@pytest.mark.parametrize(
    ("body", "number"), [(BODY, 0), (BODY, 3), (BODY, -3), ({"prompt": "x"}, 2), ({}, 1)]
)
def test_a_message_that_is_not_there_is_named(body, number):
    with pytest.raises(CourseError, match=f"no message {number}"):
        message_path(body, number)


def test_an_edit_changes_a_copy():
    before = {"a": [{"b": 1}], "c": 2}
    after, changes = edited(before, {"a.0.b": 3, "a.-1.d": None, "e.f": "x", "c": ABSENT})
    assert after == {"a": [{"b": 3, "d": None}], "e": {"f": "x"}}
    assert before == {"a": [{"b": 1}], "c": 2}
    assert [str(c) for c in changes] == [
        "a.0.b: 1 → 3",
        "a.-1.d: not set → null",
        'e.f: not set → "x"',
        "c: 2 → not set",
    ]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("a.5.b", 1, "one of 1 items"),
        ("a.x", 1, "one of 1 items"),
        ("c.d", 1, "c is 2"),
        ("z", ABSENT, "no field z"),
    ],
)
def test_a_place_that_is_not_there_is_named(path, value, said):
    with pytest.raises(CourseError, match=said):
        edited({"a": [{"b": 1}], "c": 2}, {path: value})


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), ("true", True), ("null", None), ('"8"', "8"), ("[1]", [1]), ("none", "none"), ("", "")],
)
def test_a_value_is_json_if_it_can_be(text, value):
    assert value_of(text) == value


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


# ─── The command, with a real server


class Chat(Handler):
    """Answers with the text of the last message, or refuses."""

    def on_v1(self, body, rest):
        asked = json.loads(body)
        if asked.get("refuse"):
            return self.whole(b'{"error": {"message": "unknown field refuse"}}', status=400)
        if asked.get("private") and self.headers.get("Authorization") != "Bearer s3cret":
            return self.whole(b'{"error": {"message": "no key"}}', status=401)
        return self.whole(json.dumps(reply("b", asked["messages"][-1]["content"])).encode())


@pytest.fixture
def upstream():
    with serving(Chat) as server:
        yield server


@pytest.fixture
def old(tmp_path):
    tape = Tape(tmp_path / "old.tape.jsonl")
    tape.add(recorded())
    return tape.path


@pytest.fixture
def command(old, upstream, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*options, server=upstream.url, tape=old):
        named = ["--server", server] if server else []
        return CliRunner().invoke(app, ["replay", str(tape), "--turn", "1", *named, *options])

    return run


def test_the_command_sends_records_and_compares(command, upstream, old, tmp_path):
    before = old.read_bytes()
    done = command(
        "--set", "temperature=0", "--set", "reasoning_format=none", "--message", "2=Hi there", "-o", "c.html"
    )
    assert done.exit_code == 0, done.output
    sent = json.loads(upstream.seen[0][3])
    assert (sent["temperature"], sent["reasoning_format"]) == (0, "none")
    assert "Before." in done.output
    assert "Hi there" in done.output
    assert "Hi there" in (tmp_path / "c.html").read_text(encoding="utf-8")
    assert old.read_bytes() == before
    (made,) = (tmp_path / "tapes").iterdir()
    assert f"tape: tapes/{made.name}" in done.output.replace("\\", "/")
    assert turns(Tape.read(made).records())[0].content == "Hi there"


def test_a_refusal_is_shown_and_the_exit_status_says_so(command):
    done = command("--set", "refuse=true")
    assert (done.exit_code, "unknown field refuse" in done.output) == (3, True), done.output


def test_a_key_comes_from_the_variable_that_is_named(command, monkeypatch, upstream, tmp_path):
    assert "--key-env" in command("--set", "private=true").output
    missing = command("--key-env", "MY_KEY")
    assert (missing.exit_code, "MY_KEY" in missing.output) == (1, True)
    monkeypatch.setenv("MY_KEY", "s3cret")
    done = command("--set", "private=true", "--key-env", "MY_KEY")
    assert done.exit_code == 0, done.output
    assert all("s3cret" not in t.read_text() for t in (tmp_path / "tapes").iterdir())


def test_a_key_can_be_typed_in(command, monkeypatch):
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "s3cret")
    assert command("--set", "private=true", "--key").exit_code == 0
    assert "127.0.0.1" in asked[0], "it says for which server"


def test_the_tape_itself_is_never_written_to(command, old):
    before = old.read_bytes()
    done = command("--tape", str(old))
    assert (done.exit_code, "the tape itself" in done.output) == (1, True)
    assert old.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--turn", "9"], "no turn 9"),
        (["--run", "2"], "no run 2"),
        (["--set", "temperature"], "FIELD=VALUE"),
        (["--message", "x=y"], "not 'x'"),
        (["--unset", "nothing"], "no field nothing"),
        (["--server", "http://127.0.0.1:9"], "no server answers at http://127.0.0.1:9"),
        (["--server", "ftp://x"], "not a plain server address"),
    ],
)
def test_what_cannot_be_sent_is_said_in_words(command, options, said):
    done = command(*options)
    assert done.exit_code == 1, done.output
    assert said in done.output
    assert "Traceback" not in done.output


def test_on_a_tape_with_several_runs_the_run_must_be_named(command, tmp_path):
    tape = Tape(tmp_path / "two.tape.jsonl")
    for question in ("a", "b"):
        tape.add({"_type": "run", "question": question})
        tape.add(recorded())
    done = command(tape=tape.path)
    assert (done.exit_code, "--run 1" in done.output) == (1, True), done.output
    assert command("--run", "2", tape=tape.path).exit_code == 0
