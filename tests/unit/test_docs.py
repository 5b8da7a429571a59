"""The generated parts of docs/: they are what would be generated now, and only they are written."""

import shutil

import pytest
from typer.testing import CliRunner

from authoring import __main__ as commands
from authoring import docs
from course import ROOT


@pytest.fixture
def root(tmp_path):
    """A copy of the pages that have generated parts."""
    for name in (*docs.PARTS, *docs.FILES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_generated_parts_are_up_to_date():
    assert list(docs.stale()) == [], "run:  python -m authoring docs"


def test_only_the_stale_parts_are_written_and_nothing_around_them(root):
    page = root / "docs" / "tape.md"
    whole = page.read_text(encoding="utf-8")
    page.write_text(whole.replace("| `question` |", "| `asked` |"), encoding="utf-8")
    (root / "docs" / "tape.schema.json").unlink()
    assert sorted(docs.write(root)) == ["docs/tape.md", "docs/tape.schema.json"]
    assert page.read_text(encoding="utf-8") == whole
    assert docs.write(root) == []


def test_the_page_names_every_type_of_record():
    page = (ROOT / "docs" / "tape.md").read_text(encoding="utf-8")
    assert [kind for kind in docs.schema.RECORDS if f"| `{kind}` |" not in page] == []


def test_check_names_what_is_stale_and_writes_nothing(monkeypatch):
    made = {"docs/tape.schema.json": "new"}
    monkeypatch.setattr(docs, "stale", lambda: made)
    monkeypatch.setattr(docs, "write", lambda: pytest.fail("written"))
    done = CliRunner().invoke(commands.app, ["docs", "--check"])
    assert (done.exit_code, "docs/tape.schema.json" in done.stderr) == (1, True), done.output
    made.clear()
    assert CliRunner().invoke(commands.app, ["docs", "--check"]).exit_code == 0
