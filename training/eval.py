"""How often the embedded model is right on tasks it never saw:  make eval

Does: runs held-out tasks of each family (names, page layouts, tools and phrasings that training never uses) through
smolagents' own agents and a real llama-server, and prints a table. Greedy, so that a repeated run on the same build gives
about the same. Does not: change the model.

    make eval ARGS="--cases 50 --write"                        # into eval.json, README, card
    make eval ARGS="--servers 2 --threads 1"                   # two at once, where a second thread brings little
    make eval ARGS="--family 'tool calls' --cases 20"          # a look at one family
    make eval ARGS="--server http://127.0.0.1:8080"            # another engine at an address
    LLAMA_SERVER=/path/llama-server make eval ARGS="--write"   # a binary, into eval.binary.json
"""

import argparse
import json
import queue
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from course.agent import connect
from course.embedded import adapter_path, base_path, gguf_path, sha256
from course.server import Server
from training import chat, table
from training.families import FAMILIES, measured
from training.tasks import Task

MAX_STEPS = 8


@dataclass(frozen=True)
class Result:
    """One case: what was asked and expected, what came out, and what it cost. `generated` in tokens."""

    family: str
    question: str
    expected: str
    answer: str
    outcome: str
    steps: int
    generated: int
    seconds: float


def ask(server: Server, task: Task, max_steps: int) -> Result:
    agent = task.agent(task.tools, connect(server), max_steps=max_steps, verbosity_level=-1)
    try:
        answer = str(agent.run(task.question))
    except Exception as error:  # what ends a run is a result here, whatever it is
        answer = f"{type(error).__name__}: {error}"
    steps = [step for step in agent.memory.steps if hasattr(step, "step_number")]
    return Result(
        task.family,
        task.question,
        task.expected,
        answer,
        "right" if task.right(answer) else task.fault(answer),
        len(steps),
        sum(step.token_usage.output_tokens for step in steps if step.token_usage),
        round(sum(step.timing.duration or 0 for step in steps), 2),
    )


def say(server: Server, one: chat.Exchange, thinking: bool) -> Result:
    """One question of plain chat; not thinking means an empty `reasoning_content` too."""
    body = {
        "messages": [{"role": "user", "content": one.question}],
        "chat_template_kwargs": {"enable_thinking": thinking},
        **server.profile.sampling,
    }
    got = server.post("/v1/chat/completions", body)
    message = got["choices"][0]["message"]
    answer, thought = message["content"] or "", message.get("reasoning_content") or ""
    outcome = "right" if one.right(answer) else "wrong answer"
    if bool(thought.strip()) is not thinking:
        outcome = "thought unasked" if thought else "did not think"
    timings = got["timings"]
    seconds = (timings["prompt_ms"] + timings["predicted_ms"]) / 1000
    return Result(
        chat.FAMILY, one.question, one.telling, answer, outcome, 1, timings["predicted_n"], round(seconds, 2)
    )


def run(
    servers: Sequence[Server], family: str, count: int, seed: int, max_steps: int = MAX_STEPS
) -> list[Result]:
    """Each case on a server that is free. The order of the results is that of the cases."""
    tasks = [] if family == chat.FAMILY else measured(family, count, seed)
    free: queue.SimpleQueue[Server] = queue.SimpleQueue()
    for server in servers:
        free.put(server)

    def case(number: int) -> Result:
        server = free.get()
        try:
            if family != chat.FAMILY:
                return ask(server, tasks[number], max_steps)
            exchange = chat.draw(random.Random(f"{seed} {family} {number}"), False)
            return say(server, exchange, thinking=number % 3 != 2)
        finally:
            free.put(server)

    results: list[Result] = []
    with ThreadPoolExecutor(len(servers)) as pool:
        for last in pool.map(case, range(count)):
            results.append(last)
            right = sum(r.outcome == "right" for r in results)
            print(f"{right:3d}/{len(results):<3d} {last.outcome:28s} {last.answer[:90]!r}", flush=True)
    return results


def summary(results: list[Result]) -> dict:
    return {
        "cases": len(results),
        "right": sum(r.outcome == "right" for r in results),
        "steps": round(statistics.mean(r.steps for r in results), 2),
        "tokens": round(statistics.median(r.generated for r in results)),
        "seconds": round(statistics.median(r.seconds for r in results), 1),
        "failures": dict(Counter(r.outcome for r in results if r.outcome != "right")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*FAMILIES, chat.FAMILY]
    parser.add_argument("--family", action="append", choices=names, help="again for more; default: all")
    parser.add_argument("--cases", type=int, default=50, help="of each family")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--base", type=int, default=0, help="also this many of each on the base, no adapter")
    parser.add_argument("--model", type=Path, help="measure this GGUF instead of the embedded one")
    parser.add_argument("--threads", type=int, help="of the server, when nothing else runs: all cores")
    parser.add_argument("--servers", type=int, default=1, help="so many at once, a case each")
    parser.add_argument("--server", help="measure what runs at this address")
    parser.add_argument("--write", action="store_true", help="store the table in course/data/eval.json")
    args = parser.parse_args()
    if args.servers < 1:
        parser.error(f"--servers {args.servers}: at least one has to answer")
    changes = {"url": args.server, "model": args.model, "threads": args.threads}
    results: list[Result] = []
    tables: dict[str, dict] = {}
    with ExitStack() as stack:
        servers = _servers(stack, args.servers, **changes)
        engine = servers[0].engine
        built = f"{engine.kind}, {engine.build}" if engine else "server"
        for family in args.family or names:
            print(f"── {family}")
            last = run(servers, family, args.cases, args.seed)
            results += last
            tables[family] = summary(last) | {"servers": args.servers}
            if args.write:
                write(tables, results, built, args.seed)
    if args.base:
        with ExitStack() as stack:
            servers = _servers(stack, args.servers, model=base_path(), threads=args.threads)
            for family, row in tables.items():
                print(f"── {family}, the base model, at most 3 steps each")
                base = run(servers, family, args.base, args.seed, max_steps=3)
                row |= {"base_cases": args.base, "base_right": sum(r.outcome == "right" for r in base)}
    print(json.dumps(tables, indent=1))
    if args.write:
        print(f"written: {write(tables, results, built, args.seed)}")
        table.main()


def _servers(stack: ExitStack, count: int, **changes) -> list[Server]:
    """One after the other, as two that start in the same moment would take the same port."""
    changes = {name: value for name, value in changes.items() if value is not None}
    return [stack.enter_context(Server("embedded", quiet=True, **changes)) for _ in range(count)]


def write(tables: dict, results: list[Result], engine: str, seed: int) -> Path:
    """The table with its cases, beside those of other families of the same model and seed; a file for each engine."""
    path = table.data(engine.partition(",")[0])
    model = gguf_path(report=lambda _: None)
    data = {
        "date": date.today().isoformat(),
        "model": {"adapter_sha256": sha256(adapter_path()), "file": model.name, "sha256": sha256(model)},
        "engine": engine,
        "seed": seed,
    }
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    alike = all(before.get(name) == data[name] for name in ("model", "engine", "seed"))
    kept = [r for r in before["results"] if r["family"] not in tables] if alike else []
    families = {**(before["families"] if alike else {}), **tables}
    data["families"] = {name: families[name] for name in [*FAMILIES, chat.FAMILY] if name in families}
    data["results"] = kept + [asdict(r) for r in results]
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
