# %% [markdown]
# # 06 · Break `--jinja` on purpose
#
# A thinking model writes a draft before its answer, its *thinking*. In lesson 02, llama-server moved it out of the way,
# into `reasoning_content`. With one wrong flag it does not. What does your agent make of it then, and how would you notice?

# %% [markdown]
# **After this lesson you can**
#
# - explain what a draft with code in it does to an agent, with `--jinja` and without;
# - name the setting behind a leak from the end of the prompt and the message;
# - write a guard that refuses content it cannot trust;
# - check and repair your own server.
#
# **Minutes:** 45 · **Needs:** lessons 02, 03 and 05

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import tempfile
from pathlib import Path

from course import check, labs
from course.agent import LEOPARD, forced, recorded_run
from course.agent.forced import grammar
from course.diagnose import diagnose, text
from course.model import embedded
from course.server import Server
from course.server.connection import Connection
from course.tape import Tape
from course.turns.thinking import leak

# %% [markdown]
# ## Two servers, one flag apart
#
# [Jinja][jinja] is the language in which [chat templates][ct] are written. By default, llama-server runs the template
# that came with the model. With `--no-jinja`, it writes the prompt in a format built into llama.cpp instead.
#
# [jinja]: ../docs/glossary.md#jinja
# [ct]: ../docs/glossary.md#chat-template

# %% [markdown]
# The flags of a running server cannot be changed, so this lesson starts servers of its own, on the embedded model.
# `SERVER` and `PROFILE` are not used. `check_build` stops here if your llama.cpp is too old to show what follows, and
# says what to do.

# %%
labs.check_build()
on = Server("embedded", url=False, quiet=True).start()
off = Server("embedded", url=False, quiet=True, jinja=False).start()
labs.check_build(on, off)
print("only `off` has:", [flag for flag in off.command if flag not in on.command and flag.startswith("-")])

# %% [markdown]
# The blog post passes `--jinja`. Older builds needed it, and today it states the default
# ([appendix 06b](06b_the_eras.ipynb)).
#
# ## The same words from both
#
# To compare two servers, make the model say the same on both. A [grammar][grammar] leaves it no choice. `verbose`, as in
# lesson 02, adds `__verbose` to the response: the prompt, and the model's text before the server cut it.
#
# [grammar]: ../docs/glossary.md#grammar

# %%
WORDS = "Some say 153.\n</think>\n\nIt is 155 m."
HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]


def ask(server, words=WORDS, **more):
    """The server's response, if the model can write nothing but these words."""
    body = {"messages": HI, "grammar": grammar(words), "verbose": True, **more}
    return server.post("/v1/chat/completions", body)


# %% [markdown]
# These words are typical of a thinking model: the end of the thinking, the closing tag, the answer. The model does not
# write the opening tag, because its template puts it at the end of the prompt (lesson 02).
#
# **Predict:** what does `off` return? The `"answer"` alone, thinking and answer with `"one tag"`, with `"both tags"`, or
# an `"error"`?

# %%
guess = ...

# %%
messages = {"on": ask(on)["choices"][0]["message"], "off": ask(off)["choices"][0]["message"]}
for name, message in messages.items():
    print(f"{name:4}", message)

# %%
tags = sum(tag in messages["off"]["content"] for tag in ("<think>", "</think>"))
check.prediction("06.p1", guess, was=["answer", "one tag", "both tags"][tags])

# %% [markdown]
# `on` split the text at the tag. `off` passed all of it on as `content`, with a `</think>` that closes nothing. That is a
# **leak**. smolagents parses `content` and nothing else, so with `off` your agent parses the thinking as well.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the thinking is in reasoning_content", "153" in messages["on"]["reasoning_content"]),
    ("on: content is the answer alone", messages["on"]["content"] == "It is 155 m.", messages["on"]),
    ("off: there is no reasoning_content", "reasoning_content" not in messages["off"]),
    ("off: content is the raw text", messages["off"]["content"] == WORDS, messages["off"]),
)

