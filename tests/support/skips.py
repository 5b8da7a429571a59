"""What may be skipped, and how it is told.

Does: counts at the end what does not apply to the model at hand, by reason, with the name of each cell and test; in CI
turns every other skip into a failure.
Does not: decide what applies. A cell says so by its tag `embedded-only`, a test by a skip whose reason begins with
"not applicable".
"""

import os

import pytest

NOT_APPLICABLE = "not applicable: "
EXCUSED = (NOT_APPLICABLE, "not run: ")


def reason_of(report) -> str:
    """Why it was skipped, in the words of whoever skipped it."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def not_applicable(reports) -> dict[str, list[str]]:
    """Reason → what was left out for it."""
    found: dict[str, list[str]] = {}
    for report in reports:
        reason = reason_of(report)
        if reason.startswith(NOT_APPLICABLE):
            found.setdefault(reason.removeprefix(NOT_APPLICABLE), []).append(report.nodeid)
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
    found = not_applicable(terminalreporter.stats.get("skipped", []))
    if found or os.environ.get("SERVER"):
        terminalreporter.section("not applicable to this model")
        for line in told(found):
            terminalreporter.line(line)


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
