# %% [markdown]
# # 07 · A gallery of failures
#
# Your agent returns nothing, or nonsense, or an exception. Where do you look first? The cause can
# sit in five places: the server, the client's settings, the model, a tool, or the loop around them.
# From outside they look alike. In this lesson you cause eleven failures, each with one change, and
# learn which bytes tell them apart.
#
# **After this lesson you can**
# - say from one exchange where to look first,
# - tell failures apart that look the same in the agent's log,
# - check a finding of `course diagnose` against its proof,
# - repair each of them, and measure that it is repaired.
#
# **Minutes:** 45 · **Needs:** lessons 03, 05 and 06

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from datetime import datetime
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
# To break servers, you need servers that may be broken. So this lesson starts its own, on the
# embedded model, and does not use `SERVER` and `PROFILE`.
#
# Three small helpers, used for every exhibit (unfold the next cell to read them):
#
# - `run(WORDS)` asks an agent the leopard question. A [grammar][g] forces the words of its first
#   step, as in lesson 06; then the agent is made to end. What follows from those words is real.
#   `run()` forces nothing.
# - `wire(turn)` shows one [turn][t] in a few lines.
# - `name(turns)` prints what `course diagnose` finds.
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


def wire(turn):
    """One turn in a few lines: what came back, and what smolagents made of it."""
    call, step = turn.exchange, turn.step or {}
    print(f"turn {turn.number}: HTTP status {turn.status or 'none'}, finish_reason {turn.finish_reason}")
    refusal = call.failure.message if call and call.failure else call and call.error
    wire = {"refusal": refusal, "thinking": turn.thinking, "content": turn.content}
    made = {"code": turn.code, "observation": turn.observation, "error": step.get("error")}
    for side, texts in (("wire", wire), ("step", made)):
        for what, text in texts.items():
            if isinstance(text, str):
                print(f"  {side}  {what:<12}{short(text)}")


def name(made):
    """The findings of `course diagnose`, without their proof."""
    for finding in diagnose(made):
        print(f"turn {finding.turn}: {finding.title} ({finding.kind})")
        print(fill(finding.next, 96, initial_indent="  next: ", subsequent_indent="        "))


# %% [markdown]
# Every box of this picture can break:
#
# ![The layers between a question and the bytes: CodeAgent, OpenAIModel, recording transport with
# the tape, llama-server with chat template, model and chat parser](../docs/pictures/layers.svg)
#
# The exhibits follow one exchange from outside to inside. Did a response come at all? How did its
# text end? Is there code in it? What did the code see? And what does the next request look like?

# %% [markdown]
# ## Server · the window that fits the first step
#
# **Change:** the server's [context window][cw] holds 2,560 tokens instead of 8,192. The system
# prompt and the question take about 2,400. The agent makes two searches, and prints what they found.
#
# **Predict:** what does the server do with the second request: does it `answer`, `refuse`, or
# `shorten` the conversation by dropping old messages?
#
# [cw]: ../docs/glossary.md#context-window

# %%
guess = ...

# %%
SEARCH = (
    "I need two figures.\n</think>\n\n<code>\n"
    "print(web_search('leopard top speed'))\nprint(web_search('Pont des Arts length'))\n</code>"
)
with Server("embedded", url=False, quiet=True, context=2560) as small:
    overflow = run(SEARCH, on=small)
for turn in overflow.turns:
    print(f"turn {turn.number}: HTTP status {turn.status}, {turn.tokens.prompt} prompt tokens")
print(short(str(overflow.error), 200))

# %%
check.prediction("07.p1", guess, was="refuse" if overflow.turns[-1].status == 400 else "answer")
name(overflow.turns)

# %% [markdown]
# Step 1 worked, and the request of step 2 is too long: an agent's requests grow with each step.
# llama-server refuses with HTTP 400 and names both numbers. smolagents ends the run. **Repair:** a larger window, shorter
# observations, or fewer steps. The same words on the server with 8,192:

# %%
roomy = run(SEARCH)
print(roomy.turns[1].tokens.prompt, "prompt tokens in turn 2, answer:", roomy.answer)

