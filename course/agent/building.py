"""The agents of the lessons. Their steps go to the tape of their model.

agent = code_agent(connect(server, tape), max_steps=6)
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smolagents import ActionStep, CodeAgent, Model, MultiStepAgent, PlanningStep, Tool, ToolCallingAgent

from course.agent.model import tape_of
from course.agent.steps import step_record
from course.tape import Tape

StepCallback = Callable[..., object]
StepCallbacks = Sequence[StepCallback] | Mapping[type, StepCallback | list[StepCallback]]

_recorded: weakref.WeakKeyDictionary[MultiStepAgent, Tape] = weakref.WeakKeyDictionary()
"""The tape that each agent already writes to, so that no step is written twice."""


def code_agent(
    model: Model, tools: Sequence[Tool] | None = None, tape: Tape | None = None, **kw: Any
) -> CodeAgent:
    """A quiet CodeAgent of smolagents with `tools`, by default offline search.

    Its steps go to `tape`, by default the tape of the model. `kw` are arguments of CodeAgent.
    """
    return _agent(CodeAgent, model, tools, tape, kw)


def tool_agent(
    model: Model, tools: Sequence[Tool] | None = None, tape: Tape | None = None, **kw: Any
) -> ToolCallingAgent:
    """Like `code_agent`, but a ToolCallingAgent: the model calls tools with JSON instead of writing code."""
    return _agent(ToolCallingAgent, model, tools, tape, kw)


def record_agent(agent: MultiStepAgent, tape: Tape) -> None:
    """Record the steps of an agent that was built elsewhere, and of the agents that it manages."""
    if _recorded.get(agent) is not tape:
        _recorded[agent] = tape
        for kind in (ActionStep, PlanningStep):
            agent.step_callbacks.register(kind, record_steps(tape))
    for managed in (agent.managed_agents or {}).values():
        record_agent(managed, tape)


def record_steps(tape: Tape) -> StepCallback:
    """A step callback, for action and planning steps, that records what smolagents did with each response."""

    def callback(step: ActionStep | PlanningStep, agent: MultiStepAgent | None = None) -> None:
        tape.add(step_record(step, agent))

    return callback


def callbacks(
    given: StepCallbacks | None, first: Sequence[StepCallback] = (), last: Sequence[StepCallback] = ()
) -> dict[type, list[StepCallback]]:
    """The given callbacks in a dict, with more before and after them for action and planning steps.

    smolagents takes a dict, or a list that is called for action steps only.
    """
    found: dict[type, list[StepCallback]] = {}
    for kind, theirs in given.items() if isinstance(given, Mapping) else [(ActionStep, list(given or ()))]:
        found[kind] = theirs if isinstance(theirs, list) else [theirs]
    return found | {kind: [*first, *found.get(kind, []), *last] for kind in (ActionStep, PlanningStep)}


def _agent(
    kind: type[Any], model: Model, tools: Sequence[Tool] | None, tape: Tape | None, kw: dict[str, Any]
) -> Any:
    if tools is None:
        from course.tools.search import OfflineSearch

        tools = [OfflineSearch()]
    tape = tape_of(model) if tape is None else tape
    if tape is not None:
        kw["step_callbacks"] = callbacks(kw.get("step_callbacks"), first=[record_steps(tape)])
    agent = kind(tools=list(tools), model=model, **{"verbosity_level": 0, **kw})
    if tape is not None:
        _recorded[agent] = tape
        record_agent(agent, tape)
    return agent
