"""What the results say: rows for docs/measurements.md, and the guide's tables of how many learners a machine can serve.

Pure, except `guide`, which reads the stored results.

`gpu_seconds` extrapolates to a GPU from figures that llama.cpp's developers published. Nothing of that was measured here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench import machine, tables
from bench.rows import Row, short
from bench.workshop.figures import Figures, Memory, Result, data
from bench.workshop.matrix import MIDDLE, Cell

NAME = "workshop"
NOTHING = "Nothing has been measured yet. Run:  `python -m bench.workshop`"
UPSTREAM = {
    1: (3104.74, 48.67),
    2: (3107.30, 56.48),
    4: (3097.27, 85.69),
    8: (3104.75, 119.87),
    16: (3096.80, 162.55),
    32: (3092.81, 207.80),
}
"""Sequences at once → tokens per second of all together: prompt processing, then generation, after prompts of 4,096 tokens.
Qwen3-Coder-30B-A3B (Q8_0) on an NVIDIA DGX Spark by llama-batched-bench, build 2f68ce7cf (6918), November 2025: SOURCE."""
SOURCE = (
    "https://github.com/ggml-org/llama.cpp/blob/4c7e9893c4ca8eec35d032726d14b74fae76cff8/benches/dgx-spark.md"
)
THINKING = 1000
"""Tokens that a step of a model with long thinking may generate; not measured either."""
ROOM = (1, 5, 10, 30)
MB = 1_000_000


def rows(results: Iterable[Result]) -> list[Row]:
    """One for each cell. The ratio: steps of all learners per minute ÷ those of plain clients with the same requests."""
    return [row(one) for one in results]


def row(result: Result) -> Row:
    found, memory, cell = result.figures, result.memory, result.cell
    return Row(
        str(cell),
        found.share,
        value(found, memory),
        failed=bad(cell.dies, found),
        data={"cell": asdict(cell), **data(found, memory)},
    )


def value(found: Figures, memory: Memory) -> str:
    parts = [f"{times(found.median, found.p95)} a step" if found.median is not None else "no step"]
    parts.append(f"{short(found.per_minute)} ÷ {short(found.limit)} steps per minute" if found.limit else "")
    parts.append(f"{trouble(found.failed, found.unfinished, found.failed_steps)}")
    if found.slowest is not None and found.jain is not None:
        parts.append(f"slowest ÷ fastest learner {found.slowest:.2f}, Jain's index {found.jain:.3f}")
    if found.revived is not None:
        parts.append(f"up again after {found.revived:.1f} s")
    sizes = (memory.hub, memory.learners, memory.model)
    parts.append("hub {}, learners {}, model {} MB".format(*(f"{size / MB:,.0f}" for size in sizes)))
    return "; ".join(part for part in parts if part)


def times(median: float | None, p95: float | None) -> str:
    return "–" if median is None or p95 is None else f"{short(median)} s ({short(p95)} s at p95)"


def trouble(failed: int, unfinished: int, failed_steps: int) -> str:
    """In words: nothing is hidden in a zero."""
    counts = ((failed, "learners failed"), (unfinished, "ran out of time"), (failed_steps, "requests failed"))
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "none failed"


def bad(dies: bool, found: Figures) -> bool:
    """Whether something failed that should not have. Where the server is killed, requests may fail, learners may not."""
    return bool(found.failed or (found.failed_steps and not dies))


def measured(records: Sequence[Row]) -> list[str]:
    """The table of what was measured, in Markdown."""
    head = (
        "| learners | slots | KV cache | prompt cache | seconds a step: median | p95 | trouble | slowest ÷ fastest | "
        "of the engine's limit | hub MB | learners MB | model MB |"
    )
    lines = [head, "|--:|--:|---|---|--:|--:|---|--:|--:|--:|--:|--:|"]
    for one in records:
        if one.data["cell"]["dies"]:
            continue
        cell, of = Cell(**one.data["cell"]), one.data
        share = "" if one.ratio is None else f"{one.ratio:.2f}"
        lines.append(
            f"| {cell.learners} | {cell.slots} | {cell.cache} | {'warm' if cell.warm else 'cold'} "
            f"| {number(of['median'])} | {number(of['p95'])} | "
            f"{trouble(of['failed'], of['unfinished'], of['failed_steps'])} | {number(of['slowest'])} | {share} | "
            + " | ".join(f"{of[f'memory_{name}'] / MB:,.0f}" for name in ("hub", "learners", "model"))
            + " |"
        )
    return lines


def number(found: float | None) -> str:
    return "" if found is None else short(found)


def outage(records: Sequence[Row]) -> list[str]:
    """What happened when the model's server was killed, as a paragraph."""
    made = []
    for one in records:
        if one.data["cell"]["dies"] and one.data["revived"] is not None:
            of, many = one.data, one.data["cell"]["learners"]
            made.append(
                f"Killed (`kill -9`) under {many} learners, the model's server answered again after {of['revived']:.1f} "
                f"seconds; {of['failed_steps']} requests failed, and {of['done']} of {many} learners got their answer by "
                "running the cell again."
            )
    return made


