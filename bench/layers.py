"""All layers on the CPU against all on the GPU: the server of lesson 01 and the leopard run.

Starts the same server with -ngl 0 and with -ngl 99, one after the other, and times the start, a prompt, an answer and
a whole run. Not measured without an NVIDIA GPU.
"""

import time

from bench import machine, recorded, speed
from bench.rows import NotMeasured, Row, short
from bench.setting import Setting


def one(setting: Setting, layers: int) -> dict[str, float]:
    """`start` and `leopard` (a warm run) in seconds, `prompt` and `generation` in tokens per second."""
    server = setting.server(gpu_layers=layers)
    began = time.perf_counter()
    with server:
        started = time.perf_counter() - began
        prompts, generations = speed.served(server, 2)
        runs = [recorded.timed(lambda: recorded.Recorded(server, setting.folder)) for _ in range(2)]
    return {
        "start": started,
        "leopard": runs[-1].seconds,
        "prompt": max(prompts),
        "generation": max(generations),
        "answered": float("9.62" in runs[-1].answer),
    }


def measure(setting: Setting) -> list[Row]:
    if machine.gpu() is None:
        raise NotMeasured("there is no NVIDIA GPU")
    return rows(one(setting, 0), one(setting, 99))


def rows(cpu: dict[str, float], gpu: dict[str, float]) -> list[Row]:
    """Pure: how many times faster each is on the GPU."""
    made = []
    for key, what, unit in (
        ("leopard", "the leopard run", "s"),
        ("start", "the server's start (lesson 01)", "s"),
    ):
        value = f"{short(cpu[key])} {unit} with -ngl 0 ÷ {short(gpu[key])} {unit} with -ngl 99"
        made.append(Row(what, cpu[key] / gpu[key], value, data={"cpu": cpu, "gpu": gpu}))
    for key, what in (("prompt", "prompt processing"), ("generation", "generation")):
        value = f"{short(gpu[key])} t/s with -ngl 99 ÷ {short(cpu[key])} t/s with -ngl 0"
        made.append(Row(what, gpu[key] / cpu[key], value))
    return made
