"""Train an adapter for the embedded model, from the base or from another adapter:  make train

LoRA on generated runs, with the loss on the completions only. System prompts are long and few, so their keys and
values are computed without gradient and reused for a few steps (`prefix_cache`); for most of a run attention sees
only the edges of the system prompt, among them the description of the tools (`--narrow`). Runs on a GPU where PyTorch
sees one. It never measures the adapter: `make eval` does.

Every `--save-every` steps it writes the adapter, and beside it a `.state` file with all that is needed to continue.
Run the same command again to resume; on a CPU the result is the same adapter, byte for byte.

    torchrun --nproc-per-node 2 -m training.train                                 # two processes share each step
    torchrun --nproc-per-node 8 -m training.train --batch-size 8 --refresh 4      # on a GPU
    torchrun --nproc-per-node 2 -m training.train --init-from adapter.gguf --steps 96 --lr 8e-4

A single process uses one core well and several badly, so on a CPU two processes share a step and its gradients. On a
GPU, one process leaves the device idle between small kernels, so eight share it, and other processes draw
conversations in advance (`--num-workers`).
"""

import argparse
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters
from torch.utils.data import DataLoader

from course.model.embedded import base_path, sha256
from training.attention import plan_of, sight
from training.conversations import Conversation, Conversations
from training.llama import KV, Llama
from training.loss import SummedLoss
from training.prefix_cache import PrefixCache

WARM_UP = 8
"""Steps."""


def loss_of(model: Llama, conversation: Conversation, past: KV | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy summed over the completion tokens of a conversation, and for each token whether it was predicted."""
    tree, said, at = conversation.tree, conversation.completions, model.device
    places = torch.tensor(tree.positions, device=at) + len(conversation.head)
    plan = plan_of(sight(tree.paths, at), model.dtype, past[0][0].shape[1] if past else 0)
    hidden, _ = model(torch.tensor(tree.tokens, device=at), places, plan, past)
    wanted = [n for path, completion in zip(tree.paths, said, strict=True) for n in path[-len(completion) :]]
    target = torch.tensor([token for completion in said for token in completion], device=at)
    loss, right = SummedLoss.apply(hidden[torch.tensor(wanted, device=at)], model.words, target)
    return loss, right


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the adapter.

    `batch_size` is the number of conversations in a step, over all processes. `lr` is the peak learning rate. `refresh`
    is how many steps the keys and values of a system prompt are reused. `narrow` is the share of the run in which
    attention sees only the edges of the system prompt. `init_from` is the adapter to start from; None starts from zero.
    """

    steps: int
    batch_size: int
    rank: int
    lr: float
    seed: int
    refresh: int
    narrow: float
    save_every: int
    init_from: str | None

    def lr_at(self, step: int) -> float:
        """A short linear warm-up, times half a cosine down to zero."""
        return self.lr * min(1, (step + 1) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / self.steps))


def dtype_on(device: str) -> torch.dtype:
    """bfloat16, except on a CPU without instructions for it, where it would be several times slower than float32."""
    slow = device == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.float32 if slow else torch.bfloat16


class Run:
    """One process's part of a training run: the model, its optimizer and the number of steps done."""

    def __init__(self, recipe: Recipe, out: Path, worker: int, workers: int, device: str):
        self.recipe, self.out, self.worker, self.workers = recipe, out, worker, workers
        torch.manual_seed(recipe.seed)
        self.model = Llama(base_path(), recipe.rank, 2 * recipe.rank, dtype_on(device), device)
        if recipe.init_from:
            self.model.load(Path(recipe.init_from))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
        self.source = Conversations(recipe.seed, self.model.tokenizer)
        self.prefixes = PrefixCache(self.model, recipe.refresh)
        self.done = 0

    @property
    def state(self) -> Path:
        return self.out.with_suffix(".state")

    def restore(self) -> None:
        """Continue from what `save` wrote, if anything; a state with other settings is refused and left in place."""
        if not self.state.exists():
            return
        saved = torch.load(self.state, map_location=self.model.device)
        if saved["recipe"] != vars(self.recipe):
            raise SystemExit(
                f"train: {self.state} belongs to a run with other settings:\n  {saved['recipe']}\n"
                f"Repeat the command with those settings, or start over:  rm {self.state}"
            )
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.done = saved["done"]

    def save(self) -> None:
        """Write the adapter and the state; only the first process does, as all hold the same.

        Every process empties its prefix cache here, so that a restored run computes what an uninterrupted one does.
        """
        self.prefixes.clear()
        if self.worker:
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.model.save(self.out, describe(self.recipe, self.done))
        state = {"recipe": vars(self.recipe), "done": self.done, "model": self.model.state_dict()}
        torch.save({**state, "optimizer": self.optimizer.state_dict()}, self.state.with_suffix(".new"))
        self.state.with_suffix(".new").replace(self.state)

    def conversations(self, processes: int) -> "DataLoader[Conversation]":
        """All that this process has still to see, in order, drawn by `processes` others in advance (0: none)."""
        recipe = self.recipe
        numbers = [
            step * recipe.batch_size + place
            for step in range(self.done, recipe.steps)
            for place in range(self.worker, recipe.batch_size, self.workers)
        ]
        return DataLoader(
            self.source, batch_size=None, sampler=numbers, num_workers=processes, collate_fn=unchanged
        )

    def step(self, conversations: Iterator[Conversation]) -> tuple[float, float]:
        """Mean loss per token and share of tokens predicted right, over this process's conversations of the step."""
        recipe, step = self.recipe, self.done
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.lr_at(step)
        self.optimizer.zero_grad()
        loss = right = torch.zeros((), device=self.model.device)
        count = 0
        for _ in range(self.worker, recipe.batch_size, self.workers):
            conversation = next(conversations)
            past = self.prefixes.past(conversation, step, step < recipe.narrow * recipe.steps)
            part, hits = loss_of(self.model, conversation, past)
            (part / len(hits)).backward()
            loss, right, count = loss + part.detach(), right + hits.sum(), count + len(hits)
        self._average_gradients()
        clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.done += 1
        return loss.item() / count, right.item() / count

    def _average_gradients(self) -> None:
        """Give every process the mean gradient of the step's conversations."""
        grads = [parameter.grad for parameter in self.model.parameters()]
        flat = parameters_to_vector(grads) / self.recipe.batch_size
        if self.workers > 1:
            flat = flat.cpu()
            distributed.all_reduce(flat)
        vector_to_parameters(flat.to(self.model.device), grads)


