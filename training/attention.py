"""Attention for training on a CPU: blocks of rows that stay in the processor's cache, scores computed twice, never kept.

Does: softmax(q kᵀ + mask) v for many query rows over a long past, with the gradient for q, and for k and v of the new
tokens. A block of rows looks only at the keys that one of its rows sees: in a tree of sequences that is half of them.
Does not: return the gradient of the past, or help on a GPU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 128


@dataclass(frozen=True)
class Block:
    """Rows of a tree and the new tokens that they see: `seen` indexes them, those that not all rows see come last.

    mask: (rows, how many those are), added to their scores.
    """

    rows: slice
    seen: Tensor
    mask: Tensor


def blocks(mask: Tensor, dtype: torch.dtype) -> list[Block]:
    """The blocks of a mask (n, n) of zeros and minus infinities: who sees whom among the new tokens."""
    made = []
    for at in range(0, len(mask), ROWS):
        rows = slice(at, at + ROWS)
        visible = mask[rows] == 0
        every, some = visible.all(0), visible.any(0)
        mixed = (some & ~every).nonzero()[:, 0]
        seen = torch.cat([every.nonzero()[:, 0], mixed])
        made.append(Block(rows, seen, mask[rows][:, mixed].to(dtype)))
    return made


class BlockedAttention(torch.autograd.Function):
    """q: (heads, n, d), already scaled. k, v: (kv_heads, n, d) of the new tokens; past: the same of those before them.

    Every token sees all of the past, and of the new ones what `plan` says. Returns (heads, n, d).
    """

    @staticmethod
    def forward(
        ctx, q: Tensor, k: Tensor, v: Tensor, plan: list[Block], past_k: Tensor, past_v: Tensor
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
    def backward(ctx, grad: Tensor):
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
    """(rows of all heads of a kind, keys): the softmax of the scores."""
    raw = queries @ keys.T
    if mixed := block.mask.shape[1]:
        raw.view(-1, len(block.mask), raw.shape[1])[..., -mixed:] += block.mask
    return raw.softmax(-1)
