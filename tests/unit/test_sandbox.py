"""The docker command of the sandbox: hardened on each network, and refused where an option would open it again."""

import io
import re
import shlex
import sys

import pytest
from typer.testing import CliRunner

from course import sandbox
from course.cli import app
from course.errors import CourseError
from course.sandbox import Limits, command, container, flat, refusals, shown

SOCKET = "unix:///home/ada/llama.sock"
PORT = "http://127.0.0.1:8080"
WAYS = {"socket": SOCKET, "host": PORT, "gateway": PORT}


def docker(network="socket", url=None, **options):
    return flat(command("How fast?", url or WAYS[network], network, **options))


def values(command, option):
    return [command[n + 1] for n, part in enumerate(command) if part == option]


# ---- hardened


@pytest.mark.parametrize("network", sandbox.NETWORKS)
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--user", "1000:1000"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pids-limit", "128"),
        ("--memory", "1g"),
        ("--memory-swap", "1g"),
        ("--cpus", f"{Limits().cpus:g}"),
        ("--log-driver", "none"),
        ("--pull", "never"),
        ("--read-only", None),
        ("--rm", None),
    ],
)
def test_every_network_is_hardened(network, option, value):
    made = docker(network)
    assert option in made
    assert value is None or values(made, option) == [value]


@pytest.mark.parametrize(("cores", "cpus"), [(1, 1), (2, 2), (64, 2)])
def test_it_never_asks_docker_for_more_processors_than_there_are(monkeypatch, cores, cpus):
    monkeypatch.setattr(sandbox, "cores", lambda: cores)
    assert Limits().cpus == cpus


@pytest.mark.parametrize("network", sandbox.NETWORKS)
def test_what_can_be_written_is_small_and_cannot_be_run(network):
    (tmp,) = values(docker(network), "--tmpfs")
    assert tmp == "/tmp:rw,noexec,nosuid,nodev,size=64m"


def test_limits_reach_docker():
    made = docker(limits=Limits(memory="256m", cpus=0.5, pids=32, files=64, tmp="8m", shm="4m"))
    for option, value in {
        "--memory": "256m",
        "--cpus": "0.5",
        "--pids-limit": "32",
        "--shm-size": "4m",
    }.items():
        assert values(made, option) == [value]
    assert "nofile=64" in values(made, "--ulimit")


def test_the_question_is_the_last_word_and_never_an_option():
    made = flat(command("--privileged", SOCKET))
    assert made[-2:] == ["--", "--privileged"]
    assert made.index(sandbox.IMAGE) < made.index("--")


def test_what_is_shown_is_what_runs():
    groups = command("it's a leopard's question", SOCKET)
    assert shlex.split(shown(groups).replace("\\\n", "")) == flat(groups)


# ---- three networks


def test_the_socket_is_all_that_a_container_without_a_network_gets():
    made = docker("socket")
    assert values(made, "--network") == ["none"]
    assert values(made, "--mount") == ["type=bind,src=/home/ada/llama.sock,dst=/run/llama.sock,readonly"]
    assert "SERVER=unix:///run/llama.sock" in values(made, "--env")


def test_the_host_network_keeps_the_address():
    made = docker("host")
    assert values(made, "--network") == ["host"]
    assert f"SERVER={PORT}" in values(made, "--env")
    assert "--mount" not in made


def test_the_gateway_has_a_name():
    made = docker("gateway")
    assert values(made, "--network") == ["bridge"]
    assert values(made, "--add-host") == ["host.docker.internal:host-gateway"]
    assert "SERVER=http://host.docker.internal:8080" in values(made, "--env")


def test_another_computer_is_reached_over_the_bridge():
    made = docker("gateway", "https://gpu.example:8443")
    assert "SERVER=https://gpu.example:8443" in values(made, "--env")
    assert "--add-host" not in made


