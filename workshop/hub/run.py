"""Run a hub: start everything, watch it, and end all of it.

The one way to start a hub, for `make hub`, the tests and a load test alike. Starts the learners' model server and
JupyterHub with its proxy, starts again whichever of them dies, watches the limits, and at the end leaves no process behind.
Everything that a learner did stays in the state's folder.

    with running(Settings(home=Path("build/hub-state"))) as hub:
        hub.url, hub.room_code
        ada = hub.learner("ada")          # an account, its server running; ada.url, ada.token
"""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from course.errors import CourseError
from course.model import embedded
from course.server import lab, processes, registry, startup
from workshop.hub import access, launch, lessons, model, warden
from workshop.hub.desk import Desk
from workshop.hub.launch import Launch
from workshop.hub.settings import Settings
from workshop.hub.state import State

BEAT = 2.0
"""Seconds between two looks at the learners and at what has to run."""
PATIENCE = 120.0  # seconds until the hub must answer
STOPPING = 60.0  # seconds that it has to stop all servers
REVIVALS, WITHIN = 5, 600.0  # so often within so many seconds may it be started again
CONFIG = Path(__file__).with_name("config.py")
INSIDE = (10_000, 30_000)
"""Where the ports of hub, proxy and board are, at random: two hubs that start at once would choose the same next one."""
Say = Callable[[str], object]


