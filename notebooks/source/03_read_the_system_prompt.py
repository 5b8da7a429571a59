# %% [markdown]
# # 03 · Read the system prompt
#
# An agent calls a tool that you never gave it. It stops after every search. It explains instead of
# answering. Where did it learn that? Mostly from the [system prompt][sp], the text that smolagents
# puts in front of your question. In this lesson you read each of its parts, once.
#
# **After this lesson you can**
#
# - take the system prompt of a [CodeAgent][ca] (the kind of agent that acts by writing Python) apart,
#   and say what each part costs,
# - write a tool, run it without a language model, and say what the model sees of it,
# - name the rule behind an odd step, and say who enforces it: a program, or nobody,
# - tell from what a model reads after a step where an error came from.
#
# **Minutes:** 45 · **Needs:** [lesson 02](02_one_completion.ipynb)
#
# [sp]: ../docs/glossary.md#system-prompt
# [ca]: ../docs/glossary.md#codeagent

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import builtins
import inspect
import re
from itertools import pairwise

from smolagents import ChatMessage, LocalPythonExecutor, Model, Tool, WebSearchTool, tool

from course import check
from course.agent import LEOPARD, code_agent, connect
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import exchanges, text_of, turns

# %% [markdown]
# ## How much text comes before your question?
#
# You will ask the leopard question, which has 88 characters, and record the run on a [tape][t].
#
# **Predict:** how many characters are in the first request's messages, all together: about `100`,
# `1000`, or `10000`?
#
# [t]: ../docs/glossary.md#tape

# %%
guess = ...

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
tape = Tape()
agent = code_agent(connect(server, tape))
print(agent.run(LEOPARD))

# %% [markdown]
# `exchanges` reads the requests and responses on the tape, and `text_of` gives the text of a
# message.

# %%
first = exchanges(tape.entries)[0]
for message in first.messages:
    print(f"{message['role']:<7}{len(text_of(message)):>6} characters")
system, question = (text_of(message) for message in first.messages)

# %%
check.prediction("03.p1", guess, was=len(system) + len(question), unit="characters")

# %% [markdown]
# Two messages: a manual for the model, and your question. This is what else the request contains:

# %%
{key: value for key, value in first.request.items() if key != "messages"}

# %% [markdown]
# `stop` has the [stop sequences][stop] that you met in lesson 02: smolagents sends three.
#
# Other agents describe their tools in a field `tools`, as JSON, and the server puts them into the
# prompt. A CodeAgent has no such field. Its tools are text in the system prompt, and the server does
# not know that there are any.
#
# [stop]: ../docs/glossary.md#stop-sequence

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("two messages: system, then user", [m["role"] for m in first.messages] == ["system", "user"]),
    ("the user message ends with the question", question.endswith(LEOPARD), question),
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
# **Predict:** which of the four is the longest: `role`, `examples`, `tools` or `rules`?

# %%
guess = ...

# %%
marks = ["Here are a few examples", "Above examples were using", "Here are the rules"]
starts = [0, *(system.index(mark) for mark in marks), len(system)]
names = ["role", "examples", "tools", "rules"]
sections = {name: system[a:b] for name, (a, b) in zip(names, pairwise(starts), strict=True)}
cost = {name: len(server.tokenize(text)) for name, text in sections.items()}
total = len(server.tokenize(system))
for name, tokens in cost.items():
    print(f"{name:<9}{tokens:>5} tokens {tokens / total:>5.0%}")
print(f"{'all':<9}{total:>5} tokens       your question: {len(server.tokenize(LEOPARD))}")

# %%
check.prediction("03.p2", guess, was=max(cost, key=cost.get))

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the examples cost more than everything else", cost["examples"] > total / 2, cost),
    ("the parts add up (a seam may cost a token)", abs(sum(cost.values()) - total) < 5, cost),
)

# %% [markdown]
# All of it is in the request of every step. The server need not process it again each time, because
# it is still in the [prompt cache][pc]. It does take its place in the [context window][cw] every time.
#
# [pc]: ../docs/glossary.md#prompt-cache
# [cw]: ../docs/glossary.md#context-window

# %%
for turn in turns(tape.records()):
    print(f"request {turn.number}: {turn.tokens.prompt} tokens, from the cache: {turn.tokens.cached}")

