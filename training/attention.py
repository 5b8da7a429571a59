"""Attention over a tree of sequences, for training: in our own blocks on a CPU, by PyTorch's kernel on a GPU.

Computes softmax(q kᵀ + mask) v for many query rows over a long past, with gradients for q and for the k and v of new
tokens, but not for the past. On a CPU, blocks of rows stay in the processor's cache, scores are computed twice
instead of being stored, and a block only looks at keys that one of its rows sees: half of them, in a tree of
sequences.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

ROWS, ALIGNED = 128, 8


@dataclass(frozen=True)
class Block:
    """Rows of a tree, and the new tokens that they see.

    `seen` indexes those tokens; the ones that only some rows see come last. `mask` (rows, tokens that only some see) is
    added to their scores.
    """

    rows: slice
    seen: Tensor
    mask: Tensor


Plan: TypeAlias = list[Block] | Tensor
"""Which tokens see which: blocks on a CPU; on a GPU masks (blocks, 1, ROWS, past + n) that are added to the scores."""


def sight(paths: list[list[int]], device: torch.device) -> Tensor:
    """(n, n), whether a token of a tree sees another: it sees those before it on a path, and itself."""
    count = 1 + max(max(path) for path in paths)
    seen = torch.zeros(count, count, dtype=torch.bool, device=device)
    for path in paths:
        index = torch.tensor(path, device=device)
        before = torch.ones(len(path), len(path), dtype=torch.bool, device=device).tril()
        seen[index[:, None], index[None]] |= before
    return seen


def plan_of(seen: Tensor, dtype: torch.dtype, past: int) -> Plan:
    """What `attend` takes, for the device of `seen`; `past` is the number of tokens before the tree."""
    mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, -math.inf)
    return masks(mask, past) if seen.is_cuda else blocks(seen, mask)


def blocks(seen: Tensor, mask: Tensor) -> list[Block]:
    made = []
    for at in range(0, len(seen), ROWS):
        rows = slice(at, at + ROWS)
        every, some = seen[rows].all(0), seen[rows].any(0)
        mixed = (some & ~every).nonzero()[:, 0]
        both = torch.cat([every.nonzero()[:, 0], mixed])
        made.append(Block(rows, both, mask[rows][:, mixed]))
    return made


def attend(q: Tensor, k: Tensor, v: Tensor, plan: Plan, past: tuple[Tensor, Tensor] | None) -> Tensor:
    """q: (heads, n, d). k, v: (kv_heads, n, d) of the new tokens; past: those before them. Returns (heads, n, d)."""
    old_k, old_v = past or (k[:, :0].detach(), v[:, :0].detach())
    if isinstance(plan, Tensor):
        return _masked(q, torch.cat([old_k, k], 1), torch.cat([old_v, v], 1), plan)
    return BlockedAttention.apply(q * q.shape[-1] ** -0.5, k, v, plan, old_k, old_v)


def _masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """By the only kernel that takes a mask and stores no scores; it needs as many key heads as query heads.

    Blocks of rows form a batch: the gradient of a row is then summed in a fixed order, and the GPU still has enough work.
    """
    each, rows = len(q) // len(k), q.shape[1]
    queries = F.pad(q, (0, 0, 0, -rows % ROWS)).unflatten(1, (-1, ROWS)).transpose(0, 1)
    keys, values = (x[:, None].expand(-1, each, -1, -1).flatten(0, 1) for x in (k, v))
    keys, values = (x.expand(len(queries), -1, -1, -1) for x in (keys, values))
    with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    return mixed.transpose(0, 1).flatten(1, 2)[:, :rows]


def masks(mask: Tensor, past: int) -> Tensor:
    """For blocks of rows, (blocks, 1, ROWS, past + n). Lines are aligned as the kernel wants them; else it copies them."""
    keys = past + mask.shape[1]
    padded = F.pad(mask, (past, -keys % ALIGNED, 0, -len(mask) % ROWS))
    return padded.unflatten(0, (-1, 1, ROWS))[..., :keys]


class BlockedAttention(torch.autograd.Function):
    """q: (heads, n, d), already scaled. k, v: (kv_heads, n, d) of the new tokens; past: those before them.

    Every token sees all of the past, and those of the new tokens that `plan` says. Returns (heads, n, d).
    """

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, plan: list[Block], past_k: Tensor, past_v: Tensor
    ) -> Tensor:
        grouped = q.unflatten(0, (len(k), -1))
        out = torch.empty_like(grouped)
        for kind in range(len(k)):
            for block in plan:
                keys, values = _gathered(k, past_k, kind, block), _gathered(v, past_v, kind, block)
                queries = grouped[kind, :, block.rows].flatten(0, 1)
                out[kind, :, block.rows] = (_weights(queries, keys, block) @ values).view(
                    len(q) // len(k), -1, q.shape[-1]
                )
        ctx.save_for_backward(q, k, v, past_k, past_v, out)
        ctx.plan = plan
        return out.flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        q, k, v, past_k, past_v, out = ctx.saved_tensors
        grouped, given = q.unflatten(0, (len(k), -1)), grad.unflatten(0, (len(k), -1))
        inner = (given.float() * out.float()).sum(-1, keepdim=True).to(q.dtype)
        dq, dk, dv = torch.empty_like(grouped), torch.zeros(k.shape), torch.zeros(v.shape)
        for kind in range(len(k)):
            for block in ctx.plan:
                keys, values = _gathered(k, past_k, kind, block), _gathered(v, past_v, kind, block)
                queries = grouped[kind, :, block.rows].flatten(0, 1)
                wanted = given[kind, :, block.rows].flatten(0, 1)
                weights = _weights(queries, keys, block)
                delta = (wanted @ values.T).sub_(inner[kind, :, block.rows].flatten(0, 1)).mul_(weights)
                dq[kind, :, block.rows] = (delta @ keys).view(dq[kind, :, block.rows].shape)
                new = len(block.seen)
                dk[kind].index_add_(0, block.seen, (delta[:, -new:].T @ queries).float())
                dv[kind].index_add_(0, block.seen, (weights[:, -new:].T @ wanted).float())
        return dq.flatten(0, 1), dk.to(q.dtype), dv.to(q.dtype), None, None, None


def _gathered(new: Tensor, past: Tensor, kind: int, block: Block) -> Tensor:
    return torch.cat([past[kind], new[kind].index_select(0, block.seen)])


def _weights(queries: Tensor, keys: Tensor, block: Block) -> Tensor:
    """(rows of all query heads of a key head, keys): the softmax of the scores."""
    raw = queries @ keys.T
    if mixed := block.mask.shape[1]:
        raw.view(-1, len(block.mask), raw.shape[1])[..., -mixed:] += block.mask
    return raw.softmax(-1)
