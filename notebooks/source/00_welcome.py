# %% [markdown]
# # 00 · Welcome
#
# Your agent gives a strange answer. Was it the model, the library, the server, or a setting? To find out, read what the
# [agent][agent] and the model sent each other. In this course you do that, byte for byte, until nothing about it is
# magic.
#
# **After this lesson you can**
#
# - say what an agent does between your question and its answer, and show it in a recording,
# - work out when a growing conversation will no longer fit,
# - ask a question of your own, and say how far to trust the answer of the course's small model.
#
# **Minutes:** 50 · **Needs:** [the installation](../README.md#two-commands)
#
# [agent]: ../docs/glossary.md#agent

# %% [markdown]
# ## Is this course for you?
#
# Yes, if you build or debug agents and would like to stop guessing. You should be able to read Python
# (functions, dictionaries, classes) and to type commands in a terminal. Machine learning, HTTP and Docker are
# explained where they come up, and the [glossary](../docs/glossary.md) has most terms.
#
# Everything runs on your own machine: no account, no API key, and no network after the installation.

# %% [markdown]
# The course grew out of a blog post, "Local AI agents with smolagents and llama.cpp". Its author gave an agent
# one question and printed everything that went to the model and came back.
#
# We use the same setup: **smolagents**, an agent library, talks to **llama-server**, a program that runs a
# model. This course calls what travels between the two *the wire*. The lessons repeat what the post did, and
# say where today's versions behave differently.

# %% [markdown]
# ## How does a lesson work?
#
# You **predict**, run, read. Predict first: after a wrong guess, the right answer sticks.
#
# - Write your prediction in place of the `...` in `guess = ...`, then run the cell with Shift+Enter. Nothing breaks
#   if you leave it open.
# - An exercise works the same way, and the cell below it checks your answer. Checks are *folded*: you see only a bar with
#   `…`. Run it like any cell, and click it to read the code. `[*]` beside a cell means that it is still running or
#   waiting. In the quiz at the end, click an answer.
# - A line with ✓ is a claim of the lesson, checked just now on your machine.

# %% [markdown]
# The next cell is in every lesson. `SERVER` is the address of a model server, `PROFILE` says which model to
# use. Leave both at `None`: the lesson uses the server that `make lab` started, or starts one. That server runs the
# course's own model, unless you gave `make lab` another. The cell after it imports what the lesson needs.

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import ast
import json
import re
from importlib.resources import files

from IPython.display import Markdown

from course import ROOT, check
from course.agent import LEOPARD, code_agent, connect
from course.doctor import checks
from course.model.profiles import load, names
from course.server import Server
from course.tape import Tape
from course.tools import corpus
from course.turns import text_of, turns

# %% [markdown]
# ## What happens when you ask an agent a question?
#
# Try it with the question from the blog post:
#
# > How many seconds would it take for a leopard at full speed to run through Pont des Arts?
#
# You give the agent one [tool][tool], a web search. Ours works offline, on pages that come with the course.
#
# **Predict:** your question has 88 characters. How many does the agent send to the model, in its *first* request: `88`,
# `500`, `9000` or `90000`?
#
# [tool]: ../docs/glossary.md#tool

# %%
guess = ...

# %% [markdown]
# The next cell connects a `CodeAgent`, smolagents' agent that acts by writing Python, to the server (and starts one if
# `make lab` has not), with a recorder in between, and asks. `Server`, `connect` and `code_agent` are the course's
# shortcuts. It prints nothing for a minute or two.

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
tape = Tape()  # the recorder
agent = code_agent(connect(server, tape))
answer = agent.run(LEOPARD)
print(answer)

# %%
run = turns(tape.records())
first = sum(len(text_of(message)) for message in run[0].exchange.messages)
print(f"the first request: {first:,} characters")
check.prediction("00.p1", guess, was=round(first, -3), unit="characters (rounded)")

