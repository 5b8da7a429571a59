"""The terms of docs/glossary.md, and which lesson is the first to link each of them.

A term is a second-level heading under an anchor of its own. JupyterLab derives another anchor from a heading than GitHub
does ("KV-cache" instead of "kv-cache"). An explicit `<a id="kv-cache"></a>` works in both.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from course import ROOT

PAGE = ROOT / "docs" / "glossary.md"
SOURCES = ROOT / "notebooks" / "source"
TERM = re.compile(r'^<a id="([^"]+)"></a>\n\n## (.+)$', re.MULTILINE)
LINK = re.compile(r"docs/glossary\.md#([\w-]+)")
TITLE = re.compile(r"^# # (.+)$", re.MULTILINE)


def terms(text: str) -> dict[str, str]:
    """The terms of the page by their anchor, in order."""
    return {anchor: name for anchor, name in TERM.findall(text)}


def links(text: str) -> list[str]:
    """The anchors of the glossary that a lesson's source links, in order, each of them once."""
    return list(dict.fromkeys(LINK.findall(text)))


def by_lesson(known: Iterable[str], sources: dict[str, str]) -> dict[str, list[str]]:
    """For each lesson's source, by name and text, the terms that no earlier lesson links. The rest is under ""."""
    left = list(known)
    found: dict[str, list[str]] = {}
    for name, text in sources.items():
        found[name] = [anchor for anchor in links(text) if anchor in left]
        left = [anchor for anchor in left if anchor not in found[name]]
    return {**found, "": left}


def words(page: Path = PAGE, sources: Path = SOURCES) -> str:
    """The new words of each lesson, as a list with links to lessons and terms."""
    known = terms(page.read_text(encoding="utf-8"))
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(sources.glob("[0-9][0-9]*.py"))}
    lines = []
    for stem, anchors in by_lesson(known, texts).items():
        if not anchors:
            continue
        title = TITLE.search(texts[stem]) if stem else None
        said = f"[{title[1] if title else stem}](../notebooks/{stem}.ipynb)" if stem else "Others"
        lines.append(f"- {said}: " + " · ".join(f"[{known[anchor]}](#{anchor})" for anchor in anchors))
    return "\n".join(lines)
