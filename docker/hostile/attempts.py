"""A few of the hostile programs, for a lesson: run on this computer if possible, else read from the recorded outcomes.

Runs them in LocalPythonExecutor (in a temporary folder, and as a user without an account if this one is root) and in the
agent's container, or says why it cannot. Needs no root, and what the programs aim at is on this computer. `make hostile`
runs all of them. `here` runs a learner's own program on this computer.

    seen = results(programs(), live(boxes() is None))        # seen["files_ssh_key"]["socket"].by == "own file system"
"""

import ast
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course import sandbox
from course.errors import CourseError
from course.sandbox import container
from hostile import standins, suite
from hostile import ways as way_of
from hostile.users import throw_away_user

TEN = (
    "files_ssh_key",
    "files_environment",
    "inject_write_this",
    "walk_frames",
    "write_usr",
    "write_program_and_run_it",
    "kernel_list_processes",
    "kernel_mount",
    "net_loopback_read",
    "write_shell_command",
)
"""They aim at this computer only, and do no harm if nothing stops them."""
NETWORK = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
PATIENT = replace(way_of.LIMITS, seconds=120)
"""None of the ten programs tries to exceed its time, and a container may start slowly on a busy computer."""
INSTEAD = "The lesson continues with the recorded outcomes."
WATCH = """
import atexit, os, re, sys, time

looked, kernel = [], []
asks = ("os.cpu_count", "os.fork", "os.forkpty", "os.getloadavg", "os.kill", "os.sched_getaffinity", "os.statvfs",
        "os.sysconf", "os.uname")
starts = ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen")
told = re.compile(r"/proc|/sys|\\b(arch|free|hostnamectl|lscpu|lsmod|nproc|ps|uname|uptime|vmstat)\\b")
shared = ("ctypes", "socket", "subprocess", "urllib")
own = ("environ", "glob", "grp", "open", "os", "pwd", "resource", "time")

def note(event, given=()):
    group = event.partition(".")[0]
    if group not in (*shared, *own):
        return
    frame = sys._getframe(1)
    while frame:  # an import reads files and lists folders, too
        if "importlib" in frame.f_code.co_filename:
            return
        frame = frame.f_back
    looked.append(event)
    path = os.fsdecode(given[0]) if given and isinstance(given[0], (str, bytes, os.PathLike)) else ""
    if event in starts:  # another program may read files, too
        if told.search(" ".join(map(str, given[:3 if event == "os.spawn" else 2]))):  # not in the environment
            kernel.append(event)
    elif event != "socket.__new__" and (group in shared or event in asks or path.startswith(("/proc", "/sys"))):
        kernel.append(event)

def noted(name, call):
    return lambda *given, **more: (note(name, given), call(*given, **more))[1]

def watch(module, names):
    for name in names.split():
        if hasattr(module, name):
            setattr(module, name, noted(module.__name__ + "." + name, getattr(module, name)))

watch(os, "access cpu_count getcwd getegid geteuid getgid getgroups getloadavg getlogin getppid getpriority getsid getuid "
          "kill lstat readlink sched_getaffinity stat statvfs sysconf uname")
for module, names in (("pwd", "getpwall getpwnam getpwuid"), ("grp", "getgrall getgrgid getgrnam"),
                      ("resource", "getrlimit getrusage")):
    try:
        watch(__import__(module), names)
    except ImportError:  # not on Windows
        pass
for name in ("__getitem__", "__iter__"):
    setattr(os._Environ, name, noted("environ", getattr(os._Environ, name)))

class Time(type(time)):
    def __getattribute__(self, name):
        if name in ("tzname", "timezone", "altzone", "daylight"):
            note("time." + name)
        return super().__getattribute__(name)

time.__class__ = Time
sys.addaudithook(note)
looked_mark, kernel_mark, program = sys.argv[1:]
sys.argv[:] = ["-c"]
atexit.register(lambda: sys.stderr.write(looked_mark * bool(looked) + kernel_mark * bool(kernel)))
exec(compile(program, "<yours>", "exec"), {"__name__": "__main__"})
"""
"""Runs a program and writes marks to stderr: one if it looked at anything outside itself, one if it asked the kernel.
Python has audit events for files, folders, processes and addresses, but not for the environment, the time zone and some
calls of `os`. Variables, users, limits and files (but those in /proc and /sys) are a container's own: equal there and here
does not mean the same."""
MARK, KERNEL = "@looked@", "@kernel@"


@dataclass(frozen=True)
class Result:
    """What became of one program: whether it got `through`; if not, which layer stopped it `by` which `sign`.

    `printed` is what it printed and `canary` the secret in it, both empty for a recorded outcome (`live` is False).
    """

    through: bool
    by: str
    sign: str
    printed: str = ""
    canary: str = ""
    live: bool = False


def programs(names: Sequence[str] = TEN) -> list[Any]:
    """The programs of these names, with what their headers say."""
    found = {attempt.slug: attempt for attempt in suite.load()}
    return [found[name] for name in names]


def body(attempt: Any) -> str:
    """The code of a program without its header, which says what stops it."""
    first, *_ = ast.parse(attempt.code).body
    return "\n".join(attempt.code.splitlines()[first.end_lineno :]).strip()


def committed() -> dict[str, Any]:
    """The last run of the whole suite: its `outcomes`, and the versions that they were `seen on`."""
    found: dict[str, Any] = json.loads(suite.OUTCOMES.read_text(encoding="utf-8"))
    return found


def alone() -> str | None:
    """Why no program can run in LocalPythonExecutor alone here; None if it can."""
    return (
        None
        if sys.platform == "linux"
        else f"The programs are for Linux, and this is {sys.platform}. {INSTEAD}"
    )


