# %% [markdown]
# # 04 · An agent is a loop
#
# Your agent misbehaves, and you step through classes with names such as `MultiStepAgent` and
# `ActionStep`. Which of them does the thinking? None of them. In this lesson you write the agent
# yourself. Then you lay it beside smolagents', and see what all the other lines are for.
#
# **After this lesson you can**
#
# - write an agent over plain HTTP, and run it as a file of your own,
# - say what keeps code that a model wrote from harming you, and what does not,
# - log every call of a smolagents model from the inside,
# - say what a framework adds to the loop, and what goes wrong without it.
#
# **Minutes:** 45 · **Needs:** [lesson 02](02_one_completion.ipynb),
# [lesson 03](03_read_the_system_prompt.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import difflib
import inspect
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import httpx
import smolagents.agents
from smolagents import CodeAgent, LocalPythonExecutor, Model, OpenAIModel

# %%
from course import check
from course.agent import LEOPARD, code_agent, connect
from course.server import Server, connection
from course.tap import Tap
from course.tape import RecordingTransport, Tape
from course.tools.search import OfflineSearch
from course.turns import exchanges, text_of, turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## What has to happen?
#
# Follow the arrows around once. There are four jobs: *ask* the model, *find* the code in its
# answer, *run* it, and *remember* what came out. You will write each in a few lines.
#
# ![The agent loop: the agent sends all messages to the model, runs the code that comes back, appends
# the observation and asks again, until the code calls final_answer](../docs/pictures/loop.svg)

# %% [markdown]
# Two things come from smolagents: its [system prompt][sp], which you read in lesson 03, and later
# its interpreter. The [tools][tool] are a dictionary of functions.
#
# [sp]: ../docs/glossary.md#system-prompt
# [tool]: ../docs/glossary.md#tool

# %%
search = OfflineSearch()
tools = {"web_search": search, "final_answer": lambda answer: answer}
system = CodeAgent(tools=[search], model=Model(), verbosity_level=0).system_prompt
print(system[:240], "…")

# %% [markdown]
# `recorded(tape)` is an ordinary httpx client for the server. Whatever passes through it is copied
# to a [tape](../docs/glossary.md#tape), so that you can look at your agent's requests later.


# %%
def recorded(tape):
    return httpx.Client(
        base_url=server.api_base,
        transport=RecordingTransport(connection.transport(server.url), tape),
        headers={"Authorization": f"Bearer {server.api_key}"} if server.api_key else {},
        timeout=600,
    )


# %% [markdown]
# ## How do you ask?
#
# ### Exercise 04.1 · ★☆☆ · 5 minutes
#
# Write `ask(client, messages, stop)`. It posts to `chat/completions` (the client knows the rest of
# the address) with the messages, the stop sequences and `temperature` 0, and returns the
# `content` of the answer. If the server refuses, it raises an exception that names the status: a
# `KeyError` two lines later would hide what the server said.
#
# <details><summary>Hint</summary>
#
# `response = client.post("chat/completions", json={...})`, then `response.raise_for_status()`. The
# content is where it was in lesson 02: `["choices"][0]["message"]["content"]`.
#
# </details>

# %% tags=["stub"]
ask = ...


# %% tags=["solution"]
def ask(client, messages, stop):
    body = {"messages": messages, "temperature": 0, "stop": stop}
    response = client.post("chat/completions", json=body)
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


# %% tags=["folded"]
def replying(*replies, status=200):
    """A client whose server gives these replies, the last one forever, and the list of what it is sent."""
    sent = []

    def handle(request):
        sent.append({"path": request.url.path, **json.loads(request.content)})
        said = {"content": replies[min(len(sent), len(replies)) - 1], "reasoning_content": "Hm."}
        good = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
        return httpx.Response(status, json=good if status == 200 else {"error": {"message": "too long"}})

    return httpx.Client(base_url="http://made.up/v1", transport=httpx.MockTransport(handle)), sent


def asks(ask):
    """What is wrong with the learner's `ask`, in a sentence; True if nothing is."""
    word = secrets.token_hex(4)
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": word}]
    client, sent = replying(f"You said {word}.")
    said = ask(client, talk, ["END", word])
    if not sent or sent[0]["path"] != "/v1/chat/completions":
        return "no request came to /v1/chat/completions of the client that it was given"
    for key, wanted in (("messages", talk), ("stop", ["END", word]), ("temperature", 0)):
        if sent[0].get(key) != wanted:
            return f"the body has {key} = {sent[0].get(key)!r:.60}, expected {wanted!r:.60}"
    if said != f"You said {word}.":
        return f"it returned {said!r:.80} instead of the content"
    try:
        said = ask(replying("", status=400)[0], talk, [])
    except Exception:
        return True
    return f"the server answered HTTP 400, and no exception was raised: it returned {said!r:.60}"


