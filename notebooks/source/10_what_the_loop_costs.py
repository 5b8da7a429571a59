# %% [markdown]
# # 10 · What the loop costs
#
# The agent of the [blog post](00_welcome.ipynb) was done after three steps. Would thirty send ten times as
# many tokens? Each step sends everything again, so the bill may grow faster than the steps. Measure
# how fast, find out what makes it worse, and try four ways to cut it.

# %% [markdown]
# **After this lesson you can**
#
# - say what grows in a straight line with the steps of a run, and what grows faster,
# - find the message that lost the prompt cache,
# - choose among four ways to cut a bill, knowing what each one saves and what it can cost.
#
# **Minutes:** 50 · **Needs:** [lesson 05](05_wire_and_steps.ipynb). (Its appendix
# [05b](05b_the_bill.ipynb) reads the bill of one run.)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import re
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from smolagents import ActionStep
from smolagents.memory import SystemPromptStep

# %%
from course import check, diagnose, view
from course.agent import code_agent, connect, forced, spoken
from course.model.embedded import template_path
from course.model.tiny import hybrid
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch
from course.turns import text_of, turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## How fast does a prompt grow?
#
# To see growth you need a long run, and the course's embedded model is done after two or three steps. So
# here a [grammar][grammar] dictates what the model says: it can write the words below and no others. Server,
# cache, agent and search stay real, and so do all counts of tokens.
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


# %% tags=["folded"]
def run(where, words, tape=None, **agent):
    """Ask the question on this server, with these words dictated. Returns the turns."""
    tape = Tape() if tape is None else tape
    model = connect(where, tape, model_class=forced(spoken(where, words)))
    code_agent(model, **{"tools": [OfflineSearch(max_results=4)], **agent}).run(QUESTION)
    return turns(tape.records())


# %% [markdown]
# `run(server, words)` asks the question with these words, and returns the turns. Seven requests are
# coming: one for each animal, and one for the answer. Give them a few minutes.

# %%
tape = Tape()
long = run(server, one_by_one, tape)
sizes = [turn.tokens.prompt for turn in long]
for number, size in enumerate(sizes, 1):
    print(f"request {number}: {size:>5,} tokens  {'█' * (size // 100)}")

# %% [markdown]
# The beginning, mostly the system prompt, is long from the first request on. After that, each step adds
# what the model said and what it was shown. Does that make a straight line? Fit one.

# %%
growth, start = np.polyfit(range(len(sizes)), sizes, 1)
print(f"prompt of request n = {start:,.0f} + {growth:.0f} × (n - 1)")
print("measured:", sizes)
print("fitted:  ", [round(start + growth * n) for n in range(len(sizes))])

# %% [markdown]
# The measured prompts are close to the line, because our steps are alike. (One that prints a whole page
# would make a jump.) So a step *adds* to what the model has to read. It doesn't *multiply* it, although the blog post
# says so.

# %% tags=["folded", "nbval-check-output"]
off = [abs(size - start - growth * n) for n, size in enumerate(sizes)]
check.claims(
    ("there are seven requests", len(long) == 7, len(long)),
    ("no prompt is further from the line than half a step", max(off) < growth / 2, (off, growth)),
)

# %% [markdown]
# ## And the bill for the whole run?
#
# Every request carries its whole prompt. So what a run *sends* is the sum of all prompts.
#
# **Predict:** a run of 14 requests sends how many times as many tokens as a run of 7? If the bill grew in
# proportion to the number of requests, the answer would be 2; if it grew with the square of that number, 4.

# %%
guess = ...


# %%
def sent(requests):
    """All prompts of such a run together, by the formula above."""
    return sum(start + growth * n for n in range(requests))


