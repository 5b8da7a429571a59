# %% [markdown]
# # 05 · Wire and steps, side by side
#
# Your agent ran, its log shows no error, and the answer is nonsense. There are two records of what
# happened: smolagents' [memory][m], and the bytes that went over the wire. They differ, and the
# model only ever saw the wire. In this lesson you lay one beside the other.
#
# **After this lesson you can**
#
# - match every step of a run with its request and response,
# - say what smolagents changes, adds, sends twice and drops on the way,
# - find out why a run broke when no step has an error,
# - record any client of a model server, and name a fault on its tape.
#
# **Minutes:** 45 · **Needs:** [lesson 03](03_read_the_system_prompt.ipynb)
#
# [m]: ../docs/glossary.md#memory

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

from smolagents import ActionStep

from course import check, diagnose, view
from course.agent import LEOPARD, recorded_run
from course.server import Server
from course.tap import Tap
from course.tape import Tape
from course.turns import exchanges, text_of, turns
from course.view.explorer import Explorer

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## One run, two records
#
# Memory is written at the top of this picture, in green. The tape is written in the middle, in
# orange, where nothing is left but bytes.
#
# ![The layers between a question and the bytes: CodeAgent, OpenAIModel, recording transport with
# the tape, llama-server with chat template, model and chat parser](../docs/pictures/layers.svg)

# %% [markdown]
# Three words for the rest of the course:
#
# - an [exchange][e] is one HTTP request with its response,
# - a [step][s] is what smolagents made of that response,
# - a [turn][t] is both, joined.
#
# **Predict:** after the leopard run, are there `more exchanges`, `more steps`, or the `same`
# number of both?
#
# [e]: ../docs/glossary.md#exchange
# [s]: ../docs/glossary.md#step
# [t]: ../docs/glossary.md#turn

# %%
guess = ...

# %% [markdown]
# `recorded_run` builds the agent, asks the question and writes both records to the tape.

# %%
tape = Tape()
run = recorded_run(server, LEOPARD, tape, max_steps=8)
calls = exchanges(tape.entries)
steps = [step for step in run.agent.memory.steps if isinstance(step, ActionStep)]
print(run.answer)
print(f"{len(calls)} exchanges on the tape, {len(steps)} steps in memory")

# %%
more = "more exchanges" if len(calls) > len(steps) else "more steps" if len(calls) < len(steps) else "same"
check.prediction("05.p1", guess, was=more)

# %% [markdown]
# ## Which step belongs to which exchange?
#
# If the numbers are the same, you could join the two lists by their order. That goes wrong without
# a sign as soon as a request is repeated or lost: every later step gets the wrong exchange. Look
# for something that is in both records:

# %%
print("wire:  ", calls[0].response_id)
print("memory:", steps[0].model_output_message.raw.id)

# %% tags=["folded", "nbval-check-output"]
pairs = zip(calls, steps, strict=True)
check.claims(
    (
        "the response's id is on the wire and in memory",
        all(call.response_id == step.model_output_message.raw.id for call, step in pairs),
    )
)

# %% [markdown]
# ### Exercise 05.1 · ★★☆ · 6 minutes
#
# Write `join(calls, steps)`. `calls` are the exchanges of a tape, `steps` those of memory, as
# dictionaries: `{"exchange": 3, "id": "chatcmpl-x"}` and `{"step": 2, "id": "chatcmpl-x"}`.
# Return a dictionary from each step's number to the number of its exchange, or to `None` if the
# tape does not have it. A failed request has no id (`None`), and some steps have none either.
#
# <details><summary>Hint</summary>
#
# First make a dictionary from id to exchange number, without the calls whose id is `None`. Then
# look up each step with `.get(...)`.
#
# </details>

# %% tags=["stub"]
join = ...


# %% tags=["solution"]
def join(calls, steps):
    exchange_of = {call["id"]: call["exchange"] for call in calls if call["id"]}
    return {step["step"]: exchange_of.get(step["id"]) for step in steps}


