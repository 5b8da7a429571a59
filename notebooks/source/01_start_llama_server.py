# %% [markdown]
# # 01 · Start llama-server
#
# An agent's model is a program that listens on a port. Here you start one, ask it everything it
# tells about itself, read its log, and make it fail in two ways that you will meet again.
#
# **After this lesson you can** start, probe and stop a llama-server, say what every flag of its
# command does, and read its log, `/props`, `/v1/models` and the timings of a response.
#
# **Minutes:** 25 · **Needs:** lesson 00

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import os
import time

import psutil

from course import check
from course.errors import CourseError
from course.server import Server

# %% [markdown]
# ## Start
#
# Starting is the subject, so this lesson starts a server of its own, also when another one runs.
# It takes the embedded profile: a second copy of a large model would not fit beside the first,
# and all you read here is the same for any model. `url=False` means: attach to nothing.
#
# `metrics=True` is a change to the profile.
# **Predict:** how will it show in the command?

# %%
server = Server("embedded", url=False, metrics=True)
began = time.monotonic()
server.start()
print(f"ready after {time.monotonic() - began:.1f} s, {server.pid = }")

# %% [markdown]
# `--metrics`: one flag more. You could paste this command into a terminal and get the same
# server, and so can anyone you ask for help. The program is `llama-server` if one is on your
# PATH, else the same engine out of a Python wheel, behind a command with the same flags.
#
# | flag | what it does |
# |---|---|
# | `-m FILE` | the weights, one GGUF file with tokenizer and, usually, a chat template |
# | `--alias NAME` | what the model is called in `/v1/models` and in each response |
# | `--chat-template-file FILE` | turns messages into one text, in place of the template in the GGUF |
# | `-c N` | context: room for N tokens, prompt and answer together |
# | `-ngl N` | up to N layers on the GPU; `0` keeps all of them on the CPU |
# | `-np N` | slots: how many requests are worked on at the same time |
# | `-t N` | threads of the CPU; here half of the cores, but two if there are two |
# | `-fa off` | attention in separate steps, which is quicker on a CPU; flash attention is the default |
# | `-ctk q8_0` | the keys in the cache take 8 bits a number in place of 16 |
# | `--spec-type ngram-mod` | guess the next tokens from what was written before, and check the guesses |
# | `--metrics` | switches the page `/metrics` on |
# | `--host`, `--port` | where it listens; `127.0.0.1` is this machine only |

# %%
check.claim("the change became a flag", "--metrics" in server.command)
check.claim("the command names the weights", ".gguf" in server.command_line)

# %% [markdown]
# ## The article's command
#
# ```sh
# llama-server \
#     -hf unsloth/Qwen3.6-35B-A3B-GGUF \
#     --hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf \
#     -ngl 99 -c 65536 --jinja
# ```
#
# - `-hf REPO` in place of `-m`: downloads the model from that Hugging Face repository, once. It
#   also fetches a vision part if there is one, unless you add `--no-mmproj`.
# - `--hf-file FILE`: which file of the repository.
# - `-ngl 99`: all layers on the GPU. The article says that without it the server uses the CPU; on
#   a current build the default is `auto`, as many layers as fit.
# - `-c 65536`: room for 64k tokens. The model knows 256k, but each of them takes memory. Left out,
#   a current build takes the model's own size, or less so that it fits.
# - `--jinja`: use the chat template in the GGUF. The article needs it, so that the thinking does
#   not end up in the answer. It is **on by default** since about build b7150–b7380 (November
#   2025): leaving it out breaks nothing.
#
# The switch that breaks things today is `--no-jinja`. Lesson 06 is about that.
#
# Our own command has no `--jinja` at all. **Predict:** does the server use the template we gave
# it, or something generic? `/props` shows the template that was loaded. Whether it is used, only
# a rendered prompt shows: `/apply-template` makes one of messages, and generates nothing.

# %%
props = server.props()
print(props["chat_template"][:120], "…\n")
print(server.apply_template([{"role": "user", "content": "Hi"}]))

# %% tags=["nbval-check-output"]
check.claim("--jinja is not in our command", "--jinja" not in server.command)
opens_think = "<think>" in server.apply_template([{"role": "user", "content": "Hi"}])
check.claim("our template is in use all the same: it opens <think>", opens_think)

# %% [markdown]
# ## Is it alive, and what is it?
#
# Three addresses answer questions about the server. From a terminal: `curl -s URL/health`.

# %%
print(server.url)
server.get("/health")

# %%
model = server.models()["data"][0]
model["id"], model["owned_by"], model["meta"]["n_params"]

# %% [markdown]
# `/health` says 503 while the weights are loading and 200 afterwards: wait for it, never sleep
# and hope. `/v1/models` is the OpenAI way of asking what is served. `id` is our `--alias`;
# without one it is the name of the file or the repository.