# %% tags=["embedded-only", "folded", "nbval-check-output"]
later = turns(tape.records())[1:]
check.claims(
    (
        "later requests find the system prompt in the cache",
        all(turn.tokens.cached >= total for turn in later),
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
# [ob]: ../docs/glossary.md#observation
# [step]: ../docs/glossary.md#step

# %% [markdown]
# ## Whose tools do the examples use?
#
# Your agent has two tools: `web_search`, which you gave it, and `final_answer`, which smolagents
# added. The longest part of the prompt shows six solved tasks.
#
# **Predict:** does your agent have `all`, `some` or `none` of the tools that these examples call?

# %%
guess = ...

# %%
print(sections["examples"].split("---")[1])
called = set(re.findall(r"\b([a-z_]+)\(", sections["examples"])) - set(dir(builtins))
print("called in the examples:", *sorted(called))
print("your agent has:        ", *sorted(agent.tools))

# %%
mine = called & set(agent.tools)
check.prediction("03.p3", guess, was="all" if mine == called else "some" if mine else "none")

# %% [markdown]
# Most of them don't exist for your agent, and the prompt says so in two short lines, one before the
# examples and one after them:

# %%
print(*(line for line in system.splitlines() if "notional tools" in line), sep="\n")

# %% [markdown]
# Two lines against six worked examples. If an agent calls a tool that you never gave it, search its
# prompt for the name first.
#
# (The other examples: `print(sections["examples"])`.)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("two lines say that the tools are notional", system.count("notional tools") == 2),
    ("the examples solve six tasks", len(re.findall(r"^Task:", sections["examples"], re.MULTILINE)) == 6),
)

# %% [markdown]
# ## What does the model see of a tool?
#
# This part stands between the examples and the rules:

# %%
print(sections["tools"].strip())

# %% [markdown]
# Python functions without bodies. (`string` is JSON Schema's name for `str`; `any` is smolagents'
# own.) Signature and docstring are all that this part tells about these two tools. So describe a
# tool for a reader who has nothing else.
#
# `@tool` makes a [tool][tool] from a function. It needs types, a docstring, and a description of each
# argument:
#
# [tool]: ../docs/glossary.md#tool


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

# %% tags=["folded", "nbval-check-output"]
search = agent.tools["web_search"]
with_the_web = code_agent(agent.model, tools=[WebSearchTool()])
check.claims(
    ("the description is the docstring", search.description in sections["tools"]),
    ("final_answer was added by smolagents", "def final_answer(" in sections["tools"]),
    ("the prompt is the same with smolagents' WebSearchTool", with_the_web.system_prompt == system),
    ("the body of unit_converter is not in the prompt", "1852" not in unit_converter.to_code_prompt()),
)

# %% [markdown]
# The body is not in the prompt. It stays in your process, and its text costs nothing.
#
# **Predict:** an agent with very many such converters: how many would be as long as the whole system
# prompt is now, `3`, `30` or `300`?

# %%
guess = ...


# %%
def cost_of(extra):
    """How many tokens longer the system prompt is if the agent has this tool in addition to its search."""
    longer = code_agent(agent.model, tools=[OfflineSearch(), extra]).system_prompt
    return len(server.tokenize(longer)) - total


print(cost_of(unit_converter), "tokens for unit_converter,", total, "for the system prompt without it")

# %%
check.prediction("03.p4", guess, was=total // cost_of(unit_converter), unit="tools")


# %% tags=["folded", "nbval-check-output"]
def added(extra):
    """Tokens of the system prompt with and without a tool."""
    given = ([OfflineSearch(), extra], [OfflineSearch()])
    more, less = (len(server.tokenize(code_agent(agent.model, tools=t).system_prompt)) for t in given)
    return more - less


check.claims(
    ("cost_of counts what the tool adds", abs(added(unit_converter) - cost_of(unit_converter)) <= 1),
    ("and that is 60 to 160 tokens", 60 <= added(unit_converter) <= 160, added(unit_converter)),
)

# %% [markdown]
# A tool costs its signature and its docstring in the request of every step, used or not.

# %% [markdown]
# ## How do you try a tool without waiting for a model?
#
# You play the model. smolagents calls one method of it, `generate`, so a model that reads its replies
# from a list is short:


# %%
class Scripted(Model):
    """Says what it was given to say, and keeps what it was sent."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.sent = list(replies), []

    def generate(self, messages, **_):
        self.sent.append(messages)
        return ChatMessage(role="assistant", content=self.replies.pop(0))


# %% [markdown]
# `observed` lets an agent run with these replies and returns what a model would read next: the last
# message of the request after them.


# %%
def block(code):
    return f"<code>\n{code}\n</code>"


def observed(*replies, tools=None):
    """What a model gets to read after it has given these replies."""
    model = Scripted(*replies, block("final_answer('done')"))
    code_agent(model, tools=tools, verbosity_level=-1).run("Do as you are told.")
    if len(model.sent) <= len(replies):
        return "(nothing: the run has ended)"
    return model.sent[len(replies)][-1].content[0]["text"]


print(observed(block("print(unit_converter(58, 'km/h', 'm/s'))"), tools=[unit_converter]))

# %% [markdown]
# The agent ran the tool, and the model reads the result: first what the code printed (`Execution
# logs`), then the value of its last line. Here that is `None`, the value of `print`.

# %% [markdown]
# ### Exercise 03.1 · ★★☆ · 9 minutes · your own
#
# Write a tool that you could use at work, with at least one argument. Fill in three things: the tool,
# a line of code that calls it as a model would, and the tokens that it adds to the prompt. The check
# runs that line for real, so take one that does no harm.
#
# Then look at `print(my_tool["tool"].to_code_prompt())`. Could *you* call it, knowing only this?
#
# <details><summary>Hint</summary>
#
# Start from `unit_converter`. The line should print the result, so that the model has something to
# read. `cost_of` counts the tokens.
#
# </details>

# %% tags=["stub"]
my_tool = {"tool": ..., "call": "print(...)", "tokens": ...}


# %% tags=["solution"]
@tool
def vat(net: float, percent: float = 19) -> float:
    """Adds the value-added tax to a net price, rounded to cents.

    Args:
        net: The price without tax.
        percent: The tax rate in percent.
    """
    return round(net * (1 + percent / 100), 2)


my_tool = {"tool": vat, "call": "print(vat(net=9.99))", "tokens": cost_of(vat)}


# %% tags=["folded"]
def usable(answer):
    """What is wrong with the learner's tool, in a sentence; True if nothing is."""
    if not isinstance(answer, dict):
        return "expected a dictionary with the keys tool, call and tokens"
    own, call, tokens = (answer.get(key) for key in ("tool", "call", "tokens"))
    if not isinstance(own, Tool):
        return "under 'tool' there is no tool: put @tool above a function, and give its name without ()"
    if own.name in ("web_search", "final_answer", "unit_converter"):
        return f"{own.name} is one of this lesson's tools; write one of your own"
    if not own.inputs:
        return f"{own.name} has no argument; give it at least one"
    if not isinstance(call, str):
        return f"under 'call' there is no text: write a line of Python that calls {own.name}(…)"
    results, forward = [], own.forward
    own.forward = lambda *a, **k: results.append(forward(*a, **k)) or results[-1]
    try:
        read = observed(block(call), tools=[own])
    finally:
        own.forward = forward
    if not read.startswith("Observation:"):
        ended = read.startswith("(nothing")
        return (
            "the line ends the run; leave final_answer out"
            if ended
            else f"the step fails. The model reads:\n{read}"
        )
    if not results:
        return f"the line under 'call' runs, but it never calls {own.name}"
    if results[-1] is None or results[-1] == "":
        return f"{own.name} returns {results[-1]!r}, from which a model learns nothing: return the result"
    if re.search(r"Execution logs:\s*Last output from code snippet:\s*None\s*$", read):
        return "the model gets nothing to read: print the result in the line that calls the tool"
    if not re.fullmatch(r"\d+", str(tokens)) or abs(int(tokens) - added(own)) > 4:
        return f"{tokens!r} is not the number of tokens that {own.name} adds to the system prompt"
    return True


check.exercise("03.1", my_tool, usable, hint="one key after the other; the message says which")

# %% [markdown]
# ## Which rule asked for that?

# %%
print(sections["rules"].strip())

# %% [markdown]
# Rules 4 and 5 speak of a *JSON output schema*: a tool may declare what its result looks like. Your
# agent's tools don't, so rule 4 is about them and rule 5 is not.

# %% [markdown]
# ### Exercise 03.2 · ★☆☆ · 5 minutes
#
# Five things seen on tapes. Each follows or breaks a rule. Give the number of the one that fits best.
#
# - a: The agent searches for the same words in three steps, one after the other.
# - b: It prints what the search found and ends the step, instead of picking the number out of the
#   result in the same code.
# - c: It stores what the search returned in a variable called `web_search`.
# - d: In step 3 it uses `math` without importing it. Step 1 has imported it.
# - e: Instead of an answer it explains how *you* could find out.
#
# <details><summary>Hint</summary>Two of the five follow a rule, three break one.</details>

# %% tags=["stub"]
rules = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}

# %% tags=["solution"]
rules = {"a": 6, "b": 4, "c": 7, "d": 10, "e": 11}

# %% tags=["folded"]
words = {"a": "re-do", "b": "output results", "c": "same name", "d": "persist", "e": "give up"}
numbers = {
    letter: int(re.search(rf"^(\d+)\..*({said})", sections["rules"], re.MULTILINE)[1])
    for letter, said in words.items()
}
check.exercise("03.2", rules, numbers, hint="look for: re-do, output results, name, imported, directions")

# %% [markdown]
# ## Who enforces the rules?
#
# To the model, all eleven are text. But two programs look at every reply: the *parser* looks for a
# block of code in it, and the [executor][ex], smolagents' own interpreter, runs that block line by
# line. Either can say no. Here are seven replies, each of which breaks one rule:
#
# [ex]: ../docs/glossary.md#executor

# %%
replies = {
    1: ["The answer is 9.62 seconds."],
    2: [block("print(155 / speed)")],
    3: [block("print(len(web_search({'query': 'leopard'})))")],
    6: [block("print(len(web_search('leopard')))")] * 2,
    7: [block("web_search = 'leopard'")],
    8: [block("speed = 58  # nobody has looked it up\nprint(155 / speed)")],
    9: [block("import os\nprint(os.getcwd())")],
}

# %% [markdown]
# **Predict:** who stops each of them: the `parser`, the `executor`, or `nobody`?

# %%
guess = {1: ..., 2: ..., 3: ..., 6: ..., 7: ..., 8: ..., 9: ...}

# %%
read = {rule: observed(*said) for rule, said in replies.items()}
for rule, text in read.items():
    print(f"rule {rule}: {' '.join(text.split())[:150]}\n")

# %% tags=["folded"]
stopped = {}
for rule, text in read.items():
    by = "parser" if "Error in code parsing" in text else "executor"
    stopped[rule] = "nobody" if text.startswith("Observation:") else by
check.prediction("03.p5", guess, was=stopped)

# %% [markdown]
# An error has become a message for the model, and the run goes on: the mistake costs one step. That is
# how an agent "corrects itself". (`Call id` numbers the step's code.)
#
# What the other rules rest on:
#
# | rule | enforced by | what happens |
# |---|---|---|
# | 1 thought and code | half of it, by the parser | without code an error; nobody misses the thought |
# | 2 only defined variables | the executor | an error |
# | 3 no dictionary as argument | nobody | the tool unpacks the dictionary, and it works |
# | 4, 5 chaining calls | nobody | |
# | 6 no call twice | nobody | the tool runs again |
# | 7 no tool's name | the executor | an error |
# | 8 nothing invented | nobody | an invented number is as good as any |
# | 9 imports | the executor | an error; its list is the one in the prompt |
# | 10 variables persist | – | a promise, which the executor keeps |
# | 11 don't give up | nobody | "Look it up yourself." is accepted as an answer |

# %% tags=["folded", "nbval-check-output"]
nine = re.search(r"^9\. .*?\[(.*)\]", sections["rules"], re.MULTILINE)[1]
chained = block("print(len(web_search('leopard') + web_search('Pont des Arts')))")
gave_up = Scripted(block("final_answer('Look it up yourself.')"))
check.claims(
    (
        "rules 2, 7 and 9 are the executor's",
        [r for r in stopped if stopped[r] == "executor"] == [2, 7, 9],
        stopped,
    ),
    ("a reply without code is stopped by the parser", stopped[1] == "parser", stopped),
    ("code without a thought is not", observed(block("print(1)")).startswith("Observation:")),
    ("two calls in one block run (rule 4)", observed(chained).startswith("Observation:")),
    ("variables persist (rule 10)", "42" in observed(block("a = 41"), block("print(a + 1)"))),
    (
        "an agent may give up (rule 11)",
        code_agent(gave_up, verbosity_level=-1).run("How far?") == "Look it up yourself.",
    ),
    (
        "rule 9 is the executor's own list",
        set(re.findall(r"'([^']+)'", nine)) == set(agent.python_executor.authorized_imports),
    ),
)

# %% [markdown]
# So most of the eleven are requests, which a model may ignore. And what the executor does refuse helps
# against accidents only. It is **not a sandbox**, as smolagents says itself:

# %%
print(inspect.getdoc(LocalPythonExecutor).splitlines()[3])

# %% [markdown]
# What the code must not reach has to be out of reach of the whole process: that is
# [lesson 09](09_the_container_is_the_sandbox.ipynb).

# %% [markdown]
# ## What if a tool fails?
#
# This search has no network, as on a train. Its code raises a `ConnectionError`.
#
# **Predict:** who learns of it: `you`, from an exception in the notebook, or the `model`?

# %%
guess = ...


# %%
class Unplugged(WebSearchTool):
    def search(self, query):
        raise ConnectionError("no route to the search engine")


try:
    failed = observed(block('print(web_search(query="leopard"))'), tools=[Unplugged()])
    print(failed)
except ConnectionError as error:
    failed = ""
    print("raised here:", error)

# %%
check.prediction("03.p6", guess, was="model" if failed else "you")

# %% [markdown]
# The model, in the same form as a forbidden import. What differs is the name after `due to`: the
# executor's own refusals are `InterpreterError`s; any other name is an exception that the code or a
# tool raised. A search without results looks like that, too:

# %%
print(observed(block('print(web_search(query="zxqvw"))')))

# %% [markdown]
# ### Exercise 03.3 · ★★☆ · 7 minutes
#
# Write `stopped_by(read)`. It gets the text that a model reads after a step and returns who stopped the
# step: `"parser"`, `"executor"`, `"exception"` (the code or a tool raised one), or `"nobody"`. With
# that you can sort the steps of any tape. Note that code may print anything, "Error:" for instance.
#
# <details><summary>Hint</summary>
#
# After a step that was not stopped, the text begins with `Observation:`. The texts above show how the
# other three differ: `read[1]`, `read[9]` and `failed`.
#
# </details>


# %% tags=["stub"]
def stopped_by(read): ...


# %% tags=["solution"]
def stopped_by(read):
    if read.startswith("Observation:"):
        return "nobody"
    if read.startswith("Error:\nError in code parsing"):
        return "parser"
    return "executor" if "due to: InterpreterError:" in read else "exception"


# %% tags=["folded"]
def steps(random):
    """What a model reads after steps that nobody has seen."""
    module, word = (
        random.choice(["socket", "subprocess", "shutil"]),
        random.choice(["speed", "pages", "width"]),
    )
    unplugged = {"tools": [Unplugged()]}
    for gives, name, said, given in [
        ("nobody", "a plain step", block(f"print({random.randint(2, 99)} / 2)"), {}),
        ("executor", "a forbidden import", block(f"import {module}"), {}),
        ("executor", "a variable that is not defined", block(f"print({word} + 1)"), {}),
        ("parser", "no code", f"The {word} is {random.randint(2, 99)}.", {}),
        ("exception", "division by zero", block("print(1 / 0)"), {}),
        ("exception", "a tool without a network", block("web_search('bridge')"), unplugged),
        ("nobody", "it printed a log", block("print('Error: disk full')"), {}),
        ("nobody", "it printed an old error", block("print('due to: InterpreterError: Import of os')"), {}),
        ("nobody", "it printed another", block("print('Error:\\nError in code parsing')"), {}),
    ]:
        yield check.case(observed(said, **given), gives=gives, name=name)


check.function("03.3", stopped_by, steps, hint="first: does the text begin with Observation:?")

# %% [markdown]
# One failure never becomes a message: a step whose *request* is refused, here because the question is
# longer than the context window.

# %%
room = server.props()["default_generation_settings"]["n_ctx"]  # the size of the context window
try:
    code_agent(connect(server), verbosity_level=-1).run("leopard " * room)
    ended = False
except Exception as error:
    ended = True
    print(type(error).__name__, "·", str(error)[:200])

# %% [markdown]
# The run ends with an exception in your notebook. The response had no completion in it, so there was
# nothing to parse, nothing to run, and nothing for the model to read.

# %% tags=["folded", "nbval-check-output"]
check.claims(("a refused request ends the run", ended))

# %% [markdown]
# ## Recap
#
# - The first request is a manual with your question at the end. More than half of the manual is
#   examples, and most of their tools don't exist for your agent.
# - A tool is a signature with a docstring in the system prompt, paid for in the request of every step.
# - The parser wants a block of code. The executor refuses undefined variables, a tool's name for a
#   variable, and imports that are not on its list. The other rules are only asked for.
# - An error of the parser, the executor, the code or a tool becomes a message and costs a step. A step
#   whose request fails, such as with HTTP 400, ends the run.
#
# **In your own agent:** `print(agent.system_prompt)`, or the first message on a tape. Read the part with
# the tools first: is each of them described well enough to be called right?

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
        why="The parser looks for code, and the executor for names and imports.",
        wrong={
            "the executor ran it from a cache": "It ran the tool again. Nothing in smolagents remembers the result.",
            "the model reads the error in the next step": "It would, if there were one. Look at rule 6 above.",
        },
    ),
)

# %% [markdown]
# **Next:** [04 an agent is a loop](04_an_agent_is_a_loop.ipynb), in which you write the loop around this
# prompt yourself.

# %%
server.stop()
check.progress("03")
