"""Servers that hang, and programs that end while theirs runs: the first are named, the second leave nothing."""

import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from course.server import connection, processes, registry, serving, silence

PATIENCE = 60  # seconds for what takes one on an idle machine
pytestmark = pytest.mark.skipif(os.name == "nt", reason="not applicable: Windows has no such signals")

SLOW = """
import http.server, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0 if self.path == "/health" else SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def quick(monkeypatch):
    """/health is asked soon. How long it may take is of interest only where it never answers."""
    monkeypatch.setattr(silence, "SILENCE", 0.1)
    monkeypatch.setattr(silence, "PATIENCE", PATIENCE)


@pytest.fixture
def slow():
    """Starts a server that answers /health at once and everything else after so many seconds."""
    started = []

    def start(seconds):
        command = [sys.executable, "-c", SLOW.replace("SECONDS", str(seconds))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, f"http://127.0.0.1:{process.stdout.readline().strip()}"

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.attack(
    "server",
    "SIGSTOP of the server during a request",
    "reported within 15 s, with the command that continues it",
    fell=3,
)
def test_a_server_that_is_suspended_is_named(cache, slow, quick, capsys, monkeypatch):
    monkeypatch.setattr(silence, "PATIENCE", 2)
    process, url = slow(0.2)
    answers = []

    def ask():
        with httpx.Client(transport=connection.transport(url), timeout=PATIENCE) as client:
            answers.append(client.get(f"{url}/v1/models").text)

    asking = threading.Thread(target=ask)
    process.send_signal(signal.SIGSTOP)
    asking.start()
    said, deadline = "", time.monotonic() + PATIENCE
    while "kill -CONT" not in said and time.monotonic() < deadline:
        time.sleep(0.02)
        said += capsys.readouterr().err
    monkeypatch.setattr(silence, "PATIENCE", PATIENCE)
    process.send_signal(signal.SIGCONT)
    asking.join()
    said += capsys.readouterr().err
    assert (
        f"does not answer /health: its process is suspended.\nLet it continue:  kill -CONT {process.pid}"
        in said
    )
    assert said.count("does not answer") == 1
    assert answers == ["done"]


def test_a_server_that_works_for_long_is_left_alone(cache, slow, quick, capsys):
    _, url = slow(0.6)
    assert connection.Connection(url).request("GET", "/slow").text == "done"
    assert capsys.readouterr().err == ""


def test_a_timeout_of_the_client_still_counts(slow, quick):
    _, url = slow(250)
    began, limits = time.monotonic(), httpx.Timeout(PATIENCE, read=0.3)
    with (
        httpx.Client(transport=connection.transport(url), timeout=limits) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get(url)
    assert time.monotonic() - began < PATIENCE


HOLDER = """
import signal
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
import subprocess, sys, time, weakref
from course.server import processes
from course.server.owner import ends_with_us
class Holder: pass
holder = Holder()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(250)"], start_new_session=True)
ends_with_us(weakref.finalize(holder, processes.end, child.pid, processes.created(child.pid)))
print(child.pid, flush=True)
time.sleep(250)
"""
"""The first lines are for a machine where whoever called pytest ignores the signal, as nohup does."""


@pytest.mark.attack(
    "server", "SIGTERM or SIGHUP to a program that holds a Server", "its llama-server ends with it", fell=2
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_a_program_ends_its_server(number):
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        pid = int(holder.stdout.readline())
        born = processes.created(pid)
        holder.send_signal(number)
        assert holder.wait(PATIENCE) == -number
    assert processes.alive(pid, born) is None


def test_a_programs_own_handler_stays(monkeypatch):
    program = HOLDER.replace(
        "import subprocess", "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nimport subprocess"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        pid = int(holder.stdout.readline())
        born = processes.created(pid)
        holder.send_signal(signal.SIGTERM)
        assert holder.wait(PATIENCE) == 7
    assert processes.alive(pid, born) is None, "weakref.finalize did not run at exit"


@pytest.mark.attack(
    "server",
    "course stop, with another user's process in the registry",
    "only this user's servers are stopped",
)
def test_another_users_process_is_not_stopped(cache, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(250)"]) as other:
        try:
            born = processes.created(other.pid)
            registry.record(registry.Running(other.pid, born, other.pid, born, "http://x", "p", [], "log"))
            monkeypatch.setattr(os, "getuid", lambda: psutil.Process().uids().real + 1)
            assert registry.stop_all() == []
            assert other.poll() is None
            monkeypatch.undo()
            monkeypatch.setenv("COURSE_CACHE", str(cache))
            assert [server.pid for server in registry.stop_all()] == [other.pid]
        finally:
            other.kill()


@pytest.mark.attack(
    "server",
    "serve --background --socket in a folder with a space and a quote",
    "a hint that the shell takes",
    fell=3,
)
def test_the_hint_of_a_server_in_the_background_can_be_pasted(monkeypatch, capsys):
    url = "unix:///ho me/it's here/llama.sock"

    class Started:
        log_path = "log"

        def __init__(self, *_, **__):
            self.url = url

        def start(self):
            return self

        def detach(self):
            pass

    monkeypatch.setattr(serving, "Server", Started)
    serving.in_background(None, None, {})
    hint = capsys.readouterr().out.partition("Use it:")[2].splitlines()[0]
    said = subprocess.run(
        ["sh", "-c", hint.replace("course ask", "sh -c 'printf %s \"$SERVER\"'")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == url
