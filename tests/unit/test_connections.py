"""What an observer sees of other processes' connections, and that a leak is among it."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from course import connections
from course.connections import Watch, endpoint, on_this_computer, parsed
from course.errors import CourseError

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0 100 0 0 10 0
   1: 0100007F:9EE1 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 1306 1 0 20 4 30 10 -1
   2: 0F02000A:C350 5DB8D822:01BB 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0
   what is this
"""


@pytest.fixture
def spy():
    """A listener on this computer that plays the internet; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        ended = threading.Event()

        def answer():
            with listener:
                while not ended.is_set():
                    try:
                        listener.accept()[0].close()
                    except OSError:
                        return

        threading.Thread(target=answer, daemon=True).start()
        yield address
        ended.set()


def all_but(spy):
    return lambda host, port: (host, port) != spy


CLIENT = """
import socket, sys
door = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("connected", flush=True)
sys.stdin.read()
"""


def client(spy):
    """A program that connects, says so, and stays connected until its input is closed."""
    return [sys.executable, "-c", CLIENT, spy[0], str(spy[1])]


def test_a_table_of_the_kernel_is_read_without_what_listens():
    rows = list(parsed("tcp", TABLE))
    assert [(row.host, row.port, row.state, row.inode) for row in rows] == [
        ("127.0.0.1", 8080, "ESTABLISHED", 1306),
        ("34.216.184.93", 443, "TIME_WAIT", 0),
    ]


@pytest.mark.skipif(sys.byteorder != "little", reason="written for a little-endian machine")
@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("00000000000000000000000001000000:0016", ("::1", 22)),
        ("0000000000000000FFFF00000100007F:0050", ("::ffff:127.0.0.1", 80)),
        ("B80D0120000000000000000001000000:01BB", ("2001:db8::1", 443)),
    ],
)
def test_an_address_is_read_last_byte_first(text, address):
    host, port = endpoint(text)
    assert (connections.ipaddress.ip_address(host), port) == (
        connections.ipaddress.ip_address(address[0]),
        address[1],
    )


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("fe80::1%eth0", False),
        ("192.168.1.1", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("8.8.8.8", False),
        ("localhost", True),
        ("a-server.example", False),
    ],
)
def test_only_the_computer_itself_is_inside(host, inside):
    assert on_this_computer(host, 80) is inside


def test_a_connection_of_this_process_is_seen_and_was_not_outside(spy):
    """The socket is closed after the observer's last look, however late that is."""
    with socket.socket() as door, Watch([os.getpid()]) as watch:
        door.connect(spy)
        time.sleep(1)
    assert spy in [one.peer for one in watch.connections]
    assert watch.left == []
    assert watch.looks >= 2
    assert watch.longest_gap > 0


def test_a_leak_is_caught(spy):
    with socket.socket() as door, Watch([os.getpid()], inside=all_but(spy)) as watch:
        door.connect(spy)
    assert [(one.peer, one.pid) for one in watch.left] == [(spy, os.getpid())]
    assert f"{spy[0]}:{spy[1]}" in str(watch.left[0])


def test_a_leak_of_a_child_is_caught_and_named(spy):
    with Watch([os.getpid()], inside=all_but(spy)) as watch:
        child = subprocess.Popen(client(spy), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"connected\n"
    child.communicate()
    assert [(one.peer, one.pid) for one in watch.left] == [(spy, child.pid)]


def test_udp_with_a_peer_is_seen():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
    ):
        there.bind(("127.0.0.1", 0))
        with Watch([os.getpid()]) as watch:
            here.connect(there.getsockname())
    assert "udp" in [one.kind for one in watch.connections]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps what was closed")
def test_a_connection_that_is_over_at_once_leaves_a_trace():
    """The process that hangs up first leaves it in the kernel's table, without an owner.

    What other tests have left there went to 127.0.0.1, perhaps to a port of the same number.
    """
    with socket.create_server(("127.9.8.7", 0)) as listener:  # never accepts, so it never hangs up first
        peer = listener.getsockname()
        with Watch([os.getpid()], inside=all_but(peer)) as watch:
            socket.create_connection(peer).close()
    assert peer in [one.peer for one in (*watch.left, *watch.unowned)]


def test_what_is_not_watched_is_not_seen(spy):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with socket.socket() as door, Watch([other.pid]) as watch:
        door.connect(spy)
    other.communicate(b"\n")
    assert watch.connections == []


def test_a_process_that_has_ended_is_no_error():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with Watch([gone.pid]) as watch:
        pass
    assert watch.connections == []


def test_psutil_sees_the_same_where_there_is_no_proc(spy, monkeypatch):
    monkeypatch.setattr(connections, "LINUX", False)
    with socket.create_connection(spy):
        found = connections.look([connections.psutil.Process()])
    assert spy in [one.peer for one in found]


def test_an_observer_that_does_not_start_says_why():
    watch = Watch(["no pid"])
    with pytest.raises(CourseError, match="no pid"):
        watch.__enter__()


def test_a_process_that_changes_its_name_is_one_connection(monkeypatch):
    """A child carries its parent's name until it starts its own program, and none while it ends."""
    looks = iter([[], ["pytest"], ["python"], [""]])
    monkeypatch.setattr(
        connections,
        "look",
        lambda processes: {connections.Connection("tcp", "8.8.8.8", 443, 7, name) for name in next(looks)},
    )
    over = iter([False, False, True])
    seen = connections.observe([], lambda: next(over), lambda: None)
    assert [(one.peer, one.pid, one.program) for one in seen.connections] == [(("8.8.8.8", 443), 7, "python")]
