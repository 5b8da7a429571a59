# %% [markdown]
# # 01 · Start llama-server
#
# *Connection refused. Forty seconds for an answer that took four yesterday. Nonsense where there was sense.* When
# an agent misbehaves, look first at the program that runs its model: is it up, how was it started, what does it
# say about itself? In this course that program is llama-server.
#
# **After this lesson you can**
#
# - start a llama-server in a terminal, question it with `curl`, and stop it,
# - tell from outside what state a server is in,
# - read its log, and find the line in it that says why a server did not start,
# - say which of its flags matter to an agent.
#
# **Minutes:** 45 · **Needs:** [lesson 00](00_welcome.ipynb)

# %% [markdown]
# The next cell is in every lesson. This one does not use it, because you start the server yourself. (Folded cells hold
# helpers and checks. You need not read them.)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
# %% tags=["folded"]
# What only the helpers and the checks need.
import atexit
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

from course import check, progress
from course.check.answers import compare
from course.errors import CourseError
from course.model import embedded, engine
from course.server.connection import Connection
from course.server.registry import is_free, is_llama_server, next_free


def your_port(first=8123):
    """The port of your server if it runs (you will call it `mine`), else the next one that is free."""
    for port in range(first, first + 10):
        url = f"http://127.0.0.1:{port}"
        with suppress(CourseError, LookupError):
            if (
                not is_free(port)
                and is_llama_server(url)
                and Connection(url).models()["data"][0]["id"] == "mine"
            ):
                return port
    return next_free(first)


# %% tags=["folded"]
class Started:
    """A server's command, run from here until it is ready or has ended. Keeps its log, and what /health said."""

    def __init__(self, command, seconds=90):
        words = [str(word) for word in command]
        self.port = words[words.index("--port") + 1] if "--port" in words[:-1] else "8080"
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = Path(tempfile.mkdtemp()) / "server.log"
        self.client = httpx.Client(base_url=self.url, timeout=5, trust_env=False, verify=False)
        self.health, begun = [], time.monotonic()
        ours = self.port.isdigit() and is_free(int(self.port))  # otherwise somebody else answers there
        with self.file.open("w") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        atexit.register(self.stop)
        while self.process.poll() is None and time.monotonic() - begun < seconds and not self.ready:
            when, said = time.monotonic() - begun, self.asked() if ours else "…"
            if not self.health or self.health[-1][1] != said:
                self.health.append((when, said))
            time.sleep(0.02)

    @property
    def ready(self):
        return self.process.poll() is None and bool(self.health) and self.health[-1][1].startswith("200")

    def asked(self):
        try:
            answer = self.client.get("/health")
        except httpx.HTTPError as error:
            return "refused" if isinstance(error, httpx.ConnectError) else type(error).__name__
        return f"{answer.status_code} {answer.text}"

    def log(self, last=1000):
        return "\n".join(self.file.read_text(errors="replace").splitlines()[-last:])

    def stop(self):
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(10)
        self.process.kill()
        return self.process.wait()


# %% [markdown]
# ## What does it take to run a model?
#
# A program and a file. The program is llama-server. The file holds the model's [weights][weights], the numbers that
# it has learned, in the format [GGUF][gguf]. This cell prints the command that puts the two together on your
# machine:
#
# [weights]: ../docs/glossary.md#weights
# [gguf]: ../docs/glossary.md#gguf

# %%
port = your_port()
yours = Connection(f"http://127.0.0.1:{port}")
command = [*engine.find().command, "-m", str(embedded.gguf_path()), "--alias", "mine"]
command += ["-c", "1000", "-np", "1", "--port", str(port)]
print(shlex.join(command))

# %% [markdown]
# It begins with the program: `llama-server` if you have installed it, otherwise `python -m course.model.wheel`, which
# is the same server, installed with the course as a Python package. Then five flags:
#
# - `-m`: the model file,
# - `--alias`: the name under which it is served,
# - `-c`: how many [tokens][token] fit, prompt and answer together (the [context window][window]),
# - `-np`: how many requests it works on at the same time, each in a [slot](../docs/glossary.md#slot) of its own,
# - `--port`: where it listens. The address is `127.0.0.1`, the [loopback][loopback]: this machine only.
#
# [token]: ../docs/glossary.md#token
# [window]: ../docs/glossary.md#context-window
# [loopback]: ../docs/glossary.md#loopback

# %% [markdown]
# Always name the port. Without `--port` it is 8080 today, and llama.cpp has announced that this default will change
# ([pull request 26508](https://github.com/ggml-org/llama.cpp/pull/26508)).
#
# **Predict:** the command asks for 1,000 tokens. Will you get `fewer` (the server keeps some for itself), `exactly`
# 1,000, or `more` (it rounds up)?

