# %% [markdown]
# # 06 · Break `--jinja` on purpose
#
# The article says that without `--jinja` the thinking ends up in `content`, where smolagents
# parses it. That was true until about October 2025. Today jinja is on by default, and only
# `--no-jinja` brings the leak back. In this lesson you change one server setting at a time, look at the bytes, and
# learn to tell the settings apart by them.
#
# **After this lesson you can** say which of five settings a server runs with by looking at the
# wire, say why leaked thinking is dangerous and when it is not, and find out in which of three
# eras of llama.cpp your build was made.
#
# **Minutes:** 60, two or three of them waiting · **Needs:** lesson 03 (the prompt), lesson 05 (wire
# and steps)

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import json
import os
import tempfile
from pathlib import Path

from smolagents import FinalAnswerTool
from smolagents.local_python_executor import LocalPythonExecutor
from smolagents.utils import parse_code_blobs

from course import check, labs
from course.model import embedded, engine, profiles
from course.agent import LEOPARD, code_agent, connect
from course.server import Server

# %% [markdown]
# The flags of a running server cannot be changed. So this lesson starts servers of its own, also
# when `SERVER` names one: that one is left alone.

# %%
elsewhere = SERVER or os.environ.get("SERVER")
profile = profiles.load("embedded" if elsewhere else PROFILE)
build = engine.find().build
print(f"The agent runs below use the profile {profile.name}, on llama.cpp {build}.")
if elsewhere:
    print(f"The server at {elsewhere} is not used here.")

# %% [markdown]
# What you will see was seen on llama.cpp **b11549** (in the wheel) and, by hand, on b11434.
#
# ## Two places where a server can go wrong
#
# ```text
# messages ─▶ chat template ─▶ prompt ─▶ model ─▶ raw text ─▶ chat parser ─▶ message
#                          what the model reads              what smolagents reads
# ```
#
# The template turns messages into one text. Its last line is where the model has to go on; for
# Qwen3.5, Qwen3.6 and this course's model it **opens the thinking**: `<think>` and a line end.
# The model writes the thought, `</think>`, and its answer. The parser cuts the thought out.
#
# Five settings, each breaks one of the two places, or both, or none:

# %%
template = embedded.template_path().read_text(encoding="utf-8")
opening = "{{- '<think>\\n' -}}"
never_opens = Path(tempfile.mkdtemp()) / "never_opens.jinja"
never_opens.write_text(template.replace(opening, "{{- '' -}}"), encoding="utf-8")

SETTINGS = {
    "default": {},
    "no-jinja": {"jinja": False},
    "reasoning-format none": {"reasoning_format": "none"},
    "skip-chat-parsing": {"skip_chat_parsing": True},
    "template never opens": {"chat_template_file": str(never_opens)},
}

# %% tags=["nbval-check-output"]
check.claim("the template opens the thinking in one place", template.count(opening) == 1)
check.claim("the fifth one is the same without it", opening not in never_opens.read_text("utf-8"))

# %% [markdown]
# ## A model that always says the same
#
# If the model said something else each time, you would not know what the server did to it. A
# `grammar` in the request takes the choice away: with one literal in it the model can write
# that text and no other. The words are ours, the server is real. `"verbose": true` makes
# llama-server add the prompt it rendered and the raw text, under `__verbose`.
#
# Which model it is does not matter then; these servers run the embedded one.

# %%
ASK = [{"type": "text", "text": "How long"}, {"type": "text", "text": "is it?"}]
HI = [{"role": "user", "content": ASK}]
RELIES = "Some say 153.\n</think>\n\nIt is 155 m."
OPENS = "<think>\n" + RELIES


def force(text, **more):
    """A request to which the model can answer with this text only."""
    grammar = "root ::= " + json.dumps(text)
    return {"messages": HI, "grammar": grammar, "temperature": 0, "verbose": True, **more}


# %% [markdown]
# `RELIES` is what a model writes that relies on the template to open the thinking. `OPENS` is
# what one writes that opens it by itself.

# %%
on = Server("embedded", url=False).start()

