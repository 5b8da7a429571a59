"""Answers to the exercises of appendix 06b, on servers that answer as llama-server does with and without Jinja."""

import json
from types import SimpleNamespace

import httpx

from support.exercises import Answers

HI = [{"role": "user", "content": "How long is the Pont des Arts?"}]
WITH_TOOL = {"messages": HI, "max_tokens": 1, "tools": [{"type": "function"}]}
NO_JINJA = {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}


class FakeConnection:
    """With Jinja or without; its template opens the thinking or does not."""

    def __init__(self, url):
        self.url = url
        self.command = ["llama-server"] + ["--no-jinja"] * (url == "off")

    def request(self, method, path, json=None):
        if json and json.get("tools") and self.url == "off":
            return httpx.Response(500, json=NO_JINJA)
        return httpx.Response(200, json={"choices": []})

    def apply_template(self, messages):
        return "<|im_start|>assistant\n" + "<think>\n" * (self.url == "on")


def lesson():
    """The names that the cells before the exercise have made."""
    return {
        **{name: SimpleNamespace(url=name) for name in ("on", "off", "broken")},
        "Connection": FakeConnection,
        "WITH_TOOL": WITH_TOOL,
        "HI": HI,
        "httpx": httpx,
    }


def by_message(server):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    if response.status_code == 200 and "choices" in response.text:
        return True
    return False if "requires --jinja" in response.text else None


def by_error(server):
    try:
        answer = json.loads(server.request("POST", "/v1/chat/completions", WITH_TOOL).text)
    except ValueError:
        return None
    if "choices" in answer:
        return True
    return False if "jinja" in str(answer.get("error")) else None


def by_success(server):
    response = server.request("POST", "/v1/chat/completions", {**WITH_TOOL, "max_tokens": 2})
    if "jinja" in response.text:
        return "no"
    return "yes" if response.is_success and '"choices":' in response.text else None


def two_answers_only(server):
    return "requires --jinja" not in server.request("POST", "/v1/chat/completions", WITH_TOOL).text


def by_status(server):
    return server.request("POST", "/v1/chat/completions", WITH_TOOL).status_code == 200


def each_500_is_a_no(server):
    status = server.request("POST", "/v1/chat/completions", WITH_TOOL).status_code
    return None if status in (401, 404) else status == 200


def by_a_table(server):
    status = server.request("POST", "/v1/chat/completions", WITH_TOOL).status_code
    return {200: True, 500: False}.get(status)


def any_mention(server):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    return True if response.is_success else False if "jinja" in response.text.lower() else None


def also_by_exception(server):
    response = server.request("POST", "/v1/chat/completions", WITH_TOOL)
    if "requires --jinja" in response.text:
        return False
    return True if '"choices"' in response.text or "Jinja Exception" in response.text else None


def by_prompt(server):
    return server.apply_template(HI).endswith("<think>\n")


def in_two_questions(prompt, message):
    opened, separated = prompt.endswith("<think>\n"), "reasoning_content" in message
    if separated:
        return "healthy" if opened else "broken template"
    if not opened:
        return "no-jinja"
    return (
        "reasoning-format none" if message["content"].startswith("<think>\n<think>") else "skip-chat-parsing"
    )


def template_first(prompt, message):
    if not prompt.rstrip().endswith("<think>"):
        return "broken template" if message.get("reasoning_content") else "no-jinja"
    if message.get("reasoning_content"):
        return "Healthy"
    thought = message["content"].partition("</think>")[0]
    return "skip-chat-parsing" if thought.count("<think>") == 1 else "reasoning-format none"


def as_a_table(prompt, message):
    twice = "".join(message["content"].split()).startswith("<think><think>")
    key = (prompt[-8:] == "<think>\n", bool(message.get("reasoning_content")), twice)
    return {
        (True, True, False): "healthy",
        (False, True, False): "broken template",
        (True, False, True): "reasoning-format none",
        (True, False, False): "skip-chat-parsing",
    }.get(key, "no-jinja")


def any_tag_in_the_prompt(prompt, message):
    return in_two_questions("<think>\n" if "<think>" in prompt else "", message)


def by_counting(prompt, message):
    if "reasoning_content" not in message and prompt.endswith("<think>\n"):
        return "reasoning-format none" if message["content"].count("<think>") == 2 else "skip-chat-parsing"
    return in_two_questions(prompt, message)


def without_the_prompt(prompt, message):
    return "healthy" if "reasoning_content" in message else "no-jinja"


ANSWERS = {
    "06b.1": Answers(
        right=[by_message, by_error, by_success, also_by_exception],
        wrong=[
            two_answers_only,
            by_status,
            each_500_is_a_no,
            by_a_table,
            any_mention,
            by_prompt,
            lambda server: "--no-jinja" not in server.command,
            lambda server: True,
            True,
        ],
        given=lesson,
    ),
    "06b.2": Answers(
        right=[in_two_questions, template_first, as_a_table],
        wrong=[any_tag_in_the_prompt, by_counting, without_the_prompt, lambda *_: "healthy", "no-jinja"],
    ),
}
