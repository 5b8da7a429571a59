# %% [markdown]
# # 03 · Read the system prompt
#
# An agent calls a tool that you never gave it. It repeats a search, although it was told not to. Where does
# that come from? Look into the [system prompt][sp] first, the text that smolagents puts in front of
# your question. In this lesson you read every part of it, and see which of its rules a program enforces.
#
# **After this lesson you can**
#
# - take apart the system prompt of a [CodeAgent][ca] (the kind of agent that acts by writing Python),
#   and say what each part costs,
# - write a tool, run it without a language model, and say what the model sees of it,
# - say which of the prompt's rules a program enforces,
# - read a failed step as the model does, and tell where the error came from.
#
# **Minutes:** 50 · **Needs:** [lesson 02](02_one_completion.ipynb)
#
# [sp]: ../docs/glossary.md#system-prompt
# [ca]: ../docs/glossary.md#codeagent

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import re
from itertools import pairwise

from smolagents import ChatMessage, Model, tool

from course import check
from course.agent import LEOPARD, code_agent, connect
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import exchanges, text_of, turns

# %% tags=["folded"]
# What only the helpers and the checks need.
import builtins
import inspect

from smolagents import LocalPythonExecutor, Tool, WebSearchTool, get_clean_message_list, tool_role_conversions

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## What comes before your question?
#
# Ask the leopard question, and record the run on a [tape](../docs/glossary.md#tape). `exchanges` reads
# the requests and responses on it, `text_of` gives the text of a message.

# %%
tape = Tape()
agent = code_agent(connect(server, tape))
print(agent.run(LEOPARD))

# %%
first = exchanges(tape.entries)[0]
system, question = (text_of(message) for message in first.messages)
print(f"system: {len(system)} characters, {system[:40]!r} …")
print(f"user:   {len(question)} characters, {question[:40]!r} …")
print({key: value for key, value in first.request.items() if key != "messages"})

# %% [markdown]
# A manual for the model, then your question, with smolagents' `New task:` in front of it. `stop` lists
# three [stop sequences][stop] (lesson 02).
#
# There is no field for tools. Other agents describe theirs in a field `tools`, as JSON
# ([lesson 08](08_code_or_tool_calls.ipynb)). A CodeAgent's tools are text in the system prompt, and the
# server does not know that there are any.
#
# [stop]: ../docs/glossary.md#stop-sequence

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("two messages: system, then user", [m["role"] for m in first.messages] == ["system", "user"]),
    ("the user message is New task: and the question", question == f"New task:\n{LEOPARD}", question),
    ("the agent object shows the same system prompt", system == agent.system_prompt),
    ("the request has no field tools", "tools" not in first.request),
    (
        "three stop sequences, </code> among them",
        len(first.request["stop"]) == 3 and "</code>" in first.request["stop"],
    ),
)

# %% [markdown]
# ## What is all this text about?
#
# The system prompt has no headings, but the subject changes at three sentences. That makes four
# parts: the agent's *role*, *examples*, *tools* and *rules*.
#
# **Predict:** which of the four is the longest: `"role"`, `"examples"`, `"tools"` or `"rules"`?

# %%
guess = ...

# %%
marks = ["Here are a few examples", "Above examples were using", "Here are the rules"]
starts = [0, *map(system.index, marks), len(system)]
names = ["role", "examples", "tools", "rules"]
sections = {name: system[a:b] for name, (a, b) in zip(names, pairwise(starts), strict=True)}
cost = {name: len(server.tokenize(text)) for name, text in sections.items()}
total = len(server.tokenize(system))
for name, tokens in cost.items():
    print(f"{name:<9}{tokens:>5} tokens {tokens / total:>5.0%}")
print(f"{'all':<9}{total:>5} tokens       your question: {len(server.tokenize(LEOPARD))}")
check.prediction("03.p1", guess, was=max(cost, key=cost.get))

# %% [markdown]
# All of this is in *every* request of the run. The server need not process it each time: it still has
# what it computed for the last prompt, and skips the beginning that the new one shares with it. This is the
# [prompt cache](../docs/glossary.md#prompt-cache).

# %%
for turn in turns(tape.records()):
    print(f"request {turn.number}: {turn.tokens.prompt} tokens, from the cache: {turn.tokens.cached}")

