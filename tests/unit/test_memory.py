"""The memory formulas: what they give for the profiles, and which settings move them."""

import pytest

from course.errors import CourseError
from course.model import embedded, memory, profiles
from course.model.memory import MIB, QWEN36_35B_A3B, Shape, needs

QWEN36_FIELDS = {
    "general.architecture": "qwen35moe",
    "qwen35moe.block_count": 41,
    "qwen35moe.nextn_predict_layers": 1,
    "qwen35moe.embedding_length": 2048,
    "qwen35moe.attention.head_count": 16,
    "qwen35moe.attention.head_count_kv": 2,
    "qwen35moe.attention.key_length": 256,
    "qwen35moe.attention.value_length": 256,
    "qwen35moe.full_attention_interval": 4,
    "qwen35moe.ssm.conv_kernel": 4,
    "qwen35moe.ssm.inner_size": 4096,
    "qwen35moe.ssm.group_count": 16,
    "qwen35moe.ssm.state_size": 128,
}
DENSE = Shape(attention=36, kv_heads=8, key=128, value=128)


def test_a_token_of_qwen3_6_costs_20_kib_and_its_state_63_mib():
    assert QWEN36_35B_A3B.per_token() == 20 * 1024
    assert QWEN36_35B_A3B.per_slot / MIB == pytest.approx(62.8, abs=0.05)


def test_a_header_gives_the_shape_and_its_prediction_layer_is_not_counted():
    assert memory.shape_of(QWEN36_FIELDS) == QWEN36_35B_A3B


def test_the_profile_needs_what_it_says():
    """22 GB of weights, the cache and the state stay below the 24 GB that the profile names."""
    profile = profiles.load("qwen3.6-35b-a3b")
    kept = int(profile.flags[profile.flags.index("--ctx-checkpoints") + 1])
    found = needs(QWEN36_35B_A3B, 22_000_000_000, profile.context, slots=profile.parallel, checkpoints=kept)
    assert found.cache == 1280 * MIB
    assert 23e9 < found.gpu < 24e9, f"{found.gpu / 1e9:.2f} GB"
    assert "24 GB of GPU memory" in profile.needs
    assert found.checkpoints / MIB == pytest.approx(2010, abs=1)
    assert "2 GiB" in profile.needs


def test_the_laptop_profiles_comment_is_the_formula():
    assert DENSE.per_token() == 144 * 1024


def test_a_model_without_recurrent_layers_keeps_no_checkpoints():
    found = needs(DENSE, 0, 16384, checkpoints=32)
    assert (found.state, found.checkpoints) == (0, 0)


def test_slots_share_the_cache_and_each_has_a_state():
    one, four = (needs(QWEN36_35B_A3B, 0, 65536, slots=n) for n in (1, 4))
    assert four.cache == one.cache
    assert (four.state, four.checkpoints) == (4 * one.state, 4 * one.checkpoints)


def test_the_context_is_rounded_up_to_256_cells():
    assert needs(DENSE, 0, 257).cache == needs(DENSE, 0, 512).cache


def test_q8_0_takes_34_bytes_for_32_numbers():
    assert DENSE.per_token("q8_0", "q8_0") == pytest.approx(DENSE.per_token() * 17 / 32)


def test_the_base_models_header_is_read():
    shape = memory.shape_of(memory.fields_of(embedded.base_path()))
    assert shape.per_token() == 23040
    assert shape.per_slot == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: memory.shape_of({"general.architecture": "mamba"}), "a mamba model"),
        (lambda: memory.shape_of({"general.architecture": "llama"}), "no llama.block_count"),
        (lambda: DENSE.per_token("q9"), "'q9'"),
    ],
)
def test_what_it_does_not_know_is_named(call, said):
    with pytest.raises(CourseError, match=said):
        call()
