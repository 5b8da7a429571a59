# %% [markdown]
# # 05 · Wire and steps, side by side
#
# Your agent used up its steps without an answer, and its log does not say why. Where do you look? A run can
# leave two records: what smolagents remembers, and what went over the wire. They differ. In
# this lesson you lay them side by side.
#
# **After this lesson you can**
#
# - match every step of a run with its request and its response,
# - say what differs between an agent's memory and what reached the server,
# - tell a reply that was cut off from a complete one, in memory and on a tape,
# - record any client of a model server, and name a fault on its tape.
#
# **Minutes:** 50 · **Needs:** [lesson 00](00_welcome.ipynb); it is easier after [02](02_one_completion.ipynb),
# [03](03_read_the_system_prompt.ipynb) and [04](04_an_agent_is_a_loop.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from pathlib import Path

from smolagents import ActionStep

from course import check, diagnose, view
from course.agent import LEOPARD, recorded_run
from course.server import Server
from course.tape import Tape
from course.turns import exchanges, text_of, turns
from course.view.explorer import Explorer

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## One run, two records
#
# You have met most of these words. Here is how they differ:
#
# - An [exchange][e] is one HTTP request with its response.
# - A [tape][ta] is a file that exchanges are recorded in.
# - A [step][s] is what smolagents made of a response: the code in it, and what that code printed and
#   returned. The agent keeps its steps in [memory][m].
# - A [turn][t] is an exchange with the step that came of it, if one did. (A failed request that is sent again has none.)
#
# `recorded_run` builds the agent, asks it, and records a tape. It notes the steps there, too. This can
# take a few minutes.
#
# [e]: ../docs/glossary.md#exchange
# [ta]: ../docs/glossary.md#tape
# [s]: ../docs/glossary.md#step
# [m]: ../docs/glossary.md#memory
# [t]: ../docs/glossary.md#turn

# %%
tape = Tape()
run = recorded_run(server, LEOPARD, tape, max_steps=8)
calls = exchanges(tape.entries)
steps = [
    step for step in run.agent.memory.steps if isinstance(step, ActionStep) and step.model_output_message
]
print(run.answer)
print(f"{len(calls)} exchanges on the tape, {len(steps)} steps in memory")

# %% [markdown]
# This is what the first exchange and the first step consist of:

# %% tags=["folded"]
print("exchange 1:", calls[0].method, calls[0].path, calls[0].status)
print("  request: ", *calls[0].request)
print("  response:", *calls[0].response)
print("step 1:")
for name in ("model_output_message", "model_output", "code_action", "observations", "error"):
    print(f"  {name:<20}", repr(getattr(steps[0], name))[:100])

# %% [markdown]
# ## Which step belongs to which exchange?
#
# By order, step 1 with exchange 1 and so on? But OpenAI's client, which smolagents uses, repeats a request by itself
# after a 429, a 5xx, a timeout or a broken connection. Then the tape has an extra exchange, and from that step on, each
# silently gets the wrong one. (This course switches those retries off. But smolagents itself repeats a request after a
# 429, two minutes later or more.)
#
# So look for something that is in both records. llama-server gives each response an id. Memory has it
# in `raw`, the response as OpenAI's client read it:

# %%
print("wire:  ", calls[0].response_id)
print("memory:", steps[0].model_output_message.raw.id)

# %% tags=["folded", "nbval-check-output"]
import openai
from smolagents.models import RETRY_MAX_ATTEMPTS, is_rate_limit_error

on_wire = {call.response_id for call in calls}
check.claims(
    (
        "the response's id is on the wire and in memory",
        all(step.model_output_message.raw.id in on_wire for step in steps),
    ),
    ("OpenAI's client repeats requests unless told otherwise", openai.DEFAULT_MAX_RETRIES > 0),
    (
        "smolagents repeats a 429, but not a 503",
        RETRY_MAX_ATTEMPTS > 1
        and [is_rate_limit_error(Exception(f"Error code: {code}")) for code in (429, 503)] == [True, False],
    ),
)

