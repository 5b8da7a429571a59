"""Set up what the course needs, from lock files:  python3 bootstrap.py lab | test | clients | phoenix | node | hub | slides

`make lab` and `make test` call this first. It needs nothing but Python's standard library, reports progress at least every
five seconds, and does nothing if the environment already matches the lock file. After an interruption, run the same command
again to resume. Outside this checkout, it touches only the caches of pip and npm. `node` installs nothing: it checks what
the hub's proxy needs.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
BEAT = 5.0  # seconds between two lines of progress
ROOM = 1_500_000_000  # bytes that an environment takes, with pip's temporary files
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
CLOSED = ("--no-deps", "--require-hashes")  # the locks are closed: nothing outside them is ever resolved

REASONS = (  # what pip printed → what to do about it
    (
        re.compile(r"No space left|Disk quota exceeded|Errno 28\b|Errno 122\b"),
        "the disk is full. The environment needs about 1.5 GB here and in the temporary folder",
        "Free some space, then run the same command again to resume",
    ),
    (
        re.compile(r"DO NOT MATCH THE HASHES"),
        "a downloaded package differs from the one in the lock file",
        "Empty pip's cache and try again:  {python} -m pip cache purge",
    ),
    (
        re.compile(r"EINTEGRITY"),
        "a downloaded module differs from the one in package-lock.json",
        "Empty npm's cache and try again:  npm cache clean --force",
    ),
    (
        re.compile(
            r"NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|Connection (?:refused|reset|broken)"
            r"|IncompleteRead|Temporary failure in name resolution|Network is unreachable|ProxyError|SSLError|Retrying \("
            r"|\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b"
        ),
        "the packages could not be downloaded",
        "Check the network (and PIP_INDEX_URL or npm's registry, if you use a mirror), then run the same command again "
        "to resume",
    ),
    (
        re.compile(r"Permission denied|Read-only file system|Errno 13\b|Errno 30\b"),
        "this folder is not writable",
        "Clone the course into a folder of your own, and run make there",
    ),
    (
        re.compile(r"No matching distribution found"),
        "a package in the lock file is not available for this Python, operating system or processor",
        "The course runs on 64-bit Linux, macOS and Windows with Python 3.11 to 3.13. Use another Python:  "
        "make lab PYTHON=python3.12",
    ),
)


class SetupError(Exception):
    """Something the user can fix. The message says what was seen, what was expected, and the next command."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment, the lock file that fills it, and whether the course itself is installed in it.

    `shared`: users other than the one who makes it run it, too.
    """

    name: str
    folder: Path
    lock: Path
    course: bool = True
    shared: bool = False

    @property
    def python(self) -> Path:
        return self.folder / SCRIPTS / ("python.exe" if os.name == "nt" else "python")

    @property
    def stamp(self) -> Path:
        """Holds `wanted` once everything is installed."""
        return self.folder / "complete"

    @property
    def home(self) -> Path:
        """Holds the path that the environment was made for. Its scripts do not work anywhere else."""
        return self.folder / "home"

    def wanted(self) -> str:
        """Changes when the lock file or the package's own metadata does."""
        parts = [self.lock, ROOT / "pyproject.toml"] if self.course else [self.lock]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.read_bytes())
        return digest.hexdigest()

    def complete(self) -> bool:
        with contextlib.suppress(OSError):
            return self.stamp.read_text(encoding="utf-8") == self.wanted() and self.usable()
        return False

    def usable(self) -> bool:
        """Whether it was created completely, for this path, with a Python that still exists."""
        with contextlib.suppress(OSError):
            return self.home.read_text(encoding="utf-8") == str(self.folder) and works(self.python)
        return False


LAB = Environment("lab", ROOT / ".venv", ROOT / "requirements.lock")
TEST = Environment("test", ROOT / ".venv", ROOT / "requirements-test.lock")
CLIENTS = Environment(
    "clients", ROOT / "build" / "clients", ROOT / "tests" / "clients" / "requirements.txt", course=False
)
"""Other people's clients for the tests of the tap; they need other versions of the course's packages."""
PHOENIX = Environment(
    "phoenix", ROOT / "build" / "phoenix", ROOT / "tests" / "clients" / "phoenix.txt", course=False
)
"""Phoenix, for the test that loads an exported tape into it. 850 MB."""
HUB = Environment("hub", ROOT / "build" / "hub", ROOT / "workshop" / "hub" / "requirements.txt", shared=True)
"""JupyterHub, and the course for the learners' servers."""


