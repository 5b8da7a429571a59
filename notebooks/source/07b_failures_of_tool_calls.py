# %% [markdown]
# # 07b · Failures of tool calls
#
# A CodeAgent writes its calls as Python. Most other agents use [tool calls][tc], which the server finds in
# the model's text. That takes a parser on the server and a format on the wire. Some of their failures are
# loud, some are silent. Here are four, each caused by one change.
#
# **After this appendix you can**
# - follow a tool call from the model's text to the client,
# - recognize a call that the server took for text, and one that was cut off,
# - check a call before you execute it, and a history before you send it.
#
# **Minutes:** 35 · **Needs:** [lesson 07](07_a_gallery_of_failures.ipynb)
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
# it: `ask` sends one request, and returns its turn. `findings` prints what `course diagnose` finds. The words are the
# model's own this time, since llama-server accepts no grammar in a request with `tools`. Don't mind what it searches for.

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


def findings(turn):
    """What `course diagnose` finds in a turn: the first proof, why it happens, and what to do next."""
    for finding in diagnose([turn]):
        print(f"{finding.title} ({finding.kind})")
        proof = finding.evidence[0].text
        print(f"  proof: {finding.evidence[0].where}: {proof[:60]!r}{' …' * (len(proof) > 60)}")
        for what, text in (("why", finding.why), ("next", finding.next)):
            print(fill(text, 96, initial_indent=f"  {what + ':':6} ", subsequent_indent=" " * 9))


_ = ask(QUESTION, max_tokens=1)  # from here on, all of the prompt is cached: rounding differs without a cache

# %% [markdown]
# ## What does a healthy call look like?
#
# The request offers a search in its field `tools`. You will see the text as the model wrote it
# (`"verbose": true` adds it to the response), and the message that the server made from it.
#
# **Predict:** what type are a call's `arguments` in that message: `"dict"` or `"str"`?

# %%
guess = ...
healthy = ask(QUESTION)
print(healthy.exchange.response["__verbose"]["content"])
print(json.dumps(healthy.exchange.message, indent=1))
print("finish_reason:", healthy.finish_reason)

# %% tags=["folded"]
call = healthy.exchange.message["tool_calls"][0]
check.prediction("07b.p1", guess, was=type(call["function"]["arguments"]).__name__)

# %% [markdown]
# A `str`: JSON inside of JSON. Without `verbose`, the model's own format, here with tags as in XML, would
# not reach the client. The server's *chat parser* translates it, takes the thinking out, and says
# `finish_reason: tool_calls`. Only the form is healthy: no parser can tell whether the query is a good one.

# %% [markdown]
# ## Server · one more flag
#
# **Change:** the server runs with `--skip-chat-parsing`, as a stand-in for any server whose parser
# does not know the format of its model.
#
# **Predict:** the `finish_reason`: `"tool_calls"`, `"stop"` or `"length"`?

# %%
guess = ...
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as skipping:
    _ = ask(QUESTION, on=skipping, max_tokens=1)  # a first request may be computed otherwise, as in lesson 08
    unparsed = ask(QUESTION, on=skipping)
print(repr(unparsed.content[-150:]))
print("tool_calls in the message:", "tool_calls" in unparsed.exchange.message)
print("finish_reason:", unparsed.finish_reason)

# %% tags=["folded"]
check.prediction("07b.p2", guess, was=unparsed.finish_reason)
findings(unparsed)

# %% [markdown]
# To the client this is a finished answer: no call to execute, no error to log, and the user sees the tags.
# **Repair:** a server whose parser knows the format, as in `healthy`. (`course diagnose` finds the flag as you did in
# lesson 06: the prompt has opened the thinking, and a closing tag alone came back, so no parser ran.)

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
# ## Client · a limit within the call
#
# **Change:** `max_tokens` ends the response within the call, somewhere after the tool's name.
#
# **Predict:** what can the `arguments` be then: `"missing"`, `"broken"` (`json.loads` fails), or `"valid"` JSON?
# Give a list, such as `["missing", "valid"]`.


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


# %%
guess = ...
length = healthy.tokens.generated
cuts = [ask(QUESTION, max_tokens=most) for most in range(length - 26, length, 3)]
for cut in cuts:
    written = cut.exchange.response["__verbose"]["content"]
    print(cut.tokens.generated, cut.finish_reason, state(cut), [call.text for call in cut.tool_calls])
    print("   the model's text ends:", repr(written[-24:]))

# %% tags=["folded"]
check.prediction("07b.p3", guess, was={state(cut) for cut in cuts})
findings([cut for cut in cuts if state(cut) == "broken"][-1])

