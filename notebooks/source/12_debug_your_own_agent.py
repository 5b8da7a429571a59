# %% [markdown]
# # 12 · Debug your own agent
#
# "It just stopped." "It ignores the tool." "It worked yesterday." Until you have seen the bytes,
# every fix is a guess. Here you record a program that you did not write, see one tape solved, and solve seven
# yourself. After that it is your own agent's turn.
#
# **After this lesson you can**
# - record a client of a model server, in any language, by giving it another address,
# - read a stranger's tape with six questions, and find the fault that the others follow from,
# - name a fault with its turn and the bytes that prove it,
# - do that for your own agent.
#
# **Minutes:** 50 (or 35, and tapes 6 to 8 on another day), and as long as you like with your own agent ·
# **Needs:** lessons [05](05_wire_and_steps.ipynb) to [08](08_code_or_tool_calls.ipynb) and
# [10](10_what_the_loop_costs.ipynb)

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
# uses this. It listens on a port, starts the program with `OPENAI_BASE_URL` set to its own address, passes what arrives on
# to the real server, and writes both directions to a [tape](../docs/glossary.md#tape). In your terminal:
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

# %% [markdown]
# **Predict:** who is to blame: the `"model"`, the `"server"`, the `"program"` or the `"tap"`?

# %%
guess = ...
first, second = turns(Tape.read(folder / "before.tape.jsonl").records())
print(view.text(first))

# %% tags=["folded"]
check.prediction("12.p1", guess, was="program")

# %% [markdown]
# All that arrived is thinking, and the program prints only `content`. So its author never saw what
# "finished by length" says: the program's limit of 8 tokens ended the response, before the answer began.

# %% [markdown]
# ### Exercise 12.1 · ★☆☆ · 4 minutes
#
# Repair the stranger's program by changing one line of its text, run it again through the tap, and
# put the finish reasons of the new tape into a list.
#
# <details><summary>Hint</summary>
# Replace the limit in the text, and write the result into the file <code>repaired</code>. Then record and read it as the
# cells above did with <code>program</code>, on a tape with another name. Each turn has a <code>finish_reason</code>.
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
# the steps run out. More steps would not help. So go through the turns in order, ask these questions of each (first about
# the response, then the client, then the next request), and stop at the first one whose answer is no:
#
# | | ask | look at |
# |---|---|---|
# | 1 | Did a complete response arrive? | status, error, the end of the body |
# | 2 | Did it end where it should, at the end of the content? | `finish_reason`; `max_tokens` and `stop` of the request |
# | 3 | Is everything in its field? | `content`, `reasoning_content` (elsewhere `reasoning`), `tool_calls` |
# | 4 | Could the client run it, or did the next reply take the error into account? | code, call: tool, arguments, imports |
# | 5 | Does the next request continue this one, with what came out? | messages, cached tokens, `prompt_tokens` |
# | 6 | Did all that the tool returned reach the model, and was it of use? | the observation |
#
# Question 5 is about the step from one turn to the next, so ask it *before* question 1 of the next turn: a request that was
# built wrongly may be refused, and that question then only meets the effect. The answer is also no if a part of the request
# is dropped on its way to the model, or if the run ends with a call whose result the model should have read.
#
# `finish_reason: stop` alone does not answer question 2. A CodeAgent's replies normally end at a stop sequence, `</code>`,
# but one can strike too early.
#
# A run is healthy if all six are yes, or do not apply, in every turn. If its answer is wrong nevertheless, look at the
# prompt, the question, the tool's data and the model.
#
# Here are names for faults, by question. ([All that `course diagnose` knows](../docs/faults.md), of any client and server.)

# %% tags=["folded"]
for question, named in exam.questions().items():
    print(f"── question {question}" if question.isdigit() else "── of all turns, at the end")
    for name, sign in named.items():
        print(f"{name:22} {sign}")

# %% [markdown]
# **Two names fit?** Take the one that causes the other. These look alike:
#
# - *Prompt* tokens are missing: `prompt-truncated`. All are there, and few come *from the cache*: `changing-prefix`.
# - `content` is empty, and `finish_reason` is `stop`: `stop-in-thinking` or `empty-response`. On llama-server, only
#   `stop_type` tells them apart, and only if the request asks for it ([lesson 07](07_a_gallery_of_failures.ipynb)).
# - The code failed, or a search found nothing, and the next step takes that into account: no fault, neither at question 4
#   nor at 6.

