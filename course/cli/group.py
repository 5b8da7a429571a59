"""What becomes of an exception that ends a command: a message and status 1, or its traceback if it is a bug.

A CourseError is its message. An error of the operating system that names a file is one too, as a last resort: the disk
is full, the folder read-only, the file a folder.
"""

import os
import sys
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup

from course.errors import CourseError
from course.files import refusal
from course.terminal import say, tolerate


class Group(TyperGroup):
    """A group of commands in which a CourseError becomes a message and status 1, on any terminal."""

    def main(self, *args: Any, **more: Any) -> Any:
        tolerate()
        return super().main(*args, **more)

    def invoke(self, ctx: Any) -> Any:  # typer's own copy of click has no public name for the type
        try:
            return super().invoke(ctx)
        except CourseError as error:
            raise _said(str(error)) from None
        except OSError as error:
            if (said := refusal(error)) is None:
                raise
            if error.filename == "standard output":
                _abandon_output()
            raise _said(said) from None


def _said(message: str) -> typer.Exit:
    with suppress(OSError):  # standard error may be full or closed as well
        say(f"course: {message}", err=True)
    return typer.Exit(1)


def _abandon_output() -> None:
    """Python writes what is left when it ends, and would fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
