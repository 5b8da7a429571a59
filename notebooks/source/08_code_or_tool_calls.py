# %% [markdown]
# # 08 · Code or tool calls
#
# An agent can act in two ways. It writes a program, as in all lessons so far. Or it names a tool and
# fills in a form, a [tool call][tc], and your framework runs it. The blog post prefers code. Should
# you? That decides what a run costs, and what can go wrong in it. Ask one question both ways, and
# count.
#
# **After this lesson you can**
#
# - say what the field `tools` becomes before a model reads it,
# - read a tool call off the wire, and answer it by hand,
# - tell who said a number first, a model or a program,
# - choose between code and tool calls for reasons that you measured.
#
# **Minutes:** 45 · **Needs:** [lesson 05](05_wire_and_steps.ipynb)
#
# [tc]: ../docs/glossary.md#tool-call

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import re

from smolagents import LocalPythonExecutor, Model, Tool, tool
from smolagents.models import get_tool_json_schema

# %%
from course import check
from course.agent import LEOPARD, code_agent, recorded_run, tool_agent
from course.server import Server
from course.tape import Tape
from course.tools.calculator import Calculator
from course.tools.figures import MostFrequentFigure
from course.tools.search import OfflineSearch
from course.turns import text_of

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## Which one asks more often?
#
# First the [CodeAgent](../docs/glossary.md#codeagent) that you know, with its one tool, the search.

# %%
code_run = recorded_run(server, LEOPARD, Tape(), max_steps=8)
print(len(code_run.turns), "requests ·", code_run.answer)

# %% [markdown]
# smolagents' other agent, `ToolCallingAgent`, cannot write code. So it gets two tools more, for what
# the code did: `most_frequent_figure` reads a figure off search results, and `calculator` computes.
#
# **Predict:** how many requests will it need: 2, 4, 6 or 10?

# %%
guess = ...

# %%
kit = [OfflineSearch(), MostFrequentFigure(), Calculator()]
whole = {"extra_body": {"verbose": True}}  # each response also tells the text before the server parsed it
call_run = recorded_run(server, LEOPARD, Tape(), build=tool_agent, tools=kit, max_steps=10, model=whole)
print(len(call_run.turns), "requests ·", call_run.answer)

# %%
check.prediction("08.p1", guess, was=len(call_run.turns), unit="requests")

# %%
for turn in call_run.turns:
    for call in turn.tool_calls:
        print(f"{turn.number}  {call.name:<21} {call.text[:70]}")

# %% [markdown]
# One tool per request, and each result has to come back before the next. The code did all of it in
# two blocks.
# (A model may ask for several tools at once, and smolagents runs them all. Ours asks for one.)

# %%
rows = {"code": code_run.turns, "tool calls": call_run.turns}
print(f"{'':<12}requests   prompt processed generated seconds")
for name, made in rows.items():
    spent = [turn.tokens for turn in made]
    prompt, new, out = (sum(getattr(t, key) or 0 for t in spent) for key in ("prompt", "new", "generated"))
    print(f"{name:<12}{len(made):>8}{prompt:>9}{new:>10}{out:>10}{sum(t.seconds for t in made):>8.1f}")

# %% [markdown]
# *Prompt* counts what was sent, *processed* what the server did not find in its
# [prompt cache](../docs/glossary.md#prompt-cache). Hosted models charge for the first, often less for
# what was cached.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
one, other = code_run.turns, call_run.turns
check.claims(
    ("both find 9.62 seconds", all("9.62" in str(each.answer) for each in (code_run, call_run))),
    ("tool calls take more requests", len(other) > len(one)),
    ("and more tokens of prompt", sum(t.tokens.prompt for t in other) > sum(t.tokens.prompt for t in one)),
    ("one call in each request", all(len(turn.tool_calls) == 1 for turn in other)),
)

# %% [markdown]
# ## What is a tool call on the wire?
#
# The message of the first response has a new key, `tool_calls`.
#
# **Predict:** of what type are the `arguments` in it: `dict`, `list` or `str`?

# %%
guess = ...