# %% [markdown]
# ## One tape, solved
#
# This is a run of the leopard question. Its owner says: "The model writes broken Python." `read` prints a
# tape: for each turn, the settings of its request, then the view. (Ignore the lines that begin with `prompt:`: they
# divide the server's total among what the client sent, even if part of it never arrived. Ignore the seconds, too: they
# depend on what else the machine was doing. `code that ran` was handed to the interpreter, even if it could not parse
# it.) To see a whole request, print `exam.turns(1)[0].exchange.raw_request`. Leave `course view` for later: its page shows
# what `course diagnose` finds.


# %%
def read(number):
    """Print the turns of a tape, each with what its request asks for besides messages and tools."""
    for turn in exam.turns(number):
        request = turn.exchange.request
        print({name: value for name, value in request.items() if name not in ("messages", "tools")})
        print(view.text(turn))


read(1)

# %% [markdown]
# **Predict:** go through the questions yourself, and stop reading at the first no. In which turn is it?

# %%
guess = ...

# %% tags=["folded"]
check.prediction("12.p2", guess, was=exam.key(1).turn)

# %% [markdown]
# **The turn.** There is an error in turns 2, 3 and 4, but the first no is in turn 1, at question 2: it was
# finished by `length`. Why does turn 1 have no error? Its last line is the beginning of a call,
# `length_pages = web_search`. By chance, that is whole Python: it gives the tool another name. The same limit
# cut the replies of turns 2 and 3. What was left of them was not Python, and these errors used up the steps.
#
# **The proof.** Which bytes would not be there without the fault?
#
# | bytes | do they prove it? |
# |---|---|
# | `SyntaxError: invalid syntax` (turn 2) | no: a model that writes bad Python gets it, too |
# | `length_pages = web_search` (turn 1) | no: the model might have stopped there by itself |
# | `"finish_reason":"length"` (turn 1) | yes: only a limit puts that there, `max_tokens` or a full window |
# | `"completion_tokens":90` (turn 1) | yes, since its request has `"max_tokens":90`: the limit was reached |
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
# Seven more real runs with the embedded model, by smolagents or by somebody's own few lines. For each, name
#
# - `fault`: the one that the others follow from, by its name in the list. For a healthy run it is `"none"`,
#   and `turn` and `proof` are `None`.
# - `turn`: where the fault happened. If the answer to question 5 is no, that is the turn of the next request. If a result
#   was cut or of no use (question 6), it is the turn that called the tool.
# - `proof`: bytes of that turn that this fault put there. If something is missing, quote the end of what is there, or the
#   count that shows it. Copy them from `raw_request` or `raw_response` (what a tool returned is in the *next* request), or
#   from the print where it quotes. For turn 2 of tape 3, that is `exam.turns(3)[1].exchange.raw_request`. "Finished by
#   length" and the like are the print's words, not bytes. Spaces, quotes, backslashes and line breaks don't count.
#
# A tape from the tap has no steps. The view takes a step's code and observation from the next request, which repeats
# them, and labels them "as turn 2 quotes it". So a last turn shows neither.

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
# Write down the roles of the second request's messages. What would you expect after the last one?
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
# Its owner says: "It gets there, but every step takes as long as the first, or longer. It used to be faster."

# %%
read(3)

# %% [markdown]
# ### Exercise 12.3 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# All of it ends well, so look at what it costs, in tokens. Compare the second turn with that of tape 1.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 2, "fault": "changing-prefix", "proof": '"cached_tokens":13'}

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
# What did the model do about the error? And is the run's answer true?
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
# Its owner says: "The model is stuck. It searches for the same thing again and again, and it has long since found it."

# %%
read(5)

# %% [markdown]
# ### Exercise 12.5 · ★★★ · 4 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# At temperature 0, the same prompt gives the same reply. Which messages did the client send in turn 2, and how many tokens
# did the server count?
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 2, "fault": "prompt-truncated", "proof": '"prompt_tokens":2376'}

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
# ### Exercise 12.6 · ★☆☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Tape 5 begins with the same request, byte for byte. Lay the two first responses side by side: what has moved? (The counts
# of prompt tokens differ, too: a clue to the setting, not the proof.)
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
# Its owner says: "This one works: two steps, no error, and the 900 is in the document. Only the rooms are wrong."

