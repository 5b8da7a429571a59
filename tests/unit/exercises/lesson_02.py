"""Right and wrong answers to the exercises of lesson 02."""

import json

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


def parse(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(first.split()[1]), headers, body


def parse_split(raw):
    head, body = raw.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").splitlines()
    return lines[0].split()[1], {k.lower(): v for k, v in (one.split(": ", 1) for one in lines[1:])}, body


def parse_list(raw):
    return list(parse(raw))


def greedy(raw):
    head, body = raw.rsplit(b"\r\n\r\n", 1)
    return (*parse(head + b"\r\n\r\n")[:2], body)


def text_body(raw):
    status, headers, body = parse(raw)
    return status, headers, body.decode()[:1]


def bill(response):
    t = response["timings"]
    return {
        "prompt": t["prompt_n"] + t["cache_n"],
        "cached": t["cache_n"],
        "generated": t["predicted_n"],
        "per_second": 1000 * t["predicted_n"] / t["predicted_ms"],
    }


def assemble(lines):
    thinking, content, reason = [], [], None
    for line in lines:
        if line.startswith("data:") and "{" in line:
            for choice in json.loads(line.partition(":")[2]).get("choices", []):
                thinking.append(choice["delta"].get("reasoning_content") or "")
                content.append(choice["delta"].get("content") or "")
                reason = choice.get("finish_reason") or reason
    return "".join(thinking), "".join(content), reason


STOPPED = {"content": "", "reasoning_content": "The capital of France is ", "finish_reason": "stop"}


class Server:
    """Renders as the embedded model's template does, and answers as it does with the stop sequence."""

    def apply_template(self, messages):
        return chatml(messages)

    def post(self, path, body):
        assert body["stop"] == ["Paris"], path
        message = {key: STOPPED[key] for key in ("content", "reasoning_content")}
        return {"choices": [{"message": message, "finish_reason": "stop"}]}


GIVEN = {"server": Server(), "prompt": "", "messages": [], "json": json}
ANSWERS = {
    "02.1": Answers(
        right=[chatml, joined, formatted],
        wrong=[
            lambda messages: chatml(messages).removesuffix("<think>\n"),
            lambda messages: "\n".join(m["content"] for m in messages),
            lambda messages: chatml([{**m, "content": f" {m['content']}x"} for m in messages]),
            lambda messages: chatml(messages[:1]),
        ],
        given=GIVEN,
    ),
    "02.2": Answers(
        right=[parse, parse_split, parse_list], wrong=[greedy, text_body, lambda raw: parse(raw)[:2]]
    ),
    "02.3": Answers(
        right=[
            bill,
            lambda r: {**bill(r), "per_second": round(bill(r)["per_second"], 2)},
            lambda r: {name: str(value) for name, value in bill(r).items()},
        ],
        wrong=[
            lambda r: {**bill(r), "prompt": r["timings"]["prompt_n"]},
            lambda r: {**bill(r), "per_second": bill(r)["per_second"] / 1000},
            lambda r: list(bill(r).values())[:2],
        ],
    ),
    "02.4": Answers(
        right=[assemble, lambda lines: list(assemble(lines)), lambda lines: assemble(iter(lines))],
        wrong=[
            lambda lines: assemble(lines[:-1]),
            lambda lines: (*assemble(lines)[:2], "stop"),
            lambda lines: (assemble(lines)[1], assemble(lines)[0], assemble(lines)[2]),
        ],
        given=GIVEN,
    ),
    "02.5": Answers(
        right=[
            STOPPED,
            {**STOPPED, "reasoning_content": "the capital of France is"},
            {**STOPPED, "finish_reason": '"stop"'},
        ],
        wrong=[
            {**STOPPED, "content": "The capital of France is"},
            {**STOPPED, "finish_reason": "length"},
            {"content": "", "finish_reason": "stop"},
        ],
        given=GIVEN,
    ),
}
