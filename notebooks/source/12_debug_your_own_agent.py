# %% [markdown]
# # 12 · Debug your own agent
#
# "It just stopped." "It ignores the tool." "It worked yesterday." Until you have seen the bytes,
# every fix is a guess. In this lesson you record a program that you did not write, see one tape
# solved, and solve seven yourself. After that it is your own agent's turn.
#
# **After this lesson you can**
# - record a client of a model server, in any language, by giving it another address,
# - read a stranger's tape with six questions, in the order in which faults hide each other,
# - name a fault with its turn and the bytes that prove it,
# - do that for your own agent.
#
# **Minutes:** 50 (or 35, and tapes 6 to 8 on another day), and as long as you like with your own agent ·
# **Needs:** lessons [05](05_wire_and_steps.ipynb), [06](06_break_jinja.ipynb) and
# [07](07_a_gallery_of_failures.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

from course import check, exam, view
from course.diagnose import diagnose
from course.server import Server
from course.tape import Tape
from course.turns import turns

server = Server(PROFILE, url=SERVER).start()
server

# %% [markdown]
# ## How do you record a program that is not yours?
#
# Here is one. It knows OpenAI's client and nothing of this course. Its author says: "The model is
# too small, it has no answer to anything."

# %%
folder = Path(tempfile.mkdtemp(prefix="stranger-"))
program = folder / "stranger.py"
program.write_text("""
import openai

client = openai.OpenAI()
for question in ("What is the opposite of hot?", "What is the capital of France?"):
    reply = client.chat.completions.create(
        model="local",
        messages=[{"role": "user", "content": question}],
        temperature=0,
        max_tokens=8,
    )
    print(question, "→", reply.choices[0].message.content or "(nothing)")
""")

# %% [markdown]
# It does not even say where its server is: the client reads that from the environment. `course tap`
# uses this. It listens on a port of this machine, starts the program with `OPENAI_BASE_URL` set to that
# port, passes every byte on to the real server, and writes both directions to a
# [tape](../docs/glossary.md#tape). In your terminal:
#
# ```
# course tap --upstream URL -- python my_agent.py
# ```
#
# `URL` is the address of your server, for example `http://127.0.0.1:8080`. Here, the function `tap` runs that
# command:


# %% tags=["folded"]
def tap(*command, tape):
    """`course tap -- command`, as in a terminal; returns what the command printed, without the tap's summary."""
    tape.unlink(missing_ok=True)  # a tape is continued, and a repaired run deserves a new one
    prefix = [sys.executable, "-m", "course.cli", "tap", "--upstream", server.url, "--tape", str(tape)]
    done = subprocess.run([*prefix, "--", *command], capture_output=True, text=True, timeout=300)
    return done.stdout or done.stderr


# %%
print(tap(sys.executable, str(program), tape=folder / "before.tape.jsonl"))
first, second = turns(Tape.read(folder / "before.tape.jsonl").records())
print(view.text(first))

# %% [markdown]
# All that arrived is thinking, and the program prints only `content`. So its author never saw what
# "finished by length" says: the limit of 8 tokens ended the response, before the answer began.

# %% [markdown]
# ### Exercise 12.1 · ★☆☆ · 4 minutes
#
# Repair the stranger's program by changing one line of its text, run it again through the tap, and
# put the finish reasons of the new tape into a list.
#
# <details><summary>Hint</summary>
# Replace the limit in the text, and write the result into the file <code>repaired</code>. Then do with it
# what the cell above did with <code>program</code>. Each turn has a <code>finish_reason</code>.
# </details>

# %% tags=["stub"]
text = program.read_text()
repaired = folder / "repaired.py"
reasons = ...

# %% tags=["solution"]
text = program.read_text()
repaired = folder / "repaired.py"
repaired.write_text(text.replace("max_tokens=8", "max_tokens=400"))
after = folder / "after.tape.jsonl"
print(tap(sys.executable, str(repaired), tape=after))
reasons = [turn.finish_reason for turn in turns(Tape.read(after).records())]


# %% tags=["folded"]
def tests_repair(given):
    """Whether the last run on the learner's tape ended well, and another run of the program does, too."""
    ends = list(given)
    if len(ends) < 2 or ends[-2:] != ["stop", "stop"]:
        return f"expected two answers that end with stop, not {ends}"
    if not repaired.exists():
        return "the repaired program goes into the file `repaired`"
    again = folder / "again.tape.jsonl"
    tap(sys.executable, str(repaired), tape=again)
    fresh = [turn.finish_reason for turn in turns(Tape.read(again).records())]
    return (
        True if fresh == ["stop", "stop"] else f"run once more, the program in `repaired` ends with {fresh}"
    )


