# %% [markdown]
# # 06 · Break `--jinja` on purpose
#
# Before it answers, a thinking model writes a draft, its *thinking*. In lesson 02, llama-server moved it out of the way,
# into `reasoning_content`. With one wrong flag, the thinking stays in `content`: it *leaks*. What does your agent make of
# it then, and how would you notice?

# %% [markdown]
# **After this lesson you can**
#
# - explain what a draft with code in it does to an agent, with `--jinja` and without;
# - tell which setting causes a leak, from the end of the prompt and the message;
# - write a guard that refuses content it cannot trust;
# - make a server leak, and check your own.
#
# **Minutes:** 50 · **Needs:** lessons 02 to 05

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from smolagents import OpenAIModel

from course import check, labs
from course.agent import LEOPARD, forced, recorded_run
from course.agent.forced import grammar
from course.diagnose import diagnose, text
from course.server import Server
from course.server.connection import Connection
from course.tape import Tape

# %% [markdown]
# ## Two servers, one flag apart
#
# [Jinja][jinja] is the language in which [chat templates][ct] are written. llama-server runs the model's template, unless
# it is started with `--no-jinja`. The blog post ([lesson 00](00_welcome.ipynb)) passes `--jinja`, which older builds
# needed. Today it is the default ([appendix 06b](06b_the_eras.ipynb)).
#
# [jinja]: ../docs/glossary.md#jinja
# [ct]: ../docs/glossary.md#chat-template

# %% [markdown]
# The flags of a running server cannot be changed, so this lesson starts servers of its own, on the embedded model of
# lesson 00. `SERVER` and `PROFILE` are not used. If your llama.cpp is too old, `check_build` says what to do.

# %%
labs.check_build()
on = Server("embedded", url=False, quiet=True).start()
off = Server("embedded", url=False, quiet=True, jinja=False).start()
labs.check_build(on, off)
print("only `off` has:", [flag for flag in off.command if flag not in on.command and flag.startswith("-")])

# %% [markdown]
# ## The same words from both
#
# To compare two servers, make the model say the same on both. A [grammar][grammar] leaves it no choice. `verbose`
# (lesson 02) adds the prompt to the response, too.
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
# These words continue a prompt that ends with `<think>`, as in lesson 02: the end of the thinking, the closing tag, the
# answer.

# %%
messages = {"on": ask(on)["choices"][0]["message"], "off": ask(off)["choices"][0]["message"]}
for name, message in messages.items():
    print(f"{name:4}", message)

# %% [markdown]
# `on` split the text at the tag. `off` passed all of it on as `content`. smolagents parses `content` and nothing else, so
# with `off` your agent parses the thinking as well.

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
# The template writes the prompt. The chat parser, which llama-server derives from the template, takes the raw text apart.
#
# **Predict:** `off` does not run the template. How does its prompt differ from that of `on`?
#
# - `"the same"`: not at all
# - `"no think"`: there is no `<think>` at its end
# - `"no markers"`: it is the bare question, without `<|im_start|>` and the like

# %%
guess = ...

# %%
for name, server in (("on", on), ("off", off)):
    print(f"{name:4}", repr(server.apply_template(HI)[-42:]))

# %% tags=["folded"]
prompt = off.apply_template(HI)
looks = (
    "no markers" if "<|im_start|>" not in prompt else "no think" if "<think>" not in prompt else "the same"
)
check.prediction("06.p1", guess, was=looks)

# %% [markdown]
# With `on`, the model goes on from an open `<think>`, and the parser knows that it has to cut at `</think>`.
#
# With `off`, llama-server reads the template only to find out its format: ChatML, the `<|im_start|>` format that you
# rebuilt in lesson 02. It then writes ChatML with code of its own, which knows nothing of `<think>`. So nothing opens the
# thinking, and no parser looks for it.
#
# ![With jinja the thinking arrives in reasoning_content and smolagents parses only the answer;
# with --no-jinja the thinking is inside content and smolagents parses it too](../docs/pictures/jinja.svg)

# %% [markdown]
# This course's template opens the thinking in the prompt. Others leave it to the model whether to write `<think>`. The
# end of the prompt tells you which kind you have.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the prompt opens the thinking", on.apply_template(HI).endswith("assistant\n<think>\n")),
    ("off: it does not", off.apply_template(HI).endswith("assistant\n")),
)

# %% [markdown]
# ## Does a leak do any harm?
#
# Now the agent, with its own [system prompt][sp] and nothing forced. **Predict:** the leopard needs 9.62 seconds. Will
# the agent still say so with `off`: `"yes"` or `"no"`? The run can take minutes.
#
# [sp]: ../docs/glossary.md#system-prompt

