# %% [markdown]
# # 07 · A gallery of failures
#
# Your agent returns nothing, or nonsense, or an exception. Where do you look first? The cause can
# sit in the server, the client's request, the model, a tool, or the loop around them, and from
# outside the failures look alike. Here you cause eleven, one change at a time, and learn which
# bytes tell them apart.
#
# **After this lesson you can**
# - say from one exchange where to look first,
# - tell failures apart that look the same in the agent's log,
# - check a finding of `course diagnose` against its proof,
# - repair a fault, and show that it is gone.
#
# **Minutes:** 50 · **Needs:** lessons [03](03_read_the_system_prompt.ipynb),
# [05](05_wire_and_steps.ipynb) and [06](06_break_jinja.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from pathlib import Path

from smolagents import OpenAIModel

from course import check
from course.agent import LEOPARD, forced, recorded_run
from course.diagnose import diagnose
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import text_of, turns

server = Server("embedded", url=False, quiet=True).start()

# %% [markdown]
# You will break servers, so the lesson starts its own, with the course's embedded model, and does not
# use `SERVER` or `PROFILE`. It has three helpers (folded):
#
# - `run(WORDS)` asks an agent the leopard question. A [grammar][g] forces the words of its first
#   step, as in lesson 06. The next step is forced as well: `final_answer('enough')`. `run()` forces nothing.
# - `wire(run)` prints each [turn][t] in a few lines.
# - `findings(run)` prints what `course diagnose` finds, each with its proof: places on the tape,
#   and the bytes there. (`[0:0]: ''` means that the text at this place is empty.)
#
# All sections but one ask for a guess: put it in place of the `...` first, *then* run the cell.
#
# [g]: ../docs/glossary.md#grammar
# [t]: ../docs/glossary.md#turn


# %% tags=["folded"]
from textwrap import fill

ENOUGH = "That will do.\n</think>\n\n<code>\nfinal_answer('enough')\n</code>"


def run(*words, on=None, base=OpenAIModel, model=None, **agent):
    """Ask the leopard question; the first steps say `words`, if any. `base` is the class of the client."""
    chosen = forced([*words, ENOUGH], base=base) if words else base
    steps = {"max_steps": len(words) + 1 if words else 8}
    if words:
        agent.setdefault("tools", [OfflineSearch(max_results=4)])
    given = {"model_class": chosen, **(model or {})}
    given["extra_body"] = {"verbose": True, **given.get("extra_body", {})}
    return recorded_run(on or server, LEOPARD, Tape(), model=given, **{**steps, **agent})


def short(text, most=110):
    """The beginning and the end of a text, on one line."""
    return repr(text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}")


def stop_type(turn):
    """What the verbose response adds to the finish_reason."""
    return turn.exchange.response["__verbose"]["stop_type"]


# %% tags=["folded"]
def wire(made, last=None):
    """The turns of a run (up to the last one asked for): what came back, and what smolagents made of it."""
    for turn in made.turns[:last]:
        call, step = turn.exchange, turn.step or {}
        reason = f", finish_reason {turn.finish_reason}" if turn.finish_reason else ""
        print(f"turn {turn.number}: HTTP status {turn.status or 'none'}{reason}")
        problem = call.failure.message if call.failure else call.error
        wire = {"problem": problem, "thinking": turn.thinking, "content": turn.content}
        made_of_it = {"code": turn.code, "observation": turn.observation, "error": step.get("error")}
        for side, texts in (("wire", wire), ("step", made_of_it)):
            for what, text in texts.items():
                if isinstance(text, str):
                    print(f"  {side}  {what:<12}{short(text)}")


def findings(made):
    """The findings of `course diagnose`: places and bytes of its proof, three at most, and what to do next."""
    for finding in diagnose(made.turns):
        print(f"turn {finding.turn}: {finding.title} ({finding.kind})")
        for quote in finding.evidence[:3]:
            print(f"  proof: {quote.where}: {short(quote.text, 80)}")
        print(fill(finding.next, 96, initial_indent="  next:  ", subsequent_indent="         "))


# %% [markdown]
# We go through this picture of lesson 05: first the server, then the client and the model, finally
# the tools and the loop, which run in CodeAgent.
#
# ![The layers between a question and the bytes: CodeAgent, OpenAIModel, recording transport with
# the tape, llama-server with chat template, model and chat parser](../docs/pictures/layers.svg)

