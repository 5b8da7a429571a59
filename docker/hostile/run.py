"""Run every hostile program three ways, and write down which layer stopped it.

    PYTHONPATH=docker python -m hostile.run --image agent.tar     # Linux, root, a Docker engine; see `make hostile`

Does: makes a network namespace and a Docker engine in it, stand-ins and a throw-away user; runs each program in
LocalPythonExecutor as that user in a throw-away folder, in a container on the host network (which is that namespace),
and in a container on the socket; writes outcomes.json and the README's threat model; ends and removes all of it.
Does not: aim at anything real. Status 1 when an outcome is not what the program's header predicts.
"""

import argparse
import io
import json
import os
import platform
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

from course import container, sandbox
from hostile import engine, netns, suite
from hostile.standins import StandIns
from hostile.suite import Attempt, Seen

INSIDE = Path(__file__).with_name("inside.py")
MARK = "@inside@ "
README = Path(__file__).parents[1] / "README.md"
LIMITS = sandbox.Limits(memory="384m", cpus=1, pids=64, files=256, tmp="16m", shm="8m", seconds=15)
"""Smaller than those of a launch, so that what tries to exceed them can be small too."""
BOUNDS = {
    "RLIMIT_NPROC": 64,
    "RLIMIT_FSIZE": 64 << 20,
    "RLIMIT_NOFILE": 256,
    "RLIMIT_CPU": 30,
    "RLIMIT_AS": 4 << 30,
}
IMAGE = sandbox.IMAGE


def throw_away_user() -> int:
    """A user id that nobody has: no name, no process, no file."""
    used = {entry.pw_uid for entry in pwd.getpwall()}
    running = {os.stat(path).st_uid for path in Path("/proc").glob("[0-9]*") if path.exists()}
    return next(uid for uid in range(61000, 64000) if uid not in used | running)


def in_executor(attempts: list[Attempt], stand: StandIns) -> dict[str, Seen]:
    """All of them in LocalPythonExecutor, as the throw-away user; one process each, after one import for all."""
    tokens = {attempt.slug: secrets.token_hex(8) for attempt in attempts}
    jobs = [
        {
            "slug": attempt.slug,
            "how": "executor",
            "code": attempt.code,
            "target": stand.target(tokens[attempt.slug], "host") | {"executor_seconds": 2, "seconds": 6},
            "bounds": BOUNDS,
            "seconds": 20,
        }
        for attempt in attempts
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", INSIDE.read_text(encoding="utf-8")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"HOME": str(stand.home), "CANARY_TOKEN": stand.canaries["environment"], "PATH": "/usr/bin:/bin"},
    )
    user = {"uid": stand.uid, "folder": str(stand.home)}
    out, err = process.communicate("\n".join(map(json.dumps, [user, *jobs])).encode(), timeout=600)
    text = out.decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"the programs could not be run in the executor:\n{err.decode()[-800:]}")
    parts = text.split(f'{MARK}{{"begins": ')[1:]
    seen = {}
    for part in parts:
        slug = json.loads(part.partition("}")[0])
        output, told = _told(part.partition("\n")[2])
        status = told.get("status")
        seen[slug] = Seen(
            output,
            told.get("error"),
            status,
            ended=told.get("ended", False),
            late=status == -14,  # SIGALRM
            heard=stand.heard(tokens[slug]),
            canaries=stand.found(output),
        )
    return seen


def in_container(attempt: Attempt, network: str, stand: StandIns) -> Seen:
    """One of them in a container of its own, started with the command of `course sandbox run`."""
    token, name = secrets.token_hex(8), container.fresh_name()
    target = stand.target(token, network) | {"seconds": 25}
    job = {"how": attempt.runs, "code": attempt.code, "target": target}
    url = (
        f"unix://{stand.folder}/llama.sock"
        if network == "socket"
        else f"http://127.0.0.1:{stand.ports['llama_port']}"
    )
    groups = sandbox.command(
        "",
        url,
        network,
        image=IMAGE,
        name=name,
        limits=LIMITS,
        instead=["python", "-u", "-c", INSIDE.read_text(encoding="utf-8")],
    )
    out, err = io.StringIO(), io.StringIO()
    status = container.run(groups, name, LIMITS, out=out, err=err, given=json.dumps(job).encode())
    if status == 125:
        raise RuntimeError(f"docker could not start the container:\n{err.getvalue()[-1000:]}")
    time.sleep(attempt.wait)
    output, told = _told(out.getvalue())
    return Seen(
        output,
        told.get("error"),
        status,
        ended=told.get("ended", False),
        late=status == 124,
        heard=stand.heard(token),
        canaries=stand.found(output),
    )


