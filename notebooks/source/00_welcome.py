# %% [markdown]
# # 00 · Welcome
#
# Your agent gives a strange answer. Was it the model, the library, the server, or a setting? You can only
# tell if you have read what they said to each other. In this course you read all of it, every byte between
# an [agent][agent] and its model, until nothing about it is magic.
#
# **After this lesson you can**
#
# - say what an agent does between your question and its answer, and show it on a recording,
# - say what the course's small model can do, and what it can't,
# - tell whether your machine is ready, and which model it can run,
# - choose your way through the thirteen lessons.
#
# **Minutes:** 35 · **Needs:** nothing but the course itself
#
# [agent]: ../docs/glossary.md#agent

# %% [markdown]
# ## Is this course for you?
#
# Yes, if you build or debug agents and would like to stop guessing. You should be able to read Python
# (functions, dictionaries, classes) and to type commands in a terminal. Machine learning, HTTP and Docker are
# explained where they come up.
#
# Everything runs on your own machine: no account, no API key, and no network after the installation.

# %% [markdown]
# The course grew out of a blog post, "Local AI agents with smolagents and llama.cpp". Its author gave an agent
# one question and printed everything that went to the model and came back.
#
# We use the same set-up: **smolagents**, an agent library, talks to **llama-server**, a program that runs a
# model. The lessons check what the post says and measure it again.

# %% [markdown]
# ## How does a lesson work?
#
# You **predict**, run, read. Predict first: a wrong guess is what you will remember.
#
# - Write a prediction in place of the `...` in `guess = ...`, then run the cell with Shift+Enter. Nothing breaks
#   if you leave it open.
# - An exercise works the same way, and the cell below it checks your answer.
# - A line with ✓ is a claim of the lesson, checked just now on your machine.

# %% [markdown]
# The next cell is in every lesson. Leave it as it is. `None` means: use what `make lab` has set up, or else the
# course's own model.

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
# Try it. This is the question from the blog post, a classic of smolagents:
#
# > How many seconds would it take for a leopard at full speed to run through Pont des Arts?
#
# The agent has one [tool][tool], a web search. Ours works offline, on pages that come with the course.
#
# **Predict:** how many requests go to the model for this one question: 1, 2, 5, or 20?
#
# [tool]: ../docs/glossary.md#tool

# %%
guess = ...

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
tape = Tape()
agent = code_agent(connect(server, tape))
answer = agent.run(LEOPARD)
print(answer)

# %% [markdown]
# That takes about half a minute on two cores. (If it failed, go to "Is this machine ready?" below and come
# back.)

# %%
check.prediction("00.p1", guess, was=len(tape.entries), unit="requests")

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claim("the answer says 9.62 seconds: 155 m at 58 km/h", "9.62" in str(answer), saw=answer)

# %% [markdown]
# Nobody typed the requests after the first one. A program did, and that program is the agent. In the picture,
# follow the arrows around once:
#
# ![The agent loop: the agent sends all messages to the model, runs the code that comes back, appends
# the observation and asks again, until the code calls final_answer](../docs/pictures/loop.svg)

# %% [markdown]
# ## What did they say to each other?
#
# Everything was recorded while it passed. Three words for it, which you will need in every lesson:
#
# - An **[exchange]** is one HTTP request and its response.
# - A **[tape]** is the recording: a file with every exchange, byte for byte.
# - A **[turn]** is one exchange, together with what the agent did with the response.
#
# [exchange]: ../docs/glossary.md#exchange
# [tape]: ../docs/glossary.md#tape
# [turn]: ../docs/glossary.md#turn

# %% [markdown]
# `turns` makes the turns out of what is on the tape.
#
# **Predict:** who does the search, the model or a program on your machine?

# %%
run = turns(tape.records())
for turn in run:
    print(f"── {turn.label}: the model wrote this code")
    print(turn.code)
    print("── a program ran it, and this came out")
    print(str(turn.observation or turn.answer)[:500], "\n")

# %% [markdown]
# The model searched for nothing and calculated nothing. It *wrote Python*. smolagents ran that code on your
# machine and sent what came out of it, the [observation][observation], with the next request. The last block picks
# the figures out of the pages, divides, and calls `final_answer`, which ends the run.
#
# A model turns text into text. Everything that *happens* is done by the program around it.
#
# [observation]: ../docs/glossary.md#observation

# %% [markdown]
# ## What does the model remember?
#
# **Predict:** compared with the first request, is the last one shorter, about as long, or longer?