# %%
message = next(turn.exchange.message for turn in call_run.turns if turn.exchange.message.get("tool_calls"))
print(json.dumps(message, indent=1))

# %%
check.prediction("08.p2", guess, was=type(message["tool_calls"][0]["function"]["arguments"]).__name__)

# %% [markdown]
# JSON inside of JSON: the arguments are a *text*, which your program has to parse. Here the server
# made it from the model's tags. Other servers pass on what the model wrote, which need not be JSON, so
# be ready for that.
#
# ### Exercise 08.1 · ★★☆ · 7 minutes
#
# Write `calls_of(message)`. It returns a list of pairs, the name of the function and its arguments
# as a dictionary, in the order of the message.
#
# - A message without calls (no key, or `null`) gives an empty list.
# - Empty arguments, `""`, are what some servers send for a tool without arguments: give `{}`.
# - If the text is not JSON, or is JSON but no object, give `None` for the arguments.
#
# <details><summary>Hint</summary>
#
# `json.loads(text)` raises a `ValueError`. `message.get("tool_calls") or []` covers both kinds of
# nothing.
#
# </details>

# %% tags=["stub"]
calls_of = ...


# %% tags=["solution"]
def calls_of(message):
    found = []
    for call in message.get("tool_calls") or []:
        function = call["function"]
        try:
            arguments = json.loads(function["arguments"] or "{}")
        except ValueError:
            arguments = None
        found.append((function["name"], arguments if isinstance(arguments, dict) else None))
    return found


# %% tags=["folded"]
def asking(*calls):
    """A message with these calls: (name, text of the arguments)."""
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": text}}
        for n, (name, text) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def messages(random):
    """Messages with tool calls that nobody has seen."""
    n = random.randrange(10, 99)
    yield check.case(asking(("f", f'{{"n": {n}}}')), gives=[("f", {"n": n})], name="one call")
    two = asking(("b", '{"q": "x"}'), ("a", f'{{"q": "{n}"}}'))
    yield check.case(two, gives=[("b", {"q": check.exact("x")}), ("a", {"q": check.exact(str(n))})], name="two calls")
    yield check.case(asking(("now", "")), gives=[("now", {})], name="empty arguments")
    yield check.case(asking(("f", f'{{"n": {n}')), gives=[("f", None)], name="cut off")
    yield check.case(asking(("f", f"[{n}]")), gives=[("f", None)], name="a list instead of an object")
    yield check.case({"role": "assistant", "content": f"It is {n}."}, gives=[], name="no calls")
    yield check.case({"role": "assistant", "content": "", "tool_calls": None}, gives=[], name="null")


check.function("08.1", calls_of, messages, hint="parse each text by itself; one bad call is one None")

# %% [markdown]
# ## Who wrote that JSON?
#
# The model, you would think. With `verbose`, llama-server also returns the text before it parsed it.
#
# **Predict:** in which notation did the embedded model write its call: `JSON`, `XML` or `Python`?

# %%
guess = ...

# %%
first = call_run.turns[0].exchange
raw = first.response["__verbose"]["content"]
print(raw)

# %%
written = "XML" if "<function=" in raw else "JSON" if re.search(r'\{\s*"name"', raw) else "Python"
check.prediction("08.p3", guess, was=written)

# %% [markdown]
# Tags. The server's parser reads them and puts JSON on the wire. Each family of models has its own
# notation (Qwen3.6 and ours have this one), and one format on the wire hides them all. If the parser
# and the model don't agree, calls get lost: lesson 07 shows how that looks.
#
# How did the model know? The [chat template](../docs/glossary.md#chat-template) told it. This is what
# the client sent:

# %%
print(json.dumps(first.request["tools"][0], indent=1))
print("tool_choice:", first.request.get("tool_choice"), "· stop:", first.request["stop"])

# %% [markdown]
# **Predict:** the template has to put that somewhere into the prompt. Where: into the `system`
# message, the `user` message, or one of its `own`?

# %%
guess = ...

