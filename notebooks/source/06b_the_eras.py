# %% [markdown]
# # 06b · The eras of `--jinja` (appendix)
#
# Some pages on the web say that you need `--jinja`, others that it does nothing. Both were right, at different times. Here
# are the dates, a way to ask the server itself, and what else changes without [Jinja][jinja].
#
# **After this lesson you can**
#
# - find out whether a llama-server runs with Jinja, whoever started it;
# - say what the chat template decides, and what it does not;
# - tell five settings apart with one request.
#
# **Minutes:** 35 · **Needs:** lesson 06
#
# [jinja]: ../docs/glossary.md#jinja

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from course import check, labs
from course.agent.forced import grammar
from course.model import engine
from course.server import Server
from course.server.connection import Connection

# %%
labs.check_build()
on = Server("embedded", url=False, quiet=True).start()
off = Server("embedded", url=False, quiet=True, jinja=False).start()
labs.check_build(on, off)
print("This build:", engine.find().build)

# %% [markdown]
# As in lesson 06, these servers run the embedded model, and `SERVER` and `PROFILE` are not used.
#
# ## Do you need the flag?
#
# | llama.cpp since | Jinja without a flag | a `<think>` block without Jinja |
# |---|---|---|
# | the beginning | there is no Jinja, and no such flag | stays in `content` |
# | January 2025 ([#11016][flag]) | off | stays in `content` |
# | October 2025 ([#16394][cut]) | off | is moved to `reasoning_content` if `content` starts with it |
# | November 2025 ([#17524][on], between builds b7150 and b7380) | **on** | the same |
# | March 2026 ([#18675][back], about build b8220) | on | stays in `content` |
#
# [flag]: https://github.com/ggml-org/llama.cpp/pull/11016
# [on]: https://github.com/ggml-org/llama.cpp/pull/17524
# [cut]: https://github.com/ggml-org/llama.cpp/pull/16394
# [back]: https://github.com/ggml-org/llama.cpp/pull/18675

# %% [markdown]
# The dates are from llama.cpp's history, and hold for llama-server: #17524 left out `llama-cli`. To find your row, look for
# `build_info` in the server's `/props`, or run `llama-server --version`. GitHub shows the date of that build among
# [llama.cpp's releases][releases]. (Some packages don't know their build, and close to a change the date is not enough.
# Then only the server's behavior tells.) What you can check here is the last row:
#
# [releases]: https://github.com/ggml-org/llama.cpp/releases

# %%
HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]
OPENS = "<think>\nSome say 153.\n</think>\n\nIt is 155 m."


def ask(server, words=OPENS, **more):
    """The server's response, if the model can write nothing but these words."""
    body = {"messages": HI, "grammar": grammar(words), "verbose": True, **more}
    return server.post("/v1/chat/completions", body)


print("no flag,    the prompt ends:", repr(on.apply_template(HI)[-20:]))
print("--no-jinja, content:        ", repr(ask(off)["choices"][0]["message"]["content"]))

# %% [markdown]
# Without a flag, Jinja is on, so the prompt opens the thinking. Without Jinja, the whole block stays in `content`.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("Jinja is on without a flag", on.apply_template(HI).endswith("<think>\n")),
    ("without Jinja, <think> stays in content", ask(off)["choices"][0]["message"]["content"] == OPENS),
)

# %% [markdown]
# ## Is Jinja on? Ask the server
#
# Often somebody else has started the server. The end of the prompt does not tell you whether Jinja is on, because not
# every template opens the thinking. You could look for the template in `/props`, where a server describes itself (lesson
# 01). Or you could send a request with a `tools` field, as other agents do (lesson 03).
#
# **Predict:** which of the two answers differs between `on` and `off`: `"props"`, `"tools"`, `"both"` or `"neither"`?

# %%
guess = ...

# %%
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
WITH_TOOL = {"messages": HI, "max_tokens": 1, "tools": [TOOL]}
responses = {}
for name, server in (("on", on), ("off", off)):
    responses[name] = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    print(f"{name:4} /props has a template of {len(server.props()['chat_template'])} characters")
    print(f"{'':4} tools: {responses[name].status_code} {responses[name].text[:76]}")

