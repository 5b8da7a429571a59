"""CI types what a newcomer types."""

import re

from course import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks(text):
    """The lines of the fenced blocks, without comments."""
    fenced = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0].strip() for block in fenced for line in block.splitlines()]


def test_ci_runs_lint_and_the_readme_s_tests_with_no_arguments():
    """Nothing that a newcomer's `make test` would run is left out, and nothing runs that they would not get."""
    typed = [line for line in CI.splitlines() if re.match(r"\s*(make|pytest|python\S* -m pytest)\b", line)]
    assert typed == ["make lint", "make test"]
    assert not re.search(r"pytest|--ignore|--deselect|ARGS=", CI)


def test_the_readme_s_make_commands_are_two_and_both_exist():
    commands = {line for line in blocks(README) if line.startswith("make ")}
    assert commands == {"make lab", "make test"}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "training" / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
        assert named <= targets, f"{page.name} names {named - targets}, which the Makefile does not have"
