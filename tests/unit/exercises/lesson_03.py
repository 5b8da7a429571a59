"""Answers to the exercises of lesson 03, with agents that need no server: a scripted model, and words as tokens."""

import re
from types import SimpleNamespace
from typing import ClassVar

from smolagents import ChatMessage, Model, Tool, tool

from authoring import lessons
from course.agent import code_agent
from course.tools.search import OfflineSearch
from support.exercises import Answers, defined

SOURCE = next(path for path in lessons.sources() if path.name.startswith("03_"))
Scripted, block, observed = defined(
    SOURCE, "Scripted", "block", "observed", Model=Model, ChatMessage=ChatMessage, code_agent=code_agent
)


class Words:
    """A server that counts words and marks as tokens."""

    def tokenize(self, text):
        return re.findall(r"\w+|[^\w\s]", text)


server, agent = Words(), SimpleNamespace(model=Scripted())


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
def silent(text: str) -> str:
    """Does something and returns nothing.

    Args:
        text: What to do.
    """


@tool
def errors(path: str) -> str:
    """Finds the errors in a log.

    Args:
        path: Where the log is.
    """
    return f"Error:\n{path}: disk full\nError: no space left"


class Unplugged(OfflineSearch):
    def forward(self, query):
        raise ConnectionError("no route to the search engine")


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
    "block": block,
    "Unplugged": Unplugged,
    "re": re,
    "sections": {"rules": prompt().partition("Here are the rules")[2]},
}


def stopped_by(read):
    if read.startswith("Observation:"):
        return "nobody"
    if "Error in code parsing" in read:
        return "parser"
    return "executor" if "InterpreterError" in read else "exception"


def by_first_line(read):
    return {"Observation:": "nobody", "Error:": "parser"}.get(read.splitlines()[0]) or (
        "executor" if "due to: InterpreterError:" in read else "exception"
    )


def by_pattern(read):
    found = re.search(r"due to: (\w+):", read) if not read.startswith("Observation:") else None
    if found:
        return "executor" if found[1] == "InterpreterError" else "exception"
    return "nobody" if read.startswith("Observation") else "parser"


def any_error(read):
    return "nobody" if "Error" not in read else stopped_by(read) if "due to" in read else "parser"


def no_parser(read):
    return "executor" if stopped_by(read) == "parser" else stopped_by(read)


def no_exception(read):
    return "executor" if stopped_by(read) == "exception" else stopped_by(read)


def by_words(read):
    for words, who in (
        ("InterpreterError", "executor"),
        ("Error in code parsing", "parser"),
        ("due to", "exception"),
    ):
        if words in read:
            return who
    return "nobody"


UPPER = Upper()
RULES = {"a": 6, "b": 4, "c": 7, "d": 10, "e": 11}

ANSWERS = {
    "03.1": Answers(
        right=[
            {"tool": vat, "call": "print(vat(net=9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "vat(1, 2)", "tokens": str(added(vat))},
            {"tool": UPPER, "call": "word = upper('a')\nprint(word)", "tokens": added(UPPER) + 1},
            {"tool": errors, "call": "print(errors('/var/log/messages'))", "tokens": added(errors)},
        ],
        wrong=[
            {"tool": vat.forward, "call": "print(vat(9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "print(vat(gross=9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "price = vat(9.99)\nNone", "tokens": added(vat)},
            {"tool": vat, "call": "print(9.99)", "tokens": added(vat)},
            {"tool": vat, "call": "print('vat(')", "tokens": added(vat)},
            {"tool": vat, "call": "final_answer(vat(9.99))", "tokens": added(vat)},
            {"tool": vat, "call": "print(vat(9.99))", "tokens": 3 * added(vat)},
            {"tool": vat, "call": "print(vat(9.99))", "tokens": "many"},
            {"tool": nothing, "call": "print(nothing())", "tokens": added(nothing)},
            {"tool": silent, "call": "print(silent('x'))", "tokens": added(silent)},
            {
                "tool": unit_converter,
                "call": "print(unit_converter(1, 'a', 'b'))",
                "tokens": added(unit_converter),
            },
            vat,
        ],
        given=GIVEN,
    ),
    "03.2": Answers(
        right=[RULES, {k: str(v) for k, v in RULES.items()}, list(RULES.items())],
        wrong=[RULES | {"d": 2}, dict.fromkeys(RULES, 6), [6, 4, 7, 10, 11], RULES | {"c": 8}],
        given=GIVEN,
    ),
    "03.3": Answers(
        right=[stopped_by, by_first_line, by_pattern],
        wrong=[any_error, no_parser, no_exception, by_words, str.split],
        given=GIVEN,
    ),
}
