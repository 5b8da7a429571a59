"""The slides of every lesson in Chromium, from a file: each fits, is readable in both schemes, has notes, goes by keys."""

import re

import pytest

import bootstrap
from authoring import lessons, slides
from support import skips

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

SCREEN = {"width": 1280, "height": 720}
SOURCES = lessons.sources()
OVERFLOWING = """() => Array.from({ length: Reveal.getTotalSlides() }, (_, number) => {
  Reveal.slide(number);
  const slide = Reveal.getCurrentSlide(), problems = [];
  const shown = [...slide.querySelectorAll(':scope *:not(aside, aside *)')].filter(e => e.getClientRects().length);
  for (const e of shown) {
    const box = e.getBoundingClientRect();
    if (box.bottom > innerHeight - 8 || box.right > innerWidth + 1 || box.left < 0 || box.top < 0) problems.push(e.tagName);
    const wide = getComputedStyle(e).display !== 'inline' && e.clientWidth && e.scrollWidth > e.clientWidth + 1;
    if (wide) problems.push(`cut ${e.tagName}`);
  }
  if (!shown.length) problems.push('nothing on it');
  if (!slide.querySelector('aside.notes')?.textContent.trim()) problems.push('no notes');
  return problems.length ? `slide ${number + 1}, ${slide.textContent.trim().slice(0, 40)}: ${problems}` : '';
}).filter(Boolean)"""


ALONE = ".reveal :is(.backgrounds, .progress, .controls, .slide-number, .pause-overlay) { display: none !important; }"
"""Nothing over or under the slide: axe does not judge a text that something overlaps."""
ONE_OF_A_KIND = """() => {
  const seen = new Set();
  for (const slide of [...document.querySelectorAll('.slides > section')])
    seen.has(slide.classList[0]) ? slide.remove() : seen.add(slide.classList[0]);
  Reveal.sync();
  return [...seen];
}"""
CONTRAST = """async number => {
  Reveal.slide(number);
  const rules = { runOnly: ['color-contrast', 'image-alt'] };
  const { violations, incomplete } = await axe.run('.slides > .present', rules);
  const told = node => `${node.html}: ${node.any[0]?.message}`;
  return [...violations, ...incomplete].flatMap(rule => rule.nodes.map(told));
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    if not bootstrap.NODE_SLIDES.stamp.exists():
        skips.missing("reveal.js", "python3 bootstrap.py slides")
    folder = tmp_path_factory.mktemp("slides")
    slides.write(folder)
    return folder


@pytest.fixture
def opened(tab, decks):
    """`opened("05_wire_and_steps")` shows that deck; nothing may be asked for but the file."""

    def at(stem, **options):
        page = tab(decks / f"{stem}.html", **{"viewport": SCREEN, "offline": True, **options})
        page.wait_for_function("Reveal.isReady()")
        return page

    return at


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_slide_fits_and_has_notes(opened, decks, source):
    page = opened(source.stem)
    assert page.evaluate("Reveal.getTotalSlides()") >= 10
    assert page.evaluate(OVERFLOWING) == []
    assert page.asked == [(decks / f"{source.stem}.html").as_uri()]


def test_a_slide_that_is_too_full_would_be_found(opened):
    page = opened(SOURCES[0].stem)
    page.add_style_tag(content=".reveal { font-size: 60px !important; }")
    assert page.evaluate(OVERFLOWING)


@pytest.fixture
def faint(opened, axe):
    """`faint("06_break_jinja", "dark", css)`: the kinds of slides in this deck, and what axe says against their colors."""

    def found(stem, scheme, style=""):
        page = opened(stem, color_scheme=scheme)
        page.add_style_tag(content=ALONE + style)
        kinds = page.evaluate(ONE_OF_A_KIND)
        axe(page, "title")  # loads it
        return set(kinds), [line for number in range(len(kinds)) for line in page.evaluate(CONTRAST, number)]

    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_slide_has_enough_contrast(faint, scheme):
    kinds, wrong = faint("06_break_jinja", scheme)
    assert {"title", "ask", "told", "exercise", "table", "quiz", "picture"} <= kinds
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_would_find_faint_text(faint, scheme):
    """The instrument works on slides, which reveal.js scales and moves."""
    faded = ".reveal p { color: color-mix(in srgb, var(--ink) 30%, var(--paper)) !important; }"
    assert faint("06_break_jinja", scheme, faded)[1]


def test_the_keys_go_on_and_switch_the_scheme(opened):
    page = opened("00_welcome", color_scheme="light")
    back = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == 1
    page.keyboard.press("d")
    assert page.evaluate(back) != light
    page.keyboard.press("d")
    assert page.evaluate(back) == light


def test_the_speakers_window_shows_the_notes_and_follows(opened):
    page = opened("05_wire_and_steps", offline=False)
    with page.expect_popup() as waiting:
        page.keyboard.press("s")
    speaker = waiting.value
    speaker.set_default_timeout(150_000)
    speaker.wait_for_function(
        "document.querySelector('.speaker-controls-notes:not(.hidden) .value')?.textContent.trim()"
    )
    first = speaker.locator(".speaker-controls-notes .value").text_content()
    page.bring_to_front()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    speaker.wait_for_function(
        "before => document.querySelector('.speaker-controls-notes .value').textContent !== before", arg=first
    )


def test_no_deck_shows_a_solution(decks):
    """The first long line of each exercise's solution is neither on a slide nor in its notes."""
    import nbformat

    from course.run.notebook import tags

    shown = []
    for source in SOURCES:
        deck = (decks / f"{source.stem}.html").read_text(encoding="utf-8")
        for cell in nbformat.read(lessons.notebooks(source)["solutions"], as_version=4).cells:
            if "solution" in tags(cell):
                lines = [
                    slides.html.escape(line.strip()) for line in cell.source.splitlines() if len(line) > 60
                ]
                shown += [f"{source.stem}: {line}" for line in lines[:1] if line in deck]
    assert shown == []


def test_the_hand_out_is_one_printed_page(tab, decks):
    page = tab(decks / "handout.html", offline=True)
    printed = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert pages == 1, f"{pages} pages"
