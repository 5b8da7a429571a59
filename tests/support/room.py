"""What a learner does in the browser, and what a program does in a learner's kernel.

sign_in(page, hub, "ada", password, code); opened(page); solve(page)
run(account, "print(1)")          # over JupyterHub and the kernel's web socket, as JupyterLab does
"""

import json
import time
import uuid

import websocket

from bench.workshop.kernel import request

NAMES = ("ada", "ben", "cleo")
PASSWORD = "correct horse {}"
IDLE = """() => { const at = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return at?.isReady && at.session?.kernel?.status === 'idle' && !at.hasNoKernel; }"""
CELLS = "window.jupyterapp.shell.currentWidget.content.widgets"
RUN = """async ([begins, source]) => {
  const app = window.jupyterapp, book = app.shell.currentWidget.content;
  const at = book.widgets.findIndex(c => c.model.type === 'code' && c.model.sharedModel.source.includes(begins));
  if (at < 0) return 'no cell has ' + begins;
  const cell = book.widgets[at];
  if (source !== null) cell.model.sharedModel.setSource(source);
  book.activeCellIndex = at; book.deselectAll();
  await app.commands.execute('notebook:run-cell');
  return cell.model.outputs.toJSON().map(o => o.text ?? o.evalue ?? JSON.stringify(o.data)).join('');
}"""
SOLUTION = """def requests_left(sizes, room):
    longer = sizes[-1] - sizes[-2]
    return (room - 1 - sizes[-1]) // longer
"""


def sign_in(page, url, name, password, code):
    """Fill in the login form and send it."""
    page.goto(url)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Room code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def opened(page):
    """Wait until JupyterLab shows a notebook whose kernel is idle."""
    page.wait_for_url("**/lab/tree/**")
    page.wait_for_function(IDLE)


def cell(page, begins, source=None):
    """Run the code cell that has `begins` in it, with another source if given; returns its output as text."""
    return page.evaluate(RUN, [begins, source])


def solve(page):
    """Exercise 00.2: imports, the learner's function, the check; save. Returns what the check said."""
    cell(page, "from course import ROOT, check")
    cell(page, "def requests_left", SOLUTION)
    said = cell(page, "def made_up(random)")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    return said


def sources(page):
    """The text of all cells, as the browser shows them."""
    return page.evaluate(f"{CELLS}.map(c => c.model.sharedModel.source).join('\\n')")


def run(account, code, seconds=240, kernel=None):
    """The text that this code prints in a kernel of the learner's, with "died" or "silent" at its end if that happened."""
    if kernel is None:
        with account.client() as client:
            own = client.post("api/kernels", json={"name": "python3"}).json()["id"]
            said = run(account, code, seconds, own)
            client.delete(f"api/kernels/{own}")  # it may be gone already
        return said
    address = account.url.replace("http", "ws", 1) + f"api/kernels/{kernel}/channels"
    channel = websocket.create_connection(
        address, header=[f"Authorization: token {account.token}"], timeout=seconds
    )
    try:
        return _answer(channel, code, time.monotonic() + seconds)
    finally:
        channel.close()


def _answer(channel, code, until):
    number, text = uuid.uuid4().hex, ""
    channel.send(json.dumps(request(number, code)))
    left = {
        "execute_reply",
        "idle",
    }  # they come on two channels, in any order; all output comes before "idle"
    while left and time.monotonic() < until:
        try:
            said = json.loads(channel.recv())
        except websocket.WebSocketTimeoutException:
            return f"{text}silent"
        except (websocket.WebSocketException, ConnectionError):
            return f"{text}died"
        kind, content = said["msg_type"], said["content"]
        state = content["execution_state"] if kind == "status" else ""
        if state in ("restarting", "dead", "autorestarting"):
            return f"{text}died"
        if said["parent_header"].get("msg_id") != number:
            continue
        left -= {kind, state}
        if kind == "stream":
            text += content["text"]
        elif kind == "error":
            text += f"{content['ename']}: {content['evalue']}"
    return f"{text}silent" if left else text
