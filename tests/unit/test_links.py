"""Every relative link leads somewhere: in the pages, and in the sources of the lessons."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from authoring import lessons
from course import ROOT

LINK = re.compile(
    r"\]\(([^()\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"|^(?:# )?\[[^\]]+\]: +(\S+)$", re.MULTILINE
)
"""Inline, in HTML, or as a reference."""
FENCED = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages():
    """The Markdown files and lesson sources of this checkout; a source's links start in its notebook's folder."""
    skipped = {".venv", "build", "node_modules", ".pytest_cache"}
    found = []
    for folder, inner, names in os.walk(ROOT):  # not rglob: other tests make and remove folders meanwhile
        inner[:] = [name for name in inner if name not in skipped]
        found += [Path(folder, name) for name in names if name.endswith(".md")]
    return [*found, *(ROOT / "notebooks" / "source").glob("*.py")]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.+?)\s*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path, root: Path = ROOT) -> list[str]:
    folder = ROOT / "notebooks" if page.suffix == ".py" else page.parent
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":  # a lesson: its code may put links together
        text = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    else:
        text = FENCED.sub("", text)
    return [f"{page.relative_to(root)}: {link}" for link in astray(text, folder, page)]


def astray(text: str, folder: Path, page: Path) -> list[str]:
    """The relative links of a text in `folder` that lead nowhere."""
    wrong = []
    for link in (unquote("".join(found)) for found in LINK.findall(text)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (folder / name) if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


def test_relative_links_lead_somewhere():
    checked = pages()
    assert len(checked) > 10
    assert [link for page in checked for link in broken(page)] == []


@pytest.mark.parametrize("source", lessons.sources(), ids=lambda path: path.stem)
def test_a_lessons_links_lead_somewhere_from_both_of_its_notebooks(source):
    """The one with solutions is a folder deeper."""
    for kind, path in lessons.notebooks(source).items():
        cells = lessons.outline(source)[kind].cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert astray(text, path.parent, path) == [], kind


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "a.md"
    links = "[x](b.md) [y](#one-two) [z](#three) `[c](d)` [w](https://example.org)\n\n[r]: d.md"
    page.write_text(f"# One two\n{links}\n", encoding="utf-8")
    assert broken(page, tmp_path) == ["a.md: b.md", "a.md: #three", "a.md: d.md"]
