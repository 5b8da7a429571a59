"""`course run` for real: bad notebooks, lost workers, a lost scheduler, and the tapes of notebooks that ask a model.

Each run is the command itself, in a process of its own, on a Dask cluster of processes.
"""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from nbformat import v4

from course.run import child, plan
from course.run.results import Results
from course.tape import Tape

PATIENCE = 600  # seconds for what takes one minute on an idle machine
pytestmark = pytest.mark.timeout(3 * PATIENCE)
CELL_SECONDS = 30  # on a busy machine, a hundred megabytes need some of them
WORKER = "import psutil; worker = psutil.Process().parents()[1].pid"
"""What a notebook runs to know its worker: the kernel's parent is the job's process, whose parent is the worker."""


def book(path, *cells, kernel="python3", language="python", **tagged):
    """Write a notebook of code cells; `tagged` gives cells their tags: c0=["parameters"]."""
    made = [
        v4.new_code_cell(cell, metadata={"tags": tagged.get(f"c{n}", [])}) for n, cell in enumerate(cells)
    ]
    spec = {"name": kernel, "display_name": kernel, "language": language}
    nbformat.write(v4.new_notebook(cells=made, metadata={"kernelspec": spec}), path)


def environment(**changes):
    unset = {"SERVER", "PROFILE", "KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
    return {k: v for k, v in os.environ.items() if k not in unset} | changes


def start(folder, *arguments, code="from course.cli import app; app()", **changes):
    """The command in this folder, with its results in out/."""
    command = [sys.executable, "-c", code, "run", "--out", "out", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def rows(folder):
    return {row["notebook"]: row for row in json.loads((folder / "out" / "rows.json").read_text())}


def outcome(folder, name):
    (found,) = [
        record["outcome"]
        for path in (folder / "out" / "jobs").glob("*/result.json")
        if (record := json.loads(path.read_text()))["job"]["notebook"] == name
    ]
    return found


def until(condition, what):
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {PATIENCE} s")


def written(path):
    """The JSON in a file; nothing as long as somebody writes it."""
    try:
        return json.loads(path.read_text())
    except ValueError:
        return {}


def left(folder):
    """Processes that a job of this folder left behind, by their pids."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("COURSE_RUN_JOB") and process.cwd().startswith(str(folder)):
                found[process.pid] = process.cmdline()
        except (psutil.Error, OSError):
            continue
    return found


BAD = {
    "empty.ipynb": "not a Jupyter notebook",
    "no_json.ipynb": "not a Jupyter notebook",
    "no_kernel.ipynb": "the kernel 'ir', which is not installed",
    "endless.ipynb": f"cell 2 (`while True:`): it ran longer than {CELL_SECONDS} seconds",
    "kills_its_kernel.ipynb": "cell 2 (`os.kill(os.getpid(), 9)`): its kernel died",
    "asks.ipynb": "cell 1 (`input('who? ')`): it asks for input",
}
GOOD = ("prints.ipynb", "victim.ipynb", "no_code.ipynb")


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """All bad notebooks in one run, and good ones between them. A worker is killed in the middle of one of these."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty.ipynb").write_text("")
    (folder / "no_json.ipynb").write_text("{ this is not")
    book(folder / "no_code.ipynb")
    book(folder / "no_kernel.ipynb", "x <- 1", kernel="ir", language="R")
    book(folder / "endless.ipynb", "x = 1", "while True:\n    pass")
    book(folder / "kills_its_kernel.ipynb", "import os", "os.kill(os.getpid(), 9)")
    book(folder / "asks.ipynb", "input('who? ')")
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(600)']"
    leave = f"import subprocess, sys\nsubprocess.Popen({sleeper}, start_new_session=True)"
    book(folder / "prints.ipynb", "print('x' * 100_000_000)", leave, kernel="conda-env-of-the-author-py")
    told = "pathlib.Path('pids').write_text(f'{worker} {os.getpid()}')"
    first = f"if not pathlib.Path('pids').exists():\n    {told}\n    time.sleep({PATIENCE})"
    book(folder / "victim.ipynb", f"import os, pathlib, time\n{WORKER}", first)
    process = start(folder, ".", "--cell-timeout", CELL_SECONDS, "--workers", 2)
    pids = folder / "pids"
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the victim's first run")
    os.kill(int(pids.read_text().split()[0]), signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    (folder / "said").write_text(said)
    return folder


@pytest.mark.parametrize("name", BAD)
def test_a_bad_notebook_fails_alone_and_says_why(bad, name):
    row = rows(bad)[name]
    assert (row["status"], BAD[name] in row["reason"]) == ("failed", True), row


@pytest.mark.parametrize("name", GOOD)
def test_the_others_go_on(bad, name):
    assert rows(bad)[name]["status"] == "passed", rows(bad)[name]


def test_a_hundred_megabytes_are_cut_and_the_output_says_so(bad):
    (path,) = (bad / "out" / "jobs").glob("prints-*/executed.ipynb")
    outputs = nbformat.read(path, as_version=4).cells[0].outputs
    assert path.stat().st_size < 1_100_000, f"{path.stat().st_size:,} bytes"
    assert "99,000,001 more characters of output were dropped" in outputs[-1].text


def test_a_killed_worker_loses_nothing(bad):
    """Its job ran again, and its kernel did not keep running."""
    made, said = outcome(bad, "victim.ipynb"), (bad / "said").read_text()
    assert (made["status"], made["lost"]) == ("passed", 1), said
    assert "victim.ipynb: its worker was lost" in said
    assert len(rows(bad)) == len(BAD) + len(GOOD)
    assert int((bad / "pids").read_text().split()[1]) not in left(bad), "the kernel still runs"


def test_nothing_of_a_notebook_keeps_running(bad):
    assert left(bad) == {}


def test_a_scheduler_that_goes_away_costs_only_what_was_running(tmp_path):
    """What has finished is kept and reported; the same command does only the rest, here on a local cluster."""
    book(tmp_path / "a.ipynb", "1 + 1")
    book(
        tmp_path / "b.ipynb", "import pathlib, time", f"pathlib.Path('go').exists() or time.sleep({PATIENCE})"
    )
    cli = [sys.executable, "-m", "distributed.cli"]
    quiet = {
        "cwd": tmp_path,
        "env": environment(),
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    where = tmp_path / "scheduler.json"
    options = ["--scheduler-file", where, "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*cli[:2], f"{cli[2]}.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *options], **quiet
    )
    worker = subprocess.Popen([*cli[:2], f"{cli[2]}.dask_worker", "--nthreads", "1", *options], **quiet)
    try:
        until(where.exists, "a scheduler")
        address = until(lambda: written(where).get("address"), "an address")
        hasty = "from course.run import work; work.BACK_SECONDS = 1; from course.cli import app; app()"
        process = start(tmp_path, ".", "--scheduler", address, code=hasty)
        until(lambda: list((tmp_path / "out").glob("jobs/a-*/result.json")), "the first result")
        scheduler.kill()
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        for one in (scheduler, worker):
            one.kill() if one is scheduler else one.terminate()
            one.wait(PATIENCE)
    assert process.returncode == 1, said
    assert "scheduler went away" in said
    assert {n: r["status"] for n, r in rows(tmp_path).items()} == {"a.ipynb": "passed", "b.ipynb": "not run"}
    assert (tmp_path / "out" / "junit.xml").read_text().count("<testcase") == 2
    (tmp_path / "go").touch()
    process = start(tmp_path, ".", "--workers", 1)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert "of which 1 is done already" in said
    assert [line[:9] for line in said.splitlines() if line.startswith("✓")] == ["✓ b.ipynb"], said
    assert left(tmp_path) == {}


ASK = """
import httpx
with httpx.Client(trust_env=False, timeout=60) as client:
    answer = client.post(f"{base}/chat/completions", headers={"Authorization": "Bearer s3cret-of-the-room"},
        json={"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4})
answer.status_code
"""


def test_what_each_notebook_says_to_the_server_is_on_a_tape_of_its_own(server, tmp_path):
    """By parameter, by the course's variables, and by those that other courses' clients read.

    The interpreter is another one: a script that sets a variable first. One notebook fails at its first try.
    """
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nCHOSEN=yes exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    tagged = {"c0": ["parameters"]}
    book(
        tmp_path / "parameter.ipynb",
        "SERVER = None\nPROFILE = 0",
        "base = f'{SERVER}/v1'",
        ASK,
        "PROFILE",
        **tagged,
    )
    variables = "import os\nbase = os.environ['OPENAI_BASE_URL']"
    book(tmp_path / "variable.ipynb", variables, ASK, "os.environ['PROFILE']")
    again = "import os, pathlib; first = not pathlib.Path('tried').exists(); pathlib.Path('tried').touch()"
    book(tmp_path / "flaky.ipynb", again, "assert not first", "os.environ['CHOSEN']")
    options = ["--server", server.url, "--profile", "embedded", "--retries", 1, "--env-python", "./python"]
    process = start(tmp_path, ".", *options, "--workers", 1)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert outcome(tmp_path, "flaky.ipynb")["tries"] == 2, said
    for name in ("parameter", "variable"):
        (place,) = (tmp_path / "out" / "jobs").glob(f"{name}-*")
        (entry,) = [r for r in Tape.read(place / "run.tape.jsonl").records() if r["_type"] == "entry"]
        assert entry["response"]["status"] == 200, entry["response"]
        assert server.url in entry["request"]["url"], "the tape has the server's address, not the tap's"
        assert b"s3cret-of-the-room" not in (place / "run.tape.jsonl").read_bytes(), "the key is on the tape"
        assert (place / "run.html").exists()
        last = nbformat.read(place / "executed.ipynb", as_version=4).cells[-1].outputs[-1]
        assert last.data["text/plain"] == "'embedded'"
    assert not list((tmp_path / "out" / "jobs").glob("flaky-*/run.*")), "it said nothing, so it has no tape"
    assert (tmp_path / "out" / "report.html").read_text().count("1 exchange with the model") == 2


def test_a_server_that_is_not_there_is_no_fault_of_the_notebook(tmp_path):
    """It is an error, not a failure, and the next run does it again."""
    book(tmp_path / "a.ipynb", "1 + 1")
    books = plan.found([str(tmp_path)], tmp_path)
    (job,) = plan.jobs(books, [], [plan.Address("http://127.0.0.1:9")], plan.Settings())
    result, results = child.run(job), Results(tmp_path / "out")
    assert result.outcome.status == "error"
    assert "no server answers at 127.0.0.1:9" in result.outcome.reason
    results.keep(job, result)
    assert results.find([job]) == {}
    results.keep(job, result.with_outcome(status="failed"))
    assert list(results.find([job])) == [job]
    assert results.find([job], failed_again=True) == {}
