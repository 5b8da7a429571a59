# %% [markdown]
# # 00 · Welcome
#
# Your agent gives a strange answer. Was it the model, the library, the server, or a setting? To know, read what the
# [agent][agent] and the model sent each other. In this course you read all of it, every byte, until nothing about it
# is magic.
#
# **After this lesson you can**
#
# - say what an agent does between your question and its answer, and show it on a recording,
# - work out when a growing conversation will no longer fit,
# - say what the course's small model can do, and whether your machine is ready for it,
# - choose your way through the lessons.
#
# **Minutes:** 45 · **Needs:** [the installation](../README.md#two-commands)
#
# [agent]: ../docs/glossary.md#agent

# %% [markdown]
# ## Is this course for you?
#
# Yes, if you build or debug agents and would like to stop guessing. You should be able to read Python
# (functions, dictionaries, classes) and to type commands in a terminal. Machine learning, HTTP and Docker are
# explained where they come up, and the [glossary](../docs/glossary.md) has every term.
#
# Everything runs on your own machine: no account, no API key, and no network after the installation.

# %% [markdown]
# The course grew out of a blog post, "Local AI agents with smolagents and llama.cpp". Its author gave an agent
# one question and printed everything that went to the model and came back.
#
# We use the same setup: **smolagents**, an agent library, talks to **llama-server**, a program that runs a
# model. What travels between the two is what this course calls *the wire*. The lessons check what the post says and
# measure it again.

# %% [markdown]
# ## How does a lesson work?
#
# You **predict**, run, read. Predict first: a wrong guess is what you will remember.
#
# - Write your prediction in place of the `...` in `guess = ...`, then run the cell with Shift+Enter. Nothing breaks
#   if you leave it open.
# - An exercise works the same way, and the cell below it checks your answer.
# - A line with ✓ is a claim of the lesson, checked just now on your machine.

# %% [markdown]
# Every lesson begins with the next cell. `SERVER` is the address of a model server, `PROFILE` says which model to
# use. Leave both at `None`, and the lesson starts a server with the course's own model.

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
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
from course.turns import turns

# %% [markdown]
# ## What happens when you ask an agent a question?
#
# Try it with the question from the blog post:
#
# > How many seconds would it take for a leopard at full speed to run through Pont des Arts?
#
# You give the agent one [tool][tool], a web search. Ours works offline, on pages that come with the course.
#
# **Predict:** how many requests go to the model for this one question: 1, 2, 5, or 20?
#
# [tool]: ../docs/glossary.md#tool

# %%
guess = ...

# %% [markdown]
# The next cell starts a server, connects an agent to it, with a recorder in between, and asks. Give it a minute or two.

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
tape = Tape()  # the recorder
agent = code_agent(connect(server, tape))
answer = agent.run(LEOPARD)
print(answer)

# %%
check.prediction("00.p1", guess, was=len(tape.entries), unit="requests")

# %% [markdown]
# You typed one question. A program wrote every request, and that program is the agent. (No answer, but an error? Go to
# "Is this machine ready?" below, then come back.)

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claim("the answer says 9.62 seconds: 155 m at 58 km/h", "9.62" in str(answer), saw=answer)

# %% [markdown]
# ## What did they say to each other?
#
# Three words that you will need in every lesson:
#
# - An **[exchange]** is one HTTP request and its response. HTTP is what browsers speak, too: a request goes out, and the
#   response comes back with a status. 200 means fine, 400 that the server won't accept the request.
# - A **[tape]** is the recording: a file with every exchange, byte for byte.
# - A **[turn]** is one exchange, together with what the agent did with the response.
#
# [exchange]: ../docs/glossary.md#exchange
# [tape]: ../docs/glossary.md#tape
# [turn]: ../docs/glossary.md#turn

# %% [markdown]
# The answer took a web search and a division, the length of the bridge by the leopard's speed.
#
# **Predict:** which of the two did the model do itself: `"search"`, `"division"`, `"both"` or `"neither"`?

# %%
guess = ...

# %% [markdown]
# Now look at the tape. `turns` puts each exchange and its consequences together.

# %%
run = turns(tape.records())
for turn in run:
    print(f"── {turn.label}: what the model wrote")
    print(turn.code)
    print("── what came of it")
    print(str(turn.observation or turn.answer)[:500], "\n")

