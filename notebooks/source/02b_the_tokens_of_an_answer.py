# %% [markdown]
# # 02b · The tokens of an answer
#
# An appendix to [lesson 02](02_one_completion.ipynb). *It worked yesterday. Half of the answer is missing. It takes
# forever.* An answer is drawn one token at a time. Each token costs time, and each can be sent as soon as it is there.
# This lesson follows them.
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
from course.check.answers import number
from course.server import Server

server = Server(PROFILE, url=SERVER, quiet=True).start()
base = Server("untrained", url=False, quiet=True).start()

# %% [markdown]
# ## Why does it fail only sometimes?
#
# In lesson 02, `temperature` was 0. Here it is 1, and each request has another `seed`. The base model answers, not the
# course's. It should add 2 and 3. It may write at most 12 tokens, and an answer without the digit 5 counts as a failure,
# even if it says *five* or was only cut short. (A small model wanders at temperature 1: expect failures.)
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
# Each seed repeats its answer, right or wrong. What does a seed decide? For each place in the answer, the model
# computes a probability for every token that it knows. `logprobs` asks for the likeliest ones, here five, with the
# logarithms of their probabilities. Here they are for the first place (all other tokens share the rest), and the answer at
# temperature 0:

# %%
likeliest = base.post("/v1/chat/completions", {**ask, "temperature": 0, "logprobs": True, "top_logprobs": 5})
for token in likeliest["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
    print(f"{math.exp(token['logprob']):4.0%} {token['token']!r}")
print(likeliest["choices"][0]["message"]["content"])

# %% [markdown]
# At [temperature](../docs/glossary.md#temperature) 0 the server takes the likeliest token each time (*greedy* decoding).
# Above 0 it draws ([sampling](../docs/glossary.md#sampling)), likelier ones more often, and the lower the temperature, the
# more so. The seed decides the draw, as `random.seed` does in Python. Without a seed, each draw is new.
#
# Compare the shares with how your five answers begin. (By default, the server drops unlikely tokens before it draws,
# `top_k`, `top_p`, `min_p`, so those that stay get more than their share here.)
#
# So if an agent fails now and then, it may be the draw, not a bug. Try seeds until one fails, and keep that seed while
# you look. (In smolagents, `OpenAIModel(…, seed=7, extra_body={"cache_prompt": False})` sends both with each request. The
# cache is off, here and above, because it can change the rounding, and so a draw, as llama-server's README says. With
# another prompt, build or computer, or beside other requests, the same seed may draw something else.)

# %% tags=["folded"]
check.claims(
    ("each seed gives the same text again", same == 5, rounds),
    ("not all seeds give the same text", len(set(rounds[0])) > 1, rounds[0]),
)

# %% [markdown]
# ### Exercise 02b.1 · ★☆☆ · 3 minutes
#
# For a bug report, find a seed above 5 with which the answer has no 5 in it.
#
# <details><summary>Hint</summary>
#
# `text(seed)` asks with that seed. Go through `range(6, 40)`, and stop at the first failure.
#
# </details>

# %% tags=["stub"]
failing = ...

# %% tags=["solution"]
failing = next(seed for seed in range(6, 40) if "5" not in text(seed))


# %% tags=["folded"]
def fails_again(answer):
    """Ask twice with the seed."""
    seed = number(answer)
    if not isinstance(seed, int) or seed < 6:
        return "expected a whole number above 5"
    said = [text(seed), text(seed)]
    again = said[0] == said[1] and "5" not in said[0]
    return again or f"with this seed it answers {said[0]!r}, then {said[1]!r}"


check.exercise("02b.1", failing, fails_again, hint="print text(6), text(7) and so on")

# %% [markdown]
# ## How does it arrive?
#
# With `"stream": true` the answer is sent while it is generated, as [server-sent events][sse]. Chat windows and coding
# agents do that, to show the first words at once; smolagents, only with `stream_outputs=True`.
#
# **Predict:** in lesson 02, the answer to this question had 21 tokens, thinking included. In how many pieces will its text
# arrive?
#
# [sse]: ../docs/glossary.md#server-sent-events

# %%
guess = ...

# %% [markdown]
# Here are the lines as they arrive, with the seconds since the request:

# %%
user = {"role": "user", "content": "What is the capital of France?"}
streaming = {"messages": [user], "temperature": 0, "max_tokens": 200, "stream": True}
lines, start = [], time.perf_counter()
with server.client() as client, client.stream("POST", "/v1/chat/completions", json=streaming) as response:
    for line in response.iter_lines():
        lines.append(line)
        if line:
            print(f"{time.perf_counter() - start:5.2f} s  {line[:100]}")
arrived = sum('"content":"' in line or '"reasoning_content":"' in line for line in lines)
check.prediction("02b.p2", guess, was=arrived, unit="pieces")

# %% [markdown]
# Here, an event is a line that begins with `data:`, and an empty line (not printed). Most hold a *delta*, the new piece.
# Thinking comes as `reasoning_content`, the rest as `content`. In the pause between them the model wrote `</think>` and
# white space, which the server cut out. Nor does it send the token that ends the message. (Together six: `</`, `think`,
# `>`, two line breaks and the end. 15 + 6 = 21.) The last event with a choice names the `finish_reason`, and `[DONE]`,
# which is not JSON, ends the stream.
#
# A stream that breaks off has neither. If the connection breaks, httpx raises an error. But if the server fails on the
# way, it sends an event with an `error` and ends the response properly. A client that only joins deltas then returns half
# an answer as if it were whole. (OpenAI's client raises an `APIError` at such an event. But if a proxy ends the response
# properly without one, it raises nothing: check the `finish_reason` there, too.)

# %% [markdown]
# ### Exercise 02b.2 · ★★★ · 12 minutes
#
# Write `assemble(lines)`: it takes the lines of a stream and returns `(thinking, content, finish_reason)`, two strings
# and a string or `None`. Real streams also have
#
# - empty lines, and comments, which begin with `:`,
# - deltas whose text is `null` or missing,
# - events without choices (a count of tokens, or an error),
# - sometimes no end: then the reason is `None`.
#
# <details><summary>Hint</summary>
#
# Skip each line that does not begin with `data:` (a space may follow, or not), and the one whose data is `[DONE]` and
# nothing else. `json.loads` reads the rest.
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
    "02b.2",
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
            [event(content="cut"), "", 'data: {"error": {"code": 500, "message": "it failed"}}'],
            gives=("", check.exact("cut"), None),
            name="an error ends it",
        ),
        check.case([": data: later", event(content="data: x"), event("stop"), done],
                   gives=("", check.exact("data: x"), "stop"), name="data: elsewhere"),
        check.case(
            [event(content="Say "), event(content="[DONE]"), event(content=" now"), event("stop"), done],
            gives=("", check.exact("Say [DONE] now"), "stop"),
            name="the model itself writes [DONE]",
        ),
        check.case([event(content="x").replace("data: ", "data:")], gives=("", "x", None), name="no space after data:"),
        check.case([event(content="\n- a"), event(content="\n"), done], gives=("", check.exact("\n- a\n"), None),
                   name="white space at the ends, and no reason"),
    ],
    hint="skip what does not begin with data:, stop at [DONE], then json.loads",
)  # fmt: skip

