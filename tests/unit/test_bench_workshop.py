"""The load test's pure parts: which runs there are, what they amount to, what the tables say. No hub, no server."""

import argparse
import base64
import hashlib
import json
import re
import socket
import threading

import pytest

from bench import tables
from bench.rows import Row
from bench.store import stored
from bench.workshop import __main__ as program
from bench.workshop import kernel, lesson, matrix, sizing
from bench.workshop.figures import Learner, Memory, Plain, Result, Step, figures, jain, percentile
from bench.workshop.kernel import Deadline
from bench.workshop.matrix import Cell
from course import ROOT

TWO = Cell(2)
MACHINE = {"cpu": "A CPU", "cores": 2, "memory_gib": 8, "gpu": None, "system": "Linux", "python": "3.11.9"}


def learner(*seconds, ended="done", begins=0.0, status=200):
    """One whose steps follow one another without a pause."""
    steps, at = [], begins
    for each in seconds:
        steps.append(Step(at, each, status, new=100, cached=2000, generated=50))
        at += each
    return Learner("ada", steps, ended)


def result(cell=TWO, learners=None, **more):
    made = learners or [learner(2.0, 4.0), learner(3.0, 6.0)]
    return Result(cell, made, Memory(1_000_000, 2_000_000, 3_000_000), **more)


