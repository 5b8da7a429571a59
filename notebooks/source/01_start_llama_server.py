# %% [markdown]
# # 01 · Start llama-server
#
# *Connection refused. Forty seconds for an answer that took four yesterday. Nonsense from an agent that made sense
# yesterday.* When an agent misbehaves, look first at the program that runs its model: is it up, how was it started, what
# does it say about itself? In this course that program is llama-server.
#
# **After this lesson you can**
#
# - start a llama-server in a terminal, question it with `curl`, and stop it,
# - tell from outside what state a server is in,
# - find the line in its log that says why it did not start,
# - find a setting that did not do what its author meant.
#
# **Minutes:** 50 · **Needs:** [lesson 00](00_welcome.ipynb)

# %% [markdown]
# You start the server yourself today, so the next cell, which every lesson has, does nothing here. The two folded cells
# after the imports hold helpers. You need not read them, but run them.

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import shlex
import tempfile
from pathlib import Path

from course import check
from course.errors import CourseError
from course.model import embedded, engine
from course.server.connection import Connection
from course.server.registry import next_free

# %% tags=["folded"]
# What only the helpers and the checks need.
import atexit
import shutil
import subprocess
import time
from contextlib import suppress

import httpx

from course import progress
from course.check.answers import compare
from course.server.registry import holder, is_free, is_llama_server


def your_port(first=8123):
    """The port of your server if it runs (you will call it `mine`), else the next one that is free."""
    for port in range(first, first + 10):
        url = f"http://127.0.0.1:{port}"
        with suppress(CourseError, LookupError):
            if (
                holder(port)  # a process of yours: others may use this computer, too
                and is_llama_server(url)
                and Connection(url).models()["data"][0]["id"] == "mine"
            ):
                return port
    return next_free(first)


def asked(url):
    """What /health says now: its status and body, "refused", or "silent" if nothing comes for two seconds."""
    try:
        answer = httpx.get(f"{url}/health", timeout=2, trust_env=False, verify=False)
    except httpx.ConnectError:
        return "refused"
    except httpx.HTTPError:
        return "silent"
    return f"{answer.status_code} {answer.text}"


# %% tags=["folded"]
class Started:
    """A server's command, run from here until it is ready or has ended. Keeps its log, and what /health said."""

    def __init__(self, command, seconds=90):
        words = [str(word) for word in command]
        self.port = words[words.index("--port") + 1] if "--port" in words[:-1] else "8080"
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = Path(tempfile.mkdtemp()) / "server.log"
        self.health, begun = [], time.monotonic()
        ours = self.port.isdigit() and is_free(int(self.port))  # otherwise somebody else answers there
        with self.file.open("w") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        atexit.register(self.stop)
        while self.process.poll() is None and time.monotonic() - begun < seconds and not self.ready:
            when, said = time.monotonic() - begun, asked(self.url) if ours else "…"
            if not self.health or self.health[-1][1] != said:
                self.health.append((when, said))
            time.sleep(0.02)

    @property
    def ready(self):
        return self.process.poll() is None and bool(self.health) and self.health[-1][1].startswith("200")

    def log(self, last=1000):
        return "\n".join(self.file.read_text(errors="replace").splitlines()[-last:])

    def stop(self):
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(10)
        self.process.kill()
        return self.process.wait()


def attempt(arguments):
    """Run the server's program with these arguments until it is ready or has ended, then stop it. What it printed."""
    run = Started([*engine.find().command, *arguments])
    end = "ready, and stopped again" if run.ready else f"exit status {run.process.poll()}"
    run.stop()
    return f"{run.log()}\n→ {end}"


# %% [markdown]
# ## What does it take to run a model?
#
# A program and a file. The program is llama-server. The file, in the format [GGUF][gguf], holds the model's
# [weights][weights], the rules that cut text into tokens, and usually a template that turns messages into a prompt (lesson
# 02).
# This cell prints the command that puts the two together on your machine:
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
# is the same server, installed with the course as a Python package. (That first `-m` is Python's own.) Then five flags:
#
# - `-m`: the model file,
# - `--alias`: the name under which it is served,
# - `-c`: how many [tokens][token] it has room for (with one slot, that is the [context window][window]: prompt and
#   answer together),
# - `-np`: how many requests it works on at the same time, each in a [slot](../docs/glossary.md#slot) of its own,
# - `--port`: where it listens. The address is `127.0.0.1`, the [loopback][loopback]: this machine only.
#
# [token]: ../docs/glossary.md#token
# [window]: ../docs/glossary.md#context-window
# [loopback]: ../docs/glossary.md#loopback

