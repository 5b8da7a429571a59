"""Agents per minute, 1 to 32 at a time, ÷ what the engine can do with batches of that size.

N agents work at once on one server with enough slots, each on its own question. How many finish per minute is counted.
Then the engine's prompt processing and generation are timed in batches of N, with contexts as long as the
agents' (by `llama-batched-bench` if the build has it, otherwise by N raw completions at once). That gives the time
the engine alone would need for the prompt tokens that it processed for the agents and for those it generated. Answers
are not judged. Without speculative decoding, since the batches have none.

The ratio is the share of the engine that agents can use. The rest goes to Python, to agents that wait for one
another, and to requests that do not arrive at the same moment.
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
"""Context for each agent, in tokens: a run of the embedded model stays below 4500."""
STEPS = 4
GENERATED = 64
"""Tokens that each sequence of a batch generates, enough to time it."""


@dataclass(frozen=True)
class Crowd:
    """`at_once` agents, `done` in all, in `seconds`.

    `processed` are the prompt tokens that the server processed for all of them, without those from its cache, and
    `generated` what it generated. `context` is how many tokens a generated one attends to, the mean of all completions.
    """

    at_once: int
    done: int
    seconds: float
    processed: int
    generated: int
    context: int
    failed: int = 0

    @property
    def per_minute(self) -> float:
        return 60 * (self.done - self.failed) / self.seconds


@dataclass(frozen=True)
class Speed:
    """Tokens per second of a whole batch: of its prompts, and of the generation after them."""

    prompt: float
    generation: float

    def per_minute(self, crowd: Crowd) -> float:
        """How many agents like those of this crowd would finish if only the engine took time."""
        return 60 * crowd.done / (crowd.processed / self.prompt + crowd.generated / self.generation)


def sizes(most: int) -> list[int]:
    """1, 2, 4, … up to `most`."""
    found = [1]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found


def questions(count: int) -> list[str]:
    """`count` different ones, always the same, about animals and places of the course's pages."""
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
    except Exception:  # an overflow, a refused request: counted, while the others continue
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
        processed=sum(tokens.new or 0 for tokens in made),
        generated=sum(tokens.generated or 0 for tokens in made),
        context=round(statistics.mean((t.prompt or 0) + (t.generated or 0) / 2 for t in made)),
        failed=sum(failed for _, failed in done),
    )


def raw(server: Server, at_once: int, context: int) -> Speed:
    """By raw completions, all sent at once: those of the first round generate one token, those of the second more."""

    def seconds(generated: int) -> float:
        prompts = [drawn(context, seed) for seed in range(at_once)]
        began = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda prompt: complete(server, prompt, generated), prompts))
        return time.perf_counter() - began

    prompts, both = seconds(1), seconds(GENERATED + 1)
    return Speed(at_once * context / prompts, at_once * GENERATED / (both - prompts))


def batched(command: list[str], at_once: int, context: int) -> Speed:
    """By llama-batched-bench: no server, no HTTP, no sampling."""
    room = at_once * (context + GENERATED)
    size = {"-npp": context, "-ntg": GENERATED, "-npl": at_once, "-c": room}
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
    found: list[Crowd] = []
    limits: list[Speed] = []
    with setting.server(**room, spec_type="none") as server:
        program = batches(server)
        for count in counts:
            found.append(crowd(setting, server, count))
            size = (count, found[-1].context)
            limits.append(batched(program, *size) if program else raw(server, *size))
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
                f"{short(crowd.per_minute)} ÷ {short(limit)} agents per minute, each with "
                f"{crowd.processed // crowd.done} prompt tokens processed, {crowd.generated // crowd.done} generated"
                + (f"; {crowd.failed} failed" if crowd.failed else ""),
                limit=0.8,
                at_least=True,
                data={**vars(crowd), "engine_prompt": speed.prompt, "engine_generation": speed.generation},
            )
        )
    return made