# %% [markdown]
# ## Server · killed in the middle
#
# **Change:** half a second after the first request is sent, the server gets the signal that the
# kernel sends when memory runs out. Then you ask the same agent once more.
#
# **Predict:** the two runs end in exceptions. Do these say the `same`, or something `different`?

# %%
guess = ...


# %% tags=["folded"]
import threading

import psutil

doomed = Server("embedded", url=False, quiet=True).start()
victim = psutil.Process(doomed.pid)


class WhileItDies(OpenAIModel):
    """Kill the server half a second after a request has been prepared."""

    def _prepare_completion_kwargs(self, *args, **kw):
        if victim.is_running() and victim.status() != psutil.STATUS_ZOMBIE:
            threading.Timer(0.5, victim.kill).start()
        return super()._prepare_completion_kwargs(*args, **kw)


# %%
dead = run(on=doomed, base=WhileItDies)
said = [str(dead.error)]
try:
    dead.agent.run(LEOPARD)
except Exception as error:
    said.append(str(error))
print(*said, sep="\n")

# %%
check.prediction("07.p2", guess, was="same" if said[0] == said[1] else "different")
lost = turns(dead.tape.records())
for turn in lost:
    wire(turn)

# %% [markdown]
# The exceptions are the same. The tape tells the two apart: the first connection was *lost* after
# the request had been sent, the second was *refused*, because nothing listens any more. After a lost
# connection, read the end of the server's log. After a refused one, check the address, and whether
# the server runs.

# %%
name(lost)

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made)} for made in (overflow.turns, lost)]
doomed.stop()
check.claims(
    ("a full window: HTTP 400 in turn 2", [t.status for t in overflow.turns] == [200, 400]),
    ("diagnose: context-overflow", found[0] == {"context-overflow"}, found[0]),
    ("with 8,192 tokens, the same run ends well", roomy.answer == "enough" and not diagnose(roomy.turns)),
    ("killed: no status at all", [t.status for t in lost] == [0, 0], [t.status for t in lost]),
    ("diagnose: lost, then unreachable", found[1] == {"connection-lost", "unreachable"}, found[1]),
)

# %% [markdown]
# ## Client · two empty steps
#
# Two changes, in two runs. **A:** a response may have 12 tokens. **B:** in its thoughts, the model
# mentions the tag that closes its code, `</code>`. This is what smolagents has of step 1:

# %%
COMPUTE = "Thought: I compute it.\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"
REMINDER = f"155 m at 58 km/h. I close my code with </code> and stop.\n</think>\n\n{COMPUTE}"
a = run(model={"max_tokens": 12}, max_steps=1)
b = run(REMINDER)
for letter, made in (("A", a), ("B", b)):
    step = made.turns[0].step
    print(letter, {key: step[key] for key in ("code", "observation", "error")})

# %% [markdown]
# Two *silent no-op steps*: empty code is valid Python, it ran, and nothing complained. In memory
# they are twins.
#
# **Predict:** which part of the response tells them apart: the HTTP `status`, the `finish_reason`,
# or the `content`?

# %%
guess = ...

# %%
wire(a.turns[0])
wire(b.turns[0])

# %%
told = [
    key
    for key in ("status", "finish_reason", "content")
    if getattr(a.turns[0], key) != getattr(b.turns[0], key)
]
check.prediction("07.p3", guess, was=", ".join(told))

# %% [markdown]
# In A the server counted to 12 and stopped: `length`. In B it met a [stop sequence][stop] that
# smolagents sends with each step. The server looks for it in the thoughts too, and says `stop`, as
# if the model were done.
#
# [stop]: ../docs/glossary.md#stop-sequence

# %%
name(a.turns)
print()
name(b.turns)

# %% [markdown]
# A has several findings and one cause. Causes are listed before their consequences, so repair the
# first finding and look again.
#
# **Repair of A:** more tokens (here the usual 1,024, and nothing forced). **Repair of B:** a client
# that sends no stop sequences and cuts the text itself.


# %%
class CutsItself(OpenAIModel):
    supports_stop_parameter = False