# %%
response = on.post("/v1/chat/completions", force(RELIES))
print("prompt ends:", repr(response["__verbose"]["prompt"][-40:]))
print("raw text:   ", repr(response["__verbose"]["content"]))
response["choices"][0]["message"]

# %% tags=["nbval-check-output"]
message = response["choices"][0]["message"]
check.claim("the model wrote our words", response["__verbose"]["content"] == RELIES)
check.claim("the prompt ends with <think>", response["__verbose"]["prompt"].endswith("<think>\n"))
check.claim("the thinking is in reasoning_content", "Some say 153." in message["reasoning_content"])
check.claim("content has the answer only", message["content"] == "It is 155 m.", saw=message)

# %% [markdown]
# Nothing between prompt and raw text opened the thinking: the opening tag is in the prompt, the
# closing one in the text. The parser knows it, because it looked at the same template.
#
# Now the same words on all five servers. The cell starts each one, asks twice and stops it;
# it shows nothing yet.

# %%
off = Server("embedded", url=False, jinja=False).start()


def examine(server):
    asked = {"relies": force(RELIES), "opens": force(OPENS)}
    got = {key: server.post("/v1/chat/completions", body) for key, body in asked.items()}
    seen = {key: response["choices"][0]["message"] for key, response in got.items()}
    return seen | {k: got["relies"]["__verbose"][k] for k in ("prompt", "content")}


evidence = {"default": examine(on), "no-jinja": examine(off)}
for name in list(SETTINGS)[2:]:
    with Server("embedded", url=False, quiet=True, **SETTINGS[name]) as server:
        evidence[name] = examine(server)

# %% tags=["nbval-check-output"]
wrote = [seen["content"] for seen in evidence.values()]
check.claim("under all five settings the model wrote the same text", wrote == [RELIES] * 5, wrote)

# %% [markdown]
# ### Exercise 06.1 · ★★☆ · 10 minutes
#
# What each setting changes: *no-jinja* puts a built-in template in place of the model's;
# *reasoning-format none* lets the parser run, and separate nothing; *skip-chat-parsing* runs no
# parser; *template never opens* is our template without its `<think>`.
#
# **Predict** for each setting where the thinking of `RELIES` is in the message that smolagents
# gets. Three answers are possible, and some settings share one:
#
# - `"in reasoning_content"`
# - `"in content"`, with both tags
# - `"in content, opening tag missing"`
#
# <details><summary>Hint</summary>
# Ask for each: who renders the prompt, does it end in <code>&lt;think&gt;</code>, and does
# anybody cut? Only one of the five puts the opening tag back that the prompt had.
# </details>

# %% tags=["stub"]
prediction = {
    "default": ...,
    "no-jinja": ...,
    "reasoning-format none": ...,
    "skip-chat-parsing": ...,
    "template never opens": ...,
}

# %% tags=["solution"]
prediction = {
    "default": "in reasoning_content",
    "no-jinja": "in content, opening tag missing",
    "reasoning-format none": "in content",
    "skip-chat-parsing": "in content, opening tag missing",
    "template never opens": "in content, opening tag missing",
}

# %%
found = {name: labs.where_think_is(seen["relies"]) for name, seen in evidence.items()}
check.exercise("06.1", prediction, lambda p: p == found, hint="go on and read, then come back")

# %% [markdown]
# ## Read them one by one

# %% tags=["nbval-check-output"]
for name, seen in evidence.items():
    print(f"{name:22} prompt ends  {seen['prompt'][-19:]!r}")
    for key in ("content", "reasoning_content"):
        if key in seen["relies"]:
            print(f"{'':22} {key:18} {seen['relies'][key]!r}")

# %% [markdown]
# **reasoning-format none**: the template is rendered as before, the parser runs, and is told to
# separate nothing. It gives the whole block back, opening tag included, although that tag was
# never generated. One request can ask for it too, with a body field `reasoning_format`.

