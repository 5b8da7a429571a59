# %% [markdown]
# # 07b · Failures of tool calls
#
# A CodeAgent writes its calls as Python. Most other agents have the server hand them over as
# [tool calls][tc]. That adds a parser on the server and a format on the wire, and both can fail in
# silence. Four exhibits, each by one change.
#
# **After this appendix you can**
# - follow a tool call from the model's text to the client,
# - recognize a call that the server took for text, and one that was cut off,
# - find out why a conversation with tools is refused from some request on,
# - check a call before you execute it.
#
# **Minutes:** 30 · **Needs:** [lesson 07](07_a_gallery_of_failures.ipynb)
#
# [tc]: ../docs/glossary.md#tool-call

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
from contextlib import suppress
from copy import deepcopy
from textwrap import fill

from openai import APIError

from course import check
from course.agent import connect
from course.diagnose import diagnose
from course.server import Server
from course.tape import Tape
from course.turns import turns

server = Server("embedded", url=False, quiet=True).start()

# %% [markdown]
# As in lesson 07, the servers are the lesson's own. The client is OpenAI's, without an agent around
# it: `ask` sends one request, and returns its turn. `name` prints what `course diagnose` finds.

# %% tags=["folded"]
SEARCH = {
    "name": "web_search",
    "description": "Searches the web.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "what to look for"}},
        "required": ["query"],
    },
}
TOOLS = [{"type": "function", "function": SEARCH}]
QUESTION = [{"role": "user", "content": "How fast is a leopard? Search for it."}]


def ask(messages, on=None, **settings):
    """One request that offers a search, as a turn."""
    tape = Tape()
    model = connect(on or server, tape)  # for its client, which records on the tape
    settings = {"max_tokens": 300, "extra_body": {"verbose": True}, **settings}
    try:
        model.client.chat.completions.create(
            model="any", messages=messages, tools=TOOLS, temperature=0, **settings
        )
    except APIError as error:
        print(type(error).__name__, "·", str(error)[:160])
    (turn,) = turns(tape.records())
    return turn


def name(turn):
    """The findings of `course diagnose`, without their proof."""
    for finding in diagnose([turn]):
        print(f"{finding.title} ({finding.kind})")
        print(fill(finding.next, 96, initial_indent="  next: ", subsequent_indent="        "))


# %% [markdown]
# ## What does a healthy call look like?
#
# The request offers a tool in its field `tools`. This is the text that the model wrote, and the
# message that the server made of it.
#
# **Predict:** look at neither yet. Which type has `arguments` in the message: a `dict`, or `text`?

# %%
guess = ...

# %%
healthy = ask(QUESTION)
print(healthy.exchange.response["__verbose"]["content"])
print(json.dumps(healthy.exchange.message, indent=1))

# %%
call = healthy.exchange.message["tool_calls"][0]
check.prediction("07b.p1", guess, was="text" if isinstance(call["function"]["arguments"], str) else "dict")

# %% [markdown]
# Text: JSON inside of JSON. The model's own format (XML for this one) never reaches the client. The
# server's parser translates it, takes the thoughts out, and says `finish_reason: tool_calls`.

# %% [markdown]
# ## A call that stays in the content
#
# **Change:** the server runs with `--skip-chat-parsing`, as a stand-in for any server whose parser
# does not know the format of its model.
#
# **Predict:** the `finish_reason`: `tool_calls`, `stop` or `length`?

# %%
guess = ...

# %%
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as skipping:
    unparsed = ask(QUESTION, on=skipping)
print(repr(unparsed.content[-150:]))
print("tool_calls" in unparsed.exchange.message)

# %%
check.prediction("07b.p2", guess, was=unparsed.finish_reason)
name(unparsed)

# %% [markdown]
# To the client this is a finished answer. It shows XML to the user, no tool is called, and nothing
# is logged as an error. **Repair:** a server, or a parser, that knows the model's format; `healthy`
# is the same request on such a one.

