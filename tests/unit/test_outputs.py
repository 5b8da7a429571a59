"""What a notebook shows before anything has been run: to a reader on GitHub, and in JupyterLab without trust."""

import re
from html import unescape
from html.parser import HTMLParser

import nbformat
import pytest

from course import ROOT, labs, view
from course.turns import turns
from course.view.explorer import Explorer
from support import sanitized
from support.page import Tags
from support.records import SYSTEM, TASK, entry, reply, step

NOTEBOOKS = sorted(
    [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks" / "solutions").glob("*.ipynb")]
)
USAGE = {"usage": {"prompt_tokens": 100, "completion_tokens": 25}, "timings": {"cache_n": 50, "prompt_n": 50}}
readers = pytest.mark.parametrize(
    "reader", [sanitized.github, sanitized.untrusted_lab], ids=lambda f: f.__name__
)


@pytest.fixture
def made():
    first = entry(1, [SYSTEM, TASK], reply("a", "the <code>answer</code>", **USAGE))
    return turns(
        [first, step("a", 1, observation="seen", model_output="x", is_final=True, action_output=9.62)]
    )


class Tables(HTMLParser):
    """The tables of a text: of each, the texts of its own headings and cells. A cell has the text of tables in it, too."""

    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.open.append({"th": [], "td": []})
            self.found.append(self.open[-1])
        elif tag in ("th", "td"):
            self.open[-1][tag].append("")
            self.open[-1]["in"] = tag

    def handle_endtag(self, tag):
        if tag == "table":
            self.open.pop()
        elif tag in ("th", "td"):
            self.open[-1].pop("in", None)

    def handle_data(self, data):
        for table in self.open:
            if "in" in table:
                table[table["in"]][-1] += data


def columns(html):
    """The headings of each side-by-side table, with the texts of the two cells below them."""
    return [
        (table["th"], [text.strip() for text in table["td"]])
        for table in Tables(html).found
        if table["th"][:1] == ["On the wire"]
    ]


@readers
def test_wire_and_step_stand_side_by_side_without_the_style_sheet(made, reader):
    shown = reader(view.show(made).data)
    ((heads, cells),) = columns(shown)
    assert heads == ["On the wire", "In smolagents: step 1"]
    assert "the <code>answer</code>" in cells[0]
    assert "seen" in cells[1]
    assert "9.62" in cells[1]
    widths = [attributes.get("width") for tag, attributes in Tags(shown).seen if tag == "th"][:2]
    assert widths == ["53%", "47%"]
    assert [a.get("valign") for tag, a in Tags(shown).seen if tag == "td"][:1] == ["top"]


@readers
def test_the_token_bar_is_made_of_characters(made, reader):
    """50 cached, 50 processed and 25 generated tokens are 48 characters in that proportion."""
    text = Tags(reader(view.show(made).data)).text
    bar = next(line for line in text.splitlines() if "▓▓" in line)
    assert [bar.count(mark) for mark in "░▓█"] == [19, 19, 10]
    assert "░ 50 from the cache + \n▓ 50 processed" in text


@readers
def test_nothing_is_left_of_style_sheets_and_drawings(made, reader, tmp_path):
    """A sanitizer drops the elements of a drawing and leaves its words behind, in a heap."""
    outcome = labs.Outcome("default", {}, "llama-server", 9.62, 1, None, made, tmp_path, "How fast?")
    for output in (view.show(made), view.overview(made), labs.table([outcome])):
        text = Tags(reader(output.data)).text
        assert "--ink" not in text
        assert "{" not in text.replace("{'", "")
        assert "<svg" not in output.data


@readers
def test_the_table_of_outcomes_keeps_its_columns(made, reader, tmp_path):
    outcome = labs.Outcome("default", {}, "llama-server", 9.62, 1, None, made, tmp_path, "How fast?")
    tags = Tags(reader(labs.table([outcome]).data)).seen
    assert [a.get("scope") for t, a in tags if t == "th"] == ["col"] * 5 + ["row"]
    assert {a.get("align") for t, a in tags if t in ("th", "td")} == {"left"}


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "word " * 60 + "\nend",
        "x" * 200,
        "a" * 70 + " <think>" + "b < c " * 40,
        "  in " + "y " * 60 + "   ",
    ],
)
def test_long_lines_are_folded_for_those_whose_pre_does_not_wrap(text):
    """Each piece fits, and without the <br>, which their style hides, the text is the same."""
    shown = view.tokens_shown(text, fold=view.FOLD)
    assert unescape(re.sub("<[^>]*>", "", shown)) == text
    pieces = [
        unescape(piece) for line in shown.split("\n") for piece in re.split(r"<br [^>]*>|<b .*?</b>", line)
    ]
    assert max(map(len, pieces)) <= view.FOLD
    assert ("<br " in shown) == (len(text) > view.FOLD)
    assert "<br" not in view.tokens_shown(text)
    assert "style" not in sanitized.github(shown)


def test_special_tokens_are_set_off_without_the_style_sheet():
    assert "<b>&lt;|im_start|&gt;</b>user" in sanitized.github(view.tokens_shown("<|im_start|>user"))


def test_the_explorer_has_a_static_form_for_those_who_cannot_run_it(made):
    assert columns(sanitized.github(Explorer(made)._repr_mimebundle_()["text/html"]))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix())
def test_stored_outputs_keep_their_columns(path):
    """Also where an output shows several turns: each keeps both columns, with something in them."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            said = f"{path.name}, the output of {cell.source.splitlines()[-1][:60]!r}. Build it again:  make build"
            for shown in (sanitized.github(html), sanitized.untrusted_lab(html)):
                found = columns(shown)
                assert len(found) == html.count(">On the wire<"), said
                assert all(len(heads) == 2 and all(cells) for heads, cells in found), said
                assert "--ink" not in shown, said
