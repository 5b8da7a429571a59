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


def lives(pid):
    """Not if it was killed, and whoever adopted it has not collected it yet, which the first process of a container may
    never do.
    """
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def test_no_process_outlives_a_check(tmp_path):
    """Neither one that ignores SIGTERM nor one in a session of its own."""
    worlds = Worlds(Path("uv"), Project(tmp_path / "pyproject.toml", tmp_path / "lock", tmp_path), {}, {})
    result = Check((sys.executable, "-c", STUBBORN)).run(worlds, limit=120.0)
    assert not result.failures, result
    pids = [int(line) for line in (tmp_path / "output.txt").read_text().split()]
    until = time.monotonic() + 60
    while (left := [pid for pid in pids if lives(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert (len(pids), left) == (2, []), "of the processes that it started, these are left"
