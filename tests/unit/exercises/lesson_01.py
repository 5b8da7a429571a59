"""Right and wrong answers to the exercises of lesson 01. A small program stands in for llama-server."""

import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import takewhile
from types import SimpleNamespace

from course.check.answers import compare
from course.errors import CourseError
from course.server.connection import Connection
from course.server.registry import free_port, is_free
from support.exercises import Answers

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


def speeds(timings):
    return {
        "prompt": timings["prompt_n"] / timings["prompt_ms"] * 1000,
        "generation": timings["predicted_n"] / timings["predicted_ms"] * 1000,
    }


def speeds_by_name(timings):
    halves = {"generation": "predicted", "prompt": "prompt"}
    return {half: timings[f"{key}_n"] / (timings[f"{key}_ms"] / 1000) for half, key in halves.items()}


def speeds_rounded(timings):
    return {half: f"{speed:.3f}" for half, speed in speeds(timings).items()}


def speeds_with_cache(timings):
    return speeds({**timings, "prompt_n": timings["prompt_n"] + timings["cache_n"]})


def per_millisecond(timings):
    return {half: speed / 1000 for half, speed in speeds(timings).items()}


def seconds_per_token(timings):
    return {half: 1 / speed for half, speed in speeds(timings).items()}


def generation_only(timings):
    return speeds(timings)["generation"]


def kept(cached, prompt):
    same = 0
    while same < min(len(cached), len(prompt) - 1) and cached[same] == prompt[same]:
        same += 1
    return same


def kept_by_pairs(cached, prompt):
    pairs = zip(cached, prompt[:-1], strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def kept_by_lengths(cached, prompt):
    return max(n for n in range(len(prompt)) if cached[:n] == prompt[:n])


def kept_wholly(cached, prompt):
    return max(n for n in range(len(prompt) + 1) if cached[:n] == prompt[:n])


def kept_anywhere(cached, prompt):
    return len(set(cached) & set(prompt[:-1]))


def kept_at_equal_places(cached, prompt):
    return sum(old == new for old, new in zip(cached, prompt[:-1], strict=False))


def processed(cached, prompt):
    return len(prompt) - kept(cached, prompt)


UP = {"yours": Yours(1024), "compare": compare, "CourseError": CourseError}
STARTS = {
    "engine": SimpleNamespace(find=lambda: SimpleNamespace(command=[sys.executable, "-c", SERVER])),
    "shlex": shlex,
    "subprocess": subprocess,
    "tempfile": tempfile,
    "time": time,
    "suppress": suppress,
    "is_free": is_free,
    "Connection": Connection,
    "CourseError": CourseError,
}

ANSWERS = {
    "01.1": Answers(
        right=[1024, "1024", " 1,024 tokens", [1024]], wrong=[1000, "more", None, True], given=UP
    ),
    "01.2": Answers(
        right=[speeds, speeds_by_name, speeds_rounded],
        wrong=[speeds_with_cache, per_millisecond, seconds_per_token, generation_only],
    ),
    "01.3": Answers(
        right=[kept, kept_by_pairs, kept_by_lengths],
        wrong=[kept_wholly, kept_anywhere, kept_at_equal_places, processed],
    ),
    "01.4": Answers(
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
        given=STARTS,
    ),
    "01.5": Answers(
        right=[7, "7", "(7)", [7]],
        wrong=[0, 1, "refused", None],
        given={**UP, "yours": Yours(), "suppress": suppress},
    ),
}
