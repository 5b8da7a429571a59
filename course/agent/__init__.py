"""Connect smolagents to a server, with a tape in between.

Does: builds the model (its HTTP goes through the tape) and the lessons' agents, and writes to the tape what
smolagents made of each response, in managed agents too. Does not: start a server, change a prompt, patch
smolagents or openai.

    with Server() as server:
        tape = Tape()
        agent = code_agent(connect(server, tape))
        agent.run(LEOPARD)
"""

import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from smolagents import ActionStep, CodeAgent, MultiStepAgent, OpenAIModel, PlanningStep, ToolCallingAgent

from course.agent.steps import step_record
from course.server import connection
from course.tape import RecordingTransport, Tape

LEOPARD = "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"

OPENAI_SAMPLING = {
    "temperature", "top_p", "max_tokens", "seed", "stop", "presence_penalty", "frequency_penalty", "logprobs",
    "top_logprobs", "n", "response_format",
}  # fmt: skip


def connect(
    server,
    tape: Tape | None = None,
    model_class=OpenAIModel,
    transport: httpx.BaseTransport | None = None,
    **kw,
) -> OpenAIModel:
    """A smolagents model that speaks to `server` with the profile's sampling. `kw` goes to it, and wins.

    `transport` takes the place of the network: a script, or a transport of your own.
    """
    transport = transport or connection.transport(server.url)
    if tape is not None:
        transport = RecordingTransport(transport, tape)
    client = httpx.Client(transport=transport, timeout=httpx.Timeout(600, connect=10))
    model = model_class(
        **{
            "model_id": server.model_id,
            "api_base": server.api_base,
            "api_key": server.api_key or "none needed",  # the openai client insists on one
            "client_kwargs": {"http_client": client, "max_retries": 0},
            **_sampling(server, kw),
        }
    )
    model.tape = tape
    weakref.finalize(model, client.close)
    return model


def code_agent(model, tools: list | None = None, tape: Tape | None = None, **kw) -> CodeAgent:
    """smolagents' CodeAgent, quiet, with offline search unless given tools. Steps go to the model's tape."""
    return _agent(CodeAgent, model, tools, tape, kw)


def tool_agent(model, tools: list | None = None, tape: Tape | None = None, **kw) -> ToolCallingAgent:
    """The same as a ToolCallingAgent: the model calls tools by JSON in place of code."""
    return _agent(ToolCallingAgent, model, tools, tape, kw)


def record_agent(agent: MultiStepAgent, tape: Tape) -> None:
    """Put the steps of an agent that was made elsewhere on the tape, and those of the agents it manages."""
    if getattr(agent, "tape", None) is not tape:
        agent.tape = tape
        for kind in (ActionStep, PlanningStep):
            agent.step_callbacks.register(kind, record_steps(tape))
    for managed in (agent.managed_agents or {}).values():
        record_agent(managed, tape)


def record_run(tape: Tape, question: str, server, model) -> None:
    """Open a run on the tape: what is asked, of which model, on which server."""
    props = _excerpt(server)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    tape.add({"_type": "run", "question": question, "model": model.model_id, "when": when, "server": props})


def record_steps(tape: Tape) -> Callable[..., None]:
    """A step callback, for action and planning steps, that writes what smolagents made of each response."""

    def callback(step, agent=None) -> None:
        tape.add(step_record(step, agent))

    return callback


class LoggingModel(OpenAIModel):
    """Print what smolagents hands to its model and what comes back: above the wire, so not all of it."""

    def generate(self, messages, **kwargs):
        for message in messages:
            parts = message.content if isinstance(message.content, list) else [{"text": message.content}]
            text = "".join(part.get("text") or "" for part in parts)
            print(f"→ {message.role.value}: {len(text)} characters\n{text}\n")
        reply = super().generate(messages, **kwargs)
        said = reply.raw.choices[0].message
        print(f"← thinking:\n{getattr(said, 'reasoning_content', None)}\n\n← content:\n{said.content}\n")
        return reply


def _agent(kind: type, model, tools: list | None, tape: Tape | None, kw: dict[str, Any]):
    if tools is None:
        from course.tools.search import OfflineSearch

        tools = [OfflineSearch()]
    tape = getattr(model, "tape", None) if tape is None else tape
    if tape is not None:
        kw["step_callbacks"] = _callbacks(kw.get("step_callbacks"), record_steps(tape))
    agent = kind(tools=tools, model=model, **{"verbosity_level": 0, **kw})
    if tape is not None:
        agent.tape = tape  # so that its steps aren't written twice
        record_agent(agent, tape)
    return agent


def _callbacks(given: list | dict | None, ours: Callable) -> dict:
    """smolagents takes a list (for action steps only) or a dict; both become a dict that has ours as well."""
    result = {ActionStep: list(given)} if isinstance(given, list) else dict(given or {})
    for kind in (ActionStep, PlanningStep):
        theirs = result.get(kind, [])
        result[kind] = [ours, *(theirs if isinstance(theirs, list) else [theirs])]
    return result


def _sampling(server, kw: dict[str, Any]) -> dict[str, Any]:
    """The profile's sampling as the openai client wants it: what it doesn't know goes into `extra_body`."""
    sampling = dict(getattr(server.profile, "sampling", None) or {})
    known = {k: v for k, v in sampling.items() if k in OPENAI_SAMPLING}
    extra = {k: v for k, v in sampling.items() if k not in OPENAI_SAMPLING} | kw.pop("extra_body", {})
    return {**known, **({"extra_body": extra} if extra else {}), **kw}


def _excerpt(server) -> dict[str, Any]:
    """The part of /props that says which server this was; its template alone is longer than most runs."""
    props = server.props()
    settings = props.get("default_generation_settings") or {}
    engine = getattr(server, "engine", None)  # None when attached; the wheel's /props knows no build
    return {
        "build": engine.build if engine else props.get("build_info"),
        "model_path": props.get("model_path"),
        "n_ctx": settings.get("n_ctx"),
        "command": getattr(server, "command_line", None),
    }
