# %% [markdown]
# # 05b · The bill
#
# An appendix to [lesson 05](05_wire_and_steps.ipynb). A local model costs seconds, a hosted one costs
# dollars, and both bills can be computed from a tape. In this lesson you do that for one run, and
# find out what the [prompt cache][pc] saved and what it could not.
#
# **After this lesson you can**
#
# - say where the seconds of a run went,
# - tell which tokens of a prompt the cache could not use, and why,
# - put a price on any tape.
#
# **Minutes:** 35 · **Needs:** [lesson 05](05_wire_and_steps.ipynb)
#
# [pc]: ../docs/glossary.md#prompt-cache

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from pathlib import Path

from course import check
from course.agent import LEOPARD, connect, recorded_run
from course.check import answers
from course.server import Server
from course.tape import Tape
from course.turns import turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## Where do the seconds go?
#
# A server does two things: it [processes][pp] the prompt, and it [generates][g] the response. Each
# takes time for each token.
#
# **Predict:** in the time that it takes to generate one token, how many tokens of a prompt can it process?
#
# [pp]: ../docs/glossary.md#prompt-processing
# [g]: ../docs/glossary.md#generation

# %%
guess = ...

# %%
tape = Tape()
run = recorded_run(server, LEOPARD, tape, max_steps=8)  # this can take a few minutes
made = turns(tape.records())
for turn in made:
    t = turn.timings
    print(
        f"turn {turn.number}: {t['prompt_n']:>5,} processed in {t['prompt_ms'] / 1000:4.1f} s,"
        f" {t['predicted_n']:>4,} generated in {t['predicted_ms'] / 1000:4.1f} s"
    )

