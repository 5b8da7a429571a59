"""The docker command of the sandbox: hardened on each network, and refused where an option would open it again."""

import _thread
import errno
import http.server
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from course import sandbox
from course.cli import app
from course.errors import CourseError
from course.sandbox import Limits, command, container, engines, flat, refusals, shown
from course.tape import Tape
from support import signals, skips

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


@pytest.mark.attack(
    "sandbox",
    "--server unix:///, unix:///var/run/docker.sock, unix:///x.sock,src=/etc, and 12 more spellings",
    "refused: only an absolute path that ends in .sock, without mount syntax, and no engine's",
    fell=2,
)
@pytest.mark.attack(
    "sandbox", "--memory 0, 0m, 1e3, -1, unlimited", "refused: at least 1, with a unit", fell=3
)
@pytest.mark.attack("sandbox", "--volume and --network with paths or options inside", "refused")
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
        ("socket", "unix:///var/run/", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///run/llama.sock/../docker.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:////var/run//DOCKER.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///home/ada/.docker/run/docker.raw.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///run/user/1000/podman/podman.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///run/docker.sock#.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix://llama.sock", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///etc\n.sock", {}, r"not the socket of a llama-server"),
        ("socket", 'unix:///x".sock', {}, r"not the socket of a llama-server"),
        ("socket", "unix:///etc/passwd", {}, r"not the socket of a llama-server"),
        ("socket", "unix:///.sock", {}, r"not the socket of a llama-server"),
        ("socket", SOCKET, {"limits": Limits(memory="0")}, r"'0' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(memory="-1")}, r"'-1' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(memory="0m")}, r"'0m' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(memory="1e3")}, r"'1e3' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(memory="unlimited")}, r"'unlimited' is not a memory limit"),
        ("socket", SOCKET, {"limits": Limits(seconds=float("nan"))}, r"nan is not a time limit"),
        ("socket", SOCKET, {"limits": Limits(seconds=float("inf"))}, r"inf is not a time limit"),
        ("host", SOCKET, {}, r"needs no network"),
        ("gateway", SOCKET, {}, r"needs no network"),
        ("host", "http://gpu.example:8080", {}, r"is on another computer"),
        ("bridge", PORT, {}, r"there is no network 'bridge'. The networks are socket, host, gateway"),
        ("host", PORT, {"search": "bing"}, r"'bing'"),
        ("socket", SOCKET, {"volume": "/home/ada"}, r"is not the name of a volume"),
        ("socket", SOCKET, {"volume": "../x"}, r"is not the name of a volume"),
        ("socket", SOCKET, {"volume": "tapes,src=/"}, r"is not the name of a volume"),
        ("socket", SOCKET, {"volume": "x:/host"}, r"is not the name of a volume"),
        ("socket", SOCKET, {"volume": "--privileged"}, r"is not the name of a volume"),
        ("host --privileged", PORT, {}, r"there is no network 'host --privileged'"),
        ("--privileged", PORT, {}, r"there is no network '--privileged'"),
    ],
)
def test_options_that_conflict_are_an_error_with_the_next_command(network, url, options, seen):
    with pytest.raises(CourseError, match=rf"(?s){seen}.*\n.*(course sandbox run|docker volume)"):
        command("x", url, network, **options)


@pytest.mark.attack("sandbox", "--image --privileged, --help, -v/:/x, -l, and a space inside", "refused")
@pytest.mark.parametrize("image", ["--privileged", "--help", "-v/:/x", "-l", "", "a b", "a\n--privileged"])
def test_an_image_is_never_an_option(image):
    with pytest.raises(CourseError, match=r"is not the name of an image\.\n.*course sandbox run"):
        docker(image=image)
    with pytest.raises(CourseError, match="is not the name of an image"):
        container.check(image)


@pytest.mark.parametrize(
    "image", ["registry.example:5000/team/agent:v1", f"agent@sha256:{'0' * 64}", "0123abcd"]
)
def test_the_image_of_another_registry_or_build_is_allowed(image):
    assert image in docker(image=image)


@pytest.mark.attack("sandbox", "the value of KEY in the docker command", "never: docker gets its name")
def test_a_key_is_passed_on_by_name_only():
    assert values(docker(key=True), "--env")[-1] == "KEY"
    assert "KEY" not in docker()