# %% [markdown]
# The stream from above, put together, and its first eight lines (empty ones count), as if the server had failed there
# (`None` until you have written the function):

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
# Compare `prompt_per_token_ms` with `predicted_per_token_ms`: a token that is written costs more than one that is read,
# in the stored run about five times as much, on a GPU often far more.
#
# `cache_n` counts the tokens of the prompt that did not have to be processed. `usage` says it in OpenAI's words:
# `prompt_tokens` is `cache_n` plus `prompt_n`, and `prompt_tokens_details.cached_tokens` is `cache_n`.
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
    shown = {key: timings[key] for key in ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")}
    print(shown, f"together {timings['prompt_ms'] + timings['predicted_ms']:.0f} ms")
check.prediction("02b.p3", guess, was=second["timings"]["prompt_n"], unit="tokens")

# %% [markdown]
# One token, and a small part of the prompt's time. The answer takes about as long as before (on a busy computer, that
# varies). (`cache_prompt: false` kept the first request from *using* the cache, but not from filling it.)
#
# For each token of a prompt, the model computes a *key* and a *value* in each of its layers. All later tokens use them.
# The server keeps them, in the **[KV cache][kv]**. When the next prompt begins with the same tokens, only what comes
# after them is processed. That is the **[prompt cache][cache]**.
#
# The last token alone is processed each time: the answer's first token is predicted from it, and predictions are not kept.
# It takes longer (`prompt_ms`) than its share of a long prompt did (`prompt_per_token_ms`): each pass goes through the
# whole model, whether for one token or for hundreds. Generation makes such a pass for each token.
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


def shortest(**more):
    """The shortest of three times for the prompt, in ms: a busy machine makes any of them longer."""
    asked = {**question, "max_tokens": 1, **more}
    return min(server.post("/v1/chat/completions", asked)["timings"]["prompt_ms"] for _ in range(3))


entire, brief = shortest(cache_prompt=False), shortest()
check.claims(
    ("without the cache, every token was processed", alone["cache_n"] == 0, alone),
    (
        "usage counts the prompt as cached plus processed",
        second["usage"]["prompt_tokens"] == again["cache_n"] + again["prompt_n"],
    ),
    ("with it, all but one token came from the cache", again["prompt_n"] == 1, again),
    ("cached plus processed is the whole prompt", again["cache_n"] + again["prompt_n"] == alone["prompt_n"]),
    ("that took less time", brief < entire, (brief, entire)),
    ("but more than the token's share", brief > entire / alone["prompt_n"], (brief, entire)),
)

# %% [markdown]
# ### Exercise 02b.3 · ★★☆ · 7 minutes
#
# Write the server's rule. `kept(cached, prompt)` gets two lists of tokens: what is in the cache, and a new prompt (never
# empty). It returns how many tokens of the new prompt need not be processed: the longest common *beginning*, but never
# all of the prompt. (Lesson 10 has a kind of model with another rule.)
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
        check.case([*same, 7, *rest], [*same, 8, *rest], gives=len(same), name="an id in the middle"),
    ]


