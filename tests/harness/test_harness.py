"""The notebook harness does what the name of each tiny notebook says.

All of them run in one pytest of their own, and its JUnit file tells what became of them.
"""

import json
import os
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BOOKS = sorted(HERE.glob("*.ipynb"))
NOWHERE = "http://127.0.0.1:9"
SECONDS = 1500  # all of them take one minute on an idle machine
CELL_SECONDS = 30  # a cell that imports something may need some of them
pytestmark = pytest.mark.timeout(SECONDS + 100)


def run(folder, *paths, **changes):
    """Run pytest on these paths in a process of its own; outcomes by notebook, and what it printed."""
    unset = {"CI", "SERVER", "PROFILE", "KEY", "PYTEST_ADDOPTS"}
    environment = {k: v for k, v in os.environ.items() if k not in unset} | changes
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["--cell-seconds", str(CELL_SECONDS)]
    done = subprocess.run(
        [*command, "--color=no", f"--junitxml={report}", *map(str, paths)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    outcomes: dict[str, Counter] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kind = next((part.tag for part in case if part.tag in ("failure", "error", "skipped")), "passed")
        name = case.get("classname").removesuffix(".ipynb").split(".")[-1]
        outcomes.setdefault(name, Counter())[kind] += 1
    return outcomes, done.stdout + done.stderr


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return run(tmp_path_factory.mktemp("here"), *BOOKS, SERVER=NOWHERE, PROFILE="embedded")


@pytest.mark.parametrize("book", [path.stem for path in BOOKS])
def test_outcome_is_the_name(here, book):
    """`passes_…` has no failure; `fails_…` has exactly one, and no error outside of its cells."""
    outcomes, printed = here
    kinds = outcomes.get(book)
    assert kinds, f"{book} did not run. Ran: {sorted(outcomes)}\n{printed[-2000:]}"
    failed = 1 if book.startswith("fails") else 0
    assert (kinds["failure"], kinds["error"]) == (failed, 0), f"{book}: {dict(kinds)}\n{printed[-4000:]}"


def test_failures_say_why(here):
    """Each kind of failure is named in what a person reads."""
    _, printed = here
    said = [
        "Cell outputs differ",
        "ZeroDivisionError",
        f"longer than {CELL_SECONDS} seconds",
        "its kernel died",
    ]
    missing = [text for text in [*said, "two is three", "make build"] if text not in printed]
    assert not missing, f"not in the report: {missing}\n{printed[-6000:]}"


def test_embedded_only_is_counted_elsewhere(tmp_path):
    """Against another model such a cell is not run, not failed and not hidden."""
    book = HERE / "fails_embedded_only_passes_elsewhere.ipynb"
    outcomes, printed = run(tmp_path, book, SERVER=NOWHERE, PROFILE="qwen3.6-35b-a3b")
    (kinds,) = outcomes.values()
    assert dict(kinds) == {"skipped": 1, "passed": 1}, printed
    assert "1 notebook cell and 0 tests were not run:" in printed
    assert "1 × holds for the embedded model only" in printed


class Locked(BaseHTTPRequestHandler):
    """A llama-server with another model and a key, as far as attaching asks."""

    def do_GET(self):
        allowed = self.path == "/health" or self.headers.get("Authorization") == "Bearer s3cret"
        answer = {"status": "ok", "data": [{"id": "another-model", "owned_by": "llamacpp"}]}
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(json.dumps(answer if allowed else {}).encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("key", "kinds", "said"),
    [
        ({"KEY": "s3cret"}, {"skipped": 1, "passed": 1}, "1 notebook cell and 0 tests were not run:"),
        ({}, {"failure": 1, "skipped": 1}, "requires an API key"),
    ],
)
def test_the_key_opens_the_server_and_is_not_shown(tmp_path, key, kinds, said):
    """KEY is used to ask which model answers; PROFILE=embedded does not make another model the embedded one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Locked) as locked:
        threading.Thread(target=locked.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{locked.server_port}"
        named = {"PROFILE": "embedded"} if key else {}
        book = HERE / "fails_embedded_only_passes_elsewhere.ipynb"
        outcomes, printed = run(tmp_path, book, "--executed", tmp_path, SERVER=url, **key, **named)
        locked.shutdown()
    assert dict(next(iter(outcomes.values()))) == kinds, printed
    assert said in printed, printed
    kept = [path.read_text() for path in tmp_path.rglob("*.ipynb")]
    assert len(kept) == (1 if key else 0), "executed notebooks are kept where --executed says"
    assert "s3cret" not in printed + "".join(kept)


def test_no_server_fails_one_cell_and_says_so(tmp_path):
    """A server that does not answer is one failure with its message, not one for each cell."""
    outcomes, printed = run(tmp_path, HERE / "fails_embedded_only_passes_elsewhere.ipynb", SERVER=NOWHERE)
    (kinds,) = outcomes.values()
    assert dict(kinds) == {"failure": 1, "skipped": 1}, printed
    assert "no server for it: " in printed, printed
    assert NOWHERE in printed, printed


@pytest.mark.parametrize(
    ("reason", "outcome"), [("needs docker", "failed"), ("not applicable: no GPU", "skipped")]
)
def test_ci_skips_nothing_for_a_missing_tool(tmp_path, reason, outcome):
    """With CI set, a skip is a failure, unless the test says that it does not apply."""
    test = tmp_path / "test_skips.py"
    test.write_text(f"import pytest\n\ndef test_skips():\n    pytest.skip({reason!r})\n")
    ours = ("--rootdir", ROOT, "-c", ROOT / "pyproject.toml", "-p", "support.skips", "-p", "support.nbplugin")
    outcomes, printed = run(tmp_path, test, *ours, CI="true", PYTHONPATH=str(ROOT / "tests"))
    (kinds,) = outcomes.values()
    assert f"1 {outcome}" in printed, f"{dict(kinds)}\n{printed}"