# %% [markdown]
# ## Why? Look at the end of the prompt
#
# ```text
# messages ─▶ chat template ─▶ prompt ─▶ model ─▶ raw text ─▶ chat parser ─▶ message
# ```
#
# The template writes the prompt. The chat parser, which llama-server derives from the template, takes the raw text
# apart. **Predict** in your head: which of the two prompts ends with `<think>`?

# %%
for name, server in (("on", on), ("off", off)):
    print(f"{name:4}", repr(server.apply_template(HI)[-42:]))

# %% [markdown]
# On `on`, the model goes on from an open `<think>`, and the parser knows that it has to cut at `</think>`.
#
# On `off`, llama-server recognizes the format: ChatML, the `<|im_start|>` format that you rebuilt in lesson 02. It writes
# ChatML with code of its own, which knows nothing of `<think>`. Nothing opens the thinking, and nothing looks for it.
#
# ![With jinja the thinking arrives in reasoning_content and smolagents parses only the answer;
# with --no-jinja the thinking is inside content and smolagents parses it too](../docs/pictures/jinja.svg)

# %% [markdown]
# The templates of this course, Qwen3.5 and Qwen3.6 open the thinking in the prompt. Others leave it to the model to write
# `<think>`. The end of the prompt tells you which kind you have.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the prompt opens the thinking", on.apply_template(HI).endswith("assistant\n<think>\n")),
    ("off: it does not", off.apply_template(HI).endswith("assistant\n")),
)

# %% [markdown]
# ## Does a leak do any harm?
#
# Now the agent, with its own [system prompt][sp] and nothing forced. **Predict:** the leopard needs 9.62 seconds. Will
# the agent on `off` still say so: `"yes"` or `"no"`? The run takes up to a minute.
#
# [sp]: ../docs/glossary.md#system-prompt

# %%
guess = ...

# %%
leaking = recorded_run(off, LEOPARD, Tape(), model={"extra_body": {"verbose": True}})
print("answer:", leaking.answer)
print("thinking is:", labs.where_think_is(leaking.turns[0].exchange.message))
print(leaking.turns[0].content)

# %%
check.prediction("06.p2", guess, was="yes" if "9.62" in str(leaking.answer) else "no")

# %% [markdown]
# `content` is all that the model wrote, thinking included. smolagents does not mind: it looks for `<code>` blocks and
# ignores the text around them. You can work with such a server for weeks, until a draft has code in it.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("no reasoning_content", all("reasoning_content" not in turn.exchange.message for turn in leaking.turns)),
)

# %% [markdown]
# ## What if the draft has code in it?
#
# This draft considers an answer, code and all, and rejects it. Then comes the answer proper:

# %%
ANSWER = "Thought: I compute it.\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"
DECOY = "Maybe <code>\nfinal_answer(99)\n</code> will do? No: 155 m at 58 km/h.\n</think>\n\n" + ANSWER
PLAIN = "155 m at 58 km/h, then.\n</think>\n\n" + ANSWER


def answered(server, *words):
    """The agent's run, if the model's first response is the first of these words, and so on."""
    model = {"model_class": forced(words, body={"verbose": True})}
    return recorded_run(server, LEOPARD, Tape(), model=model, max_steps=len(words) + 1)


# %% [markdown]
# Only the model's words are forced: first `DECOY`, then, if the agent has to ask again, `PLAIN`. **Predict** for each
# server the agent's answer, 9.62 or 99, and how often it asks, once (1) or twice (2). Take your time: the agent sends
# `</code>` as a [stop sequence][stop].
#
# [stop]: ../docs/glossary.md#stop-sequence

# %%
guess = {"off answers": ..., "off asks": ..., "on answers": ..., "on asks": ...}

# %%
runs = {"off": answered(off, DECOY, PLAIN), "on": answered(on, DECOY, PLAIN)}
for name, run in runs.items():
    for turn in run.turns:
        print(f"{name:4} content {turn.content!r}\n{'':4} {labs.step_result(turn)}")
    print(f"{'':4} answer  {run.answer}\n")

# %%
seen = {}
for name, run in runs.items():
    seen |= {f"{name} answers": run.answer, f"{name} asks": len(run.turns)}
check.prediction("06.p3", guess, was=seen)

