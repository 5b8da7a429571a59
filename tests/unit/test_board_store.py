"""What the board keeps: each event once, bounded, with names that do not collide, and after a restart."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from course.board.events import LONGEST_NAME, attempt, met
from course.errors import CourseError
from course.progress import Lesson
from workshop.board import snapshot as shown
from workshop.board import store as stored
from workshop.board.board import Bucket
from workshop.board.codes import codes
from workshop.board.store import Full, Store

NOW = datetime(2026, 11, 28, 14, 49, 18, tzinfo=UTC)
LESSONS = {"05": Lesson("05", "wire", ("05.1", "05.2", "05.p1")), "06": Lesson("06", "jinja", ("06.1",))}


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path, list(LESSONS))
    yield opened
    opened.close()


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def state(store, seconds=60.0):
    return shown.snapshot(store, LESSONS, later(seconds).timestamp())


def learner(store, name="Ada"):
    return store.join(name)[0].id


def test_a_tape_that_cannot_be_noted_leaves_no_file(store):
    ada = learner(store)
    store.db.execute("PRAGMA query_only=ON")
    with pytest.raises(sqlite3.OperationalError):
        store.share(ada, b"{}")
    assert list(store.tapes.iterdir()) == []


def test_an_event_that_comes_twice_counts_once(store):
    ada = learner(store)
    sent = [met("05", KeyError, later(n)) for n in range(3)]
    for _ in range(2):
        assert store.take(ada, sent, NOW, NOW) == 0
    assert state(store)["learners"][0]["errors"] == [["05", "KeyError", 3]]


def test_solved_stays_solved_and_attempts_never_shrink_in_any_order(store):
    ada = learner(store)
    sent = [attempt("05.1", n == 2, n, later(n)) for n in (3, 1, 2)]
    store.take(ada, sent, NOW, NOW)
    assert store.rows("SELECT exercise, attempts, solved FROM exercises") == [("05.1", 3, 1)]


def test_only_exercises_count_as_solved(store):
    ada = learner(store)
    store.take(
        ada,
        [attempt("05.1", True, 1, NOW), attempt("05.2", False, 1, NOW), attempt("05.p1", False, 9, NOW)],
        NOW,
        NOW,
    )
    found = state(store)
    assert found["learners"][0]["done"] == {"05": [1, 2]}
    assert [each["exercises"] for each in found["lessons"]] == [2, 1]


def test_stuck_is_who_tries_the_same_exercise_again_and_again(store):
    ada = learner(store)
    for number in (1, 2):
        store.take(ada, [attempt("05.1", False, number, later(number))], NOW, later(60))
        assert state(store)["learners"][0]["stuck"] is None
    store.take(ada, [attempt("05.1", False, 3, later(3))], NOW, later(60))
    assert state(store)["learners"][0]["stuck"] == {"exercise": "05.1", "attempts": 3}
    store.take(ada, [attempt("06.1", False, 1, later(4))], NOW, later(60))
    assert state(store)["learners"][0]["stuck"] is None, "has moved on"
    store.take(ada, [attempt("05.1", True, 4, later(5))], NOW, later(60))
    assert state(store)["learners"][0]["stuck"] is None, "has solved it"


def test_quiet_is_who_sent_nothing_for_ten_minutes(store):
    ada = learner(store)
    store.take(ada, [attempt("05.1", True, 1, NOW)], NOW, NOW)
    since = store.rows("SELECT seen FROM learners")[0][0]
    assert [shown.snapshot(store, LESSONS, since + s)["learners"][0]["quiet"] for s in (599, 600)] == [
        False,
        True,
    ]


def test_a_clock_that_is_wrong_by_hours_makes_nobody_quiet(store):
    """What counts is how long before sending an event happened, by the learner's own clock."""
    ada = learner(store)
    slow = NOW - timedelta(hours=5)
    received = datetime.now(UTC) + timedelta(seconds=60)
    store.take(ada, [attempt("05.1", True, 1, slow - timedelta(seconds=20))], slow, received)
    assert store.rows("SELECT last FROM exercises") == [((received - timedelta(seconds=20)).timestamp(),)]
    store.take(ada, [attempt("05.2", True, 1, slow + timedelta(days=900))], slow, received)
    assert store.rows("SELECT max(last) FROM exercises") == [(received.timestamp(),)], "from the future"


def test_names_that_collide_get_a_number(store):
    names = [store.join(name)[0].name for name in ("Ada", "ADA", "Ada (2)", "x" * 99, "x" * 99)]
    assert names == ["Ada", "ADA (2)", "Ada (2) (2)", "x" * LONGEST_NAME, "x" * (LONGEST_NAME - 4) + " (2)"]


def test_joining_again_with_the_key_is_the_same_learner(store):
    ada, key = store.join("Ada")
    again, same = store.join("Ada Lovelace", key)
    assert (again.id, again.name, same) == (ada.id, "Ada Lovelace", key)
    assert store.join("Ada Lovelace", key)[0].name == "Ada Lovelace", "collided with herself"
    assert store.join("Eve", "another key")[0].id != ada.id


