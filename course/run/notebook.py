"""Execute one notebook from top to bottom, with a time limit for each cell and a limit on what a cell prints.

Runs it through papermill with parameters, in the notebook's own folder. Does not compare outputs (compare.py), make them
equal on all machines (normal.py), or write notebooks. It knows nothing about servers, lessons or jobs.

    executed = execute(Path("notebooks/03_prompt.ipynb"), {"SERVER": "http://127.0.0.1:8080"})
"""

import logging
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course.errors import CourseError

CELL_SECONDS = 300
OUTPUT_SECONDS = 60
"""How long the output of a cell that has finished may take to arrive."""
STARTS = 3
"""How often a kernel is started that dies at once: its ports were free, and another program was faster to take one."""
TEXT_LIMIT = 1_000_000
"""Characters that a cell may print; the rest is dropped, and the output says so."""
OUTPUT_LIMIT = 20_000_000
"""Characters of everything that a cell shows: prints, pictures, tables."""
# No history file. Without a history manager ipykernel 7.4 sometimes waits for a thread that is gone, until it is killed.
MEMORY = "--HistoryManager.hist_file=:memory:"
QUIET = "--IPKernelApp.log_level=ERROR"
Parameters = dict[str, Any]


class CellFailed(CourseError):
    """A cell of a notebook failed. `index` counts all cells from 0; `notebook` has the outputs up to that cell.

    `timed_out` says whether it was its time limit, `advice` what to do next.
    """

    def __init__(
        self,
        path: Path,
        index: int,
        reason: str,
        notebook: NotebookNode,
        timed_out: bool = False,
        advice: str = "",
    ) -> None:
        source = notebook.cells[index].source if index < len(notebook.cells) else ""
        super().__init__(
            f"{path.name}, cell {index}: {reason}\n\n{indented(source)}" + (f"\n\n{advice}" if advice else "")
        )
        self.path, self.index, self.reason = path, index, reason
        self.notebook, self.timed_out = notebook, timed_out

    def advised(self, advice: str) -> "CellFailed":
        """The same failure with another last line."""
        return CellFailed(self.path, self.index, self.reason, self.notebook, self.timed_out, advice)


class KernelFailed(CourseError):
    """The notebook's kernel is not installed, or it did not start."""


def execute(path: Path, parameters: Parameters | None = None, seconds: float = CELL_SECONDS) -> NotebookNode:
    """The executed notebook at `path`; CellFailed for a cell that raises, runs too long or loses its kernel.

    Cells tagged `raises-exception` may raise. Parameters are ignored if no cell is tagged `parameters`.
    """
    notebook = nbformat.read(path, as_version=4)
    if not any("parameters" in tags(cell) for cell in notebook.cells):
        parameters = None
    return execute_notebook(notebook, path, parameters, seconds)


def execute_notebook(
    notebook: NotebookNode,
    path: Path,
    parameters: Parameters | None = None,
    seconds: float = CELL_SECONDS,
    kernel: str | None = None,
) -> NotebookNode:
    """Like `execute`, for a notebook in memory; `path` gives its folder and its name in errors.

    `kernel` is the name of a kernel to use instead of the notebook's own. KernelFailed if it does not start.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.execute import remove_error_markers

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, patched_nbclient(), own_progress(Path(folder)):
        given, made = Path(folder) / "in.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, given)
        trouble, late = "", False
        run = partial(
            papermill.execute_notebook,
            str(given),
            str(made),
            parameters=parameters or {},
            engine_name=_engine(),
            kernel_name=kernel,
            cwd=str(path.parent),
            progress_bar=False,
            execution_timeout=math.ceil(seconds),
            iopub_timeout=OUTPUT_SECONDS,
            coalesce_streams=True,
            extra_arguments=[QUIET, MEMORY] if _is_python(notebook) else [],
        )
        try:
            _with_a_kernel(run)
        except papermill.PapermillExecutionError:
            pass
        except CellTimeoutError as error:
            late = True
            trouble = f"it ran longer than {math.ceil(seconds)} seconds"
            if "IOPub" in str(error):
                trouble = f"its output did not arrive within {OUTPUT_SECONDS} seconds after it ended"
        except DeadKernelError:
            trouble = "its kernel died"
        except NoSuchKernel as error:
            raise KernelFailed(
                f"{path.name} wants the kernel {error.name!r}, which is not installed.\n"
                "See which ones are:  jupyter kernelspec list"
            ) from error
        except RuntimeError as error:
            if not str(error).startswith("Kernel d"):  # died before replying, didn't respond
                raise
            raise KernelFailed(
                f"the kernel of {path.name} did not start ({error}).\nSee which ones there are:  jupyter kernelspec list"
            ) from error
        ran: NotebookNode = remove_error_markers(nbformat.read(made, as_version=4))
    index, reason = (last_started(ran), trouble) if trouble else first_error(ran) or (0, "")
    index -= sum("injected-parameters" in tags(cell) for cell in ran.cells[:index])
    ran.cells = [cell for cell in ran.cells if "injected-parameters" not in tags(cell)]
    if reason:
        raise CellFailed(path, index, reason, ran, late)
    return ran


def _with_a_kernel(run: Callable[[], object]) -> None:
    """Run the notebook; again if its kernel died before it answered, so that no cell has run."""
    for left in reversed(range(STARTS)):
        try:
            run()
            return
        except RuntimeError as error:
            if not left or not str(error).startswith("Kernel died before"):
                raise


def tags(cell: NotebookNode) -> list[str]:
    found = cell.metadata.get("tags", [])
    return list(found) if isinstance(found, list) else []


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


def language(notebook: NotebookNode) -> str:
    """The notebook's language in lower case; python if it does not say."""
    named = notebook.metadata.get("kernelspec", {}).get("language") or notebook.metadata.get(
        "language_info", {}
    ).get("name")
    return str(named or "python").lower()


