"""Read a built notebook as the slides need it: prose in blocks, code with what it printed, exercises, quizzes.

Knows the conventions of authoring/lessons.py (tags, "### Exercise", "**Predict:**", hints in <details>). Decides nothing
about slides.

    lesson(Path("notebooks/solutions/05_wire_and_steps.ipynb")).cells[0].blocks
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course.run.notebook import tags

DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
CHECKED = re.compile(r"^\s*[○✓✗] ")
"""The lines of the course's own checks, which are for the learner."""


@dataclass(frozen=True)
class Block:
    """A piece of prose. `kind`: heading, text, predict, list, table, picture, code. `html` is how it is shown, `text` what
    it says; `rows` are the rows of a table or the items of a list, each as HTML.
    """

    kind: str
    html: str
    text: str
    rows: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True)
class Question:
    """A quiz's question with its options, the right one first, and why it is right."""

    text: str
    options: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Cell:
    """A cell: `blocks` and `hint` of Markdown; of code, `code`, the lines that it `printed`, and `quiz`."""

    blocks: tuple[Block, ...] = ()
    hint: str = ""
    code: str = ""
    printed: tuple[str, ...] = ()
    quiz: tuple[Question, ...] = ()
    tags: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Lesson:
    number: str
    title: str
    cells: tuple[Cell, ...]
    folder: Path


def lesson(notebook: Path) -> Lesson:
    """The lesson in this notebook, which has its outputs."""
    cells = tuple(cell(one) for one in nbformat.read(notebook, as_version=4).cells)
    number, _, title = cells[0].blocks[0].text.partition(" · ")
    return Lesson(number, title, cells, notebook.parent)


def cell(one: nbformat.NotebookNode) -> Cell:
    marked = frozenset(tags(one))
    if one.cell_type == "markdown":
        hint = " ".join(TAG.sub("", found) for found in DETAILS.findall(one.source))
        return Cell(tuple(blocks(DETAILS.sub("", one.source))), " ".join(hint.split()), tags=marked)
    quiz = tuple(questions(one.source)) if "check.quiz(" in one.source else ()
    return Cell(code=one.source.strip(), printed=tuple(printed(one)), quiz=quiz, tags=marked)


def printed(one: nbformat.NotebookNode) -> list[str]:
    """The lines of text that a code cell shows, without those of the checks."""
    lines: list[str] = []
    for output in one.outputs:
        plain = output.get("data", {}).get("text/plain", "")
        html_only = "text/html" in output.get("data", {})
        text = output.text if output.output_type == "stream" else "" if html_only else plain
        lines += [line.rstrip() for line in str(text).splitlines() if not CHECKED.match(line)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def questions(code: str) -> list[Question]:
    """The questions of a `check.quiz(…)`."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "check.question":
            given = {name.arg: ast.literal_eval(name.value) for name in node.keywords}
            text = ast.literal_eval(node.args[0])
            found.append(Question(text, (given["right"], *given["wrong"]), given["why"]))
    return found


def blocks(source: str) -> list[Block]:
    """The blocks of a Markdown text, in order."""
    tokens = PARSER.parse(source)
    made, start, depth = [], 0, 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            made += block(tokens[start : at + 1])
            start = at + 1
    return made


def block(tokens: list[Token]) -> list[Block]:
    """The block that these tokens make up; nothing for a comment or an empty line of HTML."""
    first = tokens[0]
    shown = PARSER.renderer.render(tokens, PARSER.options, {})
    said = " ".join(TAG.sub("", shown).split())
    inline = tokens[1].children or [] if len(tokens) > 1 else []
    if first.type == "heading_open":
        return [
            Block(
                "heading",
                PARSER.renderer.render(tokens[1:-1], PARSER.options, {}),
                plain(tokens[1]),
                level=int(first.tag[1]),
            )
        ]
    if first.type in ("bullet_list_open", "ordered_list_open"):
        return [
            Block("list", shown, said, parts(tokens, "list_item"), level=first.type == "ordered_list_open")
        ]
    if first.type == "table_open":
        return [Block("table", shown, said, parts(tokens, "tr"))]
    if first.type in ("fence", "code_block"):
        return [Block("code", shown, first.content.rstrip())]
    if len(inline) == 1 and inline[0].type == "image":
        return [Block("picture", "", inline[0].content, (str(inline[0].attrs["src"]),))]
    if not said:
        return []
    return [Block("predict" if "<strong>Predict" in shown else "text", shown, said)]


def plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def parts(tokens: list[Token], name: str) -> tuple[str, ...]:
    """The HTML of each item or row at the first level."""
    found, start, depth = [], 0, 0
    for at, token in enumerate(tokens):
        if token.type == f"{name}_open":
            start, depth = (at, 1) if depth == 0 else (start, depth + 1)
        elif token.type == f"{name}_close":
            depth -= 1
            if depth == 0:
                found.append(PARSER.renderer.render(tokens[start : at + 1], PARSER.options, {}))
    return tuple(found)


def advice(guide: str, number: str) -> str:
    """What the instructor's guide says about a lesson: the text below its heading. "" if it has none."""
    found = re.search(rf"^### {number}\b[^\n]*\n(.*?)(?=^#{{1,3}} |\Z)", guide, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def colored(code: str, *_: Any) -> str:
    """Python with the classes of its parts."""
    return highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))


def rendered(markdown: str) -> str:
    return PARSER.render(markdown)


def _parser() -> MarkdownIt:
    """Markdown with tables. Links lead out of the deck, so only their words are kept."""
    made = MarkdownIt(
        "commonmark", {"highlight": lambda code, language, _: colored(code) if language == "python" else ""}
    ).enable("table")
    for rule in ("link_open", "link_close"):
        made.add_render_rule(rule, lambda *_: "")
    return made


PARSER = _parser()
