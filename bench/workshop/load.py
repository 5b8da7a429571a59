"""Run one cell of the matrix: learners' agents first, then the same requests from plain clients, each on a fresh server.

result = measured(room, Cell(10), steps=2, agents=120, plain=60)     # Result(cell, learners, plain, memory, revived)
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from bench.workshop import matrix
from bench.workshop.figures import Memory, Plain, Result
from bench.workshop.kernel import Deadline
from bench.workshop.matrix import Cell
from bench.workshop.room import Room, together
from course.agent import code_agent, connect
from course.errors import CourseError
from course.server import Server

FILE = {"filename": "beginning.bin"}
FIRST = 180.0
"""Seconds for a fresh server to process the beginning of all prompts, before the clock of a run starts."""
EVERY = 10.0
"""Seconds between two looks at the memory. With 30 learners, a look takes half a second of a core."""
INTO = 8.0
"""Seconds after which the model's server is killed: all learners' first requests run or wait by then."""


def measured(room: Room, cell: Cell, steps: int, agents: float, plain: float) -> Result:
    """`agents` and `plain` are seconds that each part may take at most."""
    seats = room.seats(cell.learners)
    started(room, cell)
    many, deadline = matrix.rounds(cell.learners, steps), Deadline(agents)
    alive = room.answers if cell.dies else None
    revived: list[float] = []
    with watched(room) as memory, together(cell.learners, deadline, room.stop) as pool:
        learners = pool.map(lambda seat: seat.run(steps, many, deadline, alive), seats)
        if cell.dies:
            revived.append(killed(room, deadline))
        done = list(learners)
    sent = next((seat.bodies() for seat, one in zip(seats, done, strict=True) if one.ended == "done"), [])
    again = None
    if cell.clients and sent:
        started(room, cell)
        again = replayed(room, cell.clients, sent * many, Deadline(plain))
    return Result(cell, done, memory[0], again, revived[0] if revived else None)


def started(room: Room, cell: Cell) -> None:
    """A fresh server for this cell. If it is to be warm, every slot has the shared beginning of all prompts: it is
    processed once, then copied. CourseError if that fails.
    """
    server = room.serve(cell)
    if not cell.warm:
        return
    slots = range(1, cell.slots)
    asked = [("/v1/chat/completions", beginning(server)), ("/slots/0?action=save", FILE)]
    try:
        with client(room, FIRST) as http:
            for path, body in [*asked, *((f"/slots/{slot}?action=restore", FILE) for slot in slots)]:
                http.post(path, json=body).raise_for_status()
    except httpx.HTTPError as error:
        raise CourseError(
            f"the model's server did not prepare its slots ({type(error).__name__}: {error}).\n"
            "Is something else using this machine? Look:  top"
        ) from error


def beginning(server: Server) -> dict[str, Any]:
    """A request with smolagents' system prompt and hardly more."""
    prompt = code_agent(connect(server)).system_prompt
    messages = [{"role": "system", "content": prompt}, {"role": "user", "content": "?"}]
    return {"messages": messages, "max_tokens": 1, "id_slot": 0}


def client(room: Room, seconds: float) -> httpx.Client:
    assert room.server is not None
    headers = {"Authorization": f"Bearer {room.keys[0]}"}
    return httpx.Client(
        base_url=room.server.url, headers=headers, timeout=max(seconds, 10.0), trust_env=False
    )


def replayed(room: Room, clients: int, bodies: Sequence[Any], deadline: Deadline) -> Plain:
    """Each client sends the requests one after the other. Good answers before the deadline count."""
    began = time.monotonic()
    ends: list[float] = []

    def send(_: int) -> None:
        with client(room, deadline.left) as http:
            for body in bodies:
                if not deadline.left:
                    return
                try:
                    answer = http.post("/v1/chat/completions", json=body)
                    answer.raise_for_status()
                except httpx.HTTPError:
                    return
                ends.append(time.monotonic())

    with together(clients, deadline, room.stop) as pool:
        list(pool.map(send, range(clients)))
    return Plain(clients, len(ends), max(ends, default=began) - began)


def killed(room: Room, deadline: Deadline) -> float:
    """Kill the model's server as a lack of memory would; returns the seconds until the hub has it running again."""
    assert room.server is not None
    assert room.server.pid is not None
    time.sleep(INTO)
    os.kill(room.server.pid, signal.SIGKILL)
    began = time.monotonic()
    while room.answers() and deadline.left:  # until the port is closed
        time.sleep(0.05)
    while not room.answers() and deadline.left:
        time.sleep(0.1)
    return time.monotonic() - began


@contextmanager
def watched(room: Room) -> Iterator[list[Memory]]:
    """A list with the most memory that was used while the block ran."""
    most, over = [Memory()], threading.Event()

    def watch() -> None:
        while True:
            most[0] = most[0].most(room.memory())
            if over.wait(EVERY):
                return

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()
