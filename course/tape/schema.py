"""The records of a tape, defined once for writing, reading and documenting them.

Each record is a `TypedDict`, so that it stays a plain dict, as JSON gives it. pydantic checks it when a tape is read
(`flaws`) and makes the JSON Schema of the format (`json_schema`); the tables in docs/tape.md are generated from that.
Nothing here reads a file or repairs a record.

Types of records and fields that are not defined here are allowed. So is a missing field or null, unless the field is
`Required`. A field belongs here if a reader relies on it and another program could write it differently. The rest of HAR
does not belong here.

    flaws({"_type": "entry", "request": {"method": "GET", "url": 7}})   # ["request.url is a number, not text"]
"""

import base64
import binascii
from collections.abc import Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    Required,  # pydantic needs this TypedDict before Python 3.12
)

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainValidator,
    Strict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict

LARGEST = 2**64
"""No count is larger, not even one in nanoseconds. What is could overflow a float, or have too many digits to be shown."""
VERSION = 1  # raised only if readers of the previous version would misread a tape, not for additions


def _checked(shape: Any, words: str) -> GetPydanticSchema:
    """Have pydantic check that a value is a `shape`. `words` say what it should have been."""

    def schema(_: Any, handler: GetCoreSchemaHandler) -> Any:
        inner = handler.generate_schema(shape)
        error = {"custom_error_type": "unexpected", "custom_error_message": words}
        return {"type": "custom-error", "schema": inner, **error}

    return GetPydanticSchema(schema)


def _int(value: Any, info: ValidationInfo) -> int:
    """A whole number as an int, whose JSON may be 1.0 or 1e3. Notes in the context, a list, that it was a float."""
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST or value != value // 1:
        raise ValueError
    if type(value) is float and info.context is not None:
        info.context.append(value)
    return int(value)


