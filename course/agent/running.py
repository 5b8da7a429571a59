"""Ask an agent one question, with everything on a tape.

done = recorded_run(server, LEOPARD, tape, max_steps=6, on_turn=lambda turn: print(view.text(turn)))
done.answer, done.error, done.turns
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from smolagents import Model, MultiStepAgent

from course.agent.building import callbacks, code_agent
from course.agent.model import ModelServer, connect
from course.tape import Tape
from course.tape.redact import redacted_url
from course.turns import Turn, turns
from course.turns.reading import record, text, whole


@dataclass(frozen=True)
class RecordedRun:
    """How a run ended. `error` is the exception that ended it. If it is None, `answer` is the agent's answer.

    `position` is the number of records that `tape` had before the run. `agent` can be asked more questions.
    """

    question: str
    agent: MultiStepAgent = field(repr=False)
    tape: Tape = field(repr=False)
    position: int
    answer: Any = None
    error: Exception | None = None

    @property
    def turns(self) -> list[Turn]:
        """The turns since the run began, as the tape has them now."""
        return turns(self.tape.records(), since=self.position)

    @property
    def out_of_steps(self) -> bool:
        """Whether the agent reached its maximum number of steps, so that the answer is a last guess."""
        return any(turn.step is not None and turn.step.get("kind") == "max_steps" for turn in self.turns)

    def result(self) -> Any:
        """The answer; raises the exception that ended the run if there is none."""
        if self.error is not None:
            raise self.error
        return self.answer


def recorded_run(
    server: ModelServer,
    question: str,
    tape: Tape | None = None,
    *,
    build: Callable[..., MultiStepAgent] = code_agent,
    model: Mapping[str, Any] | None = None,
    on_turn: Callable[[Turn], object] | None = None,
    **agent: Any,
) -> RecordedRun:
    """Connect to the server, build an agent, ask it, and record the run. An exception in the run becomes `error`.

    `tape`: by default a new file in tapes/.
    `build`: `code_agent`, `tool_agent`, or a function with the same arguments.
    `model`: more arguments of `connect`, such as {"temperature": 0.7}.
    `on_turn`: called with each turn as soon as its step has ended, and with any remaining ones at the end of the run.
    `agent`: arguments of `build`, such as tools, max_steps or step_callbacks. The agent prints nothing by default.
    """
    tape = Tape() if tape is None else tape
    position, shown = len(tape.records()), 0

    def show(*_: object, **__: object) -> None:
        nonlocal shown
        if on_turn is not None:
            made = turns(tape.records(), since=position)
            for turn in made[shown:]:
                on_turn(turn)
            shown = len(made)

    connected = connect(server, tape, **(model or {}))
    steps = callbacks(agent.pop("step_callbacks", None), last=[show])
    built = build(connected, **{"verbosity_level": -1, **agent, "step_callbacks": steps})
    record_run(tape, question, server, connected)
    answer, error = None, None
    try:
        answer = built.run(question)
    except Exception as e:  # whatever ended the run, its turns are shown and its end is part of the result
        error = e
    show()
    return RecordedRun(question, built, tape, position, answer, error)


def record_run(tape: Tape, question: str, server: ModelServer, model: Model) -> None:
    """Start a run on the tape: record the question, the model and the server."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    about = _excerpt(server)
    tape.add({"_type": "run", "question": question, "model": model.model_id, "when": when, "server": about})


def _excerpt(server: ModelServer) -> dict[str, Any]:
    """The part of /props that says which server this is. The template alone is longer than most runs.

    A field of another form than llama-server's is left out: it is no reason not to ask.
    """
    props = record(server.props())
    settings = record(props.get("default_generation_settings"))
    command = getattr(server, "command_line", None)
    engine = getattr(server, "engine", None)  # None when attached; the wheel's /props does not know its build
    return {
        "build": engine.build if engine else text(props.get("build_info")),
        "model_path": text(props.get("model_path")),
        "n_ctx": whole(settings.get("n_ctx")),
        "command": None if command is None else redacted_url(command),
    }