# %% tags=["folded"]
def runs(random):
    """Runs that never were: (exchange, id) and (step, id)."""
    a, b, c = ("chatcmpl-" + "".join(random.choices("ABCdef0123456789", k=6)) for _ in range(3))
    for name, on_tape, in_memory, gives in (
        ("two steps", [(1, a), (2, b)], [(1, a), (2, b)], {1: 1, 2: 2}),
        ("a failed request was sent again", [(1, a), (2, None), (3, b)], [(1, a), (2, b)], {1: 1, 2: 3}),
        ("the first exchange was lost", [(2, b), (3, c)], [(1, a), (2, b), (3, c)], {1: None, 2: 2, 3: 3}),
        ("a step without an id", [(1, a), (2, None), (3, c)], [(1, a), (2, None)], {1: 1, 2: None}),
        ("the tape is in another order", [(2, b), (1, a)], [(1, a), (2, b)], {1: 1, 2: 2}),
        ("the tape is empty", [], [(1, a)], {1: None}),
        ("nothing at all", [], [], {}),
    ):
        yield check.case(
            [{"exchange": number, "id": id} for number, id in on_tape],
            [{"step": number, "id": id} for number, id in in_memory],
            gives=gives,
            name=name,
        )


check.function("05.1", join, runs, hint="by id only; None is not an id")

# %% [markdown]
# The course does the same in `turns`, and says by what it joined:

# %%
made = turns(tape.records())
for turn in made:
    print(f"turn {turn.number}: exchange {turn.exchange.id}, step {turn.step['step_number']}, by {turn.joined}")

# %% [markdown]
# ## Side by side
#
# How to read the view below:
#
# 1. Time runs down. Each turn begins with how it ended, and a bar of its tokens.
# 2. **Left** is the wire: what was *new* in the request (→), then what came back (←).
# 3. **Right** is what smolagents made of that: the code it ran and the observation. The
#    observation returns on the left one turn later, as a message.

# %%
view.show(made)

# %% [markdown]
# ### Exercise 05.2 · ★☆☆ · 4 minutes
#
# Find four things in the *last* turn above:
#
# - `"new"`: how many messages of its request were new?
# - `"role"`: as which role does the observation of the turn before arrive?
# - `"processed"`: how many prompt tokens did the server have to process, because they were not in
#   its cache?
# - `"changed"`: how many things did smolagents change in this request?
#
# <details><summary>Hint</summary>
#
# The first two are at the top of the left column, `processed` is below the bar, and the right
# column ends with a line *What smolagents changed* that you can unfold.
#
# </details>

# %% tags=["stub"]
found = {"new": ..., "role": ..., "processed": ..., "changed": ...}

# %% tags=["solution"]
last = made[-1]
found = {
    "new": len(last.diff.added),
    "role": last.diff.added[-1]["role"],
    "processed": last.tokens.new,
    "changed": len(last.changes),
}

# %% tags=["folded"]
end = turns(tape.records())[-1]
there = {
    "new": len(end.diff.added),
    "role": end.diff.added[-1]["role"],
    "processed": end.tokens.new,
    "changed": len(end.changes),
}
check.exercise("05.2", found, there, hint="all four are in the last turn, not in the first")

# %% [markdown]
# The same view as a page of its own, with charts, a search and the raw bodies, is one file that
# you can send to a colleague. In a terminal: `course view` and the path of a tape.

# %%
page = tape.path.with_suffix(".html")
page.write_text(view.page(made, LEOPARD), encoding="utf-8")
print(f"{page.name}, {page.stat().st_size:,} bytes")

# %% [markdown]
# ## What changes on the way out?
#
# When the last step began, memory had messages of these [roles][r]:
#
# [r]: ../docs/glossary.md#role

# %%
last, last_step = made[-1], steps[-1]
remembered = [message.role.value for message in last_step.model_input_messages]
print(*remembered, sep=", ")

# %% [markdown]
# **Predict:** how many *different* roles are in the request on the wire?

# %%
guess = ...

# %%
sent = [message["role"] for message in last.exchange.messages]
print(*sent, sep=", ")

# %%
check.prediction("05.p2", guess, was=len(set(sent)), unit="roles")

