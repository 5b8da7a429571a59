"""The leopard run against its goal: 12 seconds on two cores, on a server that has processed the system prompt.

Asks fresh servers the leopard question: first with nothing asked before, then after other questions of the same kind, then
again. The cases differ in what speculative decoding can draft tokens from. The start of a server and the processing of the
system prompt are not counted. Fails if an answer differs.
"""

import statistics
from functools import partial

from bench.recorded import Run, plain, timed
from bench.rows import Row, spread
from bench.setting import Setting
from bench.speculative import PAIRS, asked
from course.server import Server

GOAL = 12
"""Seconds."""
OTHERS = 2
FIRST, LATER, AGAIN = "nothing asked before", f"after {OTHERS} other questions of the kind", "asked again"


def warm(server: Server) -> None:
    """Put the system prompt into the server's cache, as smolagents sends it, and nothing more."""
    said = (("system", plain(server).system_prompt), ("user", "?"))
    messages = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in said]
    server.post("/v1/chat/completions", {"messages": messages, "max_tokens": 1})


def measure(setting: Setting) -> list[Row]:
    made: dict[str, list[Run]] = {FIRST: [], LATER: [], AGAIN: []}
    for _ in range(setting.runs):
        with setting.server() as server:
            warm(server)
            made[FIRST].append(timed(partial(plain, server)))
        with setting.server() as server:
            warm(server)
            for pair in PAIRS[:OTHERS]:
                timed(partial(plain, server), asked(*pair))
            made[LATER].append(timed(partial(plain, server)))
            made[AGAIN].append(timed(partial(plain, server)))
    return rows(made)


def rows(made: dict[str, list[Run]]) -> list[Row]:
    """Pure: seconds of whole runs ÷ the goal."""
    answers = {run.answer for runs in made.values() for run in runs}
    return [
        Row(
            f"the leopard run, {when}",
            statistics.median(run.seconds for run in runs) / GOAL,
            f"{spread([run.seconds for run in runs])} s ÷ {GOAL} s, {len(runs)} runs of {runs[0].steps} steps",
            limit=1,
            failed=len(answers) > 1,
            data={"runs": [vars(run) for run in runs]},
        )
        for when, runs in made.items()
    ]
