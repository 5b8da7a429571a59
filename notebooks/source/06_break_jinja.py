# %% [markdown]
# # 06 · Break `--jinja` on purpose
#
# A model that thinks writes a draft before its answer. What if your agent ran the draft? One flag in the command that
# starts the server is enough, and nothing warns you: no error, just a number that looks like an answer. In this lesson
# you cause that fault and see it on the wire.

# %% [markdown]
# **After this lesson you can**
#
# - show where the thinking goes with `--jinja` and with `--no-jinja`;
# - explain how a draft becomes the agent's answer;
# - name the setting behind a leak from one exchange;
# - check and repair your own server.
#
# **Minutes:** 45 · **Needs:** lessons 03 and 05

# %% [markdown]
# In the picture, look for the text that smolagents parses:
#
# ![With jinja the thinking arrives in reasoning_content and smolagents parses only the answer;
# with --no-jinja the thinking is inside content and smolagents parses it too](../docs/pictures/jinja.svg)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import tempfile
from pathlib import Path

from smolagents import FinalAnswerTool
from smolagents.local_python_executor import LocalPythonExecutor
from smolagents.utils import parse_code_blobs

from course import check, labs
from course.agent import LEOPARD, recorded_run
from course.agent.forced import grammar
from course.diagnose import diagnose, text
from course.model import embedded
from course.server import Server
from course.server.connection import Connection
from course.tape import Tape

# %% [markdown]
# ## Two servers, one flag apart
#
# The flags of a running server cannot be changed. So this lesson starts servers of its own, on the embedded model.
# `SERVER` and `PROFILE` are not used here.
#
# An old llama-server would show you something else. The first line stops here if yours is too old, and says what to do.

# %%
labs.check_build()
on = Server("embedded", url=False, quiet=True).start()
off = Server("embedded", url=False, quiet=True, jinja=False).start()
labs.check_build(on, off)
print("only `off` has:", [flag for flag in off.command if flag not in on.command and flag.startswith("-")])

# %% [markdown]
# `on` has no flag for [Jinja][jinja], because it is the default. The blog post passes `--jinja`, which older builds
# needed; [appendix 06b](06b_the_eras.ipynb) tells which.
#
# ## The same words from both
#
# To compare two servers, make the model say the same on both. A [grammar][grammar] in the request leaves it no other
# choice. These words are typical of a thinking model: the end of a thought, the closing tag, the answer.
#
# [jinja]: ../docs/glossary.md#jinja
# [grammar]: ../docs/glossary.md#grammar

# %%
WORDS = "Some say 153.\n</think>\n\nIt is 155 m."
HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]


def ask(server, words=WORDS, **more):
    """The server's response, if the model can write nothing but these words."""
    body = {"messages": HI, "grammar": grammar(words), "verbose": True, **more}
    return server.post("/v1/chat/completions", body)


# %% [markdown]
# **Predict:** on which server is “Some say 153.” part of `content`? Answer `"on"`, `"off"` or `"both"`.

# %%
guess = ...

# %%
messages = {"on": ask(on)["choices"][0]["message"], "off": ask(off)["choices"][0]["message"]}
for name, message in messages.items():
    print(f"{name:4}", message)

# %%
leaky = [name for name, message in messages.items() if "153" in message["content"]]
check.prediction("06.p1", guess, was="both" if len(leaky) == 2 else "".join(leaky))

# %% [markdown]
# `on` split the text: the draft is in `reasoning_content`, the answer in `content`. `off` passed all of it on as
# `content`, with a `</think>` that closes nothing.
#
# smolagents parses `content` and nothing else. With `off`, your agent reads the draft too. That is a **leak**.

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
# The [chat template][ct] writes the prompt, the chat parser takes the raw text apart. **Predict:** which of
# the two prompts ends with `<think>`?
#
# [ct]: ../docs/glossary.md#chat-template

# %%
for name, server in (("on", on), ("off", off)):
    print(f"{name:4}", repr(server.apply_template(HI)[-42:]))

# %% [markdown]
# On `on`, the prompt ends with an open `<think>`. The model goes on from there, and the parser, which knows the
# template, cuts at `</think>`.
#
# On `off`, llama-server only *looks* at the model's template, finds that it resembles ChatML, and uses a built-in
# formatter of that name. Nothing opens the thinking, and the plain parser that goes with it looks for none.

# %% [markdown]
# Opening the thinking in the prompt is a property of this course's template, and of Qwen3.5's and Qwen3.6's. Other
# templates leave it to the model to write `<think>`. The end of the prompt tells you which kind you have.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the prompt opens the thinking", on.apply_template(HI).endswith("assistant\n<think>\n")),
    ("off: it does not", off.apply_template(HI).endswith("assistant\n")),
)

