"""What a module loads when it is imported: nothing slow, nothing that needs an operating system, no repository tooling."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from course import ROOT

SLOW = ("smolagents", "nbformat", "papermill", "xllamacpp")
PORTABLE = (
    "course.tape",
    "course.turns",
    "course.diagnose",
    "course.view",
    "course.tools",
    "course.tools.search",
    "course.agent",
)
"""What runs in a browser tab, too, where there are no processes to look at and no server to start."""
SERVERS = ("psutil", "course.server", "course.model.engine")
TOOLING = {"authoring", "bench", "training", "workshop", "hostile", "tests", "support", "conftest"}
"""What is in the repository but not installed, or not part of the course."""


def loaded(code, names):
    """Those of `names` that a fresh Python has loaded after it ran this code."""
    ask = f"import sys\n{code}\nprint(*(name for name in {names} if sys.modules.get(name)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("module", ["course.cli", "course.server.serving", "course.sandbox.container"])
def test_a_server_and_a_refusal_wait_for_nothing_that_they_do_not_need(module):
    """smolagents takes a second or two to load, nbformat as much again."""
    assert loaded(f"import {module}", SLOW) == []


@pytest.mark.parametrize("module", PORTABLE)
def test_what_runs_in_a_browser_needs_no_operating_system(module):
    assert loaded(f"sys.modules['psutil'] = None\nimport {module}", SERVERS) == []


def imports(path):
    """Line and name of every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def tooling_imports(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder)}:{line} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for line, name in imports(path)
        if name.partition(".")[0] in TOOLING
    ]


def test_the_course_imports_no_repository_tooling():
    files = len(list((ROOT / "course").rglob("*.py")))
    found = tooling_imports(ROOT / "course")
    assert not found, f"{len(found)} instead of 0 imports of repository tooling in {files} files: {found}"


def test_an_import_inside_a_function_is_found(tmp_path):
    (tmp_path / "late.py").write_text("def f():\n    from bench.rows import Row\n    return Row\n")
    assert tooling_imports(tmp_path) == ["late.py:2 imports bench.rows"]


def test_lesson_09_imports_the_hostile_programs_from_anywhere(tmp_path):
    """As its notebook does: installed beside the course, without the checkout's folders on the path."""
    ask = "import sys, hostile.attempts; print(*(n for n in ('authoring', 'bench', 'training') if n in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
