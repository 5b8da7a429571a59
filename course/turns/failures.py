"""The error in a response, in whatever shape the server sends it. Pure; what it means is for `diagnose` to say."""

from typing import Any

from course.turns.reading import RAW, record, text
from course.turns.values import Failure

PLACES = ("message", "detail", "error", "msg", "error_description", "title", "reason", "status_msg")
"""Where the message of an error is: OpenAI's shape and most others; FastAPI; gateways; MiniMax."""


def failure(status: int, response: Any, raw: str) -> Failure | None:
    """The error: with status 400 and more always, else if the body has an error and no answer in its place."""
    where = "response"
    if isinstance(response, list) and response and isinstance(response[0], dict):  # Gemini's
        response, where = response[0], "response[0]"
    given = record(response)
    error = given.get("error")
    if isinstance(error, dict) and error:
        return _of(error, f"{where}.error", raw, given)
    if isinstance(error, str) and error:
        if status < 400 and not text(given.get("message")):
            return Failure(error, f"{where}.error", _word(given.get("type")), _code(given.get("code")), given)
        found = _of(given, where, raw, given)
        return found if found.where != RAW else Failure(error, f"{where}.error", record=given)
    if error:
        return Failure(raw, RAW, record=given)
    base = record(given.get("base_resp"))  # MiniMax's, with every response: 0 is success
    if type(base.get("status_code")) is int and base["status_code"]:
        return _of(base, f"{where}.base_resp", raw, {"code": base["status_code"]})
    if status >= 400 or given.get("object") == "error" or given.get("type") == "error":
        errors = given.get("errors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            return _of(errors[0], f"{where}.errors[0]", raw, given)
        return _of(given, where, raw, given)
    return _in_choice(given, where, raw)


def _in_choice(given: dict[str, Any], where: str, raw: str) -> Failure | None:
    """An error that OpenRouter puts beside what the model wrote before it failed."""
    choices = given.get("choices")
    for n, choice in enumerate(choices if isinstance(choices, list) else []):
        error = record(choice).get("error")
        if isinstance(error, dict) and text(error.get("message")):
            return _of(error, f"{where}.choices[{n}].error", raw, given)
    return None


def _of(error: dict[str, Any], where: str, raw: str, whole: dict[str, Any]) -> Failure:
    code = error.get("code", whole.get("code"))
    kind = _word(error.get("type")) or _word(error.get("status"))
    for key in PLACES:
        value, place = error.get(key), f"{where}.{key}"
        if isinstance(value, str) and value:
            return Failure(value, place, kind, _code(code), error)
        if isinstance(value, list) and (said := text(record(next(iter(value), None)).get("msg"))):
            return Failure(said, f"{place}[0].msg", kind, _code(code), error)
        if isinstance(value, dict) and (said := text(value.get("message"))):
            return Failure(
                said, f"{place}.message", _word(value.get("type")), _code(value.get("code")), value
            )
    return Failure(raw, RAW, kind, _code(code), error)


def _word(value: Any) -> str | None:
    return text(value) or None


def _code(value: Any) -> str | int | None:
    return value if isinstance(value, str) or type(value) is int else None
