"""Set-up, with Python's own venv and pip: it resumes, and says in words what stands in its way."""

import base64
import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest

import bootstrap
from course import ROOT
from support import signals

WHEEL = "tiny-1.0-py3-none-any.whl"
SILENCE = 20  # seconds; five are promised, and the machine may be busy


@pytest.fixture
def checkout(tmp_path):
    """A folder, with letters and blanks in its name, that has what set-up reads, and a lock of one small wheel."""
    root = tmp_path / "Größe und Länge"
    (root / "tests" / "clients").mkdir(parents=True)
    program = (ROOT / "bootstrap.py").read_text(encoding="utf-8")
    assert program.count("\nROOM = ") == 1
    small = re.sub(r"\nROOM = \w+", "\nROOM = 0", program)  # one small wheel fits on every disk
    (root / "bootstrap.py").write_text(small, encoding="utf-8")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    digest = hashlib.sha256(wheel(wheels / WHEEL).read_bytes()).hexdigest()
    (root / "tests/clients/phoenix.txt").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    return root


def wheel(path):
    """A wheel with one empty module."""
    record = base64.urlsafe_b64encode(hashlib.sha256(b"").digest()).rstrip(b"=").decode()
    files = {
        "tiny.py": "",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": f"tiny.py,sha256={record},0\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def start(checkout, **environment):
    """Set-up of the one-wheel environment; packages come from `environment` alone, not through a proxy."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_") and not name.lower().endswith("_proxy")
    }
    own |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "bootstrap.py", "phoenix"],
        cwd=checkout, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        preexec_fn=signals.interruptible,
    )  # fmt: skip


def finish(process):
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


@pytest.mark.attack(
    "server",
    "set-up in a folder with blanks and other letters in its name, without a network",
    "reported; the next try resumes",
)
def test_without_a_network_it_says_so_and_the_next_try_resumes(checkout):
    """Nobody listens at the index; then the wheel is at hand; then nothing is left to do."""
    status, output = finish(start(checkout, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="1"))
    assert (status, "Traceback" in output) == (1, False), output
    assert "could not be downloaded" in output
    assert "run the same command again" in output
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.parent / "wheels")}
    status, output = finish(start(checkout, **wheels))
    assert (status, "creating a virtual environment" in output) == (0, False), output
    status, output = finish(start(checkout, PIP_NO_INDEX="1"))
    assert (status, output) == (0, "")


@pytest.mark.attack("server", "Ctrl-C during set-up", "nothing is left running, and the next try works")
@pytest.mark.skipif(os.name == "nt", reason="not applicable: Windows has no such signal")
def test_ctrl_c_leaves_nothing_running_and_silence_is_short(checkout):
    """The index accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        process = start(checkout, PIP_INDEX_URL=f"http://127.0.0.1:{index.getsockname()[1]}/")
        began, lines = time.monotonic(), []
        while not lines or "package 0 of 1" not in lines[-1]:  # a sign of life while pip waits
            lines.append(process.stdout.readline())
            assert lines[-1], f"it ended: {lines}"
            quiet, began = time.monotonic() - began, time.monotonic()
            assert quiet < SILENCE, f"{quiet:.0f} s of silence before {lines[-1]!r}"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children, "pip is not running"
        process.send_signal(signal.SIGINT)
        status, output = finish(process)
    assert (status, "Traceback" in output) == (130, False), output
    assert "the same command again" in output
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def test_an_environment_of_another_place_is_made_anew(checkout):
    """A checkout that was moved: the scripts of its environment would start the old place's Python."""
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.parent / "wheels")}
    assert finish(start(checkout, **wheels))[0] == 0
    moved = checkout.rename(checkout.with_name("elsewhere"))
    status, output = finish(start(moved, **wheels))
    assert (status, "creating a virtual environment" in output) == (0, True), output


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "the disk is full",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "pip cache purge"),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError'",
            "could not be downloaded",
        ),
        ("OSError: [Errno 30] Read-only file system: '/x'", "not writable"),
        ("ERROR: No matching distribution found for xllamacpp==1", "not available for this Python"),
        ("npm error code ECONNREFUSED", "could not be downloaded"),
        ("npm error code EINTEGRITY", "npm cache clean"),
        ("something new", "  | something new\n"),
    ],
)
def test_what_pip_prints_becomes_a_reason_and_a_command(printed, told):
    said = bootstrap.reason("installing packages", [printed + "\n"])
    assert told in said
    assert "\n" in said, "no next command"


def test_a_wrong_python_and_a_missing_module_are_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(bootstrap.SetupError, match=r"is Python 3\.10; the course needs 3\.11"):
        bootstrap.check_machine()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt-get install python3\.\d+-venv"):
        bootstrap.check_machine()


