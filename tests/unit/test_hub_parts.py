"""The hub's parts that decide: settings, who gets which number and key, what has to end, what a learner's copy becomes."""

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from course import ROOT
from course.errors import CourseError
from course.server import processes
from support import skips
from workshop import networks
from workshop.hub import __main__ as command
from workshop.hub import launch, lessons, limits, model, run, settings, state, warden
from workshop.hub.settings import MB, Settings
from workshop.hub.warden import Use

HOME = Path("/srv/hub")
CHOSEN = Settings(home=HOME, memory=1000 * MB, disk=100 * MB, processes=200, files=1000)


def git(folder, *words):
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_settings_come_from_the_environment_and_survive_json():
    given = {"HUB_HOST": "0.0.0.0", "HUB_DISK": "500", "HUB_IDLE": "5", "HUB_HOME": "/srv/hub", "KEY": "k"}
    found = settings.from_environment(given)
    assert (found.host, found.disk, found.idle, found.home) == ("0.0.0.0", 500 * MB, 300, HOME)
    assert settings.from_json(found.json()) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "web"), ("HUB_LEARNERS", "101"), ("HUB_MEMORY", "-5"), ("HUB_DISK", "1e3"),
        ("CERT", "/no/such/file"), ("CERT", __file__), ("KEYS", "/no/such/file"), ("SERVER", "http://[::1"),
        ("HUB_GROUPS", "no"), ("SERVER", "unix:///tmp/x.sock"), ("SERVER", "ftp://me:hunter2@gpu"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_the_next_command(name, value):
    with pytest.raises(CourseError) as refused:
        settings.from_environment({name: value})
    seen, _, following = str(refused.value).partition("\n")
    assert name in seen or name == "CERT", seen
    assert "hunter2" not in seen
    assert ":  " in following, following


def test_a_room_has_no_more_learners_than_keys(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("first\n\nsecond\n")
    given = {"SERVER": "gpu:8080", "KEYS": str(keys)}
    assert settings.from_environment(given).learners == 2
    assert settings.from_environment({"KEYS": str(keys)}).learners == 40, (
        "the hub's own server has keys of its own"
    )
    with pytest.raises(CourseError, match=r"from 1 to 2, as .*keys"):
        settings.from_environment({**given, "HUB_LEARNERS": "3"})


def listed(address, family=socket.AF_INET):
    return [SimpleNamespace(family=family, address=address)]


def test_the_address_for_the_room_is_one_that_the_room_can_open(monkeypatch):
    """Not this machine's own, nor its containers'."""
    found = {
        "lo": listed("127.0.0.1"), "docker0": listed("172.17.0.1"), "eth0": listed("192.0.2.7"),
        "wlan0": [*listed("fe80::1", socket.AF_INET6), *listed("198.51.100.4")], "eth1": listed("169.254.3.4"),
    }  # fmt: skip
    monkeypatch.setattr(networks.psutil, "net_if_addrs", lambda: found)
    room = replace(CHOSEN, host="0.0.0.0", certificate=Path("room.crt"))
    assert launch.addresses(room) == ["https://192.0.2.7:8000", "https://198.51.100.4:8000"]
    assert launch.address(room) == "https://127.0.0.1:8000", "the hub's own programs"
    assert launch.addresses(replace(CHOSEN, host="192.0.2.9", port=80)) == ["http://192.0.2.9:80"]
    assert launch.addresses(CHOSEN) == ["http://127.0.0.1:8000"]
    monkeypatch.setattr(networks.psutil, "net_if_addrs", lambda: {"lo": listed("127.0.0.1")})
    assert launch.addresses(room) == ["https://127.0.0.1:8000"]


def test_an_update_as_another_user_is_answered_with_the_command(tmp_path, monkeypatch):
    """Nothing is changed then: files of two users in one repository would stop the hub later."""
    kept = state.State(tmp_path)
    kept.prepare(learners=1)
    chosen = replace(CHOSEN, home=tmp_path)
    with pytest.raises(CourseError, match="HUB_HOME="):
        command.update(chosen)
    launch.Launch(chosen, 1, 2, 3, "http://127.0.0.1:8080", None).write(kept)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(CourseError, match=f"make hub-update HUB_HOME={tmp_path}"):
        command.update(chosen)
    assert not (kept.lessons / ".git").exists()


def test_the_command_for_an_update_is_the_one_for_this_hub():
    assert command.updating(ROOT / "build" / "hub-state", 1000) == "make hub-update"
    assert command.updating(Path("/srv/my hub"), 0) == "sudo make hub-update HUB_HOME='/srv/my hub'"


def test_http_may_be_left_out_of_a_server_s_address():
    assert settings.from_environment({"SERVER": "gpu:8080"}).server == "http://gpu:8080"


def test_only_the_process_that_was_started_is_ended(tmp_path):
    """A pid that now belongs to another program, even if that is a hub, too."""
    kept = state.State(tmp_path)
    kept.prepare(learners=1)
    code = "import time; time.sleep(250)"
    with subprocess.Popen([sys.executable, "-c", code, "jupyterhub"], start_new_session=True) as other:
        born = processes.created(other.pid)
        (tmp_path / "hub.pid").write_text(f"{other.pid} {born - 100}")
        assert (run.sweep(kept), other.poll()) == ([], None)
        (tmp_path / "hub.pid").write_text(f"{other.pid} {born}")
        assert run.sweep(kept) == ["jupyterhub"]
        assert not processes.alive(other.pid, born)


LOGIN = """
import asyncio, sys, types
sys.path[:0] = [sys.argv[1]]
from workshop.hub.authenticator import RoomAuthenticator
from workshop.hub.state import State
from pathlib import Path
home = Path(sys.argv[2])
state = State(home)
state.prepare(learners=1)
room = RoomAuthenticator(home=str(home), dbm_path=str(home / "passwords"), min_password_length=8, request_otp=True)
for password in ("short", "x" * 73, "long enough"):
    handler = types.SimpleNamespace()
    data = {"username": "ada", "password": password, "otp": state.secret("room_code")}
    name = asyncio.run(room.authenticate(handler, data))
    print(name, len(state.known()), bool(handler.custom_login_error))
"""


def test_a_password_that_is_refused_uses_up_no_seat(tmp_path):
    from workshop.hub.launch import PYTHON

    if not PYTHON.exists():
        skips.missing("the hub's environment", "python3 bootstrap.py hub")
    done = subprocess.run([PYTHON, "-c", LOGIN, ROOT, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["None 0 True", "None 0 True", "ada 1 False"], (
        done.stdout + done.stderr
    )


def test_numbers_and_keys_are_kept_and_grow_with_the_room(tmp_path):
    kept = state.State(tmp_path / "hub")
    kept.prepare(learners=2)
    ada, ben = kept.learner("ada"), kept.learner("ben")
    assert ada.key != ben.key
    with pytest.raises(CourseError, match="HUB_LEARNERS"):
        kept.learner("cleo")
    again = state.State(tmp_path / "hub")
    again.prepare(learners=3)
    assert [again.learner("ben"), again.learner("ada")] == [ben, ada]
    assert again.learner("cleo").key not in (ada.key, ben.key)
    assert again.secret("room_code") == kept.secret("room_code")
    again.prepare(learners=1)
    assert len(again.keys()) == 3, "a smaller room takes nobody's key away"


def test_two_hubs_in_one_folder_are_refused(tmp_path):
    kept = state.State(tmp_path)
    kept.prepare(learners=1)
    with kept.held(), pytest.raises(CourseError, match=str(os.getpid())), state.State(tmp_path).held():
        pass
    with kept.held():
        pass


def test_the_key_of_a_learner_on_an_attached_server(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("first\n\nsecond\n")
    ada = state.Learner("ada", 1, None, "ours", tmp_path)
    attached = replace(CHOSEN, server="http://gpu:8080", key="shared")
    assert model.key_of(ada, CHOSEN) == "ours"
    assert model.key_of(ada, attached) == "shared"
    assert model.key_of(ada, replace(attached, keys=keys)) == "second"
    with pytest.raises(CourseError, match="2 keys"):
        model.key_of(replace(ada, number=2), replace(attached, keys=keys))


@pytest.mark.parametrize(
    ("use", "ends"),
    [
        (Use(memory=1000 * MB, tasks=190, disk=100 * MB, files=1000), None),
        (Use(memory=1001 * MB), "largest"),
        (Use(tasks=191), "programs"),
        (Use(tasks=60, fresh=50), None),
        (Use(tasks=60, fresh=51), "programs"),
        (Use(disk=101 * MB), "programs"),
        (Use(files=1001), "programs"),
        (Use(disk=201 * MB), "everything"),
        (Use(files=2001), "everything"),
        (Use(disk=101 * MB, tasks=200, memory=2000 * MB), "programs"),
    ],
)
def test_what_has_to_end(use, ends):
    verdict = warden.judge(use, CHOSEN)
    assert (verdict and verdict.ends) == ends


def test_a_learner_over_the_limit_can_run_programs_that_delete():
    before = Use(disk=150 * MB, files=10)
    assert warden.judge(Use(disk=150 * MB, files=10), CHOSEN, before) is None
    assert warden.judge(Use(disk=120 * MB, files=9), CHOSEN, before) is None
    assert warden.judge(Use(disk=151 * MB, files=10), CHOSEN, before).ends == "programs"
    assert warden.judge(Use(disk=150 * MB, files=10, tasks=200), CHOSEN, before).ends == "programs"


def test_files_are_counted_below_links_only_once_and_up_to_a_limit(tmp_path):
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "file").open("wb") as file:
        file.write(os.urandom(100_000))  # which no file system makes smaller
        file.flush()
        os.fsync(file.fileno())
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    size, count = warden.measured([tmp_path], None, 100)
    assert (count, 100_000 <= size < 150_000) == (3, True), f"{size} bytes in {count} files"
    for number in range(50):
        (tmp_path / str(number)).touch()
    assert warden.measured([tmp_path], None, 10)[1] == 11
    assert warden.measured([tmp_path], os.getuid() + 1, 10) == (0, 0)


def test_a_control_group_needs_systemd_and_a_user_of_its_own(tmp_path):
    ada = state.Learner("ada", 0, 66_000, "key", HOME)
    words = limits.scope(ada, CHOSEN, tmp_path)
    assert {"--property=MemoryMax=1000000000", "--property=TasksMax=200", "--reuid=66000"} <= set(words)
    assert limits.scope(ada, CHOSEN, tmp_path / "none") == []
    assert limits.scope(replace(ada, uid=None), CHOSEN, tmp_path) == []
    without = settings.from_environment({"HUB_GROUPS": "off"})
    assert limits.scope(ada, without, tmp_path) == []


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A small checkout, its repository, and the git settings that a learner has."""
    root = tmp_path / "checkout"
    for name in ("00_welcome", "01_start"):
        path = root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cells": [name, "shared", "end"]}, indent=1))
    kept = state.State(tmp_path / "hub")
    kept.prepare(learners=1)
    lessons.update(kept, root)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(kept.home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return kept, root


def pulled(kept, copy):
    """What nbgitpuller does to a copy; its own program, out of the hub's environment."""
    from workshop.hub.launch import PYTHON

    program = PYTHON.with_name("gitpuller")
    if not program.exists():
        skips.missing("nbgitpuller", "python3 bootstrap.py hub")
    done = subprocess.run(
        [program, lessons.source(kept), lessons.BRANCH, copy],
        env={**os.environ, "NBGITPULLER_DEPTH": "0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_notebook_stays_whole_and_an_untouched_one_is_new(room, tmp_path):
    """Both sides change different lines of 00, which git could merge: the learner's stays as it is, byte for byte."""
    kept, root = room
    copy = tmp_path / "ada"
    pulled(kept, copy)
    mine = copy / "notebooks" / "00_welcome.ipynb"
    mine.write_text(mine.read_text().replace("end", "my answer"))
    own = copy / "notebooks" / "own.ipynb"
    own.write_text("{}")
    for path in sorted((root / "notebooks").iterdir()):
        path.write_text(path.read_text().replace("shared", "corrected"))
    (root / "README.md").write_text("new")
    assert "3 files changed" in lessons.update(kept, root)
    assert lessons.update(kept, root) == ""
    before = mine.read_text()
    pulled(kept, copy)
    assert mine.read_text() == before
    assert "corrected" in (copy / "notebooks" / "01_start.ipynb").read_text()
    assert (copy / "README.md").read_text() == "new"
    assert own.read_text() == "{}"
    mine.rename(copy / "notebooks" / "00_mine.ipynb")
    pulled(kept, copy)
    assert "corrected" in mine.read_text()


def test_what_the_course_drops_goes_unless_the_learner_changed_it(room, tmp_path):
    kept, root = room
    copy = tmp_path / "ada"
    pulled(kept, copy)
    (root / "notebooks" / "01_start.ipynb").unlink()
    lessons.update(kept, root)
    pulled(kept, copy)
    assert not (copy / "notebooks" / "01_start.ipynb").exists()
    assert "notebooks/01_start.ipynb" not in git(kept.lessons, "ls-files")


def test_a_checkout_without_lessons_is_refused(room):
    kept, root = room
    (root / "notebooks" / "00_welcome.ipynb").unlink()
    with pytest.raises(CourseError, match="git checkout"):
        lessons.update(kept, root)


def test_the_hub_s_locks_have_the_course_s_versions_and_name_no_registry():
    """Else a lesson could behave differently in a workshop. Every package and module has a hash."""
    lock = (ROOT / "workshop/hub/requirements.txt").read_text()
    pins = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
    theirs, ours = dict(pins.findall(lock)), dict(pins.findall((ROOT / "requirements.lock").read_text()))
    assert {name: theirs.get(name) for name in ours} == ours
    assert [b for b in re.split(r"^(?=\w)", lock, flags=re.MULTILINE)[1:] if "--hash=sha256:" not in b] == []
    modules = json.loads((ROOT / "workshop/hub/package-lock.json").read_text())["packages"]
    assert [name for name, module in modules.items() if name and "integrity" not in module] == []
    assert "://" not in lock
    assert not any("resolved" in module for module in modules.values())