# %% tags=["nbval-check-output"]
none = evidence["reasoning-format none"]
check.claim("the prompt is the default's", none["prompt"] == evidence["default"]["prompt"])
check.claim("there is no reasoning_content", "reasoning_content" not in none["relies"])
check.claim("content has the whole block", none["relies"]["content"] == OPENS, none["relies"])

one_request = on.post("/v1/chat/completions", force(RELIES, reasoning_format="none"))
check.claim(
    "the body field does the same on the default server",
    one_request["choices"][0]["message"]["content"] == OPENS,
)

# %% [markdown]
# **skip-chat-parsing** (since March 2026, #20289): no parser at all, the raw text is the
# content. The opening tag was in the prompt, so content *closes a block that it never opened*.

# %% tags=["nbval-check-output"]
skip = evidence["skip-chat-parsing"]
check.claim("the prompt is the default's", skip["prompt"] == evidence["default"]["prompt"])
check.claim("content is the raw text", skip["relies"]["content"] == RELIES, skip["relies"])

# %% [markdown]
# **no-jinja**: the template itself is put aside. llama-server looks at it, recognizes a pattern
# (here ChatML) and uses a built-in formatter of that name. Nobody opens the thinking any more.
# A model that was trained to find it open may write a thought, or one without a beginning, or
# none; whatever it writes is content.

# %% tags=["nbval-check-output"]
plain = evidence["no-jinja"]
check.claim("the prompt ends without <think>", plain["prompt"].endswith("assistant\n"))
check.claim("content is the raw text", plain["relies"]["content"] == RELIES)
check.claim("also when the model opens by itself", plain["opens"]["content"] == OPENS)

# %% [markdown]
# **template never opens**: the article's last warning, a GGUF with a broken template. The parser
# still runs. If the model opens the thinking by itself, all is well. If it relies on the
# template, the text has no beginning of a thought, and the parser takes it all for content.

# %% tags=["nbval-check-output"]
closed = evidence["template never opens"]
check.claim("the prompt ends without <think>", closed["prompt"].endswith("assistant\n"))
check.claim("relying on the template: leaked", closed["relies"]["content"] == RELIES)
check.claim("opening by itself: split", closed["opens"]["content"] == "It is 155 m.")

# %% [markdown]
# ## What else `--no-jinja` takes away
#
# Two servers are still running, `on` and `off`. The second was started with `--no-jinja`.
# **Predict** for each of the next five: what will `off` do?
#
# First the question itself. It went out as two parts, `How long` and `is it?`.

# %%
for server in (on, off):
    print(repr(server.apply_template(HI)[-60:]))

# %% tags=["nbval-check-output"]
check.claim("with jinja, parts are joined with nothing", "How longis it?" in on.apply_template(HI))
check.claim("without, with a line end", "How long\nis it?" in off.apply_template(HI))

# %% [markdown]
# Second: switches for the template (`chat_template_kwargs`), such as thinking off. Third: the
# template's own objections. This one wants a user message.

# %%
quick = {"chat_template_kwargs": {"enable_thinking": False}}
lone = {"messages": [{"role": "system", "content": "You are alone."}], "max_tokens": 1}
switched, objection = {}, {}
for name, server in (("on", on), ("off", off)):
    switched[name] = server.post("/v1/chat/completions", force("Yes.", **quick))["__verbose"]
    objection[name] = server.request("POST", "/v1/chat/completions", lone)
    print(f"{name:3} {switched[name]['prompt'][-34:]!r}  {objection[name].status_code}")

# %% tags=["nbval-check-output"]
same = switched["off"]["prompt"] == evidence["no-jinja"]["prompt"]
check.claim("on: thinking off closes the block", "</think>" in switched["on"]["prompt"])
check.claim("off: the switch is ignored, without a word", same)
check.claim("on: no user message is an error", "No user query found" in objection["on"].text)
check.claim("off: it is answered", objection["off"].status_code == 200)

# %% [markdown]
# Fourth: the memory of a leak. smolagents keeps the content and sends it back with the next
# request, leaked thinking included.

# %%
past = [*HI, {"role": "assistant", "content": RELIES}, {"role": "user", "content": "Sure?"}]
history = {"on": on.apply_template(past), "off": off.apply_template(past)}
for name, prompt in history.items():
    print(f"{name:3} {prompt[prompt.index('assistant') :]!r}")

