"""What may be skipped, and how the summary reports it.

A test may be skipped because it does not apply to the model at hand (a cell says so by its tag `embedded-only`, a test by
a skip whose reason begins with "not applicable"), or because a tool is missing (`missing`). The summary counts both by
reason; for a missing tool it names the command that installs it. In CI a skip for a missing tool is a failure.
"""

import os
from typing import NoReturn

import pytest

NOT_APPLICABLE = "not applicable: "
MISSING = "missing: "
IMPOSSIBLE = "impossible here: "
EXCUSED = (NOT_APPLICABLE, IMPOSSIBLE, "not run: ")


def missing(what: str, install: str) -> NoReturn:
    """Skip the test for a tool that is not here; `install` is the command that brings it."""
    pytest.skip(f"{MISSING}{what}. Install it:  {install}")


def reason_of(report) -> str:
    """Why it was skipped, in the words of whoever skipped it."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def by_reason(reports, kind: str) -> dict[str, list[str]]:
    """Reason → what was skipped for it; `kind` is what the reasons begin with."""
    found: dict[str, list[str]] = {}
    for report in reports:
        reason = reason_of(report)
        if reason.startswith(kind):
            found.setdefault(reason.removeprefix(kind), []).append(report.nodeid)
    return found


def told(found: dict[str, list[str]]) -> list[str]:
    """The lines of the summary: how many cells and tests, then each of them below its reason."""
    names = [name for group in found.values() for name in group]
    cells = sum(".ipynb::" in name for name in names)
    tests = len(names) - cells
    if not names:
        return ["nothing: every cell and every test applies to it"]
    lines = [f"{_count(cells, 'notebook cell')} and {_count(tests, 'test')} were not run:"]
    for reason, group in found.items():
        lines += [f"{len(group)} × {reason}", *(f"    {name}" for name in group)]
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def pytest_report_header() -> str:
    """Which server the tests will use; a key is not shown."""
    profile = os.environ.get("PROFILE")
    if url := os.environ.get("SERVER"):
        key = "with a key" if os.environ.get("KEY") else "without a key"
        return f"server: {url}, {key}; profile: {profile or 'the one that its model belongs to'}"
    return f"server: one of our own; profile: {profile or 'embedded'}"


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    found = by_reason(skipped, NOT_APPLICABLE)
    if found or os.environ.get("SERVER"):
        terminalreporter.section("not applicable to this model")
        for line in told(found):
            terminalreporter.line(line)
    for kind, title in ((MISSING, "skipped for a missing tool"), (IMPOSSIBLE, "impossible on this machine")):
        if lacking := by_reason(skipped, kind):
            terminalreporter.section(title)
            for reason, names in lacking.items():
                terminalreporter.line(f"{_count(len(names), 'test')}: {reason}")


def strict(report) -> None:
    """In CI a test may be skipped for what it is, never for a tool that is missing."""
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if not in_ci or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = reason_of(report)
    if not reason.startswith(EXCUSED):
        report.outcome = "failed"
        report.longrepr = f"In CI nothing is skipped for a missing tool. The reason was: {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    strict(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    report = yield
    strict(report)
    return report
