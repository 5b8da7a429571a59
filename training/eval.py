"""How often the embedded model is right on questions it never saw:  make eval

Does: runs held-out cases (entities, page layouts and phrasings that training never uses) through the real CodeAgent and a
real llama-server, greedy, one after the other, prints the table and, with --write, stores it for lesson 00 in
course/data/eval.json. Does not: count a case as right unless the final answer states the seconds to two decimals.
"""

import argparse
import json
import random
import re
import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from course.agent import code_agent, connect
from course.embedded import adapter_path, base_path, gguf_path, sha256
from course.server import Server
from training.cases import Case, CaseSearch, case

FAMILY = "speed over distance"


@dataclass(frozen=True)
class Result:
    """One case: what was asked and expected, what came out, and what it cost."""

    question: str
    expected: float
    answer: str
    outcome: str
    steps: int
    generated: int
    seconds: float


def states(answer: str, expected: float) -> bool:
    """Whether the answer contains the expected number of seconds, rounded to two decimals or better."""
    return any(abs(float(number) - expected) < 0.00501 for number in re.findall(r"\d+(?:\.\d+)?", answer))


def outcome(case: Case, answer: str, codes: list[str]) -> str:
    """`right`, or the kind of failure, read from the figures that the agent's code used."""
    if states(answer, case.expected):
        return "right"
    text = "\n".join(codes)
    for kind, name in (("speed", "speeds_kmh"), ("length", "lengths_m")):
        used = re.findall(rf"{name} = \[([\d., ]+)\]", text)
        taken = statistics.mode(used[-1].split(", ")) if used else None
        if taken and taken != getattr(case, kind):
            stated = any(p.figure == taken for p in case.pages[kind])
            return f"{kind}: another page's figure" if stated else f"{kind}: no page's figure"
    return "no answer" if not answer else "wrong answer"


def ask(server: Server, case: Case, max_steps: int) -> Result:
    agent = code_agent(connect(server), tools=[CaseSearch(case)], max_steps=max_steps)
    try:
        answer = str(agent.run(case.question))
    except Exception as error:  # what ends a run is a result here, whatever it is
        answer = f"{type(error).__name__}: {error}"
    steps = [step for step in agent.memory.steps if hasattr(step, "step_number")]
    usage = [step.token_usage.output_tokens for step in steps if step.token_usage]
    seconds = sum(step.timing.duration or 0 for step in steps)
    codes = [step.code_action or "" for step in steps]
    return Result(
        case.question,
        case.expected,
        answer,
        outcome(case, answer, codes),
        len(steps),
        sum(usage),
        round(seconds, 2),
    )


def run(server: Server, cases: list[Case], max_steps: int = 6) -> list[Result]:
    results = []
    for number, one in enumerate(cases, 1):
        result = ask(server, one, max_steps)
        results.append(result)
        right = sum(r.outcome == "right" for r in results)
        print(f"{right:3d}/{number:<3d} {result.outcome:28s} {result.answer[:90]!r}", flush=True)
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
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--base", type=int, default=0, help="also run this many cases on the base model, no adapter"
    )
    parser.add_argument("--model", type=Path, help="measure this GGUF instead of the embedded one")
    parser.add_argument("--write", action="store_true", help="store the table in course/data/eval.json")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    cases = [case(rng, training=False) for _ in range(args.cases)]
    with Server("embedded", quiet=True, **({"model": args.model} if args.model else {})) as server:
        results = run(server, cases)
        engine = f"{server.engine.kind}, {server.engine.build}" if server.engine else server.url
    table = summary(results)
    if args.base:
        print(f"base model, the first {args.base} of these cases, at most 3 steps each:")
        with Server("embedded", quiet=True, model=base_path()) as server:
            base = run(server, cases[: args.base], max_steps=3)
        table |= {"base_cases": args.base, "base_right": sum(r.outcome == "right" for r in base)}
    print(json.dumps(table, indent=1))
    if args.write:
        model = gguf_path(report=lambda _: None)
        data = {
            "date": date.today().isoformat(),
            "model": {"adapter_sha256": sha256(adapter_path()), "file": model.name, "sha256": sha256(model)},
            "engine": engine,
            "seed": args.seed,
            "families": {FAMILY: table},
            "results": [asdict(r) for r in results],
        }
        target = Path(str(files("course") / "data" / "eval.json"))
        target.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"written: {target}")


if __name__ == "__main__":
    main()
