"""Spans as tests read them: out of OTLP/JSON, or out of Phoenix, with the messages in their flattened attributes."""


class Read:
    """A span of the export, with its attributes as plain values."""

    def __init__(self, span):
        self.id, self.parent, self.trace = span["spanId"], span.get("parentSpanId"), span["traceId"]
        self.name, self.status = span["name"], span["status"]
        self.start, self.end = int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9
        self.events = span.get("events", [])
        self.attributes = {a["key"]: plain(a["value"]) for a in span["attributes"]}

    @property
    def kind(self):
        return self.attributes["openinference.span.kind"]

    def listed(self, prefix):
        return listed(self.attributes, prefix)


def plain(value):
    ((kind, inner),) = value.items()
    return int(inner) if kind == "intValue" else inner


def listed(attributes, prefix):
    """The items of a flattened list."""
    found = {}
    for key, value in attributes.items():
        if key.startswith(f"{prefix}."):
            number, _, rest = key.removeprefix(f"{prefix}.").partition(".")
            found.setdefault(int(number), {})[rest] = value
    assert sorted(found) == list(range(len(found)))
    return [found[n] for n in sorted(found)]


def message(attributes, prefix="message."):
    """Role, text, thinking and calls of an exported message."""
    parts = [
        {k.partition(".")[2]: v for k, v in attributes.items() if k.startswith(f"message.contents.{n}.")}
        for n in range(9)
    ]
    parts = [
        {k.removeprefix(f"contents.{n}.message_content."): v for k, v in p.items()}
        for n, p in enumerate(parts)
    ]
    said = {
        kind: "".join(p.get("text", "") for p in parts if p.get("type") == kind)
        for kind in ("text", "reasoning")
    }
    calls = [
        (attributes[key], attributes[key.replace("name", "arguments")])
        for key in attributes
        if key.endswith("tool_call.function.name")
    ]
    return (
        attributes["message.role"],
        attributes.get("message.content", said["text"]),
        said["reasoning"],
        calls,
    )