# %% tags=["nbval-check-output"]
check.claim("on: the template drops thinking of past turns", "153" not in history["on"])
check.claim("off: the model reads its old doubts again", "153" in history["off"])

# %% [markdown]
# So with a template that runs, a leak reaches smolagents but not the model's next prompt.
#
# Fifth: tools. CodeAgent sends none, it writes them into the prompt, so it never meets this.
# ToolCallingAgent does, on its first request.

# %%
function = {"name": "look", "parameters": {"type": "object", "properties": {}}}
with_tools = {
    "messages": HI,
    "max_tokens": 1,
    "tools": [{"type": "function", "function": function}],
}
refusal = off.request("POST", "/v1/chat/completions", with_tools)
print(refusal.status_code, refusal.text)

# %% tags=["nbval-check-output"]
accepted = on.request("POST", "/v1/chat/completions", with_tools)
check.claim("off: HTTP 500", refusal.status_code == 500)
check.claim("and it names the flag", "tools param requires --jinja flag" in refusal.text)
check.claim("on: tools are taken", accepted.status_code == 200)

# %% [markdown]
# And the trap: `/props` shows the same template on both. It tells what the file holds, not what
# is used.

# %% tags=["nbval-check-output"]
shown = [server.props()["chat_template"] for server in (on, off)]
check.claim("/props cannot tell them apart", shown[0] == shown[1])

# %% [markdown]
# ### Exercise 06.2 · ★★☆ · 10 minutes
#
# Write `jinja_is_on(server)`: True or False, for a server that somebody else has started. Use
# requests to it, not `server.command`.
#
# <details><summary>Hint</summary>
# Four of the differences above would do. One needs no generation at all:
# <code>server.apply_template(HI)</code>. The safest for any model is the one with tools.
# </details>

# %% tags=["stub"]
jinja_is_on = ...


# %% tags=["solution"]
def jinja_is_on(server):
    answer = server.request("POST", "/v1/chat/completions", with_tools)
    return "requires --jinja" not in answer.text


# %%
third = Server("embedded", url=False, quiet=True, **SETTINGS["template never opens"]).start()
check.exercise(
    "06.2",
    jinja_is_on,
    lambda f: f(on) is True and f(off) is False and f(third) is True,
    hint="True for on, False for off, True for one whose template never opens the thinking",
)
third.stop()

# %% [markdown]
# ## Three that look alike
#
# With `RELIES`, three of the five settings gave the same message, byte for byte. A bug report
# with the message alone cannot be answered.

# %% tags=["nbval-check-output"]
alike = ["no-jinja", "skip-chat-parsing", "template never opens"]
check.claim(
    "three settings, one message",
    all(evidence[name]["relies"] == evidence["no-jinja"]["relies"] for name in alike),
)

# %% [markdown]
# ### Exercise 06.3 · ★★★ · 15 minutes
#
# Write `recognize(prompt, relies, opens)`. It gets the rendered prompt and the two messages
# that came back for `RELIES` and `OPENS`, and returns the name of the setting.
#
# <details><summary>Hint</summary>
# Two questions decide: does the prompt end in <code>&lt;think&gt;</code>, and in which of the
# two messages was anything cut out? Then <code>reasoning-format none</code> and
# <code>skip-chat-parsing</code> differ in the first characters of content.
# </details>

# %% tags=["stub"]
recognize = ...


# %% tags=["solution"]
def recognize(prompt, relies, opens):
    if "reasoning_content" in relies:
        return "default"
    if prompt.endswith("<think>\n"):
        put_back = relies["content"].startswith("<think>")
        return "reasoning-format none" if put_back else "skip-chat-parsing"
    return "template never opens" if "reasoning_content" in opens else "no-jinja"


# %%
cases = {name: (e["prompt"], e["relies"], e["opens"]) for name, e in evidence.items()}
check.exercise(
    "06.3",
    recognize,
    lambda f: all(f(*case) == name for name, case in cases.items()),
    hint="try it on evidence['default'], then on the others",
)