# %% [markdown]
# You typed one question. A program sent a hundred times as much in its first request, and even more in its second one. That
# program is the agent. (No answer, but an error? Go to "Is this machine ready?" below, then come back.)

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claim("the answer says 9.62 seconds: 155 m at 58 km/h", "9.62" in str(answer), saw=answer)

# %% [markdown]
# ## What did they say to each other?
#
# Three words that you will need in every lesson:
#
# - An **[exchange]** is one HTTP request and its response. HTTP is what browsers speak, too: a request goes out, and the
#   response comes back with a status number: 200 means that all went well.
# - A **[tape]** is the recording: a file with every exchange, byte for byte.
# - A **[turn]** is one exchange, together with what the agent did with the response. (smolagents calls what it did a
#   *step*: lesson 03.)
#
# [exchange]: ../docs/glossary.md#exchange
# [tape]: ../docs/glossary.md#tape
# [turn]: ../docs/glossary.md#turn

# %% [markdown]
# The first request began like this:

# %%
manual, question = (text_of(message) for message in run[0].exchange.messages)
print(manual[:230], "…")
print(f"\n… and after {len(manual):,} characters of that:\n\n{question}")

# %% [markdown]
# Your question came last. The manual before it, the *system prompt*, is smolagents' work, and lesson 03 takes it apart.
#
# The answer took two web searches and a division.
#
# **Predict:** which of these did the model do itself: `"search"`, `"division"`, `"both"` or `"neither"`?

# %%
guess = ...

# %% [markdown]
# Now the replies, each with what the agent made of it. (Before each reply, this model *thinks*. The token counts below
# include that text; the output here leaves it out: lesson 02.)

# %%
for turn in run:
    print(f"── {turn.label}: the model's reply")
    print(turn.content)
    print("── what came of it")
    print(str(turn.observation or turn.answer)[:500], "\n")


# %% tags=["folded"]
def divides(code):
    """Whether this Python divides."""
    try:
        return any(isinstance(getattr(node, "op", None), ast.Div) for node in ast.walk(ast.parse(code)))
    except SyntaxError:
        return " / " in code


codes = [turn.code or "" for turn in run]
coded = {"search": any("web_search(" in code for code in codes), "division": any(map(divides, codes))}
itself = [job for job, in_code in coded.items() if not in_code]
check.prediction("00.p2", guess, was={0: "neither", 1: "".join(itself), 2: "both"}[len(itself)])

# %% [markdown]
# The model did neither. It *wrote Python*: a thought, then code after the mark `<code>`. smolagents ran that code on your
# machine (in an interpreter that allows few imports and is not a security boundary: lessons 03 and 09) and sent what came
# out of it, the [observation][observation], with the next request. The last block picks the figures out of the pages,
# divides, and calls `final_answer`, which ends the run.
#
# A model turns text into text. Everything that *happens* is done by the program around it.
#
# [observation]: ../docs/glossary.md#observation

# %% [markdown]
# Look at `LENGTHS`. One page says 153 m, and 11 is the bridge's *width*, which the code took for a length. The answer is
# right because `mode` takes the figure that comes up most often. Here are the pages, as the code got them:

# %%
print(agent.tools["web_search"]("length of Pont des Arts in meters"))

# %% [markdown]
# (Too good for a tiny model? This one was trained to write code of exactly this kind: see below.)

# %% [markdown]
# ## Who remembers the conversation?
#
# The second reply goes on where the first one ended: the model knew the question, its own first code, and what had come
# of it.
#
# **Predict:** who kept all that until the second request, the `"server"` or the `"agent"`?

# %%
guess = ...

# %% [markdown]
# To find out, look at the size of each request. Then send only the last [message][message] of the last request: does the
# model still read the earlier ones?
#
# Sizes are counted in [tokens][token], pieces of text that are a few characters long. Models read and write tokens.
#
# [message]: ../docs/glossary.md#message
# [token]: ../docs/glossary.md#token

# %%
for turn in run:
    print(f"{turn.label}: {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out")

