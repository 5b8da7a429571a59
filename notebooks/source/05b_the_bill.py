# %% [markdown]
# # 05b · The bill
#
# An appendix to [lesson 05](05_wire_and_steps.ipynb). A hosted model is paid by the token, and a
# local one in seconds. smolagents counts tokens for you, but its sum is not what the server
# worked for, nor what a provider would charge. Where does the difference come from?
#
# **After this lesson you can**
#
# - read what a run cost off its tape, with and without the prompt cache,
# - name the tokens that a cache could not save, and say why,
# - put a price on a run of your own.
#
# **Minutes:** 30 · **Needs:** [lesson 05](05_wire_and_steps.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from course import check
from course.agent import LEOPARD, recorded_run
from course.server import Server
from course.tape import Tape
from course.turns import text_of

server = Server(PROFILE, url=SERVER, quiet=True).start()

# %% [markdown]
# ## How much of a prompt is new?
#
# Every request carries the whole conversation so far. The server keeps what it computed for the
# last prompt in its [KV cache][kv], and processes only what comes after the part that both
# prompts have in common.
#
# **Predict:** how much of the prompt of turn 2 comes from the cache: `none`, `half`, or `most`?
#
# [kv]: ../docs/glossary.md#kv-cache

# %%
guess = ...

# %%
tape = Tape()
run = recorded_run(server, LEOPARD, tape, max_steps=8)
made = run.turns
for turn in made:
    t = turn.tokens
    print(
        f"turn {turn.number}: {t.prompt:>5} prompt = {t.cached:>5} cached + {t.new:>4} processed,"
        f" {t.generated:>4} generated, {turn.seconds:5.1f} s"
    )

# %%
share = made[1].tokens.cached / made[1].tokens.prompt
check.prediction("05b.p1", guess, was="most" if share > 0.66 else "half" if share > 0.33 else "none")

# %% [markdown]
# In the picture, gray is what a request found in the cache, blue what had to be processed, and
# green what was generated. Compare the end of each request with the beginning of the next.
#
# ![Three requests of one run: each prompt begins with the previous one, which is in the KV cache;
# only the rest is processed](../docs/pictures/cache.svg)
#
# (This holds for models whose cache can be cut anywhere. [Hybrid models][h] such as Qwen3.6 can
# only go back to a [checkpoint][c], so they may process more than is new.)
#
# [h]: ../docs/glossary.md#hybrid-model
# [c]: ../docs/glossary.md#checkpoint

# %% tags=["folded", "nbval-check-output"]
prompts = [turn.tokens.prompt for turn in made]
check.claims(
    ("the prompt grows with every turn", prompts == sorted(set(prompts)), prompts),
    (
        "prompt = cached + processed, in every turn",
        all(t.tokens.prompt == t.tokens.cached + t.tokens.new for t in made),
    ),
)

# %% [markdown]
# ### Exercise 05b.1 · ★★☆ · 7 minutes · your own
#
# Write `bill(turns, price)`, the cost of a run. Each turn is a dictionary like
# `{"prompt": 2716, "cached": 2372, "generated": 422}`; `price` has dollars per *million* tokens,
# like `{"prompt": 3.0, "cached": 0.3, "generated": 15.0}`. Cached tokens are part of the prompt
# and cost the lower price. If a server does not tell (`"cached": None`), count none as cached.
#
# <details><summary>Hint</summary>
#
# For each turn: `(prompt - cached) * price["prompt"] + cached * price["cached"] + …`, and
# divide the sum by 1,000,000. `turn["cached"] or 0` turns `None` into 0.
#
# </details>

# %% tags=["stub"]
bill = ...


# %% tags=["solution"]
def bill(turns, price):
    total = 0
    for turn in turns:
        cached = turn["cached"] or 0
        total += (turn["prompt"] - cached) * price["prompt"]
        total += cached * price["cached"] + turn["generated"] * price["generated"]
    return total / 1_000_000


