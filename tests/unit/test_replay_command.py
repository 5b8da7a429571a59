"""The command `course replay`, with a real server."""

import json

import pytest
from typer.testing import CliRunner

from course.cli import app
from course.tape import Tape
from course.turns import turns
from support.records import reply
from support.replayed import recorded
from support.upstream import Handler, serving


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
        (["--server", "ftp://x"], "ftp://x is not a valid server address"),
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
