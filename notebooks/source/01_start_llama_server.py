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
# - say which of its flags matter to an agent,
# - read what a request cost, and what the prompt cache saved,
# - find the line in its log that says why it did not start.
#
# **Minutes:** 45 · **Needs:** [lesson 00](00_welcome.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import shlex
import subprocess
import tempfile
from pathlib import Path

from course import check
from course.errors import CourseError
from course.model import embedded, engine
from course.server import Server
from course.server.connection import Connection
from course.server.registry import is_free, is_llama_server, next_free

# %% tags=["folded"]
# What only the checks need.
import time
from contextlib import suppress

import psutil

from course.check.answers import compare

# %% [markdown]
# ## What does it take to run a model?
#
# A program and a file. The program is llama-server. The file holds the model's [weights][weights] in the format
# [GGUF][gguf]. This makes the whole command, for this machine:
#
# [weights]: ../docs/glossary.md#weights
# [gguf]: ../docs/glossary.md#gguf

# %%
url = "http://127.0.0.1:8123"
port = 8123 if is_llama_server(url) else next_free(8123)
yours = Connection(f"http://127.0.0.1:{port}")
command = [*engine.find().command, "-m", str(embedded.gguf_path()), "-c", "1000", "-np", "1"]
command += ["--port", str(port)]
print(shlex.join(command))

# %% [markdown]
# It begins with the program: `llama-server` if you have installed it, otherwise `python -m course.model.wheel`,
# which is the same server out of a Python package, with the same flags. Then four flags:
#
# - `-m`: the model file,
# - `-c`: room for so many [tokens][token], prompt and answer together (the [context window][window]),
# - `-np`: how many requests it answers at once, each in a [slot](../docs/glossary.md#slot) of its own,
# - `--port`: where it listens. The address is `127.0.0.1`, the [loopback][loopback]: this machine only.
#
# [token]: ../docs/glossary.md#token
# [window]: ../docs/glossary.md#context-window
# [loopback]: ../docs/glossary.md#loopback

# %% [markdown]
# Why name the port? Without `--port` it has been 8080 for years, but the project has announced that the default
# will move to 9931 ([llama.cpp pull request 26508](https://github.com/ggml-org/llama.cpp/pull/26508), August
# 2026). A command that names its port means the same on every build.

# %% [markdown]
# ## Start one yourself
#
# 1. Open a terminal: in JupyterLab File → New → Terminal, otherwise any terminal on this machine.
# 2. Paste the command above and press Enter.
# 3. Read along until it says `listening on http://…`. The command does not return: this terminal now belongs to
#    the server, until you press Ctrl-C.
# 4. Open a second terminal for questions. These are the first three:

# %%
for path in ("/health", "/v1/models", "/props"):
    print(f"curl -s {yours.url}{path}; echo")

# %% [markdown]
# **Predict:** you asked for room for 1,000 tokens. Do you get `fewer`, `exactly` 1,000, or `more`?

# %%
guess = ...

# %% [markdown]
# ### Exercise 01.1 · ★☆☆ · 8 minutes
#
# Start it, ask for `/props`, and find out how many tokens your server has room for. Leave it running: you will
# need it again.
#
# <details><summary>Hint</summary>
#
# The number is called `n_ctx`. To make the answer readable, put `| python3 -m json.tool` behind the `curl`
# command. No `curl`? Open the address in a browser on the same machine.
#
# </details>

# %% tags=["stub"]
n_ctx = ...

# %% tags=["solution"]
# In a terminal: the command, then curl. Nobody types in this notebook, so it starts a server for you.
yours = Server("embedded", url=False, context=1000, quiet=True).start()
n_ctx = yours.props()["default_generation_settings"]["n_ctx"]


# %% tags=["folded"]
def as_your_server_says(answer):
    """Compare the answer with what the server in the learner's terminal says now."""
    try:
        room = yours.props()["default_generation_settings"]["n_ctx"]
    except CourseError:
        return f"no server answers at {yours.url}. Start the command in a terminal and leave it running"
    verdict = compare(answer, room)
    return verdict.ok or verdict.why


check.exercise("01.1", n_ctx, as_your_server_says, hint="in /props, under default_generation_settings")

# %% [markdown]
# ## What did you see?
#
# The lesson now starts a server of its own, so that it has something to talk to even if yours is gone. The
# course's `Server` does what you did: it runs a command, waits until the model is loaded, and keeps the log. (Curious?
# Open your server's address in a browser on this machine: llama-server comes with a chat page.)

