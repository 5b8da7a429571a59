# %% [markdown]
# # 05 · Wire and steps, side by side
#
# smolagents keeps a diary of every run, its *memory*. The tape keeps the bytes. In this lesson
# you lay one beside the other and find out where they differ, because that is where agents
# become mysterious to people who have read only one of them.
#
# **After this lesson you can** match every step to its exchange, say what smolagents changed
# on the way out, what it dropped on the way back and what it sends twice, read a token bill, and
# lay a run that broke beside one that did not.
#
# **Minutes:** 55 · **Needs:** lesson 01 (a server), lesson 03 (the prompt)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
from itertools import pairwise

from smolagents import ActionStep

from course import check, diagnose, view
from course.agent import LEOPARD, code_agent, connect, record_run
from course.server import Server
from course.tape import Tape
from course.turns import exchanges, text_of, turns
from course.view.explorer import Explorer

server = Server(PROFILE, url=SERVER).start()

# %% [markdown]
# ## One run, two records
#
# The model below speaks HTTP through a transport that copies every byte to the tape. A step
# callback adds what smolagents made of each response. Nothing in smolagents is patched.
#
# An *exchange* is one HTTP request with its response, a *step* is what smolagents made of it, and
# a *turn* is both, joined.
#
# **Predict:** how many steps will memory have, and what could make the two numbers differ?

# %%
tape = Tape()
model = connect(server, tape)
agent = code_agent(model, max_steps=8)
record_run(tape, LEOPARD, server, model)
answer = agent.run(LEOPARD)
answer

# %%
calls = exchanges(tape.entries)
steps = [step for step in agent.memory.steps if isinstance(step, ActionStep)]
print(f"{len(calls)} exchanges on the tape, {len(steps)} action steps in memory")

# %% [markdown]
# The same number, this time. It need not be: a retried request puts one exchange more on the
# tape, and so does the extra call that smolagents makes when it runs out of steps. Whoever
# joins the two lists by order is wrong from that point on, without noticing.
#
# So look for something that is in both places.

# %%
print("wire:  ", calls[0].response_id)
print("memory:", steps[0].model_output_message.raw.id)

# %% tags=["nbval-check-output"]
check.claim(
    "the response's id is on the wire and in memory",
    calls[0].response_id == steps[0].model_output_message.raw.id,
    saw=calls[0].response_id,
)

# %% [markdown]
# ### Exercise 05.1 · ★☆☆ · 5 minutes
#
# Make a dictionary from step number to the number of its exchange on the tape (`call.id`),
# joined by the response's id and by nothing else.
#
# <details><summary>Hint</summary>
# A step has <code>step.step_number</code> and <code>step.model_output_message.raw.id</code>,
# a call has <code>call.id</code> and <code>call.response_id</code>.
# </details>

# %% tags=["stub"]
matched = ...

# %% tags=["solution"]
exchange_of = {call.response_id: call.id for call in calls}
matched = {step.step_number: exchange_of[step.model_output_message.raw.id] for step in steps}

# %%
made = turns(tape.records())
joined = {turn.step["step_number"]: turn.exchange.id for turn in made if turn.step}
check.exercise("05.1", matched, lambda m: m == joined, hint="one entry for each step: {1: …, 2: …}")

# %% [markdown]
# `turns` does the same for the whole tape. Take an exchange away, and the others keep their
# steps; the step that lost its exchange stays in the list and says so.

# %% tags=["nbval-check-output"]
first_entry = tape.entries[0]
torn = turns(record for record in tape.records() if record is not first_entry)
still = {t.step["step_number"]: t.exchange.id for t in torn if t.step and t.exchange}
check.claim(
    "without the first exchange every other step keeps its own",
    still == {number: id for number, id in joined.items() if id != first_entry["_id"]},
    saw=still,
)

