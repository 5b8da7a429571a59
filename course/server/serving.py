"""Keep a server, or a server and JupyterLab, until told to stop.

Does: waits, watches, hands the server's address to JupyterLab, ends what it started, also on a signal.
Does not: choose flags or ports (course.server does), or restart anything.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import Any

from course import ROOT
from course.errors import CourseError
from course.server import Server
from course.server.registry import alive, created

READY = "ready: "


def in_foreground(profile: str | None, port: int | None, changes: dict[str, Any]) -> None:
    """Serve until Ctrl-C, a signal, or the server's own end (which is an error)."""
    with _signals_end_it(), Server(profile, url=False, port=port, **changes) as server:
        print(f"{READY}{server.url}  (log: {server.log_path})\nCtrl-C ends it.", flush=True)
        born = created(server.pid)
        try:
            while alive(server.pid, born):
                time.sleep(0.3)
        except KeyboardInterrupt:
            return
        raise CourseError(
            f"the server ended by itself or by course stop.\n{server.log(8)}\nAgain:  course serve"
        )


def in_background(arguments: list[str]) -> int:
    """The same command as a process of its own; returns when that is ready, with status 0, or has failed."""
    arguments = [a for a in arguments if a != "--background"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "course.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            **_own_group(),
        )
        while True:
            status = process.poll()
            said.seek(0)
            text = said.read()
            ready = re.search(f"^{READY}(\\S+)", text, re.MULTILINE)
            if ready:
                print(text.replace("\nCtrl-C ends it.", "").strip())
                print(f"Use it:  SERVER={ready[1]} course ask\nEnd it:  course stop")
                return 0
            if status is not None:
                print(text.strip(), file=sys.stderr)
                return status or 1
            time.sleep(0.1)


def jupyterlab(profile: str | None, url: str | None) -> int:
    """A server, and JupyterLab on the first lesson beside it, on loopback and with its token."""
    first = ROOT / "notebooks" / "00_welcome.ipynb"
    if not first.is_file():
        raise CourseError(f"there is no {first}. Bring the lessons back:  git checkout -- notebooks")
    with _signals_end_it(), Server(profile, url=url) as server:
        key = {"KEY": server.api_key} if server.api_key else {}
        given = {"SERVER": server.url, "PROFILE": server.profile.name, **key}
        if server.attached and not server.named:
            del given["PROFILE"]
        print(f"llama-server: {server.url}\nJupyterLab is starting; Ctrl-C ends both.", flush=True)
        options = ["--no-browser", "--Application.log_level=CRITICAL", "--ServerApp.ip=127.0.0.1"]
        options.append(f"--LabApp.default_url=/lab/tree/{first.relative_to(ROOT).as_posix()}")
        if os.name == "posix" and os.geteuid() == 0:
            options.append("--allow-root")  # in a container; on loopback, with a token
        child = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={ROOT}"],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **given},
            cwd=ROOT,
            **_own_group(),  # Ctrl-C reaches us alone: JupyterLab would ask whether we mean it
        )
        try:
            if status := child.wait():
                raise CourseError(
                    f"JupyterLab ended with status {status}; it says why above.\nAgain:  course lab"
                )
            return 0
        except KeyboardInterrupt:
            return 0
        finally:
            _end(child)


def _end(child: subprocess.Popen) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _own_group() -> dict[str, Any]:
    if os.name == "posix":
        return {"start_new_session": True}
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


@contextmanager
def _signals_end_it():
    """A closed terminal and a plain kill end things as Ctrl-C does."""
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