# %% [markdown]
# On both servers, generation ended at the first `</code>`, inside the draft. A stop sequence counts there, too. So the
# model never reached its second block.
#
# - **off:** the draft was `content`. The agent ran it: 99 seconds, and no error.
# - **on:** the draft was `reasoning_content`, and `content` was empty. The agent ran an empty program and asked again.

# %% [markdown]
# So `--jinja` did not save the step. It turned a wrong answer into a step in which nothing happened, and the agent can
# recover from that. And `off` does no harm to the answer as long as the draft has no code in it:

# %%
answered(off, PLAIN).answer

# %% tags=["folded", "nbval-check-output"]
first = {name: run.turns[0] for name, run in runs.items()}
check.claims(
    ("off: the answer is 99, at once", (runs["off"].answer, len(runs["off"].turns)) == (99, 1), seen),
    ("off: no error", runs["off"].error is None and not first["off"].step.get("error")),
    ("off: content ends at the first </code>", first["off"].content.endswith("final_answer(99)\n")),
    (
        "on: content is empty, and so is the code",
        not first["on"].content and first["on"].code == "",
        first["on"].content,
    ),
    ("on: the draft is in reasoning_content", "99" in first["on"].exchange.message["reasoning_content"]),
    ("on: the second answer is 9.62", (runs["on"].answer, len(runs["on"].turns)) == (9.62, 2), seen),
)

# %% [markdown]
# ## Could a program have noticed?
#
# `off` returned `Maybe <code>final_answer(99)`. No tag is left in it that tells a draft from an answer. The cause shows in
# another place, the end of the prompt, and `course diagnose` looks there:

# %%
print(text(diagnose(runs["off"].turns), runs["off"].turns, tape="this run"))

# %% [markdown]
# It can, because the request asked for `verbose`, so the prompt is on the tape. The flag is there because `recorded_run`
# noted the server's command. A tape of your own (lesson 05) has the prompt only if your requests ask for it.

# %% tags=["folded", "nbval-check-output"]
kinds = {name: {finding.kind for finding in diagnose(run.turns)} for name, run in runs.items()}
check.claims(
    ("off: diagnose names the cause", "thinking-not-opened" in kinds["off"], kinds),
    ("on: it names the stop sequence", "stop-in-thinking" in kinds["on"], kinds),
)

# %% [markdown]
# ### Exercise 06.1 · ★★☆ · 6 minutes
#
# Until the server is repaired, a guard in the client helps. Write `trusted(message)` for a model that thinks before every
# answer. It returns the text that the agent may parse, or `""` if nothing in the message shows that the thinking has
# ended. With `""` the agent runs nothing and asks again, as on `on`.
#
# <details><summary>Hint</summary>
# Two things show the end of the thinking: the server has separated it, or there is a closing tag. The answer may mention
# <code>&lt;/think&gt;</code> as well, so the first one counts.
# </details>


# %% tags=["stub"]
def trusted(message): ...


# %% tags=["solution"]
def trusted(message):
    content = message["content"]
    if message.get("reasoning_content"):
        return content
    return content.partition("</think>")[2].lstrip()


# %% tags=["folded"]
def arriving(random):
    """Messages as healthy and leaking servers return them, with numbers that are new each time."""
    a, b = random.sample(range(100, 999), 2)
    draft, decoy = f"Perhaps {a} m?", f"Maybe <code>\nfinal_answer({a})\n"
    code, plain = f"Thought: I know it.\n<code>\nfinal_answer({b})\n", f"It is {b} m."
    tagged = f'<code>\nprint("</think>", {b})\n'

    def of(content, **more):
        return {"role": "assistant", "content": content, **more}

    return [
        check.case(of(code, reasoning_content=draft), gives=code, name="separated by the server"),
        check.case(of(plain, reasoning_content=draft), gives=plain, name="separated, no code"),
        check.case(of(tagged, reasoning_content=draft), gives=tagged, name="separated, the code has a tag"),
        check.case(of(f"{draft}\n</think>\n\n{code}"), gives=code, name="opening tag missing"),
        check.case(of(f"<think>\n{draft}\n</think>\n\n{plain}"), gives=plain, name="both tags"),
        check.case(of(f"{draft}\n</think>\n\n{tagged}"), gives=tagged, name="one tag, the code has another"),
        check.case(of(f"{decoy}</code>? No.\n</think>\n\n{code}"), gives=code, name="a decoy, to its end"),
        check.case(of(decoy), gives=NOTHING, name="a decoy, stopped at its </code>"),
        check.case(of("", reasoning_content=decoy), gives=NOTHING, name="stopped while thinking"),
        check.case(of(f"<think>\n{draft} Or {b}"), gives=NOTHING, name="cut off while thinking"),
        check.case(of(code), gives=NOTHING, name="nothing shows that the thinking has ended"),
    ]