# %% [markdown]
# ### Exercise 05.1 · ★★☆ · 6 minutes
#
# Write `join(calls, steps)`. It returns a dictionary from the number of each step to the number of its
# exchange, or to `None` if the tape does not have it. In this example, the second request failed
# and was sent again, so `join(some_calls, some_steps)` is `{1: 1, 2: 3}`:
#
# ```python
# some_calls = [{"exchange": 1, "id": "a"}, {"exchange": 2, "id": None}, {"exchange": 3, "id": "b"}]
# some_steps = [{"step": 1, "id": "a"}, {"step": 2, "id": "b"}]
# ```
#
# Steps can lack an id, too. `None` never matches anything.
#
# <details><summary>Hint</summary>
#
# Which dictionary would make each step a single look-up? What must not be a key in it?
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
# `turns` joins them in the same way. (`exchange.id` is the number on the tape, `exchange.response_id` the response's
# id.) Below is your function on this run, then without exchange 1, as if the recording had begun too late. (By order,
# step 1 would get exchange 2.)

# %%
made = turns(tape.records())
print("turns:", {turn.step["step_number"]: turn.exchange.id for turn in made})
if callable(join):
    some_calls = [{"exchange": call.id, "id": call.response_id} for call in calls]
    some_steps = [{"step": step.step_number, "id": step.model_output_message.raw.id} for step in steps]
    print("yours:", join(some_calls, some_steps))
    print("yours, with exchange 1 lost:", join(some_calls[1:], some_steps))

# %% [markdown]
# ## What changes on the way out?
#
# Each request carries all messages so far. When the last step began, smolagents had these, each with
# a [role][r]. (`tool-call` is the code of a step: smolagents notes it as a call of its Python
# interpreter. `tool-response` is the observation, what that code printed and returned.)
#
# [r]: ../docs/glossary.md#role

# %%
last, last_step = next(turn for turn in reversed(made) if turn.joined == "id"), steps[-1]
remembered = [message.role.value for message in last_step.model_input_messages]
print(*remembered, sep=", ")

# %% [markdown]
# On the wire there are only `system`, `user` and `assistant`: smolagents sends `tool-call` as `assistant` and
# `tool-response` as `user`. Then it joins neighbors with the same role into one message.
#
# **Predict:** if a run takes five steps and all goes well, how many messages are in its fifth request?

# %%
guess = ...

# %%
sent = [message["role"] for message in last.exchange.messages]
print(*sent, sep=", ")

# %% tags=["folded"]
each = len(made[:2][-1].exchange.messages) - len(made[0].exchange.messages)  # what a past step adds
check.prediction("05.p1", guess, was=2 + 4 * each, unit="messages")

# %% [markdown]
# A past step with code that went well adds three messages in memory and two on the wire, so the fifth request has
# 2 + 4 · 2 = 10. For the model, a call is text that it said itself, and the result is text that you said.
#
# Memory is at the top of this picture; the tape records the bytes further down.
#
# ![The layers between a question and the bytes: CodeAgent, OpenAIModel, recording transport with
# the tape, llama-server with chat template, model and chat parser](../docs/pictures/layers.svg)

# %% tags=["folded", "nbval-check-output"]
from itertools import pairwise

check.claims(
    ("on the wire there are system, user and assistant", set(sent) <= {"system", "user", "assistant"}, sent),
    ("no two neighbors have the same role", all(a != b for a, b in pairwise(sent)), sent),
    ("the wire has fewer messages than memory", len(sent) < len(remembered), sent),
)

# %% [markdown]
# ## What changes on the way in?
#
# The model closed its code with `</code>`. smolagents sends that tag as a [stop sequence][stop]
# ([lesson 02](02_one_completion.ipynb)). This is the end of the first reply, in both records:
#
# [stop]: ../docs/glossary.md#stop-sequence

# %%
first, first_step = made[0], steps[0]
print("wire:  ", repr(first.content[-30:]))
print("memory:", repr(first_step.model_output[-30:]))

# %% [markdown]
# llama-server stops at a stop sequence and does not send it. smolagents appends the tag to every reply that
# does not end with it and is not empty (`_step_stream` in its `agents.py`), even to one that was cut off.

# %% tags=["folded", "nbval-check-output"]
import inspect

from smolagents import CodeAgent

check.claims(
    ("</code> is one of the stop sequences", "</code>" in first.exchange.request["stop"]),
    ("memory is the content with </code> at the end", first_step.model_output == first.content + "</code>"),
    (
        "smolagents appends it to a reply that is not empty",
        all(
            line in inspect.getsource(CodeAgent._step_stream)
            for line in ("if output_text and not", "output_text += self.code_block_tags[1]")
        ),
    ),
)

