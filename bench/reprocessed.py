"""Prompt tokens reprocessed: what the server processed in the later steps of a run ÷ what cannot have been in its cache.

Runs the same four steps under each template and setting, and compares each prompt, token by token, with the one
before it and what was generated after that. A grammar dictates the model's words, so that the figures depend only on
template, cache and settings.

1.00 is the limit: the server processes what is new and nothing else. The last token of a prompt is always new, since
the next token is predicted from it. A model with recurrent layers can only go back to a checkpoint and reprocesses
the tokens after it. A random model with the architecture of Qwen3.6 stands in for it here (course/model/tiny.py), since
weights make no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.rows import Row
from bench.setting import Setting
from course.agent import LEOPARD, code_agent, connect, forced, spoken
from course.model.embedded import template_path
from course.model.tiny import hybrid
from course.server import Server
from course.tape import Tape
from course.turns import turns

THOUGHT = "I look for one figure, then for the other.\n</think>\n\n"
STEPS = (
    THOUGHT + 'Thought: first the speed.\n<code>\nprint(web_search(query="leopard top speed"))\n</code>',
    THOUGHT + 'Thought: now the length.\n<code>\nprint(web_search(query="Pont des Arts length"))\n</code>',
    THOUGHT + "Thought: I check the speed.\n<code>\nspeed = 58 / 3.6\nprint(round(speed, 3))\n</code>",
    THOUGHT + "Thought: I compute.\n<code>\nfinal_answer(round(155 / speed, 2))\n</code>",
)
"""The model's words in each step."""


@dataclass(frozen=True)
class Step:
    """One request: its prompt and what was generated after it, as tokens, and how many of the prompt were processed."""

    prompt: list[int]
    generated: list[int]
    processed: int


@dataclass(frozen=True)
class Case:
    """A setting to compare. `ours`: the course or a profile uses it, so the target applies."""

    what: str
    changes: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    random_hybrid: bool = False
    ours: bool = False


CASES = (
    Case("embedded model, its template (drops past thinking)", ours=True),
    Case("embedded model, ChatML without thinking", {"chat_template_file": None}),
    Case("embedded model, --no-jinja", {"jinja": False}),
    Case("embedded model, cache_prompt false", body={"cache_prompt": False}),
    Case("hybrid, the settings of the Qwen3.6 profile", {"ctx_checkpoints": 32}, random_hybrid=True, ours=True),
    Case("hybrid, --checkpoint-min-step 64", {"extra": ["--checkpoint-min-step", "64"]}, random_hybrid=True),
    Case("hybrid, --ctx-checkpoints 0", {"ctx_checkpoints": 0}, random_hybrid=True),
)  # fmt: skip


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens at the start are the same."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def new(before: Step, now: Step) -> int:
    """How many tokens of a prompt the server cannot have in its cache; at least one."""
    return max(1, len(now.prompt) - common([*before.prompt, *before.generated], now.prompt))


def totals(steps: Sequence[Step]) -> tuple[int, int]:
    """(processed, new) over all steps but the first, for which everything is new."""
    pairs = list(pairwise(steps))
    return sum(now.processed for _, now in pairs), sum(new(before, now) for before, now in pairs)


def run(server: Server, tape: Tape, body: dict[str, Any]) -> list[Step]:
    """The forced run, as the server saw it."""
    said = forced(spoken(server, STEPS), body={"verbose": True, **body})
    model = connect(server, tape, model_class=said)
    code_agent(model, verbosity_level=-1).run(LEOPARD)
    steps = []
    for turn in turns(tape.records()):
        assert turn.exchange is not None
        assert turn.prompt is not None  # verbose asks the server for it
        raw = turn.exchange.response["__verbose"]["content"]
        steps.append(Step(server.tokenize(turn.prompt), server.tokenize(raw), turn.timings["prompt_n"]))
    return steps


def measure(setting: Setting) -> list[Row]:
    random = hybrid(setting.folder / "hybrid.gguf")
    return [row(setting, number, case, random) for number, case in enumerate(CASES)]


def row(setting: Setting, number: int, case: Case, random: Path) -> Row:
    changes = dict(case.changes)
    if case.random_hybrid:
        changes |= {"model": str(random), "chat_template_file": str(template_path())}
    with setting.server(**changes) as server:
        steps = run(server, Tape(setting.folder / f"reprocessed-{number}.tape.jsonl"), case.body)
    processed, fresh = totals(steps)
    value = f"{processed} tokens processed ÷ {fresh} new, {len(steps) - 1} later steps"
    data = {"processed": [step.processed for step in steps], "prompt": [len(step.prompt) for step in steps]}
    return Row(case.what, processed / fresh, value, limit=1.05 if case.ours else None, data=data)
