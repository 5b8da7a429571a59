"""Adapters as GGUF files: write one, read one, average several. Needs no PyTorch.

LoRA factors are written as `llama-server --lora` and course/model/merge.py read them; the latter merges an adapter
into a model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

Factors = Mapping[str, NDArray[Any]]
"""By the tensor's name and `.lora_a` (rank, inner) or `.lora_b` (outer, rank)."""


def write(path: Path, factors: Factors, alpha: float, about: str) -> None:
    """Write factors in float16. `alpha` is the scale times the rank, `about` describes the adapter's origin."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(alpha))
    writer.add_name("agents-on-the-wire embedded adapter")
    writer.add_description(about)
    writer.add_license("Apache-2.0")
    for name, factor in factors.items():
        writer.add_tensor(name, factor.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def field(reader: gguf.GGUFReader, name: str) -> Any:
    """The value of a metadata field."""
    return reader.get_field(name).contents()


def read(reader: gguf.GGUFReader) -> dict[str, NDArray[np.float32]]:
    """The factors, in float32 and in the file's order."""
    return {tensor.name: tensor.data.astype(np.float32) for tensor in reader.tensors}


def mean(parts: Sequence[tuple[Path, float]], out: Path) -> None:
    """Write the weighted mean of adapters, given with their shares, factor by factor.

    This is not the mean of what the adapters add to the weights, as that is a product of two factors. It comes close where
    one adapter was trained from the other (weight averaging: Wortsman et al. 2022, "Model soups"). SystemExit if an
    adapter has other shapes or another scale than the first.
    """
    readers = [gguf.GGUFReader(path) for path, _ in parts]
    alphas = [field(reader, gguf.Keys.Adapter.LORA_ALPHA) for reader in readers]
    given = [read(reader) for reader in readers]
    shapes = [{name: factor.shape for name, factor in factors.items()} for factors in given]
    for (path, _), shape, alpha in zip(parts, shapes, alphas, strict=True):
        if (shape, alpha) != (shapes[0], alphas[0]):
            raise SystemExit(
                f"adapters: {path} has other tensors, another rank or another scale than {parts[0][0]}.\n"
                f"Expected: one was trained from the other. Look at both:  gguf-dump --no-tensors {path}"
            )
    shares = [share for _, share in parts]
    summed: dict[str, Any] = {
        name: sum(share * factors[name] for share, factors in zip(shares, given, strict=True))
        for name in shapes[0]
    }
    about = [field(reader, gguf.Keys.General.DESCRIPTION) for reader in readers]
    said = ", ".join(f"{share:g} of ({what})" for share, what in zip(shares, about, strict=True))
    write(out, summed, alphas[0], f"the sum of {said}")
