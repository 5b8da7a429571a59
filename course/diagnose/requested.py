"""What in a request made the server refuse it: the message out of place, the image, the keyword of a schema. Pure.

A server rarely says which of forty messages it means. These functions look for what its words are about, and name a
place in the request as JSON writes it (`messages[12]`). Nothing is named that the request does not have.

    offending("template-refused", request, {})     # {"place": "messages[2]", "roles": "system, user, user", …}
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from course.turns.dialects import responses

CALLS = ("tool_use", *responses.CALLS)
RESULTS = ("tool_result", *responses.RESULTS)
"""Types of the blocks and items that hold tool calls, and of those that hold their results."""
IMAGES = ("image_url", "input_image", "image", "input_audio", "file")
ROLES = 8
"""How many roles are listed around the one that is out of place."""
CONSTRAINTS = (
    "grammar",
    "json_schema",
    "response_format",
    "tools",
    "text",
    "guided_json",
    "structured_outputs",
)
"""Fields of a request that restrict the output. In /v1/responses, `text` has the format."""
DEPTH = 40
"""How deep a schema is searched."""
SCHEMA_KEYWORDS = (
    "pattern", "patternProperties", "format", "$ref", "$defs", "oneOf", "allOf", "not", "if", "dependentSchemas",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems", "uniqueItems", "contains", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
    "prefixItems", "const",
)  # fmt: skip
"""Keywords of JSON Schema that not every server can turn into a grammar; the likeliest causes first."""


def offending(kind: str, request: Any, words: Mapping[str, Any]) -> dict[str, Any]:
    """The message that the refusal is about: its place, its role and the roles around it."""
    messages = _messages(request)
    if words.get("case") == "same-id":
        return _again(messages, _list_name(request), words.get("call_id"))
    roles = [str(m.get("role", m.get("type", "?"))) for m in messages]
    index = _named(messages, words)
    if index is None and not words.get("case"):
        index = _suspected(kind, messages, roles, words, _is_partial(request, messages))
    found: dict[str, Any] = {"roles": _listed(roles, index)}
    if index is not None:
        found |= {"place": f"{_list_name(request)}[{index}]", "role": roles[index], "index": index}
        if index and roles[index] == roles[index - 1] and kind in ("template-refused", "messages-refused"):
            found["before"] = f"{_list_name(request)}[{index - 1}]"
        if kind == "messages-refused" and not words.get("ending"):
            found |= _pairing(messages[index], str(found["place"]))
        broken = [(name, arguments) for name, arguments in calls(messages[index]) if _broken(arguments)]
        if broken:
            found |= {"call": broken[0][0], "arguments": _end(broken[0][1])}
    return found


def _named(messages: list[dict[str, Any]], words: Mapping[str, Any]) -> int | None:
    """The message that the server names: by its number, by its id, or by that of a call or a result in it."""
    if str(words.get("index") or "").isdigit() and int(words["index"]) < len(messages):
        return int(words["index"])
    if item := words.get("item"):
        return next((i for i, m in enumerate(messages) if m.get("id") == item), None)
    wanted = ("call", str(words["unmet"])) if words.get("unmet") else ("result", str(words.get("call_id")))
    return next((i for i, m in enumerate(messages) if wanted in {(w, id_) for w, id_, _ in _ids(m)}), None)


def _suspected(
    kind: str, messages: list[dict[str, Any]], roles: list[str], words: Mapping[str, Any], is_partial: bool
) -> int | None:
    """The first message that fits what the refusal is about. In a part of a conversation, a call may be elsewhere."""
    if kind == "images-refused":
        return next((i for i, m in enumerate(messages) if _has_image(m)), None)
    if kind == "arguments-refused":
        return next((i for i, m in enumerate(messages) if any(_broken(a) for _, a in calls(m))), None)
    if kind == "template-refused":
        return _out_of_place(roles)
    if kind == "thinking-not-returned":
        is_assistant = (m.get("role") == "assistant" for m in messages)
        return next((i for i, it_is in enumerate(is_assistant) if it_is and _has_calls(messages[i])), None)
    if words.get("ending"):
        return len(messages) - 1 if messages else None
    if words.get("after"):
        pair = (words["after"], words.get("role"))
        return next((i for i in range(1, len(roles)) if (roles[i - 1], roles[i]) == pair), None)
    return None if is_partial else _dangling(messages)


def _is_partial(request: Any, messages: list[dict[str, Any]]) -> bool:
    """Whether the request continues what the server has kept, so that it does not hold the whole conversation."""
    refers = any(_given(request, name) for name in ("previous_response_id", "conversation"))
    return refers or any(m.get("type") == "item_reference" for m in messages)


def _again(messages: list[dict[str, Any]], name: str, wanted: str | None) -> dict[str, Any]:
    """The second call, or the second result, with an id that an earlier one has: the id, and its place."""
    seen: set[tuple[str, str]] = set()
    for i, message in enumerate(messages):
        for what, id_, where in _ids(message):
            if (what, id_) in seen and id_ and wanted in (None, id_):
                return {"call_id": id_, f"second_{what}": f"{name}[{i}]{where}"}
            seen.add((what, id_))
    return {}


def _ids(message: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The ids of the calls and results in a message: "call" or "result", the id ("" if it has none), its path therein."""
    content = message.get("content")
    blocks = [("", message)]
    blocks += [(f".content[{n}]", b) for n, b in enumerate(content if isinstance(content, list) else ())]
    for where, block in blocks:
        if not isinstance(block, dict):
            continue
        own = block.get("call_id") if block.get("type") in RESULTS else None
        result = block.get("tool_call_id") or block.get("tool_use_id") or own
        if result is not None:
            yield "result", str(result), where
        if block.get("type") in CALLS:
            yield "call", str(block.get("call_id") or block.get("id") or ""), where
    given = message.get("tool_calls")
    for n, call in enumerate(given if isinstance(given, list) else ()):
        if isinstance(call, dict):
            yield "call", str(call.get("id") or ""), f".tool_calls[{n}]"