last = run[-1].exchange.request
reply = server.post("/v1/chat/completions", {"messages": last["messages"][-1:], "max_tokens": 1})
alone = reply["usage"]["prompt_tokens"]
print(f"the last message alone: {alone:,} tokens in")

# %% tags=["folded"]
check.prediction("00.p3", guess, was="agent" if alone < run[-1].tokens.prompt / 2 else "server")

# %% [markdown]
# The server added none of the earlier messages: with chat completions, which most agents use, it keeps no conversation.
# (OpenAI's Responses API can.) So the agent sends all messages again, with what is new at the end: the reply without its
# thinking, a note by smolagents on what it ran (both: lesson 05), and the result. (To save time, the server does reuse the
# *work* done on a beginning that it has just processed: lesson 10.)
#
# In the picture, follow the arrows around once:
#
# ![The agent loop: the agent sends all messages to the model, runs the code that comes back, appends
# the observation and asks again, until the code calls final_answer](../docs/pictures/loop.svg)

# %% tags=["folded", "nbval-check-output"]
sizes = [turn.tokens.prompt for turn in run]
goal = server.api_base + "/chat/completions"
check.claims(
    ("every request went to /v1/chat/completions", all(t.exchange.url == goal for t in run)),
    ("each request had more tokens than the one before", sizes == sorted(set(sizes)), sizes),
    ("a message that is sent alone is read alone", alone < sizes[-1] / 2, alone),
    ("the last turn ended the run", run[-1].is_final),
)

# %% [markdown]
# ### Exercise 00.1 · ★☆☆ · 4 minutes
#
# See for yourself what "all messages" are. `last` is the last request, as a dictionary. How many of its messages were, word
# for word, already in the first request, `run[0].exchange.request`? And what is the [role][role] of its last message?
#
# <details><summary>Hint</summary>
#
# `last["messages"]` is a list, and so is the first request's. Each message is a dictionary with a `role` and a `content`,
# and `==` compares two of them.
#
# </details>
#
# [role]: ../docs/glossary.md#role

# %% tags=["stub"]
found = {"sent before": ..., "role": ...}

# %% tags=["solution"]
before = run[0].exchange.request["messages"]
found = {"sent before": sum(m in before for m in last["messages"]), "role": last["messages"][-1]["role"]}

# %% tags=["folded"]
old, sent = (json.loads(tape.entries[n]["request"]["postData"]["text"])["messages"] for n in (0, -1))
check.exercise("00.1", found, {"sent before": sum(m in old for m in sent), "role": sent[-1]["role"]})

# %% [markdown]
# All of them, each cut to one line:

# %%
for message in last["messages"]:
    said = message["content"] if isinstance(message["content"], str) else message["content"][0]["text"]
    print(f"{message['role']:>9}  {len(said):>6,} characters  {said[:70]!r}")

# %% [markdown]
# The pages that the code searched are not in there, only what it printed: its variables stay in Python. And
# the observation travels in *your* name: its role is `user`. Only the word `Observation:` sets it apart, and you could type
# that, too. To the model, all of it is text. So whoever writes a page that your agent finds can give the model orders: that
# is *prompt injection*.

# %% [markdown]
# ## Can it go on like that forever?
#
# What the model reads for one request is called the [prompt][prompt]. The server has room for a fixed number of
# tokens, the [context window][window]:
#
# [prompt]: ../docs/glossary.md#prompt
# [window]: ../docs/glossary.md#context-window

# %%
room = server.props()["default_generation_settings"]["n_ctx"]
print(f"room for {room:,} tokens; the prompts so far had", [turn.tokens.prompt for turn in run])

# %% [markdown]
# **Predict:** you send a prompt of exactly as many tokens as there is room for. Is it `"answered"`, `"cut"`, or
# `"refused"`?

# %%
guess = ...

# %%
full = server.tokenize("leopard " * room)[:room]  # exactly `room` tokens
response = server.post("/completion", {"prompt": full, "n_predict": 1}, raise_for=False)
print(response.status_code, response.text[:150])

