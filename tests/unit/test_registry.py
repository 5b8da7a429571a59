"""Processes and ports: only what is ours is ended, and a taken port is named."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from course.cli import app
from course.errors import CourseError
from course.server import Server, connection, processes, registry
from support.faulty import Faulty
from support.upstream import Handler, serving

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEP, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def entry(pid, created):
    return registry.Running(
        pid, created, os.getpid(), processes.created(os.getpid()), "http://x", "p", [], "log"
    )


def test_a_recorded_server_is_found_and_stopped(cache, sleeper):
    registry.record(entry(sleeper.pid, processes.created(sleeper.pid)))
    assert [server.pid for server in registry.stop_all()] == [sleeper.pid]
    assert gone(sleeper.pid)
    assert registry.running() == []


def test_the_server_of_an_open_jupyterlab_keeps_running(cache):
    """The lessons' kernels use it, and `course stop` may be typed in a terminal of that JupyterLab. Others are ended."""
    with contextlib.ExitStack() as started:
        lab, jupyter, model, other = (started.enter_context(subprocess.Popen(SLEEP)) for _ in range(4))
        for process in (lab, jupyter, model, other):
            started.callback(process.kill)
        owners = [(jupyter, registry.LAB, lab), (model, "embedded", lab), (other, "embedded", other)]
        for process, profile, owner in owners:
            born, owner_born = processes.created(process.pid), processes.created(owner.pid)
            registry.record(
                registry.Running(process.pid, born, owner.pid, owner_born, "http://x", profile, [], "log")
            )
        done = CliRunner().invoke(app, ["stop"]).stdout.splitlines()
        assert [line.partition(" (")[0] for line in done] == [
            "stopped embedded at http://x",
            "left running: embedded at http://x",
        ]
        assert [process.poll() is None for process in (jupyter, model)] == [True, True], (
            "the lab lost its server"
        )
        assert gone(other.pid)
        lab.kill()
        lab.wait()
        assert {server.pid for server in registry.stop_all()} == {jupyter.pid, model.pid}


@pytest.mark.attack(
    "server", "course stop, after the pid of a server went to another process", "that process is left alone"
)
def test_a_recycled_pid_is_never_killed(cache, sleeper):
    registry.record(entry(sleeper.pid, processes.created(sleeper.pid) - 100))
    assert registry.stop_all() == []
    assert sleeper.poll() is None


@pytest.mark.skipif(not psutil.LINUX, reason="not applicable: other systems store the start time itself")
def test_a_server_is_known_after_the_clock_was_set(cache, sleeper, monkeypatch):
    registry.record(entry(sleeper.pid, processes.created(sleeper.pid)))
    real = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: real + 3600)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: real + 3600)
    assert [server.pid for server in registry.running()] == [sleeper.pid]


def test_a_broken_record_is_dropped(cache):
    (registry.folder() / "1.json").write_text('{"pid": ')
    assert registry.running() == []
    assert not list(registry.folder().iterdir())


@pytest.mark.parametrize(
    "field",
    [
        {"pid": "x"},
        {"pid": -1},
        {"pid": 0},
        {"pid": 2**70},
        {"created": None},
        {"created": 10**400},
        {"owner": "x"},
        {"owner": -1},
        {"owner_created": []},
        {"url": 1},
    ],
    ids=lambda field: next(iter(field)),
)
def test_a_record_with_a_field_of_a_wrong_form_is_dropped(cache, sleeper, field):
    path = registry.record(entry(sleeper.pid, processes.created(sleeper.pid)))
    path.write_text(json.dumps(json.loads(path.read_text()) | field))
    assert registry.stop_all() == []
    assert not path.exists()


@pytest.mark.attack(
    "server",
    "course stop, with a record that cannot be read, as another user's in a shared cache",
    "it is left alone, and its owner still finds the server",
    fell=2,
)
def test_a_record_that_cannot_be_read_is_left_alone(cache, sleeper, monkeypatch):
    path = registry.record(entry(sleeper.pid, processes.created(sleeper.pid)))

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as other:
        other.setattr(Path, "read_bytes", refused)
        other.setattr(Path, "read_text", refused)
        assert registry.running() == []
    assert path.exists(), "course stop would never find this server"
    assert [server.pid for server in registry.running()] == [sleeper.pid]