# %% [markdown]
# **Predict:** the command asks for 1,000 tokens. Will you get `"fewer"` (the server keeps some for itself), `"exactly"`
# 1,000, or `"more"` (it rounds up)?

# %%
guess = ...

# %% [markdown]
# ## Start one yourself
#
# 1. Open terminal 1: in JupyterLab File → New → Terminal, otherwise any terminal on this machine.
# 2. Paste the command (the output of the cell above, not its code) and press Enter.
# 3. Wait until it says `listening on http://…`. The command does not return: terminal 1 now belongs to the server.
# 4. Open terminal 2 for questions. `curl` sends an HTTP request and prints what comes back (`-s`: no progress bar; `echo`
#    ends the line). The next cell prints the first three. Most of the third answer is settings for how text is generated;
#    you need one number.

# %%
for path in ("/health", "/v1/models", "/props"):
    print(f"curl -s {yours.url}{path}; echo")

# %% [markdown]
# ### Exercise 01.1 · ★☆☆ · 10 minutes · in your own terminal
#
# Start it, ask the three questions, and find out how many tokens your server has room for. Leave it running: you will
# need it again.
#
# <details><summary>Hint</summary>
#
# The number is called `n_ctx`, and `/props` has it. To make the answer readable, put `| python3 -m json.tool` in place
# of `; echo`. No `curl`? Open the address in a browser on the same machine.
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
# server says what you got. When something is odd, read `/props` first: it also has `model_path` and `total_slots`.
#
# `/v1/models` is where a client of OpenAI's API can ask what is served: `mine`, the name after `--alias`. (smolagents does
# not ask: it sends the name that you gave it.)

# %% [markdown]
# ## What does it say while it starts?
#
# The notebook runs the command once more, under another name and on another port. `Started` keeps the log, asks `/health`
# every 20 ms, and notes each new answer.

# %% [markdown]
# **Predict:** a program asks for `/health` while the model is still being loaded. Is it `"refused"`, does it get an
# answer with status `"503"` ("not now"), or does it `"wait"` until the model is there?

# %%
guess = ...

# %%
again = ["copy" if word == "mine" else word for word in command[:-1]]
copy = Started([*again, next_free(port + 1)])
for seconds, said in copy.health:
    print(f"{seconds:6.2f} s  {said}")

# %%
early = [said for _, said in copy.health[:-1]]
loading = any("503" in said for said in early) or len(early) < 2  # a small file may load faster than this looks
check.prediction("01.p2", guess, was="503" if loading else "refused")

# %% [markdown]
# First nobody listens: *refused*. Then the server takes its port and answers 503 while it loads, then 200. A program can
# wait for that instead of sleeping and hoping.
#
# Its log tells the same story, as in terminal 1, with other times and another port:

# %%
print(copy.log())

# %% [markdown]
# Each line of llama-server's own has a time since the start (minutes, seconds, milliseconds, microseconds), a letter (`I`
# info, `W` warning, `E` error), and the part of the server that speaks. (With the course's package, Python prints the first
# line. llama.cpp's build is the last number of the version there; ignore `b0-unknown`.)
#
# Find three lines: which file was loaded, how much room a slot has (`n_ctx_slot`), and where the server listens. It took
# its port before it loaded the model (hence the 503), but it prints that line last, when it is ready.

# %% [markdown]
# Take the warning (`W`) seriously. Without an API key, every program on this machine may use your server. So may a web
# page that is open in your browser: the browser lets it read another server's answers only if that server allows it, and
# `CORS allows all origins` means that this one does. (Older builds do the same without a warning.)
#
# A key keeps both from asking the model. Put it into the variable `LLAMA_API_KEY`: after `--api-key`, other users of the
# machine can read it in the list of processes. `--cors-origins localhost`, as with the course's own servers, does less:
# foreign pages can't read the answers, but they can still send requests. And never start a server without a key with
# `--host 0.0.0.0`, which offers it to the whole network.

# %% tags=["folded", "nbval-check-output"]
room = Connection(copy.url).props()["default_generation_settings"]["n_ctx"]
while "listening on" not in (log := copy.log()) and copy.ready:  # it is ready a moment before it says so
    time.sleep(0.05)
