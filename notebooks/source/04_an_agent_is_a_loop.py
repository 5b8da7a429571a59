# %% [markdown]
# # 04 · An agent is a loop
#
# Your agent misbehaves, and you step through classes with names such as `MultiStepAgent` and
# `ActionStep`. Which of them does the thinking? None of them. In this lesson you write the agent
# yourself. Then you lay it beside smolagents' own, and see what all the other lines are for.
#
# **After this lesson you can**
#
# - write an agent over plain HTTP, and run it as a file of your own,
# - turn the errors of its code into messages, and say when that saves a run,
# - see what smolagents hands to its model, what it sends, and how both differ from your loop.
#
# **Minutes:** 55 · **Needs:** [lesson 02](02_one_completion.ipynb),
# [lesson 03](03_read_the_system_prompt.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from smolagents import CodeAgent, LocalPythonExecutor, Model, OpenAIModel

from course import check
from course.agent import LEOPARD, code_agent, connect
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import text_of, turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% tags=["folded"]
# What only the helpers and the checks need.
import difflib
import inspect
import json
import re
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import smolagents.agents
import smolagents.utils

from course.server import connection
from course.tape import RecordingTransport


def recorded(tape):
    """A client for the server. Whatever passes through it is copied to the tape."""
    return httpx.Client(
        base_url=server.api_base,
        transport=RecordingTransport(connection.transport(server.url), tape),
        headers={"Authorization": f"Bearer {server.api_key}"} if server.api_key else {},
        timeout=600,
    )


# %% [markdown]
# ## What has to happen?
#
# Follow the arrows around once. There are four jobs: *ask* the model, *find* the code in its
# answer, *run* it, and *remember* what came out.
#
# ![The agent loop: the agent sends all messages to the model, runs the code that comes back, appends
# the observation and asks again, until the code calls final_answer](../docs/pictures/loop.svg)
#
# You borrow two things from smolagents: the [system prompt](../docs/glossary.md#system-prompt) of lesson
# 03, and its interpreter. (`Model()` cannot answer, but it is enough to get the prompt.)

# %%
search = OfflineSearch()
tools = {"web_search": search, "final_answer": lambda answer: answer}
system = CodeAgent(tools=[search], model=Model(), verbosity_level=0).system_prompt
STOP = ["Observation:", "Calling tools:", "</code>"]

# %% [markdown]
# You have met the first two jobs: a chat completion (lesson 02), and the code between two tags
# (lesson 03).


# %%
def ask(client, messages):
    body = {"messages": messages, "stop": STOP, "temperature": 0, "max_tokens": 1024}
    response = client.post("chat/completions", json=body)
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


def find_code(reply):
    _, tag, rest = reply.partition("<code>")
    return rest.partition("</code>")[0] if tag else None


# %% [markdown]
# Without `raise_for_status`, a refusal would read `KeyError: 'choices'`, and without `max_tokens`, a model
# that never stops would fill the context window.
#
# `recorded(tape)` is an ordinary `httpx.Client` for the server that copies what passes through it to a
# [tape](../docs/glossary.md#tape).

# %%
first = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{LEOPARD}"}]
with recorded(Tape()) as client:
    print(ask(client, first))

# %% [markdown]
# Nothing has happened yet: no search, no result. You have a text that asks for something.
#
# ## Who runs it?
#
# Python's `exec` would run it with all *your* permissions. **Never pass it what a model wrote.** smolagents'
# [executor](../docs/glossary.md#executor) knows only the imports and functions on its lists. That stops
# accidents, not attacks (lesson 03). What does it give back?

# %%
executor = LocalPythonExecutor([])  # no imports beyond its own list
executor.send_tools(tools)
print(executor("total = 2 + 3\nprint('it is', total)\ntotal * 10"))
print(executor("final_answer(total)"))

# %% [markdown]
# What was printed, the value of the last line, and whether `final_answer` was called. `total` was still
# there in the second call. So this is the third job, with smolagents' headings:


# %%
def observe(executor, code):
    """Run the code. Returns what the model gets to read, and the answer if there is one."""
    result = executor(code)
    seen = f"Observation:\nExecution logs:\n{result.logs}Last output from code snippet:\n{result.output}"
    return seen, result.output if result.is_final_answer else None


