# %% [markdown]
# # 08 · Code or tool calls
#
# An agent can act in two ways. It writes a program, as in all lessons so far. Or it fills in a form, a
# [tool call][tc], and your framework runs the tool. The blog post behind this course prefers code. Should you? Ask
# one question both ways, and count.
#
# **After this lesson you can**
#
# - say what the field `tools` becomes before a model reads it,
# - read a tool call off the wire, and answer it by hand,
# - tell who said a number first: user, model, program or system prompt,
# - choose between code and tool calls, and say which of your reasons are measured.
#
# **Minutes:** 50 · **Needs:** [lesson 05](05_wire_and_steps.ipynb)
#
# [tc]: ../docs/glossary.md#tool-call

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import re
from contextlib import suppress

from smolagents import LocalPythonExecutor, Model, Tool, tool
from smolagents.models import get_tool_json_schema

from course import check
from course.agent import LEOPARD, code_agent, recorded_run, tool_agent
from course.server import Server
from course.tape import Tape
from course.tools.calculator import Calculator
from course.tools.figures import MostFrequentFigure
from course.tools.search import OfflineSearch
from course.turns import text_of

# %% [markdown]
# ## Which one asks more often?
#
# First the [CodeAgent](../docs/glossary.md#codeagent) that you know, with its one tool, the search. (This run and the
# next take some minutes on two cores.)

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
code_run = recorded_run(server, LEOPARD, Tape(), max_steps=8)
print(len(code_run.turns), "requests ·", code_run.answer)

# %% [markdown]
# smolagents' other agent, `ToolCallingAgent`, cannot write code. So it gets two more tools, for what
# the code did: `most_frequent_figure` reads a figure off search results, and `calculator` computes.
#
# **Predict:** how many requests will it need: 2, 4, 6 or 10?

# %%
guess = ...

# %%
kit = [OfflineSearch(), MostFrequentFigure(), Calculator()]
whole = {"extra_body": {"verbose": True}}  # each response also has the model's text as it wrote it
call_run = recorded_run(server, LEOPARD, Tape(), build=tool_agent, tools=kit, max_steps=10, model=whole)
for turn in call_run.turns:
    for call in turn.tool_calls:
        print(f"{turn.number}  {call.name:<21} {call.text[:70]}")

# %%
check.prediction("08.p1", guess, was=len(call_run.turns), unit="requests")

# %% [markdown]
# One call per request, though the two searches did not need each other: a model that asks for several tools
# at once saves a request or two (smolagents would run them). The code agent made two requests. What did each way cost?

# %% tags=["folded"]
rows = {"code": code_run.turns, "tool calls": call_run.turns}
print(f"{'':<12}requests   prompt processed generated seconds")
spent = {}
for name, made in rows.items():
    spent[name] = [
        sum(getattr(turn.tokens, key) or 0 for turn in made) for key in ("prompt", "new", "generated")
    ]
    spent[name][1] += made[0].tokens.cached or 0  # what an earlier run has left in the cache is chance
    spent[name].append(sum(turn.seconds for turn in made))
    prompt, new, out, seconds = spent[name]
    print(f"{name:<12}{len(made):>8}{prompt:>9}{new:>10}{out:>10}{seconds:>8.1f}")
times = [after / (before or 1) for before, after in zip(spent["code"], spent["tool calls"], strict=True)]
print(f"{'ratio':<20}{times[0]:>9.1f}{times[1]:>10.1f}{times[2]:>10.1f}{times[3]:>8.1f}")

# %% [markdown]
# *Prompt* is what was sent. Here the two differ most, since each request sends everything again. *Processed* is
# what the server did not find in its [prompt cache](../docs/glossary.md#prompt-cache): here they differ far less. (A
# run's first prompt counts in full, even if an earlier run has left its beginning in the cache.)
#
# On your own machine you pay for *processed* and *generated*, in seconds (which also depend on what else the
# machine does). A provider's price list may count otherwise.
#
# Don't take the ratios with you: the embedded model was trained for these two runs, and the kit is ours. Two of the six
# requests are calls of `most_frequent_figure`. A model that reads the figure off the page itself does without them.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
one, other = code_run.turns, call_run.turns
check.claims(
    ("both find 9.62 seconds", all("9.62" in str(done.answer) for done in (code_run, call_run))),
    ("tool calls take more requests", len(other) > len(one)),
    ("the prompts grew more than the tokens processed", times[0] > times[1], times),
    ("one call in each request", all(len(turn.tool_calls) == 1 for turn in other)),
)

