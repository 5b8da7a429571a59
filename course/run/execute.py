"""Execute one job in this process, behind a tap if it has a server:  python -m course.run.execute FOLDER

child.py starts it with a folder that holds job.json. It leaves outcome.json there, executed.ipynb and, if anything was
recorded, run.tape.jsonl. It ends, with everything that it started, when its standard input does: then whoever started it is
gone. What a notebook is given:

    SERVER, PROFILE                 parameters of a notebook whose cell tagged `parameters` assigns them, and variables
    OPENAI_BASE_URL, OPENAI_API_KEY variables for the notebooks of other courses; ANTHROPIC_BASE_URL and others, too

All addresses are the tap's. API keys are the worker's own ($KEY, or else OPENAI_API_KEY); no key is ever sent to a worker.
"""

import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.addresses import split
from course.errors import CourseError
from course.run import marked
from course.run.notebook import CellFailed, KernelFailed, Parameters, execute_notebook, language, tags
from course.run.outcome import Cell, Outcome
from course.run.plan import Address, Book, Job, Settings
from course.tap import Tap
from course.tap.command import environment
from course.tape import Tape

PYTHON = ("python", "ipython", "python3")
OWN_KERNEL = "course-run"
CONNECT_SECONDS = 10
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
"""Clients refuse to start without one, even if the server wants none."""


def run(job: Job, folder: Path) -> tuple[Outcome, NotebookNode | None]:
    """What became of the job, and the notebook as it ran. Its tape is run.tape.jsonl in the folder."""
    began, started = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    problems: list[str] = []  # of the tape, which is closed last
    made, ran = _run(job, folder, problems.append)
    seconds = round(time.perf_counter() - began, 3)
    return replace(made, seconds=seconds, started=started, notes=(*made.notes, *problems)), ran


def _run(job: Job, folder: Path, report: Callable[[str], object]) -> tuple[Outcome, NotebookNode | None]:
    path = Path(job.book.path)
    try:
        notebook = read(path)
        kernel, notes = choose(notebook, job.settings)
    except CourseError as error:
        return Outcome("failed", str(error)), None
    except OSError as error:
        where = socket.gethostname()
        return Outcome(
            "error", f"{where} cannot read {path} ({error.strerror or error}). Workers need the same files"
        ), None
    if not kernel:
        return Outcome("passed", notes=notes), None
    url = job.server.url
    if url and (silent := unreachable(url)):
        return Outcome("error", silent, cells=cells_of(notebook)), None
    with ExitStack() as stack:
        address = stack.enter_context(recorded(url, folder, report)) if url else None
        if job.settings.python:
            install_kernel(job.settings.python, folder)
        given = {"SERVER": address, "PROFILE": job.profile}
        os.environ.update({name: value for name, value in given.items() if value})
        for cell in notebook.cells:
            if cell.cell_type == "code":  # papermill does this too, but cannot read what lacks them
                cell.outputs, cell.execution_count = [], None
        try:
            ran = execute_notebook(
                notebook, path, parameters(notebook, given), job.settings.cell_seconds, kernel
            )
        except CellFailed as failed:
            ran, reason = failed.notebook, in_words(failed.reason)
            gone = unreachable(url) if url else ""
            return Outcome(
                "error" if gone else "failed",
                f"{reason}. Meanwhile, {gone}" if gone else reason,
                cell=failed.index,
                cells=cells_of(ran, failed.index),
                notes=notes,
                traceback=traceback_of(ran, failed.index),
            ), ran
        except KernelFailed as failed:
            return Outcome("failed", str(failed), cells=cells_of(notebook), notes=notes), None
    return Outcome("passed", cells=cells_of(ran), notes=notes), ran


