"""One real hub for the tests of this folder, and three learners who sit in front of a real Chromium.

The hub, its model server, the proxy and the learners' servers are the ones that `make hub` starts, with smaller limits.
Without Node, Chromium or the hub's environment, the folder is skipped.
"""

import os
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bootstrap
from authoring import picture as picture_maker
from course import ROOT
from course.errors import CourseError
from course.server import registry
from support import skips
from support.room import NAMES
from workshop.hub import access, launch
from workshop.hub.run import Hub, running
from workshop.hub.settings import MB, Settings


@pytest.fixture(scope="session", autouse=True)
def programs():
    """What a hub needs on this machine."""
    if launch.PYTHON.exists() and not bootstrap.HUB.stamp.exists():
        skips.missing("JupyterHub, which was not installed to the end", "python3 bootstrap.py hub")
    try:
        access.check_programs()
    except CourseError as error:
        seen, _, install = str(error).partition("\n")
        skips.missing(seen.rstrip("."), install.partition("  ")[2] or install)
    closed = [part for part in (ROOT, launch.PYTHON) if not bootstrap.open_to_all(part)]
    if os.geteuid() == 0 and closed:
        pytest.skip(
            f"{skips.IMPOSSIBLE}other users cannot reach {closed[0]}, and the learners are other users"
        )


@pytest.fixture(scope="session")
def browser_path(programs):
    return picture_maker.browser_path() or skips.missing("Chromium", "sudo apt-get install chromium")


@pytest.fixture(scope="module")
def home():
    """A folder that other users can reach, as pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="course-hub-"))
    folder.chmod(0o711)
    yield folder / "state"
    shutil.rmtree(folder)


PORTS = (30_100, 32_700)
"""Nobody else chooses a port in here: below it are those inside of a hub, above it those that the system gives away."""


def settings(home: Path, **changes: Any) -> Settings:
    """Small limits, so that they are reached soon."""
    small = {"learners": 8, "memory": 800 * MB, "disk": 100 * MB, "processes": 200}
    return Settings(home=home, port=registry.next_free(random.randrange(*PORTS)), **{**small, **changes})


class Running:
    """The hub of a module; `restart()` stops and starts it on the same state and port."""

    def __init__(self, home: Path) -> None:
        self.settings, self.told = settings(home), []
        self.hub: Hub
        self._start()

    def _start(self) -> None:
        self._context = running(self.settings, self.told.append)
        self.hub = self._context.__enter__()

    def stop(self) -> None:
        context, self._context = self._context, None
        if context:
            context.__exit__(None, None, None)

    def restart(self) -> None:
        self.stop()
        self._start()


@pytest.fixture(scope="module")
def room(home):
    """A running hub. A failing test shows the end of its log."""
    made = Running(home)
    yield made
    made.stop()
    assert made.hub.failed is None, made.told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    made = getattr(item, "funcargs", {}).get("room")
    if report.failed and made is not None:
        said = "\n".join([*made.told, made.hub.log.read_text(errors="replace")[-4000:]])
        report.sections.append(("the hub", said))
    return report


@dataclass(frozen=True)
class Place:
    """A learner at a browser window of their own."""

    name: str
    page: Any


@pytest.fixture(scope="module")
def chromium(browser_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox"], timeout=180_000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seats(room, chromium):
    """Three windows with cookies of their own, nobody logged in yet."""
    contexts = [chromium.new_context(viewport={"width": 1300, "height": 900}) for _ in NAMES]
    made = {}
    for name, context in zip(NAMES, contexts, strict=True):
        context.set_default_timeout(200_000)
        made[name] = Place(name, context.new_page())
    yield made
    for context in contexts:
        if (folder := os.environ.get("PICTURES")) and context.pages:
            context.pages[0].screenshot(path=Path(folder) / f"hub-{contexts.index(context)}.png")
        context.close()
