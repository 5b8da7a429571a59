"""Train the embedded model's adapter:  python -m training.train --out course/data/adapter.gguf

Does: LoRA on generated traces, loss on the completion only. System prompts are long and few, so their keys and
values are computed without gradient, now and then, and only what follows is trained through; most of the run sees of them
only what describes the tools (--narrow). Seeds are fixed; a
checkpoint is written every --save-every steps and at the end. One process uses one core well and more of them badly, so on
two cores run two of them, which share their gradients:

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m training.train
"""

import argparse
import math
import os
import time
from pathlib import Path

import torch
from torch import distributed

from course.embedded import base_path, sha256
from training.attention import blocks
from training.conversations import FIRST, Conversation, stream, tree
from training.llama import KV, Llama
from training.loss import SummedLoss


class Heads:
    """The keys and values of system prompts, without gradient, each used for `refresh` steps before it is made anew."""

    def __init__(self, model: Llama, refresh: int, most: int = 4):
        self.model, self.refresh, self.most = model, refresh, most
        self.made: dict[tuple[int, ...], tuple[int, KV]] = {}

    def past(self, conversation: Conversation, step: int, narrow: bool) -> KV | None:
        """`narrow`: only the first tokens and the tail, at their places; attention costs half then."""
        head, tail = conversation.head, conversation.tail
        if not head:
            return None
        at, past = self.made.pop(head, (-self.refresh, []))
        if step - at >= self.refresh:
            with torch.no_grad():
                _, past = self.model(torch.tensor(head), torch.arange(len(head)), None, None, keep=True)
            at = step
        self.made[head] = at, past
        while len(self.made) > self.most:
            del self.made[next(iter(self.made))]
        if not narrow:
            return past
        return [tuple(torch.cat([x[:, :FIRST], x[:, -tail:]], 1) for x in pair) for pair in past]


def loss_of(model: Llama, conversation: Conversation, past: KV | None) -> tuple[torch.Tensor, int, int]:
    """Summed cross-entropy over the completion tokens of a conversation, how many were predicted right, and how many."""
    exchanges = conversation.exchanges
    tokens, positions, mask, paths = tree([(prompt + completion)[:-1] for prompt, completion in exchanges])
    places = torch.tensor(positions) + len(conversation.head)
    hidden, _ = model(torch.tensor(tokens), places, blocks(mask, model.dtype), past)
    wanted = [n for path, (_, said) in zip(paths, exchanges, strict=True) for n in path[-len(said) :]]
    target = torch.tensor([token for _, completion in exchanges for token in completion])
    loss, right = SummedLoss.apply(hidden[torch.tensor(wanted)], model.words, target)
    return loss, right.item(), len(target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("course/data/adapter.gguf"))
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=2, help="conversations a step and process")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save-every", type=int, default=20)
    parser.add_argument("--refresh", type=int, default=4, help="steps for which the prompt's keys are kept")
    parser.add_argument(
        "--narrow", type=float, default=0.7, help="share of the run with only the edges of the system prompt"
    )
    parser.add_argument("--resume", type=Path, help="start from this adapter instead of from zero")
    parser.add_argument(
        "--minutes", type=float, default=600, help="stop in time: the schedule follows this clock too"
    )
    args = parser.parse_args()

    rank, workers = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if workers > 1:
        distributed.init_process_group("gloo")
    torch.manual_seed(args.seed)
    model = Llama(base_path(), rank=args.rank, alpha=2 * args.rank)
    if args.resume:
        model.load(args.resume)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.98), weight_decay=0.0)
    source = stream(args.seed, model.tokenizer, rank)
    heads = Heads(model, args.refresh)
    began = time.monotonic()
    for step in range(args.steps):
        clock = torch.tensor((time.monotonic() - began) / 60 / args.minutes)
        if workers > 1:
            distributed.broadcast(clock, 0)
        done = max(step / args.steps, clock.item())
        if done >= 1:
            break
        rate = args.rate * min(1, (step + 1) / 8) * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = right = count = 0
        for _ in range(args.batch):
            conversation = next(source)
            past = heads.past(conversation, step, done < args.narrow)
            part, hits, size = loss_of(model, conversation, past)
            (part / (args.batch * size)).backward()
            loss, right, count = loss + part.item(), right + hits, count + size
        loss, right = loss / count, right / count
        if workers > 1:
            for parameter in model.parameters():
                distributed.all_reduce(parameter.grad)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if rank == 0:
            print(
                f"step {step:4d}  loss {loss:.4f}  right {right:.4f}  {time.monotonic() - began:6.0f} s",
                flush=True,
            )
        if (step + 1) % args.save_every == 0 and rank == 0:
            model.save(args.out, describe(args, step + 1))
    if rank == 0:
        model.save(args.out, describe(args, step + 1))


def describe(args: argparse.Namespace, steps: int) -> str:
    return (
        f"LoRA rank {args.rank} on {base_path().name} ({sha256(base_path())[:12]}), {steps} steps of "
        f"{args.batch} conversations, seed {args.seed}; see training/ of agents-on-the-wire"
    )


if __name__ == "__main__":
    main()
