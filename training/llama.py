"""SmolLM2 as a PyTorch function with LoRA on its seven projections, in the layout of its GGUF file.

Reads the base from the GGUF, tokenizes with the GGUF's own vocabulary, runs tokens after a cached prefix, and writes
the adapter as a GGUF that llama.cpp loads. The weights stay in llama.cpp's order, so no tensor is permuted on the
way.
"""

import math
from pathlib import Path
from typing import TypeAlias

import gguf
import tokenizers
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training import adapters
from training.adapters import field
from training.attention import Plan, attend

PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
KV: TypeAlias = list[tuple[Tensor, Tensor]]
"""Per layer, keys and values (kv_heads, tokens, head_dim)."""
Angles: TypeAlias = tuple[Tensor, Tensor]


def tokenizer(reader: gguf.GGUFReader) -> tokenizers.Tokenizer:
    """The GGUF's byte-level BPE, with SmolLM's pre-tokenizer (digits one by one). Special tokens are recognized."""
    words = field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(m.split(" ")) for m in field(reader, "tokenizer.ggml.merges")]
    tok = tokenizers.Tokenizer(tokenizers.models.BPE({w: n for n, w in enumerate(words)}, merges))
    tok.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Digits(individual_digits=True), tokenizers.pre_tokenizers.ByteLevel(False)]
    )
    kinds = field(reader, "tokenizer.ggml.token_type")
    tok.add_special_tokens(
        [w for w, kind in zip(words, kinds, strict=True) if kind == gguf.TokenType.CONTROL]
    )
    return tok


class Llama(nn.Module):
    """The frozen base in `dtype`, plus LoRA factors in float32. Their scale is alpha / rank."""

    def __init__(
        self,
        path: Path,
        rank: int = 16,
        alpha: float = 32,
        dtype: torch.dtype = torch.bfloat16,
        device: str = "cpu",
    ):
        super().__init__()
        reader = gguf.GGUFReader(path)
        self.rank, self.alpha, self.dtype, self.device = rank, alpha, dtype, torch.device(device)
        self.heads = int(field(reader, "llama.attention.head_count"))
        self.kv_heads = int(field(reader, "llama.attention.head_count_kv"))
        self.layers = int(field(reader, "llama.block_count"))
        self.eps = float(field(reader, "llama.attention.layer_norm_rms_epsilon"))
        self.base = float(field(reader, "llama.rope.freq_base"))
        self.tokenizer = tokenizer(reader)
        self.w = {
            t.name: torch.tensor(gguf.quants.dequantize(t.data, t.tensor_type)).to(self.device, dtype)
            for t in reader.tensors
        }
        self.head_dim = self.w["blk.0.attn_q.weight"].shape[0] // self.heads
        self.a, self.b = nn.ParameterDict(), nn.ParameterDict()
        for name, weight in self.w.items():
            if any(f".{p}." in name for p in PROJECTIONS):
                out, inner = weight.shape
                key = name.replace(".", "/")
                self.a[key] = nn.Parameter(torch.randn(rank, inner) / math.sqrt(inner))
                self.b[key] = nn.Parameter(torch.zeros(out, rank))
        self.to(self.device)

    def linear(self, x: Tensor, layer: int, which: str) -> Tensor:
        name = f"blk.{layer}.{which}.weight"
        key = name.replace(".", "/")
        factor = (self.b[key] * (self.alpha / self.rank)).to(self.dtype)
        return F.linear(x, self.w[name]) + F.linear(F.linear(x, self.a[key].to(self.dtype)), factor)

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], self.w[name], self.eps)

    def angles(self, positions: Tensor) -> Angles:
        """Cosine and sine of each pair's rotation, (tokens, 1, head_dim / 2)."""
        pairs = torch.arange(0, self.head_dim, 2, dtype=torch.float32, device=positions.device)
        freq = self.base ** (-pairs / self.head_dim)
        angle = (positions[:, None].float() * freq[None])[:, None]
        return angle.cos().to(self.dtype), angle.sin().to(self.dtype)

    def rope(self, x: Tensor, angles: Angles) -> Tensor:
        """Rotates the pairs (2i, 2i+1), llama.cpp's order for this architecture. x: (tokens, heads, head_dim)."""
        (cos, sin), even, odd = angles, x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)

    def forward(
        self, tokens: Tensor, positions: Tensor, plan: Plan | None, past: KV | None, keep: bool = False
    ) -> tuple[Tensor, KV]:
        """Final hidden states (tokens, width) of the tokens after `past`, and with `keep` their keys and values.

        `plan` (attention.plan_of) says which of the new tokens see which, so that they can form a tree of sequences. None
        means a plain causal sequence, without past and without gradient. All new tokens see all of `past`.
        """
        angles = self.angles(positions)
        x = F.embedding(tokens, self.w["token_embd.weight"])
        kept: KV = []
        for layer in range(self.layers):
            before = past[layer] if past else None
            x, kv = self.block(x, layer, angles, plan, before)
            if keep:
                kept.append(kv)
        return self.norm(x, "output_norm.weight"), kept

    def block(
        self, x: Tensor, layer: int, angles: Angles, plan: Plan | None, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One transformer layer: the new hidden states, and this layer's keys and values (kv_heads, tokens, head_dim)."""
        h = self.norm(x, f"blk.{layer}.attn_norm.weight")
        q = self.rope(self.linear(h, layer, "attn_q").view(-1, self.heads, self.head_dim), angles)
        k = self.rope(
            self.linear(h, layer, "attn_k").view(-1, self.kv_heads, self.head_dim), angles
        ).transpose(0, 1)
        v = self.linear(h, layer, "attn_v").view(-1, self.kv_heads, self.head_dim).transpose(0, 1)
        x = x + self.linear(self._attend(q, k, v, plan, past), layer, "attn_output")
        h = self.norm(x, f"blk.{layer}.ffn_norm.weight")
        gated = F.silu(self.linear(h, layer, "ffn_gate")) * self.linear(h, layer, "ffn_up")
        return x + self.linear(gated, layer, "ffn_down"), (k, v)

    def _attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        plan: Plan | None,
        past: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """Attention of all heads, (tokens, width)."""
        q = q.transpose(0, 1)
        if plan is None:
            mixed = F.scaled_dot_product_attention(
                q[None], k[None], v[None], is_causal=True, enable_gqa=True
            )[0]
        else:
            mixed = attend(q, k, v, plan, past)
        return mixed.transpose(0, 1).flatten(1)

    @property
    def words(self) -> Tensor:
        """The output embedding (words, width), which turns hidden states into logits."""
        return self.w.get("output.weight", self.w["token_embd.weight"])

    def load(self, path: Path) -> None:
        """Take the factors of an adapter that `save` wrote, of the same rank."""
        saved = {
            name: torch.from_numpy(factor) for name, factor in adapters.read(gguf.GGUFReader(path)).items()
        }
        with torch.no_grad():
            for key in self.a:
                self.a[key].copy_(saved[f"{key.replace('/', '.')}.lora_a"])
                self.b[key].copy_(saved[f"{key.replace('/', '.')}.lora_b"])

    def save(self, path: Path, about: str) -> None:
        """Write the adapter as a GGUF (float16), for `llama-server --lora` or course/model/merge.py."""
        factors = {}
        for key, low in self.a.items():
            name = key.replace("/", ".")
            factors[f"{name}.lora_a"] = low.detach().cpu().numpy()
            factors[f"{name}.lora_b"] = self.b[key].detach().cpu().numpy()
        adapters.write(path, factors, self.alpha, about)
