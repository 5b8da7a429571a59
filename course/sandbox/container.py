"""Run docker: build the agent's image, run the agent in it, and end it when its time is up.

Finds docker or says what is missing, and passes on what the container prints (visibly, and up to a limit).
course/sandbox/__init__.py decides the options.

    status = run(sandbox.command(question, server.url, name=name), name, sandbox.Limits())
"""

import contextlib
import errno
import io
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from course import ROOT
from course.errors import CourseError
from course.sandbox import IMAGE, Limits, check_image, engines, flat, shown
from course.server.owner import ends_with_us
from course.terminal import fitting, visible

INSTALL = "Install it:  sudo apt-get install docker.io  ·  https://docs.docker.com/get-docker"
START = "sudo systemctl start docker  (on macOS and Windows: open Docker Desktop)"
MOST = 32 * 1024 * 1024
"""Bytes of each stream that are passed on. The rest is read and dropped, so that it cannot fill this computer's disk."""
STATUS = {
    124: "the container reached its time limit and was killed.\nAllow more:  course sandbox run --seconds 1800 …",
    125: "docker could not start the container; its own message is above.\n"
    "If the image is missing:  course sandbox build",
    137: "the container was killed: it reached its memory limit, or somebody killed it.\n"
    "Allow more memory:  course sandbox run --memory 2g …",
}


