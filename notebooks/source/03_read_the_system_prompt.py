# %% [markdown]
# # 03 · Read the system prompt
#
# An agent calls a tool that you never gave it. It refuses an import. It stops after every search.
# Where did it learn that? Most of it comes from the [system prompt][sp] that smolagents puts in
# front of your question. In this lesson you read all of it, once.
#
# **After this lesson you can**
#
# - take the system prompt of a CodeAgent apart and say what each part costs,
# - write a tool, run it, and say what the model sees of it,
# - name the rule behind an odd step, and say which rules a program enforces,
# - tell an error that the model gets to read from one that ends the run.
#
# **Minutes:** 45 · **Needs:** [lesson 01](01_start_llama_server.ipynb)
#
# [sp]: ../docs/glossary.md#system-prompt

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import ast
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
# ## How much does smolagents say before you do?
#
# You will ask the leopard question, which has 88 characters, and record the run on a [tape][t].
#
# **Predict:** how many characters do all messages of the first request have together: about 100,
# 1,000, or 10,000?
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
# Two messages: a manual, and your question. Now the rest of the request's body.

# %%
{key: value for key, value in first.request.items() if key != "messages"}

# %% [markdown]
# `stop` has the [stop sequences][stop] of smolagents: generation ends where one of them appears.
#
# There is no `tools` field. The tools of a [CodeAgent][ca] are text in the system prompt, and the
# server does not know that there are any.
#
# [stop]: ../docs/glossary.md#stop-sequence
# [ca]: ../docs/glossary.md#codeagent

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("two messages: system, then user", [m["role"] for m in first.messages] == ["system", "user"]),
    ("the user message ends with the question", question.endswith(LEOPARD), question),
    ("the agent object shows the same system prompt", system == agent.system_prompt),
    ("the request has no field tools", "tools" not in first.request),
    ("</code> is a stop sequence", "</code>" in first.request["stop"]),
)

# %% [markdown]
# ## How do two messages become one prompt?
#
# A model does not read messages. It reads one text, and the server makes that text with the
# model's [chat template][ct].
#
# **Predict:** what comes last in it: the `question`, an `end` mark after the question, or the
# beginning of the `answer`?
#
# [ct]: ../docs/glossary.md#chat-template

# %%
guess = ...

# %%
prompt = server.apply_template(first.messages)
print(prompt[:120], "…", prompt[-180:], sep="\n")

# %%
after = prompt.rpartition(LEOPARD)[2]
last = "answer" if "assistant" in after else "end" if after.strip() else "question"
check.prediction("03.p2", guess, was=last)

# %% [markdown]
# This model's template puts a [special token][st] before and after each message, `<|im_start|>`
# with the role and `<|im_end|>`. At the end it opens the message that the model has to complete.
# In the picture, everything orange is the template's work.
#
# ![The chat template turns a list of messages into one prompt, with special tokens around each
# message and an open think block at the end](../docs/pictures/template.svg)
#
# [st]: ../docs/glossary.md#special-token

# %% [markdown]
# So the system prompt is not a setting of the model. It is the beginning of the text that the
# model continues.
#
# ## What are all these characters about?
#
# The manual has no headings, but the subject changes at three sentences. That makes four parts:
# the agent's *role*, *examples*, *tools* and *rules*.
#
# **Predict:** which of the four is the longest?

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
check.prediction("03.p3", guess, was=max(cost, key=cost.get))

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the examples cost more than everything else", cost["examples"] > total / 2, cost),
    ("the parts add up (a seam may cost a token)", abs(sum(cost.values()) - total) < 5, cost),
)

# %% [markdown]
# All of it is in the request of *every step*. The server need not process it again each time: it is
# still in the [prompt cache][pc]. It does take its place in the [context window][cw] every time.
#
# [pc]: ../docs/glossary.md#prompt-cache
# [cw]: ../docs/glossary.md#context-window

# %%
for turn in turns(tape.records()):
    print(f"request {turn.number}: {turn.tokens.prompt} tokens, from the cache: {turn.tokens.cached}")

