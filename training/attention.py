"""Attention for training on a CPU: blocks of rows that stay in the processor's cache, scores computed twice, never kept.

Does: softmax(q kᵀ + mask) v for many query rows over a long past, with the gradient for q, and for k and v of the new
tokens. Does not: return the gradient of the past, or help on a GPU. Plain matrix products in bfloat16 over whole heads are
bound by memory here: one head's scores are 11 MB, a block of 128 rows is 1 MB.
"""

import torch
from torch import Tensor

ROWS = 128


class BlockedAttention(torch.autograd.Function):
    """q: (heads, n, d), already scaled. k, v: (kv_heads, n, d) of the new tokens; past: the same of those before them.

    mask: (n, n), added to the scores among the new tokens; every token sees all of the past.
    """

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, past_k: Tensor, past_v: Tensor) -> Tensor:
        keys, values = torch.cat([past_k, k], 1), torch.cat([past_v, v], 1)
        out = torch.empty_like(q)
        for head, rows in blocks(q):
            kind = head // (len(q) // len(k))
            weights = scores(q[head, rows], keys[kind], mask[rows]).softmax(-1)
            out[head, rows] = weights @ values[kind]
        ctx.save_for_backward(q, keys, values, mask, out)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor):
        q, keys, values, mask, out = ctx.saved_tensors
        new = mask.shape[1]
        dq = torch.empty_like(q)
        dk = torch.zeros(len(keys), new, q.shape[-1])
        dv = torch.zeros_like(dk)
        for head, rows in blocks(q):
            kind = head // (len(q) // len(keys))
            weights = scores(q[head, rows], keys[kind], mask[rows]).softmax(-1)
            given = grad[head, rows]
            inner = (given.float() * out[head, rows].float()).sum(-1, keepdim=True).to(q.dtype)
            delta = (given @ values[kind].T).sub_(inner).mul_(weights)
            dq[head, rows] = delta @ keys[kind]
            dk[kind] += delta[:, -new:].T @ q[head, rows]
            dv[kind] += weights[:, -new:].T @ given
        return dq, dk.to(q.dtype), dv.to(q.dtype), None, None, None


def blocks(q: Tensor):
    return ((head, slice(at, at + ROWS)) for head in range(len(q)) for at in range(0, q.shape[1], ROWS))


def scores(q: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    raw = q @ keys.T
    raw[:, -mask.shape[1] :] += mask
    return raw