healthy = run()
kept = run(REMINDER, base=CutsItself)
print("A:", healthy.answer, "  B:", kept.answer)

# %% tags=["folded", "nbval-check-output"]
found = [[finding.kind for finding in diagnose(made.turns)] for made in (a, b, healthy, kept)]
check.claims(
    ("A and B: the same empty step", a.turns[0].code == b.turns[0].code == ""),
    ("A and B: no error", not a.turns[0].step["error"] and not b.turns[0].step["error"]),
    ("A: the thinking was cut", found[0][:2] == ["thinking-cut", "empty-step"], found[0]),
    ("B: a stop sequence ended it", found[1] == ["stop-in-thinking", "empty-step"], found[1]),
    ("A repaired", healthy.answer is not None and "thinking-cut" not in found[2], found[2]),
    ("B repaired, with the same words", kept.answer == 9.62 and found[3] == [], found[3]),
)

# %% [markdown]
# ### Exercise 07.1 · ★★☆ · 7 minutes
#
# Without the words in front of you, an empty answer has three possible causes. With
# `"verbose": true`, llama-server says more than `finish_reason`:

# %%
from course.agent.forced import grammar

asked = {"messages": [{"role": "user", "content": "How long is it?"}], "temperature": 0, "verbose": True}


def ask(words, **more):
    """The response to a question, with these words forced."""
    return server.post("/v1/chat/completions", {**asked, "grammar": grammar(words), **more})


example = ask("155 m.\n</think>\n\nIt is 155 m long.")
print(example["choices"][0])
print({key: example["__verbose"][key] for key in ("stop_type", "stopping_word")})

# %% [markdown]
# Write `why_empty(response)`. It returns `"not empty"`, or the reason: `"limit"` (too few tokens),
# `"stop sequence"`, or `"model"` (it ended its turn by itself, with nothing to say). Content of
# nothing but white space counts as empty. `stop_type` is `"limit"`, `"word"` or `"eos"`.
#
# <details><summary>Hint</summary>
# Look at the content first: an answer can be cut off or stopped, and still not be empty. The
# <code>finish_reason</code> is <code>stop</code> for two of the three reasons.
# </details>

# %% tags=["stub"]
why_empty = ...


# %% tags=["solution"]
def why_empty(response):
    if response["choices"][0]["message"]["content"].strip():
        return "not empty"
    return {"limit": "limit", "word": "stop sequence", "eos": "model"}[response["__verbose"]["stop_type"]]


# %% tags=["folded"]
def responses(random):
    """New responses from the server, with figures that nobody has seen."""
    a, b, c = random.sample(range(100, 999), 3)
    draft = f"Perhaps {a} m, or {b} m.\n</think>\n\n"
    list_ = "One two three four five six seven eight nine ten."
    made = [
        (ask(draft, stop=["</code>"]), "model", "the model ended after its thoughts"),
        (ask(draft + "It is long.", stop=[str(b)]), "stop sequence", "a stop sequence in the thoughts"),
        (ask(draft + "It is long.", max_tokens=4), "limit", "4 tokens"),
        (ask(f"{c}?\n</think>\n\n{list_}", max_tokens=14), "not empty", "an answer that was cut off"),
        (ask(f"{draft}It is {c} m.", stop=[str(c)]), "not empty", "an answer that a stop sequence ended"),
        (ask(f"{draft}It is {c} m."), "not empty", "a whole answer"),
        (ask(f"{draft} \n"), "model", "white space"),
    ]
    return [check.case(response, gives=gives, name=name) for response, gives, name in made]


check.function("07.1", why_empty, responses, hint="content first, then stop_type")

# %% [markdown]
# ## Client · an old acquaintance
#
# **Change:** one field in the request. The model's words are in the next cell.

# %%
DRAFT = f"Maybe <code>\nfinal_answer(99)\n</code>? No: 155 m at 58 km/h.\n</think>\n\n{COMPUTE}"
fooled = run(DRAFT, base=CutsItself, model={"extra_body": {"reasoning_format": "none"}})
print("answer:", fooled.answer)
wire(fooled.turns[0])