# %% [markdown]
# ## Server · 2,560 tokens
#
# **Change:** the server's [context window][cw] holds 2,560 tokens instead of 8,192. The system
# prompt and the question take about 2,400; the agent prints two searches.
#
# **Predict:** the server refuses the second request. What becomes of the run: does it end in an `"exception"`, does the
# model read the refusal as an `"observation"`, or does smolagents `"shorten"` the conversation and repeat the request?
#
# [cw]: ../docs/glossary.md#context-window

# %%
guess = ...
SEARCH = (
    "I need two figures.\n</think>\n\n<code>\n"
    "print(web_search('leopard top speed'))\nprint(web_search('Pont des Arts length'))\n</code>"
)
with Server("embedded", url=False, quiet=True, context=2560) as small:
    overflow = run(SEARCH, on=small)
wire(overflow)

# %% tags=["folded"]
was = "exception" if overflow.error else "observation" if overflow.turns[1].observation else "shorten"
check.prediction("07.p1", guess, was)
print(repr(overflow.error)[:200])
findings(overflow)

# %% [markdown]
# Step 1 worked; an agent's requests grow with each step. llama-server refuses with HTTP 400 and names
# both numbers, and smolagents ends the run. **Repair:** shorter observations, fewer steps, or a
# larger window:

# %%
roomy = run(SEARCH)
print(roomy.turns[1].tokens.prompt, "prompt tokens in turn 2, answer:", roomy.answer)

# %% [markdown]
# ## Server · half a second
#
# **Change:** half a second after the first request, the server gets SIGKILL, the signal with which
# Linux ends a process when memory runs out. Then you ask the same agent once more.
#
# **Predict:** both runs end in an exception, which the cell prints. How do the two lines differ: by `"type"`, by `"text"`,
# or `"not at all"`?


# %% tags=["folded"]
import threading
import time

import psutil


def strike(victim):
    """Kill it half a second after a client has connected."""
    while not any(one.status == psutil.CONN_ESTABLISHED for one in victim.net_connections("tcp")):
        time.sleep(0.05)
    time.sleep(0.5)
    victim.kill()


class WhileItDies(OpenAIModel):
    """Kill the server `doomed` half a second after the first request has reached it."""

    def _prepare_completion_kwargs(self, *args, **kw):
        victim = psutil.Process(doomed.pid) if psutil.pid_exists(doomed.pid) else None
        if victim and victim.status() != psutil.STATUS_ZOMBIE:
            threading.Thread(target=strike, args=[victim], daemon=True).start()
        return super()._prepare_completion_kwargs(*args, **kw)


def once_more(made):
    """The exception that the agent of a run raises if it is asked again, once the killed server is gone."""
    while psutil.pid_exists(doomed.pid) and psutil.Process(doomed.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)
    try:
        made.agent.run(LEOPARD)
    except Exception as error:
        return error


# %%
guess = ...
doomed = Server("embedded", url=False, quiet=True).start()
dead = run(on=doomed, base=WhileItDies)
raised = [dead.error, once_more(dead)]
print(*map(repr, raised), sep="\n")

# %% tags=["folded"]
types, texts = ({kind(error) for error in raised} for kind in (type, str))
check.prediction("07.p2", guess, "type" if len(types) > 1 else "text" if len(texts) > 1 else "not at all")
wire(dead)
findings(dead)

# %% [markdown]
# The two lines are the same. The tape tells them apart (so does a full traceback, in its first part): the first
# connection was *lost* after the request had been sent, the second *refused*, since nothing listens any more. **Repair:**
# after a lost one, find out why the server ended: from the end of its log, or, if the log just stops, from the system's
# (`dmesg`). Then start it again.

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made.turns)} for made in (overflow, dead)]
lost = [turn.status for turn in dead.turns]
doomed.stop()
check.claims(
    ("a full window: HTTP 400 in turn 2", [t.status for t in overflow.turns] == [200, 400]),
    ("diagnose: context-overflow", found[0] == {"context-overflow"}, found[0]),
    ("with 8,192 tokens, the same run ends well", roomy.answer == "enough" and not diagnose(roomy.turns)),
    ("killed: no status at all", lost[-2:] == [0, 0], lost),
    ("diagnose: lost, then unreachable", found[1] == {"connection-lost", "unreachable"}, found[1]),
)