# %% [markdown]
# The server passes on what it has translated so far, beginning with a `{` that the model never wrote.
# Broken JSON is the lucky case: a client that parses it raises an error. Once the server has added the
# last `}`, the JSON is whole, though the response is not: the model might have made a second call. Only
# the `finish_reason` tells you that it was cut off. (Both findings above are about the last *broken* call.
# About the *valid* ones, `course diagnose` only says `answer-cut`.)
#
# **Repair:** more tokens, and a client that never executes a call that came with `finish_reason: length`.

# %% tags=["folded", "nbval-check-output"]
states, reasons = {state(cut) for cut in cuts}, {cut.finish_reason for cut in cuts}
kinds = {finding.kind for cut in cuts if state(cut) == "broken" for finding in diagnose([cut])}
silent = {finding.kind for cut in cuts if state(cut) == "valid" for finding in diagnose([cut])}
check.claims(
    ("all of these responses were cut off", reasons == {"length"}, reasons),
    ("their arguments are broken or valid", {"broken", "valid"} <= states, states),
    ("diagnose: tool-call-cut where they are broken", "tool-call-cut" in kinds, kinds),
    ("and answer-cut where they are valid", "answer-cut" in silent, silent),
)

# %% [markdown]
# ### Exercise 07b.1 · ★★☆ · 8 minutes
#
# So far, the parser and the limit were at fault. The model can be, too: it calls a tool that it was not offered, or
# leaves an argument out. (llama-server prevents most of that with a grammar, which it makes from `tools` and applies once a
# call has begun. Other servers may not.)
#
# Write the check that a client should make before it executes anything: `verdict(choice, tools)`. `choice` is the
# response's first choice, as in `healthy.exchange.response["choices"][0]`; `tools` are those of the
# request, as in `TOOLS`. Print both first. If the response ended by the token limit, return `"cut off"`. If
# it has no calls (`tool_calls` is absent, `None` or empty), return `"answer"`. Otherwise take the calls in
# their order. The first call that is not fine decides, by the first of these that applies to it:
#
# - `"unknown tool"`, if its tool is not offered,
# - `"bad arguments"`, if its arguments are not JSON, or not an object,
# - `"missing argument"`, if an argument that its tool requires is not there.
#
# If all calls are fine, return `"execute"`. Arguments beyond the required ones are fine, too. A tool may have no
# `parameters`: then it requires nothing.
#
# <details><summary>Hint</summary>
# Make a dictionary first, from each tool's name to the arguments that it requires:
# <code>tool["function"].get("parameters", {}).get("required", [])</code>. <code>json.loads</code> raises a
# <code>ValueError</code> for what is not JSON.
# </details>

# %% tags=["stub"]
verdict = ...


# %% tags=["solution"]
def verdict(choice, tools):
    required = {t["function"]["name"]: t["function"].get("parameters", {}).get("required", []) for t in tools}
    if choice["finish_reason"] == "length":
        return "cut off"
    for each in choice["message"].get("tool_calls") or []:
        call, given = each["function"], None
        with suppress(ValueError):
            given = json.loads(call["arguments"])
        if call["name"] not in required:
            return "unknown tool"
        if not isinstance(given, dict):
            return "bad arguments"
        if not set(required[call["name"]]) <= given.keys():
            return "missing argument"
    return "execute" if choice["message"].get("tool_calls") else "answer"


