"""The one exception that a learner may see.

It carries a message of the form "seen. expected.\\nnext command", and notebooks show it without a traceback. A bug of the
course is not wrapped in it and keeps its traceback.

    raise CourseError("port 8080 is in use.\\nChoose another port:  course serve --port 8081")
"""


class CourseError(Exception):
    """Something that the learner can fix. The command line prints it after "course: " and exits with status 1."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return f"course: {self}".splitlines()
