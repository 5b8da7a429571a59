"""What a command loads before it does anything: smolagents takes a second or two, nbformat as much again."""

import subprocess
import sys

import pytest

SLOW = ("smolagents", "nbformat", "papermill", "xllamacpp")


@pytest.mark.parametrize("module", ["course.cli", "course.server.serving", "course.sandbox.container"])
def test_a_server_and_a_refusal_wait_for_nothing_that_they_do_not_need(module):
    ask = f"import sys, {module}; print(*(name for name in {SLOW} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