# %% [markdown]
# Here is the same question, with at most 115 tokens for each response. In step 1 they run out just
# before the last line of the code, which prints the length. (With another model, the cut falls elsewhere.)
#
# **Predict:** what does smolagents do with this half: report an `"error"`, ask for the `"rest"`, or `"run"` it?

# %%
guess = ...

# %%
half = recorded_run(server, LEOPARD, Tape(), model={"max_tokens": 115}, max_steps=1)
cut_short = half.turns[0]
print("wire:  ", repr((cut_short.content or "")[-30:]), "finish_reason:", cut_short.finish_reason)
print("memory:", repr((cut_short.step["model_output"] or "")[-30:]), "error:", cut_short.step["error"])
print(cut_short.observation)

# %% tags=["folded"]
check.prediction("05.p2", guess, was="error" if cut_short.step["error"] else "run")

# %% [markdown]
# It ran the half that it got. The model learns about the leopard but nothing about the bridge, and in memory its reply
# ends like the whole one above. You would think that the model forgot a line. (After a cut in the middle of a line, you
# would usually see a `SyntaxError`, and blame the model for that, too.) The `finish_reason` says what happened.

# %% tags=["embedded-only", "folded", "nbval-check-output"]
told = cut_short.observation
check.claims(
    (
        "the reply was cut off, and there is no error",
        cut_short.finish_reason == "length" and not cut_short.step["error"],
    ),
    ("in memory it ends with </code>", cut_short.step["model_output"].endswith("</code>")),
    ("of the two prints, one ran", "SPEED" in told and "LENGTH" not in told, told),
)

# %% [markdown]
# ## What goes back to the model?
#
# Every later request repeats the model's reply of step 1, with the code in it twice:

# %%
past = next(text_of(m) for m in last.exchange.messages if m["role"] == "assistant")
print(past)

# %% [markdown]
# The second copy comes after `Calling tools:`, with `\n` for each line break. This one message is the `assistant` and the
# `tool-call` of memory, joined. Every past step with code is sent like this.
#
# In step 1, the model also thought before it wrote. The server sends that in a field of its own,
# `reasoning_content`:

# %%
print(first.thinking)

# %% [markdown]
# **Predict:** is this thought in the next request? Is it in memory? Put `"yes"` or `"no"`.

# %%
guess = {"next request": ..., "memory": ...}

# %%
thought = (first.thinking or "").strip()
later = "".join(text_of(message) for message in last.exchange.messages)
raw = first_step.model_output_message.raw
kept = getattr(raw.choices[0].message, "reasoning_content", None) or ""
where = {"next request": bool(thought) and thought in later, "memory": bool(thought) and thought in kept}
where = {place: "yes" if there else "no" for place, there in where.items()}
print(where)

# %% tags=["folded"]
check.prediction("05.p3", guess, was=where)

# %% [markdown]
# smolagents never sends `reasoning_content` back. What survives a step is the reply, what
# its code printed and returned, and the variables of that code. An idea that is only in the thinking is gone. (In
# [lesson 06](06_break_jinja.ipynb), the thinking arrives in `content`, and goes back with it.)
#
# Memory still has the thinking, but only in `raw`. `agent.memory.get_full_steps()`, a common way to log a
# run, drops the fields that OpenAI's API does not define: this one, and llama-server's `timings`. It keeps the rest
# of `raw`, such as `finish_reason` and `usage`.

# %% tags=["folded", "nbval-check-output"]
import json

words, _, call = past.partition("Calling tools:")
exported = json.dumps(run.agent.memory.get_full_steps(), default=str)
check.claims(
    ("each line of the code is in the model's words", all(line in words for line in first.code.splitlines())),
    ("the interpreter's call repeats it", "python_interpreter" in call),
    ("no request has reasoning_content", not any("reasoning_content" in c.raw_request for c in calls)),
    (
        "thinking and timings are not in get_full_steps()",
        not any(f'"{key}":' in exported for key in ("reasoning_content", "timings")),
    ),
    ("both are in raw", {"timings"} <= raw.model_dump().keys() and thought in kept),
    (
        "finish_reason and usage are in both",
        all(f'"{key}":' in exported for key in ("finish_reason", "usage")),
    ),
)

# %% [markdown]
# ## Side by side
#
# All this is in one view. **Left** is the wire: what was *new* in the request
# (→), then what came back (←). **Right** is what smolagents made of it: the code and the observation.
#
# Follow one observation: on the right in one turn, and on the left in the next, as a message. Then open
# *What differs between memory and wire*, which lists what you found above. (The bars are for [05b](05b_the_bill.ipynb).)

