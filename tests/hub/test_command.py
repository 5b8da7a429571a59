"""The command behind `make hub`, run by a user who is not root: what it says and refuses, and what a kill leaves behind."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time

import psutil
import pytest

from course import ROOT
from course.model import embedded
from course.server import registry
from support import signals
from workshop.hub import launch, lessons
from workshop.hub.desk import Desk
from workshop.hub.launch import Launch
from workshop.hub.state import State

pytestmark = pytest.mark.timeout(1800)
NOBODY = 65534


@pytest.fixture(scope="module")
def user(home):
    """A user without rights (oneself, if the tests do not run as root), with a folder and the built model."""
    place = home.parent / "user"
    (place / "cache").mkdir(parents=True)
    model = embedded.gguf_path(lambda text: None)
    for source in (model, model.with_suffix(".json")):
        shutil.copyfile(source, place / "cache" / source.name)
    root = os.geteuid() == 0
    for path in [place, *place.rglob("*")] if root else []:
        os.chown(path, NOBODY, NOBODY)
    return place, {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}


@pytest.fixture
def command(user):
    """`command(port, "update")` starts one; whatever still runs at the end of the test is stopped."""
    started = []

    def start(port, *words):
        started.append(Command(user, port, *words))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
            each.status()


class Command:
    """The command with its output in a file; `says` waits for a text in it."""

    def __init__(self, user, port, *words):
        place, identity = user
        given = {
            **os.environ,
            "HOME": str(place),
            "COURSE_CACHE": str(place / "cache"),
            "HUB_HOME": str(place / "hub"),
            "HUB_LEARNERS": "3",
            "PORT": str(port),
        }
        self.log = place.parent / f"command-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [launch.PYTHON, "-m", "workshop.hub", *words],
                cwd=ROOT, env=given, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=signals.interruptible, **identity,
            )  # fmt: skip

    def text(self):
        return self.log.read_text()

    def says(self, what, seconds=480.0):
        until = time.monotonic() + seconds
        while what not in self.text() and time.monotonic() < until and self.process.poll() is None:
            time.sleep(0.2)
        assert what in self.text(), self.text()

    def status(self, seconds=300.0):
        return self.process.wait(seconds)


def left(place):
    """The command lines of processes that a hub in this folder started, directly or not."""
    found = []
    for process in psutil.process_iter():
        try:
            given = process.environ()
            if str(place) in (
                given.get("COURSE_HUB_STATE", "") + given.get(launch.VARIABLE, "") + given.get("HOME", "")
            ):
                found.append(" ".join(process.cmdline())[:120])
        except psutil.Error:
            continue
    return found


def test_a_hub_without_root_is_killed_started_again_and_stopped(user, command):
    """It says what is not separated; a second one is refused; after `kill -9`, the next start ends what was left."""
    place, _ = user
    port = registry.next_free(random.randrange(9700, 9980, 10))
    first = command(port)
    first.says("Ctrl-C")
    first.says("NOT SEPARATED")
    state = State(place / "hub")
    assert state.secret("room_code") in first.text()
    second = command(port + 1)
    assert second.status() == 1
    assert f"pid {first.process.pid}" in second.text(), second.text()
    update = command(port, "update")
    assert update.status() == 0
    assert "up to date" in update.text(), update.text()

    desk = Desk(f"http://127.0.0.1:{port}", state.secret("service_token"), Launch.read(state).settings)
    with desk.learner("ada").client() as client:
        assert (
            client.get(f"api/contents/{lessons.COPY}/notebooks/00_welcome.ipynb?content=0").status_code == 200
        )
    first.process.kill()
    first.status()
    assert left(place), "nothing outlived the kill, so the next line proves nothing"

    again = command(port)
    again.says("Ctrl-C")
    again.says("a hub that was killed had left jupyterhub running")
    assert state.secret("room_code") in again.text()
    again.process.send_signal(signal.SIGINT)
    assert again.status() == 0, again.text()
    assert left(place) == []
    assert registry.is_free(port)
    assert (place / "hub/homes/ada" / lessons.COPY / "notebooks/00_welcome.ipynb").is_file()


def test_a_port_that_is_taken_is_said_and_nothing_is_started(user, command):
    place, _ = user
    port = registry.next_free(random.randrange(9700, 9980, 10))
    with socket.create_server(("127.0.0.1", port)):
        taken = command(port)
        assert taken.status() == 1
    assert f"port {port}" in taken.text()
    assert "make hub PORT=" in taken.text()
    assert "Traceback" not in taken.text()
    assert left(place) == []
