"""The options of `docker run` that would weaken the agent's container.

Refuses every option that is not known to be harmless, and says what it would give away. Pure. Stops at the first refused
option, so it does not need to know docker's whole command line.

    refuse(["--privileged"])        # CourseError: … control of the host's kernel
"""

from collections.abc import Sequence

from course.errors import CourseError

AGAIN = 'Leave it out:  course sandbox run "…"'

FINE = {
    "--label": 1,
    "-l": 1,
    "--platform": 1,
    "--stop-timeout": 1,
    "--cpuset-cpus": 1,
    "--quiet": 0,
    "-q": 0,
}
"""The docker options that are known to be harmless, and how many values they take. Any other is refused."""

OURS = "the course sets it, and a weaker value would weaken the sandbox"
HOST = "the agent's code could read a folder or file of the host, and often write to it"
SPACE = "it puts the agent's code into one of the host's namespaces"
SPACES = ("--pid", "--ipc", "--uts", "--userns", "--cgroupns")
REASONS = {
    "--privileged": "it gives the agent's code every device and every capability, and so control of the host's kernel",
    "--volume": HOST,
    "--mount": HOST,
    "--volumes-from": HOST,
    "--user": "the agent's code runs as user 1000; as root it would be one kernel bug away from the host's root",
    "--cap-add": "the agent's code needs no capabilities, and each one makes it easier to break out",
    "--security-opt": "no-new-privileges and Docker's seccomp filter stay on",
    "--device": "a device of the host gives access to the host itself",
    "--gpus": "the model's server needs the GPU, the agent does not",
    "--pid": f"{SPACE}: it could see every process of the host, and end those of user 1000",
    "--ipc": SPACE,
    "--uts": SPACE,
    "--userns": SPACE,
    "--cgroupns": SPACE,
    "--cgroup-parent": "the limits of another cgroup would apply instead",
    "--network": "the course chooses it: course sandbox run --network socket (or host, gateway)",
    "--publish": "an agent does not need a port that can be reached from outside",
    "--publish-all": "an agent does not need a port that can be reached from outside",
    "--env": "the agent's code can read and send away what is in its environment",
    "--env-file": "the agent's code can read and send away what is in its environment",
    "--entrypoint": "only the image's own program was tested",
    "--group-add": "a group such as docker or disk is as good as root on the host",
    "--sysctl": "it changes the kernel's settings",
    "--runtime": "another runtime was not tested here",
    "--detach": "the course must wait for the container, so that it can end it when its time is up",
    "--restart": "a container that has ended must not start again",
} | dict.fromkeys(
    (
        "--read-only", "--tmpfs", "--shm-size", "--pids-limit", "--memory", "--memory-swap", "--memory-reservation",
        "--memory-swappiness", "--kernel-memory", "--cpus", "--cpu-shares", "--cpu-quota", "--cpu-period", "--ulimit",
        "--oom-kill-disable", "--oom-score-adj", "--rm", "--log-driver", "--log-opt", "--name", "--hostname",
        "--add-host", "--dns", "--dns-option", "--dns-search", "--link", "--pull", "--init",
    ),
    OURS,
)  # fmt: skip
SHORT = {
    "-v": "--volume", "-u": "--user", "-p": "--publish", "-P": "--publish-all", "-e": "--env", "-d": "--detach",
    "-m": "--memory", "-c": "--cpu-shares", "-h": "--hostname", "--net": "--network", "--expose": "--publish",
}  # fmt: skip


def refuse(options: Sequence[str]) -> None:
    """CourseError for the first option that is not known to be harmless, with what it would give away."""
    rest = list(options)
    while rest:
        option = rest.pop(0)
        name, attached, value = option.partition("=")
        if not option.startswith("-") or option in ("-", "--"):
            raise CourseError(
                f"{option!r} is not an option: docker would take it for the name of the image.\n{AGAIN}"
            )
        if name in FINE:
            if FINE[name] and not attached:
                if not rest:
                    raise CourseError(f"{name} needs a value.\n{AGAIN}")
                rest.pop(0)
            continue
        if not name.startswith("--") and len(name) > 2:  # -v/:/host, -it, -u0
            name, value = name[:2], name[2:] + attached + value
        elif not attached and rest:
            value = rest[0]
        name = SHORT.get(name, name)
        raise CourseError(f"{option} is refused: {_reason(name, value)}.\n{AGAIN}")


def without_question(options: Sequence[str]) -> tuple[list[str], str]:
    """The options without their first word that is neither an option nor a value, and that word; "" if there is none.

    Typer takes the question for an option's value if an option for docker comes before it: `--platform linux/amd64 "…"`.
    """
    at = 0
    while at < len(options):
        name, attached, _ = options[at].partition("=")
        if not name.startswith("-"):
            return [*options[:at], *options[at + 1 :]], options[at]
        if name not in FINE:
            break
        at += 1 if attached else 1 + FINE[name]
    return list(options), ""


def _reason(name: str, value: str) -> str:
    if name in ("--volume", "--mount") and "docker.sock" in value:
        return "with Docker's socket the agent's code can start containers as root on the host, with all its files"
    if name == "--user" and value.partition(":")[0] in ("root", "0"):
        return "the agent's code would be root in its container, one kernel bug away from the host's root"
    if name in ("--network", *SPACES) and value.startswith("container:"):
        return "it opens the other container to the agent's code"
    if name in SPACES and value != "host":
        return "the container keeps the namespaces that Docker gives it by default"
    if name in FINE:  # -qv/:/x is -q and -v
        return (
            f"{name} must stand alone, with its value as the next word"
            if FINE[name]
            else f"{name} must stand alone"
        )
    return REASONS.get(name, "it is not on the list of harmless options")
