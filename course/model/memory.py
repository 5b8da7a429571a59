"""How much memory llama-server needs for a model: weights, KV cache, recurrent state, checkpoints.

Computes bytes from a model's shape and the server's settings; reads a shape from a GGUF's header. It leaves out the
compute buffers (they grow with batch and vocabulary: half a GB to 1 GB for a large model), a vision projector, and the
prompt cache in RAM (--cache-ram, up to 8 GiB), and it does not decide whether a model fits.

    needs(QWEN36_35B_A3B, weights=22_000_000_000, context=65536).gpu   # bytes

The formulas are llama.cpp's: llama-kv-cache.cpp (keys and values of each attention layer, one cell per token of the
context, which is rounded up to 256), llama-hparams.cpp (`n_embd_r`, `n_embd_s`: the float32 state of a recurrent layer),
server-context.cpp (a checkpoint keeps the recurrent state of one slot, in RAM). tests/live/test_hybrid.py checks them
against the log of a running server.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import CourseError

MIB = 1024**2
CELLS = 256
BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32,
         "q4_1": 20 / 32, "q4_0": 18 / 32}  # fmt: skip
HYBRIDS = ("qwen3next", "qwen35", "qwen35moe")
DENSE = ("llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe")


@dataclass(frozen=True)
class Shape:
    """What decides a model's memory besides its weights.

    `attention` and `recurrent` are numbers of layers; the rest describes one layer. `conv` is the kernel size of the
    convolution, `inner` the width of the values, `groups` × `state` that of the queries and of the keys.
    """

    attention: int
    kv_heads: int
    key: int
    value: int
    recurrent: int = 0
    conv: int = 0
    inner: int = 0
    groups: int = 0
    state: int = 0

    def per_token(self, key_type: str = "f16", value_type: str = "f16") -> float:
        """Bytes of KV cache per token."""
        size = self.key * _bytes(key_type) + self.value * _bytes(value_type)
        return self.attention * self.kv_heads * size

    @property
    def per_slot(self) -> int:
        """Bytes of recurrent state per slot, regardless of the context length; also the size of one checkpoint."""
        rolling = max(0, self.conv - 1) * (self.inner + 2 * self.groups * self.state)
        return self.recurrent * (rolling + self.state * self.inner) * 4


@dataclass(frozen=True)
class Memory:
    """In bytes. `gpu` is for all layers on the GPU (-ngl 99); checkpoints are kept in the computer's RAM."""

    weights: int
    cache: int
    state: int
    checkpoints: int

    @property
    def gpu(self) -> int:
        return self.weights + self.cache + self.state

    @property
    def total(self) -> int:
        return self.gpu + self.checkpoints


QWEN36_35B_A3B = Shape(
    attention=10, kv_heads=2, key=256, value=256, recurrent=30, conv=4, inner=32 * 128, groups=16, state=128
)
"""From the model card of Qwen3.6-35B-A3B: 10 × (3 × Gated DeltaNet, 1 × Gated Attention); DeltaNet has 32 heads of 128
for values and 16 for queries and keys, attention 2 heads of 256 for keys and values. The kernel size is in config.json."""


def needs(
    shape: Shape,
    weights: int,
    context: int,
    *,
    slots: int = 1,
    checkpoints: int = 32,
    key_type: str = "f16",
    value_type: str = "f16",
) -> Memory:
    """The memory of a server with `-c context -np slots --ctx-checkpoints checkpoints`.

    `weights` is the size of the GGUF in bytes. The slots share the context. Checkpoints are per slot, and this is the
    most they can take; a model without recurrent layers has none.
    """
    cells = -(-context // CELLS) * CELLS
    return Memory(
        weights=weights,
        cache=round(cells * shape.per_token(key_type, value_type)),
        state=slots * shape.per_slot,
        checkpoints=slots * checkpoints * shape.per_slot,
    )


def shape_of(fields: dict[str, Any]) -> Shape:
    """The shape that a GGUF's metadata describes. CourseError for an architecture that the formulas don't cover."""
    arch = fields.get("general.architecture")
    if arch not in (*HYBRIDS, *DENSE):
        raise CourseError(
            f"cannot compute the memory of a {arch} model, only of {', '.join((*DENSE, *HYBRIDS))}.\n"
            "Start it and read its log:  course serve --model FILE.gguf -- --verbosity 4"
        )

    def get(name: str, default: int | None = None) -> Any:
        value = fields.get(f"{arch}.{name}", default)
        if value is None:
            raise CourseError(
                f"this GGUF has no {arch}.{name}, which a complete model file has.\nDownload it again."
            )
        return value

    layers = get("block_count") - get("nextn_predict_layers", 0)
    head = get("embedding_length") // get("attention.head_count")
    every = get("full_attention_interval", 4) if arch in HYBRIDS else 1
    attention = layers // every
    ssm = {} if arch not in HYBRIDS else {
        "recurrent": layers - attention, "conv": get("ssm.conv_kernel"), "inner": get("ssm.inner_size"),
        "groups": get("ssm.group_count"), "state": get("ssm.state_size"),
    }  # fmt: skip
    return Shape(
        attention=attention,
        kv_heads=get("attention.head_count_kv", get("attention.head_count")),
        key=get("attention.key_length", head),
        value=get("attention.value_length", head),
        **ssm,
    )


def fields_of(path: str | Path) -> dict[str, Any]:
    """The metadata of a GGUF, without its long lists (the vocabulary)."""
    from gguf import GGUFReader, GGUFValueType

    found = {}
    for name, field in GGUFReader(path, "r").fields.items():
        if field.types and field.types[0] is not GGUFValueType.ARRAY:
            found[name] = field.contents()
    return found


def _bytes(name: str) -> float:
    if name not in BYTES:
        raise CourseError(f"{name!r} is not a KV cache type.\nUse one of {', '.join(BYTES)}.")
    return BYTES[name]
