"""An experiment that shares a saved KV cache, with a hybrid model: unlike others, it has to process each prompt again."""

from dataclasses import replace

import pytest

from course import labs
from course.model import profiles
from course.model.embedded import template_path

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these


@pytest.fixture
def run(hybrid_model, tmp_path, monkeypatch):
    """Two steps of the random model, a few tokens long each."""
    monkeypatch.chdir(tmp_path)
    short = replace(profiles.load("embedded"), sampling={"temperature": 0, "max_tokens": 4})
    changes = {"model": str(hybrid_model), "chat_template_file": str(template_path()), "slot_cache": tmp_path}
    return lambda question: labs.run(question, short, max_steps=2, **changes)


def read(outcome):
    return [turn.tokens.new for turn in outcome.turns if turn.exchange]


def said(outcome):
    return [turn.exchange.message for turn in outcome.turns if turn.exchange]


def test_a_model_that_cannot_go_back_reads_everything_and_says_the_same(run, tmp_path):
    first = run("How long is it?")
    assert (tmp_path / labs.SLOT).exists(), "the first run saved its slot"
    second = run("How long is it?")
    assert said(second) == said(first)
    assert read(second)[0] == read(first)[0]


def test_a_file_that_the_server_refuses_changes_nothing(run, tmp_path):
    (tmp_path / labs.SLOT).write_bytes(b"no slot of any server")
    outcome = run("How long is it?")
    assert outcome.error is None
    assert read(outcome)[0] > labs.FEW
    assert (tmp_path / labs.SLOT).read_bytes() == b"no slot of any server"
