"""Put slides into one HTML file that needs nothing beside it: reveal.js, its notes plugin, style and pictures are inside.

Colors follow the reader's system, and the key D switches between light and dark. `?view=print` is reveal.js' own page for
printing; S opens the speaker's window.
"""

import base64
import html
from pathlib import Path

from authoring.drawing import DARK, LIGHT
from authoring.slides.making import Slide
from authoring.slides.reading import Lesson

HERE = Path(__file__).parent
LIST = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Slides</title>
<style>:root { color-scheme: light dark; font: 18px system-ui, sans-serif; }
body { margin: 3em auto; max-width: 40em; padding: 0 1em; }
li { margin: .4em 0; } a { color: light-dark(#2457a8, #93b8f2); }</style></head><body>
<h1>Local agents, on the wire: slides</h1>
<p>S opens the speaker's window with the notes, D switches between light and dark, ? lists all keys.</p>
<ul>
ITEMS
</ul></body></html>
"""

PRINTED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Hand-out</title>
<style>@page { margin: 13mm; size: A4; }
body { font: 9.8pt/1.34 system-ui, "DejaVu Sans", sans-serif; margin: 0 auto; max-width: 184mm; }
h1 { font-size: 15pt; margin: 0 0 .4em; } p { margin: .7em 0 .4em; } table { border-collapse: collapse; width: 100%; }
th:empty { border: 0; padding: 0; } td, th { border-bottom: .5pt solid #999; padding: .18em .5em;
text-align: left; vertical-align: top; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; }</style></head><body>
TEXT
</body></html>
"""
"""The hand-out: one sheet of A4."""


def page(lesson: Lesson, slides: list[Slide], reveal: Path) -> str:
    """The deck. `reveal` is the folder of reveal.js' built files."""
    parts = {
        "TITLE": f"{lesson.number} · {html.escape(lesson.title)}",
        "RESET": style(reveal / "reset.css"),
        "REVEAL": style(reveal / "reveal.css"),
        "COLORS": colors(),
        "STYLE": style(HERE / "deck.css"),
        "SLIDES": "\n".join(section(slide, lesson) for slide in slides),
        "SCRIPT": script(reveal / "reveal.js"),
        "NOTES": script(reveal / "plugin" / "notes.js"),
    }
    made = (HERE / "deck.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        made = made.replace(f"<!--{name}-->", text)
    return made


def section(slide: Slide, lesson: Lesson) -> str:
    level = "h1" if slide.kind == "title" else "h2"
    shown = picture(lesson.folder / slide.picture, slide.notes) if slide.picture else slide.body
    return (
        f'<section class="{slide.kind}"><{level}>{slide.title}</{level}>\n{shown}\n'
        f'<aside class="notes">{slide.notes}</aside></section>'
    )


def picture(path: Path, notes: str) -> str:
    """An SVG file as an image. Its description is the first paragraph of the notes."""
    data = base64.b64encode(path.read_bytes()).decode()
    alt = notes.partition("<p>")[2].partition("</p>")[0].replace('"', "&quot;")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}">'


def colors() -> str:
    """The colors of the course's drawings, for a light screen and a dark one."""
    pairs = "; ".join(f"--{name}: light-dark({LIGHT[name]}, {DARK[name]})" for name in LIGHT)
    return f":root {{ {pairs} }}"


def style(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("</style", "<\\/style")


def script(path: Path) -> str:
    """A script that may stand in a page: nothing in it ends the element."""
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script")