check.exercise("04.1", ask, asks, hint="post, raise for the status, return the content")

# %% [markdown]
# Now put the question. (The next cell has our version, in case yours is still open. The same holds
# for the other exercises.)


# %% tags=["folded"]
def our_ask(client, messages, stop):
    response = client.post("chat/completions", json={"messages": messages, "temperature": 0, "stop": stop})
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


put = ask if callable(ask) else our_ask

# %% [markdown]
# **Predict:** a [stop sequence](../docs/glossary.md#stop-sequence) for the end of the code is
# among those below. How often will you find `</code>` in the reply: 0, 1 or 2 times?

# %%
guess = ...

# %%
STOP = ["Observation:", "Calling tools:", "</code>"]
first = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{LEOPARD}"}]
with recorded(Tape()) as client:
    reply = put(client, first, STOP)
print(reply)

# %%
check.prediction("04.p1", guess, was=reply.count("</code>"), unit="times")

# %% [markdown]
# The server ends the text *before* a stop sequence and keeps that for itself. And nothing has
# happened yet: no search, no result. You have a piece of text that asks for something.
#
# (`New task:` is how smolagents begins a question. The embedded model was trained on that.)

# %% [markdown]
# ## Where is the code?
#
# ### Exercise 04.2 · ★★☆ · 5 minutes
#
# Write `find_code(reply)`. It returns what stands between `<code>` and `</code>`, or between
# `<code>` and the end of the reply. If there is no `<code>`, it returns `None`.
#
# <details><summary>Hint</summary>
#
# `before, tag, rest = reply.partition("<code>")`: `tag` is empty if it was not found. Another
# `partition` cuts off the end.
#
# </details>

# %% tags=["stub"]
find_code = ...


# %% tags=["solution"]
def find_code(reply):
    _, tag, rest = reply.partition("<code>")
    return rest.partition("</code>")[0] if tag else None


# %% tags=["folded"]
def replies(random):
    """Replies of models, with the code in them."""
    line = f"print({random.randrange(10, 99)} < {random.randrange(10, 99)})"
    for name, said, code in (
        ("cut off by the stop sequence", f"Thought: I compare.\n<code>\n{line}", line),
        ("complete", f"<code>\n{line}\n</code>", line),
        ("words after it", f"I compare.\n<code>{line}</code>\nThat was it.", line),
        ("two lines", f"<code>\na = 1\n{line}\n", f"a = 1\n{line}"),
        ("no code at all", f"The answer is {random.randrange(10, 99)}.", None),
        ("an empty reply", "", None),
    ):
        yield check.case(said, gives=code, name=name)


check.function("04.2", find_code, replies, hint="a missing </code> is the usual case")

# %% [markdown]
# ## Who runs it?
#
# Python has `exec`. smolagents has an interpreter of its own, the
# [executor](../docs/glossary.md#executor). The two lines below are ours and harmless: they read an
# environment variable, the place where many programs keep their keys.
#
# **Predict:** who lets them: `exec`, the `executor`, `both` or `neither`?

# %%
guess = ...

# %%
os.environ["CANARY"] = secrets.token_hex(4)
lines = "import os\nprint('I can read', os.environ['CANARY'])"
exec(lines, {})

# %%
executor = LocalPythonExecutor([])
executor.send_tools(tools)
try:
    executor(lines)
    refused = False
except Exception as error:
    refused = True
    print(error)

# %%
check.prediction("04.p2", guess, was="exec" if refused else "both")

# %% [markdown]
# `exec` runs the text inside your notebook, with all that *you* may do. **Never give it what a
# model wrote.** The executor reads the code piece by piece, and knows only the imports and functions
# on its lists. That stops accidents. Its authors say that it is not a sandbox;
# [lesson 09](09_the_container_is_the_sandbox.ipynb) builds one.

# %% [markdown]
# What does it give back?

# %%
print(executor("total = 2 + 3\nprint('it is', total)\ntotal * 10"))
print(executor("final_answer(total)"))