# %% [markdown]
# You know this one. **Name it** before `course diagnose` does: `stop in thinking`,
# `draft executed`, or `wrong figure`?

# %%
guess = ...

# %%
kinds = {finding.kind for finding in diagnose(fooled.turns)}
check.prediction("07.p4", guess, was="draft executed" if "decoy-ran" in kinds else "another")
name(fooled.turns)

# %% [markdown]
# The *decoy* of lesson 06. `reasoning_format` asked the server to leave the thoughts in `content`,
# and smolagents runs all code that it finds there, the rejected draft first. **Repair:** leave the
# field out.

# %%
right = run(DRAFT, base=CutsItself)
print("answer:", right.answer)

# %% [markdown]
# ## Model · too small for the format
#
# **Change:** the model as its makers published it, before this course trained it. The question is an
# easy one, and nothing is forced.
#
# **Predict:** what does smolagents make of its first response: `an answer`, `empty code`, or `an
# error`?

# %%
guess = ...

# %%
easy, brief = "What is 2 + 2?", {"max_tokens": 100}
with Server("untrained", url=False, quiet=True) as untrained:
    prose = recorded_run(untrained, easy, Tape(), model=brief, max_steps=1)
first = prose.turns[0]
wire(first)

# %%
was = "an error" if first.step["error"] else "an answer" if first.is_final else "empty code"
check.prediction("07.p5", guess, was=was)
name(prose.turns[:1])

# %% [markdown]
# Nothing is wrong on the wire but the text: there is no code block in it. Whether the text is true
# does not matter, since smolagents runs code and nothing else. The error goes back to the model and
# costs a step. One such step is normal; several in a row mean that the model cannot keep the format.
# **Repair:** another model. The trained one kept it in `healthy`, above.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the draft was executed, 99", fooled.answer == 99, fooled.answer),
    ("diagnose: the leak, and the decoy", {"thinking-in-content", "decoy-ran"} <= kinds, kinds),
    ("without the field: 9.62, no findings", right.answer == 9.62 and not diagnose(right.turns)),
    ("untrained: an error in step 1", bool(first.step["error"]), first.step),
    ("the trained model: code in step 1", bool(healthy.turns[0].code), healthy.turns[0].content),
)

# %% [markdown]
# ## Tool · two searches that fail
#
# **Change 1:** the second query of a step has a word that no page has. **Change 2:** the search tool
# has no network. The code is the same, two searches with `print`:
#
# **Predict:** in change 1, the *first* search found something. Does the model get to read it: `yes`
# or `no`?

# %%
guess = ...


# %%
class Unplugged(OfflineSearch):
    def search(self, query):
        raise ConnectionError("Network is unreachable")


nothing = run(SEARCH.replace("Pont des Arts length", "zxqvw"))
offline = run(SEARCH, tools=[Unplugged()])
for made in (nothing, offline):
    print(text_of(made.turns[1].exchange.messages[-1])[-620:], end="\n\n")

# %%
reads = text_of(nothing.turns[1].exchange.messages[-1])
check.prediction("07.p6", guess, was="yes" if "km/h" in reads else "no")

# %% [markdown]
# This is what the model reads next. On the wire, both exchanges were perfect. The two errors ask for
# opposite things: *another query*, or *no more queries*. Code that catches both with one `except`
# and prints "nothing found" hides that from the model.

# %%
name(nothing.turns)
print()
name(offline.turns)

# %% [markdown]
# ## Tool · a fact in the middle
#
# **Change:** one argument of the agent, `max_print_outputs_length=600`. (Its default is 50,000
# characters. A long web page reaches that, too.)
#
# **Predict:** the two searches print about 1,300 characters. Which part does the model not get:
# the `beginning`, the `middle` or the `end`?

# %%
guess = ...

# %%
clipped = run(SEARCH, max_print_outputs_length=600)
print(clipped.turns[0].observation)

# %%
seen = clipped.turns[0].observation
whole = roomy.turns[0].observation
kept_head, kept_tail = whole[:200] in seen, whole[-200:] in seen
check.prediction(
    "07.p7", guess, was="middle" if kept_head and kept_tail else "end" if kept_head else "beginning"
)
name(clipped.turns)

