"""A raw completion of random tokens, for measurements that no agent and no cache should help."""

import random

from course.server import Server


def drawn(count: int, seed: int) -> list[int]:
    """So many tokens of the embedded model's vocabulary (or of a larger one), the same for the same seed."""
    rng = random.Random(seed)
    return [rng.randrange(1000, 40000) for _ in range(count)]


def complete(server: Server, prompt: list[int], written: int, *, cached: bool = False) -> dict:
    """The server's timings of writing exactly so many tokens after these. `cached`: the prompt cache may help."""
    body = {"prompt": prompt, "n_predict": written, "ignore_eos": True, "temperature": 0}
    return server.post("/completion", {**body, "cache_prompt": cached})["timings"]