# %%
guess = ...

# %%
leaking = recorded_run(off, LEOPARD, Tape(), model={"extra_body": {"verbose": True}})
print("answer:", leaking.answer)
print("thinking is:", labs.where_think_is(leaking.turns[0].exchange.message))
print(leaking.turns[0].content)

# %% tags=["folded"]
check.prediction("06.p2", guess, was="yes" if "9.62" in str(leaking.answer) else "no")

# %% [markdown]
# Look at the first line of `content`. The prompt had not opened the thinking, so here the model wrote `<think>` itself.
# `WORDS` had only the closing tag. So which tags are in `content` also depends on what the model writes. The end of the
# prompt does not: it is there before the model writes anything.

# %% [markdown]
# smolagents looks for `<code>` blocks and ignores the text around them, so the answer does not show the leak. But the
# leak costs tokens: smolagents sends the thinking back with every later request, and `off` writes it into the prompt
# again. (Our template would drop it.)

# %% tags=["folded"]
for turn in leaking.turns[1:]:
    old = turn.prompt.rpartition("</think>")[0].rpartition("<think>")[2]
    print(
        f"request {turn.number}: {len(off.tokenize(turn.prompt))} tokens, {len(off.tokenize(old))} of them old thinking"
    )

# %% tags=["folded", "nbval-check-output"]
start = leaking.turns[0].content.strip()[:40]
check.claims(
    ("no reasoning_content", all("reasoning_content" not in turn.exchange.message for turn in leaking.turns)),
    ("later prompts have the old thinking", all(start in turn.prompt for turn in leaking.turns[1:]), start),
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
# server the agent's answer, 9.62 or 99, and how often it asks, 1 or 2 times. Take your time: the agent sends `</code>` as
# a [stop sequence][stop].
#
# [stop]: ../docs/glossary.md#stop-sequence

# %%
guess = {"off answers": ..., "off asks": ..., "on answers": ..., "on asks": ...}

# %%
runs = {"off": answered(off, DECOY, PLAIN), "on": answered(on, DECOY, PLAIN)}

# %% tags=["folded"]
seen = {}
for name, run in runs.items():
    for turn in run.turns:
        print(f"{name:4} content {turn.content!r}\n{'':4} {labs.step_result(turn)}")
    print(f"{'':4} answer  {run.answer}\n")
    seen |= {f"{name} answers": run.answer, f"{name} asks": len(run.turns)}
check.prediction("06.p3", guess, was=seen)

# %% [markdown]
# On both servers, the first `</code>` ended generation, although it was inside the draft. The model never reached its
# second block.
#
# - **off:** the draft was `content`. The agent ran it: 99 seconds, and no error.
# - **on:** the draft was `reasoning_content`, and `content` was empty. To smolagents, empty text is an empty program
#   (lesson 05): it ran that, nothing happened, and it asked again.

# %% [markdown]
# So `--jinja` did not save the step. It turned a wrong answer into a step in which nothing happened, and the agent can
# recover from that.

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
# `off` returned `Maybe <code>final_answer(99)`. Generation ended before `</think>`, so no tag marks this text as a draft.
# But the end of the prompt lacks its `<think>`, and `course diagnose` looks there:

# %%
print(text(diagnose(runs["off"].turns), runs["off"].turns, tape="this run"))

# %% [markdown]
# `diagnose` can see the prompt because the requests asked for `verbose`. Your own requests have to do the same.
# The report suggests `--jinja`, which is the default, so leaving out `--no-jinja` is enough.

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
# ended: then the agent asks again, as with `on`. Space around the text does not count.
#
# <details><summary>Hint</summary>
# What the server has separated is not in <code>content</code> any more. Otherwise a closing tag shows where the thinking
# ends. The answer may mention <code>&lt;/think&gt;</code> as well, so the first one counts.
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
# In smolagents, a guard belongs in a model class, like `LoggingModel` in lesson 04. (An agent with `stream_outputs`
# bypasses this one, too.) Here is yours at work, with `off` and the same draft as before:


# %%
class Guarded(OpenAIModel):
    """Gives the agent only what the guard lets through."""

    def generate(self, *args, **kwargs):
        reply = super().generate(*args, **kwargs)
        reply.content = trusted(reply.raw.choices[0].message.model_dump()) or ""
        return reply


if trusted({"content": "Hi", "reasoning_content": "Hello?"}) == "Hi":
    model = {"model_class": forced((DECOY, PLAIN), base=Guarded)}
    guarded = recorded_run(off, LEOPARD, Tape(), model=model, max_steps=3)
    print("off, with your guard:", guarded.answer, "seconds, after", len(guarded.turns), "requests")
else:
    print("06.1 is still open.")

# %% [markdown]
# With the guard, the 99 is gone. But it also refuses every answer without thinking, so it is no substitute for repairing
# the server.

# %% [markdown]
# ## What else leaks?
#
# - **format**: `--reasoning-format none`, or the same in a request, tells the parser to put the whole thinking block
#   into `content`.
# - **skip**: with `--skip-chat-parsing`, no parser runs.
# - **template**: the chat template is broken. Here it is ours, without the opening `<think>`.
#
# For comparison, there is also a healthy request, with the thinking switched off (lesson 02).

# %% [markdown]
# With its defaults, the parser cuts if the prompt has opened the thinking, or if the text begins with `<think>`.
# Otherwise, a `</think>` alone is text like any other. **Predict:** the model says `WORDS` again, with its one tag. How
# many `<think>` and `</think>` tags are in `content` then: 0, 1 or 2?

# %%
guess = {"format": ..., "skip": ..., "template": ...}

# %% tags=["folded"]
import tempfile
from pathlib import Path

from course.model import embedded

# The broken template is the course's own, without the line that opens the thinking.
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

# %% tags=["folded"]
contents = {name: response["choices"][0]["message"]["content"] for name, response in evidence.items()}
for name, response in evidence.items():
    print(f"{name:12} prompt ends {response['__verbose']['prompt'][-29:]!r}")
    print(f"{'':12} content     {contents[name]!r}")
counts = {name: content.count("<think>") + content.count("</think>") for name, content in contents.items()}
check.prediction("06.p4", guess, was={name: counts[name] for name in ("format", "skip", "template")})

# %% [markdown]
# - **format** puts back the opening tag, which was in the prompt.
# - **skip** has the same prompt, but only the closing tag in `content`.
# - **template** looks like `--no-jinja`. But where the model writes `<think>` itself, the parser separates the thinking,
#   and nothing leaks (appendix 06b).
# - **no thinking** is healthy: the prompt closes the block at once.

# %% tags=["folded", "nbval-check-output"]
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
# Write `recognize(prompt, message)` for exchanges that you have not seen. The model's own template opens the thinking,
# the model does not open it a second time, and no text was cut off. (After an open `<think>`, the model may skip the
# thinking. Such an answer never mentions a tag; others may.) The function returns
#
# - `"not opened"` if the prompt lacks the opening, whatever came back (`--no-jinja`, or a broken template);
# - `"reasoning-format none"` or `"skip-chat-parsing"`;
# - `"healthy"` if nothing leaked, whether the model thought, skipped the thinking, or the thinking was switched off.
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
        check.case(opened, of(answer), gives="healthy", name="opened, but the model did no thinking"),
        check.case(closed, of(answer), gives="healthy", name="thinking switched off"),
        check.case(closed, of(mention), gives="healthy", name="switched off, answer has a tag"),
        check.case(opened, of("<think>\n" + raw), gives=none, name="both tags"),
        check.case(opened, of(raw), gives=skip, name="closing tag only"),
        check.case(bare, of(raw), gives="not opened", name="not opened, closing tag only"),
        check.case(bare, of("<think>\n" + raw), gives="not opened", name="not opened, both tags"),
        check.case(
            bare, of(answer, reasoning_content=thought), gives="not opened", name="the model opened it"
        ),
        check.case(bare, of(answer), gives="not opened", name="not opened, no thinking"),
    ]
    return random.sample(cases, len(cases))