# %% [markdown]
# ## Client or model · three empty steps
#
# Three changes, in three runs. **A:** a response may have at most 12 tokens (and its run one step, to keep it short).
# **B:** in its thinking, the model mentions the tag that closes its code. **C:** the model thinks, and then
# ends its turn.
#
# **Predict:** all three steps have the same code (none), the same observation and no error. On the wire,
# which have the same `finish_reason`: `"A and B"`, `"A and C"`, `"B and C"`, `"all"` or `"none"`?

# %%
guess = ...
COMPUTE = "Thought: I compute it.\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"
REMINDER = f"155 m at 58 km/h. I close my code with </code> and stop.\n</think>\n\n{COMPUTE}"
a = run(model={"max_tokens": 12}, max_steps=1)
b = run(REMINDER)
c = run("155 m at 58 km/h, that is all I need.\n</think>\n\n")
for letter, made in (("A", a), ("B", b), ("C", c)):
    step = made.turns[0].step
    print(letter, {key: step[key] for key in ("code", "observation", "error")})

# %% tags=["folded"]
reasons = {letter: made.turns[0].finish_reason for letter, made in (("A", a), ("B", b), ("C", c))}
same = [letter for letter, reason in reasons.items() if list(reasons.values()).count(reason) > 1]
check.prediction("07.p3", guess, "all" if len(same) == 3 else " and ".join(same) or "none")
for made in (a, b, c):
    wire(made, 1)
    print("  verbose stop_type   ", stop_type(made.turns[0]))

# %% [markdown]
# Three *silent no-op steps*: empty code is valid Python, it ran, and nothing complained. In A the
# server counted to 12: `length`. B and C both say `stop`. If the request has `"verbose": true` (ours
# do), llama-server's `stop_type` tells them apart:
#
# - `word`: a [stop sequence][stop]. smolagents sends `</code>` with each step, and the server looks for
#   it in the thinking, too.
# - `eos`: the model's own token for *end of sequence*.
#
# Without `verbose`, `course diagnose` has to infer. If a code block is left open in the thinking, it names `</code>`.
# Otherwise it says `empty-response`, though a stop sequence may be the cause. If your own agent gets that finding, add
# `"verbose": true` to the request and ask again.
#
# [stop]: ../docs/glossary.md#stop-sequence

# %%
for letter, made in (("A", a), ("B", b), ("C", c)):
    print(f"── {letter}")
    findings(made)

# %% [markdown]
# A has several findings. `max-steps` comes with its single step; all others have one cause, the 12 tokens.
# Causes come before their consequences, so repair the first finding and look again.
#
# **Repair of A:** more tokens (here 1,024, and the usual steps; nothing is forced in either run). **Of B:** a
# client that sends no stop sequences and cuts the text itself. (The price: if the model goes on writing after its code,
# you wait for text that is thrown away.) **Of C** (not tried here): a temperature above 0 with another seed, since at 0
# the same request gives the same answer; or another model.


# %%
class CutsItself(OpenAIModel):
    supports_stop_parameter = False


healthy = run()
kept = run(REMINDER, base=CutsItself)
print("A:", healthy.answer, "  B:", kept.answer)

# %% tags=["folded", "nbval-check-output"]
found = [[finding.kind for finding in diagnose(made.turns)] for made in (a, b, c, healthy, kept)]
empty = [made.turns[0] for made in (a, b, c)]
ended = [stop_type(turn) for turn in empty]
check.claims(
    ("three times the same empty step", all(turn.code == "" for turn in empty), [t.code for t in empty]),
    ("no error in any of them", not any(turn.step["error"] for turn in empty)),
    ("stop_type: limit, word, eos", ended == ["limit", "word", "eos"], ended),
    ("A: the thinking was cut", found[0][:2] == ["thinking-cut", "empty-step"], found[0]),
    ("B: a stop sequence ended it", found[1] == ["stop-in-thinking", "empty-step"], found[1]),
    ("C: an empty response", found[2] == ["empty-response", "empty-step"], found[2]),
    ("A repaired", healthy.answer is not None and "thinking-cut" not in found[3], found[3]),
    ("B repaired, with the same words", kept.answer == 9.62 and found[4] == [], found[4]),
)

# %% [markdown]
# ## Client · one more field
#
# The client is the repaired one of B, so that the server does not stop inside the thinking. **Change:** the
# request has the field `"reasoning_format": "none"`. In its thinking, the model considers `final_answer(99)` and
# rejects it; then it writes code that computes 9.62.
#
# **Predict:** what does the agent answer: `99`, `9.62`, or `"nothing"`?