# %% [markdown]
# ## Can you ask the server?
#
# You did not always start the server yourself. `/props` shows a chat template, and `tools` need one. **Predict:** which
# of the two gives `off` away?

# %%
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
WITH_TOOL = {"messages": HI, "max_tokens": 1, "tools": [TOOL]}
print("/props show the same template:", on.props()["chat_template"] == off.props()["chat_template"])
for name, server in (("on", on), ("off", off)):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    print(f"{name:4}", response.status_code, response.text[:90])

# %% [markdown]
# `/props` shows the template that was loaded, not the one in use. A request with `tools` is refused with HTTP 500, whatever
# the template looks like. A CodeAgent never sends `tools` (lesson 03), so it never sees that error.

# %% tags=["folded", "nbval-check-output"]
refusal = off.request("POST", "/v1/chat/completions", WITH_TOOL)
check.claims(
    ("/props cannot tell them apart", on.props()["chat_template"] == off.props()["chat_template"]),
    ("off: HTTP 500", refusal.status_code == 500, refusal.status_code),
    ("the message names the flag", "requires --jinja" in refusal.text, refusal.text),
    ("on: tools are accepted", on.request("POST", "/v1/chat/completions", WITH_TOOL).status_code == 200),
)

# %% [markdown]
# The exercise has a third server, `never`. It runs with Jinja, but its template is ours without the `<think>`.

# %%
opening = "{{- '<think>\\n' -}}"
folder = tempfile.TemporaryDirectory()
broken = Path(folder.name) / "broken.jinja"
broken.write_text(embedded.template_path().read_text("utf-8").replace(opening, ""), "utf-8")
never = Server("embedded", url=False, quiet=True, chat_template_file=str(broken)).start()
print(repr(never.apply_template(HI)[-42:]))

# %% [markdown]
# ### Exercise 06.1 · ★★☆ · 7 minutes
#
# Write `jinja_is_on(server)` for a server that somebody else has started: True or False. It is tested on `on`, `off`
# and `never`. `server.request("POST", path, body)` gives a response with `.status_code` and `.text`.
#
# <details><summary>Hint</summary>
# The end of the prompt would be wrong about <code>never</code>. Send <code>WITH_TOOL</code> and look at the answer.
# </details>

# %% tags=["stub"]
jinja_is_on = ...


# %% tags=["solution"]
def jinja_is_on(server):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    return "requires --jinja" not in response.text


# %%
check.function(
    "06.1",
    jinja_is_on,
    [
        check.case(Connection(on.url), gives=True, name="started without flags"),
        check.case(Connection(off.url), gives=False, name="started with --no-jinja"),
        check.case(
            Connection(never.url), gives=True, name="Jinja, but a template that never opens the thinking"
        ),
    ],
    hint="which request is answered only with Jinja?",
    seconds=120,
)

# %% [markdown]
# ## What your agent gets
#
# So much for forced words. Now the agent itself, on `on`, with no grammar. The cell takes up to a minute.

# %%
run = recorded_run(on, LEOPARD, Tape(), model={"extra_body": {"verbose": True}})
first = run.turns[0].exchange
print("answer:", run.answer)

# %% [markdown]
# `first` is its first exchange. The next cell sends the same request to `off`.
#
# **Predict:** will the model write the same text as on `on`? `"yes"` or `"no"`.

# %%
guess = ...

# %%
response = off.post("/v1/chat/completions", first.request)
wrote = {"on": first.response["__verbose"]["content"], "off": response["__verbose"]["content"]}
for name, raw in wrote.items():
    print(f"── {name}, raw text\n{raw}\n")

# %%
check.prediction("06.p2", guess, was="yes" if wrote["on"] == wrote["off"] else "no")

# %% [markdown]
# The request was the same, but the prompt was not: `<think>` was missing at its end. What a model does then depends on
# its training. Some open the thinking themselves, some skip it. The raw text of `off` above is what this one did.

# %% [markdown]
# How much of that text does smolagents parse?

# %%
content = {"on": first.message["content"], "off": response["choices"][0]["message"]["content"]}
for name, parsed in content.items():
    print(f"{name:4} {len(parsed):4} of {len(wrote[name])} characters are in content")
print(f"\n── on, content\n{content['on']}")

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the thinking has a field of its own", "reasoning_content" in first.message),
    ("off: it has none", "reasoning_content" not in response["choices"][0]["message"]),
    ("off: content is the raw text", content["off"].strip() == wrote["off"].strip(), content["off"]),
)