# %%
asked = {key: first.request[key] for key in ("messages", "tools")}
prompt = server.post("/apply-template", asked)["prompt"]
bare = server.apply_template(first.request["messages"])
at = next(i for i, (a, b) in enumerate(zip(prompt, bare, strict=False)) if a != b)
print("…", prompt[at - 30 : at + len(prompt) - len(bare)])

# %%
before = prompt[:at].rpartition("<|im_start|>")[2]
role = before.partition("\n")[0]
check.prediction("08.p4", guess, was=role if role in ("system", "user") else "own")

# %% [markdown]
# At the end of the system message: the JSON of every tool, and an example of the notation. So there
# is no special channel for tools. It is text in the prompt again, written by the template instead of
# the framework.
#
# Both directions in one picture:
#
# ![Tools and tool calls: the client sends the tools as JSON, the chat template writes them into the
# system message, the model writes its call in tags, and llama-server's parser makes JSON of it for
# the client](../docs/pictures/calls.svg)

# %% [markdown]
# And smolagents' own system prompt describes the tools as well, a little further up:

# %%
own_words = [line for line in text_of(first.messages[0]).splitlines() if line.startswith("- ")]
print(*(line[:110] for line in own_words), sep="\n")

# %% tags=["folded", "nbval-check-output"]
system = text_of(first.messages[0])
names = [given["function"]["name"] for given in first.request["tools"]]
check.claims(
    ("every tool is in the field tools, final_answer too", "final_answer" in names and len(names) == len(kit) + 1),
    ("every tool is in the system prompt, too", all(f"- {name}:" in system for name in names)),
    ("the template wrote each tool's JSON into the prompt", all(f'"{name}"' in prompt for name in names)),
    ("a tool call has to come: tool_choice", first.request.get("tool_choice") == "required"),
)

# %% [markdown]
# What does such a tool cost? `first_prompt(build, tools)` gives the whole first prompt of an agent,
# as the server renders it. `build` is `code_agent` or `tool_agent`.


# %%
def first_prompt(build, tools):
    made = build(Model(), tools=tools)
    messages = [{"role": "system", "content": made.system_prompt}, {"role": "user", "content": "New task:\nHi"}]
    fields = {"tools": [get_tool_json_schema(t) for t in made.tools.values()]} if build is tool_agent else {}
    return server.post("/apply-template", {"messages": messages, **fields})["prompt"]


# %% [markdown]
# ### Exercise 08.2 · ★★☆ · 7 minutes · your own
#
# Take a tool that you could use at work (the one of exercise 03.2 will do). How many tokens does it
# add to the first prompt of each agent, next to the search?
#
# <details><summary>Hint</summary>
#
# Two prompts for each agent, with `[OfflineSearch(), my_tool]` and with `[OfflineSearch()]`.
# `len(server.tokenize(text))` counts the tokens of each; subtract.
#
# </details>

# %% tags=["stub"]
my_tool = ...
tokens = {"tool": my_tool, "code": ..., "tool calls": ...}


# %% tags=["solution"]
@tool
def vat(net: float) -> float:
    """Adds the value-added tax to a net price.

    Args:
        net: The price without tax.
    """
    return round(net * 1.19, 2)


tokens = {"tool": vat}
for name, build in (("code", code_agent), ("tool calls", tool_agent)):
    both, alone = (first_prompt(build, given) for given in ([OfflineSearch(), vat], [OfflineSearch()]))
    tokens[name] = len(server.tokenize(both)) - len(server.tokenize(alone))
print(tokens)


# %% tags=["folded"]
def measured(answer):
    """What is wrong with the learner's numbers, in a sentence; True if nothing is."""
    if not isinstance(answer, dict) or not {"tool", "code", "tool calls"} <= answer.keys():
        return "expected a dictionary with the keys tool, code and tool calls"
    extra = answer["tool"]
    if not isinstance(extra, Tool):
        return "under 'tool' there is no tool: put @tool above a function, and give its name without ()"
    if extra.name in ("web_search", "final_answer", "calculator", "most_frequent_figure"):
        return f"{extra.name} is one of this lesson's tools; take one of your own"
    for key, build in (("code", code_agent), ("tool calls", tool_agent)):
        more, less = (first_prompt(build, given) for given in ([OfflineSearch(), extra], [OfflineSearch()]))
        right = len(server.tokenize(more)) - len(server.tokenize(less))
        if not re.fullmatch(r"\d+", str(answer[key])) or abs(int(answer[key]) - right) > 4:
            return f"{answer[key]!r} is not what {extra.name} adds to the first prompt for {key}"
    return True


