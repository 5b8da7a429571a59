"""Run notebooks as tests: papermill executes each one once, nbval's rules compare what is stored.

Does: collects notebooks/*.ipynb and notebooks/solutions/*.ipynb (and any notebook named on the command line),
one test for each code cell; hands one shared server to all of them; in CI turns skips into failures.
Does not: build notebooks, or compare a cell that is not tagged `nbval-check-output`.

    pytest notebooks/03_prompt.ipynb                     starts the embedded server when a notebook wants one
    SERVER=http://gpu:8080 PROFILE=… pytest notebooks    attaches; `embedded-only` cells are not applicable
"""

import os
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

from course import nbrun
from course.errors import CourseError

# Stable in meaning, different in each run.
SANITIZE = {
    r"(127\.0\.0\.1|localhost|0\.0\.0\.0):\d+": "HOST:PORT",
    r"chatcmpl-\w+": "RESPONSE-ID",
    r"0x[0-9a-f]{6,}": "ADDRESS",
    r"\bpid \d+": "pid N",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?": "DATE",
    r"\d+(\.\d+)? ms\b": "TIME",
}
NOTEBOOK_SECONDS = 3600
EXCUSED = ("not applicable", "not run")
shared = pytest.StashKey[object]()
spared = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--cell-seconds", type=float, default=nbrun.CELL_SECONDS, help="time limit of a cell")


def pytest_configure(config):
    config.stash[spared] = []


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
        self.ran = {cell.id: cell for cell in nbrun.normalise(ran, nbrun.places()).cells}

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
            self.config.stash[spared].append(self.nodeid)
            pytest.skip("not applicable: holds for the embedded model only")
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
            self.raise_cell_error("Nothing is stored to compare with. Build it:  course build")
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
    """Whether the model is the deterministic one: PROFILE says so, else the server's own name for it."""
    from course import profiles

    named, url = os.environ.get("PROFILE"), os.environ.get("SERVER")
    if named or not url:
        return profiles.load(named or None).deterministic
    from course.server import Server

    with Server(url=url, quiet=True) as server:
        return server.profile.deterministic


def pytest_unconfigure(config):
    if server := config.stash.get(shared, None):
        server.stop()


def pytest_terminal_summary(terminalreporter, config):
    if cells := config.stash[spared]:
        terminalreporter.section("not applicable to this model")
        terminalreporter.line(f"{len(cells)} cells hold for the embedded model only and were not run:")
        for cell in cells:
            terminalreporter.line(f"  {cell}")


def strict(report) -> None:
    """In CI a test may be skipped for what it is, never for a tool that is missing."""
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if not in_ci or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(EXCUSED):
        report.outcome = "failed"
        report.longrepr = f"In CI nothing is skipped for a missing tool. The reason was: {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    strict(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    report = yield
    strict(report)
    return report
