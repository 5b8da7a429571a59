"""Start a learner's server: as a user of its own, within limits, in a home of its own.

JupyterHub's LocalProcessSpawner with three differences: users need no account on the machine, the output goes to a log that
the learner cannot delete, and at the end nothing of the learner's is left running.

    c.JupyterHub.spawner_class = LearnerSpawner
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from tornado import web

from course.errors import CourseError
from workshop.hub import lessons, limits, services, warden
from workshop.hub.launch import VARIABLE, Launch
from workshop.hub.model import key_of
from workshop.hub.settings import MB
from workshop.hub.state import Learner, State

SINGLE = Path(__file__).with_name("single.py")


class LearnerSpawner(LocalProcessSpawner):
    """One learner's server."""

    @cached_property
    def state_(self) -> State:
        return State(Path(os.environ[VARIABLE]))

    @cached_property
    def launch(self) -> Launch:
        return Launch.read(self.state_)

    @property
    def learner(self) -> Learner:
        return self.state_.learner(self.user.name)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        grouped = bool(limits.scope(self.learner, self.launch.settings))
        return limits.confine(self.learner, self.launch.settings, user=not grouped)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Home, shell, lessons, model and key. Learners' git reads the hub's settings instead of the machine's."""
        learner, state = self.learner, self.state_
        home = str(learner.folder)
        return {
            **env,
            **services.environment(self.launch, state, key_of(learner, self.launch.settings)),
            "HOME": home,
            "USER": learner.name,
            "LOGNAME": learner.name,
            "SHELL": shutil.which("bash") or "/bin/sh",
            "TMPDIR": f"{home}/.tmp",
            "PATH": f"{Path(sys.executable).parent}:{env.get('PATH', os.defpath)}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_CONFIG_PATH": str(state.jupyter),
            "GIT_CONFIG_SYSTEM": str(state.home / "gitconfig"),
            "NBGITPULLER_DEPTH": "0",
            "COURSE_HUB_STATE": str(state.home),
            "COURSE_HUB_COPY": lessons.COPY,
            "COURSE_HUB_LESSONS": lessons.source(state),
            "COURSE_HUB_BRANCH": lessons.BRANCH,
            "COURSE_HUB_MODEL": str(state.model),
        }

    async def start(self) -> tuple[str, int]:
        """Make the home if it is new, then start the server there. A learner far over the disk limit is refused."""
        learner, settings = self.learner, self.launch.settings
        self.state_.make_home(learner)
        size, _ = await asyncio.to_thread(warden.measured, [learner.folder], learner.uid, 2 * settings.files)
        if size > 2 * settings.disk:
            raise refused(
                f"Your files take {size / MB:,.0f} MB, more than twice the limit. Ask the instructor."
            )
        self.cmd = [*limits.scope(learner, settings), sys.executable, "-P", str(SINGLE)]
        with (self.state_.logs / f"{learner.name}.log").open("wb") as log:
            self.popen_kwargs = {"stdout": log, "stderr": log, "cwd": "/"}
            where: tuple[str, int] = await super().start()
        (self.state_.servers / learner.name).write_text(str(self.pid))
        return where

    async def stop(self, now: bool = False) -> None:
        """End the server and then whatever else the learner started."""
        await super().stop(now)
        with suppress(OSError):
            (self.state_.servers / self.user.name).unlink()
        await asyncio.to_thread(warden.end_all, self.learner)

    def run_pre_spawn_hook(self) -> Any:
        """A hub without a free number says so on the page, instead of failing."""
        try:
            key_of(self.learner, self.launch.settings)
        except CourseError as error:
            raise refused(str(error)) from error
        return super().run_pre_spawn_hook()


def refused(why: str) -> web.HTTPError:
    """An error that JupyterHub shows to the learner in these words."""
    error = web.HTTPError(503, why)
    error.jupyterhub_message = why
    return error