# %% [markdown]
# smolagents sends `tool-call` as `assistant` and `tool-response` as `user`. Then it merges
# neighbors of one role into one message, with a line break in between. The model sees no tools at
# work: it sees itself talking, and you answering.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on the wire there are system, user and assistant", set(sent) <= {"system", "user", "assistant"}, sent),
    ("no two neighbors have the same role", all(a != b for a, b in pairwise(sent)), sent),
    ("the wire has fewer messages than memory", len(sent) < len(remembered), sent),
)

# %% [markdown]
# ### Exercise 05.3 · ★★☆ · 7 minutes
#
# Write that as a function, `on_the_wire(messages)`. It takes messages of memory as pairs of role
# and text, and returns those of the wire:
#
# `[("user", "Q"), ("assistant", "A"), ("tool-call", "C")]` becomes
# `[("user", "Q"), ("assistant", "A\nC")]`.
#
# <details><summary>Hint</summary>
#
# Go through the messages and rename the role. If the result already ends with a message of this
# role, add the text to that one; otherwise append a new pair.
#
# </details>

# %% tags=["stub"]
on_the_wire = ...


# %% tags=["solution"]
def on_the_wire(messages):
    name = {"tool-call": "assistant", "tool-response": "user"}
    wire = []
    for role, text in messages:
        role = name.get(role, role)
        if wire and wire[-1][0] == role:
            text = wire.pop()[1] + "\n" + text
        wire.append((role, text))
    return wire


# %% tags=["folded"]
S, Q, A, C, R = ("system", "S"), ("user", "Q"), ("assistant", "A"), ("tool-call", "C"), ("tool-response", "R")
check.function(
    "05.3",
    on_the_wire,
    [
        check.case([S, Q], gives=[S, Q], name="before the first step"),
        check.case([S, Q, A, C, R], gives=[S, Q, ("assistant", "A\nC"), ("user", "R")], name="one step"),
        check.case([C], gives=[("assistant", "C")], name="a call and nothing else"),
        check.case([Q, R, Q], gives=[("user", "Q\nR\nQ")], name="three in a row"),
        check.case(
            [S, Q, A, C, R, A, C, R],
            gives=[S, Q, ("assistant", "A\nC"), ("user", "R"), ("assistant", "A\nC"), ("user", "R")],
            name="two steps",
        ),
        check.case([R, Q, A, A], gives=[("user", "R\nQ"), ("assistant", "A\nA")], name="equal texts"),
        check.case([], gives=[], name="no messages"),
    ],
    hint="rename first, then compare with the last message of the result",
)

# %% [markdown]
# Two more things to know. Each content is a *list* of parts (in memory, too), where many chat templates
# expect a string. And the stop sequences of [lesson 03](03_read_the_system_prompt.ipynb) take the end
# of the code away: generation ends at `</code>`, and the server does not send it. smolagents appends
# it to every reply that lacks it, even to one that was cut off in the middle.

# %%
first, first_step = made[0], steps[0]
print(last.exchange.messages[1]["content"])
print("wire:  ", repr(first.content[-30:]))
print("memory:", repr(first_step.model_output[-30:]))

# %% [markdown]
# So what memory calls the output of the model is not what the model sent.

# %% tags=["folded", "nbval-check-output"]
contents = [message["content"] for message in last.exchange.messages]
check.claims(
    ("every content is a list with one text part", all([p["type"] for p in c] == ["text"] for c in contents)),
    (
        "every step's request has the three stop sequences",
        all(c.request["stop"] == ["Observation:", "Calling tools:", "</code>"] for c in calls),
    ),
    ("</code> is not on the wire", not first.content.rstrip().endswith("</code>")),
    ("memory has it", first_step.model_output == first.content + "</code>"),
)

# %% [markdown]
# ## What is sent twice?
#
# **Predict:** how many times is the code of step 1 in the last request?

# %%
guess = ...

# %%
past = next(text_of(m) for m in last.exchange.messages if "Calling tools:" in text_of(m))
print(past)

# %%
words, _, call = past.partition("Calling tools:")
check.prediction("05.p3", guess, was=sum("web_search" in part for part in (words, call)), unit="times")

# %% [markdown]
# Once as the model wrote it, and once more after `Calling tools:`, with `\n` for each line break.
# These are the `assistant` and the `tool-call` of memory, merged. It happens to each past step, in
# every later request. What it costs is in [the appendix](05b_the_bill.ipynb).