check.exercise("12.1", reasons, tests_repair, hint="give the model room to think and to answer")

# %% [markdown]
# ## Which question first?
#
# One fault causes the next. Code in leaked thinking is run (lesson 06), its errors cost steps, and
# the steps run out. More steps would not help. So take the turns in order, ask of each in the order of the
# bytes, and stop at the first question whose answer is no:
#
# | | ask | look at |
# |---|---|---|
# | 1 | Did a complete response arrive? | status, error, the end of the body |
# | 2 | Did the model end it by itself? | `finish_reason`, and `max_tokens` and `stop` of the request |
# | 3 | Is everything in its field? | `content`, `reasoning_content`, `tool_calls` |
# | 4 | Could the client run it, or did the next reply take the error into account? | code, call: tool, arguments, imports |
# | 5 | Does the next request continue this one, with what came out? | its messages, and the tokens from the cache |
# | 6 | Was what the tool returned of any use? | the observation |
#
# A run is healthy if all six are yes, or do not apply, in every turn. If its answer is wrong nevertheless, the fault is in
# the words: the prompt, the question or the model.
#
# Here are names for faults, in the order of the questions. (`course diagnose` knows more.)

# %% tags=["folded"]
for name, sign in exam.signs().items():
    print(f"{name:22} {sign}")

# %% [markdown]
# ## One tape, solved
#
# This is a run of the leopard question. Its owner says: "The model writes broken Python." `read` prints a
# tape: for each turn, the settings of its request, then the view. (Ignore the lines that begin with
# `prompt:`; their numbers are estimates. `code that ran` is what was handed to the interpreter, even if it
# could not parse it.)


# %%
def read(number):
    """Print the turns of a tape, each with what its request asks for besides messages and tools."""
    for turn in exam.turns(number):
        request = turn.exchange.request
        print({name: value for name, value in request.items() if name not in ("messages", "tools")})
        print(view.text(turn))


read(1)

# %% [markdown]
# **Predict:** go through the questions yourself. In which turn is the first no?

# %%
guess = ...

# %% tags=["folded"]
check.prediction("12.p1", guess, was=exam.key(1).turn)

# %% [markdown]
# **The turn.** There is an error in turns 2, 3 and 4, but the first no is in turn 1, at question 2: it was
# finished by `length`. Why does turn 1 have no error? Its last line is the beginning of a call,
# `length_pages = web_search`. By chance, that is whole Python: it gives the tool another name. The same limit
# cut the replies of turns 2 and 3. What was left of them was not Python, and these errors used up the steps.
# (And what the model thinks in turn 3 is false, nothing was imported. Thoughts prove nothing.)
#
# **The proof.** Which bytes would not be there without the fault?
#
# | bytes | do they prove it? |
# |---|---|
# | `SyntaxError: invalid syntax` (turn 2) | no: a model that writes bad Python gets it, too |
# | `Reached max steps.` (turn 4) | no: it ends any run that finds no answer |
# | `length_pages = web_search` (turn 1) | no: the model might have stopped there by itself |
# | `"finish_reason":"length"` (turn 1) | yes: only a limit puts that there |
# | `"max_tokens":90`, `"completion_tokens":90` (turn 1) | yes: the limit, and that it was reached |
#
# "Finished by length" are the view's words. The bytes themselves are here:

# %%
exchange = exam.turns(1)[0].exchange
usage = exchange.raw_response.index('"usage"')
print(exchange.raw_request[-95:])
print(exchange.raw_response[:45], "…", exchange.raw_response[usage : usage + 70], "…")

# %% [markdown]
# So this is the answer. A right one gets a debrief, with what `course diagnose` says: here, all that is
# wrong, and the cause first.

# %%
answer = {"turn": 1, "fault": "answer-cut", "proof": '"finish_reason":"length"'}
print(exam.debrief(1, answer))

