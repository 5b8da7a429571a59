"""What one start of the hub decided: ports, the model's address. The hub and its services read it from a file.

made = Launch(settings, hub_port=8081, proxy_port=8002, board_port=8003, model="http://127.0.0.1:8080", profile="embedded")
made.write(state)
Launch.read(state)
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from course import ROOT, files
from workshop import networks
from workshop.hub import settings
from workshop.hub.settings import Settings
from workshop.hub.state import State

EVERYWHERE = ("0.0.0.0", "::")
"""Hosts to listen at that are no address."""
VARIABLE = "COURSE_HUB_HOME"
"""Names the state's folder to the hub's own processes."""
PYTHON = ROOT / "build" / "hub" / "bin" / "python"
PROXY = (
    ROOT
    / "build"
    / "hub-node"
    / "node_modules"
    / "configurable-http-proxy"
    / "bin"
    / "configurable-http-proxy"
)


@dataclass(frozen=True)
class Launch:
    """`model` is the llama-server's address, `profile` the name of what it runs (None: unknown)."""

    settings: Settings
    hub_port: int
    proxy_port: int
    board_port: int
    model: str
    profile: str | None

    def write(self, state: State) -> None:
        fields = {**asdict(self), "settings": self.settings.json()}
        files.write_private(state.launch, json.dumps(fields))

    @classmethod
    def read(cls, state: State) -> "Launch":
        read = json.loads(state.launch.read_text(encoding="utf-8"))
        return cls(**{**read, "settings": settings.from_json(read["settings"])})


def address(chosen: Settings) -> str:
    """Where programs on this machine reach the hub."""
    return _url(chosen, "127.0.0.1" if chosen.host in EVERYWHERE else chosen.host)


def addresses(chosen: Settings) -> list[str]:
    """What learners type into a browser: one address for each network of this machine, the first for the whiteboard."""
    hosts = networks.hosts() if chosen.host in EVERYWHERE else []
    return [_url(chosen, host) for host in hosts] or [address(chosen)]


def _url(chosen: Settings, host: str) -> str:
    return f"{'https' if chosen.encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{chosen.port}"


def node(path: Path = PROXY) -> list[str]:
    """The proxy's command."""
    return ["node", str(path)]