# %%
read(7)

# %% [markdown]
# ### Exercise 12.7 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Where does the figure in the answer come from? Find its bytes in what the code printed, and read on.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 1, "fault": "observation-truncated", "proof": "This content has been truncated"}

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
# ### Exercise 12.8 · ★★☆ · 3 minutes
#
# Which turn, which fault, which proof?
#
# <details><summary>Hint</summary>
# Was it the model or a stop sequence? The request asks for details with <code>verbose</code>, and <code>read</code> does
# not print them. Print <code>exam.turns(8)[0].exchange.raw_response</code>, and look near its end.
# </details>

# %% tags=["stub"]
answer = {"turn": ..., "fault": ..., "proof": ...}

# %% tags=["solution"]
answer = {"turn": 1, "fault": "stop-in-thinking", "proof": '"stop_type":"word"'}

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
# - **It uses OpenAI's client**: `course tap --upstream URL -- your command`. `URL` is the base URL that it has now.
# - **It uses LangChain or LangGraph**: the same, if `ChatOpenAI` has no `base_url`. If it has one, write
#   `base_url=os.environ.get("OPENAI_BASE_URL", "…")`, with the old address. With `stream_usage=True`, streams have token
#   counts.
# - **It uses Vercel's AI SDK**: the same with `const openai = createOpenAI()`, which reads `OPENAI_BASE_URL`. (From
#   version 5 on, `openai(model)` uses the Responses API, `openai.chat(model)` chat completions.) `createOpenAICompatible`
#   does not read it: write `baseURL: process.env.OPENAI_BASE_URL ?? "…"`, and `includeUsage: true` to see token counts. If
#   the tape ends with a call, look for `stopWhen`: without it, `generateText` and `streamText` stop after one step.
# - **It has the address in its settings or its code**: start `course tap --upstream URL` alone, and
#   enter there what it prints after `OPENAI_BASE_URL=`.
# - **It talks to Ollama or LM Studio**: the same, with their address, for example
#   `--upstream http://localhost:11434` (with `/api` for ollama-ai-provider-v2). Ollama cuts a prompt that is too long
#   without a word: as on tape 5, `prompt_tokens` stops growing, or it falls. Its window is `num_ctx`, or
#   `OLLAMA_CONTEXT_LENGTH`.
# - **It talks to vLLM**: the same. Start vLLM with `--enable-prompt-tokens-details` to see what came from the cache (a
#   count of 0 is left out). Instead of `stop_type`, read `stop_reason`, beside `finish_reason`: the stop sequence, or
#   `null` or the number of a token if the model ended by itself.
# - **It talks to a hosted model**: `--upstream https://…`, with the path (`https://openrouter.ai/api/v1`). The program
#   speaks plain HTTP to the tap, and the tap HTTPS to the server. If its key is only in a `.env` file, export it first:
#   `set -a; . ./.env; set +a`. Another API has other names (Anthropic's: `stop_reason`), and the same six questions.
# - **It runs in a container**: start the tap with `--upstream URL --host 0.0.0.0 --port 8081` on the host, and give the
#   container the base URL `http://host.docker.internal:8081/v1` (or the path of `URL` instead of `/v1`; on Linux, start it
#   with `--add-host=host.docker.internal:host-gateway`). Others on your network can use the server meanwhile. With
#   `--network none`, only a server in the same container can be recorded: run the tap in there, too.
# - **A gateway stands between**: one tap before it and one behind it, and compare the requests.
#
# When it ends, `course tap` prints how many requests there were, then what `course diagnose` finds: fill in the worksheet
# below before you read that. If there are no requests, the program has another address, goes through a proxy, or does not
# use HTTP.
#
# Without `--tape`, the tape is in `tapes/` of the current folder: add that to your `.gitignore`. API keys are left out.
# Prompts and what tools returned are on it, with any secret in them, so read it before you share it.
#
# Then the worksheet. Copy it into your notes, and fill it in from top to bottom:
#
# ```
# What I expected:                        What happened:
# Turns on the tape:                      The first one I doubt:
# 1 complete?    status:                  2 ended at its end?  finish_reason:     limit, stop:
# 3 in its field?  content:               reasoning_content:                      tool_calls:
# 4 could it run?  code or call:          error:
# 5 brought back?  last messages:         prompt tokens:         from the cache:
# 6 whole, of use?  observation:
# Fault:              Turn:               Proof:
# The one thing I change:                 The same bytes afterwards:
# ```

