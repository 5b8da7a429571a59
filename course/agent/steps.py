"""What smolagents made of a response, as one line for the tape.

Does: keeps of a step what the wire doesn't have: code, observation, error, answer, times, and what memory held
when the request was made. Does not: write, or keep a text twice that is on the wire.

`memory` is `model_input_messages` in short: role, characters and CRC-32 of each message's text. The texts
themselves are on the wire; the three are enough to tell where the wire says something else.
"""

import json
import sys
from typing import Any

from smolagents import PlanningStep
from smolagents.utils import AgentGenerationError, AgentMaxStepsError

from course.turns.changes import check


def step_record(step, agent=None) -> dict[str, Any]:
    """One line for the tape. smolagents calls back before it notes a failed request: the exception tells."""
    said = getattr(step, "model_output_message", None)
    raw = getattr(said, "raw", None)
    usage, timing = step.token_usage, step.timing
    error = getattr(step, "error", None)
    if error is None and isinstance(sys.exception(), AgentGenerationError):
        error = sys.exception()
    planning = isinstance(step, PlanningStep)
    kind = "planning" if planning else "max_steps" if isinstance(error, AgentMaxStepsError) else "action"
    output = getattr(step, "action_output", None)
    return {
        "_type": "step",
        "kind": kind,
        "agent": getattr(agent, "name", None),
        "step_number": getattr(step, "step_number", None),
        "response_id": raw.get("id") if isinstance(raw, dict) else getattr(raw, "id", None),
        "model_output": step.plan if planning else step.model_output,
        "code": getattr(step, "code_action", None),
        "tool_calls": _tool_calls(step),
        "observation": getattr(step, "observations", None),
        "action_output": plain(output),
        "output_characters": None if output is None else len(str(output)),
        "is_final": bool(getattr(step, "is_final_answer", False)),
        "error": None if error is None else str(error),
        "tokens": usage and {"input": usage.input_tokens, "output": usage.output_tokens},
        "memory": _memory(step.model_input_messages),
        "seconds": round(timing.end_time - timing.start_time, 3) if timing.end_time else None,
        "started": timing.start_time,
        "ended": timing.end_time,
    }


def plain(value: Any) -> Any:
    """The value as JSON has it; where it has none, its text."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return str(value)


def _tool_calls(step) -> list[dict[str, Any]] | None:
    """What was called, by what smolagents parsed; the interpreter's own call is the code, and left out."""
    calls = getattr(step, "tool_calls", None) or []
    if not calls or getattr(step, "code_action", None) is not None:
        return None
    return [{"name": c.name, "arguments": plain(c.arguments), "id": c.id} for c in calls]


def _memory(messages: list | None) -> list[list[Any]] | None:
    """[role, characters, check] per message; a message with anything but text has None for the last two."""
    return None if messages is None else [_short(m) for m in messages]


def _short(message) -> list[Any]:
    role = getattr(message.role, "value", message.role)
    parts = message.content if isinstance(message.content, list) else [{"text": message.content or ""}]
    if any(not isinstance(p, dict) or "text" not in p for p in parts):
        return [role, None, None]
    text = "".join(p["text"] or "" for p in parts)
    return [role, len(text), check(text)]
