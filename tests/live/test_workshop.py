"""The workshop's doctor against a real llama-server: the session's, and one that requires a key and has a small window."""

import pytest

from course import workshop
from course.server import Server

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these


def named(found):
    return {check.name: check for check in found}


def test_the_server_of_the_lessons_passes(server, monkeypatch):
    monkeypatch.setenv("KEY", server.api_key or "")
    found = named(workshop.checks(server.url))
    assert [name for name, check in found.items() if not check.ok] == [], found
    assert server.model_id in found["versions"].saw
    assert "tokens per second" in found["question"].saw


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, request):
    """The base model with a key, two slots, and half of the context that the lessons need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        server = Server("untrained", url=False, quiet=True, api_key="open sesame", context=8192, parallel=2)
        with server:
            yield server


@pytest.mark.parametrize(("key", "said"), [(None, "KEY is not set"), ("friend", "rejected")])
def test_a_missing_key_and_a_wrong_one_are_told_apart(guarded, monkeypatch, key, said):
    monkeypatch.delenv("KEY", raising=False)
    if key:
        monkeypatch.setenv("KEY", key)
    found = named(workshop.checks(guarded.url))
    assert list(found) == ["model server", "API key"]
    assert said in found["API key"].saw
    assert guarded.url in found["API key"].run


def test_a_window_that_is_too_small_for_the_lessons_is_told_with_the_flags_that_mend_it(guarded, monkeypatch):
    monkeypatch.setenv("KEY", "open sesame")
    found = named(workshop.checks(guarded.url))
    assert found["API key"].ok, found["API key"]
    assert not found["context"].ok, found["context"]
    assert "-np 2 -c 16384" in found["context"].run
