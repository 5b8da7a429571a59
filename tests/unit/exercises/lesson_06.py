"""Answers to the exercises of lesson 06, on servers that answer as llama-server does with and without Jinja."""

from types import SimpleNamespace

from course import labs
from support.exercises import Answers

WORDS = "Some say 153.\n</think>\n\nIt is 155 m."
HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]
WITH_TOOL = {"messages": HI, "max_tokens": 1, "tools": [{"type": "function"}]}
REFUSED = '{"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}'


class FakeServer:
    """With Jinja or without, and with a template that opens the thinking or does not."""

    def __init__(self, jinja=True, opens=True, splits=True):
        self.jinja, self.opens, self.splits = jinja, opens, splits

    def request(self, method, path, body):
        if body.get("tools") and not self.jinja:
            return SimpleNamespace(status_code=500, text=REFUSED, is_success=False)
        return SimpleNamespace(status_code=200, text="{}", is_success=True)

    def apply_template(self, messages):
        return "<|im_start|>assistant\n" + "<think>\n" * self.opens

    def props(self):
        return {"chat_template": "{{- '<think>' -}}"}


SERVERS = {
    "on": FakeServer(),
    "off": FakeServer(jinja=False, opens=False, splits=False),
    "never": FakeServer(opens=False),
    "leaky": FakeServer(splits=False),
    "healthy": FakeServer(),
}


def connection(url):
    return SERVERS[url]


def lesson():
    """The names that the cells before an exercise have made."""
    return {
        **{name: SimpleNamespace(url=name) for name in ("on", "off", "never")},
        "Connection": connection,
        "WITH_TOOL": WITH_TOOL,
        "HI": HI,
        "WORDS": WORDS,
        "labs": labs,
        "ask": ask,
    }


def ask(server, words=WORDS, **more):
    thought, _, answer = words.partition("\n</think>\n\n")
    split = {"content": answer, "reasoning_content": thought.removeprefix("<think>\n")}
    return {"choices": [{"message": split if server.splits else {"content": words}}]}


def by_message(server):
    return "requires --jinja" not in server.request("POST", "/v1/chat/completions", WITH_TOOL).text


def by_status(server):
    return server.request("POST", "/v1/chat/completions", WITH_TOOL).status_code == 200


def by_any_success(server):
    response = server.request("POST", "/v1/chat/completions", {**WITH_TOOL, "max_tokens": 2})
    return "yes" if response.is_success else "no"


def by_partition(content):
    before, tag, after = content.partition("</think>")
    if tag:
        return after.lstrip()
    return "" if before.startswith("<think>") else content


def by_splitting(content):
    if "</think>" in content:
        return content.split("</think>", 1)[1].strip()
    return content if not content.strip().startswith("<think>") else ""


def by_expression(content):
    import re

    return re.sub(r"\A(?:<think>[\s\S]*?|[\s\S]*?)</think>\s*|\A<think>[\s\S]*", "", content)


def both_tags_only(content):
    import re

    return re.sub(r"<think>.*?</think>\s*", "", content, flags=re.DOTALL)


def closing_tag_only(content):
    return content.rpartition("</think>")[2].lstrip()


def always_cut(content):
    return content.partition("</think>")[2].lstrip()


def in_three_questions(prompt, message):
    if message.get("reasoning_content"):
        return "healthy"
    if not prompt.endswith("<think>\n"):
        return "not opened"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


def in_another_order(prompt, message):
    if not prompt.rstrip().endswith("<think>"):
        return "not opened"
    if "reasoning_content" in message:
        return "Healthy"
    return "skip-chat-parsing" if "<think>" not in message["content"] else "reasoning-format none"


def as_a_table(prompt, message):
    key = ("reasoning_content" in message, "<think>" in prompt[-9:], message["content"].startswith("<think>"))
    return {
        (True, True, False): "healthy",
        (False, True, True): "reasoning-format none",
        (False, True, False): "skip-chat-parsing",
    }.get(key, "not opened")


def by_content_alone(prompt, message):
    if "reasoning_content" in message:
        return "healthy"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


def by_prompt_alone(prompt, message):
    return "healthy" if prompt.endswith("<think>\n") else "not opened"


ANSWERS = {
    "06.1": Answers(
        right=[by_message, by_status, by_any_success],
        wrong=[
            lambda server: server.apply_template(HI).endswith("<think>\n"),
            lambda server: "think" in server.props()["chat_template"],
            lambda server: "--no-jinja" not in server.command,
            lambda server: True,
            True,
        ],
        given=lesson,
    ),
    "06.2": Answers(
        right=[by_partition, by_splitting, by_expression],
        wrong=[both_tags_only, closing_tag_only, always_cut, lambda content: content, "9.62"],
    ),
    "06.3": Answers(
        right=[in_three_questions, in_another_order, as_a_table],
        wrong=[by_content_alone, by_prompt_alone, lambda prompt, message: "healthy", "not opened"],
    ),
    "06.4": Answers(
        right=[
            {"url": "leaky", "leaks": True},
            {"url": "leaky/v1/", "leaks": "yes"},
            {"url": "healthy", "leaks": False},
        ],
        wrong=[
            {"url": "healthy", "leaks": True},
            {"url": "leaky", "leaks": False},
            {"url": "off", "leaks": True},
            {"url": "nowhere", "leaks": True},
            "leaky",
        ],
        given=lesson,
    ),
}