print(f"   7 requests: {sent(7):>12,.0f} tokens sent")
for requests in (14, 28, 56, 112):
    ratio = sent(requests) / sent(requests // 2)
    print(f"{requests:>4} requests: {sent(requests):>12,.0f} tokens sent, {ratio:.1f} times the row before")

# %%
check.prediction("10.p1", guess, was=round(sent(14) / sent(7), 1), unit="times")

# %% [markdown]
# Something in between. The fixed beginning is sent once per request, which is linear. The growth is sent
# again and again, which is quadratic (*O(n²)*), and the longer the run, the more it dominates. By this
# formula, thirty requests send some 27 times as many tokens as three, not ten times.

# %% [markdown]
# ## What makes it grow?
#
# Take the last prompt apart, with the server counting the tokens. Lesson 05 showed that smolagents sends
# the code of each past step twice: once as the model wrote it, and once after `Calling tools:`.

# %%
counted = turns(tape.records(), count=lambda text: len(server.tokenize(text)))[-1]
NAMES = {"observation": "observations", "turn": "first copies", "calls": "second copies"}
parts = Counter()
for part in counted.segments:
    parts[NAMES.get(part.kind, "all the rest")] += part.tokens
for name, tokens in parts.most_common():
    print(f"{name:<14} {tokens:>5,} tokens, {tokens / counted.tokens.prompt:>4.0%} of the last prompt")

# %% [markdown]
# *All the rest* is almost entirely the beginning, which does not grow. Of what grows, the observations are the largest
# part: what the code prints, and here it prints all that the tool returns. The second copies are larger than the first,
# since each is wrapped in a dictionary with a name and an id. smolagents has no setting that leaves them out.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the second copies are larger than the first", parts["second copies"] > parts["first copies"], parts),
    (
        "the observations are the largest part of the growth",
        max(NAMES.values(), key=parts.get) == "observations",
    ),
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
    print(
        f"request {turn.number}: cache_n {turn.timings['cache_n']:>5,}, prompt_n {turn.timings['prompt_n']:>5,}"
    )
read, whole = sum(turn.tokens.new for turn in long), sum(sizes)
print(f"\n{read:,} of {whole:,} tokens processed, {read / whole:.0%}")

# %%
check.prediction("10.p2", guess, was=round(100 * read / whole), unit="percent")

# %% [markdown]
# All requests side by side. (Compare the tokens: the seconds also depend on what else your machine is doing.)

# %%
view.overview(long)

# %% [markdown]
# What is sent grows with the square of the steps, in the long run. What is processed grows in a straight line: for
# each request, only what is new is processed, and a few tokens before it. The cache is worth the difference.
#
# One thing it cannot save: to read or write a token, this model looks at every token before it, cached or
# not. On two cores, writing a token after 3,500 others took three times as long as after 16
# ([measured][depth], "Cost per token at context depth").
#
# [depth]: ../docs/measurements.md

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("less than a third of what was sent was processed", read < whole / 3, (read, whole)),
    (
        "every request after the first found its beginning in the cache",
        all(t.tokens.cached for t in long[1:]),
    ),
)

# %% [markdown]
# ## What does a clock in the prompt cost?
#
# From here on, an 8 MB model stands in for the embedded one. It is much faster, and its random weights
# don't matter here: the words are dictated, and we only count tokens. (Its prompts are two tokens shorter,
# since it has one token for `<think>` where the embedded model needs three.)

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
# Some clients tell the model what time it is, in the system prompt. (Anything else that changes with each request, such
# as a request number, has the same effect.) This step callback, which smolagents calls after each step, imitates them.


# %%
def clock(step, agent):
    now = f"It is 12:00:{step.step_number:02}.\n"
    agent.memory.system_prompt = SystemPromptStep(now + agent.system_prompt)


# %% [markdown]
# So from the second request on, a single digit differs between a request and the next, in thousands of tokens. (The first
# has no clock yet: the callback runs after a step.)

# %% tags=["folded"]
clocked = run(small, one_by_one, step_callbacks=[clock])


def beside(**runs):
    """The cached tokens of each request but the first, for runs side by side."""
    print("cached     " + "".join(f"{name:>16}" for name in runs))
    for row in list(zip(*runs.values(), strict=True))[1:]:
        cells = (f"{turn.tokens.cached:,} of {turn.tokens.prompt:,}" for turn in row)
        print(f"request {row[0].number}: " + "".join(f"{cell:>16}" for cell in cells))


beside(usual=usual, clocked=clocked)

# %% [markdown]
# Nothing is found. A cache compares from the beginning, and only up to the first token that differs.
# Everything after the clock is the same text as before, in a place where the cache cannot use it. (Not even
# the tokens before the clock were found. The section on hybrid models says why.)

