"""Train the embedded model's adapter from the base:  make train

Does: LoRA on generated runs, loss on the completion only. System prompts are long and few, so their keys and values are
computed without gradient, now and then, and only what follows is trained through; most of the run sees of them only what
describes the tools (--narrow). Every --save-every steps the adapter is written, and beside it all that is needed to go on:
the same command continues a run that was interrupted and, on a CPU, ends with the same adapter. Where PyTorch sees a GPU it
runs there. Does not: measure; `make eval` does.

One process uses one core well and more of them badly, so two of them share a step, and their gradients. A GPU is idle
between the small kernels of one process, so eight share one; other processes draw conversations ahead (--ahead).
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
from training.heads import Heads
from training.llama import KV, Llama
from training.loss import SummedLoss

WARM_UP = 8


def loss_of(model: Llama, conversation: Conversation, past: KV | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed cross-entropy over the completion tokens of a conversation, and which of them were predicted right."""
    tree, said, at = conversation.tree, conversation.completions, model.device
    places = torch.tensor(tree.positions, device=at) + len(conversation.head)
    plan = plan_of(sight(tree.paths, at), model.dtype, past[0][0].shape[1] if past else 0)
    hidden, _ = model(torch.tensor(tree.tokens, device=at), places, plan, past)
    wanted = [n for path, completion in zip(tree.paths, said, strict=True) for n in path[-len(completion) :]]
    target = torch.tensor([token for completion in said for token in completion], device=at)
    return SummedLoss.apply(hidden[torch.tensor(wanted, device=at)], model.words, target)


@dataclass(frozen=True)
class Recipe:
    """What decides the adapter. `together`: conversations a step; `narrow`: the share of the run with narrow heads."""

    steps: int
    together: int
    rank: int
    rate: float
    seed: int
    refresh: int
    narrow: float
    save_every: int
    resume: str | None

    def rate_at(self, step: int) -> float:
        """A short rise, then half a cosine down to nothing."""
        return self.rate * min(1, (step + 1) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / self.steps))


def dtype_on(device: str) -> torch.dtype:
    """bfloat16, but for a CPU that has no instructions for it and would be several times slower."""
    slow = device == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.float32 if slow else torch.bfloat16


class Run:
    """A training run on this worker: the model, its optimizer, and where it is."""

    def __init__(self, recipe: Recipe, out: Path, worker: int, workers: int, device: str):
        self.recipe, self.out, self.worker, self.workers = recipe, out, worker, workers
        torch.manual_seed(recipe.seed)
        self.model = Llama(base_path(), recipe.rank, 2 * recipe.rank, dtype_on(device), device)
        if recipe.resume:
            self.model.load(Path(recipe.resume))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
        self.source = Conversations(recipe.seed, self.model.tokenizer)
        self.heads = Heads(self.model, recipe.refresh)
        self.done = 0

    @property
    def state(self) -> Path:
        return self.out.with_suffix(".state")

    def restore(self) -> None:
        """Go on where `save` left; a state of another recipe is left alone."""
        if not self.state.exists():
            return
        saved = torch.load(self.state, map_location=self.model.device)
        if saved["recipe"] != vars(self.recipe):
            raise SystemExit(
                f"train: {self.state} belongs to a run with other settings:\n  {saved['recipe']}\n"
                "Go on with those, or delete it to begin anew."
            )
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.done = saved["done"]

    def save(self) -> None:
        """By one worker: all have the same. The heads are forgotten by all, so that a restored run is the same run."""
        self.heads.made.clear()
        if self.worker:
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.model.save(self.out, describe(self.recipe, self.done))
        state = {"recipe": vars(self.recipe), "done": self.done, "model": self.model.state_dict()}
        torch.save({**state, "optimizer": self.optimizer.state_dict()}, self.state.with_suffix(".new"))
        self.state.with_suffix(".new").replace(self.state)

    def conversations(self, processes: int) -> DataLoader:
        """All that this worker has still to see, in order, drawn ahead by so many processes."""
        recipe = self.recipe
        numbers = [
            step * recipe.together + place
            for step in range(self.done, recipe.steps)
            for place in range(self.worker, recipe.together, self.workers)
        ]
        return DataLoader(
            self.source, batch_size=None, sampler=numbers, num_workers=processes, collate_fn=as_it_is
        )

    def step(self, conversations: Iterator[Conversation]) -> tuple[float, float]:
        """Loss and share of right tokens, over this worker's conversations of the step."""
        recipe, step = self.recipe, self.done
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate_at(step)
        self.optimizer.zero_grad()
        loss = right = torch.zeros((), device=self.model.device)
        count = 0
        for _ in range(self.worker, recipe.together, self.workers):
            conversation = next(conversations)
            past = self.heads.past(conversation, step, step < recipe.narrow * recipe.steps)
            part, hits = loss_of(self.model, conversation, past)
            (part / len(hits)).backward()
            loss, right, count = loss + part.detach(), right + hits.sum(), count + len(hits)
        self._share()
        clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.done += 1
        return loss.item() / count, right.item() / count

    def _share(self) -> None:
        """The mean gradient of the step's conversations, for all workers."""
        grads = [parameter.grad for parameter in self.model.parameters()]
        flat = parameters_to_vector(grads) / self.recipe.together
        if self.workers > 1:
            flat = flat.cpu()
            distributed.all_reduce(flat)
        vector_to_parameters(flat.to(self.model.device), grads)


