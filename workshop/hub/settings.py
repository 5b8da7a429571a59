"""What an instructor can choose for a hub, and the limits of each learner.

Reads environment variables into one frozen value. Starts and writes nothing.

    from_environment({"HUB_HOST": "0.0.0.0", "HUB_DISK": "500"}).disk        # 500_000_000
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from course import ROOT
from course.addresses import split, with_scheme
from course.errors import CourseError

MOST = 100
"""Learners that a hub can have: as many user ids as it sets aside."""
INSTRUCTOR = "instructor"
"""The name of the only account that may manage the others."""
MB = 1_000_000


@dataclass(frozen=True)
class Settings:
    """One hub. Sizes are bytes, `idle` is seconds; `processes` counts threads, too, as the kernel does.

    `server` is the address of a running llama-server, None if the hub starts one. `keys` names a file with the API keys
    that this server accepts, one on each line; without it, everybody gets `key`.
    `groups`: each learner's server is in a control group of its own, where systemd runs the machine.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    private_key: Path | None = None
    learners: int = 40
    memory: int = 2000 * MB
    disk: int = 1000 * MB
    processes: int = 400
    files: int = 50_000
    idle: int = 3600
    server: str | None = None
    key: str | None = None
    keys: Path | None = None
    profile: str | None = None
    groups: bool = True

    @property
    def encrypted(self) -> bool:
        return self.certificate is not None

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "localhost", "::1")

    def json(self) -> str:
        return json.dumps({k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()})


PATHS = ("home", "certificate", "private_key", "keys")


def from_json(text: str) -> Settings:
    """The value that `Settings.json` wrote."""
    read: dict[str, Any] = json.loads(text)
    typed: dict[str, Any] = {k: Path(v) if k in PATHS and v is not None else v for k, v in read.items()}
    return Settings(**typed)


def from_environment(given: Mapping[str, str] = os.environ) -> Settings:
    """The settings that README.md lists; CourseError names a wrong one. make passes its HOST as HUB_HOST."""
    default: dict[str, Any] = {field.name: field.default for field in fields(Settings)}

    def number(name: str, otherwise: int, least: int, most: int = 10**9, because: str = "") -> int:
        text = given.get(name) or str(otherwise)
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            upper = "more" if most == 10**9 else str(most)
            raise CourseError(
                f"{name} is {text!r}. It should be a whole number from {least} to {upper}{because}.\n"
                f"Use the default:  make hub {name}={otherwise}"
            )
        return int(text)

    def file(name: str) -> Path | None:
        if not given.get(name):
            return None
        path = Path(given[name]).expanduser().absolute()
        if not path.is_file() or not os.access(path, os.R_OK):
            raise CourseError(
                f"{name} is {path}, which is not a file that can be read.\nLook for it:  ls -l {path.parent}"
            )
        return path

    def switch(name: str) -> bool:
        text = given.get(name) or "on"
        if text not in ("on", "off"):
            raise CourseError(
                f"{name} is {text!r}. It should be on or off.\nUse the default:  make hub {name}=on"
            )
        return text == "on"

    certificate, private_key = file("CERT"), file("CERT_KEY")
    if (certificate is None) != (private_key is None):
        raise CourseError(
            "TLS needs a certificate and its private key, but only one of them was given.\n"
            "Give both:  make hub CERT=room.crt CERT_KEY=room.key"
        )
    server = given.get("SERVER") or None
    if server:
        try:
            split(server, "make hub SERVER=http://gpu:8080")
        except CourseError as error:
            raise CourseError(f"SERVER: {error}") from None
        server = with_scheme(server)
    keys = file("KEYS")
    most = min(MOST, len(file_keys(keys))) if server and keys else MOST
    few = f", as {keys} has {most} keys, and each account gets one" if most < MOST else ""
    return Settings(
        home=Path(given.get("HUB_HOME") or ROOT / "build" / "hub-state").expanduser().absolute(),
        host=given.get("HUB_HOST") or "127.0.0.1",
        port=number("PORT", default["port"], 1, 65535),
        certificate=certificate,
        private_key=private_key,
        learners=number("HUB_LEARNERS", min(default["learners"], most), 1, most, few),
        memory=number("HUB_MEMORY", 2000, 500) * MB,
        disk=number("HUB_DISK", 1000, 50) * MB,
        processes=number("HUB_PROCESSES", default_processes(), 150),
        idle=number("HUB_IDLE", 60, 1) * 60,
        server=server,
        key=given.get("KEY") or None,
        keys=keys,
        profile=given.get("PROFILE") or None,
        groups=switch("HUB_GROUPS"),
    )


def file_keys(path: Path) -> list[str]:
    """The keys in a file as llama-server's --api-key-file takes it: one on each line."""
    keys = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not keys:
        raise CourseError(
            f"{path} holds no API key. It should have one on each line.\nLook at it:  wc -l {path}"
        )
    return keys


def default_processes(cores: int | None = None) -> int:
    """Processes and threads of one learner. Numerical libraries start a thread for each core in every kernel."""
    cores = cores or os.cpu_count() or 1
    return 300 + 8 * math.ceil(cores)
