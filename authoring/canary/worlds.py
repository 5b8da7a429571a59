"""One environment, build/canary/env, that uv fills with the lock's versions, the newest ones, or any mixture of them.

    worlds = Worlds.found(uv, Project())   # asks the index for the newest version of everything
    worlds.changed                         # {"openai": ("3.54.0", "3.57.0"), …}
    worlds.install({"openai"})             # the lock, with nothing newer but openai
    worlds.needs()                         # {"pydantic": {"pydantic-core"}, …}: what can be upgraded only with what

The bounds in pyproject.toml are dropped, its names and overrides are kept. uv keeps every wheel once and links it into the
environment, so that a step of a bisection takes a second or two.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from authoring.canary.bisect import Needs
from course import ROOT
from course.errors import CourseError

Versions = dict[str, str]


NETWORK = re.compile(r"Failed to fetch|error sending request|request or response body error")
"""What uv says if a download failed, which is no package's fault."""


class Impossible(Exception):
    """No environment can have this mixture of versions. The message is uv's."""


class Broken(Impossible):
    """The versions fit each other, but one of them cannot be installed."""


def refusal(said: str, kind: type[Impossible]) -> Exception:
    """What to raise for uv's error message: a `kind`, or CourseError if a download failed."""
    if not NETWORK.search(said):
        return kind(said.strip())
    return CourseError(
        f"a download failed. uv said:\n{said.strip()}\n"
        "Check the network (and UV_DEFAULT_INDEX, if you use a mirror), then:  make canary"
    )


@dataclass(frozen=True)
class Project:
    """What is checked: a pyproject.toml, the lock file made from it, and a folder for the environment and the reports."""

    toml: Path = ROOT / "pyproject.toml"
    lock: Path = ROOT / "requirements-test.lock"
    folder: Path = ROOT / "build" / "canary"

    @property
    def home(self) -> Path:
        """Where uv and the check run."""
        return self.toml.parent

    @property
    def installable(self) -> bool:
        """Whether the project is a package, which the environment gets in editable form."""
        return "build-system" in tomllib.loads(self.toml.read_text(encoding="utf-8"))


def asked(project: str) -> list[str]:
    """What a pyproject.toml asks for, at run time, in tests and to set up: names and extras, without bounds."""
    table = tomllib.loads(project)
    asked = list(table["project"]["dependencies"])
    for group in table["project"].get("optional-dependencies", {}).values():
        asked += group
    for group in table.get("dependency-groups", {}).values():
        asked += [entry for entry in group if isinstance(entry, str)]
    return sorted({_unbound(Requirement(entry)) for entry in asked})