# %% [markdown]
# From `on`, the answer alone. From `off`, all that the model wrote, whatever it was.
#
# A leak alone need not break the run: smolagents looks for a code block and finds it behind a draft, too. You can work
# with such a server for weeks, until a draft has code in it.
#
# ## The decoy
#
# This draft considers an answer, code and all, and rejects it:

# %%
DECOY = (
    "Maybe <code>\nfinal_answer(99)\n</code> will do? No: 155 m at 58 km/h.\n</think>\n\n"
    "Thought: I compute it.\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"
)


def act(content):
    """The code that smolagents finds in this content, and the answer when it runs: its own parser and executor."""
    code = parse_code_blobs(content, ("<code>", "</code>"))
    executor = LocalPythonExecutor([])
    executor.send_tools({"final_answer": FinalAnswerTool()})
    return code, executor(code).output


# %% [markdown]
# smolagents' parser joins *all* code blocks that it finds, and the executor runs them from the top until
# `final_answer` is called. **Predict** the answer on each server.

# %%
guess = {"on": ..., "off": ...}

# %%
drafts = {name: ask(s, DECOY)["choices"][0]["message"]["content"] for name, s in (("on", on), ("off", off))}
for name, draft in drafts.items():
    code, answer = act(draft)
    print(f"── {name} runs\n{code}\nanswer: {answer}\n")

# %%
check.prediction("06.p3", guess, was={name: act(draft)[1] for name, draft in drafts.items()})

# %% [markdown]
# The rejected 99 wins. The right code was there too, and never ran.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("on: the answer is 9.62", act(drafts["on"])[1] == 9.62, act(drafts["on"])),
    ("off: the draft wins, 99", act(drafts["off"])[1] == 99, act(drafts["off"])),
    ("off: the right code was there", "155 / (58 / 3.6)" in act(drafts["off"])[0]),
    (
        "a draft without code changes nothing",
        act("Some say 153.\n</think>\n\n" + drafts["on"]) == act(drafts["on"]),
    ),
)

# %% [markdown]
# That was parser and executor by hand. Here is the whole agent on `off`, with its own system prompt and its own
# question. Only the model's words are forced.

# %%
tape, forced = Tape(), {"grammar": grammar(DECOY), "verbose": True}
fooled = recorded_run(off, LEOPARD, tape, model={"extra_body": forced}, max_steps=1)
print("content:", repr(fooled.turns[0].content))
print("answer: ", fooled.answer)

# %% [markdown]
# No error, no warning: 99 seconds.
#
# The content ends in mid-thought. The agent sends `</code>` as a [stop sequence][stop], and the server stops there
# even inside a thought. The model never reached its second block.
#
# [stop]: ../docs/glossary.md#stop-sequence

# %% [markdown]
# This draft has no tag left by which a program could recognize it. But its cause is on the tape: `course diagnose`
# looks at the end of the prompt.

# %%
print(text(diagnose(fooled.turns), fooled.turns, tape=tape.path.name))

# %% tags=["folded", "nbval-check-output"]
kinds = {finding.kind for finding in diagnose(fooled.turns)}
check.claims(
    ("the agent's answer is 99", fooled.answer == 99, fooled.answer),
    ("it raised no error", fooled.error is None, fooled.error),
    ("content ends at the first </code>", fooled.turns[0].content.endswith("final_answer(99)\n")),
    ("diagnose names the cause", "thinking-not-opened" in kinds, kinds),
)

# %% [markdown]
# ### Exercise 06.2 · ★★☆ · 8 minutes
#
# The repair is to fix the server. Until then, a guard in the client helps: write `without_thinking(content)`, which
# returns only what follows the thinking. The opening tag may be missing. Thinking that never ends leaves nothing: `""`.
# Content without thinking stays as it is.
#
# <details><summary>Hint</summary>
# <code>content.partition("&lt;/think&gt;")</code> gives three parts; the middle one is empty if there is no such tag.
# Then look at how content begins.
# </details>

# %% tags=["stub"]
without_thinking = ...


# %% tags=["solution"]
def without_thinking(content):
    before, tag, after = content.partition("</think>")
    if tag:
        return after.lstrip()
    return "" if before.lstrip().startswith("<think>") else content


# %% tags=["folded"]
def leaks(random):
    """Content as leaking servers return it, with numbers that are new each time."""
    a, b = random.sample(range(100, 999), 2)
    draft, code = f"Perhaps {a} m?", f"<code>\nfinal_answer({b})\n</code>"
    return [
        check.case(f"{draft}\n</think>\n\n{code}", gives=code, name="opening tag missing"),
        check.case(f"<think>\n{draft}\n</think>\n\n{code}", gives=code, name="both tags"),
        check.case(
            f"<code>\nfinal_answer({a})\n</code>? No.\n</think>\n\n{code}", gives=code, name="a decoy"
        ),
        check.case(code, gives=code, name="nothing leaked"),
        check.case(f"<think>\n{draft} Or {b} m", gives="", name="cut off while thinking"),
        check.case("", gives="", name="empty content"),
    ]