class Hub(Desk):
    """A running hub. Its methods for accounts are in `Desk`."""

    def __init__(self, state: State, settings: Settings, shared: model.Shared, say: Say) -> None:
        super().__init__(launch.address(settings), state.secret("service_token"), settings)
        self.state, self.settings, self.model, self.say = state, settings, shared, say
        self.room_code, self.instructor_code = state.secret("room_code"), state.secret("instructor_code")
        self.log = state.home / "hub.log"
        self.failed: CourseError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._revivals: list[float] = []
        self._warden = warden.Warden(state, settings)

    @property
    def pid(self) -> int | None:
        """Of JupyterHub's process."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start JupyterHub and wait until it answers. CourseError with the end of its log if it does not."""
        environment = {**os.environ, launch.VARIABLE: str(self.state.home), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(launch.PYTHON), "-m", "jupyterhub", "--config", str(CONFIG)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.state.home,
                start_new_session=True,
                umask=0o077,  # its database and its passwords
                preexec_fn=heed_interrupts,
            )
        born = processes.created(self._process.pid)
        (self.state.home / "hub.pid").write_text(f"{self._process.pid} {born}")
        began = time.monotonic()
        while not self.answers():
            if (status := self._process.poll()) is not None:
                raise CourseError(
                    f"JupyterHub ended with status {status}. {self._tail()}\nTry again:  make hub"
                )
            if time.monotonic() - began > PATIENCE:
                raise CourseError(f"JupyterHub does not answer. {self._tail()}\nTry again:  make hub")
            time.sleep(0.2)

    def watch(self) -> None:
        """Look at everything every BEAT seconds until `stop`; what cannot be started again ends up in `failed`."""
        told: set[str] = set()
        while not self._over.wait(BEAT):
            try:
                self._look()
            except CourseError as error:
                self.failed = error
                return
            except Exception as error:  # one learner's odd file must not end the watch over the others
                if (what := f"{type(error).__name__}: {error}") not in told:
                    told.add(what)
                    self.say(f"# watching the learners failed, and goes on (this is said once): {what}")

    def _look(self) -> None:
        if self.model.dead():
            self._count("llama-server")
            self.say("# llama-server has died; starting it again. Requests that were running have failed.")
            self.model.revive()
        if self._process and self._process.poll() is not None and not self._over.is_set():
            self._count("JupyterHub")
            self.say("# JupyterHub has died; starting it again. The learners' servers keep running.")
            end_services(self.state)
            self.start()
        for line in self._warden.tick():
            self.say(f"# {line}")

    def _count(self, what: str) -> None:
        now = time.monotonic()
        self._revivals = [at for at in self._revivals if now - at < WITHIN] + [now]
        if len(self._revivals) > REVIVALS:
            raise CourseError(
                f"{what} died again, after {REVIVALS} restarts within {WITHIN / 60:.0f} minutes. {self._tail()}\n"
                "Everybody's work is kept. Start it again:  make hub"
            )

    def stop(self) -> None:
        """End JupyterHub, which stops all servers and its proxy; then end what is left."""
        self._over.set()
        if self._process:
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOPPING)
        sweep(self.state)
        if self._process:
            self._process.wait()

    def _tail(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return f"The end of its log ({self.log}):\n{startup.tail(text)}"


def heed_interrupts() -> None:
    """A shell's background job ignores Ctrl-C, and its children inherit that; but the hub stops its own so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def sweep(state: State) -> list[str]:
    """End what a hub of this state has left running: itself, its proxy, the learners' programs, its model server.

    Does nothing after a clean stop. Returns what was ended.
    """
    ended = []
    for file, word in (("hub.pid", "jupyterhub"), ("proxy.pid", "configurable-http-proxy")):
        path = state.home / file
        with suppress(OSError, ValueError, psutil.Error):
            pid, *created = map(float, path.read_text().split())
            born = created[0] if created else processes.created(int(pid))  # the proxy writes its pid only
            process = processes.alive(int(pid), born)
            if process and word in " ".join(process.cmdline()):
                ended.append(word)
                processes.end(process.pid, born, patience=STOPPING / 2)
        path.unlink(missing_ok=True)
    ended += end_services(state)
    for learner in state.known():
        if warden.end_all(learner):
            ended.append(f"programs of {learner.name}")
        (state.servers / learner.name).unlink(missing_ok=True)
    with suppress(OSError, ValueError, KeyError):
        url = Launch.read(state).model
        for server in registry.running():
            if server.url == url and server.orphan:
                processes.end(server.pid, server.created)
                registry.forget(server.pid)
                ended.append("llama-server")
    return ended


def end_services(state: State) -> list[str]:
    """End services that outlived a JupyterHub which was killed; returns their names."""
    ended = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.uids().real != os.geteuid():
                continue
            given = process.environ()
            name = given.get("JUPYTERHUB_SERVICE_NAME")
            if name and given.get(launch.VARIABLE) == str(state.home):
                processes.end(process.pid, processes.created(process.pid))
                ended.append(f"the service {name}")
    return ended


def share_model(state: State) -> None:
    """Put the embedded model where all learners can read it."""
    path = embedded.gguf_path(lambda text: None)
    for source in (path, path.with_suffix(".json")):
        target = state.model / source.name
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, target)
            target.chmod(0o644)


def share_settings(state: State) -> None:
    """JupyterLab's defaults for all learners, as `course lab` has them. Their own settings take precedence."""
    (state.jupyter / "labconfig").mkdir(parents=True, exist_ok=True)
    path = state.jupyter / "labconfig" / "default_setting_overrides.json"
    path.write_text(json.dumps(lab.QUIET), encoding="utf-8")
    for made in (state.jupyter, path.parent):
        made.chmod(0o755)
    path.chmod(0o644)


@contextmanager
def running(settings: Settings, say: Say = lambda text: None, **changes: Any) -> Iterator[Hub]:
    """A hub, until the block ends. `changes` are settings of the model's server (course.model.profiles.CHANGES).

    CourseError, with nothing left running, if something that it needs is missing or does not start.
    """
    access.check_programs()
    state = State(settings.home)
    with access.usable(settings.home):
        state.prepare(settings.learners)
    with state.held(), ExitStack() as stack:
        for left in sweep(state):
            say(f"# a hub that was killed had left {left} running; ended")
        state.check_uids()
        access.check_port(settings)
        lessons.update(state)
        share_model(state)
        share_settings(state)
        access.check_learner(state)
        shared = stack.enter_context(model.shared(settings, state.keys(), say, **changes))
        inside = registry.next_free(random.randrange(*INSIDE, 10))
        proxy = registry.next_free(inside + 1)
        board = registry.next_free(proxy + 1)
        Launch(settings, inside, proxy, board, shared.url, shared.profile).write(state)
        hub = Hub(state, settings, shared, say)
        stack.callback(hub.stop)
        hub.log.unlink(missing_ok=True)
        hub.log.touch(mode=0o600)
        say("starting JupyterHub …")
        hub.start()
        watch = threading.Thread(target=hub.watch, name="hub", daemon=True)
        watch.start()
        stack.callback(watch.join, STOPPING)
        stack.callback(hub._over.set)
        yield hub
