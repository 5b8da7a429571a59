"""The lesson that all learners sit at, and which of its cells run: lesson 04.

Of all lessons, its cells send the most requests to the room's server: 12 in a learner's copy, and 9 in lesson 08, 7 in 10.
(Lessons 06 and 07 ask servers that they start themselves.)

`ASKS` lists the cells that ask the model. A load test runs the one with smolagents' CodeAgent first, then those before
it, until it has as many steps as wanted; all others that they need run before the clock starts. Pure: takes the notebook as
a dictionary.

    split(notebook)       # Cells(before=[…, …], asks=[…, …])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTEBOOK = "notebooks/04_an_agent_is_a_loop.ipynb"
ASKS = (
    "code_agent(connect(server",  # smolagents' CodeAgent on the leopard question: 2 requests
    "answer, mine = run(LEOPARD",  # the lesson's own loop on the same question: 2
    "answer, lost = run(UNICORN",  # a search that fails: 1
    "answers[name], tried = run(",  # two questions that go wrong: up to 3 each
    "print(ask(client, first))",  # one completion
)
"""What the cells that ask the model have in them, in the order in which a load test runs them."""
NEEDS_ANSWERS = ("got = [name for name",)
"""What cells have in them that look at the answers; they come before the CodeAgent's, and it does not need them."""


@dataclass(frozen=True)
class Cells:
    """Sources: what to run before the clock starts, and what asks the model."""

    before: list[str]
    asks: list[str]


def split(notebook: Mapping[str, Any]) -> Cells:
    """ValueError if the lesson no longer has one cell for each of ASKS."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    asks = []
    for mark in ASKS:
        found = [source for source in sources if mark in source]
        if len(found) != 1:
            raise ValueError(
                f"{len(found)} cells of {NOTEBOOK} have {mark!r}; bench/workshop/lesson.py expects one"
            )
        asks.append(found[0])
    last = max(sources.index(source) for source in asks)
    skip = (*ASKS, *NEEDS_ANSWERS)
    before = [source for source in sources[:last] if not any(mark in source for mark in skip)]
    return Cells(before, asks)


APART = """
import os, tempfile
os.chdir(tempfile.mkdtemp(prefix="load-", dir=os.path.expanduser("~")))
"""
"""Runs in a kernel before each run: tapes go into a folder of their own."""
PROBE = """
def _probe(bodies):
    import glob, json
    from course.tape import Tape
    from course.turns import turns
    rows = []
    for path in sorted(glob.glob("tapes/*.tape.jsonl")):
        for turn in turns(Tape.read(path).records()):
            exchange, step = turn.exchange, turn.step or {}
            if exchange is None:
                continue
            end = step.get("ended") or (exchange.started or 0) + (exchange.seconds or 0)
            tokens = turn.tokens
            rows.append({
                "started": exchange.started or 0, "seconds": end - (exchange.started or 0),
                "status": exchange.status if not exchange.error else 0,
                "new": tokens.new or 0, "cached": tokens.cached or 0, "generated": tokens.generated or 0,
                **({"body": exchange.request} if bodies else {}),
            })
    print(json.dumps(rows))
_probe(BODIES)
"""
"""Runs in a kernel after each cell: what its tapes say, as JSON."""