# %% tags=["embedded-only", "folded", "nbval-check-output"]
later = turns(tape.records())[1:]
check.claims(
    ("later requests find the system prompt in the cache", all(turn.tokens.cached >= total for turn in later)),
)

# %% [markdown]
# ## What is it told to be?
#
# Read this part as the model does, word by word.

# %%
print(sections["role"].strip())

# %% [markdown]
# That is the whole protocol: a thought, then code between `<code>` and `</code>`, then an
# [observation][ob]; and in the end `final_answer`.
#
# ## Whose tools do the examples use?
#
# Your agent has two tools, `web_search` and `final_answer`. The longest part shows how to work by
# example.
#
# **Predict:** does your agent have `all`, `some` or `none` of the tools that the examples call?
#
# [ob]: ../docs/glossary.md#observation

# %%
guess = ...

# %%
examples = sections["examples"].split("---")
print(examples[1])
called = set(re.findall(r"\b([a-z_]+)\(", sections["examples"])) - set(dir(builtins))
print("called in the examples:", *sorted(called))
print("your agent has:        ", *sorted(agent.tools))

# %%
mine = called & set(agent.tools)
check.prediction("03.p4", guess, was="all" if mine == called else "some" if mine else "none")

# %% [markdown]
# `document_qa`, `wikipedia_search` and others don't exist here. The prompt says so in a
# single line after the examples ("notional tools that might not exist for you"). If you see an
# agent call a tool that you never gave it, search the prompt for its name first.
#
# (The other examples: `print(sections["examples"])`.)

# %% [markdown]
# ## How does the model see a tool?
#
# **Predict:** how is `web_search` described to the model: as `JSON`, as `Python`, or as `prose`?

# %%
guess = ...

# %%
print(sections["tools"].strip())

# %%
search = agent.tools["web_search"]
code = search.to_code_prompt()
check.prediction("03.p5", guess, was="Python" if code in system and code.startswith("def ") else "JSON")

# %% [markdown]
# As Python functions without bodies. `string` is JSON Schema's name for `str`, `any` is smolagents'
# own. The docstring is the tool's `description`. Signature and docstring are all that the prompt
# tells about this tool before the first call.
#
# So it cannot tell our offline search from smolagents' `WebSearchTool`, which has the same ones:

# %% tags=["nbval-check-output"]
with_the_web = code_agent(agent.model, tools=[WebSearchTool()])
check.claim("with WebSearchTool the prompt is the same", with_the_web.system_prompt == system)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the description is the docstring", search.description in sections["tools"]),
    ("final_answer was added by smolagents", "def final_answer(" in sections["tools"]),
)

# %% [markdown]
# ## A tool from a function
#
# `@tool` makes a [tool][tool] from a Python function. It needs types, a docstring, and a
# description of each argument.
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

# %% [markdown]
# The body is gone: the code stays in your process.
#
# To see the tool at work we need a model that calls it. Don't wait for one: write one. For
# smolagents, a model is any object with a method `generate`, so this one says what it is told.


