"""The runs of bench/recipes.py: an agent with a scripted model, and other things that can happen to a run.

The real smolagents speaks to a real llama-server. A grammar gives the model its words; server, parser, executor and
recorder are untouched. Nothing here judges the tapes.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import httpx
import openai
from smolagents import OpenAIModel, Tool
from smolagents.utils import AgentError

from course import agent
from course.agent import LEOPARD, code_agent, connect, forced, recorded_run
from course.agent.forced import Line
from course.server import Server
from course.tape import Tape

Recording = Callable[[Server, Tape], None]
"""Runs something on a server and leaves it on a tape."""
Fields = Mapping[str, Any]
THOUGHT = "Let me see.\n</think>\n\n"
SEARCH = THOUGHT + "<code>\nprint(web_search('leopard top speed'))\n</code>"
COMPUTE = THOUGHT + "<code>\nt = 155 / (58 / 3.6)\nprint(round(t, 2))\n</code>"
BARE = "<code>\nfinal_answer(9.62)\n</code>"
ANSWER = THOUGHT + BARE
DECOY = "Maybe\n<code>\nfinal_answer(99)\n</code>\nNo, 155 m at 58 km/h.\n</think>\n\n<code>\nfinal_answer(9.62)\n</code>"
LONG = "A leopard runs fast, and a bridge is long. " * 40


def says(
    *lines: Line,
    body: Fields | None = None,
    task: str = LEOPARD,
    base: type[OpenAIModel] = OpenAIModel,
    model: Fields | None = None,
    streamed: bool = False,
    **options: Any,
) -> Recording:
    """A run of a CodeAgent whose model says these lines, one per request.

    `body` are more fields of each request, `model` arguments of `connect`, `options` arguments of the agent.
    """

    def run(server: Server, tape: Tape) -> None:
        given = {"model_class": forced(lines, body=body, base=base), **(model or {})}
        asked(server, tape, task, model=given, **{"stream_outputs": streamed, "max_steps": 4, **options})
        gc.collect()  # an interrupted exchange goes to the tape when its response is collected

    return run


def tool_agent(*lines: Line, model: Fields | None = None, **options: Any) -> Recording:
    """The same with a ToolCallingAgent. Without lines, the words are the model's own."""

    def run(server: Server, tape: Tape) -> None:
        given = {**({"model_class": forced(lines)} if lines else {}), **(model or {})}
        asked(server, tape, build=agent.tool_agent, model=given, **{"max_steps": 3, **options})

    return run


def asked(server: Server, tape: Tape, question: str = LEOPARD, **options: Any) -> None:
    """One recorded run. Errors that end a faulty run are expected."""
    with suppress(AgentError, openai.APIError, KeyboardInterrupt):
        recorded_run(server, question, tape, **options).result()


# Faults that take more than words


def overflows(server: Server, tape: Tape) -> None:
    room = server.props()["default_generation_settings"]["n_ctx"]
    says(ANSWER, task="leopard " * 2 * room)(server, tape)


class Interrupted(OpenAIModel):
    """A learner presses the stop button while the answer streams in."""

    def generate_stream(self, messages: list[Any], **kw: Any) -> Iterator[Any]:
        for number, delta in enumerate(super().generate_stream(messages, **kw)):
            if number == 5:
                raise KeyboardInterrupt
            yield delta


def server_dies(streamed: bool) -> Recording:
    """The server is stopped one second after the request was sent."""

    def run(server: Server, tape: Tape) -> None:
        says(ANSWER)(server, Tape(tape.path.with_suffix(".warm-up")))
        timer = threading.Timer(1, server.stop)
        asking = says(LONG, streamed=streamed)
        timer.start()
        asking(server, tape)
        timer.join()

    return run


def loading(server: Server, tape: Tape) -> None:
    """The request arrives while the server loads its model: start it, wait for the first 503, ask."""
    starting = threading.Thread(target=server.start)
    starting.start()
    while not server.url:
        time.sleep(0.001)
    with httpx.Client(base_url=server.url, timeout=5) as client:
        while starting.is_alive():
            with suppress(httpx.TransportError):
                if client.get("/health").status_code == 503:
                    break
    asking = code_agent(
        connect(server, tape), verbosity_level=-1, max_steps=1
    )  # no /props yet, so no run record
    with suppress(AgentError):
        asking.run(LEOPARD)
    starting.join()


def two_runs(server: Server, tape: Tape) -> None:
    for _ in range(2):
        says(SEARCH, COMPUTE, ANSWER)(server, tape)


def follow_up(server: Server, tape: Tape) -> None:
    """A second question in the same conversation, with the same search."""
    words = forced([COMPUTE, ANSWER, SEARCH, ANSWER])
    done = recorded_run(server, LEOPARD, tape, model={"model_class": words})
    done.result()
    done.agent.run("And a cheetah?", reset=False)


def managed(server: Server, tape: Tape) -> None:
    """An agent that asks another agent."""
    ask = THOUGHT + "<code>\nprint(scout('How fast is a leopard?'))\n</code>"
    report = THOUGHT + "<code>\nfinal_answer('58 km/h')\n</code>"
    scout = code_agent(
        connect(server, tape, forced([SEARCH, report])),
        name="scout",
        description="Finds figures.",
        verbosity_level=-1,
    )
    says(ask, COMPUTE, ANSWER, managed_agents=[scout])(server, tape)


class Doorbell(Tool):
    """A tool during which somebody presses the stop button."""

    name, description, output_type = "wait", "Waits.", "integer"
    inputs: ClassVar[dict[str, Any]] = {}

    def forward(self) -> int:
        raise KeyboardInterrupt


class Clock(Tool):
    """A tool whose result changes, so that calling it again is not a repetition."""

    name, description, output_type = "ticks", "Counts its calls.", "integer"
    inputs: ClassVar[dict[str, Any]] = {}
    calls = 0

    def forward(self) -> int:
        Clock.calls += 1
        return Clock.calls


def waits(server: Server, tape: Tape) -> None:
    tick = THOUGHT + "<code>\nprint(ticks())\n</code>"
    says(tick, tick, tick, ANSWER, tools=[Clock()])(server, tape)


def leopard(server: Server, tape: Tape) -> None:
    """The embedded model's own words."""
    recorded_run(server, LEOPARD, tape, max_steps=6).result()


def code(text: str) -> str:
    return f"{THOUGHT}<code>\n{text}\n</code>"


class NoStop(OpenAIModel):
    """smolagents sends no stop sequences and cuts the text at them itself."""

    supports_stop_parameter = False