# %% tags=["folded"]
props = on.props()["chat_template"] != off.props()["chat_template"]
tools = responses["on"].status_code != responses["off"].status_code
check.prediction(
    "06b.p1", guess, was=("both" if tools else "props") if props else "tools" if tools else "neither"
)

# %% [markdown]
# `/props` shows the template that was loaded, not whether it is used. `off` refuses the request with `tools`, because
# llama-server requires Jinja for them. A CodeAgent sends no `tools`, so it never meets that error.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("/props show the same template", not props),
    ("off: HTTP 500", responses["off"].status_code == 500, responses["off"].status_code),
    ("the message names the flag", "requires --jinja" in responses["off"].text, responses["off"].text),
    ("on: tools are accepted", responses["on"].status_code == 200, responses["on"].status_code),
)

# %% [markdown]
# The exercise needs a third server. `broken` runs with Jinja and the broken template of lesson 06 (ours, without the
# opening `<think>`). This is how its prompt ends:

# %% tags=["folded"]
import tempfile
from pathlib import Path

from course.model import embedded

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "broken.jinja"
opening = "{{- '<think>\\n' -}}"
_ = path.write_text(embedded.template_path().read_text("utf-8").replace(opening, ""), "utf-8")
broken = Server("embedded", url=False, quiet=True, chat_template_file=str(path)).start()
print(repr(broken.apply_template(HI)[-42:]))

# %% [markdown]
# ### Exercise 06b.1 · ★★☆ · 5 minutes
#
# This prompt opens no thinking, although Jinja is on. Write `jinja_is_on(server)` for a llama-server that somebody else
# has started. It returns True or False, or None if the answer shows neither: the server may want a key (401), be loading
# (503), or have failed for a reason that says nothing about Jinja (500). At a wrong address, something else may answer
# (404, or 200 with a page).
#
# <details><summary>Hint</summary>
# <code>server.request("POST", path, body)</code> gives a response with <code>.status_code</code> and <code>.text</code>.
# If the request has <code>tools</code>, a completion (with <code>"choices"</code>) proves that Jinja is on, and one
# refusal proves that it is off.
# </details>


# %% tags=["stub"]
def jinja_is_on(server): ...


# %% tags=["solution"]
def jinja_is_on(server):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    if response.status_code == 200:
        return True if '"choices"' in response.text else None
    return False if "requires --jinja" in response.text else None


# %% tags=["folded"]
import httpx


class Refusing(Connection):
    """Stands in for a server that answers every request in one way: with an error, or, at 200, with a page."""

    def __init__(self, status, message):
        super().__init__(f"http://answers-{status}.invalid")
        self.status, self.message = status, message

    def request(self, method, path, json=None):
        error = {"error": {"code": self.status, "message": self.message}}
        body = {"text": self.message} if self.status == 200 else {"json": error}
        return httpx.Response(self.status, **body, request=httpx.Request(method, self.url + path))


check.function(
    "06b.1",
    jinja_is_on,
    [
        check.case(Connection(on.url), gives=True, name="started without flags"),
        check.case(Connection(off.url), gives=False, name="started with --no-jinja"),
        check.case(Connection(broken.url), gives=True, name="Jinja, but a template that opens no thinking"),
        check.case(Refusing(503, "Loading model"), gives=None, name="still loading"),
        check.case(Refusing(401, "Invalid API Key"), gives=None, name="wants a key"),
        check.case(Refusing(404, "File Not Found"), gives=None, name="a wrong address"),
        check.case(Refusing(200, "<h1>It works!</h1>"), gives=None, name="another program's page"),
        check.case(Refusing(200, '{"status": "ok"}'), gives=None, name="another program's JSON"),
        check.case(Refusing(500, "Compute error."), gives=None, name="failed for another reason"),
        check.case(
            Refusing(500, "Error: Jinja Exception: No user query found in messages."),
            gives=check.one_of(True, None),
            name="the template's own error",
        ),
    ],
    hint="a refusal for another reason shows neither",
    seconds=120,
)

