"""Answers to the exercises of lesson 11: watches that only say so, suspects without a spy, folders without a model."""

import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from course import ROOT
from course.tools.folder import NOTHING, FolderSearch
from support.exercises import Answers, defined

SOURCE = ROOT / "notebooks" / "source" / "11_your_own_documents.py"

# --- 11.1


def in_order(watch, shortest):
    if watch.left:
        return "something"
    return "cannot say" if watch.unowned or watch.longest_gap > shortest else "nothing"


def nested(watch, shortest):
    if not watch.left:
        if not watch.unowned and watch.longest_gap <= shortest:
            return "Nothing"
        return "Cannot say."
    return "Something"


def backwards(watch, shortest):
    said = "nothing"
    if len(watch.unowned) > 0 or shortest < watch.longest_gap:
        said = "cannot say"
    if len(watch.left) > 0:
        said = "something"
    return said


def left_only(watch, shortest):
    return "something" if watch.left else "nothing"


def without_the_gap(watch, shortest):
    return "something" if watch.left else "cannot say" if watch.unowned else "nothing"


def without_the_unowned(watch, shortest):
    return "something" if watch.left else "cannot say" if watch.longest_gap > shortest else "nothing"


def doubt_first(watch, shortest):
    if watch.unowned or watch.longest_gap > shortest:
        return "cannot say"
    return "something" if watch.left else "nothing"


def any_connection(watch, shortest):
    return "something" if watch.connections else "cannot say" if watch.unowned else "nothing"


def unowned_is_a_leak(watch, shortest):
    if watch.left or watch.unowned:
        return "something"
    return "cannot say" if watch.longest_gap > shortest else "nothing"


def a_limit_of_its_own(watch, shortest):
    return (
        "something"
        if watch.left
        else "cannot say"
        if watch.unowned or watch.longest_gap > 0.15
        else "nothing"
    )


# --- 11.2

SUSPECTS = {"shuffled": [1, "udp", "child", 2], "by_datagram": "udp", "by_child": "child"}

# --- 11.3

OFFICE = Path(tempfile.mkdtemp())
(OFFICE / "staff.md").write_text("Ada Brenner uses locker number 417.", encoding="utf-8")
LEAK = SimpleNamespace(peer=("203.0.113.5", 443))
SENT, RETURNED, REACHED = defined(SOURCE, "sent", "returned", "reached", NOTHING=NOTHING)


class Leaky(FolderSearch):
    """What the fakes below take for a tool that leaks."""


class Unread(FolderSearch):
    """What the fakes below take for a tool whose results the code does not print."""


def fakes(unowned=(), local=True):
    seen = SimpleNamespace(left=[], unowned=list(unowned), connections=[], looks=7, longest_gap=0.03)

    @contextmanager
    def watch(pids):
        yield seen

    def recorded_run(server, question, tape, tools, max_steps):
        (tool,) = tools
        seen.left = [LEAK] if isinstance(tool, Leaky) else []
        found = "nothing" if isinstance(tool, Unread) else tool(question)
        messages = [
            {"role": "user", "content": question},
            {"role": "user", "content": [{"type": "text", "text": found}]},
        ]
        turn = SimpleNamespace(exchange=SimpleNamespace(request={"messages": messages}))
        return SimpleNamespace(answer="9931", error=None, turns=[turn])

    return {
        "FolderSearch": FolderSearch,
        "Path": Path,
        "Tape": lambda path: None,
        "Watch": watch,
        "address": SimpleNamespace(host="127.0.0.1" if local else "192.0.2.7", port=8080),
        "ask": "What is the port?",
        "local": local,
        "office": OFFICE,
        "pids": [1],
        "reached": REACHED,
        "recorded_run": recorded_run,
        "returned": RETURNED,
        "server": None,
        "tempfile": tempfile,
    }


ANSWERS = {
    "11.1": Answers(
        right=[in_order, nested, backwards],
        wrong=[
            left_only,
            without_the_gap,
            without_the_unowned,
            doubt_first,
            any_connection,
            unowned_is_a_leak,
            a_limit_of_its_own,
        ],
    ),
    "11.2": Answers(
        right=[{"B", "C"}, ["C", "B"], "BC", "b, c"],
        wrong=["ABCD", {"B"}, [], {"A", "B", "C"}],
        given=SUSPECTS,
    ),
    "11.3": Answers(
        right=[FolderSearch(ROOT / "docs"), FolderSearch(ROOT / "bench"), FolderSearch(ROOT / "docker")],
        wrong=[FolderSearch(OFFICE), ROOT / "docs", "notes", Leaky(ROOT / "bench"), Unread(ROOT / "docs")],
        given=fakes,
    ),
}