# %%
view.show(made)

# %% [markdown]
# ## What went wrong here?
#
# The same question again, for at most two steps. One setting of the model is different; it is in the folded cell
# (don't look yet). This time smolagents writes its own log.

# %% tags=["folded"]
from rich.console import Console
from smolagents import AgentLogger

plain = Console(color_system=None, force_jupyter=False, width=100, highlight=False)
log = AgentLogger(level=1, console=plain)  # the usual level, but as plain text
changed = {"max_tokens": 8}  # what is different

# %%
short_tape = Tape()
short = recorded_run(server, LEOPARD, short_tape, model=changed, max_steps=2, logger=log)
print("answer:", repr(short.answer))

# %% [markdown]
# Would you guess the cause from this log? (Its token counts are running totals: each line has the sum of the run so far.)
# And here are the turns, each with the `error` of its step:

# %%
for turn in short.turns:
    print(
        f"turn {turn.number}: content {turn.content!r}, error {turn.step['error']!r}, joined by {turn.joined}"
    )

# %% [markdown]
# Turns 1 and 2 are the two steps: no content, and no error either. Did you expect one? If a reply has no code block,
# smolagents tries to parse all of it as Python, and reports an error if that fails (lesson 03). With `</code>` appended,
# it usually fails. But an empty reply gets no tag, and empty text is valid Python. So both steps ran nothing,
# successfully.
#
# Turn 3 is the *max-steps request*: when the steps run out, smolagents asks once more, for an answer based
# on what it has. Memory keeps no response id for it, so `turns` joins it by its text, or if that is empty, by time.
#
# **Predict:** why are the replies empty? Was there a token `"limit"`, did a `"stop"` sequence match in the thinking, or
# did the model say `"nothing"`? The log has a clue. (Then see whether anything in memory says it.)

# %%
guess = ...

# %%
for step in short.agent.memory.steps:
    if isinstance(step, ActionStep):
        message = step.model_output_message
        reason = message.raw.choices[0].finish_reason if message else "no response object"
        print(f"step {step.step_number}: error: {step.error}, finish_reason: {reason}")

# %% tags=["folded"]
reasons = {turn.finish_reason for turn in short.turns}
silent = not any((turn.thinking or "").strip() for turn in short.turns)
check.prediction("05.p4", guess, was="limit" if reasons == {"length"} else "nothing" if silent else "stop")

# %% [markdown]
# The clue: 8 output tokens for each response, exactly the limit in the folded cell (`max_tokens`). Memory does say it:
# the [finish_reason][fr] is in `raw` (and so in `get_full_steps()`). `length` means that the response was cut off, at
# `max_tokens` or at the end of the context window: here, in the middle of the thinking. But you would look at `error`
# first, and for the two cut steps that is `None`. (With `stop`, `content` can be just as empty: in lesson 02, a stop
# sequence matched in the thinking. Then read how the thinking ends.)
#
# Of step 3, the max-steps request, memory keeps the text (here, none) and an `error` that says that the steps ran out.
# The response's id, `finish_reason` and thinking are only on the wire.
#
# [fr]: ../docs/glossary.md#finish-reason

# %% tags=["folded", "nbval-check-output"]
*acted, rest = short.turns
check.claims(
    ("both steps have no error", len(acted) == 2 and not any(turn.step["error"] for turn in acted)),
    ("every response was cut off", all(t.finish_reason == "length" for t in short.turns)),
    ("memory has no response of the max-steps request", not rest.step["response_id"]),
    ("but its text", rest.step["kind"] == "max_steps" and rest.step["action_output"] == rest.content),
)

# %% [markdown]
# ### Exercise 05.2 · ★★☆ · 5 minutes
#
# smolagents does not warn you that a reply was cut off. Write what such a warning needs: `why_it_ended(step)` returns the
# `finish_reason` of a step's response (of several `choices`, the first), or `None` if memory does not have it:
#
# - `step.model_output_message` is `None` for the max-steps request, and for a request that failed.
# - Its `raw` is `None` if the response was streamed (it arrived in pieces).
# - Its `raw` is a dictionary without a reason if smolagents runs the model itself (`TransformersModel`).
#
# In your own agent, a callback can print the warning (not with `stream_outputs`: that is the second case):
#
# ```python
# def warn(step):
#     if why_it_ended(step) == "length":
#         print(f"step {step.step_number}: the reply was cut off")
#
# CodeAgent(tools=[], model=model, step_callbacks=[warn])
# ```
#
# <details><summary>Hint</summary>
#
# The loop above has the path to it. Which parts of that path can be missing? `getattr` takes a default.
#
# </details>

