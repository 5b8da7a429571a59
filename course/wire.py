"""What goes over the wire, named.

Does: says which keys a chat completion has on llama-server, and which lines a tape has.
Does not: check anything at run time; a dict from the wire is still a plain dict.

Keys that are not OpenAI's but llama.cpp's: `reasoning_content`, `timings`, `__verbose`, `prompt_progress`.
"""

from typing import Any, NotRequired, TypedDict


class Part(TypedDict):
    type: str
    text: NotRequired[str]


class Message(TypedDict):
    role: str
    content: str | list[Part] | None
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[dict[str, Any]]]


class ChatRequest(TypedDict):
    model: str
    messages: list[Message]
    stop: NotRequired[list[str]]
    stream: NotRequired[bool]
    tools: NotRequired[list[dict[str, Any]]]
    temperature: NotRequired[float]
    max_tokens: NotRequired[int]
    verbose: NotRequired[bool]


class Choice(TypedDict):
    index: int
    message: Message
    finish_reason: str | None


class Usage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: NotRequired[dict[str, int]]


class Timings(TypedDict, total=False):
    """`cache_n` prompt tokens came from the cache, `prompt_n` were read anew, `predicted_n` were written."""

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_second: float
    predicted_n: int
    predicted_ms: float
    predicted_per_second: float


class ChatResponse(TypedDict):
    id: str
    object: str
    model: str
    choices: list[Choice]
    usage: NotRequired[Usage]
    timings: NotRequired[Timings]
    __verbose: NotRequired[dict[str, Any]]


class RunRecord(TypedDict):
    """The line that opens a run: what was asked, of which model, on which server."""

    _type: str
    question: str
    model: str
    when: str
    server: dict[str, Any]


class StepTokens(TypedDict):
    input: int
    output: int


class StepRecord(TypedDict):
    """What smolagents made of one response. `kind` is action, planning or max_steps.

    `agent` is the name of the agent (a managed one has one), `output_characters` how long the last value was
    before smolagents cut it for the observation, `memory` a [role, characters, CRC-32] for each message that
    memory held when the request was made (see course/agent/steps.py).
    """

    _type: str
    kind: str
    agent: str | None
    step_number: int | None
    response_id: str | None
    model_output: str | None
    code: str | None
    tool_calls: list[dict[str, Any]] | None
    observation: str | None
    action_output: Any
    output_characters: int | None
    is_final: bool
    error: str | None
    tokens: StepTokens | None
    memory: list[list[Any]] | None
    seconds: float | None
    started: float | None
    ended: float | None
