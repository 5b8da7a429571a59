# %% [markdown]
# # 06b · The three eras of `--jinja` (appendix)
#
# Look for `--jinja` on the web and you find three answers: needed, useless, harmful to leave out. Each was right for some
# build of llama.cpp. This appendix tells the builds apart, and shows what else changes without [Jinja][jinja].
#
# **After this lesson you can**
#
# - say from two observations which era a build belongs to;
# - list what `--no-jinja` changes besides the thinking;
# - tell five settings apart with two probes.
#
# **Minutes:** 25 · **Needs:** lesson 06
#
# [jinja]: ../docs/glossary.md#jinja

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import tempfile
from pathlib import Path

from course import check, labs
from course.agent.forced import grammar
from course.model import embedded, engine
from course.server import Server

# %%
labs.check_build()
on = Server("embedded", url=False, quiet=True).start()
off = Server("embedded", url=False, quiet=True, jinja=False).start()
labs.check_build(on, off)
print("This build:", engine.find().build)

# %% [markdown]
# As in lesson 06, these servers run the embedded model, and `SERVER` and `PROFILE` are not used.
#
# ## Which era is a build from?
#
# | era | builds | Jinja without a flag | without Jinja, `<think>…</think>` |
# |---|---|---|---|
# | 1 | until about October 2025, before #16394 | off | stays in `content` |
# | 2 | from #16394 to #18675 | off, and on since #17524 | is mostly cut out of `content` |
# | 3 | since #18675, about b8220 | on | stays in `content` |

# %% [markdown]
# `#N` is a pull request of llama.cpp. #17524 (November 2025) made Jinja the default, somewhere in b7150–b7380. The
# numbers are approximate. Eras 1 and 2 are from the project's history; era 3 is what you can see here.
#
# So `--jinja` was needed in era 1 and at the beginning of era 2. In era 3 it changes nothing.

# %% [markdown]
# Two observations decide. Without flags: does the prompt open the thinking? Without Jinja: does a `<think>` block stay
# in `content`? Numbers can mislead, because packages are renamed and patched. Behavior cannot.

# %%
HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]
RELIES = "Some say 153.\n</think>\n\nIt is 155 m."  # relies on the prompt to open the thinking
OPENS = "<think>\n" + RELIES  # opens it


def ask(server, words, **more):
    """The message, the prompt and the raw text, if the model can write nothing but these words."""
    body = {"messages": HI, "grammar": grammar(words), "verbose": True, **more}
    response = server.post("/v1/chat/completions", body)
    return response["choices"][0]["message"], response["__verbose"]["prompt"]


print("without flags, the prompt ends:", repr(on.apply_template(HI)[-20:]))
print("without Jinja, content:        ", repr(ask(off, OPENS)[0]["content"]))

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("Jinja is on without a flag", on.apply_template(HI).endswith("<think>\n")),
    ("without Jinja, <think> stays in content", ask(off, OPENS)[0]["content"] == OPENS),
)

# %% [markdown]
# ### Exercise 06b.1 · ★☆☆ · 5 minutes
#
# Three people write to you. Which era is each one's build from: 1, 2 or 3?
#
# - **Ada:** no flags; the prompt ends in `assistant`, and content begins with `<think>`.
# - **Ben:** `--no-jinja`; the model writes a whole `<think>` block, and content has none of it.
# - **Cleo:** no flags, and all is well; with `--no-jinja`, content has the `<think>` block.
#
# <details><summary>Hint</summary>
# Begin with the last column of the table. Where it leaves two eras, look at the third column.
# </details>

# %% tags=["stub"]
eras = {"Ada": ..., "Ben": ..., "Cleo": ...}

# %% tags=["solution"]
eras = {"Ada": 1, "Ben": 2, "Cleo": 3}

# %% tags=["folded"]
era_of = {"Ada": 1, "Ben": 2, "Cleo": 3}
check.exercise("06b.1", eras, era_of, hint="the last column first")

