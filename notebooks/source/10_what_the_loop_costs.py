# %% [markdown]
# # 10 · What the loop costs
#
# An agent answers in ten seconds when it needs three steps, and in minutes when it needs ten. Nothing
# is broken. Each step sends everything again, and you pay for that: in seconds on your own machine, in
# money with a provider. How fast does the bill grow, and what cuts it?

# %% [markdown]
# **After this lesson you can**
#
# - say what grows in a straight line with the steps of a run, and what grows faster,
# - find the message that lost the prompt cache,
# - cut a bill in four ways, and measure what each one saves,
# - check the token figures that somebody else reports.
#
# **Minutes:** 45 · **Needs:** [lesson 05](05_wire_and_steps.ipynb). (Its appendix
# [05b](05b_the_bill.ipynb) reads the bill of one run; here you compare runs.)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import io
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from smolagents import ActionStep, TaskStep
from smolagents.memory import SystemPromptStep
from smolagents.monitoring import AgentLogger, Timing

# %%
from course import check, diagnose, view
from course.agent import code_agent, connect, forced, spoken
from course.model.embedded import template_path
from course.model.tiny import hybrid
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## How fast does a prompt grow?
#
# To see growth you need a long run, and the embedded model is done after two or three steps. So in
# this lesson a [grammar][grammar] dictates what the model says: it can write these words and no others.
#
# [grammar]: ../docs/glossary.md#grammar

# %%
ANIMALS = ["leopard", "cheetah", "lion", "gray wolf", "wild boar", "giraffe"]
QUESTION = f"Which of these is the fastest: {', '.join(ANIMALS)}?"


def step(thought, code):
    """What the model says in one step."""
    return f"{thought}\n</think>\n\nThought: {thought}\n<code>\n{code}\n</code>"


one_by_one = [
    step(f"I look for the {animal}.", f'print(web_search(query="top speed of {animal} in km/h"))')
    for animal in ANIMALS
] + [step("I have seen all six.", 'final_answer("the cheetah")')]


# %%
def run(where, words, tape=None, **agent):
    """Ask the question on this server, with these words dictated. Returns the turns."""
    tape = Tape() if tape is None else tape
    model = connect(where, tape, model_class=forced(spoken(where, words)))
    code_agent(model, **{"tools": [OfflineSearch(max_results=4)], **agent}).run(QUESTION)
    return turns(tape.records())


# %% [markdown]
# Server, cache, agent and search are real, and so are all counts of tokens: they don't depend on who
# chose the words. Seven requests are coming, one for each animal and one for the answer.
#
# **Predict:** how many times as long as the first prompt is the last one? A number, such as 1.1 or 5.

# %%
guess = ...

# %%
printed = io.StringIO()  # what smolagents prints about this run, for later
logger = AgentLogger(level=1, console=Console(file=printed, width=200, force_jupyter=False))
tape = Tape()
long = run(server, one_by_one, tape, logger=logger)
sizes = [turn.tokens.prompt for turn in long]
for number, size in enumerate(sizes, 1):
    print(f"request {number}: {size:>5,} tokens  {'█' * (size // 100)}")

# %%
check.prediction("10.p1", guess, was=round(sizes[-1] / sizes[0], 1), unit="times")

# %% [markdown]
# The beginning, mostly the system prompt, is long from the first request on. After that, each step
# adds about the same: what the model said, and what it was shown. Is that a straight line? Fit one.

# %%
growth, start = np.polyfit(range(len(sizes)), sizes, 1)
fitted = [round(start + growth * n) for n in range(len(sizes))]
print(f"prompt of request n = {start:,.0f} + {growth:.0f} × (n - 1)")
print("measured:", sizes)
print("fitted:  ", fitted)

# %% [markdown]
# It is, nearly. The blog post says that each step *multiplies* what the model has to read again. It
# adds to it.

# %% tags=["folded", "nbval-check-output"]
off = [abs(a - b) for a, b in zip(sizes, fitted, strict=True)]
check.claims(
    ("there are seven requests", len(long) == 7, len(long)),
    ("no prompt is further from the line than half a step", max(off) < growth / 2, (off, growth)),
)

