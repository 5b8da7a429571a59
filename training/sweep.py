"""What rank, more samples and a quantization change, with a GPU:  python -m training.sweep --write

Does: trains a row of recipes from the base, one after the other, and scores each on the same held-out runs (held.py), the
last one also in each quantization; keeps a table as data. Does not: choose. Minutes on a GPU, many hours on a CPU.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from course.embedded import base_path
from course.merge import merge
from training import table
from training.held import adapted, drawn, score
from training.llama import Llama
from training.quantizations import KINDS
from training.train import dtype_on

RECIPES = (8, 60), (16, 60), (32, 60), (16, 120), (16, 240)
"""Rank and steps."""


def recipe(given: str) -> tuple[int, int]:
    try:
        rank, steps = map(int, given.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r}: expected rank and steps, as in 16,60") from None
    return rank, steps


def train(rank: int, steps: int, args: argparse.Namespace, out: Path) -> float:
    """Seconds that it took."""
    run = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        args.workers,
        "-m",
        "training.train",
    ]
    given = {"rank": rank, "steps": steps, "together": args.together, "seed": args.seed, "save-every": steps}
    flags = [f"--{name}={value}" for name, value in {**given, "out": out}.items()]
    began = time.monotonic()
    subprocess.run([*map(str, run), *flags], check=True)
    return round(time.monotonic() - began, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--recipe", action="append", type=recipe, help="RANK,STEPS, again for more; default: five of them"
    )
    parser.add_argument("--together", type=int, default=8, help="conversations a step")
    parser.add_argument("--workers", type=int, default=8, help="processes that share a step")
    parser.add_argument("--cases", type=int, default=24, help="held-out runs of each family")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"store the table in {table.SWEEP}")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        held = None
        for rank, steps in args.recipe or RECIPES:
            adapter = Path(folder) / f"{rank}-{steps}.gguf"
            row = {"rank": rank, "conversations": steps * args.together}
            row["seconds"] = train(rank, steps, args, adapter)
            model = adapted(adapter, device)
            held = held or drawn(model, args.cases)
            rows.append(row | {"weights": str(model.dtype).split(".")[1], "families": score(model, held)})
            print(json.dumps(rows[-1]), flush=True)
        for kind in KINDS:
            merged = Path(folder) / f"{kind}.gguf"
            merge(base_path(), adapter, merged, kind)
            whole = Llama(merged, rank=1, dtype=dtype_on(device), device=device)  # its factor B is zero
            rows.append(row | {"weights": kind, "families": score(whole, held)})
            print(json.dumps(rows[-1]), flush=True)
    if args.write:
        name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
        data = {"device": name, "cases": args.cases, "seed": args.seed, "rows": rows}
        table.SWEEP.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        table.main()


if __name__ == "__main__":
    main()
