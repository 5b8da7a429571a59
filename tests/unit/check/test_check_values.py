"""Claims stop a notebook, exercises never do; right answers count however they are written, and wrong ones are told why."""

import decimal
import enum

import numpy
import pytest

from course import check
from course.check import answers
from support.hostile_answers import Hostile, endless, itself


def stub(text): ...


def stub_with_docstring(text):
    """What it should do."""
    ...


class Role(enum.Enum):
    USER = "user"


# --- claims


def test_a_true_claim_prints_itself(said):
    assert said(check.claim, "two is two", True, saw=2) == "✓ two is two\n"


@pytest.mark.parametrize(
    "claim",
    [lambda: check.claim("2 is 3", False, saw=2), lambda: check.claims(("1", True), ("2 is 3", 0, 2))],
)
def test_a_false_claim_raises_with_what_was_seen(claim):
    with pytest.raises(check.CheckFailed, match=r"2 is 3.\nSeen: 2.\n.*course doctor"):
        claim()


def test_a_long_value_is_cut():
    with pytest.raises(check.CheckFailed) as failed:
        check.claim("short", False, saw="x" * 5000)
    assert len(str(failed.value)) < 600


def test_several_claims_are_one_line_that_unfolds(said):
    assert said(check.claims, ("a < b", True), ("b < c", True, 3)).splitlines()[0] == "✓ 2 claims checked"


# --- what is open


@pytest.mark.parametrize(
    "value",
    [..., (1, ...), [...], {...}, {"a": 1, "b": ...}, "...", stub, stub_with_docstring],
    ids=["stub", "tuple", "list", "set", "dict", "text", "function", "documented function"],
)
def test_an_untouched_stub_is_open_and_not_counted(said, progress_file, value):
    assert said(check.exercise, "03.1", value, lambda v: True).startswith("○ 03.1 is open: ")
    assert said(check.function, "03.1", value, [check.case("a", gives="b")]).startswith("○ 03.1 is open: ")
    assert not progress_file.exists()


def test_what_is_open_in_a_dictionary_is_named(said):
    assert "'b'" in said(check.exercise, "03.1", {"a": 1, "b": ...}, {"a": 1, "b": 2})


@pytest.mark.parametrize("value", [lambda text: text.upper(), 0, "", [], {}, None])
def test_an_answer_is_not_a_stub(value):
    assert not check.is_open(value)


def test_a_function_that_gives_nothing_of_its_own_is_open(said):
    def unfinished(text):
        raise NotImplementedError

    cases = [check.case("a", gives="b")]
    assert said(check.function, "03.1", unfinished, cases).startswith("○ 03.1 is open: ")
    assert said(check.function, "03.1", lambda text: ..., cases).startswith("○ 03.1 is open: ")


# --- values: what is expected decides how an answer is read

RIGHT = [
    (6, [6, "6", " 6 ", "6 tokens", [6], (6,), {6}, 6.0, numpy.int64(6), numpy.array([6]), decimal.Decimal(6)]),
    (1234, ["1,234", "1_234", "1 234", 1234]),
    (-3, ["-3", "−3"]),
    (9.6236, [9.6236, 9.62, "9.62", "9,62", "9.624 s", numpy.float64(9.6236)]),
    (check.near(100, within=0.05), [95, 105, "100.1", 104.99]),
    (check.near(16, by=0.5), [15.5, "16.4", 16]),
    ("GPT", ["gpt", " GPT ", "'gpt'", "`GPT`", "Gpt.", ["gpt"], b"gpt"]),
    ("in content", ["In  Content", "in content\n"]),
    ("user", [Role.USER, "User"]),
    ("7", [7, "7"]),
    ({"a", "d"}, [{"d", "a"}, ["a", "d", "a"], ("d", "a"), "ad", "a, d", "A D", "{'a', 'd'}", (c for c in "da")]),
    ({9}, [9, "9", [9], {9}, (9,), ["9"], numpy.array([9])]),
    ({"net_host", "kernel"}, [["kernel", "net_host"], "kernel, net_host", {"kernel": 1, "net_host": 2}.keys()]),
    ([1, 2], [[1, 2], (1, 2), "1, 2", "[1, 2]", numpy.array([1, 2]), range(1, 3), (n for n in (1, 2)), ["1", 2.0]]),
    ({"x": 1, "y": "b"}, [{"y": "B", "x": "1"}, [("x", 1), ("y", "b")]]),
    (True, [True, 1, "yes", "True", numpy.bool_(True), [0]]),
    (False, [False, 0, "no", "", [], None]),
    (None, [None]),
    (check.one_of("d", "f"), ["D", "f", ["d"]]),
    ({"usr": check.one_of("d", "f")}, [{"usr": "F"}]),
    (check.exact("<think>\n"), ["<think>\n"]),
]  # fmt: skip
WRONG = [
    (6, [7, "7", True, "5 or 6", [6, 7], None, "many", {}, len, 6.1, numpy.array([6, 6]), float("nan"), "²"]),
    (9.6236, [9.6, 9.5, "9.63", 10, float("inf")]),
    (check.near(100, within=0.05), [94, 106, "none", None, True]),
    (check.near(16, by=0.5), [15.4, 16.6]),
    ("GPT", ["gpt2", "", None, 5, {"gpt", "b"}, print]),
    ({"a", "d"}, ["a", {"a"}, "abd", [], None, 5, {"a", "d", "e"}, {"a": 1, "d": 2}, True]),
    ([1, 2], [[2, 1], {1, 2}, [1], [1, 2, 3], None, 1, "2, 1", {1: 2}]),
    ({"x": 1}, [{"x": 2}, {"x": 1, "y": 2}, {}, [1], "x", {"y": 1}, None]),
    (True, [False, None, 0, "no", "perhaps", []]),
    (False, [True, "yes", [0]]),
    (None, [0, "", False]),
    (check.one_of("d", "f"), ["e", "df", None]),
    (check.exact("<think>\n"), ["<think>", "<THINK>\n", None, 5]),
]