# %% [markdown]
# ## And the bill for the whole run?
#
# Every request carries its whole prompt. So what a run *sends* is the sum of all prompts.
#
# **Predict:** a run of 14 requests sends how many times as many tokens as a run of 7? If the bill grew
# like the number of steps, the answer would be 2; if it grew like its square, 4.

# %%
guess = ...


# %%
def sent(requests):
    """All prompts of such a run together, by the line above."""
    return sum(start + growth * n for n in range(requests))


print(f"   7 requests: {sent(7):>12,.0f} tokens sent")
for requests in (14, 28, 56, 112):
    ratio = sent(requests) / sent(requests // 2)
    print(f"{requests:>4} requests: {sent(requests):>12,.0f} tokens sent, {ratio:.1f} times the line above")

# %%
check.prediction("10.p2", guess, was=round(sent(14) / sent(7), 1), unit="times")

# %% [markdown]
# Both answers have something to them. The fixed beginning is sent once per request, which is linear.
# The growth is sent again and again, which is quadratic, and the longer the run, the more it decides.
# This is the *O(n²)* in the complaints about agents.

# %% [markdown]
# ## What makes it grow?
#
# Lesson 05 showed that smolagents sends the code of each past step twice: once as the model wrote it,
# and once after `Calling tools:`.
#
# **Predict:** which part of the last prompt is larger, not counting the system prompt:
# `"observations"`, `"first copies"` (the model's own words) or `"second copies"`?

# %%
guess = ...

# %%
counted = turns(tape.records(), count=lambda text: len(server.tokenize(text)))[-1]
NAMES = {"observation": "observations", "turn": "first copies", "calls": "second copies"}
parts = Counter()
for part in counted.segments:
    parts[NAMES.get(part.kind, "the rest")] += part.tokens
for name, tokens in parts.most_common():
    print(f"{name:<14} {tokens:>5,} tokens, {tokens / counted.tokens.prompt:>4.0%} of the last prompt")

# %%
check.prediction("10.p3", guess, was=max(NAMES.values(), key=parts.get))

# %% [markdown]
# The growth chart shows all requests side by side:

# %%
view.overview(long)

# %% [markdown]
# The second copies are larger than the first, because each is wrapped in a dictionary with a name and an
# id. You cannot switch them off, short of changing smolagents. What the *tools* return is the part that
# you decide about.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the second copies are larger than the first", parts["second copies"] > parts["first copies"], parts),
    ("the observations are the largest part of the growth", max(NAMES.values(), key=parts.get) == "observations"),
)

# %% [markdown]
# ## Does the server read all that?
#
# It has a [prompt cache][cache]: what a prompt has in common with the last one, from the beginning,
# is not processed again. The response says so: `cache_n` tokens were found, `prompt_n` processed.
#
# **Predict:** of all the tokens sent in this run, how many percent were processed?
#
# [cache]: ../docs/glossary.md#prompt-cache

# %%
guess = ...

# %%
for turn in long:
    t = turn.timings
    print(f"request {turn.number}: cache_n {t['cache_n']:>5,}, prompt_n {t['prompt_n']:>5,}")
read, whole = sum(turn.tokens.new for turn in long), sum(sizes)
print(f"\n{read:,} of {whole:,} tokens processed, {read / whole:.0%}")

# %%
check.prediction("10.p4", guess, was=round(100 * read / whole), unit="percent")

# %% [markdown]
# What is sent grows like the square; what is processed grows in a straight line, because each step
# reads what is new and no more. That is what the cache is worth: the difference between the two.

# %% [markdown]
# One thing a cache cannot save. To write a token, the model looks at every token before it, cached or
# not. On two cores, with llama-server's defaults, a token after 3,500 others took three times as long as
# one after 16 ([measured](../docs/measurements.md), "Cost per token at context depth").

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("less than a third of what was sent was processed", read < whole / 3, (read, whole)),
    ("every request after the first found its beginning in the cache", all(t.tokens.cached for t in long[1:])),
)

# %% [markdown]
# ## What does a clock in the prompt cost?
#
# Without a cache, this run would take several times as long on the embedded model. So a model of 8 MB stands in for
# it: random weights, the same tokenizer, the same dictated words. Counts of tokens don't depend on the
# weights.

# %%
folder = tempfile.TemporaryDirectory()
weights = hybrid(Path(folder.name) / "random.gguf")


