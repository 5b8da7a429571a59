"""Answers to the exercises of lesson 03, with agents that need no server: a model that is never asked, words as tokens."""

import ast
import re
from types import SimpleNamespace
from typing import ClassVar

from smolagents import ChatMessage, Model, Tool, tool

from course.agent import code_agent
from course.tools.search import OfflineSearch
from support.exercises import Answers


class Silent(Model):
    """Runs one line of code and answers."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.sent = list(replies), []

    def generate(self, messages, **_):
        self.sent.append(messages)
        return ChatMessage(role="assistant", content=self.replies.pop(0))


class Words:
    """A server that counts words and marks as tokens."""

    def tokenize(self, text):
        return re.findall(r"\w+|[^\w\s]", text)


def observed(code, tools=None):
    model = Silent(f"<code>\n{code}\n</code>", "<code>\nfinal_answer('done')\n</code>")
    code_agent(model, tools=tools, verbosity_level=-1).run("Do it.")
    return model.sent[1][-1].content[0]["text"]


server, agent = Words(), SimpleNamespace(model=Silent())


def prompt(*tools):
    return code_agent(agent.model, tools=[OfflineSearch(), *tools]).system_prompt


total = len(server.tokenize(prompt()))


def added(extra):
    return len(server.tokenize(prompt(extra))) - total


@tool
def unit_converter(value: float, unit: str, target: str) -> float:
    """Converts a speed from one unit to another.

    Args:
        value: The number to convert.
        unit: Its unit.
        target: The unit that is wanted.
    """
    return value


@tool
def vat(net: float, percent: float = 19) -> float:
    """Adds the value-added tax to a net price.

    Args:
        net: The price without tax.
        percent: The tax rate in percent.
    """
    return net * (1 + percent / 100)


@tool
def nothing() -> str:
    """Says nothing."""
    return ""


@tool
def now() -> str:
    """Tells the time."""
    return "12:00"


@tool
def route(start: str, goal: str) -> list:
    """Finds the best way between two places, with every change, the platforms and the time that is left.

    Args:
        start: The place where the journey begins, with its country.
        goal: The place where it ends, with its country.
    """
    return []


class Upper(Tool):
    name = "upper"
    description = "Writes a text in capitals."
    inputs: ClassVar[dict] = {"text": {"type": "string", "description": "The text."}}
    output_type = "string"

    def forward(self, text):
        return text.upper()


GIVEN = {
    "server": server,
    "agent": agent,
    "code_agent": code_agent,
    "OfflineSearch": OfflineSearch,
    "Tool": Tool,
    "tool": tool,
    "total": total,
    "observed": observed,
    "added": added,
    "unit_converter": unit_converter,
    "now": now,
    "route": route,
    "re": re,
    "sections": {"rules": prompt().partition("Here are the rules")[2]},
}


def by_both_prompts(extra):
    return len(server.tokenize(prompt(extra))) - len(server.tokenize(prompt()))


def by_its_text_alone(extra):
    return f"{len(server.tokenize(extra.to_code_prompt()))} tokens"


def whole_prompt(extra):
    return len(server.tokenize(prompt(extra)))


def of_the_converter(extra):
    return added(unit_converter)


def description_only(extra):
    return len(server.tokenize(extra.description))


def by_rule(text):
    rule = re.search(r"^9\..*", text, re.MULTILINE)[0]
    return ast.literal_eval(re.search(r"\[.*\]", rule)[0])


def by_words(text):
    after = text.partition("from the following list of modules: ")[2]
    return {name.strip("' ") for name in after[1 : after.index("]")].split(",")}


def by_quotes(text):
    line = next(line for line in text.split("\n") if "list of modules" in line)
    return tuple(re.findall(r"'([^']+)'", line))


def first_list(text):
    return ast.literal_eval(re.search(r"\[.*\]", text)[0])


def as_it_is(text):
    return agent.authorized_imports


def usual(text):
    return ["collections", "datetime", "itertools", "math", "queue", "random", "re", "stat", "statistics"]


def one_letter_each(text):
    rule = re.search(r"^9\..*", text, re.MULTILINE)[0]
    return list(rule)


UPPER = Upper()
RULES = {"a": 6, "b": 4, "c": 7, "d": 10, "e": 11}

ANSWERS = {
    "03.1": Answers(
        right=[added, by_both_prompts, by_its_text_alone],
        wrong=[whole_prompt, of_the_converter, description_only, lambda extra: 117, 117],
        given=GIVEN,
    ),
    "03.2": Answers(
        right=[
            {"tool": vat, "call": "print(vat(net=9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "vat(1, 2)", "tokens": str(added(vat))},
            {"tool": UPPER, "call": "word = upper('a')\nprint(word)", "tokens": added(UPPER) + 1},
        ],
        wrong=[
            {"tool": vat.forward, "call": "print(vat(9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "print(vat(gross=9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "price = vat(9.99)\nNone", "tokens": added(vat)},
            {"tool": vat, "call": "print(9.99)", "tokens": added(vat)},
            {"tool": vat, "call": "print(vat(9.99))", "tokens": 3 * added(vat)},
            {"tool": vat, "call": "print(vat(9.99))", "tokens": "many"},
            {"tool": nothing, "call": "print(nothing())", "tokens": added(nothing)},
            {
                "tool": unit_converter,
                "call": "print(unit_converter(1, 'a', 'b'))",
                "tokens": added(unit_converter),
            },
            vat,
        ],
        given=GIVEN,
    ),
    "03.3": Answers(
        right=[RULES, {k: str(v) for k, v in RULES.items()}, list(RULES.items())],
        wrong=[RULES | {"d": 2}, dict.fromkeys(RULES, 6), [6, 4, 7, 10, 11], RULES | {"c": 8}],
        given=GIVEN,
    ),
    "03.4": Answers(
        right=[by_rule, by_words, by_quotes],
        wrong=[as_it_is, usual, one_letter_each, str.split, "numpy"],
        given=GIVEN,
    ),
}
