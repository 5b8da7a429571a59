"""Text completions: /v1/completions. A prompt instead of messages; the response has `text` instead of a message. Pure.

https://platform.openai.com/docs/api-reference/completions
"""

import re

from course.turns.dialects import chat, parts
from course.turns.dialects.shape import Dialect
from course.turns.reading import Node
from course.turns.values import Asked, Message


def ask(request: Node) -> Asked:
    return Asked(
        messages=prompt(request),
        model=request.text("model"),
        limit=parts.limit(request),
        stops=parts.texts(request, "stop"),
        streams=request.flag("stream"),
        **parts.output_format(request),
    )


def prompt(request: Node) -> tuple[Message, ...]:
    """The prompt as one user message. A list of token numbers has no text."""
    value = request.get("prompt")
    if isinstance(value, str):
        return (Message("user", value, request.at("prompt"), given={"role": "user", "content": value}),)
    if isinstance(value, list):
        return tuple(
            Message("user", one, f"{request.at('prompt')}[{n}]", given={"role": "user", "content": one})
            for n, one in enumerate(value)
            if isinstance(one, str)
        )
    if value is not None and not isinstance(value, dict):
        request.deviates("prompt", "text or a list")
    return ()


DIALECT = Dialect(
    "completions",
    re.compile(r"/v1/completions$|/openai/deployments/[^/]+/completions$"),
    lambda body: "prompt" in body and "messages" not in body,
    lambda body: body.get("object") == "text_completion",
    lambda event: event.get("object") == "text_completion",
    ask,
    chat.reply,
    chat.assemble,
)