def mini(checkpoints=32):
    """A server with the random model. What checkpoints are comes up in a moment."""
    files = {"model": str(weights), "chat_template_file": str(template_path())}
    return Server("embedded", url=False, quiet=True, ctx_checkpoints=checkpoints, **files).start()


small = mini()
usual = run(small, one_by_one)

# %% [markdown]
# Many clients tell the model what time it is, and many do it where they say everything: in the system
# prompt. This step callback, which smolagents calls after each step, imitates them. (Others put a hash or
# a session number there, with the same effect.)


# %%
def clock(step, agent):
    now = f"It is 12:00:{step.step_number:02}.\n"
    agent.memory.system_prompt = SystemPromptStep(now + agent.system_prompt)


# %% [markdown]
# **Predict:** one or two digits change, at the beginning of a prompt of thousands. How much of
# the last prompt is found in the cache: `"nearly all"`, `"half"` or `"nearly nothing"`?

# %%
guess = ...

# %%
clocked = run(small, one_by_one, step_callbacks=[clock])


def beside(**runs):
    """The cached tokens of each request, for runs side by side."""
    print("cached     " + "".join(f"{name:>16}" for name in runs))
    for row in zip(*runs.values(), strict=True):
        cells = (f"{turn.tokens.cached:,} of {turn.tokens.prompt:,}" for turn in row)
        print(f"request {row[0].number}: " + "".join(f"{cell:>16}" for cell in cells))


beside(usual=usual, clocked=clocked)

# %%
share = clocked[-1].tokens.cached / clocked[-1].tokens.prompt
word = "nearly all" if share > 0.8 else "half" if share > 0.2 else "nearly nothing"
check.prediction("10.p5", guess, was=word)

# %% [markdown]
# A cache compares from the beginning, and only up to the first token that differs. Everything after
# the clock is the same text as before, in a place where the cache cannot use it.

# %% [markdown]
# ### Exercise 10.1 · ★★☆ · 7 minutes
#
# Find the culprit in any client. Write `changed(before, now)`: it takes the messages of two requests
# and returns the index of the first message in `now` that differs from the one at the same place in
# `before`. If `before` comes back unchanged and there is only more at the end, return `None`.
#
# <details><summary>Hint</summary>
#
# Go through both lists with `zip`. If no pair differs, it depends on the lengths: a request that
# became *shorter* has lost a message, so the answer is `len(now)`.
#
# </details>

# %% tags=["stub"]
changed = ...


# %% tags=["solution"]
def changed(before, now):
    for index, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return index
    return len(now) if len(now) < len(before) else None


# %% tags=["folded"]
def says(role, text):
    return {"role": role, "content": text}


def requests(random):
    """Requests that never were, with a random word in each."""
    word = "".join(random.choices("abcdefgh", k=5))
    S, Q, A, R = says("system", "S"), says("user", word), says("assistant", "code"), says("user", "Observation")
    return [
        check.case([S, Q], [S, Q, A, R], gives=None, name="two messages more, as usual"),
        check.case([S, Q], [S, Q], gives=None, name="the same request again"),
        check.case([S, Q], [says("system", f"{word} S"), Q, A], gives=0, name="a clock in the system prompt"),
        check.case([S, Q, A, R], [S, Q, A, says("user", word[:3]), A], gives=3, name="an observation was cut"),
        check.case([S, Q, A, R], [S, Q, says("user", "code"), R], gives=2, name="another role, the same text"),
        check.case([S, Q, A, R], [S, Q], gives=2, name="the end was dropped"),
        check.case([S, A, A], [S, A, Q, A], gives=2, name="one was slipped in"),
    ]


check.function("10.1", changed, requests, hint="a pair that differs; then the lengths")

# %% [markdown]
# What does your function say about the two runs above? And about a tape of your own, such as
# `tapes/mine.tape.jsonl` from lesson 05? (`turns(Tape.read("tapes/mine.tape.jsonl").records())`)

# %%
if callable(changed):
    for name, made in {"usual": usual, "clocked": clocked}.items():
        bodies = [turn.exchange.messages for turn in made]
        print(f"{name:<8}", [changed(a, b) for a, b in pairwise(bodies)])

