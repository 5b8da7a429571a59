"""The table of attacks: read from the marks of tests, without running them."""

import pytest

from authoring import attacks


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(attacks, "ROOT", tmp_path)
    return tmp_path


def write(folder, *marks):
    marked = "\n".join(f"@pytest.mark.attack({mark})" for mark in marks)
    (folder / "test_one.py").write_text(f"import missing_module\n\n{marked}\ndef test_it():\n    pass\n")


def test_every_mark_of_a_test_is_a_row(folder):
    write(folder, "'tap', 'a | b', 'refused', fell=2", "'tape', 'odd', 'read'")
    first, second = attacks.attacks(folder)
    assert (first.tried, first.fell, second.part, second.fell) == ("a | b", 2, "tape", None)
    assert first.test == "test_one.py:test_it"


@pytest.mark.parametrize("mark", ["'tap', 'tried'", "'roof', 'tried', 'held'", "'tap', 'a', 'b', was=1"])
def test_a_mark_of_another_form_is_refused_by_name(folder, mark):
    write(folder, mark)
    with pytest.raises(ValueError, match=r"test_one\.py:test_it.*attack"):
        attacks.attacks(folder)


def test_a_bar_in_a_text_does_not_end_the_cell(folder, monkeypatch):
    write(folder, "'tap', 'a | b', 'refused', fell=2")
    monkeypatch.setattr(attacks, "attacks", lambda read=attacks.attacks: read(folder))
    assert "| a \\| b | refused | succeeded, severity 2 | [it](../test_one.py) |" in attacks.table()
