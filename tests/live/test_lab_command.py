"""`make lab`, as the README has it: signs of life, an address that opens, and nothing left behind."""

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from course import ROOT
from support import signals, skips

SILENCE = 10  # seconds
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/notebooks/00_welcome\.ipynb\?token=\w+")

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="not applicable: make lab is for Linux, macOS and WSL"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_lab_ends_with_the_address_and_leaves_nothing_running(number):
    if not shutil.which("make"):
        skips.missing("make", "sudo apt-get install make")
    command = ["make", "--no-print-directory", "lab", f"PYTHON={sys.executable}"]
    own = {
        "SERVER",
        "PROFILE",
        "DISPLAY",
        "ARGS",
        "MAKEFLAGS",
        "MAKEOVERRIDES",
    }  # `make test ARGS=…` hands these on
    given = {name: value for name, value in os.environ.items() if name not in own}
    process = subprocess.Popen(
        command, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=signals.interruptible,
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout])
    reader.start()
    said, quiet, began = [], [], time.monotonic()
    children = []
    try:
        while not said or not ADDRESS.fullmatch(said[-1]):
            last = time.monotonic()
            said.append(lines.get(timeout=60).strip())
            quiet.append(time.monotonic() - last)
        children = psutil.Process(process.pid).children(recursive=True)
        answer = httpx.get(said[-1], follow_redirects=True, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text[:300]
        without = httpx.get(said[-1].partition("?")[0], timeout=30, trust_env=False)
        assert without.status_code != 200, "no token was needed"
    finally:
        os.killpg(process.pid, number)
        _, alive = psutil.wait_procs([psutil.Process(process.pid), *children], timeout=30)
        for left in alive:  # a failed test leaves nothing behind either
            left.kill()
        process.wait(timeout=30)
        reader.join(timeout=30)
        process.stdout.close()
    assert max(quiet) < SILENCE, f"{max(quiet):.0f} s of silence in {time.monotonic() - began:.0f} s: {said}"
    assert len(children) > 2, "a server and JupyterLab were running"
    assert not alive, f"left running: {alive}"
