"""What runs beside the hub as a JupyterHub service, what it may do, and what every learner's programs are told.

The one place to add a service: another dictionary in `services` (with `own` in its environment), its role in `roles`, and,
if notebooks should know its address, a variable in `environment`. Pure: builds dictionaries for JupyterHub's configuration.

    c.JupyterHub.services = services(launch, state)
"""

import sys
from typing import Any

from course.model import profiles
from workshop import board
from workshop.hub.launch import VARIABLE, Launch
from workshop.hub.state import State

DESK = "desk"
"""The service that acts for the instructor's programs: load tests, the board, `workshop.hub.running`."""
CULLER = "culler"


def services(launch: Launch, state: State) -> list[dict[str, Any]]:
    """JupyterHub's `services`: its documentation has the keys."""
    idle = launch.settings.idle
    shown = the_board(launch, state).definition
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={idle}"]
    return [
        {
            "name": CULLER,
            "command": [*command, f"--cull-every={max(10, min(300, idle // 2))}"],
            "environment": own(state),
        },
        {"name": DESK, "api_token": state.secret("service_token")},
        {**shown, "environment": {**shown["environment"], **own(state)}},
    ]


def the_board(launch: Launch, state: State) -> board.Service:
    """The instructor's board. Learners' programs reach it on loopback: no certificate has to be trusted for that."""
    return board.service(state.home / "board", f"http://127.0.0.1:{launch.board_port}", launch.board_port)


def own(state: State) -> dict[str, str]:
    """The environment that every service with a command needs: by it, one that was left behind is found and ended."""
    return {VARIABLE: str(state.home)}


def roles() -> list[dict[str, Any]]:
    """JupyterHub's `load_roles`: the least that each service needs."""
    culling = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    desk = ["admin:users", "admin:servers", "access:servers", "tokens", "list:users", "read:metrics"]
    return [
        {"name": "culling", "scopes": culling, "services": [CULLER]},
        {"name": "desk", "scopes": desk, "services": [DESK]},
    ]


def environment(launch: Launch, state: State, key: str | None) -> dict[str, str]:
    """Variables of a learner's server and kernels: where the model and the board are, and the learner's key.

    Servers that lessons start share the cores. More threads than cores would spin, and slow everybody down.
    """
    threads = max(1, profiles.cores() // launch.settings.learners)
    made = {"SERVER": launch.model, "COURSE_THREADS": str(threads), **the_board(launch, state).environment}
    if launch.profile:
        made["PROFILE"] = launch.profile
    if key:
        made["KEY"] = key
    return made
