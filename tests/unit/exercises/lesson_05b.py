"""Answers to the exercises of lesson 05b: bills of runs that never were, and a template that opens the thinking."""

from types import SimpleNamespace

from course.turns import text_of
from support.exercises import Answers

# --- 05b.1


def line_by_line(turns, price):
    total = 0
    for turn in turns:
        cached = turn["cached"] or 0
        total += (turn["prompt"] - cached) * price["prompt"] + cached * price["cached"]
        total += turn["generated"] * price["generated"]
    return total / 1_000_000


def in_sums(turns, price):
    cached = sum(turn["cached"] or 0 for turn in turns)
    processed = sum(turn["prompt"] for turn in turns) - cached
    written = sum(turn["generated"] for turn in turns)
    return (processed * price["prompt"] + cached * price["cached"] + written * price["generated"]) / 1e6


def in_words(turns, price):
    return f"{line_by_line(turns, price):.6f} dollars"


def as_smolagents_counts(turns, price):
    return (
        sum(turn["prompt"] * price["prompt"] + turn["generated"] * price["generated"] for turn in turns) / 1e6
    )


def cached_on_top(turns, price):
    return as_smolagents_counts(turns, price) + sum((t["cached"] or 0) * price["cached"] for t in turns) / 1e6


def per_token(turns, price):
    return line_by_line(turns, price) * 1_000_000


def every_server_tells(turns, price):
    return (
        sum(
            (t["prompt"] - t["cached"]) * price["prompt"]
            + t["cached"] * price["cached"]
            + t["generated"] * price["generated"]
            for t in turns
        )
        / 1e6
    )


# --- 05b.2

OPENED = "<|im_start|>assistant\n<think>\n"
CLOSED = "<|im_start|>assistant\n<code>1</code><|im_end|>\n"
HEAD = "<|im_start|>user\nHow fast is it?<|im_end|>\n"


def rendered(messages):
    """A template that opens the thinking at the end, and writes past turns without it."""
    return HEAD + CLOSED * messages + OPENED


TEMPLATE = {
    "server": SimpleNamespace(apply_template=rendered),
    "made": [SimpleNamespace(exchange=SimpleNamespace(messages=n)) for n in (0, 1)],
}

# --- 05b.3

MARK = "Calling tools:"


def by_partition(messages):
    pieces = [text_of(m).partition(MARK) for m in messages if m["role"] == "assistant"]
    return [mark + rest for _, mark, rest in pieces if mark]


def by_index(messages):
    for message in messages:
        text = text_of(message)
        if message["role"] == "assistant" and MARK in text:
            yield text[text.index(MARK) :]


def with_a_loop(messages):
    found = []
    for message in messages:
        if message["role"] != "assistant":
            continue
        content = message["content"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        if MARK in text:
            found.append(MARK + text.split(MARK, 1)[1])
    return tuple(found)


def of_any_role(messages):
    return [text_of(m)[text_of(m).index(MARK) :] for m in messages if MARK in text_of(m)]


def without_the_mark(messages):
    return [copy.removeprefix(MARK) for copy in by_partition(messages)]


def strings_only(messages):
    said = [m["content"] for m in messages if m["role"] == "assistant" and isinstance(m["content"], str)]
    return [text[text.index(MARK) :] for text in said if MARK in text]


def empty_ones_too(messages):
    pieces = [text_of(m).partition(MARK) for m in messages if m["role"] == "assistant"]
    return [mark + rest for _, mark, rest in pieces]


ANSWERS = {
    "05b.1": Answers(
        right=[line_by_line, in_sums, in_words],
        wrong=[as_smolagents_counts, cached_on_top, per_token, every_server_tells, 3.0],
    ),
    "05b.2": Answers(
        right=["<think>\n", "<think>", OPENED, "assistant\n<think>"],
        wrong=["</think>", HEAD, "<|im_start|>assistant", HEAD + OPENED, 4],
        given=TEMPLATE,
    ),
    "05b.3": Answers(
        right=[by_partition, by_index, with_a_loop],
        wrong=[of_any_role, without_the_mark, strings_only, empty_ones_too, list],
        given={"text_of": text_of},
    ),
}
