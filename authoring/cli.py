"""Generate docs/cli.md from the commands themselves: the usage, help and options of each.

The result does not depend on the width of a terminal.
"""

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import typer

from course.cli import app


def page() -> str:
    """The whole page."""
    sections = [_section(path, command) for path, command in commands()]
    head = "# The command line\n\n<!-- Written by python -m authoring docs. The texts are in course/cli. -->"
    listed = "\n".join(
        f"- [`{' '.join(path)}`](#{'-'.join(path)}): {_first(command)}"
        for path, command in commands()
        if not hasattr(command, "commands")
    )
    return "\n\n".join([head, listed, *sections]) + "\n"


def commands() -> list[tuple[list[str], Any]]:
    """Each visible command with the words that call it, groups before what is in them."""
    return list(_below(["course"], typer.main.get_command(app)))


def _below(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _below([*path, name], inner)


def _section(path: list[str], command: Any) -> str:
    """A heading, the usage, the help, and tables of arguments and options."""
    context = command.context_class(command, info_name=" ".join(path))
    usage = " ".join([*path, *(piece.strip("{}") for piece in command.collect_usage_pieces(context))])
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    arguments = [_row(p) for p in shown if p.param_type_name == "argument"]
    options = [_row(p) for p in shown if p.param_type_name == "option"]
    parts = [f"## {' '.join(path)}", f"```text\n{usage}\n```", _help(command.help or "")]
    for title, rows in (("argument", arguments), ("option", options)):
        if rows:
            parts.append("\n".join([f"| {title} | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _row(parameter: Any) -> str:
    """A row of a table: the names with the kind of their value, the help, and the default if it is a plain value."""
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    elif not parameter.is_flag:
        names = f"{names[:-1]} {_kind(parameter)}`"
    default = parameter.default
    if default in (None, "", False) or callable(default) or parameter.param_type_name == "argument":
        default = None
    text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {names} | {text}{f' Default: `{default}`.' if default is not None else ''} |"


def _kind(parameter: Any) -> str:
    """What an option's value is, in a word."""
    kind = parameter.type_descriptor.annotation
    return parameter.metavar or {int: "NUMBER", float: "NUMBER", Path: "FILE"}.get(kind, "TEXT")


def _first(command: Any) -> str:
    return " ".join(cleandoc(command.help or "").partition("\n\n")[0].split())


def _help(text: str) -> str:
    """The docstring's paragraphs; one that is a command becomes a block of code."""
    parts = []
    for paragraph in cleandoc(text).split("\n\n"):
        line = " ".join(paragraph.split())
        parts.append(f"```bash\n{line}\n```" if line.startswith("course ") else line)
    return "\n\n".join(parts)
