"""The memory formulas against the log of a server, on a random model of the architecture of Qwen3.6.

All sizes in the log are MiB, rounded to two or three decimals.
"""

import re

import pytest

from bench.reprocessed import STEPS
from course.agent import LEOPARD, code_agent, connect, forced
from course.model import memory
from course.model.embedded import template_path
from course.model.memory import MIB
from course.server import Server

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

CONTEXT, SLOTS = 4096, 2


@pytest.fixture(scope="module")
def log(hybrid_model):
    """What a server says that has run an agent of four steps."""
    changes = {"context": SLOTS * CONTEXT, "parallel": SLOTS, "chat_template_file": str(template_path())}
    with Server(
        "embedded", url=False, quiet=True, model=str(hybrid_model), extra=["--verbosity", "4"], **changes
    ) as server:
        agent = code_agent(connect(server, model_class=forced(STEPS)), verbosity_level=-1)
        assert agent.run(LEOPARD) == 9.62
        return server.log(100_000)


@pytest.fixture(scope="module")
def needs(hybrid_model):
    shape = memory.shape_of(memory.fields_of(hybrid_model))
    size = hybrid_model.stat().st_size
    return memory.needs(shape, size, SLOTS * CONTEXT, slots=SLOTS, checkpoints=1, key_type="q8_0")


def sizes(pattern, log):
    """The MiB that the lines of this pattern name."""
    found = [float(size) for size in re.findall(pattern + r"\s*([\d.]+) MiB", log)]
    assert found, f"no line like {pattern!r} in the log:\n{log[-3000:]}"
    return found


def test_the_cache_is_as_large_as_computed(log, needs):
    assert sum(sizes(r"KV buffer size =", log)) == pytest.approx(needs.cache / MIB, abs=0.006)


def test_the_recurrent_state_is_as_large_as_computed(log, needs):
    assert sum(sizes(r"RS buffer size =", log)) == pytest.approx(needs.state / MIB, abs=0.006)


def test_a_checkpoint_is_the_state_of_one_slot(log, needs):
    """Some bytes more: each part is written with its sizes."""
    per_slot = needs.checkpoints / SLOTS / MIB
    for size in sizes(r"created context checkpoint .* size =", log):
        assert per_slot - 0.0006 <= size < 1.02 * per_slot + 0.001


def test_the_weights_are_about_the_size_of_the_file(log, needs):
    """The file has the vocabulary's texts besides; with mmap the model may be named as several buffers."""
    assert sum(sizes(r"model buffer size =", log)) == pytest.approx(needs.weights / MIB, rel=0.25)
