"""`make lab`, as the README has it: signs of life, an address that opens, and nothing left behind."""

import contextlib
import os
import queue
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from course import ROOT
from course.files import cache_dir
from support import signals, skips

SILENCE = 30
"""Seconds: a sign of life is promised for every 8; a busy machine may be late with it, and slow before the first."""
PATIENCE = 120  # seconds for what takes some on an idle machine
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/notebooks/00_welcome\.ipynb\?token=\w+")

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="not applicable: make lab is for Linux, macOS and WSL"
)


KEY = "canary-of-a-key"
SKIPPED = (".git", ".venv", "__pycache__", "site-packages", "node_modules")


def refused(address):
    """Ways in without the token, or under another host's name, that were let in; empty if none was."""
    page, _, token = address.partition("?token=")
    root = page.partition("/lab/")[0]
    tried = {
        "no token": (f"{root}/api/contents", {}),
        "wrong token": (f"{root}/api/contents?token={token[::-1]}", {}),
        "wrong header": (f"{root}/api/kernels", {"Authorization": f"token {token[1:]}"}),
        "the page without a token": (page, {}),
        "another host's name": (address, {"Host": "evil.example"}),
        "its name and the API": (f"{root}/api/contents?token={token}", {"Host": "evil.example:8888"}),
    }
    answers = {
        name: httpx.get(url, headers=headers, timeout=PATIENCE, trust_env=False).status_code
        for name, (url, headers) in tried.items()
    }
    return {name: status for name, status in answers.items() if status not in (302, 403)}


def of_each(processes, asked):
    """What `asked` gives for each of these processes, in one list. Some may have ended meanwhile: those give nothing."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += asked(process)
    return found


def still_running(processes):
    """Those that have not ended in time. One that has, but that nobody has collected yet, does not run."""
    until = time.monotonic() + PATIENCE
    while True:
        _, processes = psutil.wait_procs(processes, timeout=0.2)
        states = [(process, of_each([process], lambda one: [one.status()])) for process in processes]
        processes = [process for process, state in states if state and state != [psutil.STATUS_ZOMBIE]]
        if not processes or time.monotonic() > until:
            return processes


def listening(processes):
    """The addresses at which these processes listen."""
    inet = of_each(processes, lambda process: process.net_connections("inet"))
    return {at.laddr.ip for at in inet if at.status == psutil.CONN_LISTEN}


def written(since, *folders):
    """The texts of the files there that were written since, without those of git and of packages.

    Other tests run meanwhile: what is here at one look can be gone at the next, and somebody may have mounted a system.
    """
    for folder in folders:
        for here, inner, names in os.walk(folder):
            inner[:] = [
                name
                for name in inner
                if name not in SKIPPED and not os.path.ismount(os.path.join(here, name))
            ]
            for path in (Path(here, name) for name in names):
                with contextlib.suppress(OSError):
                    about = path.stat()
                    if stat.S_ISREG(about.st_mode) and about.st_mtime >= since and about.st_size < 10**7:
                        yield path, path.read_bytes()


@pytest.mark.attack("server", "Ctrl-C or SIGTERM while `course lab` runs", "nothing is left running")
@pytest.mark.attack("lab", "what listens while `course lab` runs", "loopback only")
@pytest.mark.attack(
    "lab", "no token, a wrong one, Host: evil.example", "403, or the page that asks for the token"
)
@pytest.mark.attack("lab", "the token and KEY in command lines, logs and the repository's files", "nowhere")
@pytest.mark.timeout(900)
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
    given = {name: value for name, value in os.environ.items() if name not in own} | {"KEY": KEY}
    wall = time.time()
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
            said.append(lines.get(timeout=PATIENCE).strip())
            quiet.append(time.monotonic() - last)
        children = psutil.Process(process.pid).children(recursive=True)
        answer = httpx.get(said[-1], follow_redirects=True, timeout=PATIENCE, trust_env=False)
        assert answer.status_code == 200, answer.text[:300]
        assert refused(said[-1]) == {}, "let in"
        assert listening(children) == {"127.0.0.1"}
        secrets = [said[-1].partition("?token=")[2], KEY]
        commands = of_each(children, psutil.Process.cmdline)
        assert [part for part in commands if any(secret in part for secret in secrets)] == []
        files = written(wall, ROOT, cache_dir("logs"))
        told = [path for path, data in files if any(secret.encode() in data for secret in secrets)]
        assert told == []
        assert not any(KEY in line for line in said)
    finally:
        os.killpg(process.pid, number)
        alive = still_running([psutil.Process(process.pid), *children])
        for left in alive:  # a failed test leaves nothing behind either
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait(timeout=PATIENCE)
        reader.join(timeout=PATIENCE)
        process.stdout.close()
    assert max(quiet) < SILENCE, f"{max(quiet):.0f} s of silence in {time.monotonic() - began:.0f} s: {said}"
    assert len(children) > 2, "a server and JupyterLab were running"
    assert not alive, f"left running: {alive}"
