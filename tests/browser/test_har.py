"""An exported tape in Chromium's own developer tools: their page, opened in a tab, imports the file by its button."""

import json

import pytest

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

TOOLS = "devtools://devtools/bundled/devtools_app.html"
ROW = "tr.data-grid-data-grid-node"


@pytest.fixture
def har(recorded, tmp_path):
    path = tmp_path / "run.har"
    recorded.export(path)
    return path


@pytest.fixture
def panel(tab, har):
    """The network panel with the file in it."""
    page = tab(TOOLS)
    page.get_by_role("tab", name="Network").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import HAR file").click()
    chooser.value.set_files(har)
    page.locator(ROW).first.wait_for()
    return page


def test_the_developer_tools_list_each_exchange_with_its_status(panel, har):
    entries = json.loads(har.read_text())["log"]["entries"]
    listed = [row.inner_text().split("\t")[1].split()[0] for row in panel.locator(ROW).all()]
    assert listed == [str(e["response"]["status"]) for e in entries]


def test_the_developer_tools_show_what_was_asked_and_answered(panel, har):
    entry = json.loads(har.read_text())["log"]["entries"][0]
    panel.locator(ROW).first.locator("td").first.click()
    panel.get_by_role("tab", name="Payload").click()
    panel.get_by_text("messages:").first.wait_for()
    panel.get_by_role("tab", name="Response").click()
    panel.get_by_text(json.loads(entry["response"]["content"]["text"])["id"]).first.wait_for()
