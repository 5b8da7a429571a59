"""What the embedded model is trained on: prompts that the real framework sends and completions that we wish for.

Does: drives smolagents' CodeAgent over a scripted model. The script sits at the HTTP seam, so each prompt is rendered from
the exact request body that the server would get, through the same chat template. Does not: store anything, or know tokens.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import jinja2
from smolagents import CodeAgent, OpenAIModel

from course.embedded import template_path
from training.cases import Case, CaseSearch, article

OPEN = "<think>\n"
END = "<|im_end|>"


@dataclass(frozen=True)
class Sample:
    """One exchange: the prompt as rendered, the completion as wanted, up to and with the end-of-turn token."""

    prompt: str
    completion: str


def renderer() -> Callable[[dict], str]:
    """The chat template as a function of a request body."""
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    env.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    template = env.from_string(template_path().read_text(encoding="utf-8"))

    def fail(message: str):
        raise ValueError(message)

    def render(body: dict) -> str:
        flags = body.get("chat_template_kwargs", {})
        return template.render(
            messages=body["messages"],
            tools=body.get("tools"),
            add_generation_prompt=True,
            raise_exception=fail,
            **flags,
        )

    return render


def agent_samples(case: Case, render: Callable[[dict], str], *, opened: bool = True) -> list[Sample]:
    """The steps of one run. `opened`: the template opens the think block; otherwise the model opens it itself."""
    samples: list[Sample] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        thinking, content = script(case, body["messages"])
        prompt = render(body)
        completion = f"{thinking}\n</think>\n\n{content}{END}"
        if not opened:
            prompt, completion = prompt.removesuffix(OPEN), OPEN + completion
        samples.append(Sample(prompt, completion))
        message = {"role": "assistant", "content": content, "reasoning_content": thinking}
        return httpx.Response(
            200,
            json={
                "id": f"chatcmpl-{len(samples)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": "scripted",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            },
        )

    client = httpx.Client(transport=httpx.MockTransport(answer))
    model = OpenAIModel(
        "scripted", api_base="http://scripted/v1", api_key="none", client_kwargs={"http_client": client}
    )
    agent = CodeAgent([CaseSearch(case)], model, max_steps=8, verbosity_level=0)
    said = str(agent.run(case.question))
    if f"{case.expected:.2f}".rstrip("0").rstrip(".") not in said:
        raise AssertionError(f"the script itself answered {said!r} instead of {case.expected:.2f}")
    return samples


def script(case: Case, messages: list[dict]) -> tuple[str, str]:
    """What a careful agent thinks and writes next, given what it has seen: (thinking, content)."""
    seen = [_text(m) for m in messages if m["role"] == "user"]
    observations = [text for text in seen[1:] if "Observation:" in text]
    if not observations:
        return _first_step(case)
    if re.search(r"Execution logs:\n[\d.]+ [\d.]+ [\d.]+\nLast output", observations[-1]):
        return _last_step(case)
    pages = "\n".join(observations)
    if case.missing and case.missing not in _found(case, pages):
        return _second_search(case, pages)
    return _compute(case, pages)


def _first_step(case: Case) -> tuple[str, str]:
    thinking = (
        f"I need two facts: the top speed of the {case.animal} and the length of {case.place}. "
        "I search for both in one code block and print the results. The time comes after that."
    )
    content = (
        f"Thought: I search for the speed and the length first.\n<code>\n"
        f'speed_pages = web_search("{case.animal} top speed km/h")\n'
        f'length_pages = web_search("{case.place} length meters")\n'
        f'print("SPEED", speed_pages)\nprint("LENGTH", length_pages)\n</code>'
    )
    return thinking, content


def _second_search(case: Case, pages: str) -> tuple[str, str]:
    what = f"the speed of the {case.animal}" if case.missing == "speed" else f"the length of {case.place}"
    query = f"{case.animal} exact speed" if case.missing == "speed" else f"{case.place} exact length"
    scans = [_scan(case, kind, pages) for kind in ("speed", "length")]
    thinking = (
        "\n".join(scans) + f"\nNo page states {what}. I search for it with other words before I compute."
    )
    content = (
        f"Thought: {what[0].upper() + what[1:]} is still missing, so I search again.\n<code>\n"
        f'more_pages = web_search("{query}")\nprint("{case.missing.upper()}", more_pages)\n</code>'
    )
    return thinking, content


def _compute(case: Case, pages: str) -> tuple[str, str]:
    thinking = (
        f"{_scan(case, 'speed', pages)}\n{_scan(case, 'length', pages)}\n"
        "The code takes the most frequent figure of each list and divides length by speed."
    )
    content = (
        "Thought: I have figures for both. I compute the time in code.\n<code>\n"
        "from statistics import mode\n"
        f"speeds_kmh = [{', '.join(_figures(case, 'speed', pages))}]\n"
        f"lengths_m = [{', '.join(_figures(case, 'length', pages))}]\n"
        "speed_kmh = mode(speeds_kmh)\nlength_m = mode(lengths_m)\n"
        "seconds = length_m / (speed_kmh * 1000 / 3600)\n"
        "print(speed_kmh, length_m, round(seconds, 2))\n</code>"
    )
    return thinking, content


def _last_step(case: Case) -> tuple[str, str]:
    thinking = "The code printed the speed, the length and the time in seconds. I answer with its variables."
    content = (
        f"Thought: I have the time.\n<code>\n"
        f'final_answer(f"At {{speed_kmh}} km/h, {article(case.animal)} needs {{round(seconds, 2)}} seconds '
        f'for the {{length_m}} m of {case.place}.")\n</code>'
    )
    return thinking, content


def _scan(case: Case, kind: str, text: str) -> str:
    """The reading of the result pages, site by site."""
    about = case.animal if kind == "speed" else case.place
    head = f"Speed of the {case.animal}" if kind == "speed" else f"Length of {case.place}"
    readings = []
    for page in _shown(case, kind, text):
        site = page.link.split("//")[1].split(".")[0]
        readings.append(f"{site} {(page.figure or 'none') if page.about == about else 'other'}")
    return f"{head}: {', '.join(readings) or 'nothing'}."


def _figures(case: Case, kind: str, text: str) -> list[str]:
    """The figures that the shown pages state about the entity, in the pages' order."""
    about = case.animal if kind == "speed" else case.place
    return [page.figure for page in _shown(case, kind, text) if page.figure and page.about == about]


def _shown(case: Case, kind: str, text: str) -> Iterator[object]:
    """The pages of that kind in the order in which the observations show them."""
    placed = [(text.find(f"({p.link})\n{p.description}"), p) for p in case.pages[kind]]
    return (p for at, p in sorted(placed, key=lambda pair: pair[0]) if at >= 0)


def _found(case: Case, text: str) -> set[str]:
    return {kind for kind in ("speed", "length") if _figures(case, kind, text)}


def _text(message: dict) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