# %% [markdown]
# ## The exam
#
# Seven more real runs of the embedded model. Some clients are smolagents, some are a few lines of
# somebody's own. For each tape, name
#
# - `fault`: the one that the others follow from, by its name in the list. For a healthy run it is `"none"`,
#   and `turn` and `proof` are `None`.
# - `turn`: where the fault happened. If the next request was built wrongly (question 5), that is the turn of
#   this next request. If a tool returned nothing of use (question 6), it is the turn that called the tool.
# - `proof`: bytes that would not be there without the fault. They are in that turn, or, if a tool returned
#   them, in the next request, which quotes them. Copy them from `raw_request` and `raw_response`, or from
#   the print where it quotes (words of its own, as "finished by length", are not bytes). Spaces, quotes,
#   backslashes and line breaks (`\n`, too) do not count.
#
# The tap knows no steps. On its tapes, the view shows code and observation "as turn 2 quotes it": as the
# next request brings them back. Leave `course diagnose` for the debriefs, and be the one who finds it.

# %% [markdown]
# ### Tape 2
#
# Its owner says: "The server answers my second request with an error. It must have a bug."

# %%
read(2)

# %% [markdown]
# ### Exercise 12.2 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 5. Which message is the last one of the second request? What does the server say to that?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {
    "turn": 2,
    "fault": "call-without-result",
    "proof": "Cannot continue an assistant message that contains tool calls",
}

# %% tags=["folded"]
check.exercise("12.2", answer, exam.grader(2))
print(exam.debrief(2, answer))

# %% [markdown]
# ### Tape 3
#
# Its owner says: "It gets there, but every step takes as long as the first. It used to be faster."

# %%
read(3)

# %% [markdown]
# ### Exercise 12.3 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 5, the tokens from the cache. Compare the second turn with that of tape 1.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 2, "fault": "changing-prefix", "proof": "Current time: 21:28:26"}

# %% tags=["folded"]
check.exercise("12.3", answer, exam.grader(3))
print(exam.debrief(3, answer))

# %% [markdown]
# ### Tape 4
#
# Its owner says: "There is an error in the log!"

# %%
read(4)

# %% [markdown]
# ### Exercise 12.4 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 4, its second half. What did the model do about the error?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": None, "fault": "none", "proof": None}

# %% tags=["folded"]
check.exercise("12.4", answer, exam.grader(4))
print(exam.debrief(4, answer))

# %% [markdown]
# ### Tape 5
#
# Its owner says: "It crashes half-way, always at the same point."

# %%
read(5)

# %% [markdown]
# ### Exercise 12.5 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 1. What does the server say?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 2, "fault": "context-overflow", "proof": "exceeds the available context size"}

# %% tags=["folded"]
check.exercise("12.5", answer, exam.grader(5))
print(exam.debrief(5, answer))

# %% [markdown]
# ### The second sitting
#
# Three tapes are left. You can do them another day: `course progress` knows where you are. In that case go
# on to *Your own agent* below.

# %% [markdown]
# ### Tape 6
#
# Its owner says: "Since the server was set up again, the agent behaves strangely."

# %%
read(6)

# %% [markdown]
# ### Exercise 12.6 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 3.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 1, "fault": "thinking-in-content", "proof": "</think>"}

# %% tags=["folded"]
check.exercise("12.6", answer, exam.grader(6))
print(exam.debrief(6, answer))

# %% [markdown]
# ### Tape 7
#
# Its owner says: "It never finds anything. The pages are there, I have looked."

# %%
read(7)

# %% [markdown]
# ### Exercise 12.7 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 6. The next request quotes what the code got.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 1, "fault": "empty-search", "proof": "No results found!"}

# %% tags=["folded"]
check.exercise("12.7", answer, exam.grader(7))
print(exam.debrief(7, answer))

# %% [markdown]
# ### Tape 8
#
# Its owner says: "The model has nothing to say. It is not the limit on tokens, I have raised that."

# %%
read(8)

# %% [markdown]
# ### Exercise 12.8 · ★★★ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Question 2. What can end a response besides the model and the limit?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 1, "fault": "stop-in-thinking", "proof": '"stop":["\\n\\n"]'}

# %% tags=["folded"]
check.exercise("12.8", answer, exam.grader(8))
print(exam.debrief(8, answer))

# %% tags=["folded", "embedded-only", "nbval-check-output"]
found = {n: list(dict.fromkeys(f.kind for f in diagnose(exam.turns(n)))) for n in exam.numbers()}
check.claims(*exam.claims(found))

