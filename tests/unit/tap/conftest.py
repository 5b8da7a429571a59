"""A tap between the tests and a server that answers each path in its own way."""

import threading

import pytest

from course.tap import Tap
from course.tape import Tape
from support.upstream import Upstream


@pytest.fixture
def upstream():
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


@pytest.fixture
def tap(upstream, tape):
    with Tap(upstream.url, tape) as tap:
        yield tap
