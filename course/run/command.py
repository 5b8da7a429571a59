"""What `course run` does: plan, start what is needed, run, keep, compare, report.

    status = run(Options(["lessons"], servers=["http://gpu:8080"], out=Path("runs/nightly")))

Standard output gets one line for each notebook and the summary; what goes on meanwhile goes to standard error.
"""

import importlib.util
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from types import FrameType

from course import ROOT, files
from course.errors import CourseError
from course.run import junit, page, rows, work
from course.run.outcome import Result
from course.run.plan import Address, Job, Settings, WrongUse, found, jobs, parse_shard, shard
from course.run.results import Results
from course.run.rows import Comparison, Row
from course.terminal import say

NEEDED = {
    "cryptography": "cryptography",
    "distributed": "distributed",
    "jupyter_client": "jupyter-client",
    "nbclient": "nbclient",
    "nbval": "nbval",
    "papermill": "papermill",
}
"""What the extra `run` brings: module → package."""
ENDING = tuple(s for name in ("SIGTERM", "SIGHUP") if (s := getattr(signal, name, None)))
"""Signals that end a run like Ctrl-C: what runs is stopped, what has finished is reported."""


@dataclass(frozen=True)
class Options:
    """The command's options. `out` is None for a new folder in runs/; `typed` is the command, for messages."""

    notebooks: Sequence[str]
    profiles: Sequence[str] = ()
    servers: Sequence[str] = ()
    settings: Settings = field(default_factory=Settings)
    shard: str | None = None
    retries: int = 0
    workers: int | None = None
    scheduler: str | None = None
    comparison: Comparison = field(default_factory=Comparison)
    out: Path | None = None
    junit: Path | None = None
    html: Path | None = None
    failed_again: bool = False
    typed: str = "course run …"


def run(options: Options) -> int:
    """The exit status: 0 if all notebooks passed, 1 if not. WrongUse for options that make no sense."""
    check_packages()
    check(options)
    out = options.out or Path("runs") / datetime.now().strftime("%Y%m%d-%H%M%S")
    books = found(options.notebooks, Path.cwd(), without=out)
    servers = [Address(server) for server in options.servers]
    every = jobs(books, options.profiles, servers, options.settings)
    wanted = shard(every, *parse_shard(options.shard)) if options.shard else every
    session = Session(options, Results(out), wanted)
    status = session.go()
    session.report()
    return status