check.claims(
    ("it is ready", copy.ready),
    ("1,000 was rounded up to a multiple of 256", room >= 1000 and room % 256 == 0, room),
    ("the log knows that room", str(room) in log),
    (
        "it says where the server listens after the model is loaded",
        log.rindex("listening on") > log.index("model loaded"),
    ),
    ("the model goes by the name after --alias", Connection(copy.url).models()["data"][0]["id"] == "copy"),
)

# %% [markdown]
# ## What does a request leave in the log?
#
# Paste the command that this cell prints into terminal 2, and watch terminal 1. (Lesson 02 is about what comes back.) The
# cell sends the same request to the copy, and shows two lines of its log:

# %%
hello = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}
print(f"curl -s {yours.url}/v1/chat/completions -d '{json.dumps(hello)}'; echo\n")
server = Connection(copy.url)
server.post("/v1/chat/completions", hello)
while copy.log().count("eval time") < 2 and copy.ready:  # it answers a moment before it writes them
    time.sleep(0.05)
print(*(line for line in copy.log().splitlines() if "eval time" in line), sep="\n")

# %% [markdown]
# `prompt eval time` is what it took to read the prompt ([prompt processing][prefill]), `eval time` what it took to write
# the answer ([generation][decode]; the first token counts as part of reading the prompt, so the time per token is an
# average over the others).
#
# [prefill]: ../docs/glossary.md#prompt-processing
# [decode]: ../docs/glossary.md#generation

# %% [markdown]
# An agent took forty seconds on Monday, four yesterday, and forty again today, for the same short answer. The next cell
# has the line about the prompt from each day's log.
#
# **Predict:** when was the *server* slow, `"today"` or `"Monday"`?

# %%
logs = """
Monday     prompt eval time =  36000.00 ms /   900 tokens (   40.00 ms per token)
yesterday  prompt eval time =   3600.00 ms /   900 tokens (    4.00 ms per token)
today      prompt eval time =  36000.00 ms /  9000 tokens (    4.00 ms per token)
"""
guess = ...

# %% tags=["folded"]
slowest = max(logs.strip().splitlines(), key=lambda line: float(line.split("(")[1].split()[0]))
check.prediction("01.p3", guess, was=slowest.partition("  ")[0])

# %% [markdown]
# On Monday: each token took ten times as long, so ask what else that machine was doing. Today the server is as fast as
# ever, but it had ten times as much to read. Either the agent sends more, or a beginning that the server could reuse
# yesterday was gone: the line counts only the tokens that were processed (lesson 10). A long answer shows in `eval time`.
# If both times are short, the time went elsewhere: the request waited for a free slot, the client tried again and again,
# or the agent's own code was slow.

# %% [markdown]
# ## What if the port is taken?
#
# `attempt`, a helper, runs the server's program with the arguments that you give it, and returns what the server printed.
# The cell after your prediction tries to start a second server on the copy's port.
#
# **Predict:** does it `"take over"` the port, use the `"next"` one, `"load"` the model and then fail, or fail `"before"` it
# loads the model?

# %%
guess = ...

# %%
printed = attempt(["-m", embedded.gguf_path(), "--port", copy.port])
print(*printed.splitlines()[-12:], sep="\n")

# %%
check.prediction("01.p4", guess, was="load" if "loading model" in printed else "before")

# %% [markdown]
# The line to find is the first one with an `E`: `couldn't bind HTTP server socket`. What follows is only tidying up.
#
# And here is the trap: your new server has failed, but the *old* one still answers on that port, with its old model and
# its old flags. That is one way to get *nonsense from an agent that made sense yesterday*, and a client that only asks
# questions will not notice. `/props` shows it. (Builds before
# [#21056](https://github.com/ggml-org/llama.cpp/pull/21056), from spring 2026, do not even fail on Linux: both servers run,
# and each new connection reaches one or the other.)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("it ended with an error", "exit status" in printed and "exit status 0" not in printed, printed[-80:]),
    ("the log says what was wrong", "couldn't bind" in printed, printed[-300:]),
    ("the copy has noticed nothing", server.get("/health") == {"status": "ok"}),
)

# %% [markdown]
# ## Why does this one not work?
#
# A colleague wants to serve two agents at once, with room for 1,024 tokens each, and sends you these arguments:

