"""The instructor's board: where each learner of a workshop is, live, if they have joined.

A small web service on tornado, which JupyterLab brings, with its data in SQLite. Learners send what course/board/events.py
lists, and nothing before they have joined. Run it alone (`make board`), or as a service of a JupyterHub:

    made = service(Path("/srv/board"), "http://127.0.0.1:8000")
    c.JupyterHub.services.append(made.definition)
    c.Spawner.environment.update(made.environment)      # COURSE_BOARD: learners type  course board join --name …
    print(made.instructor)

README.md says what it stores and for how long.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course import ROOT

PORT = 8787
NAME = "board"


@dataclass(frozen=True)
class Service:
    """What a hub needs: `definition` is an entry of `c.JupyterHub.services`, `environment` is for learners' servers.

    `instructor` is the address that opens the page.
    """

    definition: dict[str, Any]
    environment: dict[str, str]
    instructor: str


def service(folder: Path, hub: str, port: int = 10787) -> Service:
    """The board as a service that the hub starts and restarts. `hub` is the hub's address as learners' servers see it.

    `port` is on loopback only; the hub's proxy forwards /services/board/ to it. Makes the codes in `folder` if there are
    none. CourseError if the folder cannot be used.
    """
    from workshop.board.codes import codes

    made = codes(folder)
    base = under(hub)
    return Service(
        {
            "name": NAME,
            "url": f"http://127.0.0.1:{port}",
            "command": [sys.executable, "-m", "workshop.board", "--data", str(folder)],
            "cwd": str(ROOT),
            "environment": {"PATH": os.environ.get("PATH", os.defpath)},
        },
        {"COURSE_BOARD": f"{base}room/{made.room}"},
        instructor(folder, hub),
    )


def under(hub: str) -> str:
    """Where the board of a hub at this address is."""
    return f"{hub.rstrip('/')}/services/{NAME}/"


def instructor(folder: Path, hub: str) -> str:
    """The address that opens the instructor's page of a hub's board. CourseError if the folder cannot be used."""
    from workshop.board.codes import codes
    from workshop.board.pages import instructor_url

    return instructor_url(under(hub), codes(folder).token)