# %% tags=["stub"]
why_it_ended = ...


# %% tags=["solution"]
def why_it_ended(step):
    message = step.model_output_message
    choices = getattr(message and message.raw, "choices", None)
    return choices[0].finish_reason if choices else None


# %% tags=["folded"]
from types import SimpleNamespace


def a_step(*reasons, raw=True, message=True):
    """A step with a response of these choices, or with another `raw`."""
    choices = [SimpleNamespace(finish_reason=reason) for reason in reasons]
    response = SimpleNamespace(choices=choices) if raw is True else raw
    return SimpleNamespace(
        step_number=1, error=None, model_output_message=SimpleNamespace(raw=response) if message else None
    )


check.function(
    "05.2",
    why_it_ended,
    [
        check.case(a_step("stop"), gives="stop", name="the model was done"),
        check.case(a_step("length"), gives="length", name="the response was cut off"),
        check.case(a_step("tool_calls"), gives="tool_calls", name="the model called a tool"),
        check.case(a_step("length", "stop"), gives="length", name="two choices: the first one counts"),
        check.case(a_step(message=False), gives=None, name="out of steps: no message"),
        check.case(a_step(raw=None), gives=None, name="streamed: a message without raw"),
        check.case(
            a_step(raw={"out": "155 m", "completion_kwargs": {"max_new_tokens": 8}}),
            gives=None,
            name="the model runs inside smolagents: raw is a dictionary",
        ),
    ],
    hint="the message can be missing, or raw, and raw can be a dictionary",
)

# %%
if callable(why_it_ended):
    print([why_it_ended(step) for step in short.agent.memory.steps if isinstance(step, ActionStep)])

# %% [markdown]
# With `course diagnose`, you don't have to know where to look. It reads a tape, names each fault,
# shows the bytes that prove it, and says what to do. Here is its first finding for the short run, and the
# names of the others:

# %%
findings = diagnose.diagnose(short.turns)
print(diagnose.text(findings, short.turns).partition("\n\n")[0])
print("\n" + ", ".join(f"turn {finding.turn}: {finding.kind}" for finding in findings[1:]))

# %% tags=["folded", "nbval-check-output"]
named = {f.turn for f in findings if f.kind in ("thinking-cut", "answer-cut")}
check.claims(("it names the cut in each turn", named == {t.number for t in short.turns}, named))

# %% [markdown]
# (`connect` makes the course's model. In your own agent: `OpenAIModel(…, max_tokens=1024)`.)
#
# Optional, in JupyterLab: click through both runs. The newest is on the left; choose the other under
# *Compare with*.

# %%
Explorer(tape, short_tape)

# %% [markdown]
# ### Exercise 05.3 · ★★☆ · 8 minutes · your own
#
# `course tap` runs any program with `OPENAI_BASE_URL` set to a port of its own, passes on what arrives
# there, and records it. The next cell prints a command, and writes a small program without an agent. It asks a
# question three times. One request has too small a limit: which one, and whether the model may think in it, is random.
#
# Run the command in a terminal (*File → New → Terminal*), with the course's environment active. Leave
# this notebook open: its server answers. Or record a program of your own, with two requests,
# one of them cut off. If its code passes a `base_url`, the variable has no effect: give it the address
# that `course tap` prints.

# %%
mine, program = (tape.path.with_name(name).resolve() for name in ("mine.tape.jsonl", "ask.py"))
program.write_text(
    """import random
import openai

client = openai.OpenAI()  # it reads OPENAI_BASE_URL
few = random.choice([(8, True), (3, False)])
for most, thinks in random.sample([(300, True), (300, True), few], 3):
    question = [{"role": "user", "content": "Who are you?"}]
    body = {"chat_template_kwargs": {"enable_thinking": thinks}}
    client.chat.completions.create(model="any", messages=question, max_tokens=most, extra_body=body)
""",
    encoding="utf-8",
)
print(f'course tap --upstream {server.url} --tape "{mine}" -- python "{program}"')