# %% [markdown]
# `course diagnose` compares requests in the same way. This is what it finds on the tape with the clock:

# %%
for finding in diagnose.diagnose(clocked)[:2]:
    print(f"turn {finding.turn}: {finding.kind}")

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("without the clock, most of the last prompt is cached", usual[-1].tokens.cached > usual[-1].tokens.prompt / 2),
    ("with it, no request finds more than a few tokens", max(t.tokens.cached for t in clocked[1:]) < 64),
    ("the clock moves in every request", len({str(t.exchange.messages[0]) for t in clocked}) == len(clocked)),
)

# %% [markdown]
# ## Why is a hybrid model different?
#
# The random model was not chosen for its size alone. It is a [hybrid][hybrid] like the blog post's
# Qwen3.6: most layers keep a running *state* instead of a cache entry for each token. A cache can be
# cut at any token. A state cannot be turned back.
#
# [hybrid]: ../docs/glossary.md#hybrid-model

# %% [markdown]
# And an agent has to go back: the thinking that the model wrote in one step is not in the next prompt.
# So llama-server saves the state now and then, as a [checkpoint][checkpoint], up to 32 of them per
# slot unless `--ctx-checkpoints` says otherwise.
#
# **Predict:** the usual run, no clock, but with `--ctx-checkpoints 0`. How much of the last prompt is
# found: `"nearly all"`, `"half"` or `"nothing"`?
#
# [checkpoint]: ../docs/glossary.md#checkpoint

# %%
guess = ...

# %%
bare = mini(checkpoints=0)
without = run(bare, one_by_one)
bare.stop()
beside(**{"32 checkpoints": usual, "none": without})

# %%
share = without[-1].tokens.cached / without[-1].tokens.prompt
check.prediction("10.p6", guess, was="nearly all" if share > 0.8 else "half" if share > 0.2 else "nothing")

# %% [markdown]
# Same requests, same server, one flag. If a hybrid model became slow on another server or after an
# upgrade, look at `cache_n` first. (A checkpoint of Qwen3.6 takes about 63 MiB of RAM, which is a reason
# to want fewer, and none is too few.)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("without checkpoints, no request finds anything", not any(t.tokens.cached for t in without), without[-1].tokens),
    ("the requests are the same", [t.tokens.prompt for t in without] == [t.tokens.prompt for t in usual]),
)

# %% [markdown]
# ## Four ways to cut the bill
#
# Each is measured against the run that it changes. First, **shorter observations**: the search returns
# its best page instead of four. One argument, nothing else.

# %%
shorter = run(server, one_by_one, tools=[OfflineSearch(max_results=1)])


def bill(**runs):
    """What runs cost in tokens, line by line."""
    print(f"{'':<9}{'growth per step':>17}{'last prompt':>13}{'sent':>9}{'processed':>11}")
    for name, made in runs.items():
        asked = [turn.tokens.prompt for turn in made]
        new = sum(turn.tokens.new for turn in made[1:])
        step_by_step = (asked[-1] - asked[0]) / (len(asked) - 1)
        print(f"{name:<9}{step_by_step:>17.0f}{asked[-1]:>13,}{sum(asked):>9,}{new:>11,}")


bill(long=long, shorter=shorter)

# %% [markdown]
# (`processed` leaves out the first request, whose beginning may be in the cache from the run before.)
# The prompt grows half as fast, and half as much has to be processed. In a run of seven steps the long
# beginning still hides most of that in `sent`. In a run of 50, it would not.

# %% [markdown]
# Second, **a stable prefix**: the clock is not forbidden, it was in the wrong place. At the end of the
# newest observation it changes nothing that was there before.


# %%
def late_clock(step, agent):
    step.observations = f"{step.observations or ''}\nIt is 12:00:{step.step_number:02}."


stable = run(small, one_by_one, step_callbacks=[late_clock])
bill(clocked=clocked, stable=stable)

# %% [markdown]
# ### Exercise 10.2 · ★★☆ · 8 minutes
#
# Third, **a pruned memory**. Write the step callback `forget(step, agent)`. `agent.memory.steps` has the
# older steps; `step` is the newest and joins them later, so leave it as it is. Of each older
# `ActionStep`, keep the first 40 characters of `observations`, and change nothing else.
#
# <details><summary>Hint</summary>
#
# `agent.memory.steps` begins with a `TaskStep`, which has no observations, and a step's `observations`
# may be `None`: check with `isinstance(old, ActionStep) and old.observations`.
#
# </details>

