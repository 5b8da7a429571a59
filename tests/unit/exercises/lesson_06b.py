"""Answers to the exercises of appendix 06b, on what five settings return for two probes."""

from support.exercises import Answers

RAW = "Some say 153.\n</think>\n\nIt is 155 m."
WHOLE = "<think>\n" + RAW
OPEN, SHUT = "Pont<|im_start|>assistant\n<think>\n", "Pont<|im_start|>assistant\n"
SPLIT = {"content": "It is 155 m.", "reasoning_content": "Some say 153."}
EVIDENCE = {
    "default": [(SPLIT, OPEN), (SPLIT, OPEN)],
    "no-jinja": [({"content": RAW}, SHUT), ({"content": WHOLE}, SHUT)],
    "reasoning-format none": [({"content": WHOLE}, OPEN), ({"content": "<think>\n" + WHOLE}, OPEN)],
    "skip-chat-parsing": [({"content": RAW}, OPEN), ({"content": WHOLE}, OPEN)],
    "broken template": [({"content": RAW}, SHUT), (SPLIT, SHUT)],
}


def in_order(prompt, relies, opens):
    if "reasoning_content" in relies:
        return "default"
    if prompt.endswith("<think>\n"):
        return "reasoning-format none" if relies["content"].startswith("<think>") else "skip-chat-parsing"
    return "broken template" if "reasoning_content" in opens else "no-jinja"


def template_first(prompt, relies, opens):
    if "<think>" not in prompt:
        return "broken template" if opens.get("reasoning_content") else "no-jinja"
    if relies.get("reasoning_content"):
        return "default"
    return "skip-chat-parsing" if "<think>" not in relies["content"] else "reasoning-format none"


def as_a_table(prompt, relies, opens):
    key = ("reasoning_content" in relies, "reasoning_content" in opens, "<think>" in prompt)
    if key == (False, False, True):
        return "reasoning-format none" if "<think>" in relies["content"] else "skip-chat-parsing"
    return {(True, True, True): "default", (False, True, False): "broken template"}.get(key, "no-jinja")


def looked_up(prompt, relies, opens):
    for name, ((seen, before), _) in EVIDENCE.items():
        if seen == relies and before == prompt:
            return name
    return "default"


def by_one_probe(prompt, relies, opens):
    if "reasoning_content" in relies:
        return "default"
    return "no-jinja" if "<think>" not in prompt else "skip-chat-parsing"


ANSWERS = {
    "06b.1": Answers(
        right=[
            {"Ada": 1, "Ben": 2, "Cleo": 3},
            {"Ada": "1", "Ben": "era 2", "Cleo": "3"},
            {"Cleo": 3, "Ben": 2.0, "Ada": 1},
        ],
        wrong=[{"Ada": 2, "Ben": 1, "Cleo": 3}, {"Ada": 1, "Ben": 2}, [1, 2, 3]],
    ),
    "06b.2": Answers(
        right=[in_order, template_first, as_a_table],
        wrong=[looked_up, by_one_probe, lambda *_: "default", "default"],
        given={"evidence": EVIDENCE},
    ),
}
