"""The docker command that puts an agent into its container.

Does: builds that command for one of three networks, hardened. Pure. Does not: run docker or build the image (see
container.py), judge further options (see refusals.py), or start a server.

    flat(command("How fast is a leopard?", "unix:///home/ada/llama.sock"))   # ["docker", "run", "--rm", …]

    socket    no network at all; the model's Unix socket is the only thing from outside. What we recommend.
    host      the host's own network, as in the article. Every service on its loopback is open to the agent's code.
    gateway   Docker's bridge, for Docker Desktop on macOS and Windows. Open to the internet and to the gateway's host.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from course.errors import CourseError
from course.sandbox.refusals import refuse
from course.server.connection import UNIX, socket_path

IMAGE = "agents-on-the-wire/agent"
USER = "1000:1000"
INSIDE = "/run/llama.sock"
TAPES = "/tape"
GATEWAY = "host.docker.internal"
NETWORKS = ("socket", "host", "gateway")
LOOPBACK = ("127.0.0.1", "localhost", "::1", "0.0.0.0")


@dataclass(frozen=True)
class Limits:
    """What the container may take. `memory`, `tmp` and `shm` as Docker writes sizes; `seconds` is for all of a run."""

    memory: str = "1g"
    cpus: float = 2
    pids: int = 128
    files: int = 1024
    tmp: str = "64m"
    shm: str = "16m"
    seconds: float = 900


def command(
    question: str,
    url: str,
    network: str = "socket",
    *,
    image: str = IMAGE,
    name: str = "",
    key: bool = False,
    search: str = "offline",
    tape: bool = False,
    volume: str = "",
    max_steps: int = 10,
    limits: Limits | None = None,
    options: Sequence[str] = (),
    instead: Sequence[str] = (),
) -> list[list[str]]:
    """`docker run` with all its options, a group to a line.

    `url`: where the server is, seen from the host. `key`: pass on the environment's KEY. `tape`: write the tape to
    stdout. `volume`: a named volume for the tape. `options`: further ones for docker; those that open the container
    are refused. `instead`: a program to run in place of the agent, with stdin (the hostile suite does that).
    """
    refuse(options)
    limits = limits or Limits()
    server, reach = _network(network, url, search)
    given = {"SERVER": server, "SEARCH": search}
    keep: list[str] = []
    if tape:
        given["TAPE"] = "-"
    elif volume:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]+", volume):
            raise CourseError(
                f"{volume!r} is no name of a volume: letters, digits, dots and dashes; a path would be a folder of "
                "the host, which the agent's code could read.\nMake one:  docker volume create tapes"
            )
        keep = ["--mount", f"type=volume,src={volume},dst={TAPES}"]
        given["TAPE"] = f"{TAPES}/{name or 'run'}.tape.jsonl"
    environment = [part for pair in given.items() for part in ("--env", "=".join(pair))]
    groups = [
        ["docker", "run", "--rm", "--pull", "never", *(["--name", name] if name else [])],
        reach,
        hardened(limits),
        keep,
        environment + (["--env", "KEY"] if key else []),
        list(options),
        ["--interactive", "--entrypoint", instead[0]] if instead else [],
        [image, *(instead[1:] if instead else ("--max-steps", str(max_steps), "--", question))],
    ]
    return [group for group in groups if group]


def hardened(limits: Limits) -> list[str]:
    """What no launch is without. Docker's default seccomp filter stays on, as no option here turns it off."""
    return [
        *("--user", USER, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--pids-limit", str(limits.pids), "--memory", limits.memory, "--memory-swap", limits.memory),
        *("--cpus", f"{limits.cpus:g}", "--ulimit", f"nofile={limits.files}", "--ulimit", "core=0"),
        *("--tmpfs", f"/tmp:rw,noexec,nosuid,nodev,size={limits.tmp}", "--shm-size", limits.shm),
        # Docker would keep what the agent prints on the host's disk, without a limit.
        *("--log-driver", "none", "--hostname", "agent"),
    ]


def flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [part for group in groups for part in group]


def shown(groups: Iterable[Iterable[str]]) -> str:
    """The command as it can be pasted into a shell."""
    return " \\\n    ".join(shlex.join(group) for group in groups)


def _network(network: str, url: str, search: str) -> tuple[str, list[str]]:
    """The server's address as the container sees it, and the options that make it reachable."""
    if network not in NETWORKS:
        raise CourseError(f"there is no network {network!r}. Networks are {', '.join(NETWORKS)}.\n{_ask()}")
    if search not in ("offline", "web"):
        raise CourseError(f"there is no search {search!r}. It is offline or web.\n{_ask()}")
    path, host = socket_path(url), urlsplit(url).hostname
    if network == "socket":
        if search == "web":
            raise CourseError(
                "a search of the web needs a network, and this container has none.\n"
                f"Search the course's own pages:  {_ask()}"
            )
        if not path:
            raise CourseError(
                f"the container has no network, so {url} cannot be reached from it. A Unix socket can.\n"
                f"Let the course start a server on one:  env -u SERVER {_ask()}"
            )
        mount = f"type=bind,src={path},dst={INSIDE},readonly"
        return UNIX + INSIDE, ["--network", "none", "--mount", mount]
    if path:
        raise CourseError(
            f"the server listens on the socket {path}, for which no network is needed.\n"
            f"Use it:  {_ask('--network socket')}"
        )
    if host not in LOOPBACK:
        if network == "host":
            raise CourseError(
                f"{url} is another computer: the host's own network is not needed for it, and gives much away.\n"
                f"Use Docker's bridge:  {_ask('--network gateway')}"
            )
        return url, ["--network", "bridge"]
    if network == "host":
        return url, ["--network", "host"]
    inside = urlsplit(url)._replace(netloc=GATEWAY + (f":{urlsplit(url).port}" if urlsplit(url).port else ""))
    return inside.geturl(), ["--network", "bridge", "--add-host", f"{GATEWAY}:host-gateway"]


def _ask(options: str = "") -> str:
    return f'course sandbox run {options + " " if options else ""}"…"'
