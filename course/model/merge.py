"""Merge a LoRA adapter into a GGUF model:  W + B·A·(alpha / rank), in another quantization.

Copies the metadata and all tensors of the base, adds the adapter to the tensors that it changes, and quantizes the large
ones again. Needs neither PyTorch nor llama.cpp. Merging saves time, because an adapter that is loaded beside the model
costs some on every token.

    merge(base_path(), adapter_path(), Path("model.gguf"))
"""

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

KEPT_AS_IS = gguf.GGMLQuantizationType.F32


def merge(
    base: Path,
    adapter: Path,
    target: Path,
    quantization: str = "Q8_0",
    progress: Callable[[float], object] = lambda _: None,
) -> None:
    """Write `target`. `quantization` is one that gguf.quants can write: Q8_0, Q4_0, Q4_1 …

    `progress` is called for each tensor with the fraction done so far, from 0 to 1.
    """
    model, changes = gguf.GGUFReader(base), gguf.GGUFReader(adapter)
    factors = {t.name: t.data.astype(np.float32) for t in changes.tensors}
    kind = gguf.GGMLQuantizationType[quantization]
    writer = gguf.GGUFWriter(target, model.get_field(gguf.Keys.General.ARCHITECTURE).contents())
    copy_fields(model, writer)
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{quantization}"])
    scale = None
    if factors:
        rank = next(f.shape[0] for name, f in factors.items() if name.endswith(".lora_a"))
        scale = changes.get_field(gguf.Keys.Adapter.LORA_ALPHA).contents() / rank
    for number, tensor in enumerate(model.tensors):
        progress(number / len(model.tensors))
        if tensor.tensor_type == KEPT_AS_IS:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=KEPT_AS_IS)
            continue
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if f"{tensor.name}.lora_a" in factors:
            weight = weight + (factors[f"{tensor.name}.lora_b"] @ factors[f"{tensor.name}.lora_a"]) * scale
        writer.add_tensor(tensor.name, gguf.quants.quantize(weight.astype(np.float32), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def copy_fields(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    """Copy the metadata, except what the writer sets itself and the base's chat template (the course has its own)."""
    skipped = {
        gguf.Keys.General.ARCHITECTURE,
        gguf.Keys.General.FILE_TYPE,
        gguf.Keys.General.QUANTIZATION_VERSION,
    }
    for name, field in reader.fields.items():
        if name in skipped or name.startswith("GGUF."):
            continue
        if name == gguf.Keys.Tokenizer.CHAT_TEMPLATE:
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=sub)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