# %%
server = Server("embedded", url=False, context=1000, metrics=True).start()

# %%
print(server.log(20))

# %%
room = server.props()["default_generation_settings"]["n_ctx"]
check.prediction("01.p1", guess, was="more" if room > 1000 else "exactly" if room == 1000 else "fewer")

# %% [markdown]
# Your terminal showed nearly the same log. Each line has a time, a letter (`I` info, `W` warning, `E` error), and
# the part of the server that speaks. Near the end, `n_ctx_slot` has the room: 1,000, rounded up to a multiple of
# 256.
#
# A command says what somebody wanted. What the server made of it, only the server can tell.

# %% [markdown]
# Take the warning about the API key seriously. Without a key, every program on this machine and any page open in
# your browser may use this server. On `127.0.0.1` that is mostly you. Never start one like this with
# `--host 0.0.0.0`, which would offer it to the whole network.

# %% tags=["folded", "nbval-check-output"]
log = server.log(1000)
check.claims(
    ("there is room for what was asked", room >= 1000, room),
    ("the log knows that room", str(room) in log),
    ("the log says where the server listens", server.url in log),
)

# %% [markdown]
# ## Is it up, and what is it?
#
# The same three questions, from Python. `/health` answers 503 while the model is loading and 200 when it is
# ready, so a program can wait for it instead of sleeping and hoping.

# %%
print(server.get("/health"))
served = server.models()["data"][0]
print(served["id"], "·", served["owned_by"], "·", f"{served['meta']['n_params']:,} parameters")

# %% [markdown]
# `/v1/models` is how any OpenAI client asks what is served. `/props` is llama-server's own page. Read it first when
# something is odd, because it shows how the server *is* set up, whatever anyone meant to type:

# %%
props = server.props()
print(*sorted(props))
print("\nmodel file:", props["model_path"])
print("slots:     ", props["total_slots"])
print("template:  ", props["chat_template"][:70], "…")

# %% [markdown]
# A [slot][slot] works on one request at a time. This server has one, so a second request waits for the first.
#
# [slot]: ../docs/glossary.md#slot

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("healthy", server.get("/health") == {"status": "ok"}),
    ("the model goes by the name after --alias", served["id"] == server.profile.model_id),
    ("135 million parameters", round(served["meta"]["n_params"] / 1e6) == 135),
    ("one slot", props["total_slots"] == 1),
)

# %% [markdown]
# ## What becomes of a message?
#
# You send messages, but a model only continues text. The [chat template][template] turns one into the other. It is
# a small program that belongs to the model:
#
# ![The chat template turns a list of messages into one prompt, with special tokens around each message and
# an open think block at the end](../docs/pictures/template.svg)
#
# [template]: ../docs/glossary.md#chat-template

# %% [markdown]
# `/apply-template` shows the result and generates nothing; `/tokenize` counts.
#
# **Predict:** you send one message, `Hi`, which is a single token. How many tokens long is the prompt?

# %%
guess = ...

# %%
prompt = server.apply_template([{"role": "user", "content": "Hi"}])
print(prompt)

# %%
check.prediction("01.p2", guess, was=len(server.tokenize(prompt)), unit="tokens")

# %% [markdown]
# `<|im_start|>` and `<|im_end|>` are [special tokens][special]: one token each, put around every message. The prompt
# ends where the assistant's turn begins, with a `<think>` that invites the model to think first. Lesson 02 takes
# this apart.
#
# [special]: ../docs/glossary.md#special-token

# %% [markdown]
# ## What comes back?
#
# One [chat completion][completion], on the address that agents use. Ask your own server (put in its port):
#
# ```sh
# curl -s http://127.0.0.1:8123/v1/chat/completions -d '{"messages": [{"role": "user", "content": "Hello!"}]}'
# ```
#
# [completion]: ../docs/glossary.md#chat-completion

# %%
question = {
    "messages": [{"role": "user", "content": "How many legs does a leopard have?"}],
    "temperature": 0,
    "max_tokens": 64,
}
first = server.post("/v1/chat/completions", question)
print(json.dumps({"choices": first["choices"], "usage": first["usage"]}, indent=2))

# %% [markdown]
# Don't mind what it says: the course did not train it on leopards' legs.
#
# - `message` is the answer. What the model [thought][thought] before it is in `reasoning_content`.
# - [`finish_reason`][finish] says why it stopped: `stop` if the model was done, `length` if `max_tokens` cut it off,
#   `tool_calls` if it asks for a tool.
# - `usage` counts tokens.
#
# In the request, [`temperature`][temperature] 0 means: always take the most probable token.
#
# [thought]: ../docs/glossary.md#reasoning
# [finish]: ../docs/glossary.md#finish-reason
# [temperature]: ../docs/glossary.md#temperature

