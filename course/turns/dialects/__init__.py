"""The APIs through which clients call a model, each a small module of one shape (shape.py).

Pure. `of` finds the dialect of an exchange: by its address, or by its bodies where they have the shape of another one.
Nothing is translated for sending, and what is not recognized stays in the raw body.
"""

from collections.abc import Callable
from typing import Any

from course.turns.dialects import chat, completions, llama, messages, ollama, responses
from course.turns.dialects.shape import Dialect
from course.turns.reading import Node, Notes, Record
from course.turns.values import Asked

__all__ = ["DIALECTS", "Dialect", "ask", "of", "with_path"]

DIALECTS = (
    messages.DIALECT,
    responses.DIALECT,
    chat.DIALECT,
    completions.DIALECT,
    llama.DIALECT,
    ollama.DIALECT,
)
"""In the order in which they are tried."""


def with_path(path: str) -> Dialect | None:
    """The dialect of an address, by the end of its path."""
    return next((d for d in DIALECTS if d.path.search(path)), None)


def of(path: str, request: Any, response: Any, events: list[Node]) -> tuple[Dialect | None, Dialect | None]:
    """The dialects of the request and of the response. None if the bodies and the path have the shape of none."""
    by_path = with_path(path)
    asked = _found(by_path, lambda d: isinstance(request, dict) and d.is_request(request))
    answered = _found(
        by_path,
        lambda d: (
            any(d.is_event(event.record) for event in events)
            if events
            else isinstance(response, dict) and d.is_response(response)
        ),
    )
    return asked or answered or by_path, answered or by_path or asked


def _found(first: Dialect | None, fits: Callable[[Dialect], bool]) -> Dialect | None:
    return next((d for d in (first, *DIALECTS) if d is not None and fits(d)), None)


def ask(request: Record) -> Asked:
    """What a request asks for, whatever its address is."""
    dialect = of("", request, None, [])[0] or chat.DIALECT
    return dialect.ask(Node(request, "request", Notes()))
