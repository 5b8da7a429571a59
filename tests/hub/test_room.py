"""Three learners in a room: from the login to a solved exercise, an update in the middle, and a restart.

Each test goes on where the one before it ended, as a morning does.
"""

import itertools
import json
import shutil
import stat

import httpx
import nbformat
import pytest

from course import ROOT
from support import room as lab
from support.room import NAMES, PASSWORD
from workshop import board
from workshop.hub import lessons

pytestmark = pytest.mark.timeout(1800)
ADDED = "This sentence came in the middle of the workshop."
JOIN = """import subprocess, sys
joined = [sys.executable, "-m", "course.cli", "board", "join", "--name", "Cleo"]
print(subprocess.run(joined, capture_output=True, text=True))
from course import check
check.exercise("00.1", 3, 3)
import time
status = [sys.executable, "-m", "course.cli", "board", "status"]
for _ in range(60):  # it is sent in the background, and this kernel ends with this cell
    if "1 sent" in (said := subprocess.run(status, capture_output=True, text=True).stdout):
        break
    time.sleep(0.5)
print(said)
"""
RESET = """import subprocess, sys
from pathlib import Path
(Path.home() / "{copy}" / "notebooks" / "01_start_llama_server.ipynb").write_text("mine")
print(subprocess.run([sys.executable, "-m", "course.cli", "reset", "01"], capture_output=True, text=True))
"""


def copy_of(room, name):
    return room.hub.state.learner(name).folder / lessons.COPY / "notebooks"


def changed_checkout(room, tmp_path):
    """What the hub gave to the learners, with a sentence added to lessons 00 and 01."""
    shutil.copytree(room.hub.state.lessons, tmp_path, dirs_exist_ok=True)
    for name in ("00_welcome", "01_start_llama_server"):
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        book = nbformat.read(path, as_version=4)
        book.cells[1].source += f"\n\n{ADDED}"
        nbformat.write(book, path)
    return tmp_path


def test_without_the_room_s_code_nobody_gets_in(room, seats):
    page = seats["ada"].page
    lab.sign_in(page, room.hub.url, "ada", PASSWORD.format("ada"), "abcd-efgh")
    said = page.locator(".login_error").inner_text()
    assert "room code is wrong" in said, said
    lab.sign_in(page, room.hub.url, "../ada", PASSWORD.format("ada"), room.hub.room_code)
    assert "Choose another" in page.locator(".login_error").inner_text()
    lab.sign_in(page, room.hub.url, "instructor", PASSWORD.format("ada"), room.hub.room_code)
    assert "not the instructor's" in page.locator(".login_error").inner_text()
    assert room.hub.state.known() == [], "a refused login left an account"


def test_three_learners_log_in_and_solve_an_exercise(room, seats):
    """Side by side: all three sign in first, then each solves the exercise in a server of their own."""
    for name, seat in seats.items():
        lab.sign_in(seat.page, room.hub.url, name, PASSWORD.format(name), room.hub.room_code.upper())
    for name, seat in seats.items():
        lab.opened(seat.page)
        said = lab.solve(seat.page)
        assert "00.2" in said, said
        assert "✓" in said, said
        progress = room.hub.state.learner(name).folder / ".local/share/agents-on-the-wire/progress.jsonl"
        solved = [json.loads(line) for line in progress.read_text().splitlines()]
        assert [(s["id"], s["solved"]) for s in solved] == [("00.2", True)], solved


def test_the_status_bar_shows_what_a_learner_uses(seats):
    seats["ada"].page.get_by_text("Mem:").first.wait_for()


def test_a_lesson_opened_twice_has_one_kernel(room, seats):
    page = seats["cleo"].page
    second = page.context.new_page()
    second.goto(page.url)
    lab.opened(second)
    kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
    assert page.evaluate(kernel) == second.evaluate(kernel)
    second.close()


