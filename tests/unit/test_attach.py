"""Attaching to what is not a llama-server: each wrong address has its own message."""

import http.server
import threading

import pytest

from course.errors import CourseError
from course.server import Server
from course.server.registry import free_port


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


def test_nobody_answers():
    with pytest.raises(CourseError, match=r"answers at .*\n.*course serve"):
        Server(url=f"http://127.0.0.1:{free_port()}").start()


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


@pytest.mark.parametrize("flag", ["--host", "--port", "--api-key"])
def test_a_flag_that_the_course_sets_itself_is_refused_with_the_way_to_set_it(flag):
    with pytest.raises(CourseError, match=rf"{flag} is set by the course.*\n.*:  "):
        Server("embedded", url=False, extra=[flag, "1"])
