"""The wheel as a program of its own: it serves behind llama-server's flags, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from course.server.registry import free_port

PATIENCE = 120  # seconds for what takes two on an idle machine


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    from course.model.embedded import base_path

    port = free_port()
    log = tmp_path_factory.mktemp("wheel") / "log"
    flags = f"-c 256 -np 1 --alias tiny --metrics --reasoning-format none --port {port}".split()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "course.model.wheel", "-m", str(base_path()), *flags], stderr=file
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE
        while not healthy(url):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)
        yield url, process, log
    finally:
        process.kill()
        process.wait()


def healthy(url):
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_its_flags_reach_the_server(wheel):
    with httpx.Client(base_url=wheel[0], trust_env=False, timeout=PATIENCE) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == "tiny"
        assert client.get("/metrics").status_code == 200
        settings = client.get("/props").json()["default_generation_settings"]
    assert (settings["n_ctx"], settings["params"]["reasoning_format"]) == (256, "none")


def test_it_logs_to_stderr(wheel):
    assert b"listening on http://127.0.0.1" in wheel[2].read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking")
def test_it_ends_when_asked(wheel):
    _, process, _ = wheel
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
