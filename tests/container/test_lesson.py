"""Lesson 09 with a Docker engine at hand: its containers are live, and what it claims is the same as without one."""

import pytest

from authoring import lessons
from authoring import runner as nbrun

pytestmark = pytest.mark.timeout(900)
SOURCE = next(source for source in lessons.sources() if source.stem.startswith("09_"))


def text(cell):
    return "".join(out.get("text", "") for out in cell.outputs)


def test_the_lesson_is_live_and_says_what_is_stored(image):
    """The stored outputs are those of a machine without Docker: cells that are compared must not tell the two apart."""
    path = lessons.notebooks(SOURCE)["solutions"]
    ran = nbrun.normalise(nbrun.execute(path), nbrun.places())
    said = {cell.id: text(cell) for cell in ran.cells if cell.cell_type == "code"}
    whole = "".join(said.values())
    assert "live: executor, host, socket" in whole
    assert "host:   the admin page: all your notes \nsocket: closed:" in whole
    assert "9.62 seconds" in whole, "the leopard was answered in the container"
    stored = {
        cell.id: text(cell) for cell in lessons.nbformat.read(path, as_version=4).cells if "outputs" in cell
    }
    compared = [cell.id for cell in ran.cells if "nbval-check-output" in nbrun.tags(cell)]
    assert compared
    assert {id: said[id] for id in compared} == {id: stored[id] for id in compared}
