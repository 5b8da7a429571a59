# %% [markdown]
# # 03 · Read the system prompt
#
# Before your question reaches the model, smolagents says about 9,000 characters of its own. Most
# of what an agent does, well or badly, follows from them. You will read all of it once.
#
# **After this lesson you can** take the system prompt apart: its sections, how a tool is written
# into it, which imports it allows, what each part costs in tokens, and what happens when the
# model breaks a rule.
#
# **Minutes:** 35 · **Needs:** lesson 01

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import ast
import inspect
import re
from itertools import pairwise

from smolagents import ChatMessage, Model, WebSearchTool, tool

from course import check
from course.agent import LEOPARD, code_agent, connect
from course.tools.search import OfflineSearch
from course.server import Server
from course.tape import Tape
from course.turns import exchanges, text_of, turns

# %% [markdown]
# ## Take it from the wire
#
# An agent object will show you a system prompt if you ask it. The wire shows what was sent, and
# that is the one that counts. So: one run of the leopard question, recorded.
#
# **Predict:** your question has 88 characters. How many messages does the first request have, and
# how long are they?

# %%
server = Server(PROFILE, url=SERVER).start()
tape = Tape()
agent = code_agent(connect(server, tape))
print(agent.run(LEOPARD))

# %%
first = exchanges(tape.entries)[0]
for message in first.messages:
    print(message["role"], len(text_of(message)), "characters")
system, question = (text_of(message) for message in first.messages)

# %% [markdown]
# Two messages, and the first is some ninety times as long as the second. You asked one question;
# the model got a manual with a question at the end.

# %% tags=["nbval-check-output"]
check.claim("system first, then user", [m["role"] for m in first.messages] == ["system", "user"])
check.claim("the user message ends with your question", question.endswith(LEOPARD), saw=question)
check.claim("the manual is over 80 times as long", len(system) > 80 * len(question))
check.claim("it is what the agent object shows, too", system == agent.system_prompt)

# %% [markdown]
# What else is in the body of that request?

# %%
{key: value for key, value in first.request.items() if key != "messages"}

# %% [markdown]
# The model's name, the sampling of the profile, and three stop strings: where one of them appears,
# the server cuts the answer off. What is *not* there: a field `tools`. A CodeAgent's tools are text
# in the system prompt. The server knows nothing of them.

# %% tags=["nbval-check-output"]
check.claim("no field tools in the request", "tools" not in first.request)
check.claim("</code> is a stop string", "</code>" in first.request["stop"])

# %% [markdown]
# ## Four sections
#
# The prompt has no headings, but it has three sentences where the subject changes.
#
# **Predict:** what takes most of the room: what the agent is, examples, tools, or rules?

# %%
marks = ["Here are a few examples", "Above examples were using", "Here are the rules"]
starts = [0, *(system.index(mark) for mark in marks), len(system)]
names = ["role", "examples", "tools", "rules"]
sections = {name: system[a:b] for name, (a, b) in zip(names, pairwise(starts), strict=True)}
cost = {name: len(server.tokenize(text)) for name, text in sections.items()}
total = len(server.tokenize(system))
for name, tokens in cost.items():
    print(f"{name:<9}{tokens:>5} tokens  {tokens / total:>4.0%}")
print(f"{'together':<9}{total:>5} tokens; the question itself: {len(server.tokenize(LEOPARD))}")

# %% tags=["nbval-check-output"]
check.claim("the examples cost more than everything else", cost["examples"] > total / 2)
check.claim("the parts make the whole (a seam may cost a token)", abs(sum(cost.values()) - total) < 5)

# %% [markdown]
# This is paid with every request. What saves you is the cache of lesson 01: the system prompt is
# the common start of all requests of a run.

# %%
for turn in turns(tape.records()):
    print(turn.tokens)

# %% tags=["embedded-only", "nbval-check-output"]
kept = [turn.tokens.cached for turn in turns(tape.records())[1:]]
check.claim("later requests had the system prompt in the cache", min(kept) >= total, saw=kept)