# %% tags=["folded"]
cut = response.is_success and response.json()["tokens_evaluated"] < room
check.prediction("00.p4", guess, was="cut" if cut else "answered" if response.is_success else "refused")

# %% [markdown]
# Refused, with status 400, HTTP's "I won't take this request". The two numbers are equal, yet one "exceeds" the other:
# prompt and answer share the window, and no token is left for the answer.
#
# So a prompt has to be *smaller* than `room`; one token less is enough (llama-server compares with `>=`). At least you are
# told at once, and why. (Other servers cut the prompt without a word: lesson 12.)

# %% tags=["folded", "nbval-check-output"]
messages = [{"role": "user", "content": "leopard " * 2 * room}]
longer = server.post("/v1/chat/completions", {"messages": messages}, raise_for=False)
check.claims(
    ("a prompt of exactly `room` tokens is refused with HTTP 400", response.status_code == 400),
    ("a longer one is refused, too", longer.status_code == 400, longer.text),
)

# %% [markdown]
# ### Exercise 00.2 · ★★☆ · 7 minutes
#
# If it went on, when would your agent hit that wall? Write `requests_left(sizes, room)`. `sizes` are the prompts so far,
# in tokens (two or more, each longer than the one before). Assume that every further prompt grows by as many tokens as
# the last one did. How many more requests will the server accept?
#
# <details><summary>Hint</summary>
#
# `sizes[-1] - sizes[-2]` is how much it grew last time. Count upward from `sizes[-1]` in such steps, as long as the size
# is smaller than `room`.
#
# </details>


# %% tags=["stub"]
def requests_left(sizes, room): ...


# %% tags=["solution"]
def requests_left(sizes, room):
    longer = sizes[-1] - sizes[-2]
    return (room - 1 - sizes[-1]) // longer


# %% tags=["folded"]
def made_up(random):
    """Prompts that grow by `longer` at the end, and room for exactly `more` of them and a bit."""
    for name, spare in [
        ("", 0.5),
        ("one token to spare", 0),
        ("the last one would have `room` tokens", None),
    ]:
        first, jump, longer = random.randint(300, 3000), random.randint(900, 2000), random.randint(100, 800)
        more = random.randint(2, 12)
        sizes = [first, first + jump, first + jump + longer]
        room = sizes[-1] + more * longer + (0 if spare is None else 1 + int(spare * longer))
        yield check.case(sizes, room, gives=more - (spare is None), name=name)
    yield check.case([500, 900], 901, gives=0, name="it is full already")
    yield check.case([500, 900], 1300, gives=0, name="the next one would have `room` tokens")


check.function(
    "00.2", requests_left, lambda random: list(made_up(random)), hint="only a size below `room` is accepted"
)

# %% [markdown]
# And your run, on this server? (`None` until you have written the function. smolagents itself gives up after 20 steps. On
# the course's own server, the wall comes first.)

# %%
print(requests_left([turn.tokens.prompt for turn in run], room) if len(run) > 1 else "one turn: no growth to see")

# %% [markdown]
# ## Does it work for your question?
#
# The search tool finds pages about these animals and places (a sample is shown). Word your question like the leopard's.

# %% tags=["folded"]
for table in ("animals", "places"):
    known = sorted(row["name"] for row in corpus.rows(table))
    shown = sorted({*known[3::8], "cheetah" if table == "animals" else "Tower Bridge"})
    print(f"{len(known)} {table}:", ", ".join(shown), "\n")

# %% [markdown]
# ### Exercise 00.3 · ★☆☆ · 6 minutes
#
# Now a question of your own: another animal *and* another place, named as above. Ask it with three lines of code, and
# record the run on a tape called `own`. The check wants a finished run, right or wrong. (If it searches on and on, press ■,
# *Interrupt*, and try another pair on a new tape.) Is the answer right? Do the division yourself: the cell after the check
# prints what most pages say.
#
# <details><summary>Hint</summary>
#
# Above, `tape = Tape()` and the two lines below it did the same. `LEOPARD` is only a string.
#
# </details>

