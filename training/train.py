"""Train the embedded model's adapter:  python -m training.train --out course/data/adapter.gguf

Does: LoRA on generated traces, loss on the completion only. The long system prompt is the same for all samples, so its keys
and values are computed once a step without gradient, and only what follows is trained through. Seeds are fixed; a
checkpoint is written every --save-every steps and at the end. One process uses one core well and more of them badly, so on
two cores run two of them, which share their gradients:

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m training.train
"""

import argparse
import math
import os
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import distributed

from course.embedded import base_path, sha256
from training import cases, chat, traces
from training.llama import KV, Llama

HEAD, TAIL = 16, 240


def samples(rng: random.Random, render) -> list[traces.Sample]:
    """The exchanges of one drawn conversation, or a handful of plain chats."""
    if rng.random() < 0.12:
        return [chat_sample(rng, render) for _ in range(6)]
    return traces.agent_samples(cases.case(rng, training=True), render, opened=rng.random() >= 0.1)


def chat_sample(rng: random.Random, render) -> traces.Sample:
    question, thinking, answer = chat.exchange(rng)
    body = {"messages": [{"role": "user", "content": question}]}
    if rng.random() < 0.3:
        body["chat_template_kwargs"] = {"enable_thinking": False}
        return traces.Sample(render(body), answer + traces.END)
    return traces.Sample(render(body), f"{thinking}\n</think>\n\n{answer}{traces.END}")


def stream(seed: int, model: Llama):
    """Endless conversations, each a list of (prompt tokens, completion tokens), one per exchange."""
    rng, render = random.Random(seed), traces.renderer()
    while True:
        drawn = samples(rng, render)
        yield [
            (model.tokenizer.encode(s.prompt).ids, model.tokenizer.encode(s.completion).ids) for s in drawn
        ]


def tree(sequences: list[list[int]]) -> tuple[list[int], list[int], torch.Tensor, list[list[int]]]:
    """Sequences merged where their beginnings agree: tokens, positions, mask and each sequence's path through the tokens.

    The turns of a conversation repeat each other's prompts but not each other's thinking; as a tree every common token is
    computed once, with its gradient.
    """
    tokens: list[int] = []
    positions: list[int] = []
    paths: list[list[int]] = []
    for sequence in sequences:
        shared: list[int] = []
        for other, path in zip(sequences, paths, strict=False):
            same = next((n for n, (x, y) in enumerate(zip(sequence, other, strict=False)) if x != y), None)
            same = min(len(sequence), len(other)) if same is None else same
            shared = max(shared, path[:same], key=len)
        new = list(range(len(tokens), len(tokens) + len(sequence) - len(shared)))
        tokens += sequence[len(shared) :]
        positions += range(len(shared), len(sequence))
        paths.append(shared + new)
    mask = torch.full((len(tokens), len(tokens)), -math.inf)
    for path in paths:
        index = torch.tensor(path)
        block = torch.zeros(len(path), len(path)).masked_fill(
            torch.ones(len(path), len(path)).triu(1) > 0, -math.inf
        )
        mask[index[:, None], index[None]] = torch.maximum(mask[index[:, None], index[None]], block)
    return tokens, positions, mask, paths


def loss_of(model: Llama, conversation, prefix: list[int], past: KV) -> tuple[torch.Tensor, int, int]:
    """Summed cross-entropy over the completion tokens of a conversation, how many were predicted right, and how many."""
    shared = conversation[0][0][: len(prefix)] == prefix
    start = len(prefix) if shared else 0
    tokens, positions, mask, paths = tree(
        [(prompt + completion)[start:-1] for prompt, completion in conversation]
    )
    hidden, _ = model(
        torch.tensor(tokens), torch.tensor(positions) + start, mask.to(model.dtype), past if shared else None
    )
    wanted = [
        n for path, (_, completion) in zip(paths, conversation, strict=True) for n in path[-len(completion) :]
    ]
    target = torch.tensor([token for _, completion in conversation for token in completion])
    logits = model.logits(hidden[torch.tensor(wanted)])
    return (
        F.cross_entropy(logits, target, reduction="sum"),
        (logits.argmax(-1) == target).sum().item(),
        len(target),
    )


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
    source = stream(args.seed + 1000 * rank, model)
    prefix = shared_prefix(args.seed, model)
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
        if step % args.refresh == 0:
            with torch.no_grad():
                _, whole = model(torch.tensor(prefix), torch.arange(len(prefix)), None, None, keep=True)
        past = whole if done >= args.narrow else narrowed(whole)
        optimizer.zero_grad()
        loss = right = count = 0
        for _ in range(args.batch):
            part, hits, size = loss_of(model, next(source), prefix, past)
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


def narrowed(past: KV) -> KV:
    """The first and the last tokens of the system prompt only, at their places: attention costs a third of all of it."""
    return [tuple(torch.cat([x[:, :HEAD], x[:, -TAIL:]], 1) for x in pair) for pair in past]


def shared_prefix(seed: int, model: Llama) -> list[int]:
    """The tokens of the system prompt, the same at the head of every agent sample."""
    sample = traces.agent_samples(cases.case(random.Random(seed), training=True), traces.renderer())[0]
    head = sample.prompt[: sample.prompt.index("New task:")]
    return model.tokenizer.encode(head).ids[:-3]


def describe(args: argparse.Namespace, steps: int) -> str:
    return (
        f"LoRA rank {args.rank} on {base_path().name} ({sha256(base_path())[:12]}), {steps} steps of "
        f"{args.batch} conversations, seed {args.seed}; see training/ of agents-on-the-wire"
    )


if __name__ == "__main__":
    main()
