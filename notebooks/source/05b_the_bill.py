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
# - tell which tokens of a prompt did not come from the cache, and why, and what the cached ones saved,
# - put a price on any tape.
#
# **Minutes:** 35 · **Needs:** [lesson 05](05_wire_and_steps.ipynb)
#
# [pc]: ../docs/glossary.md#prompt-cache

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import random
from pathlib import Path

from course import check
from course.agent import LEOPARD, connect, forced, recorded_run
from course.check import answers
from course.server import Server
from course.tape import Tape
from course.turns import text_of, turns

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## Where do the seconds go?
#
# A server does two things: it [processes][pp] the prompt, and it [generates][g] the response. Each
# takes time for each token.
#
# **Predict:** in the time that it takes to generate one token, how many tokens of a prompt can it process?
#
# The server may still have lesson 05's prompt in its cache. So the first request is sent with `cache_prompt: false`:
# the whole prompt is processed, as on a fresh server. (The course's `forced` adds the field to that request. Each `None`
# leaves a later request as it is.)
#
# [pp]: ../docs/glossary.md#prompt-processing
# [g]: ../docs/glossary.md#generation

# %%
guess = ...

# %%
tape, fresh = Tape(), forced([(None, {"cache_prompt": False}), *[None] * 8])
# This can take a few minutes:
run = recorded_run(server, LEOPARD, tape, model={"model_class": fresh}, max_steps=8)
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
spent = total["prompt_ms"] + total["predicted_ms"]
print(
    f"{total['prompt_ms'] / spent:.0%} of the time went to prompts, {total['predicted_ms'] / spent:.0%} to responses"
)
check.prediction("05b.p1", guess, was=check.near(round(ratio, 1), within=0.3), unit="tokens")

# %% [markdown]
# A generated token has to wait for the one before it, and each time the server reads the model from memory (of a
# mixture of experts, only the part in use). The tokens of a prompt are all known, so many of them share one
# reading. Each still needs its arithmetic, so on a few processor cores the factor is small. On a GPU it is usually
# larger. (Both times are averages of the run. They are longer than in 02b, because each token looks at all tokens before
# it, and here there are more: [lesson 10](10_what_the_loop_costs.ipynb).)
#
# smolagents' instructions are long, so the first request is mostly prompt processing. Later ones find them in the cache,
# and are mostly generation. But a hundred tokens fewer in the response save more time than a hundred fewer in the
# prompt. Hosted models usually have a higher price for generated tokens, too.

# %% tags=["embedded-only", "folded", "nbval-check-output"]
def per_token():
    """Milliseconds for a token of a prompt, and for a generated one. The prompt is new, so nothing in it can be guessed."""
    body = {"prompt": random.sample(range(1000, 40_000), 256), "n_predict": 16, "ignore_eos": True}
    timings = server.post("/completion", {**body, "cache_prompt": False})["timings"]
    return timings["prompt_per_token_ms"], timings["predicted_per_token_ms"]


# The shortest of three times: a busy machine makes any of them longer.
reading, writing = map(min, zip(*(per_token() for _ in range(3)), strict=True))
check.claims(("generating a token takes longer than processing one", writing > reading, (reading, writing)))

# %% [markdown]
# ## How much of its own text does the model read again?
#
# Lesson 03 showed that turn 2 takes nearly all of prompt 1 from the cache. And the reply of turn 1? The server
# computed each of its tokens when it *generated* them, and has them in its [KV cache][kv], too. It can use that up
# to the first token that differs. (The KV cache of one request, kept for the next one, is the prompt cache.)
#
# **Predict:** of the tokens that turn 2 has to process, what percentage are words that the model itself wrote in
# turn 1 (its reply, and the copy of its code after `Calling tools:`)?
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
said = next((text_of(m) for m in after.exchange.messages if m["role"] == "assistant"), "")
words, _, copy = said.partition("Calling tools:")
copy = copy.partition("'arguments': ")[2].strip().removesuffix("}}]")  # without smolagents' wrapping
own, again = len(server.tokenize(words)), len(server.tokenize(copy))
reused = max((after.tokens.cached or 0) - before.tokens.prompt, 0)  # what the cache had of the reply
own = max(own - reused, 0)
again = min(again, after.tokens.new - own)
share = 100 * (own + again) / after.tokens.new
print(
    f"of {after.tokens.new} processed tokens, about {own} are the reply of turn 1,"
    f" and {again} its code once more: {share:.0f} %"
)
check.prediction("05b.p2", guess, was=check.near(round(share), by=10), unit="percent")