def test_a_tape_goes_to_stdout_or_to_a_named_volume():
    assert "TAPE=-" in values(docker(tape=True), "--env")
    made = docker(volume="tapes", name="n")
    assert "type=volume,src=tapes,dst=/tape" in values(made, "--mount")
    assert "TAPE=/tape/n.tape.jsonl" in values(made, "--env")


# ---- refused


@pytest.mark.attack(
    "sandbox",
    "54 options: -v/:/x, bundles, =, abbreviations, --, Unicode dashes, an option as another's value",
    "refused, with the reason",
)
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
        ("-qv /:/x", "must stand alone"),
        ("-lprivileged", "must stand alone"),
        ("--priv", "harmless"),
        ("--PRIVILEGED", "harmless"),
        ("---privileged", "harmless"),
        ("\N{EN DASH}privileged", "would take it for the name of the image"),
        ("\N{MINUS SIGN}\N{MINUS SIGN}privileged", "would take it for the name of the image"),
        ("--quiet --quiet -- alpine", "would take it for the name of the image"),
        ("--label a=b alpine --privileged", "would take it for the name of the image"),
        ("--pid=host", "every process of the host, and end those of user 1000"),
        ("--ipc=none", "the namespaces that Docker gives it"),
        ("--ipc container:db", "opens the other container"),
        ("--userns=host", "host's namespaces"),
        ("--cgroupns private", "the namespaces that Docker gives it"),
        ("--device-cgroup-rule a", "harmless"),
    ],
)
def test_a_launch_that_opens_the_container_is_refused_with_the_reason(options, reason):
    with pytest.raises(CourseError, match=rf"(?s){re.escape(reason)}.*\nLeave it out:  course sandbox run"):
        docker(options=options.split())


@pytest.mark.attack("sandbox", "an allowed option before the question", "accepted", fell=3)
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


def process(program, seconds=60):
    """Run a program in place of docker; what came out, and the status."""
    out, err = io.StringIO(), io.StringIO()
    groups = [[sys.executable, "-c", program]]
    status = container.run(groups, "none-such", Limits(seconds=seconds), out=out, err=err)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.attack("sandbox", "control characters in what the container prints", "no raw one comes out")
def test_what_the_agent_prints_cannot_control_the_terminal():
    _, out, err = process(
        r"import sys; [print('a\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e\r\tb', file=f) for f in (sys.stdout, sys.stderr)]"
    )
    assert out == err == r"a\u001b]52;c;ZXZpbA==\u0007\u009b2J\u202e\u000d" + "\tb\n"


def test_a_line_of_a_tape_keeps_its_meaning():
    text = "\x9b2J\x7f\u202e\u2028 ä"
    _, out, _ = process(f"import json; print(json.dumps({text!r}, ensure_ascii=False))")
    assert json.loads(out) == text
    assert out.rstrip("\n").isprintable()


def test_a_long_line_comes_out_whole():
    assert process("print('x' + 'ä' * 70_000)")[1] == "x" + "ä" * 70_000 + "\n"


def test_a_full_disk_does_not_stop_the_container_and_is_said():
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    groups = [[sys.executable, "-c", "for n in range(10_000): print('x' * 99)"]]
    with pytest.raises(CourseError, match=r"\(status 0\).*could be written \(No space.*\n.*df -h"):
        container.run(groups, "none-such", Limits(seconds=60), out=Full(), err=io.StringIO())


@pytest.mark.skipif(os.name != "posix", reason="not applicable: other systems have no such permissions")
def test_only_its_user_can_read_the_tape(tmp_path):
    with container.record(tmp_path / "new" / "x.tape.jsonl"):
        pass
    assert (tmp_path / "new" / "x.tape.jsonl").stat().st_mode & 0o077 == 0


HEAD = '{"_type": "tape", "version": 1}\n'


def line(question):
    return f'{{"_type": "run", "question": "{question}"}}\n'


@pytest.mark.parametrize("end", ["", '{"_type": "run", "ques'], ids=["whole", "cut off"])
def test_a_tape_is_continued_on_a_new_line(tmp_path, end):
    path = tmp_path / "x.tape.jsonl"
    path.write_text(HEAD + line("old") + end, newline="\n")
    with container.record(path) as out:
        out.write(HEAD + line("new"))
    between = f"{end}\n" if end else ""
    assert path.read_text() == HEAD + line("old") + between + HEAD + line("new")
    said = []
    assert [r["question"] for r in Tape.read(path, report=said.append).records()] == ["old", "new"]
    assert len(said) == bool(end), said


