"""The agent in its container: one question, one answer, an exit status.

The question comes from the command line, the server from the environment. Each turn is printed to stderr with its bytes,
the answer to stdout. Nothing is kept unless TAPE says where.

    SERVER   http://…, or unix:///run/llama.sock       KEY     the server's key, if it needs one
    TAPE     a file; or - for stdout, each record at once (then the answer goes to stderr too)
    SEARCH   offline (the course's pages), or web      PROFILE the sampling, if the model's name does not imply it

Exit status: 0 it answered · 1 nothing answers at SERVER, or another error that the user can fix · 2 wrong usage ·
3 it ran out of steps · 4 the run ended with an error.
"""

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smolagents import Tool, WebSearchTool

from course import terminal, view
from course.agent import LEOPARD, recorded_run
from course.errors import CourseError
from course.server import Server
from course.tape import Tape
from course.tape.writing import as_json

ANSWERED, ERROR, USAGE, OUT_OF_STEPS, FAILED = range(5)


def main(arguments: list[str]) -> int:
    """Parse the command line, ask, and return the exit status."""
    parser = argparse.ArgumentParser(prog="agent", description="Ask an agent in its container.")
    parser.add_argument("question", nargs="?", default=LEOPARD)
    parser.add_argument("--max-steps", type=int, default=10)
    given = parser.parse_args(arguments)
    try:
        return ask(given.question, given.max_steps)
    except CourseError as error:
        say(str(error))
        return ERROR


def ask(question: str, max_steps: int) -> int:
    """Run the agent; returns the exit status."""
    where, tools = os.environ.get("TAPE", ""), search(os.environ.get("SEARCH", "offline"))
    if not os.environ.get("SERVER"):
        raise CourseError(
            "SERVER is not set. It should be the address of a llama-server.\nLet the course set it:  course sandbox run"
        )
    to_stdout = where == "-"
    # By default the tape is in /tmp, which is in memory and ends with the container.
    path = Path(where) if where and not to_stdout else Path(tempfile.mkdtemp()) / "run.tape.jsonl"
    tape = OnStdout(path) if to_stdout else Tape(path, report=say)
    with Server(url=os.environ["SERVER"], quiet=True) as server:
        done = recorded_run(
            server,
            question,
            tape,
            tools=tools,
            max_steps=max_steps,
            on_turn=lambda turn: terminal.say(view.text(turn), err=True),
        )
    status = FAILED if done.error else OUT_OF_STEPS if done.out_of_steps else ANSWERED
    if done.error:
        say(f"the run ended with an error: {done.error}")
    if done.out_of_steps:
        say(f"no answer in {max_steps} {'step' if max_steps == 1 else 'steps'}; what follows is a guess")
    if not done.error:
        terminal.say(done.answer, err=to_stdout)
    return status


class OnStdout(Tape):
    """A tape that also prints each record at once, so that none is lost when the container is killed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, report=say)
        self.before, self.turn = self.writer.head, threading.Lock()

    def add(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Append a record and print it, the first one after the line that begins a tape."""
        added = super().add(record)
        line = terminal.visible(as_json(added))
        with self.turn:
            sys.stdout.buffer.write(self.before + line.encode() + b"\n")
            sys.stdout.buffer.flush()
            self.before = b""
        return added


def say(text: str) -> None:
    """Print a message to stderr, apart from the answer."""
    terminal.say(f"agent: {text}", err=True)


def search(kind: str) -> list[Tool]:
    """The search tool that SEARCH names."""
    if kind == "offline":
        from course.tools.search import OfflineSearch

        return [OfflineSearch()]
    if kind == "web":
        return [WebSearchTool()]
    raise CourseError(
        f"SEARCH is {kind!r}, but must be offline or web.\nUse the default, offline:  unset SEARCH"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