def read(path: Path) -> NotebookNode:
    """The notebook, upgraded to format 4. CourseError if it is not one."""
    text = path.read_bytes()
    try:
        notebook: NotebookNode = nbformat.reads(text.decode("utf-8"), as_version=4)
        cells = [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    except Exception as error:  # nbformat raises whatever a damaged file makes it raise
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise CourseError(f"it is not a Jupyter notebook ({said})") from error
    if not all(isinstance(source, str) for _, source, _ in cells):
        raise CourseError("it is not a Jupyter notebook (the source of a cell is not text)")
    return notebook


def choose(notebook: NotebookNode, settings: Settings) -> tuple[str, tuple[str, ...]]:
    """The kernel to use, and a remark if it is not the one that the notebook names. CourseError if there is none.

    It is empty for a notebook without code, such as a table of contents, and OWN_KERNEL if an interpreter is named.

    A Python notebook whose kernel is not installed here, such as an author's own environment, runs on python3.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    if not any(cell.cell_type == "code" and cell.source.strip() for cell in notebook.cells):
        return "", ("it has no code to run",)
    if settings.python:
        return OWN_KERNEL, ()
    named, installed = settings.kernel, sorted(KernelSpecManager().find_kernel_specs())
    wanted = named or notebook.metadata.get("kernelspec", {}).get("name")
    if wanted in installed:
        return str(wanted), ()
    spoken = language(notebook)
    if not named and spoken in PYTHON and "python3" in installed:
        notes = (f"its kernel {wanted!r} is not installed here, so python3 was used",) if wanted else ()
        return "python3", notes
    needs = f"it needs the kernel {wanted!r}" if wanted else f"it needs a kernel for {spoken}"
    raise CourseError(
        f"{needs}, which is not installed. Installed: {', '.join(installed) or 'none'}.\n"
        "Install it, or choose another:  course run --kernel NAME"
    )


def parameters(notebook: NotebookNode, given: Parameters) -> Parameters:
    """Those that have a value and that a cell tagged `parameters` assigns. Others would only be noise in the notebook."""
    source = "\n".join(cell.source for cell in notebook.cells if "parameters" in tags(cell))
    return {
        name: value
        for name, value in given.items()
        if value is not None and re.search(rf"^{name}\s*[:=]", source, re.MULTILINE)
    }


def cells_of(notebook: NotebookNode, failed: int | None = None) -> tuple[Cell, ...]:
    """Each code cell with its state and time, as papermill noted them."""
    made = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        line = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
        ran = cell.metadata.get("papermill", {})
        began = bool(ran.get("start_time"))
        made.append(
            Cell(
                index,
                line[:100],
                "failed" if index == failed else "ran" if began else "not run",
                ran.get("duration"),
            )
        )
    return tuple(made)


def traceback_of(notebook: NotebookNode, index: int) -> str:
    """The traceback that the cell left, without colors; empty if it has none."""
    outputs = notebook.cells[index].get("outputs", []) if index < len(notebook.cells) else []
    lines = [line for output in outputs if output.output_type == "error" for line in output.traceback]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))[-20_000:]


def in_words(reason: str) -> str:
    """What went wrong, said plainly where a kernel's own words are not."""
    if reason.startswith("StdinNotImplementedError"):
        return f"it asks for input, and nobody is there to give it ({reason})"
    return reason


def unreachable(url: str) -> str:
    """Why nothing listens at this address; empty if something does. What it answers is the notebook's business."""
    if not url.startswith(("http://", "https://")):
        return ""
    try:
        parts = split(url)
    except CourseError as error:
        return str(error).partition("\n")[0]
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS):
            return ""
    except OSError as error:
        return f"no server answers at {parts.hostname}:{parts.port or ''} ({error})"


@contextmanager
def recorded(url: str, folder: Path, report: Callable[[str], object]) -> Iterator[str]:
    """Record everything between the notebook and the server; yields the tap's address and names it in the environment.

    `report` is told about problems of the tape.
    """
    tape = Tape(folder / "run.tape.jsonl", keep=False, report=report)
    key = os.environ.get("KEY")
    try:
        with Tap(url, tape) as tap:
            given = {**environment(tap), **dict.fromkeys(KEYS, key)} if key else environment(tap)
            os.environ.update({**dict.fromkeys(KEYS, "none"), **given})
            yield tap.url
    finally:
        tape.close()


def install_kernel(python: str, folder: Path) -> None:
    """Make OWN_KERNEL, which runs on this interpreter, and let this process find it in the folder."""
    spec = folder / "jupyter" / "kernels" / OWN_KERNEL / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(
        json.dumps({"argv": argv, "display_name": python, "language": "python"}), encoding="utf-8"
    )
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(folder / "jupyter"), before]))


def job_from(text: str) -> Job:
    """The job that child.py wrote."""
    record = json.loads(text)
    return Job(
        Book(**record["book"]), record["profile"], Address(**record["server"]), Settings(**record["settings"])
    )


def main(folder: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    made, ran = run(job_from((folder / "job.json").read_text(encoding="utf-8")), folder)
    if ran is not None:
        nbformat.write(ran, folder / "executed.ipynb")
    (folder / "outcome.json").write_text(json.dumps(made.record()), encoding="utf-8")


def _end_with_parent() -> None:
    """Whoever started this process holds the other end of its standard input. If it dies, nobody wants the result."""
    os.read(0, 1)
    marked.end(os.environ[marked.NAME])
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