check.exercise("08.2", tokens, measured, hint="with the tool minus without it, for each build")

# %% [markdown]
# A tool of a ToolCallingAgent is described twice, and once of that in JSON, with all its braces. How
# much that is for the calculator:

# %%
for name, build in (("code", code_agent), ("tool calls", tool_agent)):
    with_it, without = (first_prompt(build, given) for given in ([kit[0], kit[2]], [kit[0]]))
    print(f"{name:<11}{len(server.tokenize(with_it)) - len(server.tokenize(without)):>4} tokens for the calculator")
    print(f"{'':<11}{len(server.tokenize(first_prompt(build, kit))):>4} tokens of prompt with all three tools")

# %% [markdown]
# Look at the second number of each. The ToolCallingAgent's manual is shorter to begin with, since it
# has no rules for code and fewer examples. Only many tools turn that around.

# %% [markdown]
# ## How does a result get back?
#
# OpenAI's API has a role for it: `tool`.
#
# **Predict:** as which role does the search result come in smolagents' second request: `tool`,
# `user` or `assistant`?

# %%
guess = ...

# %%
second = call_run.turns[:2][-1].exchange
for sent in second.messages[2:]:
    print(f"{sent['role']}: {text_of(sent)[:190]} …\n")

# %%
check.prediction("08.p5", guess, was=second.messages[-1]["role"])

# %% [markdown]
# smolagents takes structured calls *from* the wire, and sends them back as prose, under the same
# headings as a CodeAgent. That works with any template. But a model that was trained on the role
# `tool` now reads a history in another notation than it writes.
#
# With a loop of your own, you would send it as the API has it.

# %% [markdown]
# ### Exercise 08.3 · ★★★ · 8 minutes
#
# Write `answered(message, functions)`, one round of a tool-calling loop. `message` is what came back
# (with `tool_calls`), `functions` a dictionary of Python functions. It returns the list of messages
# to append: `message` itself, then for each call
# `{"role": "tool", "tool_call_id": the call's id, "content": text}`.
#
# The text is `str(result)`. If there is no such function, or the arguments don't fit, or the function
# raises, it begins with `Error:`.
#
# <details><summary>Hint</summary>
#
# One `try:` around `functions[name](**json.loads(arguments))` catches all three.
#
# </details>

# %% tags=["stub"]
answered = ...


# %% tags=["solution"]
def answered(message, functions):
    more = [message]
    for call in message["tool_calls"]:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        try:
            text = str(functions[name](**json.loads(arguments)))
        except Exception as error:
            text = f"Error: {type(error).__name__}: {error}"
        more.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    return more


# %% tags=["folded"]
def asking_for(*calls):
    """A message with these calls: (id, name, text of the arguments)."""
    made = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": text}} for id, name, text in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def answers(answered):
    """What is wrong with the learner's function, in a sentence; True if nothing is."""
    functions = {"double": lambda n: 2 * n, "greet": lambda name: f"Hello {name}", "fail": lambda: 1 / 0}
    for calls, texts in (
        ([("x1", "double", '{"n": 21}')], ["42"]),
        ([("b", "greet", '{"name": "Ada"}'), ("a", "double", '{"n": 0}')], ["Hello Ada", "0"]),
        ([("u", "nobody", "{}"), ("v", "double", '{"n": 4}')], ["Error:", "8"]),
        ([("w", "double", '{"n": 4')], ["Error:"]),
        ([("w", "double", '{"m": 4}')], ["Error:"]),
        ([("f", "fail", "{}")], ["Error:"]),
    ):
        message = asking_for(*calls)
        more = answered(message, functions)
        shown = ", ".join(f"{name}({text})" for _, name, text in calls)
        if not isinstance(more, list) or len(more) != 1 + len(calls) or more[0] != asking_for(*calls):
            return f"for {shown} it returned {more!r:.120}, expected the message and {len(calls)} more"
        for (id, name, _), text, said in zip(calls, texts, more[1:], strict=True):
            if said.get("role") != "tool" or said.get("tool_call_id") != id:
                return f"the answer to {name} is {said!r:.120}, expected the role tool and the id {id!r}"
            content = said.get("content")
            if not isinstance(content, str) or not (content == text or text == content[:6] == "Error:"):
                return f"for {shown} the content is {content!r:.80}, expected {text!r}"
    return True


