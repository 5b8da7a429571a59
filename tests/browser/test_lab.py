"""Lesson 05 in a real JupyterLab: all cells from the menu's command, then its explorer, by mouse, by keyboard, by axe.

The notebook is made from its source, as a learner gets it, in a folder of its own; its kernel uses the shared server.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import nbformat
import pytest

from authoring import lessons
from course import ROOT
from course.run.notebook import tags
from support import nbplugin

SOURCE = ROOT / "notebooks" / "source" / "05_wire_and_steps.py"
SECONDS = 1200  # for what takes one minute on an idle machine
pytestmark = pytest.mark.timeout(3 * SECONDS)
IDLE = """() => { const at = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return at?.isReady && at.session?.kernel?.status === 'idle' && !at.hasNoKernel; }"""
RAN = """() => jupyterapp.shell.currentWidget.content.widgets.every(
  cell => cell.model.type !== 'code' || !cell.model.sharedModel.source || cell.model.executionCount)"""
ERRORS = """jupyterapp.shell.currentWidget.content.widgets.flatMap(cell => cell.model.type === 'code'
  ? cell.model.outputs.toJSON().filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue) : [])"""


@pytest.fixture(scope="module")
def lab(server, tmp_path_factory):
    """JupyterLab on loopback; its address, and the lesson in its folder."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = lessons.outline(SOURCE)["learner"]
    if not nbplugin.embedded():
        notebook.cells = [c for c in notebook.cells if "embedded-only" not in tags(c)]
    nbformat.write(notebook, folder / "lesson.ipynb")
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "default_setting_overrides.json").write_text(
        '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}'
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    given = {"SERVER": server.url, "PROFILE": server.profile.name, "KEY": server.api_key or ""}
    own = {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "COURSE_PROGRESS": str(folder / "progress.json"),
    }
    with (folder / "lab.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            stdout=log, stderr=subprocess.STDOUT, cwd=folder, env={**os.environ, **given, **own},
        )  # fmt: skip
        try:
            answers(f"http://127.0.0.1:{port}/api/status", child, folder / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/lesson.ipynb?reset"
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def answers(url: str, child: subprocess.Popen, log: Path) -> None:
    """Wait until it does; fail with the log's end when it never will."""
    until = time.monotonic() + 300
    while child.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(url, timeout=60, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    pytest.fail(
        f"JupyterLab does not answer at {url}. Its log ends:\n{log.read_text(errors='replace')[-2000:]}"
    )


@pytest.fixture(scope="module")
def notebook(lab, chromium):
    """The lesson with all cells run, in one window for all tests of this file."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(150_000)
    page.goto(lab)
    page.wait_for_function(IDLE, timeout=300_000)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(RAN, timeout=SECONDS * 1000)
    page.wait_for_function(IDLE, timeout=300_000)
    yield page
    context.close()


@pytest.fixture
def explorer(notebook):
    """The explorer's own part of the page, in sight."""
    notebook.evaluate(
        """() => { const book = jupyterapp.shell.currentWidget.content;
             const at = book.widgets.findIndex(c => c.model.sharedModel.source.startsWith('Explorer('));
             book.activeCellIndex = at; return book.scrollToItem(at, 'start'); }"""
    )
    region = notebook.locator(".jp-OutputArea-output", has=notebook.locator("select")).first
    region.locator("select").first.wait_for()
    return region


def test_lesson_05_runs_from_the_menu_without_an_error(notebook):
    assert notebook.evaluate(ERRORS) == []


def test_the_explorer_shows_two_runs_side_by_side(explorer):
    """Pickers and buttons change what is drawn, and the two turns stand beside each other."""
    run, turn, other, its = (explorer.locator("select").nth(n) for n in range(4))
    assert run.locator("option").count() == 2
    first = explorer.locator("h2").first
    turn.select_option(index=0)
    explorer.locator("h2", has_text="Turn 1").first.wait_for()
    explorer.get_by_role("button", name="Next turn").first.click()
    explorer.locator("h2", has_text="Turn 2").first.wait_for()
    second = turn.locator("option").nth(1).element_handle()
    explorer.page.wait_for_function("option => option.selected", arg=second)
    other.select_option(index=1)
    its.wait_for()
    explorer.locator("h2").nth(1).wait_for()
    left, right = first.bounding_box(), explorer.locator("h2").nth(1).bounding_box()
    assert right["x"] > left["x"] + 300
    assert abs(right["y"] - left["y"]) < 80
    explorer.get_by_role("checkbox", name="Charts of the run").check()
    explorer.locator("table.bars").first.wait_for()


def test_the_explorer_by_keyboard_alone(notebook, explorer):
    """Tab reaches each control in order, the space bar presses a button. Arrows and Enter are JupyterLab's own there."""
    explorer.locator("select").nth(2).select_option(index=0)  # one pane: the other has a turn of its own
    explorer.locator("select").nth(1).select_option(index=0)
    explorer.locator("button:disabled", has_text="Previous turn").first.wait_for()
    explorer.locator("select").nth(0).focus()
    notebook.keyboard.press("Tab")
    assert explorer.locator("select").nth(1).evaluate("s => s === document.activeElement")
    notebook.keyboard.press("Tab")
    assert "Next turn" in notebook.evaluate("document.activeElement.outerHTML")
    notebook.keyboard.press("Space")
    explorer.locator("button:enabled", has_text="Previous turn").first.wait_for()
    notebook.keyboard.press("Shift+Tab")
    assert "Previous turn" in notebook.evaluate("document.activeElement.outerHTML")
    notebook.keyboard.press("Space")
    explorer.locator("button:disabled", has_text="Previous turn").first.wait_for()


def test_axe_finds_nothing_wrong_in_the_explorer(notebook, explorer, axe):
    """In its own region, in JupyterLab's light theme and in its dark one."""
    handle = explorer.element_handle()
    assert axe(notebook, handle) == []
    notebook.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    notebook.locator("body[data-jp-theme-light='false']").wait_for(state="attached")
    assert axe(notebook, handle) == []
