"""Which family an adapter takes a question for:  python -m training.research.beginnings A.gguf B.gguf

Asks a real llama-server for the first tokens of its answers to held-out questions, of the families that share a
system prompt, and compares them with the careful agent's. The rest of a run follows from them, so run this for a
minute before an hour of `make eval`. It does not tell whether a run ends well, or whether other first tokens would
have been right as well.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from course.model.embedded import adapter_path, gguf_path
from course.server import Server
from training import traces
from training.families import compare, measured, speed

FAMILIES = speed.FAMILY, compare.FAMILY
TOKENS = 5
"""Enough to tell the families' thoughts apart: "I need two facts:", "I compare 2 animals"."""


def astray(server: Server, family: str, cases: int, seed: int) -> Iterator[tuple[str, str]]:
    """Of `cases` held-out questions, those that the model begins to answer in another way: (question, its first tokens)."""
    render = traces.renderer()
    for task in measured(family, cases, seed):
        first = traces.agent_samples(task, render)[0]
        body = {"prompt": first.prompt, "n_predict": TOKENS, "temperature": 0, "cache_prompt": True}
        said = server.post("/completion", body)["content"]
        if not first.completion.startswith(said):
            yield task.question, said


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "adapters",
        nargs="*",
        type=Path,
        default=[adapter_path()],
        help="GGUF files (default: the course's adapter)",
    )
    parser.add_argument("--cases", type=int, default=80, help="questions per family (default: 80)")
    parser.add_argument(
        "--seed", type=int, default=5, help="default: 5, which gives other questions than make eval"
    )
    args = parser.parse_args()
    for adapter in args.adapters:
        print(f"── {adapter}")
        with Server("embedded", quiet=True, model=gguf_path(adapter=adapter), url=False) as server:
            for family in FAMILIES:
                lost = list(astray(server, family, args.cases, args.seed))
                print(f"{family}: {args.cases - len(lost)} of {args.cases}", flush=True)
                for question, said in lost:
                    print(f"    {said!r}: {question}")


if __name__ == "__main__":
    main()
