"""Which program runs the model: a llama-server binary, else the wheel behind the same flags.

Does: finds it and asks for its build. Does not: start a server, install anything, or choose between GPUs.

    find().command   # ["/usr/bin/llama-server"] or [python, "-m", "course.model.wheel"]

LLAMA_SERVER names a binary, or "wheel" to pass over one on the PATH.
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
    """`command` goes before the flags; `build` names the llama.cpp inside, as far as it tells."""

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
            f"LLAMA_SERVER is {named}, which is no program. It should be the path of a llama-server.\n"
            "Use the one on the PATH, or the wheel:  unset LLAMA_SERVER"
        )
    return _wheel()


def _wheel() -> Engine:
    try:
        version = importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        raise CourseError(
            "there is neither a llama-server on the PATH nor the wheel xllamacpp; one of them is needed.\n"
            f"{INSTALL}"
        ) from None
    return Engine("wheel", [sys.executable, "-m", "course.model.wheel"], wheel_build(version))


def wheel_build(version: str) -> str:
    """The version ends in the number of the llama.cpp build inside; the server itself says only b0."""
    return f"b{version.rpartition('.')[2]} (xllamacpp {version})"


@functools.cache
def binary_build(path: str) -> str:
    """What `llama-server --version` says, e.g. "b11434 (…)"; "unknown build" when it says nothing usable."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CourseError(
            f"{path} does not run ({error}). It should be a llama-server.\n{INSTALL}"
        ) from error
    said = done.stdout + done.stderr
    line = next((line for line in said.splitlines() if line.startswith("version:")), "")
    if not line:
        if done.returncode:
            raise CourseError(
                f"{path} --version ended with status {done.returncode}. It should be a llama-server made for "
                f"this computer.\n{INSTALL}"
            )
        return "unknown build"
    number = re.search(r"version: (\d{3,})\b|build (\d{3,})\b", line)
    return (
        f"b{number[1] or number[2]} ({Path(path).name})" if number else line.removeprefix("version:").strip()
    )