# %% [markdown]
# The cache saves time, not room: the manual takes up its part of the
# [context window](../docs/glossary.md#context-window) in every request.
#
# (Why not quite all of request 1? Its last few tokens are `<think>` and a line break, which open the model's
# answer. When the answer is sent back, they are missing.)

# %% tags=["embedded-only", "folded", "nbval-check-output"]
start, *later = [turn.tokens for turn in turns(tape.records())]
prompt = server.apply_template([{"role": m["role"], "content": text_of(m)} for m in first.messages])
opening = "<think>\n"
check.claims(
    ("the examples cost more than everything else", cost["examples"] > total / 2, cost),
    ("the parts add up (a seam may cost a token)", abs(sum(cost.values()) - total) < 5, cost),
    ("later requests find the system prompt in the cache", all(one.cached >= total for one in later)),
    ("the prompt ends with an open <think>", prompt.endswith(opening), prompt[-40:]),
    (
        "the second request finds all but that in the cache",
        abs(start.prompt - later[0].cached - len(server.tokenize(opening))) <= 1,
        (start, later),
    ),
)

# %% [markdown]
# ## What is the model told to be?
#
# Read this part as the model does, word by word.

# %%
print(sections["role"].strip())

# %% [markdown]
# That is the whole protocol: a thought, then code between `<code>` and `</code>`, then an
# [observation][ob]. One such round is a [step][step]. In the last one, the code calls `final_answer`.
#
# Wait: `</code>` is a stop sequence, so the server cuts it off (lesson 02). How does smolagents find the
# end of the code? It puts `</code>` back at the end of the reply before it looks (`_step_stream` in its
# `agents.py`).
#
# [ob]: ../docs/glossary.md#observation
# [step]: ../docs/glossary.md#step

# %% [markdown]
# ## Whose tools do the examples use?
#
# The longest part of the prompt shows six solved tasks. Here is one, with the names of all functions that
# the six call. (The others: `print(sections["examples"])`.)

# %%
print(sections["examples"].split("---")[1])
called = set(re.findall(r"\b([a-z_]+)\(", sections["examples"])) - set(dir(builtins))
print("called in the examples:", *sorted(called))
print("your agent has:        ", *sorted(agent.tools))

# %% [markdown]
# `code_agent` gave your agent `web_search`; smolagents added `final_answer`. The other tools don't exist for it.
# The prompt says so twice, once before the examples ("using notional tools", made-up ones) and once after
# them. Two sentences against six worked examples: if an agent calls a tool that you never gave it, search
# its prompt for the name first.

# %% tags=["folded", "nbval-check-output"]
run = exchanges(tape.entries)
check.claims(
    ("most of these tools don't exist for the agent", len(called - set(agent.tools)) > len(called) / 2),
    ("the prompt says twice that tools are notional", system.count("notional tools") == 2),
    ("the examples solve six tasks", len(re.findall(r"^Task:", sections["examples"], re.MULTILINE)) == 6),
    ("no response has </code> in it", all("</code>" not in call.message["content"] for call in run)),
    (
        "later requests quote the response with it",
        all("</code>" in text_of(call.messages[2]) for call in run[1:]),
    ),
)

# %% [markdown]
# ## What does the model see of a tool?
#
# This part stands between the examples and the rules:

# %%
print(sections["tools"].strip())

# %% [markdown]
# Python functions without bodies. (`string` is what JSON calls a `str`.) Signature and docstring are all
# that this part tells; about a [tool](../docs/glossary.md#tool) of your own, they are all that the model
# knows before it calls it. So describe it for a reader who has nothing else.
#
# `@tool` makes a tool from a function. It needs types (of the result, too), a docstring, and a description
# of each argument. If one is missing, it raises an error that names it.


# %%
@tool
def unit_converter(value: float, unit: str, target: str) -> float:
    """Converts a speed from one unit to another.

    Args:
        value: The number to convert.
        unit: Its unit: m/s, km/h or knot.
        target: The unit that is wanted: m/s, km/h or knot.
    """
    factor = {"m/s": 1, "km/h": 1 / 3.6, "knot": 1852 / 3600}
    return value * factor[unit] / factor[target]


