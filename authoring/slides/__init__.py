"""Slides for a room, made from the lessons:  make slides  writes build/slides/*.html, one deck for each notebook.

Each deck is one file, with reveal.js, its speaker notes and its pictures inside: it opens from a memory stick, offline. A
change of a lesson carries over, because headings and cell tags decide what goes on a slide (making.py). The modules:

    reading.py   a built notebook → what the slides need of it: prose in blocks, code, what it printed, quizzes
    making.py    that → slides, each of a size that fits, with the whole text in its notes
    page.py      slides → one HTML file

    write(ROOT / "build" / "slides", ["05"])
"""

import html
from collections.abc import Iterable
from pathlib import Path

from authoring import lessons
from authoring.slides import making, page, reading
from course import ROOT, files
from course.errors import CourseError

GUIDE = ROOT / "workshop" / "guide.md"
HANDOUT = ROOT / "workshop" / "handout.md"
MODULES = ROOT / "build" / "slides-node" / "node_modules" / "reveal.js" / "dist"
"""Where bootstrap.py has installed reveal.js."""


def deck(source: Path) -> str:
    """The slides of one lesson as an HTML page. CourseError if reveal.js is missing, or the lesson was never built."""
    if not (MODULES / "reveal.js").is_file():
        raise CourseError(
            "reveal.js, which shows the slides, is not installed.\nInstall it:  python3 bootstrap.py slides"
        )
    built = lessons.notebooks(source)["solutions"]
    if not built.is_file():
        raise CourseError(f"{built} was never built.\nBuild it:  make build ARGS={source.stem}")
    lesson = reading.lesson(built)
    advice = reading.advice(GUIDE.read_text(encoding="utf-8"), lesson.number)
    return page.page(lesson, making.slides(lesson, advice), MODULES)


def write(folder: Path, only: Iterable[str] = ()) -> list[Path]:
    """Write the decks of the lessons whose names begin like this (default: all), the hand-out, and a list, index.html."""
    wanted = tuple(only) or ("",)
    chosen = [source for source in lessons.sources() if source.stem.startswith(wanted)]
    if not chosen:
        raise CourseError(f"no lesson is called {', '.join(wanted)}.\nMake all decks:  make slides")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in chosen:
        path = folder / f"{source.stem}.html"
        files.write(path, deck(source))
        written.append(path)
    handout = folder / "handout.html"
    files.write(handout, page.PRINTED.replace("TEXT", reading.rendered(HANDOUT.read_text(encoding="utf-8"))))
    there = [path for path in sorted(folder.glob("*.html")) if path.name != "index.html"]
    files.write(folder / "index.html", index(there))
    return [*written, handout, folder / "index.html"]


def index(decks: Iterable[Path]) -> str:
    """A page that links to the decks."""
    titles = {
        path: path.read_text(encoding="utf-8").partition("<title>")[2].partition("<")[0] for path in decks
    }
    items = "\n".join(
        f'<li><a href="{html.escape(path.name)}">{title}</a></li>' for path, title in titles.items()
    )
    return page.LIST.replace("ITEMS", items)