# %% [markdown]
# ## What else changes without Jinja?
#
# **Predict** for each: will `on` and `off` do the `"same"`, or something `"different"`?
#
# - **parts**: a question in two parts, `How long` and `is it?`
# - **switch**: `"chat_template_kwargs": {"enable_thinking": false}`
# - **alone**: a system message without a user message
# - **past**: an earlier answer that contains leaked thinking
# - **tokens**: how the text `Pont des Arts` is cut into tokens

# %%
guess = {"parts": ..., "switch": ..., "alone": ..., "past": ..., "tokens": ...}

# %%
PARTS = [{"role": "user", "content": [{"type": "text", "text": t} for t in ("How long", "is it?")]}]
QUICK = {"chat_template_kwargs": {"enable_thinking": False}}
ALONE = {"messages": [{"role": "system", "content": "You are alone."}], "max_tokens": 1}
PAST = [*HI, {"role": "assistant", "content": RELIES}, {"role": "user", "content": "Sure?"}]


# %%
def tried(server):
    """What this server makes of the five."""
    return {
        "parts": server.apply_template(PARTS)[:44],
        "switch": ask(server, "Yes.", **QUICK)[1].removeprefix(
            ask(server, "Yes.")[1].removesuffix("<think>\n")
        ),
        "alone": server.request("POST", "/v1/chat/completions", ALONE).status_code,
        "past": "153" in server.apply_template(PAST),
        "tokens": server.tokenize("Pont des Arts"),
    }


# %%
made = {"on": tried(on), "off": tried(off)}
for what in guess:
    print(f"{what:7} on  {made['on'][what]!r}\n{'':7} off {made['off'][what]!r}")

# %%
same = {what: "same" if made["on"][what] == made["off"][what] else "different" for what in guess}
check.prediction("06b.p1", guess, was=same)

# %% [markdown]
# - **parts**: *our template* joins parts with nothing. The built-in format puts a line end between them.
# - **switch**: Jinja's template closes the thinking at once. Without Jinja the switch is ignored, without a warning.
# - **alone**: *our template* refuses a conversation without a user message, as Qwen's does. The built-in format
#   renders anything.
# - **tokens**: the tokenizer belongs to the model. No template touches it.

# %% [markdown]
# - **past**: *our template* drops the thinking of earlier turns, leaked or not. The built-in format sends it again, so
#   the model reads its old doubts with each request, and you pay for them.
#
# smolagents sends `content` back as it got it. So a leak also makes the next requests longer, unless the template cleans
# up.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "parts: joined with nothing, or a line end",
        "longis" in made["on"]["parts"] and "long\nis" in made["off"]["parts"],
    ),
    ("switch: on closes the block", "</think>" in made["on"]["switch"], made["on"]),
    ("switch: off ignores it", made["off"]["switch"] == "", made["off"]),
    ("alone: refused, and answered", made["on"]["alone"] != 200 == made["off"]["alone"], made),
    ("past: dropped, and sent again", not made["on"]["past"] and made["off"]["past"]),
    ("tokens: the same", same["tokens"] == "same"),
)

# %% [markdown]
# ## Two probes, five settings
#
# With one exchange, lesson 06 could not tell `--no-jinja` from a broken template. A second probe can: words that *open*
# the thinking.

# %%
folder = tempfile.TemporaryDirectory()
broken = Path(folder.name) / "broken.jinja"
template = embedded.template_path().read_text("utf-8")
_ = broken.write_text(template.replace("{{- '<think>\\n' -}}", ""), "utf-8")


# %%
def probe(server, **more):
    """What the server returns for words that rely on the template, and for words that open the thinking."""
    return [ask(server, words, **more) for words in (RELIES, OPENS)]


evidence = {"default": probe(on), "no-jinja": probe(off)}
evidence["reasoning-format none"] = probe(on, reasoning_format="none")
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as server:
    evidence["skip-chat-parsing"] = probe(server)