@pytest.fixture
def closing():
    """A kernel's web socket that is closed as soon as it is open."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(4096)
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1]
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x88\x00"
            )
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def test_a_connection_that_the_server_closes_is_a_kernel_that_died(closing):
    assert kernel.execute(closing, "token", "1", Deadline(60)).ended == "died"


# ---- figures


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([7], 95, 7), ([1, 2, 3, 4], 50, 2.5), ([4, 1, 3, 2], 95, 3.85), ([1, 2], 0, 1), ([1, 2], 100, 2)],
)
def test_a_percentile_lies_between_the_two_nearest_values(values, percent, expected):
    assert percentile(values, percent) == pytest.approx(expected)


def test_jain_s_index_is_one_for_equals_and_one_nth_if_one_has_all():
    assert jain([3, 3, 3]) == pytest.approx(1)
    assert jain([5, 0, 0, 0]) == pytest.approx(1 / 4)
    assert jain([1, 1, 4]) == pytest.approx(36 / 54)
    assert jain([0, 0]) == 1


@pytest.mark.parametrize("function", [jain, lambda values: percentile(values, 50)])
def test_nothing_has_no_figure(function):
    with pytest.raises(ValueError, match=r"nobody|at least one"):
        function([])


def test_a_run_is_added_up():
    """6 s and 9 s side by side: 4 steps in 9 s. The means are 3 s and 4.5 s."""
    found = figures([learner(2.0, 4.0), learner(3.0, 6.0)], Plain(2, done=4, seconds=6.0))
    assert (found.done, found.failed, found.failed_steps) == (2, 0, 0)
    assert (found.median, found.p95) == (3.5, pytest.approx(5.7))
    assert found.per_minute == pytest.approx(60 * 4 / 9)
    assert (found.limit, found.share) == (40, pytest.approx(6 / 9))
    assert found.slowest == pytest.approx(1.5)
    assert (found.new, found.cached, found.generated) == (100, 2000, 50)


def test_a_failed_request_is_counted_and_does_not_make_the_median_better():
    """A refusal comes back at once."""
    found = figures(
        [learner(4.0), learner(0.01, status=500, ended="failed"), learner(9.0, ended="out of time")]
    )
    assert (found.done, found.failed, found.unfinished, found.failed_steps) == (1, 1, 1, 1)
    assert found.median == 6.5
    assert found.slowest == 1, "only those who finished are compared"


def test_if_nobody_got_anywhere_there_are_no_seconds():
    found = figures([Learner("ada", ended="failed", why="the kernel died")])
    assert (found.median, found.jain, found.share, found.per_minute) == (None, None, None, 0)


# ---- matrix


def test_every_setting_is_compared_at_one_number_of_learners():
    cells = matrix.plan([30, 1, 10, 5])
    middle = {(c.slots, c.unified, c.warm) for c in cells if c.learners == 10}
    assert middle == {(1, True, True), (4, True, True), (4, False, True), (1, True, False)}
    assert [c.learners for c in cells] == sorted(c.learners for c in cells), "few learners first"
    assert [c for c in cells if c.dies] == [cells[-1]] == [Cell(30, dies=True)]
    assert len(set(cells)) == len(cells)
    assert not any(c.dies for c in matrix.plan([1], dies=False))


@pytest.mark.parametrize("counts", [[1], [30], [1, 5], [1, 5, 10, 30]])
def test_the_cells_together_never_take_longer_than_the_whole(counts):
    cells, left = matrix.plan(counts), 1000.0
    for number in range(len(cells)):
        left -= sum(matrix.limits(cells[number:], 2, left))
        assert left >= -1e-6, f"{-left} s too many after {cells[number]}"
    assert left == pytest.approx(0), "the last cell may take all that is left"


def test_split_or_unified_the_context_in_sum_is_the_same():
    assert (
        Cell(1, 4).changes()["context"] == Cell(1, 4, unified=False).changes()["context"] == 4 * matrix.SLOT
    )
    assert Cell(1).changes() == {"parallel": 1, "context": matrix.SLOT}


def test_a_small_group_repeats_its_run():
    assert [matrix.rounds(n, 2) for n in (1, 2, 4, 30)] == [4, 2, 1, 1]


def test_a_cancelled_deadline_is_over():
    deadline = Deadline(1000)
    assert 900 < deadline.left <= 1000
    deadline.cancel()
    assert deadline.left == 0


@pytest.mark.parametrize("text", ["", "0", "1,x", "101", "-1"])
def test_numbers_of_learners_that_make_no_sense_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 100"):
        program.numbers(text)
    assert program.numbers("1,5") == [1, 5]


# ---- the lesson


def test_the_lesson_has_the_cells_that_a_load_test_runs():
    notebook = json.loads((ROOT / lesson.NOTEBOOK).read_text(encoding="utf-8"))
    cells = lesson.split(notebook)
    assert len(cells.asks) == len(lesson.ASKS)
    assert any("def our_agent" in source for source in cells.before)
    assert not set(cells.asks) & set(cells.before)


def test_a_lesson_that_changed_is_named():
    with pytest.raises(ValueError, match=re.escape(lesson.ASKS[0])):
        lesson.split({"cells": [{"cell_type": "code", "source": ["1 + 1"]}]})


# ---- tables


def test_a_row_has_the_share_of_the_engine_s_limit_and_survives_the_file():
    made = sizing.row(result(plain=Plain(2, 4, 6.0)))
    assert made.ratio == pytest.approx(6 / 9)
    assert not made.failed
    (read,) = [Row(**row) for row in json.loads(json.dumps(stored([made])))]
    assert Cell(**read.data["cell"]) == Cell(2)
    assert read.data["memory_model"] == 3_000_000


def test_a_failure_is_in_the_row_and_in_the_guide():
    broken = sizing.row(result(learners=[learner(1.0, ended="failed", status=500), learner(2.0)]))
    assert broken.failed
    (line,) = sizing.measured([broken])[2:]
    assert "1 learners failed" in line, line
    assert "1 requests failed" in line, line


def test_where_the_server_is_killed_requests_may_fail_but_no_learner():
    outage = [learner(1.0, status=0), learner(2.0)]
    assert not sizing.row(result(Cell(2, dies=True), outage, revived=3.0)).failed
    lost = [learner(1.0, status=0, ended="failed"), learner(2.0)]
    assert sizing.row(result(Cell(2, dies=True), lost, revived=3.0)).failed


def test_upstream_s_figures_are_scaled_to_the_learners():
    assert sizing.gpu_seconds(1, 3104.74, 48.67) == pytest.approx(2)
    assert sizing.gpu_seconds(6, 0, (85.69 + 119.87) / 2) == pytest.approx(6), (
        "half way between 4 and 8 sequences"
    )
    assert sizing.gpu_seconds(64, 0, 207.80) == pytest.approx(64), "nothing was published above 32"
    seconds = [sizing.gpu_seconds(n, 300, 300) for n in range(1, 101)]
    assert seconds == sorted(seconds), "one learner more never makes it faster"


def test_the_guide_s_section_has_each_machine_and_the_calculation():
    record = {"rows": stored(sizing.rows([result(), result(Cell(2, dies=True), revived=3.2)]))}
    file = {
        "machine": MACHINE,
        "measurements": {"workshop": {**record, "build": "b1, wheel", "date": "2026-11-29"}},
    }
    text = sizing.rendered([file, {"machine": MACHINE, "measurements": {}}])
    measured, _, calculated = text.partition("**On a GPU**")
    assert len([line for line in measured.splitlines() if line.startswith("| 2 |")]) == 1
    assert "3.2" in measured
    assert sizing.SOURCE in calculated
    assert "not measured" in calculated
    widths = {line.count("|") for line in measured.splitlines() if line.startswith("|")}
    assert len(widths) == 1, f"rows of {widths} bars"


def test_without_results_the_guide_says_how_to_get_them():
    assert sizing.rendered([]) == sizing.NOTHING


def test_the_measurements_page_shows_the_rows():
    assert tables.table("workshop", {"rows": stored([sizing.row(result())])})[-2].startswith(
        "| 2 learners, 1 slot"
    )
