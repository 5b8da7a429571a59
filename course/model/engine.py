"""Find the program that runs the model: a llama-server binary, or else the xllamacpp wheel with the same flags.

Also finds out its build. Never starts a server, installs anything, or chooses a GPU.

    find().command   # ["/usr/bin/llama-server"] or [python, "-m", "course.model.wheel"]

$LLAMA_SERVER names a binary, or is "wheel" to ignore one on the PATH.
"""

import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError

INSTALL = (
    "Install llama.cpp:  brew install llama.cpp  ·  winget install llama.cpp  ·  conda install llama.cpp"
)


@dataclass(frozen=True)
class Engine:
    """`kind` is "binary" or "wheel", `command` goes before the flags, `build` names the llama.cpp build inside."""

    kind: str
    command: list[str]
    build: str


def find() -> Engine:
    """LLAMA_SERVER, else llama-server on the PATH, else the wheel."""
    named = os.environ.get("LLAMA_SERVER")
    if named == "wheel":
        return _wheel()
    path = shutil.which(named or "llama-server")
    if path:
        return Engine("binary", [path], binary_build(path))
    if named:
        raise CourseError(
            f"LLAMA_SERVER is {named}, which is not an executable. It should be the path of a llama-server binary.\n"
            "Use the one on the PATH, or the wheel:  unset LLAMA_SERVER"
        )
    return _wheel()


def _wheel() -> Engine:
    try:
        version = importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        raise CourseError(
            "found neither llama-server on the PATH nor the xllamacpp wheel, and the course needs one of them.\n"
            f"{INSTALL}"
        ) from None
    return Engine("wheel", [sys.executable, "-m", "course.model.wheel"], wheel_build(version))


def wheel_build(version: str) -> str:
    """The build number is the last part of the wheel's version; the server inside reports b0."""
    return f"b{version.rpartition('.')[2]} (xllamacpp {version})"


@functools.cache
def binary_build(path: str) -> str:
    """The build that `llama-server --version` reports, such as "b11434 (llama-server)"; else "unknown build"."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CourseError(
            f"{path} cannot be run ({error}). It should be a llama-server binary.\n{INSTALL}"
        ) from error
    said = done.stdout + done.stderr
    line = next((line for line in said.splitlines() if line.startswith("version:")), "")
    if not line:
        if done.returncode:
            raise CourseError(
                f"{path} --version ended with status {done.returncode}. It should be a llama-server built for "
                f"this computer.\n{INSTALL}"
            )
        return "unknown build"
    number = re.search(r"version: (\d{3,})\b|build (\d{3,})\b", line)
    return (
        f"b{number[1] or number[2]} ({Path(path).name})" if number else line.removeprefix("version:").strip()
    )
