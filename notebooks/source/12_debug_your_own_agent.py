# %% [markdown]
# # 12 · Debug your own agent
#
# "It just stopped." "It ignores the tool." "It worked yesterday." Until you have seen the bytes,
# every fix is a guess. In this lesson you record a program that you did not write, find its fault,
# and then sit an exam on eight recorded runs. After that it is your own agent's turn.
#
# **After this lesson you can**
# - record any client of a model server, in any language, without changing its code,
# - read a stranger's tape with five questions, in the order in which faults hide each other,
# - name a fault with its turn and the bytes that prove it,
# - do that for your own agent.
#
# **Minutes:** 45, and as long as you like with your own agent · **Needs:** lessons
# [05](05_wire_and_steps.ipynb), [06](06_break_jinja.ipynb) and [07](07_a_gallery_of_failures.ipynb)

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
# Here is one. It knows OpenAI's client and nothing of this course. Its author says: "the model is
# too small, it has no answer to anything."

# %%
folder = Path(tempfile.mkdtemp(prefix="stranger-"))
program = folder / "stranger.py"
program.write_text('''
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
''')

# %% [markdown]
# It does not even say where its server is: the client reads that from the environment. That is what
# `course tap` uses. It listens on a port of this machine, starts the program with `OPENAI_BASE_URL`
# set to that port, passes every byte on to the real server, and writes both directions to a
# [tape](../docs/glossary.md#tape). In your terminal:
#
# ```
# course tap --upstream http://127.0.0.1:8080 -- python my_agent.py
# ```
#
# A program with an address of its own gets the tap's instead, in its settings. The next cell types
# the command for you.

# %%
def tap(*command, tape):
    """`course tap -- command`, as in a terminal; returns what the command printed, without the tap's summary."""
    tape.unlink(missing_ok=True)  # a tape is continued, and a repaired run deserves a new one
    prefix = [sys.executable, "-m", "course.cli", "tap", "--upstream", server.url, "--tape", str(tape)]
    done = subprocess.run([*prefix, "--", *command], capture_output=True, text=True, timeout=300)
    return done.stdout or done.stderr


print(tap(sys.executable, str(program), tape=folder / "before.tape.jsonl"))

# %% [markdown]
# **Predict** before you look: the model was asked and said nothing that the program could print.
# Which field of the response tells why: `status`, `finish_reason`, `usage` or `model`?

# %%
guess = ...

# %%
first, second = turns(Tape.read(folder / "before.tape.jsonl").records())
print(view.text(first))

# %%
check.prediction("12.p1", guess, was="finish_reason")

# %% [markdown]
# `finish_reason` is `length`: the limit of 8 tokens ended the answer, and all of it was thinking. A
# model that thinks needs room for that first. The program's author never saw the thinking, because
# the client only prints `content`.

# %% [markdown]
# ## Which question first?
#
# Faults hide each other. Code that is cut in half is also bad Python, and a run with bad Python in
# it also runs out of steps. Of those three, only the first can be repaired. So ask in the order of
# the bytes, and stop at the first question whose answer is no:
#
# | | ask | look at |
# |---|---|---|
# | 1 | Did a complete answer arrive? | status, error, the end of the body |
# | 2 | Did the model end it by itself? | `finish_reason`, against `max_tokens` and `stop` of the request |
# | 3 | Is everything in its field? | `content`, `reasoning_content`, `tool_calls` |
# | 4 | Did the next request bring back what came out? | its last messages, and the tokens from the cache |
# | 5 | Was what the tool returned of any use? | the observation |
#
# If all five are yes and the answer is wrong, the fault is in the words: the prompt, the question
# or the model.

# %% [markdown]
# ### Exercise 12.1 · ★★☆ · 8 minutes
#
# Write the first three questions as a function. `first_no(status, choice)` gets the HTTP status and
# the response's first choice (`None` if there was none). It returns
# - `1` if no answer arrived: a status other than 200, or no choice,
# - `2` if the model did not end its answer: `finish_reason` is `length`, *or* it is `stop` and
#   there is neither content nor a tool call (a stop sequence struck too early),
# - `3` if thinking is in `content`: a `</think>` in it,
# - `None` if all three are fine.
#
# A model may be cut off *and* leak. The order above decides.
#
# <details><summary>Hint</summary>
# <code>message.get("content") or ""</code> copes with None. A key may be missing too.
# </details>

# %% tags=["stub"]
def first_no(status, choice):
    ...