# %% tags=["folded"]
names = ("prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
total = {name: sum(turn.timings[name] for turn in made) for name in names}
each = {
    "processed": total["prompt_ms"] / total["prompt_n"],
    "generated": total["predicted_ms"] / total["predicted_n"],
}
ratio = each["generated"] / each["processed"]
print(", ".join(f"{milliseconds:.1f} ms for a token {what}" for what, milliseconds in each.items()))
print(f"one generated token takes as long as {ratio:.1f} processed ones")
check.prediction("05b.p1", guess, was=check.near(round(ratio, 1)), unit="tokens")

# %% [markdown]
# A generated token has to wait for the one before it, and each time the server reads the whole model from
# memory. The tokens of a prompt are all known, so many of them share one reading. Each still needs its
# arithmetic, so on a few processor cores the factor is small. On a GPU it is usually larger. (Both times are
# averages of the run. Divide the numbers of one turn, and you get others.)
#
# So a hundred tokens less in the response save more time than a hundred less in the prompt. Hosted models
# usually have a higher price for generated tokens, too.

# %% tags=["embedded-only", "folded", "nbval-check-output"]
check.claims(("generating a token takes longer than processing one", each["generated"] > each["processed"]))

# %% [markdown]
# ## How much of a prompt is processed again?
#
# Turn 2 sends the messages of turn 1 again, and more. But the server still has what it computed for the
# last prompt, in its [KV cache][kv], and can use it up to the first token that differs. (The KV cache of
# one request, kept for the next one, is the prompt cache.)
#
# **Predict:** how many tokens of *prompt 1* does the server process again in turn 2? `"none"`, `"a few"`
# (up to 20), or `"many"`?
#
# [kv]: ../docs/glossary.md#kv-cache

# %%
guess = ...

# %%
before, after = made[0], made[min(1, len(made) - 1)]
for turn in (before, after):
    t = turn.tokens
    print(f"turn {turn.number}: {t.prompt:,} prompt = {t.cached or 0:>5,} cached + {t.new:>5,} processed")
print("on the wire:", {name: after.timings[name] for name in ("cache_n", "prompt_n")})

# %% tags=["folded"]
missed = before.tokens.prompt - (after.tokens.cached or 0)
check.prediction("05b.p2", guess, was="none" if missed <= 0 else "a few" if missed <= 20 else "many")
print(f"{missed} tokens of prompt 1 were processed again")

# %% [markdown]
# ### Exercise 05b.1 · ★☆☆ · 5 minutes
#
# Which tokens are those? Lesson 03 named them; now prove it. Write `shared(one, two)`: how many items at the
# beginning of two lists are the same. That is all that the cache looks for:
# `shared(["a", "b", "c"], ["a", "b", "x", "c"])` is 2.
#
# <details><summary>Hint</summary>
#
# Go through the pairs of items, and stop at the first that differ. One list can be the beginning of the
# other, or they can be equal.
#
# </details>

# %% tags=["stub"]
shared = ...


# %% tags=["solution"]
def shared(one, two):
    count = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        count += 1
    return count


# %% tags=["folded"]
def prompts(random):
    """Pairs of lists, and how many items they share at the beginning."""
    long = random.sample(range(49152), 60)
    at = random.randrange(20, 40)
    other = [*long[:at], -1, *long[at + 1 :]]
    for one, two, gives, name in (
        (list("abc"), list("abxc"), 2, "two letters"),
        (long, other, at, "one token differs, and the rest is the same"),
        (long[:10], long, 10, "the first is the beginning of the second"),
        (long, long[:10], 10, "the second is the beginning of the first"),
        (long, long, 60, "equal lists"),
        ([1, *long], [2, *long], 0, "the first token differs"),
        ([], long, 0, "an empty list"),
    ):
        yield check.case(one, two, gives=gives, name=name)


check.function("05b.1", shared, prompts, hint="stop at the first pair that differs")

# %% [markdown]
# Now the same for both prompts, in tokens, as the chat template renders them:


# %% tags=["folded"]
def tokens(turn):
    text = server.apply_template(turn.exchange.messages)
    found = server.post("/tokenize", {"content": text, "with_pieces": True, "parse_special": True})
    return [token["piece"] for token in found["tokens"]]


one, two = tokens(before), tokens(after)
at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
print(f"prompt 1 has {len(one):,} tokens; the first {at:,} of them begin prompt 2, too")
print("prompt 1 from there:", one[at : at + 10])
print("prompt 2 from there:", two[at : at + 10], "…")

# %% [markdown]
# Prompt 1 ends with `<think>` and a line break: the template opens the thinking there. (For this model the
# tag is ordinary text, so it takes several tokens.) Prompt 2 has the reply of step 1 in that place, and
# it was sent back without its thinking.
#
# Everything after that is processed again, **even the code that the model itself wrote** in turn 1: it is
# in the cache, but behind other tokens.
#
# In the picture, gray is what a request found in the cache, blue what was processed, and green what was
# generated. With a template like this one, what is green in one request and sent back is blue in the next.
#
# ![Three requests of one run: each prompt begins with nearly all of the previous one, which is in the
# KV cache; the rest is processed, with the code that was generated before](../docs/pictures/cache.svg)
#
# <details><summary>Is it like that with every model?</summary>
#
# No. If the template ends the prompt with `<|im_start|>assistant` and opens nothing, prompt 1 is the beginning
# of prompt 2. And the cache of a [hybrid model](../docs/glossary.md#hybrid-model) such as Qwen3.6 cannot be
# cut anywhere, only at a [checkpoint](../docs/glossary.md#checkpoint), so it may process more again.
#
# </details>

# %% tags=["embedded-only", "folded", "nbval-check-output"]
rest, reply = "".join(one[at:]).strip(), "".join(two[at:]).strip()
check.claims(
    ("the cache was used exactly up to there", after.tokens.cached == at, (after.tokens.cached, at)),
    ("prompt 1 goes on with the opened thinking", rest == "<think>", rest),
    ("prompt 2 with the model's reply", reply.startswith(before.content.strip()[:10]), reply[:20]),
)

# %% [markdown]
# ## What would it cost in dollars?
#
# Hosted models usually have three prices. (Some also charge for writing to the cache.) These are round
# numbers, in dollars per *million* tokens. Put in those of a model that you use:

# %%
price = {"processed": 3.0, "cached": 0.3, "generated": 15.0}

# %% [markdown]
# ### Exercise 05b.2 · ★★☆ · 7 minutes
#
# Write `dollars(turns, price)`, the cost of a run. Each turn is a dictionary like `{"prompt": 3000,
# "cached": 2000, "generated": 500}`. Cached tokens are part of the prompt and cost their own price.
# `"cached": None` means that the server did not tell: count none as cached. Do not round.
#
# <details><summary>Hint</summary>
#
# The processed tokens of a turn are its prompt without the cached ones. Prices are per million.
# `turn["cached"] or 0` turns `None` into 0.
#
# </details>

# %% tags=["stub"]
dollars = ...


# %% tags=["solution"]
def dollars(turns, price):
    total = 0
    for turn in turns:
        cached = turn["cached"] or 0
        total += (turn["prompt"] - cached) * price["processed"]
        total += cached * price["cached"] + turn["generated"] * price["generated"]
    return total / 1_000_000


# %% tags=["folded"]
def bills(random):
    """Runs with round numbers, and one with numbers that nobody knows before."""
    usual = {"processed": 3.0, "cached": 0.3, "generated": 15.0}
    free = {"processed": 2.0, "cached": 0.0, "generated": 10.0}

    def case(name, price, gives, *rows):
        keys = ("prompt", "cached", "generated")
        gives = check.near(gives, within=0.001)
        return check.case([dict(zip(keys, row, strict=True)) for row in rows], price, gives=gives, name=name)

    yield case("one turn, nothing cached", usual, 3.0, (1_000_000, 0, 0))
    yield case("all of it cached", usual, 0.3, (1_000_000, 1_000_000, 0))
    yield case("only generated", usual, 15.0, (0, 0, 1_000_000))
    yield case("a server that does not tell", usual, 6.0, (2_000_000, None, 0))
    yield case(
        "two turns, the cache is free", free, 14.0, (1_000_000, 0, 500_000), (3_000_000, 1_500_000, 400_000)
    )
    yield case("no turns", usual, 0.0)
    p, g = random.randrange(2000, 9000), random.randrange(100, 900)
    c = random.randrange(100, p)
    yield case("a small run", usual, ((p - c) * 3 + c * 0.3 + g * 15) / 1e6, (p, c, g))


check.function("05b.2", dollars, bills, hint="processed, cached and generated tokens each have a price")

# %% [markdown]
# The bill of this run, in both currencies:

# %% tags=["folded"]
count = {
    "processed": sum(turn.tokens.new for turn in made),
    "cached": sum(turn.tokens.cached or 0 for turn in made),
    "generated": sum(turn.tokens.generated for turn in made),
}
took = {"processed": total["prompt_ms"] / 1000, "cached": 0.0, "generated": total["predicted_ms"] / 1000}
cost = {item: count[item] * price[item] / 1e6 for item in count}
saved = (
    count["cached"] * each["processed"] / 1000,
    count["cached"] * (price["processed"] - price["cached"]) / 1e6,
)
print(f"{'':<16}{'tokens':>8}{'seconds':>9}{'dollars':>9}")
for item in count:
    print(f"{item:<16}{count[item]:>8,}{took[item]:>9.1f}{cost[item]:>9.4f}")
print(f"{'together':<16}{sum(count.values()):>8,}{sum(took.values()):>9.1f}{sum(cost.values()):>9.4f}")
print(
    f"{'without a cache':<16}{'':>8}{sum(took.values()) + saved[0]:>9.1f}{sum(cost.values()) + saved[1]:>9.4f}"
)

# %% [markdown]
# The last line is the cost if no token had come from the cache (its seconds are an estimate). The
# difference grows with every turn, since each one sends everything again.
#
# (The second copies that lesson 05 found, after `Calling tools:`, are processed once and then cached. That
# costs little, but they take up context until the run ends.)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "the tokens are those of the prompts and the responses",
        sum(count.values()) == sum(turn.tokens.prompt + turn.tokens.generated for turn in made),
    ),
    ("the cache saved something", min(saved) > 0, saved),
)

