"""What one learner may use: limits that the kernel enforces on each process, and the user that it runs as.

`confine` runs between fork and exec of a learner's server, so every process that it starts inherits all of this. What the
kernel cannot limit for a user without control groups (memory and disk in sum), `warden` watches.

    subprocess.Popen(command, preexec_fn=confine(learner, settings))
"""

import os
import resource
from collections.abc import Callable
from pathlib import Path

from workshop.hub.settings import Settings
from workshop.hub.state import Learner

NICE = 5
"""The hub, the proxy and the model's server are served first."""


def limits(settings: Settings, alone: bool) -> dict[int, int]:
    """resource.RLIMIT_… → its value. `alone`: the learner has a user id of their own.

    RLIMIT_NPROC counts all processes of a user, so it cannot be set for one of several learners who share one.
    RLIMIT_DATA counts memory that a process may write to; RLIMIT_AS would also count the model file that is mapped.
    """
    made = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: settings.memory,
        resource.RLIMIT_FSIZE: settings.disk,
    }
    return {**made, resource.RLIMIT_NPROC: settings.processes} if alone else made


def confine(learner: Learner, settings: Settings, user: bool = True) -> Callable[[], None]:
    """A function for Popen's `preexec_fn`: the learner's limits, folder, priority and, unless `user` is False, user id."""
    wanted = limits(settings, learner.uid is not None)

    def inside() -> None:
        for which, most in wanted.items():
            _, hard = resource.getrlimit(which)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (most, most))
        os.nice(NICE)
        os.umask(0o077)
        if user and learner.uid is not None:
            os.setgroups([])
            os.setgid(learner.uid)
            os.setuid(learner.uid)
        os.chdir(learner.folder)

    return inside


def scope(learner: Learner, settings: Settings, marker: Path = Path("/run/systemd/system")) -> list[str]:
    """Words before the command of a learner's server that put it into a control group of its own.

    [] without systemd, or if the settings want none. In a group, memory and processes are limited in sum, and each learner
    gets an equal share of the processor. systemd-run needs root, so `setpriv` (util-linux) changes the user after it,
    instead of `confine`. README.md says how far this was tried.
    """
    if learner.uid is None or not settings.groups or not marker.is_dir():
        return []
    properties = {
        "MemoryMax": settings.memory,
        "MemorySwapMax": 0,
        "TasksMax": settings.processes,
        "CPUWeight": 100,
    }
    group = ["systemd-run", "--scope", "--quiet", "--collect", "--slice=course-hub.slice"]
    group += [f"--property={name}={value}" for name, value in properties.items()]
    user = f"{learner.uid}"
    return [*group, "--", "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