# %% tags=["folded", "nbval-check-output"]
lines = [line for line in first.code.splitlines() if line.strip()]
check.claims(
    ("each line of the code is in the model's words", all(line in words for line in lines)),
    ("the interpreter's call repeats it", "python_interpreter" in call),
)

# %% [markdown]
# ## What is dropped?
#
# In turn 1 the model thought before it wrote code:

# %%
print(first.thinking)

# %% [markdown]
# **Predict:** is this thought in the next request? Is it in memory? Put `yes` or `no`.

# %%
guess = {"next request": ..., "memory": ...}

# %%
thought = (first.thinking or "").strip()
later = "".join(text_of(message) for message in last.exchange.messages)
raw = steps[0].model_output_message.raw
kept = getattr(raw.choices[0].message, "reasoning_content", None) or ""
where = {"next request": thought in later, "memory": thought in kept}

# %%
check.prediction("05.p4", guess, was={place: "yes" if there else "no" for place, there in where.items()})

# %% [markdown]
# The thinking is never sent back: each step begins without the thoughts of the one before. What the
# model has not written into its reply, and its code has not printed, is lost to it.
#
# Memory still has it, on `raw`, the response object as the client read it. But what people log and
# share is `get_full_steps()`.
#
# **Predict:** which of these keys of the wire are left in `get_full_steps()`? Put `yes` or `no`.

# %%
guess = {"finish_reason": ..., "reasoning_content": ..., "timings": ..., "usage": ..., "stop": ...}

# %%
exported = json.dumps(run.agent.memory.get_full_steps(), default=str)
left = {key: f'"{key}":' in exported for key in guess}

# %%
check.prediction("05.p5", guess, was={key: "yes" if there else "no" for key, there in left.items()})

# %% [markdown]
# The export keeps the fields that OpenAI's client declares, such as `finish_reason` and `usage`.
# What llama-server adds to them falls off, and the request's own settings were never there.

# %% tags=["folded", "nbval-check-output"]
kept = {"finish_reason", "usage"}
check.claims(
    ("finish_reason and usage are in get_full_steps()", all(left[key] for key in kept), left),
    ("thinking, timings and stop are not", not any(left[key] for key in left.keys() - kept), left),
    ("no request has reasoning_content", not any("reasoning_content" in c.raw_request for c in calls)),
    ("timings are on raw", "timings" in raw.model_dump()),
)

# %% [markdown]
# ## A run that breaks without an error
#
# The same question with one number changed: each response may have 8 tokens. The agent may take
# two steps.
#
# **Predict:** what will smolagents say is wrong: a `syntax error`, an `empty answer`, or `nothing`?

# %%
guess = ...

# %%
short_tape = Tape()
short = recorded_run(server, LEOPARD, short_tape, model={"max_tokens": 8}, max_steps=2)
for turn in short.turns:
    print(f"turn {turn.number}: content: {turn.content!r}, error: {turn.step['error']}")

# %%
errors = [turn.step["error"] for turn in short.turns if turn.step["kind"] == "action"]
check.prediction("05.p6", guess, was="nothing" if not any(errors) else "syntax error")

# %% [markdown]
# `content` is empty. Empty text is valid Python, so two steps ran nothing and succeeded. The third
# request is the one that smolagents adds when the steps run out.
#
# `step.error` says nothing about the cause. Does anything in memory?

# %%
for step in short.agent.memory.steps:
    if isinstance(step, ActionStep):
        message = step.model_output_message
        reason = message.raw.choices[0].finish_reason if message else "no response object"
        print(f"step {step.step_number}: error: {step.error}, finish_reason: {reason}")

# %% [markdown]
# The [finish_reason][fr] is in memory, on `raw` (and so in `get_full_steps()`): `length` means that
# the response was cut off at `max_tokens`. What you would look at first, `step.error`, is silent.
# And the last call left no response object, so its id, its finish reason and its thinking are on the wire only.
#
# That last call is different in another way, too:
#
# [fr]: ../docs/glossary.md#finish-reason

# %%
for turn in short.turns:
    print(f"turn {turn.number}: stop = {turn.exchange.request.get('stop')}")

