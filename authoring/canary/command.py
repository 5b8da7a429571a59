"""The command `python -m authoring canary`: check the newest packages, bisect, print or publish the issue.

`authoring/__main__.py` registers it.
"""

import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from authoring.canary import issue
from authoring.canary.bisect import Found, Outcome, Packages, Verdict, convict
from authoring.canary.checks import TARGETS, Check, Failure, Result
from authoring.canary.worlds import Broken, Impossible, Project, Worlds
from course import ROOT
from course.errors import CourseError

CHECK_SECONDS = 1800


def canary(
    check: Annotated[
        str | None,
        typer.Option(help="Command to run instead of pytest. {report} is where it may write a JUnit report."),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Test file or notebook for pytest (may be repeated).")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Run the lock with only this package newer (may be repeated).")
    ] = None,
    newest: Annotated[bool, typer.Option(help="Run the newest packages, and do not bisect.")] = False,
    limit: Annotated[float, typer.Option(help="Seconds after which a check has failed.")] = CHECK_SECONDS,
    project: Annotated[Path, typer.Option(help="Another course's pyproject.toml.")] = Project.toml,
    lock: Annotated[Path, typer.Option(help="The lock file that belongs to it.")] = Project.lock,
    folder: Annotated[Path, typer.Option(help="Folder for the environment and reports.")] = Project.folder,
    publish: Annotated[
        bool, typer.Option("--issue", help="Open, rewrite or close the issue on GitHub.")
    ] = False,
) -> None:
    """Run the course on the newest packages. If something breaks, find the guilty package and print an issue.

    Exits with status 1 if the newest packages break the course.
    """
    began = time.monotonic()
    chosen = Check.of_text(check) if check else Check.of_pytest(target or TARGETS)
    worlds = Worlds.found(find_uv(), Project(project.resolve(), lock.resolve(), folder.resolve()))
    say(f"newer than in the lock: {', '.join(worlds.changed) or 'nothing'}")
    if only or newest:
        _once(worlds, chosen, only or list(worlds.changed), limit)
        return
    try:
        runner = Runner(worlds, chosen, limit, say)
        if runner.first.failures:
            worlds.install(())  # so that the locked packages' requirements are known
    except Impossible as error:
        raise CourseError(
            f"the locked packages cannot be installed. uv said:\n{error}\n"
            f"Mend the lock first:  uv pip sync --python {worlds.python} {worlds.project.lock}"
        ) from None
    found = convict(worlds.changed, worlds.needs() if runner.first.failures else {}, runner)
    if found.verdict is Verdict.HEALTHY:
        say("the newest packages pass")
        if publish:
            say(issue.settle())
        return
    failures = runner.failures(found)
    context = issue.Context(
        _commit(worlds.project.home),
        _options(worlds.project),
        platform.python_version(),
        platform.platform(),
        time.monotonic() - began,
    )
    text = issue.describe(found, worlds.changed, failures, chosen, context, _also(worlds))
    written = worlds.project.folder / "issue.md"
    written.write_text(text, encoding="utf-8")
    typer.echo(f"\n# {issue.TITLE}\n\n{text}")
    if publish:
        say(issue.publish(written))
    raise typer.Exit(1)


class Runner:
    """The check on a set of packages: the newest are run completely, every other set only as far as they failed."""

    def __init__(self, worlds: Worlds, check: Check, limit: float, report: Callable[[str], object]) -> None:
        self.worlds, self.check, self.limit, self.report = worlds, check, limit, report
        self.everything = frozenset(worlds.changed)
        self.results: dict[Packages, Result] = {}
        self.first = self._checked(self.everything, check)
        self.check = check.narrowed(self.first.failures)
        self._told = False

    def __call__(self, names: Packages) -> Outcome:
        if names == self.everything and not self._told:  # has been run
            self._told = True
            return Outcome.FAILS if self.first.failures else Outcome.PASSES
        try:
            result = self._checked(names, self.check)
        except Impossible as error:
            self.report(f"  cannot be installed: {str(error).splitlines()[-1]}")
            return Outcome.UNRESOLVED
        self.results[names] = result
        if not result.failures:
            return Outcome.PASSES
        return Outcome.FAILS if not names or result.like(self.first) else Outcome.UNRESOLVED

    def failures(self, found: Found) -> tuple[Failure, ...]:
        """Those of the lock with the first culprit, or else of the newest packages."""
        result = self.results.get(found.culprits[0].moved) if found.culprits else None
        if found.verdict is Verdict.LOCK_FAILS:
            result = self.results.get(frozenset())
        return result.failures if result and result.failures else self.first.failures

    def _checked(self, names: Packages, check: Check) -> Result:
        self.report(f"{_named(names, self.everything)} …")
        began = time.monotonic()
        try:
            self.worlds.install(names)
            result = check.run(self.worlds, self.limit)
        except Broken as error:
            failure = Failure(f"installing {_named(self.everything, self.everything)}", "", str(error))
            result = Result((failure,), time.monotonic() - began)
        failed = (
            f"{len(result.failures)} failed, first {result.failures[0].name}" if result.failures else "passed"
        )
        self.report(f"  {failed} ({result.seconds:.0f} s)")
        return result


def _named(names: Packages, everything: Packages) -> str:
    if not names:
        return "the lock"
    if names == everything:
        return "the newest packages"
    left = everything - names
    if len(left) < len(names):
        return f"the newest packages without {', '.join(sorted(left))}"
    return f"the lock with {', '.join(sorted(names))}"


def _once(worlds: Worlds, check: Check, names: list[str], limit: float) -> None:
    """Run the check on the lock with these packages newer."""
    if unknown := sorted(set(names) - worlds.changed.keys()):
        raise CourseError(
            f"{', '.join(unknown)}: no newer version than the lock's.\n"
            f"Choose one of:  {', '.join(worlds.changed) or '(nothing is newer)'}"
        )
    try:
        worlds.install(worlds.closed(names))
    except Impossible as error:
        raise CourseError(
            f"these packages cannot be installed. uv said:\n{error}\nIf they need newer ones, name those, too:  --only …"
        ) from None
    result = check.run(worlds, limit)
    for failure in result.failures:
        typer.echo(f"\n{failure.name}\n{failure.output or failure.message}")
    say(f"{len(result.failures) or 'nothing'} failed in {result.seconds:.0f} s")
    if result.failures:
        raise typer.Exit(1)


def _also(worlds: Worlds) -> dict[str, tuple[str | None, str | None]]:
    """What only the lock or only the newest set has installed."""
    locked = worlds.mixture(())
    names = locked.keys() ^ worlds.newest.keys()
    return {name: (locked.get(name), worlds.newest.get(name)) for name in names}


def find_uv() -> Path:
    """uv from the environment, from build/tools, or from the PATH."""
    scripts = ROOT / "build" / "tools" / ("Scripts" if sys.platform == "win32" else "bin")
    places = (Path(sys.executable).parent, scripts)
    found = next(filter(None, (shutil.which("uv", path=str(place)) for place in places)), shutil.which("uv"))
    if not found:
        raise CourseError(
            "uv, which installs the packages, is not here.\nInstall it:  make build/tools/ready"
        )
    return Path(found)


def _commit(home: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=home, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _options(project: Project) -> tuple[str, ...]:
    """What says that another project is checked than this course."""
    if project == Project():
        return ()
    folders = (("--project", project.toml), ("--lock", project.lock), ("--folder", project.folder))
    return tuple(str(part) for pair in folders for part in pair)


def say(text: str) -> None:
    typer.echo(f"canary: {text}")
