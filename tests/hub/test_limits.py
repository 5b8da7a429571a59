"""What a learner cannot do to the others: fill the disk, fork without end, take the memory, read, use another's key.

Each program here is bounded by itself, too, and runs only after its limit was seen to be in force.
"""

import contextlib
import json
import os
import time

import httpx
import psutil
import pytest

from support import room as lab
from support import skips
from workshop.hub import warden
from workshop.hub.settings import MB

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason=f"{skips.IMPOSSIBLE}users of their own need root"),
]
BOMB = """
import os, resource, subprocess, sys
assert os.getuid() != 0 and resource.getrlimit(resource.RLIMIT_NPROC)[1] == {most}, "no limit: not tried"
forever = '''
import os, time
end = time.monotonic() + 180
while time.monotonic() < end:
    try: os.fork()
    except OSError: time.sleep(0.05)
'''
subprocess.Popen([sys.executable, "-S", "-c", forever])
print("started")
"""
FILL = """
import os, resource, time
assert os.getuid() != 0 and resource.getrlimit(resource.RLIMIT_FSIZE)[1] == {most}, "no limit: not tried"
os.makedirs("filler", exist_ok=True)
for n in range(60):
    with open(f"filler/{{n}}", "wb") as file: file.write(b"x" * 10_000_000)
    time.sleep(1)  # slower than the hub looks, on a busy machine, too
print("filled", end="")
"""
SLOWEST = 60  # seconds that a server may take to answer beside a fork bomb; on an idle machine it takes one
KEYS = "import os; print(os.environ['KEY'], os.environ['SERVER'], os.getuid(), os.getpid())"


@pytest.fixture(scope="module")
def mallory(room):
    return room.hub.learner("mallory")


@pytest.fixture(scope="module")
def alice(room):
    return room.hub.learner("alice")


def until(seen, seconds=240.0):
    """Wait until `seen()` is true; returns its last value."""
    end = time.monotonic() + seconds
    while not (value := seen()) and time.monotonic() < end:
        time.sleep(0.5)
    return value


def tasks(room, name):
    """How many processes and threads there are. One that ended and its successor can both be in one count: so two."""
    learner = room.hub.state.learner(name)

    def counted():
        count = 0
        for process in warden.processes_of(learner):
            with contextlib.suppress(psutil.Error):
                count += process.num_threads()
        return count

    return min(counted(), counted())


def listening(ports):
    """(port, pid) of everybody who listens at one of these."""
    found = psutil.net_connections("tcp")
    return {(c.laddr.port, c.pid) for c in found if c.status == psutil.CONN_LISTEN and c.laddr.port in ports}


def answers(account):
    """How long the learner's server takes to answer."""
    began = time.monotonic()
    with account.client(timeout=SLOWEST) as client:
        assert client.get("api/status").status_code == 200
    return time.monotonic() - began


def test_each_learner_has_a_key_of_their_own_and_the_server_takes_no_other(room, mallory, alice):
    key, server, uid, _ = lab.run(alice, KEYS).split()
    other, _, other_uid, _ = lab.run(mallory, KEYS).split()
    assert (key != other, uid != other_uid) == (True, True)
    asked = {"prompt": "1, 2,", "n_predict": 1}
    statuses = {}
    for name, used in {"alice": key, "mallory": other, "guessed": f"hub-{'0' * 32}", "none": ""}.items():
        headers = {"Authorization": f"Bearer {used}"} if used else {}
        answer = httpx.post(f"{server}/completion", json=asked, headers=headers, timeout=60, trust_env=False)
        statuses[name] = answer.status_code
    assert statuses == {"alice": 200, "mallory": 200, "guessed": 401, "none": 401}


def test_another_s_files_key_and_server_cannot_be_reached(room, mallory, alice):
    """Neither the files nor the environment of her processes, and her server does not take his token."""
    learner = room.hub.state.learner("alice")
    with alice.client() as client:
        kernel = client.post("api/kernels", json={"name": "python3"}).json()["id"]
    *_, pid = lab.run(alice, KEYS, kernel=kernel).split()
    secret = room.hub.state.home / "secrets.json"
    for path in (learner.folder, f"/proc/{pid}/environ", secret, room.hub.state.servers):
        said = lab.run(
            mallory,
            f"import os\nos.listdir({str(path)!r}) if os.path.isdir({str(path)!r}) else open({str(path)!r})",
        )
        assert "Permission denied" in said, f"{path}: {said or 'it could be read'}"
    said = lab.run(mallory, f"import os; os.kill({pid}, 9)")
    assert "Operation not permitted" in said, said
    headers = {"Authorization": f"token {mallory.token}"}
    answer = httpx.get(f"{alice.url}api/contents", headers=headers, trust_env=False)
    assert answer.status_code == 403, answer.text
    answer = httpx.get(f"{room.hub.url}/hub/api/users", headers=headers, trust_env=False)
    assert answer.status_code == 403, answer.text


def test_a_fork_bomb_is_bounded_and_ended(room, mallory, alice):
    most = room.settings.processes
    said = lab.run(mallory, BOMB.format(most=most))
    assert "started" in said, said
    peak, slowest = 0, 0.0
    home = room.hub.state.learner("mallory").folder

    def over():
        nonlocal peak, slowest
        peak, slowest = max(peak, tasks(room, "mallory")), max(slowest, answers(alice))
        return (home / warden.NOTE).exists() and tasks(room, "mallory") < most / 2

    assert until(over), f"{tasks(room, 'mallory')} processes are left, {peak} at most; {room.told}"
    assert peak <= most, f"{peak} processes and threads, {most} allowed"
    assert slowest < SLOWEST, f"another learner's server took {slowest:.1f} s to answer"
    assert "processes" in (home / warden.NOTE).read_text()
    assert answers(mallory) < SLOWEST, "the learner's own server is gone"


