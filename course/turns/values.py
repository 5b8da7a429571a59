"""What an exchange says, whatever API it is for: what was asked, what was answered, what was refused.

Frozen values, made by course/turns/dialects from typed readings of the bodies. `where` and `…_at` are paths of the place in
the recorded body that a value comes from, for evidence: `request.messages[3]`, `response.choices[0].message.content`.
A text that was joined from several places has the path `content` or `thinking`, which means the turn's.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from course.turns.bodies import loads
from course.turns.reading import Record


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asked for.

    `text` is the arguments as they came: JSON text or, if the wire had an object, its JSON (`given` is the object then).
    `source` is "wire" (`tool_calls` of the message) or "content" (smolagents found the call in the text).
    """

    name: str
    text: str = ""
    id: str | None = None
    source: str = "wire"
    where: str = ""
    given: Any = None

    @cached_property
    def arguments(self) -> Any:
        """The arguments as parsed JSON; the text as it came if it is not JSON."""
        if self.given is not None:
            return self.given
        try:
            return loads(self.text)
        except ValueError:
            return self.text

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are an object, so that they were not cut off."""
        return isinstance(self.arguments, dict)


@dataclass(frozen=True)
class ToolResult:
    """What a client sends back for a call: the `id` of the call, and the result as text."""

    id: str | None
    text: str
    where: str
    is_error: bool = False


@dataclass(frozen=True)
class Message:
    """One message of a request. `given` is the message in the shape of a chat completion.

    `text` is its content as text, with results of tools. `calls` are past calls that an assistant message repeats;
    `results` are what came of them.
    """

    role: str
    text: str
    where: str
    thinking: str | None = None
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    given: Record = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Tool:
    """A tool that a request offers. `schema` is the JSON schema of its arguments, empty if there is none.

    `given` is the tool as it is in the request. The name is empty if it is not a function.
    """

    name: str
    schema: Record
    where: str
    given: Record = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Limit:
    """The most tokens that a request allows the model to generate, and the field that says so."""

    tokens: int
    where: str

    @property
    def name(self) -> str:
        """The field's name, for example max_tokens."""
        return self.where.rpartition(".")[2]


@dataclass(frozen=True)
class Asked:
    """What a request asks for.

    `tool_choice` is auto, none, required or named; then `tool_named` is the tool's name. None if the request leaves it to
    the server. `format` is json_object, json_schema or grammar if the request restricts the output, with the JSON
    `schema` if there is one, and `format_at` is the field.
    """

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    model: str | None = None
    limit: Limit | None = None
    stops: tuple[str, ...] = ()
    streams: bool | None = None
    tool_choice: str | None = None
    tool_named: str | None = None
    tool_choice_at: str = ""
    format: str | None = None
    format_at: str = ""
    schema: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Stop:
    """What the server says about how the model stopped, beyond `finish`: the stop sequence that struck it.

    `word` is None if the server says that there was none: the model ended by itself. `where` is the field that says so.
    """

    word: str | None
    where: str


@dataclass(frozen=True)
class Answer:
    """One answer of the model. A response has one, except where the request asked for several choices.

    `content` is None if the answer has none, and `thinking` likewise. `finish` is the server's word for why it ended,
    `ended` the same in one vocabulary: stop, length, tool_calls, filter, error, or None if the server gave no reason
    that is known. `stop` is None if the server does not say whether a stop sequence struck.
    """

    content: str | None = None
    thinking: str | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    ended: str | None = None
    content_at: str = "content"
    thinking_at: str = "thinking"
    finish_at: str = ""
    calls_at: str = ""
    stop: Stop | None = None


@dataclass(frozen=True)
class Usage:
    """Token counts as the response reports them; None if it does not. `prompt` includes the `cached` ones.

    `cached_at` is the field that reports cached tokens. `thinking` are those of the `generated` that were thinking.
    """

    prompt: int | None = None
    cached: int | None = None
    generated: int | None = None
    thinking: int | None = None
    prompt_at: str = ""
    cached_at: str = ""
    generated_at: str = ""


@dataclass(frozen=True)
class Reply:
    """What a response says. `message` is the first answer in the shape of a chat completion.

    `timings` are llama.cpp's (or Ollama's under llama.cpp's names): numbers only. `prompt` is the rendered prompt, which
    llama-server quotes if asked to.
    """

    answers: tuple[Answer, ...] = ()
    usage: Usage = Usage()
    timings: dict[str, float] = field(default_factory=dict)
    prompt: str | None = None
    model: str | None = None
    id: str | None = None
    fingerprint: str | None = None
    message: Record = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Failure:
    """An error that the server sent: its message, its type and code, and the fields that it came with.

    `where` is the path of the message; `record` is the object that holds it. `message` is empty if the error has none.
    """

    message: str
    where: str
    type: str | None = None
    code: str | int | None = None
    record: Record = field(default_factory=dict)


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(type(value))