# %% [markdown]
# ## Side by side
#
# Left, what went over the wire; right, what smolagents made of it. Read it from the top: the
# request with what was new in it, the thinking, the content, then the code, the observation.
# The observation on the right comes back on the left, one turn later, as a message.

# %%
view.show(made)

# %% [markdown]
# The same as a page of its own: one file, with charts, a search, and every raw body to copy or to
# send again with `curl`. On the command line that is `course view` and the tape's path.

# %%
page = tape.path.with_suffix(".html")
page.write_text(view.page(made, LEOPARD), encoding="utf-8")
print(f"{page.stat().st_size:,} bytes, in {page.parent.name}/")

# %% [markdown]
# Open it from the file browser on the left. (JupyterLab lets a page's scripts run when you press
# *Trust HTML*; without them you can read everything but the raw bodies.) It asks for nothing from
# the network, so you can send it to a colleague. `tape.export("leopard.har")` writes the file that
# your browser's developer tools open.
#
# ## What smolagents changed
#
# Memory is a list of messages with five roles. Here are those that memory had when the last
# step began, and those in the body of the last request.
#
# **Predict:** which roles will be missing on the wire, and will there be as many messages?

# %%
last, last_step = made[-1], steps[-1]
remembered = [message.role.value for message in last_step.model_input_messages]
sent = [message["role"] for message in last.exchange.messages]
print("memory:", remembered)
print("wire:  ", sent)

# %% [markdown]
# `tool-call` goes out as `assistant`, `tool-response` as `user`, and neighbors of one role are
# merged into one message. For the model there are no tool messages: it sees itself talking
# and you answering. **Memory is not the wire.**

# %% tags=["nbval-check-output"]
check.claim("on the wire there are three roles", set(sent) <= {"system", "user", "assistant"}, sent)
check.claim(
    "and no two neighbors of one role",
    all(a != b for a, b in pairwise(sent)),
    saw=sent,
)
check.claim("so the wire has fewer messages than memory", len(sent) < len(remembered))

# %% [markdown]
# ### Exercise 05.2 · ★★☆ · 10 minutes
#
# Write what you have just seen as a function `wire_roles(roles)`: it takes the list of roles
# in memory and returns the list of roles on the wire.
#
# <details><summary>Hint</summary>
# First rename, then drop each role that equals the one before it.
# </details>

# %% tags=["stub"]
wire_roles = ...


# %% tags=["solution"]
def wire_roles(roles):
    wire_name = {"tool-call": "assistant", "tool-response": "user"}
    named = [wire_name.get(role, role) for role in roles]
    return [role for i, role in enumerate(named) if i == 0 or role != named[i - 1]]


# %%
pairs = [([m.role.value for m in s.model_input_messages], s.step_number) for s in steps]
sent_in = {t.step["step_number"]: [m["role"] for m in t.exchange.messages] for t in made if t.step}
check.exercise(
    "05.2",
    wire_roles,
    lambda f: all(f(roles) == sent_in[number] for roles, number in pairs),
    hint="compare with `remembered` and `sent` above",
)

# %% [markdown]
# Two more changes on the way out. Each content is a list of parts, where most people expect a
# string; and the request has a field that nobody in this notebook asked for.

# %%
print(last.exchange.messages[1]["content"])
print(sorted(last.exchange.request))
print(last.exchange.request["stop"])

# %% [markdown]
# Those are the stop strings. The server ends the answer at the first one that it meets, and
# does not send it. So a code block arrives without its end, and smolagents puts it back.
# That is a change on the way *in*: what memory calls the model's output is not what came.

# %%
first, first_step = made[0], steps[0]
print("wire:  ", repr(first.content[-40:]))
print("memory:", repr(first_step.model_output[-40:]))

# %% tags=["nbval-check-output"]
parts = [message["content"] for message in last.exchange.messages]
check.claim(
    "every content is a list with one text part",
    all([part["type"] for part in content] == ["text"] for content in parts),
)
check.claim(
    "three stop strings are added to every request",
    all(c.request["stop"] == ["Observation:", "Calling tools:", "</code>"] for c in calls),
    saw=calls[0].request.get("stop"),
)
check.claim("</code> is not on the wire", not first.content.rstrip().endswith("</code>"))
check.claim("</code> is in memory", first_step.model_output == first.content + "</code>")

