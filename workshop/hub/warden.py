"""Watch what each learner uses in sum, and end what goes too far: for machines without control groups and quotas.

Looks at the processes and files of every learner whose server runs, every few seconds. Ends processes, never a file.
What a learner was doing is lost then, and nothing else; a note in their home says why.

    warden = Warden(state, settings); warden.tick()       # ["ada: 1.3 GB of files; ended 2 processes"]
"""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from workshop.hub.settings import MB, Settings
from workshop.hub.state import Learner, State

SHARED_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
NOTE = "WHY-IT-WAS-STOPPED.txt"
ROUNDS = 20  # times to look for processes that were born while others were being ended
NEAR = 0.95
"""Share of the limit on processes and threads at which a program that forks without end stays."""
MANY_NEW = 0.25
"""Share of it in processes that all began since the last look: where forks fail, programs die as fast as others begin."""


@dataclass(frozen=True)
class Use:
    """What one learner uses: bytes of memory of their own, processes with threads, bytes and number of files.

    `fresh` processes were not there at the last look.
    """

    memory: int = 0
    tasks: int = 0
    fresh: int = 0
    disk: int = 0
    files: int = 0


NOTHING = Use()


@dataclass(frozen=True)
class Verdict:
    """`ends` is "largest" (process), "programs" (all but the server that shows the files) or "everything"."""

    ends: str
    why: str
    next: str


def judge(use: Use, settings: Settings, before: Use = NOTHING) -> Verdict | None:
    """What has to end, if anything. Pure. `before` is what was used when files were last found to be too many: as long as
    they do not grow further, programs may run, so that the learner can delete some.
    """
    most = f"{settings.disk / MB:,.0f} MB in {settings.files:,} files"
    if over(use, settings) and (use.disk > before.disk or use.files > before.files):
        twice = use.disk > 2 * settings.disk or use.files > 2 * settings.files
        why = f"your files take {use.disk / MB:,.0f} MB ({use.files:,} files); the limit is {most}"
        do = (
            "Delete what you do not need. In a terminal:  rm FILE\n"
            "JupyterLab's file browser only moves files to a trash. Empty it:  rm -r ~/.local/share/Trash"
        )
        return Verdict("everything" if twice else "programs", why, do)
    if use.tasks > NEAR * settings.processes or use.fresh > MANY_NEW * settings.processes:
        most = f"{settings.processes} processes and threads"
        why = f"your programs kept starting others ({use.tasks} at once); the limit is {most}"
        return Verdict("programs", why, "Look for a loop that starts processes, then restart your kernel.")
    if use.memory > settings.memory:
        why = f"your programs took {use.memory / MB:,.0f} MB of memory; the limit is {settings.memory / MB:,.0f} MB"
        return Verdict("largest", why, "Shut down kernels that you do not need, then restart this one.")
    return None


def over(use: Use, settings: Settings) -> bool:
    """Whether there are too many files, or too large ones."""
    return use.disk > settings.disk or use.files > settings.files


def measured(folders: list[Path], uid: int | None, most: int) -> tuple[int, int]:
    """Bytes and number of files below the folders, of this user only if `uid` is given. Stops counting at `most` files."""
    size = count = 0
    left = [str(folder) for folder in folders]
    while left and count <= most:
        with suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if uid is None or found.st_uid == uid:
                        size, count = size + found.st_blocks * 512, count + 1
                        if entry.is_dir(follow_symlinks=False):
                            left.append(entry.path)
                if count > most:
                    break
    return size, count


def grouped(learners: Iterable[Learner]) -> dict[str, list[psutil.Process]]:
    """Name → that learner's processes, out of one look at all processes of the machine.

    A learner's processes have their user id. Without root there is none, and the HOME that they inherited has to do.
    """
    found: dict[str, list[psutil.Process]] = {learner.name: [] for learner in learners}
    owners: dict[int | str, str] = {}
    for learner in learners:
        owners[str(learner.folder) if learner.uid is None else learner.uid] = learner.name
    by_home = any(isinstance(owner, str) for owner in owners)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mark = process.environ().get("HOME", "") if by_home else process.uids().real
            if mark in owners and process.pid != os.getpid():
                found[owners[mark]].append(process)
    return found


def processes_of(learner: Learner) -> list[psutil.Process]:
    """The learner's processes."""
    return grouped([learner])[learner.name]


