"""Controlled experiments: the same question with one server setting changed, and the outcomes side by side.

Each variant runs once, with its own server, CodeAgent and tape, and its server is stopped afterwards. If the agent fails,
that is an outcome, not an exception. Servers that are already running are left alone.

    outcomes = compare({"default": {}, "no jinja": {"jinja": False}}, LEOPARD)
    table(outcomes)
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.model import engine
from course.model.profiles import Profile
from course.server import Server
from course.tape import Tape
from course.turns import Turn, turns
from course.turns.thinking import where_think_is as where_think_is  # notebooks call it here

MAX_STEPS = 6
SLOT = "slot.bin"
FEW = 64  # prompt tokens that may be processed after a restored cache: the end of a prompt
HEAD = 160  # characters of content that a table shows
END = 40  # characters of the prompt's end that a table shows
OLDEST = 8220  # about the first build in which thinking stays in content without Jinja (llama.cpp #18675)
OTHER_BUILD = (
    "Use the llama.cpp that comes with the course. Run this in a cell above, then this cell again:  "
    'import os; os.environ["LLAMA_SERVER"] = "wheel"'
)


@dataclass(frozen=True)
class Outcome:
    """What one variant did. `error` says why the run ended without an answer; `steps` counts the steps it took."""

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
        """The end of the first prompt as the server rendered it, where generation starts."""
        prompt = next((t.prompt for t in self.turns if t.prompt), None)
        if prompt is None:
            return None
        # Not splitlines(): a prompt may have other line separators in it.
        lines = [line for line in re.split(r"(?<=\n)", prompt) if line]
        return repr("".join(lines[-2:]))[1:-1][-END:]

    @property
    def keys(self) -> list[str]:
        """The keys of the first message."""
        return list(self.message)

    @property
    def think_is(self) -> str:
        """Which field of the first message holds the thinking, in words."""
        return where_think_is(self.message)

    @property
    def head(self) -> str | None:
        """The first characters of the content, with line breaks shown as \\n."""
        content = self.message.get("content")
        if not isinstance(content, str):
            return None
        return repr(content[:HEAD])[1:-1] + ("…" if len(content) > HEAD else "")

    @property
    def step_results(self) -> list[str]:
        """What smolagents did in each turn."""
        return [step_result(t) for t in self.turns]


def run(
    question: str,
    profile: str | Profile | None = None,
    *,
    label: str | None = None,
    max_steps: int = MAX_STEPS,
    slot_cache: str | Path | None = None,
    **changes: Any,
) -> Outcome:
    """Ask `question` on a server of the profile with these settings changed. Each response includes its prompt.

    `slot_cache` is a folder that runs on the same weights share, to save prompt processing. The first run that ends with
    an answer saves its KV cache there. A later run restores it before each request, until a prompt no longer matches the
    cache: because the prompt differs, the server refused the file, or its model cannot roll back (recurrent state).
    """
    from course.agent import recorded_run

    tape = Tape()
    folder: dict[str, Any] = {"slot_save_path": slot_cache} if slot_cache else {}
    with Server(profile, url=False, quiet=True, **changes, **folder) as server:
        restores = bool(slot_cache) and Path(slot_cache or "", SLOT).exists()

        def restore(*_: object, **__: object) -> None:
            if not restores:
                return
            new = [turn.tokens.new for turn in turns(tape.records()) if turn.exchange]
            if all(n is not None and n <= FEW for n in new):
                _slot(server, "restore")

        restore()
        done = recorded_run(
            server,
            question,
            tape,
            model={"extra_body": {"verbose": True}},
            max_steps=max_steps,
            step_callbacks=[restore],
        )
        if slot_cache and not restores and done.error is None:
            _slot(server, "save")
        command_line = server.command_line
    made = done.turns
    return Outcome(
        label=label or label_of(changes),
        changes=changes,
        command_line=command_line,
        answer=done.answer,
        steps=sum(1 for t in made if t.step and t.step.get("kind") == "action"),
        error=f"{type(done.error).__name__}: {done.error}" if done.error else None,
        turns=made,
        tape_path=tape.path,
        question=question,
    )


def _slot(server: Server, action: str) -> None:
    """Save or restore the KV cache of the only slot. If the server cannot, the outcome is the same."""
    server.request("POST", f"/slots/0?action={action}", {"filename": SLOT})


def compare(
    variants: dict[str, dict[str, Any]],
    question: str,
    profile: str | Profile | None = None,
    max_steps: int = MAX_STEPS,
) -> list[Outcome]:
    """One run for each label and its changes, one after the other."""
    return [
        run(question, profile, label=label, max_steps=max_steps, **changes)
        for label, changes in variants.items()
    ]


def check_build(default: Server | None = None, no_jinja: Server | None = None) -> None:
    """Raise a CourseError if this llama.cpp is too old for the lessons on --jinja.

    Without servers, its build number decides, as far as it has one. With a server without flags and one with --no-jinja,
    their behavior decides, because packages are renamed and patched.
    """
    from course.agent.forced import grammar, opens_thinking

    build = engine.find().build
    number = re.match(r"b(\d+)", build)
    if number and int(number[1]) < OLDEST:
        raise CourseError(
            f"this llama.cpp is {build}, and this lesson needs b{OLDEST} or newer, because older builds treat "
            f"thinking in another way.\n{OTHER_BUILD}"
        )
    if default and not opens_thinking(default):
        raise CourseError(
            f"this llama.cpp ({build}) does not use the model's own template without a flag, so it is too old for this "
            f"lesson.\n{OTHER_BUILD}"
        )
    if no_jinja:
        words = "<think>\nNo.\n</think>\n\nYes."
        asked = {"messages": [{"role": "user", "content": "Yes?"}], "grammar": grammar(words)}
        content = no_jinja.post("/v1/chat/completions", asked)["choices"][0]["message"].get("content")
        if "<think>" not in (content or ""):
            raise CourseError(
                f"this llama.cpp ({build}) takes thinking out of content even without Jinja, so it is too old for this "
                f"lesson.\n{OTHER_BUILD}"
            )


def table(outcomes: list[Outcome]) -> Any:
    """The outcomes as an HTML table for a notebook: for each setting its first response and how the run ended."""
    from IPython.display import HTML

    from course import view

    question = outcomes[0].question if outcomes else ""
    return HTML(view.render("outcomes.html", outcomes=outcomes, question=question))  # type: ignore[no-untyped-call]  # IPython has no types


def step_result(turn: Turn) -> str:
    """What smolagents did in this turn, in a few words."""
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
    """The changes as text. A file is shown by its name only."""
    said = {
        k: Path(v).name if isinstance(v, Path) or k == "chat_template_file" else v for k, v in changes.items()
    }
    return ", ".join(f"{k}={v}" for k, v in said.items()) or "default"