# %% [markdown]
# Now ask a server that somebody else has started, or a llama-server of your own: put its address in place of
# `broken.url`. (Take one that wants no key.)

# %%
server = Connection(broken.url)
answered = server.request("POST", "/v1/chat/completions", WITH_TOOL)
said = "06b.1 is still open" if check.is_open(jinja_is_on) else jinja_is_on(server)
print(f"HTTP {answered.status_code}, {answered.text[:60]} …\nyour jinja_is_on: {said}")

# %% [markdown]
# ## What does the template decide?
#
# **Predict** for each: will `on` and `off` do the `"same"`, or something `"different"`?

# %% [markdown]
# - **parts**: the question is a list of two parts, `How long` and `is it?` (smolagents sends lists of parts, too)
# - **switch**: the request says `"chat_template_kwargs": {"enable_thinking": false}`
# - **alone**: a system message without a user message
# - **tokens**: how the text `Pont des Arts` is cut into tokens
# - **grammar**: the raw text of the model, before the server parses it, if the grammar allows only `Yes.`
# - **content**: the `content` that the client gets from that text

# %%
guess = {"parts": ..., "switch": ..., "alone": ..., "tokens": ..., "grammar": ..., "content": ...}

# %%
PARTS = [{"role": "user", "content": [{"type": "text", "text": t} for t in ("How long", "is it?")]}]
QUICK = {"chat_template_kwargs": {"enable_thinking": False}}
ALONE = {"messages": [{"role": "system", "content": "You are alone."}], "max_tokens": 1}


# %% tags=["folded"]
def tried(server):
    """What this server makes of the six."""
    alone, only = server.request("POST", "/v1/chat/completions", ALONE), ask(server, "Yes.")
    return {
        "parts": server.apply_template(PARTS).split("<|im_start|>")[1],
        "switch": ask(server, "Yes.", **QUICK)["__verbose"]["prompt"][-29:],
        "alone": f"HTTP {alone.status_code}"
        + ", No user query found" * ("No user query found" in alone.text),
        "tokens": server.tokenize("Pont des Arts"),
        "grammar": only["__verbose"]["content"],
        "content": only["choices"][0]["message"].get("content"),
    }


# %%
made = {"on": tried(on), "off": tried(off)}
for what in made["on"]:
    print(f"{what:8} on  {made['on'][what]!r}\n{'':8} off {made['off'][what]!r}")

# %%
same = {what: "same" if made["on"][what] == made["off"][what] else "different" for what in made["on"]}
check.prediction("06b.p2", guess, was=same)

# %% [markdown]
# Everything that depends on the template is different. The template writes the prompt and can refuse messages, and
# llama-server derives from it how to take the response apart (lesson 06).
#
# - **parts**: our template puts nothing between the parts. Without Jinja, llama-server puts a line break there.
# - **switch**: our template closes the block at once. Without Jinja, the switch is ignored without an error.
# - **alone**: our template refuses it with an error of its own, `No user query found`. The built-in format doesn't.
# - **tokens** come from the model's vocabulary, and the **grammar** limits the choice of the next token. Neither the
#   template nor the built-in format touches that. (Without a grammar, the raw text could differ: the prompts do.)
# - **content**: with Jinja, the prompt has opened the thinking, and `Yes.` does not end it, so `content` is empty. After
#   such a prompt, a grammar must include the end of the thinking, as `WORDS` of lesson 06 does.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "parts: joined with nothing, or a line end",
        "longis" in made["on"]["parts"] and "long\nis" in made["off"]["parts"],
    ),
    ("switch: on closes the block", made["on"]["switch"].endswith("</think>\n\n"), made["on"]),
    ("switch: off ignores it", made["off"]["switch"].endswith("assistant\n"), made["off"]),
    ("alone: refused by the template", "No user query" in made["on"]["alone"], made),
    ("alone: answered", made["off"]["alone"] == "HTTP 200", made),
    ("tokens, grammar: the same", same["tokens"] == same["grammar"] == "same", made),
    ("content: Yes. without Jinja only", [made[x]["content"] == "Yes." for x in made] == [False, True], made),
)