check.function("06.2", recognize, unseen, hint="the prompt first, then the message")

# %% [markdown]
# ## Your own server
#
# ### Exercise 06.3 · ★★☆ · 8 minutes
#
# In two terminals with the course's environment active (lesson 05), start a llama-server that leaks, with a flag from
# this lesson in place of `FLAG`, and a healthy one, without thinking in `content`. (`course serve` starts the embedded
# model. The healthy server may also be the one that you use at work, if it does not need a key.)
#
# ```bash
# course serve --port 9000 FLAG
# course serve --port 9001
# ```

# %% [markdown]
# In a third terminal, ask port 9000 and look, then port 9001:
#
# ```bash
# curl -s http://127.0.0.1:9000/v1/chat/completions -d '{"messages": [{"role": "user", "content":
#   "How long is the Pont des Arts?"}], "max_tokens": 300, "verbose": true}' | python -m json.tool
# ```

# %% [markdown]
# Write both addresses into `mine`, and whether the prompt of the *leaking* server opens the thinking: `"yes"` or
# `"no"`. Leave both servers running for the check, which makes the leaking one say `WORDS`, then stop them with Ctrl-C.
# (With `--no-jinja` or a broken template, the answer to `curl` may not show a leak. The end of the prompt counts.)
#
# <details><summary>Hint</summary>
# In the JSON, <code>"message"</code> is what the agent gets, and <code>"__verbose"</code> has the <code>"prompt"</code>.
# Look at its end. <code>course serve --help</code> lists the flags.
# </details>

