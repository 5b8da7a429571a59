"""What a replay changes: the address, a field, a message."""

import pytest

from course.errors import CourseError
from course.replay import ABSENT
from course.replay.edits import edited, message_path, value_of
from course.replay.sending import target
from support.replayed import BODY

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
