"""Web pages in a real browser against what listens on this computer: another site's page reads and sends nothing.

The name evil.example leads to this computer, as a name does whose owner points it here (DNS rebinding).
"""

from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler

import pytest

from course.tap import Tap
from course.tape import Tape
from support import skips
from support.upstream import Handler, serving

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

TRIES = """async url => {
  const said = {};
  const tried = async (name, more) => {
    try {
      const answer = await fetch(url, {...more, signal: AbortSignal.timeout(60000)});
      said[name] = answer.type === "opaque" ? "opaque" : `${answer.status} ${await answer.text()}`;
    } catch (error) { said[name] = error.name; }
  };
  await tried("GET", {});
  await tried("GET unread", {mode: "no-cors"});
  await tried("POST as a form may", {method: "POST", mode: "no-cors", body: "{}", headers: {"Content-Type": "text/plain"}});
  await tried("POST of JSON", {method: "POST", body: "{}", headers: {"Content-Type": "application/json"}});
  await new Promise(done => { const image = new Image(); image.onload = image.onerror = done; image.src = url; });
  return said;
}"""
"""What a page can try by itself; what it could read, or why not."""


class Page(BaseHTTPRequestHandler):
    """An empty page, whatever the host is called."""

    def do_GET(self):
        body = b"<!doctype html><title>page</title>"
        self.send_response(200)
        for name, value in (("Content-Type", "text/html"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    with serving(Page) as server:
        yield server.server_port


@pytest.fixture
def tapped(tmp_path):
    with ExitStack() as stack:
        upstream = stack.enter_context(serving(Handler))
        tape = Tape(tmp_path / "t.tape.jsonl")
        yield stack.enter_context(Tap(upstream.url, tape)), upstream, tape


@pytest.mark.attack(
    "tap", "in Chromium: a page of evil.example fetches, posts, and loads images from the tap",
    "it reads nothing; nothing reaches the server or the tape",
)  # fmt: skip
def test_a_page_of_another_site_gets_nothing_through_the_tap(tab, site, tapped):
    tap, upstream, tape = tapped
    said = tab(f"http://evil.example:{site}/").evaluate(TRIES, f"{tap.url}/echo")
    assert {name: one for name, one in said.items() if one not in ("TypeError", "opaque")} == {}
    assert (upstream.seen, tape.entries) == ([], [])


@pytest.mark.attack(
    "tap", "in Chromium: evil.example is pointed at this computer, and its page asks the tap's own port",
    "403; nothing reaches the server or the tape",
)  # fmt: skip
def test_a_name_that_was_pointed_here_gets_nothing_through_the_tap(tab, tapped):
    tap, upstream, tape = tapped
    page = tab(f"http://evil.example:{tap.port}/echo")
    assert "use localhost or 127.0.0.1 as the host name" in page.content()
    said = page.evaluate(TRIES, f"http://evil.example:{tap.port}/echo")
    assert all("403" in one for name, one in said.items() if "unread" not in name and "form" not in name), (
        said
    )
    assert (upstream.seen, tape.entries) == ([], [])


@pytest.mark.attack("tap", "in Chromium: a page of this computer asks the tap", "it passes")
def test_a_page_of_this_computer_passes(tab, site, tapped):
    tap, upstream, tape = tapped
    tab(f"http://localhost:{site}/").evaluate(TRIES, f"{tap.url}/echo")
    upstream.arrived(3)
    assert {entry["request"]["method"] for entry in tape.entries} >= {"GET", "POST"}


@pytest.mark.attack(
    "server", "in Chromium: a page of evil.example reads from the llama-server that the course starts",
    "it reads nothing; a page of this computer does",
)  # fmt: skip
def test_a_page_of_another_site_reads_nothing_from_llama_server(tab, site, server):
    if server.attached:
        pytest.skip(f"{skips.NOT_APPLICABLE}the course did not start this server")
    foreign = tab(f"http://evil.example:{site}/").evaluate(TRIES, f"{server.url}/health")
    assert {name: one for name, one in foreign.items() if one not in ("TypeError", "opaque")} == {}
    own = tab(f"http://localhost:{site}/").evaluate(TRIES, f"{server.url}/health")
    assert own["GET"].startswith("200"), own
