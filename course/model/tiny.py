"""A random model of the architecture of Qwen3.6 (`qwen35moe`), small enough for any computer: about 8 MB.

Writes a GGUF with the base model's tokenizer, 6 recurrent layers, 2 with attention, and mixture-of-experts
feed-forwards, all drawn from a seed. The model's output is meaningless: use it for what depends on the architecture
alone, such as memory, checkpoints and the prompt cache. The names and sizes of the tensors are those that llama.cpp's
qwen35moe.cpp asks for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course.model.embedded import base_path

if TYPE_CHECKING:
    from gguf import GGUFReader, GGUFWriter

ARCH = "qwen35moe"
WIDTH, LAYERS, EVERY = 64, 8, 4
HEADS, KV_HEADS, HEAD = 4, 2, 32
EXPERTS, USED, EXPERT_WIDTH = 4, 2, 32
CONV, STATE, GROUPS, VALUE_HEADS = 4, 32, 2, 4
INNER = STATE * VALUE_HEADS
THINKING = {"<issue_start>": "<think>", "<issue_closed>": "</think>"}
"""In Qwen's vocabulary these two tags are one token each. Checkpoints are counted in tokens, so they are one token
each here, too, in place of two tokens of the base model that no prompt contains. GGUF's type for such tokens is 4."""
TOKENIZER = ("model", "pre", "bos_token_id", "eos_token_id", "unknown_token_id", "padding_token_id",
             "add_bos_token", "add_eos_token", "add_space_prefix")  # fmt: skip


def hybrid(path: Path, seed: int = 7) -> Path:
    """Write the model to `path`, and return it."""
    from gguf import GGUFReader, GGUFWriter

    base = GGUFReader(base_path(), "r")
    writer = GGUFWriter(path, ARCH)
    for name, value in metadata().items():
        add = writer.add_float32 if isinstance(value, float) else writer.add_uint32
        add(f"{ARCH}.{name}", value)
    writer.add_array(f"{ARCH}.rope.dimension_sections", [4, 2, 2, 0])
    copy_tokenizer(base, writer)
    random = np.random.default_rng(seed)
    vocabulary = len(base.fields["tokenizer.ggml.tokens"].data)
    for name, shape in tensors(vocabulary).items():
        writer.add_tensor(name, weights(name, shape, random))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def metadata() -> dict[str, Any]:
    return {
        "block_count": LAYERS,
        "context_length": 32768,
        "embedding_length": WIDTH,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
        "attention.key_length": HEAD,
        "attention.value_length": HEAD,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "rope.dimension_count": 16,
        "rope.freq_base": 10000.0,
        "full_attention_interval": EVERY,
        "expert_count": EXPERTS,
        "expert_used_count": USED,
        "expert_feed_forward_length": EXPERT_WIDTH,
        "expert_shared_feed_forward_length": EXPERT_WIDTH,
        "ssm.conv_kernel": CONV,
        "ssm.state_size": STATE,
        "ssm.group_count": GROUPS,
        "ssm.time_step_rank": VALUE_HEADS,
        "ssm.inner_size": INNER,
    }


def tensors(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Name → shape as numpy sees it: the reverse of ggml's order."""
    found = {"token_embd.weight": (vocabulary, WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        attends = (layer + 1) % EVERY == 0
        parts = {"attn_norm.weight": (WIDTH,), "post_attention_norm.weight": (WIDTH,), **feed_forward()}
        parts |= attention() if attends else recurrent()
        found |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    return found


def attention() -> dict[str, tuple[int, ...]]:
    return {
        "attn_q.weight": (2 * HEADS * HEAD, WIDTH),  # query and its gate
        "attn_k.weight": (KV_HEADS * HEAD, WIDTH),
        "attn_v.weight": (KV_HEADS * HEAD, WIDTH),
        "attn_output.weight": (WIDTH, HEADS * HEAD),
        "attn_q_norm.weight": (HEAD,),
        "attn_k_norm.weight": (HEAD,),
    }


def recurrent() -> dict[str, tuple[int, ...]]:
    mixed = 2 * GROUPS * STATE + INNER
    return {
        "attn_qkv.weight": (mixed, WIDTH),
        "attn_gate.weight": (INNER, WIDTH),
        "ssm_conv1d.weight": (mixed, CONV),
        "ssm_dt.bias": (VALUE_HEADS,),
        "ssm_a": (VALUE_HEADS,),
        "ssm_beta.weight": (VALUE_HEADS, WIDTH),
        "ssm_alpha.weight": (VALUE_HEADS, WIDTH),
        "ssm_norm.weight": (STATE,),
        "ssm_out.weight": (WIDTH, INNER),
    }


def feed_forward() -> dict[str, tuple[int, ...]]:
    return {
        "ffn_gate_inp.weight": (EXPERTS, WIDTH),
        "ffn_gate_exps.weight": (EXPERTS, EXPERT_WIDTH, WIDTH),
        "ffn_up_exps.weight": (EXPERTS, EXPERT_WIDTH, WIDTH),
        "ffn_down_exps.weight": (EXPERTS, WIDTH, EXPERT_WIDTH),
        "ffn_gate_inp_shexp.weight": (WIDTH,),
        "ffn_gate_shexp.weight": (EXPERT_WIDTH, WIDTH),
        "ffn_up_shexp.weight": (EXPERT_WIDTH, WIDTH),
        "ffn_down_shexp.weight": (WIDTH, EXPERT_WIDTH),
    }


def weights(name: str, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[Any]:
    """Norms of one, decays below zero, the rest small. Matrices in f16, except those that llama.cpp wants in f32."""
    if "norm" in name:
        return np.ones(shape, dtype=np.float32)
    if name.endswith("ssm_a"):
        return -random.uniform(0.5, 2, shape).astype(np.float32)
    made = random.normal(0, 0.05, shape).astype(np.float32)
    exact = len(shape) == 1 or "conv1d" in name or "ffn_gate_inp" in name
    return made if exact else made.astype(np.float16)


def copy_tokenizer(base: "GGUFReader", writer: "GGUFWriter") -> None:
    """Copy the base model's tokenizer, so that prompts have the same tokens in both, except <think> and </think>."""

    def field(name: str) -> Any:
        found = base.fields.get(f"tokenizer.ggml.{name}")
        return None if found is None else found.contents()

    tokens, types = with_thinking(field("tokens"), field("token_type"))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(field("merges"))
    for name in TOKENIZER:
        value = field(name)
        if value is not None:
            add = {bool: writer.add_bool, int: writer.add_uint32, str: writer.add_string}[type(value)]
            add(f"tokenizer.ggml.{name}", value)


def with_thinking(tokens: list[str], types: list[int]) -> tuple[list[str], list[int]]:
    """The same vocabulary, with <think> and </think> as tokens."""
    renamed = [THINKING.get(token, token) for token in tokens]
    return renamed, [4 if token in THINKING else kind for token, kind in zip(tokens, types, strict=True)]
