"""A network namespace for the tests, with addresses that stand in for a cloud's metadata service and the outside world.

Moves this process, and everything that it starts from then on, into a new network namespace, and gives the loopback there
these addresses. The namespace is connected to nothing, so no packet can leave it. Needs Linux and root.
"""

import ctypes
import os
import socket
import struct

METADATA = "169.254.169.254"  # the address that clouds use
OUTSIDE = "192.0.2.1"  # TEST-NET-1 and TEST-NET-2 of RFC 5737: reserved for documentation
RESOLVER = "198.51.100.53"
CLONE_NEWNET = 0x40000000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8916, 0x891C, 0x8913, 0x8914, 1
_left: int | None = None


def enter() -> None:
    """Leave the host's network for a new one. This process cannot go back."""
    global _left
    before = _network()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot create a network namespace: {os.strerror(number)}")
    if _network() == before:
        raise RuntimeError("this is still the host's network")
    _left = before
    _up("lo")
    for number, address in enumerate((METADATA, OUTSIDE, RESOLVER), 1):
        _address(f"lo:{number}", address)


def apart() -> bool:
    """Whether this process has left the network that it was started in. Checked before any program is run."""
    return _left is not None and _network() != _left


def _network() -> int:
    return os.stat("/proc/self/ns/net").st_ino


def _up(name: str) -> None:
    import fcntl  # POSIX only, and the lesson imports this module everywhere

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH22x", name.encode(), 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(handle, SIOCGIFFLAGS, request))
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | IFF_UP))


def _address(name: str, address: str) -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for call, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
            sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(handle, call, struct.pack("16s16s8x", name.encode(), sockaddr))
