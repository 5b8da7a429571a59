"""Run every hostile program three ways, and record which layer stopped it.

    PYTHONPATH=docker python -m hostile.run --image agent.tar     # Linux, root, a Docker engine; see `make hostile`

Makes a network namespace with a Docker engine in it and stand-ins for what the programs aim at, and picks a user id that
nobody has. Runs each program in LocalPythonExecutor as that user in a temporary folder, in a container on the host's
network (which is that namespace), and in a container on the socket, several at a time. Writes outcomes.json and the threat
model in docker/README.md, and removes everything else. No program aims at anything real. Exits with status 1 if an outcome
is not what the program's header predicts.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib import metadata
from pathlib import Path
from typing import Any

from hostile import engine, netns, report, suite, ways
from hostile.standins import StandIns
from hostile.suite import Attempt, Seen
from hostile.users import processes, throw_away_user

README = Path(__file__).parents[1] / "README.md"
AT_A_TIME = 4  # containers; they wait more than they compute


def host_is_well(stand: StandIns) -> list[str]:
    """What the programs have damaged or left behind: a dead canary process, a process, a changed file. Empty if nothing."""
    wrong = [] if stand.victim.poll() is None else ["the canary process was ended"]
    own = [pid for pid, uid in processes() if uid == stand.uid and pid != stand.victim.pid]
    wrong += [f"process {pid} is left" for pid in own]
    if stand.canaries["shared"] not in stand.shared.read_text(encoding="utf-8"):
        wrong.append("a file of another user was changed")
    return wrong


def run(
    attempts: list[Attempt],
    chosen: list[str],
    image: Path | None,
    images: Path | None = None,
    say: Callable[[str], object] = print,
) -> dict[str, Any]:
    """The outcomes, and the versions that they were seen on.

    The image comes from a file (`image`) or from the folder of a paused engine (`images`).
    """
    netns.enter()
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    folder.chmod(0o711)
    stand = StandIns(folder, throw_away_user())
    outcomes: dict[str, dict[str, Any]] = {attempt.slug: {} for attempt in attempts}
    on = {"smolagents": metadata.version("smolagents"), "python": platform.python_version()}

    def note(attempt: Attempt, way: str, seen: Seen) -> None:
        outcome = outcomes[attempt.slug][way] = suite.judge(attempt, way, seen)
        say(f"{way:9}{attempt.slug:34}{report.cell(outcome)}")
        if not outcome["predicted"]:
            say(f"          {seen}")

    try:
        with ThreadPoolExecutor(AT_A_TIME + 1) as pool:
            executor = pool.submit(ways.in_executor, attempts if "executor" in chosen else [], stand)
            if {"host", "socket"} & set(chosen):
                with engine.Engine(images or folder / "engine", keep=images is not None) as own:
                    on |= boxed(own, image)
                    for attempt, way, seen in in_containers(attempts, chosen, stand, pool, executor):
                        note(attempt, way, seen)
            for slug, seen in executor.result().items():
                note(next(a for a in attempts if a.slug == slug), "executor", seen)
        if wrong := host_is_well(stand):
            raise RuntimeError("the host was damaged: " + "; ".join(wrong))
    finally:
        stand.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ordered = {slug: {way: of[way] for way in suite.WAYS if way in of} for slug, of in outcomes.items()}
    return {"seen on": on, "outcomes": ordered}


def boxed(own: engine.Engine, image: Path | None) -> dict[str, str]:
    """Load the image into the engine; returns the versions of the engine and the kernel."""
    os.environ["DOCKER_HOST"] = own.environment["DOCKER_HOST"]
    if image:
        own.docker("load", "--input", str(image))
    ways.check_network(own)
    return {"docker": own.version, "kernel": platform.release()}


def in_containers(
    attempts: list[Attempt],
    chosen: list[str],
    stand: StandIns,
    pool: ThreadPoolExecutor,
    before: "Future[Any]",
) -> Iterator[tuple[Attempt, str, Seen]]:
    """Each program in its own container with its own token, several at a time.

    Those that must be alone run one by one after all others and `before` have ended.
    """
    jobs = [(attempt, way) for way in chosen if way != "executor" for attempt in attempts]
    started = [
        (attempt, way, pool.submit(ways.in_container, attempt, way, stand))
        for attempt, way in jobs
        if not attempt.alone
    ]
    try:
        for attempt, way, seen in started:
            yield attempt, way, seen.result()
    finally:  # after an error or an interrupt, nothing more is started
        for _, _, seen in started:
            seen.cancel()
    wait([before])
    for attempt, way in jobs:
        if attempt.alone:
            yield attempt, way, ways.in_container(attempt, way, stand)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the hostile programs.")
    parser.add_argument("--image", type=Path, help="the agent's image, as docker save writes it")
    parser.add_argument("--engine", type=Path, help="or the folder of a paused engine that has the image")
    parser.add_argument("--ways", nargs="+", choices=suite.WAYS, default=list(suite.WAYS))
    parser.add_argument("--only", nargs="+", default=[], help="only programs whose names begin like this")
    parser.add_argument(
        "--output", type=Path, help="write the outcomes to this file, and leave docker/README.md as it is"
    )
    given = parser.parse_args()
    containers = {"host", "socket"} & set(given.ways)
    if os.geteuid() != 0:
        sys.exit(
            "hostile: only root can make a network namespace and run as another user. Run:  sudo make hostile"
        )
    if containers and (why := engine.missing()):
        sys.exit(f"hostile: {why}")
    if containers and not given.engine and not (given.image and given.image.is_file()):
        sys.exit(
            "hostile: the image is missing. Run:  docker save -o agent.tar agents-on-the-wire/agent\n"
            "then add:  --image agent.tar"
        )
    attempts = [a for a in suite.load() if not given.only or a.slug.startswith(tuple(given.only))]
    made = run(attempts, given.ways, given.image, given.engine)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    (given.output or suite.OUTCOMES).write_text(text, encoding="utf-8")
    if not given.output and not given.only:
        README.write_text(
            report.put(README.read_text(encoding="utf-8"), report.section(attempts, made["outcomes"])),
            encoding="utf-8",
        )
    wrong = suite.unexpected(made["outcomes"])
    print(
        "\n".join([f"not as predicted: {line}" for line in wrong])
        or "every outcome is as its header predicts"
    )
    print(
        "got through: "
        + ", ".join(f"{suite.NAMES[w]} {n}" for w, n in report.counts(made["outcomes"]).items())
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
