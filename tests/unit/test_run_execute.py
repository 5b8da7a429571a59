"""What a notebook is given before its first cell runs: parameters and a kernel."""

import sys

import pytest
from nbformat import v4

from course.run import execute
from course.run.plan import Settings


def notebook(source, *tags, kernel="python3", language="python"):
    spec = {"name": kernel, "display_name": kernel, "language": language}
    cell = v4.new_code_cell(source, metadata={"tags": list(tags)})
    return v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})


def test_a_parameter_without_a_value_leaves_the_notebooks_own():
    """Where no server is named, a notebook runs with the address that it assigns itself."""
    made = notebook("SERVER = 'http://mine:8080'\nPROFILE = ''", "parameters")
    given = {"SERVER": None, "PROFILE": "embedded", "OTHER": 1}
    assert execute.parameters(made, given) == {"PROFILE": "embedded"}


@pytest.mark.parametrize(
    ("kernel", "language"), [("python3", "python"), ("ir", "R"), ("authors-env", "python")]
)
def test_a_named_interpreter_is_used_whatever_kernel_a_notebook_names(kernel, language):
    made = notebook("1", kernel=kernel, language=language)
    assert execute.choose(made, Settings(python=sys.executable)) == (execute.OWN_KERNEL, ())


def test_a_notebook_without_code_needs_no_kernel():
    made = notebook(" ", kernel="ir", language="R")
    assert execute.choose(made, Settings(python=sys.executable))[0] == ""
