"""The drawn pictures: readable on any page, complete in themselves, and described in words."""

import re
import xml.etree.ElementTree as ET

import pytest

from authoring import drawing, drawings
from course import ROOT

SVG = "{http://www.w3.org/2000/svg}"
IMAGE = re.compile(r"!\[([^\]]*)\]\(\.\./docs/pictures/([\w-]+\.svg)\)")
drawn = pytest.mark.parametrize("name", drawings.PICTURES)


@pytest.fixture
def root(name):
    return ET.fromstring(drawings.PICTURES[name]())


@drawn
def test_a_picture_loads_nothing_and_runs_nothing(root):
    """What GitHub and JupyterLab show as an image has no network, no script and no foreign elements."""
    used = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert used <= {"svg", "title", "style", "defs", "marker", "rect", "path", "text"}, used
    style = root.findtext(f"{SVG}style")
    assert "url(" not in style
    assert "@import" not in style
    assert [a for e in root.iter() for a in e.attrib if a.endswith("href") or a.startswith("on")] == []


@drawn
def test_a_picture_has_a_panel_of_its_own_and_a_description(root):
    """So it is readable on a white page and on a dark one, whatever the page's own theme is."""
    panel = root.find(f"{SVG}rect")
    assert panel.get("class") == "paper"
    assert float(panel.get("width")) == int(root.get("width")) - 1
    assert len(root.findtext(f"{SVG}title")) > 40


@drawn
def test_two_drawings_are_the_same_bytes(name):
    assert drawings.PICTURES[name]() == drawings.PICTURES[name]()


@pytest.mark.parametrize("palette", [drawing.LIGHT, drawing.DARK], ids=["light", "dark"])
def test_text_has_enough_contrast_on_every_ground(palette):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1. Colored text stands on its own tint or on the paper."""
    pairs = [(text, ground) for text in ("ink", "soft") for ground in ("paper", "plain")]
    pairs += [("ink", f"{kind}-tint") for kind in ("wire", "step", "mark", "bad")] + [("ink", "held")]
    pairs += [
        (kind, ground) for kind in ("wire", "step", "mark", "bad") for ground in ("paper", f"{kind}-tint")
    ]
    pairs += [("mark", "plain"), ("wire", "plain")]
    low = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 1) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


def contrast(one, other):
    """The ratio of two colors' relative luminance (WCAG 2.2)."""

    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_that_does_not_fit_is_an_error():
    picture = drawing.Picture(200, 100, "A box that is too narrow for its text")
    with pytest.raises(ValueError, match="the box has"):
        picture.box(0, 0, 60, 40, "plain", "much too long for this")
    with pytest.raises(ValueError, match="the picture 200 wide"):
        picture.text(150, 40, "leaves the picture")


def test_lessons_describe_the_pictures_that_they_show():
    for source in sorted((ROOT / "notebooks" / "source").glob("*.py")):
        text = source.read_text(encoding="utf-8")
        shown = IMAGE.findall(text)
        assert text.count("docs/pictures/") == len(shown), (
            f"{source.stem}: expected ![words](../docs/pictures/…)"
        )
        for words, name in shown:
            assert f"docs/pictures/{name}" in drawings.PICTURES, f"{source.stem}: {name}"
            assert len(words) > 40, f"{source.stem}: {name} is not described"
