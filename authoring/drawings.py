"""The pictures in docs/pictures, each drawn by one function. `python -m authoring docs` writes them.

They show how things work, not measurements: no figure in them can go stale. What they say is checked where the lessons
and tests check it: the embedded model's template, llama-server's parser, smolagents' parser, the networks of
course/sandbox.
"""

from authoring.drawing import Picture

WIDTH = 640


def loop() -> str:
    """What an agent does, again and again."""
    p = Picture(
        WIDTH, 420,
        "The agent loop: the agent sends all messages to the model, runs the code that comes back, appends the observation "
        "and asks again, until the code calls final_answer",
    )  # fmt: skip
    p.box(16, 62, 92, 56, "plain", "question")
    p.box(140, 46, 214, 88, "step", "all messages so far", "system prompt, task,", "earlier steps")
    p.box(446, 46, 178, 88, "wire", "model", "continues the text,", "remembers nothing")
    p.box(446, 220, 178, 88, "step", "run the code", "in the executor,", "with the tools")
    p.box(140, 220, 214, 88, "step", "observation", "what the code printed", "and returned")
    p.box(446, 360, 178, 40, "plain", "answer")
    p.arrow([(108, 90), (138, 90)])
    p.arrow([(354, 90), (444, 90)], "request")
    p.arrow([(535, 134), (535, 218)], "response: thought and code", at=(522, 182), align="end")
    p.arrow([(446, 264), (356, 264)], "no answer")
    p.arrow([(250, 220), (250, 136)], "append, ask again", at=(238, 182), align="end")
    p.arrow([(535, 308), (535, 358)], "it called final_answer", at=(522, 339), align="end")
    p.text(16, 372, "green: the agent, in your Python process", color="step")
    p.text(16, 396, "blue: llama-server, behind HTTP", color="wire")
    return p.svg()


def layers() -> str:
    """From the question to the bytes, and back."""
    p = Picture(
        WIDTH, 600,
        "The layers between a question and the bytes: CodeAgent, OpenAIModel, recording transport with the tape, "
        "llama-server with chat template, model and chat parser",
    )  # fmt: skip
    down, up = 268, 500
    p.text(down, 34, "question", "bold", align="middle")
    p.text(up, 34, "answer", "bold", align="middle")
    p.frame(12, 62, 616, 272, "your Python process")
    p.frame(12, 384, 616, 200, "llama-server")
    rows = [
        (94, "step", "CodeAgent", ["memory → messages"], ["finds the code and runs it"]),
        (176, "step", "OpenAIModel", ["five roles → three"], ["JSON → a message"]),
        (258, "mark", "transport", ["records every byte"], ["on the tape, both ways"]),
        (
            416,
            "wire",
            "chat",
            ["template:", "messages → one prompt"],
            ["parser: raw text →", "content and reasoning"],
        ),
        (506, "wire", "model", ["reads tokens"], ["writes tokens, one by one"]),
    ]
    for y, kind, name, going, coming in rows:
        p.box(26, y, 588, 62, kind)
        p.text(40, y + 36, name, "bold", kind)
        for x, lines in ((down, going), (up, coming)):
            for n, line in enumerate(lines):
                p.text(x, y + 36 - 10.5 * (len(lines) - 1) + 21 * n, line, align="middle")
    for top, bottom in ((42, 92), (156, 174), (238, 256), (320, 414), (478, 504)):
        p.arrow([(down, top), (down, bottom)])
        p.arrow([(up, bottom), (up, top)])
    p.text(26, 364, "the wire: HTTP and JSON", "bold")
    return p.svg()