# %% [markdown]
# ### Exercise 10.1 · ★★☆ · 7 minutes
#
# Find the message that changed, in any client. Write `changed(before, now)`. It takes the messages of two requests and
# returns the index of the first message in `now` that differs from the one at the same place in `before`.
#
# - If `now` begins with all of `before`, as usual, return `None`.
# - If `now` is shorter, and the same as far as it goes, the end was dropped: return `len(now)`.
#
# <details><summary>Hint</summary>
#
# Go through both lists with `zip`. If no pair differs, the lengths decide.
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
    S, Q, A, R = (
        says("system", "S"),
        says("user", word),
        says("assistant", "code"),
        says("user", "Observation"),
    )
    return [
        check.case([S, Q], [S, Q, A, R], gives=None, name="two messages more, as usual"),
        check.case([S, Q], [S, Q], gives=None, name="the same request again"),
        check.case([S, Q], [says("system", f"{word} S"), Q, A], gives=0, name="a clock in the system prompt"),
        check.case(
            [S, Q, A, R], [S, Q, A, says("user", word[:3]), A], gives=3, name="an observation was cut"
        ),
        check.case(
            [S, Q, A, R], [S, Q, says("user", "code"), R], gives=2, name="another role, the same text"
        ),
        check.case([S, Q, A, R], [S, Q], gives=2, name="the end was dropped"),
        check.case([S, A, A], [S, A, Q, A], gives=2, name="one was slipped in"),
    ]


check.function("10.1", changed, requests, hint="a pair that differs; then the lengths")

# %% [markdown]
# Your function on the two runs, and what `course diagnose` says about the clock. `None` means that nothing sent
# before has changed, 0 that the system prompt has. On a tape of your own, read the messages in the same way,
# from `turns(Tape.read(path).records())`. If the client sends `tools`, compare that field as well: it is part of the
# prompt, too (lesson 08).

# %%
if callable(changed):
    for name, made in {"usual": usual, "clocked": clocked}.items():
        bodies = [turn.exchange.messages for turn in made]
        print(f"{name:<8}", [changed(a, b) for a, b in pairwise(bodies)])
print("diagnose:", *(f"turn {found.turn}, {found.kind}" for found in diagnose.diagnose(clocked)[:1]))

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "without the clock, most of the last prompt is cached",
        usual[-1].tokens.cached > usual[-1].tokens.prompt / 2,
    ),
    ("with it, no request finds more than a few tokens", max(t.tokens.cached for t in clocked[1:]) < 64),
    ("the clock moves in every request", len({str(t.exchange.messages[0]) for t in clocked}) == len(clocked)),
)

# %% [markdown]
# ## Why is a hybrid model different?
#
# The random model was not chosen for its size alone. It is a [hybrid][hybrid], like the blog post's
# Qwen3.6: most layers keep one running *state* instead of a cache entry for each token. Now and then,
# llama-server saves that state as a [checkpoint][checkpoint]. It keeps up to 32 of them, unless `--ctx-checkpoints`
# says otherwise.
#
# **Predict:** the usual run, without a clock, but with `--ctx-checkpoints 0`. How much of the last prompt
# is found: `"nearly all"`, `"half"` or `"nothing"`?
#
# [hybrid]: ../docs/glossary.md#hybrid-model
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
check.prediction("10.p3", guess, was="nearly all" if share > 0.8 else "half" if share > 0.2 else "nothing")

# %% [markdown]
# Same requests, one flag. An agent only seems to append: the thinking that the model wrote in one step is
# not in the next prompt. So the server has to go back to where the thinking began. A KV cache can be cut at any token,
# so also there. A state cannot be turned back, only loaded from a checkpoint. (In the first column, each request finds
# all but the last four tokens of the prompt before it: that is where the server had saved a checkpoint.)
#
# (That is also why the clock left *nothing*, not even the few tokens before it.) If a hybrid model becomes
# slow on another server or after an upgrade, look at `cache_n` first.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "without checkpoints, no request finds anything",
        not any(t.tokens.cached for t in without),
        without[-1].tokens,
    ),
    ("the requests are the same", [t.tokens.prompt for t in without] == [t.tokens.prompt for t in usual]),
)