# %% [markdown]
# ## What did it cost?
#
# llama-server adds `timings`, which OpenAI's API does not have:

# %%
first["timings"]

# %% [markdown]
# A request has two halves, and each has its speed:
#
# | half | tokens | milliseconds | what happens |
# |---|---|---|---|
# | [prompt processing][prefill] (prefill) | `prompt_n` | `prompt_ms` | the prompt is read, many tokens at a time |
# | [generation][decode] (decode) | `predicted_n` | `predicted_ms` | the answer is written, one token after the other |
#
# `cache_n` counts the prompt tokens that did not have to be read. You will see in a moment why.
#
# [prefill]: ../docs/glossary.md#prompt-processing
# [decode]: ../docs/glossary.md#generation

# %% [markdown]
# ### Exercise 01.2 · ★☆☆ · 5 minutes
#
# How fast is a server? Write `speeds(timings)`, which returns a dictionary: the tokens per second of each half,
# under `"prompt"` and `"generation"`. Use the four columns of the table, nothing else.
#
# <details><summary>Hint</summary>
#
# Tokens divided by *seconds*. A millisecond is a thousandth.
#
# </details>


# %% tags=["stub"]
def speeds(timings): ...


# %% tags=["solution"]
def speeds(timings):
    return {
        "prompt": timings["prompt_n"] / timings["prompt_ms"] * 1000,
        "generation": timings["predicted_n"] / timings["predicted_ms"] * 1000,
    }


# %% tags=["folded"]
def made_up(random):
    """Timings of servers of different speed, without the keys that give the answer away."""
    for name, cached in [("nothing cached", 0), ("most of the prompt was cached", 3000), ("again", 90)]:
        read, wrote = random.randint(20, 900), random.randint(5, 400)
        timings = {
            "cache_n": cached,
            "prompt_n": read,
            "prompt_ms": round(read * random.uniform(0.5, 9), 3),
            "predicted_n": wrote,
            "predicted_ms": round(wrote * random.uniform(6, 60), 3),
        }
        expected = {
            "prompt": check.near(timings["prompt_n"] / timings["prompt_ms"] * 1000, within=0.01),
            "generation": check.near(timings["predicted_n"] / timings["predicted_ms"] * 1000, within=0.01),
        }
        yield check.case(timings, gives=expected, name=name)


check.function("01.2", speeds, lambda random: list(made_up(random)), hint="tokens / milliseconds * 1000")

# %%
speeds(first["timings"])

# %% [markdown]
# The blog post's GPU generated about 21 tokens a second, with a model 260 times as large, of which 3 of 35 billion
# parameters take part in each token.
#
# An agent mostly *reads*: in lesson 00, some 2,400 tokens went in for 130 that came out. What it need not read at
# all counts most.

# %% tags=["folded", "nbval-check-output"]
usage, timings = first["usage"], first["timings"]
whole = timings["cache_n"] + timings["prompt_n"]
check.claims(
    ("usage counts the prompt as cached plus read", usage["prompt_tokens"] == whole, usage),
    ("usage counts the answer as timings do", usage["completion_tokens"] == timings["predicted_n"]),
    ("a fresh server has nothing cached", timings["cache_n"] == 0, timings),
)

# %% [markdown]
# ## What if you ask the same again?
#
# **Predict:** the very same request, a second time. How many of its prompt tokens does the server process
# (`prompt_n`)?

# %%
guess = ...

# %%
second = server.post("/v1/chat/completions", question)
{key: second["timings"][key] for key in ("cache_n", "prompt_n", "prompt_ms")}

# %%
check.prediction("01.p3", guess, was=second["timings"]["prompt_n"], unit="token")

# %% [markdown]
# While a model reads a token, it computes two vectors for it in each layer, a key and a value, which all later
# tokens look at. The server keeps them, in the **[KV cache][kv]**. When the next prompt begins with the same tokens,
# it reuses them and processes only the rest. That is the **[prompt cache][cache]**.
#
# The last token is processed again in any case, because it predicts the first token of the answer.
#
# [kv]: ../docs/glossary.md#kv-cache
# [cache]: ../docs/glossary.md#prompt-cache

