"""What readers rely on in the records of a tape, and a check of it. Pure.

Does: says what is wrong with a record, by the path to it. Does not: read files, repair, or mind what it does not
know: other types of records, other fields, and fields that are missing (unless marked with "!") are right.

    flaws({"_type": "entry", "request": {"method": "GET", "url": 7}})   # ["request.url is a number, not text"]

The format in words: docs/tape.md.
"""

import base64
import binascii
from typing import Any

VERSION = 1  # raised when a reader of the version before would misread a tape; never for something new

TEXT, NUMBER, COUNT, YES_NO = "text", "a number", "a whole number", "true or false"
CHUNKS = "a list of [milliseconds, bytes]"
_PAIRS = [{"name!": TEXT, "value!": TEXT}]

ENTRY = {  # HAR 1.2; a browser's export has it too, without the fields that begin with "_"
    "_id": COUNT,
    "_error": TEXT,
    "_chunks": CHUNKS,  # of the response, since the start of the exchange
    "startedDateTime": TEXT,
    "time": NUMBER,
    "request!": {
        "method!": TEXT,
        "url!": TEXT,
        "headers": _PAIRS,
        "postData": {"mimeType": TEXT, "text": TEXT, "_encoding": TEXT, "_tail": TEXT, "_cut": COUNT},
    },
    "response": {
        "status": COUNT,
        "headers": _PAIRS,
        "content": {"mimeType": TEXT, "text": TEXT, "encoding": TEXT, "_tail": TEXT, "_cut": COUNT},
    },
}
STEP = {
    "kind": TEXT,
    "step_number": COUNT,
    "response_id": TEXT,
    "code": TEXT,
    "observation": TEXT,
    "error": TEXT,
    "is_final": YES_NO,
    "tokens": {"input": COUNT, "output": COUNT},
    "seconds": NUMBER,
    "started": NUMBER,
    "ended": NUMBER,
}
RUN = {"question": TEXT, "model": TEXT, "when": TEXT, "server": {}}
TAPE = {"version!": COUNT, "creator": TEXT}
SHAPES = {"entry": ENTRY, "step": STEP, "run": RUN, "tape": TAPE}

_NUMBERS = (int, float)  # by type(): a bool is an int to isinstance()
_IS = {
    TEXT: lambda v: isinstance(v, str),
    NUMBER: lambda v: type(v) in _NUMBERS,
    COUNT: lambda v: type(v) in _NUMBERS and v == int(v),
    YES_NO: lambda v: isinstance(v, bool),
    CHUNKS: lambda v: (
        isinstance(v, list)
        and all(
            isinstance(c, list) and len(c) == 2 and type(c[0]) in _NUMBERS and type(c[1]) in _NUMBERS
            for c in v
        )
    ),
}


def flaws(record: dict[str, Any]) -> list[str]:
    """What a reader would stumble over; empty for a record that is right or of a type that is not known."""
    shape = SHAPES.get(record.get("_type", "?"))
    if shape is None:
        return []
    found = _flaws(record, shape, "")
    return found if found or record["_type"] != "entry" else _undecodable(record)


def _flaws(value: Any, shape: Any, path: str) -> list[str]:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path} is {_kind(value)}, not an object"]
        found = []
        for key, inner in shape.items():
            name = key.rstrip("!")
            at = f"{path}.{name}".lstrip(".")
            if value.get(name) is not None:
                found += _flaws(value[name], inner, at)
            elif key != name:
                found.append(f"{at} is missing")
        return found
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path} is {_kind(value)}, not a list"]
        return [flaw for i, item in enumerate(value) for flaw in _flaws(item, shape[0], f"{path}[{i}]")]
    return [] if _IS[shape](value) else [f"{path} is {_kind(value)}, not {shape}"]


def _undecodable(entry: dict[str, Any]) -> list[str]:
    request, response = entry["request"], entry.get("response") or {}
    found = []
    for at, body, key in (
        ("request.postData", request.get("postData"), "_encoding"),
        ("response.content", response.get("content"), "encoding"),
    ):
        if (body or {}).get(key) == "base64":
            try:
                base64.b64decode(body.get("text") or "")
            except (binascii.Error, ValueError) as e:
                found.append(f"{at}.text is no base64: {e}")
    return found


_KINDS = {str: "text", list: "a list", dict: "an object", type(None): "null", bool: "true or false"}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number")
