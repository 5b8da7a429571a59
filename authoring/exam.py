"""Record the tapes of lesson 12's exam:  python -m authoring exam

Each tape is a real run on the embedded server: a client with one fault in it, in its server or between the two, or with
none. Two are recorded by the agent itself, the others by the tap, as a learner's own would be. Which fault is where is
in course/exam/key.toml, and tests/unit/test_exam.py holds the two together.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import openai
from smolagents import ActionStep, CodeAgent, OpenAIModel, Tool

from course.agent import recorded_run
from course.exam import TAPES
from course.run.normal import places, scrubbed
from course.server import Server
from course.tap import Tap
from course.tape import Tape
from course.tools.folder import FolderSearch
from course.tools.search import OfflineSearch
from course.turns import text_of

LEOPARD = "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
HERON = "What is the budget of project Heron?"
NOTES = """# Projects

Project Heron had a budget of 900 euros in its first year. It began in room 12, when the archive moved into the old \
mill. Since May, project Heron has a budget of 2650 euros. That pays for the lift, too, and for the roof, which had to \
wait until the archive was dry.

Project Tern has been over since the summer.
"""
MOST_CALLS = 4
ROOM = 9_000
"""Characters of a prompt that the gateway lets through."""
PINNED = 2
"""Messages at the beginning that it never drops: the system prompt and the task."""


@contextmanager
def tapped(tape: Tape, **changes: Any) -> Iterator[tuple[Server, str]]:
    """A server with these settings changed, and the address of a tap in front of it."""
    with Server("embedded", url=False, quiet=True, **changes) as server, Tap(server.url, tape) as tap:
        yield server, tap.base_url


def recorded(tape: Tape, question: str, **run: Any) -> None:
    """A run of the course's own agent."""
    with Server("embedded", url=False, quiet=True) as server:
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
        template = built.prompt_templates["system_prompt"]

        def stamp(*_: object, **__: object) -> None:
            now = datetime.now().strftime("%H:%M:%S")
            built.prompt_templates["system_prompt"] = f"Current time: {now}\n\n{template}"
            built.memory.system_prompt.system_prompt = built.system_prompt

        stamp()
        built.step_callbacks.register(ActionStep, stamp)
        built.run(LEOPARD)


def no_jinja(tape: Tape) -> None:
    """The server's plain parser, which leaves the thinking where it was."""
    with tapped(tape, jinja=False) as (_, address):
        agent(address).run(LEOPARD)


def one_line(tape: Tape) -> None:
    """A script that wants one line and says so with a stop sequence."""
    with (
        tapped(tape) as (_, address),
        openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client,
    ):
        for question in ("What is the opposite of hot?", "What is the capital of France?"):
            client.chat.completions.create(
                model="embedded",
                messages=[{"role": "user", "content": question}],
                stop=["\n"],
                temperature=0,
                max_tokens=400,
                extra_body={"verbose": True},
            )


def trimmed(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pinned messages, and the newest of the others as long as there is room."""
    kept = messages[PINNED:]
    while kept and sum(len(text_of(message)) for message in messages[:PINNED] + kept) > ROOM:
        kept = kept[1:]
    return messages[:PINNED] + kept


@contextmanager
def gateway(upstream: str) -> Iterator[str]:
    """The address of a proxy that keeps each prompt short, and tells nobody."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked["messages"] = trimmed(asked["messages"])
            reply = httpx.post(upstream + self.path, json=asked, timeout=600)
            self.send_response(reply.status_code)
            self.send_header("Content-Type", reply.headers["Content-Type"])
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def short_memory(tape: Tape) -> None:
    """A gateway with a small context window of its own, which drops what does not fit."""
    with (
        Server("embedded", url=False, quiet=True) as server,
        gateway(server.url) as address,
        Tap(address, tape) as tap,
    ):
        agent(tap.base_url, max_steps=3).run(LEOPARD)


def short_prints(tape: Tape) -> None:
    """A limit on what code may print, and a figure that stands in the middle of a long paragraph."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "projects.md").write_text(NOTES, encoding="utf-8")
        with tapped(tape) as (_, address):
            agent(address, tools=[FolderSearch(folder)], max_print_outputs_length=200).run(HERON)


RUNS: dict[int, Callable[[Tape], None]] = {
    1: short_answers,
    2: forgotten_result,
    3: clock,
    4: recovered,
    5: short_memory,
    6: no_jinja,
    7: short_prints,
    8: one_line,
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
