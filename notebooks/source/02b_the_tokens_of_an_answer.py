# %% [markdown]
# # 02b · The tokens of an answer
#
# An appendix to [lesson 02](02_one_completion.ipynb). *It worked yesterday. It hangs. It takes forever.* An answer is
# made one token at a time, sent one token at a time, and paid for one token at a time. This lesson follows the tokens.
#
# **After this lesson you can**
#
# - say why the same question can get different answers, and make a failure happen twice,
# - put a streamed answer together, event by event,
# - read what a request cost, and what the prompt cache saved,
# - predict which part of a prompt the server will process again.
#
# **Minutes:** 45 · **Needs:** [lesson 02](02_one_completion.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import math

from course import check
from course.server import Server

server = Server(PROFILE, url=SERVER, quiet=True).start()
base = Server("untrained", quiet=True).start()

# %% [markdown]
# ## Who decides which token comes next?
#
# For each token, the model computes a probability for every token that it knows. `logprobs` asks for the likeliest,
# as logarithms. The base model is less sure of itself than the embedded one, so ask the base model:

# %%
ask = {"messages": [{"role": "user", "content": "Name an animal."}], "temperature": 0, "max_tokens": 6}
tokens = base.post("/v1/chat/completions", {**ask, "logprobs": True, "top_logprobs": 3})
for token in tokens["choices"][0]["logprobs"]["content"]:
    print([(one["token"], f"{math.exp(one['logprob']):.0%}") for one in token["top_logprobs"]])

# %% [markdown]
# At [temperature](../docs/glossary.md#temperature) 0 the server takes the first of each row: *greedy* decoding. Above 0 it
# draws from all candidates, likelier ones more often, and a *seed* decides the draw
# ([sampling](../docs/glossary.md#sampling)).
#
# **Predict:** two requests at temperature 0, two at temperature 1 with seed 7, and three at temperature 1 with other
# seeds. How many different texts in each group?

# %%
guess = {"temperature 0": ..., "seed 7": ..., "other seeds": ...}

# %%
groups = {
    "temperature 0": [{"temperature": 0}] * 2,
    "seed 7": [{"temperature": 1, "seed": 7}] * 2,
    "other seeds": [{"temperature": 1, "seed": seed} for seed in (1, 2, 3)],
}
different = {}
for group, settings in groups.items():
    answers = [base.post("/v1/chat/completions", {**ask, "max_tokens": 16, **one}) for one in settings]
    texts = [one["choices"][0]["message"]["content"] for one in answers]
    different[group] = len(set(texts))
    print(group, *map(repr, texts), sep="\n    ")

# %%
check.prediction("02b.p1", guess, was=different, unit="texts")

# %% [markdown]
# An agent that works once and fails the next time may have no bug at all: it draws. Before you debug, fix the seed, so
# that you can see the same failure twice. (Temperature 0 is just as repeatable, but the failure may not be among its
# answers. And neither is a guarantee: rounding can differ when part of a prompt comes from a cache, as llama-server's
# README says of `cache_prompt`.)

# %% [markdown]
# ## How does it arrive?
#
# With `"stream": true` the answer comes while it is written, as [server-sent events][sse]. These are the first bytes of
# such a response and the last ones:
#
# [sse]: ../docs/glossary.md#server-sent-events

# %%
question = {
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "temperature": 0,
    "max_tokens": 200,
}
with server.client() as client:
    streamed = client.post("/v1/chat/completions", json={**question, "stream": True}).text
print(streamed[:420], "\n…\n", streamed[-520:])

# %% [markdown]
# An event is a line that begins with `data:`, with an empty line after it. Each holds a *delta*, the piece that is new.
# Thoughts come as `reasoning_content`, the rest as `content`. The last event with a choice names the `finish_reason`, and
# `[DONE]`, which is not JSON, ends the stream.
#
# A stream that breaks off has no `finish_reason` and no `[DONE]`, and your client may not tell you.

