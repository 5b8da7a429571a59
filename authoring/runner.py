"""Execute a notebook once, and make its outputs the same on every machine.

Runs a notebook through papermill with parameters and a time limit for each cell, in the notebook's own folder, and drops
what differs between two runs of the same notebook (timings, injected cells, random ids, paths). It knows nothing about
lessons, sources, exercises or servers, and does not write notebooks.

    notebook = execute(Path("notebooks/03_prompt.ipynb"), {"SERVER": "http://127.0.0.1:8080"})
    notebook = normalise(notebook, places())
"""

import copy
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course import ROOT
from course.errors import CourseError

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
RUNTIME = ("papermill", "execution")
CELL_SECONDS = 300
# No history file. Without a history manager ipykernel 7.4 sometimes waits for a thread that is gone, until it is killed.
MEMORY = "--HistoryManager.hist_file=:memory:"


class CellFailed(CourseError):
    """A cell of a notebook failed. `index` counts all cells; `notebook` has the outputs up to that cell."""

    def __init__(self, path: Path, index: int, reason: str, notebook: NotebookNode):
        source = notebook.cells[index].source if index < len(notebook.cells) else ""
        super().__init__(
            f"{path.name}, cell {index}: {reason}\n\n{indented(source)}\n\n"
            f"Fix the cell in notebooks/source, then:  make build ARGS={path.stem}"
        )
        self.index, self.reason, self.notebook = index, reason, notebook


def execute(path: Path, parameters: dict | None = None, seconds: float = CELL_SECONDS) -> NotebookNode:
    """The executed notebook at `path`; CellFailed for a cell that raises, runs too long or loses its kernel.

    Cells tagged `raises-exception` may raise. Parameters are ignored if no cell is tagged `parameters`.
    """
    notebook = nbformat.read(path, as_version=4)
    if not any("parameters" in tags(cell) for cell in notebook.cells):
        parameters = None
    return execute_notebook(notebook, path, parameters, seconds)


def execute_notebook(
    notebook: NotebookNode, path: Path, parameters: dict | None = None, seconds: float = CELL_SECONDS
) -> NotebookNode:
    """Like `execute`, for a notebook in memory; `path` gives its folder and its name in errors."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.execute import remove_error_markers

    logging.getLogger("papermill").setLevel(logging.ERROR)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, quiet_outputs(), own_progress(Path(folder)):
        given, made = Path(folder) / "in.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, given)
        trouble = ""
        try:
            papermill.execute_notebook(
                str(given),
                str(made),
                parameters=parameters or {},
                cwd=str(path.parent),
                progress_bar=False,
                execution_timeout=seconds,
                coalesce_streams=True,
                extra_arguments=["--IPKernelApp.log_level=ERROR", MEMORY],
            )
        except papermill.PapermillExecutionError:
            pass
        except CellTimeoutError:
            trouble = f"it ran longer than {seconds:g} seconds"
        except DeadKernelError:
            trouble = "its kernel died"
        ran = remove_error_markers(nbformat.read(made, as_version=4))
    index, reason = (last_started(ran), trouble) if trouble else first_error(ran) or (0, "")
    index -= sum("injected-parameters" in tags(cell) for cell in ran.cells[:index])
    ran.cells = [cell for cell in ran.cells if "injected-parameters" not in tags(cell)]
    if reason:
        raise CellFailed(path, index, reason, ran)
    return ran


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def first_error(notebook: NotebookNode) -> tuple[int, str] | None:
    """Index and message of the first cell that raised without being allowed to."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                return index, f"{output.ename}: {output.evalue}"
    return None


def last_started(notebook: NotebookNode) -> int:
    started = [
        i for i, cell in enumerate(notebook.cells) if cell.metadata.get("papermill", {}).get("start_time")
    ]
    return started[-1] if started else 0


def indented(text: str, lines: int = 15) -> str:
    return "\n".join("    " + line for line in text.splitlines()[:lines])


def normalise(notebook: NotebookNode, places: dict[str, str]) -> NotebookNode:
    """The same notebook without what differs between two runs: timings, counts, random ids, machine paths."""
    notebook = with_plain_widget_ids(copy.deepcopy(notebook))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state")
    widgets = {"widgets": notebook.metadata.widgets} if state else {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE, **widgets})
    count = 0
    for cell in notebook.cells:
        cell.metadata = {
            k: v for k, v in cell.metadata.items() if k not in RUNTIME and (k, v) != ("tags", [])
        }
        if cell.cell_type != "code":
            continue
        if cell.execution_count is not None:
            count += 1
            cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
        cell.outputs = scrubbed(cell.outputs, places)
    return nbformat.from_dict(notebook)


def scrubbed(value: Any, places: dict[str, str]) -> Any:
    """Any JSON value with the paths of this machine replaced by the names in `places`, longest first."""
    if isinstance(value, str):
        for place in sorted(places, key=len, reverse=True):
            value = value.replace(place, places[place])
        return re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "cell.py", value)
    if isinstance(value, dict):
        return {key: scrubbed(part, places) for key, part in value.items()}
    return [scrubbed(part, places) for part in value] if isinstance(value, list) else value


def places() -> dict[str, str]:
    """What a path of this machine is called in a stored output."""
    from course.files import cache_dir

    home = Path.home()
    named = {str(home): "~", sys.prefix: ".venv", str(ROOT): "."}
    named[str(cache_dir())] = "~/.cache/agents-on-the-wire"
    for name in ("python", "python3", Path(sys.executable).name):
        named[str(Path(sys.prefix) / "bin" / name)] = "python"
    named[sys.executable] = "python"
    return {place: name for place, name in named.items() if len(place) > 1}


def with_plain_widget_ids(notebook: NotebookNode) -> NotebookNode:
    """Widget ids in the order in which the page refers to them, instead of random ones."""
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    order: list[str] = []

    def visit(id: str) -> None:
        if id in state and id not in order:
            order.append(id)
            for other in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[id], sort_keys=True)):
                visit(other)

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            visit(output.get("data", {}).get(VIEW, {}).get("model_id", ""))
    unseen = [(json.dumps({**model, "state": {}}, sort_keys=True), id) for id, model in state.items()]
    for _, id in sorted(unseen):
        visit(id)
    if not order:
        return notebook
    text = nbformat.writes(notebook)
    for number, id in enumerate(order):
        text = text.replace(id, f"{number:032x}")
    return nbformat.reads(text, as_version=4)


@contextmanager
def quiet_outputs() -> Iterator[None]:
    """Do not let nbclient answer Output widgets: cells that print into one can block it forever."""
    from nbclient.output_widget import OutputWidget

    answer = OutputWidget.sync_state
    OutputWidget.sync_state = lambda self: None
    try:
        yield
    finally:
        OutputWidget.sync_state = answer


@contextmanager
def own_progress(folder: Path) -> Iterator[None]:
    """Record exercises of a notebook that a program runs in a separate file, not in the learner's progress."""
    before = os.environ.get("COURSE_PROGRESS")
    os.environ["COURSE_PROGRESS"] = str(folder / "progress.json")
    try:
        yield
    finally:
        if before is None:
            del os.environ["COURSE_PROGRESS"]
        else:
            os.environ["COURSE_PROGRESS"] = before