def template() -> str:
    """Messages on the left, the prompt on the right."""
    p = Picture(
        WIDTH, 372,
        "The chat template turns a list of messages into one prompt, with special tokens around each message and an open "
        "think block at the end",
    )  # fmt: skip
    right = 342
    p.text(16, 34, "messages, in the request", "bold")
    p.text(right, 34, "the prompt, for the model", "bold")
    p.box(right, 48, 282, 282, "plain")
    rows = [
        (48, ['"role": "system"', '"content": "You are an …"'], "system", "You are an …"),
        (140, ['"role": "user"', '"content": "How long is …"'], "user", "How long is …"),
    ]
    for y, lines, role, body in rows:
        p.box(16, y, 268, 78, "step", "", *lines, mono=True, align="start")
        p.arrow([(284, y + 39), (right - 2, y + 39)])
        _mono(p, right + 14, y + 34, ("<|im_start|>", "mark"), (role, "ink"))
        _mono(p, right + 14, y + 56, (body, "ink"), ("<|im_end|>", "mark"))
    p.box(16, 232, 268, 98, "wire", "add_generation_prompt", "set by the server:", "the assistant is next")
    p.arrow([(284, 281), (right - 2, 281)])
    _mono(p, right + 14, 262, ("<|im_start|>", "mark"), ("assistant", "ink"))
    _mono(p, right + 14, 284, ("<think>", "mark"))
    p.text(right + 14, 312, "▌the model goes on here", color="wire")
    p.text(16, 356, "orange: written by the template", color="mark")
    p.text(right, 356, "one text, no JSON left", color="soft")
    return p.svg()


def cache() -> str:
    """Three requests of one run, one under the other."""
    p = Picture(
        WIDTH, 436,
        "Three requests of one run: each prompt begins with nearly all of the previous one, from the KV cache; only the "
        "rest is processed",
    )  # fmt: skip
    for x, kind, said in (
        (16, "held", "in the KV cache"),
        (190, "wire", "processed"),
        (326, "step", "generated"),
    ):
        p.box(x, 20, 18, 18, kind)
        p.text(x + 26, 35, said)
    for n in range(3):
        y, x = 92 + n * 98, 16
        p.text(16, y - 12, f"request {n + 1}", "bold")
        pieces = [("system prompt", 136), ("question", 92), *((f"step {m}", 80) for m in range(1, n + 1))]
        for title, wide in pieces:
            new = n == 0 or title == f"step {n}"
            p.box(x, y, wide, 44, "wire" if new else "held", "", title)
            x += wide
        p.box(x + 10, y, 138, 44, "step", "", "thought, code")
    p.text(16, 368, "A step is the code that the model wrote, and its observation.", color="soft")
    p.text(16, 392, "Thinking is not sent back. The cache ends where it began, so the code", color="soft")
    p.text(16, 416, "after it is processed once more, although the model wrote it.", color="soft")
    return p.svg()


def jinja() -> str:
    """--jinja and --no-jinja, from the prompt to what smolagents parses."""
    p = Picture(
        WIDTH, 590,
        "With jinja the thinking arrives in reasoning_content and smolagents parses only the answer; with --no-jinja the "
        "thinking is inside content and smolagents parses it too",
    )  # fmt: skip
    left, right, wide = 16, 328, 296
    raw = ("155 m at 58 km/h is …", "</think>", "<code>final_answer(…)")
    p.text(left, 34, "--jinja (the default)", "bold")
    p.text(right, 34, "--no-jinja", "bold")
    for x in (left, right):
        p.text(x, 66, "the prompt ends with", color="soft")
        p.text(x, 180, "the model writes", color="soft")
        p.text(x, 316, "smolagents gets", color="soft")
        p.text(x, 492, "and parses", color="soft")
        for top, bottom in ((142, 188), (276, 324), (452, 500)):
            p.arrow([(x + wide - 24, top), (x + wide - 24, bottom)])
        p.box(x, 190, wide, 86, "plain", "", *raw, mono=True, align="start")
    p.box(left, 76, wide, 66, "wire", "", "<|im_start|>assistant", "<think>", mono=True, align="start")
    p.box(right, 76, wide, 66, "wire", "", "<|im_start|>assistant", mono=True, align="start")
    p.box(
        left,
        326,
        wide,
        58,
        "held",
        "",
        '"reasoning_content":',
        " 155 m at 58 km/h is …",
        mono=True,
        align="start",
    )
    p.box(left, 394, wide, 58, "step", "", '"content":', " <code>final_answer(…)", mono=True, align="start")
    p.box(
        right,
        326,
        wide,
        126,
        "bad",
        "",
        '"content":',
        *(f" {line}" for line in raw),
        mono=True,
        align="start",
    )
    p.box(left, 502, wide, 64, "step", "the answer", "and nothing else")
    p.box(right, 502, wide, 64, "bad", "the draft, too", "code in it would run")
    return p.svg()


