"""Right and wrong answers to the exercises of lesson 02."""

from course.errors import CourseError
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


def why_empty(choice):
    message, reason = choice["message"], choice["finish_reason"]
    if (message.get("content") or "").strip():
        return "not empty"
    if reason == "length":
        return "limit"
    if reason == "tool_calls":
        return "tool call"
    return "thoughts only" if (message.get("reasoning_content") or "").strip() else "nothing"


def why_by_table(choice):
    texts = {key: (choice["message"].get(key) or "").split() for key in ("content", "reasoning_content")}
    if texts["content"]:
        return "not empty"
    otherwise = "thoughts only" if texts["reasoning_content"] else "nothing"
    return {"length": "limit", "tool_calls": "tool call"}.get(choice["finish_reason"], otherwise)


def why_by_calls(choice):
    return "tool call" if choice["message"].get("tool_calls") else why_empty(choice)


def reason_first(choice):
    return "limit" if choice["finish_reason"] == "length" else why_empty(choice)


def white_space_is_text(choice):
    return "not empty" if choice["message"].get("content") else why_empty(choice)


def no_missing_keys(choice):
    return "not empty" if choice["message"]["content"].strip() else why_empty(choice)


def thoughts_are_text(choice):
    return "not empty" if choice["message"].get("reasoning_content") else why_empty(choice)


STOPPED = {"content": "", "reasoning_content": "The capital of France is ", "finish_reason": "stop"}


class Server:
    """Renders as the embedded model's template does, and answers as it does with the stop sequence."""

    def apply_template(self, messages):
        return self.post("/apply-template", {"messages": messages})["prompt"]

    def post(self, path, body):
        if path == "/apply-template":
            return {"prompt": chatml(body["messages"])}
        assert body["stop"] == ["Paris"], path
        message = {key: STOPPED[key] for key in ("content", "reasoning_content")}
        return {"choices": [{"message": message, "finish_reason": "stop"}]}


SERVER = Server()
GIVEN = {
    "server": SERVER,
    "prompt": "",
    "messages": [],
    "capital": {"messages": []},
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
            lambda messages: SERVER.apply_template(messages),
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
        right=[why_empty, why_by_table, why_by_calls],
        wrong=[
            reason_first,
            white_space_is_text,
            no_missing_keys,
            thoughts_are_text,
            lambda choice: choice["finish_reason"],
        ],
    ),
}