# %% [markdown]
# ## What is a tool call on the wire?
#
# The message of the first response has a new key, `tool_calls`:

# %%
message = next(turn.exchange.message for turn in call_run.turns if turn.exchange.message.get("tool_calls"))
print(json.dumps(message, indent=1))

# %% [markdown]
# JSON inside of JSON: `arguments` is a *text*, which your program has to parse. (`reasoning_content` is what the
# model thought first.) Did the model write that JSON? With `verbose`, llama-server also returns the unparsed text.

# %%
first = call_run.turns[0].exchange
raw = first.response["__verbose"]["content"]
print(raw)

# %% [markdown]
# No JSON at all. The server's *parser* read the tags, and put JSON on the wire. Model families use different
# notations; the one format on the wire hides that. If parser and model don't agree, a call stays in `content`, as
# text (appendix [07b](07b_failures_of_tool_calls.ipynb) shows one). And check `arguments`: OpenAI's API reference warns
# that a model does not always write valid JSON there.
#
# How did the model know the tools, and this notation? The client sent the tools as JSON, and the
# [chat template][template] made text of it:
#
# [template]: ../docs/glossary.md#chat-template

# %% tags=["folded"]
print("sent:", json.dumps(first.request["tools"][0])[:330], "…\n\nin the prompt:")
prompt = server.post("/apply-template", {key: first.request[key] for key in ("messages", "tools")})["prompt"]
bare = server.apply_template(first.request["messages"])
at = next(i for i, (a, b) in enumerate(zip(prompt, bare, strict=False)) if a != b)
print("…", prompt[at - 30 : at + len(prompt) - len(bare) + 28], "…")

# %% [markdown]
# It stands at the end of the *system message*: the JSON of every tool, and an example of the notation. So the field
# `tools` reaches the model as text, written by the template. (One thing is not in the prompt:
# `"tool_choice": "required"`. A server can enforce that by restricting which tokens come next.)
#
# ![Tools and tool calls: the client sends the tools as JSON, the chat template writes them into the
# system message, the model writes its call in tags, and llama-server's parser makes JSON of it for
# the client](../docs/pictures/calls.svg)

# %% tags=["folded", "nbval-check-output"]
system = text_of(first.messages[0])
names = [given["function"]["name"] for given in first.request["tools"]]
check.claims(
    (
        "every tool is in the field tools, final_answer too",
        "final_answer" in names and len(names) == len(kit) + 1,
    ),
    ("smolagents' system prompt describes every tool as well", all(f"- {name}:" in system for name in names)),
    ("the template wrote each tool's JSON into the prompt", all(f'"{name}"' in prompt for name in names)),
    ("the request asks for a call: tool_choice", first.request.get("tool_choice") == "required"),
)

# %% [markdown]
# ## What does a tool cost?
#
# smolagents' own system prompt describes the tools as well, so the tools of a ToolCallingAgent are in the prompt twice,
# once in JSON with all its braces. `first_prompt(build, tools)` gives the whole first prompt of an agent; `build` is
# `code_agent` or `tool_agent`.


# %% tags=["folded"]
def first_prompt(build, tools):
    made = build(Model(), tools=tools)
    messages = [
        {"role": "system", "content": made.system_prompt},
        {"role": "user", "content": "New task:\nHi"},
    ]
    fields = {"tools": [get_tool_json_schema(t) for t in made.tools.values()]} if build is tool_agent else {}
    return server.post("/apply-template", {"messages": messages, **fields})["prompt"]


size = {build: len(server.tokenize(first_prompt(build, kit))) for build in (code_agent, tool_agent)}
for build, count in size.items():
    print(f"{build.__name__}: {count:,} tokens of prompt with all three tools")

