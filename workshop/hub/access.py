"""Can a hub run here at all? Each check raises a CourseError that says what is missing and how to get it.

check_programs(); check_port(settings); check_learner(state)
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bootstrap
from course import ROOT
from course.errors import CourseError
from course.server import registry
from workshop.hub import launch
from workshop.hub.settings import Settings
from workshop.hub.state import State


def check_programs() -> None:
    """Linux, Node, git and what `bootstrap.py hub` installs."""
    if not sys.platform.startswith("linux"):
        raise CourseError(
            f"a hub needs Linux, for its limits and users; this is {sys.platform}.\nFor yourself:  make lab"
        )
    if not launch.PYTHON.exists():
        raise CourseError("JupyterHub is not installed.\nInstall it:  python3 bootstrap.py hub")
    try:
        bootstrap.check_node()
    except bootstrap.SetupError as error:
        raise CourseError(str(error)) from None
    if not launch.PROXY.exists():
        raise CourseError("the hub's proxy is not installed.\nInstall it:  python3 bootstrap.py hub")


def check_port(settings: Settings) -> None:
    if not registry.is_free(settings.port, settings.host):
        process = registry.holder(settings.port)
        who = f" by {process.name()} (pid {process.pid})" if process else ""
        free = registry.next_free(min(settings.port + 1, registry.LAST_PORT), settings.host)
        raise CourseError(
            f"port {settings.port} at {settings.host} is in use{who}, or may not be used.\n"
            f"Stop that program, or choose another port:  make hub PORT={free}"
        )


def check_learner(state: State) -> None:
    """As root: whether a learner's user id can read the course, run its Python and reach the homes."""
    if os.geteuid() != 0:
        return
    uid = int(state.secret("uids"))
    code = "import os, sys, course; os.listdir(sys.argv[1]); os.stat(sys.argv[2]); open(sys.argv[3]).close()"
    what = [str(ROOT / "notebooks"), str(state.homes), str(state.lessons / "README.md")]
    try:
        done = subprocess.run(
            [str(launch.PYTHON), "-P", "-c", code, *what],
            user=uid, group=uid, extra_groups=[], cwd="/", env={"PATH": os.defpath},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        why = (done.stderr.strip().splitlines() or [""])[-1] if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        why = str(error)
    if why:
        raise CourseError(
            f"learners would run as users of their own, such as {uid}, and such a user cannot read what they need: {why}\n"
            f"Every folder above {ROOT} and {state.home}, and Python itself, must be open to all users. A place that is:\n"
            "  git clone … /opt/agents-on-the-wire   (and HUB_HOME=/srv/hub)\n"
            "If it is Python:  rm -r build/hub, then make hub PYTHON=/usr/bin/python3"
        )


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """In this block, an OSError is about the hub's own folder."""
    try:
        yield
    except OSError as error:
        raise CourseError(
            f"cannot use {folder} for the hub's state: {error.strerror or error}.\n"
            "Use another folder:  make hub HUB_HOME=/srv/hub"
        ) from error
