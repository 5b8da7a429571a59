"""How well adapters predict held-out runs:  python -m training.research.heldout_loss A.gguf B.gguf

For held-out runs of each family: the mean loss per token, and the share of exchanges (and of whole runs) whose
completion greedy decoding would reproduce to the last token, if it were given the right tokens so far. Takes seconds
on a GPU, so it is good for comparing recipes. It runs no agents, and a completion that differs from the wanted one
may still be right; `make eval` measures that.
"""

import argparse
import json
from pathlib import Path

import gguf
import torch
from torch.utils.data import DataLoader

from course.model.embedded import base_path
from course.model.profiles import cores
from training.conversations import Conversation, Conversations
from training.families import FAMILIES
from training.llama import Llama
from training.prefix_cache import PrefixCache
from training.train import dtype_on, loss_of, unchanged


def adapted(path: Path, device: str) -> Llama:
    """The base with this adapter, in the rank of its file."""
    reader = gguf.GGUFReader(path)
    rank = next(int(t.shape[1]) for t in reader.tensors if t.name.endswith(".lora_a"))
    model = Llama(base_path(), rank, 2 * rank, dtype_on(device), device)
    model.load(path)
    return model


class HeldOut:
    """Held-out runs by family and number, as PyTorch's DataLoader asks for them."""

    def __init__(self, source: Conversations):
        self.source = source

    def __getitem__(self, key: tuple[str, int]) -> Conversation:
        return self.source.held_out(*key)


def drawn(model: Llama, cases: int, seed: int, processes: int | None = None) -> list[Conversation]:
    """`cases` held-out runs of each family, drawn by `processes` processes (default: one per core)."""
    source = HeldOut(Conversations(seed, model.tokenizer))
    asked = [(family, number) for family in FAMILIES for number in range(cases)]
    processes = cores() if processes is None else processes
    return list(DataLoader(source, None, sampler=asked, num_workers=processes, collate_fn=unchanged))


def score(model: Llama, conversations: list[Conversation]) -> dict[str, dict[str, float]]:
    """Per family: `loss` per token, `exchanges` and `runs` as the share that is right to the last token."""
    prefixes = PrefixCache(model, refresh=10**9)
    rows: dict[str, list[tuple[float, int, int, int, bool]]] = {}
    with torch.no_grad():
        for one in conversations:
            loss, right = loss_of(model, one, prefixes.past(one, 0, narrow=False))
            parts = [bool(part.all()) for part in right.split([len(c) for c in one.completions])]
            row = (loss.item(), len(right), sum(parts), len(parts), all(parts))
            rows.setdefault(one.family, []).append(row)
    table = {}
    for family, runs in rows.items():
        total, tokens, exact, exchanges, whole = map(sum, zip(*runs, strict=True))
        table[family] = {
            "loss": round(total / tokens, 5),
            "exchanges": round(exact / exchanges, 3),
            "runs": round(whole / len(runs), 3),
        }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("adapters", nargs="+", type=Path)
    parser.add_argument("--cases", type=int, default=24, help="held-out runs per family")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--num-workers", type=int, help="processes that draw the runs (default: one per core)"
    )
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    held_out: list[Conversation] = []
    for path in args.adapters:
        model = adapted(path, device)
        held_out = held_out or drawn(model, args.cases, args.seed, args.num_workers)
        print(json.dumps({"adapter": path.name, "families": score(model, held_out)}), flush=True)


if __name__ == "__main__":
    main()