# %% [markdown]
# ### Exercise 06.4 · ★★☆ · 5 minutes
#
# Which setting does this server run with? The cell below starts one, and is no help to those
# who read it. Look at what it prints, and name it.

# %%
secret = sorted(SETTINGS)[sum(map(ord, LEOPARD)) % len(SETTINGS)]
with Server("embedded", url=False, quiet=True, **SETTINGS[secret]) as server:
    mystery = examine(server)
print("prompt ends:", repr(mystery["prompt"][-30:]))
print("relies:     ", mystery["relies"])
print("opens:      ", mystery["opens"])

# %% [markdown]
# <details><summary>Hint</summary>
# If you have solved 06.3, let it work:
# <code>recognize(mystery["prompt"], mystery["relies"], mystery["opens"])</code>
# </details>

# %% tags=["stub"]
setting = ...

# %% tags=["solution"]
setting = recognize(mystery["prompt"], mystery["relies"], mystery["opens"])

# %%
check.exercise("06.4", setting, lambda name: name == secret, hint=f"one of {list(SETTINGS)}")

# %% [markdown]
# ## Why a leak is dangerous
#
# A thought is a draft. This one considers an answer, code and all, and drops it.

# %%
DECOY = (
    "Maybe <code>\nfinal_answer(99)\n</code> will do? No: 155 m at 58 km/h.\n</think>\n\n"
    "Thought: I compute it.\n<code>\nfinal_answer(round(155 / (58 / 3.6), 2))\n</code>"
)


def act(content):
    """What smolagents runs for this content, and the answer: its own parser and executor."""
    code = parse_code_blobs(content, ("<code>", "</code>"))
    executor = LocalPythonExecutor([])
    executor.send_tools({"final_answer": FinalAnswerTool()})
    return code, executor(code).output


# %%
cut = on.post("/v1/chat/completions", force(DECOY))["choices"][0]["message"]
leaked = on.post("/v1/chat/completions", force(DECOY, reasoning_format="none"))
leaked = leaked["choices"][0]["message"]
print(act(cut["content"])[0])

# %% [markdown]
# ### Exercise 06.5 · ★★☆ · 5 minutes
#
# That was the code for the content without the thinking. smolagents' parser joins *all* code
# blocks that it finds and runs them from the top. **Predict** both answers.
#
# <details><summary>Hint</summary>
# <code>final_answer</code> ends the run when it is called. Which call comes first?
# </details>

# %% tags=["stub"]
answers = {"thinking cut out": ..., "thinking leaked": ...}

# %% tags=["solution"]
answers = {"thinking cut out": 9.62, "thinking leaked": 99}

# %%
truth = {"thinking cut out": act(cut["content"])[1], "thinking leaked": act(leaked["content"])[1]}
check.exercise("06.5", answers, lambda a: a == truth, hint="run act(leaked['content'])")

# %%
code, ran = act(leaked["content"])
print(code, "\n\nanswer:", ran)

# %% tags=["nbval-check-output"]
check.claim("cut out, the answer is 9.62", act(cut["content"])[1] == 9.62)
check.claim("leaked, the decoy wins: 99", ran == 99)
check.claim("the right code was there, and never ran", "155 / (58 / 3.6)" in code)

# %% [markdown]
# No error, no warning, a number that looks like an answer. Leaked thinking is harmless until the
# day a thought contains code.
#
# That was smolagents' parser and executor, by hand. Here is the whole agent, with its own system
# prompt, asked about the leopard. Only the model's words are ours, and one field of the request.

# %%
leak = {"grammar": force(DECOY)["grammar"], "reasoning_format": "none"}
agent = code_agent(connect(on, extra_body=leak), max_steps=1)
answer = agent.run(LEOPARD)
print("content:", repr(agent.memory.steps[1].model_output))
print("answer: ", answer)

# %% tags=["nbval-check-output"]
check.claim("the agent is done, and its answer is 99", answer == 99, saw=answer)