def _unbound(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return canonicalize_name(requirement.name) + extras + marker


def pins(text: str) -> Versions:
    """Name → version of a lock or of a resolver's answer, as far as it holds for this Python and this machine."""
    found: Versions = {}
    for line in re.findall(r"^[A-Za-z0-9].*", text, re.MULTILINE):
        requirement = Requirement(line.rstrip("\\").split(" --hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    return found


@dataclass
class Worlds:
    """The lock and the newest versions. `metadata` is what was read of packages that have been installed."""

    uv: Path
    project: Project
    lock: Versions
    newest: Versions
    metadata: dict[tuple[str, str], list[Requirement]] = field(default_factory=dict)

    @classmethod
    def found(cls, uv: Path, project: Project) -> "Worlds":
        """Make the environment if it is not there, and ask for the newest versions."""
        try:
            names = asked(project.toml.read_text(encoding="utf-8"))
            locked = pins(project.lock.read_text(encoding="utf-8"))
        except OSError as error:
            raise CourseError(
                f"{error.filename} cannot be read: {error.strerror}.\n"
                "Say what to check:  python -m authoring canary --project pyproject.toml --lock requirements.lock"
            ) from None
        project.folder.mkdir(parents=True, exist_ok=True)
        (project.folder / "asked.in").write_text("\n".join(names) + "\n", encoding="utf-8")
        worlds = cls(uv, project, locked, {})
        worlds.run("venv", "--allow-existing", "--python", sys.executable, project.folder / "env")
        try:
            worlds.newest = worlds.resolve({})
        except Impossible as error:
            raise CourseError(
                f"the newest packages could not be determined. uv said:\n{error}\n"
                "Check the index (UV_DEFAULT_INDEX, if you use a mirror), then:  make canary"
            ) from None
        return worlds

    @property
    def python(self) -> Path:
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        return self.project.folder / "env" / scripts / "python"

    @property
    def changed(self) -> dict[str, tuple[str, str]]:
        """Name → locked and newest version, of what is in both and differs. New and dropped packages follow from these."""
        both = self.lock.keys() & self.newest.keys()
        return {
            name: (self.lock[name], self.newest[name])
            for name in sorted(both)
            if self.lock[name] != self.newest[name]
        }

    def mixture(self, new: Collection[str]) -> Versions:
        """All versions: the newest of each package of `new`, the locked ones of the others. Raises Impossible."""
        return self.resolve(
            {
                name: self.newest[name] if name in new or name not in self.lock else self.lock[name]
                for name in self.lock.keys() | self.newest.keys()
            }
        )

    def resolve(self, fixed: Mapping[str, str]) -> Versions:
        """What uv would install, the versions in `fixed` being given. Raises Impossible."""
        constraints = self.project.folder / "fixed.txt"
        constraints.write_text(
            "".join(f"{name}=={fixed[name]}\n" for name in sorted(fixed)), encoding="utf-8"
        )
        plain = ("--quiet", "--no-annotate", "--no-header", "--python", self.python)
        done = self.run(
            "pip",
            "compile",
            self.project.folder / "asked.in",
            "--constraint",
            constraints,
            *plain,
            check=False,
        )
        if done.returncode:
            raise refusal(done.stderr, Impossible)
        return pins(done.stdout)

    def install(self, new: Collection[str]) -> Versions:
        """Fill the environment with the mixture and the course itself, as it is in this checkout. Raises Impossible."""
        versions = self.mixture(new)
        lines = [f"{name}=={versions[name]}" for name in sorted(versions)]
        if self.project.installable:
            lines.append(f"--editable {self.project.home.as_uri()}")
        listed = self.project.folder / "installed.txt"
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = self.run("pip", "sync", "--quiet", "--python", self.python, listed, check=False)
        if done.returncode:
            raise refusal(done.stderr, Broken)
        for package in distributions(path=[str(path) for path in self.places()]):
            self._remember(package)
        return versions

    def places(self) -> list[Path]:
        env = self.project.folder / "env"
        return [*env.glob("lib/python*/site-packages"), *env.glob("Lib/site-packages")]

    def _remember(self, package: Distribution) -> None:
        key = (canonicalize_name(package.name), package.version)
        if key not in self.metadata:
            self.metadata[key] = applicable(package.requires or ())

    def needs(self) -> dict[str, set[str]]:
        """See `linked`. What has not been installed yet (call `install` for the lock and the newest) needs nothing."""
        return linked(self.changed, self.metadata)

    def closed(self, names: Collection[str]) -> set[str]:
        """These packages, and what they need upgraded with them: installs the lock and the newest to find out."""
        for world in ((), self.changed):
            with suppress(Broken):  # what cannot be installed tells nothing
                self.install(world)
        return set(Needs(self.needs()).down(names))

    def run(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.uv), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.project.home, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise CourseError(
                f"{' '.join(command)} failed:\n{done.stderr.strip()}\n"
                f"Start over:  rm -r {self.project.folder} && make canary"
            )
        return done


def applicable(requires: Collection[str]) -> list[Requirement]:
    """The requirements of a package that hold on this machine and without extras."""
    found = []
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # an old package; the resolver has the last word anyway
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.append(requirement)
    return found


def linked(
    changed: Mapping[str, tuple[str, str]], metadata: Mapping[tuple[str, str], list[Requirement]]
) -> dict[str, set[str]]:
    """Which packages can be upgraded only if others are, too: name → names.

    Either the new version of the one does not accept the old version of the other, or the old version of the other does not
    accept the new version of the one.
    """
    needs: dict[str, set[str]] = {}
    for name, (old, new) in changed.items():
        for requirement in metadata.get((name, new), ()):
            other = canonicalize_name(requirement.name)
            if other in changed and other != name and not accepts(requirement, changed[other][0]):
                needs.setdefault(name, set()).add(other)
        for requirement in metadata.get((name, old), ()):
            other = canonicalize_name(requirement.name)
            if other in changed and other != name and not accepts(requirement, changed[other][1]):
                needs.setdefault(other, set()).add(name)
    return needs


def accepts(requirement: Requirement, version: str) -> bool:
    return requirement.specifier.contains(version, prereleases=True)
