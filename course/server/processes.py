"""End a process, its children and its process group: ask first, wait, then kill what is left.

Identifies a process by its pid and start time, never by the pid alone, because systems reuse pids.

    began = created(child.pid)
    end(child.pid, began)
"""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

POSIX = os.name == "posix"
NEW_GROUP = 0 if POSIX else 0x00000200
"""For Popen's `creationflags`: Windows' CREATE_NEW_PROCESS_GROUP. On POSIX `start_new_session` does it."""
PATIENCE = 5.0
"""Seconds between asking a process to end and killing it."""


def created(pid: int) -> float:
    """When a running process started, in seconds: on Linux since boot, elsewhere since the epoch.

    On Linux, the start since the epoch is derived from the clock, and would change when the clock is set.
    """
    return _created(psutil.Process(pid))


def alive(pid: int, created: float) -> psutil.Process | None:
    """The process with this pid, if it started then and has not ended."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(_created(process) - created) < 2 and _runs(process):
            return process
    return None


def _created(process: psutil.Process) -> float:
    return process.create_time() - (psutil.boot_time() if psutil.LINUX else 0)


def end(pid: int, created: float, patience: float = PATIENCE) -> None:
    """End the process with all its descendants, and its process group if it leads one.

    If it is a child of this process, its exit status is consumed: `Popen.wait` then returns 0.
    """
    if (process := alive(pid, created)) is None:
        return
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    _end(family, pid if _group_of(pid) == pid else None, patience)


def end_group(group: int, patience: float = PATIENCE) -> None:
    """End all processes of a process group (POSIX)."""
    _end([p for p in psutil.process_iter() if _group_of(p.pid) == group], group, patience)


def _end(processes: Iterable[psutil.Process], group: int | None, patience: float) -> None:
    left = [process for process in processes if _runs(process)]
    for forcibly in (False, True):
        if not left:
            return
        _signal(left, group, forcibly)
        left = _left(left, patience)


def _signal(processes: Iterable[psutil.Process], group: int | None, forcibly: bool) -> None:
    """To the group at once, and to each process outside it."""
    if group is not None:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL if forcibly else signal.SIGTERM)
            os.killpg(group, signal.SIGCONT)  # a stopped process would not notice
    for process in processes:
        with suppress(psutil.Error):
            if group is None or _group_of(process.pid) != group:
                process.kill() if forcibly else process.terminate()


def _left(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that still run after `patience` seconds.

    psutil counts a zombie as alive until its parent collects it, which another program may never do.
    """
    deadline = time.monotonic() + patience
    while processes and time.monotonic() < deadline:
        _, processes = psutil.wait_procs(processes, timeout=0.05)
        processes = [process for process in processes if _runs(process)]
    return processes


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _group_of(pid: int) -> int | None:
    with suppress(OSError):
        if POSIX:
            return os.getpgid(pid)
    return None