# %%
guess = ...
DRAFT = f"Maybe <code>\nfinal_answer(99)\n</code>? No: 155 m at 58 km/h.\n</think>\n\n{COMPUTE}"
fooled = run(DRAFT, base=CutsItself, model={"extra_body": {"reasoning_format": "none"}})
wire(fooled)

# %% tags=["folded"]
check.prediction("07.p4", guess, was="nothing" if fooled.answer is None else fooled.answer)
findings(fooled)
right = run(DRAFT, base=CutsItself)
print("The same words without the field, answer:", right.answer)

# %% [markdown]
# The *decoy* of lesson 06, this time with the answer on the wire as well. The server left the thinking in
# `content`. The tape has all of it, but `CutsItself` cuts it at the first `</code>`, which belongs to the
# rejected draft: smolagents never sees the second block. **Repair:** leave the field out.

# %% [markdown]
# ## Model · an easy question
#
# **Change:** the model is the *base model* of lesson 02, SmolLM2-135M-Instruct without the course's training. Then
# the embedded model gets the same question, "What is 2 + 2?". Nothing is forced.

# %%
with Server("untrained", url=False, quiet=True) as untrained:
    prose = recorded_run(untrained, "What is 2 + 2?", Tape(), model={"max_tokens": 100}, max_steps=1)
first = prose.turns[0]
wire(prose, 1)
print(*[f"{found.title} ({found.kind})" for found in diagnose(prose.turns[:1])], sep="\n")
print("── the trained model")
trained = recorded_run(server, "What is 2 + 2?", Tape(), model={"max_tokens": 100}, max_steps=1)
wire(trained, 1)

# %% [markdown]
# The untrained model's text has no code block and is not valid Python. True or not, it is an error, which goes back to the
# model and costs a step. **Repair:** if it happens again and again, another model. The trained one, asked the same, wrote
# code.

# %% tags=["folded", "nbval-check-output"]
kinds = {finding.kind for finding in diagnose(fooled.turns)}
named = {finding.kind for finding in diagnose(prose.turns[:1])}
check.claims(
    ("the draft was executed, 99", fooled.answer == 99, fooled.answer),
    ("diagnose: the leak, and the decoy", {"thinking-in-content", "decoy-ran"} <= kinds, kinds),
    ("without the field: 9.62, no findings", right.answer == 9.62 and not diagnose(right.turns)),
    ("untrained: an error in step 1", bool(first.step["error"]), first.step),
    ("diagnose: no-code-block", "no-code-block" in named, named),
    ("the trained model: code in step 1", bool(trained.turns[0].code), trained.turns[0].content),
)

# %% [markdown]
# ## Tool · two queries
#
# Two changes, in two runs of `SEARCH`. **One:** the second query is a word that no page has. **Two:** the
# search tool has no network.
#
# **Predict:** both steps end in an error. Is the line that smolagents adds *below* the error the `"same"` in both runs, or
# `"different"`?


# %%
class Unplugged(OfflineSearch):
    def search(self, query):
        raise ConnectionError("Network is unreachable")


guess = ...
nothing = run(SEARCH.replace("Pont des Arts length", "zxqvw"))
offline = run(SEARCH, tools=[Unplugged()])
for made in (nothing, offline):
    print("…", text_of(made.turns[1].exchange.messages[-1]).strip()[-430:], end="\n\n")

# %% tags=["folded"]
advice = {
    text_of(made.turns[1].exchange.messages[-1]).rpartition("Now let's")[2] for made in (nothing, offline)
}
check.prediction("07.p5", guess, was="same" if len(advice) == 1 else "different")
findings(nothing)
findings(offline)

# %% [markdown]
# This is what the model reads next, including what the code printed before it failed. On the wire, both exchanges were
# perfect. The first calls for *another query*, the second for *no more queries*. Only the error's own text says which; the
# line below it is the same. Code that catches both with one `except` hides even that. **Repair:** a query that finds
# something; a network that works. In `roomy`, the same code ran with both.

# %% [markdown]
# ## Tool · 600 characters
#
# **Change:** the agent's argument `max_print_outputs_length=600` (default: 50,000). The code prints
# three searches: the leopard, the bridge, and a cheetah to compare.
#
# **Predict:** not all of it fits. Whose figure does the model not get: `"leopard"`, `"bridge"` or
# `"cheetah"`?

