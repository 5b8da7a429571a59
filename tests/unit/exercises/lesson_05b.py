"""Answers to the exercises of lesson 05b: prompts, bills and tapes that never were."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

from course.check import answers
from course.tape import Tape
from course.turns import turns
from support.exercises import Answers
from support.records import entry, reply

# --- 05b.1


def in_two_sums(rows):
    processed, took = sum(row["prompt_n"] for row in rows), sum(row["prompt_ms"] for row in rows)
    cached = sum(row.get("cache_n") or 0 for row in rows)
    return cached * took / processed / 1000 if processed else 0


def with_a_loop(rows):
    tokens = milliseconds = cached = 0
    for row in rows:
        tokens += row["prompt_n"]
        milliseconds += row["prompt_ms"]
        if "cache_n" in row:
            cached += row["cache_n"]
    return 0.0 if tokens == 0 else (milliseconds / 1000) * (cached / tokens)


def in_a_sentence(rows):
    return f"{in_two_sums(rows):.4f} s"


def turn_by_turn(rows):
    return sum(row.get("cache_n", 0) * row["prompt_ms"] / row["prompt_n"] for row in rows) / 1000


def in_milliseconds(rows):
    return in_two_sums(rows) * 1000


def every_server_tells_it(rows):
    return sum(row["cache_n"] for row in rows) * rows[0]["prompt_ms"] / rows[0]["prompt_n"] / 1000


def the_whole_processing(rows):
    return sum(row["prompt_ms"] for row in rows) / 1000


# --- 05b.2


def line_by_line(turns, price):
    total = 0
    for turn in turns:
        cached = turn["cached"] or 0
        total += (turn["prompt"] - cached) * price["processed"] + cached * price["cached"]
        total += turn["generated"] * price["generated"]
    return total / 1_000_000


def in_sums(turns, price):
    cached = sum(turn["cached"] or 0 for turn in turns)
    processed = sum(turn["prompt"] for turn in turns) - cached
    written = sum(turn["generated"] for turn in turns)
    return (processed * price["processed"] + cached * price["cached"] + written * price["generated"]) / 1e6


def in_words(turns, price):
    return f"{line_by_line(turns, price):.6f} dollars"


def as_smolagents_counts(turns, price):
    return (
        sum(turn["prompt"] * price["processed"] + turn["generated"] * price["generated"] for turn in turns)
        / 1e6
    )


def cached_on_top(turns, price):
    return as_smolagents_counts(turns, price) + sum((t["cached"] or 0) * price["cached"] for t in turns) / 1e6


def rounded(turns, price):
    return round(line_by_line(turns, price), 4)


def per_token(turns, price):
    return line_by_line(turns, price) * 1_000_000


def every_server_tells(turns, price):
    return (
        sum(
            (t["prompt"] - t["cached"]) * price["processed"]
            + t["cached"] * price["cached"]
            + t["generated"] * price["generated"]
            for t in turns
        )
        / 1e6
    )


# --- 05b.3

FOLDER = Path(tempfile.mkdtemp(prefix="lesson-05b-"))
HI = [{"role": "user", "content": "Who are you?"}]
PRICE = {"processed": 2.0, "cached": 0.5, "generated": 10.0}


def tape(name, *usages):
    """The path of a tape whose responses have this usage; None stands for a response without any."""
    made = Tape(FOLDER / name)
    for n, usage in enumerate(usages, 1):
        made.add(entry(n, HI, reply(f"chatcmpl-{n}", "I am a model.") | ({"usage": usage} if usage else {})))
    return made.path


def usage(prompt, cached, generated):
    details = {} if cached is None else {"prompt_tokens_details": {"cached_tokens": cached}}
    return {"prompt_tokens": prompt, "completion_tokens": generated, **details}


OWN = tape("own.tape.jsonl", usage(1000, None, 100), None, usage(3000, 900, 200))
SILENT = tape("silent.tape.jsonl", None)
OF_THE_LESSON = tape("lesson.tape.jsonl", usage(1000, 0, 100))
COST = (3100 * 2.0 + 900 * 0.5 + 300 * 10.0) / 1e6


def bill(path=OWN, price=PRICE, dollars=COST):
    return {"tape": path, "price": price, "dollars": dollars}


ANSWERS = {
    "05b.1": Answers(
        right=[in_two_sums, with_a_loop, in_a_sentence],
        wrong=[turn_by_turn, in_milliseconds, every_server_tells_it, the_whole_processing, 4.0],
    ),
    "05b.2": Answers(
        right=[line_by_line, in_sums, in_words],
        wrong=[as_smolagents_counts, cached_on_top, rounded, per_token, every_server_tells, 3.0],
    ),
    "05b.3": Answers(
        right=[
            bill(),
            bill(str(OWN), dollars=f"${COST:.6f}"),
            bill(price=PRICE | {"processed": 4}, dollars=0.01585),
        ],
        wrong=[
            bill(dollars=0.0),
            bill(dollars=COST * 1e6),
            bill(dollars=(4000 * 2.0 + 300 * 10.0) / 1e6),
            bill(price=dict.fromkeys(PRICE, 0), dollars=0),
            bill(price={"prompt": 2.0}),
            bill(OF_THE_LESSON),
            bill(SILENT),
            bill(FOLDER / "nowhere.tape.jsonl"),
            COST,
        ],
        given={
            "Path": Path,
            "Tape": Tape,
            "turns": turns,
            "answers": answers,
            "price": PRICE,
            "tape": SimpleNamespace(path=OF_THE_LESSON),
        },
    ),
}