# %% [markdown]
# No error, status or finish reason tells you, only this line in the middle of a text. The figure
# that the question needs may have been there. If a model invents a figure, look for that line first.
# **Repair:** print less. A higher limit fills the context window, and you are back at the first
# exhibit.

# %%
SELECT = SEARCH.replace("'))", "')[:280])")
selected = run(SELECT, max_print_outputs_length=600)
print(len(selected.turns[0].observation), "characters,", [f.kind for f in diagnose(selected.turns)])

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made.turns)} for made in (nothing, offline, clipped, selected)]
ended = [made.turns[0].finish_reason for made in (nothing, offline, clipped)]
check.claims(
    ("nothing found: empty-search", found[0] == {"empty-search"}, found[0]),
    ("no network: action-failed", found[1] == {"action-failed"}, found[1]),
    ("cut: observation-truncated, and no error", found[2] == {"observation-truncated"}, found[2]),
    ("print less: no findings", found[3] == set(), found[3]),
    ("on the wire, all of them end well", ended == ["stop"] * 3, ended),
)

# %% [markdown]
# ## Loop · an answer out of nowhere
#
# **Change:** the agent may take one step. That step makes its searches, as above. Then the model says
# what it would say to a user (forced, too).
#
# **Predict:** what does `agent.run` give you: `None`, an `exception`, or `text`?

# %%
guess = ...

# %%
LAST_WORDS = "I have no step left.\n</think>\n\nA leopard needs about 12 seconds."
exhausted = run(SEARCH, LAST_WORDS, max_steps=1)
last = exhausted.turns[-1]
print("answer:", repr(exhausted.answer))
print("system prompt:", short(text_of(last.exchange.messages[0]), 140))

# %%
was = "exception" if exhausted.error else "None" if exhausted.answer is None else "text"
check.prediction("07.p8", guess, was=was)
name(exhausted.turns)

# %% [markdown]
# smolagents asks once more, with another system prompt and without tools, and gives you whatever
# text comes back. Nothing was computed for these 12 seconds, and the text that comes back does not tell. On the
# tape it is the request whose system prompt begins with "An agent tried to answer"; in memory, the
# step of kind `max_steps`. **Repair:** more steps, or a task that needs fewer. In `healthy` the
# agent ended by calling `final_answer`:

# %%
print([turn.step["kind"] for turn in healthy.turns], healthy.turns[-1].is_final)

# %% [markdown]
# ## Loop · the slow clock
#
# **Change:** a step callback writes the time at the top of the system prompt, so that the model
# knows it.


# %%
def clock(step, agent):
    manual = agent.system_prompt
    agent.memory.system_prompt.system_prompt = f"It is {datetime.now():%H:%M:%S}.\n{manual}"


# %% [markdown]
# **Predict:** the second request has about 3,000 tokens, and without the clock some 2,400 of them
# come from the [prompt cache](../docs/glossary.md#prompt-cache). How many do with it?

# %%
guess = ...

# %%
late = run(SEARCH, step_callbacks=[clock])
for title, made in (("without", roomy), ("with", late)):
    tokens, seconds = made.turns[1].tokens, made.turns[1].timings["prompt_ms"] / 1000
    print(f"{title:<8}{tokens.prompt} tokens, {tokens.cached} from the cache, {seconds:.1f} s")

# %%
check.prediction("07.p9", guess, was=late.turns[1].tokens.cached, unit="tokens")
name(late.turns)

# %% [markdown]
# Nothing fails. Each step only takes longer, with the same answers. The cache keeps what two
# prompts have in common *at their beginning*, and twenty characters at the top leave nothing.
# **Repair:** the same news at the end, where everything is new anyway.


# %%
def clock_at_the_end(step, agent):
    step.observations = f"{step.observations}\nIt is {datetime.now():%H:%M:%S}."


on_time = run(SEARCH, step_callbacks=[clock_at_the_end])
print(on_time.turns[1].tokens.cached, "tokens cached,", [f.kind for f in diagnose(on_time.turns)])

