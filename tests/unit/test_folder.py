"""A folder's search: what it reads, what it leaves out and says so, and what the agent gets."""

import os
import sys

import pytest

from course.errors import CourseError
from course.tools import folder
from course.tools.folder import FolderSearch

STAFF = "# Staff\n\nAda Brenner uses locker number 417.\nShe started in May.\n\n- Tom Reuter has desk 12.\n"


def make(tmp_path, **files):
    """A folder with these files; `_` in a name stands for its dot."""
    for name, data in files.items():
        path = tmp_path / name.replace("_", ".")
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return tmp_path


@pytest.fixture
def search(tmp_path):
    return FolderSearch(make(tmp_path, staff_md=STAFF, prices_csv="item,price\nlamp,30\nchair,80\n"))


def test_the_best_passage_comes_first_after_the_name_of_its_file(search):
    assert search("locker number of Ada Brenner").splitlines()[0] == (
        "(staff.md) Ada Brenner uses locker number 417. She started in May."
    )


def test_a_paragraph_is_one_passage_and_so_is_a_list_item_and_a_row(search):
    assert search("desk") == "(staff.md) - Tom Reuter has desk 12."
    assert search("lamp") == "(prices.csv) lamp,30"


def test_each_result_is_one_line_and_there_are_at_most_as_many_as_asked_for(search):
    found = search(query="ada tom lamp chair staff", max_results=2)
    assert len(found.splitlines()) == 2
    assert all(line.startswith("(") for line in found.splitlines())


@pytest.mark.parametrize("query", ["zorble", 'say "what" NEAR(', "- - x AND *"])
def test_a_query_that_fits_nothing_says_so(search, query):
    assert search(query) == folder.NOTHING


def test_a_query_without_words_is_an_error_for_the_agent(search):
    with pytest.raises(ValueError, match="no words"):
        search("?!")


def test_an_agent_may_pass_nonsense_for_the_number(search):
    assert search("desk", max_results=-3) == search("desk", max_results=None)
    assert search("desk", max_results=10**9) == search("desk")


def test_letters_with_and_without_accents_are_found(tmp_path):
    search = FolderSearch(make(tmp_path, a_txt="Jürgen Müller sitzt in Raum 5."))
    assert search("muller") == search("MÜLLER") == "(a.txt) Jürgen Müller sitzt in Raum 5."


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Zoë has key 7.".encode(), "utf-8"),
        ("Zoë has key 7.".encode("utf-8-sig"), "utf-8"),
        ("Zoë has key 7.".encode("utf-16"), "utf-16"),
        ("Zoë has key 7.".encode("utf-32"), "utf-32"),
        ("Zoë has key 7.".encode("cp1252"), "cp1252"),
        ("Zo\x81 Zoë has key 7.".encode("latin-1"), "latin-1"),
    ],
)
def test_an_encoding_is_read_and_named(tmp_path, data, encoding):
    search = FolderSearch(make(tmp_path, key_txt=data))
    assert search.files["key.txt"].encoding == encoding
    assert "Zoë has key 7." in search("key")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        ("\n ".encode("utf-16"), "empty"),
        (b"---\n\n* * *\n", "no words"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"\xff\xfe\x00\xd8", "utf-16"),
        (b"x" * 2001, "2,001 bytes"),
    ],
)
def test_what_cannot_be_searched_is_left_out_with_its_reason(tmp_path, data, why):
    search = FolderSearch(make(tmp_path, good_md="One good line.", odd_bin=data), largest=2000)
    assert list(search.files) == ["good.md"]
    assert why in search.skipped["odd.bin"]


def test_the_index_has_an_end(tmp_path):
    search = FolderSearch(make(tmp_path, a_txt="aa " * 30, b_txt="bb " * 30), most=100)
    assert list(search.files) == ["a.txt"]
    assert search.skipped == {"b.txt": "no room left in the index"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_no_pipe_is_opened_no_link_followed_and_a_closed_file_is_named(tmp_path):
    inside = tmp_path / "notes"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("The code is 1234.")
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (inside / "folder").symlink_to(tmp_path)
    os.mkfifo(inside / "pipe.txt")
    (inside / ".hidden.md").write_text("The code is 1234.")
    (inside / "open.md").write_text("Nothing to hide.")
    (inside / "closed.md").write_text("Closed.")
    (inside / "closed.md").chmod(0)
    search = FolderSearch(inside)
    assert search("code") == folder.NOTHING
    assert search.skipped["link.md"] == "a link"
    assert search.skipped["pipe.txt"] == "not a file"
    if os.geteuid():  # root can read everything
        assert "Permission denied" in search.skipped["closed.md"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these names are for Linux")
def test_names_of_any_kind_stay_on_one_line(tmp_path):
    for name in (b"a\nb.txt", b"bad\xff.txt", b") (other.md).txt", "\u2028日本.txt".encode()):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"one word")
    search = FolderSearch(tmp_path)
    assert len(search.files) == 4
    found = search("word", max_results=10)
    assert len(found.splitlines()) == 4
    found.encode("utf-8")  # a lone surrogate would end the request to the model


def test_a_passage_has_no_line_break_of_any_kind_and_an_end():
    text = "a\x0bb\x0cc\u2028d\x85e\x00f. " + "word " * 400 + "x" * 1000
    pieces = folder.passages(text)
    assert all(len(piece.splitlines()) == 1 for piece in pieces)
    assert max(len(piece) for piece in pieces) <= folder.LONGEST
    assert "".join("".join(pieces).split()).endswith("x" * 1000)


def test_subfolders_are_read_but_not_hidden_ones(tmp_path):
    for name in ("in/deep/a.md", ".git/config.md", "in/.cache/b.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("words here")
    assert list(FolderSearch(tmp_path).files) == ["in/deep/a.md"]


def test_a_missing_folder_a_file_and_an_empty_folder_are_said(tmp_path):
    with pytest.raises(CourseError, match="does not exist"):
        FolderSearch(tmp_path / "none")
    (tmp_path / "empty.md").touch()
    with pytest.raises(CourseError, match="is a file"):
        FolderSearch(tmp_path / "empty.md")
    with pytest.raises(CourseError, match=r"no text to search .*empty\.md: empty"):
        FolderSearch(tmp_path)


def test_what_was_asked_and_what_came_back_is_kept(search):
    """So that a person can see which passages a run had at hand; a query that is an error had none."""
    found = [search("desk"), search("zorble")]
    with pytest.raises(ValueError, match="no words"):
        search("?!")
    assert search.asked == [("desk", found[0]), ("zorble", folder.NOTHING)]


def test_nothing_is_written_beside_the_documents(search):
    before = sorted(search.folder.iterdir())
    search("ada")
    assert sorted(search.folder.iterdir()) == before
    assert search.index.execute("PRAGMA database_list").fetchall() == [(0, "main", "")]
