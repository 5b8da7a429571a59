"""The balancer's configuration out of its manifest, run by a real HAProxy: who gets to which replica, and what is refused.

The replicas here are small servers that say their name; only addresses and ports differ from the manifest.
"""

import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
import yaml

from course import ROOT
from support import skips
from support.upstream import serving

PATIENCE = 120  # seconds for what takes two
CHEAP = {"verify": False, "trust_env": False, "timeout": PATIENCE}
KUBERNETES = ROOT / "workshop" / "kubernetes"


def configuration():
    manifests = yaml.safe_load_all((KUBERNETES / "balancer.yaml").read_text(encoding="utf-8"))
    return next(each for each in manifests if each["kind"] == "ConfigMap")["data"]["haproxy.cfg"]


def handler(name):
    """A replica: healthy, and its name in every answer. It keeps no connection that would outlive it."""

    class Replica(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append((self.command, self.path))
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            with suppress(ConnectionError):  # a health check reads no body
                self.end_headers()
                self.wfile.write(name.encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    return Replica


def local(text, replicas, port, health):
    """The configuration for this machine: these addresses in place of the cluster's names.

    `port` and `health` are file descriptors of sockets that listen already. On a busy machine an answer to a check may take
    longer than the time between two checks, which would be its limit, too.
    """
    names = re.findall(r'server (llama-\d) "(\S+)"', text)
    for number, (_, address) in enumerate(names):
        here = replicas[number] if number < len(replicas) else "127.0.0.1:1"
        text = text.replace(f'"{address}"', here)
    text = re.sub(r"resolvers cluster\n(?:    .*\n|\n)+?(?=frontend)", "", text)
    text = text.replace(" resolvers cluster init-addr none", "").replace("inter 2s", "inter 1s")
    text = text.replace("timeout connect 5s", f"timeout connect 5s\n    timeout check {PATIENCE}s")
    return text.replace("bind :8080", f"bind fd@{port}").replace("bind :8081", f"bind fd@{health}")


class Balanced:
    """HAProxy before `replicas` servers; `stop` ends one of them."""

    def __init__(self, stack, folder, replicas):
        self.replicas = []
        for number in range(replicas):
            one = stack.enter_context(ExitStack())
            self.replicas.append((one, one.enter_context(serving(handler(f"llama-{number}")))))
        addresses = [server.url.removeprefix("http://") for _, server in self.replicas]
        names = re.findall(r"^ +server (llama-\d) ", configuration(), re.MULTILINE)
        self.lives, self.lacking = set(names[:replicas]), names[replicas:]
        file, self.log = folder / "haproxy.cfg", folder / "log"
        with (
            socket.create_server(("127.0.0.1", 0)) as door,
            socket.create_server(("127.0.0.1", 0)) as health,
            self.log.open("wb") as log,
        ):
            self.port, self.health = door.getsockname()[1], health.getsockname()[1]
            doors = door.fileno(), health.fileno()
            file.write_text(local(configuration(), addresses, *doors), encoding="utf-8")
            command = [program(), "-db", "-f", file]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, pass_fds=doors)
        stack.callback(self.end)
        self.client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{self.port}", **CHEAP))
        self.wait()

    def wait(self):
        """Until HAProxy serves all replicas that live."""
        self.known()
        assert httpx.get(f"http://127.0.0.1:{self.health}/health", **CHEAP).status_code == 200
        probes = [f"probe-{n}-{time.monotonic_ns()}" for n in range(2 * len(self.lives))]
        assert {self.asked(probe) for probe in probes} == self.lives

    def known(self):
        """Until HAProxy knows which replicas are lacking. At first it takes all for alive, and says of each that is not."""
        end = time.monotonic() + PATIENCE
        while not all(f"Server replicas/{name} is DOWN" in self.said() for name in self.lacking):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"not only {self.lacking} after {PATIENCE} s: {self.said()}"
            time.sleep(0.05)

    def asked(self, key):
        """The name of the replica that answered a learner with this key."""
        return self.client.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).text

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def program():
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    return found or skips.missing("haproxy", "sudo apt-get install haproxy")


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    with ExitStack() as stack:
        yield Balanced(stack, tmp_path_factory.mktemp("haproxy"), 3)


def test_haproxy_accepts_the_configuration_as_it_is(tmp_path):
    """Names and ports included; without a cluster, no name has an address, and that is no error."""
    file = tmp_path / "haproxy.cfg"
    file.write_text(configuration(), encoding="utf-8")
    done = subprocess.run(
        [program(), "-c", "-f", file],
        env={"NAMESPACE": "workshop"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[ALERT]" not in done.stderr
    assert "[WARNING]" not in done.stderr, done.stderr


def test_each_key_stays_with_its_replica_and_30_learners_are_spread_evenly(balanced):
    keys = [f"key-{number:032x}" for number in range(30)]
    first = {key: balanced.asked(key) for key in keys}
    assert sorted(Counter(first.values()).values()) == [10, 10, 10], Counter(first.values())
    for _ in range(3):
        assert {key: balanced.asked(key) for key in reversed(keys)} == first


def test_new_connections_change_nothing(balanced):
    """A learner's programs open connections of their own: notebooks, terminals, restarted kernels."""
    headers = {"Authorization": "Bearer key-of-one-learner"}
    answered = {
        httpx.get(f"{balanced.client.base_url}/v1/models", headers=headers, **CHEAP).text for _ in range(9)
    }
    assert len(answered) == 1, answered


def test_no_key_is_in_the_log(balanced):
    balanced.asked("key-that-nobody-may-read")
    assert "GET /v1/models" in balanced.said()
    assert "key-that-nobody-may-read" not in balanced.said()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/chat/completions", 200),
        ("GET", "/props", 200),
        ("GET", "/health", 200),
        ("POST", "/apply-template", 200),
        ("POST", "/props", 405),
        ("POST", "/lora-adapters", 405),
        ("GET", "/slots", 404),
        ("POST", "/slots/0?action=erase", 404),
        ("GET", "/", 404),
        ("POST", "/models/load", 404),
    ],
)
def test_what_belongs_to_nobody_in_a_class_is_refused(balanced, method, path, status):
    assert balanced.client.request(method, path).status_code == status


def test_when_a_replica_dies_only_its_learners_move_and_they_stay_where_they_moved(tmp_path):
    with ExitStack() as stack:
        balanced = Balanced(stack, tmp_path, 3)
        keys = [f"key-{number}" for number in range(12)]
        before = {key: balanced.asked(key) for key in keys}
        one, server = balanced.replicas[1]
        one.close()
        assert server.socket.fileno() == -1
        balanced.lacking.append("llama-1")
        balanced.known()  # a request that is being tried again at this moment is ended, with a 502
        after = {key: balanced.asked(key) for key in keys}
        moved = {key for key in keys if after[key] != before[key]}
        assert moved == {key for key in keys if before[key] == "llama-1"}, (before, after)
        assert "llama-1" not in after.values()
        assert {key: balanced.asked(key) for key in keys} == after


def test_without_any_replica_the_pod_is_not_ready_and_learners_get_a_503(tmp_path):
    with ExitStack() as stack:
        balanced = Balanced(stack, tmp_path, 1)
        balanced.replicas[0][0].close()
        end = time.monotonic() + PATIENCE
        while httpx.get(f"http://127.0.0.1:{balanced.health}/health", **CHEAP).status_code == 200:
            assert time.monotonic() < end, balanced.said()
            time.sleep(0.05)
        answer = balanced.client.get("/v1/models", headers={"Authorization": "Bearer key-1"})
        assert answer.status_code == 503
