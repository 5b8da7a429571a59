"""Adapters as files, and several made one."""

import gguf
import numpy as np
import pytest

from training import adapters


@pytest.fixture
def made(tmp_path):
    """So many values in an adapter of this rank."""

    def write(name: str, value: float, rank: int = 2, alpha: float = 4):
        low, high = np.full((rank, 3), value, np.float32), np.full((5, rank), 2 * value, np.float32)
        adapters.write(tmp_path / name, {"w.lora_a": low, "w.lora_b": high}, alpha, f"about {name}")
        return tmp_path / name

    return write


def test_what_was_written_is_read_in_the_same_order(made):
    assert [
        (name, factor.tolist()) for name, factor in adapters.read(gguf.GGUFReader(made("x", 0.5))).items()
    ] == [
        ("w.lora_a", [[0.5] * 3] * 2),
        ("w.lora_b", [[1.0] * 2] * 5),
    ]


def test_a_mean_takes_its_share_of_each_and_says_of_what(made, tmp_path):
    adapters.mean([(made("x", 1), 0.75), (made("y", 5), 0.25)], tmp_path / "z")
    mean = gguf.GGUFReader(tmp_path / "z")
    assert adapters.read(mean)["w.lora_b"].tolist() == [[4.0] * 2] * 5
    assert adapters.field(mean, gguf.Keys.Adapter.LORA_ALPHA) == 4
    said = adapters.field(mean, gguf.Keys.General.DESCRIPTION)
    assert said == "the sum of 0.75 of (about x), 0.25 of (about y)"


@pytest.mark.parametrize("other", [{"rank": 3}, {"alpha": 8}], ids=str)
def test_what_does_not_fit_is_refused_and_nothing_is_written(made, tmp_path, other):
    with pytest.raises(SystemExit, match=r"y has other tensors, another rank or another scale than .*x\."):
        adapters.mean([(made("x", 1), 0.5), (made("y", 1, **other), 0.5)], tmp_path / "z")
    assert not (tmp_path / "z").exists()