# %% [markdown]
# ## Who it is
#
# Read it as the model does: once, from top to bottom, without knowing what comes.

# %%
print(sections["role"])

# %% [markdown]
# The whole protocol is here: a thought, then code between two tags, then an observation, and in
# the end `final_answer`. Nothing enforces it but the model's good will and smolagents' parser.
#
# ## Examples with tools that don't exist
#
# The longest part shows by example. **Predict:** do the examples use your agent's tools?

# %%
print(sections["examples"])

# %%
used = set(re.findall(r"\b([a-z]+_[a-z_]+)\(", sections["examples"]))
sorted(used), sorted(agent.tools)

# %% [markdown]
# Most of them are made up, as the next sentence of the prompt admits ("notional tools"). Large
# models take the pattern and leave the names. A small one may well call `wikipedia_search`, and
# fail: if you ever see a call to a tool you never gave it, you know where it read the name.

# %% tags=["nbval-check-output"]
print("in the examples only:", *sorted(used - set(agent.tools)))
check.claim("the examples use tools that the agent lacks", used - set(agent.tools))

# %% [markdown]
# ## Tools are signatures
#
# **Predict:** how is `web_search` described: as JSON, as a Python function, in a sentence?

# %%
print(sections["tools"])

# %% [markdown]
# As a Python function without a body. That suits a model that has read a lot of Python, with one
# wart: `string` and `any` are names from JSON Schema, no Python types. The docstring is the
# tool's `description`, word for word; it is the only thing the model knows about it. And
# `final_answer` is a tool like any other, added by smolagents.

# %% tags=["nbval-check-output"]
search = agent.tools["web_search"]
check.claim("the tool's own rendering is in the prompt", search.to_code_prompt() in system)
check.claim("its description is the docstring", search.description in sections["tools"])
check.claim("final_answer was added", "def final_answer(" in sections["tools"])

# %% [markdown]
# Our search reads pages that come with the course. Does the model notice that it is not
# smolagents' `WebSearchTool`? It sees the prompt and nothing else, so compare the prompts.

# %% tags=["nbval-check-output"]
with_the_web = code_agent(agent.model, tools=[WebSearchTool()])
check.claim("the same prompt, byte for byte", with_the_web.system_prompt == system)

# %% [markdown]
# ## What a second tool costs
#
# Here is one, from a plain function. smolagents reads its signature, its docstring and its types.


# %%
@tool
def unit_converter(value: float, unit: str, target: str) -> float:
    """Converts a value from one unit of length, speed or time to another.

    Args:
        value: The number to convert.
        unit: The unit that it is in, for example km/h.
        target: The unit that is wanted, for example m/s.
    """
    return value / 3.6 if (unit, target) == ("km/h", "m/s") else value


two_tools = code_agent(agent.model, tools=[OfflineSearch(), unit_converter])

# %% [markdown]
# ### Exercise 03.1 · ★★☆ · 5 minutes
#
# **Predict** how many tokens the second tool adds to the system prompt, then measure it.
#
# <details><summary>Hint</summary>
#
# `two_tools.system_prompt` is its prompt, `total` the tokens of the old one, and
# `len(server.tokenize(text))` counts.
#
# </details>

# %% tags=["stub"]
extra = ...

# %% tags=["solution"]
extra = len(server.tokenize(two_tools.system_prompt)) - total

# %%
measured = len(server.tokenize(two_tools.system_prompt)) - total
check.exercise("03.1", extra, lambda n: n == measured, hint="the new prompt minus the old one")

# %% [markdown]
# About a hundred tokens, in each request, whether the tool is used or not. One is nothing. Fifty
# tools are more than the whole manual, and fifty signatures to mix up.

# %% tags=["nbval-check-output"]
check.claim("a small tool costs 60 to 160 tokens", 60 <= measured <= 160, saw=measured)
check.claim("fifty cost more than the whole manual", 50 * measured > total)

# %% [markdown]
# ## Eleven rules

# %%
print(sections["rules"])

