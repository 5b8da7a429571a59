# %% [markdown]
# # 10b · Is that bill right?
#
# An appendix to [lesson 10](10_what_the_loop_costs.ipynb). Somebody tells you what a run took: tokens,
# seconds, money. Before you believe it, or pay it, compute it. Take the figures of the blog post apart,
# beside a run of your own on the same question. Then put a price on yours: a provider's, and your machine's.
#
# **After this lesson you can**
#
# - say what each figure of a log counts, and get from it what each step took,
# - test reported figures against each other,
# - compute what a run costs at a provider's prices, and at home.
#
# **Minutes:** 35 · **Needs:** [lesson 10](10_what_the_loop_costs.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import io
from itertools import pairwise

from rich.console import Console
from smolagents.monitoring import AgentLogger

from course import check
from course.agent import LEOPARD, recorded_run
from course.check import answers
from course.server import Server
from course.tape import Tape
from course.tools.search import OfflineSearch

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## Which tokens are in a log?
#
# The blog post asked about the leopard and the bridge, and reports three steps, 46 seconds in all. It has
# figures for two of them; the third, the answer, is left with some 8 seconds:
#
# | | seconds | input tokens | output tokens |
# |---|--:|--:|--:|
# | step 1 | 10.4 | 2.2 k | 186 |
# | step 2 | 27.4 | 6.7 k | 614 |
#
# So, it says, the long search results made the input three times as long. Now ask the same question
# yourself. smolagents prints such figures after each step; the next cell keeps them back for a moment.

# %%
printed = io.StringIO()
logger = AgentLogger(
    level=1, console=Console(file=printed, width=200, color_system=None, force_jupyter=False)
)
own = recorded_run(server, LEOPARD, Tape(), max_steps=8, logger=logger)  # a minute or two
for turn in own.turns:
    print(f"request {turn.number}: {turn.tokens.prompt:,} tokens in, {turn.tokens.generated:,} out")

# %% [markdown]
# That is what the *server* counted.
#
# **Predict:** which number of input tokens does smolagents print for the last of these steps?

# %%
guess = ...

# %%
lines = [line.strip() for line in printed.getvalue().splitlines() if "Input tokens" in line]
print("\n".join(lines))

# %%
last = int(lines[-1].partition("Input tokens: ")[2].partition(" ")[0].replace(",", ""))
check.prediction("10b.p1", guess, was=last, unit="tokens")

# %% [markdown]
# It is the sum of all prompts so far. The line names a step, but its tokens belong to the run, both input and
# output. `Duration`, in the same line, is that of the step alone.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("smolagents prints the sum of all prompts", last == sum(turn.tokens.prompt for turn in own.turns), last)
)

# %% [markdown]
# ### Exercise 10b.1 · ★☆☆ · 5 minutes
#
# Turn such a log into what each step took. `per_step(totals)` takes the pairs (input, output) of the lines, in
# order, and returns the pairs of each step alone.
#
# <details><summary>Hint</summary>
#
# Subtract the line before. For the first line, that is `(0, 0)`.
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


check.function("10b.1", per_step, logs, hint="each line minus the one before")

# %% [markdown]
# And the blog post's lines, if they are totals?

# %%
post = [(2200, 186), (6700, 614)]
print(per_step(post) if callable(per_step) else "write per_step first")

# %% [markdown]
# ## Which reading is right?
#
# If the post copied smolagents' lines, step 2 wrote 614 − 186 = 428 tokens, for a prompt of 6,700 − 2,200 = 4,500:
# twice the first. If it did not, step 2 wrote 614, for a prompt of 6,700. The seconds are the step's own either way.
# The post also reports the speed: about 21 tokens per second.
#
# **Predict:** which of the two fits into the 27.4 seconds of step 2: `428`, `614` or `"both"`?

# %%
guess = ...

# %%
for written in (428, 614):
    print(f"{written} tokens: {written / 21:.1f} s at 21 per second, {written / 22:.1f} s at 22")

# %%
check.prediction("10b.p2", guess, was=428)

# %% [markdown]
# At 21 per second, 614 tokens alone would take longer than the whole step, and reading the prompt comes on top. So the
# lines are totals, most likely. Is the growth of the prompt in line with that? The post says that the search results
# were about 4 kB.

# %%
results = OfflineSearch()("top speed of leopard in km/h")
per_token = len(results) / len(server.tokenize(results))
print(f"{per_token:.1f} characters per token in search results: 4 kB are {4096 / per_token:,.0f} tokens")

