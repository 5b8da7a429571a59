"""Controlled experiments: one question, one server setting changed, what came of it side by side.

Does: starts a server of its own for each variant, asks a CodeAgent, keeps the tape, stops the server.
Does not: raise when the agent fails (that is an outcome), repeat a run, or touch a server that is running.

    outcomes = compare({"as it is": {}, "no jinja": {"jinja": False}}, LEOPARD)
    table(outcomes)
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.model.profiles import Profile
from course.server import Server
from course.tape import Tape
from course.turns import Turn, turns
from course.turns.thinking import where_think_is as where_think_is

MAX_STEPS = 6
SLOT = "slot.bin"
FEW = 64  # tokens: the end of a prompt, behind what was kept
HEAD = 160
END = 40


@dataclass(frozen=True)
class Outcome:
    """What one variant did. `error` is why the run ended without an answer, `steps` how many it took."""

    label: str
    changes: dict[str, Any]
    command_line: str
    answer: Any
    steps: int
    error: str | None
    turns: list[Turn]
    tape_path: Path
    question: str = field(default="", repr=False)

    @property
    def message(self) -> dict[str, Any]:
        """The first message that came back."""
        return next((t.exchange.message for t in self.turns if t.exchange), {})

    @property
    def prompt_end(self) -> str | None:
        """The last two lines of the first prompt as the server rendered it: where the model has to go on."""
        prompt = next((t.prompt for t in self.turns if t.prompt), None)
        if prompt is None:
            return None
        lines = [
            line for line in re.split(r"(?<=\n)", prompt) if line
        ]  # a prompt may hold other line separators
        return repr("".join(lines[-2:]))[1:-1][-END:]

    @property
    def keys(self) -> list[str]:
        return list(self.message)

    @property
    def think_is(self) -> str:
        return where_think_is(self.message)

    @property
    def head(self) -> str | None:
        """The first characters of the content, with line ends and special tokens to be seen."""
        content = self.message.get("content")
        if not isinstance(content, str):
            return None
        return repr(content[:HEAD])[1:-1] + ("…" if len(content) > HEAD else "")

    @property
    def step_results(self) -> list[str]:
        return [step_result(t) for t in self.turns]


def run(
    question: str,
    profile: str | Profile | None = None,
    *,
    label: str | None = None,
    max_steps: int = MAX_STEPS,
    kept: str | Path | None = None,
    **changes: Any,
) -> Outcome:
    """Ask `question` on a server of the profile with these settings changed. Each response brings its prompt.

    `kept` is a folder for runs on the same weights. The first that ends with an answer saves there what its server
    read and wrote (the slot's KV cache); later ones load it before each request, until one had much to read all the
    same: its prompt differs, the server refused the file, or its model cannot roll back (recurrent state).
    """
    from course.agent import code_agent, connect, record_run

    tape, answer, error = Tape(), None, None
    folder = {"slot_save_path": kept} if kept else {}
    with Server(profile, url=False, quiet=True, **changes, **folder) as server:
        loads = bool(kept) and Path(kept, SLOT).exists()

        def load(*_: Any, **__: Any) -> None:
            if not loads:
                return
            read = [turn.tokens.new for turn in turns(tape.records()) if turn.exchange]
            if all(n is not None and n <= FEW for n in read):
                _slot(server, "restore")

        model = connect(server, tape, extra_body={"verbose": True})
        agent = code_agent(model, verbosity_level=-1, max_steps=max_steps, step_callbacks=[load])
        record_run(tape, question, server, model)
        load()
        try:
            answer = agent.run(question)
        except Exception as e:  # whatever ends a run is what this experiment shows
            error = f"{type(e).__name__}: {e}"
        if kept and not loads and error is None:
            _slot(server, "save")
        command_line = server.command_line
    made = turns(tape.records())
    steps = sum(1 for t in made if t.step and t.step.get("kind") == "action")
    return Outcome(
        label or label_of(changes), changes, command_line, answer, steps, error, made, tape.path, question
    )


def _slot(server: Server, action: str) -> None:
    """Save or restore the one slot's cache; what the server says to it changes no outcome."""
    server.request("POST", f"/slots/0?action={action}", {"filename": SLOT})


def compare(
    variants: dict[str, dict[str, Any]],
    question: str,
    profile: str | Profile | None = None,
    max_steps: int = MAX_STEPS,
) -> list[Outcome]:
    """One run for each {label: changes}, one after the other."""
    return [
        run(question, profile, label=label, max_steps=max_steps, **changes)
        for label, changes in variants.items()
    ]


def table(outcomes: list[Outcome]):
    """The outcomes as an HTML table: a row for each setting, its first response and how the run ended."""
    from IPython.display import HTML

    from course import view

    question = outcomes[0].question if outcomes else ""
    return HTML(view.render("outcomes.html", outcomes=outcomes, question=question))


def step_result(turn: Turn) -> str:
    """What smolagents made of this turn, in a few words."""
    error = turn.error or (turn.step or {}).get("error")
    if turn.step and turn.step.get("kind") == "max_steps":
        return "out of steps: text taken as the answer"
    if error:
        said = " ".join(error.removeprefix("Error in code parsing:").split())
        return "error: " + (said if len(said) <= 72 else said[:72].rsplit(" ", 1)[0] + " …")
    if turn.is_final:
        return "ran code: final answer"
    if turn.code == "":
        return "ran empty code: nothing happened"
    return "ran code" if turn.code else "no step"


def label_of(changes: dict[str, Any]) -> str:
    said = {
        k: Path(v).name if isinstance(v, Path) or k == "chat_template_file" else v for k, v in changes.items()
    }
    return ", ".join(f"{k}={v}" for k, v in said.items()) or "as it is"