# %% tags=["folded"]
code = "\n".join(turn.code or "" for turn in run)
itself = [job for job, sign in (("search", "web_search("), ("division", "/")) if sign not in code]
check.prediction("00.p2", guess, was={0: "neither", 1: "".join(itself), 2: "both"}[len(itself)])

# %% [markdown]
# The model did neither. It *wrote Python*. smolagents ran that code on your machine and sent what came out of it, the
# [observation][observation], with the next request. The last block picks the figures out of the pages, divides, and
# calls `final_answer`, which ends the run.
#
# A model turns text into text. Everything that *happens* is done by the program around it.
#
# [observation]: ../docs/glossary.md#observation

# %% [markdown]
# Does that code look too good for a tiny model? It is: this one was trained to write code of exactly this kind. More
# about that below.

# %% [markdown]
# ## Who remembers the conversation?
#
# Each turn, as the server saw it. A [token][token] is a piece of text, a few characters long. Models read and write
# tokens, and everything about them is counted in tokens.
#
# [token]: ../docs/glossary.md#token

# %%
for turn in run:
    print(f"{turn.label}: {turn.exchange.method} {turn.exchange.url} → {turn.status}")
    print(f"    {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out, {turn.seconds:.1f} s")

# %% [markdown]
# All requests go to the same address, and each has more tokens than the one before. When the last one came, the model
# knew the question, its own first code and the observation.
#
# **Predict:** who keeps the earlier part of a conversation, the `"server"` or the `"agent"`?

# %%
guess = ...

# %% [markdown]
# To find out, send the last [message][message] of the last request alone. A server that remembers would put the rest
# in front of it.
#
# [message]: ../docs/glossary.md#message


# %%
def completion(messages, **more):
    """Send these messages to the model; returns the response."""
    return server.post("/v1/chat/completions", {"messages": messages, **more}, raise_for=False)


last = run[-1].exchange.request
alone = completion(last["messages"][-1:], max_tokens=1).json()["usage"]["prompt_tokens"]
print(f"the last request: {run[-1].tokens.prompt:,} tokens in · its last message alone: {alone:,}")

# %% tags=["folded"]
check.prediction("00.p3", guess, was="agent" if alone < run[-1].tokens.prompt / 2 else "server")

# %% [markdown]
# The server added no text of its own. It knows of no earlier request, so the agent sends everything again, with
# what is new at the end. In the picture, follow the arrows around once:
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
# See for yourself what "everything" is. `last` is the last request, as a dictionary. How many messages are in it, and
# in whose [role][role] was the last one sent?
#
# <details><summary>Hint</summary>
#
# `last["messages"]` is a list. Each message is a dictionary with a `role` and a `content`.
#
# </details>
#
# [role]: ../docs/glossary.md#role

# %% tags=["stub"]
found = {"messages": ..., "role": ...}

# %% tags=["solution"]
found = {"messages": len(last["messages"]), "role": last["messages"][-1]["role"]}

# %% tags=["folded"]
sent = json.loads(tape.entries[-1]["request"]["postData"]["text"])["messages"]
check.exercise(
    "00.1",
    found,
    {"messages": len(sent), "role": sent[-1]["role"]},
    hint='count last["messages"], then look at the role of the one at [-1]',
)

# %% [markdown]
# The observation travels in *your* name: its role is `user`. To the model, what its code printed and what you
# typed come from the same person. Whoever writes a page that the agent finds can talk to it, too.

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
# **Predict:** what happens to a prompt that is longer? Is its `"beginning"` cut off, or its `"end"`, or is the whole
# request `"refused"`?

# %%
guess = ...

# %%
response = completion([{"role": "user", "content": "leopard " * 2 * room}])
print(response.status_code, response.text[:300])

# %% tags=["folded"]
check.prediction("00.p4", guess, was="refused" if response.status_code == 400 else "cut somewhere")

# %% [markdown]
# llama-server refuses it with status 400, and names both numbers of tokens. That is the friendly way: you hear of
# it at once.
#
# Prompt and answer share the window. So a prompt of exactly `room` tokens, which would leave no room for an answer, is
# refused as well.

# %% tags=["folded", "nbval-check-output"]
check.claim("a prompt that does not fit is refused with HTTP 400", response.status_code == 400)

