"""Ollama's own API: /api/chat and /api/generate. Streams have one JSON object per line. Pure.

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import re

from course.turns.dialects import chat, completions, parts
from course.turns.dialects.growing import Growing
from course.turns.dialects.shape import Dialect, rest
from course.turns.reading import Node, Record
from course.turns.values import Answer, Asked, Message, Reply, Usage

MS = {
    "eval_count": ("predicted_n", 1),
    "prompt_eval_duration": ("prompt_ms", 1e-6),
    "eval_duration": ("predicted_ms", 1e-6),
}
"""Its counts and nanoseconds, under llama.cpp's names. Cached tokens (from 0.33.3 on) are part of the prompt, but did not
take any of the time."""


def ask(request: Node) -> Asked:
    options = request.child("options")
    messages = chat.ask(request).messages if "messages" in request else completions.prompt(request)
    if "messages" not in request and (told := request.text("system")) is not None:
        given = {"role": "system", "content": told}
        messages = (Message("system", told, request.at("system"), given=given), *messages)
    return Asked(
        messages=messages,
        tools=parts.tools(request),
        model=request.text("model"),
        limit=parts.limit(options, "num_predict"),
        stops=parts.texts(options, "stop"),
        streams=request.get("stream") is not False,
        **parts.output_format(request),
    )


def reply(response: Node) -> Reply:
    message = response.child("message") if "message" in response else response
    found = parts.pieces(message, "content" if "message" in response else "response")
    thought = [*parts.thoughts(message), *found.thoughts]
    calls = parts.function_calls(message, object_is_fine=True)
    done = response.flag("done")
    finish = response.text("done_reason") or ("stop" if done else None)
    is_there = "message" in response or "response" in response
    content = parts.joined(found.texts) if found.texts else None
    given: Record = {"role": "assistant", "content": content}
    if thought:
        given["thinking"] = parts.joined(thought)
    if calls:
        given["tool_calls"] = [parts.as_function(call) for call in calls]
    answer = Answer(
        content,
        parts.joined(thought) or None,
        tuple(calls),
        finish,
        "tool_calls" if calls and finish == "stop" else parts.ended(finish),
        parts.place(found.texts, "content") if found.texts else message.at("content"),
        parts.place(thought, "thinking") if thought else "thinking",
        response.at("done_reason" if response.get("done_reason") else "done"),
        message.at("tool_calls"),
    )
    prompt, cached = response.count("prompt_eval_count"), response.count("prompt_eval_cached_count")
    timings = {name: n * by for key, (name, by) in MS.items() if (n := response.count(key)) is not None}
    if prompt is not None:
        timings["prompt_n"] = max(0, prompt - (cached or 0))
    return Reply(
        (answer,) if is_there else (),
        Usage(
            prompt,
            cached,
            response.count("eval_count"),
            prompt_at=response.at("prompt_eval_count"),
            cached_at=response.at("prompt_eval_cached_count"),
            generated_at=response.at("eval_count"),
        ),
        timings,
        None,
        response.text("model"),
        message=given if is_there else {},
    )


def assemble(events: list[Node]) -> Record:
    """The response that a stream amounts to."""
    response: Record = {}
    message, said = Growing(), Growing()
    for event in events:
        rest(response, event, "message", "response", "thinking")
        if "message" in event:
            for key, value in event.child("message").record.items():
                message.add(key, value)
        for key in ("response", "thinking"):
            if key in event and (piece := event.text(key)) is not None:
                said.add(key, piece)
    if spoken := message.done():
        response["message"] = spoken
    return response | said.done()


DIALECT = Dialect(
    "Ollama",
    re.compile(r"/api/(?:chat|generate)$"),
    lambda body: "messages" in body or "prompt" in body,
    lambda body: "done" in body and ("message" in body or "response" in body),
    lambda event: "done" in event,
    ask,
    reply,
    assemble,
)