def test_a_process_that_ignores_the_request_is_killed():
    if not processes.POSIX:
        pytest.skip("Windows has no request to ignore")
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", stubborn], start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        processes.end(process.pid, processes.created(process.pid), patience=0.3)
        process.wait(60)  # a busy computer may take a moment to end what was killed
        assert gone(process.pid)


def test_a_port_taken_by_another_program_is_named(cache):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CourseError) as error:
            Server("embedded", port=port, model=__file__)._choose_port()
    said = str(error.value)
    assert f"port {port} is in use by another program" in said
    assert f"pid {os.getpid()}), which is not a llama-server" in said
    assert "course serve --port" in said


@pytest.mark.skipif(not psutil.LINUX, reason="not applicable: other systems do not tell whose a port is")
def test_another_user_s_server_is_not_taken_for_ours(sleeper, monkeypatch):
    """On a hub, two learners start a server at the same moment: the slower one's process still lives, without a port."""
    server = Server("embedded", url=False)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server.url = f"http://127.0.0.1:{port}"
        assert not registry.foreign(port)
        monkeypatch.setattr(registry, "holder", lambda port: None)  # the system hides other users' processes
        assert server._listens(sleeper), "where nothing is known, an answer counts"
        monkeypatch.setattr(os, "getuid", lambda: other_user)
        other_user = os.stat("/proc/self").st_uid + 1
        assert registry.foreign(port)
        assert not server._listens(sleeper)
    assert not registry.foreign(port), "nobody listens any more"


def test_a_system_without_the_kernel_s_lists_tells_nothing(tmp_path):
    (tmp_path / "tcp").write_text("  sl  local_address\nnonsense")
    assert not registry.foreign(80, tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_port_is_free_until_somebody_listens(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6:
        try:
            socket.create_server((host, 0), family=family).close()
        except OSError:  # its Python may know IPv6 where no interface has it, as in a container
            pytest.skip("not applicable: this system has no IPv6")
    port = registry.free_port(host)
    assert registry.next_free(port, host) == port
    with socket.create_server((host, port), family=family):
        assert not registry.is_free(port, host)
        assert registry.next_free(port, host) > port


def test_a_server_that_was_left_running_on_purpose_is_not_an_orphan(sleeper):
    pid, created = sleeper.pid, processes.created(sleeper.pid)
    own = registry.Running(pid, created, pid, created, "http://x", "p", [], "log")
    assert not own.orphan
    sleeper.kill()
    sleeper.wait()
    assert not own.orphan, "course stop would call the owner gone"


@pytest.mark.parametrize(
    ("headers", "body", "llama"),
    [
        ({"server": "llama.cpp"}, {"error": "loading"}, True),
        ({"server": "nginx"}, {"data": [{"owned_by": "llamacpp"}]}, True),
        ({"server": "nginx"}, {"data": [{"owned_by": "vllm"}]}, False),
        ({}, {"data": []}, False),
        ({}, ["x"], False),
        ({}, None, False),
    ],
)
def test_a_llama_server_is_told_by_its_header_or_behind_a_proxy_by_its_list_of_models(headers, body, llama):
    assert connection.calls_itself_llama(httpx.Response(200, headers=headers, json=body)) is llama


@pytest.mark.attack(
    "server",
    "course doctor and course serve, with a program on the port whose answer has no end",
    "told from a llama-server within seconds, by at most 64 KiB",
    fell=2,
)
@pytest.mark.parametrize(("pause", "size"), [(0, 2**16), (0.01, 20)])
def test_an_endless_answer_is_read_up_to_a_limit(monkeypatch, pause, size):
    sent = [0]

    class Camera(Handler):
        def on_v1(self, body, rest):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not self.server.go.wait(pause):
                self.chunk(b"x" * size)
                sent[0] += size

    if pause:
        monkeypatch.setattr(registry, "MOMENT", 0.5)
    with serving(Camera) as server:
        late = threading.Timer(20, server.go.set)
        late.start()
        try:
            assert not registry.is_llama_server(server.url)
            assert not server.go.is_set(), f"{sent[0]:,} bytes were read until the server sent no more"
        finally:
            late.cancel()
            server.go.set()
    assert sent[0] < 2**24, f"{sent[0]:,} bytes were read"


def test_a_llama_server_is_known_by_what_it_answers():
    with Faulty() as server:
        assert registry.is_llama_server(server.url)