# %% [markdown]
# The CodeAgent's is longer to begin with. But what does one more tool add?
#
# ### Exercise 08.1 · ★★☆ · 7 minutes · your own
#
# Write a tool that you could use at work (or copy the function of exercise 03.1). How many tokens does it add to the first
# prompt of each agent, next to the search?
#
# <details><summary>Hint</summary>
#
# `@tool` needs types, and a docstring with a line for each argument under `Args:`. Then two prompts for each agent,
# with `[OfflineSearch(), my_tool]` and with `[OfflineSearch()]`; `len(server.tokenize(text))` counts the tokens.
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


check.exercise("08.1", tokens, measured, hint="with the tool minus without it, for each build")

# %% tags=["folded"]
grown = {build: len(server.tokenize(first_prompt(build, kit[:2]))) for build in size}
each = {build: size[build] - grown[build] for build in size}
more = (size[code_agent] - size[tool_agent]) / (each[tool_agent] - each[code_agent])
print(f"the calculator adds {each[code_agent]} tokens to code and {each[tool_agent]} to tool calls,")
print(f"so after some {more:.0f} more tools like it, both prompts are equally long")

# %% [markdown]
# ## How does a result get back?
#
# OpenAI's API has a role for it, `tool`, which names the call that it answers. This is what smolagents sends:

# %%
second = call_run.turns[:2][-1].exchange
for sent in second.messages[2:]:
    print(f"{sent['role']}: {text_of(sent)[:190]} …\n")

# %% [markdown]
# smolagents takes structured calls *from* the wire, and sends them back as text. So the template need not know the role
# `tool`, but the model reads its past calls in a different notation from the one that it writes. In a loop of your own,
# you would use the API's role.
#
# ### Exercise 08.2 · ★★★ · 8 minutes
#
# Write `answered(message, functions)`, one round of a tool-calling loop. `message` is what came back, with at least one
# call in `tool_calls`; `functions` is a dictionary of Python functions. It returns the list of messages to append:
# `message` (or a copy), then for each call `{"role": "tool", "tool_call_id": the call's id, "content": text}`.
#
# - The text is `str(result)`. If `arguments` is `""`, call the function without arguments.
# - If there is no such function, the arguments are not JSON or don't fit, or the function raises, the text begins with
#   `Error:`.
#
# <details><summary>Hint</summary>
#
# `json.loads(text or "{}")`. One `try:` around the lookup, the parsing and the call covers every error.
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
            text = str(functions[name](**json.loads(arguments or "{}")))
        except Exception as error:
            text = f"Error: {type(error).__name__}: {error}"
        more.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    return more


# %% tags=["folded"]
def asking_for(*calls):
    """A message with these calls: (id, name, text of the arguments)."""
    made = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": text}}
        for id, name, text in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def answers(answered):
    """What is wrong with the learner's function, in a sentence; True if nothing is."""
    functions = {
        "double": lambda n: 2 * n,
        "greet": lambda name="you": f"Hello {name}",
        "fail": lambda: 1 / 0,
    }
    for calls, texts in (
        ([("x1", "double", '{"n": 21}')], ["42"]),
        ([("b", "greet", '{"name": "Ada"}'), ("a", "double", '{"n": 0}')], ["Hello Ada", "0"]),
        ([("u", "nobody", "{}"), ("v", "double", '{"n": 4}')], ["Error:", "8"]),
        ([("e", "greet", "")], ["Hello you"]),
        ([("w", "double", '{"n": 4')], ["Error:"]),
        ([("w", "double", "[4]")], ["Error:"]),
        ([("w", "double", '{"m": 4}')], ["Error:"]),
        ([("f", "fail", "{}")], ["Error:"]),
    ):
        more = answered(asking_for(*calls), functions)
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


check.exercise("08.2", answered, answers, hint="an error is an answer, too: the model reads it")

# %% [markdown]
# Now send such messages to our template. (`asking_for` is from the check above: run that cell in any case.)
#
# **Predict:** as which role does the message with the role `tool` reach the model: `"tool"`, `"user"` or `"assistant"`?