# %% [markdown]
# ## What does smolagents count?
#
# smolagents reports a number of input tokens. Compare it with both of ours:

# %% tags=["folded"]
asked = sum(turn.tokens.prompt for turn in made)
counted = run.agent.monitor.total_input_token_count
print(f"smolagents: {counted:,}   prompt: {asked:,}   processed: {count['processed']:,}")

# %% [markdown]
# It adds up whole prompts and ignores the cache. So it overstates the work of a local model, and
# multiplied by a price, the bill of a hosted one.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("smolagents adds up whole prompts", counted == asked, counted),
    ("the server processed less", count["processed"] < asked, count),
)

# %% [markdown]
# ### Exercise 05b.3 · ★★☆ · 6 minutes · your own
#
# Put a price on the tape of another run: your own from lesson 05 (`mine`), one of another program, or any
# other in `tapes/`. Fill in its path, the prices of a model of your choice, and what the tape would have
# cost.
#
# <details><summary>Hint</summary>
#
# `turns(Tape.read(path).records())` are its turns, `vars(turn.tokens)` is a dictionary for `dollars`.
# On a tape there may also be requests that ask nothing of the model; leave out the turns whose
# `tokens.prompt` is `None`. If a `generated` is `None`, put 0 in its place in the dictionary first.
#
# </details>

