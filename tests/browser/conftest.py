"""A real Chromium, a live tape and its page, for the tests in this folder.

Does: drives the distribution's Chromium by Playwright; records one run of the agent on the shared server, with a
refused request behind it; asks axe-core about a page. Does not: install anything. Without a browser the folder is
skipped before anything is recorded; in CI that is a failure.

    pytest tests/browser                     CHROMIUM=/path/of/a/chrome takes another browser
    PICTURES=build/pictures pytest tests/browser      keeps a picture of what each test saw last
"""

import os
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from authoring import picture as picture_maker
from course import agent, view
from course.diagnose import diagnose
from course.tape import RecordingTransport, Tape
from course.turns import turns
from support import skips

WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="session", autouse=True)
def browser_path():
    """The browser's program; without one nothing of this folder runs."""
    return picture_maker.browser_path() or skips.missing("Chromium", "sudo apt-get install chromium")


@pytest.fixture(scope="module")
def chromium(browser_path):
    """The browser, headless. --no-sandbox: root in a container has none.

    Closed with each module, not with the session: while Playwright's driver lives, an event loop runs in this thread,
    and no later test could call `asyncio.run`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags, timeout=180_000)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, request):
    """`tab(path or address, color_scheme="dark", …)` opens it in a window of its own; an uncaught error fails the test.

    `tab(…).asked` lists the addresses that it asked for.
    """
    contexts, errors = [], []

    def opened(where, **options):
        context = chromium.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda r: page.asked.append(r.url))
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.set_default_timeout(150_000)
        page.goto(where.as_uri() if isinstance(where, Path) else where)
        return page

    yield opened
    for number, context in enumerate(contexts):
        for page in context.pages:
            picture(page, f"{request.node.name}{number or ''}")
        context.close()
    assert not errors, f"scripts failed: {errors}"


def picture(page, name: str) -> None:
    """Keep what the page shows now, when PICTURES names a folder for it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="session")
def recorded(browser_path, server, tmp_path_factory):
    """The tape of a run as it comes, whatever the model says, and of a request that the server refuses."""
    tape = Tape(tmp_path_factory.mktemp("recorded") / "run.tape.jsonl")
    agent.recorded_run(
        server, agent.LEOPARD, tape, max_steps=4
    )  # a weak model may not finish: the tape is wanted
    headers = {"Authorization": f"Bearer {server.api_key}"}
    recording = RecordingTransport(httpx.HTTPTransport(), tape)
    with httpx.Client(transport=recording, headers=headers, timeout=300) as client:
        client.post(f"{server.api_base}/chat/completions", json={"messages": "none"})
    return tape


@pytest.fixture(scope="session")
def made(recorded):
    return turns(recorded.records())


@pytest.fixture(scope="session")
def file(made, tmp_path_factory):
    """The page of the recorded tape, with the findings: one is about the refused request."""
    path = tmp_path_factory.mktemp("page") / "run.html"
    path.write_text(view.page(made, agent.LEOPARD, diagnose(made)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def axe(chromium):
    """`axe(page)`: what axe-core finds wrong, a line each; `axe(page, ".region")` looks at that region only.

    The script is added past the page's own policy, which forbids it: by the debugging protocol.
    """
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

    def run(page, region=None):
        page.evaluate(script)
        found = page.evaluate("region => axe.run(region ?? document)", region)
        return [
            f"{v['id']}: {v['help']}: {node['target']} {node['failureSummary']}"
            for v in found["violations"]
            for node in v["nodes"]
        ]

    return run