def make_repeatable() -> None:
    """Fix the order of sums on a GPU (a CPU's is fixed already). cuBLAS reads its setting before its first product."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False


def unchanged(conversation: Conversation) -> Conversation:
    """For DataLoader, which would turn a conversation into tensors (and cannot send a lambda to its processes)."""
    return conversation


def describe(recipe: Recipe, steps: int) -> str:
    """What stands in the adapter's file about its origin."""
    return (
        f"LoRA rank {recipe.rank} on {base_path().name} ({sha256(base_path())[:12]}), {steps} of {recipe.steps} steps "
        f"of {recipe.batch_size} conversations, seed {recipe.seed}; see training/ of agents-on-the-wire"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/training/adapter.gguf"), help="the adapter to write"
    )
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument(
        "--batch-size", type=int, default=2, help="conversations in a step, all processes together"
    )
    parser.add_argument("--rank", type=int, default=16, help="of the LoRA factors")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save-every", type=int, default=40, metavar="STEPS")
    parser.add_argument(
        "--refresh",
        type=int,
        default=8,
        metavar="STEPS",
        help="how long a system prompt's keys and values are reused",
    )
    parser.add_argument(
        "--narrow",
        type=float,
        default=0.65,
        metavar="SHARE",
        help="share of the run in which attention sees only the edges of the system prompt",
    )
    parser.add_argument(
        "--num-workers",
        type=int,
        help="processes that draw conversations in advance, for each training process (default: 0; on a GPU 1)",
    )
    parser.add_argument(
        "--init-from", type=Path, metavar="ADAPTER", help="start from this adapter instead of from zero"
    )
    parser.add_argument(
        "--stop-after",
        type=int,
        metavar="STEPS",
        help="end here, with the learning rates of a run of --steps (they are small in the end)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=math.inf,
        help="pause after that; run the same command again to resume",
    )
    return parser.parse_args()


def main() -> None:
    args = arguments()
    worker, workers = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if args.batch_size % workers:
        raise SystemExit(
            f"train: a step of {args.batch_size} conversations cannot be shared equally by {workers} processes.\n"
            f"Choose a multiple of {workers}:  --batch-size {workers * -(-args.batch_size // workers)}"
        )
    if workers > 1:
        distributed.init_process_group("gloo")
    gpus = torch.cuda.device_count()
    processes = args.num_workers if args.num_workers is not None else min(gpus, 1)
    given = {**vars(args), "init_from": args.init_from and str(args.init_from)}
    recipe = Recipe(**{name: given[name] for name in Recipe.__dataclass_fields__})
    device = f"cuda:{worker % gpus}" if gpus else "cpu"
    if gpus:
        make_repeatable()
    run, began = Run(recipe, args.out, worker, workers, device), time.monotonic()
    run.restore()
    conversations = iter(run.conversations(processes))
    last = min(recipe.steps, args.stop_after or recipe.steps)
    while run.done < last:
        loss, right = run.step(conversations)
        seconds = time.monotonic() - began
        if worker == 0:
            print(f"step {run.done:4d}  loss {loss:.4f}  right {right:.4f}  {seconds:6.0f} s", flush=True)
        if run.done % recipe.save_every == 0 or run.done == last:
            run.save()
            pause = torch.tensor(float(seconds > 60 * args.minutes))
            if workers > 1:
                distributed.broadcast(pause, 0)
            if pause:
                break


if __name__ == "__main__":
    main()
