"""Attaching to what is not a llama-server: each wrong address has its own message."""

import http.server
import json
import threading

import httpx
import pytest

from course import doctor
from course.agent import recorded_run
from course.errors import CourseError
from course.server import Server
from course.tape import Tape
from support.scripted import Script, code
from support.upstream import nobody


@pytest.fixture
def web():
    """Some other web server, which answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()
        thread.join()


def test_another_web_server_is_recognized(web):
    with pytest.raises(CourseError, match=r"is not a llama-server"):
        Server(url=web).start()


MODELS = b'{"data": [{"id": "a-model", "owned_by": "llamacpp"}]}'
NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def answering():
    """Start a server that answers GET with this body for each path; returns its address."""
    ends = []

    def start(**bodies):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(bodies.get(self.path.rpartition("/")[2], b"{}"))

            do_POST = do_GET

            def log_message(self, *_):
                pass

        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        ends.append((other, thread))
        return f"http://127.0.0.1:{other.server_port}"

    yield start
    for other, thread in ends:
        other.shutdown()
        thread.join()
        other.server_close()


FORMS = [
    b"[]",
    b"null",
    b"5",
    b"NaN",
    b"{",
    b"",
    b'"x"',
    b"\xff\xfe",
    b'{"data": {}}',
    b'{"data": [1]}',
    NESTED,
]
FORM_NAMES = [form[:16].decode("latin-1") for form in FORMS]


@pytest.mark.attack(
    "server",
    "/v1/models of any form: [], null, a number, NaN, cut off, empty, not UTF-8, 100,000 nested lists",
    "reported: it is not a llama-server",
    fell=2,
)
@pytest.mark.parametrize("form", FORMS, ids=FORM_NAMES)
def test_a_list_of_models_of_any_form_is_not_a_llama_server(answering, form):
    with pytest.raises(CourseError, match=r"is not a llama-server.*\n.*course serve"):
        Server(url=answering(models=form), quiet=True).start()


@pytest.mark.attack(
    "server",
    "/props and other endpoints of any form: [], null, a number, NaN, cut off, empty, not UTF-8, 100,000 nested lists",
    "a message with what was seen",
    fell=2,
)
@pytest.mark.parametrize("form", FORMS[:8] + FORMS[-1:], ids=FORM_NAMES[:8] + FORM_NAMES[-1:])
def test_an_answer_of_another_form_is_a_message(answering, monkeypatch, form):
    url = answering(models=MODELS, props=form, tokenize=form, **{"apply-template": form})
    server = Server(url=url, quiet=True).start()
    for ask in (server.props, lambda: server.tokenize("a"), lambda: server.apply_template([])):
        with pytest.raises(CourseError, match=r"answered .* cannot be read as an object.*\n.*course serve"):
            ask()
    monkeypatch.setenv("SERVER", url)
    check = next(check for check in doctor.checks() if check.name == "server")
    assert not check.ok
    assert "cannot be read as an object" in check.saw


ODD = [
    {"default_generation_settings": [1]},
    {"default_generation_settings": {"n_ctx": "many"}, "build_info": [5], "model_path": {}},
    {"default_generation_settings": None, "build_info": None},
    {},
]


@pytest.mark.attack(
    "server",
    "/props with fields of other types, n_ctx 1e400",
    "asked anyway; the field is left out",
    fell=2,
)
@pytest.mark.parametrize(
    "props",
    [*(json.dumps(odd).encode() for odd in ODD), b'{"default_generation_settings": {"n_ctx": 1e400}}'],
)
def test_a_field_of_the_properties_is_no_reason_not_to_ask(answering, tmp_path, props):
    server = Server(url=answering(models=MODELS, props=props), quiet=True).start()
    tape, script = Tape(tmp_path / "t.tape.jsonl"), Script(code("final_answer(4)"))
    done = recorded_run(server, "How much?", tape, tools=[], model={"transport": script.transport})
    assert done.answer == 4
    about = Tape.read(tape.path).records()[0]["server"]
    assert (about["n_ctx"], about["build"], about["model_path"]) == (None, None, None)
    assert "Infinity" not in tape.path.read_text()


@pytest.mark.parametrize("number", ["NaN", "1e400", "1e300", '"5"'])
def test_a_step_with_counts_that_are_none_is_not_set_aside(tmp_path, number):
    answer = {"id": 7, "choices": [{"message": {"role": "assistant", "content": code("final_answer(4)")}}]}
    usage = {"prompt_tokens": 4711, "completion_tokens": 5, "total_tokens": 4716}
    text = json.dumps({**answer, "usage": usage}).replace("4711", number)
    script, tape = Script(httpx.Response(200, text=text)), Tape(tmp_path / "t.tape.jsonl")
    recorded_run(script, "How much?", tape, tools=[], model={"transport": script.transport})
    assert "invalid" not in [r["_type"] for r in Tape.read(tape.path).records()]


def test_nobody_answers():
    with nobody() as url, pytest.raises(CourseError, match=r"answers at .*\n.*course serve"):
        Server(url=url).start()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "http://127.0.0.1:port", "http://"])
def test_a_malformed_address_is_refused(url):
    with pytest.raises(CourseError, match=r"SERVER=http://"):
        Server(url=url).start()


def test_a_running_server_cannot_be_changed(web):
    with pytest.raises(CourseError, match=r"cannot be changed \(jinja\)"):
        Server(url=web, jinja=False)


def test_the_environment_attaches_only_when_nothing_is_changed(monkeypatch, web):
    monkeypatch.setenv("SERVER", f"{web}/v1/")
    assert Server().url == web
    assert not Server(jinja=False).attached
    assert not Server(port=8090).attached
    assert not Server(url=False).attached


def test_another_profile_is_not_what_the_environment_serves(monkeypatch):
    """Under `make lab` both are set; PROFILE = "…" in a notebook asks for a server of its own."""
    monkeypatch.setenv("SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("PROFILE", "embedded")
    assert Server("embedded").attached
    assert Server().attached
    assert not Server("qwen3.6-35b-a3b").attached
    monkeypatch.delenv("PROFILE")
    assert Server("qwen3.6-35b-a3b").attached, "who names SERVER alone may say which profile it is"


@pytest.mark.attack(
    "server",
    "serve -- --host ::1: a flag that the course sets itself",
    "refused, with the way to set it",
    fell=3,
)
@pytest.mark.parametrize("flag", ["--host", "--port"])
def test_a_flag_that_the_course_sets_itself_is_refused_with_the_way_to_set_it(flag):
    with pytest.raises(CourseError, match=rf"{flag} is set by the course.*\n.*:  "):
        Server("embedded", url=False, extra=[flag, "1"])