# %% tags=["nbval-check-output"]
check.claim("healthy", server.get("/health") == {"status": "ok"})
check.claim("the model is called by our alias", model["id"] == server.profile.model_id)
check.claim("135 million parameters", round(model["meta"]["n_params"] / 1e6) == 135)

# %% [markdown]
# `/props` is llama-server's own page, and the one to read first when something is odd: which
# file, which template, which defaults, how many slots.

# %%
settings = props["default_generation_settings"]
print(sorted(props))
print("file: ", props["model_path"])
print("slots:", props["total_slots"])
print("build:", props["build_info"], "· as the course found it:", server.engine.build)
print("temperature unless a request says otherwise:", round(settings["params"]["temperature"], 2))

# %% [markdown]
# The temperature here is the server's, and it is not what an agent of this course gets: each
# request brings its own. (`b0-unknown` means that the engine comes from the wheel, which was
# built without a number; the course reads it off the wheel's version.)
#
# ### Exercise 01.1 · ★☆☆ · 3 minutes
#
# How many tokens does one slot of this server have room for? Read it from `props`.
#
# <details><summary>Hint</summary>
#
# Look at the keys of `settings`. The number should be the one after `-c` in the command,
# divided by the number of slots.
#
# </details>

# %% tags=["stub"]
n_ctx = ...

# %% tags=["solution"]
n_ctx = props["default_generation_settings"]["n_ctx"]

# %%
check.exercise("01.1", n_ctx, lambda n: n == settings["n_ctx"], hint="it is called n_ctx")

# %% [markdown]
# ## One completion, without any agent
#
# The address that agents use is `/v1/chat/completions`. The first request after a start:

# %%
question = {
    "messages": [{"role": "user", "content": "How many legs does a leopard have?"}],
    "temperature": 0,
    "max_tokens": 64,
}
first = server.post("/v1/chat/completions", question)
print(json.dumps(first, indent=2))

# %% [markdown]
# Don't mind what it says: this is not the kind of question that our small model was trained for.
# `choices` holds the answers (one), `message` is what the assistant said, `usage` counts tokens,
# the pieces of text that a model reads and writes. `finish_reason` tells why it stopped: `stop`
# when the model ended by itself, `length` when `max_tokens` ended it.
#
# A thinking model writes a draft between `<think>` and `</think>` before its answer. You saw the
# template open it; the server cuts the draft out into `reasoning_content`.
#
# Next to the answer, llama-server tells what it cost:

# %%
first["timings"]

# %% [markdown]
# | key | meaning |
# |---|---|
# | `cache_n` | prompt tokens that were in the cache already: not read again |
# | `prompt_n`, `prompt_ms` | prompt tokens read now, and how long that took |
# | `predicted_n`, `predicted_ms` | tokens generated, and how long that took |
#
# The OpenAI part of the response, `usage`, counts the same tokens without the times.

# %% tags=["nbval-check-output"]
usage, timings = first["usage"], first["timings"]
whole = timings["cache_n"] + timings["prompt_n"]
check.claim("the prompt is what was cached plus what was read", usage["prompt_tokens"] == whole)
check.claim("predicted_n is completion_tokens", timings["predicted_n"] == usage["completion_tokens"])
check.claim("a fresh server has nothing in its cache", timings["cache_n"] == 0, saw=timings)

# %% [markdown]
# ### Exercise 01.2 · ★☆☆ · 4 minutes
#
# How many tokens does this machine generate in a second? Compute it from `first["timings"]`,
# without using `predicted_per_second`.
#
# <details><summary>Hint</summary>
#
# `predicted_n` tokens took `predicted_ms` milliseconds.
#
# </details>

# %% tags=["stub"]
speed = ...

# %% tags=["solution"]
speed = first["timings"]["predicted_n"] / first["timings"]["predicted_ms"] * 1000

# %%
stated = first["timings"]["predicted_per_second"]
check.exercise("01.2", speed, lambda v: abs(v / stated - 1) < 0.05, hint="ms are thousandths")

# %% [markdown]
# The article's GPU made about 21 tokens a second with a model 260 times as large, of which it
# uses a tenth for each token. Writing is only half of the bill: an agent mostly *reads*, and
# that speed is `prompt_per_second`.
#
# ## The same again
#
# **Predict:** the very same request a second time. How many of its prompt tokens does the server
# have to read?

# %%
second = server.post("/v1/chat/completions", question)
{key: second["timings"][key] for key in ("cache_n", "prompt_n", "prompt_ms")}

# %% [markdown]
# One. All others are still in the cache from the first time: the server compares the new prompt
# with what the slot holds and keeps the longest common start. The last token is always read
# again, since reading it is what predicts the next one. This cache is why an agent that sends
# everything again with every step is not hopelessly slow.

# %% tags=["nbval-check-output"]
check.claim("all but one token came from the cache", second["timings"]["prompt_n"] == 1)
check.claim("cached plus read is the same prompt", second["usage"]["prompt_tokens"] == whole)