@pytest.mark.attack(
    "sandbox", "a tape that the disk has no room for, with --tape", "a message, and no traceback", fell=2
)
def test_a_full_disk_under_the_tape_is_a_message(tmp_path):
    resource = pytest.importorskip("resource", reason="not applicable: Windows has no such limits")
    groups = [[sys.executable, "-c", "for n in range(100): print('x' * 99)"]]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def recorded():
        with container.record(tmp_path / "x.tape.jsonl") as out:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            container.run(groups, "none-such", Limits(seconds=60), out=out)

    try:
        with pytest.raises(CourseError, match=r"\(status 0\), but not all .* could be written"):
            recorded()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.attack(
    "sandbox", "Ctrl-C while a tape comes", "what came is on it, and the tape is named", fell=1
)
def test_after_ctrl_c_the_tape_has_what_came(tmp_path):
    path, said = tmp_path / "x.tape.jsonl", []

    def interrupted():
        with container.record(path, said.append) as out:
            out.write(HEAD + line("x"))
            out.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == HEAD + line("x")
    assert said == [f"tape: {path}\nLook at it:  course view {path}"]


def test_both_streams_and_the_status_are_passed_on():
    program = "import sys; print('answer'); print('step', file=sys.stderr); sys.exit(3)"
    assert process(program) == (3, "answer\n", "step\n")


@pytest.mark.attack(
    "sandbox",
    "more output than is passed on, with --tape: many lines, one line, a short one after it",
    "whole lines, and a message with the number of bytes that are missing",
    fell=1,
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("program", "kept", "missing"),
    [
        ("[print('x' * 99) for _ in range(1000)]", 10 * 100, 990 * 100),
        ("[print('x' * 299) for _ in range(4)]; print()", 3 * 300, 301),
        ("print('y'); print('ä' * 70_000); print('x')", 2, 140_003),
        ("print('x' * 1001, end='')", 0, 1001),
    ],
)
def test_endless_output_is_cut_at_the_end_of_a_line(monkeypatch, program, kept, missing, stream):
    monkeypatch.setattr(container, "MOST", 1000)
    streams = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    code = f"import sys; sys.stdout = sys.{stream}; {program}; sys.exit(3)"
    made = [sys.executable, "-X", "utf8", "-c", code]
    with pytest.raises(container.CutShort, match=rf"\(status 3\).* {missing:,} bytes of its {stream}") as cut:
        container.run([made], "none-such", Limits(seconds=60), out=streams["stdout"], err=streams["stderr"])
    assert cut.value.status == 3
    text = streams[stream].getvalue()
    assert len(text) == kept
    assert text[-1:] in ("", "\n")


def test_as_much_as_is_passed_on_is_no_error(monkeypatch):
    monkeypatch.setattr(container, "MOST", 1000)
    assert process("[print('x' * 99) for _ in range(10)]") == (0, ("x" * 99 + "\n") * 10, "")


def clock():
    """A clock that jumps by 9 seconds at each look, for container.py alone: the threads of this process keep theirs."""
    return SimpleNamespace(monotonic=iter(range(0, 1000, 9)).__next__)


def test_a_program_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(container.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(container, "time", clock())
    assert process("import time; time.sleep(600)", seconds=0.2)[0] == 124


@pytest.mark.attack("sandbox", "Ctrl-C while the container runs", "the container is ended first")
def test_ctrl_c_ends_the_container(monkeypatch):
    class Typing(io.StringIO):
        """Types Ctrl-C as soon as the container has printed something."""

        def write(self, text):
            _thread.interrupt_main()
            return super().write(text)

    killed = []
    monkeypatch.setattr(container.subprocess, "run", lambda command, **_: killed.append(command))
    monkeypatch.setattr(container, "time", clock())
    groups = [[sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]]
    with signals.interruptible_here(), pytest.raises(KeyboardInterrupt):
        container.run(groups, "none-such", Limits(seconds=60), out=Typing(), err=io.StringIO())
    assert killed == [["docker", "kill", "none-such"]]


@pytest.mark.attack(
    "sandbox", "SIGTERM or SIGHUP while the container runs", "the container is ended first", fell=2
)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_ends_the_container(tmp_path, monkeypatch, name):
    number = getattr(signal, name, None) or pytest.skip("not applicable: Windows has no such signals")
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nkill "$(cat {tmp_path}/pid)"\n')
    docker.chmod(0o755)
    inside = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); "
    inside += "print(flush=True); time.sleep(60)"
    code = (
        "import sys; from course.sandbox import Limits, container; "
        f"container.run([[sys.executable, '-c', {inside!r}]], 'box', Limits(seconds=60))"
    )
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        assert program.stdout.readline()
        program.send_signal(number)
        assert program.wait(60) == -number
    assert (tmp_path / "calls").read_text() == "kill box\n"


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


