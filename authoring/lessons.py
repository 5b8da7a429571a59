"""Build the notebooks of the course from their sources.

Reads notebooks/source/NN_slug.py (jupytext percent), makes notebooks/NN_slug.ipynb for the learner and
notebooks/solutions/NN_slug.ipynb, executes both, stores their outputs, and finds out which ones are out of date. An
appendix has a letter after its lesson's number (05b_slug.py) and exercises of its own (05b.1). It does not start servers
(a lesson starts its own) or compare outputs (the tests do).

    make build                # all of them
    make build ARGS=05        # one of them, with its appendices (without them: ARGS=05_)

An exercise is four cells in a row: its text with the hint folded away, what the learner fills in, the
answer, and the check. The learner's notebook gets the stub, with the answer folded below the check; the
notebook with solutions gets the answer. course/check/ describes the checks, predictions and quizzes.

    # %% [markdown]
    # ### Exercise 03.1 · ★☆☆ · 5 minutes
    # How many tokens does the prompt cost?
    #
    # <details><summary>Hint</summary>The server counts them: <code>server.tokenize</code>.</details>

    # %% tags=["stub"]
    tokens = ...

    # %% tags=["solution"]
    tokens = len(server.tokenize(prompt))

    # %%
    check.exercise("03.1", tokens, len(server.tokenize(prompt)), hint="server.tokenize")

Other tags: `parameters` (one cell, the first with code), `nbval-check-output` (its output is compared by the
tests), `embedded-only` (true only for the deterministic embedded model), `raises-exception` (may raise), `folded`
(JupyterLab hides its code and shows its output: for an author's claims, a long check, a quiz).
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course import ROOT, files
from course.errors import CourseError
from course.run.normal import normalise, places
from course.run.notebook import CellFailed, execute, execute_notebook, tags

__all__ = [
    "CellFailed",
    "build",
    "build_all",
    "execute",
    "notebooks",
    "outline",
    "problems",
    "sources",
    "stale",
]

NOTEBOOKS = ROOT / "notebooks"
LINES = 15
FOLDED_LINES = 40
NAME = re.compile(r"\d\d[a-z]?_")
"""How the name of a lesson's file begins: its number, and a letter if it is an appendix."""
CHECK = re.compile(r"\bcheck\.(exercise|function|prediction)\(")
UPWARD = re.compile(r"\]\((?=\.\./)|^\[[^\]]+\]: +(?=\.\./)|(?:src|href)=\"(?=\.\./)", re.MULTILINE)
"""What stands before a relative link that leaves the folder: inline, as a reference, or in HTML."""


def sources(root: Path = NOTEBOOKS) -> list[Path]:
    """The sources of the lessons, in order, each with its appendices after it."""
    return sorted(path for path in (root / "source").glob("*.py") if NAME.match(path.name))


def notebooks(source: Path) -> dict[str, Path]:
    """Where the two notebooks of a source belong."""
    root = source.parents[1]
    name = f"{source.stem}.ipynb"
    return {"learner": root / name, "solutions": root / "solutions" / name}


def outline(source: Path) -> dict[str, NotebookNode]:
    """Both notebooks of a source, not executed. CourseError if something is wrong with the source."""
    import jupytext

    cells = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    if wrong := problems(cells):
        raise CourseError(
            f"{source.name} is not a complete lesson yet:\n"
            + "\n".join(f"  {line}" for line in wrong)
            + "\nauthoring/lessons.py describes the cells that a lesson needs. Add them, then:  "
            + f"make build ARGS={source.stem}"
        )
    return {
        "learner": assembled(for_learner(cells)),
        "solutions": assembled(one_folder_deeper(without(cells, "stub"))),
    }


def problems(cells: list[NotebookNode]) -> list[str]:
    """What is missing or wrong in these cells for a lesson, in words. Empty if nothing is."""
    wrong = []
    code = [cell for cell in cells if cell.cell_type == "code"]
    if [i for i, cell in enumerate(code) if "parameters" in tags(cell)] != [0]:
        wrong.append("the first code cell, and only that one, needs the tag `parameters`")
    for i, cell in enumerate(cells):
        before, after = cells[i - 1] if i else None, cells[i + 1] if i + 1 < len(cells) else None
        name = f"cell {i} ({cell.source.splitlines()[0][:40] if cell.source else 'empty'})"
        most = FOLDED_LINES if "folded" in tags(cell) else LINES
        if cell.cell_type == "code" and len(cell.source.splitlines()) > most:
            wrong.append(f"{name} has {len(cell.source.splitlines())} lines; at most {most}")
        if "stub" in tags(cell):
            if after is None or "solution" not in tags(after):
                wrong.append(f"{name} is a stub without a solution after it")
            if before is None or "<details>" not in before.source:
                wrong.append(f"{name} is a stub, but the text before it has no hint in <details>")
        if "solution" in tags(cell):
            if before is None or "stub" not in tags(before):
                wrong.append(f"{name} is a solution without a stub before it")
            if after is None or not CHECK.search(after.source):
                wrong.append(
                    f"{name} is a solution without a check.exercise(...) or check.function(...) cell after it"
                )
    return wrong