# %% [markdown]
# ## Four ways to cut the bill
#
# Three of them take a line or two:
#
# - **shorter** observations: the search returns its best page, instead of up to four,
# - a **stable** prefix: the clock goes to the end of the newest observation,
# - a **pruned** memory: of each older observation, only the first 40 characters stay.


# %%
def late_clock(step, agent):
    step.observations = f"{step.observations or ''}\nIt is 12:00:{step.step_number:02}."


def forget(step, agent):
    for old in agent.memory.steps:  # smolagents adds the newest, `step`, after this call
        if isinstance(old, ActionStep) and old.observations:
            old.observations = old.observations[:40]


# %% [markdown]
# **Predict:** what does each save (5 % or more): tokens `"sent"`, tokens `"processed"`, or `"both"`? The
# stable prefix is compared with the run `clocked`, the others with `usual`.

# %%
guess = {"shorter": ..., "stable": ..., "pruned": ...}

# %%
shorter = run(small, one_by_one, tools=[OfflineSearch(max_results=1)])
stable = run(small, one_by_one, step_callbacks=[late_clock])
pruned = run(small, one_by_one, step_callbacks=[forget])

# %% tags=["folded"]
NEITHER, SAVES = "neither", {(True, False): "sent", (False, True): "processed", (True, True): "both"}


def sums(made):
    """The tokens sent and processed, without the first request, whose beginning may be cached from the run before."""
    return [sum(getattr(turn.tokens, key) for turn in made[1:]) for key in ("prompt", "new")]


def saves(before, after):
    return SAVES.get(tuple(b < 0.95 * a for a, b in zip(sums(before), sums(after), strict=True)), NEITHER)


print(f"{'':<9}{'last prompt':>12}{'sent':>9}{'processed':>11}   (without request 1)")
pairs = {"usual": usual, "shorter": shorter, "pruned": pruned, "clocked": clocked, "stable": stable}
for name, made in pairs.items():
    total, new = sums(made)
    print(f"{name:<9}{made[-1].tokens.prompt:>12,}{total:>9,}{new:>11,}")

# %%
found = {"shorter": saves(usual, shorter), "stable": saves(clocked, stable), "pruned": saves(usual, pruned)}
check.prediction("10.p4", guess, was=found)

# %% [markdown]
# Shorter observations save both. The late clock changes nothing that was there before, so only what is new
# is processed. Pruning rewrites the past: each step cuts a message in the middle, and the server processes
# again what comes after it. Here that is the newest step, which is new anyway (older messages were cut before,
# and stay as they are), so only a little more is processed than without pruning. What it saves is room in the
# context window, the time that a long context adds to each token, and the cached part of a provider's bill
# ([10b][bill]).
#
# [bill]: 10b_is_that_bill_right.ipynb

# %% [markdown]
# ## What do the savings cost?
#
# Our model says its words whatever it sees, so its answer stays right. A real one needs the figures. These
# are left in the last request. In the first row, each animal has four, in our order:

# %%
for name, made in {"usual": usual, "shorter": shorter, "pruned": pruned}.items():
    seen = "\n".join(text_of(message) for message in made[-1].exchange.messages[1:])
    print(f"{name:<8}", *re.findall(r"\d+(?= km/h)", seen))

# %% [markdown]
# After pruning, only the giraffe's figures are left: no model could read the answer off that. Prune
# what has been used, and let the model write down what it needs first. With one page per animal, each has a
# figure, but nobody notices that pages about the same animal disagree (the wolf: 64, 60 or 56).

# %% tags=["folded", "nbval-check-output"]
last = "\n".join(text_of(message) for message in pruned[-1].exchange.messages[1:])
check.claims(
    ("shorter observations save both", found["shorter"] == "both", (sums(usual), sums(shorter))),
    (
        "the late clock: a fraction is processed",
        sums(stable)[1] < sums(clocked)[1] / 4,
        (sums(clocked), sums(stable)),
    ),
    (
        "pruning: fewer are sent, and no fewer processed",
        found["pruned"] == "sent",
        (sums(usual), sums(pruned)),
    ),
    ("after pruning, the cheetah's figure is gone", "112 km/h" not in last),
    ("one page has a figure of each animal", all(" km/h" in str(turn.observation) for turn in shorter[:-1])),
)

