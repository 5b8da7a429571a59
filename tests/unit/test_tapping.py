"""`course tap` as a program: what it prints, what the command gets, and what is left when it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from course import ROOT
from course.tap import Tap
from course.tap.command import environment, summary
from course.tape import Tape
from support import signals

PATIENCE = 120  # seconds for what takes one on an idle machine
posix = pytest.mark.skipif(os.name != "posix", reason="process groups and terminals are those of POSIX")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(b'{"object": "list", "data": []}')

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def upstream():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def start(upstream, tmp_path):
    """Start `course tap` with these arguments, in an empty directory and a session of its own."""
    started = []

    def start(*arguments, **kw):
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "course.cli", "tap", "--upstream", upstream, *arguments],
                **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | kw,
                cwd=tmp_path,
                text=True,
                env={**os.environ, "PYTHONPATH": path, "COURSE_CACHE": str(tmp_path)},
                start_new_session=True,
                preexec_fn=signals.interruptible,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:  # a test that failed
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
        process.communicate()


def ended(process):
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def gone(pid, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


ASK = """
import os, sys, urllib.error, urllib.request
for path in sys.argv[1:]:
    try:
        print(urllib.request.urlopen(os.environ["OPENAI_BASE_URL"].removesuffix("/v1") + path).read().decode())
    except urllib.error.HTTPError as e:
        print(e.code)
