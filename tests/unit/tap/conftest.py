"""A tap between the tests and a server that answers each path in its own way."""

import pytest

from course.tap import Tap
from course.tape import Tape
from support.upstream import Handler, serving


@pytest.fixture
def upstream():
    with serving(Handler) as server:
        yield server
        server.go.set()


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def tap(upstream, tape):
    with Tap(upstream.url, tape) as tap:
        yield tap
