"""How often the embedded model is right on tasks it never saw:  make eval

Runs held-out tasks of each family (names, page layouts, tools and phrasings that training never uses) through
smolagents' own agents and a real llama-server, and prints a table. Decoding is greedy, so a repeated run on the same
build gives nearly the same results. With --write it stores each case and updates docs/measurements.md and the model
card; run it again to resume.

    make eval ARGS="--write"                                   # into course/data/eval.json
    make eval ARGS="--servers 2 --threads 1"                   # two at once: a second thread per server gains little
    make eval ARGS="--family 'tool calls' --cases 20"          # one family only
    make eval ARGS="--server http://127.0.0.1:8080"            # another engine at an address
    LLAMA_SERVER=/path/llama-server make eval ARGS="--write"   # a binary, into eval.binary.json
    make eval ARGS="--base --write"                            # the same cases without the adapter, into eval.base.json
"""

import argparse
import json
import queue
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from course.agent import connect
from course.model.embedded import adapter_path, base_path, gguf_path, sha256
from course.server import Server
from training import table
from training.families import FAMILIES, chat, measured
from training.record import Record, Result
from training.tasks import Task

MAX_STEPS, OF_THE_BASE = 8, 3
"""Maximum number of steps. Fewer for the base model, whose steps tend to be as long as `max_tokens` allows."""

FAILED = "ended in an error"


def ask(server: Server, task: Task, max_steps: int) -> Result:
    """Run an agent on a task. A run that ends in an error counts as FAILED, and its text never as an answer."""
    agent = task.build(connect(server), max_steps)
    try:
        answer = str(agent.run(task.question))
    except Exception as error:
        answer, outcome = f"{type(error).__name__}: {error}", FAILED
    else:
        outcome = "right" if task.right(answer) else task.fault(answer)
    steps = [step for step in agent.memory.steps if hasattr(step, "step_number")]
    return Result(
        task.family,
        task.question,
        task.expected,
        answer,
        outcome,
        len(steps),
        sum(step.token_usage.output_tokens for step in steps if step.token_usage),
        round(sum(step.timing.duration or 0 for step in steps), 2),
    )


def say(server: Server, one: chat.Exchange, thinking: bool) -> Result:
    """Ask one question of plain chat. Without thinking, `reasoning_content` must be empty, too."""
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
    servers: Sequence[Server], family: str, numbers: Sequence[int], seed: int, max_steps: int = MAX_STEPS
) -> Iterator[Result]:
    """The results of the cases with these numbers, in order; each runs on a server that is free."""
    tasks = [] if family == chat.FAMILY else measured(family, max(numbers, default=-1) + 1, seed)
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

    with ThreadPoolExecutor(len(servers)) as pool:
        yield from pool.map(case, numbers)


def told(results: Iterable[Result], before: Sequence[Result] = ()) -> Iterator[Result]:
    """The same results, each printed as it comes and counted together with those before."""
    right, count = sum(r.outcome == "right" for r in before), len(before)
    for last in results:
        right, count = right + (last.outcome == "right"), count + 1
        print(f"{right:3d}/{count:<3d} {last.outcome:28s} {last.answer[:90]!r}", flush=True)
        yield last


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*FAMILIES, chat.FAMILY]
    parser.add_argument("--family", action="append", choices=names, help="repeat for more (default: all)")
    parser.add_argument("--cases", type=int, default=50, help="per family (default: 50)")
    parser.add_argument("--seed", type=int, default=2026)
    of = parser.add_mutually_exclusive_group()
    of.add_argument(
        "--base",
        action="store_true",
        help=f"measure the base model without the adapter, at most {OF_THE_BASE} steps each",
    )
    of.add_argument("--adapter", type=Path, help="measure this adapter; --write stores a .json beside it")
    of.add_argument("--model", type=Path, help="measure this GGUF instead of the embedded one")
    parser.add_argument("--threads", type=int, help="threads of a server (default: the profile's)")
    parser.add_argument("--servers", type=int, default=1, help="run this many at once, one case each")
    parser.add_argument("--server", help="measure the server at this address")
    parser.add_argument(
        "--write", action="store_true", help="store the cases, in course/data/eval.json by default"
    )
    parser.add_argument(
        "--restart", action="store_true", help="drop the stored cases of these families first"
    )
    args = parser.parse_args()
    if args.servers < 1:
        parser.error(f"--servers {args.servers}: at least 1 is needed")
    if args.write and (args.model or args.server):
        parser.error(
            "--write stores the results of an adapter, so it cannot be combined with --model or --server"
        )
    if args.adapter and not args.adapter.is_file():
        parser.error(f"--adapter {args.adapter} does not exist. Make an adapter:  make train")
    model = gguf_path(adapter=args.adapter) if args.adapter else base_path() if args.base else args.model
    max_steps = OF_THE_BASE if args.base else MAX_STEPS
    changes = {"url": args.server, "model": model, "threads": args.threads}
    with ExitStack() as stack:
        servers = _servers(stack, args.servers, **changes)
        record = _record(args, servers[0], names)
        for family in args.family or names:
            print(f"── {family}")
            if args.restart:
                record.forget(family)
            before = list(record.of(family))
            left = range(len(before), args.cases)
            for result in told(run(servers, family, left, args.seed, max_steps), before):
                record.add(result)
            record.tell(family, servers=args.servers)
    print(json.dumps(record.families(), indent=1))
    if record.path:
        print(f"written: {record.path}")
        if not args.adapter:
            table.main()


def _record(args: argparse.Namespace, server: Server, order: list[str]) -> Record:
    """Where cases are stored: in the file of this engine or of the base, beside another adapter, or nowhere."""
    if not args.write:
        return Record(None, {}, order)
    built = f"{server.engine.kind}, {server.engine.build}" if server.engine else "server"
    asked = {"engine": built, "flags": " ".join(server.profile.flags), "seed": args.seed}
    if args.base:
        made = {"file": base_path().name, "sha256": sha256(base_path())}
        return Record(table.data("base"), {"model": made, **asked, "max_steps": OF_THE_BASE}, order)
    adapter = args.adapter or adapter_path()
    model = gguf_path(report=lambda _: None, adapter=adapter)
    made = {"adapter_sha256": sha256(adapter), "file": model.name, "sha256": sha256(model)}
    path = args.adapter.with_suffix(".json") if args.adapter else table.data(built.partition(",")[0])
    return Record(path, {"model": made, **asked}, order)


def _servers(stack: ExitStack, count: int, **changes: Any) -> list[Server]:
    """Start them one after the other: two that start at the same moment could choose the same port."""
    changes = {name: value for name, value in changes.items() if value is not None}
    return [stack.enter_context(Server("embedded", quiet=True, **changes)) for _ in range(count)]


if __name__ == "__main__":
    main()
