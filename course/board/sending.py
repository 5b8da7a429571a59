"""Send what waits in the background: one thread in each kernel, which a lesson never waits for.

It sends the oldest events first, up to `BATCH` in one request, and removes them when the board has them. If there is no
answer it waits, longer each time, and tries again, also in the next kernel. `note` is what a lesson calls: it writes a
small file and wakes the thread.

    note(attempt("05.2", True, 3, when))
"""

import random
import threading
import time
from collections import deque
from contextlib import suppress

from course.board import membership, outbox
from course.board.events import Event

BATCH = 100
FIRST, LONGEST = 2.0, 60.0  # seconds until the next try after one that failed, and after many
UNKNOWN = 401
"""The board answers, but does not know this learner any more."""
REFUSED = (400, 413, 422)
"""Something in the request is wrong: sent one by one, only that is lost."""

trouble = ""
"""Why the last try failed; empty if it did not."""
_kept: deque[Event] = deque(maxlen=200)
"""What could not be written to disk."""
_wake = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def note(event: Event) -> None:
    """Keep an event until it is sent, and see that it is. Fast, and never raises."""
    try:
        outbox.put(event)
    except OSError:
        _kept.append(event)
    wake()


def wake() -> None:
    """See that the thread runs and looks what there is. Without threads (a browser tab), nothing happens."""
    global _thread
    with _lock:
        _wake.set()
        if _thread is None or not _thread.is_alive():
            thread = threading.Thread(target=_run, name="course-board", daemon=True)
            with suppress(RuntimeError):  # no threads here, or Python is ending
                thread.start()
                _thread = thread


def flush(seconds: float) -> bool:
    """Send what waits, here and now, for a command that ends afterwards; whether nothing is left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and (member := membership.read()) and not member.over:
        if not outbox.count():
            return True
        if _failed(member, BATCH):
            break
    return not outbox.count()


def _run() -> None:
    """The thread: until the learner leaves, or the time that was agreed on is over."""
    global _thread
    while True:
        _send_until_over()
        with _lock:  # whoever joined again just now has found this thread alive
            member = membership.read()
            if member is None or member.over:
                _thread = None
                break
    if member and member.over:
        outbox.clear()


def _send_until_over() -> None:
    failed = 0
    while (member := membership.read()) and not member.over:
        _wake.clear()
        _write_kept()
        outbox.trim()
        if not outbox.count():
            _wake.wait()
            continue
        wait = _failed(member, BATCH)
        failed = failed + 1 if wait else 0
        if wait:
            time.sleep(max(wait, min(FIRST * 2 ** min(failed - 1, 10), LONGEST)) * random.uniform(0.8, 1.2))


def _write_kept() -> None:
    with suppress(OSError):
        while _kept:
            outbox.put(_kept[0])
            _kept.popleft()


def _failed(member: membership.Member, most: int) -> float:
    """Send the oldest events. 0 if that worked, else the seconds to wait at least."""
    global trouble
    from course.board import client

    batch = outbox.waiting(most)
    if membership.read() != member:  # left meanwhile, perhaps in another process
        return 0.0
    if not batch:
        if unread := outbox.count():
            trouble = f"{unread} files in {outbox.folder()} cannot be read"
        return LONGEST if unread else 0.0
    try:
        client.send(member, [event for _, event in batch])
    except client.Unanswered as error:
        if error.status in REFUSED and len(batch) > 1:
            return _failed(member, 1)
        if error.status not in REFUSED:
            trouble = error.why
            if error.status == UNKNOWN:
                trouble += " (to join again:  course board join)"
                return LONGEST
            return error.wait or 0.01
        with suppress(OSError):
            batch[0][0].unlink()
    else:
        outbox.done(batch)
    stuck = batch[0][0].exists()
    trouble = f"{outbox.folder()} cannot be written" if stuck else ""
    return LONGEST if stuck else 0.0
