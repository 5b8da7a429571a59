"""Text from outside on the terminal: no control character gets there, from wherever it comes, on any terminal."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import unicodedata

import pytest
from typer.testing import CliRunner

from course import view
from course.cli import app
from course.server.registry import free_port
from course.tap import Tap, command
from course.tape import Tape
from course.terminal import fitting, say, visible
from course.turns import turns
from support.diagnosed import RUN, act, call, refused
from support.records import SYSTEM, entry, reply, step
from support.upstream import Handler, serving

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil\x1b\\\x1b[2J\x9b2J\x9d0;t\x9c\x00\x08\r\x7f\u202e\u2066\u200f\u2028"
"""OSC 52 and 8, CSI, C1, NUL, BS, CR, DEL, bidi: what a terminal would obey."""
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
HALF = "\ud83d"


def obeyed(text: str) -> set[str]:
    """The characters in it that a terminal would not show but obey."""
    return {
        c
        for c in text
        if c not in "\n\t"
        and (
            unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(c) in BIDI
            or c in "\u200e\u200f\u061c"
        )
    }


def course(*arguments: str, env: dict[str, str] | None = None) -> str:
    """What the command prints, on both streams."""
    done = CliRunner().invoke(app, list(arguments), env=env)
    assert isinstance(done.exception, SystemExit | None), repr(done.exception)
    return done.output


def taped(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def test_every_such_character_becomes_an_escape_of_json():
    every = " ".join(map(chr, range(0x10000)))
    assert obeyed(visible(every)) == set()
    assert "\n" in visible(every)
    assert json.loads(visible(json.dumps(every, ensure_ascii=False))) == every
    assert visible("é 😀 👨‍👩‍👧 日本\r\n\tx") == "é 😀 👨‍👩‍👧 日本\n\tx"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_text_fits_every_terminal(encoding):
    text = "✓ é 😀 “x”"
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    fitted = fitting(text, out)
    fitted.encode(encoding)
    assert json.loads(f'"{fitted}"') == text


class Evil(Handler):
    """A llama-server whose every text is evil, or that refuses in such words."""

    refuses = False

    def do_GET(self):
        self.body()
        name = f"model {EVIL}"
        if self.path == "/v1/chat/completions":
            said = f"{EVIL}{HALF} so.\n<code>\nprint({EVIL!a})\nfinal_answer({EVIL + HALF!a})  # {EVIL[:9]}\n</code>"
            message = {"role": "assistant", "content": said, "reasoning_content": f"hm {EVIL}{HALF}"}
            whole = {"id": "a", "object": "chat.completion", "created": 1, "model": name}
            given = whole | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            given |= {"usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}}
        elif self.path == "/v1/models":
            given = {"data": [{"id": name, "owned_by": "llamacpp"}]}
        else:
            given = {"build_info": EVIL, "default_generation_settings": {"n_ctx": 8192}}
        refused = self.refuses and self.path == "/v1/chat/completions"
        error = {"error": {"message": f"no {EVIL}{HALF}", "type": EVIL}}
        self.whole(json.dumps(error if refused else given).encode(), status=400 if refused else 200)
        self.wfile.flush()

    do_POST = do_GET


class Refusing(Evil):
    refuses = True


@pytest.mark.attack(
    "text",
    "ask: ESC OSC 0/8/52, CSI, C1, CR, BS, NUL, bidi in answer, thinking, code, observation and the model's name",
    "shown as escapes; a terminal gets none",
    fell=1,
)
@pytest.mark.attack("text", "ask: the same in the server's error", "shown as escapes", fell=1)
@pytest.mark.attack("text", "ask: half of a surrogate pair in an answer", "printed as an escape", fell=2)
@pytest.mark.parametrize("handler", [Evil, Refusing])
def test_what_a_model_or_a_server_says_cannot_control_the_terminal(tmp_path, handler):
    with serving(handler) as server:
        out = course("ask", "How?", "--server", server.url, "--max-steps", "1", "--tape", str(tmp_path / "t"))
    assert obeyed(out) == set()
    assert "\\u001b]52;c" in out
    assert "\\ud83d" in out
    if handler is Evil:
        assert re.search(r"serves model \\u001b", out)
        for part in ("← thinking", "code that ran", "observation", "answer:"):
            assert part in out
    else:
        assert "the run ended without an answer" in out


NAMED = {"function": {"name": f"look{EVIL}", "arguments": "{}"}, "id": "c", "type": "function"}
OFFERED = {
    "tools": [{"type": "function", "function": {"name": f"see{EVIL}", "parameters": {"type": "object"}}}]
}


@pytest.mark.attack("text", "diagnose: the same in quotes", "shown as escapes")
@pytest.mark.attack("text", "diagnose: the same in why and next", "shown as escapes", fell=1)
@pytest.mark.parametrize(
    "records",
    [
        [call(1, None, calls=[NAMED], ask=OFFERED)],
        [refused(401, {"message": f"Invalid API Key {EVIL}"})],
        [refused(400, {"message": f"Unknown parameter: '{EVIL[:9]}'", "param": f"a{EVIL}"})],
        [refused(404, {"message": f"model '{EVIL}' not found", "code": "model_not_found"})],
        [RUN, call(1), act(1, "x", error=f"Code execution failed at line '{EVIL}' due to: X: {EVIL}")],
        [entry(1, [SYSTEM], "", status=0, error=f"ConnectError: {EVIL}")],
        [
            {
                **refused(404, "no"),
                "request": {**call(1)["request"], "url": "http://h/\x1b]0;t\x9c/v1/chat/completions"},
            }
        ],
    ],
)
def test_what_a_diagnosis_says_cannot_control_the_terminal(tmp_path, records):
    path = taped(tmp_path / "t.tape.jsonl", *records)
    for options in ([], ["--json"]):
        out = course("diagnose", path, *options)
        assert obeyed(out) == set()
        assert re.search(r"\\(x|u00)1b|%1b", out, re.IGNORECASE)


@pytest.mark.attack("text", "view: the same in the problems of a tape", "shown as escapes")
@pytest.mark.attack("text", "ESC in the name of a file that an error names", "shown as an escape", fell=3)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_problem_with_a_file_cannot_control_the_terminal(tmp_path):
    name = EVIL.replace("/", "").replace("\0", "")
    for tape, said in ((tmp_path / name, "no tape at"), (tmp_path / f"{name}.jsonl", "is not a tape")):
        if said == "is not a tape":
            tape.write_text(EVIL)
        out = course("view", str(tape))
        assert said in out
        assert obeyed(out) == set()
    odd = {**entry(1, [SYSTEM], reply("a")), "time": EVIL, f"x{EVIL}": EVIL}
    path = taped(
        tmp_path / f"{name}2.jsonl", entry(1, [SYSTEM], reply("a")), odd, {"_type": EVIL, "_id": EVIL}
    )
    out = course("view", path)
    assert "was set aside" in out
    assert obeyed(out) == set()


@pytest.mark.attack(
    "tap", "GET /%1b]52;c;…%07%0d%0aGET … in the tap's log", "shown as it went, or escaped", fell=1
)
def test_what_a_client_asks_for_cannot_control_the_terminal(tmp_path, capsys):
    """Percent-coded, and as bytes that no client should send."""
    with serving(Handler) as server, Tap(server.url, Tape(tmp_path / "t"), report=command._line) as tap:
        for target in (b"/%1b]52;c;ZXZpbA==%07%0d%0aGET%20/x", "/\x9b2J\u202e".encode()):
            with socket.create_connection(("127.0.0.1", tap.port), timeout=60) as client:
                client.sendall(
                    b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                assert client.recv(65536)
    said = capsys.readouterr().err
    assert "GET /" in said
    assert obeyed(said) == set()
    assert len(said.splitlines()) <= 2


def test_a_terminal_that_is_full_is_named(monkeypatch):
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(OSError, match="standard output"):
        say("x")


@pytest.mark.attack(
    "text",
    "half of a surrogate pair in an answer: view -o x.har, diagnose --json",
    "escaped, and an older file is all there",
    fell=2,
)
def test_half_of_a_surrogate_pair_can_be_exported(tmp_path):
    odd = call(
        1, None, calls=[{**NAMED, "function": {"name": f"look{HALF}", "arguments": "{}"}}], ask=OFFERED
    )
    path, har = (
        taped(tmp_path / "t.tape.jsonl", odd, entry(2, [SYSTEM], reply("a", HALF))),
        tmp_path / "x.har",
    )
    assert course("view", path, "-o", str(har)) == f"{har}\n"
    texts = [e["response"]["content"]["text"] for e in json.loads(har.read_bytes())["log"]["entries"]]
    assert json.loads(texts[1])["choices"][0]["message"]["content"] == HALF
    assert HALF in json.dumps(json.loads(course("diagnose", path, "--json")), ensure_ascii=False)
    assert course("export", path, "--otlp", str(tmp_path / "x.json")).startswith(str(tmp_path))
    assert json.loads((tmp_path / "x.json").read_bytes())


@pytest.mark.attack(
    "server",
    "dead proxies; COLUMNS=30, NO_COLOR, an ASCII terminal, LANG=C, arguments that are not text",
    "works, and prints as escapes what the terminal cannot show",
)
def test_a_poor_terminal_gets_what_it_can_show(tmp_path):
    dead = f"http://127.0.0.1:{free_port()}"
    poor = {"PYTHONIOENCODING": "ascii", "COLUMNS": "30", "NO_COLOR": "1", "LANG": "C", "LC_ALL": "C"}
    proxies = {"HTTP_PROXY": dead, "HTTPS_PROXY": dead, "ALL_PROXY": dead, "http_proxy": dead}
    path = taped(tmp_path / "t.tape.jsonl", refused(401, {"message": "Invalid API Key é"}))
    odd = "\udcff.jsonl" if os.name == "posix" else "ÿ.jsonl"
    commands = [["--help"], ["diagnose", path], ["view", odd], [odd]]
    program = (
        "import sys; from course.cli import app\nfor line in {}:\n try: app(line)\n except SystemExit: pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", program.format(ascii(commands))],
        capture_output=True, env={**os.environ, **poor, **proxies}, cwd=tmp_path, timeout=250, check=False,
    )  # fmt: skip
    out, err = done.stdout.decode("ascii"), done.stderr.decode("ascii")
    assert "Traceback" not in err
    assert "Start with:" in out
    assert "Invalid API Key \\u00e9" in out
    assert "no tape at" in err
    assert "No such command" in err
    with serving(Evil) as server:
        assert "\\u001b" in course(
            "ask", "x", "--server", server.url, "--tape", str(tmp_path / "u"), env=proxies
        )


def test_the_text_of_a_turn_is_printed_on_an_ascii_terminal(monkeypatch):
    (turn,) = turns([entry(1, [SYSTEM], reply("a", f"é{HALF}")), step("a")])
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    say(view.text(turn))
    assert b"\\u00e9" in out.buffer.getvalue()