def test_little_room_and_a_folder_that_cannot_be_written_are_told_first(monkeypatch):
    monkeypatch.setattr(
        bootstrap.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**8)
    )
    with pytest.raises(bootstrap.SetupError, match=r"0\.1 GB are free"):
        bootstrap.check_room()

    def refuse(**options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(bootstrap.tempfile, "TemporaryFile", refuse)
    with pytest.raises(bootstrap.SetupError, match="not writable"):
        bootstrap.check_machine()


@pytest.fixture
def modules(tmp_path):
    """Node's modules in a folder of this test."""
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    return bootstrap.Modules(
        bootstrap.ROOT / "build" / f"modules-{tmp_path.name}", tmp_path, "this is left out"
    )


def test_without_npm_the_clients_for_node_are_left_out_in_words(modules, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    bootstrap.make_modules(modules)
    said = capsys.readouterr().out
    assert "this is left out" in said
    assert "apt-get install nodejs npm" in said
    assert not modules.complete()
    assert not modules.folder.exists()


@pytest.mark.parametrize(
    ("node", "npm", "said"),
    [
        (None, True, "Node is missing: the hub's proxy needs version 20"),
        ("v18.20.4", True, "Node v18.20.4 is too old"),
        ("v22.1.0", False, "npm is missing"),
        ("v20.0.0", True, None),
    ],
)
def test_what_the_hub_s_proxy_needs_is_said_before_anything_is_installed(
    tmp_path, monkeypatch, node, npm, said
):
    modules = tmp_path / "modules"
    for name, prints in (("node", node), ("npm", "10" if npm else None)):
        if prints:
            (tmp_path / name).write_text(f"#!/bin/sh\necho {prints}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "NODE_HUB", dataclasses.replace(bootstrap.NODE_HUB, folder=modules))
    if said is None:
        assert bootstrap.main(["node"]) == 0
    else:
        with pytest.raises(bootstrap.SetupError, match=said) as refused:
            bootstrap.check_node()
        assert "Debian 12" in str(refused.value).partition("\n")[2]
    assert not modules.exists()


def test_node_s_modules_are_installed_from_the_lock_without_their_scripts(modules, monkeypatch):
    """npm runs where the copies are; a lock that changed makes the modules incomplete."""
    ran = []

    def run(what, command, folder):
        assert sorted(path.name for path in folder.iterdir()) == ["package-lock.json", "package.json"]
        ran.append(command)

    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "run", run)
    try:
        bootstrap.make_modules(modules)
        assert ran[0][:3] == ["/usr/bin/npm", "ci", "--ignore-scripts"]
        assert modules.complete()
        (modules.source / "package-lock.json").write_text('{"lockfileVersion": 3}')
        assert not modules.complete()
    finally:
        shutil.rmtree(modules.folder)


def test_the_lock_of_node_s_modules_names_exact_versions_and_no_registry():
    lock = json.loads((bootstrap.NODE_CLIENTS.source / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((bootstrap.NODE_CLIENTS.source / "package.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    assert all(packages[f"node_modules/{n}"]["version"] == v for n, v in wanted["dependencies"].items())
    assert all("integrity" in package and "resolved" not in package for package in packages.values())


def test_a_python_in_a_private_folder_is_not_open_to_all(tmp_path):
    """A link to it does not help: what counts is where it leads. The hub's learners are other users."""
    for name, mode in (("private", 0o700), ("open", 0o755)):
        (tmp_path / name).mkdir()
        shutil.copy("/bin/sh", tmp_path / name / "python")
        (tmp_path / f"{name}-link").symlink_to(tmp_path / name / "python")
        (tmp_path / name).chmod(mode)
    assert not bootstrap.open_to_all(tmp_path / "private-link")
    above = all(folder.stat().st_mode & 0o001 for folder in (tmp_path, *tmp_path.parents))
    assert bootstrap.open_to_all(tmp_path / "open-link") == above
    assert bootstrap.open_to_all(bootstrap.shared_python()) or not bootstrap.open_to_all(Path(sys.executable))


def test_a_shared_environment_is_made_with_a_python_of_the_system_if_ours_is_private(monkeypatch, tmp_path):
    """If there is no other, ours has to do."""
    private = tmp_path / "python"
    private.symlink_to(sys.executable)
    monkeypatch.setattr(bootstrap.sys, "executable", str(private))
    monkeypatch.setattr(bootstrap, "open_to_all", lambda path: path != private)
    chosen = bootstrap.shared_python()
    assert chosen == private or chosen.parts[1] == "usr"
    monkeypatch.setattr(bootstrap, "open_to_all", lambda path: False)
    assert bootstrap.shared_python() == private