# %% [markdown]
# ## Your own agent
#
# In whichever language it is written: if it talks to a model server over HTTP, the tap can record it.
#
# - **It uses OpenAI's client**: `course tap --upstream URL -- your command`.
# - **It has the address in its settings or its code**: start `course tap --upstream URL` alone, and
#   enter there the address that it prints.
# - **It talks to Ollama or LM Studio**: the same, with their address, for example
#   `--upstream http://localhost:11434`.
# - **It talks to a hosted model**: `--upstream https://…`. The program speaks plain HTTP to the tap, and the
#   tap speaks HTTPS to the server. Keys are left out of the tape (`course/tape/redact.py`).
# - **It runs in a container**: the tap has to listen where the container can reach it (`--host`),
#   and then others can, too. Read what it prints.
#
# `course tap` prints a line for each request. If there is none, the program has another address, goes
# through a proxy, or does not use HTTP.
#
# Then the worksheet. Copy it into your notes, and fill it in from top to bottom:
#
# ```
# What I expected:                        What happened:
# Turns on the tape:                      The first one I doubt:
# 1 complete?    status:                  2 ended by itself?  finish_reason:      limit, stop:
# 3 in its field?  content:               reasoning_content:                      tool_calls:
# 4 could it run?  code or call:          error:
# 5 brought back?  last messages:         tokens from the cache:
# 6 of use?  observation:
# Fault:              Turn:               Proof:
# The one thing I change:                 The same bytes afterwards:
# ```

# %% [markdown]
# ### Exercise 12.9 · ★★★ · as long as it takes · your own
#
# Record an agent of your own, or any program that asks a model something: a chat client, an
# editor's plugin, a script. Put the tape's path here with what you found. If it is healthy, the fault is
# `"none"`, and turn and proof are what convinced you of that. (In the exam, they are `None`.)
#
# <details><summary>Hint</summary>
# No agent at hand? Ask with curl through the tap, once with <code>"max_tokens": 5</code>.
# </details>

# %% tags=["stub"]
mine = {"tape": ..., "turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
own = Path(tempfile.mkdtemp(prefix="own-"))
(own / "ask.py").write_text("""
import json, os, urllib.request

asked = {"messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 5}
address = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
request = urllib.request.Request(address, json.dumps(asked).encode(), {"Content-Type": "application/json"})
urllib.request.urlopen(request).read()
""")
mine = own / "mine.tape.jsonl"
tap(sys.executable, str(own / "ask.py"), tape=mine)
mine = {"tape": mine, "turn": 1, "fault": "thinking-cut", "proof": '"finish_reason":"length"'}


# %% tags=["folded"]
def recorded(given):
    """Whether the answer holds together, about a tape that is not the stranger's; if not, what is missing."""
    path = given.get("tape", "") if isinstance(given, dict) else ""
    if Path(str(path)).expanduser().resolve().is_relative_to(folder.resolve()):
        return "that is the stranger's tape. Record a program of your own"
    return exam.own(given)


check.exercise("12.9", mine, recorded, hint="course tap, then course view and the path of the tape")

# %% [markdown]
# ## Recap
#
# - Record first. `course tap` needs an address, not your code.
# - Ask in the order of the bytes, and repair the first fault: the others may be its effects.
# - A fault has a turn and a proof. Without both, it is a guess.
# - One change at a time, and the same bytes looked at again afterwards.
# - A run with an error in it can be healthy, and a run without one can be broken.
#
# **In your own agent:** keep the tap's command in your README, next to the one that starts it.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "12",
    check.question(
        "A run ended with `max-steps`. In its second turn a call had no result. What do you repair?",
        right="the client's handling of results, then look again",
        why="Without the result, the model can only ask again. The steps ran out because of that.",
        wrong={
            "the limit on steps": "More steps repeat the same call more often.",
            "the prompt": "The model did the right thing in turn 1, with this prompt.",
        },
    ),
    check.question(
        "The tape of your agent is empty, and your agent answers. What is the likely reason?",
        right="it talks to another address than the tap's",
        why="It got its answers from somewhere. Its own setting of the address wins over the environment.",
        wrong={
            "the tap dropped the exchanges": "It writes each one before it ends, and notes those that break off.",
            "the model is cached": "A cache in the client would be one, but then only for questions asked before.",
        },
    ),
    check.question(
        "`finish_reason` is `stop` and `content` is empty. Where do you look next?",
        right="at the stop sequences of the request",
        why="One of them may have struck in the thinking, before any content.",
        wrong={
            "at `max_tokens`": "The limit would have ended it with `length`.",
            "at the executor": "Nothing arrived that it could have executed.",
        },
    ),
)

# %% [markdown]
# **Next:** nothing. This was the last lesson. Take the tap with you, and the
# [glossary](../docs/glossary.md).

# %%
server.stop()
check.progress("12")