# %% tags=["stub"]
forget = ...


# %% tags=["solution"]
def forget(step, agent):
    for old in agent.memory.steps:
        if isinstance(old, ActionStep) and old.observations:
            old.observations = old.observations[:40]


# %% tags=["folded"]
class Memory:
    """A small agent: a task, three older steps (one without an observation), and the newest step."""

    def __init__(self):
        seen = ["1" * 100, None, "a short one", "4" * 100]
        acted = [
            ActionStep(step_number=n, timing=Timing(0.0), model_output=f"words {n}", observations=text)
            for n, text in enumerate(seen, 1)
        ]
        self.newest, self.steps = acted.pop(), [TaskStep(task="t" * 100), *acted]
        self.memory = self


def forgets(callback):
    if not callable(callback):
        return f"expected a function, got {type(callback).__name__}"
    agent = Memory()
    callback(agent.newest, agent)
    if len(agent.steps) != 4:
        return "the older steps should stay in memory: what the model said in them is still needed"
    if agent.newest.observations != "4" * 100 or agent.steps[0].task != "t" * 100:
        return "the task and the newest observation should stay as they are: the model has not read the latter yet"
    if any(s.model_output != f"words {s.step_number}" for s in agent.steps[1:]):
        return "only observations should change, not what the model said"
    kept = [s.observations for s in agent.steps[1:]]
    if kept[1] is not None or kept[2] != "a short one":
        return f"None and short observations should stay as they are, and now they are {kept[1:]}"
    return kept[0] == "1" * 40 or f"expected the first 40 characters of an old one, got {len(kept[0] or '')}"


check.exercise("10.2", forget, forgets, hint="loop over agent.memory.steps and shorten their observations")

# %%
pruned = run(server, one_by_one, step_callbacks=[forget]) if callable(forget) else None
bill(long=long, **({"pruned": pruned} if pruned else {}))

# %% [markdown]
# Compare with `shorter`. The prompt grows half as fast here, too. But pruning rewrites the past: each
# step loses the cache from the pruned message on, and the server *processes* as much as before. It
# saves room in the context window and a provider's bill, but no prompt processing.

# %% tags=["folded", "nbval-check-output"]
def cost(key, *runs):
    """The tokens of these runs, without their first requests."""
    return [sum(getattr(turn.tokens, key) for turn in made[1:]) for made in runs]


before, after = cost("prompt", long, shorter)
read_before, read_after = cost("new", long, shorter)
lost, found = cost("new", clocked, stable)
check.claims(
    ("shorter observations: fewer tokens sent", after < before, (before, after)),
    ("and fewer processed", read_after < 0.8 * read_before, (read_before, read_after)),
    ("the clock at the end: a fraction is processed", found < lost / 4, (lost, found)),
    ("pruning: fewer are sent", not pruned or cost("prompt", pruned)[0] < before, pruned and pruned[-1].tokens),
    ("and no fewer processed", not pruned or cost("new", pruned)[0] > 0.8 * read_before, read_before),
)

# %% [markdown]
# ### Exercise 10.3 · ★★☆ · 8 minutes · your own
#
# Fourth, **fewer steps**. A CodeAgent may do more in one step than search once. Be the model: write
# `mine`, a list of texts made by `step(thought, code)`, that searches for all six animals, ends with
# `final_answer(...)`, and sends less than half as many tokens as `one_by_one`.
#
# <details><summary>Hint</summary>
#
# A `for` loop over the animals, and print only what you need from each result, for example
# `page.split(" km/h")[0][-3:]`. Imports such as `re` are allowed. A second step answers.
#
# </details>

# %% tags=["stub"]
mine = ...

# %% tags=["solution"]
mine = [
    step(
        "I look for all six at once.",
        f"for animal in {ANIMALS}:\n"
        '    page = web_search(query=f"top speed of {animal} in km/h")\n'
        '    print(animal, page.split(" km/h")[0].split()[-1])',
    ),
    step("The cheetah has the highest figure.", 'final_answer("the cheetah")'),
]