# %% [markdown]
# Agents live off this cache. They send everything again with each step; look at how little of it is new:
#
# ![Three requests of one run: each prompt begins with the previous one, which is in the KV cache; only the
# rest is processed](../docs/pictures/cache.svg)

# %% tags=["folded", "nbval-check-output"]
again = second["timings"]
check.claims(
    ("all but one token came from the cache", again["prompt_n"] == 1, again),
    ("cached plus processed is the whole prompt", again["cache_n"] + again["prompt_n"] == whole, again),
)

# %% [markdown]
# ### Exercise 01.3 · ★★☆ · 7 minutes
#
# Write the server's rule. `kept(cached, prompt)` gets two lists of tokens: what is in the cache, and a new prompt.
# It returns how many tokens of the new prompt can be kept: the longest common *beginning*, but never all of the
# prompt.
#
# <details><summary>Hint</summary>
#
# Walk through both lists together (`zip`) and stop at the first difference. At the end, keep at most
# `len(prompt) - 1`.
#
# </details>


# %% tags=["stub"]
def kept(cached, prompt): ...


# %% tags=["solution"]
def kept(cached, prompt):
    same = 0
    for old, new in zip(cached, prompt, strict=False):
        if old != new:
            break
        same += 1
    return min(same, len(prompt) - 1)


# %% tags=["folded"]
def prompts(random):
    """Prompts of made-up tokens, as a server meets them."""
    start, rest, other = (random.sample(range(low, low + 900), 6) for low in (1000, 2000, 3000))
    same, n = start[: random.randint(2, 5)], random.randint(1, 4)
    return [
        check.case(same + rest, same + other, gives=len(same), name="it goes on differently"),
        check.case([], start, gives=0, name="a fresh server"),
        check.case(same, same + rest, gives=len(same), name="it goes on"),
        check.case(start, start, gives=len(start) - 1, name="the same again"),
        check.case(start + rest, start[: n + 1], gives=n, name="a shorter one"),
        check.case(rest + start, other + start, gives=0, name="only the end is the same"),
        check.case([7, *start], start, gives=0, name="one token was at the top"),
    ]


check.function(
    "01.3", kept, prompts, hint="count the equal tokens at the beginning; all of them is one too many"
)

# %% [markdown]
# Does the server keep to your rule? In this question only the *first* word differs. Try words of your own.

# %%
old, new = (
    [{"role": "user", "content": f"{word} many legs does a leopard have?"}] for word in ("How", "Which")
)
tokens = [server.tokenize(server.apply_template(messages)) for messages in (old, new)]
third = server.post("/v1/chat/completions", {**question, "messages": new, "max_tokens": 1})
print("you say", kept(*tokens), "· the server says", third["timings"]["cache_n"])

# %% [markdown]
# One word near the top, and nearly everything behind it is processed again, although it has not changed. Keep that
# in mind: the time or a random id at the top of a system prompt makes each request pay for the whole prompt.

# %% tags=["folded", "nbval-check-output"]
top = len(server.tokenize(server.apply_template(old).partition("How")[0]))
check.claims(
    ("less than half of the prompt is kept", third["timings"]["cache_n"] < whole / 2, third["timings"]),
    ("what is kept is what comes before the word", third["timings"]["cache_n"] == top, third["timings"]),
)

# %% [markdown]
# ## Which flags matter to an agent?
#
# Now you can read the command that the lesson's server printed when it started.
#
# | flag | what it does | if it is wrong |
# |---|---|---|
# | `-m`, `--alias` | which model, and its name | another model answers |
# | `--chat-template-file` | replaces the GGUF's template | thinking and tool calls go astray (06) |
# | `-c`, `-np` | the context window; how many slots share it | HTTP 400 after some steps |
# | `-ngl` | layers on the GPU, 0 for none | slow |
# | `-t` | CPU threads | too many: slow |
# | `--host`, `--port` | where it listens | connection refused, or strangers |
# | `--metrics` | adds the page `/metrics` | HTTP 501 there |

# %% [markdown]
# Three more are for speed, and make sense now that you know the cache:
#
# - `-ctk q8_0`: 8 bits instead of 16 for each number of the keys in the KV cache.
# - `-fa off`: attention without "flash attention", which is faster on a CPU together with the line above
#   ([measured](../docs/measurements.md), `attention`).
# - `--spec-type ngram-mod`: [speculative decoding][spec]. The server drafts the next tokens from what was written
#   before, and the model checks the draft in one pass.
#
# [spec]: ../docs/glossary.md#speculative-decoding

