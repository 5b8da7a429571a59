"""Answers to the exercises of lesson 11: lines of no kernel, suspects without a spy, folders without a model."""

import ipaddress
import socket
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from course import ROOT
from course.tools.folder import FolderSearch
from support.exercises import Answers

# --- 11.1


def with_reversed(line):
    address, port = line.split()[1].split(":")
    return ".".join(str(number) for number in reversed(bytes.fromhex(address))), int(port, 16)


def with_slices(line):
    address, _, port = line.split()[1].partition(":")
    pairs = [address[at : at + 2] for at in (6, 4, 2, 0)]
    return [".".join(str(int(pair, 16)) for pair in pairs), int(port, 16)]


def with_struct(line):
    address, port = line.split()[1].split(":")
    return socket.inet_ntoa(struct.pack("<I", int(address, 16))), str(int(port, 16))


def with_ipaddress(line):
    address, port = line.split()[1].split(":")
    return str(ipaddress.ip_address(bytes.fromhex(address)[::-1])), int(port, 16)


def first_byte_first(line):
    address, port = line.split()[1].split(":")
    return str(ipaddress.ip_address(bytes.fromhex(address))), int(port, 16)


def this_side(line):
    return with_reversed(" ".join(line.split()[:1] * 2))


def port_in_hexadecimal(line):
    return with_reversed(line)[0], line.split()[1].split(":")[1]


def split_at_one_space(line):
    address, port = line.split(" ")[1].split(":")
    return with_reversed(f"x {address}:{port}")


# --- 11.2

SUSPECTS = {"shuffled": [1, "udp", "child", 2], "by_datagram": "udp", "by_child": "child"}

# --- 11.3

OFFICE = Path(tempfile.mkdtemp())
(OFFICE / "staff.md").write_text("Ada Brenner uses locker number 417.", encoding="utf-8")
LEAK = SimpleNamespace(peer=("203.0.113.5", 443))


class Leaky(FolderSearch):
    """What the fakes below take for a tool that leaks."""


def fakes():
    seen = SimpleNamespace(left=[], connections=[], looks=7)

    @contextmanager
    def watch(pids):
        yield seen

    def recorded_run(server, question, tape, tools, max_steps):
        seen.left = [LEAK] if isinstance(tools[0], Leaky) else []
        return SimpleNamespace(answer="9931", error=None)

    return {
        "FolderSearch": FolderSearch,
        "Tape": lambda: None,
        "Watch": watch,
        "address": SimpleNamespace(host="127.0.0.1", port=8080),
        "ask": "What is the port?",
        "office": OFFICE,
        "pids": [1],
        "recorded_run": recorded_run,
        "server": None,
    }


ANSWERS = {
    "11.1": Answers(
        right=[with_reversed, with_slices, with_struct, with_ipaddress],
        wrong=[first_byte_first, this_side, port_in_hexadecimal, split_at_one_space],
    ),
    "11.2": Answers(
        right=[{"B", "C"}, ["C", "B"], "BC", "b, c"],
        wrong=["ABCD", {"B"}, [], {"A", "B", "C"}],
        given=SUSPECTS,
    ),
    "11.3": Answers(
        right=[FolderSearch(ROOT / "docs"), FolderSearch(ROOT / "bench"), FolderSearch(ROOT / "docker")],
        wrong=[FolderSearch(OFFICE), ROOT / "docs", "notes", Leaky(ROOT / "bench")],
        given=fakes,
    ),
}