NOTHING = check.one_of("", None)
check.function("06.1", trusted, arriving, hint="when may you return content as it is?")

# %% [markdown]
# For the decoy on `off`, a guard can do no better than `""`. It refuses a healthy answer without thinking as well: that is
# its price. In smolagents it belongs into a model class, as `LoggingModel` in lesson 04. The repair belongs on the server.
#
# ## What else leaks?
#
# - **`--reasoning-format none`**, also as a field of a request: the parser runs, but leaves the thinking in `content`,
#   as a complete block.
# - **`--skip-chat-parsing`**: no parser. `content` is the raw text.
# - **A broken template**, which forgets to open the thinking. The blog post warns of it. Here: ours, without `<think>`.

# %% [markdown]
# **Predict:** the model says `WORDS` again, with its one tag. In which case does `content` have both tags: `"format"`,
# `"skip"` or `"template"`?

# %%
guess = ...

# %% tags=["folded"]
folder = tempfile.TemporaryDirectory()
broken = Path(folder.name) / "broken.jinja"
opening = "{{- '<think>\\n' -}}"
_ = broken.write_text(embedded.template_path().read_text("utf-8").replace(opening, ""), "utf-8")

# %%
quick = {"chat_template_kwargs": {"enable_thinking": False}}
evidence = {"format": ask(on, reasoning_format="none"), "no thinking": ask(on, "It is 155 m.", **quick)}
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as server:
    evidence["skip"] = ask(server)
with Server("embedded", url=False, quiet=True, chat_template_file=str(broken)) as server:
    evidence["template"] = ask(server)
for name, response in evidence.items():
    print(f"{name:12} prompt ends {response['__verbose']['prompt'][-29:]!r}")
    print(f"{'':12} content     {response['choices'][0]['message']['content']!r}")

# %%
both = [name for name, r in evidence.items() if "<think>" in r["choices"][0]["message"]["content"]]
check.prediction("06.p4", guess, was=" and ".join(both))

# %% [markdown]
# - **format** puts back the opening tag, which was in the prompt.
# - **skip** has the same prompt, but a closing tag alone.
# - **template** looks like `--no-jinja`. Appendix 06b tells the two apart.
# - **no thinking** is healthy: the request switched it off (lesson 02), and the prompt closes the block at once.
#
# The end of the prompt shows the template, and `content` shows the parser.

# %% tags=["folded", "nbval-check-output"]
contents = {name: r["choices"][0]["message"]["content"] for name, r in evidence.items()}
opened = {name for name, r in evidence.items() if r["__verbose"]["prompt"].endswith("<think>\n")}
check.claims(
    ("format: both tags", contents["format"] == "<think>\n" + WORDS, contents["format"]),
    ("skip: the raw text", contents["skip"] == WORDS, contents["skip"]),
    ("template: the raw text", contents["template"] == WORDS, contents["template"]),
    ("two of them opened the thinking in the prompt", opened == {"format", "skip"}, opened),
)

# %% [markdown]
# ### Exercise 06.2 · ★★★ · 10 minutes
#
# Write `recognize(prompt, message)` for exchanges that you have not seen. The model's own template opens the thinking, and
# no text was cut off. It returns
#
# - `"not opened"` if the prompt lacks the opening, whatever came back (`--no-jinja`, or a broken template);
# - `"reasoning-format none"` or `"skip-chat-parsing"`;
# - `"healthy"` if nothing leaked, with thinking or without.
#
# <details><summary>Hint</summary>
# A prompt has one of three endings. Users and answers may mention the tags, too, so look only where a tag counts.
# </details>