# %% tags=["folded", "nbval-check-output"]
found = [{finding.kind for finding in diagnose(made.turns)} for made in (exhausted, late, on_time)]
says = [made.turns[1].tokens.cached for made in (late, on_time)]
check.claims(
    ("one step: the answer is a fallback", found[0] == {"max-steps"}, found[0]),
    ("the clock: changing-prefix", found[1] == {"changing-prefix"}, found[1]),
    ("it leaves less than 100 cached tokens", says[0] < 100, says),
    ("at the end: more than 2,000, no findings", says[1] > 2000 and found[2] == set(), says),
)

# %% [markdown]
# ## Which fault is it?
#
# Now without captions. The next cell (folded, so as not to spoil it) draws four of these eight at
# random, with new figures, and runs them:
#
# `healthy`, `thinking-cut`, `stop-in-thinking`, `decoy-ran`, `no-code-block`, `empty-search`,
# `action-failed`, `observation-truncated`

# %% tags=["folded"]
from random import Random

NAMES = ("thinking-cut", "stop-in-thinking", "decoy-ran", "no-code-block", "empty-search", "action-failed")
NAMES += ("observation-truncated", "healthy")
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
    wire(each.turns[0])

# %% [markdown]
# ### Exercise 07.2 · ★★★ · 6 minutes
#
# Name the four. `wire` shortens long texts: `print(runs["A"].turns[0].observation)` shows one whole.
# Don't use `name` before you have an answer.
#
# <details><summary>Hint</summary>
# In this order: the finish reason and the content, then the error, then the observation. Two of the
# eight look the same until you read all of the observation.
# </details>

# %% tags=["stub"]
named = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["solution"]
named = {
    letter: next((f.kind for f in diagnose(each.turns) if f.kind in NAMES), "healthy")
    for letter, each in runs.items()
}

# %%
check.exercise("07.2", named, drawn, hint="finish_reason, content, error, observation")

# %% [markdown]
# Did `course diagnose` get them right? Compare, and draw again if you like: run the folded cell once
# more.

# %% tags=["folded"]
for letter, each in runs.items():
    kinds = [f.kind for f in diagnose(each.turns)]
    print(letter, drawn[letter], "· diagnose:", ", ".join(kinds) or "nothing found")
    check.claims((letter, drawn[letter] in (kinds or ["healthy"]), kinds))

# %% [markdown]
# ### Exercise 07.3 · ★★☆ · 8 minutes · your own
#
# Break something of your own, and have it named. Record it in a terminal, either way:
#
# - **any client of yours**, through the tap of [lesson 05](05_wire_and_steps.ipynb): the first
#   command below. Ask for too much, kill something, leave a tool without its result;
# - **the course's agent**, with the second command.
#
# Choose another fault than a cut-off answer, which you had in lesson 05.

# %%
broken = Path("tapes/broken.tape.jsonl").resolve()
print(f"course tap --upstream {server.url} --tape {broken}")
print(f'course ask --server {server.url} --tape {broken} --max-steps 1 "How fast is a zxqvw?"')
print(f"course diagnose {broken}")

# %% [markdown]
# Give the name that `course diagnose` has for it (the word in parentheses), and one place that
# proves it, as printed (such as `response.choices[0].finish_reason`). Look at that place: would you
# have believed it without the name?
#
# <details><summary>Hint</summary>
# The proof is the lines right below the finding's title. What stands before the colon is the place.
# </details>

# %% tags=["stub"]
mine = {"tape": broken, "fault": "...", "where": "..."}

# %% tags=["solution"]
from contextlib import suppress

from openai import BadRequestError, OpenAI

from course.tap import Tap

own = Tape()
with Tap(server.url, own) as tap, suppress(BadRequestError):
    client = OpenAI(base_url=tap.base_url, api_key="none", max_retries=0)
    client.chat.completions.create(model="any", messages=[{"role": "user", "content": "leopard " * 9000}])
finding = diagnose(turns(own.records()))[0]
mine = {"tape": own.path, "fault": finding.kind, "where": finding.evidence[0].where}


# %% tags=["folded"]
import re


def bare(where):
    """A place without the turn before it and the slice after it."""
    return re.sub(r"\[\d+:\d+\]$", "", where.strip(" :").rpartition(": ")[2])


