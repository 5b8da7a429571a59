"""What a token costs after many others, and what flags of llama-server change about it.

A token of a small model looks back at all before it, and on a CPU that soon takes longer than its weights do. With an
agent's system prompt some 2,400 tokens are always there.

Does: asks servers that differ in these flags only, in turn: write after a few tokens and after many, read some more after
many (random tokens, no guesses); then the leopard question twice on a fresh server, with guesses. Does not: tell whether
the texts of other questions stay the same; `make eval` does.
"""

from dataclasses import dataclass
from functools import partial

from bench.completion import complete, drawn
from bench.recorded import Run, compared, plain, timed
from bench.rows import Row, paired, rotated, spread
from bench.setting import Setting
from course.server import Server

FEW, MANY, READ, WRITTEN = 16, 3500, 512, 32
FLASH, OURS = "flash attention", "flash attention off, keys in Q8_0"
KINDS = {
    FLASH: ["-fa", "on", "-ctk", "f16"],
    "flash attention off": ["-fa", "off", "-ctk", "f16"],
    OURS: ["-fa", "off", "-ctk", "q8_0"],
}
"""The first is what the server does by itself, the last what the embedded profile asks for."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds a token: written after FEW and MANY tokens, read after MANY."""

    few: float
    many: float
    read: float


def cost(server: Server, seed: int) -> Cost:
    tokens, new = drawn(MANY, 0), drawn(READ, seed + 1)
    few = complete(server, new[:FEW], WRITTEN, cached=True)
    complete(server, tokens, 1, cached=True)
    many = complete(server, [*tokens, new[0]], WRITTEN, cached=True)
    read = complete(server, [*tokens, *new], 1, cached=True)
    return Cost(
        1000 / few["predicted_per_second"],
        1000 / many["predicted_per_second"],
        1000 / read["prompt_per_second"],
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
    """Pure: what many tokens cost with flash attention, then each other kind ÷ that."""
    base = made[FLASH]
    data = {name: [vars(one) for one in costs] for name, costs in made.items()}
    few, many = [c.few for c in base], [c.many for c in base]
    first = Row(
        f"{FLASH}: a token written after {MANY:,} others ÷ after {FEW}",
        paired(many, few), f"{spread(many)} ms ÷ {spread(few)} ms", data=data,
    )  # fmt: skip
    others = [name for name in made if name != FLASH]
    return [first, *(row for name in others for row in _against(name, made[name], base))]


def _against(name: str, costs: list[Cost], base: list[Cost]) -> list[Row]:
    parts = (
        ("writing", [c.many for c in costs], [c.many for c in base]),
        ("reading", [c.read for c in costs], [c.read for c in base]),
    )
    return [
        Row(
            f"{name}: {doing} after {MANY:,} tokens ÷ with it",
            paired(ours, theirs),
            f"{spread(ours)} ms ÷ {spread(theirs)} ms a token",
        )
        for doing, ours, theirs in parts
    ]


def whole(ran: dict[str, list[tuple[Run, Run]]]) -> list[Row]:
    """Pure: seconds of a server's first run, and of the same again; failed when the answers differ."""
    made = []
    for at, what in enumerate(("a server's first question", "the same question again")):
        runs = {name: [both[at] for both in ran[name]] for name in (OURS, FLASH)}
        answers = {run.answer for some in runs.values() for run in some}
        made.append(compared(f"{OURS}: {what} ÷ with it", runs, failed=len(answers) > 1))
    return made