# %% [markdown]
# Look at the content: it ends in the middle of the thought. smolagents sends `</code>` as a stop
# string, and the server stops at it wherever it is, also in the thinking. The model never got to
# its second block. On a default server the same stop leaves nothing at all:

# %% tags=["nbval-check-output"]
stopped = on.post("/v1/chat/completions", force(DECOY, stop=["</code>"]))["choices"][0]
check.claim("stopped inside the thinking: content is empty", stopped["message"]["content"] == "")
check.claim("and it looks like a normal end", stopped["finish_reason"] == "stop")

# %% [markdown]
# ## The leopard under five settings
#
# Now without our words: the same question, the real agent, five servers, one after the other.
# Each run takes some 15 to 60 seconds on a CPU. A step limit keeps a lost agent from wandering.
#
# Much of what the five have to read is the same. So the first server saves what it read in a file,
# and the others load it (`--slot-save-path`): same tokens, less waiting.
#
# **Predict:** which of them will still say 9.62?

# %%
outcomes, slot_cache = [], tempfile.TemporaryDirectory()


def ask(name):
    given = {"label": name, "max_steps": 4, "slot_cache": slot_cache.name} | SETTINGS[name]
    outcomes.append(labs.run(LEOPARD, profile, **given))
    return outcomes[-1]


default = ask("default")
print(default.answer, default.step_results)

# %%
unparsed = ask("reasoning-format none")
print(unparsed.head)

# %%
raw = ask("skip-chat-parsing")
print(raw.head)

# %%
generic = ask("no-jinja")
print(generic.head)

# %%
unopened = ask("template never opens")
print(unopened.head)

# %%
labs.table(outcomes)

# %% [markdown]
# First what must be so, whatever the model wrote. The end of a prompt is the template's doing, a
# field of the message the parser's.

# %% tags=["nbval-check-output"]
ends = {o.label: o.turns[0].prompt.endswith("<think>\n") for o in outcomes}
opened = [label for label, yes in ends.items() if yes]
check.claim("three settings open the thinking", opened == list(ends)[:3], saw=ends)
check.claim("default: thinking has its own field", "reasoning_content" in default.message)
check.claim("none: content begins with <think>", unparsed.message["content"].startswith("<think>"))
for outcome in (unparsed, raw, generic):
    check.claim(f"{outcome.label}: no such field", "reasoning_content" not in outcome.message)

# %% [markdown]
# Now what the model wrote, before any parser. At temperature 0 the same prompt gives the same
# text, so there are only two texts for five settings.

# %%
wrote = {o.label: o.turns[0].exchange.response["__verbose"]["content"] for o in outcomes}
for label in ("default", "no-jinja"):
    print(f"── {label}\n{wrote[label]}\n")

# %% tags=["nbval-check-output", "embedded-only"]
prompts = [o.turns[0].prompt for o in outcomes]
texts = list(wrote.values())
check.claim("the first three: one prompt, one text", len({*prompts[:3]} | {*texts[:3]}) == 2)
check.claim("the last two: one prompt, one text", len({*prompts[3:]} | {*texts[3:]}) == 2)
check.claim("the default's answer is 9.62 seconds", "9.62" in str(default.answer), default.answer)
read = [o.turns[0].tokens.new for o in outcomes]
check.claim("the others loaded what the first had read", read[0] > 2000 and max(read[1:]) < 10, read)