# %%
for turn in run:
    print(f"{turn.label}: {turn.exchange.method} {turn.exchange.url} → {turn.status}")
    print(f"    {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out, {turn.seconds:.1f} s")

# %% [markdown]
# A [token][token] is a piece of text, a few characters long. It is what models read and write, and what
# everything about them is counted in.
#
# Every request goes to the same address, and each is longer than the last: the model remembers nothing between
# two requests. So the agent sends all of it again, with what is new at the end.
#
# [token]: ../docs/glossary.md#token

# %% tags=["folded", "nbval-check-output"]
sizes = [turn.tokens.prompt for turn in run]
goal = server.api_base + "/chat/completions"
check.claims(
    ("every request went to /v1/chat/completions", all(t.exchange.url == goal for t in run)),
    ("each request was longer than the one before", sizes == sorted(set(sizes)), sizes),
    ("the last turn ended the run", run[-1].is_final),
)

# %% [markdown]
# ### Exercise 00.1 · ★☆☆ · 4 minutes
#
# See for yourself what "all of it" is. `last` is the last request, as a dictionary. How many
# [messages][message] are in it, and in whose [role][role] was the last one sent?
#
# <details><summary>Hint</summary>
#
# `last["messages"]` is a list. Each message is a dictionary with a `role` and a `content`.
#
# </details>
#
# [message]: ../docs/glossary.md#message
# [role]: ../docs/glossary.md#role

# %% tags=["stub"]
last = run[-1].exchange.request
found = {"messages": ..., "role": ...}

# %% tags=["solution"]
last = run[-1].exchange.request
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
# What a request makes the model read is called the [prompt][prompt]. The server has room for a fixed number of
# tokens, the [context window][window]:
#
# [prompt]: ../docs/glossary.md#prompt
# [window]: ../docs/glossary.md#context-window

# %%
room = server.props()["default_generation_settings"]["n_ctx"]
print(f"room for {room:,} tokens; the prompts so far had", [turn.tokens.prompt for turn in run])

# %% [markdown]
# **Predict:** what happens to a prompt that is longer: is it cut at the start, cut at the end, or refused?

# %%
too_long = [{"role": "user", "content": "leopard " * 2 * room}]
refused = server.post("/v1/chat/completions", {"messages": too_long}, raise_for=False)
print(refused.status_code, refused.text)

# %% [markdown]
# Refused, with status 400, and smolagents would end the run with an error. (Other servers cut the prompt and say
# nothing: lesson 07.)

# %% tags=["folded", "nbval-check-output"]
check.claim("a prompt that does not fit is refused with HTTP 400", refused.status_code == 400)

# %% [markdown]
# ### Exercise 00.2 · ★★☆ · 6 minutes
#
# When will your agent hit that wall? Write `more_prompts(sizes, room)`. `sizes` are the prompts so far, in
# tokens (at least two). Suppose the prompt keeps growing by as much as it grew last time. How many more prompts
# fit into `room`?
#
# <details><summary>Hint</summary>
#
# `sizes[-1] - sizes[-2]` is how much it grew. How often does that fit into what is left, and what is left? A
# prompt of exactly `room` tokens fits.
#
# </details>


# %% tags=["stub"]
def more_prompts(sizes, room): ...


# %% tags=["solution"]
def more_prompts(sizes, room):
    longer = sizes[-1] - sizes[-2]
    return (room - sizes[-1]) // longer


# %% tags=["folded"]
def made_up(random):
    """Prompts that grow by `longer` at the end, and room for exactly `more` of them and a bit."""
    for name, rest in [("", 0.5), ("it just fits", 0.0), ("one token is missing", -1)]:
        first, jump, longer = random.randint(300, 3000), random.randint(900, 2000), random.randint(100, 800)
        more = random.randint(2, 12)
        sizes = [first, first + jump, first + jump + longer]
        room = sizes[-1] + more * longer + (int(rest * longer) if rest >= 0 else -1)
        yield check.case(sizes, room, gives=more - (rest < 0), name=name)
    yield check.case([500, 900], 900, gives=0, name="it is full already")


check.function("00.2", more_prompts, lambda random: list(made_up(random)), hint="what is left // longer")

# %% [markdown]
# And your run, on this server? (`None` until you have written the function.)

# %%
more_prompts([turn.tokens.prompt for turn in run], room)

