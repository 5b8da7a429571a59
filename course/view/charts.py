"""Charts of where a run's time and tokens go, as shapes to draw.

Pure. Divides a turn's time into prompt processing (prefill), generation (decode), waiting and tools; lays turns on a
time axis, without the idle time between questions; stacks the segments of each prompt. templates/charts.html draws them.

All x and widths are percent of the chart's width, all y and heights are pixels.
"""

from dataclasses import dataclass, field
from math import floor, log10

from course.turns.reading import record, whole
from course.turns.turn import Turn

PHASES = {
    "prompt": "prompt processing",
    "generation": "generation",
    "rest": "waiting and transfer",
    "tools": "parsing, code and tools",
}
STACK = {  # how the kinds of segment are drawn, from the bottom
    "system": ("system",),
    "tools": ("tools",),
    "task": ("task", "message"),
    "past": ("plan", "turn", "calls"),
    "observation": ("observation",),
    "template": ("template",),
}
NAMES = {
    "system": "system prompt",
    "tools": "tools",
    "task": "task",
    "past": "past turns",
    "observation": "observations",
    "template": "chat template",
    "generated": "generated",
}
HIGH, WIDE_ROW, LOW_ROW = 170, 18, 3
NOTE = 12
"""Percent of the width that a note beside a bar needs; without room it is left out, since the table has the count."""


@dataclass(frozen=True)
class Phases:
    """Seconds of one turn. `start` is epoch time; `rest` is the time that was not measured."""

    start: float
    prompt: float = 0.0
    generation: float = 0.0
    rest: float = 0.0
    tools: float = 0.0

    @property
    def seconds(self) -> float:
        """The whole turn."""
        return self.prompt + self.generation + self.rest + self.tools


