"""The lessons on --jinja refuse a llama.cpp that would show something else, in one sentence and with what to do."""

import pytest

from course import labs
from course.errors import CourseError
from course.model.engine import Engine


class FakeServer:
    """Renders a prompt with this end, and answers with this content."""

    def __init__(self, end="<think>\n", content="<think>\nNo.\n</think>\n\nYes."):
        self.end, self.content = end, content

    def apply_template(self, messages):
        return f"<|im_start|>assistant\n{self.end}"

    def post(self, path, body):
        return {"choices": [{"message": {"content": self.content}}]}


@pytest.fixture
def build(monkeypatch):
    def use(name):
        monkeypatch.setattr(labs.engine, "find", lambda: Engine("binary", ["llama-server"], name))

    return use


@pytest.mark.parametrize(
    "name", ["b8220 (llama-server)", "b11549 (xllamacpp 2026.10.11549)", "unknown build", "0.4.1"]
)
def test_a_build_that_is_new_enough_or_unknown_passes(build, name):
    build(name)
    labs.check_build()
    labs.check_build(FakeServer(), FakeServer(end=""))


def test_an_old_build_is_refused_before_a_server_starts(build):
    build("b7000 (llama-server)")
    with pytest.raises(CourseError, match=r"b7000.*needs b8220") as refused:
        labs.check_build()
    assert "LLAMA_SERVER" in str(refused.value)


@pytest.mark.parametrize(
    ("default", "no_jinja"),
    [
        (FakeServer(end=""), FakeServer(end="")),
        (FakeServer(), FakeServer(content="Yes.")),
        (FakeServer(), FakeServer(content=None)),
    ],
    ids=["Jinja is off by default", "thinking is cut out without Jinja", "no content at all"],
)
def test_behavior_decides_where_the_number_is_unknown(build, default, no_jinja):
    build("unknown build")
    with pytest.raises(CourseError, match="too old") as refused:
        labs.check_build(default, no_jinja)
    assert "LLAMA_SERVER" in str(refused.value)
