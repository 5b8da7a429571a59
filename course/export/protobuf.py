"""OTLP traces as Protocol Buffers, which is what most collectors want over HTTP. Pure.

Encodes the JSON form that course/export/otlp.py makes. Field numbers are those of opentelemetry-proto 1.9; the wire format
is https://protobuf.dev/programming-guides/encoding/. Only what those traces have is in the tables.
"""

import struct
from collections.abc import Mapping
from typing import Any

Fields = dict[str, tuple[int, str]]

MESSAGES: dict[str, Fields] = {
    "Request": {"resourceSpans": (1, "ResourceSpans")},
    "ResourceSpans": {"resource": (1, "Resource"), "scopeSpans": (2, "ScopeSpans")},
    "Resource": {"attributes": (1, "KeyValue")},
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "Span")},
    "Scope": {"name": (1, "text"), "version": (2, "text")},
    "Span": {
        "traceId": (1, "hex"),
        "spanId": (2, "hex"),
        "parentSpanId": (4, "hex"),
        "name": (5, "text"),
        "kind": (6, "number"),
        "startTimeUnixNano": (7, "fixed64"),
        "endTimeUnixNano": (8, "fixed64"),
        "attributes": (9, "KeyValue"),
        "events": (11, "Event"),
        "status": (15, "Status"),
    },
    "Event": {"timeUnixNano": (1, "fixed64"), "name": (2, "text"), "attributes": (3, "KeyValue")},
    "Status": {"message": (2, "text"), "code": (3, "number")},
    "KeyValue": {"key": (1, "text"), "value": (2, "AnyValue")},
    "AnyValue": {
        "stringValue": (1, "text"),
        "boolValue": (2, "number"),
        "intValue": (3, "number"),
        "doubleValue": (4, "double"),
    },
}
"""By message: its fields by their JSON names, with number and type."""
VARINT, FIXED64, BYTES = 0, 1, 2


def encode(message: Mapping[str, Any], kind: str = "Request") -> bytes:
    """A message in the JSON form as bytes. KeyError for a field that is not in the tables."""
    made = bytearray()
    for name, value in message.items():
        number, of = MESSAGES[kind][name]
        for one in value if isinstance(value, list) else [value]:
            made += _field(number, of, one)
    return bytes(made)


def rejected(response: bytes) -> tuple[int, str]:
    """From an ExportTraceServiceResponse: how many spans the collector refused, and why.

    ValueError if it is not one.
    """
    count, why = 0, ""
    for number, value in _fields(response):
        if number == 1 and isinstance(value, bytes):
            for inner, said in _fields(value):
                if inner == 1 and isinstance(said, int):
                    count = said
                elif inner == 2 and isinstance(said, bytes):
                    why = said.decode("utf-8", "replace")
    return count, why


def _field(number: int, of: str, value: Any) -> bytes:
    if of == "number":
        return _varint(number << 3 | VARINT) + _varint(int(value) & (2**64 - 1))
    if of == "fixed64":
        return _varint(number << 3 | FIXED64) + struct.pack("<Q", int(value))
    if of == "double":
        return _varint(number << 3 | FIXED64) + struct.pack("<d", value)
    inner: bytes
    if of == "text":
        inner = value.encode("utf-8")
    elif of == "hex":
        inner = bytes.fromhex(value)
    else:
        inner = encode(value, of)
    return _varint(number << 3 | BYTES) + _varint(len(inner)) + inner


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a message: number, and a whole number or bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _read(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _read(data, at)
            found.append((number, value))
            continue
        size = {FIXED64: 8, 5: 4}.get(kind)
        if kind == BYTES:
            size, at = _read(data, at)
        if size is None or at + size > len(data):
            raise ValueError("not a message")
        found.append((number, data[at : at + size]))
        at += size
    return found


def _read(data: bytes, at: int) -> tuple[int, int]:
    """A whole number and the place after it."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ValueError("not a message")
