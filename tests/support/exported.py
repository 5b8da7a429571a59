"""An agent's run as records, and its spans as an export has them."""

import json

from course.export.otlp import traces
from course.turns import turns
from support.records import SYSTEM, TASK, entry, reply, step
from support.spans import Read

RUN = {"_type": "run", "question": "How fast?", "model": "m", "when": "2026-01-01T00:00:00+00:00"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 80}}
BEGAN = 1767225600  # 2026-01-01T00:00:00Z
OK, ERROR = 1, 2


def spans(records):
    exported = traces(turns(records), "p")
    json.dumps(exported).encode()
    return [Read(s) for s in exported["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def agent_run():
    """An agent's run: code that works, code that fails, an answer."""
    times = [{"started": BEGAN + n * 10, "ended": BEGAN + n * 10 + 8} for n in (1, 2, 3)]
    return [
        RUN,
        entry(1, [SYSTEM, TASK], reply("a", usage=USAGE), second=10),
        step("a", 1, observation="it is 4", kind="action", **times[0]),
        entry(2, [SYSTEM, TASK], reply("b"), second=20),
        step("b", 2, error="NameError: x", kind="action", **times[1]),
        entry(3, [SYSTEM, TASK], reply("c"), second=30),
        step("c", 3, is_final=True, action_output=9.62, kind="action", **times[2]),
    ]