class Session:
    """One call of the command: the rows it has so far, and why it ended early, if it did."""

    def __init__(self, options: Options, results: Results, wanted: Sequence[Job]) -> None:
        self.options, self.results, self.wanted = options, results, wanted
        self.rows: dict[Job, Row] = {}
        self.ended = ""

    def go(self) -> int:
        """Run what has no result yet. Whatever ends it, the rows so far are there for the report."""
        for job, kept in self.results.find(self.wanted, self.options.failed_again).items():
            ran = kept.notebook.read_bytes() if kept.notebook else None
            row = rows.row_of(job, kept.outcome, ran, self.options.comparison)
            self.rows[job] = replace(rows.placed(row, kept), resumed=True)
        pending = [job for job in self.wanted if job not in self.rows]
        self._begin(pending)
        try:
            with _ending_in_order():
                for row in self._run(pending) if pending else ():
                    say(line(row))
        except CourseError as error:  # the cluster went away, a server did not start, the disk is full
            return self._end(str(error), 1)
        except KeyboardInterrupt as told:
            return self._end("it was interrupted.", 128 + (told.args[0] if told.args else signal.SIGINT))
        return 0 if all(row.status == "passed" for row in self.rows.values()) else 1

    def _end(self, why: str, status: int) -> int:
        """Say now why the run ends early: on a full disk, the reports cannot be written either."""
        self.ended = why
        _tell(f"course: {why}\nWhat has finished is kept.")
        return status

    def _run(self, pending: Sequence[Job]) -> Iterator[Row]:
        """Rows as their jobs finish. Profiles that need a server are run one after the other, each with its own."""
        options, judged = self.options, dict[Job, Row]()

        def settled(job: Job, result: Result) -> bool:
            judged[job] = rows.row_of(job, result.outcome, result.notebook, options.comparison)
            return judged[job].status == "passed"

        local = any(map(needs_server, pending)) and not options.scheduler
        workers = options.workers or work.default_workers(with_server=local)
        with work.cluster(min(workers, len(pending)), options.scheduler) as client:
            for profile, group in groupby(sorted(pending, key=_started_for), key=_started_for):
                with _served(profile, list(group)) as those:
                    for job, result in work.results(client, those, options.retries, settled, _tell):
                        kept = self.results.keep(job, result)
                        row = rows.placed(judged[job], kept)
                        self.rows[replace(job, server=replace(job.server, now=None))] = row
                        yield row

    def _begin(self, pending: Sequence[Job]) -> None:
        done = len(self.wanted) - len(pending)
        kept = f", of which {done:,} {'is' if done == 1 else 'are'} done already" if done else ""
        part = f" in shard {self.options.shard}" if self.options.shard else ""
        _tell(f"{len(self.wanted):,} notebooks to run{part}{kept}. Results: {self.results.folder}")

    def report(self) -> None:
        """Write the reports, print the summary, and say how to go on if something is missing."""
        why = f"not run: {self.ended.splitlines()[0]}" if self.ended else "not run"
        made = [rows.with_tape(self.rows.get(job) or rows.missing(job, why)) for job in self.wanted]
        folder = self.results.folder
        as_xml, as_html = (
            self.options.junit or folder / "junit.xml",
            self.options.html or folder / "report.html",
        )
        for path, text in (
            (as_xml, junit.xml(made)),
            (as_html, page.html(made, as_html.resolve().parent)),
            (folder / "rows.json", rows.as_json(made)),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.output(path, "course run … --junit FILE --html FILE"):
                files.write_private(path, text)
        say(f"\n{rows.summary(made)}\n{as_html}\n{as_xml}")
        if self.ended or any(row.status in ("error", "not run") for row in made):
            typed = self.options.typed if self.options.out else f"{self.options.typed} --out {folder}"
            _tell(f"To run only what is missing:  {typed}")


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Turn the signals of ENDING into KeyboardInterrupt, with their number, while the block runs."""

    def told(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, told) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def line(row: Row) -> str:
    """A finished job in a line."""
    if row.status == "passed":
        flaky = f", at try {row.outcome.tries}" if row.flaky else ""
        return f"✓ {row.job.title}  {row.outcome.seconds:.1f} s{flaky}"
    why = row.reason if row.outcome.cell is None else row.reason.splitlines()[0]
    return f"✗ {row.job.title}  {row.outcome.seconds:.1f} s: {why}"


def needs_server(job: Job) -> bool:
    """Whether a server has to be started for it: it has a profile and nobody named a server."""
    return job.profile is not None and job.server.given is None


def _started_for(job: Job) -> str:
    return job.profile or "" if needs_server(job) else ""


@contextmanager
def _served(profile: str, group: Sequence[Job]) -> Iterator[list[Job]]:
    """The jobs, with the address of a server of this profile that runs as long as the block; as they are for no profile."""
    if not profile:
        yield list(group)
        return
    from course.server import Server

    with Server(profile, url=False, quiet=True) as server:
        yield [replace(job, server=Address(None, server.url)) for job in group]


def _tell(text: str) -> None:
    say(text, err=True)


def check_packages() -> None:
    """CourseError with the command that installs the extra, if a package of it is missing."""
    lacking = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if lacking:
        here = (ROOT / "pyproject.toml").is_file()
        what = f"-e {shlex.quote(f'{ROOT}[run]')}" if here else "'agents-on-the-wire[run]'"
        raise CourseError(
            f"course run needs packages that are not installed: {', '.join(lacking)}.\n"
            f"Install them:  {sys.executable} -m pip install {what}"
        )


def check(options: Options) -> None:
    """WrongUse for options that cannot be meant, before anything is started."""
    from course.model import profiles
    from course.tap import upstream

    for name in options.profiles:
        try:
            profiles.load(name)
        except CourseError as error:
            raise WrongUse(str(error)) from error
    for server in options.servers:
        try:
            upstream.address(server, "--server")
        except CourseError as error:
            raise WrongUse(str(error)) from error
    if options.scheduler and options.profiles and not options.servers:
        raise WrongUse(
            "--profile with --scheduler needs --server, because a server that is started here could not be reached by "
            "workers elsewhere.\nName one that they reach:  --server http://HOST:8080"
        )
    if options.settings.kernel and options.settings.python:
        raise WrongUse("--kernel and --env-python both choose the kernel.\nLeave one of them out")
    if options.settings.python and not options.scheduler:
        _check_python(options.settings.python)


def _check_python(python: str) -> None:
    try:
        done = subprocess.run(
            [python, "-c", "import ipykernel"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WrongUse(
            f"{python} cannot be run ({error}).\nName the interpreter of an environment:  --env-python .venv/bin/python"
        ) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise WrongUse(
            f"{python} cannot run a kernel: {said}.\nInstall one there:  {python} -m pip install ipykernel"
        )