# %%
guess = ...

# %%
talk = [
    {"role": "user", "content": "How long is Pont des Arts?"},
    asking_for(("call_1", "web_search", '{"query": "length of Pont des Arts"}')),
    {"role": "tool", "tool_call_id": "call_1", "content": "155 m"},
]
rendered = server.apply_template(talk)
print(rendered)

# %%
check.prediction(
    "08.p2", guess, was=rendered[: rendered.index("155 m")].rpartition("<|im_start|>")[2].split()[0]
)

# %% [markdown]
# As `user`, in `<tool_response>` tags. `tool` is a role of the *API*; what the model reads is up to the template,
# which has to render what its model was trained on. Ours also drops the id, and turns the JSON back into tags. So
# with this template, the model reads the result as the user's words either way, smolagents' or the API's.

# %% [markdown]
# ## Who does the arithmetic?
#
# Both agents got 9.62 from Python. Here is the line, or the call, that the model wrote for it, and what it says if
# you ask the same without tools:

# %% tags=["folded"]
for line in (code_run.turns[-1].code or "").splitlines():
    if re.match(r"\s*seconds\s*=", line):
        print("code:     ", line.strip()[:100])
print("tool call:", *(c.text for turn in call_run.turns for c in turn.tool_calls if c.name == "calculator"))
asked = [{"role": "user", "content": "What is 155 / (58 * 1000 / 3600)?"}]
said = server.post("/v1/chat/completions", {"messages": asked, "temperature": 0, "max_tokens": 400})
in_its_head = said["choices"][0]["message"]["content"]
print("asked:    ", asked[0]["content"])
print("said:     ", in_its_head)

# %% [markdown]
# Nothing in this sentence shows that no program computed it. So ask where each number in an answer comes from.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claims(("asked like this, the embedded model is wrong", "9.6" not in (in_its_head or "")))

# %% [markdown]
# ### Exercise 08.3 · ★★☆ · 8 minutes
#
# Write `first_said(number, events)`. `number` is a text such as `"9.62"`. `events` is a run as pairs
# `(who, text)`, in order; `who` is `"system"` (the system prompt), `"user"`, `"model"` or `"program"`. Return who said
# the number first, or `None` if nobody did.
#
# It has to be a complete number of the text:
#
# - `9.62` is not in `19.62`, `9.625` or `9.62.1`.
# - A comma belongs to a number only if exactly three digits follow it: `1,155` is one number, `max(155,58)` has two.
# - Anything else may stand beside it: `155m`, "It takes 9.62." or "9.62, about".
#
# <details><summary>Hint</summary>
#
# Fetch all complete numbers with `re.findall`, and see whether yours is among them: digits, then any number of times a
# period and digits, or a comma and three digits. `(?:…|…)*` repeats alternatives; `(?!\d)`: no digit may follow.
#
# </details>

# %% tags=["stub"]
first_said = ...


# %% tags=["solution"]
def first_said(number, events):
    whole = re.compile(r"\d+(?:\.\d+|,\d{3}(?!\d))*")
    return next((who for who, text in events if number in whole.findall(text)), None)