check.function("06.2", without_thinking, leaks, hint="first </think>, then the beginning of content")

# %% [markdown]
# ## Three other settings that leak
#
# - **`--reasoning-format none`**: the parser runs, but separates nothing. A request can ask for it too.
# - **`--skip-chat-parsing`**: no parser at all.
# - **A broken template**: a GGUF whose template forgot to open the thinking. The blog post warns of this one.
#
# **Predict:** which of them gives back both tags, although the model only wrote `</think>`? Answer `"none"`, `"skip"`
# or `"template"`.

# %%
guess = ...

# %%
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as skipping:
    evidence = {"skip": ask(skipping)}
evidence |= {"none": ask(on, reasoning_format="none"), "template": ask(never)}
for name, response in evidence.items():
    print(f"{name:9} prompt ends {response['__verbose']['prompt'][-19:]!r}")
    print(f"{'':9} content     {response['choices'][0]['message']['content']!r}")

# %%
both = [name for name, r in evidence.items() if "<think>" in r["choices"][0]["message"]["content"]]
check.prediction("06.p4", guess, was=" and ".join(both))

# %% [markdown]
# - **none** puts back the opening tag, which was in the prompt: the parser ran, and was told to keep the block whole.
# - **skip** has the same prompt, but the raw text: a closing tag alone.
# - **template** looks like `--no-jinja`: the prompt opens nothing. Exercise 06.1 tells those two apart.
#
# So the end of the prompt shows the template at work, and `content` shows the parser.

# %% tags=["folded", "nbval-check-output"]
contents = {name: r["choices"][0]["message"]["content"] for name, r in evidence.items()}
opened = {name for name, r in evidence.items() if r["__verbose"]["prompt"].endswith("<think>\n")}
check.claims(
    ("none: both tags", contents["none"] == "<think>\n" + WORDS, contents["none"]),
    ("skip: the raw text", contents["skip"] == WORDS, contents["skip"]),
    ("template: the raw text", contents["template"] == WORDS, contents["template"]),
    ("the first two opened the thinking in the prompt", opened == {"none", "skip"}, opened),
)

# %% [markdown]
# ### Exercise 06.3 · ★★★ · 10 minutes
#
# Write `recognize(prompt, message)` for exchanges that you have not seen, from a model whose template should open the
# thinking. It returns one of
#
# - `"healthy"`
# - `"reasoning-format none"`
# - `"skip-chat-parsing"`
# - `"not opened"` (by `--no-jinja` or a broken template)
#
# <details><summary>Hint</summary>
# First: is there <code>reasoning_content</code>? Then: does the prompt end in <code>&lt;think&gt;</code> and a line
# end? Only then look at how content begins. A model may open the thinking by itself.
# </details>

# %% tags=["stub"]
recognize = ...


# %% tags=["solution"]
def recognize(prompt, message):
    if message.get("reasoning_content"):
        return "healthy"
    if not prompt.endswith("<think>\n"):
        return "not opened"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


# %% tags=["folded"]
def unseen(random):
    """Exchanges with new words, as the servers above would return them."""
    made = []
    for setting in [
        "healthy",
        "reasoning-format none",
        "skip-chat-parsing",
        "not opened",
        "not opened, both tags",
    ]:
        thought, answer = (f"Perhaps {random.randint(100, 999)} m." for _ in range(2))
        raw = f"{thought}\n</think>\n\n{answer}"
        prompt = f"<|im_start|>user\nBridge {random.randint(1, 99)}?<|im_end|>\n<|im_start|>assistant\n"
        prompt += "" if setting.startswith("not opened") else "<think>\n"
        message = {"role": "assistant", "content": raw}
        if setting == "healthy":
            message |= {"content": answer, "reasoning_content": thought}
        if setting in ("reasoning-format none", "not opened, both tags"):
            message["content"] = "<think>\n" + raw
        made.append(check.case(prompt, message, gives=setting.removesuffix(", both tags")))
    return random.sample(made, len(made))


check.function("06.3", recognize, unseen, hint="three questions, in the order of the hint")