# %% tags=["folded"]
def replying(*replies):
    """A client whose server gives these replies, the last one forever, and the list of what it is sent."""
    sent = []

    def handle(request):
        sent.append(json.loads(request.content))
        said = {"role": "assistant", "content": replies[min(len(sent), len(replies)) - 1]}
        return httpx.Response(200, json={"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]})

    return httpx.Client(base_url="http://made.up/v1", transport=httpx.MockTransport(handle)), sent


def begins(agent):
    """What is wrong with the first request of the learner's loop, in a sentence; None if nothing is."""
    client, sent = replying("<code>\nfinal_answer(0)\n")
    question, used = f"How much is {secrets.token_hex(4)}?", []

    def noted(executor, code):
        used.append(executor)
        return observe(executor, code)

    answers = [agent(client, question, noted) for _ in range(2)]
    if not sent or [message["role"] for message in sent[0]["messages"]] != ["system", "user"]:
        return "the first request should have two messages, system and user"
    told, asked = (message["content"].strip() for message in sent[0]["messages"])
    if told != system.strip():
        return f"the system message is {told!r:.60}, expected `system`"
    if asked != f"New task:\n{question}":
        return f"the user message is {asked!r:.60}, expected 'New task:', a new line, and the question"
    if answers != [0, 0]:
        return f"final_answer(0) ends a run with the answer 0, and {answers[0]!r} was returned"
    if len(used) == 2 and used[0] is used[1]:
        return "two runs used the same executor: make a new one in each, or one question's variables leak into the next"
    return None


# %% [markdown]
# ## Who remembers?
#
# You. The server starts each answer from the messages that it is sent.
#
# ### Exercise 04.1 · ★★★ · 15 minutes
#
# Write the loop: `my_agent(client, question, observe, max_steps=6)`. (`observe` is a parameter because a
# better one will take its place.)
#
# 1. Make a new executor with the tools, and the two messages of the first request: like `first`, but with `question`.
# 2. Ask, find the code, and call `observe(executor, code)`. It returns an [observation][ob] and an answer.
# 3. If the answer is not `None`, return it. (0 is an answer, too.)
# 4. Otherwise append two messages: as `assistant` the reply, with the `</code>` that the server cut off;
#    as `user` the observation. Go to 2.
# 5. After `max_steps` requests without an answer, return `None`.
#
# Catch no exceptions yet.
#
# <details><summary>Hint</summary>
#
# The skeleton: `for _ in range(max_steps):`, in it `reply = ask(client, messages)`, then
# `observation, answer = observe(…)`, then one `if`, and `messages.append({"role": …, "content": …})` twice.
#
# </details>
#
# [ob]: ../docs/glossary.md#observation

# %% tags=["stub"]
my_agent = ...


# %% tags=["solution"]
def my_agent(client, question, observe, max_steps=6):
    executor = LocalPythonExecutor([])
    executor.send_tools(tools)
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": f"New task:\n{question}"},
    ]
    for _ in range(max_steps):
        reply = ask(client, messages)
        observation, answer = observe(executor, find_code(reply))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": reply + "</code>"})
        messages.append({"role": "user", "content": observation})


# %% tags=["folded"]
def loops(agent):
    """What is wrong with the learner's loop, in a sentence; True if nothing is. The model's replies are made up."""
    if wrong := begins(agent):
        return wrong
    a, b = (secrets.randbelow(90) + 10 for _ in range(2))
    two = (f"I begin.\n<code>\nx = {a}\nprint('x is', x)\n", f"<code>\nfinal_answer(x + {b})\n")
    client, sent = replying(*two)
    answer = agent(client, "How much?", observe)
    roles = [[message["role"] for message in body["messages"]] for body in sent]
    if roles[1:] != [["system", "user", "assistant", "user"]]:
        return f"after one step, the next request should add assistant and user; the requests had {roles[1:]}"
    said, seen = (message["content"] for message in sent[1]["messages"][2:])
    if re.sub(r"\s+(?=</code>\s*$)", "", said).strip() != two[0].strip() + "</code>":
        return f"the assistant's message is {said!r:.80}, expected the reply and </code>"
    if f"x is {a}" not in seen:
        return f"the last message is {seen!r:.80}, expected what the code printed"
    if answer != a + b:
        return f"the code calls final_answer({a + b}), but {answer!r} was returned"
    for most in (3, 5):
        client, sent = replying("<code>\nprint('again')\n")
        if agent(client, "?", observe, most) is not None or len(sent) != most:
            return f"with max_steps={most} and no answer, {len(sent)} requests were sent; return None after {most}"
    try:
        agent(replying("<code>\n1 / 0\n")[0], "?", observe)
    except Exception:
        return True
    return "it caught an exception of the code: let it through, the next section needs it"


check.exercise("04.1", my_agent, loops, hint="one request for each round of the loop", seconds=20)

# %% [markdown]
# That's all of it. `run` lets your loop answer a question, and records it. (While an exercise is open,
# our version steps in.)


# %% tags=["folded"]
def our_agent(client, question, observe, max_steps=6):
    executor = LocalPythonExecutor([])
    executor.send_tools(tools)
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{question}"}]
    for _ in range(max_steps):
        reply = ask(client, messages)
        observation, answer = observe(executor, find_code(reply))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": reply + "</code>"})
        messages.append({"role": "user", "content": observation})


def run(question, observe, max_steps=6):
    """The loop's answer to a question, or the exception that ended it, and the turns on the tape."""
    tape, loop = Tape(), my_agent if callable(my_agent) else our_agent
    with recorded(tape) as client:
        try:
            answer = loop(client, question, observe, max_steps)
        except Exception as error:
            answer = error
    return answer, turns(tape.records())


# %%
answer, mine = run(LEOPARD, observe)
print(answer)
for turn in mine:
    print(f"request {turn.number}: {turn.tokens.prompt} tokens in, {turn.tokens.generated} out")

# %% [markdown]
# That is an agent: a model that writes text, a loop that obeys it, and a list of messages that grows. The
# list is all that the model gets to see; the executor keeps the variables. (smolagents'
# [memory](../docs/glossary.md#memory) is a list of steps, from which it makes the messages of each request.)

# %% [markdown]
# ## What if the code fails?
#
# Ask about a unicorn. `web_search` has no page on it, and raises an exception if it finds nothing.

# %%
UNICORN = LEOPARD.replace("leopard", "unicorn")
answer, lost = run(UNICORN, observe)
print(f"{answer!r:.190}", f"after {len(lost)} of 6 requests")

# %% [markdown]
# The executor wrapped the search's exception in an `InterpreterError`, which ended `observe` and the loop. (`run`
# caught it, to print it here.) The model, which could have tried something else, never learns of it. One failed
# search, and the agent is gone.
#
# ### Exercise 04.2 · ★★☆ · 6 minutes
#
# Write `careful(executor, code)`. It does what `observe` does, and two things more:
#
# - If the code raises an exception, it returns `Error:` and the exception's message as one text, and `None`.
# - If `code` is `None`, it returns a text that tells the model to write its code between `<code>`
#   and `</code>`, and `None`.
#
# <details><summary>Hint</summary>
#
# First check whether `code is None`. Then `try:` around the call of `observe`, and
# `except Exception as error:`.
#
# </details>

# %% tags=["stub"]
careful = ...


# %% tags=["solution"]
def careful(executor, code):
    if code is None:
        return "Error:\nThere was no code. Write it between <code> and </code>.", None
    try:
        return observe(executor, code)
    except Exception as error:
        return f"Error:\n{error}", None


# %% tags=["folded"]
def is_careful(careful):
    """What is wrong with the learner's function, in a sentence; True if nothing is."""
    made = LocalPythonExecutor([])
    word = secrets.token_hex(4)

    def fail():
        raise ConnectionError(word)

    made.send_tools({**tools, "fail": fail})
    for code, parts, answer in (
        (f"kept = 1\nprint('{word}')", [word], None),
        ("fail()", ["Error:", word], None),
        ("print(kept", ["Error:"], None),
        ("import os", ["Error:", "os is not allowed"], None),
        (None, ["<code>", "</code>"], None),
        ("final_answer(kept - 1)", [], 0),
    ):
        returned = careful(made, code)
        if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[0], str):
            return f"for the code {code!r} it returned {returned!r:.80}, expected a text and an answer"
        if returned[1] != answer:
            return f"for the code {code!r} the answer is {returned[1]!r:.60}, expected {answer!r}"
        if "Error:" in parts and not returned[0].startswith("Error:"):
            return f"for the code {code!r} the text is {returned[0]!r:.80}, and does not begin with Error:"
        if missing := [part for part in parts if part not in returned[0]]:
            return f"for the code {code!r} the text is {returned[0]!r:.80}, without {missing[0]}"
    return True


