"""Executed outputs against stored ones: which cells count, what normalizers do, and that shown differences stay small."""

import json

import nbformat
import nbformat.v4 as v4
import pytest

from course.errors import CourseError
from course.run import compare, rows
from course.run.outcome import Outcome
from course.run.plan import Address, Book, Job, Settings, WrongUse


def printed(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def shown(**data):
    return v4.new_output(
        "execute_result", data={k.replace("_", "/"): v for k, v in data.items()}, execution_count=1
    )


def book(*cells):
    """A notebook that ran: cells are (source, outputs, tags)."""
    return v4.new_notebook(
        cells=[
            v4.new_code_cell(
                source,
                outputs=outputs,
                execution_count=n,
                metadata={"tags": tags, "papermill": {"status": "completed"}},
            )
            for n, (source, outputs, tags) in enumerate(cells, 1)
        ]
    )


def differing(stored, ran, patterns=None, every=False):
    return [(d.index, d.counts) for d in compare.differences(stored, ran, patterns or {}, every)]


def pair(before, after, source="f()", tags=()):
    return book((source, before, list(tags))), book((source, after, list(tags)))


CHECK, IGNORE = "nbval-check-output", "nbval-ignore-output"


@pytest.mark.parametrize(
    ("source", "tags", "every", "found"),
    [
        ("f()", [], False, [(0, False)]),
        ("f()", [], True, [(0, True)]),
        ("f()", [CHECK], False, [(0, True)]),
        ("# NBVAL_CHECK_OUTPUT\nf()", [], False, [(0, True)]),
        ("f()", [IGNORE], True, []),
        ("# NBVAL_IGNORE_OUTPUT\nf()", [], True, []),
        ("# NBVAL_SKIP\nf()", [CHECK], True, []),
    ],
)
def test_who_asked_for_a_comparison(source, tags, every, found):
    """The same output is never a difference; another one is what the tags and the caller make of it."""
    stored, ran = pair([printed("one\n")], [printed("two\n")], source, tags)
    assert differing(stored, ran, every=every) == found
    assert differing(stored, stored, every=every) == []


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        ([printed("a"), printed("b\n")], [printed("ab\n")], True),
        ([printed("10%\r"), printed("99%\rdone\n")], [printed("done\n")], True),
        ([printed("x", "stderr")], [printed("x")], False),
        ([shown(text_plain="1", image_png="AAAA")], [shown(text_plain="1", image_png="BBBB")], True),
        ([shown(text_plain="1")], [shown(text_plain="1", text_html="<b>1</b>")], False),
        ([shown(text_plain="1")], [], False),
        ([], [printed("new\n")], False),
    ],
)
def test_outputs_are_equal_as_nbval_sees_it(before, after, equal):
    stored, ran = pair(before, after, tags=[CHECK])
    assert (differing(stored, ran) == []) is equal


def test_a_file_of_normalizers_for_nbval_is_used_as_it_is(tmp_path):
    path = tmp_path / "sanitize.cfg"
    path.write_text(
        "[time]\r\nregex: \\d+(\\.\\d+)? ms\r\nreplace: TIME\r\n\r\n[id]\nregex: (chatcmpl)-\\w+\nreplace: \\1-ID\n"
    )
    patterns = compare.normalizers(path)
    stored, ran = pair([printed("chatcmpl-a in 3.1 ms\n")], [printed("chatcmpl-b in 12 ms\n")], tags=[CHECK])
    assert (differing(stored, ran), differing(stored, ran, patterns)) == ([(0, True)], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 lines"),
        ("regex: a\n", "1 lines"),
        ("regex: a\n\nreplace: b\n", "2 lines"),
        ("regex: a\nreplace: b\nregex = c\nreplace = d\n", "4 lines"),
        ("regex: (\nreplace: b\n", "not a valid pair"),
        ("regex: a\nreplace: \\1\n", "not a valid pair"),
    ],
)
def test_faulty_normalizers_are_refused_and_named(tmp_path, text, said):
    (tmp_path / "n.ini").write_text(text)
    with pytest.raises(WrongUse, match=said):
        compare.normalizers(tmp_path / "n.ini")


def test_a_cell_that_did_not_run_is_not_compared():
    stored = book(("a", [printed("1")], [CHECK]), ("b", [printed("2")], [CHECK]))
    ran = book(("a", [printed("1")], [CHECK]), ("b", [], [CHECK]))
    ran.cells[1].metadata.papermill = {"status": "pending"}
    assert differing(stored, ran) == []


def test_a_notebook_that_changed_meanwhile_is_not_compared():
    with pytest.raises(CourseError, match="changed while it ran"):
        differing(book(("a", [], [])), book(("b", [], [])))


def incomplete(output_type="stream", **fields):
    return nbformat.NotebookNode(output_type=output_type, **fields)


@pytest.mark.parametrize(
    "outputs",
    [
        None,
        [incomplete()],
        [incomplete("error")],
        [incomplete("execute_result")],
        [nbformat.NotebookNode(text="1")],
    ],
)
def test_what_a_stored_cell_lacks_is_a_difference(outputs):
    """Some programs leave out what nbformat asks for: the outputs, the count, or the contents of an output."""
    stored, ran = pair([], [printed("1\n")], tags=[CHECK])
    del stored.cells[0]["execution_count"]
    if outputs is None:
        del stored.cells[0]["outputs"]
    else:
        stored.cells[0].outputs = outputs
    assert differing(stored, ran) == [(0, True)]


def test_a_notebook_that_cannot_be_compared_says_so_in_its_own_row(tmp_path):
    stored, ran = pair([], [printed("7\n")])
    stored.cells[0].outputs = [incomplete(name="stdout", text=7)]
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps(stored))
    job = Job(Book(path.name, str(path), ""), None, Address(None), Settings())
    row = rows.row_of(job, Outcome("passed"), json.dumps(ran).encode(), rows.Comparison())
    assert (row.status, row.differences) == ("passed", ())
    assert [note.partition(":")[0] for note in row.outcome.notes] == ["its outputs could not be compared"]


def test_a_difference_shows_where_it_is_and_stays_short():
    """Two outputs of 40,000 lines that differ in the middle, and one line of a million characters."""
    before = [f"{n}\n" for n in range(40_000)]
    after = [line if n != 20_000 else "other\n" for n, line in enumerate(before)]
    stored, ran = pair([printed("".join(before))], [printed("".join(after))])
    (found,) = compare.differences(stored, ran, {})
    assert [line for line in found.lines if line[0] in "+-" and line[1] not in "+-"] == ["-20000", "+other"]
    stored, ran = pair([printed("x" * 1_000_000)], [printed("y" * 1_000_000)])
    (found,) = compare.differences(stored, ran, {})
    assert sum(map(len, found.lines)) < 5000, f"{sum(map(len, found.lines))} characters are shown"