# %% tags=["folded"]
class Counted(OfflineSearch):
    """The same search. It remembers what it was asked for."""

    def search(self, query):
        self.queries = [*getattr(self, "queries", []), query.lower()]
        return super().search(query)


def cheaper(words):
    if isinstance(words, str):
        words = [words]
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return "expected a list of texts, each made by step(thought, code)"
    search = Counted(max_results=4)
    made = run(server, list(words), tools=[search])
    missing = [a for a in ANIMALS if not any(a in query for query in getattr(search, "queries", []))]
    if missing:
        return f"the code did not search for the {missing[0]}"
    if not made[-1].is_final or "cheetah" not in str(made[-1].answer).lower():
        return f"the run should end with the fastest animal as its final answer, and it ended with {made[-1].answer!r}"
    total, limit = sum(t.tokens.prompt for t in made), sum(t.tokens.prompt for t in long) / 2
    print(f"{total:,} tokens sent in {len(made)} requests; {2 * limit:,.0f} before")
    return total < limit or "that is more than half of what one_by_one sends"


check.exercise("10.3", mine, cheaper, hint="one loop that searches, one step that answers", seconds=300)

# %% [markdown]
# You cannot dictate words to a model at work. But you can say in `instructions` that it should search
# for several things in one block and print only what it needs, and you can give it a tool that
# takes a list.

# %% [markdown]
# ## Is the blog post's bill right?
#
# Its run took 3 steps and 46 seconds. Step 1: 10.4 s, "2.2 k input / 186 output tokens". Step 2:
# 27.4 s, "6.7 k input / 614 output tokens", and so, it says, the input grew threefold.
#
# Such lines look like those that smolagents prints. Here they are for your long run.

# %%
lines = [line.strip() for line in printed.getvalue().splitlines() if "Input tokens" in line]
print("\n".join(lines))

# %% [markdown]
# **Predict:** what is the number of input tokens in the last line: the `"prompt"` of the last request,
# or the `"sum"` of all prompts so far? (`sizes` has the prompts.)

# %%
guess = ...

# %%
last = int(lines[-1].partition("Input tokens: ")[2].partition(" ")[0].replace(",", ""))
print(f"{last:,} in the last line; last prompt {sizes[-1]:,}, sum of all prompts {sum(sizes):,}")

# %%
check.prediction("10.p7", guess, was="sum" if last == sum(sizes) else "prompt")

# %% [markdown]
# ### Exercise 10.4 · ★☆☆ · 5 minutes
#
# Turn such a log into what each step really cost. Write `per_step(totals)`: it takes the pairs (input,
# output) of the lines in order and returns the pairs of each step alone.
#
# <details><summary>Hint</summary>
#
# Subtract the line before. For the first one, that is `(0, 0)`.
#
# </details>

# %% tags=["stub"]
per_step = ...


# %% tags=["solution"]
def per_step(totals):
    pairs = pairwise([(0, 0), *totals])
    return [(now[0] - before[0], now[1] - before[1]) for before, now in pairs]


# %% tags=["folded"]
def logs(random):
    def case(name, *steps):
        totals = [tuple(map(sum, zip(*steps[: n + 1], strict=True))) for n in range(len(steps))]
        return check.case(totals, gives=list(steps), name=name)

    def any_step():
        return random.randrange(900, 9000), random.randrange(10, 900)

    yield case("one step", any_step())
    yield case("two steps", any_step(), any_step())
    yield case("five steps", *(any_step() for _ in range(5)))
    yield case("two steps alike", (1000, 50), (1000, 50))
    yield case("no steps")


check.function("10.4", per_step, logs, hint="each line minus the one before")

# %%
post = [(2200, 186), (6700, 614)]
print(per_step(post) if callable(per_step) else "write per_step first")

# %% [markdown]
# So if the post copied smolagents' lines, the second prompt had 4,500 tokens: twice the first, not
# three times. And step 2 wrote 428 tokens. At the post's 21 tokens per second, that is 20 of its 27
# seconds. Most of the step was *writing*.
#
# Can you tell which reading is right? The post says that the observation was about 4 kB.