def test_a_full_disk_is_the_learner_s_own(room, mallory):
    """One file cannot be larger than the limit; many small ones end the program that writes them, and no file is lost."""
    most = room.settings.disk
    home = room.hub.state.learner("mallory").folder
    (home / warden.NOTE).unlink(missing_ok=True)
    said = lab.run(mallory, f"open('big', 'wb').truncate({most + 1})")
    assert "File too large" in said, said
    said = lab.run(mallory, FILL.format(most=most))
    assert "died" in said, said
    taken, _ = warden.measured([home], None, 10**6)
    assert most < taken < 2.5 * most, f"{taken / MB:.0f} MB, the limit is {most / MB:.0f} MB"
    assert until((home / warden.NOTE).exists), room.told
    assert (home / "filler" / "0").stat().st_size == 10_000_000
    said = lab.run(mallory, "import shutil; shutil.rmtree('filler'); print('gone')")
    assert "gone" in said, f"nothing can be deleted: {said}"
    assert "works" in lab.run(mallory, "import time; time.sleep(5); print('works')")


def test_memory_is_bounded(room, mallory, alice):
    """One process cannot have more than the limit: MemoryError in the cell, and the kernel lives."""
    most = room.settings.memory
    said = lab.run(mallory, f"kept = 1\ntry: b'x' * {most}\nexcept MemoryError: print('refused', kept)")
    assert "refused 1" in said, said


def test_too_much_memory_in_sum_ends_the_largest_kernel_only(room, mallory):
    """Two kernels that are each within the limit, and together beyond it."""
    most = room.settings.memory
    home = room.hub.state.learner("mallory").folder
    (home / warden.NOTE).unlink(missing_ok=True)
    with mallory.client() as client:
        small, large = (client.post("api/kernels", json={"name": "python3"}).json()["id"] for _ in range(2))
    assert "has it" in lab.run(mallory, f"kept = b'x' * {most * 2 // 5}; print('has it')", kernel=small)
    said = lab.run(mallory, f"import time; big = b'x' * {most * 3 // 5}; time.sleep(200)", kernel=large)
    assert "died" in said, f"{said}; {room.told}"
    assert until((home / warden.NOTE).exists), room.told
    assert "memory" in (home / warden.NOTE).read_text()
    assert lab.run(mallory, "print(len(kept))", kernel=small).strip() == str(most * 2 // 5)


def test_a_dead_model_server_comes_back_at_its_address(room, alice):
    """Killed, as the system does when memory is short: later requests are answered, with the same key."""
    before = room.hub.model.pid
    os.kill(before, 9)
    assert until(lambda: room.hub.model.pid != before and not room.hub.model.dead()), room.told
    code = (
        "import os; from course.server import Server; s = Server(quiet=True).start(); "
        "print(s.post('/completion', {'prompt': '1, 2,', 'n_predict': 1})['tokens_predicted'])"
    )
    assert until(lambda: lab.run(alice, code).strip() == "1"), lab.run(alice, code)


def test_a_dead_hub_comes_back_and_kernels_keep_their_variables(room, alice):
    with alice.client() as client:
        kernel = client.post("api/kernels", json={"name": "python3"}).json()["id"]
    lab.run(alice, "kept = 42", kernel=kernel)
    before = room.hub.pid
    os.kill(before, 9)
    assert until(lambda: room.hub.pid != before and room.hub.answers()), room.told
    assert until(lambda: room.hub.server_runs("alice"))
    assert lab.run(alice, "print(kept)", kernel=kernel).strip() == "42"


def test_a_dead_proxy_comes_back(room, alice):
    file = room.hub.state.home / "proxy.pid"
    before = file.read_text()
    os.kill(int(before), 9)

    def back():
        with contextlib.suppress(FileNotFoundError):
            return file.read_text() not in ("", before) and room.hub.answers()

    assert until(back), "it did not"
    with alice.client() as client:
        assert until(lambda: client.get("api/status").status_code == 200), "no route to a learner's server"


def test_nothing_is_left_running(room):
    """After the stop: no process of a learner, no hub, proxy or model server, nobody on its port; files are kept."""
    state, uids = room.hub.state, {learner.uid for learner in room.hub.state.known()}
    launch = json.loads(state.launch.read_text())
    ports = {
        room.settings.port,
        launch["hub_port"],
        launch["proxy_port"],
        int(launch["model"].rpartition(":")[2]),
    }
    lab.run(
        room.hub.learner("mallory"),
        "import subprocess; subprocess.Popen(['setsid', '-f', 'env', '-i', 'sleep', '600'])",
    )
    before = listening(ports)
    assert before, "nobody listens, so the last lines prove nothing"
    room.stop()
    left = [  # a dead process that init has not collected yet is none
        p.info["cmdline"]
        for p in psutil.process_iter(["uids", "cmdline", "status"])
        if p.info["uids"] and p.info["uids"].real in uids and p.info["status"] != psutil.STATUS_ZOMBIE
    ]
    assert left == []
    own = {process.pid for process in psutil.Process().children(recursive=True)}
    after = listening(ports)  # another test may have a server at a port that is free again
    assert [(port, pid) for port, pid in after if (port, pid) in before or pid in own] == []
    assert (state.homes / "alice" / "agents-on-the-wire" / "notebooks" / "00_welcome.ipynb").is_file()
