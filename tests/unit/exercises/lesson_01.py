"""Right and wrong answers to the exercises of lesson 01. A small program stands in for llama-server."""

import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import httpx

from authoring import lessons
from course.check.answers import compare
from course.errors import CourseError
from course.server.connection import Connection
from course.server.registry import free_port, is_free, next_free
from support.exercises import Answers, cells

SERVER = """
import argparse, http.server, json, sys

class Refusing(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"error: {message}")

flags = Refusing(allow_abbrev=False)
flags.add_argument("-m")
flags.add_argument("-c", "--ctx-size", type=int, default=4096)
flags.add_argument("--port", type=int)
given = flags.parse_args()
if given.m != "model.gguf":
    sys.exit("0.00 E failed to load model")

class Props(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"default_generation_settings": {"n_ctx": given.ctx_size}}).encode())

http.server.HTTPServer(("127.0.0.1", given.port), Props).serve_forever()
"""
PORT = str(free_port())
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
    """What the lesson's own cells define for its checks: the class that runs a server's command."""
    source = next(path for path in lessons.sources() if path.name.startswith("01_"))
    names = {"subprocess": subprocess, "time": time, "httpx": httpx, "suppress": suppress, "Path": Path}
    names |= {"is_free": is_free, "atexit": SimpleNamespace(register=lambda _: None)}
    names |= {"tempfile": __import__("tempfile")}
    exec(next(code for code in cells(source) if "class Started" in code), names)
    engine = SimpleNamespace(find=lambda: SimpleNamespace(command=[sys.executable, "-c", SERVER]))
    return {**names, "shlex": shlex, "engine": engine, "Connection": Connection, "CourseError": CourseError}


def state(url):
    try:
        answer = httpx.get(f"{url}/health", timeout=1, trust_env=False)
    except httpx.ConnectError:
        return "down"
    except httpx.TimeoutException:
        return "stuck"
    return {200: "ready", 503: "loading"}[answer.status_code]


def state_with_urllib(url):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{url}/health", timeout=1)
    except urllib.error.HTTPError:
        return "loading"
    except urllib.error.URLError:
        return "down"
    except TimeoutError:
        return "stuck"
    return "ready"


def state_with_connection(url):
    with httpx.Client(timeout=1, trust_env=False) as client:
        try:
            status = client.get(url + "/health").status_code
        except httpx.TransportError as error:
            return "stuck" if "timed out" in str(error) else "down"
    return "ready" if status == 200 else "loading"


def never_stuck(url):
    try:
        return (
            "ready"
            if httpx.get(f"{url}/health", timeout=1, trust_env=False).status_code == 200
            else "loading"
        )
    except httpx.HTTPError:
        return "down"


def up_or_down(url):
    return "down" if state(url) == "down" else "ready"


def asks_the_wrong_page(url):
    return state(url.replace("/health", "") + "/models")


def status_only(url):
    return httpx.get(f"{url}/health", timeout=1, trust_env=False).status_code


UP = {
    "yours": Yours(1024),
    "compare": compare,
    "CourseError": CourseError,
    "progress": solved(),
}
STOPPED = {
    **UP,
    "yours": Yours(),
    "suppress": suppress,
    "progress": solved("01.1"),
    "shutil": SimpleNamespace(which=lambda name: sys.executable),
    "subprocess": SimpleNamespace(run=lambda words: subprocess.run([words[0], "-c", CURL])),
}
WEB = {
    "socket": socket,
    "BaseHTTPRequestHandler": BaseHTTPRequestHandler,
    "ThreadingHTTPServer": ThreadingHTTPServer,
    "Thread": Thread,
    "ExitStack": ExitStack,
    "next_free": next_free,
}

ANSWERS = {
    "01.1": Answers(
        right=[1024, "1024", " 1,024 tokens", [1024]], wrong=[1000, "more", None, True], given=UP
    ),
    "01.2": Answers(
        right=[state, state_with_urllib, state_with_connection],
        wrong=[never_stuck, up_or_down, asks_the_wrong_page, status_only],
        given=WEB,
    ),
    "01.3": Answers(
        right=[
            ["-m", "model.gguf", "-c", "512", "--port", PORT],
            ["--port", int(PORT), "--ctx-size", 512, "-m", "model.gguf"],
            f"-m model.gguf --ctx-size 512 --port {PORT}",
        ],
        wrong=[
            ["-m", "model.gguf", "--ctx-sizes", "512", "--port", PORT],
            ["-m", "pointer.gguf", "-c", "512", "--port", PORT],
            ["-m", "model.gguf", "--port", PORT],
            ["-m", "model.gguf", "-c", "512"],
            None,
        ],
        given=helpers,
    ),
    "01.4": Answers(right=[7, "7", "(7)", [7]], wrong=[0, 1, "refused", None], given=STOPPED),
}