def repeatable() -> None:
    """On a GPU, sums in one order; a CPU's are by themselves. cuBLAS wants its workspace set before its first product."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False


def as_it_is(conversation: Conversation) -> Conversation:
    return conversation


def describe(recipe: Recipe, steps: int) -> str:
    return (
        f"LoRA rank {recipe.rank} on {base_path().name} ({sha256(base_path())[:12]}), {steps} of {recipe.steps} steps "
        f"of {recipe.together} conversations, seed {recipe.seed}; see training/ of agents-on-the-wire"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/training/adapter.gguf"))
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--together", type=int, default=2, help="conversations a step, of all workers")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save-every", type=int, default=40)
    parser.add_argument("--refresh", type=int, default=8, help="steps for which a prompt's keys are kept")
    parser.add_argument(
        "--narrow", type=float, default=0.65, help="share of the run with only the edges of the system prompt"
    )
    parser.add_argument(
        "--ahead", type=int, help="processes a worker that draw conversations (0; on a GPU 1)"
    )
    parser.add_argument("--resume", type=Path, help="start from this adapter instead of from zero")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="pause then; the same command goes on"
    )
    return parser.parse_args()


def main() -> None:
    args = arguments()
    worker, workers = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if args.together % workers:
        raise SystemExit(f"train: {args.together} conversations a step cannot be shared by {workers} workers")
    if workers > 1:
        distributed.init_process_group("gloo")
    gpus = torch.cuda.device_count()
    ahead = args.ahead if args.ahead is not None else min(gpus, 1)
    given = {**vars(args), "resume": args.resume and str(args.resume)}
    recipe = Recipe(**{name: given[name] for name in Recipe.__dataclass_fields__})
    device = f"cuda:{worker % gpus}" if gpus else "cpu"
    if gpus:
        repeatable()
    run, began = Run(recipe, args.out, worker, workers, device), time.monotonic()
    run.restore()
    conversations = iter(run.conversations(ahead))
    while run.done < recipe.steps:
        loss, right = run.step(conversations)
        seconds = time.monotonic() - began
        if worker == 0:
            print(f"step {run.done:4d}  loss {loss:.4f}  right {right:.4f}  {seconds:6.0f} s", flush=True)
        if run.done % recipe.save_every == 0 or run.done == recipe.steps:
            run.save()
            pause = torch.tensor(float(seconds > 60 * args.minutes))
            if workers > 1:
                distributed.broadcast(pause, 0)
            if pause:
                break


if __name__ == "__main__":
    main()