# %% tags=["stub"]
own = ...

# %% tags=["solution"]
own = Tape()
question = "How many seconds would it take for a cheetah at full speed to run through Tower Bridge?"
print(code_agent(connect(server, own)).run(question))


# %% tags=["folded"]
def named(task, table):
    """The animals or places in a question, each by its longest name: a snow leopard is not a leopard."""
    rows = [(row["name"].lower(), kind) for kind in ("animals", "places") for row in corpus.rows(kind)]
    found = []
    for name, kind in sorted(rows, key=lambda row: len(row[0]), reverse=True):
        if name in task:  # "lions gate bridge" is a place, and no lion
            found += [name] * (kind == table)
            task = task.replace(name, "…")
    return found


def task_of(turn):
    """The question of the run that a turn belongs to, in lower case."""
    asked = [m for m in turn.exchange.request["messages"] if m["role"] == "user"]
    return str(asked[0]["content"]).lower() if asked else ""


def of_your_own(tape):
    """Whether the last run on the tape answered a question of the learner's own."""
    if not isinstance(tape, Tape):
        return f"expected a Tape, and this is {tape!r:.60}"
    made = [turn for turn in turns(tape.records()) if turn.exchange]
    if not made:
        return "nothing is on the tape: pass it to connect(server, own), and run that agent"
    task = task_of(made[-1])
    for table, same in (("animals", "the leopard"), ("places", "Pont des Arts")):
        if not named(task, table):
            return f"no name from the list of {table} is in your question; write one as the list does"
        if same.lower().removeprefix("the ") in named(task, table):
            return f"it is {same} again; ask about another animal and another place"
    if not (made[-1].step or {}).get("is_final"):
        return "the run did not end with an answer; ask about another pair, on a new tape"
    return True


check.exercise("00.3", own, of_your_own, hint="own = Tape(), then code_agent(connect(server, own)).run(…)")

# %% tags=["folded"]
recorded = own if isinstance(own, Tape) else tape
task = next((task_of(turn) for turn in reversed(turns(recorded.records())) if turn.exchange), "")
for table, figure, unit in (("animals", "top_speed_kmh", "km/h"), ("places", "length_m", "m")):
    figures = {row["name"].lower(): row[figure] for row in corpus.rows(table)}
    for name in named(task, table):
        print(f"{name}: most pages say {figures[name]} {unit}")

# %% [markdown]
# To see where a wrong answer comes from, look at the recording. It is a file in the folder `tapes`, beside this notebook,
# and `course view` makes a page of it, turn by turn. Type the line below in a terminal (in JupyterLab: File → New →
# Terminal). If `course` is not found there, first type `. .venv/bin/activate` in the course's folder. Then, in a browser,
# open the page whose path it prints (on a workshop's hub: double-click it in the folder `tapes`).
#
# Find the lines `SPEEDS` and `LENGTHS` in the last observation. How many of the figures agree with the one that the answer
# used? That is your reason to trust it, or not to.

# %%
print(f'course view "{recorded.path.resolve()}"')

# %% [markdown]
# ## How far can you trust this model?
#
# Unless you chose another, you just met the *embedded model*: SmolLM2-135M-Instruct, trained further for this course. It
# has 135 million parameters, the numbers that a model learns; large models have hundreds of billions. It is a **flight
# simulator**: server, library and bytes are real, but the model knows a few kinds of question and little else.
#
# It was [tested](../docs/measurements.md) on questions that it never saw in training. The first kind is the leopard's,
# about other pairs of animal and place. The last column is the same model *without* the course's training (and with at
# most 3 steps instead of 8). All test pages have addresses like the course's own; on pages of the real web, it finds
# nothing.