# %% [markdown]
# ## One request, five settings
#
# In lesson 06, `--no-jinja` and a broken template looked the same. The words there had a closing tag only. `OPENS` begins
# with a `<think>` of its own.
#
# **Predict:** how many `<think>` tags are in `content` for each: 0, 1 or 2? (The rule of lesson 06: with its defaults, the
# parser cuts if the prompt has opened the thinking, or if the text begins with `<think>`.)

# %%
guess = {"healthy": ..., "no-jinja": ..., "broken template": ...}
guess |= {"reasoning-format none": ..., "skip-chat-parsing": ...}

# %%
evidence = {"healthy": ask(on), "no-jinja": ask(off), "broken template": ask(broken)}
evidence["reasoning-format none"] = ask(on, reasoning_format="none")
with Server("embedded", url=False, quiet=True, skip_chat_parsing=True) as server:
    evidence["skip-chat-parsing"] = ask(server)

# %% tags=["folded", "nbval-check-output"]
for name, response in evidence.items():
    print(f"{name}: the prompt ends {response['__verbose']['prompt'][-19:]!r}")
    message = response["choices"][0]["message"]
    for key in ("reasoning_content", "content"):
        print(f"    {key:17} {message.get(key)!r}")

# %% tags=["folded"]
came = {name: response["choices"][0]["message"] for name, response in evidence.items()}
check.prediction("06b.p3", guess, was={name: came[name]["content"].count("<think>") for name in came})

# %% [markdown]
# - **healthy**: the block was open, so the second tag is part of the thinking.
# - **no-jinja**: only the model opens the thinking, and no parser looks for it.
# - **broken template**: again only the model opens it, but there is a parser, which separates it. That sets this case apart
#   from `--no-jinja`. So this template leaks only if the model leaves out the opening tag, as in lesson 06.
# - **reasoning-format none** puts the prompt's tag before the model's. **skip-chat-parsing** returns the raw text. (This
#   flag dates from March 2026, [#20289](https://github.com/ggml-org/llama.cpp/pull/20289).)

# %% tags=["folded", "nbval-check-output"]
check.claims(
    (
        "healthy: the second tag is thinking",
        came["healthy"]["reasoning_content"].startswith("<think>\n"),
        came,
    ),
    ("broken template: no leak", came["broken template"]["content"] == "It is 155 m.", came),
    ("no-jinja: the raw text", came["no-jinja"]["content"] == OPENS, came),
    ("none: one tag more", came["reasoning-format none"]["content"] == "<think>\n" + OPENS, came),
    ("skip: the raw text", came["skip-chat-parsing"]["content"] == OPENS, came),
)

# %% [markdown]
# ### Exercise 06b.2 · ★★☆ · 8 minutes
#
# Write `which_setting(prompt, message)` for answers that you have not seen, from a current build. Unlike in exercise 06.2,
# the model has opened the thinking itself. At most one setting is wrong, and the model's own template opens the thinking.
# Return `"healthy"`, `"no-jinja"`, `"broken template"`, `"reasoning-format none"` or `"skip-chat-parsing"`. (A key
# that the cell above shows as `None` is absent from the message.)
#
# <details><summary>Hint</summary>
# Two questions give four combinations: does the prompt end with an open block, and was anything separated? Two settings
# share one of them. There, the beginning of content decides.
# </details>


# %% tags=["stub"]
def which_setting(prompt, message): ...


# %% tags=["solution"]
def which_setting(prompt, message):
    opened, separated = prompt.endswith("<think>\n"), "reasoning_content" in message
    if separated:
        return "healthy" if opened else "broken template"
    if not opened:
        return "no-jinja"
    twice = message["content"].removeprefix("<think>").lstrip().startswith("<think>")
    return "reasoning-format none" if twice else "skip-chat-parsing"


