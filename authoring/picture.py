"""The README's picture: a screenshot of the last turn of the leopard run, as `course view` draws it, in Chromium.

python -m authoring picture        # writes docs/turn.png and docs/turn-dark.png
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from course import ROOT, view
from course.agent import LEOPARD, recorded_run
from course.errors import CourseError
from course.server import Server
from course.tape import Tape

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, MARGIN = 1100, 12  # pixels
SCHEMES: dict[Literal["light", "dark"], str] = {"light": "turn.png", "dark": "turn-dark.png"}


def browser_path() -> str | None:
    """The path of a Chromium or Chrome; $CHROMIUM names another one. None if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def browser() -> str:
    """The path of a Chromium or Chrome; $CHROMIUM names another one."""
    found = browser_path()
    if not found:
        raise CourseError(
            "Chromium, which takes the picture, is not installed.\nInstall it:  sudo apt-get install chromium"
        )
    return found


def take(folder: Path = ROOT / "docs") -> list[Path]:
    """Ask the question, draw the page, and take a screenshot of its last turn in both color schemes. Returns the files."""
    from playwright.sync_api import sync_playwright

    chromium = browser()
    with tempfile.TemporaryDirectory() as scratch, Server("embedded", url=False, quiet=True) as server:
        done = recorded_run(server, LEOPARD, Tape(Path(scratch) / "run.tape.jsonl"))
        done.result()
        page = Path(scratch) / "run.html"
        page.write_text(view.page(done.turns, LEOPARD), encoding="utf-8")
        with sync_playwright() as playwright:
            window = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for scheme, name in SCHEMES.items():
                tab = window.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)
                anchor = f"#turn-{done.turns[-1].index}"
                tab.goto(f"{page.as_uri()}{anchor}")  # a link to a turn opens it
                turn = tab.locator(anchor)
                turn.locator("h3").first.wait_for()
                box = turn.bounding_box()
                assert box is not None, "the turn is not on the page"
                top = box["y"] + tab.evaluate("scrollY") + MARGIN  # below the line that divides turns
                around = {"x": 0, "y": top, "width": WIDTH, "height": box["height"] - MARGIN}
                tab.screenshot(path=folder / name, full_page=True, clip=around)
            window.close()
    return [folder / name for name in SCHEMES.values()]