# %% [markdown]
# ## What it sends twice
#
# **Predict:** how often is the code of step 1 in the last request?

# %%
past = next(m for m in last.exchange.messages if "Calling tools:" in text_of(m))
print(text_of(past))

# %% [markdown]
# Twice in one message: once in the model's own words, once more as `Calling tools:`, the way
# memory writes down that the interpreter was called. Python's `repr` has turned its line ends
# into `\n`. Two neighbors of one role, merged. It happens to each turn, in every later request.

# %% tags=["nbval-check-output"]
own_words, _, again = text_of(past).partition("Calling tools:")
lines = [line for line in first.code.splitlines() if line.strip()]
check.claim("each line of the code is in the model's words", all(x in own_words for x in lines))
check.claim("and the interpreter's call repeats it", "python_interpreter" in again)

# %% [markdown]
# ### Exercise 05.3 · ★★☆ · 10 minutes
#
# How many tokens of the last request are second copies, that is, everything from
# `Calling tools:` to the end of each assistant message? Count with the server's own tokenizer.
#
# <details><summary>Hint</summary>
# <code>text_of(message).partition("Calling tools:")</code> gives three pieces; the second and
# third are the copy. <code>server.tokenize(text)</code> gives a list of tokens.
# </details>

# %% tags=["stub"]
copied = ...

# %% tags=["solution"]
said = [text_of(m) for m in last.exchange.messages if m["role"] == "assistant"]
copied = sum(len(server.tokenize("".join(text.partition("Calling tools:")[1:]))) for text in said)
print(f"{copied} of {last.tokens.prompt} prompt tokens are second copies")

# %%
copies = [text_of(m).partition("Calling tools:") for m in last.exchange.messages[2:]]
cost = sum(len(server.tokenize(mark + rest)) for _, mark, rest in copies if mark)
check.exercise(
    "05.3",
    copied,
    lambda n: 0.8 * cost < n < 1.2 * cost,
    hint="assistant messages only, and of those only what begins with Calling tools:",
)

# %% [markdown]
# ## What it dropped
#
# The thinking came over the wire with every answer. **Predict:** is it in the next request?
# Is it in memory?

# %%
print((first.thinking or "")[:300])

# %% tags=["nbval-check-output"]
requests = [call.raw_request for call in calls]
check.claim("no request has reasoning_content", "reasoning_content" not in "".join(requests))
later = "".join(text_of(message) for message in last.exchange.messages)
thought = (first.thinking or "nothing was thought").strip()[:60]
check.claim("and the first thought is in no message either", thought not in later, saw=thought)

# %% [markdown]
# Never sent back: each step starts without a thought of the one before. What the model has not
# written into its content, or printed, it no longer knows. That is by design and saves tokens.
#
# Memory is subtler. The response object with everything in it hangs on the step:

# %%
raw = first_step.model_output_message.raw
print(sorted(raw.model_dump()))
print("thinking:", len(getattr(raw.choices[0].message, "reasoning_content", "")), "characters")

# %% [markdown]
# But `get_full_steps()`, the export that one would log, store or send to a colleague, is made
# of declared fields only. What llama-server adds to OpenAI's format falls off there.

# %% tags=["nbval-check-output"]
full_steps = agent.memory.get_full_steps()
exported = json.dumps(full_steps, default=str)
check.claim("llama.cpp's timings are on the step's raw response", "timings" in raw.model_dump())
check.claim("get_full_steps() has no timings", '"timings"' not in exported)
check.claim("get_full_steps() has no reasoning_content", '"reasoning_content"' not in exported)

