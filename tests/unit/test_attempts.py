"""The programs of lesson 09: any user can run them in the executor alone; if no container can run, the lesson says why."""

import sys
import tempfile
from pathlib import Path

import pytest

from course.errors import CourseError
from course.sandbox import container
from hostile import attempts

linux = pytest.mark.skipif(sys.platform != "linux", reason="not applicable: the programs are for Linux")


@pytest.fixture
def known():
    return attempts.committed()["outcomes"]


@linux
def test_what_the_executor_does_alone_is_what_is_committed(known, monkeypatch):
    """One that is stopped, one that gets through; the temporary folder is gone afterwards."""
    folders, make = [], tempfile.mkdtemp

    def noted(*given, **more):
        folders.append(make(*given, **more))
        return folders[-1]

    monkeypatch.setattr(attempts.tempfile, "mkdtemp", noted)
    names = ["files_environment", "walk_format"]
    made = attempts.run(attempts.programs(names), ["executor"])
    assert made == {name: {"executor": known[name]["executor"]} for name in names}
    own = [folder for folder in map(Path, folders) if folder.name.startswith("attempts-")]
    assert [folder.exists() for folder in own] == [False]


@linux
def test_a_result_has_the_canary_that_was_printed(known):
    """What ran here is live and shows what it read; the rest is as recorded."""
    (walk,) = attempts.programs(["walk_format"])
    seen = attempts.results([walk], ["executor"])["walk_format"]
    assert seen["executor"].live
    assert seen["executor"].through
    assert seen["executor"].canary.startswith("canary-environment-")
    assert seen["executor"].canary in seen["executor"].printed
    assert (seen["socket"].live, seen["socket"].by) == (False, known["walk_format"]["socket"]["by"])


def test_a_program_is_shown_without_the_header_that_says_what_stops_it():
    for attempt in attempts.programs():
        shown = attempts.body(attempt)
        assert shown
        assert attempt.code.rstrip().endswith(shown)
        assert "Executor:" not in shown


def test_the_ten_are_ten_and_each_layer_of_the_lesson_stops_one():
    assert len(set(attempts.TEN)) == 10
    seen = attempts.results(attempts.programs(), [])
    assert {attempts.short(seen[name]["socket"]) for name in attempts.TEN} == {
        "own file system", "own environment", "own process namespace", "read-only root", "noexec on /tmp",
        "capabilities and seccomp", "no network", "GETS THROUGH",
    }  # fmt: skip


def test_without_docker_the_lesson_says_so_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(container.shutil, "which", lambda name: None)
    why = attempts.boxes()
    assert "docker is not installed" in why
    assert "Install it:" in why
    assert why.endswith(attempts.INSTEAD)


def test_a_docker_whose_network_is_another_is_not_used(monkeypatch):
    """As in Docker Desktop: its host network is that of a virtual machine."""
    monkeypatch.setattr(container, "check", lambda *_: None)
    monkeypatch.setattr(attempts, "inside", lambda *_: "4026531840000\n")
    assert "virtual machine" in attempts.boxes()


def test_a_container_that_cannot_start_is_told_in_one_line(monkeypatch):
    def fail(*_):
        raise CourseError("docker could not start the container:\nnetwork bridge not found")

    monkeypatch.setattr(attempts, "inside", fail)
    told = attempts.said("print(1)", "gateway", "http://127.0.0.1:9")
    assert "network bridge not found" in told
    assert "\n" not in told


def test_the_table_has_a_line_for_each():
    lines = attempts.table(attempts.programs(), attempts.results(attempts.programs(), [])).splitlines()
    assert len(lines) == 11
    assert all(len(line) <= 140 for line in lines)


