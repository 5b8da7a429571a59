"""Right and wrong answers to the exercises of lesson 02."""

from typing import Any

import httpx

from course.errors import CourseError
from course.server.connection import Connection
from support.exercises import Answers


def chatml(messages):
    text = ""
    for message in messages:
        text += "<|im_start|>" + message["role"] + "\n" + message["content"].strip() + "<|im_end|>\n"
    return text + "<|im_start|>assistant\n<think>\n"


def joined(messages):
    turns = [f"<|im_start|>{m['role']}\n{m['content'].strip()}<|im_end|>\n" for m in messages]
    return "".join([*turns, "<|im_start|>assistant\n<think>\n"])


def formatted(messages):
    form = "<|im_start|>%s\n%s<|im_end|>\n"
    return (
        "".join(form % (m["role"], m["content"].strip()) for m in messages)
        + "<|im_start|>assistant\n<think>\n"
    )


def unstripped(messages):
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return text + "<|im_start|>assistant\n<think>\n"


def only_users_stripped(messages):
    return (
        "".join(
            f"<|im_start|>{m['role']}\n{m['content'].strip() if m['role'] == 'user' else m['content']}<|im_end|>\n"
            for m in messages
        )
        + "<|im_start|>assistant\n<think>\n"
    )


def all_space_squeezed(messages):
    return chatml([{**m, "content": " ".join(m["content"].split())} for m in messages])


def why_empty(choice):
    message, reason = choice["message"], choice["finish_reason"]
    if (message.get("content") or "").strip():
        return "not empty"
    if reason == "length":
        return "limit"
    if reason == "tool_calls" or message.get("tool_calls"):
        return "tool call"
    return "thinking only" if (message.get("reasoning_content") or "").strip() else "nothing"


def why_by_table(choice):
    texts = {key: (choice["message"].get(key) or "").split() for key in ("content", "reasoning_content")}
    if texts["content"]:
        return "not empty"
    otherwise = "thinking only" if texts["reasoning_content"] else "nothing"
    if choice["message"].get("tool_calls"):
        otherwise = "tool call"
    return {"length": "limit", "tool_calls": "tool call"}.get(choice["finish_reason"], otherwise)


def why_by_rules(choice):
    message = {
        key: value for key, value in choice["message"].items() if isinstance(value, str) and value.strip()
    }
    rules = [
        ("not empty", "content" in message),
        ("limit", choice["finish_reason"] == "length"),
        ("tool call", choice["finish_reason"] == "tool_calls" or choice["message"].get("tool_calls")),
        ("thinking only", "reasoning_content" in message),
        ("nothing", True),
    ]
    return next(name for name, fits in rules if fits)


def why_by_the_calls_too(choice):
    message = choice["message"]
    if (
        not (message.get("content") or "").strip()
        and choice["finish_reason"] != "length"
        and message.get("tool_calls")
    ):
        return "tool call"
    return why_empty({**choice, "finish_reason": choice["finish_reason"].replace("tool_calls", "stop")})


def why_by_calls(choice):
    return "tool call" if choice["message"].get("tool_calls") else why_empty(choice)


def by_the_reason_alone(choice):
    """Rule 3 without the message."""
    return why_empty({**choice, "message": {**choice["message"], "tool_calls": None}})


def call_first(choice):
    return "tool call" if choice["finish_reason"] == "tool_calls" else why_empty(choice)


def any_other_reason(choice):
    why = why_empty(choice)
    return "tool call" if why != "not empty" and choice["finish_reason"] not in ("stop", "length") else why


def reason_first(choice):
    return "limit" if choice["finish_reason"] == "length" else why_empty(choice)


def white_space_is_text(choice):
    return "not empty" if choice["message"].get("content") else why_empty(choice)


def no_missing_keys(choice):
    return "not empty" if choice["message"]["content"].strip() else why_empty(choice)


def thoughts_are_text(choice):
    return "not empty" if choice["message"].get("reasoning_content") else why_empty(choice)


STOPPED = {"content": "", "reasoning_content": "The capital of France is ", "finish_reason": "stop"}


class Server(Connection):
    """Renders as the embedded model's template does, and answers as it does with the stop sequence."""

    def request(self, method: str, path: str, json: Any = None) -> httpx.Response:
        if path == "/apply-template":
            answer = {"prompt": chatml(json["messages"])}
        else:
            assert json["stop"] == ["Paris"], path
            message = {key: STOPPED[key] for key in ("content", "reasoning_content")}
            answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
        return httpx.Response(200, json=answer, request=httpx.Request(method, "http://127.0.0.1" + path))


SERVER = Server("http://127.0.0.1:9")
GIVEN = {
    "server": SERVER,
    "prompt": "",
    "messages": [],
    "stopping": {"stop": ["Paris"]},
    "CourseError": CourseError,
}
ANSWERS = {
    "02.1": Answers(
        right=[chatml, joined, formatted],
        wrong=[
            lambda messages: chatml(messages).removesuffix("<think>\n"),
            lambda messages: "\n".join(m["content"] for m in messages),
            lambda messages: chatml([{**m, "content": f" {m['content']}x"} for m in messages]),
            lambda messages: chatml(messages[:1]),
            unstripped,
            only_users_stripped,
            all_space_squeezed,
            SERVER.apply_template,
            lambda messages: SERVER.post("/apply-template", {"messages": messages})["prompt"],
        ],
        given=GIVEN,
    ),
    "02.2": Answers(
        right=[
            STOPPED,
            {**STOPPED, "content": None, "reasoning_content": "the capital of France is"},
            {**STOPPED, "finish_reason": '"stop"'},
        ],
        wrong=[
            {**STOPPED, "content": "The capital of France is"},
            {**STOPPED, "finish_reason": "length"},
            {"content": "", "finish_reason": "stop"},
            "stop",
        ],
        given=GIVEN,
    ),
    "02.3": Answers(
        right=[why_empty, why_by_table, why_by_rules, why_by_the_calls_too],
        wrong=[
            reason_first,
            why_by_calls,
            by_the_reason_alone,
            call_first,
            any_other_reason,
            white_space_is_text,
            no_missing_keys,
            thoughts_are_text,
            lambda choice: choice["finish_reason"],
        ],
    ),
}