# %% tags=["folded"]
def offered(random):
    """Choices that never were, with tools made up for them."""
    tool, key, other, bare = ("".join(random.sample("abcdefghklmnoprstu", 5)) for _ in range(4))
    schema = {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}
    each = ((tool, {"parameters": schema}), (other, {"parameters": {"type": "object"}}), (bare, {}))
    tools = [{"type": "function", "function": {"name": name, **more}} for name, more in each]
    good = json.dumps({key: f"about {random.randint(2, 99)}"})

    def choice(*calls, reason="tool_calls"):
        functions = [{"name": name, "arguments": text} for name, text in calls]
        made = [{"id": f"c{n}", "type": "function", "function": each} for n, each in enumerate(functions)]
        return {"finish_reason": reason, "message": {"role": "assistant", "content": "", "tool_calls": made}}

    plain = {"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}
    for each, gives, told in (
        (choice((tool, good)), "execute", "a whole call"),
        (choice((tool, good), reason="stop"), "execute", "a whole call, and the reason is stop"),
        (plain, "answer", "no tool_calls in the message"),
        ({**plain, "message": {**plain["message"], "tool_calls": None}}, "answer", "tool_calls is None"),
        ({**plain, "message": {**plain["message"], "tool_calls": []}}, "answer", "tool_calls is empty"),
        ({**plain, "finish_reason": "length"}, "cut off", "an answer, ended by the limit"),
        (choice((other, "{}")), "execute", "a tool without required arguments"),
        (choice((tool, good), reason="length"), "cut off", "valid JSON, ended by the limit"),
        (choice((tool, good[:-3]), reason="length"), "cut off", "broken JSON, ended by the limit"),
        (choice((f"{tool}x", good[:-3])), "unknown tool", "broken JSON for a tool that is not offered"),
        (choice((tool, good[:-1] + ', "x": 1}')), "execute", "one argument more than required"),
        (choice((f"{tool}x", good)), "unknown tool", "a name that is not offered"),
        (choice((tool, good[:-3])), "bad arguments", "broken JSON"),
        (choice((tool, json.dumps(good))), "bad arguments", "JSON, encoded twice"),
        (choice((tool, json.dumps([key]))), "bad arguments", "a list that holds the argument's name"),
        (choice((tool, '{"x": 1}')), "missing argument", "another argument"),
        (choice((tool, json.dumps({key: ""}))), "execute", "the argument is there, and empty"),
        (choice((bare, "{}")), "execute", "a tool without parameters"),
        (choice((tool, good), (tool, "{}")), "missing argument", "the second of two calls"),
        (choice((tool, "{}"), (f"{tool}x", good)), "missing argument", "two bad calls: the first decides"),
    ):
        yield check.case(each, tools, gives=gives, name=told)


check.function("07b.1", verdict, offered, hint="first the token limit, then one call after the other")

# %% [markdown]
# Your function on real responses, the healthy call and the last three that were cut off:

# %%
for each in (healthy, *cuts[-3:]):
    choice = each.exchange.response["choices"][0]
    told = "07b.1 is still open" if check.is_open(verdict) else verdict(choice, TOOLS)
    print(f"{each.tokens.generated} tokens, arguments {state(each)}: {told}")

# %% [markdown]
# ## Client · a cut call, stored
#
# A client without such a check keeps what came back.
# **Change:** in the history, the call has the arguments of the last *broken* one above. The tool's result
# follows it, as a message with the role `tool`.

# %%
call = healthy.exchange.message["tool_calls"][0]
said = {"role": "assistant", "content": None, "tool_calls": [deepcopy(call)]}
result = {"role": "tool", "tool_call_id": call["id"], "content": "The leopard runs at 58 km/h."}
history = [*QUESTION, said, result]
broken = deepcopy(history)
stored = [each.tool_calls[0].text for each in cuts if state(each) == "broken"][-1]
broken[1]["tool_calls"][0]["function"]["arguments"] = stored
print(broken[1]["tool_calls"][0]["function"])

# %% [markdown]
# **Predict:** what comes back: `"answer"`, `"HTTP 400"` (bad request), or `"HTTP 500"` (internal error)?

# %%
guess = ...
refused = ask(broken)
later = ask([*broken, {"role": "user", "content": "Are you there?"}])
mended = ask(history)
print("broken, broken with one more message, whole:", refused.status, later.status, mended.status)

# %% tags=["folded"]
check.prediction("07b.p4", guess, was="answer" if refused.status == 200 else f"HTTP {refused.status}")
findings(refused)

# %% [markdown]
# HTTP 500 sounds like a fault of the server. (Later builds may answer 400, see llama.cpp's issue [#25510][status].) The
# cause is a message in your own history: this chat template writes each argument between tags of its own, so the server
# has to take the JSON apart, and it does so in *every* request from now on. Real clients have been caught in that loop
# ([OpenHands #13949][loop]). **Repair:** drop the call with its result, or mend it, before it is stored.
#
# [status]: https://github.com/ggml-org/llama.cpp/issues/25510
# [loop]: https://github.com/OpenHands/OpenHands/issues/13949

# %% [markdown]
# ## Client · one message less
#
# **Change:** the call is whole, and its result is not in the history. Twice: once the call is the last
# message, once the user says "Go on." after it.
#
# **Predict** for each, `"answer"` or `"refuse"`: what does the server do?

# %%
guess = {"call last": ..., "go on": ...}
lost = {"call last": ask([*QUESTION, said])}
lost["go on"] = ask([*QUESTION, said, {"role": "user", "content": "Go on."}])
print("go on:", lost["go on"].exchange.message)

# %% tags=["folded"]
was = {which: "answer" if turn.status == 200 else "refuse" for which, turn in lost.items()}
check.prediction("07b.p5", guess, was)
findings(lost["go on"])

# %% [markdown]
# If the call is last, llama-server refuses: it would have to continue the call itself. If another message
# follows, it answers, though nobody ever searched, and reports no error. Here the model makes the same
# call again, so a client that loses every result would go round in circles. (The finding above is about
# "go on". The refused request has it, too, and then its effect, `request-refused`.) **Repair:** a result for
# every call, even if the tool failed: then the text of the error is the result.

# %% tags=["folded", "nbval-check-output"]
asked = [refused, later, mended, *lost.values()]
found = [{finding.kind for finding in diagnose([turn])} for turn in asked]
status = [turn.status for turn in asked]
check.claims(
    ("half a call: refused, twice", status[:2] in ([500, 500], [400, 400]), status),
    ("diagnose: arguments-refused", found[0] == found[1] == {"arguments-refused"}, found[:2]),
    ("mended: an answer", status[2] == 200, status),
    ("no result: refused if the call is last, else answered", status[3:] == [400, 200], status),
    ("diagnose: call-without-result", all("call-without-result" in each for each in found[3:]), found[3:]),
)

# %% [markdown]
# ### Exercise 07b.2 · ★★☆ · 7 minutes · for your own client
#
# Write `unanswered(messages)`: the ids of all calls in a history that have no result *after* them, in
# their order. You can put it in front of every request that your client sends, and add a result for each
# id that it returns, such as "error: the tool was not run", right after the message with the call. (Some APIs,
# such as OpenAI's, want every result there. For this exercise, any place after the call will do.)
#
# <details><summary>Hint</summary>
# Go through the messages with a list of open calls. Results are messages of the role
# <code>tool</code>, with a <code>tool_call_id</code>. Calls are in <code>tool_calls</code> of assistant
# messages, where the key may be absent or <code>None</code>.
# </details>

# %% tags=["stub"]
unanswered = ...


# %% tags=["solution"]
def unanswered(messages):
    waiting = []
    for message in messages:
        waiting += [call["id"] for call in message.get("tool_calls") or []]
        if message.get("tool_call_id") in waiting:
            waiting.remove(message["tool_call_id"])
    return waiting


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
        ([user, calls(a), user, gave(a)], [], "a result, but later"),
        ([user, calls(a), user], [a], "no result"),
        ([user, calls(a, b), gave(b), user], [a], "two calls, one result"),
        ([user, calls(a, b), gave(b), gave(a)], [], "results in another order"),
        ([user, calls(b), user, calls(a), user, calls(c), gave(c)], [b, a], "two of three"),
        ([user, answer, {**answer, "tool_calls": None}], [], "answers without calls"),
        ([user, gave(a), calls(a), user], [a], "a result before its call"),
        ([], [], "nothing at all"),
    ):
        yield check.case(messages, gives=gives, name=told)