# %% tags=["folded", "nbval-check-output"]
kinds = {finding.kind for finding in diagnose([unparsed])}
check.claims(
    ("healthy: one call, no findings", len(healthy.tool_calls) == 1 and not diagnose([healthy])),
    ("healthy: finish_reason tool_calls", healthy.finish_reason == "tool_calls", healthy.finish_reason),
    ("unparsed: no tool_calls", "tool_calls" not in unparsed.exchange.message),
    ("unparsed: stop", unparsed.finish_reason == "stop", unparsed.finish_reason),
    ("diagnose: the call stands in the content", "tool-call-in-content" in kinds, kinds),
)

# %% [markdown]
# ## A call that was cut off
#
# **Change:** `max_tokens` ends the response within the call. (The cell counts the tokens
# up to that point.)
#
# **Predict:** what are the `arguments` now: `missing`, `broken` JSON, or `valid` JSON?

# %%
guess = ...

# %%
raw = healthy.exchange.response["__verbose"]["content"]
query = json.loads(call["function"]["arguments"])["query"]
middle = raw.rindex(query) + len(query) // 2
cut = ask(QUESTION, max_tokens=len(server.tokenize(raw[:middle])))
print(cut.finish_reason, json.dumps(cut.exchange.message.get("tool_calls"), indent=1))


# %% tags=["folded"]
def state(turn):
    """What became of the arguments."""
    if not turn.tool_calls:
        return "missing"
    try:
        json.loads(turn.tool_calls[0].text)
    except ValueError:
        return "broken"
    return "valid"


check.prediction("07b.p3", guess, was=state(cut))

# %%
name(cut)

# %% [markdown]
# The server passes on what it has. If that is broken JSON, you are lucky: a client that parses it
# raises an error. Cut the response a little later, one tag before its end:

# %%
almost = ask(QUESTION, max_tokens=len(server.tokenize(raw[: raw.rindex("</tool_call>")])))
print(almost.finish_reason, json.dumps(almost.exchange.message.get("tool_calls"), indent=1))
print("the arguments are", state(almost))

# %% [markdown]
# Where the JSON is valid, one word alone says that the model was not done: `length`. A second
# argument or a second call may be missing. **Repair:** more tokens, and a client that never executes
# a call whose `finish_reason` is `length`.

# %% tags=["folded", "nbval-check-output"]
kinds = {finding.kind for finding in diagnose([cut])}
check.claims(
    ("both responses were cut off", cut.finish_reason == almost.finish_reason == "length"),
    ("diagnose says so", bool(kinds & {"answer-cut", "thinking-cut", "tool-call-cut"}), kinds),
)

# %% [markdown]
# ### Exercise 07b.1 · ★★☆ · 8 minutes
#
# Write what a client should do before it executes anything: `verdict(choice, tools)`. It looks at
# one choice of a response, which has `tool_calls`, and at the tools of the request. It returns the
# first of these that applies:
#
# - `"cut off"`, if the response ended by the token limit,
# - `"unknown tool"`, if a call is for a tool that is not offered,
# - `"bad arguments"`, if its arguments are not JSON, or not an object,
# - `"missing argument"`, if one that the tool's schema requires is not there,
# - `"execute"`.
#
# <details><summary>Hint</summary>
# Make a dictionary first, from each tool's name to what its schema requires:
# <code>tool["function"]["parameters"].get("required", [])</code>. <code>json.loads</code> raises a
# <code>ValueError</code> for what is not JSON.
# </details>

# %% tags=["stub"]
verdict = ...


# %% tags=["solution"]
def verdict(choice, tools):
    required = {t["function"]["name"]: t["function"]["parameters"].get("required", []) for t in tools}
    if choice["finish_reason"] == "length":
        return "cut off"
    for call in (each["function"] for each in choice["message"]["tool_calls"]):
        given = None
        with suppress(ValueError):
            given = json.loads(call["arguments"])
        if call["name"] not in required:
            return "unknown tool"
        if not isinstance(given, dict):
            return "bad arguments"
        if not set(required[call["name"]]) <= given.keys():
            return "missing argument"
    return "execute"