# %%
class Scripted(Model):
    """Says what it was given to say, and keeps what it was sent."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.sent = list(replies), []

    def generate(self, messages, **_):
        self.sent.append(messages)
        return ChatMessage(role="assistant", content=self.replies.pop(0))


# %%
def observed(code, tools=None):
    """What the model gets to read after a step that runs this code."""
    model = Scripted(f"<code>\n{code}\n</code>", "<code>\nfinal_answer('done')\n</code>")
    code_agent(model, tools=tools, verbosity_level=-1).run("Do as you are told.")
    return model.sent[1][-1].content[0]["text"]


print(observed("print(unit_converter(58, 'km/h', 'm/s'))", tools=[unit_converter]))

# %% [markdown]
# The agent ran the tool, and the model reads the result: first what the code printed, then the
# value of its last line (`print` returns `None`).
#
# Notice what did not happen: the reply had no thought, which rule 1 of the prompt demands, and
# nothing complained.

# %% [markdown]
# ## What does a tool cost?
#
# Here are two more tools (unfold the cell to read them): `now`, which says little about itself,
# and `route`, which says a lot.

# %% tags=["folded"]
@tool
def now() -> str:
    """Tells the time."""
    return "12:00"


@tool
def route(start: str, goal: str, by: str = "train") -> list:
    """Finds the best way between two places, with every change, the platforms and the time that is left.

    Args:
        start: The place where the journey begins, with its country.
        goal: The place where it ends, with its country.
        by: The means of transport: train, bus, bicycle or foot.
    """
    return []


# %% [markdown]
# ### Exercise 03.1 · ★★☆ · 6 minutes
#
# Write `cost_of(extra)`: how many tokens does the system prompt of an agent
# grow by if it gets the tool `extra` besides its search?
#
# <details><summary>Hint</summary>
#
# `code_agent(agent.model, tools=[OfflineSearch(), extra]).system_prompt` is the longer prompt,
# `len(server.tokenize(text))` counts tokens, and `total` has those of the prompt without `extra`.
#
# </details>

# %% tags=["stub"]
cost_of = ...


# %% tags=["solution"]
def cost_of(extra):
    longer = code_agent(agent.model, tools=[OfflineSearch(), extra]).system_prompt
    return len(server.tokenize(longer)) - total


# %% tags=["folded"]
def added(extra):
    """Tokens of the system prompt with and without a tool."""
    given = ([OfflineSearch(), extra], [OfflineSearch()])
    more, less = (len(server.tokenize(code_agent(agent.model, tools=t).system_prompt)) for t in given)
    return more - less


check.function(
    "03.1",
    cost_of,
    [check.case(t, gives=check.near(added(t), by=4), name=t.name) for t in (unit_converter, now, route)],
    hint="tokens of the longer prompt minus tokens of the shorter one",
    seconds=60,
)

# %% [markdown]
# A tool costs its signature and its docstring, in each request, whether it is used or not. The
# last column shows how many such tools are as long as the manual itself:

# %%
for each in (now, unit_converter, route):
    print(f"{each.name:<15}{added(each):>4} tokens   manual = {total // added(each):>3} of them")

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("unit_converter costs 60 to 160 tokens", 60 <= added(unit_converter) <= 160, added(unit_converter)),
    ("fifty of them cost more than the manual", 50 * added(unit_converter) > total),
)

# %% [markdown]
# ### Exercise 03.2 · ★★☆ · 8 minutes · your own
#
# Write a tool that you could use at work, with at least one argument. Fill in three things: the
# tool, a line of code that calls it as a model would, and its tokens. Then look at
# `print(my_tool["tool"].to_code_prompt())`: could *you* call it right, knowing only this?
#
# <details><summary>Hint</summary>
#
# Start from `unit_converter`. The line of code should print something, so that the model has something to
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
    if own.name in ("web_search", "final_answer", "unit_converter", "now", "route"):
        return f"{own.name} is one of this lesson's tools; write one of your own"
    if not own.inputs:
        return f"{own.name} has no argument; give it at least one"
    if not isinstance(call, str) or f"{own.name}(" not in call:
        return f"under 'call' there is no text with a line of Python that calls {own.name}(…)"
    read = observed(call, tools=[own])
    if "Error:" in read:
        return "the step fails. The model would read:\n" + read
    if re.search(r"Execution logs:\s*Last output from code snippet:\s*None\s*$", read):
        return "the model gets nothing to read: print the result in the line that calls the tool"
    if not re.fullmatch(r"\d+", str(tokens)) or abs(int(tokens) - added(own)) > 4:
        return f"{tokens!r} is not the number of tokens that {own.name} adds to the system prompt"
    return True


check.exercise("03.2", my_tool, usable, hint="one key after the other; the message says which")

# %% [markdown]
# ## Which rule asked for that?

# %%
print(sections["rules"].strip())

# %% [markdown]
# ### Exercise 03.3 · ★☆☆ · 5 minutes
#
# Five things seen on tapes. Which rule does each one follow or break? Give the numbers.
#
# - a: The agent searches for the same words in three steps, one after the other.
# - b: It prints what the search found and ends the step; it could have used it in the same code.
# - c: It stores its result with `final_answer = 9.62`, and the step fails.
# - d: It uses a variable in step 3 that it set in step 1.
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
check.exercise("03.3", rules, numbers, hint="look for: again, print, name, variables, providing")

# %% [markdown]
# ## Which rules does a program enforce?
#
# To the model all eleven are just text. But the code of a step runs in smolagents' own
# interpreter, the [executor][ex], and that one can say no.
#
# **Predict:** which of these lines run? Put `True` or `False`.
#
# [ex]: ../docs/glossary.md#executor

# %%
lines = {
    "a": "import statistics; statistics.mean([1, 2])",
    "b": "import os; os.getcwd()",
    "c": "open('notes.txt', 'w')",
    "d": "import datetime; datetime.date(2026, 1, 1).year",
    "e": "web_search = 'leopard'",
    "f": "wikipedia_search('leopard')",
}
guess = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ..., "f": ...}

# %%
ran = {}
for letter, line in lines.items():
    try:
        agent.python_executor(line)
        ran[letter] = True
    except Exception as error:
        ran[letter] = False
        print(f"{letter}: {str(error).partition('InterpreterError: ')[2][:95]} …")

# %%
check.prediction("03.p6", guess, was=ran)

# %% [markdown]
# - `b` breaks rule 9: `os` is not on the list, and the executor has the same list as the prompt.
# - `c` is not an import. The executor only knows the functions that it was given.
# - `e` breaks rule 7, so that rule is enforced as well. (So is half of rule 2: a variable that was
#   never defined is an error.)
# - `f` is what happens to an agent that copies a tool from the examples.

# %% tags=["folded", "nbval-check-output"]
nine = re.search(r"^9\. .*?(\[.*\])", sections["rules"], re.MULTILINE)
check.claims(
    (
        "rule 9 is the executor's own list",
        set(ast.literal_eval(nine[1])) == set(agent.python_executor.authorized_imports),
    ),
    ("a and d run, the others don't", {k for k, v in ran.items() if v} == {"a", "d"}, ran),
)

# %% [markdown]
# That helps against accidents. It is **not a sandbox**, and smolagents says so itself:

# %%
print(inspect.getdoc(LocalPythonExecutor).splitlines()[3])

# %% [markdown]
# What the code must not reach has to be out of reach of the whole process: that is
# [lesson 09](09_the_container_is_the_sandbox.ipynb).
#
# ### Exercise 03.4 · ★★☆ · 7 minutes
#
# A colleague sends you a tape, and you want to know what that agent was allowed to import. You
# have no agent object, only the system prompt. Write `allowed_imports(prompt)`, which returns the
# list of modules.
#
# <details><summary>Hint</summary>
#
# Find rule 9 with `re.search` or by its words. What stands between `[` and `]` is a Python list;
# `ast.literal_eval` turns its text into one. Try it on `system`.
#
# </details>

# %% tags=["stub"]
allowed_imports = ...


# %% tags=["solution"]
def allowed_imports(prompt):
    rule = next(line for line in prompt.splitlines() if line.startswith("9. "))
    return ast.literal_eval(rule[rule.index("[") : rule.rindex("]") + 1])


# %% tags=["folded"]
def prompts(random):
    """System prompts of agents that nobody has seen, with what they may import."""
    more = ["csv", "decimal", "fractions", "json", "os.path", "string", "xml.etree"]
    for count in (0, 1, 3):
        extra = random.sample(more, count)
        made = code_agent(agent.model, additional_authorized_imports=extra)
        yield check.case(
            made.system_prompt,
            gives=set(made.authorized_imports),
            name=f"an agent with additional_authorized_imports={extra}",
        )
    made = code_agent(agent.model, tools=[], instructions="Answer in [square] brackets.")
    yield check.case(made.system_prompt, gives=set(made.authorized_imports), name="instructions with brackets")


check.function("03.4", allowed_imports, prompts, hint="only the list of rule 9", seconds=30)

# %% [markdown]
# ## Who gets to read an error?
#
# The code of a step does `import os` and raises an exception.
#
# **Predict:** who gets it, your `notebook` or the `model`?

# %%
guess = ...

# %%
read = observed("import os\nprint(os.getcwd())")
print(read)

# %%
check.prediction("03.p7", guess, was="model" if "Import of os is not allowed" in read else "notebook")

# %% [markdown]
# The model. The error has become a message, with the advice not to repeat it, and the run goes
# on: the mistake costs one step. That is how an agent "corrects itself".
#
# A tool that fails ends up in the same place. This search has no network, as on a train:


# %%
class Unplugged(WebSearchTool):
    def search(self, query):
        raise ConnectionError("no route to the search engine")


print(observed('print(web_search(query="leopard"))', tools=[Unplugged()]))
print(observed('print(web_search(query="zxqvw"))'))

# %% [markdown]
# For the model, a forbidden import, a dead network and a search that found nothing have one form:
# a step with an error message. (smolagents' own `WebSearchTool` raises that "No results found!",
# too. And to DuckDuckGo, its default, it sets no timeout: if the network hangs, so does the agent.)

# %% tags=["folded", "nbval-check-output"]
whole, fetch = (inspect.getsource(part) for part in (WebSearchTool, WebSearchTool.search_duckduckgo))
check.claims(
    ("WebSearchTool raises if nothing was found", 'raise Exception("No results found!' in whole),
    ("its default engine has no timeout", "requests.get(" in fetch and "timeout" not in fetch),
    ("and is DuckDuckGo", WebSearchTool().engine == "duckduckgo"),
)

# %% [markdown]
# Now the *request* fails instead of the code: a question with more words than the context window
# has tokens. The server refuses it.
#
# **Predict:** what follows, another `step` or the `end` of the run?

# %%
guess = ...

# %%
room = server.props()["default_generation_settings"]["n_ctx"]
try:
    code_agent(connect(server), verbosity_level=-1).run("leopard " * room)
    ended = "step"
except Exception as error:
    ended = "end"
    print(type(error).__name__, "·", str(error)[:200])

# %%
check.prediction("03.p8", guess, was=ended)

# %% [markdown]
# The end, as an exception in your notebook. There was no response to parse and no code to run, so
# there was nothing for the model to read.

# %% tags=["folded", "nbval-check-output"]
check.claims(("a refused request ends the run", ended == "end"))

# %% [markdown]
# ## Recap
#
# - The first request is a manual with your question at the end. More than half of the manual is
#   examples, and most of their tools don't exist for your agent.
# - The chat template turns the messages into one text, and the model continues it.
# - A tool is a Python signature with a docstring in the system prompt, paid for in each request.
# - The executor refuses code that breaks rule 7 (a tool's name for a variable), rule 9 (imports), or
#   that uses a variable which was never defined. Most other rules are only asked for.
# - An error of the *code*, or a reply without code, comes back to the model as a message and costs a
#   step. A step whose *request* fails, such as with HTTP 400, ends the run.
#
# **In your own agent:** `print(agent.system_prompt)`, or the first message on a tape. Read the
# part with the tools first: is each of them described well enough to be called right?

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
        right="tokens in each request of the run",
        why="Signature and docstring of every tool are in the system prompt, which each step's request carries.",
        wrong={
            "nothing until they are called": "The model has to read about a tool before it can call it.",
            "tokens in the first request only": (
                "Each request carries all messages. The prompt cache saves the processing, not the room."
            ),
        },
    ),
    check.question(
        "In step 3 the server answers HTTP 400. What does the model learn of it?",
        right="nothing: the run has ended",
        why="smolagents raises AgentGenerationError. Errors of the code, or a reply without code, become messages.",
        wrong={
            "it reads the error in step 4": "That is true of an error in the code of a step.",
            "it gets the same request again": "Neither this course's client nor smolagents repeats a 400.",
        },
    ),
)

# %% [markdown]
# **Next:** [05 Wire and steps, side by side](05_wire_and_steps.ipynb): what comes after the first
# request, and what smolagents changes, drops and sends twice.

# %%
server.stop()
check.progress("03")
