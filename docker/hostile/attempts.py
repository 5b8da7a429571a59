"""A few of the hostile programs, for a lesson: run here where that can be done, else read from the committed table.

Does: picks programs of docker/hostile, runs them in LocalPythonExecutor (in a throw-away folder, as a throw-away user
if this one is root) and in the agent's container, with stand-ins on this computer only. Says why it cannot.
Does not: run all of them (`make hostile` does), need root, or aim at anything outside of this computer.

    outcomes = run(programs(), ["executor"])          # {"files_ssh_key": {"executor": {"through": False, …}}}
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from course import sandbox
from course.errors import CourseError
from course.sandbox import container
from hostile import standins, suite
from hostile import ways as way_of

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
"""What they aim at is on this computer, and harmless for it if it is not stopped."""
NETWORK = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
INSTEAD = "The lesson goes on with the committed table."


def programs(names: Sequence[str] = TEN) -> list[Any]:
    """These programs, with what their headers say."""
    found = {attempt.slug: attempt for attempt in suite.load()}
    return [found[name] for name in names]


def committed() -> dict[str, Any]:
    """The table of the last run of the whole suite: `outcomes`, and on what they were `seen on`."""
    return json.loads(suite.OUTCOMES.read_text(encoding="utf-8"))


def alone() -> str | None:
    """Why no program can be run in LocalPythonExecutor alone here; None: it can."""
    return (
        None if sys.platform == "linux" else f"The programs are for Linux, this is {sys.platform}. {INSTEAD}"
    )


def boxes() -> str | None:
    """Why no agent's container can be run here, with the command that helps; None: it can."""
    try:
        container.check()
        said = inside(NETWORK, "host", "http://127.0.0.1:9")
    except CourseError as error:
        return f"{error}\n{INSTEAD}"
    here = Path("/proc/self/ns/net")
    if not here.exists() or said.strip() != str(here.stat().st_ino):
        return (
            f"Docker runs its containers in a virtual machine here, whose network is not this one. {INSTEAD}"
        )
    return None


def inside(program: str, network: str, url: str) -> str:
    """What a Python program prints that runs in the agent's container in place of the agent."""
    name, said = container.fresh_name(), io.StringIO()
    groups = sandbox.command("", url, network, name=name, instead=["python", "-c", program])
    status = container.run(groups, name, sandbox.Limits(seconds=60), out=said, err=said)
    if status == 125:
        raise CourseError(f"docker could not start the container:\n{said.getvalue()[-800:]}")
    return said.getvalue()


def run(attempts: Iterable[Any], ways: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The outcomes of these programs, for each way: executor, host, socket."""
    attempts = list(attempts)
    outcomes: dict[str, dict[str, Any]] = {attempt.slug: {} for attempt in attempts}
    with stand_ins() as stand:
        for way in ways:
            if way == "executor":
                seen = way_of.in_executor(attempts, stand)
            else:
                seen = {attempt.slug: way_of.in_container(attempt, way, stand) for attempt in attempts}
            for attempt in attempts:
                outcomes[attempt.slug][way] = suite.judge(attempt, way, seen[attempt.slug])
    return outcomes


@contextlib.contextmanager
def stand_ins() -> Iterator[Any]:
    """Canaries and small services for the time of a run; afterwards nothing of them is left."""
    from hostile.run import throw_away_user  # Linux only, as is everything below

    folder = Path(tempfile.mkdtemp(prefix="attempts-"))
    folder.chmod(0o711)  # the throw-away user has its home in there
    uid = throw_away_user() if os.getuid() == 0 else os.getuid()
    stand = None
    try:
        stand = standins.Small(folder, uid)
        yield stand
    finally:
        if stand:
            stand.stop()
        shutil.rmtree(folder, ignore_errors=True)


def table(attempts: Iterable[Any], outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each program: its title, and for each way the layer that stopped it."""
    lines = [f"{'':58}{'executor alone':17}{'host network':27}socket"]
    for attempt in attempts:
        cells = [short(outcomes[attempt.slug][way]) for way in suite.WAYS]
        title = textwrap.shorten(attempt.title, 56, placeholder=" …")
        lines.append(f"{title:58}{cells[0]:17}{cells[1]:27}{cells[2]}")
    return "\n".join(lines)


def short(outcome: Mapping[str, Any]) -> str:
    return "GETS THROUGH" if outcome["through"] else str(outcome["by"])
