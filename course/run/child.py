"""Run one job in a process of its own, and end everything that it started.

The process is what makes a job harmless to its worker: it may hang, crash or use up memory, and its environment is its own.
A worker that is killed closes the pipe to it, and it ends too (execute.py).

    result = run(job)
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from course.run import marked
from course.run.outcome import Outcome, Result, outcome
from course.run.plan import Job
from course.server import processes

START_SECONDS = 180
"""How long Python, the kernel and the last cleaning up may take beside the cells."""


def run(job: Job) -> Result:
    """The job's result, whatever happens to its process."""
    with tempfile.TemporaryDirectory(prefix="course-run-", ignore_cleanup_errors=True) as name:
        folder, token = Path(name), secrets.token_hex(8)
        record = {
            "book": asdict(job.book),
            "profile": job.profile,
            "server": asdict(job.server),
            "settings": asdict(job.settings),
        }
        (folder / "job.json").write_text(json.dumps(record), encoding="utf-8")
        ended = _execute(folder, token, limit(job))
        made = _outcome(folder, ended)
        return Result(
            made, _bytes(folder / "executed.ipynb"), _bytes(folder / "run.tape.jsonl")
        ).with_outcome(worker=f"{socket.gethostname()}:{os.getpid()}")


def limit(job: Job) -> float:
    """Seconds after which its process is killed: more than all of its cells together may take."""
    try:
        cells = Path(job.book.path).read_bytes().count(b'"cell_type"')
    except OSError:
        cells = 0
    return START_SECONDS + (cells + 1) * job.settings.cell_seconds


def _execute(folder: Path, token: str, seconds: float) -> str:
    """How the process ended, if not as it should; everything with the token is gone afterwards."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "course.run.execute", str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, marked.NAME: token},
            start_new_session=processes.POSIX,
            creationflags=processes.NEW_GROUP,
        )
        try:
            status = process.wait(seconds)
            return f"the process that ran it ended with status {status}" if status else ""
        except subprocess.TimeoutExpired:
            return f"it was still running after {seconds:.0f} seconds, and was killed"
        finally:
            process.kill()
            process.communicate()
            marked.end(token)


def _outcome(folder: Path, ended: str) -> Outcome:
    made = _bytes(folder / "outcome.json")
    if made and not ended:
        return outcome(json.loads(made))
    tail = (_bytes(folder / "log") or b"")[-3000:].decode("utf-8", "replace")
    return Outcome("error", ended or "the process that ran it left no result", traceback=tail)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and path.stat().st_size else None