_Number = Annotated[float, Strict()]
_Whole = Annotated[
    int,
    PlainValidator(_int),
    WithJsonSchema({"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}),
]
_Text = Annotated[str, Strict()]

Text = Annotated[str, _checked(_Text, "text")]
YesNo = Annotated[bool, _checked(Annotated[bool, Strict()], "true or false")]
Number = Annotated[float, _checked(_Number, "a number")]
Count = Annotated[int, _checked(_Whole, "a whole number")]
Output = Annotated[str | list[Any], _checked(_Text | list[Any], "text or a list")]
Chunks = Annotated[
    list[list[float]], _checked(list[tuple[_Number, _Number]], "a list of [milliseconds, bytes]")
]
Memory = Annotated[
    list[list[Any]],
    _checked(list[tuple[_Text, _Whole | None, _Text | None]], "a list of [role, characters, CRC-32]"),
]


class Header(TypedDict, total=False):
    """One header, in the order and the case in which it was sent."""

    name: Required[Text]
    value: Required[Text]


class PostData(TypedDict, total=False):
    """The body of a request."""

    mimeType: Annotated[Text | None, Field(description="media type of the body")]
    text: Annotated[Text | None, Field(description="the body as it was sent")]
    _encoding: Annotated[Text | None, Field(description="`base64` if the body is not text")]
    _tail: Annotated[
        Text | None,
        Field(description="base64: the first bytes of a character that was cut in two at the end of `text`"),
    ]
    _cut: Annotated[Count | None, Field(description="how many bytes of the body are missing from the tape")]


class Content(TypedDict, total=False):
    """The body of a response."""

    mimeType: Annotated[
        Text | None,
        Field(
            description="media type of the body; a stream has `text/event-stream`, in Ollama's API `application/x-ndjson`"
        ),
    ]
    text: Annotated[Text | None, Field(description="the body as received, decompressed")]
    encoding: Annotated[Text | None, Field(description="`base64` if the body is not text")]
    _tail: Annotated[Text | None, Field(description="as in the request")]
    _cut: Annotated[Count | None, Field(description="as in the request")]


class Request(TypedDict, total=False):
    """What was sent."""

    method: Required[Annotated[Text, Field(description="as in HAR")]]
    url: Required[
        Annotated[Text, Field(description="as in HAR, without user name, password and secret values")]
    ]
    headers: Annotated[list[Header] | None, Field(description="`name` and `value` of each")]
    postData: PostData | None


class Response(TypedDict, total=False):
    """What came back."""

    status: Annotated[Count | None, Field(description="0 if no response came")]
    headers: Annotated[list[Header] | None, Field(description="`name` and `value` of each")]
    content: Content | None


class Entry(TypedDict, total=False):
    """One exchange: an entry of HAR 1.2. The fields that begin with an underscore are the course's own."""

    _type: Required[Literal["entry"]]
    _id: Annotated[Count | None, Field(description="sequence number on this tape, from 1")]
    _error: Annotated[Text | None, Field(description="why the exchange ended early; null if it did not")]
    _chunks: Annotated[
        Chunks | None,
        Field(
            description="for each chunk of the response: milliseconds since the start, and size in bytes "
            "(the 131,072nd and all later ones are one pair)"
        ),
    ]
    startedDateTime: Annotated[Text | None, Field(description="when it began, in ISO 8601")]
    time: Annotated[Number | None, Field(description="how long it took, in milliseconds")]
    request: Required[Request]
    response: Response | None


class Tokens(TypedDict, total=False):
    """Tokens as smolagents counted them."""

    input: Count | None
    output: Count | None


class ToolCall(TypedDict, total=False):
    """One tool call that smolagents parsed from a response."""

    name: Text | None
    arguments: Any
    id: Text | None


class Step(TypedDict, total=False):
    """One step of smolagents, as in the agent's memory."""

    _type: Required[Literal["step"]]
    kind: Annotated[
        Text | None,
        Field(description="`action`, `planning`, or `max_steps` for the call after the last step"),
    ]
    agent: Annotated[
        Text | None, Field(description="the agent's name; null unless it has one (managed agents do)")
    ]
    step_number: Annotated[
        Count | None, Field(description="as in smolagents, from 1; null in a planning step")
    ]
    response_id: Annotated[
        Text | None,
        Field(description="joins the step to the entry whose response has this `id`; null when streaming"),
    ]
    model_output: Annotated[
        Output | None, Field(description="the model's text as smolagents kept it, or the plan")
    ]
    code: Annotated[Text | None, Field(description="the Python code that ran")]
    tool_calls: Annotated[
        list[ToolCall] | None,
        Field(
            description="the tool calls that smolagents parsed: `name`, `arguments`, `id`; null if the agent writes code"
        ),
    ]
    observation: Annotated[
        Text | None, Field(description="what the model is told about the outcome of the step")
    ]
    action_output: Annotated[
        Any, Field(description="the value that the step returned; in the last step, the answer")
    ]
    output_characters: Annotated[
        Count | None,
        Field(description="length of that value as text, before smolagents truncated it for the observation"),
    ]
    error: Annotated[Text | None, Field(description="why the step failed, in smolagents' words")]
    is_final: Annotated[YesNo | None, Field(description="whether the step gave the final answer")]
    tokens: Annotated[
        Tokens | None, Field(description="`input` and `output` tokens as smolagents counted them")
    ]
    memory: Annotated[
        Memory | None,
        Field(
            description="for each message in memory when the request was made: role, number of characters, CRC-32 of its "
            "text; the last two are null if the message has more than text"
        ),
    ]
    seconds: Annotated[Number | None, Field(description="how long the step took")]
    started: Annotated[Number | None, Field(description="when it began, in seconds since 1970")]
    ended: Annotated[Number | None, Field(description="when it ended, in seconds since 1970")]


class Run(TypedDict, total=False):
    """A question for an agent. The entries and steps that follow belong to it."""

    _type: Required[Literal["run"]]
    question: Annotated[Text | None, Field(description="what was asked")]
    model: Annotated[Text | None, Field(description="the model's name, as sent with each request")]
    when: Annotated[Text | None, Field(description="when it began, in ISO 8601")]
    server: Annotated[
        dict[str, Any] | None,
        Field(
            description="from llama-server's `/props`: `build`, `model_path`, `n_ctx`; and the `command` that "
            "started it, if the course did"
        ),
    ]


class Replay(TypedDict, total=False):
    """A note that the next entry is a recorded request, sent again."""

    _type: Required[Literal["replay"]]
    source: Annotated[Text | None, Field(description="the file that has the recorded request, if known")]
    turn: Annotated[Text | None, Field(description="its turn there")]
    entry: Annotated[Count | None, Field(description="the `_id` of its entry there")]
    changes: Annotated[
        list[dict[str, Any]] | None,
        Field(
            description="what was changed in it: `path`, `before` and `after` of each place; null where there is "
            "no such field"
        ),
    ]
    server: Annotated[Text | None, Field(description="the address that it was sent to, without its path")]


class Head(TypedDict, total=False):
    """The first line of a tape."""

    _type: Required[Literal["tape"]]
    version: Required[Annotated[Count, Field(description=f"version of the format, {VERSION}")]]
    creator: Annotated[Text | None, Field(description="the program that wrote the tape, and its version")]


RECORDS: dict[str, Any] = {"tape": Head, "entry": Entry, "run": Run, "step": Step, "replay": Replay}
"""What a record is, by its `_type`."""


def checked(record: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The record with its counts as ints, which may be 1.0 in JSON, and its flaws (see `flaws`)."""
    kind = record.get("_type")
    if not isinstance(kind, str) or kind not in RECORDS:
        return record, []
    floats: list[float] = []
    try:
        made = _adapter(kind).validate_python(record, context=floats)
    except ValidationError as e:
        said = [_in_words(error) for error in e.errors(include_url=False, include_context=False)]
        return record, list(dict.fromkeys(said))
    if floats:
        record = _with_ints(record, made)
    return record, _undecodable(record) if kind == "entry" else []


def flaws(record: dict[str, Any]) -> list[str]:
    """What is wrong with the record, each flaw with its path; empty if it is valid or of an unknown type."""
    return checked(record)[1]


def _with_ints(given: Any, made: Any) -> Any:
    """The given value, with pydantic's ints in the place of floats. It keeps only the fields that it knows."""
    if isinstance(given, dict) and isinstance(made, dict):
        return {key: _with_ints(value, made.get(key)) for key, value in given.items()}
    if isinstance(given, list) and isinstance(made, list | tuple):
        return [_with_ints(*pair) for pair in zip(given, made, strict=True)]
    return made if type(made) is int and type(given) is float else given


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of a tape. A record of an unknown type is valid."""
    schemas, shared = TypeAdapter.json_schemas(
        [(kind, "validation", _adapter(kind)) for kind in RECORDS], schema_generator=_Untitled
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of a tape",
        "type": "object",
        "allOf": [
            {
                "if": {"properties": {"_type": {"const": kind}}, "required": ["_type"]},
                "then": schemas[kind, "validation"],
            }
            for kind in RECORDS
        ],
        "$defs": shared["$defs"],
    }


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(RECORDS[kind])


class _Untitled(GenerateJsonSchema):
    """Without titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


_KINDS = {str: "text", list: "a list", dict: "an object", type(None): "null", bool: "true or false"}


def _in_words(error: Mapping[str, Any]) -> str:
    at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    value, kind = error["input"], error["type"]
    if kind == "missing" or (value is None and isinstance(error["loc"][-1], str)):
        return f"{at} is missing"
    wanted = {"dict_type": "an object", "list_type": "a list"}.get(kind, error["msg"])
    return f"{at} is {_KINDS.get(type(value), 'a number')}, not {wanted}"


def _undecodable(entry: Mapping[str, Any]) -> list[str]:
    """Bodies that say they are base64 and are not."""
    request, response = entry["request"], entry.get("response") or {}
    found = []
    for at, body, key in (
        ("request.postData", request.get("postData"), "_encoding"),
        ("response.content", response.get("content"), "encoding"),
    ):
        if body and body.get(key) == "base64":
            try:
                base64.b64decode(body.get("text") or "")
            except (binascii.Error, ValueError) as e:
                found.append(f"{at}.text is not base64: {e}")
    return found
