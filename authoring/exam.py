"""Record the tapes of lesson 12's exam:  python -m authoring exam

Each tape is a real run on the embedded server: a client with one fault in it or in its server, or with none. Half of
them are recorded by the agent itself, the others by the tap, as a learner's own would be. Which fault is where is in
course/exam/key.toml, and tests/unit/test_exam.py holds the two together.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import openai
from smolagents import ActionStep, CodeAgent, OpenAIModel, Tool

from authoring.runner import places, scrubbed
from course.agent import recorded_run
from course.exam import TAPES
from course.server import Server
from course.tap import Tap
from course.tape import Tape
from course.tools.search import OfflineSearch

LEOPARD = "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
CHEETAH = "How many seconds would a cheetah at full speed need to cross the Golden Gate Bridge?"
MOST_CALLS = 4


@contextmanager
def tapped(tape: Tape, **changes: Any) -> Iterator[tuple[Server, str]]:
    """A server with these settings changed, and the address of a tap in front of it."""
    with Server("embedded", url=False, quiet=True, **changes) as server, Tap(server.url, tape) as tap:
        yield server, tap.base_url


def recorded(tape: Tape, question: str, changes: dict[str, Any] | None = None, **run: Any) -> None:
    """A run of the course's own agent on a server with these settings changed."""
    with Server("embedded", url=False, quiet=True, **(changes or {})) as server:
        recorded_run(server, question, tape, **run)


def agent(base_url: str, tools: list[Tool] | None = None, **kw: Any) -> CodeAgent:
    """A CodeAgent as somebody would build it who knows nothing of this course."""
    model = OpenAIModel(
        "embedded", api_base=base_url, api_key="none", temperature=0, client_kwargs={"max_retries": 0}
    )
    return CodeAgent(
        tools=tools or [OfflineSearch()], model=model, verbosity_level=0, **{"max_steps": 4, **kw}
    )


def short_answers(tape: Tape) -> None:
    """A limit on tokens that no step of the run fits into."""
    recorded(tape, LEOPARD, model={"max_tokens": 90}, max_steps=3)


def recovered(tape: Tape) -> None:
    """A step that fails, and a run that does not: the agent reads the error and goes on without the module."""
    recorded(tape, "Which files are in this folder?", max_steps=4)


def forgotten_result(tape: Tape) -> None:
    """A loop of one's own that runs the tool and never tells the model what came of it."""
    search = {
        "type": "function",
        "function": {
            "name": "web_search",
            "description": "Performs a web search for the query and returns the top results as a string.",
            "parameters": {
                "type": "object",
                "properties": {"query": {"type": "string", "description": "The search query to perform."}},
                "required": ["query"],
            },
        },
    }
    tool = OfflineSearch()
    with (
        tapped(tape) as (_, address),
        openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client,
    ):
        messages: list[Any] = [
            {"role": "system", "content": "Answer with the help of the tool."},
            {"role": "user", "content": "What is the top speed of a leopard?"},
        ]
        for _ in range(MOST_CALLS):
            said = client.chat.completions.create(
                model="embedded", messages=messages, tools=[search], temperature=0, max_tokens=200
            )
            answer = said.choices[0].message
            messages.append(answer.model_dump(exclude_none=True))
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                print(tool(**json.loads(call.function.arguments))[:60])  # printed, and never sent


def clock(tape: Tape) -> None:
    """The time of day, to the second, at the top of each step's system prompt."""
    with tapped(tape) as (_, address):
        built = agent(address)
        prompt = built.system_prompt

        def stamp(*_: object, **__: object) -> None:
            now = datetime.now().strftime("%H:%M:%S")
            built.memory.system_prompt.system_prompt = f"Current time: {now}\n\n{prompt}"

        built.step_callbacks.register(ActionStep, stamp)
        built.run(LEOPARD)


def no_jinja(tape: Tape) -> None:
    """The server's plain parser, which leaves the thinking where it was."""
    with tapped(tape, jinja=False) as (_, address):
        agent(address).run(LEOPARD)


def paragraph(tape: Tape) -> None:
    """A script that wants one paragraph and says so with a stop sequence."""
    with (
        tapped(tape) as (_, address),
        openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client,
    ):
        for question in ("What is the opposite of hot?", "What is the capital of France?"):
            client.chat.completions.create(
                model="embedded",
                messages=[{"role": "user", "content": question}],
                stop=["\n\n"],
                temperature=0,
                max_tokens=200,
            )


def small_window(tape: Tape) -> None:
    """A context window that the first request fits into and the second does not."""
    recorded(tape, CHEETAH, changes={"context": 2560}, max_steps=4)


class BrokenSearch(OfflineSearch):  # type: ignore[misc]  # smolagents' Tool is untyped
    """A search whose service answers with a page that it cannot read, so it takes it for one without results."""

    def forward(self, query: str) -> str:
        raise RuntimeError("No results found! Try a less restrictive/shorter query.")


def silent_search(tape: Tape) -> None:
    """A tool that fails and looks as if nothing was there to find."""
    with tapped(tape) as (_, address):
        agent(address, tools=[BrokenSearch()]).run(LEOPARD)


RUNS: dict[int, Callable[[Tape], None]] = {
    1: short_answers,
    2: forgotten_result,
    3: clock,
    4: recovered,
    5: small_window,
    6: no_jinja,
    7: silent_search,
    8: paragraph,
}


def record(number: int, folder: Path = TAPES) -> Path:
    """Record one of the runs, in place of its tape. Paths of this machine get the names that notebooks have for them."""
    path = folder / f"{number}.tape.jsonl"
    path.unlink(missing_ok=True)
    tape = Tape(path)
    try:
        RUNS[number](tape)
    except Exception as e:  # how a client ends is part of the run
        print(f"{number}: {type(e).__name__}: {str(e)[:160]}")
    path.write_text(scrubbed(path.read_text(encoding="utf-8"), places()), encoding="utf-8")
    return path