class CutShort(CourseError):
    """The container printed more than is passed on. `status` is its exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def fresh_name() -> str:
    return f"course-agent-{secrets.token_hex(4)}"


def check(image: str = IMAGE, remote: bool = False) -> str:
    """CourseError unless docker is installed, its engine answers, and it has the image.

    Returns the name of the computer that the engine is on, or "" if it is this one. Another one is a CourseError unless
    `remote` allows it, and it is not contacted then.
    """
    check_image(image)
    other = _engine(remote, "run the agent and get its question and your KEY", 'run "…"')
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(
            f"docker is installed, but its engine does not answer ({said}).\nStart it:  {START}"
        )
    there = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
    if there.returncode:
        raise CourseError(f"there is no image {image}.\nBuild it:  course sandbox build")
    return other


def build_command(
    image: str = IMAGE, base: str | None = None, arguments: Iterable[str] = ()
) -> list[list[str]]:
    """`docker build`, in groups to print one per line. .dockerignore decides which files docker gets."""
    file = ROOT / "docker" / "Dockerfile"
    if not file.is_file():
        raise CourseError(
            f"there is no docker/Dockerfile in {ROOT}. The image can only be built in a clone of the course.\n"
            "Clone the course, then run there:  python3 bootstrap.py lab && .venv/bin/course sandbox build"
        )
    given = [f"BASE={base}"] if base else []
    pairs = [part for value in (*given, *arguments) for part in ("--build-arg", value)]
    groups = [["docker", "build", "--tag", image], pairs, ["--file", str(file)]]
    return [group for group in [*groups, [str(ROOT)]] if group]


def build(groups: list[list[str]], say: Callable[[str], object] = print, remote: bool = False) -> None:
    """Show the command and run it. CourseError if it fails, or if the engine is on another computer and `remote` does not
    allow that.
    """
    _engine(remote, "build the image and get the course's files and the build arguments", "build")
    say(shown(groups))
    if status := subprocess.run(flat(groups), check=False).returncode:
        raise CourseError(
            f"docker build ended with status {status}; its own message is above.\nIf its engine is not running:  {START}"
        )


def _engine(remote: bool, task: str, command: str) -> str:
    """The name of the computer that docker's engine is on, "" if it is this one. CourseError without docker, or if it is
    another one and `remote` does not allow that. `task` is what the engine would do, `command` what to type.
    """
    if not shutil.which("docker"):
        raise CourseError(f"docker is not installed.\n{INSTALL}")
    if (other := engines.elsewhere(engines.address())) and not remote:
        raise CourseError(
            f"docker's engine is on another computer, {other} (see DOCKER_HOST and docker context ls), which would {task}. "
            "To allow that, add --remote-engine.\n"
            f"Use the engine of this computer:  env -u DOCKER_HOST DOCKER_CONTEXT=default course sandbox {command}"
        )
    return other


def run(
    groups: list[list[str]],
    name: str,
    limits: Limits,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    given: bytes | None = None,
) -> int:
    """Run the container until it ends, its time is up (status 124), or this program is ended; returns its exit status.

    What it prints goes to `out` and `err`, in whole lines. If that cannot be written, it runs on, and a CourseError says so
    in the end; CutShort if it was more than MOST. `given` is what the program in it reads from stdin.
    """
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    process = subprocess.Popen(flat(groups), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pumps: list[threading.Thread] = []
    end = weakref.finalize(process, _end, process, name, pumps)
    ends_with_us(end)
    assert process.stdout is not None
    assert process.stderr is not None
    streams = [
        _Stream("stdout", process.stdout, out or sys.stdout),
        _Stream("stderr", process.stderr, err or sys.stderr),
    ]
    pumps += [threading.Thread(target=stream.pump, daemon=True) for stream in streams]
    try:
        for pump in pumps:
            pump.start()
        if process.stdin is not None and given is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(given)
        status = process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        status = 124
    finally:
        _end(process, name, pumps)
        end.detach()  # not before: a second Ctrl-C, or a signal, may interrupt the line above
        process.stdout.close()
        process.stderr.close()
    lost = [s.failed for s in streams if s.failed and s.failed.errno != errno.EPIPE]
    if lost:
        raise CourseError(
            f"the container has ended (status {status}), but not all that it printed could be written "
            f"({lost[0].strerror or lost[0]}).\nLook for room on the disk:  df -h"
        )
    ends = " If its tape went to stdout (--tape), the tape ends there." if streams[0].dropped else ""
    if cut := " and ".join(f"the last {s.dropped:,} bytes of its {s.name}" for s in streams if s.dropped):
        raise CutShort(
            f"the container has ended (status {status}), but it printed more than the {MOST:,} bytes that are passed on. "
            f"Missing: {cut}.{ends}\n"
            "Keep the whole tape in a volume:  course sandbox run --volume tapes …",
            status,
        )
    return status


def _end(process: "subprocess.Popen[bytes]", name: str, pumps: list[threading.Thread]) -> None:
    """End the container, then the docker command, and pass on what is left of its output.

    Ending only the command would leave the container running.
    """
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    if process.poll() is None:
        process.kill()
        process.wait()
    for pump in pumps:
        if pump.ident:  # Ctrl-C may come before it has started
            pump.join(10)


@dataclass
class _Stream:
    """What the container prints to one stream. `failed`: why `sink` did not take it. `dropped`: bytes beyond MOST."""

    name: str
    source: IO[bytes]
    sink: TextIO
    failed: OSError | None = None
    dropped: int = 0

    def pump(self) -> None:
        """Pass on whole lines until there are no more. The rest is still read, or the container would wait for that."""
        left, held, size = MOST, [], 0
        with io.TextIOWrapper(self.source, encoding="utf-8", errors="replace", newline="\n") as lines:
            while piece := lines.readline(65536):
                text = fitting(visible(piece), self.sink)
                held.append(text)
                size += len(text.encode("utf-8", "replace"))
                if self.dropped or size > left:
                    self.dropped += size
                elif piece.endswith("\n"):
                    self._write("".join(held))
                    left -= size
                else:
                    continue
                held, size = [], 0
            self._write("".join(held))  # the last line may have no end

    def _write(self, text: str) -> None:
        if not self.failed:
            try:
                self.sink.write(text)
                self.sink.flush()
            except OSError as error:
                self.failed = error


def explain(status: int) -> str | None:
    """Why the container ended, if its status says so; None if the agent itself has already said why."""
    return STATUS.get(status)


@contextlib.contextmanager
def record(path: Path, say: Callable[[str], object] = print) -> Iterator[TextIO]:
    """The file for a tape that comes through the container's stdout, so that no folder has to be mounted.

    A tape that is there is continued; `Tape` refuses what is not one. Only its user can read a new one. However the block
    ends, unless a signal ends the program, `say` is told where the tape is, or that nothing came.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = open(path, "ab+", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 - closed below
    if before := raw.seek(0, 2):  # if the last line was cut off, start a new one
        raw.seek(-1, 2)
        if raw.read(1) != b"\n":
            raw.write(b"\n")
    file = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
    try:
        yield file
    finally:
        came = os.fstat(raw.fileno()).st_size > before + 1  # more than the end of that line
        with contextlib.suppress(OSError):  # the disk is full, as `run` has reported
            file.close()
        where = f"tape: {path}\nLook at it:  course view {path}"
        say(where if came else f"nothing was recorded on the tape {path}")