def _pairing(message: Mapping[str, Any], place: str) -> dict[str, str]:
    """Whether the message has calls that need results, or a result that needs its call."""
    if _has_calls(message):
        return {"unanswered": place}
    blocks = [message, *_objects(message.get("content"))]
    results = any(b.get("type") in RESULTS for b in blocks)
    return {"orphan": place} if results or message.get("role") == "tool" else {}


def _has_calls(message: Mapping[str, Any]) -> bool:
    blocks = [message, *_objects(message.get("content"))]
    return bool(message.get("tool_calls")) or any(b.get("type") in CALLS for b in blocks)


def schemas(request: Any) -> dict[str, Any]:
    """What the request restricts the output with, and the keywords in it that servers often do not know."""
    fields = [name for name in CONSTRAINTS if _given(request, name)]
    suspects: dict[str, str] = {}
    for path, keyword, value in _keywords(request):
        shown = f" {json.dumps(value, ensure_ascii=False)[:40]}" if isinstance(value, str) else ""
        suspects.setdefault(keyword, f"{keyword}{shown} in {path}")
    named = ", ".join(suspects[keyword] for keyword in sorted(suspects, key=SCHEMA_KEYWORDS.index)[:3])
    return {"fields": " and ".join(f"`{f}`" for f in fields) or None, "suspects": named or None}


def calls(message: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and arguments of each tool call of a message, in chat completions, responses and messages."""
    for call in _objects(message.get("tool_calls")):
        function = call.get("function")
        if isinstance(function, dict):
            yield str(function.get("name")), function.get("arguments")
    if message.get("type") == "function_call":
        yield str(message.get("name")), message.get("arguments")


def _messages(request: Any) -> list[dict[str, Any]]:
    given = request.get(_list_name(request)) if isinstance(request, dict) else None
    return [m if isinstance(m, dict) else {} for m in given] if isinstance(given, list) else []


def _list_name(request: Any) -> str:
    return (
        "input"
        if isinstance(request, dict) and "messages" not in request and "input" in request
        else "messages"
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _given(request: Any, name: str) -> bool:
    given = request.get(name) if isinstance(request, dict) else None
    return bool(given.get("format") if name == "text" and isinstance(given, dict) else given)


def _has_image(message: Mapping[str, Any]) -> bool:
    return any(part.get("type") in IMAGES for part in _objects(message.get("content"))) or bool(
        message.get("images")
    )


def _broken(arguments: Any) -> bool:
    """Whether arguments that must be JSON are not."""
    if not isinstance(arguments, str):
        return False
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return True
    return False


def _end(arguments: Any) -> str:
    return str(arguments)[-60:]


def _out_of_place(roles: list[str]) -> int | None:
    """What most chat templates refuse: a system message after the first one, or two neighbors with the same role."""
    for i, role in enumerate(roles):
        if role in ("system", "developer") and i > 0:
            return i
        if i and role == roles[i - 1] and role in ("user", "assistant"):
            return i
    started = roles[1:] if roles[:1] in (["system"], ["developer"]) else roles
    return len(roles) - len(started) if started[:1] == ["assistant"] else None


def _dangling(messages: list[dict[str, Any]]) -> int | None:
    """A tool result without a call before it, a call without its result, or assistant messages at the end."""
    asked: dict[str, int] = {}
    for i, message in enumerate(messages):
        for what, id_, _ in _ids(message):
            if what == "call":
                asked[id_] = i
            elif asked.pop(id_, None) is None:
                return i
    if asked:
        return min(asked.values())
    roles = [m.get("role") for m in messages]
    if len(roles) > 1 and roles[-1] == roles[-2] == "assistant":
        return len(roles) - 1
    return next(
        (i for i in range(1, len(roles)) if roles[i] == roles[i - 1] and roles[i] in ("user", "assistant")),
        None,
    )


def _listed(roles: list[str], index: int | None) -> str | None:
    """The roles, those around the index if there are many."""
    if len(roles) <= ROLES:
        return ", ".join(roles) or None
    start = max(0, min((index or 0) - ROLES // 2, len(roles) - ROLES))
    some = ", ".join(roles[start : start + ROLES])
    return ("…, " if start else "") + some + (", …" if start + ROLES < len(roles) else "")


def _keywords(request: Any) -> Iterator[tuple[str, str, Any]]:
    """Paths, keywords and their values, of the schemas in a request."""
    if not isinstance(request, dict):
        return
    for i, tool in enumerate(_objects(request.get("tools"))):
        inner = tool.get("function")
        function = inner if isinstance(inner, dict) else tool
        for key in ("parameters", "input_schema"):
            yield from ((f"tools[{i}]", k, v) for k, v in _within(function.get(key), 0))
    for name in ("response_format", "json_schema", "guided_json", "text", "structured_outputs"):
        yield from ((name, k, v) for k, v in _within(request.get(name), 0))


def _within(schema: Any, depth: int, property_names: bool = False) -> Iterator[tuple[str, Any]]:
    """The keywords within a schema, with their values. The keys of `properties` are names, not keywords."""
    if depth > DEPTH:
        return
    if isinstance(schema, dict):
        for key, inner in schema.items():
            if not property_names and key in SCHEMA_KEYWORDS:
                yield key, inner
            yield from _within(
                inner, depth + 1, key in ("properties", "$defs", "definitions") and not property_names
            )
    elif isinstance(schema, list):
        for inner in schema:
            yield from _within(inner, depth + 1)
