"""What each test of the exercises needs: progress of its own, and what a check prints."""

import pytest


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


@pytest.fixture
def said(capsys):
    """`said(check.exercise, …)`: what it prints."""

    def run(call, *args, **options):
        capsys.readouterr()
        call(*args, **options)
        return capsys.readouterr().out

    return run