@dataclass(frozen=True)
class Modules:
    """A folder of Node's modules, and the folder whose package-lock.json fills it. npm checks the hashes in it.

    `without` says what does not work if npm is missing.
    """

    folder: Path
    source: Path
    without: str
    files: tuple[str, ...] = ("package.json", "package-lock.json")

    @property
    def stamp(self) -> Path:
        """Holds `wanted` once everything is installed."""
        return self.folder / "complete"

    def wanted(self) -> str:
        return hashlib.sha256(b"".join((self.source / name).read_bytes() for name in self.files)).hexdigest()

    def complete(self) -> bool:
        with contextlib.suppress(OSError):
            return self.stamp.read_text(encoding="utf-8") == self.wanted()
        return False


NODE_CLIENTS = Modules(
    ROOT / "build" / "clients-node",
    ROOT / "tests" / "clients",
    "the tests with clients for Node are left out",
)
"""Other people's clients for Node."""
NODE_HUB = Modules(
    ROOT / "build" / "hub-node", ROOT / "workshop" / "hub", "`make hub` has no proxy and cannot start"
)
"""The hub's proxy."""
NODE = 20
"""The oldest Node that the hub's proxy runs on."""
GET_NODE = (
    "Install it:  sudo apt-get install nodejs npm   (Debian 12 and Ubuntu 24.04 have version 18: take a newer one from "
    "https://nodejs.org/en/download, not through nvm, which root does not see)"
)
NODE_SLIDES = Modules(ROOT / "build" / "slides-node", ROOT / "authoring" / "slides", "slides cannot be made")
"""reveal.js, which shows the slides."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def works(python: Path) -> bool:
    """Whether this interpreter still exists, starts, and has a version that the course runs on."""
    check = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))"
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
    return False


def open_to_all(path: Path) -> bool:
    """Whether every user may run this program, wherever its links lead."""
    real = path.resolve()
    return all(part.stat().st_mode & 0o001 for part in (real, *real.parents))


def has_venv(python: Path) -> bool:
    command = [python, "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def shared_python() -> Path:
    """A Python that every user can run: this one, or, if it lies in somebody's home, the system's. This one if none is."""
    names = ("python3", "python3.13", "python3.12", "python3.11")
    others = [Path(folder, name) for name in names for folder in ("/usr/bin", "/usr/local/bin")]
    for python in (Path(sys.executable), *others):
        with contextlib.suppress(OSError):
            if open_to_all(python) and works(python) and has_venv(python):
                return python
    return Path(sys.executable)


def check_machine() -> None:
    """Python, its venv module, a folder that can be written, and room on the disk."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise SetupError(
            f"{sys.executable} is Python {version}; the course needs 3.11, 3.12 or 3.13.\n"
            "Install one, or say which to use:  make lab PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            f"{sys.executable} lacks the modules venv and ensurepip.\n"
            f"Install them:  sudo apt-get install python{version}-venv"
        ) from None
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        raise SetupError(
            f"{ROOT} is not writable ({error.strerror}).\n"
            "Clone the course into a folder of your own, and run make there"
        ) from None


def check_room() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < ROOM:
        raise SetupError(
            f"only {free / 1e9:.1f} GB are free at {ROOT}, but the environment needs {ROOM / 1e9:.1f} GB.\n"
            "Free some space, then run the same command again"
        )


def check_node() -> None:
    """Whether the hub's proxy can be installed and can run, before minutes go into the rest."""
    node = shutil.which("node")
    said = ""
    if node:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)", said)
    if not found or int(found[1]) < NODE:
        have = f"Node {said} is too old" if found else "Node is missing"
        raise SetupError(f"{have}: the hub's proxy needs version {NODE} or later.\n{GET_NODE}")
    if not NODE_HUB.complete() and shutil.which("npm") is None:
        raise SetupError(f"npm is missing; the hub's proxy is installed with it.\n{GET_NODE}")


def make(environment: Environment) -> None:
    """Create or complete the environment. After a SetupError, the next run continues from where this one got."""
    check_room()
    environment.stamp.unlink(missing_ok=True)
    if not environment.usable():
        say(f"creating a virtual environment in {environment.folder.relative_to(ROOT)}")
        shutil.rmtree(environment.folder, ignore_errors=True)
        python = shared_python() if environment.shared else Path(sys.executable)
        run("creating the virtual environment", [python, "-m", "venv", environment.folder])
        environment.home.write_text(str(environment.folder), encoding="utf-8")
    pinned = re.findall(r"^[A-Za-z0-9._-]+==", environment.lock.read_text(encoding="utf-8"), re.MULTILINE)
    say(f"installing up to {len(pinned)} locked packages (30 seconds to 2 minutes)")
    # Byte code of packages that only tests import is made when it is needed.
    install = [
        environment.python,
        *PIP,
        "install",
        *CLOSED,
        *([] if environment.course else ["--no-compile"]),
    ]
    run(
        "installing packages",
        [*install, "--requirement", environment.lock],
        installing(environment, len(pinned)),
    )
    if environment.course:
        here = [environment.python, *PIP, "install", "--no-deps", "--no-build-isolation", "--editable", ROOT]
        run("installing the course itself", here)
    environment.stamp.write_text(environment.wanted(), encoding="utf-8")


