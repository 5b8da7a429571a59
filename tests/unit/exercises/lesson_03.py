"""Answers to the exercises of lesson 03, with agents that need no server: a scripted model, and words as tokens."""

import re
from typing import ClassVar

from smolagents import (
    ChatMessage,
    Model,
    Tool,
    WebSearchTool,
    get_clean_message_list,
    tool,
    tool_role_conversions,
)

from authoring import lessons
from course.agent import code_agent
from support.exercises import Answers, defined

SOURCE = next(path for path in lessons.sources() if path.name.startswith("03_"))
Scripted, block, observed = defined(
    SOURCE, "Scripted", "block", "observed", Model=Model, ChatMessage=ChatMessage, code_agent=code_agent,
    get_clean_message_list=get_clean_message_list, tool_role_conversions=tool_role_conversions,
)  # fmt: skip


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


class Upper(Tool):
    name = "upper"
    description = "Writes a text in capitals."
    inputs: ClassVar[dict] = {"text": {"type": "string", "description": "The text."}}
    output_type = "string"

    def forward(self, text):
        return text.upper()


GIVEN = {"Tool": Tool, "WebSearchTool": WebSearchTool, "observed": observed, "block": block, "re": re}


def stopped_by(read):
    if read.startswith("Error:\nError in code parsing"):
        return "parser"
    if "Last output from code snippet:\n" in read:
        return "nobody"
    return "executor" if read.rpartition("due to: ")[2].startswith("InterpreterError") else "exception"


def by_lines(read):
    lines = read.strip().splitlines()
    if lines[0] == "Error:":
        return "parser"
    if "Last output from code snippet:" in lines or not lines[-1].startswith("Now let's retry"):
        return "nobody"
    failed = [line for line in lines if "Code execution failed at line" in line or "due to:" in line][-1]
    return "executor" if failed.split("due to: ")[-1].startswith("InterpreterError") else "exception"


def by_pattern(read):
    if re.match(r"Error:\s+Error in code parsing", read):
        return "parser"
    if re.search(r"^Last output from code snippet:$", read, re.MULTILINE):
        return "nobody"
    return "executor" if re.findall(r"due to: (\w+):", read)[-1] == "InterpreterError" else "exception"


def by_the_end(read):
    if read.startswith("Error:\nError in code parsing"):
        return "parser"
    if not read.rstrip().endswith("try a completely different approach."):
        return "nobody"
    return "executor" if read.rpartition("due to: ")[2].startswith("InterpreterError") else "exception"


def by_the_cause(read):
    return "exception" if "IndexError" in read else stopped_by(read)


def by_the_beginning(read):
    if read.startswith("Observation:"):
        return "nobody"
    return stopped_by(read)


def first_reason(read):
    found = stopped_by(read)
    if found in ("parser", "nobody"):
        return found
    return "executor" if "due to: InterpreterError" in read else "exception"


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

ANSWERS = {
    "03.1": Answers(
        right=[
            {"tool": vat, "call": "print(vat(net=9.99))"},
            {"tool": vat, "call": "vat(1, 2)"},
            {"tool": UPPER, "call": "word = upper('a')\nprint(word)"},
            {"tool": errors, "call": "print(errors('/var/log/messages'))"},
        ],
        wrong=[
            {"tool": vat.forward, "call": "print(vat(9.99))"},
            {"tool": vat, "call": "print(vat(gross=9.99))"},
            {"tool": vat, "call": "print('soon')\nprint(vat(gross=9.99))"},
            {"tool": vat, "call": "price = vat(9.99)\nNone"},
            {"tool": vat, "call": "print(9.99)"},
            {"tool": vat, "call": "print('vat(')"},
            {"tool": vat, "call": "final_answer(vat(9.99))"},
            {"tool": vat, "call": "print(...)"},
            {"tool": nothing, "call": "print(nothing())"},
            {"tool": silent, "call": "print(silent('x'))"},
            {"tool": unit_converter, "call": "print(unit_converter(1, 'a', 'b'))"},
            vat,
        ],
        given=GIVEN,
    ),
    "03.2": Answers(
        right=[stopped_by, by_lines, by_pattern],
        wrong=[
            by_the_beginning,
            by_the_end,
            by_the_cause,
            first_reason,
            any_error,
            no_parser,
            no_exception,
            by_words,
            str.split,
        ],
        given=GIVEN,
    ),
}
