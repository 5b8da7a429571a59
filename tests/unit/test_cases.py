"""The questions that the model is measured on share nothing with those it was trained on."""

import random
import re

import pytest

from course import corpus
from training import layouts
from training.cases import CaseSearch, case, held_out

DRAWS = 400


@pytest.fixture(scope="module")
def drawn():
    rng = random.Random(5)
    return {
        side: [case(rng, training=side == "train") for _ in range(DRAWS)] for side in ("train", "measure")
    }


def names(cases) -> set[str]:
    return {name for one in cases for name in (one.animal, one.place)}


def test_no_held_out_entity_is_trained_on(drawn):
    assert not [name for name in names(drawn["train"]) if held_out(name) and name in real()]


def test_only_held_out_entities_are_measured(drawn):
    assert names(drawn["measure"]) <= {name for name in real() if held_out(name)}


def test_the_leopard_and_its_bridge_are_held_out():
    assert held_out("leopard")
    assert held_out("Pont des Arts")


def test_layouts_and_phrasings_are_split():
    trained = corpus.SPEED_LAYOUTS + corpus.LENGTH_LAYOUTS + layouts.TRAIN_SPEED + layouts.TRAIN_LENGTH
    measured = layouts.HELD_OUT_SPEED + layouts.HELD_OUT_LENGTH
    assert not {lay.text for lay in trained} & {lay.text for lay in measured}
    assert not set(layouts.TRAIN_QUESTIONS) & set(layouts.HELD_OUT_QUESTIONS)


def test_the_expected_answer_follows_from_what_most_pages_state(drawn):
    for one in drawn["measure"]:
        assert one.expected == pytest.approx(float(one.length) / float(one.speed) * 3.6)


def test_a_missing_fact_is_found_with_other_words(drawn):
    lacking = [one for one in drawn["measure"] if one.missing == "length"]
    assert lacking
    for one in lacking:
        search = CaseSearch(one)
        links = [len(search.search(f"{one.place} {words}")) for words in ("length meters", "exact length")]
        assert links[0] < links[1], one.question


def real() -> set[str]:
    return {row["name"] for table in ("animals", "places") for row in corpus.rows(table)}


def test_every_question_names_both_entities(drawn):
    for one in drawn["train"] + drawn["measure"]:
        assert re.search(re.escape(one.animal), one.question), one.question
        assert one.place in one.question