# %% [markdown]
# ### Exercise 00.2 · ★★☆ · 7 minutes
#
# When will your agent hit that wall? Write `requests_left(sizes, room)`. `sizes` are the prompts so far, in tokens (two
# or more). Assume that each new prompt is longer than the one before by as much as the last one was. How many more
# requests will the server accept?
#
# <details><summary>Hint</summary>
#
# `sizes[-1] - sizes[-2]` is how much it grew last time. Count upward from `sizes[-1]` in such steps, as long as the size
# is smaller than `room`. Once the loop works, you may find a formula.
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
# And your run, on this server? (`None` until you have written the function.)

# %%
requests_left([turn.tokens.prompt for turn in run], room)

# %% [markdown]
# ### Exercise 00.3 · ★☆☆ · 6 minutes
#
# Now a question of your own: another animal, another bridge. Ask it with three lines of code, and record the run on a
# tape called `own`.
#
# <details><summary>Hint</summary>
#
# Above, `tape = Tape()` and the two lines below it did the same. A cheetah and Tower Bridge, a wild boar and the Golden
# Gate Bridge: keep to animals and bridges, which is what this model was trained for.
#
# </details>

# %% tags=["stub"]
own = ...

# %% tags=["solution"]
own = Tape()
question = "How many seconds would it take for a cheetah at full speed to run through Tower Bridge?"
print(code_agent(connect(server, own)).run(question))


# %% tags=["folded"]
def of_your_own(tape):
    """Whether the last run on the tape answered a question of the learner's own."""
    if not isinstance(tape, Tape):
        return f"expected a Tape, and this is {tape!r:.60}"
    made = [turn for turn in turns(tape.records()) if turn.exchange]
    if not made:
        return "nothing is on the tape: pass it to connect(server, own), and run that agent"
    asked = [m for m in made[-1].exchange.request["messages"] if m["role"] == "user"]
    task = str(asked[0]["content"]).lower() if asked else ""
    if "leopard" in task and "pont des arts" in task:
        return "it is the leopard on Pont des Arts again; ask about another animal and another bridge"
    if not (made[-1].step or {}).get("is_final"):
        return "the run did not end with an answer; ask about an animal and a bridge, on a new tape"
    return True


check.exercise("00.3", own, of_your_own, hint="own = Tape(), then code_agent(connect(server, own)).run(…)")

# %% [markdown]
# The tape is a file. `course view` shows it as a page, turn by turn, and `course diagnose` says whether something went
# wrong. Run this cell, then type its last line in a terminal (in JupyterLab: File → New → Terminal). If `course` is not
# found there, first run `. .venv/bin/activate` in the course's folder.

# %%
recorded = own if isinstance(own, Tape) else tape
for turn in turns(recorded.records()):
    print(f"{turn.label}: {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out")
print(f"\ncourse view {recorded.path}")

# %% [markdown]
# ## How far can you trust this model?
#
# Unless you chose another, you just met the *embedded model*: SmolLM2-135M, small enough for any CPU, trained further
# for this course. It is a **flight simulator**. Server, library and bytes are real, but the model knows a few kinds
# of question and little else.
#
# It was [tested](../docs/measurements.md) on questions that it never saw in training, about other animals and bridges.
#
# **Predict:** of 50 such questions like the leopard's, how many does it get right?

# %%
guess = ...

# %%
scores = json.loads((files("course") / "data" / "eval.json").read_text(encoding="utf-8"))
print(f"{'kind of question':<24}{'asked':>6}{'right':>7}")
for kind, row in scores["families"].items():
    print(f"{kind:<24}{row['cases']:>6}{row['right']:>7}")

# %%
check.prediction("00.p5", guess, was=scores["families"]["speed over distance"]["right"])

# %% [markdown]
# Better than you thought? Listen to it when it fails:

# %%
wrong = next(result for result in scores["results"] if result["outcome"] != "right")
print("asked:   ", wrong["question"], "\nexpected:", wrong["expected"], "\nanswered:", wrong["answer"])

# %% [markdown]
# And this is the same model *without* the course's training, asked the same questions:

# %%
base = json.loads((files("course") / "data" / "eval.base.json").read_text(encoding="utf-8"))["families"]
right, cases = (sum(row[key] for row in base.values()) for key in ("right", "cases"))
print(f"untrained: {right} of {cases} right")

# %% [markdown]
# So don't take its answers for those of a larger model. What is real, and what you learn here, is the wire around it.
# The [model card](../course/data/MODEL_CARD.md) has the details.

# %% tags=["folded", "nbval-check-output"]
rows = scores["families"].values()
check.claims(
    ("each kind was tested on at least 50 questions", all(row["cases"] >= 50 for row in rows)),
    ("without the training, fewer than one in ten is right", right < cases / 10, (right, cases)),
)