# %% [markdown]
# The summary at the end has lines such as "Turn N · … (the-name)", as `course diagnose` does. Find a turn of *your* tape
# whose response was cut off, and fill in its number and the name in parentheses.
#
# <details><summary>Hint</summary>
#
# A second try adds its turns to the same tape, with the next numbers. Is there no `course`? Then the
# environment is not active: `. .venv/bin/activate` in the project's folder.
#
# </details>

# %% tags=["stub"]
cut = {"tape": mine, "turn": ..., "fault": "..."}

# %% tags=["solution"]
import os
import subprocess
import sys

mine = Tape().path  # a new one
tap = ["-m", "course.cli", "tap", "--upstream", server.url, "--tape", str(mine)]
command = [sys.executable, *tap, "--", sys.executable, str(program)]
key = {"OPENAI_API_KEY": server.api_key or "none"}
subprocess.run(command, env={**os.environ, **key}, check=True, capture_output=True)
found = diagnose.diagnose(turns(Tape.read(mine).records()))
finding = next(f for f in found if f.kind in ("thinking-cut", "answer-cut"))
cut = {"tape": mine, "turn": finding.turn, "fault": finding.kind}


# %% tags=["folded"]
def proven(answer):
    """Whether the learner's tape has that fault in that turn; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "turn", "fault"} <= answer.keys():
        return "expected a dictionary with the keys tape, turn and fault"
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"{path} does not exist (seen from {Path.cwd()}). Did the tap write to another one?"
    seen = turns(Tape.read(path).records())
    if any(turn.step for turn in seen):
        return "this tape has steps on it, so it was recorded inside an agent; record through `course tap`"
    if len(asked := [turn for turn in seen if turn.exchange and turn.exchange.is_call]) < 2:
        return f"there are {len(asked)} requests to the model on it; make at least two"
    faults = {(f.turn, f.kind) for f in diagnose.diagnose(seen) if f.kind.endswith("-cut")}
    if not faults:
        return "no response on it was cut off; ask again with a smaller max_tokens"
    turn, fault = str(answer["turn"]).lower().replace("turn", "").strip(), str(answer["fault"]).strip(" ()")
    if (turn, fault.lower()) in {(str(number), kind) for number, kind in faults}:
        return True
    return f"course diagnose does not find {fault!r} in turn {turn} of this tape"


check.exercise("05.3", cut, proven, hint="course diagnose and the path of your tape")

# %% [markdown]
# ## Recap
#
# What you found when you compared memory with the wire:
#
# | | what | how |
# |---|---|---|
# | on the way out | roles | five become three, and neighbors with the same role are joined |
# | on the way in | end of the reply | `</code>` is appended, even to a reply that was cut off; the half may run |
# | sent twice | code of each past step | again after `Calling tools:` |
# | not sent back | `reasoning_content` | it is in `raw`, and not in `get_full_steps()` |
# | not in `step.error` | a cut reply | its `finish_reason` is `length` |
#
# Join the two records by the response's id, not by order. (Where memory has no id: by the text, else by the time.)
#
# **In your own agent:** before you touch the prompt, put `course tap` between the agent and its server, and look at the
# `finish_reason` of every response. If `content` is empty, look at the end of the thinking, too.

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
            "at the Python interpreter of smolagents": "It did its work: empty code is valid and does nothing.",
            "at the system prompt": "Only once you know that the response was complete.",
        },
    ),
    check.question(
        "A tape has six exchanges and memory five steps. Exchange 3 has status 503 and no response id. What happened?",
        right="the client sent that request again by itself",
        why="OpenAI's client repeats a 429 or a 5xx (smolagents only a 429). The failed exchange made no step.",
        wrong={
            "smolagents made its max-steps request": "That one is the last, and it belongs to a step.",
            "two neighbors with the same role were joined": "That joins messages within one request.",
        },
    ),
    check.question(
        "In step 4, the model should use an idea from its thinking in step 2. Can it?",
        right="only if the idea is in its reply, in a variable, or was printed",
        why="Replies and observations are sent with each request, and variables persist. The thinking is not sent.",
        wrong={
            "yes, memory keeps the thinking": "Memory has it in `raw`, but does not send it.",
            "yes, it is in the prompt cache": "The cache only helps where the new prompt has the same tokens.",
        },
    ),
)

# %% [markdown]
# **Next:** the appendix, [05b The bill](05b_the_bill.ipynb), on what a run costs. Or straight to
# [06 Break `--jinja` on purpose](06_break_jinja.ipynb): here the thinking arrived in a field of its own. One
# server setting does that, and there you switch it off.

# %%
server.stop()
check.progress("05")