# %%
guess = ...

# %% [markdown]
# ## Start one yourself
#
# From here on, three places talk to each other:
#
# | place | what runs there |
# |---|---|
# | terminal 1 | your server |
# | terminal 2 | `curl`, which asks it |
# | this notebook | Python, which asks it, too, and later runs copies of it on other ports |

# %% [markdown]
# 1. Open a terminal: in JupyterLab File → New → Terminal, otherwise any terminal on this machine.
# 2. Paste the command (the output of the cell above, not its code) and press Enter.
# 3. Wait until it says `listening on http://…`. The command does not return: this terminal now belongs to the
#    server.
# 4. Open a second terminal for questions. These are the first three:

# %%
for path in ("/health", "/v1/models", "/props"):
    print(f"curl -s {yours.url}{path}; echo")

# %% [markdown]
# ### Exercise 01.1 · ★☆☆ · 12 minutes · in your own terminal
#
# Start it, ask for `/props`, and find out how many tokens your server has room for. Leave it running: you will
# need it again.
#
# <details><summary>Hint</summary>
#
# The number is called `n_ctx`. To make the answer readable, put `| python3 -m json.tool` in place of `; echo`. No
# `curl`? Open the address in a browser on the same machine.
#
# </details>

# %% tags=["stub"]
n_ctx = ...

# %% tags=["solution"]
# In a terminal: the command, then curl. Nobody types in this notebook, so it runs the command itself.
mine = Started(command)
n_ctx = yours.props()["default_generation_settings"]["n_ctx"]