# %% [markdown]
# `logs` is what the code printed, `output` the value of its last line, and `is_final_answer` tells
# whether `final_answer` was called. Variables stay until the next call. So this is our third job:


# %%
def observe(executor, code):
    """Run the code. Returns what the model gets to read, and the answer if there is one."""
    result = executor(code)
    seen = f"Execution logs:\n{result.logs}\nLast output from code snippet:\n{result.output}"
    return f"Observation:\n{seen}", result.output if result.is_final_answer else None


# %% [markdown]
# (The headings are smolagents' own. Small models are particular about such words: given the logs
# under `Observation:` alone, the embedded one soon lost its thread.)

# %% [markdown]
# ## Who remembers?
#
# ### Exercise 04.3 · ★★★ · 10 minutes
#
# Now the loop: `my_agent(client, question, observe, max_steps=6)`.
#
# 1. Make a new executor with the tools, and the two messages of the first request (as in `first`).
# 2. Ask, find the code, and hand it to `observe`, which returns an [observation][ob] and an answer.
# 3. An answer that is not `None` ends the run: return it. Otherwise append two messages, the reply
#    with its missing `</code>` as `assistant` and the observation as `user`. Go to 2.
# 4. After `max_steps` requests without an answer, return `None`.
#
# <details><summary>Hint</summary>
#
# `for _ in range(max_steps):` around three lines: `reply = ask(client, messages, STOP)`, then
# `observation, answer = observe(executor, find_code(reply))`, then the two cases. Mind that 0 is an
# answer, too.
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
        reply = ask(client, messages, STOP)
        observation, answer = observe(executor, find_code(reply))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": reply + "</code>"})
        messages.append({"role": "user", "content": observation})


# %% tags=["folded"]
def loops(agent):
    """What is wrong with the learner's loop, in a sentence; True if nothing is. The model's replies are made up."""
    if not (callable(ask) and callable(find_code)):
        return "it needs ask and find_code: solve 04.1 and 04.2 first"
    a, b = (secrets.randbelow(90) + 10 for _ in range(2))
    two = (f"I begin.\n<code>\nx = {a}\nprint('x is', x)\n", f"<code>\nfinal_answer(x + {b})\n")
    client, sent = replying(*two)
    answer = agent(client, "How much?", observe)
    roles = [[message["role"] for message in body["messages"]] for body in sent]
    if roles[:1] != [["system", "user"]]:
        return f"the first request has the roles {roles[:1]}, expected system and user"
    if "How much?" not in sent[0]["messages"][1]["content"]:
        return "the question is not in the first request"
    if not {"</code>", "Observation:"} <= set(sent[0].get("stop") or []):
        return "the request is sent without the stop sequences"
    if roles[1:] != [["system", "user", "assistant", "user"]]:
        return f"after one step, the next request should add assistant and user; the requests had {roles[1:]}"
    said, seen = (message["content"] for message in sent[1]["messages"][2:])
    if said.strip() != two[0].strip() + "</code>" and said.strip() != two[0] + "</code>":
        return f"the assistant's message is {said!r:.80}, expected the reply and </code>"
    if f"x is {a}" not in seen:
        return f"the last message is {seen!r:.80}, expected what the code printed"
    if answer != a + b:
        return f"the code calls final_answer({a + b}), but {answer!r} was returned"
    if agent(replying("<code>\nfinal_answer(0)")[0], "?", observe) != 0:
        return "final_answer(0) ends a run with the answer 0"
    for most in (3, 5):
        client, sent = replying("<code>\nprint('again')\n")
        if agent(client, "?", observe, most) is not None or len(sent) != most:
            return f"with max_steps={most} and no answer, {len(sent)} requests were sent; return None after {most}"
    return True


check.exercise("04.3", my_agent, loops, hint="one request for each round of the loop", seconds=20)


# %% tags=["folded"]
def our_agent(client, question, observe, max_steps=6):
    executor = LocalPythonExecutor([])
    executor.send_tools(tools)
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{question}"}]
    for _ in range(max_steps):
        reply = our_ask(client, messages, STOP)
        code = reply.partition("<code>")[2].partition("</code>")[0] if "<code>" in reply else None
        observation, answer = observe(executor, code)
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": reply + "</code>"})
        messages.append({"role": "user", "content": observation})


loop = my_agent if all(callable(part) for part in (ask, find_code, my_agent)) else our_agent

# %% [markdown]
# That's all of it. Ask the question:

# %%
mine = Tape()
with recorded(mine) as client:
    try:
        answer = loop(client, LEOPARD, observe)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
print(answer)

# %%
for turn in turns(mine.records()):
    t = turn.tokens
    print(f"request {turn.number}: {t.prompt} tokens in, {t.generated} out, ended by {turn.finish_reason}")

# %% [markdown]
# Prompt and interpreter are borrowed. The agent is yours: a model that writes text, a loop that obeys
# it, and a list of messages that grows. That list is the agent's [memory](../docs/glossary.md#memory).

# %% [markdown]
# ## What if the code fails?
#
# Ask about a unicorn. `web_search` has no page on it, and raises an exception if it finds nothing.
#
# **Predict:** what happens: a `traceback` in your notebook, a `second try` of the model, or a
# `wrong answer`?

# %%
guess = ...

# %%
UNICORN = LEOPARD.replace("leopard", "unicorn")
with recorded(Tape()) as client:
    try:
        print(loop(client, UNICORN, observe))
        ended = "wrong answer"
    except Exception as error:
        ended = "traceback"
        print(f"{type(error).__name__}: {error}")

# %%
check.prediction("04.p3", guess, was=ended)

# %% [markdown]
# The exception went through `observe` and through your loop, up to you. The model, which could have
# tried something else, never learned of it. One failed search, and the agent is gone.
#
# ### Exercise 04.4 · ★★☆ · 7 minutes
#
# Write `careful(executor, code)`. It does what `observe` does, and two things more:
#
# - If the code raises an exception, it returns a text that begins with `Error:` and has the
#   exception's message in it, and `None`.
# - If `code` is `None`, it returns a text that tells the model to write its code between `<code>`
#   and `</code>`, and `None`.
#
# <details><summary>Hint</summary>
#
# `try:` around `return observe(executor, code)`, and `except Exception as error:`. First of all, see
# whether `code is None`.
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


check.exercise("04.4", careful, is_careful, hint="catch Exception around the executor's call only")


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
# The same question again:

# %%
unicorn = Tape()
with recorded(unicorn) as client:
    print(loop(client, UNICORN, look, 4))

# %%
for call in exchanges(unicorn.entries):
    print(f"→ {call.messages[-1]['role']}: {text_of(call.messages[-1])[:230]}\n")
    print(f"← {call.message['content'][:330]}\n")

# %% [markdown]
# The error has become a message, and the run goes on. Whether the model makes something of it is up
# to the model. Whether it *gets the chance* is up to the loop.

# %% tags=["folded"]
met = "".join(text_of(message) for call in exchanges(unicorn.entries) for message in call.messages)
check.claims(
    ("the failed search did not end the run", len(exchanges(unicorn.entries)) > 1 or "Error:" not in met),
    ("before, it did", ended == "traceback" or "Error:" not in met),
)

# %% [markdown]
# ## What does smolagents' loop say?
#
# You could read its source. The author of the blog post had a quicker way: a model class that prints
# what it is asked. smolagents calls one method of its model, `generate` (or `generate_stream`, if you
# set `stream_outputs`).


# %%
class LoggingModel(OpenAIModel):
    """Print what is new in each call, and keep all of them."""

    calls = ()

    def generate(self, messages, **options):
        known = len(self.calls[-1][0]) if self.calls else 0
        for message in messages[known:]:
            text = "".join(part.get("text", "") for part in message.content)
            print(f"→ {message.role.value:<14}{len(text):>6}  {text[:60]!r}")
        reply = super().generate(messages, **options)
        print(f"← {'':<14}{len(reply.content):>6}  {reply.content[:60]!r}")
        self.calls = (*self.calls, (messages, options, reply))
        return reply


# %% [markdown]
# It takes the place of any `OpenAIModel`, so you can put it into an agent at work.
#
# **Predict:** your loop's second request has 4 messages. How many does smolagents hand to its model
# in its second call: 3, 4, 5 or 6?

# %%
guess = ...

# %%
theirs = Tape()
logged = connect(server, theirs, model_class=LoggingModel)
print(code_agent(logged).run(LEOPARD))

# %%
check.prediction("04.p4", guess, was=len(logged.calls[:2][-1][0]), unit="messages")

# %% [markdown]
# Besides the four, there is a `tool-call`. Now look at what a call comes with:

# %%
logged.calls[0][1]

# %% [markdown]
# The stop sequences. You sent them, too.