def proven(answer):
    """Whether the learner's tape has that fault at that place; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "fault", "where"} <= answer.keys():
        return "expected a dictionary with the keys tape, fault and where"
    path = Path(str(answer["tape"])).expanduser()
    if not path.is_file():
        return f"there is no file {path} (seen from {Path.cwd()}). Did you record to another one?"
    found = diagnose(turns(Tape.read(path).records()))
    kinds = {finding.kind for finding in found} - {"thinking-cut", "answer-cut"}
    if not kinds:
        return "course diagnose finds nothing on it, or only a cut-off answer; break something else"
    fault = str(answer["fault"]).strip(" ()").lower()
    if fault not in kinds:
        return f"course diagnose does not find {fault!r} on this tape, or it was the fault of lesson 05"
    places = {bare(quote.where) for finding in found if finding.kind == fault for quote in finding.evidence}
    if bare(str(answer["where"])) in places:
        return True
    return f"{answer['where']!r} is not among the places that course diagnose prints for {fault}"


check.exercise("07.3", mine, proven, hint="course diagnose and the path of your tape")

# %% [markdown]
# ## Recap
#
# Read an exchange from outside to inside, and stop at the first line that fits:
#
# | look at | you see | where the fault sits | check first |
# |---|---|---|---|
# | status | none | the server is gone, or was never there | its log, the address |
# | status | 400 and two numbers | the context window is full | its size, the observations |
# | finish_reason | `length` | the client's limit | `max_tokens` |
# | finish_reason | `stop`, but content is empty | a stop sequence in the thoughts | `stop` in the request |
# | content | thoughts | the server's settings, or the request's | `reasoning_format`, lesson 06 |
# | content | prose, no code | the model | another model |
# | step error | "No results found!" | the query | the words of the query |
# | step error | another error of a tool | the tool | call it yourself |
# | observation | "has been truncated" | the print limit | what the code prints |
# | system prompt | "An agent tried to answer …" | the loop: out of steps | what the steps were spent on |
# | cached tokens | few, in a conversation that goes on | the beginning changes | the first difference |

# %% [markdown]
# - Most of these failures have HTTP 200. The status tells about the server, not about the run.
# - `step.error` is silent for an empty step, a decoy, a truncated text and a lost cache.
# - One cause can have several findings. Repair the first, and look again.
# - An error that the model reads can be repaired by the model. What it doesn't see, only you can.
#
# **In your own agent:** record one bad run with `course tap`, run `course diagnose`, and read the
# proof before you change the prompt.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "07",
    check.question(
        "An agent returns a wrong number. Every status is 200, and no step has an error. What next?",
        right="read what the model was given: observations and content",
        why="A truncated observation and a decoy both look like that; each has its own line in the text.",
        wrong={
            "conclude that the model is too weak": "It may be. But three of the exhibits look like this with any model.",
            "raise `max_tokens`": "Then some `finish_reason` would be `length`.",
        },
    ),
    check.question(
        "A run has the findings thinking-cut, empty-step and max-steps. What do you repair?",
        right="the token limit",
        why="No code could come, so the step was empty, so the steps ran out. The first finding is the cause.",
        wrong={
            "the number of steps": "More steps of the same kind run nothing, too.",
            "the parser, which accepted empty code": "It was given nothing to parse. The cause lies before it.",
        },
    ),
    check.question(
        "Step 5 takes ten times as long as last week, and the answers are the same. Where do you look?",
        right="at the first difference between the prompts of steps 4 and 5",
        why="If it is near the beginning, the server processes everything again: compare the cached tokens.",
        wrong={
            "at the temperature": "It decides which token is drawn, not how long the prompt takes.",
            "at the stop sequences": "They end the text. They don't make the server read it again.",
        },
    ),
)

# %%
check.progress("07")
server.stop()

# %% [markdown]
# **Next:** [lesson 08, code or tool calls](08_code_or_tool_calls.ipynb). What can go wrong with tool
# calls is in [appendix 07b](07b_failures_of_tool_calls.ipynb).
