"""Answers to the exercises of lesson 09, with a container that only pretends to be one."""

import subprocess
import sys
from types import SimpleNamespace

from hostile import attempts
from support.exercises import Answers

FIVE = ["files_docker_socket", "write_home", "kernel_host_name", "kernel_end_process", "net_out_by_dns"]
LAYERS = {
    "own file system": "a",
    "own process namespace": "c",
    "read-only root": "d",
    "capabilities and seccomp": "f",
    "no network": "g",
}
RIGHT = dict(zip(FIVE, "adfcg", strict=True))


def lesson():
    """The names that the cells before an exercise have made."""
    return {
        "attempts": SimpleNamespace(short=attempts.short, said=lambda *_: "I am alone"),
        "errors": attempts.results(attempts.programs(FIVE), []),
        "LAYERS": LAYERS,
        "boxed": True,
        "model": SimpleNamespace(url="unix:///tmp/llama.sock"),
        "subprocess": subprocess,
        "sys": sys,
    }


HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def by_popping(options):
    rest = list(options)
    while rest:
        name, attached, _ = rest.pop(0).partition("=")
        if name not in HARMLESS:
            return True
        if not attached:
            rest.pop(0)
    return False


def by_index(options):
    at = 0
    while at < len(options):
        if options[at].split("=")[0] not in HARMLESS:
            return True
        at += 1 if "=" in options[at] else 2
    return False


def by_recursion(options):
    if not options:
        return "no"
    name = options[0].split("=")[0]
    return "yes" if name not in HARMLESS else by_recursion(options[1 if "=" in options[0] else 2 :])


def by_a_list_of_forbidden_ones(options):
    return any(option in ("--privileged", "-v", "--pid", "--user") for option in options)


def first_only(options):
    return bool(options) and options[0].split("=")[0] not in HARMLESS


def values_too(options):
    return any(option.split("=")[0] not in HARMLESS for option in options)


def by_beginning(options):
    return not all(option.startswith(tuple(HARMLESS)) for option in options[::2])


ANSWERS = {
    "09.1": Answers(
        right=[RIGHT, {slug: letter.upper() for slug, letter in RIGHT.items()}, list(RIGHT.items())],
        wrong=[
            RIGHT | {"write_home": "a"},
            RIGHT | {"net_out_by_dns": "z"},
            dict.fromkeys(FIVE, "a"),
            {"write_home": "d"},
            "adfcg",
        ],
        given=lesson,
    ),
    "09.2": Answers(
        right=[by_popping, by_index, by_recursion],
        wrong=[by_a_list_of_forbidden_ones, first_only, values_too, by_beginning, lambda options: True, True],
    ),
    "09.3": Answers(
        right=[
            "print('seven files')",
            "import os\nprint(len(os.listdir('.')))",
            "print('closed')\nprint('open')",
        ],
        wrong=["print('I am alone')", "pass", "import no_such_module", 7],
        given=lesson,
    ),
}