# %% tags=["folded"]
def offered(random):
    """Choices that never were, with tools made up for them."""
    tool, key, other = ("".join(random.sample("abcdefghklmnoprstu", 5)) for _ in range(3))
    schema = {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}
    free = {"type": "object", "properties": {}}
    tools = [
        {"type": "function", "function": {"name": n, "parameters": s}}
        for n, s in ((tool, schema), (other, free))
    ]
    good = json.dumps({key: f"about {random.randint(2, 99)}"})

    def choice(*calls, reason="tool_calls"):
        made = [
            {"id": f"c{n}", "type": "function", "function": {"name": a, "arguments": b}}
            for n, (a, b) in enumerate(calls)
        ]
        return {"finish_reason": reason, "message": {"role": "assistant", "content": "", "tool_calls": made}}

    for each, gives, told in (
        (choice((tool, good)), "execute", "a whole call"),
        (choice((other, "{}")), "execute", "a tool without required arguments"),
        (choice((tool, good), reason="length"), "cut off", "valid JSON, ended by the limit"),
        (choice((f"{tool}x", good)), "unknown tool", "a name that is not offered"),
        (choice((tool, good[:-3])), "bad arguments", "broken JSON"),
        (choice((tool, json.dumps(good))), "bad arguments", "JSON, encoded twice"),
        (choice((tool, '{"x": 1}')), "missing argument", "another argument"),
        (choice((tool, good), (tool, "{}")), "missing argument", "the second of two calls"),
    ):
        yield check.case(each, tools, gives=gives, name=told)


check.function("07b.1", verdict, offered, hint="in the order of the list, for every call")

# %% [markdown]
# ## A broken call in the history
#
# Suppose that a client has stored half a call, for example from a stream that broke off, and goes
# on. **Change:** the arguments have lost their last characters. Everything else is as it was sent.

# %%
said = {"role": "assistant", "content": None, "tool_calls": [deepcopy(call)]}
result = {"role": "tool", "tool_call_id": call["id"], "content": "The leopard runs at 58 km/h."}
history = [*QUESTION, said, result]
broken = deepcopy(history)
broken[1]["tool_calls"][0]["function"]["arguments"] = call["function"]["arguments"][:-4]
print(broken[1]["tool_calls"][0]["function"])

# %% [markdown]
# **Predict:** the next request has this message. Does the server `answer`, or `refuse`? And the
# request after that one?

# %%
guess = {"next": ..., "after that": ...}

# %%
refused = ask(broken)
later = ask([*broken, {"role": "user", "content": "Are you there?"}])

# %%
answers = {"next": refused.status, "after that": later.status}
was = {which: "answer" if status == 200 else "refuse" for which, status in answers.items()}
check.prediction("07b.p4", guess, was=was)
name(refused)

# %% [markdown]
# HTTP 500 sounds like a fault of the server. It is a message of your own history: the template
# wants the arguments as values, so the server has to parse them, in *every* request from now on.
# **Repair:** drop the call with its result, or mend it, before it is stored.

# %%
mended = ask(history)
print("HTTP status", mended.status)

# %% [markdown]
# ## A result that got lost
#
# **Change:** the history is whole, but without the message that has the tool's result.
#
# **Predict:** does the server `answer`, or `refuse`?

# %%
guess = ...

# %%
lost = ask([*QUESTION, said, {"role": "user", "content": "Go on."}])
print("HTTP status", lost.status, "·", lost.finish_reason)

# %%
check.prediction("07b.p5", guess, was="answer" if lost.status == 200 else "refuse")
name(lost)

# %% [markdown]
# If another message follows, llama-server answers, and the model goes on as if it had searched, or
# searches again. Other servers refuse this, so the same client "works" with one and not with another. **Repair:** send a
# result for every call, also if the tool failed: then the text of the error is the result.

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose([turn])} for turn in (refused, later, mended, lost)]
check.claims(
    ("half a call: HTTP 500, twice", (refused.status, later.status) == (500, 500)),
    ("diagnose: arguments-refused", found[0] == found[1] == {"arguments-refused"}, found[:2]),
    ("mended: an answer", mended.status == 200, mended.status),
    ("lost: an answer as well", lost.status == 200, lost.status),
    ("diagnose: call-without-result", found[3] == {"call-without-result"}, found[3]),
)

