"""Three ways to run a hostile program, and what is observed each time.

In LocalPythonExecutor, as a temporary user in a temporary folder, or in a container that is started with the command of
`course sandbox run`, on either network. suite.py judges; run.py starts what the programs need.
"""

import io
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from course import sandbox
from course.sandbox import container
from hostile import engine, netns
from hostile.standins import StandIns
from hostile.suite import Attempt, Seen

INSIDE = Path(__file__).with_name("inside.py")
MARK = "@inside@ "
LIMITS = sandbox.Limits(memory="384m", cpus=1, pids=64, files=256, tmp="16m", shm="8m", seconds=60)
"""Smaller than those of a launch, so that the programs that try to exceed them can be small too. Not much less time: on a
busy computer, four containers at once need some of it to start."""
BOUNDS = {
    "RLIMIT_NPROC": 64,
    "RLIMIT_FSIZE": 64 << 20,
    "RLIMIT_NOFILE": 256,
    "RLIMIT_CPU": 30,
    "RLIMIT_AS": 4 << 30,
}
IMAGE = sandbox.IMAGE


def in_executor(attempts: list[Attempt], stand: StandIns) -> dict[str, Seen]:
    """Run all of them in LocalPythonExecutor as the temporary user, each in its own process after one import for all."""
    if not attempts:
        return {}
    # The limit counts all of the user's processes, and somebody who runs a desktop already has more than that.
    own = stand.uid == os.getuid()
    bounds = {name: bound for name, bound in BOUNDS.items() if not (own and name == "RLIMIT_NPROC")}
    tokens = {attempt.slug: secrets.token_hex(8) for attempt in attempts}
    jobs = [
        {
            "slug": attempt.slug,
            "how": "executor",
            "code": attempt.code,
            "target": stand.target(tokens[attempt.slug], "host") | {"executor_seconds": 2, "seconds": 6},
            "bounds": bounds,
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
    out, err = process.communicate("\n".join(map(json.dumps, [user, *jobs])).encode(), timeout=3000)
    text = out.decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"the programs did not run in the executor:\n{err.decode()[-800:]}")
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


def in_container(attempt: Attempt, network: str, stand: StandIns, limits: sandbox.Limits = LIMITS) -> Seen:
    """Run one of them in its own container, started with the command of `course sandbox run`."""
    token, name = secrets.token_hex(8), container.fresh_name()
    target = stand.target(token, network) | {"seconds": 90}
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
        limits=limits,
        instead=["python", "-u", "-c", INSIDE.read_text(encoding="utf-8")],
    )
    out, err = io.StringIO(), io.StringIO()
    try:
        status = container.run(groups, name, limits, out=out, err=err, given=json.dumps(job).encode())
    except container.CutShort as cut:  # what the program prints without limit
        status = cut.status
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


def _told(text: str) -> tuple[str, dict[str, Any]]:
    """What a program printed, and what inside.py says about its end."""
    lines: list[str] = []
    told: dict[str, Any] = {}
    for line in text.splitlines():
        before, mark, said = line.partition(MARK)
        if mark:
            told |= json.loads(said)
        if before or not mark:
            lines.append(before)
    return "\n".join(lines), told


def check_network(own: engine.Engine) -> None:
    """RuntimeError unless the containers' host network is the tests' own namespace, which nothing can leave."""
    ask = "import os; print(os.stat('/proc/self/ns/net').st_ino)"
    plain = ["run", "--rm", "--network", "host", "--entrypoint", "python", IMAGE, "-c", ask]
    said, here = int(own.docker(*plain).stdout), os.stat("/proc/self/ns/net").st_ino
    if not netns.apart() or said != here:
        raise RuntimeError(
            f"a container on the host network is in network {said}, not in the tests' own, {here}"
        )