# %% [markdown]
# ## What does the framework add?
#
# A class like this shows what smolagents *hands to* its model. What left the machine is on the
# tape, and you have two tapes now: compare the second request of each.
#
# **Predict:** how many messages are in theirs, on the wire: 3, 4, 5 or 6?

# %%
guess = ...

# %%
second = {"mine": exchanges(mine.entries)[:2][-1], "theirs": exchanges(theirs.entries)[:2][-1]}
for name, call in second.items():
    print(name, {key: value for key, value in call.request.items() if key != "messages"})
    for message in call.messages:
        kind = type(message["content"]).__name__
        print(f"   {message['role']:<10}{kind:<5}{len(text_of(message)):>6} characters")

# %%
check.prediction("04.p5", guess, was=len(second["theirs"].messages), unit="messages")

# %% [markdown]
# On its way out, the `tool-call` was merged into the `assistant` message before it. Now line by
# line: `+` is in theirs only, `-` in yours only.

# %%
for my, their in zip(second["mine"].messages, second["theirs"].messages, strict=False):
    lines = difflib.ndiff(text_of(my).splitlines(), text_of(their).splitlines())
    print(f"── {my['role']}")
    print("\n".join(line[:140] for line in lines if line[0] in "+-") or "the same")

# %% [markdown]
# On a good run, the model reads little that your loop does not send: above all, a second copy of the
# code (`Calling tools:`). The framework's other lines are for bad runs. (You find them in
# `_run_stream` and `_step_stream` of `agents.py`, and in `parse_code_blobs` of `utils.py`.)

# %% [markdown]
# | smolagents' loop | your loop | without it |
# |---|---|---|
# | sends stop sequences | sends them | the model invents observations (lesson 02) |
# | makes a message of an error | 04.4 | one failed search ends the run |
# | makes a message of a missing code block | 04.4 | the same |
# | ends after `max_steps`, with one more request for an answer | ends with `None` | a run without end |
# | has an executor that refuses imports and cuts long output | borrows it | accidents, and requests that are too long |
# | accepts Markdown fences, renames a variable `final_answer` | – | a step lost |
# | keeps steps, counts tokens, calls your callbacks | has its tape | you guess |

# %%
cut = LocalPythonExecutor([])
cut.send_tools({})
print(len(cut("print('x' * 1_000_000)").logs), "of 1,000,000 characters are left")
print(len(inspect.getsource(smolagents.agents).splitlines()), "lines in smolagents/agents.py")

# %% tags=["folded", "nbval-check-output"]
source = inspect.getsource(smolagents.agents)
calls = exchanges(theirs.entries)
check.claims(
    ("the wire has three roles", {m["role"] for c in calls for m in c.messages} <= {"system", "user", "assistant"}),
    ("smolagents sends each content as a list", all(type(m["content"]) is list for c in calls for m in c.messages)),
    ("it sends the stop sequences", all(c.request["stop"] == STOP for c in calls)),
    ("it hands a tool-call to its model", len(calls) < 2 or "tool-call" in [m.role for m in logged.calls[1][0]]),
    ("it renames a variable called final_answer", "fix_final_answer_code" in source),
    ("out of steps, it asks once more", "provide_final_answer" in source),
)

# %% [markdown]
# ## Can it leave the notebook?
#
# The next cell writes your functions to a file, with the imports that they need.

# %% tags=["folded"]
HEAD = '''"""An agent in one file:  python my_agent.py BASE_URL QUESTION"""
import json, os, re, sys

import httpx
from smolagents import CodeAgent, LocalPythonExecutor, Model

from course.tools.search import OfflineSearch

search = OfflineSearch()
tools = {"web_search": search, "final_answer": lambda answer: answer}
system = CodeAgent(tools=[search], model=Model(), verbosity_level=0).system_prompt
STOP = ["Observation:", "Calling tools:", "</code>"]


'''
TAIL = """
key = os.environ.get("KEY")
headers = {"Authorization": f"Bearer {key}"} if key else {}
with httpx.Client(base_url=sys.argv[1], headers=headers, timeout=600) as client:
    print(AGENT(client, sys.argv[2], CAREFUL))
"""
solved = all(callable(part) for part in (ask, find_code, careful, my_agent))
written = [ask, find_code, observe, careful, my_agent] if solved else [our_ask, observe, our_careful, our_agent]
names = ("my_agent", "careful") if solved else ("our_agent", "our_careful")
body = "\n\n".join(inspect.getsource(part) for part in written)
file = mine.path.with_name("my_agent.py").resolve()
file.write_text(HEAD + body + TAIL.replace("AGENT", names[0]).replace("CAREFUL", names[1]), encoding="utf-8")
size = len([line for line in body.splitlines() if line.strip()])
print(f"{file.name}: {size} lines of yours" if solved else f"{file.name}: {size} lines (ours: yours are still open)")

