"""Set up the course on The Littlest JupyterHub: hooks that TLJH's installer and its hub call.

The installer's hook prepares the checkout in /srv/agents-on-the-wire (environment, model, lessons), makes a roster, and
starts a llama-server as a systemd service with a key for each learner. The hub's hook lets in who is on the roster and
starts each learner's server with their key, in the course's environment. Runs as root, in TLJH's environment, which does
not have the course.

    curl -L https://tljh.jupyter.org/bootstrap.py | \\
        sudo python3 - --version 2.0.0 --plugin /srv/agents-on-the-wire/workshop/tljh

Run so far: everything but TLJH's installer and systemd (README.md says how).
"""

import json
import os
import runpy
import subprocess
from pathlib import Path

from tljh.hooks import hookimpl

COURSE = Path("/srv/agents-on-the-wire")
"""The checkout. Learners read it, and only root writes to it."""
SETTINGS = Path("/etc/agents-on-the-wire")
"""roster.json and model.env, for root only. hub.json is optional: {"server": "http://gpu:8080", "profile": "…"}."""
USER_PYTHON = Path("/opt/tljh/user/bin/python")
"""TLJH's user environment has a Python that the course runs on; the system's may be older or newer."""
UNIT = Path("/etc/systemd/system/agents-on-the-wire-model.service")
SEATS = 30
PORT = 8080
SLOTS = 1
CONTEXT = 8192
"""Tokens of each slot. The embedded model was trained for no more."""
LIMITS = {"memory": "2G", "cpu": 1.0}
CULLING = {"enabled": True, "timeout": 14400, "every": 300}
"""In seconds. With an hour, lunch would stop everybody's server, and all would start again in the same minute."""
TASKS = 400
"""Processes and threads of one learner."""


class PluginError(Exception):
    """What was seen, what was expected, and the next command."""


def roster_module() -> "dict[str, object]":
    """The names of workshop/roster.py, which needs nothing but Python."""
    path = COURSE / "workshop" / "roster.py"
    if not path.is_file():
        raise PluginError(
            f"{path} is missing; the course should be checked out in {COURSE}.\n"
            f"Clone it:  sudo git clone --depth 1 ADDRESS-OF-THE-REPOSITORY {COURSE}"
        )
    return runpy.run_path(str(path))


def chosen() -> "dict[str, str]":
    """Where the model is: hub.json, or else the service on this machine."""
    path = SETTINGS / "hub.json"
    default = {"server": f"http://127.0.0.1:{PORT}", "profile": "embedded"}
    try:
        return {**default, **json.loads(path.read_text(encoding="utf-8"))} if path.exists() else default
    except (OSError, ValueError) as error:
        raise PluginError(
            f'{path} cannot be read ({error}). It should be like {{"server": "http://gpu:8080"}}.\n'
            f"Use the model on this machine:  sudo rm {path}"
        ) from error


def unit() -> str:
    """The systemd unit of the model's server."""
    bin_ = COURSE / "build" / "hub" / "bin"
    serve = f"{bin_}/course serve --profile embedded --port {PORT} --parallel {SLOTS} --context {SLOTS * CONTEXT} --metrics"
    return f"""\
# Written by the plugin tljh-agents-on-the-wire.
[Unit]
Description=llama-server for the course Local agents, on the wire
After=network.target

[Service]
ExecStart={serve} -- --no-slots --no-ui
EnvironmentFile={SETTINGS}/model.env
Environment=COURSE_CACHE=/var/cache/agents-on-the-wire
CacheDirectory=agents-on-the-wire
DynamicUser=yes
Restart=always
RestartSec=2
KillSignal=SIGTERM
TimeoutStopSec=30
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
PrivateTmp=yes
CapabilityBoundingSet=
IPAddressDeny=any
IPAddressAllow=localhost
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
TasksMax=256

[Install]
WantedBy=multi-user.target
"""


def private(path: Path, text: str) -> None:
    """Write a file that only root can read."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    path.chmod(0o600)


def make_roster(path: Path) -> "dict[str, str]":
    """The roster; a new one with SEATS learners if there is none. Nobody's key ever changes."""
    module = roster_module()
    if not path.exists():
        private(path, json.dumps(module["filled"]({}, SEATS), indent=1))
    return module["read"](path)


@hookimpl
def tljh_extra_apt_packages():
    """git makes the learners' copies; gcc and the like are not needed."""
    return ["git"]


@hookimpl
def tljh_config_post_install(config):
    """Limits and culling, unless somebody chose them already (`sudo tljh-config set limits.memory 4G`)."""
    limits = config.setdefault("limits", {})
    for name, value in LIMITS.items():
        limits.setdefault(name, value)
    culling = config.setdefault("services", {}).setdefault("cull", {})
    for name, value in CULLING.items():
        culling.setdefault(name, value)


@hookimpl
def tljh_custom_jupyterhub_config(c):
    """Who may log in, and how a learner's server is started."""
    if not (SETTINGS / "roster.json").exists():
        return  # the hub starts once before the installer calls tljh_post_install, which restarts it
    roster_module()["apply"](c, SETTINGS / "roster.json")
    c.FirstUseAuthenticator.create_users = False
    c.FirstUseAuthenticator.allow_all = False  # TLJH sets it if `users.allowed` is empty
    c.FirstUseAuthenticator.min_password_length = 8

    learner = json.loads((COURSE / "build" / "shared" / "learner.json").read_text(encoding="utf-8"))
    where = chosen()
    c.Spawner.cmd = learner["command"]
    c.Spawner.default_url = learner["opens"]
    c.Spawner.environment = {
        **learner["environment"],
        "SERVER": where["server"],
        "PROFILE": where["profile"],
        "COURSE_THREADS": "1",  # servers that lessons start: each learner has one core
        "PATH": f"{Path(learner['command'][0]).parent}:/usr/local/bin:/usr/bin:/bin",
    }
    c.SystemdSpawner.extra_paths = [str(Path(learner["command"][0]).parent)]
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.isolate_devices = True
    c.SystemdSpawner.unit_extra_properties = {"TasksMax": str(TASKS), "MemorySwapMax": "0"}
    # 30 learners open it in the same minute, and each server fetches and checks the lessons before it answers.
    c.Spawner.start_timeout = c.Spawner.http_timeout = 180


@hookimpl
def tljh_post_install():
    """Prepare the checkout, the roster and the model's service, then restart the hub. The installer can be run again."""
    roster = make_roster(SETTINGS / "roster.json")
    run(str(USER_PYTHON), "bootstrap.py", "hub")
    run(str(COURSE / "build" / "hub" / "bin" / "python"), "-m", "workshop.prepare")
    if chosen()["server"] == f"http://127.0.0.1:{PORT}":
        keys = list(roster.values())
        # The course waits for the server with KEY; the server accepts every key in LLAMA_API_KEY.
        private(SETTINGS / "model.env", f"KEY={keys[0]}\nLLAMA_API_KEY={','.join(keys)}\n")
        UNIT.write_text(unit(), encoding="utf-8")
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", UNIT.name)
        run("systemctl", "restart", UNIT.name)
    run("systemctl", "restart", "jupyterhub")


def run(*command: str) -> None:
    """Run a command in the checkout. Its output goes to the installer's."""
    done = subprocess.run(command, cwd=COURSE, check=False)
    if done.returncode:
        raise PluginError(
            f"{' '.join(command)} ended with status {done.returncode} in {COURSE}.\n"
            "Run it by hand to see more, then run TLJH's installer again"
        )
