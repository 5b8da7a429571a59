"""Which engine: the named binary, the one on the PATH, the wheel."""

import os
import stat

import pytest

from course.errors import CourseError
from course.model import engine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes shell scripts")


def program(path, says, status=0):
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_binary_on_the_path_comes_before_the_wheel(tmp_path, monkeypatch):
    binary = program(tmp_path / "llama-server", "version: 11434 (abcdef)")
    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.find() == engine.Engine("binary", [str(binary)], "b11434 (llama-server)")


def test_without_a_binary_the_wheel_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = engine.find()
    assert found.kind == "wheel"
    assert found.command[1:] == ["-m", "course.model.wheel"]


def test_the_wheel_can_be_asked_for(tmp_path, monkeypatch):
    program(tmp_path / "llama-server", "version: 11434 (abcdef)")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LLAMA_SERVER", "wheel")
    assert engine.find().kind == "wheel"


def test_a_named_binary_that_is_missing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_SERVER", str(tmp_path / "nothing"))
    with pytest.raises(CourseError, match=r"nothing, which is not an executable"):
        engine.find()


def test_a_binary_that_does_not_run_here_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_SERVER", str(program(tmp_path / "broken", "no library", status=127)))
    with pytest.raises(CourseError, match="status 127"):
        engine.find()


def test_the_wheels_version_names_the_build_inside():
    assert engine.wheel_build("2026.10.11549") == "b11549 (xllamacpp 2026.10.11549)"
