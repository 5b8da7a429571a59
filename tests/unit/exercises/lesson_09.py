"""Answers to the exercises of lesson 09, with a container that only pretends to be one."""

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


def lesson():
    """The names that the cells before an exercise have made."""
    return {
        "attempts": SimpleNamespace(here=attempts.here, said=lambda *_: "I am alone"),
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
            return True
        if not attached:
            if not rest:
                return True
            rest.pop(0)
    return False


def by_index(options):
    at = 0
    while at < len(options):
        if options[at].split("=")[0] not in HARMLESS:
            return True
        at += 1 if "=" in options[at] else 2
    return at > len(options)


def by_recursion(options):
    if not options:
        return "no"
    name = options[0].split("=")[0]
    if name not in HARMLESS:
        return "yes"
    if "=" in options[0]:
        return by_recursion(options[1:])
    return by_recursion(options[2:]) if options[1:] else "yes"


def one_line_that_lets_any_image_in(options):
    return any(x.startswith("-") and x.partition("=")[0] not in HARMLESS for x in options)


def without_a_look_at_the_end(options):
    at = 0
    while at < len(options):
        if options[at].split("=")[0] not in HARMLESS:
            return True
        at += 1 if "=" in options[at] else 2
    return False


def that_crashes_at_the_end(options):
    rest = list(options)
    while rest:
        name, attached, _ = rest.pop(0).partition("=")
        if name not in HARMLESS:
            return True
        if not attached:
            rest.pop(0)
    return False


def by_a_list_of_forbidden_ones(options):
    return any(option in ("--privileged", "-v", "--pid", "--user") for option in options)


def first_only(options):
    return bool(options) and options[0].split("=")[0] not in HARMLESS


def values_too(options):
    return any(option.split("=")[0] not in HARMLESS for option in options)


def by_beginning(options):
    return not all(option.startswith(tuple(HARMLESS)) for option in options[::2])


LOOKS = {
    "a folder": "import os\nprint(len(os.listdir('.')))",
    "the same in both": "import os\nos.listdir('.')\nprint('I am alone')",
    "what the kernel tells everybody": "import platform\nprint(platform.release())",
    "a variable": "import os\nprint(os.environ.get('NO_SUCH_NAME', 'not there'))",
    "another each time": "import os, time\nprint(os.getpid(), os.getppid(), time.time_ns())",
}

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
            lambda options: True,
            True,
        ],
    ),
    "09.3": Answers(
        right=list(LOOKS.values()),
        wrong=[
            "print(1)",
            "import random\nprint(random.random())",
            "import time\nprint(time.time())",
            "pass",
            "import no_such_module",
            7,
        ],
        given=lesson,
    ),
}
