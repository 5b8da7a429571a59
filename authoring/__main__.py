"""The author's commands:  python -m authoring build 03  ·  python -m authoring run notebooks/00_welcome.ipynb"""

import os
from pathlib import Path
from typing import Annotated

import nbformat
import typer

from authoring import docs as pages
from authoring import lessons
from authoring.canary.command import canary
from course import ROOT
from course.cli import Group
from course.errors import CourseError
from course.run.notebook import execute

app = typer.Typer(
    cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__
)


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Lesson name prefixes (default: all).")] = None,
) -> None:
    """Build the notebooks from their sources and execute them."""
    lessons.build_all(names or None, report=typer.echo)


@app.command()
def new(number: str, slug: str) -> None:
    """Write the source of a new lesson to fill in, for example: new 13 read_the_log."""
    from authoring.skeleton import create

    path = create(number, slug)
    typer.echo(f"{path}\nFill it in, then build it:  make build ARGS={number}")


@app.command()
def exam(
    numbers: Annotated[list[int] | None, typer.Argument(help="The numbers of tapes (default: all).")] = None,
) -> None:
    """Record the tapes of lesson 12's exam. Which fault is where is in course/exam/key.toml."""
    from authoring.exam import RUNS, record

    for number in numbers or RUNS:
        typer.echo(record(number))


@app.command()
def run(
    notebook: Annotated[Path, typer.Argument(help="A notebook of this course.")],
    profile: Annotated[
        str | None, typer.Option(help="Model profile (default: $PROFILE, else embedded).")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Attach to this server (default: $SERVER, else start one).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Save the executed notebook here.")
    ] = None,
) -> None:
    """Execute a notebook from top to bottom. Exits with status 1 if a cell fails."""
    if not notebook.is_file():
        raise CourseError(f"{notebook} does not exist.\nThe lessons are in notebooks/:  ls notebooks")
    given = {"SERVER": server or os.environ.get("SERVER"), "PROFILE": profile or os.environ.get("PROFILE")}
    executed = execute(notebook, {k: v for k, v in given.items() if v})
    if output:
        nbformat.write(executed, output)
    cells = sum(cell.cell_type == "code" for cell in executed.cells)
    typer.echo(f"{notebook}: {cells} cells ran" + (f", saved to {output}" if output else ""))


@app.command()
def slides(
    names: Annotated[list[str] | None, typer.Argument(help="Lesson name prefixes (default: all).")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = ROOT
    / "build"
    / "slides",
) -> None:
    """Make slides of the lessons, and the hand-out, as HTML files that need nothing beside them."""
    from authoring import slides as decks

    for path in decks.write(output, names or ()):
        typer.echo(path)


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with status 1 if a part is stale.")
    ] = False,
) -> None:
    """Write the generated parts of docs/."""
    if not check:
        for name in pages.write():
            typer.echo(f"wrote {name}")
    elif found := pages.stale():
        raise CourseError(f"stale: {', '.join(found)}.\nWrite the generated parts:  python -m authoring docs")


@app.command()
def picture() -> None:
    """Retake the README's screenshot of a turn from a live run, in Chromium."""
    from authoring.picture import take

    for path in take():
        typer.echo(path)


app.command()(canary)


if __name__ == "__main__":
    app(prog_name="python -m authoring")