# %% tags=["folded"]
def as_your_server_says(answer):
    """Compare the answer with what the server in the learner's terminal says now, or said when this was solved."""
    try:
        room = yours.props()["default_generation_settings"]["n_ctx"]
    except CourseError:
        before = progress.standings().get("01.1")
        if not (before and before.solved):
            return f"no server is ready at {yours.url}. Start the command in a terminal and leave it running"
        room = -(-1000 // 256) * 256  # you have stopped it since
    verdict = compare(answer, room)
    return verdict.ok or verdict.why


check.exercise("01.1", n_ctx, as_your_server_says, hint="in /props, under default_generation_settings")

# %% tags=["folded"]
room = -(-1000 // 256) * 256  # what llama.cpp's source says; your server says it itself, if it runs
with suppress(CourseError):
    room = yours.props()["default_generation_settings"]["n_ctx"]
check.prediction("01.p1", guess, was="more" if room > 1000 else "exactly" if room == 1000 else "fewer")

# %% [markdown]
# llama-server rounds up to a multiple of 256 (`src/llama-context.cpp`). The command says what you asked for; only the
# server can say what you got. `/props` is its own page for that. Read it first when something is odd.
#
# (Curious? Open your server's address in a browser on this machine: llama-server comes with a chat page.)

# %% [markdown]
# ## What does it say while it starts?
#
# The notebook now runs the same command once more, under another name and on another port, to watch a start from
# outside. `Started` (a folded cell near the top) keeps the log, asks `/health` every 20 ms, and notes each new answer.


# %% [markdown]
# **Predict:** a program asks for `/health` while the model is still being loaded. Is it `refused`, does it get an
# answer with status `503` ("not now"), or does it `wait` until the model is there?

# %%
guess = ...

# %%
again = ["copy" if word == "mine" else word for word in command[:-1]]
copy = Started([*again, next_free(port + 1)])
for seconds, said in copy.health:
    print(f"{seconds:6.2f} s  {said}")

# %%
early = [said for _, said in copy.health[:-1]]
check.prediction("01.p2", guess, was="503" if any("503" in said for said in early) else "refused")

# %% [markdown]
# First nobody listens, so the connection is *refused*. Then the server takes its port and answers 503 while it loads.
# When the model is there, it answers 200. A program can wait for that instead of sleeping and hoping.
#
# Its log tells the same story. What you see in terminal 1 differs in times and port only:

# %%
print(copy.log())

# %% [markdown]
# Each line has a time since the start (minutes, seconds, milliseconds, microseconds), a letter (`I` info, `W` warning,
# `E` error), and the part of the server that speaks. Find three lines: which file was loaded, how much room a slot has
# (`n_ctx_slot`), and where the server listens. It prints that only when it is ready.

# %% [markdown]
# Take the warning about the API key seriously. Without a key, every program on this machine may use your server, and
# so may any web page open in your browser, since the server's CORS headers allow it. `--api-key`
# shuts both out. Never start one like this with `--host 0.0.0.0`: that offers it to the whole
# network.

# %% tags=["folded", "nbval-check-output"]
room = Connection(copy.url).props()["default_generation_settings"]["n_ctx"]
log = copy.log()
check.claims(
    ("it is ready", copy.ready),
    ("1,000 was rounded up to a multiple of 256", room >= 1000 and room % 256 == 0, room),
    ("the log knows that room", str(room) in log),
    (
        "it says where the server listens after the model is loaded",
        log.rindex("listening on") > log.index("model loaded"),
    ),
)

# %% [markdown]
# ### Exercise 01.2 · ★★☆ · 8 minutes
#
# A script that starts an agent should know whether its server is there. Write `state(url)`, which asks `/health` and
# returns `"ready"` (status 200), `"loading"` (503), `"down"` (refused), or `"stuck"`: the connection is accepted, but
# nothing comes for two seconds. (A server that was suspended with Ctrl-Z instead of ended with Ctrl-C does that.)
#
# <details><summary>Hint</summary>
#
# `httpx.get(f"{url}/health", timeout=2, trust_env=False)` returns a response with a `status_code`, or raises
# `httpx.ConnectError` (refused) or `httpx.TimeoutException`. (`trust_env=False`: go around any proxy.)
#
# </details>


# %% tags=["stub"]
def state(url): ...


# %% tags=["solution"]
def state(url):
    try:
        answer = httpx.get(f"{url}/health", timeout=2, trust_env=False)
    except httpx.ConnectError:
        return "down"
    except httpx.TimeoutException:
        return "stuck"
    return "ready" if answer.status_code == 200 else "loading"


# %% tags=["folded"]
def answering(status, stack):
    """The address of a small server that answers /health with this status, or never if there is none."""
    if status is None:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        return f"http://127.0.0.1:{silent.getsockname()[1]}"

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/health" else 404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    Thread(target=web.serve_forever, daemon=True).start()
    stack.callback(web.server_close)
    stack.callback(web.shutdown)
    return f"http://127.0.0.1:{web.server_port}"


with ExitStack() as stack:
    cases = [
        check.case(answering(200, stack), gives="ready", name="status 200"),
        check.case(answering(503, stack), gives="loading", name="status 503"),
        check.case(f"http://127.0.0.1:{next_free(8300)}", gives="down", name="nobody listens"),
        check.case(answering(None, stack), gives="stuck", name="connected, but no answer"),
        check.case(answering(200, stack), gives="ready", name="another one that is ready"),
    ]
    check.function("01.2", state, cases, hint="one try, two excepts, two statuses", seconds=40)

# %%
print("yours:", state(yours.url), "· the copy:", state(copy.url))

# %% [markdown]
# ## What does it serve?
#
# `/v1/models` is how any client that speaks OpenAI's API (smolagents, for instance) asks what is served. `/props` is
# llama-server's own:

# %%
server = Connection(copy.url)
served, props = server.models()["data"][0], server.props()
print("name:      ", served["id"], "·", f"{served['meta']['n_params']:,} parameters")
print("model file:", props["model_path"])
print("slots:     ", props["total_slots"])

# %% [markdown]
# One slot, so a second request waits for the first. (Without `-np`, the binary `llama-server` makes four.)
#
# Now ask *your* server a question, and watch terminal 1 while it answers:

# %%
hello = """{"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}"""
print(f"curl -s -o answer.json {yours.url}/v1/chat/completions -d '{hello}'")

# %% [markdown]
# What comes back goes into a file, since lesson 02 is about it. For each request, the log gets a block like this one:

# %%
answer = server.post(
    "/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}
)
print(copy.log(7))

# %% [markdown]
# `prompt eval time` is what it took to read the prompt ([prompt processing][prefill]), `eval time` what it took to write
# the answer ([generation][decode]). With these two lines you can tell a slow server from a long prompt.
#
# [prefill]: ../docs/glossary.md#prompt-processing
# [decode]: ../docs/glossary.md#generation

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the model goes by the name after --alias", served["id"] == "copy"),
    ("135 million parameters", round(served["meta"]["n_params"] / 1e6) == 135),
    ("one slot", props["total_slots"] == 1),
    ("the log has both times", all(word in copy.log(12) for word in ("prompt eval time", " eval time"))),
)

# %% [markdown]
# ## Which flags matter to an agent?
#
# This is the command of the blog post that the course grew out of ([lesson 00](00_welcome.ipynb)):
#
# ```sh
# llama-server -hf unsloth/Qwen3.6-35B-A3B-GGUF --hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf -ngl 99 -c 65536 --jinja
# ```
#
# You know one of its flags. What are the others, and what should it have said?

# %% [markdown]
# | flag | what it does | if it is wrong |
# |---|---|---|
# | `-hf`, `--hf-file` | download a model (`-m`: take a file) | another model answers |
# | `-c`, `--ctx-size` | the context window | HTTP 400 once the prompt is longer |
# | `-np` | number of slots, which share `-c` | each slot has too little room |
# | `-ngl` | layers of the model on the GPU | slow |
# | `-t` | CPU threads | slow if there are more than cores |
# | `--host`, `--port` | where it listens | connection refused, or strangers |
# | `--alias` | the name in `/v1/models` | the file's name is shown |
# | `--chat-template-file` | replaces the template in the GGUF | thinking and tool calls go astray (lesson 06) |
#
# The command names neither a port nor a number of slots: it takes whatever the build at hand has as defaults.
#
# `--jinja` means "use the template in the GGUF". The post says that you need it. Since November 2025 it is the default
# ([#17524](https://github.com/ggml-org/llama.cpp/pull/17524)); what breaks things today is `--no-jinja` (lesson 06).

# %% [markdown]
# In the other lessons, `Server()` runs such a command for you and prints it, unless it is told to be quiet.
#
# ## What if the port is taken?
#
# Start a second server on the port of the first.
#
# **Predict:** does it `take over` the port, use the `next` one, `load` the model and then fail, or fail at `once`?

# %%
guess = ...


# %%
def attempt(arguments):
    """Run the server's program with these arguments until it is ready or has ended, then stop it. What it printed."""
    run = Started([*engine.find().command, *arguments])
    end = "ready, and stopped again" if run.ready else f"exit status {run.process.poll()}"
    run.stop()
    return f"{run.log()}\n→ {end}"


printed = attempt(["-m", embedded.gguf_path(), "--port", copy.port])
print(*printed.splitlines()[-12:], sep="\n")

# %%
check.prediction("01.p3", guess, was="load" if "loading model" in printed else "once")

# %% [markdown]
# The line to find has an `E`: `couldn't bind HTTP server socket`. What follows is only tidying up.
#
# And here is the trap: your new server has failed, but the *old* one still answers on that port, with its old model and
# its old flags. The agent won't notice. `/props` shows it.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("it ended with an error", "exit status" in printed and "exit status 0" not in printed, printed[-80:]),
    ("the log says what was wrong", "couldn't bind" in printed, printed[-300:]),
    ("the copy has noticed nothing", server.get("/health") == {"status": "ok"}),
)

