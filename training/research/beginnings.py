"""Which family an adapter takes a question for:  python -m training.research.beginnings A.gguf B.gguf

Does: asks a real llama-server for the first tokens of the answer to held-out questions of the families that share a system
prompt, and compares them with the careful agent's. The rest of a run follows from them, so a minute of this comes before an
hour of `make eval`. Does not: tell whether a run ends well, or whether other first words would have done too.
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
"""In them the families' thoughts have parted: "I need two facts:", "I compare 2 animals"."""


def astray(server: Server, family: str, cases: int, seed: int) -> Iterator[tuple[str, str]]:
    """Of so many held-out questions those that begin otherwise than the careful agent: the question, what was said."""
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
        "adapters", nargs="*", type=Path, default=[adapter_path()], help="default: the course's"
    )
    parser.add_argument("--cases", type=int, default=80, help="of each family")
    parser.add_argument(
        "--seed", type=int, default=5, help="not that of make eval, whose questions are others"
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
