"""The docker command that puts an agent into a hardened container, for one of three networks.

Pure. container.py runs docker and builds the image, refusals.py checks additional options, engines.py sockets and engines.

    flat(command("How fast is a leopard?", "unix:///home/ada/llama.sock"))   # ["docker", "run", "--rm", …]

    socket    no network; the model's Unix socket is the only way out. The default.
    host      the host's network, as in the blog post. The agent's code can reach every service on its loopback.
    gateway   Docker's bridge, for Docker Desktop on macOS and Windows. The agent's code can reach the internet and the
              host behind the gateway.
"""

import math
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from course.addresses import masked, split
from course.errors import CourseError
from course.model.profiles import cores
from course.sandbox.engines import LOOPBACK, mountable
from course.sandbox.refusals import refuse
from course.server.connection import UNIX, socket_path

IMAGE = "agents-on-the-wire/agent"
USER = "1000:1000"
INSIDE = "/run/llama.sock"
TAPES = "/tape"
GATEWAY = "host.docker.internal"
NETWORKS = ("socket", "host", "gateway")


@dataclass(frozen=True)
class Limits:
    """What the container may use. `memory`, `tmp` and `shm` are sizes in Docker's notation; `seconds` limits the run.

    Docker refuses to start a container that is allowed more processors than there are.
    """

    memory: str = "1g"
    cpus: float = field(default_factory=lambda: min(2, cores()))
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
    engine: str = "",
) -> list[list[str]]:
    """`docker run` with all its options, in groups to print one per line.

    `url`: the server's address as the host sees it. `key`: pass on $KEY. `tape`: write the tape to stdout. `volume`: a
    named volume for the tape. `options`: more options for docker; CourseError for one that is not known to be harmless.
    `instead`: a program to run with stdin in place of the agent, for the hostile suite. `engine`: the name of the computer
    that docker's engine is on, if it is another one.
    """
    refuse(options)
    check_image(image)
    limits = limits or Limits()
    server, reach = _network(network, url, search)
    if engine and (socket_path(url) or split(url).hostname in LOOPBACK):
        raise CourseError(
            f"{url} is on this computer, but the container would run on {engine}, which cannot reach it.\n"
            f"Use a server that {engine} can reach:  {_ask('--remote-engine --network gateway --server http://…')}"
        )
    given = {"SERVER": server, "SEARCH": search}
    keep: list[str] = []
    if tape:
        given["TAPE"] = "-"
    elif volume:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]+", volume):
            raise CourseError(
                f"{volume!r} is not the name of a volume (letters, digits, dots and dashes). A path would mount a folder "
                "of the host, which the agent's code could then read.\nCreate a volume:  docker volume create tapes"
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
    """The options that every launch has. Docker's default seccomp filter stays on: no option here turns it off."""
    if not re.fullmatch(r"[1-9][0-9]*[bkmg]?", limits.memory, re.IGNORECASE):
        raise CourseError(
            f"{limits.memory!r} is not a memory limit: it should be a number above 0 with a unit, such as 512m.\n"
            f"Use the default:  {_ask()}"
        )
    if not 0 < limits.seconds < math.inf:
        raise CourseError(f"{limits.seconds} is not a time limit in seconds.\nUse the default:  {_ask()}")
    return [
        *("--user", USER, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--pids-limit", str(limits.pids), "--memory", limits.memory, "--memory-swap", limits.memory),
        *("--cpus", f"{limits.cpus:g}", "--ulimit", f"nofile={limits.files}", "--ulimit", "core=0"),
        *("--tmpfs", f"/tmp:rw,noexec,nosuid,nodev,size={limits.tmp}", "--shm-size", limits.shm),
        # Docker would store what the agent prints on the host's disk, without a limit.
        *("--log-driver", "none", "--hostname", "agent"),
    ]


def check_image(image: str) -> None:
    """CourseError unless it has the form of an image's name, and so cannot be an option of docker's."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*", image):
        raise CourseError(f"{image!r} is not the name of an image.\nUse the default:  {_ask()}")


def flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [part for group in groups for part in group]


def shown(groups: Iterable[Iterable[str]]) -> str:
    """The command, ready to be pasted into a shell."""
    return " \\\n    ".join(shlex.join(group) for group in groups)


def _network(network: str, url: str, search: str) -> tuple[str, list[str]]:
    """The server's address as the container sees it, and the docker options that make it reachable."""
    if network not in NETWORKS:
        raise CourseError(
            f"there is no network {network!r}. The networks are {', '.join(NETWORKS)}.\nUse the default:  {_ask()}"
        )
    if search not in ("offline", "web"):
        raise CourseError(f"--search is {search!r}, but must be offline or web.\nUse the default:  {_ask()}")
    path = socket_path(url)
    host = None if path else split(url).hostname
    if masked(url) != url:
        raise CourseError(
            f"the address {masked(url)} has a password or a key in it, which everyone on this computer could read in the "
            "list of processes.\n"
            f"Give the address without it, and a key in KEY:  KEY=… {_ask('--server http://…')}"
        )
    if network == "socket":
        if search == "web":
            raise CourseError(
                "searching the web needs a network, and this container has none.\n"
                f"Search the course's own pages:  {_ask()}"
            )
        if not path:
            raise CourseError(
                f"the container has no network, so it cannot reach {url}. It can reach a Unix socket.\n"
                f"Let the course start a server on one:  env -u SERVER {_ask()}"
            )
        mountable(path)
        mount = f"type=bind,src={path},dst={INSIDE},readonly"
        return UNIX + INSIDE, ["--network", "none", "--mount", mount]
    if path:
        raise CourseError(
            f"the server listens on the socket {path}, which needs no network.\n"
            f"Use it:  {_ask('--network socket')}"
        )
    if host not in LOOPBACK:
        if network == "host":
            raise CourseError(
                f"{url} is on another computer. Reaching it does not take the host's network, which exposes a lot.\n"
                f"Use Docker's bridge:  {_ask('--network gateway')}"
            )
        return url, ["--network", "bridge"]
    if network == "host":
        return url, ["--network", "host"]
    at = split(url)
    inside = at._replace(netloc=f"{GATEWAY}:{at.port}" if at.port else GATEWAY)
    return inside.geturl(), ["--network", "bridge", "--add-host", f"{GATEWAY}:host-gateway"]


def _ask(options: str = "") -> str:
    return f'course sandbox run {options + " " if options else ""}"…"'