sys.exit(7)
"""


def test_a_command_asks_through_the_tap_and_its_status_is_passed_on(start):
    status, out, err = ended(start("--", sys.executable, "-c", ASK, "/v1/models", "/none"))
    assert status == 7, err
    assert out == '{"object": "list", "data": []}\n404\n', "standard output is the command's"
    (tape,) = Path(err.split("recording to ")[1].split("\n")[0]).parts[-1:]
    assert f"tapes/{tape}: 2 turns: 1 × HTTP 200, 1 × HTTP 404" in err
    assert f"course view tapes/{tape}" in err


def test_options_of_the_command_are_the_commands(start):
    status, out, _ = ended(
        start("--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--port", "--help")
    )
    assert (status, out) == (0, "['--port', '--help']\n")


def test_the_variables_that_clients_read_are_set(tmp_path):
    tap = Tap("http://box:8080", Tape(tmp_path / "t"), port=4711)
    set_ = environment(tap, {"OPENAI_BASE_URL": "http://elsewhere", "NO_PROXY": "corp", "HOME": "/"})
    assert {k: v for k, v in set_.items() if "4711" in v} == {
        "OPENAI_BASE_URL": "http://127.0.0.1:4711/v1",
        "OPENAI_API_BASE": "http://127.0.0.1:4711/v1",
        "LITELLM_PROXY_API_BASE": "http://127.0.0.1:4711/v1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:4711",
        "ANTHROPIC_API_BASE": "http://127.0.0.1:4711",
    }
    assert set_["NO_PROXY"] == "corp,127.0.0.1,localhost,::1"
    assert (set_["OPENAI_API_KEY"], set_["HOME"]) == ("none", "/")
    assert environment(tap, {"OPENAI_API_KEY": "mine"})["OPENAI_API_KEY"] == "mine"


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("http://box:8080", "K"),
        ("http://ada:pw@box:8080/v1", "K"),
        ("http://box:8081", "none"),
        ("http://other:8080", "none"),
        ("unix:///run/model.sock", "none"),
        ("", "none"),
    ],
)
def test_the_key_goes_only_to_the_server_that_it_belongs_to(tmp_path, server, key):
    tap = Tap("http://box:8080", Tape(tmp_path / "t"), port=4711)
    assert environment(tap, {"SERVER": server, "KEY": "K"})["OPENAI_API_KEY"] == key


def test_the_summary_counts_statuses_and_what_broke_off(tmp_path):
    tape = Tape(tmp_path / "t")
    assert "nothing was recorded" in summary(tape)
    for status, error in [(200, None), (200, None), (200, "cut"), (502, None), (0, "ConnectError")]:
        request = {"method": "POST", "url": "http://x/v1/chat/completions"}
        tape.add({"_type": "entry", "request": request, "response": {"status": status}, "_error": error})
    assert "5 turns: 1 × no response, 3 × HTTP 200, 1 × HTTP 502, 1 incomplete\n" in summary(tape)
    assert "1 turn: 1 × no response\n" in summary(tape, before=4), (
        "what was on the tape before is not counted"
    )


def test_a_missing_command_is_named(start):
    status, _, err = ended(start("--", "no-such-command", "-x"))
    assert status == 1
    assert "'no-such-command'" in err
    assert "Traceback" not in err


@pytest.mark.attack("tap", "--host 0.0.0.0", "a warning that others can use the server")
def test_a_host_that_others_reach_is_warned_about(start):
    status, _, err = ended(start("--host", "0.0.0.0", "--", sys.executable, "-c", ""))
    assert status == 0
    assert "warning: everyone who can reach 0.0.0.0" in err
    _, _, err = ended(start("--", sys.executable, "-c", ""))
    assert "warning" not in err


@pytest.mark.attack(
    "server", "Ctrl-C, SIGTERM and SIGHUP to `course tap`", "it ends at once, and says what it recorded"
)
@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_without_a_command_it_runs_until_a_signal(start, number):
    process = start()
    lines = [process.stderr.readline() for _ in range(4)]
    address = lines[0].split()[3].removesuffix("/v1")
    command = [sys.executable, "-c", ASK, "/v1/models"]
    subprocess.run(command, env={**os.environ, "OPENAI_BASE_URL": address}, check=False, capture_output=True)
    assert process.stderr.readline().startswith("GET /v1/models  200  ")
    process.send_signal(number)
    status, _, err = ended(process)
    assert status == 0
    assert "1 turn: 1 × HTTP 200" in err


@posix
def test_a_command_that_is_killed_leaves_nothing_behind(start):
    """Its child would go on: it belongs to the same group, and is ended."""
    status, out, err = ended(start("--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!; kill -9 $$"))
    assert status == 128 + signal.SIGKILL
    assert gone(int(out))
    assert "nothing was recorded" in err, "the tap comes to its end as always"


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_tap_is_one_to_the_command(start, number):
    script = "trap 'exit 3' INT TERM HUP; sleep 1000 >/dev/null 2>&1 & echo $!; wait"
    process = start("--", "sh", "-c", script)
    child = int(process.stdout.readline())
    process.send_signal(number)
    status, _, err = ended(process)
    assert status == 3, err
    assert gone(child)


@posix
def test_the_third_ctrl_c_kills_a_command_that_ignores_it(start):
    process = start("--", "sh", "-c", "trap '' INT; echo $$; while :; do sleep 0.05; done")
    command = int(process.stdout.readline())
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert not gone(command, 0.1)
    for _ in range(12):  # two signals are one if the second comes before the first was looked at
        process.send_signal(signal.SIGINT)
        if gone(command, PATIENCE / 12):
            break
    status, _, _ = ended(process)
    assert status == 128 + signal.SIGKILL
    assert gone(command)


TERMINAL = """
import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.executable, [sys.executable, "-m", "course.cli", *sys.argv[1:]])
said, told = b"", False
while True:
    try:
        said += os.read(terminal, 1000)
    except OSError:
        break
    if b"ready" in said and not told:
        told = True
        os.write(terminal, b"\\x03")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode(), sep="\\n")
"""


@posix
def test_ctrl_c_at_a_terminal_reaches_the_command_once(upstream, tmp_path):
    """And the tap says what it recorded, as it would have without."""
    counts = (
        "import signal, time; seen = []; signal.signal(signal.SIGINT, lambda *_: seen.append(1)); "
        "print('ready', flush=True)\nwhile not seen: time.sleep(0.05)\n"
        "time.sleep(1); print('seen', len(seen)); raise SystemExit(4)"
    )
    arguments = [
        "tap",
        "--upstream",
        upstream,
        "--tape",
        str(tmp_path / "t"),
        "--",
        sys.executable,
        "-c",
        counts,
    ]
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    status, said = done.stdout.split("\n", 1)
    assert status == "4", done.stdout + done.stderr
    assert "seen 1" in said
    assert "nothing was recorded" in said
