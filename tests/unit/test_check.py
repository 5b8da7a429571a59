"""Claims stop a notebook, exercises never do, and progress survives what happens to files."""

import json

import pytest

from course import check


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def test_a_true_claim_prints_itself(capsys):
    check.claim("two is two", True, saw=2)
    assert capsys.readouterr().out == "✓ two is two\n"


def test_a_false_claim_raises_with_what_was_seen():
    with pytest.raises(check.CheckFailed, match=r"two is three.\nSeen: 2.\n.*course doctor"):
        check.claim("two is three", False, saw=2)


def test_a_long_value_is_cut():
    with pytest.raises(check.CheckFailed) as failed:
        check.claim("short", False, saw="x" * 5000)
    assert len(str(failed.value)) < 600


def stub(text): ...


@pytest.mark.parametrize(
    "value", [..., (1, ...), [...], {"a": ...}, stub], ids=["stub", "tuple", "list", "dict", "function"]
)
def test_an_untouched_stub_is_open_and_not_counted(capsys, progress_file, value):
    check.exercise("03.1", value, lambda v: True)
    assert capsys.readouterr().out == "○ 03.1 is open\n"
    assert not progress_file.exists()


def test_a_filled_function_is_not_a_stub():
    assert not check.is_open(lambda text: text.upper())


def test_right_wrong_and_raising_answers(capsys):
    """A wrong answer, of whatever type, shows the hint and stops nothing."""
    check.exercise("03.1", 4, lambda n: n == 5, hint="count again")
    check.exercise("03.1", "four", lambda n: n > 5, hint="a number")
    check.exercise("03.1", 5, lambda n: n == 5)
    wrong, raising, right = capsys.readouterr().out.splitlines()
    assert wrong.startswith("✗ 03.1 ")
    assert wrong.endswith(": count again")
    assert raising.startswith("✗ 03.1 ")
    assert "(TypeError: " in raising
    assert raising.endswith("): a number")
    assert right == "✓ 03.1 solved"


def test_progress_counts_tries_and_keeps_what_was_solved(capsys, progress_file):
    for value in (4, 5, 4):
        check.exercise("03.1", value, lambda n: n == 5)
    check.exercise("03.2", 1, lambda n: False)
    capsys.readouterr()
    check.progress()
    *rows, total = capsys.readouterr().out.splitlines()
    assert rows == ["✓ 03.1  3 tries", "✗ 03.2  1 try"]
    assert "1 of 2" in total
    assert [p.name for p in progress_file.parent.iterdir()] == ["progress.json"], "a temporary file was left"


def test_no_progress_yet(capsys):
    check.progress()
    assert capsys.readouterr().out.startswith("No exercise")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"03.1": 5}', '{"03.1": {}}'])
def test_damaged_progress_is_put_aside_and_reported(capsys, progress_file, text):
    progress_file.parent.mkdir()
    progress_file.write_text(text)
    check.exercise("03.1", 5, lambda n: n == 5)
    assert "damaged" in capsys.readouterr().out
    assert json.loads(progress_file.read_text())["03.1"]["solved"] is True
    assert progress_file.with_suffix(".damaged.json").read_text() == text


def test_a_disk_that_cannot_be_written_stops_nothing(capsys, progress_file):
    progress_file.parent.write_text("a file where the folder should be")
    check.exercise("03.1", 5, lambda n: n == 5)
    printed = capsys.readouterr().out
    assert printed.startswith("✓ 03.1 solved\n(progress not saved: ")
