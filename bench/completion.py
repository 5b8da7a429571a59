"""Completions of random tokens, for measurements that neither an agent nor a cache should influence."""

import random
from typing import Any

from course.server import Server


def drawn(count: int, seed: int) -> list[int]:
    """`count` tokens of the embedded model's vocabulary (or a larger one), the same for the same seed."""
    rng = random.Random(seed)
    return [rng.randrange(1000, 40000) for _ in range(count)]


def complete(server: Server, prompt: list[int], generated: int, *, cached: bool = False) -> dict[str, Any]:
    """llama-server's `timings` for generating exactly `generated` tokens. `cached` allows it to use the prompt cache."""
    body = {"prompt": prompt, "n_predict": generated, "ignore_eos": True, "temperature": 0}
    timings: dict[str, Any] = server.post("/completion", {**body, "cache_prompt": cached})["timings"]
    return timings