# %% tags=["stub"]
my_bill = {
    "tape": "tapes/mine.tape.jsonl",
    "price": {"processed": ..., "cached": ..., "generated": ...},
    "dollars": ...,
}

# %% tags=["solution"]
mine = Tape()
client = connect(server, mine, max_tokens=40)
client.generate([{"role": "user", "content": "Who are you?"}])
spent = [
    vars(turn.tokens) for turn in turns(Tape.read(mine.path).records()) if turn.tokens.prompt is not None
]
own_price = {"processed": 0.5, "cached": 0.05, "generated": 2.0}
my_bill = {"tape": mine.path, "price": own_price, "dollars": dollars(spent, own_price)}


# %% tags=["folded"]
def adds_up(answer):
    """Whether the bill is that of the tape; if not, what is wrong, in a sentence."""
    if not isinstance(answer, dict) or not {"tape", "price", "dollars"} <= answer.keys():
        return "expected a dictionary with the keys tape, price and dollars"
    path, prices = Path(str(answer["tape"])).expanduser(), answer["price"]
    if not path.is_file():
        return f"{path} does not exist (seen from {Path.cwd()}); tapes are in tapes/"
    if path.resolve() == tape.path.resolve():
        return "this is the tape of this lesson; take another one"
    if not isinstance(prices, dict) or prices.keys() != price.keys():
        return f"the prices need the keys {', '.join(price)}"
    if not all(isinstance(each, int | float) and each >= 0 for each in prices.values()):
        return "a price is a number of dollars per million tokens"
    if not any(prices.values()):
        return "with these prices everything is free; take a model that costs something"
    whole = [turn.tokens for turn in turns(Tape.read(path).records()) if turn.tokens.prompt is not None]
    if not whole:
        return "no response on this tape says how many tokens it has; take another one"
    old, new = sum(t.cached or 0 for t in whole), sum(t.prompt for t in whole)
    written = sum(t.generated or 0 for t in whole)
    cost = (new - old) * prices["processed"] + old * prices["cached"] + written * prices["generated"]
    right = check.near(cost / 1e6, within=0.005)
    return answers.compare(answer["dollars"], right).ok or "that is not what this tape costs at these prices"


check.exercise("05b.3", my_bill, adds_up, hint="dollars(…, price) with the turns of that tape")

# %% [markdown]
# ## Recap
#
# - A prompt is processed many tokens at a time, a response is generated one token after the other.
# - Prompt tokens = cached + processed. All of them fill the [context window][cw]; only the processed ones
#   take processing time.
# - The cache helps from the beginning of a prompt up to the first token that differs.
# - With a template that opens the thinking, the next request processes the model's own reply again.
# - smolagents' token counts ignore the cache.
#
# **In your own agent:** look at `timings.cache_n` (llama-server) or
# `usage.prompt_tokens_details.cached_tokens` of the second request. If it is near zero, something may
# change at the beginning of your prompt, such as a date, or other requests took the cache's place.
#
# [cw]: ../docs/glossary.md#context-window

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "05b",
    check.question(
        "Your system prompt begins with the time of day, to the second. What does that do to the cache?",
        right="nearly nothing is found in it",
        why="The prompts differ near the beginning, and the cache is used only up to the first difference.",
        wrong={
            "only the time is processed again": "Everything after it is, too, even if it is the same text.",
            "nothing: the system prompt is always cached": "The cache compares tokens. It knows no roles.",
        },
    ),
    check.question(
        "Why is the code that the model wrote in turn 1 processed again in turn 2?",
        right="in prompt 2 it comes after other tokens than when it was generated",
        why="It was generated after the thinking, and prompt 2 does not have the thinking.",
        wrong={
            "generated tokens are not kept in the cache": "They are, but prompt 2 parts before it gets there.",
            "smolagents changed the code": "It sends the model's words as they were, and a copy after them.",
        },
    ),
    check.question(
        "The cached tokens of a request are 90 % of its prompt. Which of these is 90 % smaller than without a cache?",
        right="the number of prompt tokens that the server processes",
        why="Cached tokens need no processing. They still fill the context window.",
        wrong={
            "the body of the request": "It carries the whole conversation, cached or not.",
            "the room taken in the context window": "Cached tokens are in the window like all the others.",
        },
    ),
)

# %% [markdown]
# **Next:** [06 Break `--jinja` on purpose](06_break_jinja.ipynb). How a bill grows with the steps of a run,
# and what cuts it, is in [lesson 10](10_what_the_loop_costs.ipynb).

# %%
server.stop()
check.progress("05b")