def calls() -> str:
    """A tool call: JSON at the client, tags at the model, and llama-server in between."""
    p = Picture(
        WIDTH, 372,
        "Tools and tool calls: the client sends the tools as JSON, the chat template writes them into the system message, "
        "the model writes its call in tags, and llama-server's parser makes JSON of it for the client",
    )  # fmt: skip
    left, right, wide = 16, 426, 198
    p.text(left, 34, "your client", "bold", "step")
    p.text(320, 34, "llama-server", "bold", "wire", "middle")
    p.text(right, 34, "the model's text", "bold")
    p.text(left, 66, "the request", color="soft")
    p.text(right, 66, "in the system message", color="soft")
    tools = ('"tools": [{…', ' "web_search", …', " {…query…}}]")
    p.box(left, 76, wide, 90, "step", "", *tools, mono=True, align="start")
    p.box(247, 86, 146, 70, "wire", "chat template", "JSON → text")
    p.box(right, 76, wide, 90, "plain", "", "<tools>", "{…web_search…}", "</tools>", mono=True, align="start")
    p.arrow([(left + wide, 121), (245, 121)])
    p.arrow([(393, 121), (right - 2, 121)])
    p.text(left, 212, "the response", color="soft")
    p.text(right, 212, "what it writes", color="soft")
    call = ('"tool_calls": [{…', ' "web_search",', ' "arguments": "{', '  \\"query\\": …}"}]')
    p.box(left, 222, wide, 112, "step", "", *call, mono=True, align="start")
    p.box(247, 243, 146, 70, "wire", "parser", "tags → JSON")
    tags = ("<tool_call>", "<function=web_se…", "<parameter=query>", "…")
    p.box(right, 222, wide, 112, "plain", "", *tags, mono=True, align="start")
    p.arrow([(right, 278), (395, 278)])
    p.arrow([(247, 278), (left + wide + 2, 278)])
    p.text(320, 358, "the tags differ from model to model; the JSON does not", color="soft", align="middle")
    return p.svg()


def sandbox() -> str:
    """What the agent's code reaches on each of the three networks."""
    p = Picture(
        WIDTH, 500,
        "The sandbox and its three networks: with socket the agent's code reaches the model's Unix socket and nothing "
        "else, with host also private services, shared services and the internet, with gateway shared services and the "
        "internet, and on Docker Desktop private services, too",
    )  # fmt: skip
    rows = [
        ("socket", "the default", ("through one file", "", ""), (True, False, False)),
        ("host", "as in the blog post", ("127.0.0.1", "127.0.0.1", ""), (True, True, True)),
        ("gateway", "Docker's bridge", ("Docker's bridge", "Docker Desktop", ""), (True, None, True)),
    ]
    for n, (name, about, ways, reached) in enumerate(rows):
        y = 20 + n * 158
        p.frame(12, y, 222, 142, "container")
        p.box(26, y + 32, 194, 96, "step", "the agent's code", f"--network {name}", about)
        for m, target in enumerate(("model", "private services", "shared ones, internet")):
            top, open_ = y + m * 50, reached[m]
            kind = "wire" if m == 0 else "bad" if open_ else "mark" if open_ is None else "plain"
            p.box(424, top, 204, 42, kind, "", target)
            middle = top + 21
            if open_ is False:
                p.arrow([(234, middle), (312, middle)], dashed=True, tip=False)
                p.cross(326, middle)
            else:
                p.arrow(
                    [(234, middle), (422, middle)], kind="wire" if m == 0 else "bad", dashed=open_ is None
                )
            if ways[m]:
                p.text(326, middle - 6, ways[m], "sans", "soft", "middle")
    return p.svg()


def _mono(p: Picture, x: float, y: float, *pieces: tuple[str, str]) -> None:
    """Pieces of code side by side, in colors of their own."""
    for text, color in pieces:
        p.text(x, y, text, "mono", color)
        x += len(text) * 15 * 0.6025


PICTURES = {
    f"docs/pictures/{draw.__name__}.svg": draw
    for draw in (loop, layers, template, cache, jinja, calls, sandbox)
}
"""What draws each file."""