# %% tags=["stub"]
mine = {"leaking": "http://127.0.0.1:9000", "healthy": "http://127.0.0.1:9001", "opens": ...}

# %% tags=["solution"]
own = [Server("embedded", url=False, quiet=True, reasoning_format="none").start()]  # these stand in for yours
own.append(Server("embedded", url=False, quiet=True).start())
mine = {"leaking": own[0].url, "healthy": own[1].url, "opens": "yes"}


# %% tags=["folded"]
def a_pair(answer):
    """Whether one of these servers leaks, the other does not, and the leaking one's prompt was read."""
    if not isinstance(answer, dict) or not all(
        isinstance(answer.get(key), str) for key in ("leaking", "healthy")
    ):
        return "expected a dictionary with two addresses, leaking and healthy, and opens"
    says = {"yes": True, "true": True, "no": False, "false": False}.get(
        str(answer.get("opens")).strip().casefold()
    )
    if says is None:
        return "opens is still open: yes or no"
    places, opens = {}, {}
    for key in ("leaking", "healthy"):
        url = answer[key].strip().rstrip("/").removesuffix("/chat/completions").removesuffix("/v1")
        url = (url if "://" in url else f"http://{url}").replace("//localhost", "//127.0.0.1")
        if url in (on.url, off.url):
            return "that is one of this lesson's servers; start two of your own in terminals"
        server = Connection(url)
        opens[key] = server.apply_template(HI).endswith("<think>\n")
        if key == "leaking" or opens[key]:
            response = ask(server)
        else:  # no words to force: its model may open the thinking itself, or not think at all
            response = server.post("/v1/chat/completions", {"messages": HI, "max_tokens": 300})
        places[key] = labs.where_think_is(response["choices"][0]["message"])
    if "in content" not in places["leaking"]:
        return f"the leaking server does not leak: with forced words, the thinking is {places['leaking']}"
    if "in content" in places["healthy"]:
        return f"the healthy server leaks: the thinking is {places['healthy']}. Start it without the flag"
    if says != opens["leaking"]:
        return "opens is wrong. Look at the end of the leaking server's prompt once more"
    print(f"leaking: the thinking is {places['leaking']}. healthy: {places['healthy']}.")
    return True


check.exercise(
    "06.3", mine, a_pair, hint="the recap's table has flags that leak, and what their prompts end with"
)

# %% tags=["folded"]
for server in (on, off):
    server.stop()
for server in globals().get("own", []):
    server.stop()
folder.cleanup()

# %% [markdown]
# ## Recap
#
# | setting | the prompt ends with | `content` if the model writes `T</think>A` | repair |
# |---|---|---|---|
# | default | `<think>\n` | `A` | |
# | `--no-jinja` | `assistant\n` | `T</think>A` (1) | `--jinja`, or neither: it is the default |
# | broken template | `assistant\n` | `T</think>A` (2) | `--chat-template-file` with the right one |
# | `--reasoning-format none` | `<think>\n` | `<think>T</think>A` | `--reasoning-format auto` |
# | `--skip-chat-parsing` | `<think>\n` | `T</think>A` | leave the flag out |
#
# This holds for templates that open the thinking, as ours does, and llama.cpp since about build b8220. If the model
# writes `<think>` itself, `content` is `<think>T</think>A` at (1) and `A` at (2).

# %% [markdown]
# - The end of the prompt shows what the template did. The message shows what the parser did. Look at both.
# - A leak raises no error. Whatever its cause, if the draft has a code block in it, the agent runs the draft *instead* of
#   the answer. With `--no-jinja`, old thinking also stays in the prompt and costs tokens.
# - A stop sequence matches inside the thinking, too. On a healthy server, nothing runs in that step, and the agent asks
#   again.

# %% tags=["folded"]
check.quiz(
    "06",
    check.question(
        "Your agent's answers are right. Could its server leak?",
        right="Yes: the answer shows it only if a draft has code in it",
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
        "With `on`, the agent's first `content` was empty. Why?",
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
# **In your own agent:** add `"verbose": true` to one request (in smolagents:
# `OpenAIModel(…, extra_body={"verbose": True})`), and look at the end of `__verbose.prompt` and at the beginning of
# `content`.
#
# **Next:** [lesson 07, a gallery of failures](07_a_gallery_of_failures.ipynb). Older builds, and what else depends on
# Jinja, are in [appendix 06b](06b_the_eras.ipynb).