@pytest.mark.attack(
    "sandbox",
    "a password or a key in the address of --server or SERVER",
    "refused, and never printed",
    fell=2,
)
@pytest.mark.parametrize(
    "url", ["http://me:hunter2@127.0.0.1:9", "http://127.0.0.1:9?api_key=hunter2", "me:a/hunter2@127.0.0.1:9"]
)
@pytest.mark.parametrize("network", sandbox.NETWORKS)
def test_a_password_in_the_server_s_address_is_never_printed(typed, monkeypatch, url, network):
    given = typed("x", "--dry-run", "--network", network, "--server", url)
    monkeypatch.setenv("SERVER", url)
    for status, said in (given, typed("x", "--dry-run", "--network", network)):
        assert status == 1
        assert "hunter2" not in said
    with pytest.raises(CourseError) as raised:
        command("x", url, network)
    assert "hunter2" not in str(raised.value)


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


# ---- the server's socket, tried


@pytest.fixture
def folder():
    """A short path: pytest's own are longer than a socket's may be."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("not applicable: this system's Python knows no Unix sockets")
    with tempfile.TemporaryDirectory(prefix="s-") as path:
        yield Path(path).resolve()


@pytest.fixture
def listening(folder):
    """Start a server on a Unix socket of this name that answers GET with this (status, text); returns what it was asked."""
    ends = []

    def start(name, status, text):
        asked = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        server = socketserver.UnixStreamServer(str(folder / name), Answer)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        ends.append((server, thread))
        return asked

    yield start
    for server, thread in ends:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def launched(monkeypatch):
    """The docker commands that would have been run."""
    commands = []
    monkeypatch.setattr(container, "check", lambda *_: "")
    monkeypatch.setattr(container, "run", lambda groups, *_, **__: commands.append(flat(groups)) or 0)
    return commands


LLAMA = '{"data": [{"id": "a-model", "owned_by": "llamacpp"}]}'


def test_a_running_llama_server_s_socket_is_mounted(typed, folder, listening, launched):
    asked = listening("llama.sock", 200, LLAMA)
    status, said = typed("x", "--server", f"unix://{folder}/llama.sock")
    assert status == 0, said
    assert values(launched[0], "--mount") == [
        f"type=bind,src={folder}/llama.sock,dst=/run/llama.sock,readonly"
    ]
    assert asked == ["/health", "/v1/models"]


@pytest.mark.attack(
    "sandbox", "--tape in a folder that cannot be made", "reported, and no container is started"
)
def test_a_tape_that_cannot_be_written_starts_no_container(typed, folder, listening, launched):
    listening("llama.sock", 200, LLAMA)
    (folder / "file").touch()
    status, said = typed(
        "x", "--server", f"unix://{folder}/llama.sock", "--tape", f"{folder}/file/x.tape.jsonl"
    )
    assert (status, launched) == (1, [])
    assert f"course: cannot use {folder}/file" in said


@pytest.mark.attack(
    "sandbox",
    "--tape with a FIFO, a device, a folder, a HAR file, a file that is not a tape",
    "refused before anything is contacted, and the file stays as it is",
    fell=1,
)
@pytest.mark.timeout(60)
@pytest.mark.skipif(os.name != "posix", reason="not applicable: other systems have no such files")
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("fifo", "is not a file but a pipe"),
        ("/dev/null", "is not a file but a pipe, a socket or a device"),
        ("folder", "is a directory"),
        ("x.har", "is a HAR file"),
        ("notes.txt", "is not a tape"),
    ],
)
def test_only_a_tape_is_continued(typed, folder, listening, launched, name, seen):
    asked = listening("llama.sock", 200, LLAMA)
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    files = {"x.har": '{"log": {"version": "1.2", "entries": []}}', "notes.txt": "buy milk\n"}
    for file, text in files.items():
        (folder / file).write_text(text)
    status, said = typed("x", "--server", f"unix://{folder}/llama.sock", "--tape", str(folder / name))
    assert status == 1
    assert seen in said
    assert (asked, launched) == ([], [])
    assert {file: (folder / file).read_text() for file in files} == files


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Write a stand-in for docker whose `run` is this shell script; `kill` ends it."""

    def write(script):
        path, number = tmp_path / "bin" / "docker", tmp_path / "number"
        path.parent.mkdir()
        kill = f"kill -9 $(cat {number})"
        path.write_text(
            f'#!/bin/sh\ncase "$1" in\nrun) echo $$ > {number}; {script};;\nkill) {kill};;\nesac\n'
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)

    return write


