"""Find and end everything that a job started, also what left its process group or lost its parent.

A job's processes inherit an environment variable with its token; it stays readable from outside as it was when each began.

    process = subprocess.Popen(command, env={**os.environ, NAME: token})
    end(token)
"""

import os
from contextlib import suppress

import psutil

NAME = "COURSE_RUN_JOB"
PATIENCE = 3.0
LOOKS = 20
"""How often to look for processes, which may start others before they are killed."""


def end(token: str) -> int:
    """Kill all processes with this token, except this one, until a look finds nobody; returns how many there were."""
    ended: set[psutil.Process] = set()
    for _ in range(LOOKS):
        left = [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and _has(process, token)
        ]
        if not left:
            break
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=PATIENCE)
        ended.update(left)
    return len(ended)


def _has(process: psutil.Process, token: str) -> bool:
    with suppress(psutil.Error, OSError, ValueError):
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(NAME) == token
    return False