# %% [markdown]
# ### Exercise 01.3 · ★★☆ · 5 minutes
#
# A third request, in which only the *first* word of the question changes: `Which` in place of
# `How`. Predict `cache_n`. You need not be exact; two tokens off still counts.
#
# <details><summary>Hint</summary>
#
# Only the common *start* of two prompts counts. `server.apply_template(question["messages"])`
# shows the prompt, and `len(server.tokenize(...))` counts tokens. What comes before `How`?
#
# </details>

# %% tags=["stub"]
predicted = ...

# %% tags=["solution"]
prompt = server.apply_template(question["messages"])
predicted = len(server.tokenize(prompt.partition("How")[0]))

# %%
other = [{"role": "user", "content": "Which many legs does a leopard have?"}]
third = server.post("/v1/chat/completions", {**question, "messages": other, "max_tokens": 1})
cache_n = third["timings"]["cache_n"]
check.exercise("01.3", predicted, lambda n: abs(n - cache_n) <= 2, hint="what is before How?")

# %% tags=["nbval-check-output"]
check.claim("one changed word near the start, and most of the cache is lost", cache_n < whole / 2)

# %% [markdown]
# Keep that in mind for later: a date or a random number near the top of a system prompt makes
# every request pay for everything after it.
#
# ## The log
#
# What the server has to say about all this is in its log. The end of it:

# %%
print(server.log_path)
print(server.log(12))

# %% [markdown]
# The line to look for is `print_timing`: the same numbers as in the response, one block for each
# request, also for requests whose client never looked. Near its top the log warns that no API key
# is set, and that deserves a thought too: without one, every program on this machine, and any
# page in your browser, may use the server. On `127.0.0.1` that is you; never put it on `0.0.0.0`
# like this.

# %% tags=["nbval-check-output"]
log = server.log(1000)
check.claim("the log has timings for each request", log.count("prompt eval time") >= 3)
check.claim("and says where it listens", server.url in log)

# %% [markdown]
# `--metrics` opened one more page: the totals since the start, in the format of Prometheus.

# %%
lines = server.get("/metrics").splitlines()
print(*(line for line in lines if "tokens_" in line and not line.startswith("#")), sep="\n")

# %% [markdown]
# ## Two errors you will meet
#
# **Predict:** you ask for the port that our server has. What should a good error tell you?

# %%
port = int(server.url.rpartition(":")[2])
try:
    Server("embedded", url=False, port=port, quiet=True).start()
except CourseError as error:
    taken = str(error)
print(taken)

# %% [markdown]
# Who has it, and the ways out. Second error: the weights are not where you say they are.

# %% tags=["nbval-check-output"]
try:
    Server("embedded", url=False, model="no-such-model.gguf", quiet=True).start()
except CourseError as error:
    missing = str(error)
print(missing)

# %% tags=["nbval-check-output"]
named = f"port {port}" in taken and "pid" in taken
check.claim("the first error names the port and the process", named)
check.claim("the second one names the file", "no-such-model.gguf" in missing)
check.claim("our own server has noticed nothing", server.get("/health")["status"] == "ok")

# %% [markdown]
# ## Attach
#
# A server that runs, here or on a GPU box, needs its address and nothing else. `stop()` never
# ends a server that you only attached to. This attaches to the one your course uses, if there is
# one, else to ours:

# %%
attached = Server(PROFILE, url=SERVER or os.environ.get("SERVER") or server.url).start()
print(attached.models()["data"][0]["id"])
attached.stop()

# %% tags=["nbval-check-output"]
check.claim("attached, so nothing was started here", attached.attached and attached.pid is None)
check.claim("stop() left it running", attached.get("/health")["status"] == "ok")

# %% [markdown]
# ## Stop
#
# A server is a process with gigabytes in its hands: whoever starts it ends it. `stop()` ends the
# process and waits until it is gone; a notebook that dies leaves an entry from which `course stop`
# finds what it left behind.

# %%
pid = server.pid
server.stop()
try:
    server.get("/health")
except CourseError as error:
    print(error)

# %% tags=["nbval-check-output"]
check.claim("the process is gone", not psutil.pid_exists(pid))

# %% [markdown]
# ## Recap
#
# - A llama-server is one command. Its flags decide what goes over the wire, so look at them first.
# - `--jinja` is the default today; `-ngl` and `-c` choose for themselves when you leave them out.
# - `/health` tells when it is ready, `/v1/models` what it serves, `/props` how it is set up.
# - `timings` tell what a request cost. `cache_n` is what it did not cost: the common start with
#   what the slot has seen before.
# - An error worth its name says what was seen, what was wanted, and what to run next.
#
# **Next:** [03 read the system prompt](03_read_the_system_prompt.ipynb): the 2,000 tokens that an
# agent says before your question.
