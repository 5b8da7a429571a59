"""The one exception that learners are meant to see.

Its message says what was seen, what was expected and, on a new line, the next command. Notebooks show it without a
traceback. A bug in the course is never wrapped in it and keeps its traceback.

    raise CourseError("port 8080 is in use.\\nChoose another port:  course serve --port 8081")
"""


class CourseError(Exception):
    """Something that the learner can fix. The command line prints it after "course: " and exits with status 1."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return f"course: {self}".splitlines()
