"""What the embedded model is trained on: prompts that the real framework sends, and the completions that we want.

Drives smolagents' own agents over a scripted model. The script replaces the HTTP transport, so each prompt is
rendered from exactly the request body that a server would get, through the same chat template. Stores nothing.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
import jinja2
from smolagents import OpenAIModel

from course.model.embedded import template_path
from training.tasks import Move, Task

Body = dict[str, Any]
"""The JSON of a request or a response."""
Render = Callable[[Body], str]
"""A request body → the prompt that a server makes of it."""
OPEN = "<think>\n"
END = "<|im_end|>"
MAX_STEPS = 8
UNOPENED = 0.1
"""The share of prompts that leave it to the model to open the think block."""


@dataclass(frozen=True)
class Sample:
    """One exchange: the rendered prompt, and the wanted completion up to and including the end-of-turn token."""

    prompt: str
    completion: str

    def unopened(self) -> "Sample":
        """The same exchange under a template that leaves it to the model to open the think block."""
        return Sample(self.prompt.removesuffix(OPEN), OPEN + self.completion)


def renderer() -> Render:
    """The chat template as a function of a request body."""
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    env.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    template = env.from_string(template_path().read_text(encoding="utf-8"))

    def fail(message: str) -> NoReturn:
        raise ValueError(message)

    def render(body: Body) -> str:
        flags = body.get("chat_template_kwargs", {})
        return template.render(
            messages=body["messages"],
            tools=body.get("tools"),
            add_generation_prompt=True,
            raise_exception=fail,
            **flags,
        )

    return render


def agent_samples(task: Task, render: Render, *, opened: bool = True) -> list[Sample]:
    """The trained steps of one run. `opened`: the template opens the think block; otherwise the model does.

    AssertionError if the script itself does not arrive at the right answer.
    """
    samples: list[Sample] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        move = task.script(_seen(body["messages"]))
        if move.trained:
            sample = Sample(render(body), move.completion() + ("" if move.cut else END))
            samples.append(sample if opened else sample.unopened())
        return httpx.Response(200, json=_response(move))

    client = httpx.Client(transport=httpx.MockTransport(answer))
    model = OpenAIModel(
        "scripted", api_base="http://scripted/v1", api_key="none", client_kwargs={"http_client": client}
    )
    said = str(task.build(model, MAX_STEPS).run(task.question))
    if not task.right(said):
        raise AssertionError(
            f"{task.question}\nthe script itself answered {said!r} instead of {task.expected}"
        )
    return samples


def _response(move: Move) -> Body:
    """The response in which a server would send this move."""
    message: Body = {"role": "assistant", "content": move.content, "reasoning_content": move.thinking}
    if move.call:
        function = {"name": move.call.name, "arguments": json.dumps(move.call.arguments)}
        message["tool_calls"] = [{"id": "call", "type": "function", "function": function}]
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _seen(messages: list[Body]) -> list[str]:
    """The texts of the user messages after the task."""
    users = [m["content"] for m in messages if m["role"] == "user"]
    return [c if isinstance(c, str) else "".join(part["text"] for part in c) for c in users[1:]]