# %% [markdown]
# The whole reply was processed again, although the server had it in its cache. (The rest is the observation and
# smolagents' wrapping.) Here are both prompts in tokens, as the chat template renders them, from where they differ:


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
# Everything after that is processed again: the code that the model wrote in turn 1 is in the cache, but after
# other tokens.
#
# In the picture, gray is what a request found in the cache, blue what was processed, and green what was
# generated. Follow the green *code* of request 1 into request 2: there it is in the blue *step 1*.
#
# ![Three requests of one run: each prompt begins with nearly all of the previous one, which is in the
# KV cache; the rest is processed, with the code that was generated before](../docs/pictures/cache.svg)
#
# <details><summary>Is it like that with every model?</summary>
#
# No. If the template opens no think block at the end of a prompt, all of prompt 1 begins prompt 2, and a reply without
# thinking can come from the cache, too. Thinking that is not sent back ends the match with any template. And the
# cache of a [hybrid model](../docs/glossary.md#hybrid-model) such as Qwen3.6 can be cut back only to a
# [checkpoint](../docs/glossary.md#checkpoint), so even more may be processed again.
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
# ### Exercise 05b.1 · ★★☆ · 6 minutes
#
# How many seconds did the cache save? Write `seconds_saved(rows)`. Each row is a turn's `timings`, such as
# `{"cache_n": 2000, "prompt_n": 500, "prompt_ms": 1500.0}`; alone, this one gives 6.0. Estimate with the average of
# *all* rows: how many milliseconds did a processed token take, and how many tokens did not have to be processed? Old
# builds of llama-server leave out `cache_n`: count nothing as saved in that turn. No rows, no seconds.
#
# <details><summary>Hint</summary>
#
# Add up `prompt_ms` and `prompt_n` over all rows first, and divide once. `row.get("cache_n") or 0` is 0 if there is none.
#
# </details>

# %% tags=["stub"]
seconds_saved = ...


# %% tags=["solution"]
def seconds_saved(rows):
    processed = sum(row["prompt_n"] for row in rows)
    if not processed:
        return 0.0
    each = sum(row["prompt_ms"] for row in rows) / processed
    return sum(row.get("cache_n") or 0 for row in rows) * each / 1000


# %% tags=["folded"]
def runs(random):
    """Timings of runs that never were, and what the cache saved in them."""

    def case(name, gives, *rows):
        keys = ("cache_n", "prompt_n", "prompt_ms")
        rows = [{key: v for key, v in zip(keys, row, strict=True) if v is not None} for row in rows]
        return check.case(rows, gives=check.near(gives, within=0.001), name=name)

    yield case("one turn", 4.0, (2000, 500, 1000.0))
    yield case("nothing cached", 0.0, (0, 500, 1000.0))
    yield case("two turns of different speed", 2.5, (0, 300, 300.0), (1000, 100, 700.0))
    yield case("a server that does not tell", 0.2, (None, 500, 1000.0), (100, 500, 1000.0))
    yield case("no turns", 0.0)
    old, new, ms = random.randrange(900, 5000), random.randrange(100, 900), random.randrange(400, 4000)
    yield case("a turn of any size", old * ms / new / 1000, (old, new, float(ms)))


check.function("05b.1", seconds_saved, runs, hint="milliseconds per processed token, times the cached ones")

# %% [markdown]
# ## What would it cost in dollars?
#
# Hosted models usually have three prices: input, cached input and output, here `processed`, `cached` and `generated`.
# (Some also charge for writing to the cache.) The result is an estimate: another model splits text into other tokens and
# thinks more or less, and each provider's cache has rules of its own. These are round numbers, in dollars per *million*
# tokens. Put in those of a model that you use:

# %%
price = {"processed": 3.0, "cached": 0.3, "generated": 15.0}