# %% [markdown]
# ### Exercise 05.4 · ★★☆ · 10 minutes
#
# Find three things that only the wire shows. Write them as a dictionary: three keys of the JSON
# of the first request or response that are nowhere in `full_steps`, each with its value there.
# Choose what would have helped you to debug something.
#
# <details><summary>Hint</summary>
# Look through <code>first.exchange.request</code> and <code>first.exchange.response</code>:
# what decides where an answer ends, what was thought, what came from the cache, how long it took.
# </details>

# %% tags=["stub"]
only_on_the_wire = {"first key": ..., "second key": ..., "third key": ...}

# %% tags=["solution"]
request, response = first.exchange.request, first.exchange.response
only_on_the_wire = {
    "stop": request["stop"],
    "reasoning_content": response["choices"][0]["message"].get("reasoning_content"),
    "cache_n": response["timings"]["cache_n"],
}


# %%
def entries(value):
    """Every key with its value, however deep."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    own = list(value.items()) if isinstance(value, dict) else []
    return own + [entry for part in parts for entry in entries(part)]


wire = entries([first.exchange.request, first.exchange.response])
remembered_keys = {key for key, _ in entries(json.loads(exported))}
check.exercise(
    "05.4",
    only_on_the_wire,
    lambda d: len(d) == 3 and all(e in wire and e[0] not in remembered_keys for e in d.items()),
    hint="each key and its value as they are on the wire; a key that full_steps has does not count",
)

# %% [markdown]
# ## The bill
#
# Every request carries the whole conversation so far. The server keeps what it read last time
# in its prompt cache and reads only what is new.
#
# **Predict:** how much of turn 1's prompt does turn 2 find in the cache: all, most, half?

# %%
for turn in made:
    t = turn.tokens
    print(
        f"turn {turn.number}: {t.prompt:>5} prompt = {t.cached:>5} cached + {t.new:>4} new,"
        f" {t.generated:>4} generated, {turn.seconds:5.1f} s"
    )

# %% tags=["nbval-check-output"]
prompts = [turn.tokens.prompt for turn in made]
check.claim("the prompt grows with every turn", prompts == sorted(set(prompts)), saw=prompts)
check.claim(
    "prompt = cached + new, in every turn",
    all(t.tokens.prompt == t.tokens.cached + t.tokens.new for t in made),
)

# %% tags=["nbval-check-output", "embedded-only"]
missed = made[0].tokens.prompt - made[1].tokens.cached
check.claim("turn 2 finds nearly all of prompt 1 in the cache", 0 < missed < 8, saw=missed)

# %% [markdown]
# Nearly all. A few tokens at the end of prompt 1 were not found again.
#
# (This is a model whose cache can be cut anywhere. Qwen3.5 and 3.6 are hybrids, which can go
# back to a checkpoint only; there you may see more read anew.)


# %%
def parting(a, b):
    """Where two texts begin to differ, or the shorter one ends."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


# %% [markdown]
# ### Exercise 05.5 · ★★★ · 10 minutes
#
# Which text is it? Prompt 1 ends with something that is not at that place in prompt 2.
#
# <details><summary>Hint</summary>
# <code>server.apply_template(messages)</code> renders a prompt, <code>turn.exchange.messages
# </code> are its messages, and <code>parting(a, b)</code> says where two texts part.
# </details>

# %% tags=["stub"]
not_found_again = ...

# %% tags=["solution"]
one, two = (server.apply_template(turn.exchange.messages) for turn in made[:2])
not_found_again = one[parting(one, two) :]

# %%
rendered = [server.apply_template(turn.exchange.messages) for turn in made[:2]]
tail = rendered[0][parting(*rendered) :]
check.exercise("05.5", not_found_again, lambda text: text.strip() == tail.strip(), hint="the last line")