# %% [markdown]
# ### Exercise 02b.1 · ★★★ · 12 minutes
#
# Write `assemble(lines)`: it takes the lines of a stream and returns `(thinking, content, finish_reason)`, two strings
# and a string or `None`. Real streams also have
#
# - empty lines, and comments, which begin with `:`,
# - deltas without text (`null`, or no key at all),
# - events without choices,
# - sometimes no end: then the reason is `None`.
#
# <details><summary>Hint</summary>
#
# Skip each line that does not begin with `data:`, take what follows without spaces, and stop at `[DONE]`. Then
# `json.loads`. `delta.get("content") or ""` is "" for a null, too.
#
# </details>


# %% tags=["stub"]
def assemble(lines): ...


# %% tags=["solution"]
def assemble(lines):
    thinking = content = ""
    reason = None
    for line in lines:
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        for choice in json.loads(data).get("choices") or []:
            delta = choice["delta"]
            thinking += delta.get("reasoning_content") or ""
            content += delta.get("content") or ""
            reason = choice.get("finish_reason") or reason
    return thinking, content, reason


# %% tags=["folded"]
def event(reason=None, **delta):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


done = "data: [DONE]"
check.function(
    "02b.1",
    assemble,
    [
        check.case([event(content="Hi"), "", event("stop"), "", done], gives=("", check.exact("Hi"), "stop")),
        check.case(
            [event(role="assistant", content=None), "", event(reasoning_content="Hm "), ": ping",
             event(reasoning_content="yes"), event(content="A"), event(content=" b"), event("length"), done],
            gives=(check.exact("Hm yes"), check.exact("A b"), "length"),
            name="thinking, a comment, null content",
        ),
        check.case([event(content="cut of")], gives=("", check.exact("cut of"), None), name="no end"),
        check.case(
            [event(content="x"), event("stop"), 'data: {"choices": [], "usage": {"total_tokens": 7}}', done],
            gives=("", check.exact("x"), "stop"),
            name="an event without choices",
        ),
        check.case(
            [event(content="Say "), event(content="[DONE]"), event(content=" now"), event("stop"), done],
            gives=("", check.exact("Say [DONE] now"), "stop"),
            name="the model itself writes [DONE]",
        ),
        check.case([event(content="x").replace("data: ", "data:")], gives=("", "x", None), name="no space after data:"),
    ],
    hint="skip what does not begin with data:, stop at [DONE], then json.loads",
)  # fmt: skip

# %% [markdown]
# Now your own stream (`None` until you have written the function):

# %%
assemble(streamed.splitlines())

# %% [markdown]
# ## What did it cost?
#
# Each response says it twice: `usage` in OpenAI's words, `timings` in llama.cpp's.

# %%
first = server.post("/v1/chat/completions", {**question, "cache_prompt": False})
print(first["usage"])
print(json.dumps(first["timings"], indent=1))

# %% [markdown]
# A request has two halves, and each has its speed:
#
# | half | tokens | milliseconds | what happens |
# |---|---|---|---|
# | [prompt processing][prefill] (prefill) | `prompt_n` | `prompt_ms` | the prompt is read, many tokens at a time |
# | [generation][decode] (decode) | `predicted_n` | `predicted_ms` | the answer is written, token by token |
#
# `cache_n` counts the tokens of the prompt that did not have to be read. (`cache_prompt: false` has forbidden that here.)
#
# [prefill]: ../docs/glossary.md#prompt-processing
# [decode]: ../docs/glossary.md#generation

# %% [markdown]
# ### Exercise 02b.2 · ★☆☆ · 5 minutes
#
# Write `bill(response)`. It returns a dictionary with `prompt` (all tokens of the prompt), `cached` (how many of them
# were not read), `generated`, and `per_second` (generated tokens per second).
#
# <details><summary>Hint</summary>
#
# Everything is in `response["timings"]`. `predicted_ms` is in milliseconds, thousandths of a second.
#
# </details>


# %% tags=["stub"]
def bill(response): ...


# %% tags=["solution"]
def bill(response):
    timings = response["timings"]
    return {
        "prompt": timings["cache_n"] + timings["prompt_n"],
        "cached": timings["cache_n"],
        "generated": timings["predicted_n"],
        "per_second": timings["predicted_n"] / (timings["predicted_ms"] / 1000),
    }


