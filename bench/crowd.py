"""Agents per minute, 1 to 32 at a time, ÷ what the engine can do with batches of that size.

Does: lets N agents work at once on one server with enough slots, each with a question of its own, and counts those that
are done per minute; measures, with requests that nobody waits between (`llama-batched-bench` where there is one, else
N raw completions at once), how long the engine takes for as many tokens read and written. Does not: judge answers; a
question's figure may be wrong, its tokens count all the same. Without guessed tokens (bench/drafts.py), as the batches
have none.

The ratio is the part of the engine that agents can use: what is missing goes to Python, to waiting for one another,
and to requests that do not come at the same moment.
"""

import json
import random
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.rows import NotMeasured, Row, short
from bench.setting import Setting, flag, tool
from course import corpus
from course.agent import code_agent, connect
from course.server import Server
from course.tape import Tape
from course.turns import turns

SLOT = 5120
"""Tokens of context for each agent: a run of the embedded model ends below 4500."""
STEPS = 4


@dataclass(frozen=True)
class Crowd:
    """`at_once` agents, `done` in all, in `seconds`; what the server read and wrote for them, in tokens."""

    at_once: int
    done: int
    seconds: float
    read: int
    written: int
    failed: int = 0

    @property
    def per_minute(self) -> float:
        return 60 * (self.done - self.failed) / self.seconds


def sizes(most: int) -> list[int]:
    """1, 2, 4, … up to `most`."""
    found = [1]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found


def questions(count: int) -> list[str]:
    """As many different ones, always the same: animals and places of the course's pages."""
    about = sorted({page.about for page in corpus.load() if page.about})
    names = random.Random(1).sample(about, len(about))
    pairs = [(a, b) for shift in range(1, len(names)) for a, b in zip(names, names[shift:], strict=False)]
    return [
        f"How many seconds would it take for a {a} at full speed to run through {b}?"
        for a, b in pairs[:count]
    ]


def one(server: Server, question: str, path) -> tuple[int, int, bool]:
    """Tokens read and written by one agent, and whether it failed."""
    tape = Tape(path)
    agent = code_agent(connect(server, tape), max_steps=STEPS, verbosity_level=-1)
    try:
        agent.run(question)
        failed = False
    except Exception:  # an overflow, a refused request: it is counted, and the others go on
        failed = True
    made = turns(tape.records())
    return sum(t.tokens.new or 0 for t in made), sum(t.tokens.generated or 0 for t in made), failed


def crowd(setting: Setting, server: Server, at_once: int) -> Crowd:
    asked = questions(max(at_once, 2))
    paths = [setting.folder / f"crowd-{at_once}-{i}.tape.jsonl" for i in range(len(asked))]
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        done = list(pool.map(lambda job: one(server, *job), zip(asked, paths, strict=True)))
    seconds = time.perf_counter() - began
    return Crowd(at_once, len(done), seconds, *(sum(part) for part in zip(*done, strict=True)))


def together(server: Server, at_once: int, read: int, written: int) -> float:
    """Seconds for `at_once` raw completions of so many tokens each, all sent at the same moment."""

    def complete(seed: int) -> None:
        tokens = [random.Random(seed).randrange(1000, 40000) for _ in range(read)]
        body = {"prompt": tokens, "n_predict": written, "ignore_eos": True, "temperature": 0}
        server.post("/completion", {**body, "cache_prompt": False})

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(complete, range(at_once)))
    return time.perf_counter() - began


def batched(command: list[str], at_once: int, read: int, written: int) -> float:
    """The same by llama-batched-bench: no server, no HTTP, no sampling."""
    size = [
        "-npp",
        str(read),
        "-ntg",
        str(written),
        "-npl",
        str(at_once),
        "-c",
        str(at_once * (read + written)),
    ]
    asked = [*command, *size, "--output-format", "jsonl"]
    return parse(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=1800).stdout)


def parse(said: str) -> float:
    """Seconds of the last batch in llama-batched-bench's JSON lines."""
    lines = [line[line.index("{") :] for line in said.splitlines() if '"t_tg"' in line]
    return json.loads(lines[-1])["t"]


def measure(setting: Setting) -> list[Row]:
    counts = sizes(setting.most)
    room = {"parallel": counts[-1], "context": counts[-1] * SLOT}
    with setting.server(**room, spec_type="none") as server:
        found = [crowd(setting, server, count) for count in counts]
        try:
            same = ("-m", "-ngl", *(["-t"] if "-t" in server.command else []))
            program = [tool("llama-batched-bench"), *(p for f in same for p in (f, flag(server.command, f)))]
        except NotMeasured:
            program = None
            limits = [together(server, c.at_once, *share(c)) for c in found]
    if program:
        limits = [batched(program, c.at_once, *share(c)) for c in found]
    return rows(found, limits, "llama-batched-bench" if program else "raw completions at once")


def share(crowd: Crowd) -> tuple[int, int]:
    """Tokens that one agent had read and written, on average; at least one of each."""
    return max(1, crowd.read // crowd.done), max(1, crowd.written // crowd.done)


def rows(found: Sequence[Crowd], limits: Sequence[float], by: str) -> list[Row]:
    """Pure: `limits` are the engine's seconds for one batch of that many agents' tokens."""
    made = []
    for crowd, seconds in zip(found, limits, strict=True):
        limit = 60 * crowd.at_once / seconds
        read, written = share(crowd)
        made.append(
            Row(
                f"{crowd.at_once} at once ÷ {by}",
                crowd.per_minute / limit,
                f"{short(crowd.per_minute)} ÷ {short(limit)} agents per minute, each {read} tokens read, "
                f"{written} written" + (f"; {crowd.failed} failed" if crowd.failed else ""),
                limit=0.8,
                at_least=True,
                data={**vars(crowd), "limit_seconds": seconds},
            )
        )
    return made
