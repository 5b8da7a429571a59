"""The report of `course run` in a real browser: light, dark and on a phone."""

import pytest

from course.run import page
from support.runs import every_kind

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

WAYS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 800}},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.html(every_kind(path.parent), path.parent), encoding="utf-8")
    return path


@pytest.mark.parametrize("way", WAYS)
def test_the_report_reads_well_everywhere(report, tab, axe, way):
    """No fault that axe knows, nothing wider than the window, and nothing fetched."""
    opened = tab(report, **WAYS[way])
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert axe(opened) == []
    wide, window = opened.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{wide} pixels in a window of {window}"
    assert opened.asked == [report.as_uri()]


def test_a_name_in_the_table_leads_to_its_notebook(report, tab):
    opened = tab(report)
    opened.get_by_role("link", name="d.ipynb").click()
    assert opened.url.endswith("#job-4")
    assert opened.locator(":target h2").inner_text().startswith("! error d.ipynb")
