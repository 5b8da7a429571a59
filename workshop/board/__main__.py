"""`python -m workshop.board`: run the board. `make board` does.

python -m workshop.board --host 0.0.0.0 --port 8787 --data /srv/board
"""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from course.errors import CourseError
from course.terminal import say
from workshop.board import PORT

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
DATA = platformdirs.user_data_path("agents-on-the-wire") / "instructor"


@app.command()
def board(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets a room reach it.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = PORT,
    data: Annotated[Path, typer.Option(help="Folder for what the board knows.")] = DATA,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Remove what an earlier workshop left, codes included, and begin anew."),
    ] = False,
) -> None:
    """Show where the learners are who have joined. Ctrl-C ends it; what it knows stays for the next start."""
    from workshop.board.serving import serve
    from workshop.board.store import Store

    if fresh and data.exists():
        Store(data).close()  # no other board uses it
        for name in ("board.sqlite3", "board.sqlite3-wal", "board.sqlite3-shm", "codes.json"):
            (data / name).unlink(missing_ok=True)
        shutil.rmtree(data / "tapes", ignore_errors=True)
        say(f"removed what was in {data}")
    serve(data, host, port)


if __name__ == "__main__":
    try:
        app()
    except CourseError as error:
        say(f"board: {error}", err=True)
        sys.exit(1)
