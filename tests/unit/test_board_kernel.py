"""A board and a learner's real kernel: errors of cells are noticed, a dead board is not, a restart loses nothing."""

import os
import time

import pytest
from jupyter_client.manager import KernelManager

from course import board as own
from course.board import membership, outbox, sending
from support.boards import PATIENCE, Running

LEARNERS_ERROR = "class Hunter2(KeyError): pass\nraise Hunter2('my password')"


@pytest.fixture
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "own" / "progress.jsonl"))
    monkeypatch.setenv("JPY_SESSION_NAME", "somewhere/05_wire_and_steps.ipynb")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return tmp_path / "own" / "progress.jsonl"


class Kernel:
    """A kernel, as a notebook has it."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")

    def __enter__(self):
        self.manager.start_kernel(env=dict(os.environ))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=2 * PATIENCE)
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code):
        """Run a cell; the seconds it took, and what it printed."""
        printed = []

        def keep(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        began = time.monotonic()
        self.client.execute_interactive(code, timeout=PATIENCE, output_hook=keep)
        return time.monotonic() - began, "".join(printed)


def settle():
    """Until the kernel has heard from the board that it has everything, which a page may show a moment before."""
    end = time.monotonic() + PATIENCE
    while outbox.count():
        assert time.monotonic() < end, f"{outbox.count()} events still wait"
        time.sleep(0.02)


def test_a_kernel_tells_the_board_and_a_later_one_what_it_could_not(progress_file, tmp_path):
    """Errors before joining and before the first check are not noticed. The board dies, the kernel too; nothing is lost."""
    with Running(tmp_path / "board") as board:
        with Kernel() as kernel:
            kernel.run("from course import check\ncheck.exercise('05.1', 4, 4)")
            kernel.run("1 / 0")
            assert not membership.folder().exists()
            own.join(board.join_url, "Ada")
            kernel.run("1 / 0")
            kernel.run("check.claim('this cell is watched', True)\n[][1]")
            kernel.run(LEARNERS_ERROR)
            kernel.run("def broken(")
            kernel.run("check.exercise('05.2', 3, 4)")
            (shown,) = board.until(lambda state: state["learners"][0]["done"])["learners"]
            assert sorted(shown["errors"]) == [
                ["05", "IndexError", 1],
                ["05", "KeyError", 1],
                ["05", "SyntaxError", 1],
            ]
            assert shown["done"] == {"05": [0, 1]}
            settle()
            board.kill()
            took, printed = kernel.run("for n in range(20): check.exercise('05.2', 3, 4)")
            kernel.run("assert False")
            assert printed.count("is not solved yet") == 20
            assert "board" not in printed
            waits = 20 * sending.FIRST  # if each check waited for a try that fails
            assert took < waits / 2, f"20 checks without a board took {took:.1f} s"
        assert outbox.count() == 21
        board.start()
        with Kernel() as kernel:
            kernel.run("from course import check\ncheck.claim('the next kernel', True)")
            (shown,) = board.until(lambda state: state["learners"][0]["stuck"])["learners"]
            board.until(lambda state: ["05", "AssertionError", 1] in state["learners"][0]["errors"])
            settle()
    assert shown["stuck"] == {"exercise": "05.2", "attempts": 21}
    assert outbox.count() == 0
