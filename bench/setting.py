"""What a measurement runs on: the profile, how often, how many at once, and a temporary folder.

Starts its own servers with the settings that the bench was given. Never attaches to a running server, because figures are
meaningless if something else uses it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rows import NotMeasured
from course import ROOT
from course.model import embedded, engine
from course.server import Server


@dataclass(frozen=True)
class Setting:
    """`runs` repetitions, at most `most` agents at once. `changes` go to every server (gpu_layers=99)."""

    folder: Path
    profile: str = "embedded"
    runs: int = 5
    most: int = 32
    changes: dict[str, Any] = field(default_factory=dict)
    say: Callable[[str], object] = print

    def server(self, **changes: Any) -> Server:
        """A server that is not started yet: use it in a with block."""
        return Server(self.profile, url=False, quiet=True, **{**self.changes, **changes})


def flag(command: list[str], name: str) -> str:
    """The value of a flag in a server's command."""
    return command[command.index(name) + 1]


def tool(name: str) -> str:
    """A program of llama.cpp from the same build as the server; NotMeasured if there is none."""
    found = engine.find()
    beside = Path(found.command[0]).with_name(name) if found.kind == "binary" else None
    if beside is not None and beside.is_file():
        return str(beside)
    path = shutil.which(name) if found.kind == "binary" else None
    if path is None:
        raise NotMeasured(
            f"{name} is part of a llama.cpp build, and the engine here is {found.kind} {found.build}"
        )
    return path


@contextmanager
def private_cache(folder: Path) -> Iterator[Path]:
    """A separate cache, so that its logs belong to this measurement. The merged model is linked into it."""
    model = embedded.gguf_path(lambda _: None)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (model, model.with_suffix(".json")):
        (folder / path.name).symlink_to(path)
    before = os.environ.get("COURSE_CACHE")
    os.environ["COURSE_CACHE"] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop("COURSE_CACHE")
        if before is not None:
            os.environ["COURSE_CACHE"] = before


def environment(**given: str) -> dict[str, str]:
    """This process's environment, without the variables that would point a child at another server."""
    kept = {k: v for k, v in os.environ.items() if k not in ("SERVER", "PROFILE", "KEY", "CI")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")])), **given}


def python(*arguments: str | Path) -> list[str]:
    return [sys.executable, *map(str, arguments)]