# %% [markdown]
# And the blog post's command?
#
# ```sh
# llama-server -hf unsloth/Qwen3.6-35B-A3B-GGUF --hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf -ngl 99 -c 65536 --jinja
# ```
#
# `-hf` and `--hf-file` download a model instead of taking a file. `--jinja` uses the template in the GGUF; the
# post says you need it. That was true until November 2025. Today it is the default
# ([#17524](https://github.com/ggml-org/llama.cpp/pull/17524)), and the flag that breaks things is `--no-jinja`
# (lesson 06).

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the course's command has no --jinja", "--jinja" not in server.command),
    ("and the template is in use: the prompt opens <think>", prompt.rstrip().endswith("<think>")),
)

# %% [markdown]
# ## Where is all this written down?
#
# In the log: a block for each request, even if its client never looked at `timings`.

# %%
print(server.log(6))

# %% [markdown]
# `prompt eval time` is prompt processing, `eval time` is generation. The totals since the start are on `/metrics`, in
# the format of Prometheus:

# %%
totals = ("llamacpp:prompt_tokens_total", "llamacpp:tokens_predicted_total")
print(*(line for line in server.get("/metrics").splitlines() if line.startswith(totals)), sep="\n")

# %% [markdown]
# ## What does a failed start look like?
#
# First: a second server on the port of the first one.
#
# **Predict:** does it `take over` the port, use the `next` one, `load` the model and then fail, or fail at `once`?

# %%
guess = ...


# %%
def until_it_ends(*arguments):
    """Run the server's program with these arguments; its exit status, and what it printed."""
    words = [*engine.find().command, *map(str, arguments)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return None, "After 30 seconds it was still running, so it had started. It has been stopped again."
    return done.returncode, done.stdout + done.stderr


taken = server.url.rpartition(":")[2]
status, printed = until_it_ends("-m", embedded.gguf_path(), "--port", taken)
print(printed[-900:], "\nexit status", status)

# %%
check.prediction("01.p4", guess, was="load" if "loading model" in printed else "once")

# %% [markdown]
# The line to find has an `E`: `couldn't bind HTTP server socket`. What follows is only tidying up.
#
# The trap comes after. The *first* server still answers on that port, with whatever flags it has. An agent does not
# notice; you do, in `/props`.

# %% [markdown]
# Second: the model file is there, but it isn't a model. That happens when a download saved an error page, or when
# `git clone` left a pointer to a large file in place of the file:

# %%
pointer = Path(tempfile.mkdtemp()) / "model.gguf"
pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 144811040\n")
status, printed = until_it_ends("-m", pointer, "--port", next_free(int(taken) + 20))
errors = [line for line in printed.splitlines() if " E " in line]
print(*errors, sep="\n")

# %% [markdown]
# Read the *first* error. A GGUF file begins with the four letters `GGUF`, and this one doesn't. The rest are
# consequences, and the last of them, `exiting due to model loading error`, tells you least.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("it ends with an error", status != 0, status),
    ("the log names what is wrong", "magic" in printed, printed[-300:]),
    ("the lesson's own server has noticed nothing", server.get("/health")["status"] == "ok"),
)

# %% [markdown]
# A colleague sends you these arguments and says that the server does not start:

# %%
broken = ["-m", str(pointer), "--ctx-sizes", "512", "--port", taken]
print(shlex.join(broken))

# %% [markdown]
# ### Exercise 01.4 · ★★☆ · 7 minutes
#
# Repair them: it should listen on a free port and have room for 512 tokens. There is more than one fault, and each
# start tells you one of them. The check really starts the server.
#
# <details><summary>Hint</summary>
#
# Run `print(until_it_ends(*broken)[1])` and read, then again without the fault that you found, until it runs.
# The flag is in the table above. `str(embedded.gguf_path())` is a good model file, `str(next_free(8200))` a good port.
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
    where = words[words.index("--port") + 1] if "--port" in words[:-1] else ""
    if not where.isdigit():
        return "name the port, with --port and a number"
    if not is_free(int(where)):
        return f"port {where} is in use by another program"
    room, until = None, time.monotonic() + 80
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([*engine.find().command, *words], stdout=log, stderr=log)
        try:
            while room is None and process.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
                with suppress(CourseError, LookupError, TypeError):
                    props = Connection(f"http://127.0.0.1:{where}").props()
                    room = props["default_generation_settings"]["n_ctx"]
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        lines = log.read().splitlines() or ["(nothing)"]
    if room is None:
        said = next(
            (line for line in lines if " E " in line or "unknown" in line or "error" in line), lines[-1]
        )
        return f"it did not start, and printed: {said.strip()}"
    return room == 512 or f"it starts, but with room for {room} tokens"