# %% [markdown]
# A colleague sends you these arguments and says that the server does not start:

# %%
model = Path(tempfile.mkdtemp()) / "model.gguf"
model.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 144811040\n")
broken = ["-m", str(model), "--ctx-sizes", "512", "--port", copy.port]
print(shlex.join(broken))

# %% [markdown]
# ### Exercise 01.3 · ★★☆ · 8 minutes
#
# Repair them: it should listen on a free port and have room for 512 tokens. There are three faults, and each start
# stops at the first that it meets. Repair that one and start again. The check really starts the server.
#
# <details><summary>Hint</summary>
#
# `print(attempt(broken))`, and look for the first line that says `error` or has an `E`. The flag is in the table above,
# under both of its names. `str(embedded.gguf_path())` is a good model file, `str(next_free(8200))` a good port.
#
# </details>

# %% tags=["stub"]
fixed = ...

# %% tags=["solution"]
fixed = ["-m", str(embedded.gguf_path()), "-c", "512", "--port", str(next_free(8200))]


# %% tags=["folded"]
def tried(arguments):
    """Start the server's program with these arguments and ask for its room: True, or what is wrong."""
    words = shlex.split(arguments) if isinstance(arguments, str) else [str(word) for word in arguments]
    words = [str(Path(word).expanduser()) if word.startswith("~") else word for word in words]
    where = words[words.index("--port") + 1] if "--port" in words[:-1] else ""
    if not where.isdigit():
        return "name the port, with --port and a number"
    if not is_free(int(where)):
        return f"port {where} is in use by another program"
    run = Started([*engine.find().command, *words], seconds=80)
    try:
        if run.ready:
            room = Connection(run.url).props()["default_generation_settings"]["n_ctx"]
            return room == 512 or f"it starts, but with room for {room} tokens"
    finally:
        run.stop()
    lines = run.log().splitlines() or ["(nothing)"]
    said = next((line for line in lines if " E " in line or "error" in line or "unknown" in line), lines[-1])
    return f"it did not start, and printed: {said.strip()}"


