"""The generated pages about commands and variables: complete, and the same on every terminal."""

import re

import pytest
import typer

from authoring import cli, environment
from course.cli import app


def test_every_command_and_option_is_on_the_page():
    page = cli.page()
    for path, command in cli.commands():
        assert f"\n## {' '.join(path)}\n" in page
        for parameter in command.params:
            assert [name for name in parameter.opts if name.startswith("-") and name not in page] == []


def test_every_option_has_a_help_text():
    bare = [
        f"{' '.join(path)} {parameter.name}"
        for path, command in cli.commands()
        for parameter in command.params
        if not parameter.help
    ]
    assert bare == []


@pytest.mark.parametrize("width", ["20", "300"])
def test_the_width_of_the_terminal_changes_nothing(monkeypatch, width):
    page = cli.page()
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("TERMINAL_WIDTH", width)
    assert cli.page() == page


def test_a_hidden_command_is_not_on_the_page(monkeypatch):
    other = typer.Typer()
    other.command("shown")(lambda: None)
    other.command("secret", hidden=True)(lambda: None)
    monkeypatch.setattr(cli, "app", other)
    assert [path for path, _ in cli.commands()] == [["course"], ["course", "shown"]]
    assert app is not other


@pytest.mark.parametrize(
    "code",
    [
        'os.environ["X"]', 'os.environ.get("X")', 'os.environ.get("X", "1")', 'os.getenv("X")', 'environ.pop("X")',
        '"X" in os.environ', 'os.environ.setdefault("X", "1")', 'f(lambda: os.environ.get("X") or 1)',
    ],
)  # fmt: skip
def test_every_way_to_read_a_variable_is_seen(code):
    assert environment.python_reads(code) == {"X"}


@pytest.mark.parametrize("code", ['os.environ["X"] = "1"', 'given.get("X")', 'monkeypatch.setenv("X", "1")'])
def test_what_reads_no_variable_is_not_taken_for_it(code):
    assert environment.python_reads(code) == set()


def test_a_variable_without_a_text_is_an_error(tmp_path):
    (tmp_path / "Makefile").write_text("NEW ?= 1\n")
    with pytest.raises(ValueError, match=r"NEW \(Makefile\)"):
        environment.page(tmp_path)


def test_the_hub_s_variables_are_those_of_its_readme():
    """Both tables are complete: what `make hub` reads is a literal in workshop/hub/settings.py."""
    folder = environment.ROOT / "workshop" / "hub"
    table = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    told = {name for cell in table for name in re.findall(r"[A-Z_]+", cell)}
    described = set(environment.SECTIONS["For the hub of a workshop"][1]) | {"SERVER", "KEY", "PROFILE"}
    code = (folder / "settings.py").read_text("utf-8")
    read = set(re.findall(r'(?:given\.get|file|number|switch)\("([A-Z_]+)"', code)) - {"HUB_HOST"} | {"HOST"}
    assert told == described == read


def test_each_variable_is_described_once():
    rows = re.findall(r"^\| `([A-Z_]+)` \|", environment.page(), re.MULTILINE)
    assert len(rows) == len(set(rows)) > 20