# %%
guess = ...
QUERIES = "for query in ('leopard top speed', 'Pont des Arts length', 'cheetah top speed'):\n"
PRINT_ALL = f"I look.\n</think>\n\n<code>\n{QUERIES}    print(web_search(query))\n</code>"
clipped = run(PRINT_ALL, max_print_outputs_length=600)
print(clipped.turns[0].observation)

# %% tags=["folded"]
FIGURES = {"leopard": "58 km/h", "bridge": "155 m", "cheetah": "112 km/h"}
missing = [name for name, figure in FIGURES.items() if figure not in clipped.turns[0].observation]
check.prediction("07.p6", guess, ", ".join(missing))
findings(clipped)

# %% [markdown]
# Half of the 600 are from the beginning, half from the end. No error, status or finish reason tells
# you, only that line in the middle. If a model invents a figure, look for that line first. **Repair:**
# print less:

# %%
LINES = "[line for line in web_search(query).splitlines() if 'speed:' in line or 'Length:' in line]"
PRINT_FIGURES = f"I look.\n</think>\n\n<code>\n{QUERIES}    print({LINES}[0])\n</code>"
selected = run(PRINT_FIGURES, max_print_outputs_length=600)
print(selected.turns[0].observation)

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made.turns)} for made in (nothing, offline, clipped, selected)]
ended = [made.turns[0].finish_reason for made in (nothing, offline, clipped)]
arrived = [figure in selected.turns[0].observation for figure in FIGURES.values()]
check.claims(
    ("nothing found: empty-search", found[0] == {"empty-search"}, found[0]),
    ("no network: action-failed", found[1] == {"action-failed"}, found[1]),
    ("cut: observation-truncated, and no error", found[2] == {"observation-truncated"}, found[2]),
    ("the figure in the middle is missing", missing == ["bridge"], missing),
    ("print less: all three figures, no findings", all(arrived) and found[3] == set(), found[3]),
    ("on the wire, all of them end well", ended == ["stop"] * 3, ended),
)

# %% [markdown]
# ## Loop · one step
#
# **Change:** the agent may take one step, and that is `SEARCH`: nothing is computed yet. smolagents then asks the
# model once more and returns its text as the answer, as in lesson 04.
#
# **Predict:** which of these show that the steps ran out? `"answer"` (the text that `agent.run` returns),
# `"status"` (of the last response, with its finish reason), `"request"` (the last one), `"memory"` (the last
# step's error). Write a set.

# %% tags=["folded"]
FORCED_TOO = "I have no step left.\n</think>\n\nA leopard needs about 12 seconds."

# %%
guess = ...
exhausted = run(SEARCH, FORCED_TOO, max_steps=1)
print("answer:", repr(exhausted.answer))
print("system prompt of the last request:", short(text_of(exhausted.turns[-1].exchange.messages[0]), 140))

# %% tags=["folded"]
end = exhausted.turns[-1]
places = {
    "answer": "max" in str(exhausted.answer) or "limit" in str(exhausted.answer),
    "status": (end.status, end.finish_reason) != (200, "stop"),
    "request": text_of(end.exchange.messages[0]) != text_of(exhausted.turns[0].exchange.messages[0]),
    "memory": "max steps" in str(end.step["error"]),
}
check.prediction("07.p7", guess, {place for place, says in places.items() if says})
findings(exhausted)

# %% [markdown]
# No code computed these 12 seconds (the text was forced, too). Neither the answer nor the response shows that the steps
# ran out. The request does, by its system prompt, and memory does: the last step's error is "Reached max steps." So does
# `agent.run(…, return_full_result=True)`: its `state` is `max_steps_error`.
# **Repair:** more steps. `roomy` is the same run with two.

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made.turns)} for made in (exhausted, roomy)]
last = exhausted.turns[-1].step
check.claims(
    ("one step: the answer is a fallback", found[0] == {"max-steps"}, found[0]),
    ("in memory: Reached max steps.", "Reached max steps." in str(last["error"]), last),
    ("with two steps, no findings", found[1] == set(), found[1]),
)

# %% [markdown]
# ## Which fault is it?
#
# The next cell (folded, so as not to spoil it) draws four of these nine at random and runs them, with
# new figures:
#
# `healthy`, `thinking-cut`, `stop-in-thinking`, `empty-response`, `decoy-ran`, `no-code-block`, `empty-search`,
# `action-failed`, `observation-truncated`