# %% tags=["folded", "nbval-check-output"]
*acted, rest = short.turns
check.claims(
    ("both steps have no error", not any(turn.step["error"] for turn in acted)),
    ("every response was cut off", all(t.finish_reason == "length" for t in short.turns)),
    ("the max-steps request has no stop sequences", "stop" not in rest.exchange.request),
    ("memory has no response for it", rest.step["kind"] == "max_steps" and not rest.step["response_id"]),
)

# %% [markdown]
# ### Exercise 05.4 · ★★☆ · 5 minutes
#
# Write the watch that smolagents lacks: `why_it_ended(step)` returns the `finish_reason` of a
# step's response, or `None` if memory does not have it. As a step callback in your own agent, it
# could warn you of every `length`.
#
# <details><summary>Hint</summary>
#
# The way is `step.model_output_message.raw.choices[0].finish_reason`. The message can be `None`
# (see above), `raw` is `None` when the response was streamed, and `choices` can be empty.
#
# </details>

# %% tags=["stub"]
why_it_ended = ...


# %% tags=["solution"]
def why_it_ended(step):
    message = step.model_output_message
    if message is None or message.raw is None or not message.raw.choices:
        return None
    return message.raw.choices[0].finish_reason


# %% tags=["folded"]
def a_step(*reasons, raw=True, message=True):
    """A step with a response of these choices."""
    choices = [SimpleNamespace(finish_reason=reason) for reason in reasons]
    response = SimpleNamespace(choices=choices) if raw else None
    return SimpleNamespace(
        step_number=1, error=None, model_output_message=SimpleNamespace(raw=response) if message else None
    )


check.function(
    "05.4",
    why_it_ended,
    [
        check.case(a_step("stop"), gives="stop", name="the model was done"),
        check.case(a_step("length"), gives="length", name="the response was cut off"),
        check.case(a_step("tool_calls"), gives="tool_calls", name="the model called a tool"),
        check.case(a_step(message=False), gives=None, name="out of steps: no message"),
        check.case(a_step(raw=False), gives=None, name="streamed: a message without raw"),
        check.case(a_step(), gives=None, name="a response without choices"),
    ],
    hint="three things can be missing: the message, raw, and the choices",
)

# %% [markdown]
# Now lay both runs side by side. The broken one is on the left. Choose the other under *Compare
# with*, and go through the turns. The headings tell the two apart: *finished by length* and
# *finished by stop*.

# %%
Explorer(tape, short_tape)

# %% [markdown]
# `course diagnose` reads a tape for you. It names each fault, shows the bytes that prove it, and
# says what to do. Its first finding for the short run:

# %%
findings = diagnose.diagnose(short.turns)
print(diagnose.text(findings[:1], short.turns))

# %% tags=["folded", "nbval-check-output"]
named = {f.turn for f in findings if f.kind in ("thinking-cut", "answer-cut")}
check.claims(("it names the cut in each turn", named == {t.number for t in short.turns}, named))

# %% [markdown]
# ### Exercise 05.5 · ★★☆ · 8 minutes · your own
#
# The wire does not need smolagents. `course tap` records any client: it passes on what it gets and
# writes it to a tape. Run the command that the next cell prints in a terminal, then ask in a
# second one, once with `"max_tokens": 8` and once with 300:
#
# ```bash
# curl http://127.0.0.1:8081/v1/chat/completions -H 'Content-Type: application/json' \
#   -d '{"messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 8}'
# ```
#
# (If the tap names another port than 8081, use that one.) End the tap with Ctrl-C, and read your
# tape with `course diagnose` and `course view`.

# %%
mine = Path("tapes/mine.tape.jsonl").resolve()
print(f"course tap --upstream {server.url} --tape {mine}")

# %% [markdown]
# Which turn of *your* tape was cut off, and what does `course diagnose` call that (the word in
# parentheses)?
#
# <details><summary>Hint</summary>
#
# The tape is `mine`, unless you chose another path. `course diagnose` prints lines such as
# "Turn 2 · … (the-name)".
#
# </details>

# %% tags=["stub"]
cut = {"tape": mine, "turn": ..., "fault": "..."}

# %% tags=["solution"]
from openai import OpenAI

