"""What recording costs: the leopard run through our recording transport ÷ the same run without it.

Runs three programs in turn on one warm server: a plain agent (smolagents as its documentation shows it, printing
nothing), the script of the blog post that the course comes from (it prints every message and smolagents' own log), and
our recorded run. All three search the same offline pages. Imports, which are the same, are not counted.

The server's own time varies by more than the recorder costs. So there is a second ratio in which the server takes the same
time in both (the median of its `timings`). It shows the effect on the client.
"""

import contextlib
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smolagents import ActionStep, CodeAgent, OpenAIModel

from bench.rows import Row, paired, pairs, rotated
from bench.setting import Setting
from course.agent import LEOPARD, OPENAI_SAMPLING, LoggingModel, recorded_run
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch


@dataclass(frozen=True)
class Run:
    """`seconds` from building the agent to its answer; in `busy` of them the server processed prompts and generated."""

    seconds: float
    busy: float
    steps: int
    answer: str

    @property
    def client(self) -> float:
        return self.seconds - self.busy


def plain(server: Server, model_class: type[OpenAIModel] = OpenAIModel, verbosity: int = 0) -> CodeAgent:
    """smolagents and its own client, as its documentation shows them."""
    sampling = dict(server.profile.sampling)
    extra = {k: sampling.pop(k) for k in list(sampling) if k not in OPENAI_SAMPLING}
    model = model_class(
        model_id=server.model_id,
        api_base=server.api_base,
        api_key=server.api_key or "not-needed",
        **sampling,
        **({"extra_body": extra} if extra else {}),
    )
    return CodeAgent(tools=[OfflineSearch()], model=model, verbosity_level=verbosity)


def printing(server: Server) -> CodeAgent:
    """The blog post's script: a model that prints requests and responses, and smolagents' own log at level 2."""
    return plain(server, LoggingModel, verbosity=2)


class Recorded:
    """A run as in every lesson, on a tape. It is asked like the agents above."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder

    def run(self, question: str) -> object:
        tape = Tape(self.folder / f"{time.monotonic_ns()}.tape.jsonl")
        done = recorded_run(self.server, question, tape, verbosity_level=0)
        self.memory = done.agent.memory
        return done.result()


def timed(build: Callable[[], CodeAgent | Recorded], question: str = LEOPARD) -> Run:
    """Time one run. What it prints is discarded."""
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        agent = build()
        answer = agent.run(question)
        seconds = time.perf_counter() - began
    steps = [step for step in agent.memory.steps if isinstance(step, ActionStep)]
    return Run(seconds, sum(map(server_seconds, steps)), len(steps), str(answer))


def server_seconds(step: ActionStep) -> float:
    """llama.cpp's timings of the step's response."""
    timings = step.model_output_message.raw.model_dump()["timings"]
    return float(timings["prompt_ms"] + timings["predicted_ms"]) / 1000


def measure(setting: Setting) -> list[Row]:
    with setting.server() as server:
        programs: dict[str, Callable[[], CodeAgent | Recorded]] = {
            "plain": lambda: plain(server),
            "printing": lambda: printing(server),
            "recorded": lambda: Recorded(server, setting.folder),
        }
        runs: dict[str, list[Run]] = {name: [] for name in programs}
        for build in programs.values():
            timed(build)
        for round in range(setting.runs):
            for name in rotated(list(programs), round):
                runs[name].append(timed(programs[name]))
    return rows(runs)


def rows(runs: dict[str, list[Run]]) -> list[Row]:
    """Pure: the ratios, first as measured, then with equal time of the server."""
    seconds = {name: [run.seconds for run in some] for name, some in runs.items()}
    client = {name: statistics.median(run.client for run in some) for name, some in runs.items()}
    busy = statistics.median(run.busy for some in runs.values() for run in some)
    data = {name: [vars(run) for run in some] for name, some in runs.items()}

    return [
        Row("recorded run ÷ plain script", paired(seconds["recorded"], seconds["plain"]),
            pairs(seconds["recorded"], seconds["plain"]), limit=1.01, data=data),
        Row("the same, with equal time of the server", (busy + client["recorded"]) / (busy + client["plain"]),
            f"{1000 * client['recorded']:.0f} ms ÷ {1000 * client['plain']:.0f} ms outside the server, "
            f"{busy:.2f} s in it", limit=1.01),
        Row("recorded run ÷ the blog post's script, which prints everything",
            paired(seconds["recorded"], seconds["printing"]), pairs(seconds["recorded"], seconds["printing"])),
    ]  # fmt: skip


def compared(what: str, runs: dict[str, list[Run]], *, failed: bool) -> Row:
    """Pure: seconds of whole runs of two kinds, the first ÷ the second, each pair timed one right after the other."""
    above, below = ([run.seconds for run in some] for some in runs.values())
    data = {name: [vars(run) for run in some] for name, some in runs.items()}
    return Row(what, paired(above, below), pairs(above, below), failed=failed, data=data)