# %%
own = mine.path.with_name("own.tape.jsonl").resolve()
question = "How many seconds would it take for a cheetah at full speed to run through Tower Bridge?"
print(f"course tap --upstream {server.url} --tape {own}\n")
print(f'{"KEY=… " if server.api_key else ""}python {file} http://127.0.0.1:8081/v1 "{question}"')

# %% [markdown]
# ### Exercise 04.5 · ★★☆ · 8 minutes · your own
#
# Run it without Jupyter. In one terminal (*File → New → Terminal*), start the first command:
# [course tap][tape] passes on what it gets and records it. In a second one, start the second
# command, with an animal and a bridge of your choice. (If the tap names another port, use that one.)
#
# End the tap with Ctrl-C, then look at `course view` with the path of the tape. How many requests
# did *your* agent make, and how many tokens had the prompt of the last one?
#
# <details><summary>Hint</summary>
#
# If `course` or `httpx` is not found, run `. .venv/bin/activate` in the course's folder first. The
# page of `course view` has the tokens of each turn's prompt at its top.
#
# </details>
#
# [tape]: ../docs/glossary.md#tape

# %% tags=["stub"]
run = {"tape": own, "requests": ..., "prompt": ...}

# %% tags=["solution"]
own_tape = Tape(own.with_name(f"own-{secrets.token_hex(4)}.tape.jsonl"))
with Tap(server.url, own_tape) as tap:
    keys = {"KEY": server.api_key} if server.api_key else {}
    command = [sys.executable, str(file), tap.base_url, question]
    print(subprocess.run(command, env=os.environ | keys, capture_output=True, text=True, check=True).stdout)
seen = turns(own_tape.records())
run = {"tape": own_tape.path, "requests": len(seen), "prompt": seen[-1].tokens.prompt}


# %% tags=["folded"]
def ran(answer):
    """Whether the learner's own agent is on that tape; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "requests", "prompt"} <= answer.keys():
        return "expected a dictionary with the keys tape, requests and prompt"
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"there is no file {path}. Did the tap write to another one?"
    asked = [turn for turn in turns(Tape.read(path).records()) if turn.exchange and turn.exchange.is_call]
    if not asked:
        return "there is no request to the model on it"
    start = max((n for n, turn in enumerate(asked) if len(turn.exchange.messages) == 2), default=0)
    total, asked = len(asked), asked[start:]  # the last run, if there are several
    messages = [message for turn in asked for message in turn.exchange.messages]
    if any(turn.step for turn in asked) or any(isinstance(message.get("content"), list) for message in messages):
        return "these are requests of smolagents; record the file with your own loop"
    if any(LEOPARD in text_of(message) or UNICORN in text_of(message) for message in messages):
        return "a question of this lesson is on it; ask one of your own"
    if len(asked) < 2 or text_of(messages[0])[:30] != system[:30]:
        return "it has no run of an agent with at least two requests"
    counts = {"requests": {len(asked), total}, "prompt": {asked[-1].tokens.prompt}}
    for key, right in counts.items():
        if str(answer[key]).replace(",", "").strip() not in map(str, right):
            return f"{key} is {answer[key]!r}, and the tape says something else"
    return True


check.exercise("04.5", run, ran, hint="one turn of the page is one request; the last one has the longest prompt")

# %% [markdown]
# ## Recap
#
# - An agent asks a model, finds the code in the text, runs it, appends what came out, and asks again.
#   Its memory is a list of messages.
# - `exec` is not an executor. smolagents' executor stops accidents, and is not a sandbox.
# - An error that becomes a message costs a step or more. An error that does not costs the run.
# - What a framework adds on the wire is little. What it adds in the loop shows on bad runs.
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
        why="The model knows only what is in the request. If the observation is missing there, it searches again.",
        wrong={
            "at the temperature": "It decides between likely words. It cannot bring back a message that was not sent.",
            "at the server's prompt cache": "The cache saves work. It adds nothing to what the request says.",
        },
    ),
    check.question(
        "The model's code opens a file, and smolagents' executor refuses. What does the model see of that?",
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