check.function(
    "02b.3", kept, prompts, hint="count the equal tokens at the beginning; all of them is one too many"
)

# %% [markdown]
# Does the server keep to your rule? Below is a conversation: a system prompt, a question, a long answer, and another
# question. It is sent twice, with another id the second time. (The ids and the rules' number are new in each run,
# because the server also keeps earlier prompts in RAM, `--cache-ram`.)

# %%
rules = f"Rules, version {random.randrange(10**8, 10**9)}. " + "Answer in one short sentence. " * 10
reply = "The capital of France is Paris. " * 8
places = "top", "end of the system prompt", "end of the last message"


def conversation(place, id):
    note = f"Request {id}."
    system = {"top": f"{note} {rules}", "end of the system prompt": rules + note}.get(place, rules)
    last = f"And of Spain? {note}" if place == "end of the last message" else "And of Spain?"
    said = [("system", system), ("user", user["content"]), ("assistant", reply), ("user", last)]
    return [{"role": role, "content": content} for role, content in said]


# %% [markdown]
# **Predict:** what percentage of the second prompt will come from the cache, with the id in each of the three places? (A
# sentence of `rules` has about 6 tokens, one of `reply` 7. Within 10 is near enough.)

# %%
guess = {"top": ..., "end of the system prompt": ..., "end of the last message": ...}

# %%
ids, seen = random.sample(range(10**8, 10**9), 2), {}
for place in places:
    pair = [conversation(place, id) for id in ids]
    for messages in pair:
        last = server.post("/v1/chat/completions", {**question, "messages": messages, "max_tokens": 1})
    tokens = [server.tokenize(server.apply_template(messages)) for messages in pair]
    cached = last["timings"]["cache_n"]
    seen[place] = (*tokens, cached)
    print(f"{place}: {len(tokens[1])} tokens, you keep {kept(*tokens)}, the server {cached}")
shares = {place: round(100 * cached / len(new)) for place, (_, new, cached) in seen.items()}
check.prediction("02b.p4", guess, was={place: check.near(share, by=10) for place, share in shares.items()})

# %% [markdown]
# Everything after the id is processed again in each request, although it has not changed. So put what changes at the end
# of the *last message*. The end of the system prompt looks late, but in an agent all steps come after it.


# %% tags=["folded", "embedded-only", "nbval-check-output"]
def shared(old, new):
    """How many tokens two prompts have in common at the beginning."""
    return next(n for n in range(len(new)) if old[: n + 1] != new[: n + 1])


check.claims(
    *[
        (f"{place}: what comes before the id is kept", cached == shared(old, new), cached)
        for place, (old, new, cached) in seen.items()
    ],
    ("at the top, that is a small part", shares["top"] < 10, shares),
    ("at the end of the system prompt, less than half", shares["end of the system prompt"] < 50, shares),
    ("at the end of the last message, most of it", shares["end of the last message"] > 80, shares),
)

# %% [markdown]
# ## Recap
#
# - Above temperature 0 the server draws each token. The seed decides the draw.
# - A stream is a series of deltas. Without a `finish_reason` it is only a part of the answer.
# - `timings` has prompt processing, generation, and what the cache saved (`cache_n`).
# - The cache keeps the common beginning of two prompts. A change costs everything after it: the later, the better.
#
# **In your own agent:** print `timings` (or `usage.prompt_tokens_details.cached_tokens`) of two steps in a row. If hardly
# anything is cached in the second, look for what changes early in the prompt.

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