@pytest.mark.attack(
    "sandbox",
    "the container reaches its time or memory limit, or does not start, with --tape and a tape that exists",
    "everything until then is on the tape, nothing that was there is lost, and the message says which",
    fell=1,
)
@pytest.mark.skipif(os.name != "posix", reason="not applicable: the stand-in is a shell script")
@pytest.mark.parametrize(
    ("end", "new", "why"),
    [
        ("exec sleep 600", True, "reached its time limit"),
        ("exit 137", True, "reached its memory limit"),
        ("exit 125", False, "could not start the container"),
    ],
)
def test_however_the_container_ends_its_tape_is_kept(
    typed, folder, listening, stand_in, tmp_path, end, new, why
):
    listening("llama.sock", 200, LLAMA)
    came, tape = tmp_path / "came", tmp_path / "old.tape.jsonl"
    came.write_text(HEAD + line("new") if new else "")
    tape.write_text(HEAD + line("old"))
    stand_in(f"cat {came}; {end}")
    server = ("--server", f"unix://{folder}/llama.sock")
    status, said = typed("x", *server, "--tape", str(tape), "--seconds", "3")
    assert status == 1
    assert why in said
    assert (f"course view {tape}" if new else f"nothing was recorded on the tape {tape}") in said
    assert tape.read_text() == HEAD + line("old") + came.read_text()


@pytest.mark.attack(
    "sandbox",
    "--server with an engine's socket, also behind a link, a folder or file named .sock, another server's socket",
    "refused before it is mounted, and an engine is not even contacted",
    fell=2,
)
@pytest.mark.parametrize(
    ("name", "seen", "contacted"),
    [
        ("docker.sock", "By its name it is a container engine's", False),
        ("link.sock", "By its name it is a container engine's", False),
        ("folder.sock", "but a folder", False),
        ("file.sock", "but an ordinary file", False),
        ("renamed.sock", "is not a llama-server", True),
        ("nobody.sock", "no server answers", False),
        ("folder.sock/..", "absolute path that ends in .sock", False),
        ("", "absolute path that ends in .sock", False),
    ],
)
def test_only_an_answering_llama_server_s_socket_is_mounted(
    typed, folder, listening, launched, name, seen, contacted
):
    engine, renamed = (
        listening(name, 404, '{"message": "page not found"}') for name in ("docker.sock", "renamed.sock")
    )
    (folder / "link.sock").symlink_to(folder / "docker.sock")
    (folder / "folder.sock").mkdir()
    (folder / "file.sock").touch()
    status, said = typed("x", "--server", f"unix://{folder}/{name}")
    assert status == 1
    assert seen in said
    assert launched == []
    assert (bool(engine), bool(renamed)) == (False, contacted)
    if name not in ("renamed.sock", "nobody.sock"):
        assert typed("x", "--dry-run", "--server", f"unix://{folder}/{name}") == (status, said)


@pytest.mark.attack(
    "sandbox",
    "--server with the socket of DOCKER_HOST or of docker's context under another name, also by a link",
    "refused by its path, with --dry-run, too; nothing is asked there",
    fell=2,
)
@pytest.mark.parametrize("variable", ["DOCKER_HOST", "CONTAINER_HOST", "ENGINE"])
@pytest.mark.parametrize("name", ["model.sock", "link.sock", "hard.sock"])
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_the_socket_of_the_engine_in_use_is_refused_whatever_its_name(
    typed, client, folder, listening, launched, monkeypatch, variable, name, options
):
    asked = listening("model.sock", 200, LLAMA)
    (folder / "link.sock").symlink_to(folder / "model.sock")
    (folder / "hard.sock").hardlink_to(folder / "model.sock")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv(variable, f"unix://{folder}/model.sock")
    status, said = typed("x", *options, "--server", f"unix://{folder}/{name}")
    assert status == 1
    assert "the one of a container engine" in said
    assert "docker run" not in said
    assert (asked, launched) == ([], [])