# %% [markdown]
# When an agent does something odd, look here first; often a rule asked for it. Rule 4 is why
# agents print search results and stop instead of reading on in the same step.
#
# ### Exercise 03.2 · ★☆☆ · 3 minutes
#
# Your agent searches for the same words again and again. Which rule does it break?
#
# <details><summary>Hint</summary>
#
# Look for "re-do".
#
# </details>

# %% tags=["stub"]
rule = ...

# %% tags=["solution"]
rule = 6

# %%
broken = re.search(r"^(\d+)\. .*never re-do a tool call", sections["rules"], re.M)
check.exercise("03.2", rule, lambda n: n == int(broken[1]), hint="one of them says: never re-do")

# %% [markdown]
# ## Rule 9 is enforced
#
# Most of the rules are requests. The list of imports is also checked by a program.

# %% tags=["nbval-check-output"]
nine = re.search(r"^9\. .*?(\[.*\])", sections["rules"], re.M)
allowed = ast.literal_eval(nine[1])
print(*allowed)
check.claim("rule 9 is the executor's own list", allowed == agent.authorized_imports)
check.claim("os is not on it", "os" not in allowed)

# %% [markdown]
# The code of a step runs in `agent.python_executor`, smolagents' own interpreter for a part of
# Python. Hand it the forbidden line yourself.
# **Predict:** where will it fail, at the import or when `os` is used?

# %%
try:
    agent.python_executor("import os\nprint(os.getcwd())")
except Exception as error:
    refused = error
print(type(refused).__name__, "·", refused)

# %% tags=["nbval-check-output"]
check.claim("it fails at the import", "'import os'" in str(refused))
check.claim("the message lists what is allowed", all(name in str(refused) for name in allowed))

# %% [markdown]
# It lists the modules in an order of its own, by the way: for the prompt the list is sorted, for
# the error it is not, and it may differ the next time.
#
# What does the *model* see of this? To find out without waiting for a model to misbehave, take
# one that says what we want. smolagents can't tell the difference: a model is an object with a
# method `generate`.


