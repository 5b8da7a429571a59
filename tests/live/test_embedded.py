"""The embedded model on a real server: the question of the course, and what the template promises."""

import pytest

from course.agent import LEOPARD, code_agent, connect
from course.model.embedded import template_path
from course.tape import Tape
from course.turns import turns
from training.research import beginnings
from training.traces import renderer

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these


@pytest.fixture(scope="module")
def run(server, tmp_path_factory):
    """One leopard run: its turns and its answer."""
    if not server.profile.deterministic:
        pytest.skip("not applicable: another model's words are its own")
    tape = Tape(tmp_path_factory.mktemp("tape") / "leopard.jsonl")
    answer = code_agent(connect(server, tape)).run(LEOPARD)
    return turns(tape.records()), str(answer)


def test_the_leopard_needs_9_62_seconds(run):
    assert "9.62" in run[1], run[1]


def test_it_takes_two_steps(run):
    assert len(run[0]) == 2, [turn.code for turn in run[0]]


def test_both_searches_are_in_the_first_code_block(run):
    first = run[0][0].code
    assert first.count("web_search(") == 2, first


def test_the_model_thinks_apart_from_its_content(run):
    for turn in run[0]:
        assert turn.thinking
        assert "think>" not in turn.content


def test_it_thinks_longer_before_it_computes_than_before_it_searches(run):
    searching, computing = run[0]
    assert len(computing.thinking) > 1.3 * len(searching.thinking)


def test_it_opens_its_thinking_itself_where_the_template_does_not(server, run):
    prompt = server.apply_template(run[0][0].exchange.messages)
    assert prompt.endswith("<think>\n")
    body = {
        "prompt": prompt.removesuffix("<think>\n"),
        "n_predict": 400,
        "temperature": 0,
        "stop": ["</code>"],
    }
    said = server.post("/completion", body)["content"]
    assert said.startswith("<think>\n"), said
    assert said.count("think>") == 2, said
    assert "<code>" in said.partition("</think>")[2], said


def test_no_thinking_contains_a_stop_string(run):
    for turn in run[0]:
        assert not [stop for stop in ("Observation:", "Calling tools:", "</code>") if stop in turn.thinking]


def test_later_steps_read_the_system_prompt_from_the_cache(run):
    for turn in run[0][1:]:
        assert turn.tokens.cached > 2000, turn.tokens


def test_the_server_renders_the_template_as_the_training_did(server):
    if server.profile.template != "embedded" or not server.profile.deterministic:
        pytest.skip("not applicable: this server has another template")
    body = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": " S "}]},
            {"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "<think>\nT\n</think>\n\nA"},
            {"role": "user", "content": "c"},
        ]
    }
    assert server.post("/apply-template", body)["prompt"] == renderer()(body), template_path()


@pytest.mark.parametrize("family", beginnings.FAMILIES)
def test_it_takes_a_question_for_what_it_is(server, run, family):
    """`run` has read the system prompt, and skips where another model answers."""
    assert list(beginnings.astray(server, family, cases=4, seed=5)) == []
