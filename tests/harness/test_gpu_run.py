"""tests/gpu/run with a llama-server that only answers what attaching asks: what it reports, and what it leaves behind.

Build and install are taken as done: a small program stands for the binary, this environment for the wheels.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "gpu" / "run"
SECONDS = 900  # a run takes some ten on an idle machine
pytestmark = pytest.mark.timeout(SECONDS + 100)
BINARY = f"""#!{sys.executable}
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

if "--version" in sys.argv:
    sys.exit(print("version: 11434 (fake)"))
open(os.environ["PID_FILE"], "w").write(str(os.getpid()))
how = os.environ["FAKE"]
if how == "dies":
    sys.exit("fake: no memory for this")
while how == "never ready":
    time.sleep(1)


class Llama(BaseHTTPRequestHandler):
    def do_GET(self):
        key = "Bearer " + os.environ["LLAMA_API_KEY"]
        ok = self.path == "/health" or self.headers.get("Authorization") == key
        name = sys.argv[sys.argv.index("--alias") + 1]
        self.send_response(200 if ok else 401)
        self.end_headers()
        said = {{"status": "ok", "data": [{{"id": name, "owned_by": "llamacpp"}}]}}
        self.wfile.write(json.dumps(said if ok else {{}}).encode())

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Llama).serve_forever()
"""


@pytest.fixture
def machine(tmp_path):
    """A WORK folder in which all is built and installed; returns the environment of a run."""
    work = tmp_path / "work"
    programs = {
        work / "llama.cpp/bin/llama-server": BINARY,
        work / "venv/bin/python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        work / "venv/bin/course": f'#!/bin/sh\nexec "{sys.executable}" -m course.cli "$@"\n',
    }
    for path, text in programs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (work / "venv/ready").touch()
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    unset = {"CI", "SERVER", "PROFILE", "KEY", "PYTEST_ADDOPTS"}
    return {k: v for k, v in os.environ.items() if k not in unset} | {
        "CUDA": "off", "WORK": str(work), "OUT": str(tmp_path / "out"), "MODEL": str(tmp_path / "model.gguf"),
        "ALIAS": "embedded-135m", "TEMPLATE": "none", "FAKE": "ready", "PID_FILE": str(tmp_path / "pid"),
        "PYTHONPATH": str(SCRIPT.parents[2]),
    }  # fmt: skip


def server_is_gone(environment):
    """No process with its pid runs the binary: the pid may be another process's by now."""
    pid = int(Path(environment["PID_FILE"]).read_text())
    binary = f"{environment['WORK']}/llama.cpp/bin/llama-server"
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE or binary not in process.cmdline()
    return True


def lessons(environment, *books, **changes):
    given = {**environment, "TESTS": " ".join(str(HERE / name) for name in books), **changes}
    command = ["bash", SCRIPT, "lessons"]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=SECONDS)


def test_green_lessons_give_a_report_and_the_notebooks_as_they_ran(machine):
    done = lessons(machine, "passes.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    out = Path(machine["OUT"])
    (record,) = json.loads((out / "report.json").read_text())["measurements"].values()
    assert [row["failed"] for row in record["rows"]] == [False, False]
    kept = json.loads((out / "tests/harness/passes.ipynb").read_text())
    assert any(cell.get("execution_count") for cell in kept["cells"])
    assert server_is_gone(machine)


def test_a_failing_lesson_fails_the_run_and_stops_the_server(machine):
    done = lessons(machine, "passes.ipynb", "fails_exception.ipynb")
    assert done.returncode == 1
    assert "LESSONS FAILED" in done.stdout
    rows = json.loads((Path(machine["OUT"]) / "report.json").read_text())["measurements"]["lessons"]["rows"]
    assert [row["failed"] for row in rows] == [True, True, False]
    assert server_is_gone(machine)


def test_cells_of_the_embedded_model_do_not_apply_to_another(machine):
    book = "fails_embedded_only_passes_elsewhere.ipynb"
    done = lessons(machine, book, ALIAS="another-model")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 notebook cell and 0 tests were not run:" in done.stdout


def test_a_server_that_ends_is_told_with_its_log(machine):
    done = lessons(machine, "passes.ipynb", FAKE="dies")
    assert done.returncode == 1
    assert "  | fake: no memory for this" in done.stderr
    assert "the server ended before it was ready" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_all_that_was_started(machine, number, status):
    given = {**machine, "FAKE": "never ready", "TESTS": "notebooks"}
    process = subprocess.Popen(
        ["bash", SCRIPT, "lessons"], env=given, start_new_session=True, preexec_fn=heeds_interrupts
    )
    try:
        pid = Path(machine["PID_FILE"])
        until = time.monotonic() + 300
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < until, "the server was not started"
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(300) == status
        assert server_is_gone(machine)
    finally:  # else what goes on running is found by the tests that look for processes left behind
        with suppress(psutil.NoSuchProcess):
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.kill()
        process.wait()


def heeds_interrupts():
    """As from a terminal: what a script starts with & ignores SIGINT, and hands that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