# %% tags=["folded"]
from random import Random

NAMES = ("thinking-cut", "stop-in-thinking", "decoy-ran", "no-code-block", "empty-search", "action-failed")
NAMES += ("empty-response", "observation-truncated", "healthy")
ANIMALS = ("cheetah", "ostrich", "red fox", "lion", "zebra", "giraffe", "gray wolf", "horse")


def strangers(random):
    """Four runs by letter, and what is wrong with each."""
    a, b = random.sample(range(100, 999), 2)
    compute = f"I divide.\n<code>\nfinal_answer(round({a} / {b}, 2))\n</code>"
    pair = [f"print(web_search('{animal} top speed'))\n" for animal in random.sample(ANIMALS, 2)]
    word = "".join(random.choices("kqvwxz", k=8))
    look = "I look it up.\n</think>\n\n<code>\n" + "".join(pair) + "</code>"
    made = {
        "healthy": lambda: run(look),
        "thinking-cut": lambda: run((f"{a} m and {b} m, so\n</think>\n\n{compute}", {"max_tokens": 6})),
        "stop-in-thinking": lambda: run(f"{a}, {b}, </code> at the end.\n</think>\n\n{compute}"),
        "empty-response": lambda: run(f"{a} m and {b} m, so I have it.\n</think>\n\n"),
        "decoy-ran": lambda: run(
            (f"<code>\nfinal_answer({a})\n</code>? No.\n</think>\n\n{compute}", {"reasoning_format": "none"}),
            base=CutsItself,
        ),
        "no-code-block": lambda: run(f"{a} by {b}.\n</think>\n\nIt takes {a / b:.1f} seconds."),
        "empty-search": lambda: run(look.replace(pair[1], f"print(web_search('{word}'))\n")),
        "action-failed": lambda: run(look, tools=[Unplugged()]),
        "observation-truncated": lambda: run(look, max_print_outputs_length=random.randint(400, 700)),
    }
    drawn = dict(zip("ABCD", random.sample(list(made), 4), strict=True))
    return {letter: made[kind]() for letter, kind in drawn.items()}, drawn


runs, drawn = strangers(Random())
for letter, each in runs.items():
    print(f"── {letter}")
    wire(each, 1)

# %% [markdown]
# ### Exercise 07.1 · ★★☆ · 8 minutes
#
# Write `fault(turn)`: from the first turn of a run, it returns one of the nine names. You need
# `turn.finish_reason`, `turn.content`, `stop_type(turn)`, `turn.step["error"]` and `turn.observation` (each None or a
# text). `wire` shortens texts: `print(runs["A"].turns[0].observation)` shows a whole one. Your function is tried on these
# four and on runs of this lesson, of all nine kinds. For four new ones, run the folded cell above again.
#
# <details><summary>Hint</summary>
# In this order: the finish reason and the content, then the error, then the observation. Two of the
# nine look the same until you read all of the observation.
# </details>


# %% tags=["stub"]
def fault(turn): ...


# %% tags=["solution"]
def fault(turn):
    error, observation = turn.step["error"] or "", turn.observation or ""
    if not turn.content and turn.finish_reason == "length":
        return "thinking-cut"
    if not turn.content:
        return "stop-in-thinking" if stop_type(turn) == "word" else "empty-response"
    if "</think>" in turn.content:
        return "decoy-ran"
    if "Error in code parsing" in error:
        return "no-code-block"
    if error:
        return "empty-search" if "No results found" in error else "action-failed"
    return "observation-truncated" if "content has been truncated" in observation else "healthy"


# %% tags=["folded"]
OURS = [("healthy", roomy), ("thinking-cut", a), ("stop-in-thinking", b), ("decoy-ran", fooled)]
OURS += [("no-code-block", prose), ("empty-search", nothing), ("action-failed", offline)]
OURS += [("empty-response", c), ("observation-truncated", clipped), ("healthy", selected), ("healthy", kept)]


def lineup(random):
    """The first turns of the four runs, and of eleven runs of this lesson: all nine kinds."""
    new = [check.case(runs[x].turns[0], gives=drawn[x], name=f"run {x}") for x in runs]
    known = [
        check.case(made.turns[0], gives=kind, name=f"a run of this lesson, {kind}") for kind, made in OURS
    ]
    return [*new, *random.sample(known, len(known))]


check.function(
    "07.1", fault, lineup, hint="finish_reason and content, then the error, then the whole observation"
)