# %% [markdown]
# Step 1 wrote 186 tokens, and smolagents sends its code twice. So results and step together add 1,500 to 1,700 tokens
# to the prompt. As totals, the post's lines say that it grew from 2,200 to 4,500, by 2,300; read one by one, from
# 2,200 to 6,700, by 4,500. Neither fits exactly (the post's model has other tokens), but totals come closer.
#
# ## Was that reading or writing?
#
# 428 tokens at 21 per second are 20 of the 27 seconds. So the post's step 2 spent most of its time *writing*, not
# on the long input. Yours:

# %%
for turn in own.turns:
    reading, writing = turn.timings["prompt_ms"] / 1000, turn.timings["predicted_ms"] / 1000
    print(f"request {turn.number}: {reading:5.1f} s reading, {writing:5.1f} s writing")
sizes = [turn.tokens.prompt for turn in own.turns]
print(
    f"{len(own.turns)} steps, {sum(turn.seconds for turn in own.turns):.0f} s, {sizes[0]:,} → {sizes[-1]:,} tokens"
)

# %% [markdown]
# For each request, reading and writing together are about the `Duration` that smolagents printed: it is indeed the
# step's own.
#
# A GPU reads thousands of tokens per second, a CPU far fewer: without a GPU, request 1 may be mostly reading. Most of its
# prompt is the system prompt, and a second question would find that in the cache. Look at both numbers before you
# shorten anything.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("4 kB of search results are fewer than 2,000 tokens", 4096 / per_token < 2000, per_token),
    ("614 tokens at 22 per second take longer than step 2", 614 / 22 > 27.4),
)

# %% [markdown]
# ## What would a provider charge?
#
# Many providers have three prices: for prompt tokens, for those found in the cache, and for generated ones. Below are
# round numbers, in dollars per *million* tokens. Put in those of a model that you would use. If cached tokens have no
# price of their own, put the prompt's price twice. (Some also charge for writing to the cache, and a cache may be dropped
# after some minutes. We leave that out.)

# %%
price = {"prompt": 3.0, "cached": 0.3, "generated": 15.0}


# %% tags=["folded"]
def cost(requests, price, first, growth, written):
    """What such a run costs, in dollars."""
    new = first + (requests - 1) * growth
    cached = sum(first + n * growth for n in range(requests - 1))
    tokens = {"prompt": new, "cached": cached, "generated": requests * written}
    return sum(count * price[name] for name, count in tokens.items()) / 1e6


# %% [markdown]
# `cost` prices a run in which each prompt begins with the one before, which is cached. Take lesson 10's: first
# 2,379 tokens, 338 more with each step, 50 tokens written in each.
#
# **Predict:** with cached tokens at a tenth of the price, how many times as much as 28 requests do 56 cost?
# If the cost grew in proportion to the requests, it would be 2.

# %%
guess = ...

# %%
tenth = {"prompt": 3.0, "cached": 0.3, "generated": 15.0}
for name, prices in {"a tenth": tenth, "full price": tenth | {"cached": 3.0}, "your prices": price}.items():
    some, more = (cost(requests, prices, 2379, 338, 50) for requests in (28, 56))
    print(
        f"cached tokens at {name:<11}: 28 requests {some:.3f}, 56 requests {more:.3f}, {more / some:.1f} times"
    )

# %%
check.prediction(
    "10b.p3", guess, was=round(cost(56, tenth, 2379, 338, 50) / cost(28, tenth, 2379, 338, 50), 1)
)

# %% [markdown]
# Cached tokens are cheap, but not free. So the part that grows with the square stays in the bill: at a tenth of the
# price, cached tokens are half the cost of 28 requests, and 64 % of that of 56. On your own machine, they need no prompt
# processing. Only the time that a long context adds to each token (lesson 10) remains.

# %% [markdown]
# ## And at home?
#
# There the price is electricity: watts × seconds / 3,600,000 are kilowatt-hours.
#
# ### Exercise 10b.2 · ★★☆ · 7 minutes · your own
#
# Fill in what your machine draws while a model runs, what a kilowatt-hour costs you, and the prices of a model
# that you would rent, in the same currency. Then compute what 1,000 runs like `own` cost, both ways.
#
# <details><summary>Hint</summary>
#
# Sums over `own.turns`: `turn.seconds`, and of `turn.tokens` the `new`, `cached` (may be `None`) and
# `generated`. Don't know the watts? Guess: a laptop some 30 to 60, a PC with a large GPU some hundreds.
#
# </details>