@dataclass(frozen=True)
class Bar:
    """A rectangle. `kind` gives its color, `said` is its tooltip."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True)
class Chart:
    """Shapes and texts of a chart, and a description in words.

    `labels` are (text, x, y), `notes` (text, x, y, whether the text ends at x), `ticks` (text, position on the axis).
    `breaks` are the x at which idle time was left out. `kinds` are (kind, text) for the legend, `said` is the
    description for screen readers, `limit` a line at (y, text).
    """

    height: float
    bars: list[Bar] = field(default_factory=list)
    labels: list[tuple[str, float, float]] = field(default_factory=list)
    notes: list[tuple[str, float, float, bool]] = field(default_factory=list)
    ticks: list[tuple[str, float]] = field(default_factory=list)
    breaks: list[float] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)
    said: str = ""
    limit: tuple[float, str] | None = None


@dataclass(frozen=True)
class Row:
    """A turn in a table of bars: its tokens by part of the prompt, with those generated, and its seconds by phase."""

    turn: Turn
    tokens: dict[str, int]
    seconds: dict[str, float]

    @property
    def all_tokens(self) -> int:
        """Prompt and answer together."""
        return sum(self.tokens.values())

    @property
    def all_seconds(self) -> float:
        """The whole turn."""
        return sum(self.seconds.values())


def rows_of(turns: list[Turn]) -> list[Row]:
    """A row for each turn, for notebooks: what their sanitizers leave of a drawing is a heap of words."""
    rows = []
    for turn in turns:
        p = phases(turn)
        rows.append(Row(turn, stack(turn), {kind: getattr(p, kind) if p else 0.0 for kind in PHASES}))
    return rows


def phases(turn: Turn) -> Phases | None:
    """A turn's time by llama.cpp's timings; a stream without timings is divided at its first chunk. None if unknown."""
    step, exchange = turn.step or {}, turn.exchange
    started = exchange.started if exchange else step.get("started")
    if started is None:
        return None
    seconds = (exchange.seconds if exchange else 0) or 0
    prompt = (turn.timings.get("prompt_ms") or 0) / 1000
    generation = (turn.timings.get("predicted_ms") or 0) / 1000
    if exchange and not prompt + generation and exchange.streamed and exchange.chunks:
        prompt = min(exchange.chunks[0][0] / 1000, seconds)
        generation = seconds - prompt
    scale = min(1.0, seconds / (prompt + generation)) if prompt + generation else 0
    prompt, generation = prompt * scale, generation * scale
    tools = max(0.0, step["ended"] - started - seconds) if step.get("ended") else 0.0
    return Phases(started, prompt, generation, max(0.0, seconds - prompt - generation), tools)


def timeline(turns: list[Turn]) -> Chart | None:
    """A row per turn on a common time axis. None if no turn was timed."""
    timed = [(t, p) for t in turns if (p := phases(t))]
    if not timed:
        return None
    places, breaks, whole = _without_idle([p for _, p in timed])
    row = max(LOW_ROW, min(WIDE_ROW, 560 / len(timed)))
    every = 1 if row >= 13 else -(-13 // row)
    bars: list[Bar] = []
    labels: list[tuple[str, float, float]] = []
    notes: list[tuple[str, float, float, bool]] = []
    for n, ((turn, p), at) in enumerate(zip(timed, places, strict=True)):
        y = n * row
        if n % every == 0:
            labels.append((tick(turn), 0, y + row / 2))
        begin, end = 100 * at / whole, 100 * (at + p.seconds) / whole
        room = max(begin, 100 - end)
        if turn.tokens.prompt and turn.tokens.cached is not None and every == 1 and room >= NOTE:
            share = f"{turn.tokens.cached / turn.tokens.prompt:.0%} cached"
            left = begin + end > 100  # the side of the bar with more room
            notes.append((share, begin if left else end, y + row / 2, left))
        for kind, name in PHASES.items():
            seconds = getattr(p, kind)
            if seconds:
                said = f"{turn.label}: {name}, {seconds:.2f} s"
                bars.append(Bar(kind, 100 * at / whole, y, 100 * seconds / whole, row * 0.72, said))
                at += seconds
    used = [(k, f"{name}, {total:.1f} s") for k, name in PHASES.items() if (total := _sum(timed, k))]
    ticks = [(f"{s:g} s", 100 * s / whole) for s in _round_steps(whole)]
    longest, p = max(timed, key=lambda pair: pair[1].seconds)
    said = (
        f"{len(timed)} turn{'' if len(timed) == 1 else 's'} in {whole:.1f} seconds: "
        f"{'; '.join(name for _, name in used)}. The longest is {longest.label} with {p.seconds:.1f} s."
    )
    marks = [100 * b / whole for b in breaks]
    return Chart(row * len(timed), bars, labels, notes, ticks, marks, used, said)


def growth(turns: list[Turn]) -> Chart | None:
    """A column per turn: the segments of its prompt, and what was generated. None if no prompt is known."""
    asked = [t for t in turns if t.segments]
    stacks = [stack(t) for t in asked]
    if not asked or not any(map(sum, (s.values() for s in stacks))):
        return None
    size = next((whole(record(t.run.get("server")).get("n_ctx")) for t in asked if t.run), None)
    most = max(sum(s.values()) for s in stacks)
    top = max(size, most) if size and size < 2.5 * most else most
    bars, width = [], 100 / max(len(asked), 6)
    for n, (turn, sums) in enumerate(zip(asked, stacks, strict=True)):
        y = float(HIGH)
        for kind, tokens in sums.items():
            high = HIGH * tokens / top
            y -= high
            if tokens:
                said = f"{turn.label}: {NAMES[kind]}, {tokens:,} tokens"
                bars.append(Bar(kind, n * width, y, width * 0.82, high, said))
        if turn.tokens.cached:
            said = f"{turn.label}: {turn.tokens.cached:,} tokens from the cache"
            bars.append(
                Bar("cache", n * width, HIGH - HIGH * turn.tokens.cached / top, width * 0.82, 2, said)
            )
    every = -(-len(asked) // 20)
    labels = [(tick(t), (n + 0.41) * width, HIGH + 14.0) for n, t in enumerate(asked) if n % every == 0]
    ticks = [(f"{v:,.0f}", HIGH - HIGH * v / top) for v in _round_steps(top)]
    kinds = [(k, NAMES[k]) for k in NAMES if any(s.get(k) for s in stacks)]
    if any(t.tokens.cached for t in asked):
        kinds.append(("cache", "up to this line: from the cache"))
    first, last = (sum(stacks[i].values()) for i in (0, -1))
    said = (
        f"From {first:,} tokens in {asked[0].label} to {last:,} in {asked[-1].label}"
        + f"; at most {most:,}"
        + (f", in a context window of {size:,}." if size else ".")
    )
    line = (HIGH - HIGH * size / top, f"context, {size:,} tokens") if size and size <= top else None
    return Chart(HIGH, bars, labels, [], ticks, [], kinds, said, line)


def tick(turn: Turn) -> str:
    """The turn's number for an axis: 3, or 2.1 (run 2, turn 1) on a tape with several runs."""
    return f"{turn.run_number}.{turn.number}" if turn.runs > 1 else str(turn.number)


def stack(turn: Turn) -> dict[str, int]:
    """The number of tokens in each part of the prompt, and of generated tokens."""
    sums = {k: sum(s.tokens for s in turn.segments if s.kind in kinds) for k, kinds in STACK.items()}
    return {**sums, "generated": turn.tokens.generated or 0}


def _sum(timed: list[tuple[Turn, Phases]], kind: str) -> float:
    return sum(float(getattr(p, kind)) for _, p in timed)


def _without_idle(timed: list[Phases]) -> tuple[list[float], list[float], float]:
    """Where each turn begins, where idle time was left out, and the total; in seconds from the start."""
    long = max(1.0, 0.1 * sum(p.seconds for p in timed))
    places, breaks, end, cut = [], [], min(p.start for p in timed), min(p.start for p in timed)
    for p in sorted(timed, key=lambda p: p.start):
        if p.start - end > long:
            cut += p.start - end
            breaks.append(p.start - cut)
        places.append((p, p.start - cut))
        end = max(end, p.start + p.seconds)
    at = {id(p): x for p, x in places}
    return [at[id(p)] for p in timed], breaks, max(end - cut, 1e-6)


def _round_steps(most: float) -> list[float]:
    """Round numbers from 0 to `most`, at most six steps of 1, 2 or 5 times a power of ten apart."""
    power = 10.0 ** (floor(log10(most)) - 1)
    step = next(power * f for f in (1, 2, 5, 10, 20, 50) if most / (power * f) <= 6)
    return [n * step for n in range(int(most / step) + 1)]