# %% [markdown]
# ### Exercise 00.3 · ★☆☆ · 5 minutes
#
# Now one of your own: another animal, another bridge. Write the three lines that ask the agent and record it on
# a tape called `own`.
#
# <details><summary>Hint</summary>
#
# Copy the three lines below `server = …` above, and change the name of the tape and the question. A cheetah
# and Tower Bridge, a wild boar and the Golden Gate Bridge: keep to animals and bridges, which is what this
# model was trained for.
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
    """Whether a question of the learner's own is on the tape."""
    if not isinstance(tape, Tape):
        return f"expected a Tape, and this is {tape!r:.60}"
    sent = [entry["request"].get("postData", {}).get("text", "") for entry in tape.entries]
    if not sent:
        return "nothing is on the tape: pass it to connect(server, own), and run that agent"
    if any(LEOPARD in text for text in sent):
        return "the leopard question is on it; ask another one"
    return True


check.exercise("00.3", own, of_your_own, hint="own = Tape(), then code_agent(connect(server, own)).run(…)")

# %% [markdown]
# The tape is a file. `course view` shows it as a page, turn by turn, and `course diagnose` says if something
# went wrong. Run this cell, then try its last line in a terminal (in JupyterLab: File → New → Terminal). If
# `course` is not found there, run `. .venv/bin/activate` in the course's folder first.

# %%
if isinstance(own, Tape):
    for turn in turns(own.records()):
        print(f"{turn.label}: {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out")
    print(f"\ncourse view {own.path}")

# %% [markdown]
# ## How far can you trust this model?
#
# Unless you chose another, you just met the *embedded model*: SmolLM2-135M, small enough for any CPU, trained further
# for this course. It is a **flight simulator**. Server, library and bytes are real, but the model knows a few kinds
# of question and little else.
#
# It was tested on names and pages that it never saw in training.
#
# **Predict:** of 50 new questions like the leopard's, how many does it get right?

# %%
guess = ...

# %%
scores = json.loads((files("course") / "data" / "eval.json").read_text(encoding="utf-8"))
print(f"{'kind of question':<24}{'cases':>6}{'right':>7}{'steps':>7}")
for kind, row in scores["families"].items():
    print(f"{kind:<24}{row['cases']:>6}{row['right']:>7}{row['steps']:>7.1f}")

# %%
check.prediction("00.p2", guess, was=scores["families"]["speed over distance"]["right"])

# %% [markdown]
# Better than you thought? This is what it sounds like when it fails, and how the same model does *without* the
# course's training:

# %%
wrong = next(result for result in scores["results"] if result["outcome"] != "right")
print("asked:   ", wrong["question"], "\nexpected:", wrong["expected"], "\nanswered:", wrong["answer"])
base = json.loads((files("course") / "data" / "eval.base.json").read_text(encoding="utf-8"))["families"]
right, cases = (sum(row[key] for row in base.values()) for key in ("right", "cases"))
print(f"\nuntrained: {right} of {cases} right")

# %% [markdown]
# So don't take its answers for those of a larger model. What you learn here is the wire around it. The
# [model card](../course/data/MODEL_CARD.md) has the details.

# %% tags=["folded", "nbval-check-output"]
rows = scores["families"].values()
check.claims(
    ("each kind was tested on at least 50 questions", all(row["cases"] >= 50 for row in rows)),
    ("of each kind, most are right", all(2 * row["right"] > row["cases"] for row in rows)),
    (
        "every failure is counted",
        all(row["cases"] - row["right"] == sum(row["failures"].values()) for row in rows),
    ),
)

# %% [markdown]
# ## Is this machine ready?
#
# The doctor looks and changes nothing. What is missing comes with the command that puts it right. In a terminal
# the same list is `course doctor`.

# %%
report = checks()
for item in report:
    print(f"{'✓' if item.ok else '✗'} {item.name:<15} {item.saw}")
    if not item.ok:
        print(f"  needed: {item.needs}\n  run:    {item.run}")

# %% [markdown]
# All ✓? Then you can do every lesson; lesson 09 also wants Docker and tells you so. A port that is taken by a
# llama-server is fine. It is most likely your own.

# %% tags=["folded", "nbval-check-output"]
broken = [item.saw for item in report if item.name in ("python", "packages") and not item.ok]
check.claim("Python and its packages are as the course needs them", not broken, saw=broken)

# %% [markdown]
# ## Which model will you use?
#
# A [profile][profile] names everything that belongs to one way of running a model: where its file comes from, how
# the server is started, what each request asks for. Compare what they need with the line `memory` above.
#
# [profile]: ../docs/glossary.md#profile