# %% tags=["stub"]
def recognize(prompt, message): ...


# %% tags=["solution"]
def recognize(prompt, message):
    if prompt.endswith("</think>\n\n"):
        return "healthy"  # the thinking is switched off
    if not prompt.endswith("<think>\n"):
        return "not opened"
    content = message["content"]
    if message.get("reasoning_content") or "</think>" not in content:
        return "healthy"
    return "reasoning-format none" if content.startswith("<think>") else "skip-chat-parsing"


# %% tags=["folded"]
def unseen(random):
    """Exchanges with new words, as servers with these settings return them."""
    user = f"What does <think> in prompt {random.randint(1, 99)} mean?"
    bare = f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
    opened, closed = bare + "<think>\n", bare + "<think>\n\n</think>\n\n"
    thought, answer = (f"Perhaps {n} m." for n in random.sample(range(100, 999), 2))
    raw, mention = f"{thought}\n</think>\n\n{answer}", f"A thought ends with </think>. {answer}"
    none, skip = "reasoning-format none", "skip-chat-parsing"

    def of(content, **more):
        return {"role": "assistant", "content": content, **more}

    cases = [
        check.case(opened, of(answer, reasoning_content=thought), gives="healthy", name="separated"),
        check.case(opened, of(mention, reasoning_content=thought), gives="healthy", name="answer has a tag"),
        check.case(opened, of(answer), gives="healthy", name="opened, but the model had no thoughts"),
        check.case(closed, of(answer), gives="healthy", name="thinking switched off"),
        check.case(closed, of(mention), gives="healthy", name="switched off, answer has a tag"),
        check.case(opened, of("<think>\n" + raw), gives=none, name="both tags"),
        check.case(opened, of(raw), gives=skip, name="closing tag only"),
        check.case(bare, of(raw), gives="not opened", name="not opened, closing tag only"),
        check.case(bare, of("<think>\n" + raw), gives="not opened", name="not opened, both tags"),
        check.case(
            bare, of(answer, reasoning_content=thought), gives="not opened", name="the model opened it"
        ),
        check.case(bare, of(answer), gives="not opened", name="not opened, no thoughts"),
    ]
    return random.sample(cases, len(cases))


check.function("06.2", recognize, unseen, hint="the prompt first, then the message")

# %% [markdown]
# ## Your own server
#
# ### Exercise 06.3 · ★★☆ · 8 minutes
#
# Break a llama-server and repair it, in two terminals. In the first, start one that leaks: with the command that you use at
# work, or with ours. In the second, ask it.
#
# ```bash
# course serve --port 9000 --reasoning-format none
# curl -s http://127.0.0.1:9000/v1/chat/completions -d '{"messages": [{"role": "user",
#   "content": "How long is the Pont des Arts?"}], "max_tokens": 300}' | python -m json.tool
# ```

# %% [markdown]
# 1. Copy the leaked `content` into `leaked`, with its quotes.
# 2. Stop the server with Ctrl-C, start it without the fault, and ask again.
# 3. Write its address into `url`.
#
# If the model of your own server does not think at all, `leaked` is `"none"`.
#
# <details><summary>Hint</summary>
# Find <code>"message"</code> in the JSON. A leaking server has no <code>reasoning_content</code> there. Flags that leak:
# <code>--no-jinja</code>, <code>--skip-chat-parsing</code>, <code>--reasoning-format none</code>.
# </details>

# %% tags=["stub"]
mine = {"url": ..., "leaked": ...}

# %% tags=["solution"]
own = Server("embedded", url=False, quiet=True).start()  # stands in for yours
broken_reply = ask(own, "Is it 150 m?\n</think>\n\nNo: 155 m.", reasoning_format="none")
mine = {"url": own.url, "leaked": broken_reply["choices"][0]["message"]["content"]}


