"""What smolagents did with one response, as a record for the tape.

A step keeps what is not on the wire: the code, the observation, the error, the value, the times, and a summary of memory
when the request was made. Text that is on the wire is not repeated. This module only makes the record.

`memory` summarizes smolagents' `model_input_messages`: role, characters and CRC-32 of each message. That is enough to
tell where the request differs from memory.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from smolagents import ActionStep, ChatMessage, MultiStepAgent, PlanningStep
from smolagents.utils import AgentGenerationError, AgentMaxStepsError

from course.tape.schema import Step, ToolCall
from course.turns.changes import check
from course.turns.reading import text, whole

DEEPEST = 100
"""Lists and objects within each other, in a value that is recorded as it is."""


def step_record(step: ActionStep | PlanningStep, agent: MultiStepAgent | None = None) -> Step:
    """The step as a record.

    When a request fails, smolagents calls back before it sets `step.error`, so the error is the exception being handled.
    """
    message = getattr(step, "model_output_message", None)
    raw = getattr(message, "raw", None)
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
        "response_id": text(raw.get("id") if isinstance(raw, dict) else getattr(raw, "id", None)),
        "model_output": step.plan if planning else step.model_output,
        "code": getattr(step, "code_action", None),
        "tool_calls": _tool_calls(step),
        "observation": getattr(step, "observations", None),
        "action_output": plain(output),
        "output_characters": None if output is None else len(_as_text(output)),
        "is_final": bool(getattr(step, "is_final_answer", False)),
        "error": None if error is None else str(error),
        "tokens": {"input": whole(usage.input_tokens), "output": whole(usage.output_tokens)}
        if usage
        else None,
        "memory": _memory(step.model_input_messages),
        "seconds": round(timing.end_time - timing.start_time, 3) if timing.end_time else None,
        "started": timing.start_time,
        "ended": timing.end_time,
    }


def plain(value: Any) -> Any:
    """The value after a round trip through JSON, or its text if JSON cannot represent it.

    Its text, too, if it is nested deeper than DEEPEST: whatever writes or reads the tape may have less stack left.
    """
    try:
        made = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return _as_text(value)
    return made if _is_shallow(made) else _as_text(value)


def _is_shallow(value: Any) -> bool:
    """Whether a JSON value is nested no deeper than DEEPEST."""
    level = [value]
    for _ in range(DEEPEST):
        lists = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [item for one in lists for item in one]
    return not any(isinstance(one, dict | list) for one in level)


def _as_text(value: Any) -> str:
    try:
        return str(value)
    except RecursionError:
        return f"({type(value).__name__}, nested too deep to be written down)"


def _tool_calls(step: ActionStep | PlanningStep) -> list[ToolCall] | None:
    """The calls that smolagents parsed. A code agent's call to its interpreter is left out, because `code` has it."""
    calls = getattr(step, "tool_calls", None) or []
    if not calls or getattr(step, "code_action", None) is not None:
        return None
    return [{"name": text(c.name), "arguments": plain(c.arguments), "id": text(c.id)} for c in calls]


def _memory(messages: Sequence[ChatMessage] | None) -> list[list[Any]] | None:
    return None if messages is None else [_summary(m) for m in messages]


def _summary(message: ChatMessage) -> list[Any]:
    """[role, characters, CRC-32] of a message; the last two are None if it contains anything but text."""
    role = getattr(message.role, "value", message.role)
    parts = message.content if isinstance(message.content, list) else [{"text": message.content or ""}]
    if any(not isinstance(p, dict) or "text" not in p for p in parts):
        return [role, None, None]
    said = "".join(p["text"] or "" for p in parts)
    return [role, len(said), check(said)]
