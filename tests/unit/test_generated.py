"""Generated parts of pages: only they are replaced, and they say what the data say."""

import json

import pytest

from authoring.generated import spliced
from course.model.embedded import adapter_path, sha256
from training import table


def test_only_what_stands_between_the_marks_is_written():
    text = "before\n<a>\n\nold\n\n<b>\nafter\n"
    once = spliced(text, "<a>", "<b>", "new")
    assert once == spliced(once, "<a>", "<b>", "new") == text.replace("old", "new")


@pytest.mark.parametrize("text", ["no marks", "<a> only", "<b> first <a>"])
def test_a_missing_mark_is_told_and_nothing_is_lost(text):
    with pytest.raises(ValueError, match="a mark is missing"):
        spliced(text, "<a>", "<b>", "new")


@pytest.mark.parametrize("page", table.PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_pages_tell_what_was_measured_of_the_model(page):
    text = page.read_text(encoding="utf-8")
    assert table.written(page, text) == text, "run:  python -m training.table"


def test_what_was_measured_is_the_adapter_that_is_here():
    measured = json.loads(table.data().read_text(encoding="utf-8"))["model"]["adapter_sha256"]
    assert measured == sha256(adapter_path()), 'run:  make eval ARGS="--write"'


def test_a_missed_target_is_called_missed():
    assert table.verdict("tool calls", {"right": 44, "cases": 50}) == "≥ 90 %: **missed**"
    assert table.verdict("tool calls", {"right": 45, "cases": 50}) == "≥ 90 %: met"
    assert table.verdict("plain chat", {"right": 43, "cases": 50}) == "≥ 85 %: met"


def test_the_same_answers_on_two_engines_are_counted_case_by_case():
    row = {"cases": 2, "right": 1, "failures": {"wrong answer": 1}}
    asked_twice = [{"family": "a", "question": "x", "answer": answer} for answer in "123"]
    wheel = {"model": "m", "seed": 1, "families": {"a": row}, "results": asked_twice[:2]}
    other = {**wheel, "results": [asked_twice[0], asked_twice[2]]}
    assert table.on_binary("a", wheel, other) == "1 of 2 (1 × wrong answer), 1 of 2 answers the same"
    assert table.on_binary("a", wheel, {**other, "model": "another"}) == "not measured"
    assert table.on_binary("a", wheel, {**other, "seed": 2}) == "not measured"


def test_the_base_stands_beside_the_model_only_where_it_was_asked_the_same():
    asked = [{"family": "a", "question": question} for question in "xy"]
    wheel = {"results": asked}
    base = {"families": {"a": {"cases": 1, "right": 0, "failures": {"no answer": 1}}}, "results": asked[:1]}
    assert table.of_base("a", wheel, base) == "0 of 1 (1 × no answer)"
    assert table.of_base("a", wheel, {**base, "results": asked[1:]}) == "not measured"
    assert table.of_base("b", wheel, base) == table.of_base("a", wheel, None) == "not measured"


def test_the_table_of_quantizations_marks_the_chosen_one():
    row = {
        "megabytes": 145.0,
        "right": 49,
        "cases": 50,
        "tokens_per_second": 30.5,
        "seconds": 20.1,
        "engine": "wheel, b1",
    }
    rows = [{**row, "quantization": "Q8_0"}, {**row, "quantization": "Q4_0", "right": 31}]
    made = table.sizes({"chosen": "Q8_0", "family": "f", "adapter_sha256": "d" * 64, "rows": rows})
    assert "| Q8_0 (chosen) | 145.0 | 49 of 50 | 30.5 | 20.1 |" in made
    assert "| Q4_0 | 145.0 | 31 of 50 | 30.5 | 20.1 |" in made
    assert table.sizes(None) == "Not measured."
