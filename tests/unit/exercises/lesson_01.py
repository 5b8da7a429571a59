"""Right and wrong answers to the exercises of lesson 01. A small program stands in for llama-server."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import httpx

from authoring import lessons
from course.check.answers import compare
from course.errors import CourseError
from course.server.connection import Connection
from course.server.registry import is_free, next_free
from support.exercises import Answers, defined

SERVER = """
import argparse, http.server, json, sys

class Refusing(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"error: {message}")

flags = Refusing(allow_abbrev=False)
flags.add_argument("-m")
flags.add_argument("-c", "--ctx-size", type=int, default=4096)
flags.add_argument("-np", "--parallel", type=int, default=1)
flags.add_argument("-kvu", "--kv-unified", action="store_true")
flags.add_argument("--port", type=int)
given = flags.parse_args()
if given.m != "model.gguf":
    sys.exit("0.00 E failed to load model")

shared = given.kv_unified
room = given.ctx_size if shared else given.ctx_size // given.parallel
print(f"0.00 I n_slots = {given.parallel}, n_ctx_slot = {room}, kv_unified = '{str(shared).lower()}'", flush=True)

class Props(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        props = {"default_generation_settings": {"n_ctx": room}, "total_slots": given.parallel}
        self.wfile.write(json.dumps(props).encode())

http.server.HTTPServer(("127.0.0.1", given.port), Props).serve_forever()
"""
PORT = str(next_free(20_000 + os.getpid() % 10_000))
"""Below those that a system gives to whoever asks for any: those are taken again by the time of the test."""
CURL = "import sys; sys.exit(7)"


class Yours:
    """The server in the learner's terminal: up, or gone if there is no room."""

    url = "http://127.0.0.1:8090"

    def __init__(self, room=None):
        self.room = room

    def props(self):
        return {"default_generation_settings": {"n_ctx": self.get("/props")}}

    def get(self, path):
        if self.room is None:
            raise CourseError(f"no server answers at {self.url}.")
        return self.room


def solved(*ids):
    """The progress of a learner who has solved these."""
    return SimpleNamespace(standings=lambda: {id: SimpleNamespace(solved=True) for id in ids})


def helpers():
    """What the lesson itself defines for its checks: the class that runs a server's command."""
    source = next(path for path in lessons.sources() if path.name.startswith("01_"))
    given = {"subprocess": subprocess, "time": time, "httpx": httpx, "suppress": suppress, "Path": Path}
    given |= {"is_free": is_free, "atexit": SimpleNamespace(register=lambda _: None), "tempfile": tempfile}
    _, started = defined(source, "asked", "Started", **given)
    engine = SimpleNamespace(find=lambda: SimpleNamespace(command=[sys.executable, "-c", SERVER]))
    names = {"Started": started, "shlex": shlex, "engine": engine, "Connection": Connection}
    return {**given, **names, "CourseError": CourseError}


UP = {
    "yours": Yours(1024),
    "compare": compare,
    "CourseError": CourseError,
    "progress": solved(),
}
STOPPED = {
    **UP,
    "yours": Yours(),
    "asked": lambda url: "refused",
    "progress": solved("01.1"),
    "shutil": SimpleNamespace(which=lambda name: sys.executable),
    "subprocess": SimpleNamespace(run=lambda words: subprocess.run([words[0], "-c", CURL])),
}
ANSWERS = {
    "01.1": Answers(
        right=[1024, "1024", " 1,024 tokens", [1024]], wrong=[1000, "more", None, True], given=UP
    ),
    "01.2": Answers(
        right=[
            ["-m", "model.gguf", "-c", "2048", "-np", "2", "--port", PORT],
            ["--port", int(PORT), "--ctx-size", 2048, "--parallel", 2, "-m", "model.gguf"],
            f"-m model.gguf --ctx-size 2048 -np 2 --port {PORT}",
        ],
        wrong=[
            ["-m", "model.gguf", "-c", "1024", "-np", "2", "--port", PORT],
            ["-m", "model.gguf", "-c", "1024", "-np", "1", "--port", PORT],
            ["-m", "model.gguf", "-c", "1024", "-np", "2", "-kvu", "--port", PORT],
            ["-m", "model.gguf", "-c", "4096", "-np", "2", "--port", PORT],
            ["-m", "pointer.gguf", "-c", "2048", "-np", "2", "--port", PORT],
            ["-m", "model.gguf", "-c", "2048", "-np", "2"],
            None,
        ],
        given=helpers,
    ),
    "01.3": Answers(
        right=[
            {"running": 0, "suspended": 28, "ended": 7},
            {"ended": "7", "running": "0", "suspended": "28"},
            {"running": [0], "suspended": [28], "ended": [7]},
        ],
        wrong=[
            {"running": 0, "suspended": 0, "ended": 7},
            {"running": 0, "suspended": 7, "ended": 7},
            {"running": 0, "suspended": 28, "ended": 0},
            {"running": 200, "suspended": 28, "ended": 7},
            7,
            None,
        ],
        given=STOPPED,
    ),
}