check.exercise("04.2", careful, is_careful, hint="catch Exception around the call of observe only")


# %% tags=["folded"]
def our_careful(executor, code):
    if code is None:
        return "Error:\nThere was no code. Write it between <code> and </code>.", None
    try:
        return observe(executor, code)
    except Exception as error:
        return f"Error:\n{error}", None


look = careful if callable(careful) else our_careful

# %% [markdown]
# Ask about the unicorn again, and ask something that tempts the model to import `numpy`, which is not on the
# executor's list. The model now reads what went wrong. Each question gets at most three requests.
#
# **Predict:** which of the two gets an answer: `"unicorn"`, `"numpy"`, `"both"` or `"neither"`?

# %%
guess = ...

# %%
answers = {}
for name, asked in {
    "unicorn": UNICORN,
    "numpy": "Let numpy work out the median of 12, 7, 31 and 40.",
}.items():
    answers[name], tried = run(asked, look, 3)
    for turn in tried:
        print("→", " ".join(text_of(turn.exchange.messages[-1]).split())[:130])
        print("←", " ".join(turn.content.split())[:130], "\n")
    print(f"{name}: {answers[name]}\n")

# %% tags=["folded"]
got = [name for name, answer in answers.items() if answer is not None and not isinstance(answer, Exception)]
check.prediction("04.p1", guess, was="both" if len(got) == 2 else got[0] if got else "neither")