own = Tape()
question = [{"role": "user", "content": "Who are you?"}]
with Tap(server.url, own) as tap:
    client = OpenAI(base_url=tap.base_url, api_key=server.api_key or "none", max_retries=0)
    for most in (8, 300):
        client.chat.completions.create(model="any", messages=question, max_tokens=most)
name = next(f.kind for f in diagnose.diagnose(turns(own.records())) if f.turn == 1 and "cut" in f.kind)
cut = {"tape": own.path, "turn": 1, "fault": name}


# %% tags=["folded"]
def proven(answer):
    """Whether the learner's tape has that fault in that turn; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "turn", "fault"} <= answer.keys():
        return "expected a dictionary with the keys tape, turn and fault"
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"there is no file {path} (seen from {Path.cwd()}). Did the tap write to another one?"
    seen = turns(Tape.read(path).records())
    if any(turn.step for turn in seen):
        return "this tape has steps of an agent on it; record a client that is not smolagents"
    if len(asked := [turn for turn in seen if turn.exchange and turn.exchange.is_call]) < 2:
        return f"there are {len(asked)} requests to the model on it; make at least two"
    faults = {(f.turn, f.kind) for f in diagnose.diagnose(seen) if f.kind in ("thinking-cut", "answer-cut")}
    if not faults:
        return "no response on it was cut off; ask again with a smaller max_tokens"
    turn, fault = str(answer["turn"]).lower().replace("turn", "").strip(), str(answer["fault"]).strip(" ()")
    if (turn, fault.lower()) in {(str(number), kind) for number, kind in faults}:
        return True
    return f"course diagnose does not find {fault!r} in turn {turn} of this tape"


check.exercise("05.5", cut, proven, hint="course diagnose and the path of your tape")

# %% [markdown]
# ## Recap
#
# | | where | what you see |
# |---|---|---|
# | changed on the way out | roles, neighbors | five roles become three; neighbors of one role are merged |
# | added on the way out | every step's request | `stop`; the max-steps request has none |
# | changed on the way in | the end of the content | `</code>` is appended, also to a reply that was cut |
# | sent twice | each past step | its code, again after `Calling tools:` |
# | dropped | the next request | all thinking |
# | lost in `get_full_steps()` | the response | thinking, timings; never had the settings of the request |
# | why it broke | `finish_reason` | on the wire and on `raw`; `step.error` is silent |
#
# Join by the response's id, not by order. Where memory and wire differ, the model read the wire.
#
# **In your own agent:** put `course tap` between it and its server, and look at the
# `finish_reason` of every response before you touch the prompt.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "05",
    check.question(
        "A step ran empty code, and its `error` is None. Where do you look first?",
        right="at the `finish_reason` of its response",
        why="`length` says that the response was cut off, for example in the middle of the thinking.",
        wrong={
            "at the executor's log": "The executor did its work: empty code is valid and does nothing.",
            "at the system prompt": "Only once you know that the response was complete.",
        },
    ),
    check.question(
        "A tape has six exchanges, memory has five steps. What is a likely reason?",
        right="a request failed and was sent again",
        why="Clients repeat some failures by themselves (OpenAI's: 429, 5xx). No step comes of the failed one.",
        wrong={
            "two neighbors of one role were merged": "That merges messages within a request.",
            "the thinking was dropped": "That happens inside an exchange; it takes none away.",
        },
    ),
    check.question(
        "In step 4 the model should use an idea from its thinking in step 2. Can it?",
        right="only if it wrote the idea into its content, or its code printed it",
        why="Content and observations are sent again with each request, the thinking is not.",
        wrong={
            "yes, memory keeps the thinking": "Memory has it on `raw`, but does not send it.",
            "yes, it is in the KV cache": "The cache is used only where the new prompt has the same tokens.",
        },
    ),
)

# %% [markdown]
# **Next:** the appendix, [05b The bill](05b_the_bill.ipynb), on what all this costs in tokens. Or
# straight to [06 Break `--jinja` on purpose](06_break_jinja.ipynb): smolagents parsed `content`
# only, because the thinking was out of the way. One server setting does that, and you take it away.

# %%
server.stop()
check.progress("05")