check.exercise("01.3", fixed, tried, hint="a list of arguments like broken, without the program", seconds=90)

# %% [markdown]
# The model file was the pointer that `git clone` leaves in place of a large file without Git LFS. A GGUF file begins
# with the four letters `GGUF`, which the log calls *magic characters*. A download that saved an error page looks the
# same. Of the errors that follow, the last one tells you least.

# %% [markdown]
# ## Stop it, and see it gone
#
# A server is a process that holds memory, gigabytes for a large model. Whoever starts it ends it. The copy first:

# %%
copy.stop()
try:
    server.get("/health")
except CourseError as error:
    print(error)

# %% [markdown]
# ### Exercise 01.4 · ★☆☆ · 3 minutes · in your own terminal
#
# Now yours. Press Ctrl-C in terminal 1. Then ask `/health` once more in terminal 2, and print curl's *exit status*: 0
# means that there was an answer, and a script would look at nothing else. What is it?
#
# <details><summary>Hint</summary>
#
# Put `; echo $?` behind the command (in PowerShell `; echo $LASTEXITCODE`). If Ctrl-C does nothing, you are in the
# other terminal. No `curl` on this machine? Its manual is on the web: `man curl`, EXIT CODES.
#
# </details>

# %% tags=["stub"]
status = ...

# %% tags=["solution"]
mine.stop()  # in the terminal: Ctrl-C
status = 7  # "Failed to connect to host"


# %% tags=["folded"]
def gone(answer):
    """Whether the learner's server was up and is gone, and the answer is what curl says about that."""
    with suppress(CourseError):
        yours.get("/health")
        return f"a server still answers at {yours.url}. Press Ctrl-C in its terminal"
    before = progress.standings().get("01.1")
    if not (before and before.solved):
        return "start it first: exercise 01.1"
    if not (curl := shutil.which("curl")):
        return str(answer).strip() not in ("0", "")
    verdict = compare(answer, subprocess.run([curl, "-s", f"{yours.url}/health"]).returncode)
    return verdict.ok or verdict.why


check.exercise("01.4", status, gone, hint="the exit status of the last command is in $?")

# %% [markdown]
# If you ever lose track of servers that the *course* has started: `course stop` ends them all. Those that you started in a
# terminal are yours.

# %% [markdown]
# ## Recap
#
# - One command serves a model: a program, a file, flags. Name the port.
# - `/health`: is it ready? `/v1/models`: what does it serve? `/props`: how is it really set up?
# - Refused: nobody listens. 503: it is loading. No answer at all: it is stuck. Each is repaired differently.
# - If it does not start, read the *first* error that it prints. Then make sure that no old server answers in its place.
#
# **In your own agent:** compare `n_ctx`, `total_slots` and `model_path` in its server's `/props` with what you
# believe.

# %% tags=["folded"]
check.quiz(
    "01",
    check.question(
        "You start a server with `-c 32768`. It says nothing bad that you notice, but prompts of 9,000 tokens are "
        "refused. What do you check first?",
        right="`n_ctx` and `model_path` in `/props`",
        why="Perhaps another server answers at that port, or `-np` divided the room. `/props` says what is really there.",
        wrong={
            "the command that you typed": "It says what you asked for. What answers may be another server.",
            "`/health`": "It says that a server is ready. It does not say which, or how it is set up.",
        },
    ),
    check.question(
        "Your agent gets *connection refused*. What does that tell you?",
        right="Nothing listens at that address and port.",
        why="It is not up, has ended, or listens elsewhere. Look at the end of its log, and at its `--port`.",
        wrong={
            "The model is still loading.": "Then the port is taken already, and you would get HTTP 503. You saw both.",
            "The prompt is too long.": "That is an answer, with HTTP status 400, so somebody listens.",
        },
    ),
    check.question(
        "The last line of a failed start is `exiting due to model loading error`. Where is the cause?",
        right="In the first error above it.",
        why="The first error says what was found, such as wrong magic characters. The others are consequences.",
        wrong={
            "In that line: the model is broken.": "It says only that loading failed. The file may be missing, too "
            "large for the memory, or no model at all.",
            "In `/props`.": "A server that has ended answers nothing.",
        },
    ),
)

# %%
check.progress("01")

# %% [markdown]
# **Next:** [02 one completion, byte by byte](02_one_completion.ipynb): what one question looks like on the
# wire, and inside the model's prompt.