# %%
model = Path(tempfile.mkdtemp()) / "model.gguf"
model.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 144811040\n")
broken = ["-m", str(model), "-c", "1024", "-np", "2", "--port", str(next_free(8200))]
print(shlex.join(broken))

# %% [markdown]
# ### Exercise 01.2 · ★★☆ · 8 minutes
#
# Repair them, so that there are two slots, each with exactly 1,024 tokens of its own: set `fixed` to a list like `broken`.
# There are two faults. One keeps the server from starting; the other shows only once it does. Try them with `attempt`,
# which also stops the server again. The check does the same.
#
# <details><summary>Hint</summary>
#
# `print(attempt(broken))`, and find the first line that has an `E`. The model file of the command near the top is a good
# one: `str(embedded.gguf_path())`. When it starts, look for the line with the room of a slot.
#
# </details>

# %% tags=["stub"]
fixed = ...

# %% tags=["solution"]
fixed = ["-m", str(embedded.gguf_path()), "-c", "2048", "-np", "2", "--port", str(next_free(8200))]


# %% tags=["folded"]
def tried(arguments):
    """Start the server's program with these arguments and ask for slots and room: True, or what is wrong."""
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
            props = Connection(run.url).props()
            room, slots = props["default_generation_settings"]["n_ctx"], props["total_slots"]
            if "kv_unified = 'true'" in run.log():
                return "it starts, but the slots share one cache (--kv-unified), so none has room of its own"
            return (slots, room) == (2, 1024) or f"it starts; slots: {slots}, tokens for each of them: {room}"
    finally:
        run.stop()
    lines = run.log().splitlines() or ["(nothing)"]
    said = next((line for line in lines if " E " in line or "error" in line or "unknown" in line), lines[-1])
    return f"it did not start, and printed: {said.strip()}"


check.exercise("01.2", fixed, tried, hint="a list of arguments like broken, without the program", seconds=90)

# %% [markdown]
# The broken arguments print several lines with an `E`. The first and the last:

# %% tags=["folded"]
sent = ["-m", model, "-c", "1024", "-np", "2", "--port", next_free(8200)]
errors = [line for line in attempt(sent).splitlines() if " E " in line]
print(errors[0], "…", errors[-1], sep="\n")

# %% [markdown]
# The first one names the cause: a GGUF file begins with the four letters `GGUF`, its *magic characters*, and this one does
# not. It is the pointer that `git clone` leaves in place of a large file without Git LFS (Git's extension for large
# files). A download that saved an error page as the model fails in the same way. The last line tells you least.
#
# The second fault has no `E` at all: with `-np 2`, the slots *divide* what `-c` asks for, half for each. `n_ctx_slot` in
# the log and `n_ctx` in `/props` say what is left for each.

# %% tags=["folded", "nbval-check-output"]
printed = attempt(["-m", embedded.gguf_path(), *sent[2:]])
check.claims(
    ("with the right file it starts", "→ ready" in printed, printed[-200:]),
    ("two slots share 1,024 tokens", "n_ctx_slot = 512" in printed, printed[-600:]),
)

# %% [markdown]
# ## What did the blog post's command leave out?
#
# ```sh
# llama-server -hf unsloth/Qwen3.6-35B-A3B-GGUF --hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf -ngl 99 -c 65536 --jinja
# ```
#
# `-hf` and `--hf-file` download a model. `-ngl` says how many of its layers, the stages of its computation, a GPU takes
# over (99: all). `--jinja` applies the model's own template to messages. It has been the default since November 2025
# ([#17524](https://github.com/ggml-org/llama.cpp/pull/17524)); lesson 06 breaks things with `--no-jinja`.
#
# No port is named: it is 8080, or 9931 after the move that [#26508](https://github.com/ggml-org/llama.cpp/pull/26508)
# announces. Without `-np`, llama-server makes four slots (the course's package makes one) and turns on `-kvu`,
# `--kv-unified` (`tools/server/server.cpp`). KV stands for the [KV cache](../docs/glossary.md#kv-cache), where slots keep
# what they have read.
#
# **Predict:** how many tokens of room may *one* request use with that command: `16384` or `65536`?

# %%
guess = ...

# %% [markdown]
# On a smaller scale, with `-np` and `-kvu` written out:

# %%
shared = attempt(["-m", embedded.gguf_path(), "-c", "1024", "-np", "4", "-kvu", "--port", next_free(8200)])
print(*(line for line in shared.splitlines() if "n_ctx_slot" in line), sep="\n")