check.exercise("08.3", answered, answers, hint="an error is an answer, too: the model reads it")

# %% [markdown]
# This is what our template makes of such messages:

# %%
talk = [
    {"role": "user", "content": "How long is Pont des Arts?"},
    asking_for(("call_1", "web_search", '{"query": "length of Pont des Arts"}')),
    {"role": "tool", "tool_call_id": "call_1", "content": "155 m"},
]
print(server.apply_template(talk))

# %% [markdown]
# The JSON has become tags again, the ones that the model writes. The id is gone: it is for programs,
# and this template does not show it to the model.

# %% [markdown]
# ## Who does the arithmetic?
#
# Both agents have 9.62 from Python. Here is the line or the call that the model wrote for it:

# %%
for line in (code_run.turns[-1].code or "").splitlines():
    if "/" in line and "=" in line:
        print("code:     ", line.strip()[:100])
for call in (call for turn in call_run.turns for call in turn.tool_calls if call.name == "calculator"):
    print("tool call:", call.text)

# %% [markdown]
# Without a calculator, a ToolCallingAgent would have to do it in its head: in tokens.
#
# **Predict:** what does the embedded model say if you just ask, something `right` (9.6), or `wrong`?

# %%
guess = ...

# %%
sum_of_it = [{"role": "user", "content": "What is 155 / (58 * 1000 / 3600)?"}]
said = server.post("/v1/chat/completions", {"messages": sum_of_it, "temperature": 0, "max_tokens": 400})
in_its_head = said["choices"][0]["message"]
print(in_its_head.get("reasoning_content"), "→", in_its_head["content"])

# %%
check.prediction("08.p6", guess, was="right" if re.search(r"\b9\.6", in_its_head["content"] or "") else "wrong")

# %% [markdown]
# A small model, a hard sum. The blog post says that larger ones get such sums wrong surprisingly
# often, too. So for every number in an answer, it is worth knowing where it comes from.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claims(("the embedded model cannot do it in its head", "9.6" not in (in_its_head["content"] or "")))

# %% [markdown]
# ### Exercise 08.4 · ★★☆ · 8 minutes
#
# Write `first_said(number, events)`. `number` is a text such as `"9.62"`. `events` is a run as pairs
# `(who, text)`, in order; `who` is `"user"`, `"model"` or `"program"`. Return who said the number
# first, or `None` if nobody did.
#
# A number is a whole number only: `9.62` is not in `19.62`, nor in `9.625`, nor in `9.62.1`. A period
# that ends a sentence is allowed: "It takes 9.62."
#
# <details><summary>Hint</summary>
#
# `rf"(?<![\d.]){re.escape(number)}(?!\.?\d)"`: no digit or period before it, and no digit after it,
# with or without a period in between.
#
# </details>

# %% tags=["stub"]
first_said = ...


# %% tags=["solution"]
def first_said(number, events):
    whole = re.compile(rf"(?<![\d.]){re.escape(number)}(?!\.?\d)")
    return next((who for who, text in events if whole.search(text)), None)