# %%
texts = [turn.observation or "" for turn in long]
per_token = sum(map(len, texts)) / sum(len(server.tokenize(text)) for text in texts)
print(f"{per_token:.1f} characters per token here, so 4 kB are about {4096 / per_token:,.0f} tokens")

# %% [markdown]
# Add the model's words, twice, and you get some 1,600. So a growth of 4,500 − 2,200 = 2,300 is not far
# off. One of 6,700 − 2,200 = 4,500 is.
#
# And on your machine: is a step reading or writing?

# %%
for turn in (long[0], long[1], long[-1]):
    reading, writing = turn.timings["prompt_ms"] / 1000, turn.timings["predicted_ms"] / 1000
    print(f"request {turn.number}: {reading:5.1f} s reading, {writing:5.1f} s writing")
print(f"{len(long)} steps, {sum(turn.seconds for turn in long):.0f} s, {sizes[0]:,} → {sizes[-1]:,} tokens")

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("smolagents prints the sum of all prompts so far", last == sum(sizes), (last, sum(sizes))),
    ("4 kB of search results are fewer than 2,300 tokens", 4096 / per_token < 2300, per_token),
)

# %% [markdown]
# ## What would a provider charge?
#
# Fill in the price list of one that you might use, in money per million tokens. We give none, because
# they change. Many charge less for cached tokens; if yours does not, put the same price twice.

# %%
price = {"prompt": ..., "cached": ..., "generated": ...}

# %%
runs = {"one by one": long, "shorter": shorter, "clocked": clocked, "stable": stable}
runs |= {"pruned": pruned} if pruned else {}
if any(value is ... for value in price.values()):
    print("Fill in the three prices above, then run both cells again.")
else:
    for name, made in runs.items():
        total = 0
        for t in [turn.tokens for turn in made]:
            total += t.new * price["prompt"] + t.cached * price["cached"] + t.generated * price["generated"]
        print(f"{name:<12} {total / 1000:>9.2f} for 1,000 such runs")

# %% [markdown]
# On your own machine the price is time and electricity: watts × seconds / 3,600,000 are kilowatt-hours,
# and your bill says what one costs. Which of the two is cheaper depends on how often you run it, and
# now you can compute both sides.

# %% [markdown]
# ## Recap
#
# - Each prompt is longer than the last by about the same amount. The sum of all prompts, which is what
#   you send and pay for, grows with the square of the steps.
# - The cache makes the *processed* tokens grow in a straight line. One token that changes at the front
#   loses all of it; so does a hybrid model without checkpoints.
# - Shorter observations and fewer steps save everywhere. A stable prefix saves what is processed,
#   pruning what is sent.
# - smolagents prints running totals. Subtract.
#
# **In your own agent:** compare two requests in a row with `changed`. If it says 0, find your clock.

# %% tags=["folded"]
check.quiz(
    "10",
    check.question(
        "A run of 40 steps costs far more than twice a run of 20. Why?",
        right="what was added early is sent again in every later request",
        why="The growth is sent again each time, so the sum grows with the square of the steps.",
        wrong={
            "each prompt is twice as long as the one before": "You fitted it: each is longer by about the same amount.",
            "the cache is full after 20 steps": "A cache that holds the context holds all of it, until the context ends.",
        },
    ),
    check.question(
        "On your own server, you prune old observations in every step. What gets smaller?",
        right="the prompt, but hardly what has to be processed",
        why="Each step changes a message in the middle, and everything after it is processed again.",
        wrong={
            "both, by the same factor": "The part before the pruned message was cached anyway, so it cost nothing.",
            "nothing, since the server caches by itself": "The prompt takes less room in the context window.",
        },
    ),
    check.question(
        "`cache_n` is 0 in every request, and `changed` returns `None` for all of them. What do you check next?",
        right="the server: `cache_prompt`, checkpoints, slots",
        why="The requests only append, so the client is innocent. A hybrid model without checkpoints looks like this.",
        wrong={
            "the client's system prompt": "`changed` would have returned 0.",
            "the tool's output, which is too long": "Long observations are appended. They are cached like the rest.",
        },
    ),
)

# %% [markdown]
# **Next:** [11 your own documents](11_your_own_documents.ipynb), with files that must not leave your
# machine.

# %%
small.stop()
server.stop()
folder.cleanup()
check.progress("10")
