"""The canary's check ends with everything that it started."""

import sys
import time
from pathlib import Path

import psutil

from authoring.canary.checks import Check
from authoring.canary.worlds import Project, Worlds

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stay = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
for own in (False, True):
    child = subprocess.Popen([sys.executable, "-c", stay], stdout=subprocess.PIPE, start_new_session=own)
    child.stdout.readline()
    print(child.pid, flush=True)
os._exit(0)
"""


def test_no_process_outlives_a_check(tmp_path):
    """Neither one that ignores SIGTERM nor one in a session of its own."""
    worlds = Worlds(Path("uv"), Project(tmp_path / "pyproject.toml", tmp_path / "lock", tmp_path), {}, {})
    result = Check((sys.executable, "-c", STUBBORN)).run(worlds, limit=60.0)
    assert not result.failures, result
    pids = [int(line) for line in (tmp_path / "output.txt").read_text().split()]
    until = time.monotonic() + 5
    while (left := [pid for pid in pids if psutil.pid_exists(pid)]) and time.monotonic() < until:
        time.sleep(0.05)  # killed, and not yet collected by whoever adopted them
    assert (len(pids), left) == (2, []), "of the processes that it started, these are left"