# %% [markdown]
# ### Exercise 10.2 · ★★☆ · 8 minutes · your own
#
# Fourth, **fewer steps**. A CodeAgent may do more in one step than search once. Be the model: write
# `mine`, a list of texts made by `step(thought, code)`. It
#
# - searches for each of the six animals alone, and prints a figure of each from its pages,
# - ends with `final_answer(...)`, in a later step, since a model has to read the figures first,
# - sends less than half as many tokens as `one_by_one`.
#
# Write each thought once: `step` puts it both into the thinking and after `Thought:`.
#
# <details><summary>Hint</summary>
#
# A `for` loop over the animals. The code runs in the agent, which does not know `ANIMALS`, so the list has to
# be in the code. Print only what is needed, such as the word before the first `" km/h"` of a page.
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
    """The same search. It remembers what it was asked, and the figures that it found."""

    def search(self, query):
        results = super().search(query)
        self.asked = [
            *getattr(self, "asked", []),
            (query.lower(), set(re.findall(r"\d+(?= km/h)", str(results)))),
        ]
        return results


def cheaper(words):
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return "expected a list of texts, each made by step(thought, code)"
    search = Counted(max_results=4)
    made = run(small, list(words), tools=[search])
    printed, slices = set(), r"\[[^\[\]]*:[^\[\]]*\]"  # such as [:80], which is not a figure typed in
    for text, turn in zip(words, made[:-1], strict=False):
        code = re.sub(slices, "", text.partition("<code>")[2])
        printed |= set(re.findall(r"\d+", str(turn.observation))) - set(re.findall(r"\d+", code))
    for animal in ANIMALS:
        figures = [
            f for query, f in getattr(search, "asked", []) if [a for a in ANIMALS if a in query] == [animal]
        ]
        if not figures:
            wrong = next((str(t.observation) for t in made if "rror" in str(t.observation)), "")
            return f"no search was for the {animal} alone. {wrong[-160:]}".strip()
        if not set().union(*figures) & printed:
            return f"no figure of the {animal} was printed from its pages before the last request"
    if not made[-1].is_final or "cheetah" not in str(made[-1].answer).lower():
        return f"the run should end with the fastest animal as its final answer, and it ended with {made[-1].answer!r}"
    total, limit = sum(t.tokens.prompt for t in made), sum(t.tokens.prompt for t in usual) / 2
    print(f"{total:,} tokens sent in {len(made)} requests; {2 * limit:,.0f} before")
    return total < limit or "that is more than half of what one_by_one sends"


check.exercise("10.2", mine, cheaper, hint="one loop that searches, one step that answers", seconds=300)

# %% [markdown]
# You cannot dictate words to a model at work. But you can say in `instructions` that it should search for
# several things in one block and print only what it needs, and you can give it a tool that takes a list.

# %% [markdown]
# ## Recap
#
# - When steps are alike, each prompt is longer than the last by the same amount. The sum of all prompts grows
#   with the square of the steps, in the long run.
# - The cache makes the *processed* tokens grow in a straight line. One token that changes at the front loses
#   nearly all of it; so does a hybrid model without checkpoints.
# - Shorter observations and fewer steps save tokens sent and processed. A stable prefix saves what is
#   processed, pruning what is sent.
# - What is cut from a prompt cannot be in the answer.
#
# **In your own agent:** compare two requests in a row with `changed`. If it says 0, find your clock.

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "10",
    check.question(
        "A run of 40 steps sends far more than twice as many tokens as a run of 20. Why?",
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
        "`cache_n` is 0 in every request, `changed` returns `None` for all of them, and `tools` is always the same. What "
        "do you check next?",
        right="the server: its checkpoints, and who else uses its cache",
        why="The requests only append, so the client is innocent. A hybrid model without checkpoints looks like this.",
        wrong={
            "the client's system prompt": "`changed` would have returned 0.",
            "the tool's output, which is too long": "Long observations are appended. They are cached like the rest.",
        },
    ),
)

# %% [markdown]
# **Next:** the appendix, [10b Is that bill right?](10b_is_that_bill_right.ipynb), checks the blog post's
# figures and puts a price on a run. Or straight to [11 your own documents](11_your_own_documents.ipynb),
# with files that must not leave your machine.

# %%
small.stop()
server.stop()
folder.cleanup()
check.progress("10")