def end_all(learner: Learner, spare: int | None = None) -> int:
    """Kill the learner's processes, except `spare`; returns how many.

    All are stopped first: a stopped process cannot fork, and takes a place below the limit that no other can have.
    """
    for _ in range(ROUNDS):
        if not [process for process in _others(learner, spare) if _sent(process, signal.SIGSTOP)]:
            break
    ended: set[int] = set()
    for _ in range(ROUNDS):
        killed = {process.pid for process in _others(learner, spare) if _sent(process, signal.SIGKILL)}
        if not killed:
            break
        ended |= killed
        time.sleep(0.05)
    return len(ended)


def _others(learner: Learner, spare: int | None) -> list[psutil.Process]:
    return [process for process in processes_of(learner) if process.pid != spare]


def _sent(process: psutil.Process, number: signal.Signals) -> bool:
    """Send the signal to a process that it can still change; whether it could."""
    unmoved = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    if number == signal.SIGSTOP:
        unmoved |= {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    with suppress(psutil.Error, OSError):
        if process.status() not in unmoved:
            process.send_signal(number)
            return True
    return False


class Warden:
    """Watches the learners of one hub."""

    def __init__(self, state: State, settings: Settings) -> None:
        self.state, self.settings = state, settings
        self._full: dict[str, Use] = {}
        self._seen: dict[str, set[int]] = {}

    def running(self) -> Iterator[tuple[Learner, int]]:
        """Each learner whose server was started, with its pid."""
        for learner in self.state.known():
            with suppress(OSError, ValueError):
                yield learner, int((self.state.servers / learner.name).read_text())

    def use(self, learner: Learner, processes: Collection[psutil.Process]) -> Use:
        """What the learner uses now."""
        memory = tasks = 0
        pids = {process.pid for process in processes}
        fresh = len(pids - self._seen.get(learner.name, pids))
        self._seen[learner.name] = pids
        for process in processes:
            with suppress(psutil.Error):
                taken = process.memory_info()
                memory += taken.rss - taken.shared
                tasks += process.num_threads()
        own = [learner.folder] if learner.uid is None else [learner.folder, *SHARED_FOLDERS]
        disk, count = measured(own, learner.uid, 2 * self.settings.files + 1)
        return Use(memory, tasks, fresh, disk, count)

    def tick(self) -> list[str]:
        """Look at everybody once; returns a line for each learner for whom something was ended."""
        running = list(self.running())
        found = grouped([learner for learner, _ in running])
        looks = (self._look(learner, server, found[learner.name]) for learner, server in running)
        return [line for line in looks if line]

    def _look(self, learner: Learner, server: int, processes: list[psutil.Process]) -> str:
        use = self.use(learner, processes)
        verdict = judge(use, self.settings, self._full.get(learner.name, NOTHING))
        if over(use, self.settings):
            self._full[learner.name] = use
        else:
            self._full.pop(learner.name, None)
        if verdict is None:
            return ""
        if verdict.ends == "largest":
            count = end_largest(processes, server)
        else:
            count = end_all(learner, spare=server if verdict.ends == "programs" else None)
        if not count:
            return ""
        leave_note(learner, f"{verdict.why[0].upper()}{verdict.why[1:]}.\n{verdict.next}\n")
        return f"{learner.name}: {verdict.why}; ended {count} {'process' if count == 1 else 'processes'}"


def end_largest(processes: Iterable[psutil.Process], server: int) -> int:
    """Kill the process with the most memory, the learner's server only if there is no other; returns how many."""
    sizes = {}
    for process in processes:
        with suppress(psutil.Error):
            taken = process.memory_info()
            sizes[process] = taken.rss - taken.shared
    others = [p for p in sizes if p.pid != server] or list(sizes)
    with suppress(psutil.Error, ValueError):
        max(others, key=sizes.__getitem__).kill()
        return 1
    return 0


def leave_note(learner: Learner, text: str) -> None:
    """Tell the learner in a file in their home. Written as the learner: what lies there may be a trap for root."""
    user: dict[str, Any] = (
        {} if learner.uid is None else {"user": learner.uid, "group": learner.uid, "extra_groups": []}
    )
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            ["/bin/sh", "-c", f'cd "$HOME" && cat > {NOTE}'],
            input=text, text=True, timeout=5, check=False, capture_output=True,
            env={"PATH": os.defpath, "HOME": str(learner.folder)}, **user,
        )  # fmt: skip
