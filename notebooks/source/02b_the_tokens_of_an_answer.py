# %% [markdown]
# # 02b · The tokens of an answer
#
# An appendix to [lesson 02](02_one_completion.ipynb). *It worked yesterday. Half of the answer is missing. It takes
# forever.* An answer is drawn and paid for one token at a time, and it can be sent that way, too. This lesson follows
# the tokens.
#
# **After this lesson you can**
#
# - make a failure that comes and goes happen again,
# - put a streamed answer together, and notice when its end is missing,
# - predict which part of a prompt the server will process again, and read from a response what it did.
#
# **Minutes:** 40 · **Needs:** [lesson 02](02_one_completion.ipynb)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import math
import random
import time

from course import check
from course.server import Server

server = Server(PROFILE, url=SERVER, quiet=True).start()
base = Server("untrained", quiet=True).start()

# %% [markdown]
# ## Why does it fail only sometimes?
#
# In lesson 02, `temperature` was 0. Here it is 1, and each request has another `seed`. The base model answers, not the
# course's. It should add 2 and 3; an answer without a 5 is a failure.
#
# **Predict:** five requests that differ only in the seed, and then the same five once more. How many of the first five
# answers will be right? How many of the second five will have the same text as before?

# %%
guess = {"right": ..., "same as before": ...}

# %%
ask = {"messages": [{"role": "user", "content": "What is 2 + 3?"}], "max_tokens": 12, "cache_prompt": False}


def text(seed):
    answer = base.post("/v1/chat/completions", {**ask, "temperature": 1, "seed": seed})
    return answer["choices"][0]["message"]["content"]


rounds = [[text(seed) for seed in (1, 2, 3, 4, 5)] for _ in range(2)]
for first_text, second_text in zip(*rounds, strict=True):
    print(f"{first_text!r:<60} {second_text!r}")
right = sum("5" in answer for answer in rounds[0])
same = sum(one == other for one, other in zip(*rounds, strict=True))
check.prediction("02b.p1", guess, was={"right": right, "same as before": same})

# %% [markdown]
# Each seed repeats its answer, right or wrong. What does it decide? For each token, the model computes a probability for
# every token that it knows. `logprobs` asks for the likeliest ones, as logarithms. Here are those of the answer's first
# token; what is missing to 100 % is spread over all the others:

# %%
likeliest = base.post("/v1/chat/completions", {**ask, "temperature": 0, "logprobs": True, "top_logprobs": 5})
for token in likeliest["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
    print(f"{math.exp(token['logprob']):4.0%} {token['token']!r}")

# %% [markdown]
# At [temperature](../docs/glossary.md#temperature) 0 the server takes the likeliest token (*greedy* decoding). Above 0 it
# draws, likelier ones more often ([sampling](../docs/glossary.md#sampling)), and the seed decides the draw, as
# `random.seed` does in Python. Without a seed, it is a random one (`--seed`, by default -1).
#
# Did more of your five answers begin with `2` than its share says? Five draws are few. And by default, the server drops
# unlikely tokens before it draws (`top_k`, `top_p`, `min_p`), so the shares in the draw differ from these.
#
# So an agent that fails now and then may have no bug: it draws. Try seeds until one fails, and keep that seed while
# you debug. (`cache_prompt` is off above because what a cache holds can change the rounding, and so a draw, as
# llama-server's README says. More on this cache below.)

# %% tags=["folded"]
check.claims(
    ("each seed gives the same text again", same == 5, rounds),
    ("not all seeds give the same text", len(set(rounds[0])) > 1, rounds[0]),
)

# %% [markdown]
# ## How does it arrive?
#
# With `"stream": true` the answer is sent while it is generated, as [server-sent events][sse]. Here are the lines as they
# arrive, with the seconds since the request:
#
# [sse]: ../docs/glossary.md#server-sent-events

# %%
user = {"role": "user", "content": "What is the capital of France?"}
streaming = {"messages": [user], "temperature": 0, "max_tokens": 200, "stream": True}
lines, start = [], time.perf_counter()
with server.client() as client, client.stream("POST", "/v1/chat/completions", json=streaming) as response:
    for line in response.iter_lines():
        lines.append(line)
        if line:
            print(f"{time.perf_counter() - start:5.2f} s  {line[:100]}")

# %% [markdown]
# An event is a line that begins with `data:`, with an empty line after it. Each holds a *delta*, the piece that is new.
# Thoughts come as `reasoning_content`, the rest as `content`. (In the pause between them the model wrote `</think>`, which
# the server cut out.) The last event with a choice names the `finish_reason`, and
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
# - deltas whose text is `null` or missing,
# - events without choices,
# - sometimes no end: then the reason is `None`.
#
# <details><summary>Hint</summary>
#
# Skip each line that does not begin with `data:`, and the line with `[DONE]`. `json.loads` reads the rest.
# `delta.get("content") or ""` is "" for a null, too.
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
# The stream from above, put together, and its first eight lines (empty ones count), as if the connection had broken
# there (`None` until you have written the function):

# %%
print(assemble(lines))
print(assemble(lines[:8]))

# %% [markdown]
# ## What does it cost?
#
# An agent's prompt is long. Here, a sentence that is repeated stands for its instructions. (`cache_prompt: false` makes
# the server process the whole prompt, whatever it did before.)

# %%
manual = "Answer in one short sentence. " * 25
question = {"messages": [{"role": "system", "content": manual}, user], "temperature": 0, "max_tokens": 40}
first = server.post("/v1/chat/completions", {**question, "cache_prompt": False})
print(json.dumps(first["timings"], indent=1))

# %% [markdown]
# A request has two halves, and each has its speed:
#
# | half | tokens | milliseconds | what happens |
# |---|---|---|---|
# | [prompt processing][prefill] (prefill) | `prompt_n` | `prompt_ms` | the prompt is read, many tokens at a time |
# | [generation][decode] (decode) | `predicted_n` | `predicted_ms` | the answer is written, token by token |
#
# `cache_n` counts the tokens of the prompt that did not have to be processed. `usage` says it in OpenAI's words:
# `prompt_tokens` is `cache_n` plus `prompt_n`. (`predicted_per_token_ms` leaves out the answer's first token, which comes
# from the prompt's last one.)
#
# **Predict:** now the very same request, with the cache allowed. How many tokens of its prompt will the server process
# (`prompt_n`)?
#
# [prefill]: ../docs/glossary.md#prompt-processing
# [decode]: ../docs/glossary.md#generation

# %%
guess = ...

# %%
second = server.post("/v1/chat/completions", question)
for timings in (first["timings"], second["timings"]):
    print({key: timings[key] for key in ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")})
check.prediction("02b.p2", guess, was=second["timings"]["prompt_n"], unit="token")

# %% [markdown]
# For each token of a prompt, the model computes a *key* and a *value* in each of its layers. All later tokens use them.
# The server keeps them, in the **[KV cache][kv]**. When the next prompt begins with the same tokens, only what comes
# after them is processed. That is the **[prompt cache][cache]**.
#
# Only the last token is always processed: the answer's first token is predicted from it, and predictions are not kept.
# It takes far longer than one of many, because each pass goes through the whole model, for one token or for many.
# Generation makes such a pass for each token.
#
# [kv]: ../docs/glossary.md#kv-cache
# [cache]: ../docs/glossary.md#prompt-cache

# %% [markdown]
# Agents live off this cache. They send everything again with each step, and little of it is new, as in this sketch:
#
# ![Three requests of one run: each prompt begins with nearly all of the previous one, from the KV cache; only
# the rest is processed](../docs/pictures/cache.svg)

# %% tags=["folded", "embedded-only", "nbval-check-output"]
again, alone = second["timings"], first["timings"]
check.claims(
    ("without the cache, every token was processed", alone["cache_n"] == 0, alone),
    (
        "usage counts the prompt as cached plus processed",
        first["usage"]["prompt_tokens"] == alone["prompt_n"],
    ),
    ("with it, all but one token came from the cache", again["prompt_n"] == 1, again),
    ("cached plus processed is the whole prompt", again["cache_n"] + again["prompt_n"] == alone["prompt_n"]),
    ("that took less time", again["prompt_ms"] < alone["prompt_ms"]),
    (
        "but more than the token's share",
        again["prompt_ms"] > alone["prompt_ms"] / alone["prompt_n"],
    ),
)

# %% [markdown]
# ### Exercise 02b.2 · ★★☆ · 7 minutes
#
# Write the server's rule. `kept(cached, prompt)` gets two lists of tokens: what is in the cache, and a new prompt (never
# empty). It returns how many tokens of the new prompt need not be processed: the longest common *beginning*, but never
# all of the prompt.
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
    "02b.2", kept, prompts, hint="count the equal tokens at the beginning; all of them is one too many"
)

# %% [markdown]
# Does the server keep to your rule? Below, two requests have the same long system prompt, except for an id, first at its
# top, then at its end. (The ids are drawn anew in each run, because the server also keeps earlier prompts in RAM,
# `--cache-ram`, and would find there what it has seen before.)

# %%
ids, seen = random.sample(range(10**8, 10**9), 2), {}
for place, form in {"top": "Request {}. " + manual, "end": manual + "Request {}."}.items():
    pair = [[{"role": "system", "content": form.format(id)}, user] for id in ids]
    for messages in pair:
        last = server.post("/v1/chat/completions", {**question, "messages": messages, "max_tokens": 1})
    tokens = [server.tokenize(server.apply_template(messages)) for messages in pair]
    seen[place] = (*tokens, last["timings"])
    print(
        f"{place}: {len(tokens[1])} tokens, you keep {kept(*tokens)}, the server {last['timings']['cache_n']}"
    )

# %% [markdown]
# With an id or the time of day at the top, everything behind it is processed again in each request, although it has not
# changed. Put what changes at the end. (Try it with the id in the middle.)


# %% tags=["folded", "embedded-only", "nbval-check-output"]
def shared(old, new):
    """How many tokens two prompts have in common at the beginning."""
    return next(n for n in range(len(new)) if old[: n + 1] != new[: n + 1])


top, bottom = seen["top"], seen["end"]
check.claims(
    ("an id at the top: only what comes before it is kept", top[2]["cache_n"] == shared(*top[:2]), top[2]),
    ("that is a small part", top[2]["cache_n"] < len(top[1]) / 10, top[2]),
    (
        "an id at the end: all that comes before it is kept",
        bottom[2]["cache_n"] == shared(*bottom[:2]),
        bottom[2],
    ),
    ("that is the larger part", bottom[2]["cache_n"] > len(bottom[1]) * 3 / 4, bottom[2]),
)

# %% [markdown]
# ## Recap
#
# - Above temperature 0 the server draws each token. The seed decides the draw.
# - A stream is a series of deltas. Without a `finish_reason` it was cut off.
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