LOOKS = {
    "a folder": "import os\nprint(len(os.listdir('.')))",
    "a file": "print(open(__import__('os').devnull).read() == '')",
    "a path": "from pathlib import Path\nprint(Path.home().exists())",
    "the environment": "import os\nprint(len(dict(os.environ)))",
    "a variable": "import os\nprint(os.environ.get('HOME', 'none'))",
    "the kernel": "import platform\nprint(platform.release())",
    "a process": "import os\nprint(os.getppid() > 0)",
    "the name": "import socket\nprint(socket.gethostname())",
    "an address": "import socket\nprint(socket.socket().connect_ex(('127.0.0.1', 9)))",
    "this folder": "import os\nprint(os.getcwd())",
    "the user": "import os\nprint(os.geteuid())",
    "the groups": "import os\nprint(len(os.getgroups()))",
    "the accounts": "import pwd\nprint(len(pwd.getpwall()))",
    "a limit": "import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE))",
    "the processors": "import os\nprint(len(os.sched_getaffinity(0)))",
    "the time zone": "import time\nprint(time.tzname)",
}
THE_KERNEL = {
    "its version": LOOKS["the kernel"],
    "the processors": LOOKS["the processors"],
    "a file of it": "print(len(open('/proc/version').read()) > 0)",
    "a folder of it": "from pathlib import Path\nprint(len(list(Path('/sys').iterdir())) > 0)",
    "the disk": "import shutil\nprint(shutil.disk_usage('/').total)",
    "a program": "import subprocess\nprint(subprocess.run(['uname', '-r'], capture_output=True).stdout)",
}
NOT_THE_KERNEL = {
    "the accounts": "print(open('/etc/passwd').read())",
    "the hosts": "from pathlib import Path\nprint(Path('/', 'etc', 'hosts').read_text())",
    "a name for it": "print(len('/proc/version'), open('/etc/passwd').read())",
    "a variable": LOOKS["a variable"],
    "the user": "import os, pwd\nprint(os.getuid(), pwd.getpwuid(0))",
    "a home": "import os\nprint(os.path.expanduser('~'))",
    "a limit": LOOKS["a limit"],
    "the time zone": LOOKS["the time zone"],
    "a folder": LOOKS["a folder"],
    "read by another program": "import os\nprint(os.popen('head -1 /etc/passwd').read())",
    "another program": "import subprocess\nprint(subprocess.run(['id', '-u', 'root'], capture_output=True).stdout)",
    "found by glob": "import glob\nprint(glob.glob('/etc/passwd'))",
    "a walk": "import os\nprint(len(list(os.walk('/etc/ssl'))) >= 0)",
    "a variable of its own": "import os\nos.environ['A'] = '1'\nprint(os.environ['A'])",
}
LOOKS_AWAY = {
    "a constant": "print(1)",
    "a random number": "import random\nprint(random.random())",
    "the time": "import time\nprint(time.time())",
    "an import": "import json, decimal, statistics\nprint(json.dumps(1))",
}


@pytest.fixture
def quiet(tmp_path, monkeypatch):
    """A folder in which no other test makes a file between two runs of a program; and patience."""
    monkeypatch.chdir(tmp_path)
    return lambda program: attempts.here(program, seconds=120)


@pytest.mark.parametrize("program", LOOKS.values(), ids=LOOKS)
def test_a_program_that_looks_at_this_computer_counts(program, quiet):
    found = quiet(program)
    assert (found.problem, bool(found.printed), found.steady) == ("", True, True)


@linux
@pytest.mark.parametrize("program", THE_KERNEL.values(), ids=THE_KERNEL)
def test_a_program_that_asks_the_kernel_is_known(program, quiet):
    assert quiet(program).kernel


@linux
@pytest.mark.parametrize("program", NOT_THE_KERNEL.values(), ids=NOT_THE_KERNEL)
def test_what_a_container_has_of_its_own_is_not_the_kernel(program, quiet):
    """The image has an /etc/passwd as well, and its first line may be the same."""
    found = quiet(program)
    assert (found.problem, found.kernel) == ("", False)


@pytest.mark.parametrize("program", LOOKS_AWAY.values(), ids=LOOKS_AWAY)
def test_a_program_that_looks_at_nothing_does_not(program, quiet):
    """A number that differs each time says nothing about a computer."""
    assert "nothing outside" in quiet(program).problem


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("pass", "prints nothing"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("print(", "SyntaxError"),
        ("while True: pass", "does not end within 1 s"),
    ],
)
def test_a_program_that_finds_nothing_is_told_why(program, why):
    assert why in attempts.here(program, seconds=1 if "while" in program else 120).problem


def test_what_differs_from_run_to_run_is_noticed():
    found = attempts.here("import os, time\nprint(os.getppid() and time.time_ns())")
    assert (found.problem, found.steady) == ("", False)