def boxes() -> str | None:
    """Why no agent's container can run here, with the command that helps; None if it can."""
    try:
        container.check()
        said = inside(NETWORK, "host", "http://127.0.0.1:9")
    except CourseError as error:
        return f"{error}\n{INSTEAD}"
    here = Path("/proc/self/ns/net")
    if not here.exists() or said.strip() != str(here.stat().st_ino):
        return f"Docker runs its containers in a virtual machine here, with another network. {INSTEAD}"
    return None


def live(boxed: bool) -> list[str]:
    """The ways that can be tried on this computer: executor, host, socket. `boxed`: whether a container can run here."""
    return [*(["executor"] if alone() is None else []), *(["host", "socket"] if boxed else [])]


def said(program: str, network: str, url: str) -> str:
    """As `inside`, but if no container can be started, that is said in brackets instead."""
    try:
        return inside(program, network, url).strip()
    except CourseError as error:
        lines = str(error).strip().splitlines()
        return f"(no container on this network here: {lines[0] if len(lines) == 1 else lines[-1]})"


def inside(program: str, network: str, url: str) -> str:
    """What a Python program prints when it runs in the container in place of the agent."""
    name, said = container.fresh_name(), io.StringIO()
    groups = sandbox.command("", url, network, name=name, instead=["python", "-c", program])
    status = container.run(groups, name, sandbox.Limits(seconds=60), out=said, err=said)
    if status == 125:
        raise CourseError(f"docker could not start the container:\n{said.getvalue()[-800:]}")
    return said.getvalue()


@dataclass(frozen=True)
class Here:
    """What a program printed on this computer. `problem`: why nothing can be learned from that, as a sentence, or "".

    `steady`: whether it printed the same a second time. `kernel`: whether it asked the kernel for something that a
    container does not have of its own.
    """

    printed: str = ""
    problem: str = ""
    steady: bool = True
    kernel: bool = False


def here(program: str, seconds: float = 30) -> Here:
    """Run the text of a Python program on this computer, twice. It should look at something outside itself, and print."""
    command = [sys.executable, "-I", "-c", WATCH, MARK, KERNEL, program]
    found: list[str] = []
    asked = False
    for _ in range(2):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return Here(problem=f"it does not end within {seconds:g} s")
        found.append(done.stdout.strip())
        if done.returncode or not found[-1]:
            said = done.stderr.replace(MARK, "").replace(KERNEL, "").strip().splitlines() or [
                "it prints nothing"
            ]
            return Here(problem=f"on this computer it should print what it found, but: {said[-1]}")
        if MARK not in done.stderr:
            seen = "a file, a variable, a process, an address"
            return Here(found[0], problem=f"it was seen to look at nothing outside itself ({seen} …)")
        asked = KERNEL in done.stderr
    return Here(found[0], steady=found[0] == found[1], kernel=asked)


def run(attempts: Iterable[Any], ways: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The outcome of each program, by way: executor, host, socket."""
    outcomes: dict[str, dict[str, Any]] = {}
    for attempt, way, seen, _ in _watched(attempts, ways):
        outcomes.setdefault(attempt.slug, {})[way] = suite.judge(attempt, way, seen)
    return outcomes


def results(attempts: Iterable[Any], ways: Iterable[str]) -> dict[str, dict[str, Result]]:
    """The result of each program, by way: from a run for these ways, from the recorded outcomes for the others."""
    attempts, known = list(attempts), committed()["outcomes"]
    found = {
        attempt.slug: {
            way: Result(outcome["through"], outcome["by"], outcome["sign"])
            for way, outcome in known[attempt.slug].items()
        }
        for attempt in attempts
    }
    for attempt, way, seen, canary in _watched(attempts, ways):
        outcome = suite.judge(attempt, way, seen)
        printed = seen.output.strip()
        found[attempt.slug][way] = Result(
            outcome["through"], outcome["by"], outcome["sign"], printed, canary, live=True
        )
    return found


def _watched(attempts: Iterable[Any], ways: Iterable[str]) -> Iterator[tuple[Any, str, suite.Seen, str]]:
    """Run each program each way; what was seen, and the canary that it printed, if any."""
    attempts, ways = list(attempts), list(ways)
    if not ways:
        return
    with stand_ins() as stand:
        for way in ways:
            if way == "executor":
                seen = way_of.in_executor(attempts, stand)
            else:
                seen = {
                    attempt.slug: way_of.in_container(attempt, way, stand, PATIENT) for attempt in attempts
                }
            for attempt in attempts:
                names = sorted(seen[attempt.slug].canaries)
                yield attempt, way, seen[attempt.slug], "".join(stand.canaries[name] for name in names[:1])


@contextlib.contextmanager
def stand_ins() -> Iterator[Any]:
    """Canaries and small services for the duration of a run. Nothing of them is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="attempts-"))
    folder.chmod(0o711)  # the temporary user has its home in there
    uid = throw_away_user() if os.getuid() == 0 else os.getuid()
    stand = None
    try:
        stand = standins.Small(folder, uid)
        yield stand
    finally:
        if stand:
            stand.stop()
        shutil.rmtree(folder, ignore_errors=True)


def table(attempts: Iterable[Any], outcomes: Mapping[str, Mapping[str, Result]]) -> str:
    """A line per program: its title, and the layer that stopped it each way."""
    lines = [f"{'':58}{'executor alone':17}{'host network':27}socket"]
    for attempt in attempts:
        cells = [short(outcomes[attempt.slug][way]) for way in suite.WAYS]
        title = textwrap.shorten(attempt.title, 56, placeholder=" …")
        lines.append(f"{title:58}{cells[0]:17}{cells[1]:27}{cells[2]}")
    return "\n".join(lines)


def short(result: Result) -> str:
    """The layer that stopped it, or GETS THROUGH."""
    return "GETS THROUGH" if result.through else result.by
