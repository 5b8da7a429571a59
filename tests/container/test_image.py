"""The image, seen from inside and outside: who it runs as, what it has, and which limits hold."""

import json

import pytest

from course.sandbox import Limits

pytestmark = pytest.mark.timeout(7200)


@pytest.fixture(scope="module")
def status(inside):
    """/proc/self/status of the agent's container."""
    lines = inside("print(open('/proc/self/status').read())").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.fixture(scope="module")
def mounts(inside):
    """Where → what it is and with which options."""
    lines = [line.split() for line in inside("print(open('/proc/self/mounts').read())").splitlines() if line]
    return {line[1]: (line[2], set(line[3].split(","))) for line in lines}


def test_it_is_user_1000_in_every_way(status):
    assert {status["Uid"], status["Gid"]} == {"1000\t1000\t1000\t1000"}


def test_it_has_no_capability_and_can_gain_none(status):
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"


def test_the_seccomp_filter_is_on(status):
    assert status["Seccomp"] == "2", "2 is a filter, 0 is none"


def test_the_root_is_read_only_and_what_can_be_written_runs_nothing(mounts):
    assert "ro" in mounts["/"][1]
    kind, options = mounts["/tmp"]
    assert kind == "tmpfs"
    assert {"rw", "noexec", "nosuid", "nodev"} <= options
    assert "ro" in mounts["/proc/sys"][1]


def test_the_limits_are_those_of_the_command(inside):
    """As the kernel says, under either version of control groups."""
    program = """
import glob, resource
def first(*paths):
    return next(open(p).read().split()[0] for path in paths for p in glob.glob(path))
print(first("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"))
print(first("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"))
print(first("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu*/cpu.cfs_quota_us"))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[1], resource.getrlimit(resource.RLIMIT_CORE)[1])
"""
    said = inside(program, Limits(memory="256m", pids=33, cpus=0.5, files=77)).split()
    assert said == [str(256 << 20), "33", "50000", "77", "0"]


def test_no_model_no_installer_and_no_set_uid_program_is_in_it(inside):
    program = """
import os, stat, json
found = {"gguf": [], "pip": [], "suid": []}
for folder, folders, names in os.walk("/"):
    folders[:] = [n for n in folders if os.path.join(folder, n) not in ("/proc", "/sys", "/dev")]
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith((".gguf", ".safetensors")): found["gguf"].append(path)
        if name in ("pip", "pip3", "gcc", "cc", "make"): found["pip"].append(path)
        if os.path.isfile(path) and os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID): found["suid"].append(path)
print(json.dumps(found))
"""
    assert json.loads(inside(program)) == {"gguf": [], "pip": [], "suid": []}


def test_its_labels_say_what_it_is(engine, image):
    labels = json.loads(
        engine.docker("image", "inspect", image, "--format", "{{json .Config.Labels}}").stdout
    )
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.base.name"]
    assert {"title", "description", "version", "revision"} <= {name.rpartition(".")[2] for name in labels}


def test_the_image_itself_names_the_user(engine, image):
    assert (
        engine.docker("image", "inspect", image, "--format", "{{.Config.User}}").stdout.strip() == "1000:1000"
    )
