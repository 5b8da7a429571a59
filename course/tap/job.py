"""Run a command as a shell does: a process group of its own, the terminal handed over, its status passed on.

Does: forwards signals, stops and continues with the command (Ctrl-Z, fg), and ends whatever the command leaves
behind in its group. Does not: capture output, or follow processes that leave the group on purpose (daemons).

    status = run(["python", "agent.py"], {**os.environ, "OPENAI_BASE_URL": url})
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from course.errors import CourseError

POSIX = os.name == "posix"
PATIENCE = 3.0  # seconds between asking to end and killing


def run(command: list[str], environment: dict[str, str]) -> int:
    """The command's exit status; 128 + N when signal N ended it, as shells say it."""
    if not (program := shutil.which(command[0], path=environment.get("PATH"))):
        raise CourseError(
            f"there is no command {command[0]!r} here.\nTry it alone first:  {' '.join(command)}"
        )
    if not POSIX:  # Ctrl-C reaches both: the command's answer to it is what counts
        with _deaf():
            return subprocess.call([program, *command[1:]], env=environment)
    with _Forwarding() as signals:
        try:
            process = subprocess.Popen(command, executable=program, env=environment, process_group=0)
        except OSError as e:
            raise CourseError(f"{command[0]} can't be run ({e.strerror}).\nTry it alone first") from e
        signals.go_to(process.pid)
        with _Terminal(process.pid) as terminal:
            try:
                while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
                    terminal.stopped()
            finally:
                end_group(process.pid)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def end_group(group: int) -> None:
    """Ask all processes of the group to end, then kill what is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not (left := _members(group)):
            return
        with suppress(OSError):
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [p for p in left if _runs(p)]


def _members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getpgid(process.pid) == group and _runs(process):
                found.append(process)
    return found


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


class _Forwarding:
    """A signal to this process is meant for the command, also while it is being started. The third one kills it."""

    NUMBERS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.group, self.came = 0, []

    def __enter__(self) -> "_Forwarding":
        self.before = {n: signal.signal(n, self._forward) for n in self.NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def go_to(self, group: int) -> None:
        self.group = group
        for number in self.came:
            self._send(number)

    def _forward(self, number: int, _frame: object) -> None:
        self.came.append(number)
        if self.group:
            self._send(number if len(self.came) < 3 else signal.SIGKILL)

    def _send(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self.group, number)


@contextmanager
def _deaf() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Terminal:
    """The terminal, given to the group and taken back; nothing when there is none or it is not ours to give."""

    def __init__(self, group: int):
        self.group, self.fd, self.given = group, -1, False
        with suppress(OSError):
            self.fd = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)

    def __enter__(self) -> "_Terminal":
        self.give()
        return self

    def __exit__(self, *_: object) -> None:
        self.take()
        if self.fd >= 0:
            os.close(self.fd)

    def give(self) -> None:
        self.given = self._set(os.getpgrp(), self.group)
        if self.given:  # it may have been stopped for reading before the terminal was its own
            with suppress(OSError):
                os.killpg(self.group, signal.SIGCONT)

    def take(self) -> None:
        if self.given:
            self._set(self.group, os.getpgrp())

    def stopped(self) -> None:
        """The command was stopped by Ctrl-Z: stop, too, and go on together."""
        if self.given:
            self.take()
            os.killpg(os.getpgrp(), signal.SIGSTOP)  # until the shell says fg
            self.give()
            with suppress(OSError):
                os.killpg(self.group, signal.SIGCONT)

    def _set(self, of: int, to: int) -> bool:
        """Whether the terminal was of the one group and is now of the other."""
        if self.fd < 0:
            return False
        try:
            if os.tcgetpgrp(self.fd) != of:
                return False
            before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            try:
                os.tcsetpgrp(self.fd, to)
            finally:
                signal.signal(signal.SIGTTOU, before)
            return True
        except OSError:
            return False