# %% tags=["folded"]
said = {
    letter: [finding.kind for finding in diagnose(each.turns)] or ["healthy"] for letter, each in runs.items()
}
check.claims(
    ("course diagnose finds in each run what was drawn", all(drawn[x] in said[x] for x in said), said)
)
if not check.is_open(fault):
    for letter, kinds in said.items():
        print(f"{letter}: you say {fault(runs[letter].turns[0])}, course diagnose says {', '.join(kinds)}")

others = (overflow, dead, healthy, right, exhausted, *runs.values())
recorded = {made.tape.path.resolve() for made in (*others, *(each for _, each in OURS))}

# %% [markdown]
# ### Exercise 07.2 · ★★☆ · 9 minutes · your own
#
# Break something of your own, let `course diagnose` name the fault, repair it, and show that it is gone. Record in a
# terminal, one of these two:
#
# - **any client of yours**, through the tap of lesson 05: the first command. Send a prompt that does not fit, or kill a
#   server of your own: start it with `course serve --port 9000`, and put its address after `--upstream`;
# - **the course's agent**, with the second command. As it stands, nothing is broken: change its question or
#   its number of steps first.
#
# A cut-off answer does not count: you had that in lesson 05. Any other finding does, even if it is only a consequence.
# The third command names it. (The first two ask this lesson's server, which the last cell of the notebook stops.)

# %%
broken, repaired = (Path(f"tapes/{name}.tape.jsonl").resolve() for name in ("broken", "repaired"))
print(f'course tap --upstream {server.url} --tape "{broken}" -- python YOUR_PROGRAM.py')
print(f'course ask --server {server.url} --tape "{broken}" --max-steps 8 "How fast is a leopard?"')
print(f'course diagnose "{broken}"')
print(f'the tape for the repaired client: "{repaired}"')

# %% [markdown]
# Give the fault's name (the word in parentheses) and the place of one of its proofs, such as
# `response.choices[0].finish_reason`. Read the bytes that are printed there: do they prove it? Then
# record the repaired client on the other tape: it must have an answered request, and not this finding.
#
# <details><summary>Hint</summary>
# The proofs are the lines right below the finding's title, and the place stands before the colon.
# New runs are appended to a tape, so delete it before you try again.
# </details>

# %% tags=["stub"]
mine = {"broken": broken, "fault": "...", "where": "...", "repaired": repaired}

# %% tags=["solution"]
from contextlib import suppress

from openai import BadRequestError, OpenAI

from course.tap import Tap

own = {9000: Tape(), 9: Tape()}
for times, tape in own.items():
    with Tap(server.url, tape) as tap, suppress(BadRequestError):
        client = OpenAI(base_url=tap.base_url, api_key="none", max_retries=0)
        asked = [{"role": "user", "content": "leopard " * times}]
        client.chat.completions.create(model="any", messages=asked, max_tokens=50)
finding = diagnose(turns(own[9000].records()))[0]
where = finding.evidence[0].where
mine = {"broken": own[9000].path, "fault": finding.kind, "where": where, "repaired": own[9].path}


# %% tags=["folded"]
import re


def bare(where):
    """A place without the turn before it, and the slice and the bytes after it."""
    place = re.sub(r"^.*?\bturn \d+: ", "", where.strip()).partition(": ")[0]
    return re.sub(r"\[\d+:\d+\]$", "", place.rstrip(" :"))


