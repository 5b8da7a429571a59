"""The agent in its container: one question, one answer, an exit status.

Does: takes the question from the command line and the server from the environment, prints each step with its bytes
to stderr and the answer to stdout. Does not: keep anything, unless it is told where the tape goes.

    SERVER   http://…, or unix:///run/llama.sock       KEY     the server's key, if it wants one
    TAPE     a file; or - for stdout (then the answer goes to stderr too)
    SEARCH   offline (the course's pages), or web      PROFILE which sampling, if not by the model's name

Status: 0 it answered · 1 nobody answers at SERVER, or another error that a user can put right · 2 wrong usage ·
3 it ran out of steps · 4 the run broke off.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from course import view
from course.agent import LEOPARD, code_agent, connect, record_run
from course.errors import CourseError
from course.server import Server
from course.tape import Tape
from course.turns import turns

ANSWERED, ERROR, USAGE, OUT_OF_STEPS, BROKE_OFF = range(5)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="agent", description="Ask an agent in its container.")
    parser.add_argument("question", nargs="?", default=LEOPARD)
    parser.add_argument("--max-steps", type=int, default=10)
    given = parser.parse_args(arguments)
    try:
        return ask(given.question, given.max_steps)
    except CourseError as error:
        print(f"agent: {error}", file=sys.stderr)
        return ERROR


def ask(question: str, max_steps: int) -> int:
    where, tools = os.environ.get("TAPE", ""), search(os.environ.get("SEARCH", "offline"))
    if not os.environ.get("SERVER"):
        raise CourseError("SERVER is not set: which llama-server? It is set by:  course sandbox run")
    to_stdout = where == "-"
    # Without a place for it the tape is in memory-backed /tmp, and ends with the container.
    path = Path(where) if where and not to_stdout else Path(tempfile.mkdtemp()) / "run.tape.jsonl"
    tape = Tape(path)
    with Server(url=os.environ["SERVER"], quiet=True) as server:
        model = connect(server, tape)
        printed = Printed(tape)
        agent = code_agent(model, tools, max_steps=max_steps, verbosity_level=-1, step_callbacks=[printed])
        record_run(tape, question, server, model)
        status, answer = ANSWERED, None
        try:
            answer = agent.run(question)
        except Exception as error:  # whatever ends the run, its bytes are told first
            print(f"agent: the run broke off: {error}", file=sys.stderr)
            status = BROKE_OFF
        printed()
    made = turns(tape.records())
    if any(turn.step and turn.step.get("kind") == "max_steps" for turn in made):
        print(f"agent: no answer in {max_steps} steps; what follows is a guess", file=sys.stderr)
        status = OUT_OF_STEPS
    if to_stdout:
        sys.stdout.write(path.read_text(encoding="utf-8"))
    if status != BROKE_OFF:
        print(answer, file=sys.stderr if to_stdout else sys.stdout)
    return status


class Printed:
    """A step callback that prints what is new on the tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.shown = tape, 0

    def __call__(self, *_: object, **__: object) -> None:
        made = turns(self.tape.records())
        for turn in made[self.shown :]:
            print(view.text(turn), file=sys.stderr)
        self.shown = len(made)


def search(kind: str) -> list:
    if kind == "offline":
        from course.tools.search import OfflineSearch

        return [OfflineSearch()]
    if kind == "web":
        from smolagents import WebSearchTool

        return [WebSearchTool()]
    raise CourseError(f"SEARCH is {kind!r}; it is offline or web")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
