# %% [markdown]
# # 00 · Welcome
#
# An agent is a chat completion in a loop: a program sends text to a model, runs the code that
# comes back, and sends the result with the next request. In this course you read every byte of
# that, until nothing about it is magic.
#
# **After this lesson you can** say whether your machine is ready, pick a profile, say what the
# embedded model is good for, and ask an agent a first question.
#
# **Minutes:** 15 · **Needs:** nothing but the course itself
#
# Every lesson works the same way: *predict* what will happen, *run* the cell, *read* what came.
# Predict before you run, in words. A wrong guess is what you will remember.

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %% [markdown]
# The cell above is in every lesson. `SERVER` is the address of a llama-server that already runs;
# `PROFILE` names the model to use. With `None` they come from the environment: `make lab` has
# set both. Without it you get a server of the embedded model, started by the lesson.

# %%
import json
from importlib.resources import files

from course import check
from course.agent import LEOPARD, code_agent, connect
from course.doctor import checks
from course.model.profiles import flag_groups, load, names
from course.server import Server
from course.tape import Tape
from course.turns import turns

# %% [markdown]
# ## Is this machine ready?
#
# The doctor looks and changes nothing. For each thing it says what it saw; what is wrong comes
# with the command that puts it right. In a terminal the same list is `course doctor`.

# %%
report = checks()
for item in report:
    print(f"{'✓' if item.ok else '✗'} {item.name:<15} {item.saw}")
    if not item.ok:
        print(f"  needed: {item.needs}\n  run:    {item.run}")

# %% [markdown]
# A busy port 8080 is no fault if a llama-server answers there, most likely your own. Two of
# the lines must be ✓ for any lesson, `python` and `packages`:

# %% tags=["nbval-check-output"]
broken = [item.saw for item in report if item.name in ("python", "packages") and not item.ok]
check.claim("Python and the installed packages are those the course wants", not broken, saw=broken)

# %% [markdown]
# ## Profiles
#
# A profile is a name for everything one way of running needs: where the weights come from,
# which flags the server gets, which sampling goes with each request.
#
# **Predict:** which of them would run on the machine you sit at?

# %%
for name in names():
    profile = load(name)
    print(f"{name}: {profile.title}")
    print(f"  needs:    {profile.needs}\n  verified: {profile.verified}\n")

# %% [markdown]
# Read the last line of each: it says what was really run, and what was only looked up.
#
# The course comes from an article whose agent ran on Qwen3.6-35B-A3B. With a GPU of that size,
# **one variable** takes you there: set `PROFILE = "qwen3.6-35b-a3b"` in the cell at the top
# (or start everything with `make lab PROFILE=qwen3.6-35b-a3b`). If the model runs on another
# machine, set `SERVER = "http://that-machine:8080"` as well, and nothing is started here.
#
# What would that profile run? This prints the command and starts nothing:

# %% tags=["nbval-check-output"]
groups = flag_groups(load("qwen3.6-35b-a3b"), {}, model=None)
print("llama-server", *(" ".join(group) for group in groups), sep=" \\\n    ")

# %% tags=["nbval-check-output"]
command = " ".join(flag for group in groups for flag in group)
article = [
    "-hf unsloth/Qwen3.6-35B-A3B-GGUF",
    "--hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf",
    "-ngl 99",
    "-c 65536",
    "--jinja",
]
check.claim("every flag of the article is in it", all(flag in command for flag in article))

# %% [markdown]
# The rest is what the article's command lacks today:
#
# | flag | why |
# |---|---|
# | `--alias` | a short name for the model in `/v1/models` and in each response |
# | `-np 1` | one slot for one learner; unset, a current server makes four that share the memory |
# | `--no-mmproj` | `-hf` also fetches a vision part, which switches cache reuse off |
# | `--ctx-checkpoints 32` | snapshots; with 0, this model reads all again at each step |
# | `--metrics`, `--props` | two read-outs that are off by default |
#
# Lesson 01 takes such a command apart flag by flag, `--jinja` included: the article says you need
# it, and on a current build you no longer do.

# %% [markdown]
# ## The embedded model is a flight simulator
#
# The embedded model is SmolLM2-135M-Instruct with an adapter trained for this course, so small
# that it runs on any CPU. As a thinking agent it knows four kinds of question (how many seconds
# something fast needs for a distance, in code or in tool calls; which of two or three is faster;
# what to do about a forbidden import; what a document says) and a little plain chat. Everything
# around it is real (the server, smolagents, each byte on the wire), but outside these few kinds
# expect nonsense, and take nothing it does for what a larger model would do.
#
# How well does it fly? These are questions about names that its training never saw, on pages laid
# out and in tools worded as it never saw them, each run through the whole loop.

# %%
scores = json.loads((files("course") / "data" / "eval.json").read_text(encoding="utf-8"))
print(f"{'family':<24}{'cases':>6}{'right':>7}{'steps':>7}{'seconds':>9}")
for family, row in scores["families"].items():
    print(
        f"{family:<24}{row['cases']:>6}{row['right']:>7}{row['steps']:>7.1f}{row['seconds']:>9.1f}"
    )
    for kind, times in row["failures"].items():
        print(f"    {times} × {kind}")

# %% [markdown]
# `right` of `cases` is what it gets right, and where it fails, the line below says how. `steps` is
# the mean and `seconds` the median on the machine where it was measured. You will meet a failure
# sooner or later, and read on the wire how it came about.