# %% [markdown]
# ## Is this machine ready?
#
# `course doctor` looks at your machine and changes nothing. For what is missing, it has the command that puts it right.
# Here is the same list:

# %%
report = checks()
for item in report:
    print(f"{'✓' if item.ok else '✗'} {item.name:<15} {item.saw}")
    if not item.ok:
        print(f"  needed: {item.needs}\n  run:    {item.run}")

# %% [markdown]
# With ✓ everywhere, you can do every lesson. (Lesson 09 starts a container if you have Docker, and shows a recording
# if you haven't.) A port that is taken by a llama-server is fine: it is most likely your own.

# %% tags=["folded", "nbval-check-output"]
broken = [item.saw for item in report if item.name in ("python", "packages") and not item.ok]
check.claim("Python and its packages are as the course needs them", not broken, saw=broken)

# %% [markdown]
# ## Can you use another model?
#
# Yes. A [profile][profile] is the course's name for everything that belongs to one model: its file, the server's
# settings, what each request asks for. Compare what they need with the line `memory` above.
#
# [profile]: ../docs/glossary.md#profile

# %%
for name in names():
    profile = load(name)
    needs = re.split(r" \(|; ", profile.needs)[0]
    print(f"{name:<16} {profile.title}\n{'':<16} needs {needs}")

# %% [markdown]
# `embedded` is the default and enough for the whole course. The stored outputs were made with it.
#
# - **Another profile:** start JupyterLab with `make lab PROFILE=qwen3-4b`. The two Qwen profiles need a `llama-server`
#   program of your own; [docs/support.md](../docs/support.md) says what was tried with which.
# - **A server that already runs**, here or on another machine: `make lab SERVER=http://that-machine:8080`.

# %% [markdown]
# ## The map

# %% tags=["folded"]
YOU_CAN = {
    "00": "say what an agent does, and whether your machine is ready",
    "01": "start, question and stop a server; read its log, and repair a start that fails",
    "02": "turn messages into a prompt, read raw HTTP, and tell thinking from content",
    "03": "take smolagents' prompt apart, and say what each part costs",
    "04": "write the loop yourself, in about 40 lines",
    "05": "match each step of the agent to its bytes",
    "06": "change one server setting, and recognize what it breaks",
    "07": "name the other breaks: empty steps, cut thinking, a full context, a dead server",
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
# Do the lessons in order if you can, since each uses words of those before it. If your time is short, choose one of
# these paths. The hours are the sum of the minutes above, without the appendices.

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
# - The server remembers no conversation. The agent sends everything each time, so the requests grow, until one is
#   refused.
# - What the agent's code prints goes back to the model as a message from the user.
# - The embedded model is a simulator. The wire around it is real.
#
# **In your own agent:** count the requests that one question costs. The server's log has a few lines for each.

# %% tags=["folded"]
check.quiz(
    "00",
    check.question(
        "What did the model itself do during the run?",
        right="It continued text.",
        why="It did so once in each turn: from all messages so far to a thought and a block of Python. No more than that.",
        wrong={
            "It searched the web.": "It wrote code that calls `web_search`. smolagents ran that code on your machine.",
            "It divided 155 m by the speed.": "It wrote a line that does. Python did the division.",
        },
    ),
    check.question(
        "Why is the second request longer than the first?",
        right="It has the messages of the first in it, and what happened since.",
        why="The server starts from nothing each time, so everything that the model should know is sent again.",
        wrong={
            "The server adds the conversation that it has stored.": "It stores none. You sent one message alone, and it "
            "read only that.",
            "The model asked for more room.": "A model can only write text, and the size of the window is set when the "
            "server starts.",
        },
    ),
    check.question(
        "The embedded model answers a question about taxes with nonsense. What does that tell you?",
        right="Only that it was never trained for such questions.",
        why="It is a simulator for a few kinds of question. The server and the library may be perfectly all right.",
        wrong={
            "The server was started with wrong settings.": "That can cause nonsense (lesson 06), but here there is a "
            "simpler reason.",
            "The prompt was too long.": "Then the server would have refused the request with status 400.",
        },
    ),
)

# %%
check.progress("00")

# %% [markdown]
# **Next:** [01 start llama-server](01_start_llama_server.ipynb), where you start the program behind that
# address yourself.

# %%
server.stop()
