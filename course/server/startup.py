"""Help with starting a llama-server: check the model file, show the command, explain why a start failed.

From the log and the exit status, it recognizes problems that a learner can fix, and names the next command. Never starts
or polls anything.

    explain("… unable to allocate CPU buffer …", status=1, context=65536)
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from course import files
from course.errors import CourseError
from course.model import engine

LOGS_KEPT = 30

MEMORY = re.compile(
    r"failed to allocate|unable to allocate|insufficient memory|out of memory|cudaMalloc failed|bad_alloc"
    r"|cannot allocate memory|not enough (?:memory|space)",
    re.IGNORECASE,
)
FLAG = re.compile(r"(?:invalid argument:|unknown flag|unknown argument:?) (-\S+)", re.IGNORECASE)
REFUSED = re.compile(r"^course\.model\.wheel: (.+)$", re.MULTILINE)
REJECTED = re.compile(r"^(?:error(?: while handling argument \"(?P<flag>[^\"]+)\")?: .+)$", re.MULTILINE)
CORRUPT = re.compile(
    r"corrupted or incomplete|invalid magic|not within the file bounds|unknown model architecture"
    r"|gguf_init_from_\w+: failed to read|failed to read (?:key|tensor)",
    re.IGNORECASE,
)
DOWNLOAD = re.compile(
    r"exactly one out metadata, path_model|failed to download|common_download|HTTPLIB failed|get_repo",
    re.IGNORECASE,
)


def tail(text: str, lines: int = 8) -> str:
    """The last lines of a log, indented, long ones cut."""
    last = [line[:200] for line in text.rstrip().splitlines()[-lines:]]
    return "\n".join(f"  | {line}" for line in last) or "  | (empty)"


def lost_its_port(log: str) -> bool:
    """Whether the server ended because another program listens where it was to listen."""
    return "couldn't bind" in log


def explain(
    log: str, status: int | None, *, model: str = "", build: str = "", context: int | None = None
) -> str:
    """Why a server ended before it was ready, and the next command."""
    if match := FLAG.search(log):
        return (
            f"the server does not know the flag {match[1].rstrip('.')} (build {build}).\n"
            "Remove it, or look up its current name:  llama-server --help"
        )
    if status == 2 and (match := REFUSED.search(log)):
        return f"{match[1].rstrip('.')}.\n{engine.INSTALL}"
    if MEMORY.search(log) or status == -getattr(signal, "SIGKILL", 9):
        smaller = min(8192, (context or 16384) // 2)
        return (
            f"there is not enough memory for {model or 'the model'}"
            f"{f' with a context of {context} tokens' if context else ''}.\n"
            f"Use a smaller context, Server(context={smaller}), or a smaller model:\n"
            "  PROFILE=embedded course serve"
        )
    if lost_its_port(log):
        return (
            "another program took its port while it was starting.\n"
            "Start it again, or see which program uses the port:  course doctor"
        )
    if CORRUPT.search(log):
        return (
            f"{model} is damaged, truncated, or of a kind that build {build} cannot read. "
            "It should be a complete GGUF file.\n"
            "Delete it and download it again. To rebuild the embedded model:  course model"
        )
    if status == -getattr(signal, "SIGILL", 4):
        return (
            f"this llama-server (build {build}) was built for another processor (illegal instruction).\n"
            "Use the wheel instead:  LLAMA_SERVER=wheel course serve"
        )
    if DOWNLOAD.search(log):
        return (
            f"the model {model} could not be downloaded. It takes a network and a llama-server built with HTTPS.\n"
            "Download the file another way, then:  course serve --model FILE.gguf"
        )
    if match := REJECTED.search(log):
        return (
            f"the server rejected its command line: {match[0][:200]}.\nLook up the flag:  llama-server --help"
        )
    return f"the server ended with status {status} before it was ready (build {build}).\nTry:  course doctor"


def check_gguf(path: str) -> None:
    if not Path(path).is_file():
        raise CourseError(
            f"the model {path} is missing. It should be a GGUF file.\nLook for it:  ls {Path(path).parent}"
        )
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        raise CourseError(
            f"{path} is not a GGUF file: it begins with {magic!r} instead of b'GGUF'.\n"
            "Download it again, or use the embedded model:  PROFILE=embedded course serve"
        )


def new_log(name: str) -> Path:
    """The path of a new log file. Only the 30 most recent old ones are kept."""
    with files.usable(files.cache_dir("logs")) as folder:
        for old in sorted(folder.glob("*.log"), key=lambda path: path.name)[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
    return folder / f"{datetime.now():%Y%m%d-%H%M%S-%f}-{name}.log"


def quoted(groups: list[list[str]]) -> list[str]:
    """Each group quoted for the shell, with ~ for the home folder and `python` for the Python that runs this."""
    lines = []
    for group in groups:
        if os.name == "nt":
            lines.append(subprocess.list2cmdline(group))
            continue
        lines.append(" ".join(_short(part) for part in group))
    return lines


def _short(part: str) -> str:
    home = str(Path.home())
    if part == sys.executable and shutil.which("python") == part:
        return "python"
    if len(home) > 1 and part.startswith(home + "/"):
        return "~/" + shlex.quote(part[len(home) + 1 :])
    return shlex.quote(part)
