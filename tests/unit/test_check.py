"""Claims stop a notebook, exercises never do; right answers count however they are written, and wrong ones are told why."""

import decimal
import enum
import signal
import threading
import time
from contextlib import suppress

import numpy
import pytest

from course import check
from course.check import answers, calls


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


@pytest.fixture
def said(capsys):
    """`said(check.exercise, …)`: what it prints."""

    def run(call, *args, **options):
        capsys.readouterr()
        call(*args, **options)
        return capsys.readouterr().out

    return run


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


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


def endless():
    while True:
        yield 1


def itself():
    items = []
    items.append(items)
    return items


@pytest.mark.parametrize("expected", [6, "six", {6}, [6], {"a": 6}, True, check.near(6), check.exact(6)])
@pytest.mark.parametrize(
    "make", [Hostile, endless, itself, lambda: numpy.zeros((3, 3)), lambda: [[]] * 3, lambda: 1j]
)
def test_no_answer_stops_a_notebook(said, expected, make):
    assert said(check.exercise, "03.1", make(), expected).startswith(("✗ 03.1 ", "✓ 03.1 "))


# --- tests by an author


def test_an_authors_test_says_yes_no_or_why(said):
    assert said(check.exercise, "03.1", 5, lambda n: n == 5).startswith("✓")
    assert said(check.exercise, "03.1", 4, lambda n: n == 5).startswith("✗")
    assert "one too few" in said(check.exercise, "03.1", 4, lambda n: n == 5 or "one too few")
    assert "TypeError" in said(check.exercise, "03.1", "four", lambda n: n > 5)


# --- functions


def double(n):
    return n * 2


CASES = [check.case(1, gives=2), check.case(4, gives=8, name="more than three"), check.case(0, gives=0)]


@pytest.mark.parametrize("f", [double, lambda n: 2 * n, lambda n: str(n + n), lambda n: [n * 2.0]])
def test_a_function_that_is_right_in_all_cases(said, f):
    assert said(check.function, "05.2", f, CASES) == "✓ 05.2 is solved\n"


def test_the_case_that_fails_is_shown(said):
    """The call, what came back, what was expected, and how many cases passed before."""
    out = said(check.function, "05.2", lambda n: min(2 * n, 6), CASES, hint="twice")
    for part in (
        "case 2 of 3",
        "more than three",
        "your function(4)",
        "returned  6",
        "expected  8",
        "Hint: twice",
    ):
        assert part in out, f"{part} is not in {out}"


def broken(n):
    return {}[n]


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (broken, "raised    KeyError: 1 (line"),
        (print, "`return`"),
        (lambda: 1, "it is called with 1 argument"),
        (lambda n, m: 1, "it is called with 1 argument"),
        (7, "expected a function, got a whole number (7)"),
        (lambda n: exit(3), "SystemExit"),
        (lambda n: f"{n:}" + 5, "TypeError"),
    ],
)
def test_what_is_wrong_with_a_function_is_told(said, f, told):
    assert told in said(check.function, "05.2", f, CASES)


def test_a_function_that_calls_itself_without_end(said):
    def again(n):
        return again(n)

    assert "calls itself without end" in said(check.function, "05.2", again, CASES)


def test_an_async_function_is_named(said):
    async def later(n):
        return n

    assert "async" in said(check.function, "05.2", later, CASES)


def spin(n):
    while True:
        pass


def sleep(n):
    time.sleep(600)


def swallow(n):
    while True:
        with suppress(BaseException):
            n += 1


def forever(n):
    while True:
        yield n


@pytest.mark.parametrize("f", [spin, sleep, swallow])
def test_a_function_that_never_ends_is_told_so(said, f):
    began = time.monotonic()
    out = said(check.function, "05.2", f, CASES, seconds=0.2)
    assert "does not end within 0.2 s" in out
    assert time.monotonic() - began < 60


def test_the_time_is_for_all_cases_together(said):
    cases = [check.case(n, gives=None) for n in range(40)]
    out = said(check.function, "05.2", lambda n: time.sleep(0.1), cases, seconds=0.5)
    assert "does not end within 0.5 s" in out


def test_items_without_end_are_told_so(said):
    assert "without end" in said(check.function, "05.2", forever, [check.case(1, gives=[1])])


def test_a_limit_holds_in_a_thread_too():
    """Where there is no alarm: on Windows, and outside of the main thread."""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(calls.limited(lambda: spin(1), 0.2)))
    thread.start()
    thread.join(60)
    assert [e.late for e in ended] == [True]
    assert calls._by_thread(lambda: 5, 60).value == 5


