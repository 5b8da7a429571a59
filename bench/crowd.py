"""Agents per minute, 1 to 32 at a time, ÷ what the engine can do with batches of that size.

Does: lets N agents work at once on one server with enough slots, each with a question of its own, and counts those that
are done per minute; measures how fast the engine reads and writes in batches of N, with contexts as long as the agents'
(`llama-batched-bench` where there is one, else N raw completions at once), and how long it would take so for the tokens
that the agents had read anew and written. Does not: judge answers; a question's figure may be wrong, its tokens count
all the same. Without guessed tokens (bench/drafts.py), as the batches have none.

The ratio is the part of the engine that agents can use: what is missing goes to Python, to waiting for one another,
and to requests that do not come at the same moment.
"""

import json
import random
import statistics
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.completion import complete, drawn
from bench.rows import NotMeasured, Row, short
from bench.setting import Setting, flag, tool
from course.agent import code_agent, connect
from course.server import Server
from course.tape import Tape
from course.tools import corpus
from course.turns import Tokens, turns

SLOT = 5120
"""Tokens of context for each agent: a run of the embedded model ends below 4500."""
STEPS = 4


WRITTEN = 64
"""Tokens that each sequence of a batch writes, enough for a speed."""


@dataclass(frozen=True)
class Crowd:
    """`at_once` agents, `done` in all, in `seconds`; what the server read anew and wrote for them, in tokens.

    `context` is what the writing of a token looks back at: the mean of all completions, in tokens.
    """

    at_once: int
    done: int
    seconds: float
    read: int
    written: int
    context: int
    failed: int = 0

    @property
    def per_minute(self) -> float:
        return 60 * (self.done - self.failed) / self.seconds


@dataclass(frozen=True)
class Speed:
    """Tokens per second of a whole batch: `reading` prompts, `writing` after them."""

    reading: float
    writing: float

    def per_minute(self, crowd: Crowd) -> float:
        """Agents such as those of this crowd, if nothing but the engine took time."""
        return 60 * crowd.done / (crowd.read / self.reading + crowd.written / self.writing)


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


def one(server: Server, question: str, path: Path) -> tuple[list[Tokens], bool]:
    """The tokens of one agent's completions, and whether it failed."""
    tape = Tape(path)
    agent = code_agent(connect(server, tape), max_steps=STEPS, verbosity_level=-1)
    try:
        agent.run(question)
        failed = False
    except Exception:  # an overflow, a refused request: it is counted, and the others go on
        failed = True
    return [turn.tokens for turn in turns(tape.records())], failed


def crowd(setting: Setting, server: Server, at_once: int) -> Crowd:
    asked = questions(max(at_once, 2))
    paths = [setting.folder / f"crowd-{at_once}-{i}.tape.jsonl" for i in range(len(asked))]
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        done = list(pool.map(lambda job: one(server, *job), zip(asked, paths, strict=True)))
    seconds = time.perf_counter() - began
    return counted(at_once, seconds, done)


def counted(at_once: int, seconds: float, done: Sequence[tuple[list[Tokens], bool]]) -> Crowd:
    """Pure. A completion that failed has no tokens."""
    made = [tokens for one, _ in done for tokens in one if tokens.generated]
    return Crowd(
        at_once=at_once,
        done=len(done),
        seconds=seconds,
        read=sum(tokens.new or 0 for tokens in made),
        written=sum(tokens.generated for tokens in made),
        context=round(statistics.mean(t.prompt + t.generated / 2 for t in made)),
        failed=sum(failed for _, failed in done),
    )


def together(server: Server, at_once: int, context: int) -> Speed:
    """Raw completions, all sent at the same moment: the first round writes one token, the second writes more."""

    def seconds(written: int) -> float:
        prompts = [drawn(context, seed) for seed in range(at_once)]
        began = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda prompt: complete(server, prompt, written), prompts))
        return time.perf_counter() - began

    read, both = seconds(1), seconds(WRITTEN + 1)
    return Speed(at_once * context / read, at_once * WRITTEN / (both - read))


def batched(command: list[str], at_once: int, context: int) -> Speed:
    """The same by llama-batched-bench: no server, no HTTP, no sampling."""
    room = at_once * (context + WRITTEN)
    size = {"-npp": context, "-ntg": WRITTEN, "-npl": at_once, "-c": room}
    asked = [*command, *(str(part) for pair in size.items() for part in pair), "--output-format", "jsonl"]
    return parse(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=1800).stdout)


def parse(said: str) -> Speed:
    """The last batch in llama-batched-bench's JSON lines."""
    lines = [line[line.index("{") :] for line in said.splitlines() if '"t_tg"' in line]
    last = json.loads(lines[-1])
    return Speed(last["speed_pp"], last["speed_tg"])


def measure(setting: Setting) -> list[Row]:
    counts = sizes(setting.most)
    room = {"parallel": counts[-1], "context": counts[-1] * SLOT}
    found, limits = [], []
    with setting.server(**room, spec_type="none") as server:
        program = batches(server)
        for count in counts:
            found.append(crowd(setting, server, count))
            size = (count, found[-1].context)
            limits.append(batched(program, *size) if program else together(server, *size))
            (row,) = rows(found[-1:], limits[-1:], "the engine")
            setting.say(f"   {row.what}: {row.ratio:.2f}, {row.value}")
    return rows(found, limits, "llama-batched-bench" if program else "raw completions at once")


def batches(server: Server) -> list[str] | None:
    """llama-batched-bench with the model and the settings of this server, if the build has it."""
    same = ("-m", "-ngl", *(["-t"] if "-t" in server.command else []))
    try:
        return [tool("llama-batched-bench"), *(p for f in same for p in (f, flag(server.command, f)))]
    except NotMeasured:
        return None


def rows(found: Sequence[Crowd], limits: Sequence[Speed], by: str) -> list[Row]:
    """Pure: `limits` are the engine's speeds with batches of that many sequences."""
    made = []
    for crowd, speed in zip(found, limits, strict=True):
        limit = speed.per_minute(crowd)
        made.append(
            Row(
                f"{crowd.at_once} at once ÷ {by}",
                crowd.per_minute / limit,
                f"{short(crowd.per_minute)} ÷ {short(limit)} agents per minute, each {crowd.read // crowd.done} "
                f"tokens read, {crowd.written // crowd.done} written"
                + (f"; {crowd.failed} failed" if crowd.failed else ""),
                limit=0.8,
                at_least=True,
                data={**vars(crowd), "engine_reading": speed.reading, "engine_writing": speed.writing},
            )
        )
    return made