# %%
class Scripted(Model):
    """Says what it was told to say, and keeps what it was sent."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.sent = list(replies), []

    def generate(self, messages, **_):
        self.sent.append(messages)
        return ChatMessage(role="assistant", content=self.replies.pop(0))


# %%
def told_after(code, tools=None):
    """What the model gets to read after a step with this code."""
    model = Scripted(f"<code>\n{code}\n</code>", "<code>\nfinal_answer('enough')\n</code>")
    code_agent(model, tools=tools, verbosity_level=-1).run("Do as you are told.")
    return model.sent[1][-1].content[0]["text"]


print(told_after("import os\nprint(os.getcwd())"))

# %% [markdown]
# The error has become a message (on the wire: from `user`), with the advice not to repeat it.
# The run goes on: a broken rule costs one step, no more. That is what "the agent corrects itself"
# means.
#
# Look at the list of modules. The system prompt has it sorted; here it comes out of a Python set,
# in an order that each process makes up for itself. Restart the kernel, run the cell again, and
# the words are the same but the bytes are not. Two runs of one question can part at this point,
# at temperature 0 and with no one to blame.

# %% tags=["nbval-check-output"]
seen = told_after("import os")
check.claim("the model reads the executor's words", "Import of os is not allowed" in seen)
check.claim("and is told to try again", "Now let's retry" in seen)

# %% [markdown]
# Which of these will run? Predict all four.

# %%
lines = {
    "a": "import statistics\nstatistics.mean([1, 2])",
    "b": "import os.path",
    "c": "open('notes.txt', 'w')",
    "d": "import datetime\ndatetime.date(2026, 1, 1).year",
}

# %% [markdown]
# ### Exercise 03.3 · ★★☆ · 5 minutes
#
# Give the letters of those that run, as a set like `{"b", "c"}`.
#
# <details><summary>Hint</summary>
#
# Two questions for each: is the module on the list? And what is not imported at all, is it among
# the functions that this interpreter knows? To try one:
# <code>agent.python_executor(lines["a"])</code>.
#
# </details>

# %% tags=["stub"]
they_run = ...

# %% tags=["solution"]
they_run = {"a", "d"}


# %%
def runs(code):
    try:
        agent.python_executor(code)
    except Exception:
        return False
    return True


check.exercise("03.3", they_run, lambda s: s == {k for k in lines if runs(lines[k])}, "try them")

# %% [markdown]
# `open` is no import, and refused all the same: the interpreter knows only the functions that it
# was given. Useful against accidents. It is **not a sandbox**, in the words of its own authors;
# people have found ways out more than once. What the code must not reach has to be out of reach
# of the whole process.
#
# ### Exercise 03.4 · ★★☆ · 5 minutes
#
# You may allow more: `code_agent(model, additional_authorized_imports=["numpy"])`.
# Which lines of the system prompt does that change? Give their rule numbers as a list.
#
# <details><summary>Hint</summary>
#
# Build that agent with `agent.model`, split both prompts with `.splitlines()`, and compare line
# by line with `zip`.
#
# </details>

# %% tags=["stub"]
changed = ...

# %% tags=["solution"]
numpy_agent = code_agent(agent.model, additional_authorized_imports=["numpy"])
pairs = zip(system.splitlines(), numpy_agent.system_prompt.splitlines(), strict=True)
changed = [int(new.partition(".")[0]) for old, new in pairs if old != new]

# %%
check.exercise("03.4", changed, lambda rules: rules == [9], hint="compare the two line by line")

# %% tags=["nbval-check-output"]
relaxed = code_agent(agent.model, additional_authorized_imports=["numpy"])
check.claim("numpy is in the new prompt", "'math', 'numpy', 'queue'" in relaxed.system_prompt)
check.claim("and gone with its list", relaxed.system_prompt.replace("'numpy', ", "") == system)

# %% [markdown]
# One line of text, and one more name in the executor's list. Both come from the same argument:
# the prompt asks, the executor enforces.
#
# ## When a tool fails
#
# Back to search. With a network you can give the agent the real web: set `ONLINE = True` and run
# the rest again. Without one, this stands in for it: a `WebSearchTool` whose request fails as it
# does on a train.

# %%
ONLINE = False


class Unplugged(WebSearchTool):
    def search(self, query):
        raise ConnectionError("no route to the search engine")


web = WebSearchTool() if ONLINE else Unplugged()

# %% [markdown]
# **Predict:** the search raises an exception in the middle of a step. Does your notebook get it,
# or the model?

# %%
answer = told_after('print(web_search(query="leopard top speed"))', tools=[web])
print(answer[:600])

# %% [markdown]
# The model. For it a dead network, a rate limit and a forbidden import all look alike: a step that
# failed, with a message. It will usually try again with other words, which won't help. Three
# things to know about the real tool:
#
# - it reads the HTML page of DuckDuckGo; asked too often, it is turned away or finds nothing;
# - it has no time limit, so a network that hangs makes the agent hang;
# - nothing found is an exception as well, and the message below is all that the model gets.

# %% tags=["nbval-check-output"]
kind = "## Search Results" in answer or "Error" in answer
check.claim("the model got results or the error, and the run went on", kind, saw=answer)
fetch = inspect.getsource(WebSearchTool.search_duckduckgo)
check.claim("the real tool sets no timeout", "requests.get(" in fetch and "timeout" not in fetch)
empty = told_after('print(web_search(query="zxqvw"))')
print(empty)
check.claim("nothing found is an error too", "No results found! Try a less" in empty, saw=empty)

# %% [markdown]
# ## Recap
#
# - The first request is a manual with your question at the end. Read it on the wire.
# - More than half of it is examples, with tools that your agent doesn't have.
# - A tool is a Python signature with a docstring, in each request; the server knows no tools.
# - Rule 9, the list of imports, is enforced by the executor; most others are good advice.
# - Whatever goes wrong in a step comes back to the model as text and costs one step.
#
# **Next:** lesson 05, *wire and steps, side by side*: what comes after the first request, and what
# smolagents changes, drops and sends twice. Then lesson 06, where you break `--jinja` on purpose.

# %%
server.stop()
