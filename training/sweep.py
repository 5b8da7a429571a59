"""What rank, more samples and a quantization change, with a GPU:  python -m training.sweep --write

Does: trains a row of recipes from the base, one after the other, and scores each on the same held-out runs (held.py), the
last one also in each quantization; keeps a table as data, each row as it comes, so that the same command goes on where it
was left. Does not: choose. Minutes on a GPU, many hours on a CPU.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from course.model.embedded import base_path
from course.model.merge import merge
from training import table
from training.held import adapted, drawn, score
from training.llama import Llama
from training.quantizations import KINDS
from training.record import store
from training.stages import torchrun
from training.train import dtype_on

RECIPES = (8, 40), (16, 40), (32, 40), (16, 120), (16, 240)
"""Rank and steps."""


def recipe(given: str) -> tuple[int, int]:
    try:
        rank, steps = map(int, given.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r}: expected rank and steps, as in 16,60") from None
    return rank, steps


def train(rank: int, steps: int, args: argparse.Namespace, out: Path) -> float:
    """Seconds that it took."""
    given = {"rank": rank, "steps": steps, "together": args.together, "seed": args.seed, "save-every": steps}
    flags = [f"--{name}={value}" for name, value in {**given, "out": out}.items()]
    began = time.monotonic()
    subprocess.run([*torchrun(args.workers), *flags], check=True)
    return round(time.monotonic() - began, 1)


class Rows:
    """What was measured, in the file as it comes. `about`: the device and the held-out runs; rows of others are dropped."""

    def __init__(self, path: Path | None, about: dict):
        self.path, self.about = path, about
        before = table.read(path) if path else None
        alike = before and all(before[name] == value for name, value in about.items())
        self.rows: list[dict] = before["rows"] if alike else []

    def has(self, **what) -> bool:
        return any(what.items() <= row.items() for row in self.rows)

    def add(self, row: dict) -> None:
        print(json.dumps(row), flush=True)
        self.rows.append(row)
        if self.path:
            store(self.path, self.about | {"rows": self.rows})


def measure(recipes: Sequence[tuple[int, int]], rows: Rows, device: str, args: argparse.Namespace) -> None:
    """What is not among the rows yet: each recipe in the weights it was trained with, the last in each quantization."""
    dtype, held = dtype_on(device), []
    plain = str(dtype).split(".")[1]
    for rank, steps in recipes:
        what = {"rank": rank, "conversations": steps * args.together}
        wanted = [plain, *KINDS] if (rank, steps) == recipes[-1] else [plain]
        left = [weights for weights in wanted if not rows.has(**what, weights=weights)]
        if not left:
            continue
        with tempfile.TemporaryDirectory() as folder:
            adapter, merged = Path(folder) / "adapter.gguf", Path(folder) / "merged.gguf"
            what["seconds"] = train(rank, steps, args, adapter)
            for weights in left:
                if weights == plain:
                    model = adapted(adapter, device)
                else:
                    merge(base_path(), adapter, merged, weights)
                    model = Llama(merged, rank=1, dtype=dtype, device=device)  # its factor B is zero
                held = held or drawn(model, args.cases)
                rows.add(what | {"weights": weights, "families": score(model, held)})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--recipe", action="append", type=recipe, help="RANK,STEPS, again for more; default: five of them"
    )
    parser.add_argument("--together", type=int, default=8, help="conversations a step")
    parser.add_argument("--workers", type=int, default=8, help="processes that share a step")
    parser.add_argument("--cases", type=int, default=12, help="held-out runs of each family")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"keep the table in {table.SWEEP}")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    about = {"device": name, "cases": args.cases, "seed": args.seed}
    measure(args.recipe or RECIPES, Rows(table.SWEEP if args.write else None, about), device, args)
    if args.write:
        table.main()


if __name__ == "__main__":
    main()