# %% [markdown]
# ## Your own server
#
# ### Exercise 06.4 · ★★☆ · 8 minutes
#
# Start a llama-server in a terminal: with the command that you use at work, or with one of ours. Then ask it, and look
# for the thinking.
#
# ```bash
# course serve --port 9000 --skip-chat-parsing
# curl -s http://127.0.0.1:9000/v1/chat/completions -d '{"messages": [{"role": "user",
#   "content": "How long is the Pont des Arts?"}], "max_tokens": 300, "verbose": true}'
# ```
#
# Say where it runs, and whether it leaks: True or False.
#
# <details><summary>Hint</summary>
# Find <code>"message"</code> in the answer. Is the thinking in <code>reasoning_content</code>, or in
# <code>content</code>? Under <code>__verbose</code> is the prompt.
# </details>

# %% tags=["stub"]
mine = {"url": ..., "leaks": ...}

# %% tags=["solution"]
own = Server("embedded", url=False, quiet=True, reasoning_format="none").start()  # stands in for yours
mine = {"url": own.url, "leaks": True}


# %% tags=["folded"]
def seen_on_your_server(answer):
    """Ask the server for words with thinking, and compare where they arrive with the answer."""
    if not isinstance(answer, dict) or not isinstance(answer.get("url"), str):
        return "expected a dictionary: the server's address under url, True or False under leaks"
    url = answer["url"].rstrip("/").removesuffix("/v1")
    if url in (on.url, off.url, never.url):
        return "that is one of this lesson's servers; start one of your own in a terminal"
    server = Connection(url)
    opens = server.apply_template(HI).endswith("<think>\n")
    message = ask(server, WORDS if opens else "<think>\n" + WORDS)["choices"][0]["message"]
    place = labs.where_think_is(message)
    said = str(answer["leaks"]).strip().casefold() in ("true", "yes", "1")
    if said == (place != "in reasoning_content"):
        print(f"On {url} the thinking is {place}.")
        return True
    return "look again at the two fields of the message"


check.exercise("06.4", mine, seen_on_your_server, hint="the field in which the thinking arrives")

# %% tags=["folded"]
for server in (on, off, never):
    server.stop()
if "own" in globals():
    own.stop()
folder.cleanup()

# %% [markdown]
# ## Recap
#
# | setting | prompt ends with | `content` of `T</think>A` | what to do |
# |---|---|---|---|
# | default | `<think>` | `A` | |
# | `--no-jinja` | `assistant` | `T</think>A` | leave the flag out |
# | broken template | `assistant` | `T</think>A` | `--chat-template-file` with the right one |
# | `--reasoning-format none` | `<think>` | `<think>T</think>A` | `--reasoning-format auto` |
# | `--skip-chat-parsing` | `<think>` | `T</think>A` | leave the flag out |
#
# (With this course's template, and on builds since about b8220.)

# %% [markdown]
# - The prompt's end shows the template, the message shows the parser. Look at both.
# - A leak is silent. It does harm when a draft contains code: then the draft runs first.
# - `/props` shows the template that was loaded. A request with `tools` shows whether it is used.
# - Judge a server by the wire, not by one right answer.

# %% tags=["folded"]
check.quiz(
    "06",
    check.question(
        "Your agent's answers are right. Can its server leak?",
        right="Yes: only the wire can tell",
        why="Without code in the draft, smolagents finds the right block behind the leak, and the answer is right.",
        wrong={
            "No: leaked thinking is a syntax error": "smolagents takes code blocks out of the text around them, so a leak "
            "raises nothing.",
            "No: smolagents removes the thinking": "It parses all of `content`. Removing it is the server's task.",
        },
    ),
    check.question(
        "`content` is `T</think>A`, and the prompt ends with `<think>`. What happened?",
        right="No parser ran",
        why="The template opened the thinking, and the raw text came back: `--skip-chat-parsing`.",
        wrong={
            "The server runs with `--no-jinja`": "Then nothing would have opened the thinking in the prompt.",
            "The request asked for `reasoning_format: none`": "Then the parser would have put back the opening tag.",
        },
    ),
    check.question(
        "Why did the agent on `off` stop in mid-thought?",
        right="A stop sequence also counts inside thinking",
        why="smolagents sends `</code>`, and the server ends the text at the first one, wherever it is.",
        wrong={
            "It reached `max_tokens`": "Then `finish_reason` would be `length`, and the text would end anywhere.",
            "The executor stopped it": "The executor runs after generation has ended.",
        },
    ),
)

# %%
check.progress("06")

# %% [markdown]
# **In your own agent:** add `"verbose": true` to one request, and look at the end of `__verbose.prompt` and at the
# beginning of `content`.
#
# **Next:** lesson 07, a gallery of failures. For older builds and finer differences, see
# [appendix 06b, the eras](06b_the_eras.ipynb).
