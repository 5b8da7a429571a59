"""An author's tests and functions are checked case by case, and nothing endless stops the notebook."""

import signal
import threading
import time
from contextlib import suppress

import pytest

from course import check
from course.check import calls

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
        until = time.monotonic() + 60
        while not rung and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
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
