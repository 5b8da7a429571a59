"""Lesson 09 with a Docker engine at hand: its containers are live, and what it claims is the same as without one."""

import pytest

from authoring import lessons
from course.run.normal import normalise, places
from course.run.notebook import execute, tags

pytestmark = pytest.mark.timeout(7200)
SOURCE = next(source for source in lessons.sources() if source.stem.startswith("09_"))


def text(cell):
    return "".join(out.get("text", "") for out in cell.outputs)


def test_the_lesson_is_live_and_says_what_is_stored(image):
    """Cells that are compared say the same with Docker and without, and whatever networks the engine has."""
    path = lessons.notebooks(SOURCE)["solutions"]
    ran = normalise(execute(path), places())
    said = {cell.id: text(cell) for cell in ran.cells if cell.cell_type == "code"}
    whole = "".join(said.values())
    assert "live: executor, host, socket" in whole
    knocked = next(text for text in said.values() if text.startswith("── host\n"))
    on_host, on_socket = knocked.partition("── gateway")[0], knocked.partition("── socket")[2]
    assert "private opens: all your notes" in on_host, knocked
    assert "opens" not in on_socket, knocked
    assert "private closed" in on_socket, knocked
    assert "9.62 seconds" in whole, "the leopard was answered in the container"
    stored = {
        cell.id: text(cell) for cell in lessons.nbformat.read(path, as_version=4).cells if "outputs" in cell
    }
    compared = [cell.id for cell in ran.cells if "nbval-check-output" in tags(cell)]
    assert compared
    assert {id: said[id] for id in compared} == {id: stored[id] for id in compared}
