"""Run notebooks as tests: papermill executes each one once, nbval's rules compare what is stored.

Does: collects notebooks/*.ipynb and notebooks/solutions/*.ipynb (and any notebook named on the command line),
one test for each code cell; hands one shared server to all of them.
Does not: build notebooks, compare a cell that is not tagged `nbval-check-output`, or know what skips mean (skips.py).

    pytest notebooks/03_prompt.ipynb                             starts the embedded server when a notebook wants one
    SERVER=http://gpu:8080 KEY=… PROFILE=… pytest notebooks      attaches; `embedded-only` cells are not applicable
    pytest notebooks --executed out                              keeps the notebooks as they ran

The key goes to the kernels by the environment alone: parameters are written into executed notebooks.
"""

import os
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

from course.errors import CourseError
from course.run import normal
from course.run import notebook as nbrun
from support.skips import NOT_APPLICABLE

# Stable in meaning, different in each run.
SANITIZE = {
    r"(127\.0\.0\.1|localhost|0\.0\.0\.0):\d+": "HOST:PORT",
    r"chatcmpl-\w+": "RESPONSE-ID",
    r"0x[0-9a-f]{6,}": "ADDRESS",
    r"\bpid \d+": "pid N",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?": "DATE",
    r"\d+(\.\d+)? ms\b": "TIME",
}
CELL_SECONDS = 4 * nbrun.CELL_SECONDS
"""The tests share their machine with each other, and some machines are slow."""
NOTEBOOK_SECONDS = 3600
shared = pytest.StashKey[object]()


def pytest_addoption(parser):
    parser.addoption("--cell-seconds", type=float, default=CELL_SECONDS, help="time limit of a cell")
    parser.addoption("--executed", type=Path, metavar="FOLDER", help="keep the executed notebooks here")


def pytest_collect_file(file_path: Path, parent):
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    ours = parent.config.rootpath / "notebooks" in file_path.parents
    return (
        Notebook.from_parent(parent, path=file_path) if ours or parent.session.isinitpath(file_path) else None
    )


class Notebook(IPyNbFile):
    """A notebook; its set-up executes it, its cells only look at what came out."""

    def collect(self):
        self.nb = nbformat.read(self.path, as_version=4)
        code = [cell for cell in self.nb.cells if cell.cell_type == "code" and cell.source]
        for number, cell in enumerate(code):
            options = defaultdict(bool, check="nbval-check-output" in nbrun.tags(cell))
            yield Cell.from_parent(self, name=f"cell {number}", cell_num=number, cell=cell, options=options)

    def setup(self):
        self.sanitize_patterns = SANITIZE
        self.failed_id, self.reason, self.seconds = None, "", {}
        self.not_applicable, self.ran = set(), {}
        notebook = nbformat.read(self.path, as_version=4)
        found = {tag for cell in notebook.cells for tag in nbrun.tags(cell)}
        try:
            parameters = given(self.config) if "parameters" in found else None
            spare = "embedded-only" in found and not embedded()
        except CourseError as error:
            first = next(cell for cell in self.nb.cells if cell.cell_type == "code" and cell.source)
            self.failed_id, self.reason = first.id, f"no server for it: {error}"
            return
        for cell in notebook.cells:
            if spare and cell.cell_type == "code" and "embedded-only" in nbrun.tags(cell):
                cell.source = ""
                self.not_applicable.add(cell.id)
        seconds = self.config.getoption("--cell-seconds")
        try:
            ran = nbrun.execute_notebook(notebook, self.path, parameters, seconds)
        except nbrun.CellFailed as failure:
            ran, self.reason = failure.notebook, failure.reason
            self.failed_id = ran.cells[failure.index].id
        self.seconds = {c.id: c.metadata.get("papermill", {}).get("duration") for c in ran.cells}
        if folder := self.config.getoption("--executed"):
            keep(ran, folder, self.path, self.config.rootpath)
        self.ran = {cell.id: cell for cell in normal.normalise(ran, normal.places()).cells}

    def teardown(self):
        self.ran = {}


class Cell(IPyNbCell):
    """One code cell: it ran, and its output is the stored one where a tag asks for that."""

    def __init__(self, name, parent, cell_num, cell, options):
        super().__init__(name, parent, cell_num, cell, options)
        self.add_marker(pytest.mark.timeout(NOTEBOOK_SECONDS))

    def runtest(self):
        book, ran = self.parent, self.parent.ran.get(self.cell.id)
        if self.cell.id in book.not_applicable:
            pytest.skip(f"{NOT_APPLICABLE}holds for the embedded model only")
        if self.cell.id == book.failed_id:
            errors = [out for out in (ran.outputs if ran else []) if out.output_type == "error"]
            trace = [line for error in errors for line in error.traceback]
            self.raise_cell_error(book.reason, "\n".join(trace))
        if ran is None or ran.execution_count is None:
            pytest.skip(f"not run: an earlier cell failed ({book.reason.splitlines()[0]})")
        self.user_properties.append(("cell_seconds", book.seconds[self.cell.id]))
        if not self.options["check"]:
            return
        if self.cell.execution_count is None:
            self.raise_cell_error("Nothing is stored to compare with. Build it:  make build")
        if not self.compare_outputs(coalesce_streams(ran.outputs), coalesce_streams(self.cell.outputs)):
            self.raise_cell_error("Cell outputs differ", "\n".join(self.comparison_traceback))


def given(config) -> dict:
    """The parameters of every notebook; starts the shared server when nobody named one."""
    profile = os.environ.get("PROFILE") or None
    if url := os.environ.get("SERVER"):
        return {"SERVER": url, "PROFILE": profile}
    if shared not in config.stash:
        from course.server import Server

        config.stash[shared] = Server(profile, metrics=True, props=True, quiet=True).start()
    return {"SERVER": config.stash[shared].url, "PROFILE": profile}


def embedded() -> bool:
    """Whether the deterministic model answers: an attached server says so by its model's name.

    A server that does not answer fails its notebook anyway; until then PROFILE is believed.
    """
    from course.model import profiles
    from course.server import Server

    url, named = os.environ.get("SERVER"), os.environ.get("PROFILE")
    if not url:
        return profiles.load().deterministic
    try:
        with Server(url=url, quiet=True) as server:
            return server.profile.deterministic
    except CourseError:
        if not named:
            raise
        return profiles.load(named).deterministic


def keep(notebook, folder: Path, path: Path, root: Path) -> None:
    """Write it as it ran, with its timings, in the place that it has below `root`."""
    target = folder / (path.relative_to(root) if path.is_relative_to(root) else path.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def pytest_unconfigure(config):
    if server := config.stash.get(shared, None):
        server.stop()