check.function("07b.2", unanswered, histories, hint="go through the messages in order")

# %% [markdown]
# With your function, the history of "go on" can be repaired, and its finding is gone:

# %%
if check.is_open(unanswered):
    print("07b.2 is still open")
else:
    ids, why = unanswered([*QUESTION, said]), "error: the tool was not run"
    results = [{"role": "tool", "tool_call_id": id, "content": why} for id in ids]
    repaired = ask([*QUESTION, said, *results, {"role": "user", "content": "Go on."}])
    left = [finding.kind for finding in diagnose([repaired])]
    print(f"HTTP {repaired.status}, {len(results)} result added, findings: {', '.join(left) or 'none'}")

# %% [markdown]
# ## Recap
#
# - A tool call is text of the model that the server has parsed. If the parser does not know the
#   format, the call stays in `content`, with `finish_reason: stop`.
# - `arguments` is JSON in a string. It can be broken, or valid although the response was cut off.
# - `length` beside a tool call means: do not execute it.
# - One broken call in the history makes every later request fail, if the server takes the arguments apart.
# - A call without its result is refused, or the model goes on as if nothing were missing.
#
# **In your own agent:** run `verdict` on every response, and `unanswered` before every request.

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
            "the server's memory is corrupt": "It was restarted. The cause must come with the requests.",
            "the context window is full": "llama-server says that with HTTP 400, and names both numbers.",
        },
    ),
    check.question(
        "A call arrives with valid JSON. When must you not execute it?",
        right="if the response's `finish_reason` is `length`",
        why="The JSON of one call can be whole although the response is not: a second call may be missing.",
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