# %% tags=["folded"]
def bills(random):
    """Runs with round numbers, and one with numbers that nobody knows before."""
    price = {"prompt": 3.0, "cached": 0.3, "generated": 15.0}
    free = {"prompt": 2.0, "cached": 0.0, "generated": 10.0}

    def case(name, price, gives, *rows):
        keys = ("prompt", "cached", "generated")
        gives = check.near(gives, within=0.001)
        return check.case([dict(zip(keys, row, strict=True)) for row in rows], price, gives=gives, name=name)

    yield case("one turn, nothing cached", price, 3.0, (1_000_000, 0, 0))
    yield case("all of it cached", price, 0.3, (1_000_000, 1_000_000, 0))
    yield case("only generated", price, 15.0, (0, 0, 1_000_000))
    yield case("a server that does not tell", price, 6.0, (2_000_000, None, 0))
    yield case("two turns, the cache is free", free, 14.0, (1_000_000, 0, 500_000), (3_000_000, 1_500_000, 400_000))
    yield case("no turns", price, 0.0)
    p, g = random.randrange(2000, 9000), random.randrange(100, 900)
    c = random.randrange(100, p)
    yield case("a small run", price, ((p - c) * 3 + c * 0.3 + g * 15) / 1e6, (p, c, g))


check.function("05b.1", bill, bills, hint="processed, cached and generated tokens each have a price")

# %% [markdown]
# Try it with the price list of your provider: `bill([vars(t.tokens) for t in made], price)`. Or
# with the tape that you recorded in lesson 05: `turns(Tape.read("tapes/mine.tape.jsonl").records())`.
#
# ## Which tokens were not found again?
#
# Not all of prompt 1 was in the cache when prompt 2 came:

# %%
missed = made[0].tokens.prompt - made[1].tokens.cached
print(f"{missed} tokens of prompt 1 were not found again")

# %% tags=["embedded-only", "folded", "nbval-check-output"]
check.claims(("only a few tokens at the end are lost", 0 < missed < 8, missed))

# %% [markdown]
# The cache holds everything that was generated in turn 1, too. A prompt can use it only up to the
# first token that differs. This finds the place where two texts part:


