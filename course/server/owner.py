"""Stop the servers and containers of this program when a signal ends it.

Python runs no cleanup when SIGTERM or SIGHUP ends a program that has no handler for it, so a llama-server that the program
started would go on. The handler here stops both and then lets the signal end the program as it would have. It takes
the place of the system's default only, never of a program's own handler. After SIGKILL, `course stop` finds what is left.
"""

import os
import signal
import threading
import weakref
from types import FrameType
from typing import Any, TypeAlias

SIGNALS = tuple(s for name in ("SIGTERM", "SIGHUP") if (s := getattr(signal, name, None)))


End: TypeAlias = "weakref.finalize[..., Any]"
"""It does its work once, and is dead afterwards or when it was detached."""

_ends: list[End] = []


def ends_with_us(end: End) -> None:
    """Call `end` before a signal ends this program. Only the main thread can arrange that; in others this does nothing."""
    _ends[:] = [known for known in _ends if known.alive] + [end]
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _told)


def _told(number: int, _frame: FrameType | None) -> None:
    for end in _ends:
        if end.alive:
            end()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
