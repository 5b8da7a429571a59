"""What may be sent to a board: only the listed fields, with values of the listed kinds."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course.board.events import (
    ATTEMPT,
    ERROR,
    LONGEST_NAME,
    attempt,
    clean_name,
    fault,
    met,
    public_name,
    stamp,
)
from course.errors import CourseError
from course.terminal import HIDDEN

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no fault."""
NOW = datetime(2026, 11, 28, 14, 49, 18, 5, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_an_attempt_and_an_error_have_these_fields_and_no_others():
    assert attempt("05.2", True, 3, NOW) == {
        "lesson": "05",
        "exercise": "05.2",
        "outcome": "solved",
        "attempts": 3,
        "time": "2026-11-28T14:49:18.000005+00:00",
    }
    assert met("05b", KeyError, NOW) == {"lesson": "05b", "error": "KeyError", "time": stamp(NOW)}


@PATIENT
@given(st.text(max_size=60), st.booleans(), st.integers())
def test_whatever_an_exercise_is_called_its_event_is_sound_or_there_is_none(id, solved, attempts):
    try:
        event = attempt(id, solved, attempts, NOW)
    except ValueError:
        return
    assert (event.keys(), fault(event)) == (ATTEMPT, None)


@PATIENT
@given(JSON)
def test_no_json_breaks_the_check(anything):
    assert fault(anything) is None or isinstance(fault(anything), str)


@PATIENT
@given(st.sampled_from([attempt("05.2", False, 2, NOW), met("05", KeyError, NOW)]), st.data())
def test_an_event_with_one_odd_value_or_field_is_refused(event, data):
    """Whatever takes the place of a value, only one of the same kind passes; a further field never does."""
    field = data.draw(st.sampled_from(sorted(event)))
    other = {**event, field: data.draw(JSON)}
    if fault(other) is None:
        assert type(other[field]) is type(event[field])
    assert fault({**event, data.draw(st.text().filter(lambda name: name not in event)): 1}) is not None
    assert fault({name: value for name, value in event.items() if name != field}) is not None


@pytest.mark.parametrize(
    "time", ["2026-11-28", "2026-11-28T14:49:18+00:00", "2026-11-28T15:49:18.000005+01:00", "x" * 32, 5, None]
)
def test_only_times_as_they_are_written_here_are_times(time):
    assert fault({**met("05", KeyError, NOW), "time": time})


def test_a_time_of_another_zone_is_written_in_utc():
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert stamp(there) == stamp(NOW)


def test_a_lesson_that_the_course_does_not_have_is_refused():
    event = met("77", KeyError, NOW)
    assert (fault(event), fault(event, {"05"})) == (None, "there is no such lesson")


def test_the_type_of_an_error_is_named_if_it_is_not_the_learners():
    """A type that the learner wrote has a name that is their text: the nearest base class counts."""
    own = type("my_password_is_hunter2", (CourseError,), {})
    disguised = type("hunter2", (KeyError,), {"__module__": "json"})
    assert public_name(own) == "CourseError"
    assert public_name(disguised) == "KeyError"
    assert public_name(ZeroDivisionError) == "ZeroDivisionError"
    assert met("05", own, NOW).keys() == ERROR


def test_a_type_of_the_learners_own_module_is_not_named(tmp_path):
    """Nor one that `__main__` defines: a module beside a notebook is as much theirs."""
    (tmp_path / "mine.py").write_text("class Hunter2(ValueError): pass\n")
    code = "import mine\nfrom course.board.events import public_name as name\nclass T(mine.Hunter2): pass\nprint(name(T))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "ValueError"


@pytest.mark.parametrize("name", ["e\u200d\u0301", "x" * 39 + " y", "\u202eab\u2028c"])
def test_a_cleaned_name_is_clean(name):
    """A joiner that is left out kept an accent from its letter."""
    assert clean_name(clean_name(name)) == clean_name(name)


@PATIENT
@given(st.text(max_size=200))
def test_a_name_is_one_short_line_that_can_be_seen(name):
    shown = clean_name(name)
    assert len(shown) <= LONGEST_NAME
    assert not HIDDEN.search(shown)
    assert shown == " ".join(shown.split())
    assert clean_name(shown) == shown