# %% tags=["folded"]
def stories(random):
    """Runs that never were."""
    a, b = (f"{random.randrange(2, 99)}.{random.randrange(11, 99)}" for _ in range(2))
    asked = ("user", "How long does it take?")
    yield check.case(a, [asked, ("model", "x / y"), ("program", a), ("model", f"{a} s.")], gives="program", name="computed")
    yield check.case(a, [asked, ("model", f"I guess {a}."), ("program", a)], gives="model", name="in its head")
    yield check.case(a, [("user", f"Is it {a}?"), ("model", f"Yes, {a}.")], gives="user", name="from the question")
    yield check.case(a, [asked, ("program", f"1{a} m"), ("model", f"{a} m")], gives="model", name="part of a longer one")
    yield check.case(a, [asked, ("program", f"{a}5"), ("model", f"= {a}")], gives="model", name="rounded by the model")
    yield check.case(a, [asked, ("program", f"v{a}.1"), ("model", "?")], gives=None, name="part of a version")
    yield check.case("58", [asked, ("program", "58.4 km/h"), ("model", "It is 58.")], gives="model", name="58 in 58.4")
    yield check.case(b, [asked, ("program", f"It takes {b}. Or so.")], gives="program", name="at the end of a sentence")
    yield check.case("1.5", [asked, ("program", "1x5"), ("model", "no")], gives=None, name="the period is a period")
    yield check.case(a, [], gives=None, name="nobody said anything")


check.function("08.4", first_said, stories, hint="re.escape the number; look left and right of it")


# %% tags=["folded"]
def our_first_said(number, events):
    whole = re.compile(rf"(?<![\d.]){re.escape(number)}(?!\.?\d)")
    return next((who for who, text in events if whole.search(text)), None)


def events(run):
    """A run as (who, text): the question, what the model wrote, what the programs answered."""
    yield "user", LEOPARD
    for turn in run.turns:
        yield "model", "\n".join([turn.thinking or "", turn.content or "", *(c.text for c in turn.tool_calls)])
        yield "program", f"{turn.observation or ''}\n{turn.answer or ''}"


who = first_said if callable(first_said) else our_first_said

# %% [markdown]
# Who was it in your two runs? (`None`: the number does not occur.)

# %%
for name, run in (("code", code_run), ("tool calls", call_run)):
    print(name, {number: who(number, events(run)) for number in ("155", "58", "9.62", "16.11")})

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claims(
    *(
        (f"{number} comes from a program ({name})", our_first_said(number, events(finished)) == "program")
        for name, finished in (("code", code_run), ("tool calls", call_run))
        for number in ("155", "58", "9.62")
    )
)

# %% [markdown]
# At work, this is the first question about a wrong number. Said by a program: look at the formula that
# the model handed to it, then at the tool's sources. Said by the model: it was in its head, and a
# better tool won't help until it is used.

# %% [markdown]
# ## What does it cost to hand on a result?
#
# In code, a search result is a variable. A tool call has no variables: to give the pages to
# `most_frequent_figure`, the model has to *write them out* as an argument.
#
# **Predict:** of all tokens that the tool-calling model wrote, how many percent are copies of search
# results?

# %%
guess = ...

# %%
forms = [call.arguments for turn in call_run.turns for call in turn.tool_calls if isinstance(call.arguments, dict)]
pages = [str(form["pages"]) for form in forms if "pages" in form]
copied = sum(len(server.tokenize(text)) for text in pages)
generated = sum(turn.tokens.generated for turn in call_run.turns)
print(f"{copied} of {generated} generated tokens are pages that a program already had")

# %%
check.prediction("08.p7", guess, was=check.near(round(100 * copied / generated), by=10), unit="percent")

# %% [markdown]
# Each of them was generated (our server makes copies cheaper by [speculative decoding][sd]), and each
# can go wrong: a digit lost on the way is a wrong figure. So let tools return little, or keep their
# result and return a name for it.
#
# [sd]: ../docs/glossary.md#speculative-decoding

# %% tags=["folded", "embedded-only", "nbval-check-output"]
results = "\n".join(turn.observation or "" for turn in call_run.turns)
check.claims(
    ("more than a third of what it wrote is copied", copied > generated / 3, copied / generated),
    ("the copies are what the search printed", all(text.strip()[:200] in results for text in pages)),
    ("the code passed on a variable", "speed_pages" in (code_run.turns[-1].code or "")),
)