# %% tags=["solution"]
def first_no(status, choice):
    if status != 200 or not choice:
        return 1
    message = choice.get("message") or {}
    content = message.get("content") or ""
    said = content.strip() or message.get("tool_calls")
    if choice.get("finish_reason") == "length" or not said:
        return 2
    return 3 if "</think>" in content else None


# %% tags=["folded"]
def choice(finish, content=None, **more):
    return {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}


call = [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}]
check.function(
    "12.1",
    first_no,
    [
        check.case(200, choice("stop", "Cold.", reasoning_content="Easy."), gives=None),
        check.case(502, None, gives=1, name="a gateway's error"),
        check.case(200, None, gives=1, name="no choices"),
        check.case(500, choice("stop", "Internal error"), gives=1, name="an error in the shape of an answer"),
        check.case(200, choice("length", "The opp"), gives=2, name="cut content"),
        check.case(200, choice("length", None, reasoning_content="Let me"), gives=2, name="cut thinking"),
        check.case(200, choice("stop", "", reasoning_content="Hot"), gives=2, name="stop in the thinking"),
        check.case(200, choice("tool_calls", None, tool_calls=call), gives=None, name="a call, no content"),
        check.case(200, choice("stop", "Easy.\n</think>\n\nCold."), gives=3, name="thinking leaks"),
        check.case(200, choice("length", "Easy.\n</think>\n\nCo"), gives=2, name="cut and leaking"),
    ],
    hint="check in the order 1, 2, 3, and return at the first that applies",
)

# %% [markdown]
# ## What does `course diagnose` say?
#
# It asks the same questions, and a few dozen finer ones. In a terminal: `course diagnose TAPE`.

# %%
for finding in diagnose([first]):
    print(finding.kind, "·", finding.title)
    print([quote.text for quote in finding.evidence][:3])

# %% [markdown]
# ### Exercise 12.2 · ★☆☆ · 4 minutes
#
# Repair the stranger's program by changing one line of its text, run it again through the tap, and
# put the finish reasons of the new tape into a list.
#
# <details><summary>Hint</summary>
# <code>text.replace("max_tokens=8", …)</code>, written into <code>repaired</code>. The reasons are
# <code>turn.finish_reason</code> of the turns of the new tape.
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
    if list(given) != ["stop", "stop"]:
        return f"two answers that the model ended by itself have other reasons than {list(given)}"
    if not repaired.exists():
        return "the repaired program goes into the file `repaired`"
    again = folder / "again.tape.jsonl"
    tap(sys.executable, str(repaired), tape=again)
    fresh = [turn.finish_reason for turn in turns(Tape.read(again).records())]
    return True if fresh == ["stop", "stop"] else f"run once more, the program in `repaired` ends with {fresh}"


check.exercise("12.2", reasons, tests_repair, hint="give the model room to think and to answer")

# %% [markdown]
# ## The exam
#
# Eight tapes, each recorded from a real run on the embedded server. Some clients are smolagents,
# some are a few lines of somebody's own. Each tape has one fault that comes first,
# or none at all: an error that the run recovers from does not count. For each, name
# - `turn`: where the fault happened, which is not always where it shows,
# - `fault`: from the list below, or `"none"`,
# - `proof`: text copied from that turn that would not be there without the fault.
#
# Read first, and leave `course diagnose` for later: it knows most of these, and you want to be the
# one who does.

# %%
for name, sign in exam.signs().items():
    print(f"{name:22} {sign}")

# %% [markdown]
# `exam.turns(3)` gives a tape's turns, and `view.text(turn)` prints one, without the settings of its
# request. `asked` shows those. A turn's `exchange.request` and `exchange.response` hold all the
# rest. In a terminal, `course view PATH` makes a page of a tape, with every byte; `exam.tape(3)` is
# the path.

# %%
def asked(turn):
    """What the turn's request asks for, besides its messages and tools."""
    return {name: value for name, value in turn.exchange.request.items() if name not in ("messages", "tools")}

# %% [markdown]
# ### Tape 1
#
# Its owner says: "The server answers my second request with an error. It must have a bug."

# %%
for turn in exam.turns(1):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.3 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Read the error of the second turn, then what the client sent: which message should follow a call?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(1)

# %%
check.exercise("12.3", answer, exam.grader(1))

# %% [markdown]
# ### Tape 2
#
# Its owner says: "The model writes broken Python."

# %%
for turn in exam.turns(2):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.4 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Which of its turns shows the fault first? Compare the tokens generated with the limit.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(2)

# %%
check.exercise("12.4", answer, exam.grader(2))

