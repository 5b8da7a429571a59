"""The lessons as a git repository, from which each learner's copy is made and updated (by nbgitpuller).

Copies what a learner reads out of this checkout into a repository in the hub's state, so that no learner needs a network.
`update` commits what changed since; it never touches a learner's copy.

    update(state)                  # "3 files changed" or ""
    link("/user/ada/", state)      # …/git-pull?repo=file%3A%2F%2F…: updates a copy and opens the first lesson
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from course import ROOT, files
from course.errors import CourseError
from course.server import lab
from workshop.hub.state import State

COPY = "agents-on-the-wire"
"""The folder with the lessons in a learner's home."""
BRANCH = "main"
READ = (
    *("README.md", "notebooks/[0-9]*.ipynb", "notebooks/solutions/[0-9]*.ipynb", "docs/*.md", "docs/*.png"),
    *("docs/pictures/*", "docker/README.md", "course/data/MODEL_CARD.md"),
)
"""What a learner gets: the lessons, and what they link to."""
GITCONFIG = """# Read by the learners' git instead of /etc/gitconfig.
[safe]
	directory = *
[core]
	attributesFile = {attributes}
[merge "whole"]
	name = a notebook that a learner changed stays as it is
	driver = true
[advice]
	detachedHead = false
"""
ATTRIBUTES = "*.ipynb merge=whole\n"
"""Git merges line by line. Half of a learner's notebook and half of ours may be no notebook at all."""


def shipped(root: Path = ROOT) -> Iterator[Path]:
    """The files that learners get, relative to the checkout."""
    for pattern in READ:
        yield from (path.relative_to(root) for path in sorted(root.glob(pattern)) if path.is_file())


def update(state: State, root: Path = ROOT) -> str:
    """Make the repository, or commit to it what changed in the checkout. Returns git's summary; "" if nothing did."""
    if shutil.which("git") is None:
        raise CourseError(
            "git is missing; the learners' copies are made with it.\nInstall it:  sudo apt-get install git"
        )
    wanted = list(shipped(root))
    if Path(lab.FIRST) not in wanted:
        raise CourseError(f"{root / lab.FIRST} is missing.\nRestore the lessons:  git checkout -- notebooks")
    before = os.umask(0o022)  # learners read it
    try:
        attributes = state.home / "gitattributes"
        files.write(attributes, ATTRIBUTES)
        files.write(state.home / "gitconfig", GITCONFIG.format(attributes=attributes))
        if not (state.lessons / ".git").is_dir():
            shutil.rmtree(state.lessons, ignore_errors=True)
            _git(state, "init", "--quiet", f"--initial-branch={BRANCH}", str(state.lessons), inside=False)
        for old in set(_git(state, "ls-files", "-z").split("\0")) - {"", *map(str, wanted)}:
            (state.lessons / old).unlink(missing_ok=True)
        for path in wanted:
            (state.lessons / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, state.lessons / path)
        _git(state, "add", "--all")
        if not _git(state, "status", "--porcelain"):
            return ""
        _git(state, "commit", "--quiet", "--message", "Lessons")
        return _git(state, "show", "--shortstat", "--format=").strip()
    finally:
        os.umask(before)


def link(base: str, state: State, opens: str = lab.FIRST) -> str:
    """The address, below a learner's `base`, that updates the copy and then opens a lesson."""
    asked = {
        "repo": source(state),
        "branch": BRANCH,
        "targetPath": COPY,
        "urlpath": f"lab/tree/{COPY}/{opens}",
    }
    return f"{base.rstrip('/')}/git-pull?{urlencode(asked)}"


def source(state: State) -> str:
    """The repository's address for git. With file://, it reads it as it would read a remote one."""
    return f"file://{state.lessons}"


def _git(state: State, *words: str, inside: bool = True) -> str:
    where = ["-C", str(state.lessons)] if inside else []
    who = ["-c", "user.name=course", "-c", "user.email=course@localhost", "-c", "commit.gpgsign=false"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    alone = {**clean, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": str(state.home / "gitconfig")}
    done = subprocess.run(
        ["git", *who, *where, *words], env=alone, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CourseError(
            f"git {words[0]} failed in {state.lessons}: {done.stderr.strip()[-300:]}\n"
            f"Make the repository again:  rm -r {state.lessons}, then make hub"
        )
    return done.stdout
