"""llama-server's own API: /completion. A prompt, `content`, and how the model stopped. Pure.

https://github.com/ggml-org/llama.cpp/tree/master/tools/server
"""

import re

from course.turns.dialects import completions, parts
from course.turns.dialects.growing import Growing
from course.turns.dialects.shape import Dialect, rest
from course.turns.reading import Node, Record
from course.turns.values import Answer, Asked, Reply, Usage

STOPPED = {"stopped_eos": "eos", "stopped_word": "word", "stopped_limit": "limit"}
"""How builds before `stop_type` say why the model stopped."""


def ask(request: Node) -> Asked:
    return Asked(
        messages=completions.prompt(request),
        model=request.text("model"),
        limit=parts.limit(request, "n_predict", "max_tokens"),
        stops=parts.texts(request, "stop"),
        streams=request.flag("stream"),
        **parts.output_format(request),
    )


def reply(response: Node) -> Reply:
    found = parts.pieces(response)
    finish = response.text("stop_type")
    place = response.at("stop_type")
    if finish is None:
        old = next((key for key in STOPPED if response.get(key) is True), None)
        finish, place = (STOPPED[old], response.at(old)) if old else (None, place)
    is_there = bool(found.texts)
    content = parts.joined(found.texts) if is_there else None
    answer = Answer(
        content,
        finish=None if finish == "none" else finish,
        ended=parts.ended(finish),
        content_at=parts.place(found.texts, "content") if is_there else response.at("content"),
        finish_at=place,
        stop=parts.stop(response),
    )
    timings = parts.timings(response)
    cached = timings.get("cache_n")
    return Reply(
        (answer,) if is_there else (),
        Usage(
            response.count("tokens_evaluated"),
            None if cached is None else int(cached),
            response.count("tokens_predicted"),
            prompt_at=response.at("tokens_evaluated"),
            cached_at=response.child("timings").at("cache_n"),
            generated_at=response.at("tokens_predicted"),
        ),
        timings,
        response.text("prompt"),
        response.text("model"),
        message={"role": "assistant", "content": content} if is_there else {},
    )


def assemble(events: list[Node]) -> Record:
    """The response that a stream amounts to."""
    response: Record = {}
    said = Growing()
    for event in events:
        rest(response, event, "content", "tokens")
        if "content" in event and (piece := event.text("content")) is not None:
            said.add("content", piece)
    return response | said.done()


DIALECT = Dialect(
    "completion",
    re.compile(r"/completions?$|/infill$"),
    lambda body: "prompt" in body,
    lambda body: "content" in body and ("stop" in body or "tokens_predicted" in body),
    lambda event: "content" in event and ("stop" in event or "tokens_predicted" in event),
    ask,
    reply,
    assemble,
)
