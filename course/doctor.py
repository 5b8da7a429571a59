"""Check whether this computer is ready for the course.

Each check has what was found, what is needed, and the command to run. Read-only: it never installs, builds, starts or
changes anything. `course doctor` prints the checks.

    [check for check in checks() if not check.ok]
"""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from packaging.requirements import Requirement

from course import files
from course.errors import CourseError
from course.model import embedded, engine, profiles
from course.server import PORT, Server, registry

GIB = 1024**3
DISTRIBUTION = "agents-on-the-wire"


@dataclass(frozen=True)
class Check:
    """The result of one check. `run` is the command that fixes it; it is there even if the check passed."""

    name: str
    ok: bool
    saw: str
    needs: str
    run: str


def checks() -> list[Check]:
    """All checks, in the order in which the course needs things. What a check raises is why it failed."""
    looks = [python, packages, engine_found, embedded_model, port, memory, disk, profile]
    if os.environ.get("SERVER"):
        looks.append(server)
    return [_guarded(look) for look in looks]


def _guarded(look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (CourseError, OSError) as error:
        refused = files.refusal(error) if isinstance(error, OSError) else None
        saw, _, run = (refused or str(error)).partition("\n")
        return Check(look.__name__.replace("_", " "), False, saw, "no error", run or "course doctor")


def python() -> Check:
    version = platform.python_version()
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check(
        "python", ok, f"{version} ({sys.executable})", "3.11, 3.12 or 3.13", "make lab PYTHON=python3.12"
    )


def packages() -> Check:
    """The installed packages against the bounds in the package's own metadata."""
    wrong = mismatches(importlib.metadata.requires(DISTRIBUTION) or [], _installed)
    saw = ", ".join(wrong) or "all versions as required"
    return Check("packages", not wrong, saw, "the versions in requirements.lock", "make lab")


def mismatches(requirements: list[str], installed: Callable[[str], str | None]) -> list[str]:
    """The packages that are missing or outside their bounds, with what is installed and what is needed."""
    wrong = []
    for text in requirements:
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        have = installed(need.name)
        if have is None or not need.specifier.contains(have, prereleases=True):
            wrong.append(f"{need.name} {have or 'missing'} (needs {need.specifier})")
    return wrong


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def engine_found() -> Check:
    found = engine.find()
    saw = f"{found.kind}: {' '.join(found.command)}, build {found.build}"
    return Check("engine", True, saw, "llama-server on the PATH, or the xllamacpp wheel", engine.INSTALL)


def embedded_model() -> Check:
    needs = "the merged model in the cache, with the checksum recorded when it was built"
    if not embedded.adapter_path().is_file():
        saw = f"the adapter {embedded.adapter_path().name} is missing"
        return Check("embedded model", False, saw, needs, "git checkout -- course/data/adapter.gguf")
    merged = embedded.merged_path(embedded.adapter_path())  # a cache may also hold those of earlier adapters
    if not merged.is_file():
        return Check("embedded model", False, "not built yet", needs, "course model")
    ok = embedded.verify(merged)
    saw = f"{merged} ({merged.stat().st_size / 1e6:.0f} MB{'' if ok else ', checksum differs'})"
    return Check("embedded model", ok, saw, needs, f"rm {merged}; course model" if not ok else "course model")


def port() -> Check:
    """A llama-server on the port is fine: it may be the course's own, and a second one gets another port."""
    needs = f"{PORT} free, or a llama-server on it"
    if registry.is_free(PORT):
        return Check(f"port {PORT}", True, "free", needs, "course serve")
    saw, _, run = registry.taken(PORT).partition("\n")
    return Check(f"port {PORT}", registry.is_llama_server(f"http://127.0.0.1:{PORT}"), saw, needs, run)


def memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    needs = "1 GiB for the embedded model; for others see `needs` in course/model/profiles.toml"
    return Check("memory", free >= 1, f"{free:.1f} GiB available", needs, "close other programs")


def disk() -> Check:
    """Room for the model, and permission to write there."""
    where, needs = files.cache_dir(), "1 GiB for the model and the logs"
    free = shutil.disk_usage(where).free / GIB
    run = "COURSE_CACHE=/another/folder make lab"
    if not os.access(where, os.W_OK):
        return Check("disk", False, f"{where} is read-only", needs, run)
    return Check("disk", free >= 1, f"{free:.1f} GiB free at {where}", needs, run)


def profile() -> Check:
    chosen = profiles.load()
    saw = f"{chosen.name}: {chosen.title}. Needs {chosen.needs}. Tested: {chosen.verified}"
    return Check("profile", True, saw, f"one of {', '.join(profiles.names())}", "PROFILE=NAME make lab")


def server() -> Check:
    """The server that $SERVER names."""
    attached = Server(url=os.environ["SERVER"], quiet=True).start()
    build = attached.props().get("build_info", "unknown build")
    saw = f"{attached.shown} serves {attached.model_id} (build {build})"
    return Check("server", True, saw, "a llama-server at the address in SERVER", "unset SERVER")