@pytest.mark.parametrize(
    ("network", "url", "options", "seen"),
    [
        ("socket", PORT, {}, r"has no network, so it cannot reach http://127"),
        ("socket", SOCKET, {"search": "web"}, r"needs a network"),
        ("socket", "unix:///var/run/docker.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///run/containerd/containerd.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///x.sock,src=/etc", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///a,b.sock", {}, r"not the socket of a llama-server"),
        ("socket", SOCKET, {"limits": Limits(memory="0")}, r"'0' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(memory="-1")}, r"'-1' is not a memory limit"),
        ("host", SOCKET, {}, r"needs no network"),
        ("gateway", SOCKET, {}, r"needs no network"),
        ("host", "http://gpu.example:8080", {}, r"is on another computer"),
        ("bridge", PORT, {}, r"there is no network 'bridge'. The networks are socket, host, gateway"),
        ("host", PORT, {"search": "bing"}, r"'bing'"),
        ("socket", SOCKET, {"volume": "/home/ada"}, r"is not the name of a volume"),
        ("socket", SOCKET, {"volume": "../x"}, r"is not the name of a volume"),
    ],
)
def test_options_that_conflict_are_an_error_with_the_next_command(network, url, options, seen):
    with pytest.raises(CourseError, match=rf"(?s){seen}.*\n.*(course sandbox run|docker volume)"):
        command("x", url, network, **options)


def test_a_key_is_passed_on_by_name_only():
    assert values(docker(key=True), "--env")[-1] == "KEY"
    assert "KEY" not in docker()


def test_a_tape_goes_to_stdout_or_to_a_named_volume():
    assert "TAPE=-" in values(docker(tape=True), "--env")
    made = docker(volume="tapes", name="n")
    assert "type=volume,src=tapes,dst=/tape" in values(made, "--mount")
    assert "TAPE=/tape/n.tape.jsonl" in values(made, "--env")


# ---- refused


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--privileged", "every device and every capability"),
        ("--privileged=true", "every device and every capability"),
        ("-v /var/run/docker.sock:/var/run/docker.sock", "start containers as root on the host"),
        ("-v/var/run/docker.sock:/d", "start containers as root on the host"),
        ("--volume=/run/docker.sock:/x", "start containers as root on the host"),
        ("--mount type=bind,src=/var/run/docker.sock,dst=/d", "start containers as root on the host"),
        ("-v /home/ada:/home", "read a folder or file of the host"),
        ("--mount type=bind,src=/,dst=/host", "read a folder or file of the host"),
        ("--volumes-from other", "read a folder or file of the host"),
        ("--user root", "would be root"),
        ("--user=0:0", "would be root"),
        ("-u 0", "would be root"),
        ("-u0", "would be root"),
        ("--user 1001", "runs as user 1000"),
        ("--cap-add SYS_ADMIN", "needs no capabilit"),
        ("--security-opt seccomp=unconfined", "seccomp filter stay on"),
        ("--security-opt=apparmor=unconfined", "seccomp filter stay on"),
        ("--pid host", "host's namespaces"),
        ("--pid container:db", "opens the other container"),
        ("--network host", "the course chooses it"),
        ("--net=container:db", "opens the other container"),
        ("--device /dev/kvm", "a device of the host"),
        ("-p 8080:8080", "does not need a port"),
        ("-P", "does not need a port"),
        ("-e AWS_SECRET=x", "can read and send away"),
        ("--env-file .env", "can read and send away"),
        ("--memory 64g", "the course sets it"),
        ("-m64g", "the course sets it"),
        ("--read-only=false", "the course sets it"),
        ("--pids-limit=-1", "the course sets it"),
        ("--tmpfs /usr", "the course sets it"),
        ("--group-add docker", "as good as root"),
        ("--some-new-option", "harmless"),
        ("-it", "harmless"),
        ("--label a=b --privileged", "every device and every capability"),
        ("--label --privileged --cap-add ALL", "needs no capabilit"),
        ("alpine", "would take it for the name of the image"),
        ("--", "would take it for the name of the image"),
        ("--label", "needs a value"),
    ],
)
def test_a_launch_that_opens_the_container_is_refused_with_the_reason(options, reason):
    with pytest.raises(CourseError, match=rf"(?s){re.escape(reason)}.*\nLeave it out:  course sandbox run"):
        docker(options=options.split())