with Server("embedded", url=False, quiet=True, chat_template_file=str(broken)) as server:
    evidence["broken template"] = probe(server)

# %% tags=["nbval-check-output"]
for name, ((relies, prompt), (opens, _)) in evidence.items():
    print(f"{name:22} prompt ends {prompt[-19:]!r}")
    for label, message in (("relies", relies), ("opens", opens)):
        fields = {key: value for key, value in message.items() if key != "role"}
        print(f"{'':22} {label:7}{fields}")

# %% [markdown]
# Compare *no-jinja* and *broken template*: for `RELIES` they are alike. For `OPENS`, the parser of the broken template
# is at work and cuts, and the plain one is not.

# %% [markdown]
# ### Exercise 06b.2 · ★★★ · 10 minutes
#
# Write `recognize(prompt, relies, opens)`: from the rendered prompt and the two messages, the name of the setting, as
# in the list above.
#
# <details><summary>Hint</summary>
# Was anything cut out of <code>relies</code>? If not, does the prompt end in <code>&lt;think&gt;</code> and a line end?
# The beginning of <code>relies["content"]</code>, or <code>opens</code>, decides the rest.
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
    return "broken template" if "reasoning_content" in opens else "no-jinja"


# %% tags=["folded"]
def unseen(random):
    """The evidence with other words, in another order."""
    made = []
    for name, ((relies, prompt), (opens, _)) in evidence.items():
        new = {
            "153": str(random.randint(300, 999)),
            "155": str(random.randint(300, 999)),
            "Some say": "I read",
        }

        def other(value, new=new):
            for old, word in new.items():
                value = value.replace(old, word)
            return value

        messages = [{key: other(value) for key, value in message.items()} for message in (relies, opens)]
        made.append(check.case(prompt.replace("Pont", "Pont Neuf or Pont"), *messages, gives=name))
    return random.sample(made, len(made))


check.function("06b.2", recognize, unseen, hint="try it on evidence['default'], then on the others")

# %% tags=["folded"]
for server in (on, off):
    server.stop()
folder.cleanup()

# %% [markdown]
# ## Recap
#
# - A sentence about `--jinja` is true for some builds. Ask for the build first, or test its behavior.
# - Without Jinja, template arguments are ignored and the template's own objections disappear.
# - How parts are joined and whether old thinking is dropped is up to the template. Ours does what you saw.
# - One probe that relies on an opened prompt and one that opens it tell five settings apart.

# %% tags=["folded"]
check.quiz(
    "06b",
    check.question(
        "A colleague says `--jinja` changes nothing. Is that right?",
        right="It depends on the build",
        why="Since #17524 (November 2025) Jinja is the default. Before, the flag was needed.",
        wrong={
            "Yes": "On builds before November 2025 it switches the model's own template on.",
            "No": "On current builds it only states the default.",
        },
    ),
    check.question(
        "You turn thinking off with `enable_thinking`, and the model still thinks. What do you check first?",
        right="Whether the server runs with Jinja",
        why="`chat_template_kwargs` are arguments of the Jinja template. Without it they are ignored.",
        wrong={
            "The temperature": "Sampling does not decide whether the prompt closes the thinking.",
            "The grammar": "A grammar limits the answer; it does not change the prompt.",
        },
    ),
    check.question(
        "Content has the thinking of `RELIES`, but `OPENS` comes back split. What is wrong?",
        right="The template does not open the thinking",
        why="The parser works, as `OPENS` shows, but the prompt never opened a block for `RELIES`.",
        wrong={
            "`--skip-chat-parsing`": "Then nothing would be split.",
            "`--no-jinja`": "Its plain parser splits nothing either.",
        },
    ),
)

# %%
check.progress("06b")

# %% [markdown]
# **In your own agent:** run `llama-server --version` and find its era in the table.
#
# **Next:** back to [lesson 06](06_break_jinja.ipynb), or on to lesson 07, a gallery of failures.
