"""A learner's server, from the learner's side: prepare the home, then become `jupyterhub-singleuser`.

Runs as the learner, within the learner's limits: makes folders, links the shared model file, clones or updates the lessons
and trusts their stored outputs. Whatever of that fails (a full disk, a folder that was deleted) is said in the log, and the
server starts nevertheless, so that the learner can put it right.

    python -P single.py --port=50001           # with HOME and COURSE_HUB_… set by the spawner
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from course.model import embedded

PULL_SECONDS = 60


def folders(home: Path) -> None:
    """Where programs keep temporary files, so that they count for the learner."""
    (home / ".tmp").mkdir(mode=0o700, exist_ok=True)


def link_model(shared: Path) -> None:
    """Use the model file of the hub: it is built once, and lies in memory once."""
    target = embedded.merged_path(embedded.adapter_path())
    for path in (target, target.with_suffix(".json")):
        if not path.exists() and (shared / path.name).is_file():
            path.unlink(missing_ok=True)  # a link that leads nowhere
            path.symlink_to(shared / path.name)


def pull(repository: str, branch: str, copy: Path) -> None:
    """The lessons' newest state, as nbgitpuller merges it with the learner's."""
    gitpuller = Path(sys.executable).with_name("gitpuller")
    command = [str(gitpuller), repository, branch, str(copy)]
    subprocess.run(command, check=True, timeout=PULL_SECONDS, stdin=subprocess.DEVNULL)


def trust_later(copy: Path) -> None:
    """Sign the lessons while the server starts, so that Jupyter shows their stored outputs. The first time takes seconds.

    The shell in between ends at once, so that the process is not a child of the server, which would not collect it.
    """
    code = "import pathlib, sys; from course.server import lab; lab.trust(pathlib.Path(sys.argv[1]))"
    signing = [sys.executable, "-P", "-c", code, str(copy / "notebooks")]
    subprocess.run(["/bin/sh", "-c", 'nice "$@" &', "sh", *signing], check=True, stdin=subprocess.DEVNULL)


def tried(what: str, step: Callable[[], object]) -> None:
    """Run one step; if it fails, say so and go on."""
    try:
        step()
    except Exception as error:  # the learner needs the server to repair it
        print(f"hub: {what} failed, and the server starts without: {error}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    home, given = Path(os.environ["HOME"]), os.environ
    copy = home / given["COURSE_HUB_COPY"]
    tried("making folders", lambda: folders(home))
    tried("linking the model", lambda: link_model(Path(given["COURSE_HUB_MODEL"])))
    tried("getting the lessons", lambda: pull(given["COURSE_HUB_LESSONS"], given["COURSE_HUB_BRANCH"], copy))
    tried("trusting the lessons", lambda: trust_later(copy))
    with suppress(OSError):
        os.chdir(home)
    # -P: a learner's ~/random.py must not take the place of Python's own
    # Not a login shell: Debian's /etc/profile would take `course` off the PATH again.
    shell = "--ServerApp.terminado_settings={'shell_command': ['bash']}"
    os.execv(sys.executable, [sys.executable, "-P", "-m", "jupyterhub.singleuser", shell, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