# %% tags=["folded"]
def bills(random):
    """Responses of servers of different speed, without the keys that give the speed away."""
    for name, cached in [
        ("nothing cached", 0),
        ("most of it cached", random.randint(900, 3000)),
        ("again", 90),
    ]:
        read, wrote, each = random.randint(20, 800), random.randint(5, 400), random.uniform(6, 60)
        timings = {"cache_n": cached, "prompt_n": read, "prompt_ms": read * 2.5}
        timings |= {"predicted_n": wrote, "predicted_ms": wrote * each}
        usage = {
            "prompt_tokens": cached + read,
            "completion_tokens": wrote,
            "total_tokens": cached + read + wrote,
        }
        usage |= {"prompt_tokens_details": {"cached_tokens": cached}}
        gives = {"prompt": cached + read, "cached": cached, "generated": wrote}
        rates = [check.near(count / wrote * 1000 / each, within=0.005) for count in (wrote, wrote - 1)]
        gives |= {"per_second": check.one_of(*rates)}  # llama-server leaves the first token out
        yield check.case({"timings": timings, "usage": usage}, gives=gives, name=name)


check.function("02b.2", bill, bills, hint="prompt = read and not read; seconds = milliseconds / 1000")

# %%
bill(first)

# %% [markdown]
# The server's own `predicted_per_second` is a little lower: it leaves the first token out, because that one is predicted
# while the prompt is processed.

# %% tags=["folded"]
usage, timings = first["usage"], first["timings"]
whole = timings["cache_n"] + timings["prompt_n"]
check.claims(
    ("usage counts the prompt as cached plus read", usage["prompt_tokens"] == whole, usage),
    ("usage counts the answer as timings do", usage["completion_tokens"] == timings["predicted_n"]),
    ("total is the sum", usage["total_tokens"] == whole + timings["predicted_n"], usage),
)

# %% [markdown]
# ## What if you ask the same again?
#
# **Predict:** the very same request, with the cache allowed. How many tokens of its prompt does the server read
# (`prompt_n`)?

# %%
guess = ...

# %%
second = server.post("/v1/chat/completions", question)
print(bill(second))
{key: second["timings"][key] for key in ("cache_n", "prompt_n", "prompt_ms")}

# %%
check.prediction("02b.p2", guess, was=second["timings"]["prompt_n"], unit="token")

# %% [markdown]
# For each token that it reads, the model computes numbers that all later tokens need, in each layer a *key* and a *value*.
# The server keeps them, in the **[KV cache][kv]**. When the next prompt begins with the same tokens, it reads only what
# comes after them. That is the **[prompt cache][cache]**.
#
# The last token is always read again: the first token of the answer is predicted from it, and the cache does not keep
# predictions.
#
# [kv]: ../docs/glossary.md#kv-cache
# [cache]: ../docs/glossary.md#prompt-cache

# %% [markdown]
# Agents live off this cache. They send everything again with each step; look at how little of it is new:
#
# ![Three requests of one run: each prompt begins with the previous one, which is in the KV cache; only the
# rest is processed](../docs/pictures/cache.svg)

# %% tags=["folded", "embedded-only", "nbval-check-output"]
again = second["timings"]
check.claims(
    ("all but one token came from the cache", again["prompt_n"] == 1, again),
    ("cached plus read is the whole prompt", again["cache_n"] + again["prompt_n"] == whole, again),
)

# %% [markdown]
# ### Exercise 02b.3 · ★★☆ · 7 minutes
#
# Write the server's rule. `kept(cached, prompt)` gets two lists of tokens: what is in the cache, and a new prompt (never
# empty). It returns how many tokens of the new prompt need not be read: the longest common *beginning*, but never all
# of the prompt.
#
# <details><summary>Hint</summary>
#
# Walk through both lists together (`zip`) and stop at the first difference. At the end, keep at most
# `len(prompt) - 1`.
#
# </details>


# %% tags=["stub"]
def kept(cached, prompt): ...


# %% tags=["solution"]
def kept(cached, prompt):
    same = 0
    for old, new in zip(cached, prompt, strict=False):
        if old != new:
            break
        same += 1
    return min(same, len(prompt) - 1)


