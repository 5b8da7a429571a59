"""JupyterHub's configuration, out of what `workshop.hub` decided at this start.

jupyterhub --config workshop/hub/config.py        # with COURSE_HUB_HOME set; `make hub` does it
"""

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the environment has the course installed, but not the workshop

from workshop.hub import lessons, services  # noqa: E402
from workshop.hub.authenticator import NAME, RoomAuthenticator  # noqa: E402
from workshop.hub.launch import VARIABLE, Launch, node  # noqa: E402
from workshop.hub.settings import INSTRUCTOR  # noqa: E402
from workshop.hub.spawner import LearnerSpawner  # noqa: E402
from workshop.hub.state import State  # noqa: E402


def configure(c: Any, state: State, launch: Launch) -> None:
    """Set everything that differs from JupyterHub's defaults."""
    chosen, host = launch.settings, launch.settings.host
    scheme = "https" if chosen.encrypted else "http"
    hub, auth, spawner, proxy = c.JupyterHub, c.RoomAuthenticator, c.LearnerSpawner, c.ConfigurableHTTPProxy

    hub.bind_url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{chosen.port}"
    if chosen.encrypted:
        hub.ssl_cert, hub.ssl_key = str(chosen.certificate), str(chosen.private_key)
    hub.hub_ip, hub.hub_port = "127.0.0.1", launch.hub_port
    hub.db_url = f"sqlite:///{state.home / 'jupyterhub.sqlite'}"
    hub.cookie_secret = bytes.fromhex(state.secret("cookie_secret"))
    hub.cleanup_servers = hub.cleanup_proxy = True
    hub.active_server_limit = len(state.keys())
    hub.concurrent_spawn_limit = 0  # above it, a learner would have to try again by hand
    hub.services, hub.load_roles = services.services(launch, state), services.roles()
    hub.authenticator_class, hub.spawner_class = RoomAuthenticator, LearnerSpawner

    proxy.command = node()
    proxy.api_url = f"http://127.0.0.1:{launch.proxy_port}"
    proxy.auth_token = state.secret("proxy_token")
    proxy.pid_file = str(state.home / "proxy.pid")

    auth.home = str(state.home)
    auth.dbm_path = str(state.home / "passwords.dbm")
    auth.min_password_length = 8
    auth.username_pattern = NAME
    auth.admin_users = {INSTRUCTOR}
    auth.allow_all = True
    auth.request_otp, auth.otp_prompt = True, "Room code (only the first time):"

    spawner.default_url = lessons.link("/", state)
    spawner.mem_limit = (
        chosen.memory
    )  # only shown, by jupyter-resource-usage; limits.py and warden.py see to it
    spawner.start_timeout = spawner.http_timeout = 180  # 30 learners open it in the same minute
    spawner.args = [
        "--ServerApp.root_dir=~",
        "--ResourceUseDisplay.track_cpu_percent=True",
        "--LanguageServerManager.autodetect=False",  # there are none; looking takes time at each start
        "--LabApp.expose_app_in_browser=True",  # for those who drive it: tests
    ]


configure(get_config(), State(Path(os.environ[VARIABLE])), Launch.read(State(Path(os.environ[VARIABLE]))))  # type: ignore[name-defined]  # noqa: F821