@pytest.mark.parametrize(
    "before", [["--quiet"], ["--label", "a=b"], ["--label=a=b", "--platform", "linux/amd64"]]
)
def test_a_question_may_follow_harmless_options(typed, before):
    status, said = typed("--dry-run", *before, "How fast?")
    assert status == 0, said
    assert said.rstrip().endswith("-- 'How fast?'")
    assert " ".join(before) in said.replace("\\\n   ", "")


def test_harmless_options_go_through():
    options = ["--label", "a=b", "--label=c=d", "--platform", "linux/amd64", "--quiet"]
    assert " ".join(options) in " ".join(docker(options=options))


def test_no_option_is_both_harmless_and_refused():
    assert not refusals.FINE.keys() & refusals.REASONS.keys()
    assert {*refusals.SHORT.values()} <= refusals.REASONS.keys()


# ---- what comes out


def test_what_the_agent_prints_cannot_control_the_terminal():
    assert container.plain("a\x1b]52;c;ZXZpbA==\x07b\x9b2J\r\n\tc") == "a]52;c;ZXZpbA==b2J\n\tc"


def process(program, seconds=5):
    """Run a program in place of docker; what came out, and the status."""
    out, err = io.StringIO(), io.StringIO()
    groups = [[sys.executable, "-c", program]]
    status = container.run(groups, "none-such", Limits(seconds=seconds), out=out, err=err)
    return status, out.getvalue(), err.getvalue()


def test_both_streams_and_the_status_are_passed_on():
    program = "import sys; print('answer'); print('step', file=sys.stderr); sys.exit(3)"
    assert process(program) == (3, "answer\n", "step\n")


def test_endless_output_is_cut(monkeypatch):
    monkeypatch.setattr(container, "MOST", 1000)
    _, out, _ = process("[print('x' * 99) for _ in range(1000)]")
    assert len(out) == 1000


def test_a_program_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(container.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(container.time, "monotonic", iter(range(0, 1000, 9)).__next__)
    assert process("import time; time.sleep(60)", seconds=0.2)[0] == 124


# ---- the command line


@pytest.fixture
def typed(monkeypatch):
    """`course sandbox run …` without docker; its status and all that it printed."""
    monkeypatch.delenv("SERVER", raising=False)
    monkeypatch.delenv("KEY", raising=False)

    def run(*arguments):
        done = CliRunner().invoke(app, ["sandbox", "run", *arguments])
        return done.exit_code, done.output

    return run


def test_the_docker_command_is_printed(typed):
    status, said = typed("How fast?", "--dry-run", "--network", "host", "--server", PORT)
    assert status == 0
    assert said.startswith("docker run --rm --pull never")
    assert "--network host" in said
    assert said.rstrip().endswith("-- 'How fast?'")


def test_the_socket_is_the_default(typed):
    assert "--network none" in typed("--dry-run")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("x", "--privileged"),
        ("--privileged", "x"),
        ("x", "--", "--privileged"),
        ("x", "-v", "/var/run/docker.sock:/var/run/docker.sock"),
        ("x", "--user=root"),
    ],
)
def test_the_blog_posts_mistakes_are_refused_before_anything_runs(typed, arguments):
    status, said = typed(*arguments, "--dry-run")
    assert status == 1
    assert said.startswith("course: ")
    assert "is refused" in said
    assert "docker run" not in said


def test_a_missing_docker_is_named(monkeypatch):
    monkeypatch.setattr(container.shutil, "which", lambda _: None)
    with pytest.raises(CourseError, match=r"docker is not installed.*\nInstall it:"):
        container.check()
