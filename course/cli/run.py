"""The command `course run`: parse the arguments, choose the exit status.

course/run does the work.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from course.addresses import masked
from course.terminal import say

WRONG_USE = 2


def run(
    notebooks: Annotated[
        list[str],
        typer.Argument(
            metavar="NOTEBOOK", help="Notebooks, folders, or quoted globs such as 'labs/**/*.ipynb'."
        ),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Model profile for the notebooks (default: $PROFILE, if set). Can be repeated. Without --server, a "
            "server with this profile is started."
        ),
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Model server for the notebooks (default: $SERVER, if set). Can be repeated. What each notebook says to "
            "it is recorded.",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Run only the I-th of N parts, to divide the work between machines."
        ),
    ] = None,
    cell_timeout: Annotated[float, typer.Option(min=1, help="Seconds that a cell may take.")] = 300,
    retries: Annotated[int, typer.Option(min=0, help="How often to try a notebook again that fails.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Notebooks to run at the same time on this computer (default: one for each processor).",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler to use, such as tcp://host:8786 (default: a local cluster).",
        ),
    ] = None,
    normalizers: Annotated[
        Path | None,
        typer.Option(help="File with regex: and replace: lines for outputs that are compared, as for nbval."),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Compare outputs with the stored ones. A difference in a cell tagged nbval-check-output fails its "
            "notebook; others are only reported.",
        ),
    ] = True,
    compare_all: Annotated[
        bool, typer.Option("--compare-all", help="Any output that is not the stored one fails its notebook.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where results go (default: a new folder in runs/). With the folder of an earlier "
            "run, only what is missing in it is run.",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="JUnit XML file to write (default: junit.xml in the folder).")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="HTML page to write (default: report.html in the folder).")
    ] = None,
    env_python: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Python whose packages the notebooks use. It needs ipykernel."),
    ] = None,
    kernel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Jupyter kernel to use instead of each notebook's own.")
    ] = None,
    rerun_failed: Annotated[
        bool,
        typer.Option("--rerun-failed", help="With the folder of an earlier run: also run what failed in it."),
    ] = False,
) -> None:
    """Execute notebooks of any course, each with every profile and on every server, and report what became of them.

    course run lessons --server http://127.0.0.1:8080 --cell-timeout 120 --out runs/nightly

    A notebook finds the server in OPENAI_BASE_URL, or in SERVER and PROFILE: as variables, and as parameters if a cell is
    tagged `parameters` and assigns them. docs/run.md has the details.

    Exits with status 0 if all notebooks passed, 1 if some failed or could not be run, and 2 if the options make no sense.
    """
    from course.run import command
    from course.run import compare as comparing
    from course.run.plan import Settings, WrongUse
    from course.run.rows import Comparison, Mode

    try:
        mode: Mode = "every" if compare_all else "tags" if compare else "none"
        options = command.Options(
            notebooks,
            _given(profile, "PROFILE"),
            _given(server, "SERVER"),
            Settings(cell_timeout, kernel, env_python and _interpreter(env_python)),
            shard,
            retries,
            workers,
            scheduler,
            Comparison(mode, {} if mode == "none" else comparing.normalizers(normalizers)),
            out,
            junit,
            html,
            rerun_failed,
            shlex.join(["course", *map(masked, sys.argv[1:])]),
        )
        status = command.run(options)
    except WrongUse as error:
        say(f"course: {error}", err=True)
        status = WRONG_USE
    raise typer.Exit(status)


def _interpreter(path: str) -> str:
    """Its absolute path, because notebooks run in their own folders. A link is kept: a venv's interpreter is one."""
    return os.path.abspath(os.path.expanduser(shutil.which(path) or path))


def _given(named: list[str] | None, variable: str) -> list[str]:
    """What was named, or else what the environment says."""
    return named or [value for value in [os.environ.get(variable)] if value]