# %% tags=["folded"]
def prompts(random):
    """Prompts of made-up tokens, as a server meets them."""
    start, rest, other = (random.sample(range(low, low + 900), 6) for low in (1000, 2000, 3000))
    same, n = start[: random.randint(2, 5)], random.randint(1, 4)
    return [
        check.case(same + rest, same + other, gives=len(same), name="it goes on differently"),
        check.case([], start, gives=0, name="a fresh server"),
        check.case(same, same + rest, gives=len(same), name="it goes on"),
        check.case(start, start, gives=len(start) - 1, name="the same again"),
        check.case(start + rest, start[: n + 1], gives=n, name="a shorter one"),
        check.case(rest + start, other + start, gives=0, name="only the end is the same"),
        check.case([7, *start], start, gives=0, name="one token was at the top"),
    ]


check.function(
    "02b.3", kept, prompts, hint="count the equal tokens at the beginning; all of them is one too many"
)

# %% [markdown]
# Does the server keep to your rule? In these two questions only the *first* word differs. Try words of your own.

# %%
old, new = (
    [{"role": "user", "content": f"{word} many legs does a leopard have?"}] for word in ("How", "Which")
)
tokens = [server.tokenize(server.apply_template(messages)) for messages in (old, new)]
for messages in (old, new):
    third = server.post("/v1/chat/completions", {**question, "messages": messages, "max_tokens": 1})
print("of", len(tokens[1]), "tokens, you keep", kept(*tokens), "· the server", third["timings"]["cache_n"])

# %% [markdown]
# One word near the top, and everything behind it is read again, although it has not changed. So a random id or the time
# at the top of a system prompt makes each request pay for the whole prompt. Put what changes at the end.

# %% tags=["folded", "embedded-only", "nbval-check-output"]
top = len(server.tokenize(server.apply_template(old).partition("How")[0]))
check.claims(
    (
        "less than half of the prompt is kept",
        third["timings"]["cache_n"] < len(tokens[1]) / 2,
        third["timings"],
    ),
    ("what is kept is what comes before the word", third["timings"]["cache_n"] == top, third["timings"]),
)

# %% [markdown]
# ## Recap
#
# - Above temperature 0 the server draws each token. The seed decides the draw.
# - A stream is a series of deltas. Without a `finish_reason` and `[DONE]` it was cut off.
# - `timings` has prompt processing, generation, and what the cache saved (`cache_n`).
# - The cache keeps the common beginning of two prompts. A change at the top costs everything after it.
#
# **In your own agent:** print `timings` (or `usage.prompt_tokens_details.cached_tokens`) of two steps in a row. If hardly
# anything is cached in the second, look for what changes at the top of the prompt.

# %% tags=["folded"]
check.quiz(
    "02b",
    check.question(
        "A server is up. You ask the same thing twice, and the second answer comes faster. Why?",
        right="Its prompt was still in the KV cache.",
        why="Equal beginnings are not processed again: `cache_n` is high and `prompt_n` low.",
        wrong={
            "The server remembers the answer and sends it again.": "It generates each answer from scratch; "
            "only the processing of the prompt is saved. `predicted_ms` is there both times.",
            "The first one waited for the model to load.": "The server was up already, and it is ready only when the "
            "model is loaded.",
        },
    ),
    check.question(
        "A stream ends after some `content`. There was no `finish_reason` and no `[DONE]`. What happened?",
        right="The connection broke, or the server did.",
        why="A complete stream names its reason. What you have is a part of the answer.",
        wrong={
            "The token limit was reached.": "Then the last event would say `length`.",
            "A stop sequence matched.": "Then the last event would say `stop`.",
        },
    ),
    check.question(
        "You add today's date to the first line of a long system prompt. What does it cost?",
        right="The prompt is processed again whenever the date changes.",
        why="Only the common beginning is kept, and once a day the beginning differs.",
        wrong={
            "Nothing: the rest of the prompt is the same.": "The cache cannot skip a token and go on: what a token's "
            "key and value are depends on all tokens before it.",
            "The whole prompt, with each request.": "That is what a time of day or a random id would cost. All "
            "requests of one day begin alike.",
        },
    ),
)

# %%
check.progress("02b")
base.stop()
server.stop()

# %% [markdown]
# **Next:** [03 read the system prompt](03_read_the_system_prompt.ipynb).
