"""The doctor: every check says what was seen, what is needed and what to run; a failure is not a crash."""

import os
import socket

import pytest

from course import doctor, files
from course.errors import CourseError
from course.model import engine


@pytest.fixture(autouse=True)
def _own_cache(cache, monkeypatch):
    monkeypatch.delenv("SERVER", raising=False)


def test_every_check_says_what_was_seen_needed_and_to_run():
    for check in doctor.checks():
        assert all((check.name, check.saw, check.needs, check.run)), check


def test_what_breaks_is_a_failed_check_with_its_command(monkeypatch):
    def broken():
        raise CourseError("no engine.\ninstall one")

    monkeypatch.setattr(engine, "find", broken)
    [check] = [check for check in doctor.checks() if check.name.startswith("engine")]
    assert (check.ok, check.saw, check.run) == (False, "no engine.", "install one")


def test_an_unreachable_server_is_a_failed_check(monkeypatch):
    with socket.socket() as held:  # nobody listens there, and nobody else is given the port
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SERVER", f"http://127.0.0.1:{held.getsockname()[1]}")
        check = doctor.checks()[-1]
    assert not check.ok
    assert os.environ["SERVER"] in check.saw


def test_an_empty_cache_is_a_failed_check():
    check = doctor.embedded_model()
    assert not check.ok


def test_packages_outside_their_bounds_are_named():
    installed = {"a": "1.5", "b": "3.0"}.get
    wrong = doctor.mismatches(["a>=1,<2", "b<3", "c==1", "d; python_version < '3'"], installed)
    assert wrong == ["b 3.0 (needs <3)", "c missing (needs ==1)"]


def test_the_model_of_another_adapter_in_the_cache_is_not_this_one():
    other = files.cache_dir() / "embedded-000000000000.Q8_0.gguf"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"")
    assert "not built yet" in doctor.embedded_model().saw
