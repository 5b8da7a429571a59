"""Call a learner's function with a time limit, and tell in words how it ended.

On Linux and macOS an alarm interrupts the main thread, where notebooks run their cells, even in `time.sleep`.
Elsewhere the call runs in a thread of its own, which is told to end when its time is over. A browser tab has neither:
there, there is no limit.

    limited(lambda: slow(3), seconds=2).late       # True
"""

import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

AGAIN = 0.05  # seconds until a function that swallowed the interruption is interrupted again


class TooLong(BaseException):
    """Ends a call whose time is over. Not an Exception, so that `except Exception` does not stop it."""


@dataclass(frozen=True)
class Ended:
    """How a call ended: with a value, with an error, or not in time."""

    value: Any = None
    error: BaseException | None = None
    late: bool = False


def limited(call: Callable[[], Any], seconds: float) -> Ended:
    """Call it and wait for at most `seconds`. Never raises but for the learner's own interruption of the cell."""
    if sys.platform == "emscripten":
        return _ended(call)
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _by_alarm(call, seconds)
    return _by_thread(call, seconds)


def _ended(call: Callable[[], Any]) -> Ended:
    try:
        return Ended(call())
    except (Exception, SystemExit, GeneratorExit) as error:
        return Ended(error=error)


def _by_alarm(call: Callable[[], Any], seconds: float) -> Ended:
    try:
        with _alarm(seconds):
            return _ended(call)
    except TooLong:
        return Ended(late=True)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise TooLong in the call when its time is over. An alarm that somebody else has set is set again afterwards."""
    before = signal.signal(signal.SIGALRM, _ring)
    began = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


def _ring(_: int, frame: FrameType | None) -> None:
    """Raise TooLong, but only inside the call: one more alarm must not interrupt the code that switches it off."""
    while frame is not None:
        if frame.f_code is _ended.__code__:
            raise TooLong
        frame = frame.f_back


def _by_thread(call: Callable[[], Any], seconds: float) -> Ended:
    ended: list[Ended] = []

    def run() -> None:
        with suppress(TooLong):
            ended.append(_ended(call))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    for _ in range(20):
        if not thread.is_alive():
            break
        _raise_in(thread)
        thread.join(AGAIN)
    return ended[0] if ended else Ended(late=True)


def _raise_in(thread: threading.Thread) -> None:
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TooLong))


def told(error: BaseException, function: Any) -> str:
    """The error in words, with the line of the learner's function in which it was raised."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    said = " ".join(said.split())
    said = said if len(said) <= 300 else said[:299] + "…"
    if isinstance(error, SystemExit):
        said = "SystemExit, which would end the program"
    if isinstance(error, RecursionError):
        said = "RecursionError: it calls itself without end"
    code = getattr(function, "__code__", None)
    if code is None:
        return said
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == code.co_filename]
    return f"{said} (line {frames[-1].lineno} of its cell)" if frames else said