def make_modules(modules: Modules) -> None:
    """Install Node's modules. Without npm, only say what that means: what needs them says so, or is skipped."""
    npm = shutil.which("npm")
    if npm is None:
        say(
            f"npm is not here, so {modules.without}.\n"
            "Install it:  sudo apt-get install nodejs npm, then run the same command again"
        )
        return
    modules.stamp.unlink(missing_ok=True)
    modules.folder.mkdir(parents=True, exist_ok=True)
    for name in modules.files:
        shutil.copyfile(modules.source / name, modules.folder / name)
    say(f"installing Node's modules in {modules.folder.relative_to(ROOT)} (10 seconds to 1 minute)")
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier")
    run("installing Node's modules", [npm, "ci", "--ignore-scripts", *quiet], folder=modules.folder)
    modules.stamp.write_text(modules.wanted(), encoding="utf-8")


def installed(environment: Environment) -> int:
    """How many packages are in place. pip renames folders while this looks, so nothing is entered or trusted to stay."""
    places = [
        environment.folder / "Lib" / "site-packages",
        *environment.folder.glob("lib/python*/site-packages"),
    ]
    count = 0
    for place in places:
        with contextlib.suppress(OSError):
            count += sum(name.endswith(".dist-info") for name in os.listdir(place))
    return count


def installing(environment: Environment, total: int) -> Callable[[list[str]], str]:
    """A line of progress out of pip's output: what it downloads, then how many packages are in place."""

    def line(output: list[str]) -> str:
        if any(text.startswith("Installing collected packages") for text in output):
            there = installed(environment)
            return f"{min(there, total)} of {total} packages installed"
        seen = [text for text in output if text.startswith(("Collecting ", "Requirement already satisfied"))]
        size = next((text for text in reversed(output) if "Downloading" in text), "")
        return f"package {len(seen)} of {total}, {' '.join(size.split()) or 'from the cache'}"

    return line


def run(
    what: str,
    command: list[object],
    progress: Callable[[list[str]], str] = lambda output: "",
    folder: Path = ROOT,
) -> None:
    """Run a command to its end, with a line of progress every few seconds; SetupError tells why it failed."""
    output: list[str] = []
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PIP_PROGRESS_BAR": "off"},
    )
    assert process.stdout is not None
    reader = threading.Thread(
        target=lambda pipe: output.extend(iter(pipe.readline, "")), args=(process.stdout,)
    )
    reader.start()
    began = time.monotonic()
    with ended(process):
        while reader.is_alive():
            reader.join(BEAT)
            if reader.is_alive():
                say(f"{progress(output) or what} ({time.monotonic() - began:.0f} s)")
        status = process.wait()
    if status:
        raise SetupError(reason(what, output))


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Leave nothing running at the end, even after Ctrl-C."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def reason(what: str, output: list[str]) -> str:
    """Why a command failed, from what it printed."""
    text = "".join(output)
    for pattern, seen, following in REASONS:
        if pattern.search(text):
            return f"{seen}.\n{following.format(python=sys.executable)}"
    tail = "".join(f"  | {line[:200].rstrip()}\n" for line in output[-12:])
    again = "Run the same command again. If it fails again, start over:  make clean"
    return f"{what} failed. The end of the output:\n{tail}{again}"


def main(arguments: list[str]) -> int:
    wanted = {
        "lab": [LAB],
        "test": [TEST],
        "clients": [CLIENTS],
        "phoenix": [PHOENIX],
        "node": [],
        "hub": [HUB],
        "slides": [],
    }
    modules = {"clients": NODE_CLIENTS, "hub": NODE_HUB, "slides": NODE_SLIDES}
    if len(arguments) != 1 or arguments[0] not in wanted:
        print(__doc__)
        return 2
    try:
        if arguments[0] == "node":
            check_node()
        for environment in wanted[arguments[0]]:
            if environment is LAB and TEST.complete():  # has all of it
                return 0
            if not environment.complete():
                check_machine()
                make(environment)
        if (needed := modules.get(arguments[0])) and not needed.complete():
            make_modules(needed)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"setup: {reason('setting up', [str(error)])}\n({error})", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted. Run the same command again to resume.", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
