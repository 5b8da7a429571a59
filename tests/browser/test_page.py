"""The page of a tape in Chromium: self-contained, readable by everybody, searched, linked to, printed."""

import json
import re
import shlex
import subprocess

import pytest

from course import view
from course.diagnose import diagnose
from course.turns import turns
from course.view import raw
from support.canaries import SHARP, hostile_turns

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

NARROW = {"width": 400, "height": 800}
SCHEMES = "light", "dark"


def opened(page) -> list[int]:
    """The numbers of the turns that are open."""
    return page.evaluate(
        "[...document.querySelectorAll('.fold[open]')].map(d => Number(d.parentElement.id.slice(5)))"
    )


def marked(page, name: str) -> list[str]:
    """The texts that are highlighted under this name."""
    return page.evaluate("name => [...(CSS.highlights.get(name) ?? [])].map(String)", name)


def focused(page, what: str):
    return page.evaluate(f"document.activeElement.{what}")


def test_it_asks_for_nothing_but_itself(tab, file, made):
    page = tab(file, offline=True)
    assert page.asked == [file.as_uri()]
    assert page.locator("section.turn").count() == len(made)
    assert opened(page) == [t.index for t in made]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_wrong(tab, file, axe, scheme):
    """With everything open that can be opened: raw bodies, tables, folded texts."""
    page = tab(file, color_scheme=scheme)
    assert axe(page) == []
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.locator(".raw pre").last.wait_for()
    assert axe(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_would_find_something(tab, file, axe, scheme):
    """The instrument works: soft text made softer is found, in both schemes."""
    page = tab(file, color_scheme=scheme)
    page.add_style_tag(content=".aow { --soft: color-mix(in srgb, var(--ink) 40%, var(--page)) !important; }")
    assert any(line.startswith("color-contrast") for line in axe(page))


def test_at_400_pixels_nothing_is_beside_the_screen(tab, file):
    page = tab(file, viewport=NARROW)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.locator(".raw pre").last.wait_for()
    wide = """[...document.querySelectorAll('.aow *')].filter(e => !e.closest('svg, .scroll, pre, .head, .skip'))
      .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_by_keyboard_alone(tab, file, made):
    """Tab to a turn, close and open it, search, go from hit to hit, clear the search."""
    page = tab(file)
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "Skip to the turns"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page, "ariaLabel") == "Link to turn 1"
    page.keyboard.press("Tab")
    assert focused(page, "localName") == "summary"
    page.keyboard.press("Enter")
    assert 1 not in opened(page)
    page.keyboard.press("Space")
    assert 1 in opened(page)
    while focused(page, "id") != "find":
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("leopard")
    page.keyboard.press("Enter")
    assert page.locator("#hits").text_content().startswith("hit 1 of ")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Enter")
    assert page.locator("#hits").text_content().startswith("hit 1 of ")
    page.keyboard.press("Escape")
    assert page.locator("#hits").text_content() == ""
    assert page.locator("section.turn:visible").count() == len(made)


def test_every_stop_of_the_keyboard_shows_where_it_is(tab, file):
    page = tab(file)
    unseen = page.evaluate(
        """() => [...document.querySelectorAll('a, button:enabled, input, summary, [tabindex]')].filter(e => {
             if (!e.checkVisibility()) return false;
             e.focus({ focusVisible: true });
             return getComputedStyle(e).outlineStyle === 'none';
           }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert unseen == []


def test_search_marks_what_it_finds_and_hides_other_turns(tab, file, made):
    """The words are the course's own prompt's, and such that are nowhere."""
    page = tab(file)
    page.fill("#find", "FINAL_answer(")
    page.locator("#hits", has_text="hit").wait_for()
    found = marked(page, "hit")
    assert found
    assert set(found) == {"final_answer("}
    said = page.locator("#hits").text_content()
    assert said.startswith(f"{len(found)} hit")
    assert f"in {page.locator('section.turn:visible').count()} of {len(made)} turns" in said
    page.fill("#find", "no agent says this")
    page.locator("#hits", has_text=re.compile("^0 hits")).wait_for()
    assert page.locator("section.turn:visible").count() == 0
    assert page.locator("#next").is_disabled()


def test_every_hit_comes_into_sight(tab, file):
    """The one that is gone to is unfolded, marked, and on the screen: also in a text of many screens."""
    page = tab(file)
    page.fill("#find", "leopard")
    page.locator("#hits", has_text="hit").wait_for()
    here = "[...CSS.highlights.get('here')][0].getBoundingClientRect().toJSON()"
    for _ in range(min(40, len(marked(page, "hit")))):
        page.keyboard.press("Enter")
        box = page.evaluate(here)
        assert box["height"] > 0, page.locator("#hits").text_content()
        assert 0 < box["top"] < page.viewport_size["height"], page.locator("#hits").text_content()
    assert {word.lower() for word in marked(page, "here")} == {"leopard"}


def test_a_link_opens_its_turn(tab, file, made):
    page = tab(file)
    page.click("#close")
    assert opened(page) == []
    page.click(f'nav a[href="#turn-{made[-1].index}"]')
    page.locator(".fold[open]").first.wait_for()
    assert opened(page) == [made[-1].index]
    assert page.locator(f"#turn-{made[-1].index} h2").is_visible()


def test_a_link_to_the_proof_opens_where_it_is_and_marks_it(tab, file, made):
    """In the rendered turn, or else in the raw body, which is unpacked for it."""
    page = tab(file)
    refused = page.locator(f"#turn-{made[-1].index} a.proof[data-in]")
    assert refused.count()
    for link in refused.all():
        page.evaluate("CSS.highlights.delete('here')")
        link.click()
        (seen,) = marked(page, "here")
        assert link.get_attribute("data-quote") in seen.replace('\\"', '"')
        assert page.evaluate("location.hash") == f"#turn-{made[-1].index}"


def test_copy_gives_the_body_as_it_went(tab, file, made):
    page = tab(file, permissions=["clipboard-read", "clipboard-write"])
    turn, pasted = made[0], "navigator.clipboard.readText()"
    section = page.locator("#turn-1")
    for what, text in (
        ("Raw request", turn.exchange.raw_request),
        ("Raw response", turn.exchange.raw_response),
    ):
        part = section.locator("details", has=page.locator("summary", has_text=what)).last
        part.locator("summary").click()
        part.get_by_role("button", name="Copy", exact=True).click()
        part.get_by_text("Copied").wait_for()
        assert page.evaluate(pasted) == text


def test_copy_as_curl_is_a_command_that_the_server_answers(tab, file, made, server):
    """The last request of the tape, which is refused, sent again by the shell: the same refusal."""
    page = tab(file, permissions=["clipboard-read", "clipboard-write"])
    section = page.locator(f"#turn-{made[-1].index}")
    section.locator("summary", has_text="Raw request").click()
    section.get_by_role("button", name="Copy as curl").click()
    section.get_by_text("Copied").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command == raw.curl(made[-1].exchange)
    key = f"API_KEY={shlex.quote(server.api_key or 'none')}"
    done = subprocess.run(
        ["sh", "-c", f"{key}\n{command}"], capture_output=True, text=True, timeout=280, check=True
    )
    assert json.loads(done.stdout) == json.loads(made[-1].exchange.raw_response)


def test_print_shows_every_text(tab, file):
    """While Chromium prints, nothing is folded but the raw bodies; afterwards it is as before. Controls stay away."""
    page = tab(file)
    page.click("#close")
    page.evaluate(
        """() => addEventListener('beforeprint', () => { window.printed = {
             folded: [...document.querySelectorAll('details:not([open])')].filter(d => !d.closest('.raw')).length,
             texts: document.querySelectorAll('main pre').length }; })"""
    )
    page.pdf()
    assert page.evaluate("printed.folded") == 0
    assert page.evaluate("printed.texts") > 0
    assert opened(page) == []
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    unseen = "[...document.querySelectorAll('main pre')].filter(e => !e.checkVisibility({contentVisibilityAuto: true}))"
    assert page.evaluate(f"{unseen}.map(e => e.textContent.slice(0, 60))") == []
    shown = [what for what in ("form.tools", "nav", ".self", ".raw") if page.locator(what).first.is_visible()]
    assert shown == []


def test_without_a_script_every_text_can_be_read(tab, file, made):
    page = tab(file, java_script_enabled=False)
    assert page.locator("section.turn").count() == len(made)
    assert page.locator("form.tools").is_hidden()
    assert page.locator("main h3:visible").count() == 2 * len(made), "both columns of each turn"


def test_no_exchange_is_a_page_too(tab, tmp_path, axe):
    (tmp_path / "none.html").write_text(view.page(turns([])), encoding="utf-8")
    page = tab(tmp_path / "none.html")
    assert page.get_by_text("no exchanges").is_visible()
    assert axe(page) == []


@pytest.mark.attack(
    "text", "canaries in every text of a tape: opened, searched, printed, linked to, as a title", "none runs"
)
def test_no_text_of_a_tape_runs(tab, tmp_path):
    made, _ = hostile_turns()
    path = tmp_path / "hostile.html"
    path.write_text(view.page(made, f"{SHARP}<canary>", diagnose(made)), encoding="utf-8")
    page = tab(path, permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.locator(".raw pre").last.wait_for()
    page.fill("#find", "canary")
    page.locator("#hits", has_text=re.compile(r"\d")).wait_for()
    page.evaluate("['beforeprint', 'afterprint'].forEach(name => dispatchEvent(new Event(name)))")
    page.evaluate("document.querySelectorAll('a[href^=\"#\"]').forEach(a => a.click())")
    page.get_by_role("button", name="Copy as curl").first.click()
    assert page.evaluate("document.querySelectorAll('canary, [canary]').length") == 0
    assert page.evaluate("document.body.textContent.includes('<canary')")
    assert page.evaluate("window.ran === undefined")
    assert page.asked == [path.as_uri()]
