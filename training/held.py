"""How well adapters predict runs that they never saw:  python -m training.held A.gguf B.gguf

Does: scores held-out runs of each family, given at each token what was wanted so far, and tells which completions would
have been written to the last token, greedy. Seconds on a GPU, so it compares recipes. Does not: run agents; a completion
that differs from the wanted one can still be right. `make eval` measures that.
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
from training.heads import Heads
from training.llama import Llama
from training.train import as_it_is, dtype_on, loss_of


def adapted(path: Path, device: str) -> Llama:
    """The base with this adapter; its rank is the file's."""
    reader = gguf.GGUFReader(path)
    rank = next(int(t.shape[1]) for t in reader.tensors if t.name.endswith(".lora_a"))
    model = Llama(base_path(), rank, 2 * rank, dtype_on(device), device)
    model.load(path)
    return model


class Held:
    """Held-out runs by family and number, as PyTorch's DataLoader asks for them."""

    def __init__(self, source: Conversations):
        self.source = source

    def __getitem__(self, key: tuple[str, int]) -> Conversation:
        return self.source.held_out(*key)


def drawn(model: Llama, cases: int, seed: int = 2026, ahead: int | None = None) -> list[Conversation]:
    """So many held-out runs of each family, drawn by `ahead` processes: by default one a core."""
    source = Held(Conversations(seed, model.tokenizer))
    asked = [(family, number) for family in FAMILIES for number in range(cases)]
    processes = cores() if ahead is None else ahead
    return list(DataLoader(source, None, sampler=asked, num_workers=processes, collate_fn=as_it_is))


def score(model: Llama, conversations: list[Conversation]) -> dict[str, dict[str, float]]:
    """Per family: mean loss a token, the share of exchanges that are right to the last token, and of whole runs."""
    heads, rows = Heads(model, refresh=10**9), {}
    with torch.no_grad():
        for one in conversations:
            loss, right = loss_of(model, one, heads.past(one, 0, narrow=False))
            parts = [bool(part.all()) for part in right.split([len(c) for c in one.completions])]
            rows.setdefault(one.family, []).append(
                (loss.item(), len(right), sum(parts), len(parts), all(parts))
            )
    table = {}
    for family, row in rows.items():
        loss, tokens, exact, exchanges, whole = map(sum, zip(*row, strict=True))
        table[family] = {
            "loss": round(loss / tokens, 5),
            "exchanges": round(exact / exchanges, 3),
            "runs": round(whole / len(row), 3),
        }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("adapters", nargs="+", type=Path)
    parser.add_argument("--cases", type=int, default=24, help="runs of each family")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--ahead", type=int, help="processes that draw the runs; default: one a core")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    held: list[Conversation] = []
    for path in args.adapters:
        model = adapted(path, device)
        held = held or drawn(model, args.cases, args.seed, args.ahead)
        print(json.dumps({"adapter": path.name, "families": score(model, held)}), flush=True)


if __name__ == "__main__":
    main()