# %% [markdown]
# ### Exercise 07b.2 · ★★☆ · 7 minutes · for your own client
#
# Write `unanswered(messages)`: the ids of all calls in a history that have no result, in their
# order. It is a check that you can put in front of every request that your client sends.
#
# <details><summary>Hint</summary>
# Results are messages of the role <code>tool</code>, with a <code>tool_call_id</code>. Calls are in
# <code>tool_calls</code> of assistant messages, where the key may be absent or <code>None</code>.
# </details>

# %% tags=["stub"]
unanswered = ...


# %% tags=["solution"]
def unanswered(messages):
    answered = {m["tool_call_id"] for m in messages if m["role"] == "tool"}
    calls = [call["id"] for m in messages for call in m.get("tool_calls") or []]
    return [id for id in calls if id not in answered]


# %% tags=["folded"]
def histories(random):
    """Conversations with calls and results, with new ids each time."""
    a, b, c = ("call_" + "".join(random.choices("ABCDEFGH0123456789", k=8)) for _ in range(3))
    user, answer = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}

    def calls(*ids):
        function = {"name": "f", "arguments": "{}"}
        made = [{"id": id, "type": "function", "function": function} for id in ids]
        return {"role": "assistant", "content": None, "tool_calls": made}

    def gave(id):
        return {"role": "tool", "tool_call_id": id, "content": "done"}

    for messages, gives, told in (
        ([user, calls(a), gave(a)], [], "a result for the call"),
        ([user, calls(a), user], [a], "no result"),
        ([user, calls(a, b), gave(b), user], [a], "two calls, one result"),
        ([user, calls(a, b), gave(b), gave(a)], [], "results in another order"),
        ([user, calls(b), user, calls(a), user, calls(c), gave(c)], [b, a], "two of three"),
        ([user, answer, {**answer, "tool_calls": None}], [], "answers without calls"),
        ([], [], "nothing at all"),
    ):
        yield check.case(messages, gives=gives, name=told)


check.function("07b.2", unanswered, histories, hint="collect the ids of the results first")

# %% [markdown]
# ## Recap
#
# - A tool call is text of the model that the server has parsed. If the parser does not know the
#   format, the call stays in `content`, with `finish_reason: stop`.
# - `arguments` is JSON in a text. It can be broken, encoded twice, or whole and yet cut.
# - `length` beside a tool call means: do not execute it.
# - One broken call in the history spoils every later request.
#
# **In your own agent:** put `verdict` behind every response, and `unanswered` in front of every
# request.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "07b",
    check.question(
        "The user of your agent sees `<tool_call>` in an answer. Where do you look?",
        right="at the server's chat parser and template",
        why="The model did call the tool, in its own format. The server did not recognize it.",
        wrong={
            "at the tool's description": "The model understood it well enough to write the call.",
            "at the code of the tool": "It was never executed.",
        },
    ),
    check.question(
        "From the fifth request on, a server answers each request with HTTP 500. A restart does not help. Why?",
        right="a message that each of these requests repeats",
        why="A history is sent whole each time. One broken call in it is refused every time.",
        wrong={
            "the server's memory is corrupt": "It was restarted, and a new conversation works.",
            "the context window is full": "llama-server says that with HTTP 400, and names both numbers.",
        },
    ),
    check.question(
        "A call arrives with valid JSON. When must you not execute it?",
        right="if the response's `finish_reason` is `length`",
        why="The server may have closed the JSON of a call that the limit cut off.",
        wrong={
            "if `content` is empty beside it": "That is how calls usually come.",
            "if the model thought before it": "Thinking models think before calls, too.",
        },
    ),
)

# %%
check.progress("07b")
server.stop()

# %% [markdown]
# **Next:** [lesson 08, code or tool calls](08_code_or_tool_calls.ipynb): when is which the better
# choice?