# %% [markdown]
# ## What can you tell before it runs?
#
# A tool call is data. A program can look at it and refuse: this tool never, that one only after a
# person said yes. Now the same for code. The rule is "two searches at most".

# %%
code = """
find = web_search
for animal in ["leopard", "cheetah", "lion"]:
    print(find(animal + " top speed")[:60])
"""

# %% [markdown]
# **Predict:** how many searches does that code make, and how many times does a filter find
# `web_search(` in it?

# %%
guess = {"searches": ..., "found": ...}

# %%
searches = []
executor = LocalPythonExecutor([])
executor.send_tools({"web_search": lambda query: searches.append(query) or OfflineSearch()(query)})
executor(code)
print(searches)
print(code.count("web_search("), "times web_search( in the code")

# %%
check.prediction("08.p8", guess, was={"searches": len(searches), "found": code.count("web_search(")})

# %% [markdown]
# A short program can be read before it runs; in general nobody can tell what one will do. With
# code, you set limits to what it *can* do: the
# [executor](../docs/glossary.md#executor)'s lists, counters in the tools, and around all of it the
# sandbox of lesson 09.

# %% [markdown]
# ## When is which the better choice?
#
# | what you need | take | because |
# |---|---|---|
# | few requests, many steps | code | 2 requests against one per call ("Which one asks more often?") |
# | long results, handed from tool to tool | code | a variable; a call copies them token by token |
# | arithmetic, sorting, filtering | code | it is Python; a call needs a tool for each |
# | to approve or log each action before it happens | tool calls | a call is data, a program is not |
# | no executor, no sandbox | tool calls | only your own functions run |
# | a model that was trained on calls, one that is weak at code | tool calls | template and parser know its notation |
# | a server without `--jinja`, or a template without tools | code | tools are plain text in the system prompt |
#
# And both fail alike where they are alike: the description of a tool is text in a prompt.

# %% [markdown]
# ## Recap
#
# - `tools` becomes text in the system message. The model answers in its own notation, and the
#   server's parser makes JSON of it.
# - `arguments` is a text that has to be parsed, and may not be JSON.
# - The API's role for results is `tool`. smolagents sends results as `user` text instead.
# - With calls, whatever goes from one tool to the next passes through the model.
# - Code needs limits around it. A call can be judged one by one.
#
# **In your own agent:** find the longest `arguments` on a tape. If it repeats what a tool returned,
# you pay for a copy, and trust it.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "08",
    check.question(
        "A response has an empty `content` and a `finish_reason` of `tool_calls`. What went wrong?",
        right="nothing",
        why="The call is in `tool_calls`. The words beside it are optional.",
        wrong={
            "the answer was cut off": "Then `finish_reason` would be `length`.",
            "the parser lost the call": "Then there would be no `tool_calls`, and its text would be in `content`.",
        },
    ),
    check.question(
        "After a change of the model, calls show up as text in `content`: `<function=search>…`. Where do you look?",
        right="at the server's template and parser for this model",
        why="The model did call. The server did not recognize the notation, so the text stayed where it was.",
        wrong={
            "at the JSON schema of the tool": "The model chose a tool. A schema does not decide who parses the answer.",
            "at the framework's system prompt": "It describes the tools. The notation of a call is the template's.",
        },
    ),
    check.question(
        "An agent answers with 9.7 s. On its tape, 9.7 is in the model's thinking only. What do you conclude?",
        right="no program computed it",
        why="It came from the model's head. Whether it is right is another question, and nobody checked.",
        wrong={
            "the calculator rounded it": "Then a tool's result would have it, or a longer number.",
            "the prompt cache returned an old answer": "A cache holds what was processed, never an answer.",
        },
    ),
)

# %% [markdown]
# **Next:** [09 The container is the sandbox](09_the_container_is_the_sandbox.ipynb): if code is the
# better way for you, it has to run somewhere where it can do no harm.

# %%
server.stop()
check.progress("08")
