"""Chat completions: /v1/chat/completions, as OpenAI, llama-server, vLLM, Ollama, LM Studio, OpenRouter and Gemini's
endpoint write them. Pure.

https://platform.openai.com/docs/api-reference/chat
"""

import re

from course.turns.dialects import parts
from course.turns.dialects.growing import Calls, Growing, index_of
from course.turns.dialects.shape import Dialect, rest
from course.turns.reading import Node, Record, record, text
from course.turns.values import Answer, Asked, Message, Reply


def ask(request: Node) -> Asked:
    """The request. A system prompt outside of the messages, as in Anthropic's API, is read as well."""
    messages = [*request.each("messages", parts.message)]
    if request.get("system"):
        told = parts.pieces(request, "system")
        given = parts.unmarked({"role": "system", "content": request.get("system")})
        messages.insert(0, Message("system", parts.joined(told.texts), request.at("system"), given=given))
    return Asked(
        messages=tuple(messages),
        tools=parts.tools(request),
        model=request.text("model"),
        limit=parts.limit(request),
        stops=parts.texts(request, "stop", "stop_sequences"),
        streams=request.flag("stream"),
        **parts.tool_choice(request),
        **parts.output_format(request),
    )


def reply(response: Node) -> Reply:
    choices = list(response.children("choices"))
    verbose = response.child("__verbose")
    answers = tuple(_answer(choice, verbose) for choice in choices)
    message: Record = {}
    if choices:
        first = choices[0].get("message")
        if isinstance(first, dict):
            message = parts.sound(first, list(answers[0].calls))
        elif answers[0].content is not None:
            message = {"role": "assistant", "content": answers[0].content}
    return Reply(
        answers,
        parts.usage(response),
        parts.timings(response),
        verbose.text("prompt"),
        response.text("model"),
        response.text("id"),
        response.text("system_fingerprint"),
        message,
    )


def _answer(choice: Node, verbose: Node) -> Answer:
    finish = choice.text("finish_reason") or None
    native = text(choice.get("native_finish_reason"))  # OpenRouter's: the upstream server's own word
    message = choice.child("message")
    found = parts.pieces(message)
    if "text" in choice and (said := choice.text("text")) is not None:  # /v1/completions
        found.texts.append((said, choice.at("text")))
    if message.get("refusal") and not parts.joined(found.texts) and (said := message.text("refusal")):
        found.texts = [(said, message.at("refusal"))]
    thought = [*parts.thoughts(message), *found.thoughts]
    called = parts.function_calls(message)
    parts.check_ids(called, choice.notes)
    return Answer(
        parts.joined(found.texts) if found.texts else None,
        parts.joined(thought) or None,
        (*found.calls, *called),
        finish or native,
        parts.ended(finish) or parts.ended(native),
        parts.place(found.texts, "content") if found.texts else message.at("content"),
        parts.place(thought, "thinking") if thought else "thinking",
        choice.at("finish_reason" if finish or not native else "native_finish_reason"),
        message.at("tool_calls"),
        parts.stop(choice, verbose),
    )


def assemble(events: list[Node]) -> Record:
    """The response that a stream amounts to."""
    response: Record = {}
    choices: dict[int, _Choice] = {}
    for event in events:
        rest(response, event, "choices")
        for choice in event.children("choices") if event.get("choices") is not None else ():
            index = index_of(choice)
            choices.setdefault(index, _Choice(index)).add(choice)
    if choices:
        response["choices"] = [choices[index].done() for index in sorted(choices)]
        response["object"] = "chat.completion"
    return response


class _Choice:
    def __init__(self, index: int) -> None:
        self.whole = Growing({"index": index})
        self.message, self.calls = Growing(), Calls()
        self.finish: str | None = None

    def add(self, choice: Node) -> None:
        if choice.get("finish_reason"):
            self.finish = choice.text("finish_reason") or self.finish
        delta = choice.child("delta" if "delta" in choice else "message")
        for key, value in delta.record.items():
            if key in ("content", *parts.THINKING) and not isinstance(value, str | list | None):
                delta.deviates(key, "text")
            if key != "tool_calls":
                self.message.add(key, value)
            elif value is not None:
                for call in delta.children("tool_calls"):
                    self.calls.add(call)
        for key, value in choice.record.items():
            if key == "text" and not isinstance(value, str | None):
                choice.deviates(key, "text")
            if key not in ("delta", "message", "finish_reason", "index", "logprobs"):
                self.whole.add(key, value)

    def done(self) -> Record:
        message = self.message.done()
        if calls := self.calls.done():
            message["tool_calls"] = calls
        return {**self.whole.done(), "message": message, "finish_reason": self.finish}


DIALECT = Dialect(
    "chat completions",
    re.compile(r"/chat/completions$"),
    lambda body: isinstance(body.get("messages"), list),
    lambda body: "choices" in body,
    lambda event: "choices" in event or record(event).get("object") == "chat.completion.chunk",
    ask,
    reply,
    assemble,
)
