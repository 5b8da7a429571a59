"""The instructor's page in Chromium, with thirty learners who send over HTTP: live, readable by everybody, safe."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from course import ROOT
from course.board.events import attempt, met
from support.boards import Running
from support.waiting import until

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

NARROW = {"width": 400, "height": 800}
NAMES = [*(f"Learner {n:02}" for n in range(28)), "<canary onclick=ran=1>", "ندى נועה"]
TAPE = ROOT / "course" / "exam" / "tapes" / "1.tape.jsonl"


def events(number):
    """What a learner has done by now: the further back in the list, the further in the course."""
    now = datetime.now(UTC) - timedelta(seconds=20)
    when = (now + timedelta(milliseconds=n) for n in range(1000))
    done = [attempt(f"0{lesson}.{n}", True, 1, next(when)) for lesson in range(number % 7) for n in (1, 2, 3)]
    last = [attempt("07.1", False, tries, next(when)) for tries in range(1, 5)] if number % 10 == 0 else []
    return [*done, met(f"0{number % 7}", KeyError, next(when)), *last]


@pytest.fixture(scope="module")
def board(tmp_path_factory, browser_path):
    with Running(tmp_path_factory.mktemp("board")) as running:
        learners = [running.learner(name) for name in NAMES]
        with ThreadPoolExecutor(8) as pool:
            status = list(pool.map(lambda n: learners[n].send(events(n)).status_code, range(len(learners))))
        assert status == [200] * len(NAMES)
        assert learners[28].http.post("tapes", content=TAPE.read_bytes()).status_code == 200
        running.by_name = dict(zip(NAMES, learners, strict=True))
        yield running


@pytest.fixture
def page(tab, board):
    def opened(**options):
        shown = tab(f"{board.url}?token={board.token}", **options)
        shown.locator("#count", has_text="30 learners").wait_for()
        return shown

    return opened


def row(page, name):
    return page.locator("#rows tr", has=page.get_by_role("rowheader", name=name))


def test_thirty_learners_are_shown_and_the_address_hides_the_token(page, board):
    shown = page()
    assert shown.url == board.url
    assert shown.locator("#rows tr").count() == len(NAMES)
    assert f"{board.url}room/{board.room}" in shown.locator("#join").text_content()
    assert shown.locator("#look li").count() == 3, "numbers 0, 10 and 20 tried 07.1 four times"
    assert "stuck at 07.1? 4 tries" in row(shown, "Learner 10").text_content()
    assert {url.partition("?")[0].removeprefix(board.url) for url in shown.asked} == {
        "", "static/board.css", "static/board.js", "stream"
    }  # fmt: skip


def test_a_page_follows_what_happens_without_reloading(page, board):
    shown = page()
    asked = len(shown.asked)
    learner = board.by_name["Learner 01"]
    sent = [attempt("12.1", True, 1, datetime.now(UTC)), met("12", ZeroDivisionError, datetime.now(UTC))]
    assert learner.send(sent).status_code == 200
    changed = row(shown, "Learner 01")
    changed.get_by_text("ZeroDivisionError in 12").wait_for()
    assert changed.locator("td").nth(0).text_content() == "12"
    assert len(shown.asked) == asked, "everything came through the stream"


def test_it_says_that_the_board_is_gone_and_goes_on_when_it_is_back(page, board):
    shown = page()
    board.kill()
    shown.get_by_role("alert").wait_for()
    board.start()
    shown.locator("#lost").wait_for(state="hidden")
    late = board.by_name["Learner 02"]
    late.send([met("11", LookupError, datetime.now(UTC))])
    row(shown, "Learner 02").get_by_text("LookupError in 11").wait_for()


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark", "viewport": NARROW}], ids=["wide", "narrow-dark"]
)
def test_axe_finds_nothing_wrong(page, axe, options):
    assert axe(page(**options)) == []


def test_axe_finds_nothing_wrong_with_the_other_pages(tab, board, axe):
    assert axe(tab(board.url)) == []
    assert axe(tab(board.join_url)) == []


def test_axe_would_find_something(page, axe):
    shown = page()
    shown.evaluate("document.querySelector('label').remove()")
    assert any(line.startswith("select-name") for line in axe(shown, ".tools"))


def test_at_400_pixels_only_the_table_scrolls(page):
    shown = page(viewport=NARROW)
    wide = """[...document.querySelectorAll('.aow *')].filter(e => !e.closest('.scroll, .skip, .unseen'))
      .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    assert shown.evaluate(wide) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    name = row(shown, "Learner 03").get_by_role("rowheader")
    shown.evaluate("document.getElementById('learners').scrollLeft = 400")
    assert name.bounding_box()["x"] < 40, "the name stays in sight"


def test_by_keyboard_alone(page):
    """Skip to the table, scroll it, sort, and remove nobody: the question is answered with no."""
    shown = page(viewport=NARROW)
    shown.keyboard.press("Tab")
    until(shown, "document.activeElement.className === 'skip'")
    shown.keyboard.press("Enter")
    until(shown, "document.activeElement.id === 'learners'")
    shown.keyboard.press("ArrowRight")
    until(shown, "document.getElementById('learners').scrollLeft > 0")
    shown.locator("#sort").focus()
    shown.keyboard.type("needs")
    until(shown, "document.querySelector('#rows tr th').textContent.includes('stuck')")
    asked = []
    shown.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    button = shown.get_by_role("button", name="Remove Learner 04", exact=True)
    button.focus()
    assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    shown.keyboard.press("Enter")
    assert len(asked) == 1
    assert shown.locator("#rows tr").count() == len(NAMES)


def test_what_learners_write_never_becomes_html(page):
    shown = page()
    assert row(shown, "<canary onclick=ran=1>").count() == 1
    assert shown.evaluate("document.querySelectorAll('canary, [onclick]').length") == 0
    assert shown.evaluate("window.ran === undefined")


def test_a_shared_tape_opens_as_the_courses_page_without_the_boards_origin(page):
    shown = page()
    with shown.context.expect_page() as opened:
        shown.locator("#tapes a").click()
    tape = opened.value
    tape.locator("section.turn").first.wait_for()
    assert tape.evaluate("window.origin") == "null"
    assert tape.evaluate("window.opener === null")
