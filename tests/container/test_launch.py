"""`course sandbox run` on a real engine: the leopard's answer on two networks, refusals, an end in time."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from course.agent import LEOPARD
from course.tape import Tape
from course.turns import turns
from support.llama import PATIENCE, serving
from support.upstream import nobody

pytestmark = pytest.mark.timeout(7200)


@pytest.fixture
def course(engine, image):
    """The command line; afterwards no container may be left."""

    def run(*arguments, **environment):
        env = {k: v for k, v in os.environ.items() if k not in ("SERVER", "KEY")} | environment
        return subprocess.run(
            [sys.executable, "-m", "course.cli", "sandbox", "run", *arguments],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )

    yield run
    until = time.monotonic() + 60  # the engine may still be removing it
    while left := engine.docker("ps", "--all", "--quiet").stdout:
        assert time.monotonic() < until, f"a container is left: {left}"
        time.sleep(0.5)


def test_the_leopard_is_answered_over_a_socket_without_a_network(course, server, tmp_path):
    """From the command line alone: it starts a server on a socket, and stops it."""
    if not server.profile.deterministic:
        pytest.skip("not applicable: it starts a server with the embedded model")
    tape = tmp_path / "leopard.tape.jsonl"
    done = course(LEOPARD, "--tape", str(tape))
    assert done.returncode == 0, done.stderr
    assert "--network none" in done.stderr
    assert "9.62 seconds" in done.stderr, "with the tape on stdout, the answer goes to stderr"
    made = turns(Tape.read(tape).records())
    assert len(made) == 2
    assert all(turn.exchange for turn in made), "the tape came out of the container whole"


def test_the_leopard_is_answered_on_the_hosts_network_and_its_tape_stays_in_a_named_volume(
    course, engine, server
):
    done = course(LEOPARD, "--network", "host", "--server", server.url, "--volume", "tapes")
    try:
        assert done.returncode == 0, done.stderr
        assert "--network host" in done.stderr
        if server.profile.deterministic:
            assert "9.62 seconds" in done.stdout
        (folder,) = engine.docker("volume", "inspect", "tapes", "--format", "{{.Mountpoint}}").stdout.split()
        (name,) = os.listdir(folder)
        assert Tape.read(os.path.join(folder, name)).entries
    finally:
        engine.docker("volume", "rm", "tapes", check=False)


def test_nobody_answers(course):
    with nobody() as url:
        done = course("x", "--network", "host", "--server", url)
    assert done.returncode == 1
    assert "answers at http://127.0.0.1" in done.stderr


def test_a_container_is_ended_when_its_time_is_over(course, server):
    done = course(LEOPARD, "--network", "host", "--server", server.url, "--seconds", "1")
    assert done.returncode == 1
    assert "the container reached its time limit and was killed" in done.stderr


@pytest.mark.attack(
    "sandbox", "docker kill in the agent's second step, with --tape", "the tape has the first turn", fell=1
)
def test_a_container_that_is_killed_leaves_its_tape(course, engine, tmp_path):
    tape = tmp_path / "killed.tape.jsonl"
    with (
        serving("I wait.\n<code>\nprint(1)\n</code>", None, port=True) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(course, "x", "--network", "host", "--server", server.url, "--tape", str(tape))
        came = server.asked.wait(PATIENCE)
        for number in engine.docker("ps", "--quiet").stdout.split():
            engine.docker("kill", number)
        done = running.result()
    assert came, f"no second request within {PATIENCE} s: {done.stderr}"
    assert done.returncode == 1
    assert "the container was killed" in done.stderr
    assert f"course view {tape}" in done.stdout
    (turn,) = turns(Tape.read(tape).records())
    assert turn.exchange
    assert turn.observation


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-v", "/var/run/docker.sock:/var/run/docker.sock"], "start containers as root on the host"),
        (["--privileged"], "control of the host's kernel"),
        (["-v", "/:/host"], "a folder or file of the host"),
        (["--user", "root"], "root in its container"),
    ],
)
def test_a_launch_that_opens_the_container_starts_none(course, options, reason):
    done = course("x", *options)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "docker run" not in done.stdout + done.stderr.replace("docker run:", "")


def test_an_image_that_is_missing_is_named(course):
    done = course("x", "--image", "no-such-image-canary")
    assert done.returncode == 1
    assert "there is no image no-such-image-canary.\nBuild it:  course sandbox build" in done.stderr