@pytest.mark.parametrize(("expected", "value"), [(e, v) for e, values in RIGHT for v in values])
def test_right_answers_count_however_they_are_written(said, expected, value):
    assert said(check.exercise, "03.1", value, expected) == "✓ 03.1 is solved\n"


@pytest.mark.parametrize(("expected", "value"), [(e, v) for e, values in WRONG for v in values])
def test_wrong_answers_do_not_and_the_reason_is_one_sentence(said, expected, value):
    out = said(check.exercise, "03.1", value, expected, hint="count again")
    first, hint = out.splitlines()
    assert first.startswith("✗ 03.1 is not solved yet: ")
    assert len(first) > 30
    assert hint == "  Hint: count again"


SECRETS = [
    (7319, "7319"),
    ("cedar", "cedar"),
    ({"cedar"}, "cedar"),
    (["cedar"], "cedar"),
    ({"k": 7319}, "7319"),
    (check.near(7319), "7319"),
    (check.exact("cedar"), "cedar"),
]


@pytest.mark.parametrize(("expected", "secret"), SECRETS)
@pytest.mark.parametrize("value", [5, "x", [], {}, {"k": 1}, {"x"}, ["x"], None, print, object()])
def test_no_message_about_a_value_gives_the_solution_away(said, expected, secret, value):
    assert secret not in said(check.exercise, "03.1", value, expected)


@pytest.mark.parametrize(
    ("value", "named"), [("many", "text ('many')"), (None, "None"), (len, "a function"), ([1, 2], "a list")]
)
def test_a_wrong_type_is_told_with_the_one_expected(said, value, named):
    out = said(check.exercise, "03.1", value, 6)
    assert "expected a whole number" in out
    assert named in out


def test_the_part_that_is_wrong_is_named(said):
    assert "'e'" in said(check.exercise, "03.1", {"a", "e"}, {"a", "d"})
    assert "missing" in said(check.exercise, "03.1", {"a"}, {"a", "d"})
    assert "1 of 2" in said(check.exercise, "03.1", {"x": 1, "y": 3}, {"x": 1, "y": 2})
    assert "'y'" in said(check.exercise, "03.1", {"x": 1, "y": 3}, {"x": 1, "y": 2})
    assert "item 1" in said(check.exercise, "03.1", [1, 3], [1, 2])


@pytest.mark.parametrize("expected", [6, "six", {6}, [6], {"a": 6}, True, check.near(6), check.exact(6)])
@pytest.mark.parametrize(
    "make", [Hostile, endless, itself, lambda: numpy.zeros((3, 3)), lambda: [[]] * 3, lambda: 1j]
)
def test_no_answer_stops_a_notebook(said, expected, make):
    assert said(check.exercise, "03.1", make(), expected).startswith(("✗ 03.1 ", "✓ 03.1 "))


def test_what_a_number_is():
    assert answers.number("1,234.5 ms") == 1234.5
    assert answers.number("16,1") == 16.1
    assert answers.number("3,1415") == 3.1415
    assert answers.number("0,125") == 0.125
    assert answers.number("5 6") is None
    assert answers.number("rule-6") == 6
    assert answers.number(".5") == 0.5
    assert answers.number("1 or 2") is None
    assert answers.number("") is None
    assert answers.number("-0.5e3") == -500