def _told(text: str) -> tuple[str, dict]:
    """What a program printed, and what inside.py says of its end."""
    lines, told = [], {}
    for line in text.splitlines():
        before, mark, said = line.partition(MARK)
        if mark:
            told |= json.loads(said)
        if before or not mark:
            lines.append(before)
    return "\n".join(lines), told


def check_network(own: engine.Engine) -> None:
    """A guard: the host network of the containers is the test's own namespace, and nothing can leave it."""
    ask = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
    plain = ["run", "--rm", "--network", "host", "--entrypoint", "python", IMAGE, "-c", ask]
    said, here = int(own.docker(*plain).stdout), os.stat("/proc/self/ns/net").st_ino
    if not netns.apart() or said != here:
        raise RuntimeError(
            f"a container on the host network is in network {said}, not in the test's own, {here}"
        )


def host_is_well(stand: StandIns) -> list[str]:
    """What is no longer as it was: the victim lives, no process of the throw-away user is left, no canary changed."""
    wrong = [] if stand.victim.poll() is None else ["the canary process was ended"]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.stat(path).st_uid == stand.uid and int(path.name) != stand.victim.pid:
                wrong.append(f"process {path.name} is left")
        except OSError:
            continue
    if stand.canaries["shared"] not in stand.shared.read_text(encoding="utf-8"):
        wrong.append("a file of another user was changed")
    return wrong


def run(attempts: list[Attempt], ways: list[str], image: Path | None, say=print) -> dict:
    """The outcomes, and on what they were seen."""
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    folder.chmod(0o711)
    netns.enter()
    stand = StandIns(folder, throw_away_user())
    outcomes: dict[str, dict] = {attempt.slug: {} for attempt in attempts}
    on = {"smolagents": metadata.version("smolagents"), "python": platform.python_version()}

    def note(attempt: Attempt, way: str, seen: Seen) -> None:
        outcome = outcomes[attempt.slug][way] = suite.judge(attempt, way, seen)
        say(f"{way:9}{attempt.slug:34}{suite.cell(outcome)}")
        if not outcome["predicted"]:
            say(f"          {seen}")

    try:
        if "executor" in ways:
            for slug, seen in in_executor(attempts, stand).items():
                note(next(a for a in attempts if a.slug == slug), "executor", seen)
        if {"host", "socket"} & set(ways):
            with engine.Engine(folder / "engine") as own:
                os.environ["DOCKER_HOST"] = own.environment["DOCKER_HOST"]
                on |= {"docker": own.version, "kernel": platform.release()}
                own.docker("load", "--input", str(image))
                check_network(own)
                for way in (way for way in ways if way != "executor"):
                    for attempt in attempts:
                        note(attempt, way, in_container(attempt, way, stand))
        if wrong := host_is_well(stand):
            raise RuntimeError("the host is not well: " + "; ".join(wrong))
    finally:
        stand.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return {"seen on": on, "outcomes": outcomes}


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the hostile programs.")
    parser.add_argument("--image", type=Path, help="the agent's image, as docker save writes it")
    parser.add_argument("--ways", nargs="+", choices=suite.WAYS, default=list(suite.WAYS))
    parser.add_argument("--only", nargs="+", default=[], help="programs whose name begins so")
    parser.add_argument(
        "--output", type=Path, help="where the outcomes go; the README is made anew only without it"
    )
    given = parser.parse_args()
    containers = {"host", "socket"} & set(given.ways)
    if os.geteuid() != 0:
        sys.exit(
            "hostile: root is needed for a network namespace and a throw-away user. Run:  sudo make hostile"
        )
    if containers and (why := engine.missing()):
        sys.exit(f"hostile: {why}")
    if containers and not (given.image and given.image.is_file()):
        sys.exit(
            "hostile: which image? docker save -o agent.tar agents-on-the-wire/agent, then --image agent.tar"
        )
    attempts = [a for a in suite.load() if not given.only or a.slug.startswith(tuple(given.only))]
    made = run(attempts, given.ways, given.image)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    (given.output or suite.OUTCOMES).write_text(text, encoding="utf-8")
    if not given.output and not given.only:
        README.write_text(
            suite.put(README.read_text(encoding="utf-8"), suite.section(attempts, made["outcomes"])),
            encoding="utf-8",
        )
    wrong = suite.unexpected(made["outcomes"])
    print(
        "\n".join([f"not as predicted: {line}" for line in wrong])
        or "every outcome is as its header predicts"
    )
    print(
        "got through: "
        + ", ".join(f"{suite.NAMES[w]} {n}" for w, n in suite.counts(made["outcomes"]).items())
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