# %% tags=["folded"]
def stories(random):
    """Runs that never were."""
    a, b = (f"{random.randrange(2, 99)}.{random.randrange(11, 99)}" for _ in range(2))
    asked = ("user", "How long does it take?")
    rules = ("system", f"Call it like this: round({a},2)")
    for name, number, said, gives in (
        ("computed", a, [asked, ("model", "x / y"), ("program", a), ("model", f"{a} s.")], "program"),
        ("in its head", a, [asked, ("model", f"I guess {a}."), ("program", a)], "model"),
        ("from the question", a, [("user", f"Is it {a}?"), ("model", f"Yes, {a}.")], "user"),
        ("an example in the system prompt", a, [rules, asked, ("program", f"{a} s")], "system"),
        ("part of a longer one", a, [asked, ("program", f"1{a} m"), ("model", f"{a} m")], "model"),
        ("rounded by the model", a, [asked, ("program", f"{a}5"), ("model", f"= {a}")], "model"),
        ("part of a version", a, [asked, ("program", f"v{a}.1"), ("model", "?")], None),
        ("58 in 58.4", "58", [asked, ("program", "58.4 km/h"), ("model", "It is 58.")], "model"),
        ("155 in 1,155", "155", [asked, ("program", "1,155 m"), ("model", "155 m")], "model"),
        ("before the comma", "155", [asked, ("model", "max(155,58)"), ("program", "155")], "model"),
        ("after the comma", "58", [asked, ("model", "max(155,58)"), ("program", "58")], "model"),
        ("a letter beside it", "155", [asked, ("program", "155m"), ("model", "155")], "program"),
        ("at the end of a sentence", b, [asked, ("program", f"It takes {b}. Or so.")], "program"),
        ("before a clause", b, [asked, ("program", f"Say {b}, or so.")], "program"),
        ("the period is a period", "1.5", [asked, ("program", "1x5"), ("model", "no")], None),
        ("nobody said anything", a, [], None),
    ):
        yield check.case(number, said, gives=gives, name=name)


check.function("08.3", first_said, stories, hint="find the complete numbers first, then compare")

# %% [markdown]
# Who was it in your two runs? (`None`: the number does not occur, such as 16.11, the speed in meters per second.)


# %% tags=["folded"]
def our_first_said(number, events):
    whole = re.compile(r"\d+(?:\.\d+|,\d{3}(?!\d))*")
    return next((who for who, text in events if number in whole.findall(text)), None)


def events(run):
    """A run as (who, text): the system prompt and tools, the question, what the model wrote, what programs answered."""
    start = run.turns[0].exchange
    yield "system", text_of(start.messages[0]) + json.dumps(start.request.get("tools", []))
    yield "user", LEOPARD
    for turn in run.turns:
        yield (
            "model",
            "\n".join([turn.thinking or "", turn.content or "", *(c.text for c in turn.tool_calls)]),
        )
        yield "program", f"{turn.observation or ''}\n{turn.answer or ''}"


who = first_said if callable(first_said) else our_first_said
for name, run in (("code", code_run), ("tool calls", call_run)):
    print(name, {number: who(number, events(run)) for number in ("155", "58", "9.62", "16.11")})

# %% tags=["folded", "embedded-only", "nbval-check-output"]
check.claims(
    *(
        (f"{number} comes from a program (code)", our_first_said(number, events(code_run)) == "program")
        for number in ("155", "58", "9.62")
    ),
    *(
        (
            f"{number} is in the system prompt (tool calls)",
            our_first_said(number, events(call_run)) == "system",
        )
        for number in ("155", "58")
    ),
    ("9.62 comes from a program (tool calls)", our_first_said("9.62", events(call_run)) == "program"),
)

# %% [markdown]
# With tool calls, 155 and 58 stood in the system prompt before anything was searched: the calculator's description has
# the whole call as its example. The tools' results have both numbers as well, and the run can't show which the
# model copied. So keep numbers of the task out of a tool's description. 9.62 is the calculator's.

# %% [markdown]
# At work, ask this first about a wrong number. Said by a program: read what the model told it to compute, then its
# sources. Said by the model: look for a longer form of it in the results before (9.6207 for 9.62). If there is none, it
# comes from the model's head.

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

# %% tags=["folded"]
forms = [
    call.arguments for turn in call_run.turns for call in turn.tool_calls if isinstance(call.arguments, dict)
]
pages = [str(form["pages"]) for form in forms if "pages" in form]
copied = sum(len(server.tokenize(text)) for text in pages)
generated = sum(turn.tokens.generated for turn in call_run.turns)
print(
    f"{copied} of {generated} generated tokens ({copied / generated:.0%}) are pages that a program already had"
)

# %%
check.prediction("08.p3", guess, was=check.near(round(100 * copied / generated), by=10), unit="percent")

# %% [markdown]
# The model had to generate each of them, and each can go wrong: a digit lost on the way is a wrong figure. So let tools
# return little, or keep their result and return a name for it.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
results = " ".join(" ".join(turn.observation or "" for turn in call_run.turns).split())
check.claims(
    ("more than a third of what it wrote is copied", copied > generated / 3, copied / generated),
    ("this time, no character was lost", all(" ".join(text.split()) in results for text in pages)),
    ("the code passed on a variable", "speed_pages" in (code_run.turns[-1].code or "")),
)

