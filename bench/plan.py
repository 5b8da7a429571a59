"""Which measurements there are: a name, its module, and the heading and introduction of its table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """`module` has a function `measure(setting) -> list[Row]`. `about` is one sentence: what is divided by what."""

    name: str
    module: str
    title: str
    about: str


PLAN = (
    Measurement(
        "leopard", "bench.leopard", "The leopard run against its goal",
        "Seconds for the leopard question on a server that has already processed the system prompt, divided by the goal of "
        "12 seconds on two cores.",
    ),
    Measurement(
        "recorded", "bench.recorded", "What recording costs",
        "Seconds of the leopard run with a tape, divided by the same run without one.",
    ),
    Measurement(
        "tap", "bench.tapped", "What the tap costs",
        "Requests through `course tap`, divided by the same requests sent directly. The server answers immediately, so "
        "look at the milliseconds rather than the ratio.",
    ),
    Measurement(
        "reprocessed", "bench.reprocessed", "Prompt tokens reprocessed",
        "Prompt tokens that the server processed after the first step of a run, divided by those that cannot have been in "
        "its cache: 1.00 means that nothing was processed twice.",
    ),
    Measurement(
        "suite", "bench.suite", "The notebooks as tests",
        "Seconds to run and compare all notebooks, divided by the seconds in which a server was busy, and by those of "
        "other programs that only execute them.",
    ),
    Measurement(
        "speed", "bench.speed", "The server against llama-bench",
        "Tokens per second of the server, divided by those of llama-bench with the same model, build, threads and layers.",
    ),
    Measurement(
        "attention", "bench.attention", "Cost per token at context depth",
        "Milliseconds per token deep in the context, divided by those at its beginning; then with other attention and KV "
        "cache flags, divided by those with llama-server's defaults.",
    ),
    Measurement(
        "speculative", "bench.speculative", "Speculative decoding",
        "Seconds of a run with speculative decoding from n-grams, divided by the same run without it.",
    ),
    Measurement(
        "crowd", "bench.crowd", "Many agents at once",
        "Agents that finish per minute on one server, divided by what the engine alone could do in batches of that size.",
    ),
    Measurement(
        "layers", "bench.layers", "CPU and GPU",
        "How many times faster the server is with all layers on the GPU than with all on the CPU.",
    ),
    Measurement(
        "clone", "bench.clone", "From a fresh clone to the first answer",
        "Seconds of each step from `git clone --depth 1` to the first answer, and its share of the whole.",
    ),
    Measurement(
        "workshop", "bench.workshop", "A room full of learners",
        "Steps of all learners' agents per minute, through a hub, divided by the same requests from plain clients; seconds "
        "per step, failures, fairness and memory.",
    ),
    Measurement(
        "lessons", "bench.lessons", "The lessons on this server",
        "Cells that passed, as a share of those that apply to this server's model.",
    ),
)  # fmt: skip
NAMES = [one.name for one in PLAN]
BY_NAME = {one.name: one for one in PLAN}
BY_HAND = ("workshop", "lessons")
"""Not run by `python -m bench`: `python -m bench.workshop` adds the first, tests/gpu/run the second from a test report."""