# %% tags=["folded"]
check.prediction("01.p5", guess, was=65536 if "n_ctx_slot = 1024" in shared else 16384, unit="tokens")

# %% [markdown]
# `-kvu`, "unified": the slots share one cache, and each request may fill all of it, if the others leave it room. For one
# agent, say what you mean: `--port 8080 -np 1`.

# %% [markdown]
# ## Stop it, and see it gone
#
# A server holds memory, gigabytes for a large model, until somebody stops it. The copy first; the last line of the
# output is for the exercise below:

# %%
copy.stop()
try:
    server.get("/health")
except CourseError as error:
    print(error)
print(f"\ncurl -s -m 2 {yours.url}/health; echo $?")

# %% [markdown]
# ### Exercise 01.3 · ★★☆ · 6 minutes · in your own terminal
#
# Now yours. The line prints curl's *exit status* last, the number by which a script sees whether a command worked. It may
# stick to the answer, as in `{"status":"ok"}0`. (`-m 2`: give up after two seconds.) Paste it into terminal 2 three
# times, and note the three numbers:
#
# 1. while your server is running,
# 2. after Ctrl-Z in terminal 1: the server is only *suspended*, like one that hangs,
# 3. after `fg` (back to the foreground) and Ctrl-C in terminal 1: it has ended.
#
# <details><summary>Hint</summary>
#
# If Ctrl-Z does nothing, you are in the other terminal. What the numbers mean: `man curl`, EXIT CODES.
#
# </details>

# %% tags=["stub"]
status = {"running": ..., "suspended": ..., "ended": ...}

# %% tags=["solution"]
mine.stop()  # in the terminal: Ctrl-Z, fg, Ctrl-C
status = {"running": 0, "suspended": 28, "ended": 7}


# %% tags=["folded"]
def gone(answer):
    """Whether the learner's server was up and is gone, and the answer is what curl says about its states."""
    health = asked(yours.url)
    if health == "silent":
        return "your server is suspended: type fg in its terminal, then press Ctrl-C"
    if health != "refused":
        return f"a server still answers at {yours.url}. Press Ctrl-C in its terminal"
    before = progress.standings().get("01.1")
    if not (before and before.solved):
        return "start it first: exercise 01.1"
    curl = shutil.which("curl")
    ended = subprocess.run([curl, "-s", f"{yours.url}/health"]).returncode if curl else 7
    verdict = compare(answer, {"running": 0, "suspended": 28, "ended": ended})
    return verdict.ok or verdict.why


check.exercise("01.3", status, gone, hint="paste the line again in each of the three states")

# %% [markdown]
# 0: something answered. 28: no answer in time. (curl did connect: the operating system accepts connections even for a
# suspended program.) 7: nobody listens.
#
# Careful, 0 does not mean *ready*: a 503 is an answer, too. In a script, write `curl -sf`; with `-f`, a status of 400 or
# more counts as a failure.
#
# In the other lessons, `Server()` starts and stops a server for you. If you lose track of those, `course stop` ends them,
# and any that `course serve` started. It leaves the server of an open `make lab` alone, and any that you started with a
# command of your own, as in this lesson.

# %% [markdown]
# ## Recap
#
# - One command serves a model: a program, a file, flags. Name the port.
# - `/health`: is it ready? `/v1/models`: what does it serve? `/props`: how is it really set up?
# - Connection refused: nobody listens, so start it or correct the port. 503: wait. No answer: look at its terminal.
# - If it does not start, read the *first* error that it prints. Then make sure that no old server answers in its place.
# - `-np 2` gives each of two slots half of `-c`. Without `-np`, llama-server's four slots share all of it.
#
# **In your own agent:** compare `n_ctx`, `total_slots` and `model_path` in its server's `/props` with what you
# expect.

# %% tags=["folded"]
check.quiz(
    "01",
    check.question(
        "You start a server with `-c 32768`. It starts without an error, but prompts of 9,000 tokens are refused. What do "
        "you check first?",
        right="`n_ctx` and `model_path` in `/props`",
        why="Perhaps another server answers at that port, or an `-np 4` divided the room. `/props` shows both.",
        wrong={
            "the command that you typed": "It may show an `-np 4`, but not that another server answers at that port.",
            "`/health`": "It says that a server is ready. It does not say which, or how it is set up.",
        },
    ),
    check.question(
        "Your agent gets `connection refused`. What does that tell you?",
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