# %% [markdown]
# The embedded model [was trained][tr] to do without an import that is refused: that error cost one step. After
# the failed search, here it repeats what failed. (Read what it writes after `Thought:`. Does it claim pages that
# no search returned?) smolagents' message says more: "Now let's retry: take care not to repeat previous errors!"
#
# Whether an error message helps depends on the model, and perhaps on the wording. Whether the model *reads* it
# is up to the loop.
#
# [tr]: ../training/families/imports.py

# %% [markdown]
# ## What does smolagents' loop say?
#
# You could read its source. The author of the blog post had a quicker way: a model class that prints
# what it is asked. It can take the place of `OpenAIModel` at work, too. (An agent with `stream_outputs`
# calls `generate_stream` instead.)

# %%
handed = []


class LoggingModel(OpenAIModel):
    """Print what each call is given and what it returns."""

    def generate(self, messages, **options):
        handed.append(messages)
        print(f"── call {len(handed)}, {options}")
        for message in messages:
            print(f"→ {message.role.value:<14}{message.content[0].get('text', '')[:60]!r}")
        reply = super().generate(messages, **options)
        print(f"← {(reply.content or '')[:60]!r}")
        return reply


# %% [markdown]
# **Predict:** your loop's second request had 4 messages. smolagents also notes that it called its interpreter.
# How many messages does it hand to its model in its second call: 3, 4, 5 or 6?

# %%
guess = ...

# %%
theirs = Tape()
print(code_agent(connect(server, theirs, model_class=LoggingModel)).run(LEOPARD))
check.prediction("04.p2", guess, was=len(handed[:2][-1]), unit="messages")

# %% [markdown]
# Two of the roles are smolagents' own. `tool-response` is the observation. `tool-call` repeats the code
# that the `assistant` message before it already has.
#
# ## What does the framework add on the wire?
#
# `LoggingModel` shows what smolagents *hands to* its model. What was *sent* is on the tape. Here are the
# second requests, message by message: `+` is in theirs only, `-` in yours only.

# %% tags=["folded"]
my, their = mine[:2][-1], turns(theirs.records())[:2][-1]
for a, b in zip(my.exchange.messages, their.exchange.messages, strict=False):
    lines = difflib.ndiff(text_of(a).splitlines(), text_of(b).splitlines())
    print(f"── {a['role']} / {b['role']}")
    print("\n".join(line[:120] for line in lines if line[0] in "+-") or "the same")
for name, turn in {"yours": my, "theirs": their}.items():
    rest = {key: value for key, value in turn.exchange.request.items() if key != "messages"}
    print(f"\n{name}: {turn.tokens.prompt} tokens, {rest}")

# %% [markdown]
# smolagents renames its own roles, `tool-call` to `assistant` and `tool-response` to `user`, and joins
# neighbors with the same role. So its request has four messages, like yours, and differs by the second copy
# of the code. Its other lines (`_run_stream` and `_step_stream` in `agents.py`) log, stream, plan and count, or
# are for runs that go wrong. Like yours, it sends stop sequences and turns errors into messages. It also does this:
#
# | smolagents' loop | your loop | without it |
# |---|---|---|
# | asks once more for an answer after `max_steps` | returns `None` | a run without an answer |
# | keeps what was printed before an error (lesson 03) | loses it | the model repeats the work |
# | has an executor that refuses imports and cuts long prints | borrows it | accidents, requests that are too long |
# | takes a Markdown code block marked `python` or `py`, too | – | a step lost |
# | keeps steps, counts tokens, calls functions of yours after each step | has its tape | you guess |

