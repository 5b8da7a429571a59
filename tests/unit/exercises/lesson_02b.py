"""Right and wrong answers to the exercises of appendix 02b."""

import json
from itertools import takewhile

from course.check.answers import number
from support.exercises import Answers

DRAWN = ("2 + 3 = 5", "2 + 3 = 6", "5", "One of the most well-known", "Two plus three is 5")


def text(seed):
    return DRAWN[seed % len(DRAWN)]


def assemble(lines):
    thinking, content, reason = [], [], None
    for line in lines:
        if line.startswith("data:") and "{" in line:
            for choice in json.loads(line.partition(":")[2]).get("choices", []):
                thinking.append(choice["delta"].get("reasoning_content") or "")
                content.append(choice["delta"].get("content") or "")
                reason = choice.get("finish_reason") or reason
    return "".join(thinking), "".join(content), reason


def assemble_until_done(lines):
    content, thinking, reason = "", "", None
    for line in lines:
        if not line.startswith("data:"):
            continue
        if line[5:].strip() == "[DONE]":
            break
        event = json.loads(line[5:])
        for choice in event.get("choices", ()):
            delta = choice["delta"]
            content += delta["content"] if delta.get("content") else ""
            thinking += delta["reasoning_content"] if delta.get("reasoning_content") else ""
            reason = reason or choice["finish_reason"]
    return thinking, content, reason


def choices_always(lines):
    events = [json.loads(line[5:]) for line in lines if line.startswith("data:") and "{" in line]
    assert all("choices" in event for event in events)
    return assemble(lines)


def data_anywhere(lines):
    return assemble(["data:" + line.split("data:")[1] for line in lines if "data:" in line])


def cut_at_data(lines):
    return assemble(["data:" + line.split("data:")[1] for line in lines if line.startswith("data:")])


def done_anywhere(lines):
    return assemble([line for line in lines if "[DONE]" not in line])


def with_a_space(lines):
    return assemble([line for line in lines if line.startswith("data: ")])


def stripped(lines):
    thinking, content, reason = assemble(lines)
    return thinking, content.strip(), reason


def done_is_a_reason(lines):
    lines = list(lines)
    thinking, content, reason = assemble(lines)
    return thinking, content, reason or ("stop" if "data: [DONE]" in lines else None)


def kept(cached, prompt):
    same = 0
    while same < min(len(cached), len(prompt) - 1) and cached[same] == prompt[same]:
        same += 1
    return same


def kept_by_pairs(cached, prompt):
    pairs = zip(cached, prompt[:-1], strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def kept_by_lengths(cached, prompt):
    return max(n for n in range(len(prompt)) if cached[:n] == prompt[:n])


def kept_wholly(cached, prompt):
    return max(n for n in range(len(prompt) + 1) if cached[:n] == prompt[:n])


def kept_anywhere(cached, prompt):
    return len(set(cached) & set(prompt[:-1]))


def kept_behind_an_id(cached, prompt):
    begins = bool(cached) and cached[0] == prompt[0]
    return min(len(set(cached) & set(prompt)), len(prompt) - 1) if begins else 0


def kept_at_equal_places(cached, prompt):
    return sum(old == new for old, new in zip(cached, prompt[:-1], strict=False))


def processed(cached, prompt):
    return len(prompt) - kept(cached, prompt)


ANSWERS = {
    "02b.1": Answers(
        right=[6, 8, "11", [13]],
        wrong=[1, 7, 10, 6.5, "the sixth", text],
        given={"number": number, "text": text},
    ),
    "02b.2": Answers(
        right=[assemble, assemble_until_done, lambda lines: list(assemble(iter(lines)))],
        wrong=[
            lambda lines: assemble(lines[:-1]),
            lambda lines: (*assemble(lines)[:2], "stop"),
            lambda lines: (assemble(lines)[1], assemble(lines)[0], assemble(lines)[2]),
            done_anywhere,
            with_a_space,
            choices_always,
            data_anywhere,
            cut_at_data,
            stripped,
            done_is_a_reason,
        ],
        given={"json": json},
    ),
    "02b.3": Answers(
        right=[kept, kept_by_pairs, kept_by_lengths],
        wrong=[kept_wholly, kept_anywhere, kept_behind_an_id, kept_at_equal_places, processed],
    ),
}