# %%
data = files("course") / "data"
scores, base = (json.loads((data / f"eval{kind}.json").read_text(encoding="utf-8")) for kind in ("", ".base"))
print(f"{'kind of question':<24}{'asked':>6}{'right':>7}{'untrained':>11}")
for kind, row in scores["families"].items():
    print(f"{kind:<24}{row['cases']:>6}{row['right']:>7}{base['families'][kind]['right']:>11}")

failed = [result for result in scores["results"] if result["outcome"] != "right"]
wrong = next((result for result in failed if result["family"] == "speed over distance"), failed[0])
print("\nAnd when it fails:", wrong["question"])
print("expected:", wrong["expected"], "· answered:", wrong["answer"])

# %% [markdown]
# All 50 questions of the leopard's kind have a wording that was not in the training data, and made-up figures. The same
# sentence about three other pairs was answered correctly, once with a sand cat. So a score says how often a model fails,
# not on which question: only the recording shows that. The [model card](../course/data/MODEL_CARD.md) has its other
# limits.

# %% tags=["folded", "nbval-check-output"]
rows = scores["families"].values()
right, cases = (sum(row[key] for row in base["families"].values()) for key in ("right", "cases"))
check.claims(
    ("each kind was tested on at least 50 questions", all(row["cases"] >= 50 for row in rows)),
    ("nine in ten of the leopard's kind are right", scores["families"]["speed over distance"]["right"] >= 45),
    ("without the training, fewer than one in ten is right", right < cases / 10, (right, cases)),
)

# %% [markdown]
# ## Is this machine ready?
#
# `course doctor` looks at your machine and changes nothing. For each thing that is missing, it prints the command that
# fixes it. Here is the same list:

# %%
report = checks()
for item in report:
    print(f"{'✓' if item.ok else '✗'} {item.name:<15} {item.saw}")
    if not item.ok:
        print(f"  needed: {item.needs}\n  run:    {item.run}")

# %% [markdown]
# With ✓ everywhere, you can do every lesson. (*Engine* is the llama-server in use: your own program, or the one in a Python
# package, a *wheel*. Docker is not on the list: without it, lesson 09 shows a recording.) A llama-server on port 8080 may
# be this lesson's own. If not, the course's servers take other ports.

# %% tags=["folded", "nbval-check-output"]
broken = [item.saw for item in report if item.name in ("python", "packages") and not item.ok]
check.claim("Python and its packages are as the course needs them", not broken, saw=broken)

# %% [markdown]
# ## Can you use another model?
#
# Yes, but you don't have to: `embedded` is the default, and enough for the whole course. A [profile][profile] is the
# course's name for everything that belongs to one model: its file, the server's settings, what each request asks for.
#
# [profile]: ../docs/glossary.md#profile

# %% tags=["folded"]
for name in names():
    profile = load(name)
    print(f"{name:<16} {profile.title}\n{'':<16} needs {re.split(', | and ', profile.needs)[0]}")

# %% [markdown]
# - **Another profile:** start JupyterLab with `make lab PROFILE=qwen3-4b`. The two Qwen profiles need a `llama-server`
#   program of your own, and nobody has run them with this course yet ([docs/support.md](../docs/support.md)).
# - **A server that already runs**, here or on another machine: `make lab SERVER=http://that-machine:8080`, with
#   `KEY=…` if it requires an API key.

# %% [markdown]
# ## The map

