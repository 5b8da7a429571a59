"""The one exception that a learner may see.

Does: carries a message of the form "seen. expected.\\nnext command", and shows it without a traceback in
notebooks. Does not: print, exit, or wrap errors that are bugs of the course; those keep their traceback.

    raise CourseError("port 8080 is taken.\\nChoose another port:  course serve --port 8081")
"""


class CourseError(Exception):
    """Something that the learner can put right. The command line prints it after "course: " and exits 1."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return f"course: {self}".splitlines()