# %% [markdown]
# The template opens the thinking at the end of each prompt, `<think>` and a line end, and
# writes past turns without any thinking. So the two prompts part at this very tag, and from
# there on everything is new to the server, **including what the model itself wrote** in turn 1:
# it was generated after a `<think>` that is no longer there. Look at the table again: what was
# generated in turn 1 is no part of what turn 2 had cached. (A template that opens nothing, plain
# ChatML for one, leaves an empty text here: prompt 1 is then the beginning of prompt 2.)
#
# Now add the bill up, once as smolagents does and once as the server did.

# %%
asked = sum(turn.tokens.prompt for turn in made)
read = sum(turn.tokens.new for turn in made)
print(f"smolagents counts {agent.monitor.total_input_token_count} input tokens")
print(f"in the requests: {asked}; read by the server: {read}; from its cache: {asked - read}")

# %% tags=["nbval-check-output"]
check.claim(
    "smolagents adds up whole prompts and knows nothing of the cache",
    agent.monitor.total_input_token_count == asked,
    saw=agent.monitor.total_input_token_count,
)

# %% tags=["nbval-check-output", "embedded-only"]
check.claim("the leopard needs 9.62 seconds", "9.62" in str(answer), saw=answer)
check.claim("in two steps", len(steps) == 2, saw=len(steps))

# %% [markdown]
# ## A run that breaks
#
# So far you read a run that went well. Now ask the same with one number changed: each answer may
# have 8 tokens, and the agent may take two steps.
#
# **Predict:** what will be in `content`, and what will smolagents say is wrong?

# %%
short_tape = Tape()
short_model = connect(server, short_tape, max_tokens=8)
record_run(short_tape, LEOPARD, server, short_model)
code_agent(short_model, max_steps=2).run(LEOPARD)
broken = turns(short_tape.records())
for turn in broken:
    print(f"turn {turn.number}: {turn.content!r}")
    print("  smolagents:", (turn.step["error"] or "no error")[:90])

# %% [markdown]
# `content` is empty, and memory has no error: two steps that did nothing, then `Reached max
# steps.` (The third request is the one that smolagents adds when the steps run out.) Nothing in
# memory says why. Whoever reads memory alone now goes and works on the prompt.
#
# Lay both runs side by side instead. The broken one is on the left; choose the other under
# *Compare with*, and go through the turns. (Tab and the space bar do as well as a mouse.)

# %%
Explorer(tape, short_tape)

# %% [markdown]
# The headings tell them apart. One run says *finished by stop*: the model was done. The other says
# *finished by length*: it was cut off in the middle of a thought, before it came to any code.
#
# `course diagnose` and the tape's path names such faults, shows the bytes that prove them and says
# what to do next. From Python:

# %%
findings = diagnose.diagnose(broken)
print(diagnose.text(findings, broken))

# %% tags=["nbval-check-output"]
acted = {turn.number for turn in broken if turn.step["kind"] == "action"}
cut = {f.turn for f in findings if f.kind in ("thinking-cut", "answer-cut")}
check.claim("each step's answer was cut by max_tokens", acted <= cut, saw=sorted(cut))
check.claim(
    "the proof is on the wire: finish_reason is length",
    all(turn.finish_reason == "length" for turn in broken if turn.number in acted),
)

# %%
server.stop()

# %% [markdown]
# ## Recap
#
# | | where it happens | what you see |
# |---|---|---|
# | changed going out | roles, neighbors, content | five roles become three; a list of parts |
# | added going out | every request | `stop` with three strings |
# | changed coming in | the end of the content | `</code>` is put back |
# | sent twice | each past turn | the code in its own words and after `Calling tools:` |
# | dropped | the next request | all thinking |
# | lost in the export | `get_full_steps()` | thinking, timings, the request as sent |
# | why a run broke | the response | `finish_reason`; memory has the consequence only |
#
# Join by the response's id, never by order. When memory and wire disagree, the model read the
# wire.
#
# **What next:** the thinking was out of the way in `reasoning_content`, and smolagents parsed
# `content` only. One server setting does that. In lesson 06 you take it away.
