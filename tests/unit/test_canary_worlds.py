"""The canary from end to end: real uv, real environments, and small packages of which one release is broken."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from authoring.canary.command import find_uv
from authoring.canary.worlds import Broken, asked, linked, pins, refusal
from course import ROOT
from course.errors import CourseError
from support import skips

PROJECT = """
[project]
name = "tiny-course"
version = "1"
dependencies = ["alpha<2", "beta==1.0", "gamma>=1,<2"]
"""
CHECK = "import alpha, beta, gamma; assert beta.answer == 42, 'the answer is ' + str(beta.answer)"


def wheel(
    folder: Path, name: str, version: str, code: str = "", requires: tuple[str, ...] = (), format: str = "1.0"
) -> None:
    """A pure wheel of one module. Installers refuse it if its format is newer than theirs."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: {format}\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A tiny course with its index. gamma 2 needs beta 2, beta 2 brings delta, and whoever asks gets a wrong answer."""
    try:
        find_uv()
    except CourseError:
        skips.missing("uv", "make build/tools/ready")
    index = tmp_path / "index"
    index.mkdir()
    wheel(index, "alpha", "1.0")
    wheel(index, "alpha", "1.5")
    wheel(index, "beta", "1.0", "answer = 42")
    wheel(index, "gamma", "1.0", requires=("beta",))
    wheel(index, "gamma", "2.0", requires=("beta>=2",))
    wheel(index, "delta", "1.0")
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "lock.txt").write_text("alpha==1.0\nbeta==1.0\ngamma==1.0\n", encoding="utf-8")
    (tmp_path / "check.py").write_text(CHECK, encoding="utf-8")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(index))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))

    def run(*options: str) -> subprocess.CompletedProcess:
        places = (
            "--project",
            tmp_path / "pyproject.toml",
            "--lock",
            tmp_path / "lock.txt",
            "--folder",
            tmp_path / "out",
        )
        command = [sys.executable, "-m", "authoring", "canary", *map(str, places), *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    run.index = index
    run.folder = tmp_path / "out"
    return run


def test_it_names_the_release_that_breaks_the_course(canary):
    wheel(canary.index, "beta", "2.0", "import delta\nanswer = 41", ("delta",))
    done = canary("--check", "python check.py")
    assert done.returncode == 1, done.stdout + done.stderr
    issue = (canary.folder / "issue.md").read_text(encoding="utf-8")
    assert issue in done.stdout
    assert issue.startswith("**Guilty:** `beta` 1.0 → 2.0\n"), issue
    assert "AssertionError: the answer is 41" in issue
    assert "| delta | – | 1.0 |" in issue, "the new dependency is missing in the difference"


def test_it_names_a_release_that_cannot_be_installed(canary):
    wheel(canary.index, "beta", "2.0", "answer = 42", format="9.0")
    done = canary("--check", "python check.py")
    assert "Traceback" not in done.stderr, done.stderr
    assert "**Guilty:** `beta` 1.0 → 2.0\n" in done.stdout, done.stdout + done.stderr
    assert "beta==2.0" in done.stdout, "what uv said is missing"
    assert canary("--check", "python check.py", "--only", "alpha").returncode == 0


REFUSED = """error: Failed to download `six==1.16.0`
  cause: Failed to fetch: http://127.0.0.1:41477/files/six-1.16.0-py3-none-any.whl
  cause: HTTP status server error (503 Service Unavailable) for url (…)"""
CUT = """error: Failed to download `six==1.16.0`
  cause: Failed to write to the distribution cache
  cause: error decoding response body
  cause: request or response body error"""
INVALID = """error: Failed to download `gamma==2.0`
  cause: failed to open file `gamma-2.0.dist-info/RECORD`: No such file or directory (os error 2)"""


@pytest.mark.parametrize(("said", "kind"), [(REFUSED, CourseError), (CUT, CourseError), (INVALID, Broken)])
def test_a_network_that_fails_is_no_package_s_fault(said, kind):
    """As uv 0.13 says it."""
    assert type(refusal(said, Broken)) is kind


def test_its_way_to_reproduce_the_break_does(canary):
    wheel(canary.index, "beta", "2.0", "answer = 41")
    canary("--check", "python check.py")
    assert canary("--check", "python check.py", "--only", "beta").returncode == 1
    assert canary("--check", "python check.py", "--only", "alpha").returncode == 0


def test_newest_packages_that_work_are_no_news(canary):
    wheel(canary.index, "beta", "2.0", "answer = 42")
    done = canary("--check", "python check.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (canary.folder / "issue.md").exists()


def test_a_check_without_end_is_a_failure(canary):
    wheel(canary.index, "beta", "2.0", "import time\ntime.sleep(600)")
    done = canary("--check", "python check.py", "--limit", "6")  # enough for one that ends at once
    assert "`beta` 1.0 → 2.0" in done.stdout, done.stdout + done.stderr
    assert "no end after 6 s" in done.stdout


def test_an_index_that_cannot_answer_is_an_error_with_a_next_step(canary, monkeypatch):
    monkeypatch.setenv("UV_FIND_LINKS", str(canary.index / "nothing"))
    done = canary("--check", "python check.py")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "newest packages could not be determined" in done.stderr


def test_bounds_are_dropped_and_extras_are_kept():
    text = '[project]\ndependencies = ["a[x]>=1,<2", "B_c==3 ; python_version > \'3\'"]\n[dependency-groups]\nt = ["d"]'
    assert asked(text) == ["a[x]", 'b-c ; python_version > "3"', "d"]


def test_a_lock_is_read_for_this_python():
    hashed = " \\\n    --hash=sha256:00\n"
    text = f"a==1{hashed}b==1 ; python_version < '3'{hashed}b==2 ; python_version >= '3'{hashed}"
    assert pins(text) == {"a": "1", "b": "2"}


def test_links_come_from_both_directions():
    changed = {"a": ("1", "2"), "b": ("1", "2"), "c": ("1", "2")}
    metadata = {("a", "2"): [Requirement("b>=2")], ("c", "1"): [Requirement("b<2")]}
    assert linked(changed, metadata) == {"a": {"b"}, "b": {"c"}}
