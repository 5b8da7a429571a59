"""Which measurements there are: a name, its module, and the heading of its table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """`module` has a function `measure(setting) -> list[Row]`."""

    name: str
    module: str
    title: str


PLAN = [
    Measurement("leopard", "bench.leopard", "The leopard run beside its goal"),
    Measurement("recorded", "bench.recorded", "What recording costs"),
    Measurement("tap", "bench.tapped", "What the tap costs"),
    Measurement("reread", "bench.reread", "Tokens that are read again"),
    Measurement("suite", "bench.suite", "The notebooks as tests"),
    Measurement("speed", "bench.speed", "The server beside llama-bench"),
    Measurement("attention", "bench.attention", "What the tokens before it cost a token"),
    Measurement("drafts", "bench.drafts", "Guessed tokens"),
    Measurement("crowd", "bench.crowd", "Many agents at once"),
    Measurement("layers", "bench.layers", "CPU and GPU"),
    Measurement("clone", "bench.clone", "From a fresh clone to the first answer"),
    Measurement("lessons", "bench.lessons", "The lessons on this server"),
]
NAMES = [one.name for one in PLAN]
BY_HAND = ("lessons",)
"""Not run by `python -m bench`: tests/gpu/run adds it from a test report."""
