"""A real Docker engine of the tests' own, and the agent's image built in it.

No image is pulled. The base is made with debootstrap from the mirror that apt uses and kept in build/base. The wheels are
downloaded beside the Dockerfile, so that the build needs no network. AGENT_BASE=python:3.12-slim takes a base from a
registry instead, AGENT_ROOTFS=base.tar a file.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course import sandbox
from course.sandbox import container
from hostile import engine as engines
from support import rootfs, skips

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / "docker" / "wheels"


BASE = Path(os.environ.get("AGENT_ROOTFS") or ROOT / "build" / "base" / "base.tar")


def lacking() -> str | None:
    """Why nothing of this folder can run here; None: it can."""
    if os.environ.get("SERVER"):
        return f"{skips.NOT_APPLICABLE}SERVER names a server, and the containers have one of their own"
    if why := engines.missing():
        return f"{skips.MISSING}{why}"
    if not (os.environ.get("AGENT_BASE") or BASE.is_file() or shutil.which("debootstrap")):
        install = "sudo apt-get install debootstrap  (or name an image: AGENT_BASE=python:3.12-slim)"
        return f"{skips.MISSING}a base for the agent's image. Install it:  {install}"
    return None


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """A Docker engine in the host's network. DOCKER_HOST points at it while the tests run.

    Some kernels let not even root start one. That is no failure unless ENGINE=required says so.
    """
    if why := lacking():
        pytest.skip(why)
    own = engines.Engine(tmp_path_factory.mktemp("docker"))
    try:
        own.__enter__()
    except RuntimeError as error:
        if os.environ.get("ENGINE") == "required":
            raise
        pytest.skip(f"{skips.IMPOSSIBLE}no Docker engine starts on this kernel: {str(error)[-300:]}")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", own.environment["DOCKER_HOST"])
            yield own
    finally:
        own.__exit__()


@pytest.fixture(scope="session")
def image(engine):
    """The agent's image, as `course sandbox build` makes it."""
    base, arguments = os.environ.get("AGENT_BASE"), []
    try:
        if not base:
            base = "course-base"
            if not BASE.is_file():
                rootfs.make(BASE)
            engine.docker("import", str(BASE), base)
            _download(engine, base)
            arguments = ["PIP_NO_INDEX=1"]
        groups = container.build_command(base=base, arguments=arguments)
        groups.insert(1, ["--network", "host"])  # this engine has no bridge
        container.build(groups)
    finally:
        shutil.rmtree(WHEELS, ignore_errors=True)
    return sandbox.IMAGE


@pytest.fixture(scope="session")
def inside(engine, image):
    """Run Python in the agent's container, hardened as a launch is; what it prints."""

    def run(program: str, limits: sandbox.Limits | None = None) -> str:
        groups = sandbox.command(
            "", "http://127.0.0.1:9", "host", limits=limits, instead=["python", "-c", program]
        )
        done = subprocess.run(sandbox.flat(groups), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _download(engine: engines.Engine, base: str) -> None:
    """The wheels of docker/requirements.lock for the Python of the base, checked against their hashes."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = engine.docker("run", "--rm", "--network", "none", base, "python3", "-c", ask).stdout.strip()
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 16, -1)] + [
        f"manylinux2014_{machine}"
    ]
    tags = [part for tag in platforms for part in ("--platform", tag)]
    abis = [part for abi in (f"cp{version.replace('.', '')}", "abi3", "none") for part in ("--abi", abi)]
    download = ["pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    target = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", version, *tags, *abis]
    lock = ["--dest", str(WHEELS), "--requirement", str(ROOT / "docker" / "requirements.lock")]
    subprocess.run([sys.executable, "-m", *download, *target, *lock], check=True)
