"""The embedded model is built once, and says what is missing."""

import pytest

from course.errors import CourseError
from course.model import embedded


def test_a_missing_adapter_is_named_with_the_next_command(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "adapter_path", lambda: tmp_path / "adapter.gguf")
    with pytest.raises(CourseError, match="git checkout"):
        embedded.gguf_path()


def test_a_half_written_model_is_not_taken_for_a_whole_one(tmp_path):
    half = tmp_path / "model.gguf"
    half.write_bytes(b"GGUF")
    half.with_suffix(".json").write_text('{"bytes": 5, "sha256": ""}')
    assert not embedded.verify(half)