# %% tags=["folded"]
def unseen(random):
    """Answers with other words, as servers with these settings answer them."""
    made = []
    for answer in (
        "It is {} m.",
        "A <think> block was opened {} times.",
        "<think> is a tag, and {} a number.",
        "A thought ends with </think>, {} says.",
    ):
        thought, end = f"Perhaps {random.randint(100, 999)}.", answer.format(random.randint(100, 999))
        words = f"<think>\n{thought}\n</think>\n\n{end}"
        bare = f"<|im_start|>user\nWhy <think> {random.randint(1, 99)}?<|im_end|>\n<|im_start|>assistant\n"
        opened = bare + "<think>\n"
        split = {"role": "assistant", "content": end, "reasoning_content": thought}
        made += [
            check.case(opened, {**split, "reasoning_content": f"<think>\n{thought}"}, gives="healthy"),
            check.case(bare, split, gives="broken template"),
            check.case(bare, {"role": "assistant", "content": words}, gives="no-jinja"),
            check.case(opened, {"role": "assistant", "content": words}, gives="skip-chat-parsing"),
            check.case(
                opened, {"role": "assistant", "content": "<think>\n" + words}, gives="reasoning-format none"
            ),
        ]
    return random.sample(made, len(made))


check.function("06b.2", which_setting, unseen, hint="the prompt's end, then what was separated")

# %% [markdown]
# Now a real answer. (For a llama-server of your own, put its address in place of `off.url`. Its model's own template has
# to open the thinking with `<think>`.)

# %%
answer = ask(Connection(off.url))
real = answer["__verbose"]["prompt"], answer["choices"][0]["message"]
print("06b.2 is still open" if check.is_open(which_setting) else which_setting(*real))

# %% tags=["folded"]
for server in (on, off, broken):
    server.stop()
folder.cleanup()

# %% [markdown]
# ## Recap
#
# - Since November 2025, Jinja is on by default, so `--jinja` changes nothing. In the ten months before, llama-server
#   needed the flag for tools and for the model's own template.
# - `/props` shows the template that was loaded. A request with `tools` shows whether it is used.
# - Without Jinja, template arguments are ignored, the template's errors disappear, and old thinking stays in
#   the prompt (lesson 06).
# - With a template that fails to open the thinking, the parser still separates thinking that the model opens itself. With
#   `--no-jinja`, since about build b8220, nothing is separated.

# %% tags=["folded"]
check.quiz(
    "06b",
    check.question(
        "A page of 2025 says: for tool calls, start llama-server with `--jinja`. Your build is of 2026. What does the "
        "flag change?",
        right="Nothing",
        why="Since #17524 (November 2025) it only states the default. On the builds before, it was needed.",
        wrong={
            "It switches tool calls on": "Since November 2025, they are on without it.",
            "It switches the parser off": "That is `--skip-chat-parsing`.",
        },
    ),
    check.question(
        "The request has `enable_thinking: false`, the template in `/props` reads it, and the prompt still doesn't close "
        "the thinking. What do you suspect?",
        right="The server doesn't use that template",
        why="`/props` shows what was loaded. With `--no-jinja` a built-in format writes the prompt, and ignores arguments.",
        wrong={
            "The client dropped the argument": "It is in the request, and the request is what the server gets.",
            "The temperature": "Sampling starts when the prompt is complete.",
        },
    ),
    check.question(
        "A model's own template opens the thinking. On a server of today, the prompt doesn't, and yet a `<think>` block "
        "that the model writes comes back separated. What is wrong?",
        right="The template",
        why="The parser works, so Jinja is on. But the template has lost the opening tag.",
        wrong={
            "`--skip-chat-parsing`": "Then nothing would be separated.",
            "`--no-jinja`": "Since about build b8220, nothing would be separated either. (A build of the winter before "
            "would have: see the table.)",
        },
    ),
)

# %%
check.progress("06b")

# %% [markdown]
# **In your own agent:** try `jinja_is_on` on the server that you use. If the model's own template opens the thinking with
# `<think>`, call `ask` with it and try `which_setting` on the result, as above. (Both are for llama-server: other servers
# don't know `grammar` and `verbose`.)
#
# **Next:** back to [lesson 06](06_break_jinja.ipynb), or on to
# [lesson 07, a gallery of failures](07_a_gallery_of_failures.ipynb).