# %% [markdown]
# ## What can you tell before it runs?
#
# A tool call is data. A program can look at it and refuse: this tool never, that one only if a person says yes.
# Now the same for code. The rule is "two searches at most". How many does this program make?

# %%
code = 'for line in web_search("big cats").splitlines():\n    web_search(line)'

# %% [markdown]
# That depends on what the first search returns. A filter that counts `web_search(` finds two. Don't judge the program:
# let the *tool* count.

# %%
searches = []


def limited(query):
    if len(searches) == 2:
        raise RuntimeError("two searches are enough")
    searches.append(query)
    return "leopard\ncheetah\nlion"


executor = LocalPythonExecutor([])
executor.send_tools({"web_search": limited})
with suppress(Exception):  # what an agent would send to the model, as the observation
    executor(code)
print(searches)

# %% [markdown]
# The third one raised. In the same way, a tool can ask a person before it acts. But it sees only its own calls. What else
# the code does, you limit by the [executor](../docs/glossary.md#executor)'s lists of what may be imported and called.
# Both stop mistakes. Hostile code can get around them, as lesson 09 shows; what has to hold is the sandbox around it all.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the third search did not happen", len(searches) == 2),
    ("a filter finds two", code.count("web_search(") == 2),
)

# %% [markdown]
# ## When is which the better choice?
#
# | what you need | take | because | how do we know? |
# |---|---|---|---|
# | many actions, few requests | code | 2 requests against 6, one per call | measured, with our kit |
# | long results, handed on | code | a variable; a call copies them token by token | measured, with our kit |
# | few tools, a short first prompt | tool calls | smolagents' system prompt for them is shorter | measured |
# | arithmetic, sorting, filtering | code | a call needs a tool for each | argued |
# | to approve all that an agent does | tool calls | it does nothing but calls; code can do more | argued |
# | no executor, no sandbox | tool calls | only your own functions run | argued |
# | a model trained on calls, weak at code | tool calls | template and parser know its notation | argued |
# | a template or a server without tools | code | tools are text in the system prompt | argued |
#
# "Measured" means on the embedded model, which was trained for just these two runs. Without
# `most_frequent_figure`, the kit should need fewer requests and hand on nothing long. Measure your model and tools on
# a question of your own before you choose.

# %% [markdown]
# ## Recap
#
# - `tools` becomes text in the system message. The model answers in its own notation, and the server's parser makes
#   JSON of it.
# - `arguments` is a text to parse, and it may not be JSON.
# - The API's role for results is `tool`. A template may show it to the model as `user`, and smolagents does not use it.
# - With calls, whatever goes from one tool to the next passes through the model.
# - Code needs limits around it. A call can be judged one by one.
#
# **In your own agent:** find the longest `arguments` on a tape. If it repeats what a tool returned,
# you pay for a copy, and you trust the model to have copied it right.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "08",
    check.question(
        "A response has an empty `content`, and a call in `tool_calls`. What went wrong?",
        right="nothing",
        why="The call is in `tool_calls`. The words beside it are optional.",
        wrong={
            "the answer was cut off": "Then `finish_reason` would be `length`.",
            "the parser lost the call": "Then there would be no `tool_calls`, and its text would be in `content`.",
        },
    ),
    check.question(
        "After you switched to another model, calls show up as text in `content`: `<function=search>…`. Where do you look?",
        right="at the server's template and parser for this model",
        why="The model did call. The server did not recognize the notation, so the text stayed where it was.",
        wrong={
            "at the tool's JSON in `tools`": "The model chose a tool. Descriptions don't parse answers.",
            "at the framework's system prompt": "It describes the tools. The notation of a call is the template's.",
        },
    ),
    check.question(
        "An agent answers with 9.7 s. On its tape, 9.7 is in the model's thinking only, and no result has 9.6… or 9.7…. "
        "What do you conclude?",
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