# %% [markdown]
# ### Tape 3
#
# Its owner says: "It is right, but every step takes as long as the first. It used to be faster."

# %%
for turn in exam.turns(3):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.5 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# How many tokens of the second prompt came from the cache? Compare the two system messages,
# character by character.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(3)

# %%
check.exercise("12.5", answer, exam.grader(3))

# %% [markdown]
# ### Tape 4
#
# Its owner says: "There is an error in the log!"

# %%
for turn in exam.turns(4):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.6 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# How did the run end?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(4)

# %%
check.exercise("12.6", answer, exam.grader(4))

# %% [markdown]
# ### Tape 5
#
# Its owner says: "It crashes half-way, always at the same point."

# %%
for turn in exam.turns(5):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.7 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# The server's error has two numbers in it.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(5)

# %%
check.exercise("12.7", answer, exam.grader(5))

# %% [markdown]
# ### Tape 6
#
# Its owner says: "Since the server was set up again, the agent behaves strangely."

# %%
for turn in exam.turns(6):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.8 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Where is the thinking, and where should it be?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(6)

# %%
check.exercise("12.8", answer, exam.grader(6))

# %% [markdown]
# ### Tape 7
#
# Its owner says: "It says it can't find anything. The pages are there, I have looked."

# %%
for turn in exam.turns(7):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.9 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# What did the agent's own code get back from the tool? The next request quotes it.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(7)

# %%
check.exercise("12.9", answer, exam.grader(7))

# %% [markdown]
# ### Tape 8
#
# Its owner says: "The model has nothing to say. It is not the limit on tokens, I have raised that."

# %%
for turn in exam.turns(8):
    print(asked(turn))
    print(view.text(turn))

# %% [markdown]
# ### Exercise 12.10 · ★★★ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Look at the whole request: <code>exam.turns(8)[0].exchange.request</code>.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = exam.solution(8)

# %%
check.exercise("12.10", answer, exam.grader(8))

# %% [markdown]
# Now let `course diagnose` sit the same exam.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
found = {n: list(dict.fromkeys(f.kind for f in diagnose(exam.turns(n)))) for n in exam.numbers()}
check.claims(*exam.claims(found))

# %% [markdown]
# ## Your own agent
#
# Whatever it is written in: if it talks to a model server over HTTP, the tap can record it.
#
# - **It uses OpenAI's client**, in any language: `course tap --upstream URL -- your command` sets
#   `OPENAI_BASE_URL` and `OPENAI_API_BASE`.
# - **It has the address in its settings or its code**: start `course tap --upstream URL` alone, and
#   enter the address that it prints.
# - **It talks to Ollama or LM Studio**: the same, with their address, for example
#   `--upstream http://localhost:11434`.
# - **It talks to a hosted model, with TLS**: `--upstream https://…`. The program speaks plain HTTP to
#   the tap, and the tap TLS to the server. Keys do not get onto the tape.
# - **It runs in a container**: the tap has to listen where the container can reach it (`--host`),
#   and then others can, too. Read what it prints.
#
# If the tape stays empty, the program never came by: it has another address, or a proxy in between,
# or it asks something else than HTTP. `course tap` prints a line for each request, so you see at
# once.
#
# Then the worksheet. Copy it into your notes, and fill it in from top to bottom:
#
# ```
# What I expected:                        What happened:
# Turns on the tape:                      The first one I doubt:
# 1 complete?    status:                  2 ended by itself?  finish_reason:      limit, stop:
# 3 in its field?  content:               reasoning_content:                      tool_calls:
# 4 brought back?  last messages:         tokens from the cache:
# 5 of use?  observation:
# Fault:              Turn:               Proof:
# The one thing I change:                 The same bytes afterwards:
# ```

# %% [markdown]
# ### Exercise 12.11 · ★★★ · as long as it takes
#
# Record an agent of your own, or any program that asks a model something: a chat client, an
# editor's plugin, a script. Put the tape's path here with what you found. A healthy run is a result
# too: then the fault is `"none"`, and the proof is what convinced you.
#
# <details><summary>Hint</summary>
# No agent at hand? Ask with curl through the tap, once with <code>"max_tokens": 5</code>.
# </details>

# %% tags=["stub"]
mine = {"tape": ..., "turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
mine = {
    "tape": folder / "before.tape.jsonl",
    "turn": 2,
    "fault": "thinking-cut",
    "proof": '"finish_reason":"length"',
}

# %%
check.exercise("12.11", mine, exam.own)

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