# %% tags=["stub"]
mine = {"watts": ..., "per_kwh": ..., "price": price, "home": ..., "provider": ...}

# %% tags=["solution"]
seconds = sum(turn.seconds for turn in own.turns)
total = {"prompt": 0, "cached": 0, "generated": 0}
for turn in own.turns:
    total["prompt"] += turn.tokens.new
    total["cached"] += turn.tokens.cached or 0
    total["generated"] += turn.tokens.generated
mine = {
    "watts": 45,
    "per_kwh": 0.30,
    "price": price,
    "home": 1000 * 45 * seconds / 3_600_000 * 0.30,
    "provider": 1000 * sum(total[name] * price[name] for name in total) / 1e6,
}
print(mine)


# %% tags=["folded"]
def adds_up(answer):
    """Whether both costs follow from the learner's own figures; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"watts", "per_kwh", "price", "home", "provider"} <= answer.keys():
        return "expected a dictionary with the keys watts, per_kwh, price, home and provider"
    watts, per_kwh, prices = answer["watts"], answer["per_kwh"], answer["price"]
    if not isinstance(prices, dict) or prices.keys() != {"prompt", "cached", "generated"}:
        return "the prices need the keys prompt, cached and generated"
    if (
        not all(isinstance(n, int | float) and n >= 0 for n in (watts, per_kwh, *prices.values()))
        or not watts
    ):
        return "watts and all prices are numbers, and a machine draws more than 0 watts"
    home = 1000 * watts * sum(turn.seconds for turn in own.turns) / 3_600_000 * per_kwh
    spent = [turn.tokens for turn in own.turns]
    counts = {"prompt": "new", "cached": "cached", "generated": "generated"}
    rent = sum((getattr(t, key) or 0) * prices[name] for t in spent for name, key in counts.items()) / 1000
    for name, right in (("home", home), ("provider", rent)):
        if not answers.compare(answer[name], check.near(right, within=0.02)).ok:
            return f"{name!r} is not what 1,000 such runs cost at these figures"
    return True


check.exercise(
    "10b.2", mine, adds_up, hint="1,000 runs; seconds for home, three kinds of tokens for the provider"
)

# %% [markdown]
# Not quite a fair comparison: a larger model takes other steps, your machine had to be bought and costs money
# even when idle, and later runs would find the system prompt in the cache. But each of these is a number that you can
# put in.

# %% [markdown]
# ## Recap
#
# - smolagents prints running totals. Subtract.
# - Reported figures can be tested against each other: tokens ÷ speed must fit into the seconds.
# - The blog post's second prompt was, most likely, twice as long as the first, and its step mostly writing.
# - Cheap cached tokens make a long run cheaper, but its cost still grows with the square of the steps.
#
# **In your own agent:** compute the cost of the longest run that `max_steps` allows. Would you pay that?

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "10b",
    check.question(
        "smolagents prints 2,400, 5,100 and 8,100 input tokens for three steps. How long was the third prompt?",
        right="3,000 tokens",
        why="The lines are totals: 8,100 − 5,100.",
        wrong={
            "8,100 tokens": "That is what all three requests sent together.",
            "2,700 tokens": "That was the second one: 5,100 − 2,400.",
        },
    ),
    check.question(
        "A report says: 900 tokens written in a step of 20 seconds, at 30 tokens per second. What do you say?",
        right="the figures don't fit together",
        why="900 tokens at 30 per second take 30 seconds, before any reading. One of them is something else.",
        wrong={
            "the prompt cache made up for it": "The cache saves reading. Every token of an answer has to be written.",
            "the step was mostly reading": "Then there would be even less time for writing.",
        },
    ),
    check.question(
        "A provider charges nothing for cached tokens. How does the price of a run grow with its steps?",
        right="in a straight line",
        why="Each step adds about as many new and generated tokens as the one before. Only cached ones are repeated.",
        wrong={
            "with the square of the steps": "It comes from what is sent again, and here that is free.",
            "not at all": "Each step has new tokens, and writes some.",
        },
    ),
)

# %% [markdown]
# **Next:** [11 your own documents](11_your_own_documents.ipynb), with files that must not leave your machine.

# %%
server.stop()
check.progress("10b")
