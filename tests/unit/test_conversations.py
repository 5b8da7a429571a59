"""What a training run sees: the same whoever draws it, and every exchange whole."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from training import families
from training.conversations import FIRST, SHARE, Conversations, tree


class Letters:
    """A tokenizer of one token a character."""

    def encode(self, text: str) -> SimpleNamespace:
        return SimpleNamespace(ids=[ord(one) for one in text])


def text(tokens) -> str:
    return "".join(map(chr, tokens))


@pytest.fixture(scope="module")
def source():
    return Conversations(5, Letters())


def numbered(family: str) -> int:
    return next(n for n in range(0, 500, SHARE) if families.card(5, n // SHARE) == family)


def test_a_tree_holds_each_sequence_and_what_they_share_once():
    sequences = [[1, 2, 3, 4], [1, 2, 5], [1, 2, 3, 4, 6], [7]]
    made = tree(sequences)
    assert [[made.tokens[n] for n in path] for path in made.paths] == sequences
    assert [[made.positions[n] for n in path] for path in made.paths] == [[*range(len(s))] for s in sequences]
    assert sorted(made.tokens) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("family", families.DECK)
def test_each_exchange_ends_in_its_completion(source, family):
    one = source[numbered(family)]
    assert one.family == family
    for path, completion in zip(one.tree.paths, one.completions, strict=True):
        sequence = text(one.tree.tokens[n] for n in path)
        assert sequence.endswith(text(completion[:-1]))
        assert sequence[: -len(completion) + 1].endswith(
            ("<think>\n", "<|im_start|>assistant\n", "</think>\n\n")
        )


def test_a_conversation_is_decided_by_its_number(source):
    again = Conversations(5, Letters())
    assert again[numbered("compare and compute")] == source[numbered("compare and compute")]
    assert Conversations(6, Letters())[0] != source[0]


REFUSED = """
import random
from training import traces
from training.families import imports
samples = traces.agent_samples(imports.draw(random.Random(3), True), traces.renderer())
print(samples[-1].prompt)
"""


def test_a_run_is_the_same_in_a_process_that_orders_its_sets_otherwise():
    run = [sys.executable, "-c", REFUSED]
    prompts = [
        subprocess.run(
            run, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "12"
    ]
    assert b"Authorized imports are: [" in prompts[0]
    assert prompts[0] == prompts[1]


def test_neighbors_are_of_one_family_and_not_the_same(source):
    number = numbered("speed over distance")
    one, other = source[number], source[number + 1]
    assert one.family == other.family
    assert one.completions != other.completions


def test_the_tail_of_a_system_prompt_describes_the_tools(source):
    one = source[numbered("speed over distance")]
    assert FIRST < one.tail < len(one.head)
    assert "def web_search" in text(one.head[-one.tail :])
    assert "def web_search" not in text(one.head[: -one.tail])
