"""Run docker: build the agent's image, run the agent in it, and end it when its time is up.

Finds docker or says what is missing, and passes on what the container prints (up to a limit, and visibly).
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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, TextIO

from course import ROOT
from course.errors import CourseError
from course.sandbox import IMAGE, Limits, check_image, engines, flat, shown
from course.terminal import fitting, visible

INSTALL = "Install it:  sudo apt-get install docker.io  ·  https://docs.docker.com/get-docker"
START = "sudo systemctl start docker  (on macOS and Windows: open Docker Desktop)"
MOST = 32 * 1024 * 1024
"""Bytes of output that are passed on. The rest is read and dropped, so that it cannot fill this computer's disk."""
STATUS = {
    124: "the container reached its time limit and was killed.\nAllow more:  course sandbox run --seconds 1800 …",
    125: "docker could not start the container; its own message is above.\n"
    "If the image is missing:  course sandbox build",
    137: "the container was killed: it reached its memory limit, or somebody killed it.\n"
    "Allow more memory:  course sandbox run --memory 2g …",
}


def fresh_name() -> str:
    return f"course-agent-{secrets.token_hex(4)}"


def check(image: str = IMAGE, remote: bool = False) -> str:
    """CourseError unless docker is installed, its engine answers, and it has the image.

    Returns the name of the computer that the engine is on, or "" if it is this one. Another one is a CourseError unless
    `remote` allows it, and it is not contacted then.
    """
    check_image(image)
    if not shutil.which("docker"):
        raise CourseError(f"docker is not installed.\n{INSTALL}")
    if (other := engines.elsewhere(engines.address())) and not remote:
        raise CourseError(
            f"docker's engine is on another computer, {other} (see DOCKER_HOST and docker context ls). The agent would run "
            f"there, and {other} would get its question and your KEY. To allow that, add --remote-engine.\n"
            'Use the engine of this computer:  env -u DOCKER_HOST DOCKER_CONTEXT=default course sandbox run "…"'
        )
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


def build(groups: list[list[str]], say: Callable[[str], object] = print) -> None:
    """Show the command and run it. CourseError if it fails."""
    if not shutil.which("docker"):
        raise CourseError(f"docker is not installed.\n{INSTALL}")
    say(shown(groups))
    if status := subprocess.run(flat(groups), check=False).returncode:
        raise CourseError(
            f"docker build ended with status {status}; its own message is above.\nIf its engine is not running:  {START}"
        )


def run(
    groups: list[list[str]],
    name: str,
    limits: Limits,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    given: bytes | None = None,
) -> int:
    """Run the container until it ends, its time is up (status 124), or Ctrl-C; returns its exit status.

    What it prints goes to `out` and `err`. If that cannot be written, it runs on, and a CourseError says so in the end.
    `given` is what the program in it reads from stdin.
    """
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    process = subprocess.Popen(flat(groups), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    failed: list[OSError] = []
    pumps = [
        threading.Thread(target=_pump, args=(source, sink, failed), daemon=True)
        for source, sink in ((process.stdout, out or sys.stdout), (process.stderr, err or sys.stderr))
    ]
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
        _end(process, name)
        for pump in pumps:
            if pump.ident:  # Ctrl-C may come before it has started
                pump.join(10)
        process.stdout.close()
        process.stderr.close()
    lost = [error for error in failed if error.errno != errno.EPIPE]
    if lost:
        raise CourseError(
            f"the container has ended (status {status}), but not all that it printed could be written "
            f"({lost[0].strerror or lost[0]}).\nLook for room on the disk:  df -h"
        )
    return status


def _end(process: "subprocess.Popen[bytes]", name: str) -> None:
    """End the container, then the docker command: ending only the command would leave the container running."""
    if process.poll() is not None:
        return
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    process.kill()
    process.wait()


def _pump(source: BinaryIO, sink: TextIO, failed: list[OSError]) -> None:
    """Pass on lines until there are no more. What cannot be written is still read, or the container would wait for that."""
    left = MOST
    with io.TextIOWrapper(source, encoding="utf-8", errors="replace", newline="\n") as lines:
        while line := lines.readline(65536):
            text = fitting(visible(line), sink)
            if left > 0 and not failed:
                try:
                    sink.write(text)
                    sink.flush()
                except OSError as error:
                    failed.append(error)
            left -= len(text.encode("utf-8", "replace"))


def explain(status: int) -> str | None:
    """Why the container ended, if its status says so; None if the agent itself has already said why."""
    return STATUS.get(status)


def record(path: Path) -> TextIO:
    """The file for a tape that comes through the container's stdout, so that no folder has to be mounted.

    Only its user can read a new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(private, "w", encoding="utf-8", newline="\n")
