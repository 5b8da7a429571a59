"""Two workers share the tests (pytest-xdist), each on its own half of the processors.

A llama-server's threads wait by spinning: two servers that both use every processor slow each other down by a factor of
ten. So each worker, and with it every process that it starts, keeps to its own processors, where the system can do that.

Tests of one file stay together, and those that share something expensive (`GROUPS`) do too. The longest groups begin first.
On one processor, or with `-n0`, everything runs in one process as usual.
"""

import os
from pathlib import Path

import pytest

WORKERS = 2
GROUPS = ("tests/container", "tests/browser", "tests/harness")
"""Folders whose tests share a fixture: an engine with its image, a recorded run, a set of executed notebooks."""
FIRST = ("06_", "tests/container", "tests/hub", "notebooks/", "tests/live", "tests/browser", "tests/harness")
"""What takes longest, longest first; by the beginning of a group's name or of its file's."""


def pytest_configure(config):
    """A worker keeps to its share of the processors."""
    worker = getattr(config, "workerinput", None)
    if worker and hasattr(os, "sched_setaffinity"):
        number = int(worker["workerid"].removeprefix("gw"))
        own = share(sorted(os.sched_getaffinity(0)), number, worker["workercount"])
        os.sched_setaffinity(0, own)


def share(processors: list[int], worker: int, workers: int) -> list[int]:
    """The processors of one worker; all of them where there are too few to share."""
    each = len(processors) // workers
    return processors[worker * each : (worker + 1) * each] if each else processors


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config) -> int:
    """What `-n auto` means here."""
    return WORKERS if (os.cpu_count() or 1) >= WORKERS else 0


def group(path: str) -> str:
    """The name of what stays together: a folder of GROUPS, or the file."""
    return next((folder for folder in GROUPS if path.startswith(f"{folder}/")), path)


def rank(name: str) -> int:
    """Where in FIRST a group stands."""
    file = Path(name).name
    return next(
        (n for n, first in enumerate(FIRST) if name.startswith(first) or file.startswith(first)), len(FIRST)
    )


def pytest_collection_modifyitems(config, items):
    """In a worker: the longest groups first. Groups are handed out in this order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(group(item.nodeid.partition("::")[0])))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out whole groups."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid.partition("::")[0])

    config.option.loadscopereorder = False
    return Groups(config, log)