def gpu_seconds(learners: int, new: float, generated: float) -> float:
    """Seconds a step if all ask at the same moment: learners × (new ÷ prompt speed + generated ÷ generation speed).

    The speeds are UPSTREAM's, between two published numbers of sequences in a straight line, and constant above the last.
    """
    low = max(count for count in UPSTREAM if count <= learners)
    high = min((count for count in UPSTREAM if count >= learners), default=low)
    part = (learners - low) / (high - low) if high > low else 0.0
    prompt, generation = (a + part * (b - a) for a, b in zip(UPSTREAM[low], UPSTREAM[high], strict=True))
    return learners * (new / prompt + generated / generation)


def extrapolated(records: Sequence[Row]) -> list[str]:
    """The table for a GPU, with the tokens of a step as they were measured with MIDDLE learners, or the nearest to it."""
    usual = [one for one in records if one.data["generated"] and not one.data["cell"]["dies"]]
    if not usual:
        return []
    base = min(
        usual, key=lambda one: (abs(one.data["cell"]["learners"] - MIDDLE), not one.data["cell"]["warm"])
    )
    new, generated = base.data["new"], base.data["generated"]
    lines = [
        "**On a GPU** (calculated, not measured here): if N learners ask at the same moment, a step takes up to "
        "N × (p ÷ P + g ÷ G) seconds. p and g are the prompt tokens that are not in the cache and the tokens generated, "
        f"for each step: {new:,.0f} and {generated:,.0f} in the run above. P and G are tokens per second of all slots "
        f"together, here those that llama.cpp's developers [published]({SOURCE}) for Qwen3-Coder-30B-A3B (Q8_0) on an "
        "NVIDIA DGX Spark. Measure yours with `llama-batched-bench -npp 4096 -ntg 32 -npl 1,2,4,8,16,32`. Learners read "
        "and think between steps, so most of the time fewer ask at once.",
        "",
        f"| learners at once | seconds a step | with {THINKING:,} tokens generated |",
        "|--:|--:|--:|",
    ]
    for many in ROOM:
        here, thinking = gpu_seconds(many, new, generated), gpu_seconds(many, new, THINKING)
        lines.append(f"| {many} | {short(here)} | {short(thinking)} |")
    return lines


def rendered(results: Iterable[Mapping[str, Any]]) -> str:
    """The guide's section: for each machine what was measured, then the calculation from the first of them."""
    made: list[str] = []
    first: list[Row] = []
    for file in results:
        record = file["measurements"].get(NAME)
        if not record or not record.get("rows"):
            continue
        found = tables.rows(record)
        first = first or found
        made += [
            f"**On {machine.title(file['machine'])}** (llama.cpp {record['build']}, {record['date']}):",
            "",
        ]
        made += [*measured(found), ""]
        made += [line for text in outage(found) for line in (text, "")]
    return "\n".join([*made, *extrapolated(first)]).rstrip() or NOTHING


def guide() -> str:
    """The section of workshop/guide.md, from bench/results."""
    return rendered(tables.results())
