"""A fresh notebook costs a learner nothing: their own is kept, whatever it holds, and nothing changes if anything fails."""

import os
import subprocess

import pytest
from typer.testing import CliRunner

from course import reset
from course.cli import app
from course.errors import CourseError

FRESH = b'{"cells": []}\n'
NAMES = ["05_wire_and_steps", "06_break_jinja", "06b_eras"]


@pytest.fixture
def shipped(tmp_path):
    """A course with three lessons, in a repository of its own."""
    folder = tmp_path / "course" / "notebooks"
    (folder / "source").mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.ipynb").write_bytes(FRESH)
        (folder / "source" / f"{name}.py").write_text("# %%\n")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("mine", [b'{"cells": [1]}', b"not json", b"", b"\xff\x00" * 9999])
def test_the_notebook_is_fresh_and_the_learners_is_kept_as_it_was(shipped, mine):
    (shipped / "05_wire_and_steps.ipynb").write_bytes(mine)
    (done,) = reset.reset(["05"], shipped, shipped)
    assert done.notebook.read_bytes() == FRESH
    assert done.kept.read_bytes() == mine
    assert done.kept.parent == shipped.parent / "kept"
    assert sorted(p.name for p in shipped.glob("[!.]*")) == sorted([*(f"{n}.ipynb" for n in NAMES), "source"])


def test_two_resets_in_one_second_keep_two_copies(shipped):
    kept = []
    for mine in (b"1", b"2", b"3"):
        (shipped / "05_wire_and_steps.ipynb").write_bytes(mine)
        kept += [done.kept for done in reset.reset(["5"], shipped, shipped)]
    assert [path.read_bytes() for path in kept] == [b"1", b"2", b"3"]


def test_an_unchanged_or_missing_notebook_leaves_nothing_to_keep(shipped):
    (shipped / "06_break_jinja.ipynb").unlink()
    done = reset.reset(["05_wire_and_steps", "notebooks/06_break_jinja.ipynb"], shipped, shipped)
    assert [d.kept for d in done] == [None, None]
    assert (shipped / "06_break_jinja.ipynb").read_bytes() == FRESH


def test_a_working_copy_elsewhere_gets_what_the_course_ships(tmp_path):
    shipped, mine = tmp_path / "course" / "notebooks", tmp_path / "home" / "lessons"
    shipped.mkdir(parents=True)
    mine.mkdir(parents=True)
    (shipped / "05_wire_and_steps.ipynb").write_bytes(FRESH)
    (mine / "05_wire_and_steps.ipynb").write_bytes(b"mine")
    (done,) = reset.reset(["05"], mine, shipped)
    assert (done.notebook.read_bytes(), done.kept.read_bytes()) == (FRESH, b"mine")
    assert done.kept.parent == tmp_path / "home" / "kept"


def test_a_learner_of_a_hub_resets_the_copy_in_their_home(shipped, tmp_path, monkeypatch):
    """The command itself, as a hub starts it; the hub's own notebook stays as it is."""
    from course.server import lab

    mine = tmp_path / "home" / "lessons" / "notebooks"
    mine.mkdir(parents=True)
    (mine / "05_wire_and_steps.ipynb").write_bytes(b"mine")
    monkeypatch.setenv("COURSE_HUB_COPY", "lessons")
    monkeypatch.setattr(reset.Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(reset, "SHIPPED", shipped)
    monkeypatch.setattr(lab, "trust", lambda folder: 0)
    done = CliRunner().invoke(app, ["reset", "05"])
    assert done.exit_code == 0, done.output
    (kept,) = (mine.parent / "kept").iterdir()
    assert (mine / "05_wire_and_steps.ipynb").read_bytes() == FRESH
    assert kept.read_bytes() == b"mine"
    assert not (shipped.parent / "kept").exists(), "the hub's notebook was reset"


def test_without_a_hub_the_notebooks_are_the_course_s(monkeypatch):
    monkeypatch.delenv("COURSE_HUB_COPY", raising=False)
    assert reset.mine() == reset.SHIPPED


def test_a_number_means_the_lesson_and_its_appendices_have_names():
    assert reset.matching(["05"], NAMES) == ["05_wire_and_steps"]
    assert reset.matching(["6"], [*NAMES, "06_eras"]) == ["06_break_jinja", "06_eras"]
    assert reset.matching(["06b", "05", "5"], NAMES) == ["05_wire_and_steps", "06b_eras"]
    assert reset.matching(["05_wire"], NAMES) == ["05_wire_and_steps"]


@pytest.mark.parametrize("names", [["77"], [], [""], ["05", "77"], ["0"], ["../05"][:0], ["*"], ["wire"]])
def test_an_unknown_lesson_is_answered_with_the_list(names):
    with pytest.raises(CourseError, match=r"(?s)05_wire_and_steps\n.*course reset 05"):
        reset.matching(names, NAMES)


def test_one_unknown_lesson_changes_none(shipped):
    (shipped / "05_wire_and_steps.ipynb").write_bytes(b"mine")
    with pytest.raises(CourseError):
        reset.reset(["05", "77"], shipped, shipped)
    assert (shipped / "05_wire_and_steps.ipynb").read_bytes() == b"mine"


def test_without_a_repository_nothing_is_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "05_wire_and_steps.ipynb").write_bytes(b"mine")
    with pytest.raises(CourseError, match="Nothing was changed"):
        reset.reset(["05"], tmp_path, tmp_path)
    monkeypatch.setattr(reset.shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="git is not installed"):
        reset.reset(["05"], tmp_path, tmp_path)
    assert (tmp_path / "05_wire_and_steps.ipynb").read_bytes() == b"mine"


def test_a_copy_that_cannot_be_kept_leaves_the_notebook_as_it_is(shipped):
    (shipped / "05_wire_and_steps.ipynb").write_bytes(b"mine")
    (shipped.parent / "kept").write_text("a file where the folder should be")
    with pytest.raises(CourseError, match="unchanged"):
        reset.reset(["05"], shipped, shipped)
    assert (shipped / "05_wire_and_steps.ipynb").read_bytes() == b"mine"
    assert not [p for p in shipped.iterdir() if p.name.endswith(".part")]


def test_the_command_says_where_the_copy_is(tmp_path, monkeypatch):
    from course.server import lab

    monkeypatch.setattr(lab, "trust", lambda folder: 0)
    monkeypatch.setattr(
        reset,
        "reset",
        lambda names, folder, shipped: [reset.Reset(folder / "05_x.ipynb", tmp_path / "kept.ipynb")],
    )
    done = CliRunner().invoke(app, ["reset", "05"])
    assert done.exit_code == 0
    assert f"Your copy: {tmp_path / 'kept.ipynb'}" in done.output
    assert "Reload Notebook from Disk" in done.output


def test_the_command_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / os.devnull.strip("/")))
    assert "Lesson 05: 0 of" in CliRunner().invoke(app, ["progress", "05"]).output
    unknown = CliRunner().invoke(app, ["progress", "77"])
    assert unknown.exit_code == 1