# %% tags=["folded", "nbval-check-output"]
source, calls = inspect.getsource(smolagents.agents), [turn.exchange for turn in turns(theirs.records())]
handed_roles = [message.role for message in handed[:2][-1]]
cut = LocalPythonExecutor([])
cut.send_tools({})
fenced = smolagents.utils.parse_code_blobs("I compute.\n```python\nprint(1)\n```", ("<code>", "</code>"))
check.claims(
    ("this run's messages have only three roles on the wire",
     {m["role"] for call in calls for m in call.messages} <= {"system", "user", "assistant"}),
    ("it sends the stop sequences", all(call.request["stop"] == STOP for call in calls)),
    ("it hands a tool-call to its model", len(calls) < 2 or "tool-call" in handed_roles),
    ("in its source: out of steps, it asks once more", "provide_final_answer" in source),
    ("its executor cuts a million characters down", len(cut("print('x' * 1_000_000)").logs) < 100_000),
    ("it takes code in Markdown fences", fenced.strip() == "print(1)"),
)  # fmt: skip

# %% [markdown]
# ## Can it leave the notebook?
#
# This writes your functions to a file, with `ask`, `find_code` and `observe`, and prints the command that
# starts it. (If yours call other functions that you wrote, add those to the file.)

# %% tags=["folded"]
HEAD = """import os, re, sys
from pathlib import Path

import httpx
from smolagents import CodeAgent, LocalPythonExecutor, Model

from course.server import connection
from course.tape import RecordingTransport, Tape
from course.tools.search import OfflineSearch

search = OfflineSearch()
tools = {"web_search": search, "final_answer": lambda answer: answer}
system = CodeAgent(tools=[search], model=Model(), verbosity_level=0).system_prompt
STOP = ["Observation:", "Calling tools:", "</code>"]


"""
TAIL = """

url, question = sys.argv[1:]
key = os.environ.get("KEY")
transport = RecordingTransport(connection.transport(url), Tape(Path(__file__).with_name("own.tape.jsonl")))
headers = {"Authorization": f"Bearer {key}"} if key else {}
base = f"{connection.web_address(url)}/v1"
with httpx.Client(base_url=base, transport=transport, headers=headers, timeout=600) as client:
    print(AGENT(client, question, CAREFUL))
"""
solved = callable(my_agent) and callable(careful)
parts = [ask, find_code, observe, *([careful, my_agent] if solved else [our_careful, our_agent])]
body = "\n\n".join(inspect.getsource(part) for part in parts)
own = Path("tapes/own.tape.jsonl").resolve()
file = own.with_name("my_agent.py")
named = {"AGENT": parts[-1].__name__, "CAREFUL": parts[-2].__name__}
file.write_text(HEAD + body + re.sub("AGENT|CAREFUL", lambda found: named[found[0]], TAIL), encoding="utf-8")
size = len([line for line in body.splitlines() if line.strip()])
print(f"{file.name}: {size} lines" if solved else f"{file.name}: {size} lines (ours: yours are still open)")
print(shlex.join([sys.executable, str(file), server.url, LEOPARD]))

# %% [markdown]
# ### Exercise 04.3 · ★★☆ · 7 minutes · your own
#
# Run the command above in a terminal (*File → New → Terminal*), but with another animal and another place. (It
# names the course's own Python. Leave this notebook open: its server answers.) The search has pages on the
# cheetah, the giraffe, the ostrich and the wild boar, on Tower Bridge, Ponte Vecchio, Brooklyn Bridge and the
# Golden Gate Bridge.
#
# The file records what it sends on a tape beside itself, `own`. How many requests did *your* agent make,
# and how many tokens did the last prompt have? (A second try adds to the same tape. Then count the requests
# of the last run.)
#
# <details><summary>Hint</summary>
#
# `turns(Tape.read(own).records())` gives the turns, as `run` did. Above, you printed `turn.tokens.prompt`. A run
# begins at a turn with two messages: `len(turn.exchange.messages) == 2`.
#
# </details>

