"""Signals as a terminal leaves them, for programs that a test interrupts, and for the test's own process."""

import os
import signal
from contextlib import contextmanager


def _heed() -> None:
    for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


interruptible = _heed if os.name == "posix" else None
"""For Popen's `preexec_fn`: a shell's background job, as CI may be, ignores Ctrl-C, and nohup ignores
hang-ups; its children would inherit that."""


@contextmanager
def interruptible_here():
    """Ctrl-C raises KeyboardInterrupt in this process, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
