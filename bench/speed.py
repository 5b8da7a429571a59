"""Prompt and generation speed of the server ÷ llama-bench, same model, same build, same threads and layers.

Sends random tokens to /completion, so that no cache helps, and reads the server's own timings; then asks llama-bench
for the same prompt length, and for generation after a prompt of that length. llama-bench does not sample and the
server does: what that costs is part of the ratio. Without speculative decoding, which llama-bench does not have; see
speculative.py.
"""

import json
import statistics
import subprocess

from bench.completion import complete, drawn
from bench.rows import Row, short, spread
from bench.setting import Setting, flag, tool
from course.server import Server

PROMPT, GENERATED = 2048, 128


def served(server: Server, runs: int) -> tuple[list[float], list[float]]:
    """Tokens per second of each run: (prompt, generation)."""
    prompts, generations = [], []
    for seed in range(runs + 1):
        timings = complete(server, drawn(PROMPT, seed), GENERATED)
        if seed:  # the first one warms up
            prompts.append(timings["prompt_per_second"])
            generations.append(timings["predicted_per_second"])
    return prompts, generations


def command(program: str, server_command: list[str], runs: int) -> list[list[str]]:
    """llama-bench twice: the prompt alone, and generation at its depth."""
    same = [
        "-m",
        flag(server_command, "-m"),
        "-ngl",
        flag(server_command, "-ngl"),
        "-r",
        str(runs),
        "-o",
        "json",
    ]
    if "-t" in server_command:
        same += ["-t", flag(server_command, "-t")]
    prompt = ["-p", str(PROMPT), "-n", "0"]
    generation = ["-p", "0", "-n", str(GENERATED), "-d", str(PROMPT)]
    return [[program, *same, *prompt], [program, *same, *generation]]


def parse(said: str) -> float:
    """Tokens per second from llama-bench's JSON, which has one test."""
    (test,) = json.loads(said[said.index("[") :])
    return float(test["avg_ts"])


def measure(setting: Setting) -> list[Row]:
    program = tool("llama-bench")
    with setting.server(spec_type="none") as server:
        prompts, generations = served(server, setting.runs)
        commands = command(program, server.command, setting.runs)
    limits = [
        parse(subprocess.run(one, capture_output=True, text=True, check=True, timeout=1800).stdout)
        for one in commands
    ]
    return rows(prompts, generations, limits)


def rows(prompts: list[float], generations: list[float], limits: list[float]) -> list[Row]:
    def row(what: str, ours: list[float], limit: float) -> Row:
        value = f"{spread(ours)} t/s ÷ {short(limit)} t/s"
        return Row(what, statistics.median(ours) / limit, value, data={"served": ours, "llama-bench": limit})

    return [
        row(f"processing a prompt of {PROMPT} tokens ÷ llama-bench", prompts, limits[0]),
        row(f"generating {GENERATED} tokens after it ÷ llama-bench", generations, limits[1]),
    ]