def test_an_update_in_the_middle_keeps_what_a_learner_changed(room, seats, tmp_path):
    """Lesson 01, which ada did not touch, is new; her lesson 00 is hers, and still a notebook."""
    changed = lessons.update(room.hub.state, changed_checkout(room, tmp_path))
    assert "2 files changed" in changed, changed
    page = seats["ada"].page
    page.goto(room.hub.url)
    lab.opened(page)
    assert lab.SOLUTION.strip() in lab.sources(page), "ada's solution is not in her notebook any more"
    assert ADDED in (copy_of(room, "ada") / "01_start_llama_server.ipynb").read_text()
    nbformat.validate(nbformat.read(copy_of(room, "ada") / "00_welcome.ipynb", as_version=4))
    assert ADDED not in (copy_of(room, "ben") / "01_start_llama_server.ipynb").read_text(), "ben did not ask"


def test_a_reset_gives_a_fresh_notebook_in_the_learner_s_own_copy(room):
    """Typed in a terminal of the hub, `course reset` reaches the copy, and keeps what the learner had."""
    said = lab.run(room.hub.learner("ben"), RESET.format(copy=lessons.COPY))
    fresh = copy_of(room, "ben") / "01_start_llama_server.ipynb"
    assert fresh.read_bytes() == (ROOT / "notebooks" / fresh.name).read_bytes(), said
    assert [path.read_text() for path in (fresh.parent.parent / "kept").iterdir()] == ["mine"], said


def test_a_deleted_folder_comes_back(room, seats):
    """cleo deletes her lessons; the address gives her new ones. What she had solved is kept elsewhere."""
    folder = copy_of(room, "cleo").parent
    shutil.rmtree(folder)
    page = seats["cleo"].page
    page.goto(room.hub.url)
    lab.opened(page)
    assert (folder / "notebooks" / "00_welcome.ipynb").is_file()
    lab.cell(page, "from course import ROOT, check")
    assert "1 of" in lab.cell(page, 'check.progress("00")')


def test_the_board_shows_a_learner_who_has_joined(room):
    """cleo names no address: the hub's learners know the board. Without its token, nobody sees what it knows."""
    said = lab.run(room.hub.learner("cleo"), JOIN)
    page = board.instructor(room.hub.state.home / "board", room.hub.url)
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as browser:
        assert browser.get(board.under(room.hub.url) + "stream").status_code == 403
        assert browser.get(page).status_code == 200, said
        with browser.stream("GET", board.under(room.hub.url) + "stream") as stream:
            states = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
            solved = (
                each for state in itertools.islice(states, 6) for each in state["learners"] if each["done"]
            )
            seen = next(solved, {})
    assert (seen.get("name"), seen.get("done")) == ("Cleo", {"00": [1, 1]}), said


def test_a_restart_keeps_accounts_keys_and_work(room, seats):
    before = {learner.name: learner for learner in room.hub.state.known()}
    codes = room.hub.room_code, room.hub.instructor_code
    room.restart()
    assert {learner.name: learner for learner in room.hub.state.known()} == before
    assert (room.hub.room_code, room.hub.instructor_code) == codes
    page = seats["ben"].page
    page.goto(room.hub.url)  # the cookie still counts; the server has to be started again
    lab.opened(page)
    assert lab.SOLUTION.strip() in lab.sources(page)


def test_the_homes_and_secrets_are_private(room):
    """Of what the hub keeps, others can read the lessons and the model, and nothing else."""
    state = room.hub.state
    assert {path.name for path in state.homes.iterdir()} == set(NAMES)
    readable = {
        str(path.relative_to(state.home))
        for path in [*state.home.iterdir(), *state.homes.iterdir()]
        if stat.S_IMODE(path.stat().st_mode) & 0o044
    }
    assert readable <= {"lessons", "model", "jupyter", "gitconfig", "gitattributes", "hub.pid", "lock"}, (
        readable
    )
