"""Prepare a checkout that many learners share: the model built once, and the lessons as a repository to copy from.

For hubs that are not started by `make hub`. Their learners' servers run `workshop/hub/single.py`, as in `make hub`, with
the variables that `learner.json` lists. Run it again after a `git pull`: it commits what changed, and touches no learner's
copy.

    python3 bootstrap.py hub
    build/hub/bin/python -m workshop.prepare          # writes build/shared/
"""

import json
import os
import sys
from pathlib import Path

from course import ROOT, files
from course.errors import CourseError
from course.model import embedded
from workshop.hub import lessons
from workshop.hub.state import State

SHARED = ROOT / "build" / "shared"
SINGLE = ROOT / "workshop" / "hub" / "single.py"
COMMAND = [str(ROOT / "build" / "hub" / "bin" / "python"), "-P", str(SINGLE)]
"""Starts a learner's server, in place of jupyterhub-singleuser."""


def variables(state: State) -> dict[str, str]:
    """What `single.py` and the learners' git read. The hub adds SERVER, PROFILE and KEY."""
    return {
        "COURSE_HUB_COPY": lessons.COPY,
        "COURSE_HUB_LESSONS": lessons.source(state),
        "COURSE_HUB_BRANCH": lessons.BRANCH,
        "COURSE_HUB_MODEL": str(state.model),
        "GIT_CONFIG_SYSTEM": str(state.home / "gitconfig"),
        "NBGITPULLER_DEPTH": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def prepare(state: State) -> Path:
    """Build the model and the lessons' repository, readable by everybody; returns the model's path."""
    for folder in (state.home, state.model):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    lessons.update(state)
    os.environ["COURSE_CACHE"] = str(state.model)
    model = embedded.gguf_path()
    for path in (model, model.with_suffix(".json")):
        path.chmod(0o644)
    told = {
        "command": COMMAND,
        "environment": variables(state),
        "opens": f"/lab/tree/{lessons.COPY}/{lessons.lab.FIRST}",
    }
    files.write(state.home / "learner.json", json.dumps(told, indent=1))
    (state.home / "learner.json").chmod(0o644)
    return model


def main() -> int:
    try:
        print(prepare(State(SHARED)))
    except CourseError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
