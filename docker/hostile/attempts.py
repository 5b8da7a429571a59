"""A few of the hostile programs, for a lesson: run on this computer if possible, else read from the recorded outcomes.

Runs them in LocalPythonExecutor (in a temporary folder, and as a user without an account if this one is root) and in the
agent's container, or says why it cannot. Needs no root, and what the programs aim at is on this computer. `make hostile`
runs all of them.

    seen = results(programs(), live())        # seen["files_ssh_key"]["socket"].by == "own file system"
"""

import ast
import contextlib
import io
import json
import os
import shutil
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


def live() -> list[str]:
    """The ways that can be tried on this computer: executor, host, socket."""
    return [*(["executor"] if alone() is None else []), *(["host", "socket"] if boxes() is None else [])]


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
