"""What a token costs deep in the context, and how flags of llama-server change that.

Every token attends to all tokens before it. In a small model on a CPU, that soon takes longer than the rest of the
computation, and an agent's system prompt alone puts some 2,400 tokens there.

Takes turns between servers that differ only in these flags. Times generation after few tokens and after many, and prompt
processing after many (random tokens, no speculative decoding). Then asks the leopard question twice on a fresh server,
with speculative decoding. Does not show whether other questions get the same answers; `make eval` does.
"""

from dataclasses import dataclass
from functools import partial

from bench.completion import complete, drawn
from bench.recorded import Run, compared, plain, timed
from bench.rows import Row, paired, rotated, spread
from bench.setting import Setting
from course.server import Server

FEW, MANY, PROMPT, GENERATED = 16, 3500, 512, 32
"""Tokens."""
FLASH, OURS = "flash attention", "flash attention off, keys in Q8_0"
KINDS = {
    FLASH: ["-fa", "on", "-ctk", "f16"],
    "flash attention off": ["-fa", "off", "-ctk", "f16"],
    OURS: ["-fa", "off", "-ctk", "q8_0"],
}
"""The first is llama-server's default, the last is what the embedded profile asks for."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds per token: generated after FEW and after MANY tokens, and of a prompt that follows MANY."""

    few: float
    many: float
    prompt: float


def cost(server: Server, seed: int) -> Cost:
    tokens, new = drawn(MANY, 0), drawn(PROMPT, seed + 1)
    few = complete(server, new[:FEW], GENERATED, cached=True)
    complete(server, tokens, 1, cached=True)
    many = complete(server, [*tokens, new[0]], GENERATED, cached=True)
    prompt = complete(server, [*tokens, *new], 1, cached=True)
    return Cost(
        1000 / few["predicted_per_second"],
        1000 / many["predicted_per_second"],
        1000 / prompt["prompt_per_second"],
    )


def measure(setting: Setting) -> list[Row]:
    made: dict[str, list[Cost]] = {name: [] for name in KINDS}
    for round in range(setting.runs):
        for name in rotated(list(KINDS), round):
            with setting.server(spec_type="none", extra=KINDS[name]) as server:
                made[name].append(cost(server, round))
    ran: dict[str, list[tuple[Run, Run]]] = {FLASH: [], OURS: []}
    for round in range(setting.runs):
        for name in rotated(list(ran), round):
            with setting.server(extra=KINDS[name]) as server:
                ask = partial(timed, partial(plain, server))
                ran[name].append((ask(), ask()))
    return [*rows(made), *whole(ran)]


def rows(made: dict[str, list[Cost]]) -> list[Row]:
    """Pure: the cost of many tokens with flash attention, then each other kind ÷ that."""
    base = made[FLASH]
    data = {name: [vars(one) for one in costs] for name, costs in made.items()}
    few, many = [c.few for c in base], [c.many for c in base]
    first = Row(
        f"{FLASH}: generation after {MANY:,} tokens ÷ after {FEW}",
        paired(many, few), f"{spread(many)} ms ÷ {spread(few)} ms per token", data=data,
    )  # fmt: skip
    others = [name for name in made if name != FLASH]
    return [first, *(row for name in others for row in _against(name, made[name], base))]


def _against(name: str, costs: list[Cost], base: list[Cost]) -> list[Row]:
    parts = (
        ("generation", [c.many for c in costs], [c.many for c in base]),
        ("prompt processing", [c.prompt for c in costs], [c.prompt for c in base]),
    )
    return [
        Row(
            f"{name}: {doing} after {MANY:,} tokens ÷ with it",
            paired(ours, theirs),
            f"{spread(ours)} ms ÷ {spread(theirs)} ms per token",
        )
        for doing, ours, theirs in parts
    ]


def whole(ran: dict[str, list[tuple[Run, Run]]]) -> list[Row]:
    """Pure: seconds of a server's first run and of its second. The row has failed if the answers differ."""
    made = []
    for at, what in enumerate(("a server's first question", "the same question again")):
        runs = {name: [both[at] for both in ran[name]] for name in (OURS, FLASH)}
        answers = {run.answer for some in runs.values() for run in some}
        made.append(compared(f"{OURS}: {what} ÷ with it", runs, failed=len(answers) > 1))
    return made