@pytest.mark.parametrize("name", ["--max-steps", "--seconds", "--memory", "--volume", "--network", "--image"])
@pytest.mark.attack("sandbox", "an option inside the value of --max-steps, --seconds, --image …", "refused")
def test_no_value_brings_an_option_with_it(typed, name):
    status, said = typed("x", "--dry-run", name, "1 --privileged")
    assert status != 0
    assert "docker run" not in said


# ---- the engine


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("unix:///var/run/docker.sock", ""),
        ("npipe:////./pipe/docker_engine", ""),
        ("tcp://127.0.0.1:2375", ""),
        ("tcp://[::1]:2375", ""),
        ("", ""),
        ("tcp://10.0.0.7:2375", "10.0.0.7"),
        ("ssh://ada:pw@gpu.example:22", "gpu.example"),
        ("https://gpu.example:2376", "gpu.example"),
        ("tcp://:2375", "tcp://:2375"),
    ],
)
def test_an_engine_s_address_says_on_which_computer_it_is(address, other):
    assert engines.elsewhere(address) == other


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Stand-in for docker's command line; its engine is at $ENGINE. The file keeps what it was called with."""
    if os.name != "posix":
        pytest.skip("not applicable: the stand-in is a shell script")
    program, calls = tmp_path / "bin" / "docker", tmp_path / "calls"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nif [ "$1" = context ]; then echo "$ENGINE"; fi\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return calls


@pytest.mark.attack(
    "sandbox",
    "DOCKER_HOST or DOCKER_CONTEXT of another computer",
    "reported before anything is sent there, and refused without --remote-engine",
    fell=3,
)
def test_an_engine_on_another_computer_is_refused_before_it_is_contacted(typed, client, monkeypatch):
    monkeypatch.setenv("ENGINE", "ssh://ada:s3cret@far.example")
    monkeypatch.setenv("KEY", "k3y")
    status, said = typed("x")
    assert status == 1
    assert "on another computer, far.example" in said
    assert "DOCKER_CONTEXT=default course sandbox run" in said
    assert "s3cret" not in said
    (only,) = client.read_text().splitlines()
    assert only.startswith("context inspect")


def test_an_engine_on_another_computer_can_be_allowed(client, monkeypatch):
    monkeypatch.setenv("ENGINE", "tcp://far.example:2375")
    assert container.check(remote=True) == "far.example"
    monkeypatch.setenv("ENGINE", "unix:///var/run/docker.sock")
    assert container.check() == ""


@pytest.mark.attack(
    "sandbox",
    "sandbox build with DOCKER_HOST or DOCKER_CONTEXT of another computer",
    "refused without --remote-engine before anything is sent there",
    fell=2,
)
def test_the_checkout_goes_to_another_computer_only_if_that_is_allowed(client, monkeypatch):
    monkeypatch.setenv("ENGINE", "tcp://far.example:2375")
    done = CliRunner().invoke(app, ["sandbox", "build"])
    assert done.exit_code == 1
    assert "on another computer, far.example" in done.output
    assert "DOCKER_CONTEXT=default course sandbox build" in done.output
    (only,) = client.read_text().splitlines()
    assert only.startswith("context inspect")
    assert CliRunner().invoke(app, ["sandbox", "build", "--remote-engine"]).exit_code == 0
    assert client.read_text().splitlines()[-1].startswith("build --tag")


@pytest.mark.parametrize("network", sandbox.NETWORKS)
def test_an_engine_on_another_computer_cannot_reach_a_server_on_this_one(network):
    with pytest.raises(CourseError, match=r"is on this computer, but .* far\.example.*\n.*--remote-engine"):
        docker(network, engine="far.example")
    assert docker("gateway", "https://gpu.example", engine="far.example")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"DOCKER_HOST": "tcp://far.example:2375"}, "tcp://far.example:2375"),
        ({"DOCKER_HOST": "unix:///x.sock", "DOCKER_CONTEXT": "far"}, "unix:///x.sock"),
        ({"DOCKER_CONTEXT": "no-such-context"}, ""),
        ({}, "unix:///var/run/docker.sock"),
    ],
)
def test_docker_itself_says_where_its_engine_is(tmp_path, monkeypatch, given, address):
    if not shutil.which("docker"):
        skips.missing("docker", "sudo apt-get install docker.io")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert engines.address() == address