# %% [markdown]
# Three of the settings gave the model the default's prompt, so it wrote the default's words. What
# leaked went into content, smolagents found the code block behind it all the same, and the
# template dropped the leak from the next prompt. **A leak alone breaks nothing.** You can run
# such a server for weeks, until a thought has code in it; then you are at the 99 above.
#
# The other two took the opening away from the model. What it does then is the model's affair:
# a large one opens the thinking by itself, as Qwen does. The embedded one learned that from one
# training run in ten; an earlier version of it skipped the thinking and wrote its code between
# three backticks instead of `<code>`. Read its rows in the table.
#
# So never judge a setting by the answer. Judge it by the wire.
#
# ## The three eras of the flag
#
# | era | builds | jinja by default | without jinja, `<think>…</think>` is |
# |---|---|---|---|
# | 1 | to about Oct 2025, before #16394 | off | in content |
# | 2 | from #16394 to #18675 | off; on since #17524 | mostly cut out of content |
# | 3 | since #18675, about b8220 | on | in content, like everything |
#
# #17524 is of November 2025, somewhere in b7150–b7380. In era 2 the parser that was used without
# jinja took a thinking block at the beginning of the text out of it as well.
#
# So the same command gives three results, and each of them has been explained on the web as the
# one that is right. The article's `--jinja` was needed in era 1 and in the beginning of era 2.
# Today it changes nothing, and what breaks an agent is its opposite, or a parser told to keep
# still. (#N is a pull request of llama.cpp. The numbers of builds are approximate; eras 1 and 2
# are from the project's history, era 3 is what you saw.)
#
# Which era is your build from? Ask it, then test it: packages are renamed and patched, behavior
# is not. The server from the wheel does not know its own number, the wheel's version does.

# %%
with Server("embedded", url=False, quiet=True) as server:
    print("/props:", server.props().get("build_info"), " engine:", server.engine.build)

# %% [markdown]
# Two observations decide. Without flags: does the prompt end in `<think>`? Without jinja
# (`--no-jinja`, or the flag left out on an old build): is a `<think>` block left in content?

# %%
on_by_default = evidence["default"]["prompt"].endswith("<think>\n")
left_in_content = "<think>" in evidence["no-jinja"]["opens"]["content"]
era = 2 if not left_in_content else 3 if on_by_default else 1
print(f"{build}: era {era}")

# %% tags=["nbval-check-output"]
check.claim("jinja is on without a flag", on_by_default)
check.claim("without jinja, <think> stays in content", left_in_content)
check.claim("so this build is of era 3", era == 3)

# %% [markdown]
# On a build of another era the last cell, and some above, stop with what was seen. That is no
# fault of yours: read the table, and take a build since b8220.
#
# ### Exercise 06.6 · ★☆☆ · 5 minutes
#
# Three people write to you. Which era is each one's build from?
#
# - **Ada:** no flags; the prompt ends in `assistant`, and content begins with `<think>`.
# - **Ben:** `--no-jinja`; the model writes a whole `<think>` block, content has none of it.
# - **Cleo:** no flags, and all is well; with `--no-jinja`, content has the `<think>` block.
#
# <details><summary>Hint</summary>
# First the last column of the table; where that leaves two eras, the third.
# </details>

# %% tags=["stub"]
eras = {"Ada": ..., "Ben": ..., "Cleo": ...}

# %% tags=["solution"]
eras = {"Ada": 1, "Ben": 2, "Cleo": 3}

# %%
check.exercise("06.6", eras, lambda e: e == {"Ada": 1, "Ben": 2, "Cleo": 3}, hint="the table")

# %%
for server in (on, off):
    server.stop()
slot_cache.cleanup()

# %% [markdown]
# ## Recap
#
# | setting | prompt ends | `T</think>A` becomes | `<think>T</think>A` becomes |
# |---|---|---|---|
# | default | `<think>` | split | split |
# | reasoning-format none | `<think>` | content, tag put back | content |
# | skip-chat-parsing | `<think>` | content, no opening tag | content |
# | no-jinja | `assistant` | content, no opening tag | content |
# | template never opens | `assistant` | content, no opening tag | split |
#
# - Look at both ends: the prompt shows the template, the message shows the parser.
# - A leak is silent. It costs nothing until a thought contains code; then the draft wins.
# - `--no-jinja` also joins parts differently, ignores `chat_template_kwargs`, forgets the
#   template's objections and refuses tools. `/props` does not show it.
# - A sentence about `--jinja` is true for some builds. Ask for the build first.
#
# **What next:** [09 the container is the sandbox][09], where the agent's own code is the risk. (A
# gallery of the other failures, lesson 07, is planned: until then `course diagnose` names them.)
#
# [09]: 09_the_container_is_the_sandbox.ipynb
