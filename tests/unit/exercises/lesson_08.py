"""Answers to the exercises of lesson 08, with a server that renders and counts in the simplest way."""

import json
import re

from smolagents import Model, Tool, tool
from smolagents.models import get_tool_json_schema

from course.agent import code_agent, tool_agent
from course.tools.search import OfflineSearch
from support.exercises import Answers

# --- 08.1


class Words:
    """Counts words and marks as tokens, and writes a prompt as the messages and the JSON of the tools."""

    def tokenize(self, text):
        return re.findall(r"\w+|[^\w\s]", text)

    def post(self, path, body):
        assert path == "/apply-template"
        return {"prompt": json.dumps(body.get("tools", "")) + "".join(m["content"] for m in body["messages"])}


server = Words()


def first_prompt(build, tools):
    made = build(Model(), tools=tools)
    messages = [
        {"role": "system", "content": made.system_prompt},
        {"role": "user", "content": "New task:\nHi"},
    ]
    fields = {"tools": [get_tool_json_schema(t) for t in made.tools.values()]} if build is tool_agent else {}
    return server.post("/apply-template", {"messages": messages, **fields})["prompt"]


def added(build, extra):
    more, less = (first_prompt(build, given) for given in ([OfflineSearch(), extra], [OfflineSearch()]))
    return len(server.tokenize(more)) - len(server.tokenize(less))


@tool
def vat(net: float, percent: float) -> float:
    """Adds the value-added tax to a net price.

    Args:
        net: The price without tax.
        percent: The tax rate in percent.
    """
    return net * (1 + percent / 100)


@tool
def now() -> str:
    """Tells the time."""
    return "12:00"


VAT = {"tool": vat, "code": added(code_agent, vat), "tool calls": added(tool_agent, vat)}
NOW = {"tool": now, "code": added(code_agent, now), "tool calls": added(tool_agent, now)}
SEARCH = OfflineSearch()

# --- 08.2


def answered(message, functions):
    more = [message]
    for call in message["tool_calls"]:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        try:
            text = str(functions[name](**json.loads(arguments or "{}")))
        except Exception as error:
            text = f"Error: {type(error).__name__}: {error}"
        more.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    return more


def result_of(call, functions):
    name = call["function"]["name"]
    if name not in functions:
        return f"Error: unknown tool {name}"
    try:
        text = call["function"]["arguments"]
        return f"{functions[name](**json.loads(text)) if text else functions[name]()}"
    except BaseException as error:
        return f"Error:\n{error}"


def with_a_helper(message, functions):
    return [
        message,
        *(
            {"role": "tool", "tool_call_id": call["id"], "name": call["function"]["name"], "content": text}
            for call in message["tool_calls"]
            for text in [result_of(call, functions)]
        ),
    ]


def from_a_copy(message, functions):
    made = [dict(message)]
    made += [
        {"content": result_of(call, functions), "tool_call_id": call["id"], "role": "tool"}
        for call in message["tool_calls"]
    ]
    return made


def without_the_message(message, functions):
    return answered(message, functions)[1:]


def as_user(message, functions):
    return [message, *({**m, "role": "user"} for m in answered(message, functions)[1:])]


def numbers_stay(message, functions):
    calls = message["tool_calls"]
    return [
        message,
        *(
            {
                "role": "tool",
                "tool_call_id": c["id"],
                "content": functions[c["function"]["name"]](**json.loads(c["function"]["arguments"])),
            }
            for c in calls
        ),
    ]


def one_id_for_all(message, functions):
    return [message, *({**m, "tool_call_id": "call_1"} for m in answered(message, functions)[1:])]


def empty_is_an_error(message, functions):
    made = [message]
    for call in message["tool_calls"]:
        try:
            text = str(functions[call["function"]["name"]](**json.loads(call["function"]["arguments"])))
        except Exception as error:
            text = f"Error: {error}"
        made.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    return made


def ends_at_an_error(message, functions):
    made = answered(message, functions)
    wrong = next((n for n, m in enumerate(made) if str(m["content"]).startswith("Error")), len(made))
    return made[: wrong + 1]


# --- 08.3


def first_said(number, events):
    whole = re.compile(r"\d+(?:\.\d+|,\d{3}(?!\d))*")
    return next((who for who, text in events if number in whole.findall(text)), None)


def by_neighbors(number, events):
    three = r"\d{3}(?!\d)"
    before = rf"(?<![\d.])(?:(?<!\d,)|(?!{three}))"
    whole = re.compile(rf"{before}{re.escape(number)}(?!\d|\.\d|,{three})")
    return next((who for who, text in events if whole.search(text)), None)


def by_split(number, events):
    for who, text in events:
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "_", text)
        if number in [word.rstrip(".") for word in re.split(r"[^\d._]+", text)]:
            return who


def every_comma_joins(number, events):
    whole = re.compile(rf"(?<![\d.,]){re.escape(number)}(?![.,]?\d)")
    return next((who for who, text in events if whole.search(text)), None)


def without_letters(number, events):
    whole = re.compile(r"(?<![A-Za-z])\d+(?:\.\d+|,\d{3}(?!\d))*(?![A-Za-z])")
    return next((who for who, text in events if number in whole.findall(text)), None)


def without_the_system(number, events):
    return first_said(number, [(who, text) for who, text in events if who != "system"])


def by_substring(number, events):
    return next((who for who, text in events if number in text), None)


def without_escape(number, events):
    whole = re.compile(rf"(?<![\d.]){number}(?!\.?\d)")
    return next((who for who, text in events if whole.search(text)), None)


def thousands(number, events):
    alone = re.compile(rf"(?<![\d.]){re.escape(number)}(?!\.?\d)")
    return next((who for who, text in events if alone.search(text)), None)


def by_words(number, events):
    return next((who for who, text in events if number in text.split()), None)


def last_said(number, events):
    return first_said(number, list(reversed(events)))


def boundaries(number, events):
    return next((who for who, text in events if re.search(rf"\b{re.escape(number)}\b", text)), None)


ANSWERS = {
    "08.1": Answers(
        right=[
            VAT,
            {name: str(value) if name != "tool" else value for name, value in NOW.items()},
            {**VAT, "code": VAT["code"] + 1},
        ],
        wrong=[
            {**VAT, "code": VAT["tool calls"]},
            {**VAT, "tool calls": VAT["code"]},
            {**VAT, "tool": now},
            {"tool": SEARCH, "code": added(code_agent, now), "tool calls": 5},
            {**VAT, "tool": vat.forward},
            {**VAT, "code": "few"},
            [vat, 1, 2],
        ],
        given={
            "Tool": Tool, "OfflineSearch": OfflineSearch, "code_agent": code_agent, "tool_agent": tool_agent,
            "first_prompt": first_prompt, "server": server, "re": re,
        },
    ),
    "08.2": Answers(
        right=[answered, with_a_helper, from_a_copy],
        wrong=[without_the_message, as_user, numbers_stay, one_id_for_all, ends_at_an_error, empty_is_an_error],
    ),
    "08.3": Answers(
        right=[first_said, by_neighbors, by_split],
        wrong=[
            by_substring, without_escape, by_words, last_said, boundaries, thousands, every_comma_joins, without_letters,
            without_the_system, lambda number, events: "program",
        ],
    ),
}  # fmt: skip