# %% [markdown]
# ### Exercise 12.9 · ★★★ · as long as it takes · your own
#
# Record an agent of your own, or any program that asks a model something: a chat client, an editor's plugin, a script. The
# command below leads to the course's server. If your program has another, put its base URL after `--upstream`. A second
# try adds its turns to the same tape, so delete the tape first.

# %%
own_tape = Path("tapes/mine-12.tape.jsonl").resolve()
asking = '{"max_tokens": 5, "messages": [{"role": "user", "content": "Who are you?"}]}'
print(f'course tap --upstream {server.url} --tape "{own_tape}" -- YOUR COMMAND')
print("\nNo agent at hand? Start the tap without -- YOUR COMMAND. ADDRESS is what it prints after OPENAI_BASE_URL=:")
print(f"curl -s ADDRESS/chat/completions -d '{asking}'; echo")

# %% [markdown]
# Put here what you found. If it is healthy, the fault is `"none"`, and turn and proof are what convinced you
# of that. (In the exam, they are `None`.)
#
# <details><summary>Hint</summary>
# For the proof of turn N, print <code>turns(Tape.read(own_tape).records())[N - 1].exchange.raw_response</code>, or its
# <code>raw_request</code>.
# </details>

# %% tags=["stub"]
mine = {"tape": own_tape, "turn": ..., "fault": ..., "proof": ...}

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


check.exercise("12.9", mine, recorded, hint="record with course tap, then fill in the worksheet")

# %% tags=["folded"]
if isinstance(mine, dict) and recorded(mine) is True:
    made = diagnose(turns(Tape.read(Path(mine["tape"]).expanduser()).records()))
    kinds = ", ".join(f"{finding.kind} in turn {finding.turn}" for finding in made)
    print(f"You say {mine['fault']}. course diagnose says: {kinds or 'no faults'}.")
    print("If that is not the same: who has the better proof?")

# %% [markdown]
# ## Recap
#
# - Record first. `course tap` needs an address, not your code.
# - Ask the six questions turn by turn, and repair the first fault: the others may be its effects.
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
        "A run ended with `max-steps`. Its second request repeats a call without the result, and this server accepts that. "
        "What do you repair?",
        right="how the client sends results",
        why="Without the result, the model can only ask again. The steps ran out because of that.",
        wrong={
            "the limit on steps, which was too low": "More steps repeat the same call more often.",
            "the prompt, so that the model calls less": "The model did the right thing in turn 1, with this prompt.",
        },
    ),
    check.question(
        "The tape of your agent is empty, and your agent answers. What is the likely reason?",
        right="it talks to another address than the tap's",
        why="It got its answers from somewhere. Its own setting of the address wins over the environment.",
        wrong={
            "the tap drops exchanges that end too quickly": "It writes each one, and notes those that break off.",
            "the model's answers came from the prompt cache": "That cache is in the server, behind the tap.",
        },
    ),
    check.question(
        "A tool fails in turn 3. In turn 4, the agent uses another query and finds the page. What is the fault?",
        right="none: the error was taken into account",
        why="The error reached the model, and the next step took it into account, as on tape 4.",
        wrong={
            "`action-failed` in turn 3, since it came first": "It came first, and nothing followed from it.",
            "`repeated-action` in turn 4": "The query is another one, and so is its result.",
        },
    ),
)

# %% [markdown]
# This was the last lesson. You can now say of a run what was sent, what came back and what was made of it, and
# where it first went wrong. Take the tap with you, and the [glossary](../docs/glossary.md). If
# `course diagnose` misses a fault that you have found, [CONTRIBUTING.md](../CONTRIBUTING.md) says how to add it.

# %%
server.stop()
check.progress("12")