print(unit_converter.to_code_prompt())

# %% [markdown]
# The body stays in your process. The rest goes into the system prompt, and so into every request, whether
# the tool is used or not.
#
# **Predict:** how many tools like this one would make the prompt twice as long as it is now: about 3,
# 30 or 300? (A number.)

# %%
guess = ...


# %%
def cost_of(extra):
    """How many tokens longer the system prompt is if the agent has this tool in addition to its search."""
    longer = code_agent(agent.model, tools=[OfflineSearch(), extra]).system_prompt
    return len(server.tokenize(longer)) - total


print(cost_of(unit_converter), "tokens for unit_converter,", total, "for the prompt without it")
check.prediction("03.p2", guess, was=total // cost_of(unit_converter), unit="tools")

# %% tags=["folded", "nbval-check-output"]
search = agent.tools["web_search"]
with_the_web = code_agent(agent.model, tools=[WebSearchTool()])
check.claims(
    ("the description is the docstring", search.description in sections["tools"]),
    ("final_answer was added by smolagents", "def final_answer(" in sections["tools"]),
    ("the prompt is the same with smolagents' WebSearchTool", with_the_web.system_prompt == system),
    ("the body of unit_converter is not in the prompt", "1852" not in unit_converter.to_code_prompt()),
    ("it adds 60 to 160 tokens", 60 <= cost_of(unit_converter) <= 160, cost_of(unit_converter)),
)

# %% [markdown]
# ## How do you try a tool without waiting for a model?
#
# `unit_converter(58, "km/h", "m/s")` works, and tests your function. To see what a *model* would read,
# play the model. smolagents calls only its method `generate`, so a model that takes its replies from a list
# is short:


# %%
class Scripted(Model):
    """Says what it was given to say, and keeps what it was sent."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.sent = list(replies), []

    def generate(self, messages, **_):
        self.sent.append(list(messages))
        return ChatMessage(role="assistant", content=self.replies.pop(0))


# %% [markdown]
# `block(code)` is a reply that is only this code, without a thought, cut off before `</code>` as by the
# server. `observed(reply)` has a `Scripted` model give a new agent that reply, and returns what the model would
# read next. Several replies are given one per step. The agent has the search, or what you name in `tools=`.


# %% tags=["folded"]
def block(code):
    """A reply with this code, as a server delivers it: without the stop sequence."""
    return f"<code>\n{code}\n"


def observed(*replies, tools=None):
    """What a model reads after it has given these replies, as it would go over the wire."""
    model = Scripted(*replies, block("final_answer('done')"))
    code_agent(model, tools=tools, verbosity_level=-1).run("Do as you are told.")
    if len(model.sent) <= len(replies):
        return "(nothing: the run has ended)"
    return get_clean_message_list(model.sent[len(replies)], tool_role_conversions)[-1]["content"][0]["text"]


# %%
print(observed(block("print(unit_converter(58, 'km/h', 'm/s'))"), tools=[unit_converter]))

# %% [markdown]
# The agent ran the tool, and the model reads the result: first what the code printed (`Execution
# logs`), then the value of its last line. Here that is `None`, the value of `print`.

# %% [markdown]
# ### Exercise 03.1 · ★★☆ · 10 minutes · your own
#
# Write a tool that you could use at work, with at least one argument, and a line of code that calls it as
# a model would and prints the result. Your function may import what it needs. The check runs the line for
# real, so take one that does no harm.
#
# Then look at `print(my_tool["tool"].to_code_prompt())`. Could *you* call it, knowing only this? And what
# does it cost, by `cost_of`?
#
# <details><summary>Hint</summary>
#
# Start from `unit_converter`. Without a `print`, the model would have nothing to read but the value of the
# last line.
#
# </details>

# %% tags=["stub"]
my_tool = {"tool": ..., "call": "print(...)"}


# %% tags=["solution"]
@tool
def vat(net: float, percent: float = 19) -> float:
    """Adds the value-added tax to a net price, rounded to cents.

    Args:
        net: The price without tax.
        percent: The tax rate in percent.
    """
    return round(net * (1 + percent / 100), 2)


my_tool = {"tool": vat, "call": "print(vat(net=9.99))"}


# %% tags=["folded"]
def usable(answer):
    """What is wrong with the learner's tool, in a sentence; True if nothing is."""
    if not isinstance(answer, dict):
        return "expected a dictionary with the keys tool and call"
    own, call = answer.get("tool"), answer.get("call")
    if not isinstance(own, Tool):
        return "under 'tool' there is no tool: put @tool above a function, and give its name without ()"
    if own.name in ("web_search", "final_answer", "unit_converter"):
        return f"{own.name} is one of this lesson's tools; write one of your own"
    if not own.inputs:
        return f"{own.name} has no argument; give it at least one"
    if not isinstance(call, str):
        return f"under 'call' there is no text: write a line of Python that calls {own.name}(…)"
    results, run = [], own.forward
    own.forward = lambda *a, **k: results.append(run(*a, **k)) or results[-1]
    try:
        read = observed(block(call), tools=[own])
    finally:
        own.forward = run
    if read.startswith("(nothing"):
        return "the line ends the run; leave final_answer out"
    if "\nError:\n" in f"\n{read}" and read.rstrip().endswith("different approach."):
        return f"the step fails. The model reads:\n{read}"
    if not results:
        return f"the line under 'call' runs, but it never calls {own.name}"
    if results[-1] is None or results[-1] == "":
        return f"{own.name} returns {results[-1]!r}, from which a model learns nothing: return the result"
    if re.search(r"Execution logs:\s*Last output from code snippet:\s*None\s*$", read):
        return "the model gets nothing to read: print the result in the line that calls the tool"
    return True


check.exercise("03.1", my_tool, usable, hint="first the tool, then the line; the message says which")

# %% [markdown]
# ## Who enforces the rules?

# %%
print(sections["rules"].strip())

# %% [markdown]
# To the model, all eleven are text. But two programs can say no: the *parser*, which looks for a block
# of code in every reply, and the [executor](../docs/glossary.md#executor), smolagents' own interpreter,
# which runs that block. Each entry here breaks the rule of its number. (Rule 6 takes two replies. Never mind
# that `block` leaves out the thought.)

# %%
replies = {
    1: ["The answer is 9.62 seconds."],
    2: [block("print(155 / speed)")],
    3: [block("print(len(web_search({'query': 'leopard'})))")],
    6: [block("print(len(web_search('leopard')))")] * 2,
    7: [block("web_search = 'leopard'")],
}

# %% [markdown]
# **Predict:** who stops each of them: the `"parser"`, the `"executor"`, or `"nobody"`?

# %%
guess = {1: ..., 2: ..., 3: ..., 6: ..., 7: ...}

# %%
read = {rule: observed(*said) for rule, said in replies.items()}
for rule, text in read.items():
    print(f"rule {rule}: {' '.join(text.split())[:150]}\n")

# %% tags=["folded"]
stopped = {}
for rule, text in read.items():
    by = "parser" if "Error in code parsing" in text else "executor"
    stopped[rule] = "nobody" if text.startswith("Observation:") else by
check.prediction("03.p3", guess, was=stopped)

# %% [markdown]
# An error has become a message for the model, and the run goes on. That is how an agent "corrects
# itself". But only a few rules are checked. The others are requests, which a model may ignore:
#
# | rule | enforced by | what happens |
# |---|---|---|
# | 1 thought and code | the parser, in part | no code is an error; nobody checks for a thought |
# | 2 only defined variables | the executor | an error |
# | 3 right arguments | Python, in part | a missing one is an error; a dict is unpacked (same output as rule 6) |
# | 4, 5 when to chain calls | nobody | any chain runs |
# | 6 no call twice | nobody | the tool runs again |
# | 7 no variable named like a tool | the executor | an error |
# | 8 nothing invented | nobody | an invented number is as good as any |
# | 9 imports | the executor | an error; its list is the one in the prompt |
# | 10 variables persist | – | a promise, which the executor keeps |
# | 11 don't give up | nobody | "Look it up yourself." is accepted as an answer |

# %% tags=["folded", "nbval-check-output"]
nine = re.search(r"^9\. .*?\[(.*)\]", sections["rules"], re.MULTILINE)[1]
allowed = set(agent.python_executor.authorized_imports)
chained = block("print(len(web_search('leopard') + web_search('Pont des Arts')))")
gave_up = Scripted(block("final_answer('Look it up yourself.')"))
counted, asked = OfflineSearch(), []
counted.search = lambda query: asked.append(query) or OfflineSearch.search(counted, query)
observed(*replies[6], tools=[counted])
check.claims(
    (
        "rules 2 and 7 are the executor's",
        [r for r in stopped if stopped[r] == "executor"] == [2, 7],
        stopped,
    ),
    ("a reply without code is stopped by the parser", stopped[1] == "parser", stopped),
    ("code without a thought is not", observed(block("print(1)")).startswith("Observation:")),
    ("two calls in one block run (rule 4)", observed(chained).startswith("Observation:")),
    ("the same call runs twice (rule 6)", asked == ["leopard"] * 2, asked),
    (
        "a number that nobody looked up is used (rule 8)",
        "2.6" in observed(block("speed = 58\nprint(155 / speed)")),
    ),
    (
        "the executor refuses an import (rule 9)",
        "Import of os is not allowed" in observed(block("import os")),
    ),
    ("its list is the one in the prompt", set(re.findall(r"'([^']+)'", nine)) == allowed),
    ("variables persist (rule 10)", "42" in observed(block("a = 41"), block("print(a + 1)"))),
    (
        "an agent may give up (rule 11)",
        code_agent(gave_up, verbosity_level=-1).run("How far?") == "Look it up yourself.",
    ),
    ("the executor is not a sandbox", "not a security sandbox" in inspect.getdoc(LocalPythonExecutor)),
)

# %% [markdown]
# And a call to a tool that the agent doesn't have? To the executor, `visit_webpage` is an unknown name: an error,
# as with rule 2. Such refusals help against accidents only. The executor "is not a security sandbox", says the
# docstring of `LocalPythonExecutor`. [Lesson 09](09_the_container_is_the_sandbox.ipynb) builds one.

# %% [markdown]
# ## Where did an error come from?
#
# This code prints a line, and then it fails.
#
# **Predict:** what does the model read: only the `"print"`, only the `"error"`, or `"both"`?

# %%
guess = ...

# %%
failed = observed(block("print('so far, so good')\nprint(1 / 0)"))
print(failed)
found = ["so far" in failed, "ZeroDivisionError" in failed]
check.prediction(
    "03.p4", guess, was={(True, True): "both", (True, False): "print"}.get(tuple(found), "error")
)

# %% [markdown]
# Both, in one message. It *begins* as if the step had gone well. Only its end shows the error.
#
# The name after `due to:` says where an error came from. `InterpreterError` is the executor's own: a
# forbidden import, an unknown variable. Any other name is an exception of the code or a tool, such as a search
# that finds nothing. (After a `SyntaxError`, nothing of the block has run.) An index out of range and a missing
# key are odd cases: the executor turns them into errors of its own.

# %%
print(observed(block("web_search('zxqvw')")))
print(observed(block("print([1, 2][5])")))

# %% [markdown]
# (An error has a `Call id` only if a block of code was found, so the parser's errors have none. And if the server
# *refuses* a request, as in lesson 00, the model has nothing to read: the run ends.)

# %% [markdown]
# ### Exercise 03.2 · ★★☆ · 8 minutes
#
# Write `stopped_by(read)`. It gets what a model reads after a step, and returns who stopped the step:
# `"parser"`, `"executor"` (an `InterpreterError`, whatever is behind it), `"exception"` (any other name, even
# `SyntaxError`), or `"nobody"`. With that you can sort the steps on a CodeAgent's tape. Note that code may print
# an old error message, or have one as the value of its last line. (It never prints `Last output from code
# snippet:`.)
#
# <details><summary>Hint</summary>
#
# Print `read[1]`, `read[2]`, `read[3]` and `failed` in full. With which words do only the parser's messages
# begin? Which line is there only if nobody stopped the step? For the rest, the *last* `due to:` counts.
#
# </details>


# %% tags=["stub"]
def stopped_by(read): ...


# %% tags=["solution"]
def stopped_by(read):
    if read.startswith("Error:\nError in code parsing"):
        return "parser"
    if "Last output from code snippet:\n" in read:
        return "nobody"
    reason = read.rpartition(" due to: ")[2]
    return "executor" if reason.startswith("InterpreterError:") else "exception"


# %% tags=["folded"]
class Unplugged(WebSearchTool):
    """A search without a network, as on a train."""

    def search(self, query):
        raise ConnectionError("no route to the search engine")


def steps(random):
    """What a model reads after steps that nobody has seen."""
    module, word = (
        random.choice(["socket", "subprocess", "shutil"]),
        random.choice(["speed", "pages", "width"]),
    )
    old = "print('The old one was due to: InterpreterError: Import of os')\n"
    for gives, name, said, given in [
        ("nobody", "a plain step", block(f"print({random.randint(2, 99)} / 2)"), None),
        ("executor", "a forbidden import", block(f"import {module}"), None),
        ("executor", "a variable that is not defined", block(f"print({word} + 1)"), None),
        ("parser", "no code", f"The {word} is {random.randint(2, 99)}.", None),
        ("exception", "division by zero", block("print(1 / 0)"), None),
        ("exception", "a tool without a network", block("web_search('bridge')"), [Unplugged()]),
        ("exception", "it printed a line, then divided by zero", block(f"print('{word}')\n1 / 0"), None),
        ("executor", "it printed a line, then imported", block(f"print('{word}')\nimport {module}"), None),
        ("nobody", "it printed a log", block("print('Error: disk full')"), None),
        ("nobody", "it printed an old error", block(old), None),
        ("exception", "it printed an old error, then divided by zero", block(f"{old}1 / 0"), None),
        ("executor", "an index out of range", block("print([1, 2][5])"), None),
        ("nobody", "its last line is an old error", block(repr(observed(block("1 / 0")))), None),
        ("nobody", "it printed another", block("print('Error:\\nError in code parsing')"), None),
    ]:
        yield check.case(observed(said, tools=given), gives=gives, name=name)


check.function("03.2", stopped_by, steps, hint="which line is there only if nobody stopped the step?")

# %% [markdown]
# ## Recap
#
# - The first request is a manual with your question at the end. More than half of the manual is
#   examples, and most of their tools don't exist for your agent.
# - A tool is a signature with a docstring in the system prompt, paid for in every request.
# - The parser wants a block of code. The executor refuses undefined variables, a tool's name for a
#   variable, and imports that are not on its list. Nobody enforces rules 4 to 6, 8 and 11.
# - An error of the parser, the executor, the code or a tool becomes a message for the model, after
#   whatever the code printed before it failed.
#
# **In your own agent:** `print(agent.system_prompt)`, or the first message on a tape. Read the part with
# the tools first: is each of them described well enough to be called correctly?

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "03",
    check.question(
        "An agent calls `visit_webpage`, which nobody gave it. Where did it most likely get the name?",
        right="from an example in the system prompt",
        why="The examples call tools that your agent need not have, and a model may copy the names.",
        wrong={
            "from the `tools` field of the request": "A CodeAgent sends no such field.",
            "from the chat template": "It adds roles and special tokens around the messages.",
        },
    ),
    check.question(
        "You give an agent 40 tools, and it uses two. What do the other 38 cost?",
        right="tokens in the request of every step",
        why="Signature and docstring of every tool are in the system prompt, which each step's request carries.",
        wrong={
            "nothing until they are called": "The model has to read about a tool before it can call it.",
            "tokens in the first request only": (
                "Each step sends the system prompt again. The prompt cache saves the processing, not the room."
            ),
        },
    ),
    check.question(
        "The prompt says: never repeat a tool call with the same parameters. The agent does. Why is there no error?",
        right="no program checks that rule",
        why="The parser looks for code, and the executor for names and imports. Neither remembers a call.",
        wrong={
            "the executor ran it from a cache": "It ran the tool again: a claim above counted both calls.",
            "the model reads the error in the next step": "It would, if there were one. Rule 6 above brought none.",
        },
    ),
)

# %% [markdown]
# **Next:** [04 an agent is a loop](04_an_agent_is_a_loop.ipynb), in which you write the loop around this
# prompt yourself.

# %%
server.stop()
check.progress("03")
