"""What the system refuses, and odd arguments: a message with the next command, no traceback, and nothing half written."""

import errno
import json
import os
import socket
import subprocess
import sys
import threading

import pytest
import typer
from typer.testing import CliRunner

from course import doctor, files
from course.cli import app
from course.cli.group import Group
from course.model import embedded
from support.records import SYSTEM, entry, reply

FULL = OSError(errno.ENOSPC, "No space left on device")


def refuse(*_, **__):
    raise FULL


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "t.tape.jsonl"
    path.write_text(json.dumps(entry(1, [SYSTEM], reply("a"))) + "\n")
    return path


def course(*arguments, status=1):
    """What a command prints that ends with this status, by itself and without a traceback."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(done.exception, SystemExit | None), repr(done.exception)
    assert done.exit_code == status, done.output
    return done.output


@pytest.mark.attack(
    "tape",
    "view -o: a folder, a file in a missing folder, a full disk; standard output on a full disk",
    "a message, and an older page is all there",
    fell=3,
)
@pytest.mark.parametrize("kind", ["html", "har"])
def test_a_page_that_cannot_be_written_is_a_message_and_keeps_the_old_one(tape, tmp_path, monkeypatch, kind):
    (old := tmp_path / f"old.{kind}").write_text("old")
    (folder := tmp_path / f"folder.{kind}").mkdir()
    assert "it is a folder" in course("view", tape, "-o", folder)
    assert "there is no folder" in course("view", tape, "-o", tmp_path / "none" / f"x.{kind}")
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", refuse)
        said = course("view", tape, "-o", old)
    assert "No space left on device" in said
    assert f"course view {tape} -o page.html" in said
    assert old.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([tape, old, folder])
    assert course("view", tape, "-o", old, status=0) == f"{old}\n"
    assert old.read_text() != "old"
    if os.name == "posix":
        assert old.stat().st_mode & 0o777 == 0o600, "it shows what the tape holds"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not applicable: no /dev/full")
def test_standard_output_that_is_full_is_a_message(tape):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "course.cli", "diagnose", str(tape)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "course: cannot use standard output: No space left on device.",
        "Make room on its disk:  df -h",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not applicable: Windows has no such pipes")
@pytest.mark.attack(
    "tape", "view <(cat tape): a pipe, which can be read only once", "every line is read", fell=3
)
@pytest.mark.parametrize("as_har", [False, True])
def test_a_tape_may_come_through_a_pipe(tape, tmp_path, as_har):
    given = tape
    if as_har:
        given = tmp_path / "t.har"
        course("view", tape, "-o", given, status=0)
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=lambda: pipe.write_bytes(given.read_bytes()), daemon=True)
    writer.start()
    assert "1 exchange" in course("diagnose", pipe, status=0)
    writer.join(60)
    assert not writer.is_alive()


@pytest.mark.attack(
    "server",
    "the record of the built model is [], null, not JSON or without sha256; a folder instead of the GGUF",
    "built again, or a message",
    fell=3,
)
@pytest.mark.parametrize("record", ["[]", "null", "{", '{"bytes": 4}', '{"bytes": "4", "sha256": 1}', "\xff"])
def test_a_record_of_any_form_is_no_reason_to_fail(cache, monkeypatch, record):
    monkeypatch.setattr("course.model.merge.merge", lambda *a, **_: a[2].write_bytes(b"GGUF"))
    target = embedded.merged_path(embedded.adapter_path())
    target.write_bytes(b"GGUF")
    target.with_suffix(".json").write_bytes(record.encode("latin-1"))
    assert not embedded.verify(target)
    assert not doctor.embedded_model().ok
    assert str(target) in course("model", status=0)
    if record == "[]":
        target.unlink()
        target.mkdir()
        assert f"{target} is a folder" in course("model")
        assert not doctor.embedded_model().ok


@pytest.mark.attack(
    "server", "a cache on a full disk: model, serve, ask", "a message, and nothing half built", fell=2
)
@pytest.mark.parametrize("command", [["model"], ["serve"], ["ask", "How?"]])
def test_a_full_disk_is_a_message_of_every_command(cache, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("course.model.merge.merge", refuse)
    monkeypatch.delenv("SERVER", raising=False)
    said = course(*command)
    assert "No space left on device" in said
    assert "COURSE_CACHE=/another/folder course" in said
    assert not list(cache.iterdir())


@pytest.mark.attack(
    "server", "a home that cannot be written: doctor, model, serve, stop, ask, lab", "a message", fell=2
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the cache is not found by HOME alone")
@pytest.mark.parametrize("command", [["doctor"], ["model"], ["serve"], ["stop"], ["ask", "How?"], ["lab"]])
def test_a_home_that_cannot_be_written_is_a_message(tmp_path, monkeypatch, command):
    """Also not by root: it is a file."""
    (home := tmp_path / "home").touch()
    for name in ("COURSE_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME", "SERVER", "PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    said = course(*command)
    assert f"cannot write to {home}" in said
    assert "COURSE_CACHE=/another/folder course" in said


def test_a_check_of_the_doctor_that_the_system_refuses_has_failed(cache, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "/a/disk")

    monkeypatch.setattr(doctor.shutil, "disk_usage", refused)
    [check] = [check for check in doctor.checks() if check.name == "disk"]
    assert (check.ok, check.saw) == (False, "cannot use /a/disk: Permission denied.")
    assert "ls -ld /a/disk" in check.run


@pytest.mark.attack(
    "server", "serve --port and tap --port: 70000, -1, 0", "a message at once; nothing is started", fell=3
)
@pytest.mark.parametrize("port", ["70000", "-1", "0", "x"])
@pytest.mark.parametrize("command", ["serve", "tap"])
def test_a_port_that_does_not_exist_is_a_message(command, port):
    said = course(command, f"--port={port}", status=2)
    assert "--port" in said
    assert "Input should be" in said


@pytest.mark.attack(
    "server",
    "http://[::1 and http://me:a/b@127.0.0.1 as an address: replay, ask, sandbox run, export, tap, doctor, a tape's own",
    "a message with an example, and no part of the password",
    fell=2,
)
@pytest.mark.parametrize("url", ["http://[::1", "http://me:a/hunter2@127.0.0.1:9"])
@pytest.mark.parametrize(
    "command",
    [
        ["replay", "TAPE", "--turn", 1, "--server", "URL"],
        ["ask", "x", "--server", "URL"],
        ["sandbox", "run", "x", "--dry-run", "--server", "URL"],
        ["export", "TAPE", "--endpoint", "URL"],
        ["tap", "--upstream", "URL", "--", "true"],
    ],
)
def test_an_address_that_is_not_valid_is_a_message(tape, tmp_path, monkeypatch, command, url):
    monkeypatch.chdir(tmp_path)
    said = course(*({"TAPE": tape, "URL": url}.get(word, word) for word in command))
    assert "is not a valid server address" in said
    assert "It should look like:  " in said
    assert "hunter2" not in said


@pytest.mark.parametrize("url", ["http://[::1", "http://me:a/hunter2@127.0.0.1:9"])
def test_an_address_that_is_not_valid_is_a_message_where_it_comes_from_a_tape_or_the_environment(
    tape, tmp_path, monkeypatch, url
):
    monkeypatch.chdir(tmp_path)
    tape.write_text(tape.read_text().replace("http://127.0.0.1:8080/v1/chat/completions", url))
    said = course("replay", tape, "--turn", 1)
    assert "the recorded address" in said
    monkeypatch.setenv("SERVER", url)
    check = next(check for check in doctor.checks() if check.name == "server")
    assert (check.ok, "is not a valid server address" in check.saw) == (False, True)
    assert "hunter2" not in f"{said}{check}"


@pytest.mark.attack("server", "tap --host ::1 without --port", "it listens", fell=3)
@pytest.mark.skipif(not socket.has_ipv6, reason="not applicable: no IPv6")
def test_a_tap_listens_on_ipv6(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("not applicable: no IPv6 on this computer")
    said = course("tap", "--host", "::1", "--tape", tmp_path / "t", "--", sys.executable, "-c", "", status=0)
    assert "tap: base URL http://[::1]:" in said


def test_a_tap_on_a_host_that_does_not_exist_is_a_message(tmp_path):
    said = course("tap", "--host", "none.invalid", "--tape", tmp_path / "t", "--", sys.executable, "-c", "")
    assert "course: the tap can't listen on none.invalid" in said


@pytest.mark.attack("server", "serve --port 80 without rights", "reported, and not that it is taken", fell=3)
def test_a_port_without_rights_is_not_called_taken(cache, monkeypatch):
    bind = socket.socket.bind

    def unprivileged(self, address):
        if address[1] == 80:
            raise PermissionError(errno.EACCES, "Permission denied")
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", unprivileged)
    monkeypatch.setattr("course.server.Server._flags", lambda _: [])
    said = course("serve", "--port", "80")
    assert "not allowed to listen on port 80" in said
    assert "course serve --port 80" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), "ls -ld /a/file"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/file"), "df -h"),
        (OSError(errno.EINVAL, "Invalid argument"), None),
        (FileNotFoundError(errno.ENOENT, "No such file", str(files.Path(files.__file__).parent / "x")), None),
        (ValueError("a bug"), None),
    ],
)
def test_an_error_of_the_system_that_names_a_file_is_a_message_and_a_bug_is_not(error, said):
    broken = typer.Typer(cls=Group)

    @broken.callback()
    def everything() -> None: ...

    @broken.command()
    def fail() -> None:
        raise error

    done = CliRunner().invoke(broken, ["fail"])
    assert done.exit_code == 1
    if said:
        assert f"course: cannot use /a/file: {error.strerror}.\n" in done.output
        assert said in done.output
    else:
        assert done.exception is error
