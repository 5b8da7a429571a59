"""Answers to the exercises of lesson 06: a guard, a diagnosis, and a pair of servers of which one leaks."""

from types import SimpleNamespace

from course import labs
from support.exercises import Answers

HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]
SPLIT = {"content": "It is 155 m.", "reasoning_content": "Some say 153."}
LEAKED = "Is it 150 m?\n</think>\n\nNo: 155 m."
BOTH = "<think>\n" + LEAKED


class FakeServer:
    """Whether its template opens the thinking, and the message that it returns for each question."""

    def __init__(self, message, opens=True):
        self.message, self.opens = message, opens

    def apply_template(self, messages):
        return "<|im_start|>assistant\n" + "<think>\n" * self.opens

    def post(self, path, body):
        assert not self.opens, "a server that opens the thinking is asked with forced words"
        return {"choices": [{"message": self.message}]}


SERVERS = {
    "http://127.0.0.1:8001": FakeServer(SPLIT),
    "http://127.0.0.1:8002": FakeServer({"content": LEAKED}, opens=False),
    "http://healthy:9000": FakeServer(SPLIT),
    "http://skips:9000": FakeServer({"content": LEAKED}),
    "http://format:9000": FakeServer({"content": BOTH}),
    "http://no-jinja:9000": FakeServer({"content": BOTH}, opens=False),
    "http://opens-itself:9000": FakeServer(SPLIT, opens=False),
    "https://never-thinks.example": FakeServer({"content": "155 m."}, opens=False),
}


def ask(server):
    """The answer to forced words."""
    return {"choices": [{"message": server.message}]}


def lesson():
    """The names that the cells before the last exercise have made."""
    return {
        "on": SimpleNamespace(url="http://127.0.0.1:8001"),
        "off": SimpleNamespace(url="http://127.0.0.1:8002"),
        "Connection": SERVERS.__getitem__,
        "HI": HI,
        "labs": labs,
        "ask": ask,
    }


def pair(leaking="http://skips:9000", healthy="http://healthy:9000", opens="yes"):
    return {"leaking": leaking, "healthy": healthy, "opens": opens}


# --- 06.1


def by_partition(message):
    if message.get("reasoning_content"):
        return message["content"]
    return message["content"].partition("</think>")[2].lstrip()


def by_split(message):
    content = message["content"]
    if "reasoning_content" in message:
        return content
    return content.split("</think>", 1)[1] if "</think>" in content else None


def by_index(message):
    if message.get("reasoning_content") is None:
        if "</think>" not in message["content"]:
            return ""
        return message["content"][message["content"].index("</think>") + len("</think>") :]
    return message["content"]


def last_tag(message):
    return (
        message["content"] if "reasoning_content" in message else message["content"].rpartition("</think>")[2]
    )


def without_tags_as_it_is(message):
    content = message["content"]
    return content.partition("</think>")[2] if "</think>" in content else content


def from_the_last_block(message):
    content = message["content"]
    return content[content.rfind("<code>") :] if "<code>" in content else ""


def tags_in_pairs(message):
    import re

    return re.sub(r"<think>.*?</think>\s*", "", message["content"], flags=re.DOTALL)


def always_cut(message):
    return message["content"].partition("</think>")[2].lstrip()


# --- 06.2


def in_order(prompt, message):
    if prompt.endswith("</think>\n\n"):
        return "healthy"
    if not prompt.endswith("<think>\n"):
        return "not opened"
    if message.get("reasoning_content") or "</think>" not in message["content"]:
        return "healthy"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


def by_last_line(prompt, message):
    last = prompt.rstrip().splitlines()[-1]
    if last == "</think>":
        return "Healthy"
    if last != "<think>":
        return "not opened"
    if "reasoning_content" in message:
        return "healthy"
    if message["content"].lstrip().startswith("<think>"):
        return "reasoning-format none"
    return "skip-chat-parsing" if "</think>\n" in message["content"] else "healthy"


def leaks_first(prompt, message):
    end, content = prompt[-20:], message["content"]
    opened, closed = "<think>" in end, "</think>" in end
    if opened and not closed and "reasoning_content" not in message:
        if content.startswith("<think>"):
            return "reasoning-format none"
        if "</think>" in content:
            return "skip-chat-parsing"
    return "healthy" if opened else "not opened"


def by_any_tag(prompt, message):
    if message.get("reasoning_content"):
        return "healthy"
    if "<think>" not in prompt:
        return "not opened"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


def without_the_silent(prompt, message):
    """Takes each answer without thinking for the work of a server that does not parse."""
    if message.get("reasoning_content"):
        return "healthy"
    if not prompt.endswith("<think>\n"):
        return "not opened"
    return "reasoning-format none" if message["content"].startswith("<think>") else "skip-chat-parsing"


def message_first(prompt, message):
    if message.get("reasoning_content") or "</think>" not in message["content"]:
        return "healthy"
    return in_order(prompt, message)


ANSWERS = {
    "06.1": Answers(
        right=[by_partition, by_split, by_index],
        wrong=[
            last_tag,
            without_tags_as_it_is,
            from_the_last_block,
            tags_in_pairs,
            always_cut,
            lambda message: message["content"],
            lambda message: "",
            "9.62",
        ],
    ),
    "06.2": Answers(
        right=[in_order, by_last_line, leaks_first],
        wrong=[
            by_any_tag,
            without_the_silent,
            message_first,
            lambda prompt, message: "healthy",
            lambda prompt, message: "healthy" if prompt.endswith("<think>\n") else "not opened",
            "not opened",
        ],
    ),
    "06.3": Answers(
        right=[
            pair(),
            pair("format:9000/v1/", opens=True),
            pair("http://skips:9000/v1/chat/completions", opens=" Yes"),
            pair("http://no-jinja:9000", "http://opens-itself:9000", "no"),
            pair("http://no-jinja:9000/", "https://never-thinks.example", False),
        ],
        wrong=[
            pair(opens="no"),
            pair("http://no-jinja:9000"),
            pair(opens="perhaps"),
            pair("http://healthy:9000"),
            pair("http://healthy:9000", "http://skips:9000"),
            pair(healthy="http://format:9000"),
            pair(healthy="http://no-jinja:9000"),
            pair(healthy="http://127.0.0.1:8001"),
            pair("http://localhost:8002", opens="no"),
            pair("http://nowhere"),
            {"leaking": "http://skips:9000", "healthy": "http://healthy:9000"},
            "http://healthy:9000",
        ],
        given=lesson,
    ),
}
