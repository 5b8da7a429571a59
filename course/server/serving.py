"""Keep a llama-server running: in the foreground until a signal, or in the background until `course stop`.

Chooses neither flags nor ports (course.server does), and never restarts anything.
"""

import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from course.errors import CourseError
from course.server import Server, processes


def in_foreground(profile: str | None, port: int | None, changes: Mapping[str, Any]) -> None:
    """Serve until Ctrl-C or a signal. CourseError if the server ends by itself."""
    with ended_by_signals(), Server(profile, url=False, port=port, **changes) as server:
        assert server.pid is not None
        print(f"ready: {server.url}  (log: {server.log_path})\nCtrl-C stops it.", flush=True)
        born = processes.created(server.pid)
        try:
            while processes.alive(server.pid, born):
                time.sleep(0.3)
        except KeyboardInterrupt:
            return
        raise CourseError(
            f"the server has ended. If you did not run course stop, its log says why:\n{server.log(8)}\n"
            "Start it again:  course serve"
        )


def in_background(profile: str | None, port: int | None, changes: Mapping[str, Any]) -> None:
    """Start a server, return when it is ready, and leave it running until `course stop`."""
    with ended_by_signals():
        server = Server(profile, url=False, port=port, **changes).start()
        server.detach()
    quoted = shlex.quote(server.url)  # a socket's path may have a space in it
    print(f"ready: {server.url}  (log: {server.log_path})")
    print(f"Use it:   SERVER={quoted} course ask\nStop it:  course stop", flush=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Inside the block, closing the terminal and a plain `kill` have the same effect as Ctrl-C."""
    known = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGBREAK")]
    heard = [s for s in known if s and signal.getsignal(s) != signal.SIG_IGN]  # nohup ignores SIGHUP
    before = {s: signal.signal(s, signal.default_int_handler) for s in heard}
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
