"""Answers to the exercises of lesson 09, with a container that only pretends to be one."""

import subprocess
import sys
import tempfile
from types import SimpleNamespace

from hostile import attempts
from support.exercises import Answers

FIVE = [
    "files_docker_socket",
    "files_password_hashes",
    "write_home",
    "kernel_list_processes",
    "net_list_connections",
]
LAYERS = {
    "own file system": "a",
    "own process namespace": "c",
    "read-only root": "d",
    "user 1000": "f",
    "own network namespace": "g",
}
RIGHT = dict(zip(FIVE, "afdcg", strict=True))


def in_an_empty_room(program, *_):
    """What a program prints without our variables and home folder: a container for those who have none."""
    with tempfile.TemporaryDirectory() as room:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program],
            capture_output=True, text=True, env={"HOME": room}, cwd=room, check=False,
        )  # fmt: skip
    return (done.stdout + done.stderr).strip()


def lesson():
    """The names that the cells before an exercise have made."""
    return {
        "attempts": SimpleNamespace(here=attempts.here, said=in_an_empty_room),
        "errors": attempts.results(attempts.programs(FIVE), []),
        "letter": lambda result: LAYERS[result.by],
        "boxed": True,
        "model": SimpleNamespace(url="unix:///tmp/llama.sock"),
    }


HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def by_popping(options):
    rest = list(options)
    while rest:
        name, attached, _ = rest.pop(0).partition("=")
        if name not in HARMLESS:
            return False
        if not attached:
            if not rest:
                return False
            rest.pop(0)
    return True


def by_index(options):
    at = 0
    while at < len(options):
        if options[at].split("=")[0] not in HARMLESS:
            return False
        at += 1 if "=" in options[at] else 2
    return at <= len(options)


def by_recursion(options):
    if not options:
        return "yes"
    name = options[0].split("=")[0]
    if name not in HARMLESS:
        return "no"
    if "=" in options[0]:
        return by_recursion(options[1:])
    return by_recursion(options[2:]) if options[1:] else "no"


def one_line_that_lets_any_image_in(options):
    return all(not x.startswith("-") or x.partition("=")[0] in HARMLESS for x in options)


def without_a_look_at_the_end(options):
    at = 0
    while at < len(options):
        if options[at].split("=")[0] not in HARMLESS:
            return False
        at += 1 if "=" in options[at] else 2
    return True


def that_crashes_at_the_end(options):
    rest = list(options)
    while rest:
        name, attached, _ = rest.pop(0).partition("=")
        if name not in HARMLESS:
            return False
        if not attached:
            rest.pop(0)
    return True


def by_a_list_of_forbidden_ones(options):
    return not any(option in ("--privileged", "-v", "--pid", "--user") for option in options)


def first_only(options):
    return not options or options[0].split("=")[0] in HARMLESS


def values_too(options):
    return all(option.split("=")[0] in HARMLESS for option in options)


def with_a_last_label(options):
    """Wrong only if a lone --label is the last word."""
    rest = list(options)
    if rest and rest[-1] == "--label":
        rest.append("x")
    return by_popping(rest)


def without_names_as_values(options):
    """Takes a harmless name for an option, even where it is the text of a label."""
    return by_popping(options) and (not options or options[-1] not in HARMLESS)


def by_beginning(options):
    return all(option.startswith(tuple(HARMLESS)) for option in options[::2])


VARIABLES = "import os\nprint('variables:', *sorted(os.environ))"
PATH = "import os\nprint(os.environ.get('PATH', 'no path'))"
KERNEL = "import platform\nprint(platform.release())"
MACHINE = "import os\nprint('kernel ' + os.uname().release, os.uname().machine)"
NAME = "import socket\nprint(f'{socket.gethostname()=}')"
FOLDER = "import os\nprint(os.getcwd())"
PROCESSORS = "import os\nprint('processors:', len(os.sched_getaffinity(0)))"
MEMORY = "print(*[line for line in open('/proc/meminfo') if 'MemTotal' in line])"
ACCOUNTS = "print(open('/etc/passwd').read())"
USER = "import os\nprint('user', os.getuid())"
CLOCK = "import os, time\nprint(os.getppid(), time.time_ns())"


def both(hidden, visible):
    return {"hidden": hidden, "visible": visible}


ANSWERS = {
    "09.1": Answers(
        right=[RIGHT, {slug: letter.upper() for slug, letter in RIGHT.items()}, list(RIGHT.items())],
        wrong=[
            RIGHT | {"write_home": "a"},
            RIGHT | {"files_password_hashes": "e"},
            RIGHT | {"kernel_list_processes": "g"},
            RIGHT | {"net_list_connections": "z"},
            dict.fromkeys(FIVE, "a"),
            {"write_home": "d"},
            list(RIGHT.values()),
            "afdcg",
        ],
        given=lesson,
    ),
    "09.2": Answers(
        right=[by_popping, by_index, by_recursion],
        wrong=[
            by_a_list_of_forbidden_ones,
            first_only,
            values_too,
            by_beginning,
            one_line_that_lets_any_image_in,
            without_a_look_at_the_end,
            that_crashes_at_the_end,
            with_a_last_label,
            without_names_as_values,
            lambda options: False,
            True,
        ],
    ),
    "09.3": Answers(
        right=[
            both(PATH, KERNEL),
            both(VARIABLES, MACHINE),
            both(VARIABLES, NAME),
            both(FOLDER, PROCESSORS),
            both(PATH, MEMORY),
        ],
        wrong=[
            both(KERNEL, KERNEL),
            both(PATH, PATH),
            both(CLOCK, KERNEL),
            both("import time\nprint(time.time())", KERNEL),
            both("import random\nprint(random.random())", KERNEL),
            both("import os\nprint(os.getpid())", KERNEL),
            both(PATH, CLOCK),
            both(PATH, ACCOUNTS),
            both(PATH, USER),
            both(PATH, "print(6*7)"),
            both("print(1)", "print(1)"),
            both(PATH, "import os\nos.listdir('.')\nprint('hi')"),
            both("import os\nos.listdir('.')\nprint('hi')", KERNEL),
            both(PATH, "import os\nprint(os.path.exists('/'))"),
            both(PATH, "import no_such_module"),
            both("pass", KERNEL),
            both(7, KERNEL),
            {"hidden": PATH},
            PATH,
        ],
        given=lesson,
    ),
}
