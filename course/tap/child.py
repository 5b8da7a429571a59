"""Run a command as a shell does: a process group of its own, the terminal handed over, its status passed on.

Forwards signals, is suspended and resumed together with the command (Ctrl-Z, fg), and ends whatever the command leaves
behind in its group. Never captures output, and does not follow processes that leave the group on purpose (daemons).

    status = run(["python", "agent.py"], {**os.environ, "OPENAI_BASE_URL": url})
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from course.errors import CourseError
from course.server import processes

PATIENCE = 3.0
"""Seconds between asking what the command left behind to end and killing it."""


def run(command: list[str], environment: dict[str, str]) -> int:
    """The command's exit status; 128 + N if signal N ended it, as in a shell."""
    if not (program := shutil.which(command[0], path=environment.get("PATH"))):
        raise CourseError(
            f"the command {command[0]!r} was not found.\nTry it without the tap:  {' '.join(command)}"
        )
    if sys.platform == "win32":  # Ctrl-C reaches both programs: how the command reacts is what counts
        with _ignoring_ctrl_c():
            return subprocess.call([program, *command[1:]], env=environment)
    with _Forwarding() as signals:
        try:
            process = subprocess.Popen(command, executable=program, env=environment, process_group=0)
        except OSError as e:
            raise CourseError(
                f"{command[0]} can't be run ({e.strerror}).\nTry it without the tap:  {' '.join(command)}"
            ) from e
        signals.go_to(process.pid)
        with _Terminal(process.pid) as terminal:
            try:
                while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
                    terminal.stopped()
            finally:
                processes.end_group(process.pid, PATIENCE)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class _Forwarding:
    """Signals to this process are passed on to the command, even while it is starting. The third one kills it."""

    NUMBERS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.group = 0
        self.came: list[int] = []

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

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        self.came.append(number)
        if self.group:
            self._send(number if len(self.came) < 3 else signal.SIGKILL)

    def _send(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self.group, number)


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Terminal:
    """Gives the terminal to the group and takes it back. Does nothing if there is none, or if it is not ours to give."""

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
        if self.given:  # it may have been stopped for reading before it had the terminal
            with suppress(OSError):
                os.killpg(self.group, signal.SIGCONT)

    def take(self) -> None:
        if self.given:
            self._set(self.group, os.getpgrp())

    def stopped(self) -> None:
        """The command was stopped with Ctrl-Z: stop as well, and continue together."""
        if self.given:
            self.take()
            os.killpg(os.getpgrp(), signal.SIGSTOP)  # until the shell says fg
            self.give()
            with suppress(OSError):
                os.killpg(self.group, signal.SIGCONT)

    def _set(self, of: int, to: int) -> bool:
        """Hand the terminal from one group to the other; False if it did not belong to the first."""
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
