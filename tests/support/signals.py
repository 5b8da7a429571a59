"""Signals as a terminal leaves them, for programs that a test interrupts."""

import os
import signal


def _heed() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


interruptible = _heed if os.name == "posix" else None
"""For Popen's `preexec_fn`: a shell's background job, as CI may be, ignores Ctrl-C, and its children would inherit that."""
