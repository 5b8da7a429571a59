"""Run docker: build the agent's image, run the agent in it, end it in time.

Does: finds docker and says what is missing, streams what the container prints with control characters taken out and
no more than a bound of it, ends the container when its time is over. Does not: decide options (see sandbox.py).

    status = run(sandbox.command(question, server.url, name=name), name, sandbox.Limits())
"""

import contextlib
import re
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
from course.sandbox import IMAGE, Limits, flat, shown

INSTALL = "Install it:  sudo apt-get install docker.io  ·  https://docs.docker.com/get-docker"
MOST = 32 * 1024 * 1024
"""Bytes of output that are passed on. The rest is read and dropped, so that nothing fills this computer's disk."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
STATUS = {
    124: "the time was over, and the container was ended.\nGive it more:  course sandbox run --seconds 1800 …",
    125: "docker could not start the container; it says why above.\nIs the image there?  course sandbox build",
    137: "the container was killed: it reached its limit of memory, or somebody ended it.\n"
    "Give it more:  course sandbox run --memory 2g …",
}


def plain(text: str) -> str:
    """The text without control characters: what the agent prints cannot steer the terminal, its title or its clipboard."""
    return CONTROL.sub("", text)


def fresh_name() -> str:
    return f"course-agent-{secrets.token_hex(4)}"


def check(image: str = IMAGE) -> None:
    """Docker is there, its engine answers, and it has the image."""
    if not shutil.which("docker"):
        raise CourseError(f"there is no docker here. A Docker engine is wanted.\n{INSTALL}")
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(f"docker is here, but its engine does not answer ({said}).\n{_start()}")
    there = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
    if there.returncode:
        raise CourseError(f"there is no image {image}.\nBuild it:  course sandbox build")


def _start() -> str:
    return "Start it:  sudo systemctl start docker  (on macOS and Windows: Docker Desktop)"


def build_command(
    image: str = IMAGE, base: str | None = None, arguments: Iterable[str] = ()
) -> list[list[str]]:
    """`docker build`, a group to a line. The folder is the course's own: .dockerignore says what is sent."""
    file = ROOT / "docker" / "Dockerfile"
    if not file.is_file():
        raise CourseError(
            f"there is no docker/Dockerfile in {ROOT}. The image is built from the course's repository.\n"
            "Get it:  git clone …, then  make lab"
        )
    given = [f"BASE={base}"] if base else []
    pairs = [part for value in (*given, *arguments) for part in ("--build-arg", value)]
    groups = [["docker", "build", "--tag", image], pairs, ["--file", str(file)]]
    return [group for group in [*groups, [str(ROOT)]] if group]


def build(groups: list[list[str]], say: Callable[[str], object] = print) -> None:
    if not shutil.which("docker"):
        raise CourseError(f"there is no docker here. A Docker engine is wanted.\n{INSTALL}")
    say(shown(groups))
    if status := subprocess.run(flat(groups), check=False).returncode:
        raise CourseError(f"docker build ended with status {status}; it says why above.\n{_start()}")


def run(
    groups: list[list[str]],
    name: str,
    limits: Limits,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    given: bytes | None = None,
) -> int:
    """Run the container until it ends or its time is over (status 124); Ctrl-C ends it too. Its output goes on.

    `given`: what the program in it reads.
    """
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    process = subprocess.Popen(flat(groups), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pumps = [
        threading.Thread(target=_pump, args=(source, sink), daemon=True)
        for source, sink in ((process.stdout, out or sys.stdout), (process.stderr, err or sys.stderr))
    ]
    for pump in pumps:
        pump.start()
    try:
        if given is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(given)
        return process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        _end(process, name)
        for pump in pumps:
            pump.join(10)
        process.stdout.close()
        process.stderr.close()


def _end(process: subprocess.Popen, name: str) -> None:
    """The container first: ending the docker command alone would leave it running."""
    if process.poll() is not None:
        return
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    process.kill()
    process.wait()


def _pump(source: BinaryIO, sink: TextIO) -> None:
    left = MOST
    while chunk := source.readline(65536):
        if left > 0:
            sink.write(plain(chunk.decode("utf-8", "replace")))
            sink.flush()
        left -= len(chunk)


def explain(status: int) -> str | None:
    """Why a container that was run ended, as far as its status tells; None: the agent says it itself."""
    return STATUS.get(status)


def record(path: Path) -> TextIO:
    """The file that a tape from stdout goes to: on this side, so that no folder is mounted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8")
