"""Under which addresses other machines of a room reach this one.

hosts()        # ["192.0.2.7"]: one for each network; [] if there is none
"""

import ipaddress
import socket

import psutil

VIRTUAL = (
    "docker",
    "br-",
    "veth",
    "virbr",
    "cni",
    "flannel",
    "cali",
    "podman",
    "lxc",
    "lxd",
    "incus",
    "vboxnet",
    "vmnet",
)
"""How the names of interfaces begin that containers and virtual machines of this computer use."""


def hosts() -> list[str]:
    """This machine's IPv4 addresses, without those that only itself or its containers reach."""
    return [
        address.address
        for name, listed in psutil.net_if_addrs().items()
        if not name.startswith(VIRTUAL)
        for address in listed
        if address.family is socket.AF_INET and _outside(address.address)
    ]


def _outside(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return not (address.is_loopback or address.is_link_local)