# %% tags=["stub"]
made = {"tape": own, "requests": ..., "prompt": ...}

# %% tags=["solution"]
own.unlink(missing_ok=True)
question = "How many seconds would it take for a cheetah at full speed to run through Tower Bridge?"
command = [sys.executable, str(file), server.url, question]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
seen = turns(Tape.read(own).records())
made = {"tape": own, "requests": len(seen), "prompt": seen[-1].tokens.prompt}


# %% tags=["folded"]
def ran(answer):
    """Whether the learner's own agent is on that tape; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "requests", "prompt"} <= answer.keys():
        return "expected a dictionary with the keys tape, requests and prompt"
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"{path} does not exist yet. Run the command in a terminal"
    asked = [turn for turn in turns(Tape.read(path).records()) if turn.exchange and turn.exchange.is_call]
    start = max((n for n, turn in enumerate(asked) if len(turn.exchange.messages) == 2), default=0)
    total, asked = len(asked), asked[start:]  # the last run, if there are several
    messages = [message for turn in asked for message in turn.exchange.messages]
    if not messages or text_of(messages[0])[:30] != system[:30]:
        return "it has no request of an agent"
    if any(turn.step for turn in asked) or any(
        isinstance(message.get("content"), list) for message in messages
    ):
        return "these are requests of smolagents; run the file with your own loop"
    said = text_of(messages[1])
    if "leopard" in said.lower() or "unicorn" in said or "Pont des Arts" in said:
        return "the last question on it is one of this lesson; take another animal and another place"
    unknown = [
        found[1] for m in messages if (found := re.match(r"Error:\s*name '(\w+)' is not defined", text_of(m)))
    ]
    if unknown:
        return f"the file lacks {unknown[0]}, which your functions use: add it at the top"
    if len(asked) < 2 or "final_answer(" not in (asked[-1].content or ""):
        return "the last run on it did not end with an answer; take an animal and a place from the text"
    counts = {"requests": {len(asked), total}, "prompt": {asked[-1].tokens.prompt}}
    for key, right in counts.items():
        if str(answer[key]).replace(",", "").strip() not in map(str, right):
            return f"{key} is {answer[key]!r}, and the tape says something else"
    return True


check.exercise("04.3", made, ran, hint="one turn is one request; the last one has the longest prompt")

# %% [markdown]
# ## Recap
#
# - An agent asks a model, finds the code in the text, runs it, appends what came out, and asks again.
#   The model sees a list of messages; the variables stay in the executor.
# - An error that leaves the loop ends the run. One that becomes a message may cost only a step, if the
#   model can do something about it.
# - `LoggingModel` shows what smolagents hands to its model. What was sent is on the tape. In a good run, it
#   hardly differs from what your loop sends. The framework's other lines log, stream and count, or are for
#   runs that go wrong.
#
# **In your own agent:** find the loop first (in smolagents, `_run_stream` in `agents.py`), and see
# which exceptions it turns into messages.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "04",
    check.question(
        "An agent that you wrote repeats the same search in every step. Where do you look first?",
        right="at the messages of its second request",
        why="The model knows only what is there. If the observation is missing, the loop forgot it. If it is there, as in "
        "the unicorn's run, read what it says: the model could do nothing with it.",
        wrong={
            "at the temperature": "It decides between likely words. It cannot bring back a message that was not sent.",
            "at the server's prompt cache": "The cache saves work. It adds nothing to what the request says.",
        },
    ),
    check.question(
        "In a smolagents agent, the model's code opens a file, and the executor refuses. What does the model see?",
        right="an error message in the next request",
        why="The loop catches the exception and appends its text, as your `careful` does.",
        wrong={
            "nothing, the run is over": "That would be a loop without `try`, like your first one.",
            "an empty file": "The executor raises an exception. It does not pretend.",
        },
    ),
    check.question(
        "`LoggingModel` shows five messages, and the tape has four for the same call. Which is right?",
        right="both: they look at different places",
        why="The class sees what it is handed. Then neighbors that get the same role are merged, and sent.",
        wrong={
            "the class: the tape lost one": "The tape has the whole body, byte for byte.",
            "the tape: the class counts the reply": "The reply is printed after the call, on a line of its own.",
        },
    ),
)

# %% [markdown]
# **Next:** [05 Wire and steps, side by side](05_wire_and_steps.ipynb): what smolagents remembers of a
# run, and where that differs from what was sent.

# %%
server.stop()
check.progress("04")