def proven(answer):
    """Whether the tapes have that fault at that place, and no longer; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"broken", "fault", "where", "repaired"} <= answer.keys():
        return "expected a dictionary with the keys broken, fault, where and repaired"
    paths = [Path(str(answer[key])).expanduser() for key in ("broken", "repaired")]
    for path in paths:
        if not path.is_file():
            return f"{path} does not exist (seen from {Path.cwd()}). Did you record to another one?"
        if path.resolve() in recorded:
            return f"{path} is the tape of a run of this lesson; record one of your own"
    before, after = (turns(Tape.read(path).records()) for path in paths)
    found, rest, cuts = diagnose(before), diagnose(after), {"thinking-cut", "answer-cut"}
    kinds = {finding.kind for finding in found if not finding.remark} - cuts
    if not kinds:
        return (
            "course diagnose finds nothing on the broken tape, or only a cut-off answer; break something else"
        )
    fault = str(answer["fault"]).strip(" ()").lower()
    if fault not in kinds:
        return f"course diagnose does not find {fault!r} on the broken tape, or it was the fault of lesson 05"
    places = {bare(quote.where) for finding in found if finding.kind == fault for quote in finding.evidence}
    if bare(str(answer["where"])) not in places:
        return f"{answer['where']!r} is not among the places that course diagnose prints for {fault}"
    if fault in {finding.kind for finding in rest}:
        return f"the repaired tape has {fault}, too. Is it a new file, and the fault repaired?"
    if new := {finding.kind for finding in rest if not finding.remark} - kinds - cuts:
        print(f"New on the repaired tape: {', '.join(sorted(new))}. In your own agent, look at that next.")
    return any(turn.status == 200 for turn in after) or "no request on the repaired tape was answered"


check.exercise("07.2", mine, proven, hint="course diagnose and the path of your tape")

# %% [markdown]
# ## Recap
#
# Take the *first* bad exchange, read it from outside to inside, and stop at the first line that fits:
#
# | look at | you see | where the fault sits | check first |
# |---|---|---|---|
# | status | none | the server is gone or was never there, or the client gave up | its log, the address, the timeout |
# | status | 400 and two numbers | the context window is full | its size, the observations |
# | status | another error | what the message says: key, address, model, template | `response.error.message` |
# | system prompt | "An agent tried to answer …" | the loop: out of steps | what the steps were spent on |
# | end of the prompt | no `<think>`, but the template opens one | the server's template | `--no-jinja`, lesson 06 |
# | finish_reason | `length` | the client's limit (or a nearly full window) | `max_tokens`, `usage` |
# | finish_reason | `stop`, no content and no `tool_calls` | a stop sequence in the thinking, or the model | `stop_type` |
# | content | the thinking, or a `</think>` tag | the server's settings, or the request's | `reasoning_format`, lesson 06 |
# | content | prose, no code | the model | whether it happens again; then another model |
# | step error | "Code parsing failed" | the model's code | that line of the code |
# | step error | "not allowed", "Forbidden", "not defined" | the model's code | the system prompt's imports and tools |
# | step error | "No results found!" | the query | the words of the query |
# | step error | another error | a tool, or the model's code | the name after `due to:`, then call the tool yourself |
# | observation | "has been truncated" | the print limit | what the code prints |
#
# A fault that only costs time fits no line: see [lesson 10](10_what_the_loop_costs.ipynb).
#
# - Most of these failures have HTTP 200: the status says nothing about what the agent did.
# - `step.error` is None for an empty step, a decoy and a truncated observation.
# - One cause can have several findings. Repair the first, and look again.
# - The model can react to an error that it reads. What it doesn't see, only you can find.
#
# **In your own agent:** record one bad run with `course tap`, run `course diagnose`, and read the
# proof before you change the prompt. [All faults that it names](../docs/faults.md) are on one page, with those that are
# easily mistaken for each other.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "07",
    check.question(
        "An agent returns a wrong number before its steps run out. Every status is 200, every `finish_reason` is `stop`, "
        "and no step has an error. What next?",
        right="read the text itself: the observations that the model was given, and the `content` that it wrote",
        why="A truncated observation and a decoy show only there.",
        wrong={
            "conclude that the model is too weak": "It may be. But a decoy and a cut text do this to any model.",
            "raise `max_tokens`": "No response was cut.",
        },
    ),
    check.question(
        "A run has the findings answer-cut, syntax-error and max-steps. What do you repair?",
        right="the token limit",
        why="The code was cut in the middle, so it was not valid Python, so the steps ran out. The first one is the cause.",
        wrong={
            "the number of steps": "More steps with the same limit would be cut as well.",
            "the model, which cannot write Python": "It was not allowed to finish. Its whole code may be fine.",
        },
    ),
    check.question(
        "The `content` of a response is empty, and its `finish_reason` is `stop`. What do you look at?",
        right="`stop_type` in the verbose response",
        why="`word` means that a stop sequence struck in the thinking, `eos` that the model ended by itself.",
        wrong={
            "`max_tokens` in the request": "The limit would show as `length`.",
            "`step.error` in the agent's memory": "It is None: empty code runs without an error.",
        },
    ),
)

# %%
check.progress("07")
server.stop()

# %% [markdown]
# **Next:** [lesson 08, code or tool calls](08_code_or_tool_calls.ipynb). What can go wrong with tool
# calls is in [appendix 07b](07b_failures_of_tool_calls.ipynb).
