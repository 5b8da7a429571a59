"""Run the check in an environment: what failed first, how, and whether it is the same failure as another run's.

    check = Check.of_pytest(("notebooks/00_welcome.ipynb", "tests/live/test_embedded.py"))
    result = check.run(worlds, limit=1800)
    result.failures[0].name      # "notebooks/00_welcome.ipynb::cell 3"

A check is pytest on some targets, or any command. A command that writes a JUnit report where {report} stands in it has its
failures named; of any other command, only the exit status and the end of the output are known.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from authoring.canary.worlds import Worlds
from course.run import marked
from course.server import processes

TARGETS = (
    "notebooks/00_welcome.ipynb",
    "notebooks/02_one_completion.ipynb",
    "notebooks/04_an_agent_is_a_loop.ipynb",
    "notebooks/05_wire_and_steps.ipynb",
    "notebooks/08_code_or_tool_calls.ipynb",
    "tests/live/test_embedded.py",
    "tests/live/test_wire.py",
    "tests/unit",
)
"""The signal: smolagents, openai and the engine in lessons, and everything that needs no server."""
SHOWN = 60  # lines of a failure's output
COLORS = re.compile(r"(?:\x1b|#x1B)\[[0-9;]*m")


@dataclass(frozen=True)
class Failure:
    """A test or a cell that failed. `file` is None if the check is not made of files."""

    name: str
    message: str
    output: str
    file: str | None = None


@dataclass(frozen=True)
class Result:
    """What a run of the check came to. No failures: it passed."""

    failures: tuple[Failure, ...]
    seconds: float

    def like(self, other: "Result") -> bool:
        """Whether one of the failures is also one of the other run's."""
        return bool(
            {failure.name for failure in self.failures} & {failure.name for failure in other.failures}
        )


@dataclass(frozen=True)
class Check:
    """`command` runs with the environment's Python as `python`. `targets` follow it; only pytest's can be narrowed."""

    command: tuple[str, ...]
    targets: tuple[str, ...] = ()

    @classmethod
    def of_pytest(cls, targets: Sequence[str] = TARGETS) -> "Check":
        plain = ("-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", "--junitxml={report}")
        return cls(("python", "-m", "pytest", *plain), tuple(targets))

    @classmethod
    def of_text(cls, text: str) -> "Check":
        """A command line as somebody typed it."""
        return cls(tuple(shlex.split(text)))

    def options(self) -> list[str]:
        """The canary's own options that stand for this check."""
        if self.targets:
            return [part for target in self.targets for part in ("--target", target)]
        return ["--check", shlex.join(self.command)]

    def narrowed(self, failures: Sequence[Failure]) -> "Check":
        """The files alone that failed, so that the next runs are short. The same check if that is not known."""
        files = {failure.file for failure in failures}
        if not self.targets or None in files or not files:
            return self
        return replace(self, targets=tuple(sorted(file for file in files if file)))

    def run(self, worlds: Worlds, limit: float) -> Result:
        """Run it with what is installed now; after `limit` seconds it has failed. Leaves no process behind."""
        report = worlds.project.folder / "report.xml"
        report.unlink(missing_ok=True)
        given = [part.replace("{report}", str(report)) for part in (*self.command, *self.targets)]
        began = time.monotonic()
        status, output = _run(given, worlds, limit)
        seconds = time.monotonic() - began
        failures = _reported(report) if report.is_file() else []
        if status != 0 and not failures:
            what = f"no end after {limit:.0f} s" if status is None else f"exit status {status}"
            failures = [Failure(f"the check itself: {what}", what, _end(output))]
        return Result(tuple(failures) if status != 0 else (), seconds)


def _environment(python: Path) -> dict[str, str]:
    """Ours, with the environment's commands first, and nothing of the one that this program runs in."""
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {
        **kept,
        "PATH": f"{python.parent}{os.pathsep}{kept.get('PATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _run(command: list[str], worlds: Worlds, limit: float) -> tuple[int | None, str]:
    """Exit status (None: stopped after `limit` seconds) and output of a command; what it started ends with it."""
    token = secrets.token_hex(8)
    environment = {**_environment(worlds.python), marked.NAME: token}
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    with (worlds.project.folder / "output.txt").open("w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(
                [program, *command[1:]],
                cwd=worlds.project.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return 127, f"{command[0]}: {error.strerror}"
        born = processes.created(process.pid)
        status: int | None = None
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            processes.end(process.pid, born)
            process.wait()
            marked.end(token)  # also what left the process group, or whose parent has ended
        output.seek(0)
        return status, output.read()


def _reported(report: Path) -> list[Failure]:
    """The failures of a JUnit report, in the order in which they happened."""
    try:
        root = ElementTree.parse(report).getroot()
    except ElementTree.ParseError:  # the check was stopped while writing it
        return []
    found = []
    for case in root.iter("testcase"):
        for problem in (*case.findall("failure"), *case.findall("error")):
            file = case.get("file") or None
            name = "::".join(filter(None, [file or case.get("classname"), case.get("name")]))
            found.append(Failure(name, problem.get("message") or "", _end(problem.text or ""), file))
            break
    return found


def _end(text: str) -> str:
    """The last lines, without the colors that pytest and IPython put in (JUnit writes their escape as #x1B)."""
    lines = COLORS.sub("", text).rstrip().splitlines()
    return "\n".join(
        [f"… {len(lines) - SHOWN} lines left out", *lines[-SHOWN:]] if len(lines) > SHOWN else lines
    )