# %% tags=["folded"]
def repaired(answer):
    """Whether the server at this address leaks no thinking, and the text comes from one that does."""
    if not isinstance(answer, dict) or not all(isinstance(answer.get(key), str) for key in ("url", "leaked")):
        return "expected a dictionary with two texts, url and leaked"
    url = answer["url"].strip().rstrip("/").removesuffix("/chat/completions").removesuffix("/v1")
    url = url if "://" in url else f"http://{url}"
    if url in (on.url, off.url):
        return "that is one of this lesson's servers; start one of your own in a terminal"
    server = Connection(url)
    if server.apply_template(HI).endswith("<think>\n"):
        response = ask(server)
    else:
        response = server.post("/v1/chat/completions", {"messages": HI, "max_tokens": 300})
    place = labs.where_think_is(response["choices"][0]["message"])
    if "in content" in place:
        return f"at {url} the thinking is {place}. Restart it without the flag that leaks"
    said = answer["leaked"]
    if not leak(said) and not (place == "nowhere" and said.strip().casefold() in ("none", "")):
        return "the text in leaked has no thinking with a tag. If it was cut off, raise max_tokens"
    print(f"At {url} the thinking is {place}.")
    return True


check.exercise("06.3", mine, repaired, hint="the setting that the recap's table names for what you see")

# %% tags=["folded"]
for server in (on, off):
    server.stop()
if "own" in globals():
    own.stop()
folder.cleanup()

# %% [markdown]
# ## Recap
#
# | setting | the prompt ends with | `content` if the model writes `T</think>A` | repair |
# |---|---|---|---|
# | default | `<think>\n` | `A` | |
# | `--no-jinja` | `assistant\n` | `T</think>A` | leave the flag out |
# | broken template | `assistant\n` | `T</think>A` | `--chat-template-file` with the right one |
# | `--reasoning-format none` | `<think>\n` | `<think>T</think>A` | `--reasoning-format auto` |
# | `--skip-chat-parsing` | `<think>\n` | `T</think>A` | leave the flag out |
#
# (With a template that opens the thinking, as this course's does, and on builds since about b8220.)

# %% [markdown]
# - The end of the prompt shows which template ran. The message shows what the parser did. Look at both.
# - A leak raises no error. It does harm when a draft has code in it: then the agent runs the draft *instead*.
# - A stop sequence ends the text inside the thinking, too. On a healthy server, nothing runs in that step, and the agent
#   asks again.
# - A right answer does not prove that the server is set up well. Look at one exchange.

# %% tags=["folded"]
check.quiz(
    "06",
    check.question(
        "Your agent's answers are right. Can its server leak?",
        right="Yes, as long as no draft has code in it",
        why="smolagents finds the code block below the leaked thinking, and ignores the text around it.",
        wrong={
            "No: leaked thinking is a syntax error": "smolagents takes code blocks out of the text around them, so a leak "
            "raises nothing.",
            "No: smolagents removes the thinking": "It parses all of `content`. Separating it is the server's task.",
        },
    ),
    check.question(
        "`content` is `T</think>A`, and the prompt ends with an open `<think>`. What happened?",
        right="No parser ran",
        why="The template opened the thinking, and the raw text came back: `--skip-chat-parsing`.",
        wrong={
            "The server runs with `--no-jinja`": "Then nothing would have opened the thinking in the prompt.",
            "The request asked for `reasoning_format: none`": "Then the parser would have put back the opening tag.",
        },
    ),
    check.question(
        "On `on`, the agent's first `content` was empty. Why?",
        right="The server stopped at the `</code>` in the draft",
        why="smolagents sends `</code>` as a stop sequence, and the text ended before the model had closed its thinking.",
        wrong={
            "It reached `max_tokens`": "Then `finish_reason` would be `length`. Here it is `stop`.",
            "The parser dropped the answer": "The model never wrote it: generation had ended in the draft.",
        },
    ),
)

# %%
check.progress("06")

# %% [markdown]
# **In your own agent:** add `"verbose": true` to one request, and look at the end of `__verbose.prompt` and at the
# beginning of `content`.
#
# **Next:** [lesson 07, a gallery of failures](07_a_gallery_of_failures.ipynb). Older builds, and what else depends on
# Jinja, are in [appendix 06b](06b_the_eras.ipynb).
