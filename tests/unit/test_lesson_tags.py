"""The tags of the lessons: what holds for the embedded model alone can be left out without breaking the rest."""

import ast

import jupytext
import pytest

from authoring import lessons
from course.run.notebook import tags

SOURCES = lessons.sources()


def code(source):
    cells = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    return [cell for cell in cells if cell.cell_type == "code"]


def names(cell, kind):
    """Those that the cell stores (ast.Store) or loads (ast.Load), imports and definitions included."""
    tree = ast.parse(cell.source)
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)}
    if kind is ast.Store:
        found |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.alias))}
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_later_cell_needs_what_an_embedded_only_cell_defines(source):
    cells = code(source)
    for i, cell in enumerate(cells):
        if "embedded-only" not in tags(cell):
            continue
        made = names(cell, ast.Store)
        for later in cells[i + 1 :]:
            missing = made & names(later, ast.Load) - set().union(*(names(c, ast.Store) for c in cells[:i]))
            assert not missing, f"{source.name}: {missing} in {later.source[:60]!r}"
            made -= names(later, ast.Store)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_what_is_embedded_only_is_checked_here(source):
    """A cell that is left out elsewhere claims something, or its output is compared; the lesson does not need it."""
    for cell in code(source):
        if "embedded-only" in tags(cell):
            assert "check.claim(" in cell.source or "nbval-check-output" in tags(cell), cell.source
            assert not {"stub", "solution", "parameters"} & set(tags(cell)), cell.source