# %%
def parting(a, b):
    """Where two texts begin to differ, or the shorter one ends."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


# %% [markdown]
# ### Exercise 05b.2 · ★★★ · 8 minutes
#
# Which text is it? Find what stands at the end of prompt 1, and is not at that place in prompt 2.
#
# <details><summary>Hint</summary>
#
# `server.apply_template(messages)` renders a prompt, and `made[0].exchange.messages` are the
# messages of turn 1.
#
# </details>

# %% tags=["stub"]
not_found_again = ...

# %% tags=["solution"]
one, two = (server.apply_template(turn.exchange.messages) for turn in made[:2])
not_found_again = one[parting(one, two) :]

# %% tags=["folded"]
one, two = (server.apply_template(turn.exchange.messages) for turn in made[:2])
at = next((i for i, (x, y) in enumerate(zip(one, two, strict=False)) if x != y), min(len(one), len(two)))
tail = one[at:]


def is_the_tail(answer):
    """The text itself, with or without the role before it and the space around it."""
    if not isinstance(answer, str):
        return f"expected text, got {type(answer).__name__}"
    text, end = answer.strip(), tail.strip()
    with_its_role = text.endswith(end) and one.rstrip().endswith(text) and len(text) < len(tail) + 30
    return text == end or with_its_role


check.exercise("05b.2", not_found_again, is_the_tail, hint="render both prompts; it is the end of the first")

# %% [markdown]
# The template opens the thinking at the end of each prompt, and writes past turns without any
# thinking. So the two prompts part right there, and from there on everything is new to the server,
# **including the code that the model itself wrote** in turn 1. (With a template that opens
# nothing, such as plain ChatML, prompt 1 is the beginning of prompt 2 and this text is empty.)

# %% [markdown]
# ## What do the second copies cost?
#
# Lesson 05 showed that the code of each past step is sent again after `Calling tools:`.
#
# ### Exercise 05b.3 · ★★☆ · 6 minutes
#
# Write `second_copies(messages)`: the list of all second copies in a request, each from
# `Calling tools:` to the end of its message. Only `assistant` messages have them. A content may be
# a string or a list of parts; `text_of(message)` reads both.
#
# <details><summary>Hint</summary>
#
# `text.partition("Calling tools:")` gives three pieces. The copy is the second and the third, if
# the second is not empty.
#
# </details>

# %% tags=["stub"]
second_copies = ...


# %% tags=["solution"]
def second_copies(messages):
    said = [text_of(m).partition("Calling tools:") for m in messages if m["role"] == "assistant"]
    return [mark + rest for _, mark, rest in said if mark]


# %% tags=["folded"]
def message(role, text, parts=True):
    return {"role": role, "content": [{"type": "text", "text": text}] if parts else text}


S, U = message("system", "Calling tools: is a stop string"), message("user", "What does Calling tools: mean?")
check.function(
    "05b.3",
    second_copies,
    [
        check.case([S, U], gives=[], name="no assistant yet"),
        check.case([S, message("assistant", "a\nCalling tools:\n[1]")], gives=["Calling tools:\n[1]"], name="one"),
        check.case([message("assistant", "Calling tools:\n[2]", parts=False)], gives=["Calling tools:\n[2]"]),
        check.case([message("assistant", "I only think."), U], gives=[], name="an answer without a call"),
        check.case(
            [S, U, message("assistant", "a Calling tools: b"), U, message("assistant", "c Calling tools: d")],
            gives=["Calling tools: b", "Calling tools: d"],
            name="two steps",
        ),
    ],
    hint="assistant messages only, and of those only from Calling tools: on",
)

# %% tags=["folded"]
copied = 0
for m in made[-1].exchange.messages:
    if m["role"] == "assistant" and "Calling tools:" in text_of(m):
        copied += len(server.tokenize("Calling tools:" + text_of(m).partition("Calling tools:")[2]))
print(f"{copied} of the {made[-1].tokens.prompt} prompt tokens of the last request are second copies")

# %% [markdown]
# In a run of two steps that is little. It grows with each step, and longer code costs more.
#
# ## What does smolagents count?
#
# **Predict:** is the number of input tokens that smolagents reports the sum of the `prompt` tokens
# or of the `processed` ones?

# %%
guess = ...

# %%
asked = sum(turn.tokens.prompt for turn in made)
processed = sum(turn.tokens.new for turn in made)
counted = run.agent.monitor.total_input_token_count
print(f"smolagents: {counted:,}   prompt tokens: {asked:,}   processed: {processed:,}")

# %%
check.prediction("05b.p2", guess, was="prompt" if counted == asked else "processed")

# %% [markdown]
# It adds up whole prompts and knows nothing of the cache. For a local model the number overstates
# the work. For a provider that charges less for cached tokens, it overstates the bill.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("smolagents adds up whole prompts", counted == asked, counted),
    ("the server processed less", processed < asked, processed),
)

# %% [markdown]
# ## Recap
#
# - Prompt tokens = cached + processed. The first number fills the context window, the last one
#   takes the time.
# - A prompt finds in the cache what it has in common with the last one *from the beginning*. After
#   the first token that differs, nothing counts.
# - With a template that opens the thinking, what the model wrote in a step is processed again in
#   the next one, because the thinking before it is gone.
# - smolagents' token counts ignore the cache.
#
# **In your own agent:** look at `timings.cache_n` (llama-server) or
# `usage.prompt_tokens_details.cached_tokens` of the second request. If it is near zero, look for
# something that changes at the beginning of your prompt, for example a date.

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
        "The cached tokens of a request are 90 % of its prompt. What is 90 % smaller?",
        right="the prompt tokens that the server has to process",
        why="Cached tokens need no processing. They still fill the context window.",
        wrong={
            "the request's body": "It carries the whole conversation, cached or not.",
            "the room taken in the context window": "Cached tokens are in the window like all the others.",
        },
    ),
)

# %% [markdown]
# **Next:** [06 Break `--jinja` on purpose](06_break_jinja.ipynb).

# %%
server.stop()
check.progress("05b")