# %% tags=["folded"]
YOU_CAN = {
    "00": "say what an agent does, and whether your machine is ready",
    "01": "start, probe and stop a server; read its log, and repair a start that fails",
    "02": "turn messages into a prompt, read raw HTTP, and tell thinking from content",
    "03": "take smolagents' prompt apart, and say what each part costs",
    "04": "write the loop yourself, in about 35 lines",
    "05": "match each step of the agent to its bytes",
    "06": "change one server setting, and recognize what it breaks",
    "07": "recognize other faults: empty steps, cut thinking, a full context, a dead server",
    "08": "choose between CodeAgent and ToolCallingAgent, smolagents' two kinds of agent",
    "09": "attack the agent's container, and name what stops you",
    "10": "see the context grow and the cache at work, and cut the bill",
    "11": "search your own files, and prove that nothing left the machine",
    "12": "record any client, and name the fault on tapes you have never seen",
}
MINUTES, rows = {}, ["| lesson | afterwards you can … | minutes |", "|---|---|--:|"]
for path in sorted((ROOT / "notebooks" / "source").glob("[0-9]*.py")):
    text = path.read_text(encoding="utf-8")
    number, title = re.search(r"^# # (\w+) · (.+)", text, re.MULTILINE).groups()
    MINUTES[number] = int(re.search(r"\*\*Minutes:\*\* (\d+)", text)[1])
    able = YOU_CAN.get(number, "*an appendix, for the curious*")
    named = f"{number} {title.removesuffix(' (appendix)')}"
    rows.append(f"| [{named}]({path.stem}.ipynb) | {able} | {MINUTES[number]} |")
Markdown("\n".join(rows))

# %% [markdown]
# Do the lessons in order if you can. If your time is short, choose one of these paths. Each skips lessons that some of its
# own list under *Needs*: go on anyway, and look up words in the glossary. (The hours are without the appendices.)

# %% tags=["folded"]
PATHS = {
    "an agent of your own to fix *now*": "00 05 07 12",
    "half a day": "00 01 04 05 07",
    "a day": "00 01 02 03 04 05 06 07 12",
    "evenings, at your own pace": " ".join(YOU_CAN),
}
rows = ["| you have | take | hours |", "|---|---|--:|"]
for have, path in PATHS.items():
    take = [number for number in path.split() if number in MINUTES]
    named = "all, one or two at a time" if path.split() == list(YOU_CAN) else ", ".join(take)
    rows.append(f"| {have} | {named} | {sum(MINUTES[number] for number in take) / 60:.1f} |")
Markdown("\n".join(rows))

# %% [markdown]
# ## Recap
#
# - An agent is a program that asks a model, runs the code that comes back, and asks again.
# - The server remembers no conversation. The agent sends all messages each time, so the requests grow, until one is
#   refused.
# - What the agent's code prints goes back to the model as a message from the user.
# - The embedded model is a simulator. The wire around it is real.
#
# **In your own agent:** count the requests that one question costs: [`course tap`](../README.md#record-your-own-agent)
# records each one.

# %% tags=["folded"]
check.quiz(
    "00",
    check.question(
        "What did the model itself do during the run?",
        right="It continued text.",
        why="In each turn, it read all messages so far and wrote a thought and a block of Python. That is all.",
        wrong={
            "It searched the web.": "It wrote code that calls `web_search`. smolagents ran that code on your machine.",
            "It divided 155 m by the speed.": "It wrote a line that does. Python did the division.",
        },
    ),
    check.question(
        "Your agent's last two prompts had 5,000 and 6,600 tokens, and `room` is 8,200. What happens to the next request, "
        "if it grows as before?",
        right="It is refused.",
        why="It would have exactly 8,200 tokens, and none is left for the answer.",
        wrong={
            "It is answered.": "It would be with 8,199 tokens.",
            "The oldest messages are dropped.": "llama-server drops none. It answers with status 400.",
        },
    ),
    check.question(
        "The embedded model answers a question about taxes with nonsense. What is the most likely reason?",
        right="It was never trained for such questions.",
        why="It is a simulator for a few kinds of question. The server and the library may be perfectly all right.",
        wrong={
            "The server was started with wrong settings.": "That can cause nonsense (lesson 06), but then the leopard "
            "question would suffer, too.",
            "The prompt was too long.": "Then the server would have refused the request with status 400.",
        },
    ),
)

# %%
check.progress("00")

# %% [markdown]
# **Next:** [01 start llama-server](01_start_llama_server.ipynb), where you start a model server yourself. The last cell
# stops the server if this lesson started it.

# %%
server.stop()
