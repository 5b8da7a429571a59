"""Notice the errors that a learner's cells end with, once they have joined a board.

`watch` asks IPython to call back after each cell. A cell that ended with an error becomes an event: the type's name and the
lesson's number. The message, the traceback and the code are not looked at. Registered by the first check of a lesson that
runs after joining; nothing happens at import.

    watch()
"""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from course.board import membership, sending
from course.board.events import met

NOTEBOOK = re.compile(r"(\d\d[a-z]?)_\w+")
_watched: Any = None
"""The shell that calls back, so that it is asked only once."""


def watch(lesson: str | None, report: Callable[[BaseException], object]) -> None:
    """Ask the kernel's shell, if there is one, to call back after each cell.

    `lesson` is the number of the last lesson that a check named, in case the notebook's name does not tell.
    """
    global _watched
    from course.check.display import shell

    found = shell()
    _After.lesson = lesson or _After.lesson
    if found is None or found is _watched:
        return
    _watched = found
    found.events.register("post_run_cell", _After(report))
    sending.wake()  # what an earlier kernel left


class _After:
    """What IPython calls with the result of each cell."""

    lesson: str | None = None

    def __init__(self, report: Callable[[BaseException], object]) -> None:
        self.report = report

    def __call__(self, result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is None or isinstance(error, KeyboardInterrupt) or not membership.joined():
            return
        try:
            if lesson := lesson_here() or self.lesson:
                sending.note(met(lesson, type(error), datetime.now(UTC)))
        except Exception as e:  # a bug here must not add to the learner's error
            self.report(e)


def lesson_here() -> str | None:
    """The number of the lesson whose notebook runs in this kernel, as Jupyter's server says; None if it is not one."""
    named = NOTEBOOK.fullmatch(PurePath(os.environ.get("JPY_SESSION_NAME", "")).stem)
    return named[1] if named else None