def _is_python(notebook: NotebookNode) -> bool:
    return language(notebook) in ("python", "ipython", "python3")


@cache
def _engine() -> str:
    """The name under which papermill knows an engine that keeps a limited part of what cells print."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Client(PapermillNotebookClient):
        """Drops what is beyond the limits as it arrives, so that it fills neither the memory nor the notebook."""

        def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
            if not hasattr(self, "limits"):
                self.limits: dict[int, Kept] = {}
            kept = self.limits.setdefault(cell_index, Kept())
            output = super().process_message(msg, cell, cell_index) if kept.takes(msg) else None
            kept.tell(cell)
            return output

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            for name in ("input_path", "stdout_file", "stderr_file", "log_output"):
                options.pop(name, None)
            return Client(
                nb_man,
                kernel_name=kernel_name,
                startup_timeout=options.pop("start_timeout", 60),
                timeout=options.pop("execution_timeout", None),
                **options,
            ).execute()

    papermill_engines.register("limited", Engine)
    return "limited"


class Kept:
    """How much of one cell's output was kept and how much was not."""

    def __init__(self) -> None:
        self.printed = self.shown = self.dropped = 0
        self.note: Any = None

    def tell(self, cell: NotebookNode) -> None:
        """Say in the cell's output how much is missing, if anything is."""
        if not self.dropped:
            return
        if self.note is None or not any(output is self.note for output in cell.outputs):
            self.note = NotebookNode(output_type="stream", name="stderr", text="")
            cell.outputs.append(self.note)
        self.note["text"] = f"\n[{self.dropped:,} more characters of output were dropped]\n"

    def takes(self, msg: dict[str, Any]) -> bool:
        """Whether this message of a kernel is kept. Text that is too long is shortened in place."""
        kind, content = msg["msg_type"], msg["content"]
        if kind == "clear_output":
            self.printed = self.shown = self.dropped = 0
        if kind == "stream":
            text = content["text"]
            room = max(0, min(TEXT_LIMIT - self.printed, OUTPUT_LIMIT - self.shown))
            self.dropped += max(0, len(text) - room)
            if not room:
                return False
            content["text"] = text[:room]
            self.printed += len(content["text"])
            self.shown += len(content["text"])
        elif kind in ("display_data", "execute_result"):
            size = sum(len(str(value)) for value in content["data"].values())
            if self.shown + size > OUTPUT_LIMIT:
                self.dropped += size
                return False
            self.shown += size
        return True


@contextmanager
def patched_nbclient() -> Iterator[None]:
    """Keep two parts of nbclient from never ending.

    It answers Output widgets, and cells that print into one can block it forever: it does not answer them here. And it
    looks for carriage returns with an expression that takes hours for a line of a million characters: it is anchored
    here, which finds the same.
    """
    from nbclient import client
    from nbclient.output_widget import OutputWidget

    name = "_RGX_CARRIAGERETURN"
    answer, returns = OutputWidget.sync_state, getattr(client, name, None)
    OutputWidget.sync_state = lambda self: None  # type: ignore[method-assign]
    setattr(client, name, re.compile(r"^.*\r(?=[^\n])", re.MULTILINE))
    try:
        yield
    finally:
        OutputWidget.sync_state = answer  # type: ignore[method-assign]
        setattr(client, name, returns)


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