check.exercise("01.4", fixed, tried, hint="a list of arguments like broken, without the program", seconds=90)

# %% [markdown]
# ## Stop it, and see it gone
#
# A server is a process that holds memory, gigabytes for a large model. Whoever starts it ends it.

# %%
pid = server.pid
server.stop()
try:
    server.get("/health")
except CourseError as error:
    print(error)

# %% tags=["folded", "nbval-check-output"]
check.claim("the lesson's server is gone", not psutil.pid_exists(pid))

# %% [markdown]
# ### Exercise 01.5 · ★☆☆ · 3 minutes
#
# Now yours. Press Ctrl-C in its terminal. Then ask `/health` once more and print curl's exit status, which is what a
# script would look at. What is it?
#
# <details><summary>Hint</summary>
#
# `curl -s http://127.0.0.1:8123/health; echo $?` (with your port). If Ctrl-C does nothing, you are in the other
# terminal. No `curl` on this machine? Its manual (`man curl`, EXIT CODES) is on the web.
#
# </details>

# %% tags=["stub"]
status = ...

# %% tags=["solution"]
yours.stop()  # in the terminal: Ctrl-C
status = 7  # "Failed to connect to host"


# %% tags=["folded"]
def gone(answer):
    """Whether the learner's server is gone, and the answer is what curl says about that."""
    with suppress(CourseError):
        yours.get("/health")
        return f"a server still answers at {yours.url}. Press Ctrl-C in its terminal"
    verdict = compare(answer, 7)
    return verdict.ok or verdict.why


check.exercise("01.5", status, gone, hint="echo $? right after curl prints its exit status")

# %% [markdown]
# *Refused* means that nobody listens there: the server is not up, or on another port. A server that is up but
# stuck would make you *wait* instead. Those two are repaired in different ways.
#
# If you ever lose track: `course stop` ends every server that the course itself started.

# %% [markdown]
# ## Recap
#
# - One command serves a model: a program, a file, flags. Name the port.
# - `/health`: is it ready? `/v1/models`: what does it serve? `/props`: how is it really set up?
# - `timings`: prompt processing, generation, and what the cache saved (`cache_n`).
# - The cache keeps the common beginning of two prompts. A change at the top costs all that follows.
# - If it does not start, read the *first* error in its log: the rest are consequences.
#
# **In your own agent:** compare `n_ctx`, `total_slots` and `model_path` in its server's `/props` with what you
# believe.

# %% tags=["folded"]
check.quiz(
    "01",
    check.question(
        "A server is up. You ask the same thing twice, and the second answer comes much faster. Why?",
        right="The second one's prompts were still in the KV cache.",
        why="Equal beginnings are not processed again: `cache_n` is high and `prompt_n` low.",
        wrong={
            "The server remembers the answer and sends it again.": "It generates each answer from scratch; "
            "only the processing of the prompt is saved. `predicted_ms` is there both times.",
            "The first one waited for the model to load.": "The server was up already, and it is up only when the "
            "model is loaded.",
        },
    ),
    check.question(
        "Your agent gets *connection refused*. What does that tell you?",
        right="Nothing listens at that address and port.",
        why="It is not up, has ended, or listens elsewhere. Look at the end of its log, and at its `--port`.",
        wrong={
            "The model is still loading.": "llama-server takes its port first and then loads: you would get HTTP 503. "
            "(It prints *listening* only when it is ready.)",
            "The prompt is too long.": "That is an answer, with HTTP status 400, so somebody listens.",
        },
    ),
    check.question(
        "You add today's date to the first line of a long system prompt. What does it cost?",
        right="The prompt is processed again whenever the date changes.",
        why="Only the common beginning is kept, and now the beginning differs.",
        wrong={
            "Nothing: the rest of the prompt is the same.": "The cache cannot skip a token and go on: what a token's "
            "key and value are depends on all tokens before it.",
            "A few tokens: just the date.": "So it would be at the *end* of the prompt. At the top, everything "
            "behind it is processed again.",
        },
    ),
)

# %%
check.progress("01")

# %% [markdown]
# **Next:** [02 one completion, byte by byte](02_one_completion.ipynb): what one question looks like on the
# wire, and inside the model's prompt.