def for_learner(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Stubs stay; each solution moves below its check, folded away."""
    kept: list[NotebookNode] = []
    folded = None
    for cell in cells:
        if "solution" in tags(cell):
            text = "<details><summary>Solution</summary>\n\n```python\n" + cell.source + "\n```\n\n</details>"
            folded = nbformat.v4.new_markdown_cell(text)
            continue
        kept.append(cell)
        if folded is not None:
            kept.append(folded)
            folded = None
    return kept


def without(cells: list[NotebookNode], tag: str) -> list[NotebookNode]:
    return [cell for cell in cells if tag not in tags(cell)]


def one_folder_deeper(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells with their links to ../ (pages, pictures) adapted to solutions/. Links to lessons stay as they are."""
    deeper = [deepcopy(cell) for cell in cells]
    for cell in deeper:
        if cell.cell_type == "markdown":
            cell.source = UPWARD.sub(r"\g<0>../", cell.source)
    return deeper


def assembled(cells: list[NotebookNode]) -> NotebookNode:
    """A notebook of these cells. Ids are derived from the cells' text, so that inserting a cell does not change others."""
    seen: dict[str, int] = {}
    made = []
    for cell in cells:
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        key = f"{cell.cell_type}\n{cell.source}"
        seen[key] = seen.get(key, 0) + 1
        id = hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12]
        metadata = dict(cell.metadata)
        if "folded" in tags(cell):
            metadata["jupyter"] = {"source_hidden": True}
        made.append(new(cell.source, id=id, metadata=metadata))
    return normalise(nbformat.v4.new_notebook(cells=made), {})


def build(source: Path, parameters: dict | None = None) -> list[Path]:
    """Make, execute and write both notebooks. If a cell fails, raise CellFailed and keep the old ones."""
    made = {}
    with plain_environment():
        for kind, notebook in outline(source).items():
            path = notebooks(source)[kind]
            try:
                ran = execute_notebook(notebook, path, parameters)
            except CellFailed as failed:
                advice = f"Fix the cell in notebooks/source, then:  make build ARGS={source.stem}"
                raise failed.advised(advice) from failed
            made[path] = normalise(ran, places())
    for path, notebook in made.items():
        write(path, notebook)
    return list(made)


def build_all(only: str | list[str] | None = None, report: Callable[[str], None] = print) -> list[Path]:
    """Build the lessons whose name starts with `only` (one or several), or all; returns what was written."""
    wanted = (only,) if isinstance(only, str) else tuple(only or ("",))
    chosen = [source for source in sources() if source.stem.startswith(wanted)]
    if not chosen:
        names = ", ".join(source.stem for source in sources()) or "none"
        raise CourseError(
            f"no lesson is called {', '.join(wanted)}. The lessons are {names}.\nBuild all of them:  make build"
        )
    written = []
    for source in chosen:
        report(f"building {source.stem} …")
        written += build(source)
    return written


def stale(root: Path = NOTEBOOKS) -> list[str]:
    """Notebooks that differ from their source, were never executed or have no source, with the reason."""
    found, expected = [], set()
    for source in sources(root):
        for kind, notebook in outline(source).items():
            path = notebooks(source)[kind]
            expected.add(path)
            if reason := difference(notebook, path):
                found.append(f"{path.relative_to(root).as_posix()}: {reason}")
    for path in sorted([*root.glob("*.ipynb"), *root.glob("solutions/*.ipynb")]):
        if path not in expected:
            found.append(f"{path.relative_to(root).as_posix()}: it has no source")
    return found


def difference(expected: NotebookNode, path: Path) -> str:
    if not path.exists():
        return "it was never built"
    stored = nbformat.read(path, as_version=4)
    if outlined(stored) != outlined(expected):
        return "its cells differ from its source"
    never_run = any(c.cell_type == "code" and c.source and c.execution_count is None for c in stored.cells)
    return "it was never executed" if never_run else ""


def outlined(notebook: NotebookNode) -> list[tuple]:
    return [(cell.cell_type, cell.id, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def write(path: Path, notebook: NotebookNode) -> None:
    """Replace the notebook atomically."""
    nbformat.validate(notebook)
    files.write(path, nbformat.writes(notebook).rstrip("\n") + "\n")


@contextmanager
def plain_environment() -> Iterator[None]:
    """Make stored outputs come from the default, embedded model, even if the author has SERVER or PROFILE set."""
    before = {name: os.environ.pop(name) for name in ("SERVER", "PROFILE", "KEY") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