# %% tags=["nbval-check-output"]
rows = scores["families"].values()
check.claim("each kind has at least 50 unseen questions", all(row["cases"] >= 50 for row in rows))
check.claim("most flights end well", all(2 * row["right"] > row["cases"] for row in rows))
failed = [row["cases"] - row["right"] for row in rows]
check.claim("and each failure is told", failed == [sum(row["failures"].values()) for row in rows])

# %% [markdown]
# ## The first question
#
# Time to fly. First a server. If `SERVER` is set, as `make lab` does, the lesson attaches to that
# one and says so; else it starts its own and prints the exact command.

# %%
server = Server(PROFILE, url=SERVER).start()
server

# %% [markdown]
# Now smolagents' classic: *How many seconds would it take for a leopard at full speed to run
# through Pont des Arts?* The agent has one tool, a web search. Ours works offline, on pages that
# come with the course.
#
# **Predict:** how many HTTP requests will go to the server for this one question?

# %%
tape = Tape()
agent = code_agent(connect(server, tape))
answer = agent.run(LEOPARD)
print(answer)

# %% tags=["embedded-only", "nbval-check-output"]
check.claim("155 m at 58 km/h take 9.62 seconds, and so it says", "9.62" in str(answer), saw=answer)

# %% [markdown]
# The `tape` between smolagents and the server has recorded everything. `tape.entries` is a list
# with one entry for each HTTP request and its response.
#
# ### Exercise 00.1 · ★☆☆ · 2 minutes
#
# How many HTTP requests did the one question cost?
#
# <details><summary>Hint</summary>
#
# The length of a list: `len(...)`.
#
# </details>

# %% tags=["stub"]
requests = ...

# %% tags=["solution"]
requests = len(tape.entries)

# %%
check.exercise("00.1", requests, lambda n: n == len(tape.entries), hint="how long is tape.entries?")

# %% [markdown]
# Was your prediction right? Where the requests went, and what each cost:

# %%
for turn in turns(tape.records()):
    print(turn.exchange.method, turn.exchange.url, turn.status, f"{turn.seconds:.1f} s")
    print(f"    {turn.tokens.prompt} tokens in, {turn.tokens.generated} out")

# %% [markdown]
# One address, called again and again. There is no other channel: whatever smolagents and the
# model know of each other went through these requests. A token is a piece of text, a few
# characters long: what a model reads and writes. The tokens that go in grow with each request,
# because a chat completion remembers nothing: the agent sends all that was said before.

# %% tags=["nbval-check-output"]
told = turns(tape.records())
goal = server.api_base + "/chat/completions"
check.claim("every request went to /v1/chat/completions", all(t.exchange.url == goal for t in told))
sizes = [t.tokens.prompt for t in told]
check.claim("each request was longer than the one before", sizes == sorted(set(sizes)), saw=sizes)

# %% tags=["embedded-only", "nbval-check-output"]
check.claim("the embedded model takes two requests", len(told) == 2, saw=len(told))

# %% [markdown]
# ### Exercise 00.2 · ★★☆ · 4 minutes
#
# The prompt grows with each step, and the server has room for so many tokens:

# %%
room = server.props()["default_generation_settings"]["n_ctx"]
print(f"room for {room:,} tokens; the prompts so far had {sizes}")

# %% [markdown]
# If each further step made the prompt longer by as much as the last one did, for how many more
# prompts would there be room?
#
# <details><summary>Hint</summary>
#
# How much longer is the last prompt than the one before it? How often does that fit into what is
# left?
#
# </details>

# %% tags=["stub"]
more = ...

# %% tags=["solution"]
more = (room - sizes[-1]) // (sizes[-1] - sizes[-2])

# %%
left, longer = room - sizes[-1], sizes[-1] - sizes[-2]
check.exercise("00.2", more, lambda n: n == left // longer, hint=f"{longer} more each time, {left} left")

# %% [markdown]
# No agent can go on forever: a prompt that does not fit is refused, with HTTP 400, and the run
# is over.

# %% [markdown]
# ## The map
#
# | lesson | afterwards you can… |
# |---|---|
# | 00 welcome | say whether the machine is ready, pick a profile, read this map |
# | [01 start llama-server][01] | start, probe and stop a server, and say what every flag does |
# | [03 read the system prompt][03] | take smolagents' prompt apart, and say what it costs |
# | [05 wire and steps, side by side][05] | match every step of the agent to its bytes |
# | [06 break `--jinja` on purpose][06] | change one setting, predict what breaks, see it on the wire |
# | [09 the container is the sandbox][09] | attack the agent's container, and name what stops you |
#
# [01]: 01_start_llama_server.ipynb
# [03]: 03_read_the_system_prompt.ipynb
# [05]: 05_wire_and_steps.ipynb
# [06]: 06_break_jinja.ipynb
# [09]: 09_the_container_is_the_sandbox.ipynb
#
# The gaps in the numbers are lessons to come.
#
# ## Recap
#
# - The doctor tells what is missing and what to run.
# - A profile is a named set of weights, flags and sampling; one variable switches it.
# - The embedded model is a simulator for the questions of this course. The wire around it is real.
# - One question to an agent is several HTTP requests to one address, each longer than the last.
#
# **Next:** [01 start llama-server](01_start_llama_server.ipynb), where you run that command
# yourself and read what the server tells about itself.

# %%
server.stop()