def test_the_key_is_not_in_the_database(store):
    _, key = store.join("Ada")
    assert key not in str(store.rows("SELECT * FROM learners"))


def test_odd_events_are_refused_and_the_others_kept(store):
    ada = learner(store)
    good = attempt("05.1", True, 1, NOW)
    odd = [
        None,
        5,
        [],
        {},
        {**good, "code": "x"},
        {**good, "lesson": "77", "exercise": "77.1"},
        {**good, "attempts": 10**30},
    ]
    assert store.take(ada, [*odd, good], NOW, NOW) == len(odd)
    assert state(store)["learners"][0]["done"] == {"05": [1, 1]}


def test_a_learner_cannot_fill_the_disk(store, monkeypatch):
    """Distinct exercises and types are limited, and so are the events that are remembered."""
    monkeypatch.setattr(stored, "MOST_KINDS", 20)
    monkeypatch.setattr(stored, "REMEMBERED", 40)
    ada = learner(store)
    refused = sum(store.take(ada, [attempt(f"05.x{n}", False, 1, later(n))], NOW, NOW) for n in range(50))
    assert refused == 30
    for n in range(500):
        store.take(ada, [attempt("05.x1", False, n + 1, later(n))], NOW, NOW)
    ((events,),) = store.rows("SELECT count(*) FROM events")
    assert events <= 40 + 40 // 4 + 1, f"{events} events are remembered"
    assert store.rows("SELECT max(attempts) FROM exercises") == [(500,)]


def test_learners_and_tapes_are_limited(store, monkeypatch):
    monkeypatch.setattr(stored, "MOST_LEARNERS", 3)
    monkeypatch.setattr(stored, "MOST_TAPES", 2)
    monkeypatch.setattr(stored, "MOST_BYTES", 100)
    ada, _, eve = (learner(store, name) for name in ("Ada", "Bob", "Eve"))
    with pytest.raises(Full, match="3 learners"):
        store.join("Mallory")
    store.share(ada, b"x" * 40)
    store.share(ada, b"x" * 40)
    with pytest.raises(Full, match="2 tapes"):
        store.share(ada, b"x")
    with pytest.raises(Full, match="no room"):
        store.share(eve, b"x" * 40)


def test_removing_a_learner_removes_everything_and_nobody_else(store):
    ada, bob = learner(store), learner(store, "Bob")
    for each in (ada, bob):
        store.take(each, [attempt("05.1", True, 1, NOW), met("05", KeyError, NOW)], NOW, NOW)
        store.share(each, b"{}")
    store.remove(ada)
    for table in ("events", "exercises", "errors", "tapes"):
        assert {id for (id,) in store.rows(f"SELECT learner FROM {table}")} == {bob}, table
    assert len(list(store.tapes.iterdir())) == 1
    assert [each["name"] for each in state(store)["learners"]] == ["Bob"]


def test_what_was_taken_is_there_after_a_restart(store, tmp_path):
    _, key = store.join("Ada")
    store.take(store.learner(key).id, [attempt("05.1", True, 1, NOW)], NOW, NOW)
    before, made = state(store), codes(tmp_path)
    store.close()
    again = Store(tmp_path, list(LESSONS))
    assert (state(again), codes(tmp_path), again.learner(key).name) == (before, made, "Ada")
    again.close()


def test_two_boards_do_not_share_a_folder(store, tmp_path):
    with pytest.raises(CourseError, match="another board"):
        Store(tmp_path, list(LESSONS))


def test_a_damaged_database_says_what_to_do(tmp_path):
    (tmp_path / "board.sqlite3").write_bytes(b"no database " * 100)
    with pytest.raises(CourseError, match="empty one"):
        Store(tmp_path, list(LESSONS))


def test_damaged_codes_say_what_to_do(tmp_path):
    (tmp_path / "codes.json").write_text("{")
    with pytest.raises(CourseError, match="rm "):
        codes(tmp_path)


def test_codes_are_readable_by_their_user_only(tmp_path):
    codes(tmp_path / "new")
    assert (tmp_path / "new" / "codes.json").stat().st_mode & 0o777 == 0o600


def test_a_failed_batch_leaves_nothing_of_itself(store):
    """Refused by the disk in the middle, it can be sent again as a whole."""
    ada = learner(store)
    store.db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON errors BEGIN SELECT raise(ABORT, 'disk full'); END"
    )
    sent = [attempt("05.1", True, 1, NOW), met("05", KeyError, NOW)]
    with pytest.raises(sqlite3.Error):
        store.take(ada, sent, NOW, NOW)
    assert store.rows("SELECT * FROM events") == []
    store.db.execute("DROP TRIGGER full")
    assert store.take(ada, sent, NOW, NOW) == 0
    assert state(store)["learners"][0]["errors"] == [["05", "KeyError", 1]]


def test_a_bucket_lets_a_burst_through_then_makes_wait_and_remembers_few():
    bucket = Bucket(rate=0.001, burst=3, most=10)
    assert [bucket.take("ada") > 0 for _ in range(5)] == [False, False, False, True, True]
    for other in range(100):
        bucket.take(other)
    assert len(bucket._left) == 10