def test_an_alarm_of_somebody_else_goes_on():
    before = signal.getitimer(signal.ITIMER_REAL)
    rung = []
    old = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        assert calls.limited(lambda: 5, 60).value == 5
        time.sleep(0.5)
        assert rung == [1]
    finally:
        signal.signal(signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_a_function_that_changes_its_argument_spoils_no_case(said):
    def clear(items):
        copy = list(items)
        items.clear()
        return copy[:1]

    shared = [[1, 2]]
    cases = [check.case(shared, gives=[[1, 2]]), check.case(shared, gives=[[1, 2]])]
    assert said(check.function, "05.2", clear, cases).startswith("✓")
    assert shared == [[1, 2]]


def test_cases_can_be_made_for_each_check(said):
    def cases(random):
        return [check.case(n, gives=n * 2) for n in random.sample(range(10**9), 3)]

    assert said(check.function, "05.2", double, cases).startswith("✓")
    assert said(check.function, "05.2", lambda n: 4, cases) != said(
        check.function, "05.2", lambda n: 4, cases
    )


def test_an_argument_that_prints_badly_is_shown_by_the_name_of_its_case(said):
    out = said(
        check.function, "06.2", lambda s: False, [check.case(object(), gives=True, name="jinja is on")]
    )
    assert "(jinja is on)" in out
    assert "object at" not in out


# --- predictions


@pytest.mark.parametrize(
    ("guess", "was", "told"),
    [
        (3, 5, "You said 3, it was 5 tokens: 2 too low."),
        ("5", 5, "as you predicted"),
        (50, 5, "10.0 times as much"),
        ("many", 5, "You said many, it was 5 tokens."),
        (None, 5, "it was 5 tokens"),
        (len, 5, "it was 5 tokens"),
        ({"a": 1}, 5, "it was 5 tokens"),
        (Hostile(), 5, "it was 5 tokens"),
        (endless(), 5, "it was 5 tokens"),
        (0, 5, "5 too low"),
        ("yes", True, "as you predicted"),
    ],
)
def test_a_prediction_is_put_beside_the_measurement(said, guess, was, told):
    out = said(check.prediction, "01.p1", guess, was, unit="tokens")
    assert out.startswith("→ 01.p1 ")
    assert told in out


def test_a_prediction_of_several_things(said):
    out = said(check.prediction, "06.p1", {"a": "x", "b": "y"}, {"a": "X", "b": "z"})
    assert "1 of 2" in out
    assert "b: you said y, it was z" in out


def test_an_open_prediction_gives_nothing_away(said, progress_file):
    out = said(check.prediction, "01.p1", ..., 7319)
    assert out.startswith("○ 01.p1 ")
    assert "7319" not in out
    assert not progress_file.exists()


def test_the_first_guess_is_kept(said):
    said(check.prediction, "01.p1", 3, 5)
    assert "Your first guess was 3." in said(check.prediction, "01.p1", 5, 5)
    assert "→ 01.p1  predicted 3" in said(check.progress, "01")


def test_a_learners_own_measurement_is_graded_and_the_guess_kept(said):
    assert "✗ 03.p1" in said(check.prediction, "03.p1", 10, 117, measured=116)
    out = said(check.prediction, "03.p1", 10, 117, measured="117")
    assert "You said 10, it was 117" in out
    assert "✓ 03.p1 is solved" in out
    assert "○ 03.p1 is open" in said(check.prediction, "03.p1", 10, 117, measured=...)


# --- quizzes

ASKED = check.question(
    "What ends `generation`?",
    right="a stop sequence",
    why="smolagents sends `</code>`.",
    wrong={"the executor": "It comes <later>.", "the user": "Not here."},
)


def test_a_quiz_reads_well_without_widgets(said):
    out = said(check.quiz, "05", ASKED, ASKED)
    assert out.startswith("1. What ends `generation`?")
    assert "a stop sequence" in out
    assert "It comes" not in out


def test_each_option_of_a_quiz_unfolds_its_explanation():
    from course.check import quizzes

    html = quizzes.as_html((ASKED,))
    assert html.count("<details>") == 3
    assert html.count("✓ Right.") == 1
    assert "<code>generation</code>" in html
    assert "It comes &lt;later&gt;." in html
    assert "<style" not in html
    assert "<script" not in html


def test_the_buttons_of_a_quiz_explain_and_record(said):
    from course.check import buttons

    box = buttons.panel("05", (ASKED,))
    _, first = box.children
    options, feedback = first.children[1:-1], first.children[-1]
    by_name = {b.description: b for b in options}
    by_name["the user"].click()
    assert "Not here." in feedback.value
    by_name["a stop sequence"].click()
    assert "✓ Right" in feedback.value
    assert "quiz 0 of 1" in said(check.progress, "05") or "quiz 0 of 3" in said(check.progress, "05")


@pytest.mark.parametrize(
    ("right", "why", "wrong"),
    [("a", "w", {}), ("a", "w", {"a": "x"}), ("a", " ", {"b": "x"}), ("a", "w", {"b": ""})],
)
def test_a_question_explains_each_option(right, why, wrong):
    with pytest.raises(ValueError, match="What"):
        check.question("What?", right=right, why=why, wrong=wrong)


# --- the rest


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