# %%
for name in names():
    profile = load(name)
    print(f"{name}: {profile.title}\n    needs  {profile.needs}\n    tested {profile.verified}\n")

# %% [markdown]
# The default, `embedded`, is enough for the whole course, and every stored output was made with it. `tested`
# says what was really run and what was only looked up.
#
# - **Another model:** start with `make lab PROFILE=qwen3-4b`, or set `PROFILE` in the first cell of a lesson.
#   `qwen3.6-35b-a3b` is the blog post's model.
# - **A server that already runs**, here or on another machine: `make lab SERVER=http://that-machine:8080`.

# %% [markdown]
# ## The map

# %% tags=["folded"]
LESSONS = {
    "00 welcome": "say what an agent does, and whether your machine is ready",
    "01 start llama-server": "start, question and stop a server; read its log and what a request cost",
    "02 one completion, byte by byte": "turn messages into a prompt, and read raw HTTP and streams",
    "03 read the system prompt": "take smolagents' prompt apart, and say what each part costs",
    "04 an agent is a loop": "write the loop yourself, in about 40 lines",
    "05 wire and steps, side by side": "match each step of the agent to its bytes",
    "06 break --jinja on purpose": "change one server setting, and recognize what it breaks",
    "07 a gallery of failures": "name the other breaks: empty steps, cut thinking, a full context, a dead server",
    "08 code or tool calls": "choose between CodeAgent and ToolCallingAgent by calls, tokens and seconds",
    "09 the container is the sandbox": "attack the agent's container, and name what stops you",
    "10 what the loop costs": "see the context grow and the cache at work, and cut the bill",
    "11 your own documents": "search your own files, and prove that nothing left the machine",
    "12 debug your own agent": "record any client, and name the fault on tapes you have never seen",
}
rows = ["| lesson | afterwards you can … | minutes |", "|---|---|--:|"]
for title, able in LESSONS.items():
    there = sorted((ROOT / "notebooks").glob(f"{title[:2]}*.ipynb"))
    links, minutes = [], "–"
    for path in there:
        appendix = path.name[2] != "_"
        links.append(f"[{'appendix' if appendix else title}]" + f"({path.name})")
        stated = re.search(r"\*\*Minutes:\*\* (\d+)", path.read_text(encoding="utf-8"))
        minutes = stated[1] if stated and not appendix else minutes
    rows.append(f"| {' · '.join(links) or title + ' (being written)'} | {able} | {minutes} |")
Markdown("\n".join(rows))

# %% [markdown]
# An appendix is for the curious. Do the lessons in order if you can, since each uses words of those before it.
# If your time is short:
#
# | you have | take | hours |
# |---|---|---|
# | half a day | 00, 01, 04, 05, 07 | about 3½ |
# | a day | those, and 02, 03, 06, 12 | about 6½ |
# | evenings, at your own pace | all thirteen, one or two at a time | 9 to 10 |
#
# Here to fix an agent of your own *now*? Do 00 and 05, then 12.

# %% [markdown]
# ## Recap
#
# - An agent is a program that asks a model, runs the code that comes back, and asks again.
# - The model remembers nothing. Each request has everything in it, so each is longer than the last.
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
        why="Twice or more: from the messages so far to a thought and a block of Python. No more than that.",
        wrong={
            "It searched the web.": "It wrote code that calls `web_search`. smolagents ran that code on your machine.",
            "It divided 155 m by the speed.": "It wrote a line that does. Python did the division.",
        },
    ),
    check.question(
        "Why is the second request longer than the first?",
        right="It has the messages of the first in it, and what happened since.",
        why="A chat completion starts from nothing, so everything that the model should know is sent again.",
        wrong={
            "The server adds the conversation that it has stored.": "It stores none. What grew is the body that the "
            "agent sent, and you counted its messages.",
            "The model asked for more room.": "A model cannot ask for anything but by writing text.",
        },
    ),
    check.question(
        "The embedded model answers a question about taxes with nonsense. What does that tell you?",
        right="Only that it was never trained for such questions.",
        why="It is a simulator for a few kinds of question. The server and the library may be perfectly all right.",
        wrong={
            "The server was started with wrong flags.": "That can cause nonsense (lesson 06), but here there is a "
            "simpler reason.",
            "Small models run out of context.": "Then the server would have refused the request with status 400.",
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