# %% [markdown]
# ### Exercise 05b.2 · ★★☆ · 7 minutes
#
# Write `dollars(turns, price)`, the cost of a run. Each turn is a dictionary like `{"prompt": 3000,
# "cached": 2000, "generated": 500}`, which costs 0.0111 at the prices above. Cached tokens are part of the prompt and
# cost their own price. `"cached": None` means that the server did not tell: count none as cached. Do not round.
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
    yield case("a fraction of a cent", usual, 0.0010887, (40, 19, 68))
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
if callable(seconds_saved):
    print("seconds that the cache saved, by your 05b.1:", seconds_saved([turn.timings for turn in made]))
if callable(dollars):
    print("dollars of the run, by your 05b.2:", dollars([vars(turn.tokens) for turn in made], price))

# %% [markdown]
# In the stored run, the generated tokens are a tenth of all tokens and half of the dollars. They include the
# thinking: a provider bills it as output, although your agent never reads it. The cached ones are two fifths of all
# tokens and cost next to nothing: nearly the whole prompt of turn 1 once more, for 4 % of the dollars. (They have 0.0
# seconds by definition: llama-server's `prompt_ms` is the time of the processed ones.)
#
# The seconds without a cache are the estimate of 05b.1. Is it any good? Turn 1 did process those tokens (and four more):
# compare its seconds with what you saved. Each further turn would send everything again, so the difference grows
# ([lesson 10](10_what_the_loop_costs.ipynb) measures how).

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
# It adds up whole prompts and ignores the cache. So it overstates the work of a local model, and multiplied by a
# price, the bill of a hosted one. The number of cached tokens is in each step's memory all the same:
# `step.model_output_message.raw.usage.prompt_tokens_details.cached_tokens`.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("smolagents adds up whole prompts", counted == asked, counted),
    ("the server processed less", count["processed"] < asked, count),
)

# %% [markdown]
# ### Exercise 05b.3 · ★★☆ · 6 minutes · your own
#
# Put a price on the tape of another run: the one that you recorded in exercise 05.3, or any other in `tapes/`.
# `turns(Tape.read(path).records())` gives its turns. Fill in its path, the prices of a model of your choice, and what
# the tape would have cost, not rounded.
#
# <details><summary>Hint</summary>
#
# `vars(turn.tokens)` is a dictionary for `dollars`. On a tape there may also be requests that ask nothing of the model;
# leave out the turns whose `tokens.prompt` is `None`. If a `generated` is `None`, put 0 in its place first.
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
    return (
        answers.compare(answer["dollars"], right).ok
        or "that is not (without rounding) what this tape costs at these prices"
    )


check.exercise("05b.3", my_bill, adds_up, hint="dollars(…, price) with the turns of that tape")

# %% [markdown]
# ## Recap
#
# - A prompt is processed many tokens at a time, a response is generated one token after the other.
# - Prompt tokens = cached + processed. All of them fill the [context window][cw]; only the processed ones
#   take processing time.
# - The cache helps from the beginning of a prompt up to the first token that differs.
# - With a template that opens the thinking, the next request processes the model's own reply again.
# - smolagents' totals ignore the cache.
#
# **In your own agent:** look at `timings.cache_n` (llama-server) or
# `usage.prompt_tokens_details.cached_tokens` of the second request. If it is near zero, something may
# change at the beginning of your prompt, such as a date, or other requests took the cache's place. (Hosted models often
# have a minimum, too: OpenAI caches no prompt of less than 1,024 tokens.)
#
# [cw]: ../docs/glossary.md#context-window

# %% [markdown]
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "05b",
    check.question(
        "smolagents reports 5,092 input tokens for a run, the server processed 2,720. Where are the others?",
        right="the cache had them: they were sent, but not processed again",
        why="smolagents adds up whole prompts. `cached_tokens` in each step's `raw` says how many were cached.",
        wrong={
            "smolagents counts the thinking, too": "Thinking is generated: it counts as output tokens.",
            "the second prompt was cut off": "Then they would be missing from both counts.",
        },
    ),
    check.question(
        "Why is the code that the model wrote in turn 1 processed again in turn 2?",
        right="in prompt 2 it comes after other tokens than when it was generated",
        why="It was generated after the thinking, and prompt 2 does not have the thinking.",
        wrong={
            "generated tokens are not kept in the cache": "They are, but prompt 2 differs before it gets there.",
            "smolagents changed the code": "It sends the code as it was, and a copy after it.",
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
